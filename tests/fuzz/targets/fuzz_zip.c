/* Fuzzes the zip container of torch.save and what lies in it. The input is a whole file. Most mutations change one
 * entry and write the archive anew around it, with checksums of 0, which the reader takes for "none": that way they get
 * past the directory and the checksum. The others change bytes anywhere. */
#include <string.h>

#include "ghostnet/files/bytes.h"
#include "tests/fuzz/fuzz.h"

#define LOCAL_BYTES   30u
#define CENTRAL_BYTES 46u
#define END_BYTES     22u
#define END64_BYTES   76u /* with the record that tells where it is */
#define ENTRIES       32u
#define ROOM          16384u

struct entry {
    const uint8_t *name, *extra, *data;
    size_t name_length, extra_length, size;
    uint32_t claimed; /* the size in both headers */
};

struct archive {
    struct entry entries[ENTRIES];
    size_t count;
};

struct writer {
    uint8_t bytes[ROOM];
    size_t count;
    bool is_full;
};

static void store_u16(uint8_t *to, size_t value)
{
    to[0] = (uint8_t)(value & 0xff);
    to[1] = (uint8_t)(value >> 8 & 0xff);
}

/* The stored entries, as far as the local headers lead; what is damaged ends the list. */
static void read_archive(const uint8_t *bytes, size_t count, struct archive *out)
{
    out->count = 0;
    for (size_t at = 0; out->count < ENTRIES && count - at >= LOCAL_BYTES;) {
        const uint8_t *header = bytes + at;
        size_t name = gvk_load_u16(header + 26), extra = gvk_load_u16(header + 28), size = gvk_load_u32(header + 22);
        size_t room = count - at - LOCAL_BYTES;
        if (memcmp(header, "PK\3\4", 4) != 0 || name + extra > room || size > room - name - extra)
            return;
        out->entries[out->count++] = (struct entry){.name = header + LOCAL_BYTES,
                                                    .name_length = name,
                                                    .extra = header + LOCAL_BYTES + name,
                                                    .extra_length = extra,
                                                    .data = header + LOCAL_BYTES + name + extra,
                                                    .size = size,
                                                    .claimed = (uint32_t)size};
        at += LOCAL_BYTES + name + extra + size;
    }
}

static uint8_t *reserve(struct writer *to, size_t bytes)
{
    if (to->is_full || bytes > sizeof to->bytes - to->count) {
        to->is_full = true;
        return NULL;
    }
    uint8_t *at = to->bytes + to->count;
    memset(at, 0, bytes);
    to->count += bytes;
    return at;
}

static void append(struct writer *to, const uint8_t *bytes, size_t count)
{
    uint8_t *at = reserve(to, count);
    if (at && count)
        memcpy(at, bytes, count);
}

static void write_archive(const struct archive *archive, bool has_end64, struct writer *to)
{
    size_t offsets[ENTRIES];
    uint8_t *header;
    to->count = 0;
    to->is_full = false;
    for (size_t i = 0; i < archive->count; i++) {
        const struct entry *entry = &archive->entries[i];
        offsets[i] = to->count;
        header = reserve(to, LOCAL_BYTES);
        if (!header)
            return;
        memcpy(header, "PK\3\4", 4);
        gvk_store_u32(header + 18, entry->claimed);
        gvk_store_u32(header + 22, entry->claimed);
        store_u16(header + 26, entry->name_length);
        store_u16(header + 28, entry->extra_length);
        append(to, entry->name, entry->name_length);
        append(to, entry->extra, entry->extra_length);
        append(to, entry->data, entry->size);
    }
    size_t directory = to->count;
    for (size_t i = 0; i < archive->count; i++) {
        const struct entry *entry = &archive->entries[i];
        header = reserve(to, CENTRAL_BYTES);
        if (!header)
            return;
        memcpy(header, "PK\1\2", 4);
        gvk_store_u32(header + 20, entry->claimed);
        gvk_store_u32(header + 24, entry->claimed);
        store_u16(header + 28, entry->name_length);
        gvk_store_u32(header + 42, (uint32_t)offsets[i]);
        append(to, entry->name, entry->name_length);
    }
    size_t directory_bytes = to->count - directory;
    if (has_end64) {
        header = reserve(to, END64_BYTES);
        if (!header)
            return;
        memcpy(header, "PK\6\6\54", 5);
        gvk_store_u32(header + 24, (uint32_t)archive->count);
        gvk_store_u32(header + 32, (uint32_t)archive->count);
        gvk_store_u32(header + 40, (uint32_t)directory_bytes);
        gvk_store_u32(header + 48, (uint32_t)directory);
        memcpy(header + 56, "PK\6\7", 4);
        gvk_store_u32(header + 64, (uint32_t)(directory + directory_bytes));
        gvk_store_u32(header + 72, 1);
    }
    header = reserve(to, END_BYTES);
    if (!header)
        return;
    memcpy(header, "PK\5\6", 4);
    store_u16(header + 8, archive->count);
    store_u16(header + 10, archive->count);
    gvk_store_u32(header + 12, (uint32_t)directory_bytes);
    gvk_store_u32(header + 16, (uint32_t)directory);
}

static bool is_pickle(const struct entry *entry)
{
    return entry->name_length > 4 && memcmp(entry->name + entry->name_length - 4, ".pkl", 4) == 0;
}

/* Another size than there is data, behind another extra field. */
static void lie(struct entry *entry, unsigned seed)
{
    static uint8_t extra[1024];
    size_t count = entry->extra_length < sizeof extra / 2 ? entry->extra_length : sizeof extra / 2;
    if (count)
        memcpy(extra, entry->extra, count);
    if (seed % 4) {
        entry->extra = extra;
        entry->extra_length = LLVMFuzzerMutate(extra, count, sizeof extra);
    }
    if (seed / 4 % 4)
        entry->claimed = entry->claimed + seed / 16 % 1024 - 256;
}

/* Changes the data of one entry, mostly the pickle's, or its name. */
static void mutate_entry(struct archive *archive, unsigned seed)
{
    static uint8_t changed[ROOM];
    struct entry *entry = &archive->entries[seed / 8 % archive->count];
    for (size_t i = 0; i < archive->count && seed % 4 != 0; i++)
        if (is_pickle(&archive->entries[i]))
            entry = &archive->entries[i];
    bool is_name = seed % 64 == 0;
    const uint8_t *from = is_name ? entry->name : entry->data;
    size_t count = is_name ? entry->name_length : entry->size;
    if (count > sizeof changed)
        return;
    if (count)
        memcpy(changed, from, count);
    count = LLVMFuzzerMutate(changed, count, is_name ? 64 : sizeof changed / 4);
    if (is_name) {
        entry->name = changed;
        entry->name_length = count;
    } else {
        entry->data = changed;
        entry->size = count;
        entry->claimed = (uint32_t)count;
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    static struct archive archive;
    static struct writer made;
    unsigned choice = seed % 8;
    bool has_end64 = seed / 8 % 2;
    seed /= 16;
    read_archive(data, size, &archive);
    if (choice == 0 || archive.count == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    struct entry *entry = &archive.entries[seed % archive.count];
    if (choice == 1) {
        lie(entry, seed / ENTRIES);
    } else if (choice == 2) { /* an entry less */
        *entry = archive.entries[--archive.count];
    } else if (choice == 3) { /* an entry with another one's data */
        const struct entry *other = &archive.entries[seed / ENTRIES % archive.count];
        entry->data = other->data;
        entry->size = other->size;
        entry->claimed = other->claimed;
    } else {
        mutate_entry(&archive, seed);
    }
    write_archive(&archive, has_end64, &made);
    if (made.is_full || made.count > max_size)
        return LLVMFuzzerMutate(data, size, max_size);
    memcpy(data, made.bytes, made.count);
    return made.count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size >= 4 && memcmp(data, "PK\3\4", 4) == 0)
        fuzz_open_checkpoint(data, size);
    return 0;
}
