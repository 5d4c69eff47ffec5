/* See picture_fit.h. */
#include "picture_fit.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/system/threads.h"

bool picture_fits(void *user, uint32_t width, uint32_t height, char *message, size_t message_size)
{
    const struct picture_fit *fit = user;
    const gvk_picture picture = {
        .size = sizeof picture,
        .kind = GVK_PICTURE_PIXELS,
        .format = GVK_PIXELS_RGB8,
        .width = width,
        .height = height,
        .letterbox = fit->letterbox,
    };
    if (gvk_device_check_picture(fit->device, &picture, fit->width, fit->height) == GVK_OK)
        return true;
    gvk_device_info info = {.size = sizeof info};
    gvk_device_describe(fit->device, &info);
    if (!thread_is_ours())
        fit->program->error[0] = 0; /* it is said here, in the picture's own sentence */
    snprintf(message, message_size, "is a picture of %" PRIu32 " x %" PRIu32 " pixels, more than %s can hold", width,
             height, info.name);
    return false;
}
