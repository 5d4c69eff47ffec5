/* The network on the window's device: a picture is taken to the device once, into an image that the network reads in
 * place and the window draws, and its boxes stay there. */
#ifndef GHOSTVK_CLI_WATCH_FINDER_H
#define GHOSTVK_CLI_WATCH_FINDER_H

#include "cli/files/model_path.h"
#include "cli/pictures/formats/image.h"
#include "cli/watch/screen/gpu.h"

#define FINDER_PICTURES 2 /* the shown one, and the one that comes */

struct finder_choice {
    gvk_precision precision;
    uint32_t width, height; /* of the network's input; 0: the model's */
    bool letterbox;
    float floor, iou; /* the least score that is found at all; as gvk_detector_params takes them */
    uint32_t vertices_per_box;
};

/* Milliseconds on the device, each a mean that forgets; NaN where the device has no clock. */
struct finder_times {
    double resize, network, decode;
};

struct finder {
    struct gpu *gpu;
    struct program *program;
    gvk_device *device;
    gvk_model *model;
    gvk_stream *stream;
    bool letterbox;
    uint32_t width, height; /* of the network's input */
    VkCommandPool commands;
    struct finder_picture {
        struct gpu_image image;
        struct gpu_buffer staging;
        VkCommandBuffer upload;
        gvk_ticket ticket;
        gvk_device_boxes boxes;
        bool whole; /* it holds a picture, and its boxes come */
    } picture[FINDER_PICTURES];
    uint32_t newest;
    bool waiting; /* the newest picture's frame was not seen to end */
    bool checked; /* a first frame's numbers were found to be finite */
    struct finder_times times;
};

/* Of the model's network. Says what is wrong; the exit code is in gpu->outcome. */
bool finder_create(struct finder *finder, struct gpu *gpu, struct program *program, const struct model_file *model,
                   const struct finder_choice *choice);
/* Waits for the device. Accepts a half-built one. */
void finder_destroy(struct finder *finder);

/* Whether a picture of that size can be taken, for image_choice's `accept`, with a struct finder as its user. May be
 * called from another thread. */
bool finder_accepts(void *user, uint32_t width, uint32_t height, char *message, size_t message_size);
/* Takes a picture to the device and begins to look for boxes. The last one must be done. */
bool finder_take(struct finder *finder, const struct image *image);
/* Whether the newest picture's boxes are there, waiting for them so long at most. False also when it failed: then
 * *failed is set. */
bool finder_is_done(struct finder *finder, double ms, bool *failed);
/* NULL before the first picture. What draws it goes to the same queue. */
const struct finder_picture *finder_newest(const struct finder *finder);

#endif
