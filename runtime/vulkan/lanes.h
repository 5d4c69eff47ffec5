/* What lavapipe's versions like and bear, which differs; told by `info` (VkPhysicalDeviceDriverProperties.driverInfo,
 * "Mesa 22.3.6 (LLVM 15.0.6)"). False for drivers that nobody has measured. */
#ifndef GVK_LANES_H
#define GVK_LANES_H

#include <stdbool.h>

#include <vulkan/vulkan_core.h>

/* Whether a lane's value should reach the others by subgroupShuffle in place of subgroupBroadcast: until Mesa 22. There
 * a shuffle from a lane that is constant compiles to one instruction; with Mesa 25 the network takes three to six times
 * as long with shuffles. */
bool gvk_driver_shuffles_well(VkDriverId driver, const char *info);

/* Whether its lanes may store doubles: until Mesa 25.0. Mesa 26.2's compiler overruns its stack by 16 lanes of them,
 * and the process ends ("stack smashing detected"); the versions between are not known. */
bool gvk_driver_stores_doubles(VkDriverId driver, const char *info);

#endif
