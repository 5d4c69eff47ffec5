/* What a game has beside the library, as small as can be: copies of what lies in a device's buffer, and a picture with
 * boxes drawn by the GPU from that buffer. Both are recorded into one command buffer on the library's own queue, behind
 * the barrier that detector.h asks for, and nothing waits for the frame before. */
#ifndef GVK_TESTS_BOXES_DRAWING_H
#define GVK_TESTS_BOXES_DRAWING_H

#include "tests/support/harness.h"

#include <volk.h>

#include "tests/support/host_device.h"
#include <ghostvk/detector.h>

/* Fails the test where a call does not return VK_SUCCESS. */
#define assert_vk(call) assert_int_equal((call), VK_SUCCESS)

struct drawing {
    const struct host_device *host;
    VkCommandPool pool;
    VkFence fence;
    /* Pictures of one size, of a byte a pixel. */
    uint32_t width, height;
    VkImage image;
    VkDeviceMemory memory;
    VkImageView view;
    VkRenderPass pass;
    VkFramebuffer framebuffer;
    VkShaderModule modules[2];
    VkPipelineLayout layout;
    VkPipeline pipeline;
};

void create_drawing(const struct host_device *host, uint32_t width, uint32_t height, struct drawing *out);
void destroy_drawing(struct drawing *drawing);

/* The first bytes of the buffer, which the caller frees. */
void *copy_buffer(struct drawing *drawing, VkBuffer from, VkDeviceSize bytes);
/* Draws the boxes of one picture: a byte a pixel, 255 where a box is and 0 elsewhere; the caller frees. */
uint8_t *draw_boxes(struct drawing *drawing, const gvk_device_boxes *boxes, uint32_t picture);

#endif
