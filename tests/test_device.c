/* Devices as hosts meet them: listed, chosen, opened, imported, shared by threads, out of memory, given back. What the
 * runtime does to a host's device is seen by functions that the import is given instead of the driver's. */
#include "harness.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <volk.h>

#include "filler.h"
#include "host_device.h"

#define ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define DEVICES_MAX        16
#define SIDE               16 /* of the tiny graph's input, where nothing else is said */
#define OUTPUTS            4

/* ---- a host that counts -------------------------------------------------------------------------------------------
 */

struct counter {
    atomic_long live, calls; /* blocks held; allocations so far */
    atomic_long fail_at;     /* this allocation fails; 0: none */
    pthread_mutex_t mutex;   /* of the log */
    unsigned sentences[GVK_LOG_DEBUG + 1];
    char last[512]; /* error or warning */
};

static void *count_allocation(void *user, size_t bytes, size_t alignment)
{
    struct counter *counter = user;
    (void)alignment;
    if (atomic_fetch_add(&counter->calls, 1) + 1 == atomic_load(&counter->fail_at))
        return NULL;
    void *block = malloc(bytes);
    if (block)
        atomic_fetch_add(&counter->live, 1);
    return block;
}

static void count_release(void *user, void *block)
{
    struct counter *counter = user;
    if (block)
        atomic_fetch_sub(&counter->live, 1);
    free(block);
}

static void count_sentence(void *user, gvk_log_level level, const char *sentence)
{
    struct counter *counter = user;
    pthread_mutex_lock(&counter->mutex);
    counter->sentences[level]++;
    if (level <= GVK_LOG_WARNING)
        snprintf(counter->last, sizeof counter->last, "%s", sentence);
    pthread_mutex_unlock(&counter->mutex);
}

static void reset_sentences(struct counter *counter)
{
    memset(counter->sentences, 0, sizeof counter->sentences);
    counter->last[0] = 0;
}

static struct counter counter = {.mutex = PTHREAD_MUTEX_INITIALIZER};
static const gvk_host counting_host = {
    .size = sizeof(gvk_host),
    .user = &counter,
    .log = count_sentence,
    .allocate = count_allocation,
    .release = count_release,
};

/* The call fails so, with one sentence that holds `part`. */
#define expect_refusal(call, expected, part) check_refusal((call), (expected), (part), #call, __LINE__)
static void check_refusal(gvk_result result, gvk_result expected, const char *part, const char *call, int line)
{
    if (result != expected || counter.sentences[GVK_LOG_ERROR] != 1 || !strstr(counter.last, part))
        fail_msg(
            "line %d: %s returned %s with %u sentences, the last: \"%s\"; expected %s and one sentence with \"%s\"",
            line, call, gvk_result_name(result), counter.sentences[GVK_LOG_ERROR], counter.last,
            gvk_result_name(expected), part);
    reset_sentences(&counter);
}

static void expect_nothing_held(const char *what)
{
    if (atomic_load(&counter.live))
        fail_msg("%s: %ld blocks of the host's memory were not released", what, atomic_load(&counter.live));
}

/* ---- a Vulkan device of the host's, watched -----------------------------------------------------------------------
 */

static struct host_device shared; /* one for all imports */

static struct watch {
    pthread_mutex_t queue;
    atomic_int depth; /* of the queue's lock */
    atomic_uint locks, submits, submits_unlocked, names, labels;
    atomic_uint pipelines, pipelines_elsewhere, caches_destroyed;
    VkPipelineCache cache;  /* what pipelines are expected in */
    bool hold;              /* waits for fences find nothing done */
    VkResult submit_result; /* of every submit, unless it is VK_SUCCESS */
    long memory_fails_at;   /* this vkAllocateMemory from now on fails; 0: none */
} watch = {.queue = PTHREAD_MUTEX_INITIALIZER};

static void reset_watch(void)
{
    atomic_store(&watch.depth, 0);
    atomic_store(&watch.locks, 0);
    atomic_store(&watch.submits, 0);
    atomic_store(&watch.submits_unlocked, 0);
    atomic_store(&watch.names, 0);
    atomic_store(&watch.labels, 0);
    atomic_store(&watch.pipelines, 0);
    atomic_store(&watch.pipelines_elsewhere, 0);
    atomic_store(&watch.caches_destroyed, 0);
    watch.cache = VK_NULL_HANDLE;
    watch.hold = false;
    watch.submit_result = VK_SUCCESS;
    watch.memory_fails_at = 0;
}

static void lock_queue(void *user)
{
    struct watch *of = user;
    pthread_mutex_lock(&of->queue);
    atomic_fetch_add(&of->depth, 1);
    atomic_fetch_add(&of->locks, 1);
}

static void unlock_queue(void *user)
{
    struct watch *of = user;
    atomic_fetch_sub(&of->depth, 1);
    pthread_mutex_unlock(&of->queue);
}

static VKAPI_ATTR VkResult VKAPI_CALL watched_submit(VkQueue queue, uint32_t count, const VkSubmitInfo *submits,
                                                     VkFence fence)
{
    atomic_fetch_add(&watch.submits, 1);
    if (atomic_load(&watch.depth) != 1)
        atomic_fetch_add(&watch.submits_unlocked, 1);
    return watch.submit_result ? watch.submit_result : vkQueueSubmit(queue, count, submits, fence);
}

static VKAPI_ATTR VkResult VKAPI_CALL watched_wait(VkDevice device, uint32_t count, const VkFence *fences, VkBool32 all,
                                                   uint64_t timeout)
{
    return watch.hold ? VK_TIMEOUT : vkWaitForFences(device, count, fences, all, timeout);
}

static VKAPI_ATTR VkResult VKAPI_CALL watched_pipelines(VkDevice device, VkPipelineCache cache, uint32_t count,
                                                        const VkComputePipelineCreateInfo *infos,
                                                        const VkAllocationCallbacks *callbacks, VkPipeline *out)
{
    atomic_fetch_add(&watch.pipelines, 1);
    if (cache != watch.cache)
        atomic_fetch_add(&watch.pipelines_elsewhere, 1);
    return vkCreateComputePipelines(device, cache, count, infos, callbacks, out);
}

static VKAPI_ATTR void VKAPI_CALL watched_destroy_cache(VkDevice device, VkPipelineCache cache,
                                                        const VkAllocationCallbacks *callbacks)
{
    atomic_fetch_add(&watch.caches_destroyed, 1);
    vkDestroyPipelineCache(device, cache, callbacks);
}

static VKAPI_ATTR VkResult VKAPI_CALL watched_allocate(VkDevice device, const VkMemoryAllocateInfo *info,
                                                       const VkAllocationCallbacks *callbacks, VkDeviceMemory *out)
{
    if (watch.memory_fails_at && --watch.memory_fails_at == 0)
        return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    return vkAllocateMemory(device, info, callbacks, out);
}

static VKAPI_ATTR VkResult VKAPI_CALL watched_name(VkDevice device, const VkDebugUtilsObjectNameInfoEXT *info)
{
    (void)device;
    (void)info;
    atomic_fetch_add(&watch.names, 1);
    return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL watched_begin_label(VkCommandBuffer commands, const VkDebugUtilsLabelEXT *label)
{
    (void)commands;
    (void)label;
    atomic_fetch_add(&watch.labels, 1);
}

static VKAPI_ATTR void VKAPI_CALL watched_end_label(VkCommandBuffer commands)
{
    (void)commands;
}

#define WATCHED(name, function)                                                                                        \
    if (!strcmp(wanted, name))                                                                                         \
        return (PFN_vkVoidFunction)(function);

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL watched_device_proc(VkDevice device, const char *wanted)
{
    WATCHED("vkQueueSubmit", watched_submit)
    WATCHED("vkWaitForFences", watched_wait)
    WATCHED("vkCreateComputePipelines", watched_pipelines)
    WATCHED("vkDestroyPipelineCache", watched_destroy_cache)
    WATCHED("vkAllocateMemory", watched_allocate)
    return vkGetDeviceProcAddr(device, wanted);
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL watched_instance_proc(VkInstance instance, const char *wanted)
{
    WATCHED("vkGetDeviceProcAddr", watched_device_proc)
    WATCHED("vkSetDebugUtilsObjectNameEXT", watched_name)
    WATCHED("vkCmdBeginDebugUtilsLabelEXT", watched_begin_label)
    WATCHED("vkCmdEndDebugUtilsLabelEXT", watched_end_label)
    return vkGetInstanceProcAddr(instance, wanted);
}

static gvk_import_params watched_params(void)
{
    gvk_import_params params = host_device_params(&shared);
    params.host = &counting_host;
    params.get_instance_proc = watched_instance_proc;
    params.lock_queue = lock_queue;
    params.unlock_queue = unlock_queue;
    params.queue_user = &watch;
    return params;
}

static gvk_device *import_watched(void)
{
    gvk_import_params params = watched_params();
    gvk_device *device = NULL;
    assert_ok(gvk_device_import(&params, &device));
    return device;
}

static bool runs_imported(void)
{
    const char *kind = getenv("GVK_TEST_DEVICE");
    return kind && !strcmp(kind, "imported");
}

/* A device of the kind that this run is about. */
static gvk_result make_device(uint64_t memory_ceiling, gvk_device **out)
{
    if (runs_imported()) {
        gvk_import_params params = host_device_params(&shared);
        params.host = &counting_host;
        params.lock_queue = lock_queue;
        params.unlock_queue = unlock_queue;
        params.queue_user = &watch;
        params.memory_ceiling = memory_ceiling;
        return gvk_device_import(&params, out);
    }
    gvk_device_params params = {.size = sizeof params, .host = &counting_host, .memory_ceiling = memory_ceiling};
    return gvk_device_open(&params, out);
}

static gvk_device *create_device(void)
{
    gvk_device *device = NULL;
    assert_ok(make_device(0, &device));
    return device;
}

/* ---- a tiny graph -------------------------------------------------------------------------------------------------
 */

static gvk_result find_weight(void *user, const char *name, gvk_array *out)
{
    static float values[8 * 9];
    static const struct {
        const char *name;
        uint32_t rank;
        uint64_t shape[4];
    } list[] = {{"wide.weight", 4, {8, 3, 1, 1}},
                {"deep.weight", 4, {8, 1, 3, 3}},
                {"head.weight", 4, {OUTPUTS, 8, 1, 1}},
                {"head.bias", 1, {OUTPUTS}}};
    (void)user;
    for (size_t i = 0; i < ARRAY_COUNT(values); i++)
        values[i] = (float)((int)(i * 7 % 17) - 8) * 0.25f;
    for (size_t i = 0; i < ARRAY_COUNT(list); i++)
        if (!strcmp(list[i].name, name)) {
            *out = (gvk_array){.type = GVK_TYPE_F32, .rank = list[i].rank, .data = values};
            memcpy(out->shape, list[i].shape, sizeof list[i].shape);
            out->bytes = count_elements(list[i].shape, list[i].rank) * sizeof(float);
            return GVK_OK;
        }
    return GVK_ERROR_MISMATCH;
}

static gvk_result make_model(gvk_device *device, gvk_model **out)
{
    gvk_graph *graph = NULL;
    gvk_result result = gvk_graph_create(&counting_host, find_weight, NULL, &graph);
    if (result)
        return result;
    gvk_node wide = {.op = GVK_OP_CONVOLUTION, .name = "wide", .outputs = 8, .activation = GVK_ACTIVATION_RELU};
    wide.inputs[0] = gvk_graph_input(graph, "input", 3);
    gvk_node deep = {.op = GVK_OP_CONVOLUTION, .name = "deep", .kernel = 3, .padding = 1, .groups = 8};
    deep.inputs[0] = gvk_graph_add(graph, &wide);
    gvk_node head = {.op = GVK_OP_CONVOLUTION, .name = "head", .outputs = OUTPUTS, .bias = 1};
    head.inputs[0] = gvk_graph_add(graph, &deep);
    gvk_graph_output(graph, "head", gvk_graph_add(graph, &head));
    result = gvk_graph_finish(graph);
    if (!result)
        result = gvk_model_create(device, graph, NULL, out);
    gvk_graph_destroy(graph);
    return result;
}

static gvk_model *create_model(gvk_device *device)
{
    gvk_model *model = NULL;
    assert_ok(make_model(device, &model));
    return model;
}

static gvk_result make_stream(gvk_model *model, uint32_t side, uint32_t frames, gvk_stream **out)
{
    gvk_stream_params params = {.size = sizeof params, .width = side, .height = side, .frames = frames};
    return gvk_stream_create(model, &params, out);
}

static gvk_stream *create_stream(gvk_model *model, uint32_t side, uint32_t frames)
{
    gvk_stream *stream = NULL;
    assert_ok(make_stream(model, side, frames, &stream));
    return stream;
}

static gvk_picture tiny_picture(void)
{
    static uint8_t pixels[24 * 20 * 3];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i * i * 3 + i / 7);
    return (gvk_picture){.size = sizeof(gvk_picture), .width = 24, .height = 20, .pixels = pixels};
}

static gvk_result submit_tiny(gvk_stream *stream, gvk_ticket *ticket)
{
    gvk_picture picture = tiny_picture();
    return gvk_stream_submit(stream, &picture, 1, ticket);
}

/* One frame; the output's values are copied. */
static gvk_result run_frame(gvk_stream *stream, float *out, size_t count)
{
    gvk_ticket ticket = 0;
    gvk_result result = submit_tiny(stream, &ticket);
    if (!result)
        result = gvk_stream_wait(stream, ticket, UINT64_MAX);
    gvk_array array;
    if (!result)
        result = gvk_stream_read(stream, ticket, "head", &array);
    if (!result && out)
        memcpy(out, array.data, count * sizeof *out);
    return result;
}

#define VALUES ((size_t)OUTPUTS * SIDE * SIDE)

/* Model, stream, frame and all of it away again. */
static gvk_result run_once(gvk_device *device, float *out)
{
    gvk_model *model = NULL;
    gvk_stream *stream = NULL;
    gvk_result result = make_model(device, &model);
    if (!result)
        result = make_stream(model, SIDE, 2, &stream);
    if (!result)
        result = run_frame(stream, out, VALUES);
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
    return result;
}

static void expect_equal_values(const float *got, const float *expected, const char *what)
{
    for (size_t i = 0; i < VALUES; i++)
        if (got[i] != expected[i])
            fail_msg("%s: value %zu is %.9g, not %.9g", what, i, (double)got[i], (double)expected[i]);
}

/* ---- listing and choosing -----------------------------------------------------------------------------------------
 */

static uint32_t list_devices(gvk_device_info infos[DEVICES_MAX])
{
    uint32_t count = DEVICES_MAX;
    assert_ok(gvk_device_list(&counting_host, infos, &count));
    assert_in_range(count, 1, DEVICES_MAX);
    return count;
}

static void devices_are_listed_gpus_first(void **state)
{
    (void)state;
    gvk_device_info infos[DEVICES_MAX], one;
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
    assert_ok(gvk_device_list(NULL, NULL, &other));
    assert_int_equal(other, count);
    other = 1;
    assert_ok(gvk_device_list(&counting_host, &one, &other));
    assert_int_equal(other, count);
    assert_string_equal(one.name, infos[0].name);
    expect_refusal(gvk_device_list(&counting_host, &one, NULL), GVK_ERROR_ARGUMENT, "needs a count");
    other = 1;
    expect_refusal(gvk_device_list(&counting_host, NULL, &other), GVK_ERROR_ARGUMENT, "room for that many");
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
    gvk_device_info info;
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
    reset_sentences(&counter);
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
    reset_sentences(&counter);
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
        gvk_device_info info;
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
    reset_sentences(&counter);
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

/* ---- wants and import ---------------------------------------------------------------------------------------------
 */

static void wants_hold_what_the_physical_device_has(void **state)
{
    (void)state;
    gvk_wants wants;
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

static void each_wrong_import_is_refused_in_one_sentence(void **state)
{
    (void)state;
    gvk_device *device = NULL;
    const gvk_import_params right = watched_params();
    gvk_import_params params;
    reset_sentences(&counter);
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
    gvk_device_info infos[DEVICES_MAX];
    list_devices(infos);
    if (infos[0].type == VK_PHYSICAL_DEVICE_TYPE_CPU) /* else both may not be the same hardware */
        expect_equal_values(values[0], values[1], "opened and imported");
    expect_nothing_held("two devices");
}

/* ---- memory -------------------------------------------------------------------------------------------------------
 */

static void a_memory_ceiling_is_kept_and_the_device_goes_on(void **state)
{
    (void)state;
    const uint64_t ceiling = 4 << 20;
    gvk_device *device = NULL;
    gvk_stream *stream = NULL, *large = NULL;
    float first[VALUES], again[VALUES];
    assert_ok(make_device(ceiling, &device));
    gvk_model *model = create_model(device);
    assert_ok(make_stream(model, SIDE, 1, &stream));
    assert_ok(run_frame(stream, first, VALUES));
    reset_sentences(&counter);
    expect_refusal(make_stream(model, 1024, 1, &large), GVK_ERROR_BUDGET,
                   "The memory ceiling of 4 MiB would be passed");
    assert_null(large);
    /* A picture too many, on a stream that fits. */
    uint8_t *pixels = calloc((size_t)2048 * 1024, 3);
    assert_non_null(pixels);
    gvk_picture picture = {.size = sizeof picture, .width = 2048, .height = 1024, .pixels = pixels};
    gvk_ticket ticket = 0;
    expect_refusal(gvk_stream_submit(stream, &picture, 1, &ticket), GVK_ERROR_BUDGET, "MiB more are needed");
    free(pixels);
    for (int i = 0; i < 3; i++) {
        assert_ok(run_frame(stream, again, VALUES));
        expect_equal_values(again, first, "after a refusal");
    }
    /* What is destroyed makes room: any number of streams, one after another. */
    for (int i = 0; i < 20; i++) {
        assert_ok(make_stream(model, 128, 1, &large));
        gvk_stream_destroy(large);
    }
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
    gvk_device_destroy(device);

    assert_ok(make_device(16, &device));
    expect_refusal(make_model(device, &model), GVK_ERROR_BUDGET, "The memory ceiling");
    gvk_device_destroy(device);
    expect_nothing_held("a ceiling");
}

static void a_device_out_of_memory_says_so_and_goes_on(void **state)
{
    (void)state;
    reset_watch();
    gvk_device *device = import_watched();
    float expected[VALUES], got[VALUES];
    assert_ok(run_once(device, expected));
    long held = atomic_load(&counter.live), tried = 0;
    for (bool failed = true; failed; tried++) {
        watch.memory_fails_at = tried + 1;
        reset_sentences(&counter);
        gvk_result result = run_once(device, got);
        failed = watch.memory_fails_at == 0;
        if (result != (failed ? GVK_ERROR_DEVICE_MEMORY : GVK_OK))
            fail_msg("allocation %ld of device memory fails: %s", tried + 1, gvk_result_name(result));
        if (atomic_load(&counter.live) != held)
            fail_msg("allocation %ld of device memory fails: %ld blocks of host memory are kept", tried + 1,
                     atomic_load(&counter.live) - held);
        if (failed)
            assert_int_equal(counter.sentences[GVK_LOG_ERROR], 1);
    }
    assert_true(tried > 3);
    expect_equal_values(got, expected, "afterwards");
    watch.memory_fails_at = 0;
    watch.submit_result = VK_ERROR_DEVICE_LOST;
    assert_int_equal(run_once(device, NULL), GVK_ERROR_DEVICE_LOST);
    watch.submit_result = VK_SUCCESS;
    assert_ok(run_once(device, got));
    gvk_device_destroy(device);
    expect_nothing_held("device memory");
}

static void making_and_destroying_keeps_nothing(void **state)
{
    (void)state;
    long calls = 0;
    for (int i = 0; i < 8; i++) {
        atomic_store(&counter.calls, 0);
        gvk_device *device = create_device();
        for (int j = 0; j < 3; j++)
            assert_ok(run_once(device, NULL));
        gvk_device_destroy(device);
        expect_nothing_held("a round of making and destroying");
        if (i && atomic_load(&counter.calls) != calls)
            fail_msg("round %d made %ld allocations, the round before %ld", i, atomic_load(&counter.calls), calls);
        calls = atomic_load(&counter.calls);
    }
}

static void frames_allocate_nothing_once_they_run(void **state)
{
    (void)state;
    gvk_device *device = create_device();
    gvk_model *model = create_model(device);
    gvk_stream *stream = create_stream(model, SIDE, 2);
    for (int i = 0; i < 2; i++)
        assert_ok(run_frame(stream, NULL, 0));
    long calls = atomic_load(&counter.calls);
    for (int i = 0; i < 20; i++)
        assert_ok(run_frame(stream, NULL, 0));
    assert_int_equal(atomic_load(&counter.calls), calls);
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
    gvk_device_destroy(device);
}

static void null_is_destroyed_in_peace(void **state)
{
    (void)state;
    gvk_stream_destroy(NULL);
    gvk_model_destroy(NULL);
    gvk_graph_destroy(NULL);
    gvk_network_destroy(NULL);
    gvk_device_destroy(NULL);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* `device` NULL: one of its own. */
static gvk_result run_with_failure(gvk_device *device, long fail_at)
{
    gvk_device *own = NULL;
    reset_sentences(&counter);
    atomic_store(&counter.calls, 0);
    atomic_store(&counter.fail_at, fail_at);
    gvk_result result = device ? GVK_OK : make_device(0, &own);
    if (!result)
        result = run_once(device ? device : own, NULL);
    atomic_store(&counter.fail_at, 0);
    gvk_device_destroy(own);
    return result;
}

static void expect_memory_failure(gvk_result result, long fail_at, long held)
{
    if (result != GVK_ERROR_HOST_MEMORY || counter.sentences[GVK_LOG_ERROR] != 1)
        fail_msg("allocation %ld fails: %s with %u sentences, the last: \"%s\"", fail_at, gvk_result_name(result),
                 counter.sentences[GVK_LOG_ERROR], counter.last);
    if (atomic_load(&counter.live) != held)
        fail_msg("allocation %ld fails: %ld blocks are kept", fail_at, atomic_load(&counter.live) - held);
}

static void any_allocation_may_fail_and_nothing_is_lost(void **state)
{
    (void)state;
    double begin = seconds();
    assert_ok(run_with_failure(NULL, 0));
    double once = seconds() - begin;
    long calls = atomic_load(&counter.calls);
    long step = 1 + (long)((double)calls * once / 10); /* ten seconds' worth */
    long tried = 0;
    for (long i = 1; i <= calls; i += step, tried++)
        expect_memory_failure(run_with_failure(NULL, i), i, 0);
    print_message("             %ld of %ld allocations, device and all\n", tried, calls);

    gvk_device *device = create_device();
    for (int i = 0; i < 2; i++) /* the second finds the pipelines made */
        assert_ok(run_with_failure(device, 0));
    long held = atomic_load(&counter.live);
    calls = atomic_load(&counter.calls);
    begin = seconds();
    long last = 0;
    for (long i = 1; i <= calls && seconds() - begin < 15; i++, last++)
        expect_memory_failure(run_with_failure(device, i), i, held);
    print_message("             %ld of %ld allocations, model, stream and frame\n", last, calls);
    float expected[VALUES], got[VALUES];
    assert_ok(run_once(device, got));
    gvk_device_destroy(device);
    device = create_device();
    assert_ok(run_once(device, expected));
    expect_equal_values(got, expected, "after all failures");
    gvk_device_destroy(device);
    expect_nothing_held("failing allocations");
}

/* ---- threads ------------------------------------------------------------------------------------------------------
 */

#define THREADS 4

struct job {
    gvk_model *model;
    pthread_t thread;
    float values[VALUES];
    gvk_result result;
    unsigned differing; /* frames that differ from the thread's first */
};

static void *run_job(void *user)
{
    struct job *job = user;
    float values[VALUES];
    for (int i = 0; i < 3; i++) { /* streams are made and destroyed while the others run */
        gvk_stream *stream = NULL;
        gvk_result result = make_stream(job->model, SIDE, 1 + (uint32_t)i, &stream);
        for (int j = 0; j < 8 && !result; j++) {
            result = run_frame(stream, values, VALUES);
            if (!i && !j)
                memcpy(job->values, values, sizeof values);
            else
                job->differing += memcmp(job->values, values, sizeof values) != 0;
        }
        gvk_stream_destroy(stream);
        if (result)
            job->result = result;
    }
    return NULL;
}

static void threads_share_a_model(void **state)
{
    (void)state;
    float expected[VALUES];
    gvk_device *device = create_device();
    assert_ok(run_once(device, expected));
    gvk_device_destroy(device);
    for (int round = 0; round < 3; round++) {
        device = create_device(); /* its pipelines are made by whichever thread comes first */
        struct job jobs[THREADS] = {0};
        gvk_model *model = create_model(device);
        for (int i = 0; i < THREADS; i++) {
            jobs[i].model = model;
            assert_int_equal(pthread_create(&jobs[i].thread, NULL, run_job, &jobs[i]), 0);
        }
        for (int i = 0; i < THREADS; i++)
            pthread_join(jobs[i].thread, NULL);
        gvk_model_destroy(model);
        gvk_device_destroy(device);
        for (int i = 0; i < THREADS; i++) {
            if (jobs[i].result || jobs[i].differing)
                fail_msg("round %d, thread %d: %s, %u frames differ", round, i, gvk_result_name(jobs[i].result),
                         jobs[i].differing);
            expect_equal_values(jobs[i].values, expected, "a thread");
        }
    }
    expect_nothing_held("threads");
}

/* ---- frames in flight ---------------------------------------------------------------------------------------------
 */

static void a_wait_of_no_time_says_whether_the_frame_is_done(void **state)
{
    (void)state;
    gvk_device *device = create_device();
    gvk_model *model = create_model(device);
    gvk_stream *stream = create_stream(model, 512, 1);
    unsigned early = 0;
    for (int i = 0; i < 5; i++) {
        gvk_ticket ticket = 0;
        assert_ok(submit_tiny(stream, &ticket));
        gvk_result result = gvk_stream_wait(stream, ticket, 0);
        assert_true(result == GVK_OK || result == GVK_NOT_READY);
        early += result == GVK_NOT_READY;
        result = gvk_stream_wait(stream, ticket, 1);
        assert_true(result == GVK_OK || result == GVK_TIMEOUT);
        assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
        assert_ok(gvk_stream_wait(stream, ticket, 0));
    }
    print_message("             %u of 5 frames were not ready at once\n", early);
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
    gvk_device_destroy(device);
}

static void a_frame_is_not_read_before_it_is_done(void **state)
{
    (void)state;
    reset_watch();
    gvk_device *device = import_watched();
    gvk_model *model = create_model(device);
    gvk_stream *stream = create_stream(model, SIDE, 1);
    gvk_ticket ticket = 0;
    gvk_array array;
    gvk_timing timings[3];
    gvk_layer_timing layers[3];
    uint32_t count = 3;
    assert_ok(submit_tiny(stream, &ticket));
    watch.hold = true;
    reset_sentences(&counter);
    assert_int_equal(gvk_stream_wait(stream, ticket, 0), GVK_NOT_READY);
    assert_int_equal(gvk_stream_wait(stream, ticket, 1000), GVK_TIMEOUT);
    assert_int_equal(counter.sentences[GVK_LOG_ERROR], 0); /* neither is an error */
    expect_refusal(gvk_stream_read(stream, ticket, "head", &array), GVK_ERROR_ARGUMENT, "wait for it first");
    expect_refusal(gvk_stream_timings(stream, ticket, timings, &count), GVK_ERROR_ARGUMENT, "wait for it first");
    expect_refusal(gvk_stream_layer_timings(stream, ticket, layers, &count), GVK_ERROR_ARGUMENT, "wait for it first");
    watch.hold = false;
    assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
    assert_ok(gvk_stream_read(stream, ticket, "head", &array));
    expect_refusal(gvk_stream_read(stream, ticket, "deep", &array), GVK_ERROR_ARGUMENT, "neither an output nor kept");
    expect_refusal(gvk_stream_read(stream, ticket, "nowhere", &array), GVK_ERROR_ARGUMENT, "nowhere");
    expect_refusal(gvk_stream_read(stream, ticket, NULL, &array), GVK_ERROR_ARGUMENT, "a tensor's name");
    expect_refusal(gvk_stream_read(stream, ticket, "head", NULL), GVK_ERROR_ARGUMENT, "a place for the array");

    /* A device that never finishes is taken for lost, and its stream stays so. */
    assert_ok(submit_tiny(stream, &ticket));
    watch.hold = true;
    for (int i = 0; i < 2; i++)
        expect_refusal(submit_tiny(stream, &ticket), GVK_ERROR_DEVICE_LOST, "lost");
    watch.hold = false;
    expect_refusal(submit_tiny(stream, &ticket), GVK_ERROR_DEVICE_LOST, "lost");
    vkQueueWaitIdle(shared.queue);
    gvk_stream_destroy(stream);
    assert_ok(run_once(device, NULL));
    gvk_model_destroy(model);
    gvk_device_destroy(device);
    expect_nothing_held("unfinished frames");
}

static void a_ticket_lives_until_frames_take_its_place(void **state)
{
    (void)state;
    gvk_device *device = create_device();
    gvk_model *model = create_model(device);
    for (uint32_t frames = 1; frames <= 3; frames++) {
        gvk_stream *stream = create_stream(model, SIDE, frames);
        gvk_ticket tickets[7] = {0};
        gvk_array array;
        reset_sentences(&counter);
        expect_refusal(gvk_stream_wait(stream, 1, 0), GVK_ERROR_ARGUMENT, "Ticket 1 is unknown");
        for (uint32_t i = 1; i < ARRAY_COUNT(tickets); i++) {
            assert_ok(submit_tiny(stream, &tickets[i]));
            assert_true(tickets[i] > tickets[i - 1]);
            for (uint32_t j = 1; j <= i; j++) {
                if (j + frames > i) {
                    assert_ok(gvk_stream_wait(stream, tickets[j], UINT64_MAX));
                    assert_ok(gvk_stream_read(stream, tickets[j], "head", &array));
                } else {
                    expect_refusal(gvk_stream_wait(stream, tickets[j], UINT64_MAX), GVK_ERROR_ARGUMENT, "later frames");
                    expect_refusal(gvk_stream_read(stream, tickets[j], "head", &array), GVK_ERROR_ARGUMENT,
                                   "later frames");
                }
            }
            expect_refusal(gvk_stream_wait(stream, 0, 0), GVK_ERROR_ARGUMENT, "Ticket 0 is unknown");
            expect_refusal(gvk_stream_wait(stream, tickets[i] + 1, 0), GVK_ERROR_ARGUMENT, "is unknown");
        }
        gvk_stream_destroy(stream);
    }
    gvk_stream *stream = NULL;
    expect_refusal(make_stream(model, SIDE, 9, &stream), GVK_ERROR_ARGUMENT, "at most 8 frames");
    gvk_model_destroy(model);
    gvk_device_destroy(device);
    expect_nothing_held("tickets");
}

static void stages_and_layers_are_timed(void **state)
{
    (void)state;
    gvk_device *device = create_device();
    gvk_model *model = create_model(device);
    for (int profile = 0; profile < 2; profile++) {
        gvk_stream_params params = {.size = sizeof params, .width = 128, .height = 128, .profile = profile};
        gvk_stream *stream = NULL;
        assert_ok(gvk_stream_create(model, &params, &stream));
        gvk_ticket ticket = 0;
        assert_ok(submit_tiny(stream, &ticket));
        assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
        gvk_timing timings[4];
        uint32_t count = 0;
        assert_ok(gvk_stream_timings(stream, ticket, NULL, &count));
        uint32_t stages = count; /* 0 on a device without timestamps */
        assert_true(stages == 0 || stages == 2);
        count = ARRAY_COUNT(timings);
        assert_ok(gvk_stream_timings(stream, ticket, timings, &count));
        assert_int_equal(count, stages);
        static const char *const names[] = {"resize", "network"};
        for (uint32_t i = 0; i < stages; i++) {
            assert_string_equal(timings[i].name, names[i]);
            assert_true(timings[i].ms >= 0 && timings[i].ms < 60000);
        }
        gvk_layer_timing layers[16] = {{0}};
        count = ARRAY_COUNT(layers);
        assert_ok(gvk_stream_layer_timings(stream, ticket, layers, &count));
        if (!profile || !stages) {
            assert_int_equal(count, 0);
        } else {
            static const char *const nodes[] = {"wide", "deep", "head"};
            assert_int_equal(count, 3);
            for (uint32_t i = 0; i < count; i++) {
                assert_string_equal(layers[i].name, nodes[i]);
                assert_true(layers[i].kernel && layers[i].kernel[0]);
                assert_true(layers[i].ms >= 0 && layers[i].ms < 60000);
                print_message("             %s by %s: %.3f ms\n", layers[i].name, layers[i].kernel, layers[i].ms);
            }
            gvk_layer_timing one[2] = {{0}};
            count = 1;
            assert_ok(gvk_stream_layer_timings(stream, ticket, one, &count));
            assert_int_equal(count, 3);
            assert_null(one[1].name);
        }
        reset_sentences(&counter);
        expect_refusal(gvk_stream_timings(stream, ticket, timings, NULL), GVK_ERROR_ARGUMENT, "needs a count");
        expect_refusal(gvk_stream_layer_timings(stream, ticket, layers, NULL), GVK_ERROR_ARGUMENT, "needs a count");
        count = 1;
        expect_refusal(gvk_stream_timings(stream, ticket, NULL, &count), GVK_ERROR_ARGUMENT, "room for that many");
        gvk_stream_destroy(stream);
    }
    gvk_model_destroy(model);
    gvk_device_destroy(device);
}

static void a_stream_may_go_with_frames_in_flight(void **state)
{
    (void)state;
    gvk_device *device = create_device();
    gvk_model *model = create_model(device);
    for (int i = 0; i < 5; i++) {
        gvk_stream *stream = create_stream(model, 512, 3);
        gvk_ticket ticket;
        for (int j = 0; j < 3; j++)
            assert_ok(submit_tiny(stream, &ticket));
        gvk_stream_destroy(stream);
    }
    gvk_model_destroy(model);
    gvk_device_destroy(device);
    expect_nothing_held("frames in flight");
}

/* ---- the library as a file ----------------------------------------------------------------------------------------
 */

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

/* A test that fails leaves its objects behind, which is no matter of the next one's. */
static int begin_test(void **state)
{
    (void)state;
    reset_sentences(&counter);
    atomic_store(&counter.live, 0);
    atomic_store(&counter.fail_at, 0);
    reset_watch();
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    if (!host_device_create(&shared)) {
        print_error("No Vulkan device could be created: %s\n", shared.fault);
        return -1;
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    host_device_destroy(&shared);
    return 0;
}

#define TEST(function) cmocka_unit_test_setup(function, begin_test)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(devices_are_listed_gpus_first),
        TEST(a_device_is_chosen_by_rank_index_name_or_kind),
        TEST(a_device_that_is_not_there_is_refused_in_one_sentence),
        TEST(wants_hold_what_the_physical_device_has),
        TEST(a_device_without_any_feature_or_extension_works),
        TEST(each_wrong_import_is_refused_in_one_sentence),
        TEST(every_submission_is_inside_the_hosts_lock),
        TEST(pipelines_go_into_the_hosts_cache_which_stays_the_hosts),
        TEST(objects_are_named_only_where_the_host_has_debug_utils),
        TEST(two_devices_at_once_give_equal_results),
        TEST(a_memory_ceiling_is_kept_and_the_device_goes_on),
        TEST(a_device_out_of_memory_says_so_and_goes_on),
        TEST(making_and_destroying_keeps_nothing),
        TEST(frames_allocate_nothing_once_they_run),
        TEST(null_is_destroyed_in_peace),
        TEST(any_allocation_may_fail_and_nothing_is_lost),
        TEST(threads_share_a_model),
        TEST(a_wait_of_no_time_says_whether_the_frame_is_done),
        TEST(a_frame_is_not_read_before_it_is_done),
        TEST(a_ticket_lives_until_frames_take_its_place),
        TEST(stages_and_layers_are_timed),
        TEST(a_stream_may_go_with_frames_in_flight),
        TEST(the_library_names_no_vulkan_function),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
