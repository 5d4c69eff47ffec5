/* What the files of test_tune share: a small network, a host with a cache, choices that are made up. */
#ifndef GVK_TESTS_TUNING_H
#define GVK_TESTS_TUNING_H

#include "tests/support/harness.h"

#include "runtime/kernel/choice.h"
#include "runtime/model/model.h"

#define CHANNELS 32u
#define SIDE     20u
#define WORK     (SIDE * SIDE) /* of one picture */

/* A cache that holds a single block. */
extern struct cache {
    char key[128];
    unsigned char bytes[4096];
    size_t count;
} cache;
extern const gvk_host caching_host;

gvk_device *open_caching_device(void);
/* A dense stem, a depthwise layer, and two pointwise ones of one shape: "first" and "second". */
gvk_graph *build_graph(void);
/* `out` has room for CHANNELS planes of half the input's sides. */
void run_model(gvk_model *model, float *out);
const struct gvk_graph_node *node_named(const gvk_model *model, const char *name);
struct gvk_pipeline_key kernel_of(const gvk_model *model, const char *name);
void keep_choice(gvk_device *device, const struct gvk_choice *choice);

void a_choice_holds_from_half_to_double_of_what_it_was_measured_for(void **state);
void a_stream_far_from_what_was_measured_has_the_built_in_tile_of_its_weights(void **state);
void a_choice_of_the_built_in_kernel_is_the_one_that_a_stream_of_that_size_takes(void **state);
void a_model_for_unknown_work_takes_the_newest_choices(void **state);
void what_an_older_program_stored_is_left_without_a_warning(void **state);
#define NEAR_AND_FAR_TESTS                                                                                             \
    cmocka_unit_test(a_choice_holds_from_half_to_double_of_what_it_was_measured_for),                                  \
        cmocka_unit_test(a_stream_far_from_what_was_measured_has_the_built_in_tile_of_its_weights),                    \
        cmocka_unit_test(a_choice_of_the_built_in_kernel_is_the_one_that_a_stream_of_that_size_takes),                 \
        cmocka_unit_test(a_model_for_unknown_work_takes_the_newest_choices),                                           \
        cmocka_unit_test(what_an_older_program_stored_is_left_without_a_warning)

#endif
