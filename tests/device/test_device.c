/* Devices as hosts meet them: listed, chosen, opened, imported, shared by threads, out of memory, given back. The tests
 * are in device/, one file for each subject; here is what they share a start-up for, and the library as a file. */
#include "watch.h"

#include <stdio.h>
#include <string.h>

static void the_library_names_no_vulkan_function(void **state)
{
    (void)state;
    FILE *names = popen("nm -P '" GVK_LIBRARY "'", "r");
    assert_non_null(names);
    char line[1024], first[512], kind[8];
    unsigned symbols = 0, ours = 0;
    while (fgets(line, sizeof line, names)) {
        if (sscanf(line, "%511s %7s", first, kind) != 2)
            continue;
        symbols++;
        ours += !strcmp(first, "gvk_device_open");
        if (!strncmp(first, "vk", 2)) /* defined, it would clash with the host's loader; undefined, it would need one */
            fail_msg("%s has the symbol %s of kind %s", GVK_LIBRARY, first, kind);
    }
    assert_int_equal(pclose(names), 0);
    assert_true(symbols > 100 && ours > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(the_library_names_no_vulkan_function)};
    int failed = 0;
    if (!host_device_create(&shared)) {
        print_error("No Vulkan device could be created: %s\n", shared.fault);
        return 1;
    }
    failed += run_choosing_tests();
    failed += run_importing_tests();
    failed += run_memory_tests();
    failed += run_frame_tests();
    failed += cmocka_run_group_tests_name("the library as a file", tests, NULL, NULL);
    host_device_destroy(&shared);
    return failed;
}
