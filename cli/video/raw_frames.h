/* Raw frames: pixels without any header, one frame after the other, whose size and order the command line says.
 *
 *     640x480              R, G, B, a byte each, row by row
 *     640x480:nv12@25      frames of a camera, 25 a second
 *
 * The orders are rgb24, bgr24, nv12 and yuv420p, as ffmpeg calls them. YUV is taken as BT.601 of limited range, each
 * pair of chroma for the 2 x 2 pixels that it was taken from; sides must be even there. */
#ifndef GHOSTVK_CLI_VIDEO_RAW_FRAMES_H
#define GHOSTVK_CLI_VIDEO_RAW_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum raw_order { RAW_RGB24, RAW_BGR24, RAW_NV12, RAW_YUV420P };

struct raw_shape {
    uint32_t width, height;
    enum raw_order order;
    uint32_t rate_numerator, rate_denominator; /* 25 where none is given */
};

/* False with a predicate for the value: "is not WIDTHxHEIGHT[:ORDER][@RATE]". */
bool raw_shape_read(const char *text, struct raw_shape *out, char *message, size_t message_size);
/* Bytes of a frame; 0 when it has none or too many to count. */
size_t raw_frame_bytes(const struct raw_shape *shape);
/* A frame to RGB8. For rgb24 and bgr24 `from` and `to` may be the same. */
void raw_frame_convert(const struct raw_shape *shape, const uint8_t *from, uint8_t *to);

#endif
