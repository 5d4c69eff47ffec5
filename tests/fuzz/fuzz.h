/* What the fuzz targets share. Each fuzz_NAME.c is one target in the form that libFuzzer calls; replay.c calls it in
 * the same form over files, so that the corpus also runs where there is no clang. */
#ifndef GVK_TESTS_FUZZ_H
#define GVK_TESTS_FUZZ_H

#include <stdint.h>

#include "ghostnet/checkpoint/checkpoint.h"

/* ---- libFuzzer's names ---- */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* A target may have one; it changes `data` in place and returns the new size. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
/* libFuzzer's (or replay.c's) own mutation. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

/* ---- promises ---- */

/* A promise of the code under test. A broken one is a finding. */
#define FUZZ_CHECK(condition) ((condition) ? (void)0 : fuzz_report(__FILE__, __LINE__, #condition))
_Noreturn void fuzz_report(const char *file, int line, const char *condition);

/* A sentence for a person: not empty, text alone. */
void fuzz_check_sentence(const char *sentence);
/* Reads every byte, so that AddressSanitizer sees a range that is not there. */
void fuzz_touch(const void *data, size_t bytes);

/* strcmp for the targets whose library traces no comparisons. */
int fuzz_strcmp(const char *left, const char *right);

/* ---- the host of an input ---- */

/* The most memory that a host here can lend. */
#define FUZZ_MEMORY ((size_t)48 << 20)

/* A host of `memory` bytes, for one input. Its memory is one block handed out in order, because malloc would take
 * longer than most inputs; blocks are poisoned around and after use, so that AddressSanitizer sees what it would see of
 * malloc. */
const gvk_host *fuzz_begin(size_t memory);
/* The call that was just made returned `result`: a failure says one sentence, a success none. */
void fuzz_check_result(gvk_result result);
/* Everything was released. */
void fuzz_end(void);

/* What holds of every checkpoint that was opened: names, types, sizes, data. */
void fuzz_check_checkpoint(const gvk_checkpoint *checkpoint);
/* Opens the bytes as a checkpoint, checks it, closes it. */
void fuzz_open_checkpoint(const uint8_t *data, size_t size);

#endif
