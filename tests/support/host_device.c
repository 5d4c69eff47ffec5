/* The host's side of an imported device. */
#include "host_device.h"

#include <string.h>

#include <volk.h>

static bool has_debug_utils(void)
{
    VkExtensionProperties list[64];
    uint32_t count = 64;
    if (vkEnumerateInstanceExtensionProperties(NULL, &count, list) < 0)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!strcmp(list[i].extensionName, VK_EXT_DEBUG_UTILS_EXTENSION_NAME))
            return true;
    return false;
}

static bool fail_with(struct host_device *host, const char *fault)
{
    host_device_destroy(host);
    host->fault = fault;
    return false;
}

/* The first, or the wanted one; VK_NULL_HANDLE: there is none. */
static VkPhysicalDevice find_physical_device(VkInstance instance, const gvk_device_info *wanted)
{
    VkPhysicalDevice devices[16];
    uint32_t count = 16;
    if (vkEnumeratePhysicalDevices(instance, &count, devices) < 0)
        return VK_NULL_HANDLE;
    for (uint32_t i = 0; i < count; i++) {
        VkPhysicalDeviceProperties properties;
        vkGetPhysicalDeviceProperties(devices[i], &properties);
        if (!wanted || (properties.deviceType == wanted->type && properties.deviceID == wanted->device_id &&
                        !strcmp(properties.deviceName, wanted->name)))
            return devices[i];
    }
    return VK_NULL_HANDLE;
}

static bool has_extension(VkPhysicalDevice device, const char *name)
{
    static VkExtensionProperties list[512];
    uint32_t count = 512;
    if (vkEnumerateDeviceExtensionProperties(device, NULL, &count, list) < 0)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!strcmp(list[i].extensionName, name))
            return true;
    return false;
}

/* What is wanted, and what a host of this kind has beside it: semaphores that count. */
static void choose_extensions(struct host_device *host)
{
    host->timelines = (VkPhysicalDeviceTimelineSemaphoreFeatures){
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES, .pNext = &host->wants.features};
    for (uint32_t i = 0; i < host->wants.device_extension_count; i++)
        host->device_extensions[host->device_extension_count++] = host->wants.device_extensions[i];
    if (has_extension(host->physical_device, VK_KHR_TIMELINE_SEMAPHORE_EXTENSION_NAME)) {
        host->device_extensions[host->device_extension_count++] = VK_KHR_TIMELINE_SEMAPHORE_EXTENSION_NAME;
        host->timelines.timelineSemaphore = VK_TRUE;
    }
}

bool host_device_create(struct host_device *host)
{
    return host_device_create_on(host, NULL);
}

bool host_device_create_on(struct host_device *host, const gvk_device_info *wanted)
{
    memset(host, 0, sizeof *host);
    if (volkInitialize() != VK_SUCCESS)
        return fail_with(host, "volk finds no loader");
    if (has_debug_utils())
        host->instance_extensions[host->instance_extension_count++] = VK_EXT_DEBUG_UTILS_EXTENSION_NAME;
    VkApplicationInfo application = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO, .apiVersion = VK_API_VERSION_1_1};
    VkInstanceCreateInfo instance = {
        .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
        .pApplicationInfo = &application,
        .enabledExtensionCount = host->instance_extension_count,
        .ppEnabledExtensionNames = host->instance_extensions,
    };
    if (vkCreateInstance(&instance, NULL, &host->instance) != VK_SUCCESS)
        return fail_with(host, "vkCreateInstance failed");
    volkLoadInstance(host->instance);
    host->physical_device = find_physical_device(host->instance, wanted);
    if (!host->physical_device)
        return fail_with(host, "there is no physical device, or not the wanted one");
    VkQueueFamilyProperties families[16];
    uint32_t family_count = 0;
    vkGetPhysicalDeviceQueueFamilyProperties(host->physical_device, &family_count, NULL);
    family_count = family_count < 16 ? family_count : 16;
    vkGetPhysicalDeviceQueueFamilyProperties(host->physical_device, &family_count, families);
    while (host->queue_family < family_count && !(families[host->queue_family].queueFlags & VK_QUEUE_COMPUTE_BIT))
        host->queue_family++;
    if (host->queue_family == family_count)
        return fail_with(host, "there is no compute queue");
    if (gvk_device_wants(vkGetInstanceProcAddr, host->instance, host->physical_device, &host->wants))
        return fail_with(host, "gvk_device_wants failed");
    choose_extensions(host);
    float priority = 1.0f;
    VkDeviceQueueCreateInfo queue = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
        .queueFamilyIndex = host->queue_family,
        .queueCount = 1,
        .pQueuePriorities = &priority,
    };
    VkDeviceCreateInfo device = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
        .pNext = host->timelines.timelineSemaphore ? (const void *)&host->timelines : &host->wants.features,
        .queueCreateInfoCount = 1,
        .pQueueCreateInfos = &queue,
        .enabledExtensionCount = host->device_extension_count,
        .ppEnabledExtensionNames = host->device_extensions,
    };
    if (vkCreateDevice(host->physical_device, &device, NULL, &host->device) != VK_SUCCESS)
        return fail_with(host, "vkCreateDevice failed");
    vkGetDeviceQueue(host->device, host->queue_family, 0, &host->queue);
    return true;
}

void host_device_destroy(struct host_device *host)
{
    if (host->device)
        vkDestroyDevice(host->device, NULL);
    if (host->instance)
        vkDestroyInstance(host->instance, NULL);
    host->device = VK_NULL_HANDLE;
    host->instance = VK_NULL_HANDLE;
}

static void lock_queue(void *user)
{
    struct host_device *host = user;
    host->lock_depth++;
    host->lock_count++;
}

static void unlock_queue(void *user)
{
    struct host_device *host = user;
    host->lock_depth--;
}

gvk_import_params host_device_params(struct host_device *host)
{
    return (gvk_import_params){
        .size = sizeof(gvk_import_params),
        .get_instance_proc = vkGetInstanceProcAddr,
        .instance = host->instance,
        .api_version = VK_API_VERSION_1_1,
        .physical_device = host->physical_device,
        .device = host->device,
        .enabled_features = &host->wants.features,
        .instance_extensions = host->instance_extensions,
        .device_extensions = host->device_extensions,
        .instance_extension_count = host->instance_extension_count,
        .device_extension_count = host->device_extension_count,
        .queue_family = host->queue_family,
        .queue = host->queue,
        .lock_queue = lock_queue,
        .unlock_queue = unlock_queue,
        .queue_user = host,
    };
}
