/* The way of pictures into the network's input: uploads, and the program in front of the network that resizes them,
 * with its recorder. One gvk_intake a frame in flight: filled at each submit, its program made anew only when sizes
 * change. */
#ifndef GVK_INTAKE_H
#define GVK_INTAKE_H

#include "recorder.h"
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

struct gvk_intake {
    struct gvk_buffer upload, scratch;        /* grow */
    struct gvk_picture_layout *layouts;       /* by item; of the program */
    struct gvk_picture_layout *planned;       /* of the pictures checked last */
    uint64_t planned_upload, planned_scratch; /* bytes that those take */
    uint32_t count;                           /* of items */
    bool recorded;                            /* the program is in command buffers */
    struct gvk_program *program;              /* copies of tensors, horizontal passes, vertical passes */
    struct gvk_recorder recorder;
    gvk_recorded_counts counts;
};

gvk_result gvk_intake_create(gvk_device *device, uint32_t batch, struct gvk_intake *out);
void gvk_intake_destroy(gvk_device *device, struct gvk_intake *intake);

/* Checks the pictures, as many as the batch, and plans where each lies. Touches nothing that a frame in flight uses. */
gvk_result gvk_intake_plan(struct gvk_intake *intake, const struct gvk_input_target *target,
                           const gvk_picture *pictures);
/* Copies the pictures that were planned last; *changed says that the program must be made anew. The frame must not be
 * in flight. */
gvk_result gvk_intake_fill(struct gvk_intake *intake, const struct gvk_input_target *target,
                           const gvk_picture *pictures, bool *changed);
/* Makes the program, and what records it. */
gvk_result gvk_intake_prepare(struct gvk_intake *intake, const struct gvk_input_target *target);

/* ---- the commands ---- */

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
