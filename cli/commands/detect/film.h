/* The video that a run draws at the moment: one after the other, in the order of the frames. */
#ifndef GHOSTVK_CLI_DETECT_FILM_H
#define GHOSTVK_CLI_DETECT_FILM_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/sources/frame.h"
#include "cli/video/writer.h"

/* Zeroed is none. */
struct film {
    struct video_writer *writer; /* NULL: there is none, or it failed */
    char *path;                  /* from malloc */
    uint32_t video;              /* the source's number of it; 0: none */
};

/* Adds a frame with its boxes drawn; the film of another video is finished first, and this one's opened. False when
 * one of them failed, which was said; what is left of that video is passed over. */
bool film_add(struct film *film, const struct frame *frame, const struct image *image, const char *path);
/* The last one appears, whole. False when it failed, which was said. */
bool film_finish(struct film *film);
/* Nothing of it stays. Accepts a zeroed one. */
void film_abort(struct film *film);

#endif
