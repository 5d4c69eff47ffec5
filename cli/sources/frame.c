/* See frame.h. */
#include "frame.h"

#include <stdlib.h>

#include "cli/base/quantities.h"
#include "cli/pictures/image_io.h"

void frame_load(struct frame *frame, const struct image_choice *choice)
{
    if (frame->is_failed || frame->image.pixels)
        return;
    double start = clock_ms();
    frame->is_failed = !image_read(frame->path, choice, &frame->image, frame->error, sizeof frame->error);
    frame->load_ms = clock_ms() - start;
}

void frame_release(struct frame *frame)
{
    free(frame->path);
    free(frame->relative);
    image_release(&frame->image);
    *frame = (struct frame){0};
}
