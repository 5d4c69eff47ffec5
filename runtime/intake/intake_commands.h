/* The commands in front of the network: what brings each picture from where it lies into the network's input. */
#ifndef GVK_INTAKE_COMMANDS_H
#define GVK_INTAKE_COMMANDS_H

#include "runtime/picture/picture_layout.h"
#include "runtime/plan/program.h"
#include "runtime/vulkan/memory.h"

struct gvk_samplers; /* samplers.h */

#define GVK_RESIZE_LANES 64u /* of a workgroup */

/* Where the pictures go. */
struct gvk_input_target {
    gvk_device *device;
    struct gvk_builder builder; /* of the model; its program is the stream's */
    const struct gvk_buffer *arena;
    gvk_tensor tensor;
    struct gvk_samplers *samplers; /* of the stream */
    /* Microseconds that a dispatch of the resize is to take at most, 0: it does not matter; and that one turn of all
     * lanes of a workgroup takes, measured on this device: of the horizontal pass, of the vertical one. */
    uint32_t max_us;
    double turn_us[2];
};

/* Makes the pipelines of pictures in host memory and in buffers, if the input takes any. */
gvk_result gvk_intake_make_pipelines(const struct gvk_input_target *target);
/* Appends the commands of all pictures to the empty program. */
gvk_result gvk_emit_intake(const struct gvk_input_target *target, const struct gvk_picture_layout *layouts,
                           uint32_t count, struct gvk_program *program);
/* Microseconds that a command of such a program takes, by the measured times of a turn; copies 0. */
double gvk_expect_us(const struct gvk_input_target *target, const struct gvk_command *command);
/* Whether a device can bind the strips of a picture in an input of `height` rows. */
bool gvk_can_resize(const gvk_device *device, const struct gvk_picture_layout *layout, uint32_t height);

#endif
