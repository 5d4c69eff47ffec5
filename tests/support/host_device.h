/* A Vulkan instance and device as a game would make them (through volk), for the tests of gvk_device_import. */
#ifndef GVK_TEST_HOST_DEVICE_H
#define GVK_TEST_HOST_DEVICE_H

#include <stdbool.h>

#include <ghostvk/gvk.h>

struct host_device {
    VkInstance instance;
    VkPhysicalDevice physical_device;
    VkDevice device;
    uint32_t queue_family;
    VkQueue queue;
    gvk_wants wants;
    VkPhysicalDeviceTimelineSemaphoreFeatures timelines; /* enabled where there are any */
    const char *device_extensions[12];                   /* those that are wanted, and the host's own */
    uint32_t device_extension_count;
    const char *instance_extensions[1];
    uint32_t instance_extension_count;
    int lock_depth;      /* of the queue; never more than 1 */
    unsigned lock_count; /* how often the runtime took the lock */
    const char *fault;   /* why create failed */
};

bool host_device_create(struct host_device *host);
/* On the physical device of that name and type, as gvk_device_describe tells them; NULL: on the first. */
bool host_device_create_on(struct host_device *host, const gvk_device_info *wanted);
void host_device_destroy(struct host_device *host);
/* Everything that the import needs, lock callbacks included. */
gvk_import_params host_device_params(struct host_device *host);

#endif
