/* Which device the program takes where there are several: lavapipe and SwiftShader side by side. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "json_reader.h"
#include "program.h"

#define LAVAPIPE    "llvmpipe"
#define SWIFTSHADER "SwiftShader"

static const char *const orders[][2] = {
    {"VK_ICD_FILENAMES=" GVK_LAVAPIPE_ICD ":" GVK_SWIFTSHADER_ICD, NULL},
    {"VK_ICD_FILENAMES=" GVK_SWIFTSHADER_ICD ":" GVK_LAVAPIPE_ICD, NULL},
};

static void lavapipe_is_taken_before_swiftshader_whatever_the_loader_finds_first(void **state)
{
    (void)state;
    for (size_t index = 0; index < sizeof orders / sizeof *orders; index++) {
        const struct child both = {.environment = orders[index]};
        RUN_WITH(both, "devices", "--json");
        assert_done();
        const char *devices = member(ran.out, "devices");
        assert_contains(member(element(devices, 0), "name"), LAVAPIPE);
        assert_true(strstr(ran.out, LAVAPIPE) < strstr(ran.out, SWIFTSHADER));
        RUN_WITH(both, "inspect", "-m", MODEL, "--device", "0");
        assert_done();
        RUN_WITH(both, "detect", "-m", MODEL, SMALL, SMEAR1);
        assert_done();
        assert_contains(ran.err, "No GPU was found; running on the CPU device " LAVAPIPE);
        assert_contains(ran.out, "Device   " LAVAPIPE);
        RUN_WITH(both, "detect", "-m", MODEL, SMALL, "--device", "cpu", SMEAR1);
        assert_done();
        assert_contains(ran.out, "Device   " LAVAPIPE);
        /* The slow one once by each way. */
        RUN_WITH(both, "detect", "-m", MODEL, SMALL, "--device", index ? "swiftshader" : "1", SMEAR1);
        assert_done();
        assert_contains(ran.out, "Device   " SWIFTSHADER);
    }
}

static void a_name_that_fits_several_devices_lists_them(void **state)
{
    (void)state;
    for (size_t index = 0; index < sizeof orders / sizeof *orders; index++) {
        const struct child both = {.environment = orders[index]};
        static const char *const parts[] = {"e", "E", "("};
        for (size_t part = 0; part < sizeof parts / sizeof *parts; part++) {
            RUN_WITH(both, "detect", "-m", MODEL, "--device", parts[part], SMEAR1);
            assert_refused(2, "0 " LAVAPIPE, "1 " SWIFTSHADER);
        }
    }
}

/* Two of one name cannot be told by it. */
static void two_devices_of_one_name_are_told_by_their_index(void **state)
{
    (void)state;
    copy_file(GVK_LAVAPIPE_ICD, "second.json");
    char variable[512];
    snprintf(variable, sizeof variable, "VK_ICD_FILENAMES=%s:%s/second.json", GVK_LAVAPIPE_ICD, folder);
    const char *const twice[] = {variable, NULL};
    const struct child asked = {.environment = twice};
    RUN_WITH(asked, "devices", "--json");
    assert_done();
    if (count_of(ran.out, "\"index\"") != 2)
        skip(); /* this loader takes the two for one */
    char name[256];
    const char *start = member(element(member(ran.out, "devices"), 0), "name");
    snprintf(name, sizeof name, "%.*s", (int)strcspn(start + 1, "\""), start + 1);
    RUN_WITH(asked, "detect", "-m", MODEL, SMALL, "--device", name, SMEAR1);
    assert_refused(2, "is the name of 2 devices", name);
    RUN_WITH(asked, "detect", "-m", MODEL, SMALL, "--device", "1", SMEAR1);
    assert_done();
}

/* A new machine: nobody has had a cache there yet. */
static void lavapipes_kernels_are_kept_where_the_user_has_no_caches_yet(void **state)
{
    (void)state;
    char home[512];
    snprintf(home, sizeof home, "HOME=%s/home", folder);
    assert_int_equal(mkdir("home", 0755), 0);
    const char *const new_user[] = {"VK_ICD_FILENAMES=" GVK_LAVAPIPE_ICD, "LP_NATIVE_VECTOR_WIDTH=256",
                                    "XDG_CACHE_HOME=", home, NULL};
    assert_int_equal(unsetenv("MESA_SHADER_CACHE_DIR"), 0);
    const struct child asked = {.environment = new_user};
    RUN_WITH(asked, "detect", "-m", MODEL, "--size", "32x32", SMEAR1);
    assert_done();
    assert_int_equal(count_of(ran.err, "shader cache"), 0);
    struct stat status;
    assert_int_equal(stat("home/.cache/ghostvk-mesa-256", &status), 0);
    assert_int_equal(stat("home/.cache", &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lavapipe_is_taken_before_swiftshader_whatever_the_loader_finds_first),
        TEST(a_name_that_fits_several_devices_lists_them),
        TEST(lavapipes_kernels_are_kept_where_the_user_has_no_caches_yet),
        TEST(two_devices_of_one_name_are_told_by_their_index),
    };
    return cmocka_run_group_tests_name("several devices", tests, make_folder, remove_folder);
}
