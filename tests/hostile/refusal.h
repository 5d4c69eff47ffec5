/* A hostile model file as the program meets it, and what is promised of its refusal. */
#ifndef GVK_TESTS_HOSTILE_REFUSAL_H
#define GVK_TESTS_HOSTILE_REFUSAL_H

#include "tests/checkpoint/check.h"
#include "tests/support/folder.h"

/* Writes the file, takes its bytes, and runs `ghostvk detect` with it: the documented exit code, one sentence with
 * `words` in it that names the file, no output, processor time and memory as promised. */
void refuse(const char *what, bytes file, const char *words);
/* The same of a file that the caller made as "model" in the current folder; `size` is its size. */
void refuse_model(const char *what, uint64_t size, const char *words);
/* What the refusals since the last call took at most. */
void print_tally(const char *kind);

#endif
