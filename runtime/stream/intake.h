/* The way of pictures into the network's input: uploads, and the commands in front of the network that resize them.
 * One gvk_intake a frame in flight; stream.c fills it at each submit and records it anew only when sizes change. */
#ifndef GVK_PICTURE_H
#define GVK_PICTURE_H

#include "resize.h"
#include "runtime/plan/program.h"
#include "runtime/vulkan/memory.h"

/* Ranges are bound at 256 bytes, the largest alignment that Vulkan allows a device to ask for. */
#define GVK_RANGE_ALIGNMENT 256u

/* What the recorded commands depend on, of one picture. */
struct gvk_picture_layout {
    gvk_picture_kind kind;
    gvk_pixel_format format;
    uint32_t width, height;
    int letterbox;
    uint64_t pixels, horizontal, vertical; /* bytes in the upload */
    uint64_t rows;                         /* bytes in the scratch */
};

/* A recorded resize, of one dispatch a strip: for its timing. */
struct gvk_resize_pass {
    const char *label;
    const char *kernel;
    VkPipeline pipeline;
    uint64_t bytes; /* of pixels, read and written */
};

struct gvk_intake {
    struct gvk_buffer upload, scratch;        /* grow */
    struct gvk_picture_layout *layouts;       /* by item; of the last recording */
    struct gvk_picture_layout *planned;       /* of the pictures checked last */
    uint64_t planned_upload, planned_scratch; /* bytes that those take */
    uint32_t count;
    bool recorded;
    VkDescriptorPool pool;
    VkDescriptorSet *sets; /* one a dispatch */
    uint32_t set_count, set_capacity;
    struct gvk_resize_pass *passes; /* in the order recorded; room for two an item */
    uint32_t pass_count;
    gvk_recorded_counts counts; /* of the last recording */
};

struct gvk_input_target {
    gvk_device *device;
    const struct gvk_program *program;
    const struct gvk_buffer *arena;
    gvk_tensor tensor;
};

gvk_result gvk_intake_create(gvk_device *device, uint32_t batch, struct gvk_intake *out);
void gvk_intake_destroy(gvk_device *device, struct gvk_intake *intake);

/* Checks the pictures, as many as the batch, and plans where each lies. Touches nothing that a frame in flight uses. */
gvk_result gvk_intake_plan(struct gvk_intake *intake, const struct gvk_input_target *target,
                           const gvk_picture *pictures);
/* Copies the pictures that were planned last; *changed says that the commands must be recorded anew. The frame must not
 * be in flight. */
gvk_result gvk_intake_fill(struct gvk_intake *intake, const struct gvk_input_target *target,
                           const gvk_picture *pictures, bool *changed);
/* With a `profile` pool, pass i writes its timestamps first_query + 2 i and the next, and nothing overlaps. */
gvk_result gvk_intake_record(struct gvk_intake *intake, const struct gvk_input_target *target, VkCommandBuffer commands,
                             VkQueryPool profile, uint32_t first_query);
/* Frees what was recorded. */
void gvk_intake_forget(struct gvk_intake *intake, gvk_device *device);

/* How many dispatches the two passes of a picture take in an input of `height` rows; 0: the device binds too little. */
uint32_t gvk_count_strips(const gvk_device *device, gvk_pixel_format format, uint32_t source_width,
                          uint32_t source_height, const struct gvk_placement *place, uint32_t height);

static inline uint32_t gvk_pixel_bytes(gvk_pixel_format format)
{
    return format == GVK_PIXELS_RGB8 ? 3 : 4;
}

#endif
