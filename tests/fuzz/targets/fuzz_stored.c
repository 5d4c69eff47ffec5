/* Fuzzes what the host keeps between starts: the header of cache_entry.c, and what stands behind it, a driver's
 * pipeline cache, choices of kernels, verdicts about kernels. The first byte of an input says which; the rest is the
 * block. Most mutations change what is behind the header, and the header is made to fit; the others change bytes
 * anywhere.
 *
 * Choices name shapes, kernels and sizes: a network that has such shapes is planned with them. */
#include <stdlib.h>
#include <string.h>

#include "runtime/base/thread.h"
#include "runtime/check/proof.h"
#include "runtime/device/pipeline_cache.h"
#include "runtime/graph/rewrite.h"
#include "runtime/kernel/choice.h"
#include "runtime/op/ghost.h"
#include "runtime/op/table.h"
#include "runtime/vulkan/cache_entry.h"
#include "tests/fuzz/fuzz.h"

#define KINDS      3u
#define BLOCK_MAX  65536u
#define DRIVER_MAX 256u
#define SHAPES     32u
#define WIDTH      32u /* of the network's input */
#define HEIGHT     64u

enum kind { PIPELINES, CHOICES, VERDICTS };

/* ---- a device without a driver, and what its host keeps ---- */

static struct {
    const uint8_t *bytes; /* that are loaded */
    size_t count;
    uint8_t stored[BLOCK_MAX]; /* what was stored last */
    size_t stored_count;
} kept;

static gvk_result load(void *user, const char *key, void *bytes, size_t *count)
{
    (void)user;
    FUZZ_CHECK(strlen(key) < 96 && key[strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789-")] == 0);
    if (!kept.count)
        return GVK_ERROR_FILE;
    if (bytes) {
        FUZZ_CHECK(*count <= kept.count);
        memcpy(bytes, kept.bytes, *count);
    }
    *count = kept.count;
    return GVK_OK;
}

static void store(void *user, const char *key, const void *bytes, size_t count)
{
    (void)user;
    (void)key;
    FUZZ_CHECK(count <= BLOCK_MAX);
    memcpy(kept.stored, bytes, count);
    kept.stored_count = count;
}

static VKAPI_ATTR void VKAPI_CALL get_properties(VkPhysicalDevice physical_device, VkPhysicalDeviceProperties *out)
{
    (void)physical_device;
    *out = (VkPhysicalDeviceProperties){.vendorID = 0x1002, .deviceID = 0x73bf, .driverVersion = 7};
    memset(out->pipelineCacheUUID, 0x5a, sizeof out->pipelineCacheUUID);
}

static VKAPI_ATTR VkResult VKAPI_CALL create_cache(VkDevice device, const VkPipelineCacheCreateInfo *create,
                                                   const VkAllocationCallbacks *callbacks, VkPipelineCache *out)
{
    (void)device;
    (void)callbacks;
    FUZZ_CHECK(create->initialDataSize <= BLOCK_MAX);
    fuzz_touch(create->pInitialData, create->initialDataSize);
    memset(out, 1, sizeof *out);
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL get_data(VkDevice device, VkPipelineCache cache, size_t *count, void *out)
{
    (void)device;
    (void)cache;
    if (out)
        memset(out, 0x33, *count);
    else
        *count = DRIVER_MAX;
    return VK_SUCCESS;
}

static struct gvk_device device;

/* As device.c leaves it before anything is loaded; a CPU device, for which there are the most kernels. */
static void begin_device(void)
{
    static bool has_mutex;
    gvk_mutex proof_mutex = device.proof_mutex, mutex = device.mutex;
    memset(&device, 0, sizeof device);
    device.proof_mutex = proof_mutex;
    device.mutex = mutex;
    if (!has_mutex)
        FUZZ_CHECK(gvk_mutex_create(&device.proof_mutex) && gvk_mutex_create(&device.mutex));
    has_mutex = true;
    device.host = gvk_host_complete(fuzz_begin((size_t)8 << 20));
    device.host.cache_load = load;
    device.host.cache_store = store;
    device.vk.GetPhysicalDeviceProperties = get_properties;
    device.vk.CreatePipelineCache = create_cache;
    device.vk.GetPipelineCacheData = get_data;
    device.traits = gvk_traits_of_plain_gpu();
    device.traits.type = VK_PHYSICAL_DEVICE_TYPE_CPU;
    device.traits.subgroup_size = 8;
    device.traits.subgroup_shuffle = device.traits.subgroup_broadcast = true;
    device.traits.subgroup_size_control = device.traits.full_subgroups = device.traits.float64 = true;
}

static struct gvk_policy make_policy(void)
{
    struct gvk_policy policy;
    FUZZ_CHECK(gvk_device_policy(&device, GVK_PRECISION_FP32, &policy));
    return policy;
}

static void end_device(void)
{
    gvk_choices_destroy(&device);
    fuzz_end();
}

/* ---- a network for the choices ---- */

static gvk_tensor convolve(gvk_graph *graph, const char *name, gvk_tensor input, uint32_t outputs, uint32_t kernel,
                           uint32_t groups)
{
    return gvk_graph_add(graph, &(gvk_node){.op = GVK_OP_CONVOLUTION,
                                            .name = name,
                                            .inputs = {input},
                                            .outputs = outputs,
                                            .kernel = kernel,
                                            .stride = 1,
                                            .padding = kernel / 2,
                                            .groups = groups,
                                            .bias = 1});
}

static gvk_graph *build_network(void)
{
    gvk_graph *graph = NULL;
    if (gvk_graph_create(&device.host, NULL, NULL, &graph))
        return NULL;
    gvk_tensor input = gvk_graph_input(graph, "input", 3);
    gvk_tensor stem = convolve(graph, "stem", input, 16, 3, 1);
    gvk_tensor wide = convolve(graph, "wide", stem, 64, 1, 1);
    gvk_tensor deep = convolve(graph, "deep", wide, 64, 5, 64);
    gvk_tensor pooled = gvk_graph_add(graph, &(gvk_node){.op = GVK_OP_AVERAGE_POOL, .name = "pool", .inputs = {deep}});
    gvk_tensor squeezed = convolve(graph, "squeeze", pooled, 16, 1, 1);
    gvk_tensor gate = convolve(graph, "expand", squeezed, 64, 1, 1);
    gvk_tensor gated =
        gvk_graph_add(graph, &(gvk_node){.op = GVK_OP_MULTIPLY, .name = "gated", .inputs = {deep, gate}});
    gvk_tensor narrow = convolve(graph, "narrow", gated, 16, 1, 1);
    gvk_tensor sum = gvk_graph_add(graph, &(gvk_node){.op = GVK_OP_ADD, .name = "sum", .inputs = {narrow, stem}});
    gvk_graph_output(graph, "output", convolve(graph, "head", sum, 24, 1, 1));
    if (gvk_graph_finish(graph)) {
        gvk_graph_destroy(graph);
        return NULL;
    }
    return graph;
}

/* Every kernel that is chosen is one that there is, of a size that the device has. */
static void check_selection(const struct gvk_policy *policy, const gvk_graph *graph)
{
    struct gvk_graph *copy = NULL;
    gvk_result result = gvk_graph_copy(&device.host, graph, &copy);
    if (!result)
        result = gvk_rewrite_graph(copy, gvk_rewrites_off(policy, 0));
    fuzz_check_result(result);
    for (uint32_t i = 0; !result && i < copy->node_count; i++) {
        const struct gvk_graph_node *node = &copy->nodes[i];
        if (node->removed || !gvk_kernel_of(node)->candidate)
            continue;
        struct gvk_pipeline_key key = gvk_kernel_of(node)->select(policy, node).key;
        FUZZ_CHECK(key.shader <= GVK_SHADER_COUNT);
        FUZZ_CHECK(key.constants[GVK_CONSTANT_LOCAL_SIZE] <= policy->traits->max_invocations);
    }
    gvk_graph_destroy(copy);
}

static void plan_network(const struct gvk_policy *policy, bool is_whole)
{
    gvk_graph *graph = build_network();
    FUZZ_CHECK(graph != NULL);
    check_selection(policy, graph);
    if (!is_whole) {
        gvk_graph_destroy(graph);
        return;
    }
    gvk_description description = {.size = sizeof description};
    const gvk_stream_params stream = {.size = sizeof stream, .width = WIDTH, .height = HEIGHT, .batch = 1};
    /* Models for a work that is unknown, near, and far from what was measured near the stream's. */
    const gvk_model_params models[] = {{.size = sizeof models[0]},
                                       {.size = sizeof models[0], .width = WIDTH, .height = HEIGHT},
                                       {.size = sizeof models[0], .width = WIDTH, .height = HEIGHT, .batch = 8}};
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        gvk_result result = gvk_plan_describe(&device, graph, &models[i], &stream, &description);
        fuzz_check_result(result);
        FUZZ_CHECK(result == GVK_OK);
        gvk_description_release(&device.host, &description);
    }
    gvk_graph_destroy(graph);
}

/* A graph of which nothing is left to prove: what is kept is read and written all the same. */
static void prove_nothing(struct gvk_policy *policy)
{
    struct gvk_graph_node node = {.removed = true};
    struct gvk_graph graph = {.nodes = &node, .node_count = 1};
    gvk_result result = gvk_kernels_prove(&device, &graph, policy);
    fuzz_check_result(result);
    FUZZ_CHECK(result == GVK_OK);
}

/* ---- whole blocks ---- */

/* A block of each kind as the program stores it. */
static void store_good(enum kind kind)
{
    begin_device();
    kept.count = kept.stored_count = 0;
    if (kind == PIPELINES) {
        VkPipelineCache cache = VK_NULL_HANDLE;
        FUZZ_CHECK(gvk_pipeline_cache_open(&device, &cache) == GVK_OK);
        gvk_pipeline_cache_save(&device, cache);
    } else if (kind == CHOICES) {
        struct gvk_choices *choices = gvk_allocate(&device.host, sizeof *choices + sizeof choices->list[0]);
        FUZZ_CHECK(choices != NULL);
        choices->count = 1;
        struct gvk_policy policy = make_policy();
        policy.work = WIDTH * HEIGHT;
        choices->list[0] = gvk_choice_of_ghosts(&policy, true);
        FUZZ_CHECK(gvk_choices_keep(&device, choices) == GVK_OK);
        gvk_release(&device.host, choices);
    } else {
        struct gvk_policy policy = make_policy();
        device.verdicts.changed = true;
        prove_nothing(&policy);
    }
    end_device();
    FUZZ_CHECK(kept.stored_count > GVK_STORED_HEADER);
}

/* Shapes that the network has. */
static uint32_t list_shapes(struct gvk_node_shape shapes[SHAPES])
{
    uint32_t count = 0;
    struct gvk_graph *copy = NULL;
    begin_device();
    const struct gvk_policy policy = make_policy();
    gvk_graph *graph = build_network();
    FUZZ_CHECK(graph && gvk_graph_copy(&device.host, graph, &copy) == GVK_OK &&
               gvk_rewrite_graph(copy, gvk_rewrites_off(&policy, 0)) == GVK_OK);
    for (uint32_t i = 0; i < copy->node_count && count < SHAPES; i++)
        if (!copy->nodes[i].removed && gvk_kernel_of(&copy->nodes[i])->candidate)
            shapes[count++] = gvk_node_shape_of(&policy, &copy->nodes[i]);
    gvk_graph_destroy(copy);
    gvk_graph_destroy(graph);
    end_device();
    return count;
}

/* Sets an entry to a shape of the network, with a kernel and a size that may or may not be there. */
static void change_choice(uint8_t *entries, size_t bytes, unsigned seed)
{
    static struct gvk_node_shape shapes[SHAPES];
    static uint32_t count;
    if (!count)
        count = list_shapes(shapes);
    struct gvk_choice choice = {.shape = shapes[seed % count],
                                .shader = seed / 64 % (GVK_SHADER_COUNT + 2),
                                .local_size = seed >> 28 ? 8u << (seed >> 28) % 8 : seed,
                                .work = seed & 1 ? WIDTH * HEIGHT : seed};
    size_t entry = bytes / sizeof choice ? seed / 7 % (bytes / sizeof choice) : 0;
    if (bytes >= sizeof choice)
        memcpy(entries + entry * sizeof choice, &choice, sizeof choice);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    static uint8_t block[BLOCK_MAX];
    enum kind kind = size ? (enum kind)(data[0] % KINDS) : PIPELINES;
    if (size > BLOCK_MAX || (seed % 8 == 0 && size > 1))
        return LLVMFuzzerMutate(data, size, max_size);
    store_good(kind);
    char magic[9] = {0};
    memcpy(magic, kept.stored, 8);
    const struct gvk_cache_entry_kind stored_kind = {.magic = magic, .prefix = "fuzz"};
    size_t bytes = kept.stored_count - GVK_STORED_HEADER;
    memcpy(block, kept.stored, kept.stored_count);
    if (size > 1 + GVK_STORED_HEADER) {
        bytes = size - 1 - GVK_STORED_HEADER;
        memcpy(block + GVK_STORED_HEADER, data + 1 + GVK_STORED_HEADER, bytes);
    }
    unsigned choice = seed / 8 % 8;
    if (kind == CHOICES && choice < 2 && bytes + sizeof(struct gvk_choice) <= BLOCK_MAX - GVK_STORED_HEADER) {
        memset(block + GVK_STORED_HEADER + bytes, 0, sizeof(struct gvk_choice)); /* one more */
        bytes += sizeof(struct gvk_choice);
    }
    if (kind == CHOICES && choice < 7 && bytes > 8)
        change_choice(block + GVK_STORED_HEADER + 8, bytes - 8, seed / 64);
    else
        bytes = LLVMFuzzerMutate(block + GVK_STORED_HEADER, bytes, BLOCK_MAX / 2);
    begin_device();
    gvk_cache_entry_save(&device, &stored_kind, block, bytes);
    end_device();
    if (1 + kept.stored_count > max_size)
        return LLVMFuzzerMutate(data, size, max_size);
    data[0] = (uint8_t)kind;
    memcpy(data + 1, kept.stored, kept.stored_count);
    return 1 + kept.stored_count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    begin_device();
    kept.bytes = data + 1;
    kept.count = size - 1;
    if (data[0] % KINDS == PIPELINES) {
        VkPipelineCache cache = VK_NULL_HANDLE;
        gvk_result result = gvk_pipeline_cache_open(&device, &cache);
        fuzz_check_result(result);
        FUZZ_CHECK(result == GVK_OK);
        gvk_pipeline_cache_save(&device, cache);
    } else if (data[0] % KINDS == CHOICES) {
        gvk_choices_load(&device);
        const struct gvk_policy policy = make_policy();
        plan_network(&policy, true);
    } else {
        struct gvk_policy policy = make_policy();
        prove_nothing(&policy);
        plan_network(&policy, false); /* where all are rejected there is no plan */
    }
    end_device();
    return 0;
}
