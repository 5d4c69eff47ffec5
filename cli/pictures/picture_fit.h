/* Whether a picture fits the device, asked when its header is read and nothing is decoded yet. */
#ifndef GHOSTVK_CLI_PICTURE_FIT_H
#define GHOSTVK_CLI_PICTURE_FIT_H

#include "cli/host/program.h"

struct picture_fit {
    struct program *program;
    const gvk_device *device;
    uint32_t width, height; /* of the network's input */
    bool letterbox;
};

/* For image_choice's `accept`, with a struct picture_fit as its user. */
bool picture_fits(void *user, uint32_t width, uint32_t height, char *message, size_t message_size);

#endif
