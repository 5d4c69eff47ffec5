/* Which queue family the kernels run on, of those that a physical device lists. */
#include "runtime/vulkan/device.h"

gvk_result gvk_compute_family(const struct gvk_functions *vk, const gvk_host *host, VkPhysicalDevice physical_device,
                              gvk_queue_kind kind, uint32_t *family, uint32_t *timestamp_bits)
{
    uint32_t count = 0;
    vk->GetPhysicalDeviceQueueFamilyProperties(physical_device, &count, NULL);
    VkQueueFamilyProperties *families = gvk_allocate_array(host, count, sizeof *families);
    if (!families)
        return gvk_fail_memory(host);
    vk->GetPhysicalDeviceQueueFamilyProperties(physical_device, &count, families);
    bool found = false;
    for (uint32_t i = 0; i < count; i++) {
        bool compute = families[i].queueFlags & VK_QUEUE_COMPUTE_BIT;
        bool graphics = families[i].queueFlags & VK_QUEUE_GRAPHICS_BIT;
        bool fits = kind == GVK_QUEUE_BEST || graphics == (kind == GVK_QUEUE_GRAPHICS);
        if (!compute || !families[i].queueCount || !fits || (found && graphics))
            continue;
        *family = i;
        *timestamp_bits = families[i].timestampValidBits;
        found = true;
        if (!graphics)
            break;
    }
    gvk_release(host, families);
    return found ? GVK_OK : GVK_ERROR_NO_DEVICE;
}
