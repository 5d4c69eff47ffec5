/* A video file of RGB8 pictures, by the program ffmpeg: H.264 in .mp4, .m4v, .mov, .mkv and .avi (MPEG-4 part 2 where
 * ffmpeg has no libx264), VP9 in .webm, .gif. There is no sound. A side that is odd gets its last line twice, as these
 * codecs take even ones alone.
 *
 * The file appears whole at video_writer_finish or not at all, as output_file.h does it. On failure `message` holds a
 * predicate without the file's name.
 *
 * Thread-safety: a writer belongs to one thread at a time; several may be open. */
#ifndef GHOSTVK_CLI_VIDEO_WRITER_H
#define GHOSTVK_CLI_VIDEO_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/pictures/formats/image.h"
#include "reader.h"

struct video_writer;

/* Whether the path ends as the videos do that can be written. */
bool video_writer_takes(const char *path);
/* Size and rate are those of `info`. On success the writer ends with exactly one of finish and abort. */
bool video_writer_open(struct video_writer **out, const char *path, const struct video_info *info, char *message,
                       size_t message_size);
/* False: nothing more can be written, and the writer is to be aborted. */
bool video_writer_write(struct video_writer *writer, const struct image *image, char *message, size_t message_size);
/* The file is complete and in its place, or there is none. The writer is gone in either case. */
bool video_writer_finish(struct video_writer *writer, char *message, size_t message_size);
/* Accepts NULL. */
void video_writer_abort(struct video_writer *writer);

#endif
