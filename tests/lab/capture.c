/* Opens a device for looking at its compiler, and reads what the compiler says. */
#include "capture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/kernel/forms.h"

/* The driver's own function; there is one device a process. */
static PFN_vkCreateComputePipelines driver_create;

static VKAPI_ATTR VkResult VKAPI_CALL create_with_capture(VkDevice device, VkPipelineCache cache, uint32_t count,
                                                          const VkComputePipelineCreateInfo *infos,
                                                          const VkAllocationCallbacks *allocator, VkPipeline *out)
{
    (void)cache; /* what comes out of a cache was not compiled, and has no assembly */
    for (uint32_t i = 0; i < count; i++) {
        VkComputePipelineCreateInfo info = infos[i];
        info.flags |=
            VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR | VK_PIPELINE_CREATE_CAPTURE_INTERNAL_REPRESENTATIONS_BIT_KHR;
        VkResult result = driver_create(device, VK_NULL_HANDLE, 1, &info, allocator, &out[i]);
        if (result != VK_SUCCESS)
            return result;
    }
    return VK_SUCCESS;
}

static void print_sentence(void *user, gvk_log_level level, const char *sentence)
{
    (void)user;
    if (level == GVK_LOG_ERROR)
        fprintf(stderr, "lab: %s\n", sentence);
}

static bool fail(const char *what)
{
    fprintf(stderr, "lab: %s\n", what);
    return false;
}

bool laboratory_open(struct laboratory *laboratory)
{
    static const gvk_host host = {.size = sizeof host, .log = print_sentence};
    gvk_host complete = gvk_host_complete(&host);
    struct gvk_functions *vk = &laboratory->vk;
    VkPhysicalDevice physical_device = VK_NULL_HANDLE;
    gvk_device_info info = {.size = sizeof info};
    gvk_device_params choice = {.size = sizeof choice};
    memset(laboratory, 0, sizeof *laboratory);
    if (gvk_instance_open(&complete, vk, &laboratory->loader, &laboratory->instance) ||
        gvk_device_choose(&complete, vk, laboratory->instance, &choice, &physical_device, &info))
        return false;
    if (!gvk_physical_device_has(vk, &complete, physical_device, VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME))
        return fail("the driver does not tell what its compiler made (VK_KHR_pipeline_executable_properties)");
    uint32_t family = 0, timestamp_bits = 0;
    gvk_wants wants = {.size = sizeof wants};
    if (gvk_compute_family(vk, &complete, physical_device, GVK_QUEUE_BEST, &family, &timestamp_bits) ||
        gvk_device_wants(vk->GetInstanceProcAddr, laboratory->instance, physical_device, &wants))
        return fail("the device has no compute queue, or does not say what it can do");
    VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR feature = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR,
        .pNext = &wants.features,
        .pipelineExecutableInfo = VK_TRUE,
    };
    uint32_t extension_count = wants.device_extension_count;
    const char *extensions[sizeof wants.device_extensions / sizeof wants.device_extensions[0] + 1];
    memcpy(extensions, wants.device_extensions, extension_count * sizeof *extensions);
    extensions[extension_count++] = VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME;
    float priority = 1.0f;
    VkDeviceQueueCreateInfo queue_info = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
        .queueFamilyIndex = family,
        .queueCount = 1,
        .pQueuePriorities = &priority,
    };
    VkDeviceCreateInfo create = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
        .pNext = &feature,
        .queueCreateInfoCount = 1,
        .pQueueCreateInfos = &queue_info,
        .enabledExtensionCount = extension_count,
        .ppEnabledExtensionNames = extensions,
    };
    if (vk->CreateDevice(physical_device, &create, NULL, &laboratory->handle) != VK_SUCCESS)
        return fail("vkCreateDevice failed");
    PFN_vkGetDeviceQueue get_queue =
        (PFN_vkGetDeviceQueue)vk->GetDeviceProcAddr(laboratory->handle, "vkGetDeviceQueue");
    VkQueue queue = VK_NULL_HANDLE;
    get_queue(laboratory->handle, family, 0, &queue);
    gvk_import_params import = {
        .size = sizeof import,
        .host = &host,
        .get_instance_proc = vk->GetInstanceProcAddr,
        .instance = laboratory->instance,
        .api_version = VK_API_VERSION_1_1,
        .physical_device = physical_device,
        .device = laboratory->handle,
        .enabled_features = &wants.features,
        .device_extensions = extensions,
        .device_extension_count = extension_count,
        .queue_family = family,
        .queue = queue,
    };
    if (gvk_device_import(&import, &laboratory->device))
        return false;
    if (laboratory->device->traits.vendor_id == GVK_VENDOR_NVIDIA)
        laboratory->device->traits.cores = 0; /* the stub's are made up */
    driver_create = laboratory->device->vk.CreateComputePipelines;
    laboratory->device->vk.CreateComputePipelines = create_with_capture;
    return true;
}

void laboratory_close(struct laboratory *laboratory)
{
    if (laboratory->handle) {
        PFN_vkDestroyDevice destroy =
            (PFN_vkDestroyDevice)laboratory->vk.GetDeviceProcAddr(laboratory->handle, "vkDestroyDevice");
        gvk_device_destroy(laboratory->device);
        destroy(laboratory->handle, NULL);
    }
    if (laboratory->instance)
        laboratory->vk.DestroyInstance(laboratory->instance, NULL);
    gvk_loader_close(laboratory->loader);
}

static bool read_statistics(const struct laboratory *laboratory, const VkPipelineExecutableInfoKHR *info,
                            struct capture *capture)
{
    PFN_vkGetPipelineExecutableStatisticsKHR get =
        (PFN_vkGetPipelineExecutableStatisticsKHR)laboratory->vk.GetDeviceProcAddr(
            laboratory->handle, "vkGetPipelineExecutableStatisticsKHR");
    uint32_t count = 0;
    if (!get || get(laboratory->handle, info, &count, NULL) != VK_SUCCESS || !count)
        return false;
    capture->statistics = calloc(count, sizeof *capture->statistics);
    if (!capture->statistics)
        return false;
    for (uint32_t i = 0; i < count; i++)
        capture->statistics[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR;
    capture->statistic_count = count;
    return get(laboratory->handle, info, &capture->statistic_count, capture->statistics) == VK_SUCCESS;
}

static bool read_assembly(const struct laboratory *laboratory, const VkPipelineExecutableInfoKHR *info,
                          struct capture *capture)
{
    PFN_vkGetPipelineExecutableInternalRepresentationsKHR get =
        (PFN_vkGetPipelineExecutableInternalRepresentationsKHR)laboratory->vk.GetDeviceProcAddr(
            laboratory->handle, "vkGetPipelineExecutableInternalRepresentationsKHR");
    VkPipelineExecutableInternalRepresentationKHR texts[16];
    uint32_t count = sizeof texts / sizeof texts[0];
    for (uint32_t i = 0; i < count; i++)
        texts[i] = (VkPipelineExecutableInternalRepresentationKHR){
            .sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INTERNAL_REPRESENTATION_KHR};
    if (!get || get(laboratory->handle, info, &count, texts) < 0 || !count)
        return true; /* figures alone are worth printing */
    const VkPipelineExecutableInternalRepresentationKHR *last = &texts[count - 1];
    if (!last->isText || !last->dataSize)
        return true;
    capture->assembly = calloc(1, last->dataSize + 1);
    if (!capture->assembly)
        return false;
    for (uint32_t i = 0; i < count; i++)
        texts[i].pData = i == count - 1 ? capture->assembly : NULL;
    return get(laboratory->handle, info, &count, texts) >= 0;
}

struct capture *capture_pipeline(struct laboratory *laboratory, const struct gvk_pipeline_key *key)
{
    const char *name = gvk_shader_codes[key->shader].name;
    VkPipeline pipeline = VK_NULL_HANDLE;
    if (gvk_pipeline_get(laboratory->device, key, &pipeline)) {
        fprintf(stderr, "lab: the pipeline of %s was not made\n", name);
        return NULL;
    }
    PFN_vkGetPipelineExecutablePropertiesKHR get =
        (PFN_vkGetPipelineExecutablePropertiesKHR)laboratory->vk.GetDeviceProcAddr(
            laboratory->handle, "vkGetPipelineExecutablePropertiesKHR");
    VkPipelineInfoKHR info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR, .pipeline = pipeline};
    VkPipelineExecutablePropertiesKHR programs[8];
    uint32_t count = sizeof programs / sizeof programs[0];
    for (uint32_t i = 0; i < count; i++)
        programs[i] =
            (VkPipelineExecutablePropertiesKHR){.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_PROPERTIES_KHR};
    if (!get || get(laboratory->handle, &info, &count, programs) < 0 || !count) {
        fprintf(stderr, "lab: the driver says nothing of %s\n", name);
        return NULL;
    }
    struct capture *capture = calloc(1, sizeof *capture);
    if (!capture)
        return NULL;
    VkPipelineExecutableInfoKHR executable = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR,
        .pipeline = pipeline,
        .executableIndex = count - 1,
    };
    snprintf(capture->name, sizeof capture->name, "%.63s", programs[count - 1].name);
    capture->subgroup_size = programs[count - 1].subgroupSize;
    if (!read_statistics(laboratory, &executable, capture) || !read_assembly(laboratory, &executable, capture)) {
        fprintf(stderr, "lab: the driver's figures of %s could not be read\n", name);
        capture_release(capture);
        return NULL;
    }
    return capture;
}

void capture_release(struct capture *capture)
{
    if (!capture)
        return;
    free(capture->statistics);
    free(capture->assembly);
    free(capture);
}

double capture_value(const struct capture *capture, const char *statistic)
{
    for (uint32_t i = 0; i < capture->statistic_count; i++) {
        const VkPipelineExecutableStatisticKHR *found = &capture->statistics[i];
        if (strcmp(found->name, statistic))
            continue;
        switch (found->format) {
        case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_BOOL32_KHR: return found->value.b32;
        case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_INT64_KHR: return (double)found->value.i64;
        case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_UINT64_KHR: return (double)found->value.u64;
        default: return found->value.f64;
        }
    }
    return -1;
}
