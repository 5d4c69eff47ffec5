/* Builders of checkpoint files; build_files.h says what each is for. */
#include <stdlib.h>
#include <string.h>

#include "build_files.h"

#include "tests/support/folder.h"

void put(bytes *to, const void *data, size_t count)
{
    if (to->count + count > to->capacity) {
        to->capacity = (to->count + count) * 2 + 256;
        to->data = realloc(to->data, to->capacity);
        if (!to->data)
            abort();
    }
    if (count)
        memcpy(to->data + to->count, data, count);
    to->count += count;
}

void drop(bytes *from)
{
    free(from->data);
    *from = (bytes){.data = NULL};
}

void put_text(bytes *to, const char *text)
{
    put(to, text, strlen(text));
}

void put_number(bytes *to, uint64_t value, size_t width)
{
    for (size_t i = 0; i < width; i++) {
        unsigned char byte = (unsigned char)(i < 8 ? value >> (8 * i) & 0xff : 0);
        put(to, &byte, 1);
    }
}

void patch_number(bytes *in, size_t at, uint64_t value, size_t width)
{
    for (size_t i = 0; i < width; i++)
        in->data[at + i] = (unsigned char)(value >> (8 * i) & 0xff);
}

void put_repeated(bytes *to, const void *data, size_t count, size_t times)
{
    for (size_t i = 0; i < times; i++)
        put(to, data, count);
}

bytes read_whole(const char *path)
{
    uint64_t count = 0;
    void *data = read_file(path, &count);
    return (bytes){.data = data, .count = (size_t)count, .capacity = (size_t)count};
}

/* ---- pickles ---- */

void pickle_text(bytes *to, const char *text)
{
    put_text(to, "X");
    put_number(to, strlen(text), 4);
    put_text(to, text);
}

void pickle_integer(bytes *to, int64_t value)
{
    put(to, "\x8a\x08", 2);
    put_number(to, (uint64_t)value, 8);
}

void pickle_global(bytes *to, const char *module, const char *name)
{
    put_text(to, "c");
    put_text(to, module);
    put_text(to, "\n");
    put_text(to, name);
    put_text(to, "\n");
}

void pickle_storage(bytes *to, const char *class, const char *key, int64_t count, bool is_legacy)
{
    put_text(to, "(");
    pickle_text(to, "storage");
    pickle_global(to, "torch", class);
    pickle_text(to, key);
    pickle_text(to, "cpu");
    pickle_integer(to, count);
    if (is_legacy)
        put_text(to, "N");
    put_text(to, "tQ");
}

void pickle_integers(bytes *to, const int64_t *values, int count)
{
    put_text(to, "(");
    for (int i = 0; i < count; i++)
        pickle_integer(to, values[i]);
    put_text(to, "t");
}

static void pickle_tensor(bytes *to, const tensor_spec *spec, bool is_legacy)
{
    pickle_global(to, "torch._utils", "_rebuild_tensor_v2");
    put_text(to, "(");
    pickle_storage(to, spec->class, spec->key, spec->count, is_legacy);
    pickle_integer(to, spec->offset);
    pickle_integers(to, spec->shape, spec->rank);
    pickle_integers(to, spec->strides, spec->rank);
    put(to, "\x89", 1);
    pickle_global(to, "collections", "OrderedDict");
    put_text(to, ")RtR");
}

bytes pickle_state_dict(const tensor_spec *specs, size_t count, bool is_legacy, const bytes *extra)
{
    bytes pickle = {.data = NULL};
    put(&pickle, "\x80\x02}(", 4);
    for (size_t i = 0; i < count; i++) {
        pickle_text(&pickle, specs[i].name);
        pickle_tensor(&pickle, &specs[i], is_legacy);
    }
    if (extra)
        put(&pickle, extra->data, extra->count);
    put_text(&pickle, "u.");
    return pickle;
}

/* ---- zip archives ---- */

uint32_t checksum(const unsigned char *data, size_t count)
{
    uint32_t sum = 0xffffffffu;
    for (size_t i = 0; i < count; i++) {
        sum ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            sum = sum & 1 ? sum >> 1 ^ 0xedb88320u : sum >> 1;
    }
    return ~sum;
}

bytes build_zip(zip_entry *entries, size_t count, zip_layout *layout)
{
    bytes file = {.data = NULL};
    for (size_t i = 0; i < count; i++) {
        zip_entry *entry = &entries[i];
        const char *name = entry->local_name ? entry->local_name : entry->name;
        unsigned flags = entry->flags | (entry->has_descriptor ? 8u : 0);
        uint32_t sum = checksum(entry->data, entry->size);
        entry->local_at = file.count;
        put(&file, "PK\3\4\0\0", 6);
        put_number(&file, flags, 2);
        put_number(&file, entry->method, 2);
        put_number(&file, 0, 4);
        put_number(&file, entry->has_descriptor ? 0 : sum, 4);
        uint64_t size = entry->has_descriptor ? 0 : entry->is_zip64 ? 0xffffffffu : entry->size;
        put_number(&file, size, 4);
        put_number(&file, size, 4);
        put_number(&file, strlen(name), 2);
        bool has_extra = entry->is_zip64 && !entry->has_descriptor;
        put_number(&file, has_extra ? 20 : 0, 2);
        put_text(&file, name);
        if (has_extra) {
            put(&file, "\1\0\x10\0", 4);
            put_number(&file, entry->size, 8);
            put_number(&file, entry->size, 8);
        }
        put(&file, entry->data, entry->size);
        if (entry->has_descriptor) {
            put(&file, "PK\7\b", 4);
            put_number(&file, sum, 4);
            put_number(&file, entry->size, 4);
            put_number(&file, entry->size, 4);
        }
    }
    layout->directory_at = file.count;
    for (size_t i = 0; i < count; i++) {
        zip_entry *entry = &entries[i];
        entry->central_at = file.count;
        put(&file, "PK\1\2\0\0\0\0", 8);
        put_number(&file, entry->flags | (entry->has_descriptor ? 8u : 0), 2);
        put_number(&file, entry->method, 2);
        put_number(&file, 0, 4);
        put_number(&file, checksum(entry->data, entry->size), 4);
        put_number(&file, entry->is_zip64 ? 0xffffffffu : entry->size, 4);
        put_number(&file, entry->is_zip64 ? 0xffffffffu : entry->size, 4);
        put_number(&file, strlen(entry->name), 2);
        put_number(&file, entry->is_zip64 ? 28 : 0, 2);
        put_number(&file, 0, 10);
        put_number(&file, entry->is_zip64 ? 0xffffffffu : entry->local_at, 4);
        put_text(&file, entry->name);
        if (entry->is_zip64) {
            put(&file, "\1\0\x18\0", 4);
            put_number(&file, entry->size, 8);
            put_number(&file, entry->size, 8);
            put_number(&file, entry->local_at, 8);
        }
    }
    size_t size = file.count - layout->directory_at;
    if (layout->has_end64) {
        layout->end64_at = file.count;
        put(&file, "PK\6\6", 4);
        put_number(&file, 44, 8);
        put_number(&file, 0, 12);
        put_number(&file, count, 8);
        put_number(&file, count, 8);
        put_number(&file, size, 8);
        put_number(&file, layout->directory_at, 8);
        put(&file, "PK\6\7\0\0\0\0", 8);
        put_number(&file, layout->end64_at, 8);
        put_number(&file, 1, 4);
    }
    layout->end_at = file.count;
    const char *comment = layout->comment ? layout->comment : "";
    put(&file, "PK\5\6\0\0\0\0", 8);
    put_number(&file, layout->has_end64 ? 0xffffu : count, 2);
    put_number(&file, layout->has_end64 ? 0xffffu : count, 2);
    put_number(&file, layout->has_end64 ? 0xffffffffu : size, 4);
    put_number(&file, layout->has_end64 ? 0xffffffffu : layout->directory_at, 4);
    put_number(&file, strlen(comment), 2);
    put_text(&file, comment);
    return file;
}

bytes build_pth(const bytes *pickle, const void *record, size_t record_size)
{
    zip_entry entries[] = {{.name = "a/data.pkl", .data = pickle->data, .size = pickle->count, .has_descriptor = true},
                           {.name = "a/data/0", .data = record, .size = record_size, .has_descriptor = true}};
    zip_layout layout = {.has_end64 = true};
    return build_zip(entries, 2, &layout);
}

void clear_checksums(bytes *zip)
{
    for (size_t at = 0; at + 46 <= zip->count; at++) {
        if (memcmp(zip->data + at, "PK\1\2", 4) == 0)
            patch_number(zip, at + 16, 0, 4);
        if (memcmp(zip->data + at, "PK\3\4", 4) == 0)
            patch_number(zip, at + 14, 0, 4);
    }
}

/* ---- legacy streams ---- */

static const char legacy_magic[] = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";

bytes build_legacy(const bytes *object, const legacy_layout *layout)
{
    bytes file = {.data = NULL};
    put(&file, legacy_magic, sizeof legacy_magic - 1);
    if (layout->wrong_magic)
        file.data[8] ^= 1;
    put(&file, "\x80\x02", 2);
    pickle_integer(&file, layout->version);
    put_text(&file, ".");
    put(&file, "\x80\x02}", 3);
    pickle_text(&file, "little_endian");
    put(&file, layout->is_big_endian ? "\x89s." : "\x88s.", 3);
    put(&file, object->data, object->count);
    put(&file, "\x80\x02](", 4);
    for (size_t i = 0; i < layout->key_count; i++)
        pickle_text(&file, layout->keys[i]);
    put_text(&file, "e.");
    for (size_t i = 0; i < layout->key_count; i++) {
        put_number(&file, layout->storage_count, 8);
        for (size_t j = 0; j < layout->storage_bytes; j++)
            put_number(&file, 0, 1);
    }
    return file;
}

/* ---- safetensors ---- */

bytes build_safetensors(const char *header, size_t data_bytes)
{
    bytes file = {.data = NULL};
    put_number(&file, strlen(header), 8);
    put_text(&file, header);
    for (size_t i = 0; i < data_bytes; i++)
        put_number(&file, i, 1);
    return file;
}
