/* The way of pictures into the network's input: uploads, and the program in front of the network that resizes them,
 * with its recorder. One gvk_intake a frame in flight: filled at each submit, its program made anew only when pictures
 * lie elsewhere than the frame's before. What was made once is used again: two kinds of pictures that take turns make
 * nothing new on the device. */
#ifndef GVK_INTAKE_H
#define GVK_INTAKE_H

#include "images.h"
#include "intake_commands.h"
#include "runtime/plan/recorder.h"

struct gvk_intake {
    struct gvk_buffer upload, scratch;        /* grow */
    struct gvk_picture_layout *layouts;       /* by item; of the program */
    struct gvk_picture_layout *planned;       /* of the pictures checked last */
    uint64_t planned_upload, planned_scratch; /* bytes that those take */
    uint32_t count;                           /* of items */
    bool has_tables;                          /* the upload holds those of the layouts */
    bool recorded;                            /* the program is in command buffers */
    struct gvk_program *program;              /* copies of tensors, horizontal passes, vertical passes */
    struct gvk_images images;                 /* buffers and images of the host's */
    struct gvk_recorder recorder;
    gvk_recorded_counts counts;
};

gvk_result gvk_intake_create(gvk_device *device, uint32_t batch, struct gvk_intake *out);
void gvk_intake_destroy(gvk_device *device, struct gvk_intake *intake);

/* Checks the pictures, as many as the batch, and plans where each lies. Touches nothing that a frame in flight uses. */
gvk_result gvk_intake_plan(struct gvk_intake *intake, const struct gvk_input_target *target,
                           const gvk_picture *pictures);
/* The same for what is like pictures to come, whose pixels, buffers and views are not looked at. */
gvk_result gvk_intake_plan_likeness(struct gvk_intake *intake, const struct gvk_input_target *target,
                                    const gvk_picture *pictures);
/* Copies the pictures that were planned last; *changed says that the program must be made anew. The frame must not be
 * in flight. `pictures` NULL: of a likeness, whose memory is touched, so that its pages are there. */
gvk_result gvk_intake_fill(struct gvk_intake *intake, const struct gvk_input_target *target,
                           const gvk_picture *pictures, bool *changed);
/* Bytes of device memory that gvk_intake_fill takes for the pictures that were planned last. */
gvk_result gvk_intake_measure(const struct gvk_intake *intake, const struct gvk_input_target *target, uint64_t *out);
/* Makes the program, and what records it. */
gvk_result gvk_intake_prepare(struct gvk_intake *intake, const struct gvk_input_target *target);
/* Whether all of the pictures' buffers and views are known, so that it can be recorded. */
bool gvk_intake_is_bound(const struct gvk_intake *intake);
/* Records the program's commands [first, end), with the acquiring of the host's pictures in front of the first and
 * their release behind the last, and adds to intake->counts. */
gvk_result gvk_intake_record(struct gvk_intake *intake, VkCommandBuffer commands, uint32_t first, uint32_t end,
                             struct gvk_hazards *hazards, VkQueryPool profile);

#endif
