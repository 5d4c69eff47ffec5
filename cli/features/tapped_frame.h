/* One picture through a network, with layers in its middle kept for reading. */
#ifndef GHOSTVK_CLI_FEATURES_TAPPED_FRAME_H
#define GHOSTVK_CLI_FEATURES_TAPPED_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/files/model_path.h"
#include "cli/host/device.h"
#include "cli/host/program.h"
#include "cli/pictures/formats/image.h"

#include "maps.h"

struct tapped_frame_choice {
    const char *path; /* of the picture */
    struct device_choice device;
    gvk_precision precision;
    uint32_t width, height; /* of the network's input */
    bool letterbox, ignore_orientation;
    const char *const *layers; /* names to keep; graph outputs are there anyway */
    uint32_t layer_count;
};

struct tapped_frame {
    struct program *program;
    gvk_device *device;
    gvk_device_info device_info;
    gvk_model *weights;
    gvk_stream *stream;
    gvk_ticket ticket;
    struct image image; /* upright */
};

/* Returns the exit code; what is wrong has been said. tapped_frame_release takes it in any case. */
int tapped_frame_run(struct program *program, const struct model_file *model, const struct tapped_frame_choice *choice,
                     struct tapped_frame *out);
/* A kept layer, or an output. The same. */
int tapped_frame_read(struct tapped_frame *frame, const char *layer, struct maps *out);
/* Accepts an empty one. */
void tapped_frame_release(struct tapped_frame *frame);

#endif
