/* The program as a person runs it: each test starts the real program in a folder of its own and reads what it wrote.
 * GVK_PROGRAM is its path, GVK_MODEL_DIR the folder of the shipped model; the Vulkan device is the one that the
 * environment gives. For the tests test_cli_*.c. */
#ifndef GVK_TESTS_CLI_PROGRAM_H
#define GVK_TESTS_CLI_PROGRAM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MODEL  GVK_MODEL_DIR "/blood-cells.safetensors"
#define SMEAR1 GVK_MODEL_DIR "/samples/smear-1.jpg"
#define SMEAR2 GVK_MODEL_DIR "/samples/smear-2.jpg"
#define SMALL  "--size", "96x96" /* fast, where the boxes do not matter */

/* ---- files ---- */

char *read_whole(const char *path, size_t *size); /* a NUL behind it; the caller frees */
void write_bytes(const char *path, const void *bytes, size_t count);
void write_text(const char *path, const char *text);
void copy_file(const char *from, const char *to);
bool exists(const char *path);
bool has_entry(const char *path, const char *start); /* the start of its name */

/* ---- running the program ---- */

extern char folder[64]; /* the tests' current folder, emptied for each */

extern struct run {
    int code; /* -1: ended by a signal */
    char *out, *err;
} ran; /* the last run */

/* What differs from a plain run. */
struct setting {
    const char *program;   /* NULL: GVK_PROGRAM */
    const char *out_path;  /* where stdout goes; NULL: kept in ran.out */
    bool without_vulkan;   /* no driver is found */
    bool with_interrupt;   /* SIGINT once a temporary output is there */
    const char *wait_name; /* the start of its name */
};

void run_list(const struct setting *setting, const char *const *arguments);
#define RUN_WITH(setting, ...) run_list(setting, (const char *const[]){__VA_ARGS__, NULL})
#define RUN(...)               RUN_WITH(&(struct setting){0}, __VA_ARGS__)

/* ---- what it wrote ---- */

size_t count_of(const char *text, const char *part);
void assert_contains(const char *text, const char *part);
/* The exit code, and exactly one line of stderr that is not a note, holding both parts. */
void assert_refused(int code, const char *part, const char *other);
void assert_done(void);

/* ---- the folder ---- */

int make_folders(void **state);
int remove_folders(void **state);
int empty_folder(void **state);
#define TEST(function) cmocka_unit_test_setup(function, empty_folder)

#endif
