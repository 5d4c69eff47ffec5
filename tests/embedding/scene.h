/* A host beside the library: its device with semaphores that count, a small network over pictures, and what a frame of
 * it gives when nothing stands in its way. */
#ifndef GVK_TESTS_EMBEDDING_SCENE_H
#define GVK_TESTS_EMBEDDING_SCENE_H

#include "tests/support/harness.h"

#include <stdlib.h>
#include <string.h>

#include <volk.h>

#include <ghostvk/embedding.h>

#include "tests/support/host_device.h"

#define INPUT_SIDE 32u
#define OUTPUTS    4u
#define VALUES     ((size_t)OUTPUTS * INPUT_SIDE * INPUT_SIDE)
#define PICTURES   3u /* of 50 x 40 pixels, each another */

struct scene {
    struct host_device host;
    gvk_device *device;
    gvk_model *model;
    gvk_picture pictures[PICTURES];
    float expected[PICTURES][VALUES]; /* by gvk_stream_submit and a wait */
};

/* cmocka's group fixtures: *state is the scene. */
int open_scene(void **state);
int close_scene(void **state);

gvk_model *create_scene_model(gvk_device *device);
/* `max_us` 0: a frame is one submission. */
gvk_stream *create_scene_stream(gvk_model *model, uint32_t frames, uint32_t max_us, int paced);
/* Waits for the frame, and fails where it is not the picture's, bit for bit. */
void expect_frame(const struct scene *scene, gvk_stream *stream, gvk_ticket ticket, uint32_t picture, const char *what);

/* ---- the host's own Vulkan objects ---- */

VkSemaphore create_semaphore(const struct scene *scene, bool timeline);
uint64_t value_of(const struct scene *scene, VkSemaphore timeline);
/* Waits until the timeline has the value, or fails after a minute. */
void expect_timeline(const struct scene *scene, VkSemaphore timeline, uint64_t value);
void set_value(const struct scene *scene, VkSemaphore timeline, uint64_t value);
/* An empty submission of the host's own between semaphores; waits for it where `fence` is asked for. */
void submit_nothing(const struct scene *scene, VkSemaphore wait, VkSemaphore signal, bool waits_for_it);

#endif
