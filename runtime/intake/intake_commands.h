/* The commands in front of the network: where each picture lies in a frame's upload and in the network's input, and
 * what brings it from the one to the other. */
#ifndef GVK_INTAKE_COMMANDS_H
#define GVK_INTAKE_COMMANDS_H

#include "resize.h"
#include "runtime/plan/program.h"
#include "runtime/vulkan/memory.h"

/* Ranges are bound at 256 bytes, the largest alignment that Vulkan allows a device to ask for. */
#define GVK_RANGE_ALIGNMENT 256u

/* What the program depends on, of one picture. */
struct gvk_picture_layout {
    gvk_picture_kind kind;
    gvk_pixel_format format;
    uint32_t width, height;
    struct gvk_placement placement;        /* computed once, for the resize and for what maps boxes back */
    uint64_t pixels, horizontal, vertical; /* bytes in the upload, at GVK_RANGE_ALIGNMENT */
    uint64_t rows;                         /* bytes in the scratch */
    uint64_t upload_end, scratch_end;      /* where the next picture's begin */
};

/* Where the pictures go. */
struct gvk_input_target {
    gvk_device *device;
    struct gvk_builder builder; /* of the model; its program is the stream's */
    const struct gvk_buffer *arena;
    gvk_tensor tensor;
    /* Microseconds that a dispatch of the resize is to take at most, 0: it does not matter; and that one turn of all
     * lanes of a workgroup takes, measured on this device: of the horizontal pass, of the vertical one. */
    uint32_t max_us;
    double turn_us[2];
};

/* Makes the pipelines of all kinds of pictures that the input takes. */
gvk_result gvk_intake_make_pipelines(const struct gvk_input_target *target);
/* Appends the commands of all pictures to the empty program. */
gvk_result gvk_emit_intake(const struct gvk_input_target *target, const struct gvk_picture_layout *layouts,
                           uint32_t count, struct gvk_program *program);
/* Microseconds that a command of such a program takes, by the measured times of a turn; copies 0. */
double gvk_expect_us(const struct gvk_input_target *target, const struct gvk_command *command);
/* Whether a device can bind the strips of a picture in an input of `height` rows. */
bool gvk_can_resize(const gvk_device *device, gvk_pixel_format format, const struct gvk_placement *placement,
                    uint32_t height);

static inline uint32_t gvk_pixel_bytes(gvk_pixel_format format)
{
    return format == GVK_PIXELS_RGB8 ? 3 : 4;
}

#endif
