/* See raw_frames.h. */
#include "raw_frames.h"

#include <stdio.h>
#include <string.h>

#include "cli/pictures/formats/image.h"

/* ---- the command line's word ------------------------------------------------------------------------------------- */

/* A whole number without sign at *text, at most `most`. */
static bool take_number(const char **text, uint32_t most, uint32_t *out)
{
    const char *at = *text;
    uint64_t value = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        value = value * 10 + (uint64_t)(*at - '0');
        if (value > most)
            return false;
    }
    bool any = at != *text;
    *text = at;
    *out = (uint32_t)value;
    return any;
}

static bool take_order(const char **text, enum raw_order *out)
{
    static const struct {
        const char *name;
        enum raw_order order;
    } orders[] = {{"rgb24", RAW_RGB24}, {"bgr24", RAW_BGR24}, {"nv12", RAW_NV12}, {"yuv420p", RAW_YUV420P}};
    for (size_t index = 0; index < sizeof orders / sizeof *orders; index++) {
        size_t length = strlen(orders[index].name);
        if (strncmp(*text, orders[index].name, length) == 0) {
            *text += length;
            *out = orders[index].order;
            return true;
        }
    }
    return false;
}

/* 25, 29.97 or 30000/1001. */
static bool take_rate(const char **text, struct raw_shape *out)
{
    uint32_t whole = 0, below = 1, scale = 1, part = 0;
    if (!take_number(text, 100000, &whole))
        return false;
    if (**text == '/') {
        ++*text;
        if (!take_number(text, 100000, &below))
            return false;
    } else if (**text == '.') {
        ++*text;
        const char *digits = *text;
        if (!take_number(text, 9999, &part))
            return false;
        for (; digits < *text; digits++) {
            if (scale >= 10000)
                return false;
            scale *= 10;
        }
    }
    out->rate_numerator = whole * scale + part;
    out->rate_denominator = below * scale;
    return out->rate_numerator > 0 && out->rate_denominator > 0;
}

bool raw_shape_read(const char *text, struct raw_shape *out, char *message, size_t message_size)
{
    *out = (struct raw_shape){.rate_numerator = 25, .rate_denominator = 1};
    bool right = take_number(&text, IMAGE_SIDE_MAX, &out->width) && *text++ == 'x' &&
                 take_number(&text, IMAGE_SIDE_MAX, &out->height) && out->width > 0 && out->height > 0;
    if (right && *text == ':') {
        text++;
        right = take_order(&text, &out->order);
    }
    if (right && *text == '@') {
        text++;
        right = take_rate(&text, out);
    }
    if (!right || *text) {
        snprintf(message, message_size, "is not WIDTHxHEIGHT[:rgb24|bgr24|nv12|yuv420p][@RATE], as 640x480:nv12@25");
        return false;
    }
    if ((out->order == RAW_NV12 || out->order == RAW_YUV420P) && (out->width % 2 || out->height % 2)) {
        snprintf(message, message_size, "has an odd side, which nv12 and yuv420p have not");
        return false;
    }
    return true;
}

size_t raw_frame_bytes(const struct raw_shape *shape)
{
    uint64_t pixels = (uint64_t)shape->width * shape->height;
    bool is_rgb = shape->order == RAW_RGB24 || shape->order == RAW_BGR24;
    uint64_t bytes = is_rgb ? pixels * 3 : pixels + pixels / 2;
    return bytes > SIZE_MAX / 2 ? 0 : (size_t)bytes;
}

/* ---- pixels ------------------------------------------------------------------------------------------------------ */

static uint8_t clamp(int32_t value)
{
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* BT.601 of limited range in 1/65536: luma from 16 to 235, chroma around 128 with a span of 224.
 *     R = 255/219 (Y - 16) + 255/224 * 1.402 (V - 128)
 *     G = 255/219 (Y - 16) - 255/224 * (0.344136 (U - 128) + 0.714136 (V - 128))
 *     B = 255/219 (Y - 16) + 255/224 * 1.772 (U - 128) */
static void convert_yuv(const uint8_t luma[2], int32_t u, int32_t v, uint8_t *to)
{
    int32_t red = 104597 * (v - 128), green = -25675 * (u - 128) - 53279 * (v - 128), blue = 132201 * (u - 128);
    for (size_t x = 0; x < 2; x++, to += 3) {
        int32_t base = 76309 * (luma[x] - 16) + 32768;
        /* Divided, not shifted: what is below 0 becomes 0 in any case. */
        to[0] = clamp((base + red) / 65536);
        to[1] = clamp((base + green) / 65536);
        to[2] = clamp((base + blue) / 65536);
    }
}

void raw_frame_convert(const struct raw_shape *shape, const uint8_t *from, uint8_t *to)
{
    size_t width = shape->width, height = shape->height, pixels = width * height;
    if (shape->order == RAW_RGB24) {
        if (from != to)
            memcpy(to, from, 3 * pixels);
        return;
    }
    if (shape->order == RAW_BGR24) {
        for (size_t index = 0; index < pixels; index++, from += 3, to += 3) {
            uint8_t blue = from[0], green = from[1], red = from[2];
            to[0] = red;
            to[1] = green;
            to[2] = blue;
        }
        return;
    }
    bool is_pairs = shape->order == RAW_NV12; /* else a plane of U and one of V */
    for (size_t y = 0; y < height; y++) {
        const uint8_t *luma = from + y * width;
        const uint8_t *chroma = from + pixels + (y / 2) * (is_pairs ? width : width / 2);
        for (size_t x = 0; x < width; x += 2, to += 6) {
            int32_t u = is_pairs ? chroma[x] : chroma[x / 2];
            int32_t v = is_pairs ? chroma[x + 1] : chroma[x / 2 + pixels / 4];
            convert_yuv(luma + x, u, v, to);
        }
    }
}
