/* Opens a device or takes over the host's.
 * Both ways end in the same gvk_device, so everything behind this file works alike on either. */
#include "runtime/vulkan/device.h"

#include <ghostvk/embedding.h>

#include <stdio.h>
#include <string.h>

#include "choices.h"
#include "matrices.h"
#include "pipeline.h"
#include "runtime/base/structs.h"
#include "runtime/vulkan/cache_entry.h"
#include "runtime/vulkan/debug.h"
#include "runtime/vulkan/wait.h"
#include "shaders/shared.h"

static const struct gvk_layout layout_of_handles = GVK_LAYOUT(gvk_device_handles, reserved, queue_family);

static void lock_own_queue(void *user)
{
    struct gvk_device *device = user;
    gvk_mutex_lock(&device->mutex);
}

static void unlock_own_queue(void *user)
{
    struct gvk_device *device = user;
    gvk_mutex_unlock(&device->mutex);
}

/* The features that kernels depend on. */
enum feature {
    SUBGROUP_SIZE_CONTROL,
    FULL_SUBGROUPS,
    FLOAT64,
    FLOAT16,
    DYNAMIC_INDEXING,
    RUNTIME_ARRAYS,
    UPDATE_AFTER_BIND,
    VARIABLE_COUNT,
    SAMPLER_CONVERSION,
    MEMORY_MODEL,
    COOPERATIVE_MATRIX,
    FEATURE_COUNT
};
static const char *const feature_names[FEATURE_COUNT] = {
    "subgroupSizeControl",
    "computeFullSubgroups",
    "shaderFloat64",
    "shaderFloat16",
    "shaderStorageBufferArrayDynamicIndexing",
    "runtimeDescriptorArray",
    "descriptorBindingStorageBufferUpdateAfterBind",
    "descriptorBindingVariableDescriptorCount",
    "samplerYcbcrConversion",
    "vulkanMemoryModel",
    "cooperativeMatrix",
};

/* What a device was created with. */
struct enabled_features {
    bool has[FEATURE_COUNT];
    bool debug_utils; /* the instance extension */
};

static const void *find_in_chain(const VkPhysicalDeviceFeatures2 *first, VkStructureType type)
{
    for (const VkBaseInStructure *item = first ? first->pNext : NULL; item; item = item->pNext)
        if (item->sType == type)
            return item;
    return NULL;
}

static bool names_hold(const char *const *names, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++)
        if (!strcmp(names[i], name))
            return true;
    return false;
}

/* A chain of features as vkCreateDevice was given it. */
struct creation {
    const VkPhysicalDeviceFeatures2 *features; /* NULL: none */
    const char *const *extensions;
    uint32_t extension_count, api_version;
};

#define NO_VERSION UINT32_MAX /* of Vulkan has the extension */

/* The struct of an extension, which counts where the extension is enabled or its version of Vulkan has it. */
static const void *find_features(const struct creation *creation, const char *extension, uint32_t version,
                                 VkStructureType type)
{
    if (creation->api_version < version && !names_hold(creation->extensions, creation->extension_count, extension))
        return NULL;
    return find_in_chain(creation->features, type);
}

/* Each feature stands in the struct of its extension, or in that of a whole version, which Vulkan allows in place of
 * those of extensions and not beside them. */
static void read_features(const struct creation *creation, bool has[FEATURE_COUNT])
{
    const VkPhysicalDeviceSubgroupSizeControlFeatures *sizes =
        find_features(creation, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME, VK_API_VERSION_1_3,
                      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES);
    const VkPhysicalDeviceDescriptorIndexingFeatures *indexing =
        find_features(creation, VK_EXT_DESCRIPTOR_INDEXING_EXTENSION_NAME, VK_API_VERSION_1_2,
                      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DESCRIPTOR_INDEXING_FEATURES);
    const VkPhysicalDeviceShaderFloat16Int8Features *half =
        find_features(creation, VK_KHR_SHADER_FLOAT16_INT8_EXTENSION_NAME, VK_API_VERSION_1_2,
                      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES);
    const VkPhysicalDeviceSamplerYcbcrConversionFeatures *conversion =
        find_in_chain(creation->features, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SAMPLER_YCBCR_CONVERSION_FEATURES);
    const VkPhysicalDeviceVulkanMemoryModelFeatures *model =
        find_features(creation, VK_KHR_VULKAN_MEMORY_MODEL_EXTENSION_NAME, VK_API_VERSION_1_2,
                      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_MEMORY_MODEL_FEATURES);
    const VkPhysicalDeviceCooperativeMatrixFeaturesNV *matrix =
        find_features(creation, GVK_COOPERATIVE_MATRIX_EXTENSION, NO_VERSION, GVK_COOPERATIVE_MATRIX_FEATURES_TYPE);
    const VkPhysicalDeviceVulkan11Features *of_1_1 =
        creation->api_version < VK_API_VERSION_1_2
            ? NULL
            : find_in_chain(creation->features, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES);
    const VkPhysicalDeviceVulkan12Features *of_1_2 =
        creation->api_version < VK_API_VERSION_1_2
            ? NULL
            : find_in_chain(creation->features, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES);
    const VkPhysicalDeviceVulkan13Features *of_1_3 =
        creation->api_version < VK_API_VERSION_1_3
            ? NULL
            : find_in_chain(creation->features, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES);
    has[SAMPLER_CONVERSION] =
        (conversion && conversion->samplerYcbcrConversion) || (of_1_1 && of_1_1->samplerYcbcrConversion);
    has[MEMORY_MODEL] = (model && model->vulkanMemoryModel) || (of_1_2 && of_1_2->vulkanMemoryModel);
    has[COOPERATIVE_MATRIX] = matrix && matrix->cooperativeMatrix;
    has[FLOAT64] = creation->features && creation->features->features.shaderFloat64;
    has[DYNAMIC_INDEXING] = creation->features && creation->features->features.shaderStorageBufferArrayDynamicIndexing;
    has[SUBGROUP_SIZE_CONTROL] = (sizes && sizes->subgroupSizeControl) || (of_1_3 && of_1_3->subgroupSizeControl);
    has[FULL_SUBGROUPS] = (sizes && sizes->computeFullSubgroups) || (of_1_3 && of_1_3->computeFullSubgroups);
    has[FLOAT16] = (half && half->shaderFloat16) || (of_1_2 && of_1_2->shaderFloat16);
    has[RUNTIME_ARRAYS] = (indexing && indexing->runtimeDescriptorArray) || (of_1_2 && of_1_2->runtimeDescriptorArray);
    has[UPDATE_AFTER_BIND] = (indexing && indexing->descriptorBindingStorageBufferUpdateAfterBind) ||
                             (of_1_2 && of_1_2->descriptorBindingStorageBufferUpdateAfterBind);
    has[VARIABLE_COUNT] = (indexing && indexing->descriptorBindingVariableDescriptorCount) ||
                          (of_1_2 && of_1_2->descriptorBindingVariableDescriptorCount);
}

static struct creation creation_of_wants(const gvk_wants *wants)
{
    return (struct creation){&wants->features, wants->device_extensions, wants->device_extension_count,
                             VK_API_VERSION_1_1};
}

/* A host that forgot a feature would see no more than a slow device. */
static void warn_of_missing_wishes(const struct gvk_device *device, const bool has[FEATURE_COUNT])
{
    gvk_wants wants = {.size = sizeof wants};
    bool wished[FEATURE_COUNT];
    char list[512] = "";
    size_t used = 0;
    if (gvk_device_wants(device->vk.GetInstanceProcAddr, device->instance, device->physical_device, &wants))
        return;
    const struct creation creation = creation_of_wants(&wants);
    read_features(&creation, wished);
    for (int i = 0; i < FEATURE_COUNT; i++) {
        if (!wished[i] || has[i] || i == SAMPLER_CONVERSION) /* which some pictures take, and no kernel */
            continue;
        if ((i == MEMORY_MODEL || i == COOPERATIVE_MATRIX) && device->traits.type == VK_PHYSICAL_DEVICE_TYPE_CPU)
            continue; /* tests take them there, and no kernel */
        int more = snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", feature_names[i]);
        used = more > 0 && used + (size_t)more < sizeof list ? used + (size_t)more : sizeof list - 1;
    }
    if (used)
        gvk_log(
            &device->host, GVK_LOG_WARNING,
            "The host's device has features that ghostvk wants and that it was created without, so that kernels may "
            "be several times slower: %s.",
            list);
}

/* How many storage buffers an indexed array of weight chunks may hold; 0 where there can be none. */
static uint32_t count_chunks(const struct gvk_device *device, const struct enabled_features *enabled)
{
    if (!enabled->has[RUNTIME_ARRAYS] || !enabled->has[UPDATE_AFTER_BIND] || !enabled->has[VARIABLE_COUNT] ||
        !enabled->has[DYNAMIC_INDEXING])
        return 0;
    VkPhysicalDeviceDescriptorIndexingProperties limits = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DESCRIPTOR_INDEXING_PROPERTIES};
    VkPhysicalDeviceProperties2 chain = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &limits};
    device->vk.GetPhysicalDeviceProperties2(device->physical_device, &chain);
    uint32_t most = limits.maxPerStageDescriptorUpdateAfterBindStorageBuffers;
    if (limits.maxDescriptorSetUpdateAfterBindStorageBuffers < most)
        most = limits.maxDescriptorSetUpdateAfterBindStorageBuffers;
    if (limits.maxPerStageUpdateAfterBindResources < most)
        most = limits.maxPerStageUpdateAfterBindResources;
    if (limits.maxUpdateAfterBindDescriptorsInAllPools / 2 < most) /* two models at once */
        most = limits.maxUpdateAfterBindDescriptorsInAllPools / 2;
    return most > GVK_BINDING_COUNT ? most - GVK_BINDING_COUNT : 0; /* the other set's bindings count too */
}

/* All that a driver's code and the choice of kernels depend on. */
static uint64_t hash_configuration(const struct gvk_device *device)
{
    const struct gvk_traits *traits = &device->traits;
    const uint64_t words[] = {
        (uint64_t)traits->type,       traits->vendor_id,
        traits->subgroup_size,        traits->subgroup_shuffle,
        traits->subgroup_broadcast,   traits->shuffles_well,
        traits->stores_doubles,       traits->subgroup_size_control,
        traits->full_subgroups,       traits->min_subgroup_size,
        traits->max_subgroup_size,    traits->max_invocations,
        traits->max_workgroup_size_x, traits->max_workgroup_count,
        traits->max_shared_bytes,     traits->max_texels,
        traits->max_storage_bytes,    traits->storage_alignment,
        traits->texel_alignment,      traits->max_chunks,
        traits->texel_buffers,        traits->float64,
        traits->half_arithmetic,      traits->half_sums,
        traits->matrix_side,          device->info.api_version,
    };
    VkPhysicalDeviceIDProperties ids = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES};
    VkPhysicalDeviceProperties2 chain = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &ids};
    device->vk.GetPhysicalDeviceProperties2(device->physical_device, &chain);
    const uint64_t parts[] = {
        gvk_hash(words, sizeof words),
        gvk_hash(device->info.driver, strlen(device->info.driver)), /* a rebuilt driver may keep its version */
        gvk_hash(device->info.name, strlen(device->info.name)),
        gvk_hash(ids.driverUUID, sizeof ids.driverUUID),
    };
    return gvk_hash(parts, sizeof parts);
}

/* What both ways of getting a device share, once the handles are there. */
static gvk_result finish_device(struct gvk_device *device, const struct enabled_features *enabled)
{
    const char *missing = NULL;
    if (!gvk_functions_load_device(&device->vk, device->instance, device->device, &missing))
        return gvk_fail(&device->host, GVK_ERROR_UNSUPPORTED, "The device lacks the function %s.", missing);
    if (!enabled->debug_utils) { /* asked for or not, a loader may hand its functions out */
        device->vk.SetDebugUtilsObjectNameEXT = NULL;
        device->vk.CmdBeginDebugUtilsLabelEXT = NULL;
        device->vk.CmdEndDebugUtilsLabelEXT = NULL;
    }
    device->mutex_made = gvk_mutex_create(&device->mutex);
    device->compile_mutex_made = gvk_mutex_create(&device->compile_mutex);
    device->proof_mutex_made = gvk_mutex_create(&device->proof_mutex);
    if (!device->mutex_made || !device->compile_mutex_made || !device->proof_mutex_made)
        return gvk_fail_memory(&device->host);
    struct gvk_functions *vk = &device->vk;
    vk->GetPhysicalDeviceMemoryProperties(device->physical_device, &device->memory);
    VkPhysicalDeviceProperties properties;
    vk->GetPhysicalDeviceProperties(device->physical_device, &properties);
    device->non_coherent_atom = properties.limits.nonCoherentAtomSize;
    device->timestamp_period_ns = (double)properties.limits.timestampPeriod;
    device->traits.subgroup_size_control = enabled->has[SUBGROUP_SIZE_CONTROL];
    device->traits.full_subgroups = enabled->has[FULL_SUBGROUPS];
    device->traits.float64 = enabled->has[FLOAT64];
    device->traits.half_sums = enabled->has[FLOAT16];
    device->traits.sampler_conversion = enabled->has[SAMPLER_CONVERSION];
    if (!enabled->has[COOPERATIVE_MATRIX] || !enabled->has[MEMORY_MODEL] || !enabled->has[FLOAT16])
        device->traits.matrix_side = 0;
    device->traits.max_chunks = count_chunks(device, enabled);
    device->configuration = hash_configuration(device);
    gvk_choices_load(device);
    return gvk_pipelines_create(device, &device->pipelines);
}

/* The host, and with it the params that name it. */
static gvk_result read_params(const struct gvk_layout *layout, const void *given, const gvk_host *given_host,
                              gvk_host *host, void *params)
{
    gvk_result result = gvk_host_read(given_host, host);
    return result ? result : gvk_struct_read(host, layout, given, params);
}

/* The extension that has priorities among programs: of either name, with the same struct. NULL: none. */
static const char *find_global_priority(const struct gvk_device *device)
{
    static const char *const names[] = {"VK_KHR_global_priority", "VK_EXT_global_priority"};
    for (int i = 0; i < 2; i++)
        if (gvk_physical_device_has(&device->vk, &device->host, device->physical_device, names[i]))
            return names[i];
    return NULL;
}

/* With what the device wants, and a queue of this priority. */
static gvk_result create_device(struct gvk_device *device, const gvk_wants *wants, gvk_priority wished)
{
    enum { WANTED = sizeof wants->device_extensions / sizeof wants->device_extensions[0] };
    const float priority = wished == GVK_PRIORITY_LOW ? 0.0f : wished == GVK_PRIORITY_HIGH ? 1.0f : 0.5f;
    const char *global = wished == GVK_PRIORITY_LOW ? find_global_priority(device) : NULL;
    const VkDeviceQueueGlobalPriorityCreateInfoEXT low = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_GLOBAL_PRIORITY_CREATE_INFO_EXT,
        .globalPriority = VK_QUEUE_GLOBAL_PRIORITY_LOW_EXT,
    };
    VkDeviceQueueCreateInfo queue = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
        .pNext = global ? &low : NULL,
        .queueFamilyIndex = device->queue_family,
        .queueCount = 1,
        .pQueuePriorities = &priority,
    };
    const char *extensions[WANTED + 1];
    memcpy(extensions, wants->device_extensions, sizeof wants->device_extensions);
    extensions[wants->device_extension_count] = global;
    VkDeviceCreateInfo create = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
        .pNext = &wants->features,
        .queueCreateInfoCount = 1,
        .pQueueCreateInfos = &queue,
        .enabledExtensionCount = wants->device_extension_count + (global ? 1 : 0),
        .ppEnabledExtensionNames = extensions,
    };
    VkResult result = device->vk.CreateDevice(device->physical_device, &create, NULL, &device->device);
    if (result && global) { /* not permitted, perhaps: it was a wish */
        queue.pNext = NULL;
        create.enabledExtensionCount--;
        result = device->vk.CreateDevice(device->physical_device, &create, NULL, &device->device);
    }
    return GVK_VULKAN(device, "vkCreateDevice", result);
}

static const char *const queue_names[] = {"compute queue", "queue for compute alone",
                                          "queue for compute and graphics"}; /* by gvk_queue_kind */

gvk_result gvk_device_open(const gvk_device_params *given, gvk_device **out)
{
    gvk_host host;
    gvk_device_params used;
    const gvk_device_params *params = &used;
    gvk_result result = read_params(&gvk_layout_of_device_params, given, given ? given->host : NULL, &host, &used);
    if (result)
        return result;
    if (!out)
        return gvk_fail(&host, GVK_ERROR_ARGUMENT, "gvk_device_open needs a place for the device.");
    if ((unsigned)params->priority > GVK_PRIORITY_HIGH)
        return gvk_fail(&host, GVK_ERROR_ARGUMENT, "A device's priority is normal, low or high.");
    if ((unsigned)params->queue > GVK_QUEUE_GRAPHICS)
        return gvk_fail(&host, GVK_ERROR_ARGUMENT,
                        "A device's queue is the best, one for compute or one for graphics.");
    struct gvk_device *device = gvk_allocate(&host, sizeof *device);
    if (!device)
        return gvk_fail_memory(&host);
    device->host = host;
    device->owned = true;
    device->memory_ceiling = params->memory_ceiling;
    struct gvk_functions *vk = &device->vk;
    result = gvk_instance_open(&host, vk, &device->loader, &device->instance);
    if (result)
        goto fail;
    gvk_device_info chosen = {.size = sizeof chosen};
    result = gvk_device_choose(&host, vk, device->instance, params, &device->physical_device, &chosen);
    if (result)
        goto fail;
    gvk_physical_device_read(vk, device->physical_device, chosen.index, &device->info, &device->traits);
    result = gvk_compute_family(vk, &host, device->physical_device, params->queue, &device->queue_family,
                                &device->timestamp_bits);
    if (result == GVK_ERROR_NO_DEVICE)
        gvk_log(&host, GVK_LOG_ERROR, "%s has no %s.", device->info.name, queue_names[params->queue]);
    if (result)
        goto fail;
    gvk_wants wants = {.size = sizeof wants};
    result = gvk_device_wants(vk->GetInstanceProcAddr, device->instance, device->physical_device, &wants);
    if (result)
        goto fail;
    result = create_device(device, &wants, params->priority);
    if (result)
        goto fail;
    struct enabled_features enabled = {.debug_utils = true};
    const struct creation creation = creation_of_wants(&wants);
    read_features(&creation, enabled.has);
    result = finish_device(device, &enabled);
    if (result)
        goto fail;
    vk->GetDeviceQueue(device->device, device->queue_family, 0, &device->queue);
    device->lock_queue = lock_own_queue;
    device->unlock_queue = unlock_own_queue;
    device->queue_user = device;
    *out = device;
    return GVK_OK;
fail:
    gvk_device_destroy(device);
    return result;
}

/* A count that was never set is not followed: no device has a thousand extensions. */
static bool are_names(const char *const *names, uint32_t count)
{
    if (count > 1024 || (count && !names))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!names[i])
            return false;
    return true;
}

gvk_result gvk_device_import(const gvk_import_params *given, gvk_device **out)
{
    if (!given)
        return GVK_ERROR_ARGUMENT;
    gvk_host host;
    gvk_import_params used;
    const gvk_import_params *params = &used;
    gvk_result result = read_params(&gvk_layout_of_import_params, given, given->host, &host, &used);
    if (result)
        return result;
    if (!out || !params->get_instance_proc || !params->instance || !params->physical_device || !params->device ||
        (!params->queue && !params->submit) || !params->lock_queue != !params->unlock_queue ||
        !are_names(params->instance_extensions, params->instance_extension_count) ||
        !are_names(params->device_extensions, params->device_extension_count))
        return gvk_fail(&host, GVK_ERROR_ARGUMENT,
                        "gvk_device_import needs the instance, its proc-addr, the physical device, the device, a queue "
                        "or `submit`, the names of extensions, and both lock functions or neither.");
    if (params->api_version < VK_API_VERSION_1_1)
        return gvk_fail(&host, GVK_ERROR_UNSUPPORTED, "The host's instance is of Vulkan 1.0; 1.1 is needed.");
    struct gvk_device *device = gvk_allocate(&host, sizeof *device);
    if (!device)
        return gvk_fail_memory(&host);
    device->host = host;
    device->instance = params->instance;
    device->physical_device = params->physical_device;
    device->device = params->device;
    device->queue_family = params->queue_family;
    device->queue = params->queue;
    device->host_cache = params->pipeline_cache;
    device->memory_ceiling = params->memory_ceiling;
    struct gvk_functions *vk = &device->vk;
    vk->GetInstanceProcAddr = params->get_instance_proc;
    const char *missing = NULL;
    if (!gvk_functions_load_instance(vk, params->instance, &missing)) {
        result = gvk_fail(&host, GVK_ERROR_UNSUPPORTED, "The host's instance lacks the function %s.", missing);
        goto fail;
    }
    gvk_physical_device_read(vk, device->physical_device, 0, &device->info, &device->traits);
    if (!device->info.usable) {
        result = gvk_fail(&host, GVK_ERROR_NO_DEVICE, "%s cannot be used: %s.", device->info.name, device->info.reason);
        goto fail;
    }
    uint32_t family_count = 0;
    vk->GetPhysicalDeviceQueueFamilyProperties(device->physical_device, &family_count, NULL);
    VkQueueFamilyProperties *families = gvk_allocate_array(&host, family_count, sizeof *families);
    if (!families) {
        result = gvk_fail_memory(&host);
        goto fail;
    }
    vk->GetPhysicalDeviceQueueFamilyProperties(device->physical_device, &family_count, families);
    bool compute =
        params->queue_family < family_count && (families[params->queue_family].queueFlags & VK_QUEUE_COMPUTE_BIT);
    if (compute)
        device->timestamp_bits = families[params->queue_family].timestampValidBits;
    gvk_release(&host, families);
    if (!compute) {
        result = gvk_fail(&host, GVK_ERROR_ARGUMENT, "Queue family %u of %s has no compute.", params->queue_family,
                          device->info.name);
        goto fail;
    }
    struct enabled_features enabled = {0};
    const struct creation creation = {params->enabled_features, params->device_extensions,
                                      params->device_extension_count, params->api_version};
    read_features(&creation, enabled.has);
    enabled.debug_utils =
        names_hold(params->instance_extensions, params->instance_extension_count, VK_EXT_DEBUG_UTILS_EXTENSION_NAME);
    result = finish_device(device, &enabled);
    if (result)
        goto fail;
    warn_of_missing_wishes(device, enabled.has);
    device->lock_queue = params->lock_queue ? params->lock_queue : lock_own_queue;
    device->unlock_queue = params->unlock_queue ? params->unlock_queue : unlock_own_queue;
    device->queue_user = params->lock_queue ? params->queue_user : device;
    device->host_submit = params->submit;
    device->host_submit_user = params->submit_user;
    *out = device;
    return GVK_OK;
fail:
    gvk_device_destroy(device);
    return result;
}

void gvk_device_describe(const gvk_device *device, gvk_device_info *out)
{
    if (!out)
        return;
    gvk_device_info info = {.size = 0};
    gvk_struct_write(&gvk_layout_of_device_info, device ? &device->info : &info, out);
}

void gvk_device_get_handles(const gvk_device *device, gvk_device_handles *out)
{
    if (!out)
        return;
    gvk_device_handles handles = {.size = 0};
    if (device) {
        handles.get_instance_proc = device->vk.GetInstanceProcAddr;
        handles.instance = device->instance;
        handles.physical_device = device->physical_device;
        handles.device = device->device;
        handles.queue = device->host_submit ? VK_NULL_HANDLE : device->queue;
        handles.queue_family = device->queue_family;
    }
    gvk_struct_write(&layout_of_handles, &handles, out);
}

void gvk_device_destroy(gvk_device *device)
{
    if (!device || !gvk_remains_destroy(device))
        return;
    gvk_pipelines_destroy(device, device->pipelines);
    gvk_choices_destroy(device);
    if (device->owned && device->device && device->vk.DestroyDevice)
        device->vk.DestroyDevice(device->device, NULL);
    if (device->owned && device->instance && device->vk.DestroyInstance)
        device->vk.DestroyInstance(device->instance, NULL);
    gvk_loader_close(device->loader);
    if (device->mutex_made)
        gvk_mutex_destroy(&device->mutex);
    if (device->compile_mutex_made)
        gvk_mutex_destroy(&device->compile_mutex);
    if (device->proof_mutex_made)
        gvk_mutex_destroy(&device->proof_mutex);
    gvk_host host = device->host;
    gvk_release(&host, device);
}
