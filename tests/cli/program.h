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

#include "tests/support/child.h"

#define MODEL  GVK_MODEL_DIR "/blood-cells.safetensors"
#define SMEAR1 GVK_MODEL_DIR "/samples/smear-1.jpg"
#define SMEAR2 GVK_MODEL_DIR "/samples/smear-2.jpg"
#define SMALL  "--size", "96x96" /* fast, where the boxes do not matter */

/* ---- files ---- */

/* Files that must be there; a NUL behind it, the caller frees. */
char *read_whole(const char *path, uint64_t *size);
void write_text(const char *path, const char *text);
void copy_file(const char *from, const char *to);

/* ---- running the program ---- */

extern char folder[64]; /* the tests' current folder, emptied for each test */

extern struct child ran; /* the last run */

/* Runs the program as `asked`; what came of it is in `ran`. */
void run_program(const char *program, struct child asked, const char *const *arguments);
#define RUN_WITH(asked, ...) run_program(GVK_PROGRAM, asked, (const char *const[]){__VA_ARGS__, NULL})
#define RUN(...)             RUN_WITH((struct child){.code = 0}, __VA_ARGS__)

extern const char *const no_vulkan[]; /* an environment in which no driver is found */

/* ---- what it wrote ---- */

size_t count_of(const char *text, const char *part);
void assert_contains(const char *text, const char *part);
/* The exit code, and exactly one line of stderr that is not a note, holding both parts. */
void assert_refused(int code, const char *part, const char *other);
void assert_done(void);

/* ---- the folder ---- */

int make_folder(void **state);
int remove_folder(void **state);
int begin_test(void **state); /* the folder is emptied */
#define TEST(function) cmocka_unit_test_setup(function, begin_test)

#endif
