/* Waits in slices, which are counted: no clock is read, and a machine that slept in between has lost no time. Called by
 * stream_end.c, parts.c and transfer.c; device.c destroys what is left. */
#include "wait.h"

#define SLICE_SECONDS      5u
#define SLICE_NS           ((uint64_t)SLICE_SECONDS * 1000 * 1000 * 1000)
#define SLICES_IN_SILENCE  4u
#define SLICES_OF_A_GPU    120u
#define TRIES_WITHOUT_HOPE 3u

/* True for the first of a device that says so. */
static bool may_speak(struct gvk_device *device)
{
    gvk_mutex_lock(&device->mutex);
    bool first = !device->said_slow;
    device->said_slow = true;
    gvk_mutex_unlock(&device->mutex);
    return first;
}

VkResult gvk_wait(struct gvk_device *device, VkFence fence, uint64_t timeout_ns, const char *what)
{
    const struct gvk_functions *vk = &device->vk;
    if (timeout_ns != GVK_PATIENTLY)
        return vk->WaitForFences(device->device, 1, &fence, VK_TRUE, timeout_ns);
    bool cpu = device->info.type == VK_PHYSICAL_DEVICE_TYPE_CPU;
    for (uint32_t slices = 1;; slices++) {
        VkResult waited = vk->WaitForFences(device->device, 1, &fence, VK_TRUE, SLICE_NS);
        if (waited != VK_TIMEOUT || (!cpu && slices == SLICES_OF_A_GPU))
            return waited;
        if (slices == SLICES_IN_SILENCE && may_speak(device))
            gvk_log(&device->host, GVK_LOG_WARNING,
                    "%s has not finished %s for %u seconds: the machine is busy, or slow. Still waiting.",
                    device->info.name, what, SLICES_IN_SILENCE * SLICE_SECONDS);
    }
}

bool gvk_wait_until_unused(struct gvk_device *device, VkFence fence, const char *what)
{
    VkResult waited = VK_ERROR_UNKNOWN;
    for (uint32_t i = 0; i < TRIES_WITHOUT_HOPE && waited < 0 && waited != VK_ERROR_DEVICE_LOST; i++)
        waited = gvk_wait(device, fence, GVK_PATIENTLY, what);
    return waited == VK_SUCCESS || waited == VK_ERROR_DEVICE_LOST;
}

bool gvk_is_unused(struct gvk_device *device, VkFence fence)
{
    VkResult waited = gvk_wait(device, fence, 0, "");
    return waited == VK_SUCCESS || waited == VK_ERROR_DEVICE_LOST;
}

void gvk_remains_keep(struct gvk_device *device, struct gvk_remains *remains)
{
    remains->next = NULL;
    gvk_mutex_lock(&device->mutex);
    struct gvk_remains **end = &device->remains;
    while (*end)
        end = &(*end)->next;
    *end = remains;
    gvk_mutex_unlock(&device->mutex);
}

bool gvk_has_remains(struct gvk_device *device)
{
    gvk_mutex_lock(&device->mutex);
    bool has = device->remains != NULL;
    gvk_mutex_unlock(&device->mutex);
    return has;
}

/* No other thread uses the device any more. */
bool gvk_remains_destroy(struct gvk_device *device)
{
    for (const struct gvk_remains *remains = device->remains; remains; remains = remains->next)
        if (remains->is_unused && !remains->is_unused(remains->object)) {
            gvk_log(&device->host, GVK_LOG_WARNING,
                    "%s still does not answer. It is left open, and its memory allocated, until the process ends.",
                    device->info.name);
            return false;
        }
    while (device->remains) {
        struct gvk_remains *remains = device->remains;
        device->remains = remains->next;
        remains->destroy(remains->object);
    }
    return true;
}
