/* Matrix units of a device (VK_KHR_cooperative_matrix), which Vulkan's headers know since 1.3.255: the names that older
 * ones lack are here. */
#ifndef GVK_MATRICES_H
#define GVK_MATRICES_H

#include "runtime/vulkan/device.h"

#define GVK_COOPERATIVE_MATRIX_EXTENSION     "VK_KHR_cooperative_matrix"
#define GVK_COOPERATIVE_MATRIX_FEATURES_TYPE ((VkStructureType)1000506000)

/* Of a device that has that extension and VK_KHR_vulkan_memory_model: matrices of so many rows and columns are
 * multiplied, fp16 with fp16 and sums in fp32, by a subgroup in a compute shader; 16 before 8. 0: there are none. */
uint32_t gvk_matrix_side_of(const struct gvk_functions *vk, VkPhysicalDevice physical_device);

#endif
