/* Files, and folders that tests make for themselves. */
#ifndef GVK_TEST_FOLDER_H
#define GVK_TEST_FOLDER_H

#include <stdbool.h>
#include <stdint.h>

/* A new empty folder that others may enter, which becomes the current one; and away with it and all that is in it. */
void enter_new_folder(char path[64]);
void leave_folder(const char *path);
void empty_folder(const char *path);
/* Names in a folder, sorted, each followed by a newline. The caller frees. */
char *list_folder(const char *path);
bool path_exists(const char *path);
bool has_entry(const char *path, const char *start); /* a name in the folder that starts so */
void write_file(const char *path, const void *bytes, uint64_t count);
/* The caller frees; zero-terminated. NULL when there is none. */
char *read_file(const char *path, uint64_t *count);

#endif
