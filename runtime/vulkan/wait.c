/* Waits in short pieces, and counts them instead of reading a clock: so the time in which the machine was suspended
 * does not count. */
#include "wait.h"

#define SLICE_SECONDS      5u
#define SLICE_NS           ((uint64_t)SLICE_SECONDS * 1000 * 1000 * 1000)
#define SLICES_IN_SILENCE  4u
#define SLICES_OF_A_GPU    120u
#define SLICES_OF_AN_END   12u
#define TRIES_WITHOUT_HOPE 3u

/* True once a device: the caller is the first to say that it takes long. */
static bool may_speak(struct gvk_device *device)
{
    gvk_mutex_lock(&device->mutex);
    bool first = !device->said_slow;
    device->said_slow = true;
    gvk_mutex_unlock(&device->mutex);
    return first;
}

/* `most` 0: without end. */
static VkResult wait_in_slices(struct gvk_device *device, VkFence fence, uint32_t most, const char *what)
{
    for (uint32_t slices = 1;; slices++) {
        VkResult waited = device->vk.WaitForFences(device->device, 1, &fence, VK_TRUE, SLICE_NS);
        if (waited != VK_TIMEOUT || slices == most)
            return waited;
        if (slices == SLICES_IN_SILENCE && may_speak(device))
            gvk_log(&device->host, GVK_LOG_WARNING,
                    "%s has not finished %s for %u seconds: the machine is busy, or slow. Still waiting.",
                    device->info.name, what, SLICES_IN_SILENCE * SLICE_SECONDS);
    }
}

VkResult gvk_wait(struct gvk_device *device, VkFence fence, uint64_t timeout_ns, const char *what)
{
    if (timeout_ns != GVK_PATIENTLY)
        return device->vk.WaitForFences(device->device, 1, &fence, VK_TRUE, timeout_ns);
    bool cpu = device->info.type == VK_PHYSICAL_DEVICE_TYPE_CPU;
    return wait_in_slices(device, fence, cpu ? 0 : SLICES_OF_A_GPU, what);
}

bool gvk_wait_until_unused(struct gvk_device *device, VkFence fence, const char *what)
{
    VkResult waited = VK_ERROR_UNKNOWN;
    for (uint32_t i = 0; i < TRIES_WITHOUT_HOPE && waited < 0 && waited != VK_ERROR_DEVICE_LOST; i++)
        waited = wait_in_slices(device, fence, SLICES_OF_AN_END, what);
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
