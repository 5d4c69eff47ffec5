/* Wrong calls about devices: listing, opening, wishes, importing, describing. */
#include "misuse.h"

#include <string.h>

#include <volk.h>

#include "tests/support/host_device.h"

static void results_have_names(void **state)
{
    (void)state;
    for (int i = -20; i < 20; i++)
        assert_true(gvk_result_name((gvk_result)i)[0]);
    for (size_t i = 0; i < ARRAY_COUNT(unknown_values); i++)
        assert_string_equal(gvk_result_name((gvk_result)unknown_values[i]), "GVK_ERROR_UNKNOWN");
}

static void listing(void **state)
{
    (void)state;
    gvk_device_info info = {.size = sizeof info};
    uint32_t one = 1, most = UINT32_MAX, none = 0;
    REFUSED_IN_SILENCE(gvk_device_list(NULL, NULL, 0, NULL));
    REFUSED_IN_SILENCE(gvk_device_list(NULL, NULL, sizeof info, &one));
    REFUSED(gvk_device_list(&counting_host, &info, sizeof info, NULL));
    REFUSED(gvk_device_list(&counting_host, NULL, sizeof info, &one));
    REFUSED(gvk_device_list(&counting_host, NULL, sizeof info, &most));
    for (size_t i = 0; i < ARRAY_COUNT(impossible_sizes); i++) {
        REFUSED(gvk_device_list(&counting_host, &info, impossible_sizes[i], &one));
        REFUSED(gvk_device_list(&counting_host, NULL, impossible_sizes[i], &none));
        gvk_host host = counting_host;
        host.size = impossible_sizes[i];
        REFUSED(gvk_device_list(&host, NULL, sizeof info, &none));
    }
    assert_int_equal(one, 1);
    assert_ok(gvk_device_list(&counting_host, NULL, 0, &none));
    assert_true(none > 0);
}

static void opening(void **state)
{
    (void)state;
    gvk_device *device = NULL;
    const gvk_device_params right = {.size = sizeof right, .host = &counting_host, .choice = GVK_DEVICE_CPU};
    gvk_device_params params = right;
    REFUSED_IN_SILENCE(gvk_device_open(NULL, NULL));
    REFUSED(gvk_device_open(&params, NULL));
    for (size_t i = 0; i < ARRAY_COUNT(unknown_values); i++) {
        params.choice = (gvk_device_choice)unknown_values[i];
        REFUSED(gvk_device_open(&params, &device));
    }
    params.choice = (gvk_device_choice)(GVK_DEVICE_CPU + 1);
    REFUSED(gvk_device_open(&params, &device));
    for (size_t i = 0; i < ARRAY_COUNT(impossible_sizes); i++) {
        params = right;
        params.size = impossible_sizes[i];
        REFUSED(gvk_device_open(&params, &device));
        gvk_host host = counting_host;
        host.size = impossible_sizes[i];
        params = right;
        params.host = &host;
        REFUSED(gvk_device_open(&params, &device));
    }
    params = right;
    params.choice = GVK_DEVICE_NAME;
    REFUSED(gvk_device_open(&params, &device));
    params.name = "";
    REFUSED(gvk_device_open(&params, &device));
    params.name = "no such device";
    ENDS_AS(gvk_device_open(&params, &device), GVK_ERROR_NO_DEVICE);
    params.choice = GVK_DEVICE_INDEX;
    params.index = UINT32_MAX;
    ENDS_AS(gvk_device_open(&params, &device), GVK_ERROR_NO_DEVICE);
    assert_null(device);
    gvk_device_destroy(NULL);
}

static void describing(void **state)
{
    (void)state;
    gvk_device_info info = {.size = sizeof info, .index = 7, .name = "x"};
    gvk_device_describe(NULL, &info);
    assert_true(info.size == sizeof info && info.index == 0 && info.name[0] == 0);
    gvk_device_describe(objects.device, NULL);
    gvk_device_describe(NULL, NULL);
    for (size_t i = 0; i < ARRAY_COUNT(impossible_sizes); i++) { /* no more is written than there is */
        gvk_device_info pair[2];
        memset(pair, 0x77, sizeof pair);
        pair[0].size = impossible_sizes[i];
        gvk_device_describe(objects.device, &pair[0]);
        assert_int_equal(pair[0].size, impossible_sizes[i]);
        assert_int_equal(pair[1].index, 0x77777777);
    }
}

static void wishes(void **state)
{
    (void)state;
    struct host_device *host = *state;
    gvk_wants wants = {.size = sizeof wants};
    PFN_vkGetInstanceProcAddr get = vkGetInstanceProcAddr;
    REFUSED_IN_SILENCE(gvk_device_wants(NULL, host->instance, host->physical_device, &wants));
    REFUSED_IN_SILENCE(gvk_device_wants(get, VK_NULL_HANDLE, host->physical_device, &wants));
    REFUSED_IN_SILENCE(gvk_device_wants(get, host->instance, VK_NULL_HANDLE, &wants));
    REFUSED_IN_SILENCE(gvk_device_wants(get, host->instance, host->physical_device, NULL));
    for (size_t i = 0; i < ARRAY_COUNT(impossible_sizes); i++) {
        wants.size = impossible_sizes[i];
        if (wants.size < sizeof wants) {
            REFUSED_IN_SILENCE(gvk_device_wants(get, host->instance, host->physical_device, &wants));
            assert_int_equal(wants.device_extension_count, 0);
        }
    }
}

enum wrong_import {
    NO_PROC,
    NO_INSTANCE,
    NO_PHYSICAL_DEVICE,
    NO_DEVICE,
    NO_QUEUE,
    ONLY_LOCK,
    ONLY_UNLOCK,
    NO_INSTANCE_EXTENSIONS,
    NO_DEVICE_EXTENSIONS,
    EXTENSIONS_WITHOUT_END,
    EXTENSION_WITHOUT_NAME,
    NO_SUCH_FAMILY,
    WRONG_IMPORTS
};

static const char *const wrong_import_names[WRONG_IMPORTS] = {"no proc-addr",
                                                              "no instance",
                                                              "no physical device",
                                                              "no device",
                                                              "no queue",
                                                              "only a lock",
                                                              "only an unlock",
                                                              "no instance extensions",
                                                              "no device extensions",
                                                              "extensions without end",
                                                              "an extension without a name",
                                                              "no such queue family"};

static gvk_import_params wrong_params(struct host_device *host, enum wrong_import wrong)
{
    static const char *const unnamed[1];
    gvk_import_params params = host_device_params(host);
    params.host = &counting_host;
    switch (wrong) {
    case NO_PROC: params.get_instance_proc = NULL; break;
    case NO_INSTANCE: params.instance = VK_NULL_HANDLE; break;
    case NO_PHYSICAL_DEVICE: params.physical_device = VK_NULL_HANDLE; break;
    case NO_DEVICE: params.device = VK_NULL_HANDLE; break;
    case NO_QUEUE: params.queue = VK_NULL_HANDLE; break;
    case ONLY_LOCK: params.unlock_queue = NULL; break;
    case ONLY_UNLOCK: params.lock_queue = NULL; break;
    case NO_INSTANCE_EXTENSIONS:
        params.instance_extensions = NULL;
        params.instance_extension_count = 1;
        break;
    case NO_DEVICE_EXTENSIONS:
        params.device_extensions = NULL;
        params.device_extension_count = 1;
        break;
    case EXTENSIONS_WITHOUT_END: params.device_extension_count = UINT32_MAX; break;
    case EXTENSION_WITHOUT_NAME:
        params.device_extensions = unnamed;
        params.device_extension_count = 1;
        break;
    case NO_SUCH_FAMILY: params.queue_family = UINT32_MAX; break;
    case WRONG_IMPORTS: break;
    }
    return params;
}

static void importing(void **state)
{
    struct host_device *host = *state;
    gvk_device *device = NULL;
    gvk_import_params params;
    for (int i = 0; i < WRONG_IMPORTS; i++) {
        params = wrong_params(host, (enum wrong_import)i);
        LINE_REFUSED(wrong_import_names[i], gvk_device_import(&params, &device));
    }
    params = wrong_params(host, WRONG_IMPORTS);
    REFUSED_IN_SILENCE(gvk_device_import(NULL, &device));
    REFUSED(gvk_device_import(&params, NULL));
    static const uint32_t versions[] = {0, 1, VK_API_VERSION_1_0};
    for (size_t i = 0; i < ARRAY_COUNT(versions); i++) {
        params.api_version = versions[i];
        ENDS_AS(gvk_device_import(&params, &device), GVK_ERROR_UNSUPPORTED);
    }
    for (size_t i = 0; i < ARRAY_COUNT(impossible_sizes); i++) {
        params = wrong_params(host, WRONG_IMPORTS);
        params.size = impossible_sizes[i];
        REFUSED(gvk_device_import(&params, &device));
    }
    assert_null(device);
}

static void pictures_that_are_asked_about(void **state)
{
    (void)state;
    const gvk_picture right = {.size = sizeof right, .width = 640, .height = 480};
    const gvk_device *device = objects.device;
    assert_ok(gvk_device_check_picture(device, &right, 64, 64));
    REFUSED_IN_SILENCE(gvk_device_check_picture(NULL, &right, 64, 64));
    REFUSED(gvk_device_check_picture(device, NULL, 64, 64));
    REFUSED(gvk_device_check_picture(device, &right, 0, 64));
    REFUSED(gvk_device_check_picture(device, &right, 64, 0));
    REFUSED(gvk_device_check_picture(device, &right, UINT32_MAX, 64));
    REFUSED(gvk_device_check_picture(device, &right, 64, 65536));
    static const uint32_t sides[] = {0, 65536, UINT32_MAX};
    for (size_t i = 0; i < ARRAY_COUNT(sides); i++) {
        gvk_picture wide = right, high = right;
        wide.width = high.height = sides[i];
        REFUSED(gvk_device_check_picture(device, &wide, 64, 64));
        REFUSED(gvk_device_check_picture(device, &high, 64, 64));
    }
    for (size_t i = 0; i < ARRAY_COUNT(unknown_values); i++) {
        gvk_picture kind = right, format = right;
        kind.kind = (gvk_picture_kind)unknown_values[i];
        format.format = (gvk_pixel_format)unknown_values[i];
        REFUSED(gvk_device_check_picture(device, &kind, 64, 64));
        REFUSED(gvk_device_check_picture(device, &format, 64, 64));
    }
    for (size_t i = 0; i < ARRAY_COUNT(impossible_sizes); i++) {
        gvk_picture picture = right;
        picture.size = impossible_sizes[i];
        REFUSED(gvk_device_check_picture(device, &picture, 64, 64));
    }
    gvk_picture picture = right;
    picture.orientation = 9;
    REFUSED(gvk_device_check_picture(device, &picture, 64, 64));
}

int run_device_misuse(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_have_names),
        cmocka_unit_test(listing),
        cmocka_unit_test(opening),
        cmocka_unit_test(describing),
        cmocka_unit_test(wishes),
        cmocka_unit_test(importing),
        cmocka_unit_test(pictures_that_are_asked_about),
    };
    static struct host_device host;
    if (!host_device_create(&host)) {
        print_error("No Vulkan device could be created: %s\n", host.fault);
        return 1;
    }
    struct CMUnitTest with_host[ARRAY_COUNT(tests)];
    for (size_t i = 0; i < ARRAY_COUNT(tests); i++) {
        with_host[i] = tests[i];
        with_host[i].initial_state = &host;
    }
    int failed = cmocka_run_group_tests_name("misuse of devices", with_host, NULL, NULL);
    host_device_destroy(&host);
    return failed;
}
