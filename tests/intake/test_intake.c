/* The ways of pictures into the network's input, wherever they lie: host memory, the host's buffers and images, turned,
 * cropped, converted; and what is made before they come. */
#include "intake.h"

int main(void)
{
    void *state = NULL;
    if (open_intake(&state))
        return 1;
    int failed = run_turned_tests() + run_image_tests() + run_ycbcr_tests() + run_preparing_tests() + run_box_tests();
    close_intake(&state);
    return failed;
}
