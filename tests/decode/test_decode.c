/* Decode and suppression: on given maps against PyTorch, on maps with numbers that are none, behind letterboxed
 * pictures, and as part of a network. The tests are in decode/, one file for each subject; they share a device. */
#include "maps.h"

int main(void)
{
    int failed = 0;
    device = open_test_device();
    if (!device)
        return 1;
    failed += run_reference_tests();
    failed += run_box_tests();
    failed += run_detector_tests();
    close_test_device(device);
    return failed;
}
