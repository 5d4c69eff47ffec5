/* Which devices there are, and which one is taken. */
#include "watch.h"

#include <stdio.h>
#include <string.h>

#define DEVICES_MAX 16

static uint32_t list_devices(gvk_device_info infos[DEVICES_MAX])
{
    uint32_t count = DEVICES_MAX;
    assert_ok(gvk_device_list(&counting_host, infos, sizeof(gvk_device_info), &count));
    assert_in_range(count, 1, DEVICES_MAX);
    return count;
}

static void devices_are_listed_gpus_first(void **state)
{
    (void)state;
    gvk_device_info infos[DEVICES_MAX], one = {.size = sizeof one};
    uint32_t count = list_devices(infos), other = 0;
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(infos[i].index, i);
        assert_true(infos[i].name[0] && infos[i].driver[0]);
        assert_true(infos[i].usable || infos[i].reason[0]);
        if (infos[i].usable)
            assert_true(infos[i].api_version >= VK_API_VERSION_1_1 && infos[i].memory_bytes && !infos[i].reason[0]);
        if (i && infos[i - 1].type == VK_PHYSICAL_DEVICE_TYPE_CPU)
            assert_int_equal(infos[i].type, VK_PHYSICAL_DEVICE_TYPE_CPU);
        print_message("             %s, %s, subgroups of %u\n", infos[i].name, infos[i].driver, infos[i].subgroup_size);
    }
    assert_ok(gvk_device_list(NULL, NULL, sizeof(gvk_device_info), &other));
    assert_int_equal(other, count);
    other = 1;
    assert_ok(gvk_device_list(&counting_host, &one, sizeof(gvk_device_info), &other));
    assert_int_equal(other, count);
    assert_string_equal(one.name, infos[0].name);
    expect_refusal(gvk_device_list(&counting_host, &one, sizeof(gvk_device_info), NULL), GVK_ERROR_ARGUMENT,
                   "needs a count");
    other = 1;
    expect_refusal(gvk_device_list(&counting_host, NULL, sizeof(gvk_device_info), &other), GVK_ERROR_ARGUMENT,
                   "room for that many");
    expect_nothing_held("listing");
}

static gvk_result open_chosen(gvk_device_choice choice, uint32_t index, const char *name, gvk_device **out)
{
    gvk_device_params params = {
        .size = sizeof params, .host = &counting_host, .choice = choice, .index = index, .name = name};
    return gvk_device_open(&params, out);
}

static void expect_device(gvk_device *device, const gvk_device_info *expected)
{
    gvk_device_info info = {.size = sizeof info};
    gvk_device_describe(device, &info);
    assert_string_equal(info.name, expected->name);
    assert_string_equal(info.driver, expected->driver);
    assert_int_equal(info.type, expected->type);
    assert_int_equal(info.index, expected->index);
    assert_int_equal(info.api_version, expected->api_version);
    assert_int_equal(info.subgroup_size, expected->subgroup_size);
    assert_int_equal(info.memory_bytes, expected->memory_bytes);
    assert_true(info.usable);
    gvk_device_destroy(device);
}

static void a_device_is_chosen_by_rank_index_name_or_kind(void **state)
{
    (void)state;
    gvk_device_info infos[DEVICES_MAX];
    uint32_t count = list_devices(infos);
    gvk_device *device = NULL;
    bool cpu_alone = infos[0].type == VK_PHYSICAL_DEVICE_TYPE_CPU;
    reset_sentences();
    assert_ok(open_chosen(GVK_DEVICE_BEST, 99, "not asked", &device));
    /* Nobody should take a CPU device for a GPU without being told. */
    assert_int_equal(counter.sentences[GVK_LOG_WARNING], cpu_alone);
    assert_int_equal(counter.sentences[GVK_LOG_ERROR], 0);
    if (cpu_alone) {
        assert_non_null(strstr(counter.last, infos[0].name));
        expect_device(device, &infos[0]);
    } else {
        gvk_device_destroy(device);
    }
    reset_sentences();
    for (uint32_t i = 0; i < count; i++) {
        if (!infos[i].usable)
            continue;
        assert_ok(open_chosen(GVK_DEVICE_INDEX, i, NULL, &device));
        expect_device(device, &infos[i]);
    }
    char part[16];
    snprintf(part, sizeof part, "%.8s", infos[0].name + 1);
    for (char *letter = part; *letter; letter++)
        if (*letter >= 'a' && *letter <= 'z')
            *letter = (char)(*letter - 'a' + 'A');
        else if (*letter >= 'A' && *letter <= 'Z')
            *letter = (char)(*letter - 'A' + 'a');
    assert_ok(open_chosen(GVK_DEVICE_NAME, 0, part, &device));
    expect_device(device, &infos[0]);
    if (infos[count - 1].type == VK_PHYSICAL_DEVICE_TYPE_CPU) {
        assert_ok(open_chosen(GVK_DEVICE_CPU, 0, NULL, &device));
        gvk_device_info info = {.size = sizeof info};
        gvk_device_describe(device, &info);
        assert_int_equal(info.type, VK_PHYSICAL_DEVICE_TYPE_CPU);
        gvk_device_destroy(device);
    }
    assert_int_equal(counter.sentences[GVK_LOG_WARNING], 0); /* asked for is asked for */
    assert_ok(gvk_device_open(NULL, &device));
    gvk_device_destroy(device);
    expect_nothing_held("choosing");
}

static void a_device_that_is_not_there_is_refused_in_one_sentence(void **state)
{
    (void)state;
    gvk_device_info infos[DEVICES_MAX];
    uint32_t count = list_devices(infos);
    gvk_device *device = NULL;
    reset_sentences();
    expect_refusal(open_chosen(GVK_DEVICE_INDEX, count, NULL, &device), GVK_ERROR_NO_DEVICE, "There is no device");
    expect_refusal(open_chosen(GVK_DEVICE_INDEX, UINT32_MAX, NULL, &device), GVK_ERROR_NO_DEVICE, "There is no device");
    expect_refusal(open_chosen(GVK_DEVICE_NAME, 0, "no such device", &device), GVK_ERROR_NO_DEVICE, "no such device");
    expect_refusal(open_chosen(GVK_DEVICE_NAME, 0, NULL, &device), GVK_ERROR_ARGUMENT, "no name");
    expect_refusal(open_chosen(GVK_DEVICE_NAME, 0, "", &device), GVK_ERROR_ARGUMENT, "no name");
    expect_refusal(open_chosen((gvk_device_choice)9, 0, NULL, &device), GVK_ERROR_ARGUMENT, "choice");
    expect_refusal(open_chosen(GVK_DEVICE_BEST, 0, NULL, NULL), GVK_ERROR_ARGUMENT, "a place for the device");
    assert_null(device);
    expect_nothing_held("refusing");
}

int run_choosing_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(devices_are_listed_gpus_first),
        TEST(a_device_is_chosen_by_rank_index_name_or_kind),
        TEST(a_device_that_is_not_there_is_refused_in_one_sentence),
    };
    return cmocka_run_group_tests_name("choosing a device", tests, NULL, NULL);
}
