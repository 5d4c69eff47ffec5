/* Frames of a video file, a stream, a camera, or raw on standard input, one after the other, as RGB8 pictures the way a
 * person sees them.
 *
 * Files, streams and cameras are read by the programs ffprobe and ffmpeg, which are started as children (no shell) and
 * give their frames through a pipe: no more than a few frames are in memory at any time, however long the video is. A
 * plain path is always a file, whatever characters it holds. Nothing here prints; on failure `message` holds a
 * predicate without the operand's name, "cannot be read as video: moov atom not found".
 *
 * Thread-safety: a reader belongs to one thread at a time; several may be open. */
#ifndef GHOSTVK_CLI_VIDEO_READER_H
#define GHOSTVK_CLI_VIDEO_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/pictures/formats/image.h"
#include "raw_frames.h"

struct video_reader;

/* All zeros: every frame, upright. */
struct video_choice {
    struct image_choice image;      /* `accept` is asked once, with the size of the frames */
    uint32_t every;                 /* each so many-th frame, beginning with the first; 0 and 1: all of them */
    double stall_seconds;           /* how long no frame may come before the reader gives up; 0: 30 */
    bool (*is_stopped)(void *user); /* asked while no frame comes: true ends the video at once; NULL: never */
    void *stop_user;
    const struct raw_shape *raw; /* the operand is "-": raw frames on standard input; NULL elsewhere */
};

struct video_info {
    uint32_t width, height;
    uint32_t rate_numerator, rate_denominator; /* frames handed out a second, never 0; `every` is counted in */
    uint64_t frame_count;                      /* handed out in all, as the file says: an estimate; 0: not known */
    bool is_live;                              /* a stream or camera: what is not taken in time may be lost */
};

/* `url` is a path, a stream's address or a camera (see url.h). On success the caller owns *out; on failure it is NULL.
 */
bool video_reader_open(struct video_reader **out, const char *url, const struct video_choice *choice, char *message,
                       size_t message_size);
void video_reader_describe(const struct video_reader *reader, struct video_info *out);
/* 1: a frame, 0: the end, -1: failed, and so it will again. `image` is empty or one that an earlier call filled, whose
 * memory is used again; the caller gives it to image_release, also after 0 and -1. */
int video_reader_next(struct video_reader *reader, struct image *image, char *message, size_t message_size);
/* Of the frame that the last call gave: which of the video's it is, from 0, those between counted; and its time in
 * seconds from the beginning, which rises from frame to frame. */
uint64_t video_reader_frame(const struct video_reader *reader);
double video_reader_seconds(const struct video_reader *reader);
/* What ffmpeg complained of although it went on, the last such line; NULL: nothing. Worth a note at the end. */
const char *video_reader_complaint(const struct video_reader *reader);
/* Ends what still runs. Accepts NULL. */
void video_reader_close(struct video_reader *reader);

#endif
