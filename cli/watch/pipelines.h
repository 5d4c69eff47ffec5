/* The pipelines of the window's drawing. Those of pictures, frames, labels and the overlay are graphics, `place` is
 * compute; all share one layout. */
#ifndef GHOSTVK_CLI_WATCH_PIPELINES_H
#define GHOSTVK_CLI_WATCH_PIPELINES_H

#include "drawing.h"

/* Render passes, the layouts and all pipelines. What is made when it fails is destroyed with the rest. */
bool pipelines_create(struct drawing *drawing);
void pipelines_destroy(struct drawing *drawing);

#endif
