/* What whole training loops save beside the weights is passed over and never called: optimizers, schedulers, random
 * states, paths, dates, numpy's arrays, objects of the training script. The files come from
 * checkpoint/make_training_checkpoints.py. */
#include "check.h"

static void weights_load_from_beside_everything_that_a_training_loop_keeps(void **state)
{
    (void)state;
    check_fixture("zip_training.pth", "torch zip", GVK_TYPE_F32);
    check_fixture("legacy_training.pth", "torch legacy", GVK_TYPE_F32);
    check_fixture("zip_training_half.pth", "torch zip", GVK_TYPE_F16);
}

static void weights_that_lay_on_a_gpu_load(void **state)
{
    (void)state;
    check_fixture("zip_from_gpu.pth", "torch zip", GVK_TYPE_F32);
    check_fixture("legacy_from_gpu.pth", "torch legacy", GVK_TYPE_F32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_load_from_beside_everything_that_a_training_loop_keeps),
        cmocka_unit_test(weights_that_lay_on_a_gpu_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
