/* A host that was compiled against headers of another release than the library it runs with: those of 0.1, today's, or
 * made-up ones of a release to come, in which every struct has grown by `next` (NEXT_RELEASE). It knows nothing of the
 * project but <ghostvk>, uses each struct that crosses the boundary, and runs everything twice: with whole sizes, and
 * with the sizes of 0.1. */
#include <dlfcn.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ghostvk/checkpoint.h>
#include <ghostvk/ghostnet.h>
#include <ghostvk/tracker.h>

enum mode { WHOLE, FIRST };
static enum mode mode;
static const char *const mode_names[] = {"whole sizes", "the sizes of 0.1"};

/* What a struct has grown by, and how a host says the size it had in 0.1: by its number or, if that is its own, by 0.
 */
#if defined(NEXT_RELEASE)
#define SIZE(type)         (mode == WHOLE ? sizeof(type) : sizeof(type) - sizeof(uint64_t))
#define STRIDE(type)       sizeof(type)
#define CHECK_NEXT(object) CHECK((object).next == 0)
#elif defined(FIRST_RELEASE)
#define SIZE(type)         (mode == WHOLE ? sizeof(type) : 0)
#define STRIDE(type)       SIZE(type)
#define CHECK_NEXT(object) ((void)0)
#else
#define SIZE(type)         sizeof(type)
#define STRIDE(type)       sizeof(type)
#define CHECK_NEXT(object) ((void)0)
#endif

static char last_sentence[512];

static void fail(int line, const char *what)
{
    printf("host.c:%d: with %s: %s; the library's last sentence: \"%s\"\n", line, mode_names[mode], what,
           last_sentence);
    exit(1);
}

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            fail(__LINE__, #condition);                                                                                \
    } while (0)
#define OK(call) CHECK((call) == GVK_OK)

/* A struct whose new member is set is refused in whole, and taken where its size says that it ends before. */
#if defined(NEXT_RELEASE)
#define CHECK_TAIL(object, call)                                                                                       \
    do {                                                                                                               \
        (object).next = 1;                                                                                             \
        last_sentence[0] = 0;                                                                                          \
        gvk_result got = (call);                                                                                       \
        if (mode == WHOLE && (got != GVK_ERROR_ARGUMENT || !strstr(last_sentence, "does not know")))                   \
            fail(__LINE__, "a member that is not known was taken by " #call);                                          \
        if (mode == FIRST && got != GVK_OK)                                                                            \
            fail(__LINE__, "what is behind the size was looked at by " #call);                                         \
        (object).next = 0;                                                                                             \
        (object).size = SIZE(object);                                                                                  \
    } while (0)
#else
#define CHECK_TAIL(object, call) OK(call)
#endif

static void keep_sentence(void *user, gvk_log_level level, const char *sentence)
{
    (void)user;
    if (level == GVK_LOG_ERROR)
        snprintf(last_sentence, sizeof last_sentence, "%s", sentence);
}

static size_t blocks;

static void *allocate(void *user, size_t bytes, size_t alignment)
{
    (void)user;
    (void)alignment;
    void *block = malloc(bytes);
    if (block)
        __atomic_fetch_add(&blocks, 1, __ATOMIC_RELAXED);
    return block;
}

static void release(void *user, void *block)
{
    (void)user;
    if (block)
        __atomic_fetch_sub(&blocks, 1, __ATOMIC_RELAXED);
    free(block);
}

static gvk_host host;

/* ---- devices ---- */

#define DEVICES_MAX 8

static void list_devices(void)
{
    struct {
        gvk_device_info infos[DEVICES_MAX + 1];
    } list;
    memset(&list, 0x5a, sizeof list);
    uint32_t there = 0, count = DEVICES_MAX;
    OK(gvk_device_list(&host, NULL, STRIDE(gvk_device_info), &there));
    CHECK(there >= 1);
    OK(gvk_device_list(&host, list.infos, STRIDE(gvk_device_info), &count));
    CHECK(count == there);
    for (uint32_t i = 0; i < count && i < DEVICES_MAX; i++) {
        CHECK(list.infos[i].index == i);
        CHECK(list.infos[i].name[0] && memchr(list.infos[i].name, 0, sizeof list.infos[i].name));
        CHECK(list.infos[i].api_version >= VK_API_VERSION_1_0 && list.infos[i].memory_bytes);
#if defined(NEXT_RELEASE)
        CHECK(list.infos[i].next == UINT64_C(0x5a5a5a5a5a5a5a5a)); /* untouched */
#endif
    }
    const unsigned char *behind = (const unsigned char *)&list.infos[count < DEVICES_MAX ? count : DEVICES_MAX];
    for (size_t i = 0; i < sizeof list.infos[0]; i++)
        CHECK(behind[i] == 0x5a);
}

static gvk_device *open_device(void)
{
    gvk_device *device = NULL;
    gvk_device_params params = {.size = SIZE(params), .host = &host, .choice = GVK_DEVICE_INDEX, .index = 0};
    CHECK_TAIL(params, (gvk_device_open(&params, &device)));
    gvk_device_destroy(device);
    device = NULL;
    CHECK_TAIL(host, (gvk_device_open(&params, &device)));
    gvk_device_destroy(device);
    OK(gvk_device_open(&params, &device));
    gvk_device_info info = {.size = SIZE(info)};
    gvk_device_describe(device, &info);
    CHECK(info.size == SIZE(info) && info.index == 0 && info.name[0] && info.usable && !info.reason[0]);
    CHECK_NEXT(info);
    return device;
}

/* A device of the host's, which the library imports. */
static void import_device(void)
{
    void *loader = dlopen("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);
    CHECK(loader);
    PFN_vkGetInstanceProcAddr get;
    void *symbol = dlsym(loader, "vkGetInstanceProcAddr");
    memcpy(&get, &symbol, sizeof get);
#define GET(instance, name) PFN_##name name = (PFN_##name)get(instance, #name)
    GET(NULL, vkCreateInstance);
    VkApplicationInfo application = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO, .apiVersion = VK_API_VERSION_1_1};
    VkInstanceCreateInfo create_instance = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                            .pApplicationInfo = &application};
    VkInstance instance = VK_NULL_HANDLE;
    CHECK(!vkCreateInstance(&create_instance, NULL, &instance));
    GET(instance, vkEnumeratePhysicalDevices);
    GET(instance, vkCreateDevice);
    GET(instance, vkGetDeviceProcAddr);
    GET(instance, vkDestroyInstance);
    uint32_t count = 1;
    VkPhysicalDevice physical_device = VK_NULL_HANDLE;
    CHECK(vkEnumeratePhysicalDevices(instance, &count, &physical_device) >= 0 && count == 1);

    gvk_wants wants = {.size = SIZE(wants)};
    OK(gvk_device_wants(get, instance, physical_device, &wants));
    CHECK(wants.size == SIZE(wants));
    CHECK_NEXT(wants);
    for (const VkBaseInStructure *item = wants.features.pNext; item; item = item->pNext)
        CHECK((const char *)item > (const char *)&wants && (const char *)item < (const char *)(&wants + 1));
    float priority = 1;
    VkDeviceQueueCreateInfo queue = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1, .pQueuePriorities = &priority};
    VkDeviceCreateInfo create_device = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
        .pNext = &wants.features,
        .queueCreateInfoCount = 1,
        .pQueueCreateInfos = &queue,
        .enabledExtensionCount = wants.device_extension_count,
        .ppEnabledExtensionNames = wants.device_extensions,
    };
    VkDevice vulkan_device = VK_NULL_HANDLE;
    CHECK(!vkCreateDevice(physical_device, &create_device, NULL, &vulkan_device));
    PFN_vkGetDeviceQueue vkGetDeviceQueue =
        (PFN_vkGetDeviceQueue)vkGetDeviceProcAddr(vulkan_device, "vkGetDeviceQueue");
    PFN_vkDestroyDevice vkDestroyDevice = (PFN_vkDestroyDevice)vkGetDeviceProcAddr(vulkan_device, "vkDestroyDevice");
    gvk_import_params params = {
        .size = SIZE(params),
        .host = &host,
        .get_instance_proc = get,
        .instance = instance,
        .api_version = VK_API_VERSION_1_1,
        .physical_device = physical_device,
        .device = vulkan_device,
        .enabled_features = &wants.features,
        .device_extensions = wants.device_extensions,
        .device_extension_count = wants.device_extension_count,
    };
    vkGetDeviceQueue(vulkan_device, 0, 0, &params.queue);
    gvk_device *device = NULL;
    CHECK_TAIL(params, (gvk_device_import(&params, &device)));
    gvk_device_destroy(device);
    OK(gvk_device_import(&params, &device));
    gvk_device_destroy(device);
    vkDestroyDevice(vulkan_device, NULL);
    vkDestroyInstance(instance, NULL);
    dlclose(loader);
}

/* ---- a graph of the host's own ---- */

#define SIDE    5
#define INPUTS  3
#define OUTPUTS 4
#define BATCH   2
#define PIXELS  (SIDE * SIDE)

static float weights[OUTPUTS * INPUTS], biases[OUTPUTS], tensors[BATCH][INPUTS * PIXELS];

static void fill_constants(void)
{
    for (int i = 0; i < OUTPUTS * INPUTS; i++)
        weights[i] = (float)(i * 7 % 9 - 4) * 0.25f;
    for (int i = 0; i < OUTPUTS; i++)
        biases[i] = (float)(i - 1) * 0.5f;
    for (int item = 0; item < BATCH; item++)
        for (int i = 0; i < INPUTS * PIXELS; i++)
            tensors[item][i] = (float)((i * 5 + item * 3) % 8) * 0.125f;
}

static gvk_result find_weight(void *user, const char *name, gvk_array *out)
{
    (void)user;
    if (!strcmp(name, "mix.weight"))
        *out = (gvk_array){GVK_TYPE_F32, 4, {OUTPUTS, INPUTS, 1, 1}, weights, sizeof weights};
    else if (!strcmp(name, "mix.bias"))
        *out = (gvk_array){GVK_TYPE_F32, 1, {OUTPUTS}, biases, sizeof biases};
    else
        return GVK_ERROR_MISMATCH;
    return GVK_OK;
}

static gvk_result try_node(const gvk_node *node)
{
    gvk_graph *graph = NULL;
    OK(gvk_graph_create(&host, find_weight, NULL, &graph));
    gvk_node copy = *node;
    copy.inputs[0] = gvk_graph_input(graph, "input", INPUTS);
    gvk_graph_output(graph, "mix", gvk_graph_add(graph, &copy));
    gvk_result result = gvk_graph_finish(graph);
    gvk_graph_destroy(graph);
    return result;
}

static gvk_graph *build_graph(void)
{
    gvk_graph *graph = NULL;
    OK(gvk_graph_create(&host, find_weight, NULL, &graph));
    gvk_node node = {.size = SIZE(node),
                     .op = GVK_OP_CONVOLUTION,
                     .name = "mix",
                     .outputs = OUTPUTS,
                     .bias = 1,
                     .activation = GVK_ACTIVATION_RELU};
    CHECK_TAIL(node, (try_node(&node)));
    node.inputs[0] = gvk_graph_input(graph, "input", INPUTS);
    gvk_tensor mix = gvk_graph_add(graph, &node);
    CHECK(mix && gvk_graph_channels(graph, mix) == OUTPUTS);
    gvk_graph_output(graph, "mix", mix);
    OK(gvk_graph_finish(graph));
    return graph;
}

static void check_values(const gvk_array *array)
{
    CHECK(array->type == GVK_TYPE_F32 && array->rank == 4 && array->shape[0] == BATCH && array->shape[1] == OUTPUTS);
    const float *got = array->data;
    for (int item = 0; item < BATCH; item++)
        for (int output = 0; output < OUTPUTS; output++)
            for (int pixel = 0; pixel < PIXELS; pixel++, got++) {
                double sum = (double)biases[output];
                for (int input = 0; input < INPUTS; input++)
                    sum += (double)weights[output * INPUTS + input] * (double)tensors[item][input * PIXELS + pixel];
                CHECK(fabs((double)*got - fmax(sum, 0)) < 1e-5);
            }
}

static gvk_result try_model(gvk_device *device, const gvk_graph *graph, const gvk_model_params *params)
{
    gvk_model *model = NULL;
    gvk_result result = gvk_model_create(device, graph, params, &model);
    gvk_model_destroy(model);
    return result;
}

static gvk_result try_stream(gvk_model *model, const gvk_stream_params *params)
{
    gvk_stream *stream = NULL;
    gvk_result result = gvk_stream_create(model, params, &stream);
    gvk_stream_destroy(stream);
    return result;
}

static gvk_result submit_and_wait(gvk_stream *stream, const gvk_picture *pictures, gvk_ticket *ticket)
{
    gvk_result result = gvk_stream_submit(stream, pictures, STRIDE(gvk_picture), BATCH, ticket);
    return result ? result : gvk_stream_wait(stream, *ticket, UINT64_MAX);
}

static void run_frame(gvk_stream *stream)
{
    gvk_picture pictures[BATCH];
    memset(pictures, 0, sizeof pictures);
    for (int item = 0; item < BATCH; item++) {
        pictures[item].size = SIZE(gvk_picture);
        pictures[item].kind = GVK_PICTURE_TENSOR;
        pictures[item].width = pictures[item].height = SIDE;
        pictures[item].pixels = tensors[item];
    }
    gvk_ticket ticket = 0;
    CHECK_TAIL(pictures[1], (submit_and_wait(stream, pictures, &ticket)));
    OK(submit_and_wait(stream, pictures, &ticket));
    gvk_array array;
    OK(gvk_stream_read(stream, ticket, "mix", &array));
    check_values(&array);

    gvk_timing stages[4];
    gvk_layer_timing layers[4];
    uint32_t count = 4;
    OK(gvk_stream_timings(stream, ticket, stages, STRIDE(gvk_timing), &count));
    CHECK(count == 2 && !strcmp(stages[0].name, "resize") && !strcmp(stages[1].name, "network"));
    CHECK(stages[0].ms >= 0 && stages[1].ms >= 0 && stages[1].ms < 60000);
    count = 4;
    OK(gvk_stream_layer_timings(stream, ticket, layers, STRIDE(gvk_layer_timing), &count));
    CHECK(count >= 1 && count <= 4);
    bool found = false;
    for (uint32_t i = 0; i < count; i++)
        found = found || (!strcmp(layers[i].name, "mix") && layers[i].macs == BATCH * OUTPUTS * INPUTS * PIXELS &&
                          layers[i].kernel[0]);
    CHECK(found);
    gvk_stream_info info = {.size = SIZE(info)};
    gvk_stream_describe(stream, &info);
    CHECK(info.size == SIZE(info) && info.width == SIDE && info.height == SIDE && info.batch == BATCH);
    CHECK(info.macs == BATCH * OUTPUTS * INPUTS * PIXELS && info.network.dispatches >= 1 && info.weight_bytes);
    CHECK_NEXT(info);
}

static void describe_plan(const gvk_device *device, const gvk_graph *graph, const gvk_stream_params *stream)
{
    gvk_description plan = {.size = SIZE(plan), .layer_size = STRIDE(gvk_layer_description)};
    OK(gvk_plan_describe(device, graph, NULL, stream, &plan));
    CHECK(plan.layer_count == 1 && !strcmp(plan.layers[0].name, "mix") && plan.layers[0].channels == OUTPUTS);
    CHECK(plan.parameters == OUTPUTS * INPUTS + OUTPUTS && plan.layers[0].parameters == plan.parameters);
    CHECK(plan.dispatches_after >= 1 && plan.arena_bytes && plan.memory);
    CHECK_NEXT(plan);
    gvk_description_release(&host, &plan);
    CHECK(!plan.memory && !plan.layers && plan.size == SIZE(plan));
}

static unsigned tuned_kernels;

static void count_kernel(void *user, const gvk_tuned_kernel *kernel)
{
    (void)user;
    tuned_kernels +=
        kernel->size > sizeof(size_t) && !strcmp(kernel->layer, "mix") && kernel->built_in && kernel->chosen;
}

static void tune(gvk_device *device, const gvk_graph *graph)
{
    gvk_tune_params params = {
        .size = SIZE(params), .width = SIDE, .height = SIDE, .batch = BATCH, .rounds = 1, .tuned = count_kernel};
    gvk_tune_result tuned = {.size = SIZE(tuned)};
    CHECK_TAIL(params, (gvk_tune(device, graph, &params, &tuned)));
    tuned_kernels = 0;
    OK(gvk_tune(device, graph, &params, &tuned));
    CHECK(tuned.size == SIZE(tuned) && tuned.built_in_ms > 0 && tuned_kernels == 1);
    CHECK_NEXT(tuned);
}

static void use_graph(gvk_device *device)
{
    gvk_graph *graph = build_graph();
    gvk_model *model = NULL;
    gvk_stream *stream = NULL;
    gvk_model_params model_params = {.size = SIZE(model_params), .precision = GVK_PRECISION_FP32};
    CHECK_TAIL(model_params, (try_model(device, graph, &model_params)));
    OK(gvk_model_create(device, graph, &model_params, &model));
    uint32_t names = 0;
    OK(gvk_model_tensors(model, NULL, &names));
    CHECK(names == 1);
    gvk_stream_params params = {
        .size = SIZE(params), .width = SIDE, .height = SIDE, .batch = BATCH, .frames = 2, .profile = 1};
    CHECK_TAIL(params, (try_stream(model, &params)));
    OK(gvk_stream_create(model, &params, &stream));
    run_frame(stream);
    run_frame(stream);
    describe_plan(device, graph, &params);
    describe_plan(NULL, graph, &params);
    tune(device, graph);
    gvk_picture picture = {.size = SIZE(picture), .width = 640, .height = 480};
    CHECK_TAIL(picture, (gvk_device_check_picture(device, &picture, 64, 64)));
    OK(gvk_device_check_picture(device, &picture, 64, 64));
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
    gvk_graph_destroy(graph);
}

/* ---- a network, and its boxes ---- */

#define CLASSES 3

static gvk_result try_detector(gvk_model *model, const gvk_network *network, const gvk_detector_params *params)
{
    gvk_stream *stream = NULL;
    gvk_result result = gvk_detector_create(model, network, params, &stream);
    gvk_stream_destroy(stream);
    return result;
}

/* A file that cannot be opened is refused behind the params. */
static gvk_result try_network(const gvk_network_params *params)
{
    gvk_network *network = NULL;
    gvk_result result = gvk_network_open(&host, params, &network);
    CHECK(!network && result);
    return result == GVK_ERROR_FILE ? GVK_OK : result;
}

static gvk_result try_checkpoint(const gvk_checkpoint_params *params)
{
    gvk_checkpoint *checkpoint = NULL;
    gvk_result result = gvk_checkpoint_open(&host, params, &checkpoint);
    CHECK(!checkpoint && result);
    return result == GVK_ERROR_FILE ? GVK_OK : result;
}

static gvk_result try_heads(gvk_model *model, const gvk_detector_heads *heads, const gvk_detector_params *params)
{
    gvk_stream *stream = NULL;
    gvk_result result = gvk_detector_create_for(model, heads, params, &stream);
    gvk_stream_destroy(stream);
    return result;
}

/* The network's maps, as a host names those of a graph of its own. */
static void use_heads(gvk_model *model, const gvk_detector_params *params)
{
    gvk_detector_map maps[] = {
        {.size = SIZE(maps[0]), .output = "stride32", .stride = 32, .anchors = {1, 2, 3, 4, 5, 6}},
        {.size = SIZE(maps[0]), .output = "stride16", .stride = 16, .anchors = {6, 5, 4, 3, 2, 1}},
        {.size = SIZE(maps[0]), .output = "stride8", .stride = 8, .anchors = {1, 1, 2, 2, 3, 3}}};
    gvk_detector_heads heads = {
        .size = SIZE(heads), .maps = maps, .map_size = STRIDE(maps[0]), .map_count = 3, .class_count = CLASSES};
    CHECK_TAIL(heads, (try_heads(model, &heads, params)));
    CHECK_TAIL(maps[2], (try_heads(model, &heads, params)));
    OK(try_heads(model, &heads, params));
}

static void check_boxes(const gvk_detection *boxes, uint32_t count)
{
    CHECK(count > 10);
    for (uint32_t i = 0; i < count; i++) {
        CHECK(boxes[i].class_id < CLASSES && boxes[i].item == 0 && boxes[i].score >= 0 && boxes[i].score <= 1.001f);
        CHECK(boxes[i].box[0] <= boxes[i].box[2] && boxes[i].box[1] <= boxes[i].box[3] && boxes[i].box[2] <= 32);
        CHECK(!i || boxes[i].score <= boxes[i - 1].score);
    }
}

static void use_network(gvk_device *device)
{
    gvk_network *network = NULL;
    gvk_model *model = NULL;
    gvk_stream *stream = NULL;
    gvk_network_params source = {.size = SIZE(source), .path = "/no/such/file.safetensors"};
    CHECK_TAIL(source, (try_network(&source)));
    OK(try_network(&source));
    gvk_checkpoint_params checkpoint = {.size = SIZE(checkpoint), .path = source.path};
    CHECK_TAIL(checkpoint, (try_checkpoint(&checkpoint)));
    OK(gvk_network_generate(&host, CLASSES, &network));
    gvk_network_info info = {.size = SIZE(info)};
    gvk_network_describe(network, &info);
    CHECK(info.size == SIZE(info) && info.class_count == CLASSES && info.anchors && !strcmp(info.classes[1], "1"));
    CHECK(info.input_width && info.confidence > 0 && info.weights);
    CHECK_NEXT(info);
    OK(gvk_model_create(device, gvk_network_graph(network), NULL, &model));
    gvk_stream_params stream_params = {.size = SIZE(stream_params), .width = 64, .height = 64};
    gvk_detector_params params = {.size = SIZE(params), .stream = &stream_params, .confidence = -1, .iou = 1};
    CHECK_TAIL(params, (try_detector(model, network, &params)));
    CHECK_TAIL(stream_params, (try_detector(model, network, &params)));
    use_heads(model, &params);
    OK(gvk_detector_create(model, network, &params, &stream));
    static unsigned char pixels[32 * 24 * 3];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (unsigned char)(i * i / 3);
    gvk_picture picture = {.size = SIZE(picture), .width = 32, .height = 24, .pixels = pixels};
    gvk_ticket ticket = 0;
    OK(gvk_stream_submit(stream, &picture, STRIDE(gvk_picture), 1, &ticket));
    OK(gvk_stream_wait(stream, ticket, UINT64_MAX));
    const gvk_detection *boxes = NULL;
    uint32_t count = 0, again = 0;
    OK(gvk_detector_read(stream, ticket, &boxes, STRIDE(gvk_detection), &count));
    check_boxes(boxes, count);
    OK(gvk_detector_read(stream, ticket, &boxes, STRIDE(gvk_detection), &again)); /* once there is room for all */
    CHECK(again == count);
    check_boxes(boxes, count);
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
    gvk_network_destroy(network);
}

static gvk_result try_tracker(const gvk_tracker_params *params)
{
    gvk_tracker *tracker = NULL;
    gvk_result result = gvk_tracker_create(&host, params, &tracker);
    gvk_tracker_destroy(tracker);
    return result;
}

/* Two boxes that move, in detections that the host fills, and no device. */
static void use_tracker(void)
{
    gvk_tracker_params params = {.size = SIZE(params), .min_hits = 2, .derivative_cutoff = 2};
    CHECK_TAIL(params, (try_tracker(&params)));
    gvk_tracker *tracker = NULL;
    OK(gvk_tracker_create(&host, &params, &tracker));
    const gvk_track *tracks = NULL;
    uint32_t count = 0;
    for (int i = 0; i < 3; i++) {
        gvk_detection boxes[2];
        memset(boxes, 0, sizeof boxes);
        for (int j = 0; j < 2; j++) {
            float x = (float)(10 * i + 300 * j);
            boxes[j].box[0] = x;
            boxes[j].box[2] = x + 80;
            boxes[j].box[3] = 50;
            boxes[j].class_id = (uint32_t)j;
        }
        OK(gvk_tracker_update(tracker, boxes, STRIDE(gvk_detection), 2, 0.1 * i, &tracks, STRIDE(gvk_track), &count));
        CHECK(count == (i ? 2 : 0));
        for (uint32_t j = 0; j < count; j++) {
            CHECK(tracks[j].id == j + 1 && tracks[j].class_id == j && tracks[j].state == GVK_TRACK_CONFIRMED);
            CHECK(tracks[j].age == (uint32_t)i + 1 && tracks[j].box[0] >= (float)(300 * j));
            CHECK_NEXT(tracks[j]);
        }
    }
    OK(gvk_tracker_predict(tracker, 0.3, &tracks, STRIDE(gvk_track), &count));
    CHECK(count == 2 && tracks[1].id == 2 && tracks[1].box[0] > 315 && tracks[1].velocity[0] > 50);
    gvk_tracker_destroy(tracker);
}

int main(void)
{
    fill_constants();
    for (int i = WHOLE; i <= FIRST; i++) {
        mode = (enum mode)i;
        host = (gvk_host){.size = SIZE(host), .log = keep_sentence, .allocate = allocate, .release = release};
        list_devices();
        import_device();
        use_tracker();
        gvk_device *device = open_device();
        use_graph(device);
        use_network(device);
        gvk_device_destroy(device);
        CHECK(blocks == 0);
    }
    printf("host: everything was done, with %s and with %s\n", mode_names[WHOLE], mode_names[FIRST]);
    return 0;
}
