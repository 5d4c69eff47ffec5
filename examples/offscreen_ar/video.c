#include "video.h"

#include <stdlib.h>

#include "../common/ppm.h"
#include "gpu.h"

bool video_open(struct video *video, const char *path, uint32_t width, uint32_t height, uint32_t frames_a_second)
{
    *video = (struct video){fopen(path, "wb"), width, height, malloc((size_t)width * height * 3 / 2)};
    if (!video->file || !video->planes ||
        fprintf(video->file, "YUV4MPEG2 W%u H%u F%u:1 Ip A1:1 C420jpeg\n", width, height, frames_a_second) < 0)
        return fail("the video cannot be opened.");
    return true;
}

/* BT.601 with the range of studio, in 1/256: what a player takes for granted. */
static unsigned char luma(int r, int g, int b)
{
    return (unsigned char)(16 + (66 * r + 129 * g + 25 * b + 128) / 256);
}

static unsigned char chroma(int value)
{
    return (unsigned char)((value + 128 * 256 + 128) / 256);
}

bool video_write(struct video *video, const unsigned char *rgba)
{
    const uint32_t width = video->width, height = video->height;
    const size_t pixels = (size_t)width * height;
    unsigned char *y = video->planes, *cb = y + pixels, *cr = cb + pixels / 4;
    for (size_t i = 0; i < pixels; i++)
        y[i] = luma(rgba[4 * i], rgba[4 * i + 1], rgba[4 * i + 2]);
    for (uint32_t row = 0; row < height; row += 2)
        for (uint32_t column = 0; column < width; column += 2) {
            const unsigned char *a = rgba + ((size_t)row * width + column) * 4, *c = a + (size_t)width * 4;
            int mean[3];
            for (int i = 0; i < 3; i++)
                mean[i] = (a[i] + a[4 + i] + c[i] + c[4 + i] + 2) / 4;
            *cb++ = chroma(-38 * mean[0] - 74 * mean[1] + 112 * mean[2]);
            *cr++ = chroma(112 * mean[0] - 94 * mean[1] - 18 * mean[2]);
        }
    if (fputs("FRAME\n", video->file) < 0 || fwrite(video->planes, 1, pixels * 3 / 2, video->file) != pixels * 3 / 2)
        return fail("the video cannot be written.");
    return true;
}

bool video_close(struct video *video)
{
    bool closed = !video->file || fclose(video->file) == 0 || fail("the video cannot be written.");
    free(video->planes);
    *video = (struct video){.file = NULL};
    return closed;
}

bool still_write(const char *folder, uint64_t number, uint32_t width, uint32_t height, const unsigned char *rgba)
{
    char path[4096];
    unsigned char *rgb = malloc((size_t)width * height * 3);
    if (!rgb)
        return fail("there is no memory for a picture.");
    for (size_t i = 0; i < (size_t)width * height; i++)
        for (int j = 0; j < 3; j++)
            rgb[3 * i + (size_t)j] = rgba[4 * i + (size_t)j];
    snprintf(path, sizeof path, "%s/frame_%04llu.ppm", folder, (unsigned long long)number);
    bool written = write_ppm(path, width, height, rgb);
    free(rgb);
    return written;
}
