/* A host's device: what is wanted of it, wrong imports, and that the runtime keeps the host's lock, cache and names. */
#include "tiny.h"

#include <string.h>

#include "runtime/vulkan/device.h"

static void wants_hold_what_the_physical_device_has(void **state)
{
    (void)state;
    gvk_wants wants = {.size = sizeof wants};
    PFN_vkGetInstanceProcAddr get = vkGetInstanceProcAddr;
    assert_int_equal(gvk_device_wants(NULL, shared.instance, shared.physical_device, &wants), GVK_ERROR_ARGUMENT);
    assert_int_equal(gvk_device_wants(get, VK_NULL_HANDLE, shared.physical_device, &wants), GVK_ERROR_ARGUMENT);
    assert_int_equal(gvk_device_wants(get, shared.instance, VK_NULL_HANDLE, &wants), GVK_ERROR_ARGUMENT);
    assert_int_equal(gvk_device_wants(get, shared.instance, shared.physical_device, NULL), GVK_ERROR_ARGUMENT);
    assert_ok(gvk_device_wants(get, shared.instance, shared.physical_device, &wants));
    assert_int_equal(wants.features.sType, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2);
    for (const VkBaseInStructure *item = wants.features.pNext; item; item = item->pNext) {
        const char *at = (const char *)item, *first = (const char *)&wants;
        assert_true(at >= first && at < first + sizeof wants);
    }
    assert_true(wants.device_extension_count <= ARRAY_COUNT(wants.device_extensions));
    static VkExtensionProperties list[512];
    uint32_t count = ARRAY_COUNT(list);
    assert_true(vkEnumerateDeviceExtensionProperties(shared.physical_device, NULL, &count, list) >= 0);
    for (uint32_t i = 0; i < wants.device_extension_count; i++) {
        bool found = false;
        for (uint32_t j = 0; j < count && !found; j++)
            found = !strcmp(list[j].extensionName, wants.device_extensions[i]);
        if (!found)
            fail_msg("%s is wanted, and the device has it not", wants.device_extensions[i]);
    }
}

static void a_device_without_any_feature_or_extension_works(void **state)
{
    (void)state;
    float expected[VALUES], got[VALUES];
    gvk_device *device = create_device();
    /* Its kernels sum in another order than those that need features. */
    device->traits.subgroup_size_control = device->traits.full_subgroups = false;
    device->traits.max_chunks = 0;
    assert_ok(run_once(device, expected));
    gvk_device_destroy(device);

    float priority = 1;
    VkDeviceQueueCreateInfo queue = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
                                     .queueFamilyIndex = shared.queue_family,
                                     .queueCount = 1,
                                     .pQueuePriorities = &priority};
    VkDeviceCreateInfo create = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, .queueCreateInfoCount = 1, .pQueueCreateInfos = &queue};
    gvk_import_params params = watched_params();
    assert_int_equal(vkCreateDevice(shared.physical_device, &create, NULL, &params.device), VK_SUCCESS);
    vkGetDeviceQueue(params.device, shared.queue_family, 0, &params.queue);
    params.enabled_features = NULL;
    params.instance_extensions = params.device_extensions = NULL;
    params.instance_extension_count = params.device_extension_count = 0;
    params.lock_queue = params.unlock_queue = NULL; /* the queue is ours alone */
    params.queue_user = NULL;
    assert_ok(gvk_device_import(&params, &device));
    assert_ok(run_once(device, got));
    expect_equal_values(got, expected, "without features");
    gvk_device_destroy(device);
    vkDestroyDevice(params.device, NULL);
    expect_nothing_held("a plain device");
}

/* Vulkan allows VkPhysicalDeviceVulkan12Features in place of several structs, and not beside them. */
static void features_of_vulkan_1_2_count_as_those_of_the_extensions_do(void **state)
{
    (void)state;
    gvk_device *apart = create_device(), *together = NULL;
    gvk_wants wants = {.size = sizeof wants};
    assert_ok(gvk_device_wants(vkGetInstanceProcAddr, shared.instance, shared.physical_device, &wants));
    VkPhysicalDeviceCooperativeMatrixFeaturesNV matrix = wants.cooperative_matrix; /* of no version of Vulkan */
    matrix.pNext = NULL;
    VkPhysicalDeviceSubgroupSizeControlFeatures sizes = wants.subgroup_size;
    sizes.pNext = &matrix;
    VkPhysicalDeviceVulkan12Features features = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
        .pNext = &sizes,
        .shaderFloat16 = wants.half.shaderFloat16,
        .runtimeDescriptorArray = wants.descriptor_indexing.runtimeDescriptorArray,
        .descriptorBindingStorageBufferUpdateAfterBind =
            wants.descriptor_indexing.descriptorBindingStorageBufferUpdateAfterBind,
        .descriptorBindingVariableDescriptorCount = wants.descriptor_indexing.descriptorBindingVariableDescriptorCount,
        .vulkanMemoryModel = wants.memory_model.vulkanMemoryModel,
    };
    VkPhysicalDeviceFeatures2 chain = wants.features;
    chain.pNext = &features;
    gvk_import_params params = watched_params();
    params.enabled_features = &chain;
    params.api_version = VK_API_VERSION_1_2;
    assert_ok(gvk_device_import(&params, &together));
    assert_int_equal(together->traits.half_sums, apart->traits.half_sums);
    assert_int_equal(together->traits.max_chunks, apart->traits.max_chunks);
    assert_int_equal(together->traits.full_subgroups, apart->traits.full_subgroups);
    assert_int_equal(together->traits.matrix_side, apart->traits.matrix_side);
    assert_true(wants.half.shaderFloat16 || wants.descriptor_indexing.runtimeDescriptorArray); /* there is one to see */
    float expected[VALUES], got[VALUES];
    assert_ok(run_once(apart, expected));
    assert_ok(run_once(together, got));
    expect_equal_values(got, expected, "with the features of Vulkan 1.2");
    gvk_device_destroy(together);
    gvk_device_destroy(apart);
    expect_nothing_held("features of Vulkan 1.2");
}

/* And VkPhysicalDeviceVulkan13Features, which holds the control of subgroup sizes. */
static void features_of_vulkan_1_3_count_as_those_of_the_extensions_do(void **state)
{
    (void)state;
    gvk_device *apart = create_device(), *together = NULL;
    gvk_wants wants = {.size = sizeof wants};
    assert_ok(gvk_device_wants(vkGetInstanceProcAddr, shared.instance, shared.physical_device, &wants));
    VkPhysicalDeviceVulkan13Features of_1_3 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES,
        .subgroupSizeControl = wants.subgroup_size.subgroupSizeControl,
        .computeFullSubgroups = wants.subgroup_size.computeFullSubgroups,
    };
    VkPhysicalDeviceVulkan12Features of_1_2 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
        .pNext = &of_1_3,
        .shaderFloat16 = wants.half.shaderFloat16,
        .runtimeDescriptorArray = wants.descriptor_indexing.runtimeDescriptorArray,
        .descriptorBindingStorageBufferUpdateAfterBind =
            wants.descriptor_indexing.descriptorBindingStorageBufferUpdateAfterBind,
        .descriptorBindingVariableDescriptorCount = wants.descriptor_indexing.descriptorBindingVariableDescriptorCount,
        .vulkanMemoryModel = wants.memory_model.vulkanMemoryModel,
    };
    VkPhysicalDeviceFeatures2 chain = wants.features;
    chain.pNext = &of_1_2;
    gvk_import_params params = watched_params();
    params.enabled_features = &chain;
    params.device_extensions = NULL; /* all of it is part of Vulkan 1.3 */
    params.device_extension_count = 0;
    params.api_version = VK_API_VERSION_1_3;
    reset_sentences();
    assert_ok(gvk_device_import(&params, &together));
    assert_int_equal(counter.sentences[GVK_LOG_WARNING], 0);
    assert_int_equal(together->traits.subgroup_size_control, apart->traits.subgroup_size_control);
    assert_int_equal(together->traits.full_subgroups, apart->traits.full_subgroups);
    assert_int_equal(together->traits.half_sums, apart->traits.half_sums);
    assert_int_equal(together->traits.max_chunks, apart->traits.max_chunks);
    assert_true(wants.subgroup_size.subgroupSizeControl); /* there is one to see */
    float expected[VALUES], got[VALUES];
    assert_ok(run_once(apart, expected));
    assert_ok(run_once(together, got));
    expect_equal_values(got, expected, "with the features of Vulkan 1.3");
    gvk_device_destroy(together);
    gvk_device_destroy(apart);
    expect_nothing_held("features of Vulkan 1.3");
}

/* A device is taken to multiply matrices where the host names the extension and both features, and not before. */
static void matrix_units_are_used_where_the_host_enabled_them(void **state)
{
    (void)state;
    gvk_device *device = import_watched();
    const uint32_t side = device->traits.matrix_side;
    gvk_device_destroy(device);
    assert_int_equal(side != 0, shared.wants.cooperative_matrix.cooperativeMatrix);
    if (!side) {
        say_not_here("matrix units: VK_KHR_cooperative_matrix with fp16, sums in fp32 and a subgroup's scope");
        return;
    }
    for (int missing = 0; missing < 4; missing++) { /* the last: nothing */
        VkPhysicalDeviceVulkanMemoryModelFeatures model = shared.wants.memory_model;
        VkPhysicalDeviceCooperativeMatrixFeaturesNV matrix = shared.wants.cooperative_matrix;
        VkPhysicalDeviceShaderFloat16Int8Features half = shared.wants.half;
        VkPhysicalDeviceFeatures2 chain = shared.wants.features;
        const char *extensions[ARRAY_COUNT(shared.wants.device_extensions)];
        gvk_import_params params = watched_params();
        half.pNext = &model;
        model.pNext = &matrix;
        matrix.pNext = NULL;
        chain.pNext = &half;
        if (missing == 0)
            model.vulkanMemoryModel = VK_FALSE;
        if (missing == 1)
            matrix.cooperativeMatrix = VK_FALSE;
        params.device_extension_count = 0;
        for (uint32_t i = 0; i < shared.wants.device_extension_count; i++)
            if (missing != 2 || strcmp(shared.wants.device_extensions[i], "VK_KHR_cooperative_matrix"))
                extensions[params.device_extension_count++] = shared.wants.device_extensions[i];
        params.device_extensions = extensions;
        params.enabled_features = &chain;
        assert_ok(gvk_device_import(&params, &device));
        if (device->traits.matrix_side != (missing == 3 ? side : 0))
            fail_msg("without part %d of it the device has matrices of %u", missing, device->traits.matrix_side);
        gvk_device_destroy(device);
    }
}

/* A host sees in the log why its device is slow. */
static void a_wish_that_was_not_granted_is_told_in_a_warning(void **state)
{
    (void)state;
    gvk_device *device = import_watched();
    assert_int_equal(counter.sentences[GVK_LOG_WARNING], 0); /* all were */
    gvk_device_destroy(device);
    VkPhysicalDeviceFeatures2 chain = shared.wants.features;
    gvk_import_params params = watched_params();
    params.enabled_features = &chain;
    VkPhysicalDeviceSubgroupSizeControlFeatures sizes = shared.wants.subgroup_size;
    sizes.pNext = NULL;
    sizes.computeFullSubgroups = VK_FALSE;
    chain.pNext = &sizes;
    assert_ok(gvk_device_import(&params, &device));
    assert_int_equal(counter.sentences[GVK_LOG_WARNING], 1);
    if (!strstr(counter.last, "computeFullSubgroups") || strstr(counter.last, "subgroupSizeControl"))
        fail_msg("without computeFullSubgroups the warning is \"%s\"", counter.last);
    gvk_device_destroy(device);
    expect_nothing_held("wishes");
}

static void each_wrong_import_is_refused_in_one_sentence(void **state)
{
    (void)state;
    gvk_device *device = NULL;
    const gvk_import_params right = watched_params();
    gvk_import_params params;
    reset_sentences();
#define WRONG(field, value, expected, part)                                                                            \
    params = right;                                                                                                    \
    params.field = value;                                                                                              \
    expect_refusal(gvk_device_import(&params, &device), expected, part);
    WRONG(get_instance_proc, NULL, GVK_ERROR_ARGUMENT, "proc-addr")
    WRONG(instance, VK_NULL_HANDLE, GVK_ERROR_ARGUMENT, "needs the instance")
    WRONG(physical_device, VK_NULL_HANDLE, GVK_ERROR_ARGUMENT, "physical device")
    WRONG(device, VK_NULL_HANDLE, GVK_ERROR_ARGUMENT, "the device")
    WRONG(queue, VK_NULL_HANDLE, GVK_ERROR_ARGUMENT, "queue")
    WRONG(lock_queue, NULL, GVK_ERROR_ARGUMENT, "both lock functions or neither")
    WRONG(unlock_queue, NULL, GVK_ERROR_ARGUMENT, "both lock functions or neither")
    WRONG(api_version, VK_API_VERSION_1_0, GVK_ERROR_UNSUPPORTED, "1.1 is needed")
    WRONG(api_version, 0, GVK_ERROR_UNSUPPORTED, "1.1 is needed")
    WRONG(queue_family, 999, GVK_ERROR_ARGUMENT, "Queue family 999")
    params = right;
    params.instance_extension_count = 1;
    params.instance_extensions = NULL;
    expect_refusal(gvk_device_import(&params, &device), GVK_ERROR_ARGUMENT, "gvk_device_import");
    params = right;
    params.device_extension_count = 1;
    params.device_extensions = NULL;
    expect_refusal(gvk_device_import(&params, &device), GVK_ERROR_ARGUMENT, "gvk_device_import");
#undef WRONG
    expect_refusal(gvk_device_import(&right, NULL), GVK_ERROR_ARGUMENT, "gvk_device_import");
    assert_int_equal(gvk_device_import(NULL, &device), GVK_ERROR_ARGUMENT);
    assert_null(device);
    expect_nothing_held("refused imports");
    device = import_watched(); /* and the right one goes */
    gvk_device_destroy(device);
}

static void every_submission_is_inside_the_hosts_lock(void **state)
{
    (void)state;
    reset_watch();
    gvk_device *device = import_watched();
    gvk_model *model = create_model(device);
    unsigned before = atomic_load(&watch.submits); /* weights, where they are staged */
    assert_int_equal(atomic_load(&watch.locks), before);
    gvk_stream *stream = create_stream(model, SIDE, 3);
    for (unsigned i = 1; i <= 10; i++) {
        gvk_ticket ticket;
        assert_ok(submit_tiny(stream, &ticket));
        assert_int_equal(atomic_load(&watch.submits), before + i);
        assert_int_equal(atomic_load(&watch.locks), before + i);
        assert_int_equal(atomic_load(&watch.depth), 0);
    }
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
    gvk_device_destroy(device);
    assert_int_equal(atomic_load(&watch.submits_unlocked), 0);
    assert_int_equal(atomic_load(&watch.locks), atomic_load(&watch.submits));
    assert_int_equal(atomic_load(&watch.depth), 0);
    expect_nothing_held("locked submissions");
}

static void pipelines_go_into_the_hosts_cache_which_stays_the_hosts(void **state)
{
    (void)state;
    VkPipelineCacheCreateInfo create = {.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO};
    gvk_import_params params = watched_params();
    reset_watch();
    assert_int_equal(vkCreatePipelineCache(shared.device, &create, NULL, &params.pipeline_cache), VK_SUCCESS);
    watch.cache = params.pipeline_cache;
    gvk_device *device = NULL;
    assert_ok(gvk_device_import(&params, &device));
    assert_ok(run_once(device, NULL));
    gvk_device_destroy(device);
    assert_true(atomic_load(&watch.pipelines) > 0);
    assert_int_equal(atomic_load(&watch.pipelines_elsewhere), 0);
    assert_int_equal(atomic_load(&watch.caches_destroyed), 0);
    size_t bytes = 0;
    assert_int_equal(vkGetPipelineCacheData(shared.device, params.pipeline_cache, &bytes, NULL), VK_SUCCESS);
    vkDestroyPipelineCache(shared.device, params.pipeline_cache, NULL);

    /* Without one the runtime has its own, and takes it along. */
    reset_watch();
    device = import_watched();
    assert_ok(run_once(device, NULL));
    gvk_device_destroy(device);
    assert_int_equal(atomic_load(&watch.pipelines_elsewhere), atomic_load(&watch.pipelines));
    assert_int_equal(atomic_load(&watch.caches_destroyed), 1);
}

static void objects_are_named_only_where_the_host_has_debug_utils(void **state)
{
    (void)state;
    static const char *const debug[] = {VK_EXT_DEBUG_UTILS_EXTENSION_NAME};
    for (uint32_t with = 0; with < 2; with++) {
        reset_watch();
        gvk_import_params params = watched_params();
        params.instance_extensions = debug;
        params.instance_extension_count = with;
        gvk_device *device = NULL;
        assert_ok(gvk_device_import(&params, &device));
        assert_ok(run_once(device, NULL));
        gvk_device_destroy(device);
        if ((atomic_load(&watch.names) > 0) != with || (atomic_load(&watch.labels) > 0) != with)
            fail_msg("debug-utils %s: %u objects named, %u labels", with ? "enabled" : "not enabled",
                     atomic_load(&watch.names), atomic_load(&watch.labels));
    }
}

static pthread_t callers_thread;
static atomic_uint calls_elsewhere; /* of a host's callbacks on a thread that is not the caller's */

static void note_thread(void)
{
    if (!pthread_equal(pthread_self(), callers_thread))
        atomic_fetch_add(&calls_elsewhere, 1);
}

static void noted_log(void *user, gvk_log_level level, const char *sentence)
{
    note_thread();
    counting_host.log(user, level, sentence);
}

static void *noted_allocate(void *user, size_t bytes, size_t alignment)
{
    note_thread();
    return counting_host.allocate(user, bytes, alignment);
}

static void noted_release(void *user, void *block)
{
    note_thread();
    counting_host.release(user, block);
}

/* Pipelines are made on other threads, also where the driver refuses the names that it is given there. */
static void the_hosts_callbacks_come_on_the_callers_thread_alone(void **state)
{
    (void)state;
    static const char *const debug[] = {VK_EXT_DEBUG_UTILS_EXTENSION_NAME};
    static const VkResult results[] = {VK_SUCCESS, VK_ERROR_OUT_OF_HOST_MEMORY};
    gvk_host host = counting_host;
    host.log = noted_log;
    host.allocate = noted_allocate;
    host.release = noted_release;
    callers_thread = pthread_self();
    for (size_t i = 0; i < ARRAY_COUNT(results); i++) {
        reset_watch();
        atomic_store(&calls_elsewhere, 0);
        watch.name_result = results[i];
        gvk_import_params params = watched_params();
        params.host = &host;
        params.instance_extensions = debug;
        params.instance_extension_count = 1;
        gvk_device *device = NULL;
        assert_ok(gvk_device_import(&params, &device));
        assert_ok(run_once(device, NULL));
        gvk_device_destroy(device);
        assert_true(atomic_load(&watch.names) > 0);
        if (atomic_load(&calls_elsewhere))
            fail_msg("names end with %d: %u calls of the host's callbacks on threads of the library's own",
                     (int)results[i], atomic_load(&calls_elsewhere));
    }
    expect_nothing_held("callbacks");
}

static void two_devices_at_once_give_equal_results(void **state)
{
    (void)state;
    float values[3][VALUES];
    gvk_device_params open = {.size = sizeof open, .host = &counting_host};
    gvk_device *opened = NULL, *imported = import_watched();
    assert_ok(gvk_device_open(&open, &opened));
    gvk_model *models[2] = {create_model(opened), create_model(imported)};
    gvk_stream *streams[2] = {create_stream(models[0], SIDE, 1), create_stream(models[1], SIDE, 1)};
    gvk_ticket tickets[2];
    for (int i = 0; i < 2; i++) /* both in flight */
        assert_ok(submit_tiny(streams[i], &tickets[i]));
    for (int i = 0; i < 2; i++) {
        gvk_array array;
        assert_ok(gvk_stream_wait(streams[i], tickets[i], UINT64_MAX));
        assert_ok(gvk_stream_read(streams[i], tickets[i], "head", &array));
        memcpy(values[i], array.data, sizeof values[i]);
    }
    /* One goes, the other stays. */
    gvk_stream_destroy(streams[0]);
    gvk_model_destroy(models[0]);
    gvk_device_destroy(opened);
    assert_ok(run_frame(streams[1], values[2], VALUES));
    gvk_stream_destroy(streams[1]);
    gvk_model_destroy(models[1]);
    gvk_device_destroy(imported);
    expect_equal_values(values[1], values[2], "imported, alone");
    gvk_device_info best = {.size = sizeof best};
    uint32_t count = 1;
    assert_ok(gvk_device_list(&counting_host, &best, sizeof(gvk_device_info), &count));
    if (best.type == VK_PHYSICAL_DEVICE_TYPE_CPU) /* else both may not be the same hardware */
        expect_equal_values(values[0], values[1], "opened and imported");
    expect_nothing_held("two devices");
}

/* Verdicts and choices are stored by it. */
static void a_configuration_is_of_what_the_host_enabled(void **state)
{
    (void)state;
    uint64_t configurations[3];
    for (int i = 0; i < 3; i++) {
        gvk_import_params params = watched_params();
        gvk_device *device = NULL;
        if (i == 2) { /* as if fewer were on */
            params.enabled_features = NULL;
            params.device_extensions = NULL;
            params.device_extension_count = 0;
        }
        assert_ok(gvk_device_import(&params, &device));
        configurations[i] = device->configuration;
        gvk_device_destroy(device);
    }
    assert_true(configurations[0] == configurations[1]);
    assert_true(configurations[0] != configurations[2]);
    expect_nothing_held("configurations");
}

int run_importing_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(wants_hold_what_the_physical_device_has),
        TEST(a_device_without_any_feature_or_extension_works),
        TEST(features_of_vulkan_1_2_count_as_those_of_the_extensions_do),
        TEST(features_of_vulkan_1_3_count_as_those_of_the_extensions_do),
        TEST(matrix_units_are_used_where_the_host_enabled_them),
        TEST(a_wish_that_was_not_granted_is_told_in_a_warning),
        TEST(a_configuration_is_of_what_the_host_enabled),
        TEST(each_wrong_import_is_refused_in_one_sentence),
        TEST(every_submission_is_inside_the_hosts_lock),
        TEST(pipelines_go_into_the_hosts_cache_which_stays_the_hosts),
        TEST(objects_are_named_only_where_the_host_has_debug_utils),
        TEST(the_hosts_callbacks_come_on_the_callers_thread_alone),
        TEST(two_devices_at_once_give_equal_results),
    };
    return cmocka_run_group_tests_name("importing a device", tests, NULL, NULL);
}
