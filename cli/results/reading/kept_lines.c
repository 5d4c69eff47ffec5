/* See kept_lines.h. A line's picture is its "file", or, where that name is no UTF-8, the hexadecimal "file_bytes". */
#include "kept_lines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/output_file.h"
#include "cli/system/files.h"
#include "json_walk.h"

#define LINE_BYTES_MAX ((size_t)1 << 30)
#define PIECE_BYTES    ((size_t)1 << 16)

/* The path, a zero byte, the frame: from malloc, NULL when memory ran out. */
static char *make_key(const char *path, size_t path_length, int64_t frame, size_t *length)
{
    char number[32];
    int digits = snprintf(number, sizeof number, "%lld", (long long)(frame < 0 ? -1 : frame));
    *length = path_length + 1 + (size_t)digits;
    char *key = malloc(*length);
    if (key) {
        memcpy(key, path, path_length);
        key[path_length] = 0;
        memcpy(key + path_length + 1, number, (size_t)digits);
    }
    return key;
}

/* In place: what the hexadecimal digits say. */
static bool decode_bytes(char *text, size_t *length)
{
    if (*length % 2)
        return false;
    for (size_t index = 0; index < *length / 2; index++) {
        unsigned byte = 0;
        for (int half = 0; half < 2; half++) {
            static const char digits[] = "0123456789abcdef";
            const char *digit = text[2 * index + (size_t)half] ? strchr(digits, text[2 * index + (size_t)half]) : NULL;
            if (!digit)
                return false;
            byte = byte << 4 | (unsigned)(digit - digits);
        }
        text[index] = (char)byte;
    }
    *length /= 2;
    return true;
}

enum line_state { LINE_TAKEN, LINE_FAILED, LINE_FOREIGN, LINE_NO_MEMORY };

/* `line` ends with a zero byte. */
static enum line_state take_line(struct kept_lines *kept, const char *line)
{
    struct json_walk walk = {.at = line};
    struct json_text key, file = {0}, bytes = {0};
    bool has_error = false, first = true, broken = !json_take(&walk, '{');
    int64_t frame = -1;
    while (!broken && json_next_member(&walk, &first, &broken, &key)) {
        if (json_text_is(&key, "file"))
            broken = !json_take_text(&walk, &file);
        else if (json_text_is(&key, "file_bytes"))
            broken = !json_take_text(&walk, &bytes);
        else if (json_text_is(&key, "frame"))
            broken = !json_take_integer(&walk, &frame);
        else {
            has_error = has_error || json_text_is(&key, "error");
            broken = !json_skip(&walk);
        }
    }
    if (broken || !file.start || *(walk.at + strspn(walk.at, " \t\r")))
        return LINE_FOREIGN;
    if (has_error)
        return LINE_FAILED;
    size_t length = 0, key_length = 0;
    char *path = json_text_decode(bytes.start ? &bytes : &file, &length);
    if (!path)
        return LINE_NO_MEMORY;
    if (bytes.start && !decode_bytes(path, &length)) {
        free(path);
        return LINE_FOREIGN;
    }
    char *name = make_key(path, length, frame, &key_length);
    bool is_new, put = name && name_map_put(&kept->names, name, key_length, 0, NULL, &is_new);
    free(name);
    free(path);
    kept->count += put;
    return put ? LINE_TAKEN : LINE_NO_MEMORY;
}

static bool note_failed(struct kept_lines *kept, uint64_t size)
{
    if ((kept->failed_count & (kept->failed_count + 1)) == 0) { /* one below a power of two: there is no room left */
        struct line_place *grown = realloc(kept->failed, 2 * (kept->failed_count + 1) * sizeof *grown);
        if (!grown)
            return false;
        kept->failed = grown;
    }
    kept->failed[kept->failed_count++] = (struct line_place){kept->whole_bytes, kept->whole_bytes + size};
    return true;
}

bool kept_lines_read(const char *path, struct kept_lines *out, char *message, size_t message_size)
{
    *out = (struct kept_lines){0};
    char *text = NULL;
    size_t length = 0, capacity = 0;
    bool success = false;
    int file = file_open(path);
    if (file < 0) {
        if (errno == ENOENT)
            return true;
        snprintf(message, message_size, "cannot be opened: %s", strerror(errno));
        return false;
    }
    for (;;) {
        if (capacity - length < PIECE_BYTES + 1) {
            size_t larger = capacity ? capacity * 2 : 4 * PIECE_BYTES;
            char *grown = larger <= 2 * LINE_BYTES_MAX ? realloc(text, larger) : NULL;
            if (!grown) {
                snprintf(message, message_size, "has a line that needs more memory than there is");
                goto done;
            }
            text = grown;
            capacity = larger;
        }
        ptrdiff_t got = file_read(file, text + length, PIECE_BYTES);
        if (got < 0) {
            snprintf(message, message_size, "cannot be read: %s", strerror(errno));
            goto done;
        }
        if (got == 0)
            break;
        char *start = text, *end;
        char *from = text + length;
        length += (size_t)got;
        while ((end = memchr(from, '\n', (size_t)(text + length - from))) != NULL) {
            *end = 0;
            bool has_zero = strlen(start) != (size_t)(end - start);
            enum line_state state = has_zero ? LINE_FOREIGN : take_line(out, start);
            if (state == LINE_FAILED)
                state = note_failed(out, (uint64_t)(end + 1 - start)) ? LINE_TAKEN : LINE_NO_MEMORY;
            if (state != LINE_TAKEN) {
                if (state == LINE_FOREIGN)
                    snprintf(message, message_size, "cannot be added to: its line %zu is no picture's result",
                             out->count + out->failed_count + 1);
                else
                    snprintf(message, message_size, "needs more memory than there is");
                goto done;
            }
            out->whole_bytes += (uint64_t)(end + 1 - start);
            start = from = end + 1;
        }
        length -= (size_t)(start - text);
        memmove(text, start, length);
    }
    success = true;
done:
    file_close(file);
    free(text);
    return success;
}

bool kept_lines_have(const struct kept_lines *kept, const char *path, int64_t frame)
{
    size_t length;
    char *key = kept->count ? make_key(path, strlen(path), frame, &length) : NULL;
    bool have = key && name_map_get(&kept->names, key, length);
    free(key);
    return have;
}

/* The bytes from `at` to `end`. */
static bool copy_bytes(int from, uint64_t at, uint64_t end, FILE *to)
{
    char piece[16384];
    while (at < end) {
        size_t wanted = end - at < sizeof piece ? (size_t)(end - at) : sizeof piece;
        ptrdiff_t got = file_read_at(from, piece, wanted, at);
        if (got <= 0 || fwrite(piece, 1, (size_t)got, to) != (size_t)got)
            return false;
        at += (uint64_t)got;
    }
    return true;
}

bool kept_lines_drop_failed(struct kept_lines *kept, const char *path, char *message, size_t message_size)
{
    struct output_file out = {0};
    uint64_t at = 0, dropped = 0;
    if (!kept->failed_count)
        return true;
    int file = file_open(path);
    if (file < 0 || !output_file_open(&out, path, message, message_size)) {
        if (file < 0)
            snprintf(message, message_size, "cannot be opened: %s", strerror(errno));
        else
            file_close(file);
        return false;
    }
    bool is_whole = true;
    for (size_t index = 0; index <= kept->failed_count && is_whole; index++) {
        const struct line_place *line = index < kept->failed_count ? &kept->failed[index] : NULL;
        is_whole = copy_bytes(file, at, line ? line->start : kept->whole_bytes, out.stream);
        at = line ? line->end : at;
        dropped += line ? line->end - line->start : 0;
    }
    file_close(file);
    if (!is_whole) {
        snprintf(message, message_size, "cannot be copied");
        output_file_abort(&out);
        return false;
    }
    if (!output_file_commit(&out, message, message_size))
        return false;
    kept->whole_bytes -= dropped;
    kept->failed_count = 0;
    return true;
}

void kept_lines_release(struct kept_lines *kept)
{
    free(kept->failed);
    name_map_release(&kept->names);
    *kept = (struct kept_lines){0};
}
