/* Turns a program whose blocks have their offsets into descriptor sets and recorded commands. */
#ifndef GVK_RECORD_H
#define GVK_RECORD_H

#include "runtime/plan/program.h"
#include "runtime/vulkan/memory.h"

/* A picture of a frame that lies in a buffer or in images of the host's. */
struct gvk_bound_picture {
    struct gvk_buffer
        buffer;          /* .buffer and .bytes alone; VK_NULL_HANDLE: it is not known yet, and nothing is recorded */
    VkDescriptorSet set; /* of the images */
    VkPipelineLayout layout; /* with such a set */
    VkPipeline pipeline;     /* with a sampler of the host's; VK_NULL_HANDLE: the device's, by the command's key */
};

/* The buffers of one frame in flight. */
struct gvk_frame_buffers {
    const struct gvk_buffer *parameters, *result, *upload, *scratch; /* NULL: no command names it */
    const struct gvk_bound_picture *pictures;                        /* by number */
};

struct gvk_recorder {
    gvk_device *device;
    const struct gvk_program *program;
    const struct gvk_buffer *arena, *weights;
    VkDescriptorSet chunks; /* set 1, or VK_NULL_HANDLE */
    VkDescriptorPool pool;
    VkDescriptorSet *sets; /* frame * command_count + command */
    struct gvk_frame_buffers *frames;
    VkBufferView *views; /* shared by the frames */
    uint32_t view_count;
    VkPipeline *pipelines; /* by command */
    uint32_t frame_count;
    uint32_t capacity; /* commands that it has room for */
};

gvk_result gvk_recorder_create(gvk_device *device, const struct gvk_program *program, const struct gvk_buffer *arena,
                               const struct gvk_buffer *weights, const struct gvk_frame_buffers *frames,
                               uint32_t frame_count, struct gvk_recorder *out);
/* Gives the recorder of one frame, whose commands read no texels, another program over the same arena: of no more
 * commands than `capacity`. Its sets are written anew, so nothing that was recorded with them can be run. */
gvk_result gvk_recorder_change(struct gvk_recorder *recorder, const struct gvk_program *program,
                               const struct gvk_frame_buffers *frame);
void gvk_recorder_destroy(struct gvk_recorder *recorder);

/* Records commands [first, end) with the barriers that they need among themselves and `hazards` carries over, and adds
 * what was recorded to `counts`. With a `profile` pool, command i writes its timestamps 2 i and 2 i + 1, and nothing
 * overlaps. */
gvk_result gvk_recorder_record(struct gvk_recorder *recorder, VkCommandBuffer commands, uint32_t frame, uint32_t first,
                               uint32_t end, struct gvk_hazards *hazards, VkQueryPool profile,
                               gvk_recorded_counts *counts);

/* How many barriers that takes. */
gvk_result gvk_count_barriers(const struct gvk_program *program, uint32_t first, uint32_t end, uint32_t *out);

#endif
