/* See probe.h. The text is that of a program which has read a hostile file: every number is held against its limits,
 * and what is not understood is passed over. */
#include "probe.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/pictures/formats/image.h"
#include "ffmpeg.h"

#define RATE_MAX     100000.0 /* frames a second */
#define DURATION_MAX 1e8      /* three years */

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

/* The digits at *text; false when there is none, or the number is larger than `most`. */
static bool take_unsigned(const char **text, uint64_t most, uint64_t *out)
{
    uint64_t value = 0;
    const char *at = *text;
    for (; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (value > (most - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (at == *text)
        return false;
    *text = at;
    *out = value;
    return true;
}

static bool read_unsigned(const char *text, uint64_t most, uint64_t *out)
{
    return take_unsigned(&text, most, out) && *text == 0;
}

/* "30000/1001" */
static bool read_rate(const char *text, uint32_t *numerator, uint32_t *denominator)
{
    uint64_t above = 0, below = 0;
    if (!take_unsigned(&text, UINT32_MAX / 2, &above) || *text++ != '/' || !read_unsigned(text, UINT32_MAX / 2, &below))
        return false;
    if (above == 0 || below == 0 || (double)above / (double)below > RATE_MAX || (double)below / (double)above > 1e6)
        return false;
    *numerator = (uint32_t)above;
    *denominator = (uint32_t)below;
    return true;
}

/* Digits with at most one point, without an exponent. */
static bool read_decimal(const char *text, double most, double *out)
{
    bool minus = *text == '-';
    text += minus;
    double value = 0, place = 0;
    size_t digits = 0;
    for (; *text; text++) {
        if (*text == '.' && place == 0) {
            place = 1;
            continue;
        }
        if (*text < '0' || *text > '9' || ++digits > 30)
            return false;
        if (place > 0)
            value += (*text - '0') * (place /= 10);
        else
            value = value * 10 + (*text - '0');
    }
    if (digits == 0 || value > most)
        return false;
    *out = minus ? -value : value;
    return true;
}

/* ffmpeg turns a picture by the angle that is given counter-clockwise, when it is within a degree of a quarter. */
static int quarter_turns_of(double angle)
{
    double turns = fmod(-angle / 90, 4);
    turns = turns < 0 ? turns + 4 : turns;
    double nearest = floor(turns + 0.5);
    return fabs(turns - nearest) * 90 < 1 ? (int)nearest % 4 : 0;
}

/* ---- the text ---------------------------------------------------------------------------------------------------- */

struct reading {
    struct probe *probe;
    uint32_t other_numerator, other_denominator; /* the rate of the time base, where there is no average */
    double stream_duration, container_duration;
    bool turned_by_matrix;
};

static bool ends_as(const char *text, const char *end)
{
    size_t length = strlen(text), of_end = strlen(end);
    return length >= of_end && strcmp(text + length - of_end, end) == 0;
}

static void take_value(struct reading *reading, const char *key, const char *value)
{
    static const char stream[] = "streams.stream.0.";
    struct probe *probe = reading->probe;
    uint64_t number = 0;
    double decimal = 0;
    if (strcmp(key, "program_version.version") == 0) {
        value += *value == 'n';
        probe->is_old = strncmp(value, "3.", 2) == 0 || strncmp(value, "4.", 2) == 0 || strncmp(value, "5.0", 3) == 0;
    } else if (strcmp(key, "format.duration") == 0) {
        if (read_decimal(value, DURATION_MAX, &decimal))
            reading->container_duration = decimal;
    }
    if (strncmp(key, stream, strlen(stream)) != 0)
        return;
    key += strlen(stream);
    if (strcmp(key, "width") == 0 && read_unsigned(value, UINT32_MAX, &number))
        probe->width = (uint32_t)number;
    else if (strcmp(key, "height") == 0 && read_unsigned(value, UINT32_MAX, &number))
        probe->height = (uint32_t)number;
    else if (strcmp(key, "avg_frame_rate") == 0)
        read_rate(value, &probe->rate_numerator, &probe->rate_denominator);
    else if (strcmp(key, "r_frame_rate") == 0)
        read_rate(value, &reading->other_numerator, &reading->other_denominator);
    else if (strcmp(key, "nb_frames") == 0 && read_unsigned(value, UINT32_MAX, &number))
        probe->frame_count = number;
    else if (strcmp(key, "duration") == 0 && read_decimal(value, DURATION_MAX, &decimal))
        reading->stream_duration = decimal;
    else if (strncmp(key, "side_data_list.", 15) == 0 && ends_as(key, ".rotation") &&
             read_decimal(value, 360, &decimal)) {
        probe->quarter_turns = quarter_turns_of(decimal);
        reading->turned_by_matrix = true;
    } else if (strcmp(key, "tags.rotate") == 0 && !reading->turned_by_matrix && read_decimal(value, 360, &decimal))
        probe->quarter_turns = quarter_turns_of(-decimal); /* clockwise, of old */
}

/* A line KEY=VALUE or KEY="VALUE"; the value's own quotes and line ends are escaped there. */
static void take_line(struct reading *reading, const char *line, size_t length)
{
    char copy[256];
    if (length >= sizeof copy)
        return;
    memcpy(copy, line, length);
    copy[length] = 0;
    while (length && copy[length - 1] == '\r')
        copy[--length] = 0;
    char *value = strchr(copy, '=');
    if (!value)
        return;
    *value++ = 0;
    size_t size = strlen(value);
    if (size >= 2 && value[0] == '"' && value[size - 1] == '"') {
        value[size - 1] = 0;
        value++;
    }
    take_value(reading, copy, value);
}

bool probe_read(const char *text, struct probe *out, char *message, size_t message_size)
{
    *out = (struct probe){0};
    struct reading reading = {.probe = out};
    while (*text) {
        size_t length = strcspn(text, "\n");
        take_line(&reading, text, length);
        text += length + (text[length] == '\n');
    }
    if (out->width == 0 || out->height == 0) {
        snprintf(message, message_size, "cannot be read as video: it has no pictures");
        return false;
    }
    if (out->width > IMAGE_SIDE_MAX || out->height > IMAGE_SIDE_MAX) {
        snprintf(message, message_size, "is a video of %u x %u pixels; at most %u a side can be read",
                 (unsigned)out->width, (unsigned)out->height, IMAGE_SIDE_MAX);
        return false;
    }
    if (out->rate_numerator == 0) {
        out->rate_numerator = reading.other_numerator;
        out->rate_denominator = reading.other_denominator;
    }
    if (out->rate_numerator == 0) {
        out->rate_numerator = 25;
        out->rate_denominator = 1;
    }
    out->duration = reading.stream_duration > 0 ? reading.stream_duration : reading.container_duration;
    out->duration = out->duration > 0 ? out->duration : 0;
    if (out->frame_count == 0)
        out->frame_count = (uint64_t)(out->duration * out->rate_numerator / out->rate_denominator + 0.5);
    return true;
}

/* ---- the program ------------------------------------------------------------------------------------------------- */

bool probe_video(const char *url, enum video_kind kind, double seconds, struct probe *out, char *message,
                 size_t message_size)
{
    static const char *const options[] = {
        "ffprobe",
        "-v",
        "error",
        "-select_streams",
        "V:0",
        "-show_program_version",
        "-show_entries",
        ("program_version=version:stream=width,height,avg_frame_rate,r_frame_rate,nb_frames,duration:"
         "stream_side_data=rotation:stream_tags=rotate:format=duration"),
        "-of",
        "flat"};
    struct command_line command = {0};
    char *text = malloc(PROBE_TEXT_MAX);
    for (size_t index = 0; index < sizeof options / sizeof *options; index++)
        command_add(&command, options[index]);
    command_add_input(&command, url, kind);
    command.incomplete = command.incomplete || !text;
    bool known = ffmpeg_ask(&command, url, seconds, text, PROBE_TEXT_MAX, message, message_size) &&
                 probe_read(text, out, message, message_size);
    command_release(&command);
    free(text);
    return known;
}
