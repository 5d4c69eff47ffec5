/* What the window shows, drawn by the device alone: the picture, then boxes and labels out of the detector's buffer by
 * its own indirect draw, then the overlay. How many boxes there are and where labels find room, the device works out.
 */
#ifndef GHOSTVK_CLI_WATCH_DRAWING_H
#define GHOSTVK_CLI_WATCH_DRAWING_H

#include "atlas.h"
#include "cli/watch/screen/gpu.h"
#include "pipelines.h"

#define DRAWING_VERTICES  36 /* a box: what gvk_detector_params.vertices_per_box must be */
#define DRAWING_ITEMS_MAX 1024
#define DRAWING_FRAMES    2 /* that may be under way */

enum item_kind { ITEM_PLATE = 0, ITEM_GLYPH = 1, ITEM_COUNT_DIGIT = 3 };

/* A piece of the overlay, as the shader reads it. */
struct item {
    int32_t left, top, right, bottom; /* in pixels of the window */
    uint32_t x, y;                    /* in the atlas; of a digit of the count x is its place, 0 the last */
    uint32_t kind;
    uint32_t colour; /* red, green, blue, alpha from the lowest byte */
};

/* What one frame draws. */
struct view {
    VkExtent2D window;
    const struct gpu_image *picture; /* NULL: none yet */
    const gvk_device_boxes *boxes;   /* of the picture; NULL: none yet */
    float threshold;
    float scale; /* of lines and text */
    const struct item *items;
    uint32_t item_count; /* at most DRAWING_ITEMS_MAX */
};

struct drawing {
    struct gpu *gpu;
    const struct atlas *atlas; /* its sizes; the coverage is on the device */
    bool encodes;
    struct pipelines pipelines;
    VkSampler linear, nearest;
    VkDescriptorPool descriptors;
    VkCommandPool commands;
    struct gpu_image letters, nothing; /* the atlas; a picture for where there is none */
    struct gpu_buffer names;
    struct drawing_frame {
        VkCommandBuffer commands;
        VkFence done;
        bool submitted;
        VkSemaphore acquired;
        VkDescriptorSet set;
        struct gpu_buffer marks, items;
    } frame[DRAWING_FRAMES];
    uint32_t next;
};

/* `atlas` must outlive it. */
bool drawing_create(struct drawing *drawing, struct gpu *gpu, const struct atlas *atlas, VkFormat format, bool encodes);
/* The device is idle. Accepts a half-built one. */
void drawing_destroy(struct drawing *drawing);

/* The next frame's place, waited for until the device has done with it. NULL: failed. */
struct drawing_frame *drawing_begin(struct drawing *drawing);
/* Records and submits the view into the framebuffer: behind frame->acquired, and signalling `drawn`. */
bool drawing_show(struct drawing *drawing, struct drawing_frame *frame, const struct view *view,
                  VkFramebuffer framebuffer, VkSemaphore drawn);
/* Whether the frame that was submitted last is done, without waiting. */
bool drawing_is_done(struct drawing *drawing);
/* Waits for all frames. */
bool drawing_wait(struct drawing *drawing);

/* Draws the view once more, into an image of its own, and reads it back: RGB, window.width x window.height, from
 * malloc. NULL: failed. */
uint8_t *drawing_read(struct drawing *drawing, const struct view *view);

/* Where a picture lies in the window: as large as fits, in the middle, its aspect kept. */
void drawing_place_picture(const struct view *view, struct frame_constants *out);

#endif
