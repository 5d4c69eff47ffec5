/* Every wait of the runtime for its device, and what becomes of objects that the device may still use when a wait ends
 * without it: they are kept, never freed. */
#ifndef GVK_WAIT_H
#define GVK_WAIT_H

#include "device.h"

/* A time limit: as long as there is hope. A CPU device computes in this process, however busy the machine is, so that
 * is for ever. A GPU that hangs is reset by its driver within seconds; one that gives no sign for ten minutes never
 * will. */
#define GVK_PATIENTLY UINT64_MAX

/* VK_SUCCESS, VK_TIMEOUT, or what the driver says. A patient wait that takes long is told in the log, once a device;
 * `what` is waited for, such as "a frame". Any thread. */
VkResult gvk_wait(struct gvk_device *device, VkFence fence, uint64_t timeout_ns, const char *what);

/* Waits, a minute at most, until what the fence's submission uses may be destroyed; again where a wait fails for want
 * of memory. A lost device uses nothing any more. False: it may still be in use, and is to be kept: nobody waits for an
 * answer here, and a destroy call is not to hold its caller for as long as a slow machine may take. */
bool gvk_wait_until_unused(struct gvk_device *device, VkFence fence, const char *what);
/* The same without waiting. */
bool gvk_is_unused(struct gvk_device *device, VkFence fence);

/* An object that could not be destroyed; a member of it, so that keeping it takes no memory. */
struct gvk_remains {
    struct gvk_remains *next;
    bool (*is_unused)(void *object); /* NULL: when all that was kept before it is */
    void (*destroy)(void *object);
    void *object;
};

/* Keeps the object until the device's end. */
void gvk_remains_keep(struct gvk_device *device, struct gvk_remains *remains);
/* Something is kept: what it uses has to be, too. */
bool gvk_has_remains(struct gvk_device *device);
/* At the device's end, destroys what is kept if the device has come back by now, in the order in which it was kept.
 * False: it has not, and nothing of it may be freed. */
bool gvk_remains_destroy(struct gvk_device *device);

#endif
