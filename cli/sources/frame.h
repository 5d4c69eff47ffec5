/* A picture, or a frame of a video: what flows from a source to the outputs. */
#ifndef GHOSTVK_CLI_SOURCES_FRAME_H
#define GHOSTVK_CLI_SOURCES_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/pictures/formats/image.h"
#include "cli/video/reader.h"

#define FRAME_ERROR_SIZE 512

struct frame {
    char *path;     /* as it is printed, from malloc */
    char *relative; /* where it belongs in a folder of outputs, parts parted by slashes, from malloc */
    bool is_video;
    uint32_t video;         /* which of the source's videos, from 1 */
    struct video_info info; /* of the video */
    uint64_t number;        /* of its frames, from 0, those left out counted */
    double seconds;         /* from its beginning; NaN: it is a picture */
    struct image image;
    bool is_failed;               /* then there is no image */
    char error[FRAME_ERROR_SIZE]; /* a predicate: "cannot be opened: No such file or directory" */
    double load_ms;               /* what reading and decoding took */
};

/* Decodes the picture's file into frame->image, or says in frame->error why not. Nothing for frames that have their
 * pixels or have failed. Several threads may load different frames at once. */
void frame_load(struct frame *frame, const struct image_choice *choice);
/* All that it holds. Accepts a zeroed one. */
void frame_release(struct frame *frame);

#endif
