/* Which drivers of CPU devices hand a lane's value round by subgroupShuffle. */
#ifndef GVK_LANES_H
#define GVK_LANES_H

#include <stdbool.h>

#include <vulkan/vulkan_core.h>

/* True for lavapipe as it was until Mesa 22, told by `info` (VkPhysicalDeviceDriverProperties.driverInfo, "Mesa 22.3.6
 * (LLVM 15.0.6)"). Its shuffles of a fixed lane end as one instruction; with Mesa 25 the network takes three to six
 * times as long with them as with broadcasts. Of a driver that nobody has measured it is not expected. */
bool gvk_driver_shuffles_well(VkDriverId driver, const char *info);

#endif
