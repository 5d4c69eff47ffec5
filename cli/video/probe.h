/* What ffprobe says of a video, in numbers that were checked. */
#ifndef GHOSTVK_CLI_VIDEO_PROBE_H
#define GHOSTVK_CLI_VIDEO_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "url.h"

#define PROBE_TEXT_MAX ((size_t)64 << 10) /* of what ffprobe writes: more is no description of one stream */

struct probe {
    uint32_t width, height;                    /* as stored */
    int quarter_turns;                         /* clockwise, 0 to 3, until it stands upright */
    uint32_t rate_numerator, rate_denominator; /* on average, never 0; 25 where nothing is said */
    uint64_t frame_count;                      /* 0: not known */
    double duration;                           /* in seconds; 0: not known */
    bool is_old;                               /* ffmpeg before 5.1, which calls an option by another name */
};

/* Text of ffprobe's writer "flat". False with a predicate where it is not what it should be: numbers without limits,
 * no picture, no size. */
bool probe_read(const char *text, struct probe *out, char *message, size_t message_size);
/* Asks ffprobe. `seconds` is how long it may say nothing. */
bool probe_video(const char *url, enum video_kind kind, double seconds, struct probe *out, char *message,
                 size_t message_size);

#endif
