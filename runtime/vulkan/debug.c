/* Words for Vulkan's failures, and names for its objects. */
#include "debug.h"

#include <stdio.h>

gvk_result gvk_fail_vulkan(const struct gvk_device *device, VkResult result, const char *call, const char *file,
                           int line)
{
    const gvk_host *host = &device->host;
    gvk_log(host, GVK_LOG_DEBUG, "%s returned %s at %s:%d.", call, gvk_vulkan_result_name(result), file, line);
    switch (result) {
    case VK_ERROR_OUT_OF_HOST_MEMORY: return gvk_fail_memory(host);
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
    case VK_ERROR_OUT_OF_POOL_MEMORY:
    case VK_ERROR_FRAGMENTED_POOL:
        return gvk_fail(host, GVK_ERROR_DEVICE_MEMORY,
                        "The device is out of memory. A smaller input size or batch takes less.");
    case VK_ERROR_DEVICE_LOST:
        return gvk_fail(host, GVK_ERROR_DEVICE_LOST, "The device was lost: its driver stopped or was reset.");
    default:
        return gvk_fail(host, GVK_ERROR_DRIVER, "The driver failed: %s returned %s.", call,
                        gvk_vulkan_result_name(result));
    }
}

void gvk_name_object(const struct gvk_device *device, VkObjectType type, uint64_t handle, const char *format, ...)
{
    if (!device->vk.SetDebugUtilsObjectNameEXT)
        return;
    char name[128];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    VkDebugUtilsObjectNameInfoEXT info = {
        .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_OBJECT_NAME_INFO_EXT,
        .objectType = type,
        .objectHandle = handle,
        .pObjectName = name,
    };
    device->vk.SetDebugUtilsObjectNameEXT(device->device, &info); /* a lost name harms nobody */
}

void gvk_begin_label(const gvk_device *device, VkCommandBuffer commands, const char *name)
{
    if (!device->vk.CmdBeginDebugUtilsLabelEXT)
        return;
    VkDebugUtilsLabelEXT label = {.sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_LABEL_EXT, .pLabelName = name};
    device->vk.CmdBeginDebugUtilsLabelEXT(commands, &label);
}

void gvk_end_label(const gvk_device *device, VkCommandBuffer commands)
{
    if (device->vk.CmdEndDebugUtilsLabelEXT)
        device->vk.CmdEndDebugUtilsLabelEXT(commands);
}
