/* ghostvk as a guest on the host's device: pictures in, boxes out, in one of several ways, a tracker for the frames
 * between. A host takes one way; here are all, to be compared. */
#ifndef OFFSCREEN_AR_FINDER_H
#define OFFSCREEN_AR_FINDER_H

#include <ghostvk/ghostnet.h>
#include <ghostvk/tracker.h>

#include "scene.h"

enum finder_way {
    FINDER_OFF,
    FINDER_BLOCKING,     /* submit, wait: the frame takes as long as the detection */
    FINDER_POLLING,      /* submit, and ask in later frames: the queue is taken in one piece */
    FINDER_PACED_PIXELS, /* part by part; the picture through host memory, behind the frame that draws it */
    FINDER_PACED_IMAGE,  /* part by part; the picture's VkImage, behind a semaphore */
    FINDER_WAYS
};

/* What all ways share: the device as an import, the network, its weights. */
struct finder_library {
    const struct gpu *gpu;
    gvk_device *device;
    gvk_network *network;
    gvk_model *model;
    gvk_network_info info;
    VkSemaphore parts; /* counts the submissions that the device has done */
    uint64_t parts_sent;
    double driver_ms; /* in vkQueueSubmit, so far */
};

bool finder_library_create(struct finder_library *library, const struct gpu *gpu, const char *model_path);
void finder_library_destroy(struct finder_library *library);

struct finder {
    struct finder_library *library;
    enum finder_way way;
    double most_a_second; /* detections that are wished; 0: as many as there can be */
    uint64_t within;      /* frames after its picture, a detection is waited for; 0: never */
    gvk_stream *stream;
    gvk_tracker *tracker;
    VkSemaphore read, found; /* both count detections: their picture has been read; their boxes are there */
    uint64_t begun;          /* detections */
    /* The one that is under way. */
    bool waits_for_pixels; /* its picture is being copied to host memory by the frame that draws it */
    gvk_ticket ticket;     /* 0: none */
    uint64_t frame;        /* whose picture it is */
    uint32_t picture;
    double seconds;
    /* The last one that is done. */
    gvk_device_boxes boxes;
    uint64_t boxes_since; /* the frame that shows them first; 0: none yet */
    /* Pacing: parts that a host frame has room for, what the last one sent, and what of it is not done. */
    uint64_t room, sent, behind;
    /* Figures. */
    uint64_t done, latency; /* detections; host frames from picture to boxes, of all of them together */
    double blocked_ms;      /* in calls of the library's, without the driver's submits, so far */
};

bool finder_create(struct finder *finder, struct finder_library *library, enum finder_way way);
void finder_destroy(struct finder *finder);

/* A host frame, from 1, at its place in time. */
struct finder_frame {
    uint64_t number;
    double seconds;
    uint32_t picture; /* index in the scene's pictures */
    const struct scene *scene;
    VkSemaphore drawn;        /* a timeline: reaches `number` when the frame is drawn */
    struct gpu_buffer *boxes; /* of the frame's slot: where boxes of the tracker's go */
};

/* When a frame is due, before anything else: how far the device is with the parts of the frames before. `late`: it
 * begins later than it should. */
void finder_look(struct finder *finder, bool late);
/* Whether the picture's memory is still needed for a detection. */
bool finder_holds(const struct finder *finder, uint32_t picture);
/* Before the frame is recorded: what was found since the last one, and what is to be drawn: at most 2 of scene_boxes.
 * *wait: what `found` has to reach before the frame draws them. */
bool finder_collect(struct finder *finder, const struct finder_frame *frame, struct scene_boxes out[2], uint32_t *count,
                    uint64_t *wait);
/* Whether the frame's picture is to be copied to host memory. */
bool finder_wants_pixels(const struct finder *finder, const struct finder_frame *frame);
/* Behind the frame's submission: begins a detection with its picture, or goes on with the one under way. */
bool finder_go_on(struct finder *finder, const struct finder_frame *frame);

double now_ms(void);

#endif
