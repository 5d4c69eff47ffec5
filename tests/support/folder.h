/* Files, and folders that tests make for themselves. */
#ifndef GVK_TEST_FOLDER_H
#define GVK_TEST_FOLDER_H

#include <stdbool.h>
#include <stdint.h>

/* A new empty folder that others may enter, which becomes the current one; and away with it and all that is in it. */
void enter_new_folder(char path[64]);
void leave_folder(const char *path);
void empty_folder(const char *path);
/* The same as cmocka's setup and teardown of a test: in a folder of its own. */
extern char test_folder[64];
int enter_test_folder(void **state);
int leave_test_folder(void **state);
#define TEST_IN_FOLDER(function) cmocka_unit_test_setup_teardown(function, enter_test_folder, leave_test_folder)
/* Names in a folder, sorted, each followed by a newline. The caller frees. */
char *list_folder(const char *path);
bool path_exists(const char *path);
bool has_entry(const char *path, const char *start);        /* a name in the folder that starts so */
bool has_filled_entry(const char *path, const char *start); /* the same, of a file that is not empty */
void write_file(const char *path, const void *bytes, uint64_t count);
/* The caller frees; zero-terminated. NULL when there is none. */
char *read_file(const char *path, uint64_t *count);

#endif
