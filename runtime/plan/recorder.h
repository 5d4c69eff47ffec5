/* Turns a program whose blocks have their offsets into descriptor sets and recorded commands. */
#ifndef GVK_RECORD_H
#define GVK_RECORD_H

#include "runtime/plan/program.h"
#include "runtime/vulkan/memory.h"

/* The buffers of one frame in flight. */
struct gvk_frame_buffers {
    const struct gvk_buffer *parameters, *result, *upload, *scratch; /* NULL: no command names it */
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
};

gvk_result gvk_recorder_create(gvk_device *device, const struct gvk_program *program, const struct gvk_buffer *arena,
                               const struct gvk_buffer *weights, const struct gvk_frame_buffers *frames,
                               uint32_t frame_count, struct gvk_recorder *out);
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
