/* Which of a frame's boxes is which of the last frame's: ids for detections, by the library's tracker.
 *
 * A box has no id until it was found in three frames in a row, so that what flickers gets none; ids begin at 1 and are
 * never given twice. */
#ifndef GHOSTVK_CLI_VIDEO_TRACKING_H
#define GHOSTVK_CLI_VIDEO_TRACKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ghostvk/tracker.h>

struct tracking;

/* `seconds_between` frames that are looked at; 0: not known. NULL when memory ran out. */
struct tracking *tracking_create(double seconds_between);
/* Accepts NULL. */
void tracking_destroy(struct tracking *tracking);
/* Another video begins; ids go on. */
void tracking_reset(struct tracking *tracking);
/* Gives each of the frame's detections its id in `ids`, 0 for none. Times rise. On failure all ids are 0. */
gvk_result tracking_update(struct tracking *tracking, const gvk_detection *detections, uint32_t count, double seconds,
                           uint64_t *ids);

/* What stands at a box: "RBC #12", the class alone where the id is 0. */
void tracking_label(char *label, size_t size, const char *class_name, uint64_t id);
/* For draw_box's class_id: a colour for each track, that of the class where the id is 0. */
uint32_t tracking_colour(uint32_t class_id, uint64_t id);

#endif
