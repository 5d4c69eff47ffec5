/* A failed Vulkan call becomes the host's result and a sentence in its log; Vulkan's objects and commands get the names
 * that captures and validation messages show. */
#ifndef GVK_DEBUG_H
#define GVK_DEBUG_H

#include "device.h"

/* The gvk_result that stands for a Vulkan failure. Logs a sentence that names `call`, and at debug level file and line.
 */
gvk_result gvk_fail_vulkan(const struct gvk_device *device, VkResult result, const char *call, const char *file,
                           int line);

/* Makes a Vulkan call and turns its VkResult into a gvk_result; a failure is logged. The expression is evaluated once.
 */
#define GVK_VULKAN(device, call_name, result_expression)                                                               \
    gvk_check_vulkan((device), (result_expression), (call_name), __FILE__, __LINE__)
static inline gvk_result gvk_check_vulkan(const struct gvk_device *device, VkResult result, const char *call,
                                          const char *file, int line)
{
    return result == VK_SUCCESS ? GVK_OK : gvk_fail_vulkan(device, result, call, file, line);
}

/* Gives a Vulkan object the name that captures and validation messages show. Any thread: it calls nothing of the
 * host's, and is silent where the driver refuses the name. */
void gvk_name_object(const struct gvk_device *device, VkObjectType type, uint64_t handle, const char *format, ...)
    GVK_FORMAT(4, 5);

/* Groups the commands recorded between the two calls under a name. */
void gvk_begin_label(const struct gvk_device *device, VkCommandBuffer commands, const char *name);
void gvk_end_label(const struct gvk_device *device, VkCommandBuffer commands);

#endif
