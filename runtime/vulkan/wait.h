/* Every wait of the runtime for its device, and what becomes of objects that the device may still use when a wait ends
 * without it: they are kept, never freed. */
#ifndef GVK_WAIT_H
#define GVK_WAIT_H

#include "device.h"

/* A time limit: as long as there is hope. A CPU device computes in this process and only depends on how busy the
 * machine is, so it is waited for without an end. A GPU that hangs is reset by its driver within seconds; one that
 * gives no sign for ten minutes will never give one. */
#define GVK_PATIENTLY UINT64_MAX

/* VK_SUCCESS, VK_TIMEOUT, or what the driver says. A patient wait that takes long is told in the log, once a device;
 * `what` is waited for, such as "a frame". Any thread. */
VkResult gvk_wait(struct gvk_device *device, VkFence fence, uint64_t timeout_ns, const char *what);

/* Waits, a minute at most, until what the fence's submission uses may be destroyed, and waits again where a wait fails
 * for lack of memory. A lost device uses nothing any more. False: it may still be in use, and the caller must keep it
 * (gvk_remains_keep). There is a limit because a destroy call must not hold its caller for as long as a slow machine
 * may take. */
bool gvk_wait_until_unused(struct gvk_device *device, VkFence fence, const char *what);
/* The same without waiting. */
bool gvk_is_unused(struct gvk_device *device, VkFence fence);

/* An object that could not be destroyed yet. It is a member of that object, so that keeping one never needs memory. */
struct gvk_remains {
    struct gvk_remains *next;
    bool (*is_unused)(void *object); /* NULL: when all that was kept before it is */
    void (*destroy)(void *object);
    void *object;
};

/* Keeps the object until the device's end. */
void gvk_remains_keep(struct gvk_device *device, struct gvk_remains *remains);
/* Whether anything is kept; then what it uses must be kept, too. */
bool gvk_has_remains(struct gvk_device *device);
/* At the device's end: destroys what is kept, in the order in which it was kept, if the device has finished by now.
 * False: it has not, and nothing that is kept may be freed. */
bool gvk_remains_destroy(struct gvk_device *device);

#endif
