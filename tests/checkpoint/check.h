/* What the tests of the checkpoint readers share: what the fixtures hold, and checks that a file
 * loads with the right numbers or is refused with one sentence, without a crash, a leak or a partial result. The
 * fixtures come from make_checkpoints.py, other files from build_files.h. */
#ifndef GVK_TESTS_CHECKPOINT_CHECK_H
#define GVK_TESTS_CHECKPOINT_CHECK_H

#include "build_files.h"
#include "ghostnet/checkpoint/checkpoint.h"
#include "tests/support/recorder.h"

/* ---- what the fixtures hold ---- */

const char *fixture(char path[512], const char *name);

typedef struct expectation {
    const char *name;
    unsigned salt;
    uint32_t rank;
    uint64_t shape[4];
    uint64_t first; /* where in the formula the tensor begins */
} expectation;

#define WEIGHT_COUNT 5 /* of a fixture that check_weights() takes; two more tensors are no weights */

float expected_value(uint64_t i, unsigned salt);
float value_at(const gvk_array *array, uint64_t i);
/* `type` GVK_TYPE_OTHER takes any float type. */
void check_tensor(const char *file, const gvk_checkpoint *checkpoint, const expectation *expected, gvk_type type);
void check_weights(const char *file, const gvk_checkpoint *checkpoint, gvk_type type);
gvk_checkpoint *open_good(struct recorder *log, const char *name);
void close_good(struct recorder *log, const char *name, gvk_checkpoint *checkpoint);
void check_fixture(const char *name, const char *format, gvk_type type);

/* ---- what is refused, and what loads ---- */

/* One sentence, nothing left, nothing given; `words` must be in the sentence. */
void check_refusal(const char *what, const struct recorder *log, gvk_result result, gvk_result wanted,
                   const gvk_checkpoint *checkpoint, const char *words);
void check_file_refused(const char *path, gvk_result wanted, const char *words);
void check_fixture_refused(const char *name, const char *words);
/* Takes the file's bytes. */
void check_bytes_refused(const char *what, bytes file, const char *words);
/* Takes the file's bytes; the file must load with `count` tensors. */
void check_bytes_load(const char *what, bytes file, uint32_t count);
unsigned touch_everything(const gvk_checkpoint *checkpoint);

/* ---- one good tensor, and what is put beside it ---- */

extern const float two_floats[2];
extern const tensor_spec good_tensor; /* of a record that holds `two_floats` */

#define TEXT(literal) literal, sizeof(literal) - 1

typedef struct pickle_case {
    const char *what;
    const char *opcodes;
    size_t count;
    const char *words;
} pickle_case;

/* A file whose dict holds a good tensor and `extra`, which are opcodes that leave keys and values. */
bytes pth_with_extra(const void *extra, size_t count);
bytes pth_with_pickle(const void *pickle, size_t count);

#endif
