/* The device that is asked about: what it says of itself, and what the runtime takes of it. */
#include "report.h"

#include <inttypes.h>
#include <string.h>

#include "cli/base/json.h"
#include "runtime/kernel/forms.h"
#include "shader_table.h"
#include "tests/support/harness.h"

static const char *const form_names[] = {
    [GVK_FORM_UNIFORM] = "uniform",         [GVK_FORM_BROADCAST_16] = "broadcast 16",
    [GVK_FORM_TEXELS] = "texels",           [GVK_FORM_SHUFFLE_16] = "shuffle 16",
    [GVK_FORM_SHUFFLE_8] = "shuffle 8",     [GVK_FORM_CHUNKS_4] = "chunks 4",
    [GVK_FORM_SPREAD_16] = "spread 16",     [GVK_FORM_SPREAD_8] = "spread 8",
    [GVK_FORM_SINGLE_16] = "single 16",     [GVK_FORM_SINGLE_8] = "single 8",
    [GVK_FORM_BROADCAST_4] = "broadcast 4", [GVK_FORM_MATRIX] = "matrix", /* of no device */
};

static const char *name_type(VkPhysicalDeviceType type)
{
    switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU: return "discrete GPU";
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU: return "integrated GPU";
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU: return "virtual GPU";
    case VK_PHYSICAL_DEVICE_TYPE_CPU: return "CPU";
    default: return "other";
    }
}

static void write_string(struct json *json, const char *key, const char *value)
{
    json_key(json, key);
    json_quoted(json, value);
}

static void write_unsigned(struct json *json, const char *key, uint64_t value)
{
    json_key(json, key);
    json_unsigned(json, value);
}

static void write_bool(struct json *json, const char *key, bool value)
{
    json_key(json, key);
    json_bool(json, value);
}

static void write_memory(struct json *json, const VkPhysicalDeviceMemoryProperties *memory)
{
    static const char *const flags[] = {"device local", "host visible", "coherent", "cached", "lazy", "protected"};
    json_key(json, "heaps");
    json_open_array(json, JSON_BLOCK);
    for (uint32_t i = 0; i < memory->memoryHeapCount; i++) {
        json_open_object(json, JSON_LINE);
        write_unsigned(json, "bytes", memory->memoryHeaps[i].size);
        write_bool(json, "device_local", memory->memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT);
        json_close(json);
    }
    json_close(json);
    json_key(json, "memory_types");
    json_open_array(json, JSON_BLOCK);
    for (uint32_t i = 0; i < memory->memoryTypeCount; i++) {
        json_open_object(json, JSON_LINE);
        write_unsigned(json, "heap", memory->memoryTypes[i].heapIndex);
        json_key(json, "flags");
        json_open_array(json, JSON_LINE);
        for (uint32_t bit = 0; bit < sizeof flags / sizeof flags[0]; bit++)
            if (memory->memoryTypes[i].propertyFlags & 1u << bit)
                json_quoted(json, flags[bit]);
        json_close(json);
        json_close(json);
    }
    json_close(json);
}

static void write_traits(struct json *json, const struct gvk_traits *traits)
{
    json_key(json, "subgroup");
    json_open_object(json, JSON_LINE);
    write_unsigned(json, "size", traits->subgroup_size);
    write_unsigned(json, "least", traits->min_subgroup_size);
    write_unsigned(json, "most", traits->max_subgroup_size);
    write_bool(json, "shuffle", traits->subgroup_shuffle);
    write_bool(json, "broadcast", traits->subgroup_broadcast);
    json_close(json);
    json_key(json, "features");
    json_open_object(json, JSON_LINE);
    write_bool(json, "subgroup size control", traits->subgroup_size_control);
    write_bool(json, "full subgroups", traits->full_subgroups);
    write_bool(json, "fp16 sums", traits->half_sums);
    write_bool(json, "matrix units", traits->matrix_side != 0);
    write_bool(json, "fp64", traits->float64);
    write_bool(json, "texel buffers", traits->texel_buffers);
    write_bool(json, "arrays of weights", traits->max_chunks != 0);
    json_close(json);
    json_key(json, "limits");
    json_open_object(json, JSON_LINE);
    write_unsigned(json, "invocations", traits->max_invocations);
    write_unsigned(json, "workgroups", traits->max_workgroup_count);
    write_unsigned(json, "shared_bytes", traits->max_shared_bytes);
    write_unsigned(json, "texels", traits->max_texels);
    write_unsigned(json, "storage_bytes", traits->max_storage_bytes);
    write_unsigned(json, "storage_alignment", traits->storage_alignment);
    write_unsigned(json, "texel_alignment", traits->texel_alignment);
    json_close(json);
    struct gvk_policy policy;
    gvk_policy_of(traits, GVK_PRECISION_FP32, &policy);
    write_string(json, "kernels", form_names[gvk_form_of(&policy)]);
    gvk_policy_of(traits, GVK_PRECISION_FP16, &policy);
    write_string(json, "kernels_fp16", form_names[gvk_form_of(&policy)]);
    write_unsigned(json, "wanted_workgroups", gvk_wanted_workgroups(traits));
}

static bool has_queue(const gvk_device *device, gvk_queue_kind kind)
{
    uint32_t family, bits;
    return gvk_compute_family(&device->vk, &device->host, device->physical_device, kind, &family, &bits) == GVK_OK;
}

/* "yes" where the device has a queue for compute alone and one for graphics, too. */
static bool print_queues(const gvk_device *device)
{
    bool both = has_queue(device, GVK_QUEUE_COMPUTE) && has_queue(device, GVK_QUEUE_GRAPHICS);
    return puts(both ? "yes" : "no") >= 0;
}

static bool write_facts(const gvk_device *device, const gvk_device_info *info)
{
    char text[64];
    struct json json;
    json_start(&json, stdout);
    json_open_object(&json, JSON_BLOCK);
    write_unsigned(&json, "index", info->index);
    write_string(&json, "name", info->name);
    write_string(&json, "type", name_type(info->type));
    write_string(&json, "driver", info->driver);
    snprintf(text, sizeof text, "%" PRIu32 ".%" PRIu32 ".%" PRIu32, VK_API_VERSION_MAJOR(info->api_version),
             VK_API_VERSION_MINOR(info->api_version), VK_API_VERSION_PATCH(info->api_version));
    write_string(&json, "vulkan", text);
    write_unsigned(&json, "vendor_id", info->vendor_id);
    write_unsigned(&json, "device_id", info->device_id);
    write_unsigned(&json, "memory_bytes", info->memory_bytes);
    write_traits(&json, &device->traits);
    write_memory(&json, &device->memory);
    write_unsigned(&json, "queue_family", device->queue_family);
    write_bool(&json, "compute_queue", has_queue(device, GVK_QUEUE_COMPUTE));
    write_bool(&json, "graphics_queue", has_queue(device, GVK_QUEUE_GRAPHICS));
    write_unsigned(&json, "timestamp_bits", device->timestamp_bits);
    json_key(&json, "timestamp_ns");
    json_double(&json, device->timestamp_period_ns);
    json_key(&json, "shaders");
    json_open_object(&json, JSON_LINE);
    write_unsigned(&json, "count", GVK_SHADER_COUNT);
    snprintf(text, sizeof text, "%016" PRIx64, gvk_shader_hash);
    write_string(&json, "hash", text);
    json_close(&json);
    snprintf(text, sizeof text, "%d.%d.%d", GVK_VERSION_MAJOR, GVK_VERSION_MINOR, GVK_VERSION_PATCH);
    write_string(&json, "ghostvk", text);
    json_close(&json);
    return json_finish(&json);
}

static void print_sentence(void *user, gvk_log_level level, const char *sentence)
{
    (void)user;
    if (level <= GVK_LOG_ERROR)
        fprintf(stderr, "gpu_report: %s\n", sentence);
}

int facts_print(const char *wanted, enum facts which)
{
    const gvk_host host = {.size = sizeof host, .log = print_sentence};
    gvk_device_params params = wanted_device(wanted);
    gvk_device *device = NULL;
    gvk_device_info info = {.size = sizeof info};
    params.host = &host;
    if (gvk_device_open(&params, &device))
        return 1;
    gvk_device_describe(device, &info);
    bool good = params.choice != GVK_DEVICE_BEST || info.type != VK_PHYSICAL_DEVICE_TYPE_CPU;
    if (!good)
        fprintf(stderr, "gpu_report: there is no GPU, only the CPU device %s; --device cpu takes it.\n", info.name);
    else if (which == FACTS_QUEUES)
        good = print_queues(device);
    else if (which == FACTS_INDEX)
        good = printf("%" PRIu32 "\n", info.index) > 0;
    else
        good = write_facts(device, &info);
    gvk_device_destroy(device);
    return good && !fflush(stdout) ? 0 : 1;
}
