/* Which operands are videos, and how ffmpeg is told of them.
 *
 *     film.mp4, /dev/shm/a:b.mkv     a file: by its ending or, without one that says anything, by its first bytes
 *     rtsp://camera/1, https://...   a stream; also rtsps, http, rtmp, rtmps, udp, rtp, srt, tcp
 *     /dev/video0, webcam:0          a camera; webcam:NAME where the system names them
 */
#ifndef GHOSTVK_CLI_VIDEO_URL_H
#define GHOSTVK_CLI_VIDEO_URL_H

#include <stdbool.h>

enum video_kind { VIDEO_NONE, VIDEO_FILE, VIDEO_STREAM, VIDEO_CAMERA };

/* A file's ending counts also where there is no such file. */
enum video_kind video_kind_of(const char *operand);
/* By its ending alone, for lists and folders: nothing is opened. */
bool video_has_ending(const char *path);

#endif
