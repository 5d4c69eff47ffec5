/* Tells from a driver's version how it likes values to be handed from lane to lane. */
#include "lanes.h"

#include <stdlib.h>
#include <string.h>

#define LAST_MESA_THAT_SHUFFLES_WELL 22 /* the major version */

bool gvk_driver_shuffles_well(VkDriverId driver, const char *info)
{
    static const char name[] = "Mesa ";
    if (driver != VK_DRIVER_ID_MESA_LLVMPIPE || strncmp(info, name, sizeof name - 1) != 0)
        return false;
    const char *version = info + sizeof name - 1;
    char *end;
    long major = strtol(version, &end, 10);
    return end != version && *end == '.' && major > 0 && major <= LAST_MESA_THAT_SHUFFLES_WELL;
}
