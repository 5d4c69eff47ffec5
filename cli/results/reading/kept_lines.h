/* The lines that a run before has left in a file of JSON Lines: which pictures and frames they are of, and where the
 * last whole one ends. */
#ifndef GHOSTVK_CLI_KEPT_LINES_H
#define GHOSTVK_CLI_KEPT_LINES_H

#include "name_map.h"

struct line_place {
    uint64_t start, end; /* in bytes; the end is behind its line feed */
};

struct kept_lines {
    struct name_map names;     /* of line_key */
    struct line_place *failed; /* lines that tell of an error; they are in neither `names` nor `count` */
    size_t failed_count;
    size_t count;
    uint64_t whole_bytes; /* behind the last line that is whole; what follows was cut off in the middle */
};

/* False with a predicate in `message`: the file cannot be read, or holds what is no such line ("has no picture's result
 * in line 3"). A file that is not there has no lines. The caller releases it in both cases. */
bool kept_lines_read(const char *path, struct kept_lines *out, char *message, size_t message_size);
bool kept_lines_have(const struct kept_lines *kept, const char *path, int64_t frame);
/* The lines that tell of an error are taken out of the file, in one step; `whole_bytes` is its new size. False with a
 * predicate in `message`; then the file is as it was. */
bool kept_lines_drop_failed(struct kept_lines *kept, const char *path, char *message, size_t message_size);
void kept_lines_release(struct kept_lines *kept);

#endif
