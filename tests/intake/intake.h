/* What the tests of pictures on their way into the input share: a model that passes its input on, streams of it, the
 * input that a frame was given, and the host's own buffers and images on the same device. */
#ifndef GVK_TESTS_INTAKE_H
#define GVK_TESTS_INTAKE_H

#include "tests/support/harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <volk.h>

#include <ghostvk/embedding.h>

struct intake_host {
    gvk_device *device;
    gvk_device_handles handles;
    gvk_model *model;
    VkCommandPool pool;
    VkPhysicalDeviceMemoryProperties memory;
};
extern struct intake_host host;

/* cmocka's group fixtures. */
int open_intake(void **state);
int close_intake(void **state);

gvk_stream *create_stream_of(uint32_t width, uint32_t height, uint32_t batch, uint32_t frames, uint32_t max_us);
gvk_ticket submit_pictures(gvk_stream *stream, const gvk_picture *pictures, uint32_t count);
/* The frame's input, C x H x W, of an item; waits for it. */
const float *input_of(gvk_stream *stream, gvk_ticket ticket, uint32_t item);
/* Fails where the item's input is not `expected`, rows of R, G, B bytes. */
void expect_bytes(gvk_stream *stream, gvk_ticket ticket, uint32_t item, const uint8_t *expected, uint32_t width,
                  uint32_t height, const char *what);
/* Values 0 to 255 that differ by more than `tolerance`, and the largest difference. */
uint32_t count_differences(gvk_stream *stream, gvk_ticket ticket, uint32_t item, const double *expected, size_t pixels,
                           double tolerance, double *worst);

/* ---- the host's Vulkan objects ---- */

struct host_buffer {
    VkBuffer buffer;
    VkDeviceMemory memory;
    void *mapped;
    VkDeviceSize bytes;
};
struct host_buffer create_host_buffer(VkDeviceSize bytes, VkBufferUsageFlags usage);
void destroy_host_buffer(struct host_buffer *buffer);

struct host_image {
    VkImage image;
    VkDeviceMemory memory;
    VkImageView view;
    VkFormat format;
    uint32_t width, height;
    VkImageLayout layout;
};
/* VK_NULL_HANDLE views of images that a conversion or planes are seen through are the caller's to make. False: the
 * driver has no such images. */
bool create_host_image(VkFormat format, uint32_t width, uint32_t height, VkImageCreateFlags flags,
                       struct host_image *out);
VkImageView create_view(const struct host_image *image, VkFormat format, VkImageAspectFlags aspect, const void *next);
void destroy_host_image(struct host_image *image);
/* Copies tight texels of one plane into the image and leaves it in `layout`. With `waits` 0 the copy is on the queue
 * and not done when it returns; the buffer that it reads is handed back. */
void draw_image(struct host_image *image, VkImageAspectFlags aspect, const void *texels, size_t bytes,
                VkImageLayout layout);
struct host_buffer draw_image_later(struct host_image *image, VkImageAspectFlags aspect, const void *texels,
                                    size_t bytes, VkImageLayout layout);
void wait_for_queue(void);

/* The parts: each returns how many of its tests failed. */
int run_turned_tests(void);
int run_image_tests(void);
int run_ycbcr_tests(void);
int run_preparing_tests(void);
int run_box_tests(void);

#endif
