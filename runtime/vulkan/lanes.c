/* Tells from a driver's version what its compiler likes and bears. */
#include "lanes.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* 100 times the major version and the minor one; UINT32_MAX: it is not lavapipe's, or unknown. */
static uint32_t read_version(VkDriverId driver, const char *info)
{
    static const char name[] = "Mesa ";
    if (driver != VK_DRIVER_ID_MESA_LLVMPIPE || strncmp(info, name, sizeof name - 1) != 0)
        return UINT32_MAX;
    const char *version = info + sizeof name - 1;
    char *point, *end;
    long major = strtol(version, &point, 10);
    if (point == version || *point != '.' || major <= 0 || major > 1000)
        return UINT32_MAX;
    long minor = strtol(point + 1, &end, 10);
    if (end == point + 1 || minor < 0 || minor > 99)
        return UINT32_MAX;
    return (uint32_t)(100 * major + minor);
}

bool gvk_driver_shuffles_well(VkDriverId driver, const char *info)
{
    return read_version(driver, info) < 2300;
}

bool gvk_driver_stores_doubles(VkDriverId driver, const char *info)
{
    return read_version(driver, info) < 2501;
}
