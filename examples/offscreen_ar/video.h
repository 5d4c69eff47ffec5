/* A video as YUV4MPEG2 (.y4m, 4:2:0), which players and encoders read, and single frames as PPM. */
#ifndef OFFSCREEN_AR_VIDEO_H
#define OFFSCREEN_AR_VIDEO_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct video {
    FILE *file;
    uint32_t width, height; /* even */
    unsigned char *planes;
};

bool video_open(struct video *video, const char *path, uint32_t width, uint32_t height, uint32_t frames_a_second);
bool video_write(struct video *video, const unsigned char *rgba);
bool video_close(struct video *video); /* accepts one that was never opened */
bool still_write(const char *folder, uint64_t number, uint32_t width, uint32_t height, const unsigned char *rgba);

#endif
