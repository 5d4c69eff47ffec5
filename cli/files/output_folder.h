/* A folder for outputs: made with those above it, tried at once, and taken away again when nothing came of it. */
#ifndef GHOSTVK_CLI_OUTPUT_FOLDER_H
#define GHOSTVK_CLI_OUTPUT_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

struct output_folder {
    const char *path; /* NULL: none */
    size_t existing;  /* length of the part of `path` that was there before */
};

/* Makes the folder where it is missing, and tries whether files can be made in it. `path` must outlive it. False with a
 * predicate in `message` ("cannot be written: Permission denied"); then nothing is left. */
bool output_folder_make(struct output_folder *folder, const char *path, char *message, size_t message_size);
/* Removes what was made, as far as it is empty. Accepts a zeroed struct. */
void output_folder_unmake(struct output_folder *folder);

#endif
