/* The host's frames, 30 a second: draw, submit, let the detector go on, sleep until the next one is due. */
#ifndef OFFSCREEN_AR_LOOP_H
#define OFFSCREEN_AR_LOOP_H

#include "finder.h"
#include "video.h"

#define FRAMES_A_SECOND 30u

struct loop_output {
    struct video *video;  /* NULL: none */
    const char *stills;   /* a folder; NULL: none */
    uint32_t still_every; /* frames */
    FILE *list;           /* of each frame its view and its boxes, as text; NULL: none */
};

struct loop_figures {
    double frames_a_second;
    double longest_ms; /* from the beginning of a frame to that of the next */
    double waited_ms;  /* for the host's own frames on the device, in the 95th percentile of frames */
    double blocked_ms; /* in the library's calls without the driver's submits, in the 95th percentile */
    double detections_a_second;
    double latency; /* host frames from the picture to the first frame with its boxes, mean */
};

/* Stands still for nothing but the host's own frame before the last. */
bool loop_run(struct scene *scene, struct finder *finder, uint64_t frames, const struct loop_output *output,
              struct loop_figures *figures);

#endif
