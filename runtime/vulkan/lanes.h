/* On which drivers of CPU devices a lane's value should reach the other lanes by subgroupShuffle. */
#ifndef GVK_LANES_H
#define GVK_LANES_H

#include <stdbool.h>

#include <vulkan/vulkan_core.h>

/* True for lavapipe as it was until Mesa 22, told by `info` (VkPhysicalDeviceDriverProperties.driverInfo, "Mesa 22.3.6
 * (LLVM 15.0.6)"). There a shuffle from a lane that is constant compiles to one instruction; with Mesa 25 the network
 * takes three to six times as long with shuffles as with broadcasts. False for drivers that nobody has measured. */
bool gvk_driver_shuffles_well(VkDriverId driver, const char *info);

#endif
