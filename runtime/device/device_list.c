/* Lists the machine's Vulkan devices, says what each lacks, and picks the one that was asked for. */
#include "runtime/vulkan/device.h"

#include <stdio.h>
#include <string.h>

#include "matrices.h"
#include "runtime/base/structs.h"
#include "runtime/vulkan/lanes.h"

static const char *const no_driver_sentence =
    "No Vulkan device was found. Install a driver (on Debian and Ubuntu: mesa-vulkan-drivers, which also holds a CPU "
    "device, or your GPU vendor's package).";

static bool extension_in(const VkExtensionProperties *list, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++)
        if (!strcmp(list[i].extensionName, name))
            return true;
    return false;
}

static gvk_result fail_search(const gvk_host *host, VkResult vulkan, const char *call)
{
    if (vulkan == VK_ERROR_OUT_OF_HOST_MEMORY)
        return gvk_fail_memory(host);
    return gvk_fail(host, GVK_ERROR_NO_DEVICE, "%s (%s: %s)", no_driver_sentence, call, gvk_vulkan_result_name(vulkan));
}

gvk_result gvk_instance_open(const gvk_host *host, struct gvk_functions *vk, void **loader, VkInstance *instance)
{
    gvk_result result = GVK_OK;
    VkExtensionProperties *available = NULL;
    VkInstance made = VK_NULL_HANDLE;
    const char *missing = NULL;
    PFN_vkGetInstanceProcAddr get = NULL;
    void *library = gvk_loader_open(&get);
    if (!library)
        return gvk_fail(host, GVK_ERROR_NO_DEVICE,
                        "No Vulkan loader was found. Install it (on Debian and Ubuntu: libvulkan1) and a driver "
                        "(mesa-vulkan-drivers, or your GPU vendor's package).");
    if (!gvk_functions_load_global(vk, get, &missing)) {
        result = gvk_fail(host, GVK_ERROR_NO_DEVICE, "The Vulkan loader is too old: it lacks %s.", missing);
        goto done;
    }

    uint32_t count = 0;
    VkResult vulkan = vk->EnumerateInstanceExtensionProperties(NULL, &count, NULL);
    if (vulkan == VK_SUCCESS && count) {
        available = gvk_allocate_array(host, count, sizeof *available);
        if (!available) {
            result = gvk_fail_memory(host);
            goto done;
        }
        vulkan = vk->EnumerateInstanceExtensionProperties(NULL, &count, available);
    }
    if (vulkan < 0)
        count = 0; /* no extension is needed; go on without */

    const char *enabled[2];
    uint32_t enabled_count = 0;
    VkInstanceCreateFlags flags = 0;
    if (extension_in(available, count, VK_EXT_DEBUG_UTILS_EXTENSION_NAME))
        enabled[enabled_count++] = VK_EXT_DEBUG_UTILS_EXTENSION_NAME;
    if (extension_in(available, count, VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME)) {
        enabled[enabled_count++] = VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME;
        flags |= VK_INSTANCE_CREATE_ENUMERATE_PORTABILITY_BIT_KHR; /* or MoltenVK's device stays invisible */
    }
    VkApplicationInfo application = {
        .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
        .pEngineName = "ghostvk",
        .engineVersion = VK_MAKE_VERSION(GVK_VERSION_MAJOR, GVK_VERSION_MINOR, GVK_VERSION_PATCH),
        .apiVersion = VK_API_VERSION_1_1,
    };
    VkInstanceCreateInfo create = {
        .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
        .flags = flags,
        .pApplicationInfo = &application,
        .enabledExtensionCount = enabled_count,
        .ppEnabledExtensionNames = enabled,
    };
    vulkan = vk->CreateInstance(&create, NULL, &made);
    if (vulkan != VK_SUCCESS) {
        result = fail_search(host, vulkan, "vkCreateInstance");
        goto done;
    }
    if (!gvk_functions_load_instance(vk, made, &missing)) {
        result = gvk_fail(host, GVK_ERROR_NO_DEVICE, "The Vulkan loader is too old: it lacks %s.", missing);
        goto done;
    }
    *loader = library;
    *instance = made;
    library = NULL;
    made = VK_NULL_HANDLE;
done:
    gvk_release(host, available);
    if (made && vk->DestroyInstance)
        vk->DestroyInstance(made, NULL);
    gvk_loader_close(library);
    return result;
}

static void describe_driver(const struct gvk_functions *vk, VkPhysicalDevice physical_device,
                            const VkPhysicalDeviceProperties *properties, gvk_device_info *info,
                            struct gvk_traits *traits)
{
    gvk_host silent = gvk_host_complete(NULL);
    if (gvk_physical_device_has(vk, &silent, physical_device, VK_KHR_DRIVER_PROPERTIES_EXTENSION_NAME)) {
        VkPhysicalDeviceDriverProperties driver = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES};
        VkPhysicalDeviceProperties2 chain = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &driver};
        vk->GetPhysicalDeviceProperties2(physical_device, &chain);
        snprintf(info->driver, sizeof info->driver, "%.255s%s%.255s", driver.driverName,
                 driver.driverInfo[0] ? " " : "", driver.driverInfo);
        traits->shuffles_well = gvk_driver_shuffles_well(driver.driverID, driver.driverInfo);
        traits->stores_doubles = gvk_driver_stores_doubles(driver.driverID, driver.driverInfo);
    } else {
        snprintf(info->driver, sizeof info->driver, "driver version 0x%x", properties->driverVersion);
    }
}

/* Everything below this the kernels do not fit into. */
static const char *lack_of(const VkPhysicalDeviceProperties *properties)
{
    const VkPhysicalDeviceLimits *limits = &properties->limits;
    if (properties->apiVersion < VK_API_VERSION_1_1)
        return "its driver knows Vulkan 1.0 only; 1.1 is needed";
    if (limits->maxComputeWorkGroupInvocations < 128 || limits->maxComputeWorkGroupSize[0] < 128)
        return "its workgroups are smaller than 128 invocations";
    if (limits->maxPerStageDescriptorStorageBuffers < 4)
        return "it has fewer than 4 storage buffers a stage";
    if (limits->maxPushConstantsSize < 128)
        return "it has fewer than 128 bytes of push constants";
    return NULL;
}

static bool has_half_arithmetic(const struct gvk_functions *vk, VkPhysicalDevice physical_device)
{
    gvk_host silent = gvk_host_complete(NULL);
    if (!gvk_physical_device_has(vk, &silent, physical_device, VK_KHR_SHADER_FLOAT16_INT8_EXTENSION_NAME))
        return false;
    VkPhysicalDeviceShaderFloat16Int8Features half = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES};
    VkPhysicalDeviceFeatures2 query = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &half};
    vk->GetPhysicalDeviceFeatures2(physical_device, &query);
    return half.shaderFloat16;
}

void gvk_physical_device_read(const struct gvk_functions *vk, VkPhysicalDevice physical_device, uint32_t index,
                              gvk_device_info *info, struct gvk_traits *traits)
{
    VkPhysicalDeviceSubgroupProperties subgroup = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES};
    VkPhysicalDeviceMaintenance3Properties allocation = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES, .pNext = &subgroup};
    VkPhysicalDeviceProperties2 chain = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &allocation};
    VkPhysicalDeviceProperties *properties = &chain.properties;
    vk->GetPhysicalDeviceProperties(physical_device, properties);
    VkPhysicalDeviceSubgroupSizeControlProperties sizes = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES};
    gvk_host silent = gvk_host_complete(NULL);
    if (gvk_physical_device_has(vk, &silent, physical_device, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME))
        subgroup.pNext = &sizes;
    VkPhysicalDeviceMaintenance4Properties buffer = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_PROPERTIES, .pNext = &allocation};
    if (gvk_physical_device_has(vk, &silent, physical_device, VK_KHR_MAINTENANCE_4_EXTENSION_NAME))
        chain.pNext = &buffer;
    if (properties->apiVersion >= VK_API_VERSION_1_1)
        vk->GetPhysicalDeviceProperties2(physical_device, &chain);
    const VkPhysicalDeviceLimits *limits = &properties->limits;

    memset(info, 0, sizeof *info);
    memset(traits, 0, sizeof *traits);
    info->size = sizeof *info;
    info->index = index;
    snprintf(info->name, sizeof info->name, "%.*s", (int)(sizeof info->name - 1), properties->deviceName);
    info->type = properties->deviceType;
    info->api_version = properties->apiVersion;
    info->vendor_id = properties->vendorID;
    info->device_id = properties->deviceID;
    info->subgroup_size = subgroup.subgroupSize;
    describe_driver(vk, physical_device, properties, info, traits);
    VkPhysicalDeviceMemoryProperties memory;
    vk->GetPhysicalDeviceMemoryProperties(physical_device, &memory);
    for (uint32_t i = 0; i < memory.memoryHeapCount; i++)
        if ((memory.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) &&
            memory.memoryHeaps[i].size > info->memory_bytes)
            info->memory_bytes = memory.memoryHeaps[i].size;
    const char *lack = lack_of(properties);
    info->usable = !lack;
    snprintf(info->reason, sizeof info->reason, "%s", lack ? lack : "");

    traits->type = properties->deviceType;
    traits->vendor_id = properties->vendorID;
    if (properties->apiVersion >= VK_API_VERSION_1_1)
        traits->cores = gvk_count_cores(vk, physical_device);
    if (subgroup.supportedStages & VK_SHADER_STAGE_COMPUTE_BIT) {
        traits->subgroup_size = subgroup.subgroupSize;
        traits->subgroup_shuffle = subgroup.supportedOperations & VK_SUBGROUP_FEATURE_SHUFFLE_BIT;
        traits->subgroup_broadcast = subgroup.supportedOperations & VK_SUBGROUP_FEATURE_BALLOT_BIT;
    }
    if (sizes.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT) {
        traits->min_subgroup_size = sizes.minSubgroupSize;
        traits->max_subgroup_size = sizes.maxSubgroupSize;
    }
    traits->max_invocations = limits->maxComputeWorkGroupInvocations;
    traits->max_workgroup_size_x = limits->maxComputeWorkGroupSize[0];
    traits->max_workgroup_count = limits->maxComputeWorkGroupCount[0];
    for (int i = 1; i < 3; i++)
        if (limits->maxComputeWorkGroupCount[i] < traits->max_workgroup_count)
            traits->max_workgroup_count = limits->maxComputeWorkGroupCount[i];
    traits->max_shared_bytes = limits->maxComputeSharedMemorySize;
    traits->max_texels = limits->maxTexelBufferElements;
    traits->max_storage_bytes = limits->maxStorageBufferRange;
    traits->max_buffer_bytes = allocation.maxMemoryAllocationSize;
    if (buffer.maxBufferSize && (!traits->max_buffer_bytes || buffer.maxBufferSize < traits->max_buffer_bytes))
        traits->max_buffer_bytes = buffer.maxBufferSize;
    traits->storage_alignment = (uint32_t)limits->minStorageBufferOffsetAlignment;
    traits->texel_alignment = (uint32_t)limits->minTexelBufferOffsetAlignment;
    VkFormatProperties format;
    vk->GetPhysicalDeviceFormatProperties(physical_device, VK_FORMAT_R32G32B32A32_SFLOAT, &format);
    traits->texel_buffers = format.bufferFeatures & VK_FORMAT_FEATURE_UNIFORM_TEXEL_BUFFER_BIT;
    traits->half_arithmetic = has_half_arithmetic(vk, physical_device);
    if (traits->half_arithmetic &&
        gvk_physical_device_has(vk, &silent, physical_device, VK_KHR_VULKAN_MEMORY_MODEL_EXTENSION_NAME) &&
        gvk_physical_device_has(vk, &silent, physical_device, GVK_COOPERATIVE_MATRIX_EXTENSION))
        traits->matrix_side = gvk_matrix_side_of(vk, physical_device);
}

struct gvk_traits gvk_traits_of_plain_gpu(void)
{
    return (struct gvk_traits){
        .type = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU,
        .max_invocations = 128,
        .max_workgroup_size_x = 128,
        .max_workgroup_count = 65535,
        .max_shared_bytes = 16384,
        .max_texels = 65536,
        .max_storage_bytes = (uint64_t)1 << 27,
        .storage_alignment = 256,
        .texel_alignment = 256,
        .texel_buffers = true,
    };
}

/* GPUs before CPU devices, and of these lavapipe first: it is several times as fast as SwiftShader, which browsers
 * bring along. */
static int place_of(const struct gvk_functions *vk, VkPhysicalDevice physical_device)
{
    gvk_host silent = gvk_host_complete(NULL);
    VkPhysicalDeviceProperties properties;
    vk->GetPhysicalDeviceProperties(physical_device, &properties);
    if (properties.deviceType != VK_PHYSICAL_DEVICE_TYPE_CPU)
        return 0;
    VkPhysicalDeviceDriverProperties driver = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES};
    VkPhysicalDeviceProperties2 chain = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &driver};
    if (properties.apiVersion >= VK_API_VERSION_1_1 &&
        gvk_physical_device_has(vk, &silent, physical_device, VK_KHR_DRIVER_PROPERTIES_EXTENSION_NAME))
        vk->GetPhysicalDeviceProperties2(physical_device, &chain);
    return driver.driverID == VK_DRIVER_ID_MESA_LLVMPIPE ? 1 : 2;
}

/* The physical devices by their rank (place_of), and those of one rank in the loader's order. */
static gvk_result list_physical_devices(const gvk_host *host, const struct gvk_functions *vk, VkInstance instance,
                                        VkPhysicalDevice **out, uint32_t *out_count)
{
    uint32_t count = 0;
    VkResult vulkan = vk->EnumeratePhysicalDevices(instance, &count, NULL);
    if (vulkan < 0)
        return fail_search(host, vulkan, "vkEnumeratePhysicalDevices");
    if (!count)
        return gvk_fail(host, GVK_ERROR_NO_DEVICE, "%s", no_driver_sentence);
    VkPhysicalDevice *devices = gvk_allocate_array(host, count, sizeof(VkPhysicalDevice));
    int *places = gvk_allocate_array(host, count, sizeof *places);
    gvk_result result = devices && places ? GVK_OK : gvk_fail_memory(host);
    vulkan = result ? VK_SUCCESS : vk->EnumeratePhysicalDevices(instance, &count, devices);
    if (vulkan < 0)
        result = fail_search(host, vulkan, "vkEnumeratePhysicalDevices");
    else if (!result && !count)
        result = gvk_fail(host, GVK_ERROR_NO_DEVICE, "%s", no_driver_sentence);
    for (uint32_t i = 0; i < count && !result; i++) {
        VkPhysicalDevice physical_device = devices[i];
        int place = place_of(vk, physical_device); /* once: a call that fails now and then must not lose a device */
        uint32_t at = i;
        for (; at > 0 && places[at - 1] > place; at--) {
            devices[at] = devices[at - 1];
            places[at] = places[at - 1];
        }
        devices[at] = physical_device;
        places[at] = place;
    }
    gvk_release(host, places);
    if (result) {
        gvk_release(host, devices);
        return result;
    }
    *out = devices;
    *out_count = count;
    return GVK_OK;
}

gvk_result gvk_device_list(const gvk_host *host_or_null, gvk_device_info *infos, size_t info_size, uint32_t *count)
{
    gvk_host host;
    gvk_result result = gvk_host_read(host_or_null, &host);
    if (!result)
        result = gvk_element_size(&host, &gvk_layout_of_device_info, info_size, &info_size);
    if (result)
        return result;
    if (!count || (*count && !infos))
        return gvk_fail(&host, GVK_ERROR_ARGUMENT, "gvk_device_list needs a count, and room for that many devices.");
    struct gvk_functions vk = {0};
    void *loader = NULL;
    VkInstance instance = VK_NULL_HANDLE;
    VkPhysicalDevice *devices = NULL;
    uint32_t device_count = 0;
    result = gvk_instance_open(&host, &vk, &loader, &instance);
    if (result)
        return result;
    result = list_physical_devices(&host, &vk, instance, &devices, &device_count);
    if (!result) {
        for (uint32_t i = 0; i < device_count && i < *count; i++) {
            gvk_device_info info = {.size = sizeof info};
            struct gvk_traits traits;
            gvk_physical_device_read(&vk, devices[i], i, &info, &traits);
            info.size = info_size;
            gvk_element_write(&gvk_layout_of_device_info, &info, infos, info_size, i);
        }
        *count = device_count;
    }
    gvk_release(&host, devices);
    vk.DestroyInstance(instance, NULL);
    gvk_loader_close(loader);
    return result;
}

static char lower(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
}

static bool starts_ignoring_case(const char *text, const char *part, size_t *length)
{
    size_t i = 0;
    while (part[i] && lower(text[i]) == lower(part[i]))
        i++;
    *length = i;
    return !part[i];
}

static bool name_fits(const char *name, const char *part, bool whole)
{
    size_t length;
    if (whole)
        return starts_ignoring_case(name, part, &length) && !name[length];
    for (; *name; name++)
        if (starts_ignoring_case(name, part, &length))
            return true;
    return false;
}

/* A discrete GPU before an integrated one, before anything else, before a CPU. */
static int rank_of(VkPhysicalDeviceType type)
{
    switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU: return 4;
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU: return 3;
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU: return 2;
    case VK_PHYSICAL_DEVICE_TYPE_CPU: return 0;
    default: return 1;
    }
}

static gvk_result refuse_ambiguous(const gvk_host *host, const char *name, bool whole, const gvk_device_info *infos,
                                   uint32_t count)
{
    char list[512] = "";
    size_t used = 0;
    uint32_t fitting = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!name_fits(infos[i].name, name, whole))
            continue;
        fitting++;
        int more = snprintf(list + used, sizeof list - used, "%s%u %s", used ? ", " : "", i, infos[i].name);
        used = more > 0 && used + (size_t)more < sizeof list ? used + (size_t)more : sizeof list - 1;
    }
    return gvk_fail(host, GVK_ERROR_ARGUMENT, "\"%s\" is %s %u devices; an index, or more of a name, says which: %s.",
                    name, whole ? "the name of" : "in the names of", fitting, list);
}

/* The device of that whole name, or else the only one whose name has the part. */
static gvk_result pick_by_name(const gvk_host *host, const char *name, const gvk_device_info *infos, uint32_t count,
                               uint32_t *picked)
{
    for (int whole = 1; whole >= 0; whole--) {
        uint32_t fitting = 0;
        for (uint32_t i = 0; i < count; i++)
            if (name_fits(infos[i].name, name, whole) && !fitting++)
                *picked = i;
        if (fitting > 1)
            return refuse_ambiguous(host, name, whole, infos, count);
        if (fitting)
            return GVK_OK;
    }
    return gvk_fail(host, GVK_ERROR_NO_DEVICE, "No device has \"%s\" in its name.", name);
}

static gvk_result pick_cpu(const gvk_host *host, const gvk_device_info *infos, uint32_t count, uint32_t *picked)
{
    bool found = false;
    for (uint32_t i = count; i-- > 0;) /* the first that can be used, or else the first, whose refusal says why */
        if (infos[i].type == VK_PHYSICAL_DEVICE_TYPE_CPU && (infos[i].usable || !found || !infos[*picked].usable)) {
            *picked = i;
            found = true;
        }
    return found ? GVK_OK
                 : gvk_fail(host, GVK_ERROR_NO_DEVICE,
                            "There is no CPU device. On Debian and Ubuntu, mesa-vulkan-drivers holds one.");
}

static gvk_result pick_best(const gvk_host *host, const gvk_device_info *infos, uint32_t count, uint32_t *picked)
{
    bool found = false;
    for (uint32_t i = 0; i < count; i++)
        if (infos[i].usable && (!found || rank_of(infos[i].type) > rank_of(infos[*picked].type))) {
            *picked = i;
            found = true;
        }
    return found ? GVK_OK
                 : gvk_fail(host, GVK_ERROR_NO_DEVICE,
                            "None of the %u Vulkan devices can be used; `ghostvk devices` says why.", count);
}

static gvk_result pick(const gvk_host *host, const gvk_device_params *params, const gvk_device_info *infos,
                       uint32_t count, uint32_t *picked)
{
    switch (params->choice) {
    case GVK_DEVICE_INDEX:
        *picked = params->index;
        return params->index < count
                   ? GVK_OK
                   : gvk_fail(host, GVK_ERROR_NO_DEVICE, "There is no device %u; there are %u, counted from 0.",
                              params->index, count);
    case GVK_DEVICE_NAME: return pick_by_name(host, params->name, infos, count, picked);
    case GVK_DEVICE_CPU: return pick_cpu(host, infos, count, picked);
    case GVK_DEVICE_BEST: break;
    }
    return pick_best(host, infos, count, picked);
}

gvk_result gvk_device_choose(const gvk_host *host, const struct gvk_functions *vk, VkInstance instance,
                             const gvk_device_params *params, VkPhysicalDevice *out, gvk_device_info *info)
{
    if ((unsigned)params->choice > GVK_DEVICE_CPU)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "The choice of a device, %d, is unknown.", (int)params->choice);
    if (params->choice == GVK_DEVICE_NAME && (!params->name || !*params->name))
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "A device is to be chosen by name, but no name was given.");
    VkPhysicalDevice *devices = NULL;
    uint32_t count = 0, picked = 0;
    gvk_result result = list_physical_devices(host, vk, instance, &devices, &count);
    if (result)
        return result;
    gvk_device_info *infos = gvk_allocate_array(host, count, sizeof *infos);
    if (!infos) {
        gvk_release(host, devices);
        return gvk_fail_memory(host);
    }
    for (uint32_t i = 0; i < count; i++) {
        struct gvk_traits traits;
        gvk_physical_device_read(vk, devices[i], i, &infos[i], &traits);
    }
    result = pick(host, params, infos, count, &picked);
    if (!result) {
        *info = infos[picked];
        *out = devices[picked];
    }
    gvk_release(host, infos);
    gvk_release(host, devices);
    if (result)
        return result;
    if (!info->usable)
        return gvk_fail(host, GVK_ERROR_NO_DEVICE, "%s cannot be used: %s.", info->name, info->reason);
    if (params->choice == GVK_DEVICE_BEST && info->type == VK_PHYSICAL_DEVICE_TYPE_CPU)
        gvk_log(host, GVK_LOG_WARNING, "No GPU was found; running on the CPU device %s.", info->name);
    return GVK_OK;
}

/* Where a pointer into `from` points in `to`. */
static void *move_pointer(const void *pointer, const gvk_wants *from, gvk_wants *to)
{
    return pointer ? (char *)to + ((const char *)pointer - (const char *)from) : NULL;
}

gvk_result gvk_device_wants(PFN_vkGetInstanceProcAddr get_instance_proc, VkInstance instance,
                            VkPhysicalDevice physical_device, gvk_wants *out)
{
    if (!get_instance_proc || !instance || !physical_device || !out)
        return GVK_ERROR_ARGUMENT;
    gvk_host host = gvk_host_complete(NULL);
    size_t size;
    gvk_result result = gvk_element_size(&host, &gvk_layout_of_wants, out->size, &size);
    if (result)
        return result;
    struct gvk_functions vk = {.GetInstanceProcAddr = get_instance_proc};
    const char *missing = NULL;
    if (!gvk_functions_load_instance(&vk, instance, &missing))
        return GVK_ERROR_UNSUPPORTED;
    gvk_wants made = {.size = sizeof made};
    made.features.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
    made.subgroup_size.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES;
    if (gvk_physical_device_has(&vk, &host, physical_device, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME)) {
        VkPhysicalDeviceFeatures2 query = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
                                           .pNext = &made.subgroup_size};
        vk.GetPhysicalDeviceFeatures2(physical_device, &query);
        made.subgroup_size.pNext = NULL;
        made.features.pNext = &made.subgroup_size;
        made.device_extensions[made.device_extension_count++] = VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME;
    }
    gvk_device_info info = {.size = sizeof info};
    struct gvk_traits traits;
    gvk_physical_device_read(&vk, physical_device, 0, &info, &traits);
    /* lavapipe's fast path alone (docs/kernels.md). */
    if (info.type == VK_PHYSICAL_DEVICE_TYPE_CPU && traits.subgroup_size > 4) {
        VkPhysicalDeviceFeatures2 can = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2};
        vk.GetPhysicalDeviceFeatures2(physical_device, &can);
        made.features.features.shaderFloat64 = can.features.shaderFloat64;
    }
    /* Arrays of weight chunks are SwiftShader's fast path alone (docs/kernels.md); others are not asked for them. */
    made.descriptor_indexing.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DESCRIPTOR_INDEXING_FEATURES;
    if (info.type == VK_PHYSICAL_DEVICE_TYPE_CPU && traits.subgroup_size == 4 &&
        gvk_physical_device_has(&vk, &host, physical_device, VK_EXT_DESCRIPTOR_INDEXING_EXTENSION_NAME)) {
        VkPhysicalDeviceDescriptorIndexingFeatures can = made.descriptor_indexing;
        VkPhysicalDeviceFeatures2 query = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &can};
        vk.GetPhysicalDeviceFeatures2(physical_device, &query);
        if (can.runtimeDescriptorArray && can.descriptorBindingStorageBufferUpdateAfterBind &&
            can.descriptorBindingVariableDescriptorCount && query.features.shaderStorageBufferArrayDynamicIndexing) {
            made.descriptor_indexing.runtimeDescriptorArray = VK_TRUE;
            made.descriptor_indexing.descriptorBindingStorageBufferUpdateAfterBind = VK_TRUE;
            made.descriptor_indexing.descriptorBindingVariableDescriptorCount = VK_TRUE;
            made.features.features.shaderStorageBufferArrayDynamicIndexing = VK_TRUE;
            made.descriptor_indexing.pNext = made.features.pNext;
            made.features.pNext = &made.descriptor_indexing;
            made.device_extensions[made.device_extension_count++] = VK_EXT_DESCRIPTOR_INDEXING_EXTENSION_NAME;
        }
    }
    made.half.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES;
    if (traits.half_arithmetic) {
        made.half.shaderFloat16 = VK_TRUE;
        made.half.pNext = made.features.pNext;
        made.features.pNext = &made.half;
        made.device_extensions[made.device_extension_count++] = VK_KHR_SHADER_FLOAT16_INT8_EXTENSION_NAME;
    }
    made.memory_model.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_MEMORY_MODEL_FEATURES;
    made.cooperative_matrix.sType = GVK_COOPERATIVE_MATRIX_FEATURES_TYPE;
    if (traits.matrix_side) {
        made.memory_model.vulkanMemoryModel = made.cooperative_matrix.cooperativeMatrix = VK_TRUE;
        made.memory_model.pNext = &made.cooperative_matrix;
        made.cooperative_matrix.pNext = made.features.pNext;
        made.features.pNext = &made.memory_model;
        made.device_extensions[made.device_extension_count++] = VK_KHR_VULKAN_MEMORY_MODEL_EXTENSION_NAME;
        made.device_extensions[made.device_extension_count++] = GVK_COOPERATIVE_MATRIX_EXTENSION;
    }
    made.ycbcr.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SAMPLER_YCBCR_CONVERSION_FEATURES;
    VkPhysicalDeviceFeatures2 query = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &made.ycbcr};
    vk.GetPhysicalDeviceFeatures2(physical_device, &query);
    if (made.ycbcr.samplerYcbcrConversion) {
        made.ycbcr.pNext = made.features.pNext;
        made.features.pNext = &made.ycbcr;
    }
    /* A device that offers this extension must be created with it. */
    if (gvk_physical_device_has(&vk, &host, physical_device, "VK_KHR_portability_subset"))
        made.device_extensions[made.device_extension_count++] = "VK_KHR_portability_subset";
    gvk_struct_write(&gvk_layout_of_wants, &made, out);
    out->features.pNext = move_pointer(made.features.pNext, &made, out);
    out->subgroup_size.pNext = move_pointer(made.subgroup_size.pNext, &made, out);
    out->descriptor_indexing.pNext = move_pointer(made.descriptor_indexing.pNext, &made, out);
    out->half.pNext = move_pointer(made.half.pNext, &made, out);
    out->ycbcr.pNext = move_pointer(made.ycbcr.pNext, &made, out);
    out->memory_model.pNext = move_pointer(made.memory_model.pNext, &made, out);
    out->cooperative_matrix.pNext = move_pointer(made.cooperative_matrix.pNext, &made, out);
    return GVK_OK;
}
