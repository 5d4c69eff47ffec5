/* Frames for the window, read by a thread of their own ahead of time: pictures, a video, a camera or stream, raw frames
 * on standard input. What a camera gives and nobody takes in time is dropped, so that the newest frame is shown; a
 * file's frames wait. Pictures that cannot be read are said and passed over. */
#ifndef GHOSTVK_CLI_WATCH_FEED_H
#define GHOSTVK_CLI_WATCH_FEED_H

#include "cli/pictures/formats/image.h"
#include "cli/video/raw_frames.h"

#define FEED_NAME_SIZE 128

struct feed_choice {
    char **operands; /* must outlive the feed */
    size_t count;
    struct image_choice image; /* `accept` is called on the feed's thread */
    const struct raw_shape
        *raw;     /* of frames on standard input, which is the operand "-"; NULL: it is a list of paths */
    bool repeats; /* begins again at the end, but for what is live or comes on standard input */
};

struct feed_frame {
    struct image image;
    char name[FEED_NAME_SIZE]; /* of the file, without its folder, to be shown */
    bool is_video, is_live;
    uint64_t number, count; /* of the video's frames; count 0: not known */
    double seconds;         /* of a video, from its beginning */
    double arrival_ms;      /* when it was read, by process_clock_ms */
    uint64_t pass;          /* rises when the time begins anew: another video, or the same one again */
};

enum feed_answer {
    FEED_FRAME, /* one was taken */
    FEED_LATER, /* none yet */
    FEED_END    /* there are no more */
};

struct feed;

/* NULL when memory ran out or there is no thread, which has been said. */
struct feed *feed_open(const struct feed_choice *choice);
/* The next frame. `out` is empty or an earlier one, whose memory is used again; feed_frame_release it in the end. */
enum feed_answer feed_take(struct feed *feed, struct feed_frame *out);
uint64_t feed_dropped(struct feed *feed);
/* Whether anything could not be read so far, which has been said. */
bool feed_has_failed(struct feed *feed);
/* Waits for its thread, which may be waiting for a stream. Accepts NULL. */
void feed_close(struct feed *feed);

void feed_frame_release(struct feed_frame *frame);

#endif
