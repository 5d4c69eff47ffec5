/* The pictures that boxes are drawn on: which file each becomes, and writing them. */
#ifndef GHOSTVK_CLI_DETECT_DRAWN_H
#define GHOSTVK_CLI_DETECT_DRAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/pictures/draw.h"
#include "cli/results/picture_result.h"
#include "cli/results/reading/name_map.h"
#include "cli/system/threads.h"

/* Where a picture or video is drawn to, from malloc: `output` itself, or in that folder its relative path, ending in
 * .png for pictures of kinds that lose nothing, else in .jpg; of a video as it does, where such can be written, else in
 * .mp4. NULL when memory ran out. */
char *name_drawn(const char *output, bool into_folder, const char *path, const char *relative, bool is_video);

/* Zeroed but for the lock, MUTEX_READY. */
struct drawing {
    struct letters *letters; /* of the system's fonts; NULL where there are none */
    const char *const *classes;
    uint32_t class_count;
    struct mutex lock;     /* of the letters and of the last folder */
    char *last_folder;     /* that is known to be there, from malloc */
    struct name_map taken; /* what is drawn in this run */
};

/* False when this run draws another picture to that path, or memory ran out: a predicate in `message`. One thread at a
 * time. */
bool drawing_take(struct drawing *drawing, const char *drawn, char *message, size_t message_size);
/* Whether a run before has drawn it. */
bool drawing_is_there(const char *drawn);
/* Draws the boxes on the image. Several threads may draw at once. */
bool drawing_boxes(struct drawing *drawing, struct image *image, const struct found *found, size_t count, char *message,
                   size_t message_size);
/* Makes the folder that a file is drawn into, where it is missing, and looks whether the file is the picture's own,
 * `path`, which is refused. */
bool drawing_prepare(struct drawing *drawing, const char *path, const char *drawn, char *message, size_t message_size);
void drawing_release(struct drawing *drawing);

#endif
