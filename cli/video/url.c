/* See url.h. */
#include "url.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cli/system/files.h"
#include "cli/system/paths.h"

static char lower(char character)
{
    return character >= 'A' && character <= 'Z' ? (char)(character - 'A' + 'a') : character;
}

/* Without regard to case; `end` of the text's, both lower. */
static bool starts_as(const char *text, const char *start)
{
    for (; *start; text++, start++)
        if (lower(*text) != *start)
            return false;
    return true;
}

static bool same(const char *text, const char *other)
{
    return strlen(text) == strlen(other) && starts_as(text, other);
}

bool video_has_ending(const char *path)
{
    static const char *const endings[] = {"mp4", "m4v", "mov", "mkv", "webm", "avi", "mpg",  "mpeg", "ts",   "m2ts",
                                          "mts", "flv", "f4v", "wmv", "asf",  "3gp", "3g2",  "ogv",  "gif",  "y4m",
                                          "vob", "mxf", "nut", "ivf", "h264", "264", "h265", "265",  "hevc", "mjpeg",
                                          "av1", "obu", "dv",  "rm",  "divx", "m2v", "m1v",  "apng", "mjpg"};
    const char *dot = NULL;
    for (const char *at = path; *at; at++)
        dot = path_parts_at(*at) ? NULL : *at == '.' ? at : dot;
    for (size_t index = 0; dot && index < sizeof endings / sizeof *endings; index++)
        if (same(dot + 1, endings[index]))
            return true;
    return false;
}

/* The beginnings of the usual containers. */
static bool begins_as_video(const uint8_t *bytes, size_t count)
{
    static const struct {
        size_t at, length;
        const char *bytes;
    } marks[] = {
        {4, 4, "ftyp"},         {0, 4, "\x1A\x45\xDF\xA3"}, {8, 4, "AVI "}, {0, 4, "FLV\x01"}, {0, 4, "\0\0\x01\xBA"},
        {0, 9, "YUV4MPEG2"},    {0, 6, "GIF89a"},           {0, 4, "OggS"}, {0, 4, "DKIF"},    {4, 4, "moov"},
        {0, 4, "\x30\x26\xB2u"}};
    for (size_t index = 0; index < sizeof marks / sizeof *marks; index++)
        if (marks[index].at + marks[index].length <= count &&
            memcmp(bytes + marks[index].at, marks[index].bytes, marks[index].length) == 0)
            return true;
    return false;
}

static bool file_begins_as_video(const char *path)
{
    int file = file_open(path);
    if (file < 0)
        return false;
    struct file_status status;
    uint8_t start[16];
    bool is_file = file_look_at_open(file, &status) && status.kind == FILE_REGULAR;
    ptrdiff_t got = is_file ? file_read(file, start, sizeof start) : 0;
    file_close(file);
    return got > 0 && begins_as_video(start, (size_t)got);
}

enum video_kind video_kind_of(const char *operand)
{
    static const char *const streams[] = {"rtsp://",  "rtsps://", "http://", "https://", "rtmp://",
                                          "rtmps://", "udp://",   "rtp://",  "srt://",   "tcp://"};
    for (size_t index = 0; index < sizeof streams / sizeof *streams; index++)
        if (starts_as(operand, streams[index]))
            return VIDEO_STREAM;
    const char *camera = "/dev/video";
    if (strncmp(operand, "webcam:", strlen("webcam:")) == 0 && operand[strlen("webcam:")])
        return VIDEO_CAMERA;
    if (strncmp(operand, camera, strlen(camera)) == 0 && operand[strlen(camera)] &&
        strspn(operand + strlen(camera), "0123456789") == strlen(operand + strlen(camera)))
        return VIDEO_CAMERA;
    if (video_has_ending(operand))
        return VIDEO_FILE;
    return file_begins_as_video(operand) ? VIDEO_FILE : VIDEO_NONE;
}
