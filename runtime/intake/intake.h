/* The way of pictures into the network's input: uploads, and the program in front of the network that resizes them,
 * with its recorder. One gvk_intake a frame in flight: filled at each submit, its program made anew only when sizes
 * change. */
#ifndef GVK_INTAKE_H
#define GVK_INTAKE_H

#include "intake_commands.h"
#include "runtime/plan/recorder.h"

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
/* Bytes of device memory that gvk_intake_fill takes for the pictures that were planned last. */
gvk_result gvk_intake_measure(const struct gvk_intake *intake, const struct gvk_input_target *target, uint64_t *out);
/* Makes the program, and what records it. */
gvk_result gvk_intake_prepare(struct gvk_intake *intake, const struct gvk_input_target *target);

#endif
