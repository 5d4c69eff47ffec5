/* See tensor_file.h. The format: eight bytes with the header's length, a JSON object with a member for each tensor,
 * then the data. */
#include "tensor_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/json.h"
#include "cli/base/output_file.h"
#include "cli/system/files.h"

#define HEADER_BYTES_MAX ((uint64_t)16 << 20)
#define DEPTH_MAX        16

/* ---- a walk over the header's JSON ------------------------------------------------------------------------------- */

struct walk {
    const char *at; /* the text ends with a zero */
};

static void skip_spaces(struct walk *walk)
{
    walk->at += strspn(walk->at, " \t\r\n");
}

static bool take(struct walk *walk, char wanted)
{
    skip_spaces(walk);
    if (*walk->at != wanted)
        return false;
    walk->at++;
    return true;
}

/* A string, as it is written: names with escapes equal none that is looked for. */
static bool take_string(struct walk *walk, const char **start, size_t *length)
{
    if (!take(walk, '"'))
        return false;
    *start = walk->at;
    for (; *walk->at != '"'; walk->at++) {
        if ((unsigned char)*walk->at < 0x20)
            return false;
        if (*walk->at == '\\' && (unsigned char)*++walk->at < 0x20)
            return false;
    }
    *length = (size_t)(walk->at++ - *start);
    return true;
}

static bool take_integer(struct walk *walk, uint64_t *out)
{
    skip_spaces(walk);
    const char *start = walk->at;
    uint64_t number = 0;
    for (; *walk->at >= '0' && *walk->at <= '9'; walk->at++) {
        uint64_t digit = (uint64_t)(*walk->at - '0');
        if (number > (UINT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *out = number;
    return walk->at != start;
}

/* Up to `capacity` integers in brackets. */
static bool take_integers(struct walk *walk, uint64_t *out, uint32_t capacity, uint32_t *count)
{
    *count = 0;
    if (!take(walk, '['))
        return false;
    if (take(walk, ']'))
        return true;
    do {
        if (*count == capacity || !take_integer(walk, &out[*count]))
            return false;
        ++*count;
    } while (take(walk, ','));
    return take(walk, ']');
}

/* Whatever comes next. Loose about words and numbers, because nothing is done with them. */
static bool skip_value(struct walk *walk)
{
    char closers[DEPTH_MAX];
    unsigned depth = 0;
    do {
        skip_spaces(walk);
        const char *text;
        size_t length;
        if (depth && *walk->at == closers[depth - 1]) {
            walk->at++;
            depth--;
        } else if (*walk->at == '{' || *walk->at == '[') {
            if (depth == DEPTH_MAX)
                return false;
            closers[depth++] = *walk->at++ == '{' ? '}' : ']';
        } else if (*walk->at == '"') {
            if (!take_string(walk, &text, &length))
                return false;
        } else if (depth && (*walk->at == ',' || *walk->at == ':')) {
            walk->at++;
        } else {
            size_t word = strspn(walk->at, "+-.0123456789Eaeflnrstu");
            if (word == 0)
                return false;
            walk->at += word;
        }
    } while (depth);
    return true;
}

static bool is_text(const char *start, size_t length, const char *wanted)
{
    return length == strlen(wanted) && memcmp(start, wanted, length) == 0;
}

/* What the header says of the tensor. */
struct entry {
    bool found, is_fp32;
    uint32_t rank, offset_count;
    uint64_t shape[TENSOR_RANK_MAX];
    uint64_t offsets[2];
};

static bool take_entry(struct walk *walk, struct entry *entry)
{
    *entry = (struct entry){.found = true};
    if (!take(walk, '{'))
        return false;
    do {
        const char *key, *type;
        size_t length, type_length;
        if (!take_string(walk, &key, &length) || !take(walk, ':'))
            return false;
        if (is_text(key, length, "dtype")) {
            if (!take_string(walk, &type, &type_length))
                return false;
            entry->is_fp32 = is_text(type, type_length, "F32");
        } else if (is_text(key, length, "shape")) {
            if (!take_integers(walk, entry->shape, TENSOR_RANK_MAX, &entry->rank))
                return false;
        } else if (is_text(key, length, "data_offsets")) {
            if (!take_integers(walk, entry->offsets, 2, &entry->offset_count))
                return false;
        } else if (!skip_value(walk)) {
            return false;
        }
    } while (take(walk, ','));
    return take(walk, '}');
}

static bool find_entry(const char *header, size_t header_length, const char *name, struct entry *entry)
{
    struct walk walk = {.at = header};
    *entry = (struct entry){0};
    if (!take(&walk, '{'))
        return false;
    if (!take(&walk, '}')) {
        do {
            const char *key;
            size_t length;
            if (!take_string(&walk, &key, &length) || !take(&walk, ':'))
                return false;
            if (!is_text(key, length, name)) {
                if (!skip_value(&walk))
                    return false;
            } else if (entry->found || !take_entry(&walk, entry)) {
                return false;
            }
        } while (take(&walk, ','));
        if (!take(&walk, '}'))
            return false;
    }
    skip_spaces(&walk);
    return walk.at == header + header_length;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static bool read_exactly(int descriptor, void *out, uint64_t bytes, uint64_t offset, char *message, size_t message_size)
{
    unsigned char *at = out;
    while (bytes) {
        ptrdiff_t got = file_read_at(descriptor, at, bytes < SIZE_MAX ? (size_t)bytes : SIZE_MAX, offset);
        if (got <= 0) {
            snprintf(message, message_size, "cannot be read: %s", got ? strerror(errno) : "it became shorter");
            return false;
        }
        at += got;
        offset += (uint64_t)got;
        bytes -= (uint64_t)got;
    }
    return true;
}

static uint64_t read_u64(const unsigned char bytes[8])
{
    uint64_t value = 0;
    for (int index = 7; index >= 0; index--)
        value = value << 8 | bytes[index];
    return value;
}

/* Whether the entry is fp32 data of the shape it says, inside `data_bytes`. */
static bool check_entry(const struct entry *entry, const char *name, uint64_t data_bytes, char *message,
                        size_t message_size)
{
    if (!entry->found) {
        snprintf(message, message_size, "has no tensor named \"%s\"", name);
        return false;
    }
    if (!entry->is_fp32) {
        snprintf(message, message_size, "has a tensor \"%s\" that is not fp32", name);
        return false;
    }
    uint64_t bytes = sizeof(float);
    bool fits = entry->offset_count == 2 && entry->offsets[0] <= entry->offsets[1] && entry->offsets[1] <= data_bytes;
    for (uint32_t axis = 0; fits && axis < entry->rank; axis++) {
        fits = entry->shape[axis] > 0 && bytes <= data_bytes / entry->shape[axis];
        bytes *= fits ? entry->shape[axis] : 1;
    }
    if (!fits || bytes != entry->offsets[1] - entry->offsets[0]) {
        snprintf(message, message_size, "is damaged: the data of \"%s\" do not fit its shape or the file", name);
        return false;
    }
    return true;
}

bool tensor_file_read(const char *path, struct tensor *out, char *message, size_t message_size)
{
    char *header = NULL;
    float *values = NULL;
    bool success = false;
    int descriptor = file_open(path);
    if (descriptor < 0) {
        snprintf(message, message_size, "cannot be opened: %s", strerror(errno));
        return false;
    }
    struct file_status status;
    if (!file_look_at_open(descriptor, &status)) {
        snprintf(message, message_size, "cannot be read: %s", strerror(errno));
        goto done;
    }
    if (status.kind != FILE_REGULAR) {
        snprintf(message, message_size, "is %s, not a safetensors file",
                 status.kind == FILE_FOLDER ? "a folder" : "a device or pipe");
        goto done;
    }
    uint64_t file_bytes = status.size, header_bytes = 0;
    unsigned char length[8];
    if (file_bytes > TENSOR_FILE_BYTES_MAX) {
        snprintf(message, message_size, "is larger than %u GiB", (unsigned)(TENSOR_FILE_BYTES_MAX >> 30));
        goto done;
    }
    if (file_bytes >= sizeof length) {
        if (!read_exactly(descriptor, length, sizeof length, 0, message, message_size))
            goto done;
        header_bytes = read_u64(length);
    }
    if (header_bytes < 2 || header_bytes > HEADER_BYTES_MAX || header_bytes > file_bytes - sizeof length) {
        snprintf(message, message_size, file_bytes ? "is not a safetensors file" : "is empty");
        goto done;
    }
    header = malloc((size_t)header_bytes + 1);
    if (!header) {
        snprintf(message, message_size, "needs more memory than there is");
        goto done;
    }
    if (!read_exactly(descriptor, header, header_bytes, sizeof length, message, message_size))
        goto done;
    header[header_bytes] = 0;

    struct entry entry;
    uint64_t data_start = sizeof length + header_bytes;
    if (!find_entry(header, (size_t)header_bytes, out->name, &entry)) {
        snprintf(message, message_size, "is not a safetensors file, or its header is damaged");
        goto done;
    }
    if (!check_entry(&entry, out->name, file_bytes - data_start, message, message_size))
        goto done;
    uint64_t bytes = entry.offsets[1] - entry.offsets[0];
    values = bytes <= SIZE_MAX ? malloc((size_t)bytes) : NULL;
    if (!values) {
        snprintf(message, message_size, "needs more memory than there is");
        goto done;
    }
    if (!read_exactly(descriptor, values, bytes, data_start + entry.offsets[0], message, message_size))
        goto done;
    out->rank = entry.rank;
    memcpy(out->shape, entry.shape, sizeof out->shape);
    out->values = values;
    out->bytes = bytes;
    values = NULL;
    success = true;
done:
    free(values);
    free(header);
    file_close(descriptor);
    return success;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

/* The header into `json`'s buffer. False when memory ran out. */
static bool describe_tensors(struct json *json, const struct tensor *tensors, size_t count)
{
    uint64_t offset = 0;
    json_start(json, NULL);
    json_open_object(json, JSON_LINE);
    for (size_t index = 0; index < count; index++) {
        const struct tensor *tensor = &tensors[index];
        json_key(json, tensor->name);
        json_open_object(json, JSON_LINE);
        json_key(json, "dtype");
        json_quoted(json, "F32");
        json_key(json, "shape");
        json_open_array(json, JSON_LINE);
        for (uint32_t axis = 0; axis < tensor->rank; axis++)
            json_unsigned(json, tensor->shape[axis]);
        json_close(json);
        json_key(json, "data_offsets");
        json_open_array(json, JSON_LINE);
        json_unsigned(json, offset);
        json_unsigned(json, offset += tensor->bytes);
        json_close(json);
        json_close(json);
    }
    json_close(json);
    if (!json_finish(json))
        return false;
    json->length--; /* the line's end: the format wants nothing but spaces behind the object */
    return true;
}

static void write_header(FILE *stream, const struct json *json)
{
    size_t padding = (8 - json->length % 8) % 8; /* so that the data are aligned */
    uint64_t length = json->length + padding;
    for (unsigned byte = 0; byte < 8; byte++)
        fputc((int)(length >> (8 * byte) & 0xFF), stream);
    fwrite(json->text, 1, json->length, stream);
    for (; padding; padding--)
        fputc(' ', stream);
}

bool tensor_file_write(const char *path, const struct tensor *tensors, size_t count, char *message, size_t message_size)
{
    struct json json;
    struct output_file file = {0};
    bool success = false;
    if (!describe_tensors(&json, tensors, count)) {
        snprintf(message, message_size, "needs more memory than there is");
        goto done;
    }
    if (!output_file_open(&file, path, message, message_size))
        goto done;
    write_header(file.stream, &json);
    for (size_t index = 0; index < count && !ferror(file.stream); index++)
        fwrite(tensors[index].values, 1, (size_t)tensors[index].bytes, file.stream);
    success = output_file_commit(&file, message, message_size); /* which notices every failed write */
done:
    json_release(&json);
    return success;
}

void tensor_release(struct tensor *tensor)
{
    free(tensor->values);
    *tensor = (struct tensor){.name = tensor->name};
}
