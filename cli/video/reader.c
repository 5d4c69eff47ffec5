/* See reader.h. ffmpeg writes each frame's time to its standard error before the frame goes to its standard output, so
 * a frame that has arrived has its time here already. */
#include "reader.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/system/files.h"
#include "cli/system/process.h"
#include "ffmpeg.h"
#include "probe.h"
#include "url.h"

#define STALL_SECONDS 30.0
#define TIMES_KEPT    4096 /* frames whose times are here before their pixels; of more than these they are computed */
#define SECONDS_MAX   1e9
#define STANDARD_IN   0
#define LOOK_UP_MS    100 /* how long it waits before it asks whether to stop */

struct video_reader {
    struct video_info info;
    uint32_t every;
    double stall_seconds;
    bool (*is_stopped)(void *user);
    void *stop_user;
    struct child_process *child; /* NULL for raw frames */
    struct complaint complaint;
    char *url;
    /* Of the frames that ffmpeg handed out: which one it was, from 1, and its time; 0: none. */
    uint64_t time_of[TIMES_KEPT];
    double times[TIMES_KEPT];
    struct raw_shape raw;
    uint8_t *raw_bytes; /* of a frame that is not RGB8; NULL elsewhere */
    uint64_t given;     /* frames handed out */
    double seconds;     /* of the last one */
    bool is_raw, has_ended, has_failed;
    char failure[512];
};

/* ---- ffmpeg's standard error ------------------------------------------------------------------------------------- */

static bool take_word(const char **line, const char *word)
{
    size_t length = strlen(word);
    if (strncmp(*line, word, length) != 0)
        return false;
    *line += length;
    return true;
}

/* "frame:12   pts:400000  pts_time:0.4", the pts in microseconds: %g's six digits of pts_time would be too few. */
static bool take_time(struct video_reader *reader, const char *line)
{
    char *end = NULL;
    if (!take_word(&line, "frame:"))
        return false;
    line += strspn(line, " ");
    size_t digits = strspn(line, "0123456789");
    if (digits == 0 || digits > 18)
        return false;
    uint64_t frame = strtoull(line, NULL, 10);
    line += digits;
    line += strspn(line, " ");
    if (!take_word(&line, "pts:"))
        return false;
    errno = 0;
    long long microseconds = strtoll(line, &end, 10);
    if (end == line || errno != 0 || *end != ' ')
        return true; /* it has no time */
    double seconds = (double)microseconds / 1e6;
    if (fabs(seconds) <= SECONDS_MAX) {
        reader->time_of[frame % TIMES_KEPT] = frame + 1;
        reader->times[frame % TIMES_KEPT] = seconds;
    }
    return true;
}

static void take_line(void *user, const char *line)
{
    struct video_reader *reader = user;
    if (!take_time(reader, line) && strcmp(line, "ghostvk=1") != 0)
        complaint_take_line(&reader->complaint, line);
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

/* Before ffmpeg is asked: what is wrong with a path is said in the program's own words. */
static bool look_at_file(const char *path, char *message, size_t message_size)
{
    struct file_status status;
    int file = file_open(path);
    if (file < 0) {
        snprintf(message, message_size, "cannot be opened: %s", strerror(errno));
        return false;
    }
    bool looked = file_look_at_open(file, &status);
    file_close(file);
    if (looked && status.kind == FILE_REGULAR)
        return true;
    snprintf(message, message_size, "is %s, not a video file",
             looked && status.kind == FILE_FOLDER ? "a folder" : "a device or pipe");
    return false;
}

/* Whether frames of this size are wanted and fit into memory. */
static bool size_is_accepted(const struct video_choice *choice, uint32_t width, uint32_t height, char *message,
                             size_t message_size)
{
    struct image image;
    const struct image_file file = {.choice = &choice->image, .message = message, .message_size = message_size};
    bool accepted = image_begin(&file, width, height, 0, &image);
    image_release(&image);
    return accepted;
}

/* Which frames, their times to standard error, and then every frame in the one size that was looked at before, so that
 * the pipe's bytes are counted right whatever the video does. */
static void add_filters(struct command_line *command, const struct video_reader *reader)
{
    char which[64] = "";
    if (reader->every > 1)
        snprintf(which, sizeof which, "select='not(mod(n\\,%" PRIu32 "))',", reader->every);
    command_add(command, "-vf");
    command_add_format(command,
                       "%ssettb=AVTB,metadata=mode=add:key=ghostvk:value=1,"
                       "metadata=mode=print:key=ghostvk:file='pipe\\:2':direct=1,"
                       "scale=%" PRIu32 ":%" PRIu32 ":flags=bicubic,format=rgb24",
                       which, reader->info.width, reader->info.height);
}

static bool start_ffmpeg(struct video_reader *reader, enum video_kind kind, const struct probe *probe, bool turn,
                         char *message, size_t message_size)
{
    struct command_line command = {0};
    const struct child_listener listener = {take_line, reader};
    command_add(&command, "ffmpeg");
    command_add(&command, "-v");
    command_add(&command, "error");
    command_add(&command, "-nostdin");
    if (!turn)
        command_add(&command, "-noautorotate");
    command_add_input(&command, reader->url, kind);
    command_add(&command, "-map");
    command_add(&command, "0:V:0");
    add_filters(&command, reader);
    command_add(&command, probe->is_old ? "-vsync" : "-fps_mode"); /* each frame once, at its own time */
    command_add(&command, "passthrough");
    command_add(&command, "-f");
    command_add(&command, "rawvideo");
    command_add(&command, "pipe:1");
    bool started = ffmpeg_start(&reader->child, &command, CHILD_OUTPUT, &listener, message, message_size);
    command_release(&command);
    return started;
}

/* The rate of each so many-th frame. */
static void divide_rate(struct video_info *info, uint32_t every)
{
    uint64_t below = (uint64_t)info->rate_denominator * every, above = info->rate_numerator;
    while (below > UINT32_MAX) { /* no clock is so exact */
        below = (below + 1) / 2;
        above = above > 1 ? above / 2 : 1;
    }
    info->rate_numerator = (uint32_t)above;
    info->rate_denominator = (uint32_t)below;
    if (info->frame_count)
        info->frame_count = (info->frame_count - 1) / every + 1;
}

static bool open_raw(struct video_reader *reader, const struct video_choice *choice, char *message, size_t message_size)
{
    reader->is_raw = true;
    reader->raw = *choice->raw;
    reader->info = (struct video_info){.width = reader->raw.width,
                                       .height = reader->raw.height,
                                       .rate_numerator = reader->raw.rate_numerator,
                                       .rate_denominator = reader->raw.rate_denominator};
    divide_rate(&reader->info, reader->every);
    if (process_stdin_is_closed()) {
        snprintf(message, message_size, "cannot be read: it is closed");
        return false;
    }
    if (!size_is_accepted(choice, reader->info.width, reader->info.height, message, message_size))
        return false;
    bool in_place = reader->raw.order == RAW_RGB24 || reader->raw.order == RAW_BGR24;
    size_t bytes = raw_frame_bytes(&reader->raw);
    if (bytes == 0 || (!in_place && !(reader->raw_bytes = malloc(bytes)))) {
        snprintf(message, message_size, "needs more memory than there is");
        return false;
    }
    return true;
}

static bool open_video(struct video_reader *reader, const struct video_choice *choice, char *message,
                       size_t message_size)
{
    enum video_kind kind = video_kind_of(reader->url);
    struct probe probe;
    bool turn = !choice->image.ignore_orientation;
    if (kind == VIDEO_NONE)
        kind = VIDEO_FILE;
    if ((kind == VIDEO_FILE && !look_at_file(reader->url, message, message_size)) ||
        !probe_video(reader->url, kind, reader->stall_seconds, &probe, message, message_size))
        return false;
    bool swapped = turn && probe.quarter_turns % 2;
    reader->info = (struct video_info){.width = swapped ? probe.height : probe.width,
                                       .height = swapped ? probe.width : probe.height,
                                       .rate_numerator = probe.rate_numerator,
                                       .rate_denominator = probe.rate_denominator,
                                       .frame_count = kind == VIDEO_FILE ? probe.frame_count : 0,
                                       .is_live = kind != VIDEO_FILE};
    divide_rate(&reader->info, reader->every);
    return size_is_accepted(choice, reader->info.width, reader->info.height, message, message_size) &&
           start_ffmpeg(reader, kind, &probe, turn, message, message_size);
}

bool video_reader_open(struct video_reader **out, const char *url, const struct video_choice *choice, char *message,
                       size_t message_size)
{
    static const struct video_choice usual = {.every = 1};
    choice = choice ? choice : &usual;
    *out = NULL;
    size_t length = strlen(url);
    struct video_reader *reader = calloc(1, sizeof *reader);
    if (!reader || !(reader->url = malloc(length + 1))) {
        snprintf(message, message_size, "needs more memory than there is");
        free(reader);
        return false;
    }
    memcpy(reader->url, url, length + 1);
    reader->every = choice->every ? choice->every : 1;
    reader->stall_seconds = choice->stall_seconds > 0 ? choice->stall_seconds : STALL_SECONDS;
    reader->is_stopped = choice->is_stopped;
    reader->stop_user = choice->stop_user;
    reader->complaint.operand = reader->url;
    reader->seconds = -1;
    if (!(choice->raw ? open_raw : open_video)(reader, choice, message, message_size)) {
        video_reader_close(reader);
        return false;
    }
    *out = reader;
    return true;
}

void video_reader_describe(const struct video_reader *reader, struct video_info *out)
{
    *out = reader->info;
}

/* ---- frames ------------------------------------------------------------------------------------------------------ */

static int fail(struct video_reader *reader, const char *reason)
{
    snprintf(reader->failure, sizeof reader->failure, "%s", reason);
    reader->has_failed = true;
    return -1;
}

static int fail_system(struct video_reader *reader)
{
    char reason[128];
    if (errno == ETIMEDOUT)
        snprintf(reason, sizeof reason, "gives no frame for %.0f seconds", reader->stall_seconds);
    else
        snprintf(reason, sizeof reason, "cannot be read: %s", strerror(errno));
    return fail(reader, reason);
}

/* The end of what ffmpeg wrote, `count` bytes into a frame: whether it is the video's. */
static int take_end(struct video_reader *reader, size_t count)
{
    char reason[512];
    int code = reader->is_raw ? 0 : child_process_wait(reader->child, reader->stall_seconds);
    if (code < 0)
        return fail_system(reader);
    if (code > 0 || (reader->given == 0 && count == 0 && reader->complaint.line[0])) {
        ffmpeg_refuse("cannot be read as video", &reader->complaint, code, reason, sizeof reason);
        return fail(reader, reason);
    }
    if (count) {
        snprintf(reason, sizeof reason, "ends in the middle of frame %" PRIu64, reader->given * reader->every);
        return fail(reader, reason);
    }
    if (reader->given == 0)
        return fail(reader, reader->is_raw ? "ends before the first frame"
                                           : "cannot be read as video: there is no frame in it");
    return 0;
}

static bool is_stopped(const struct video_reader *reader)
{
    return reader->is_stopped && reader->is_stopped(reader->stop_user);
}

/* Some bytes; 0 at the end, -1 with errno: ECANCELED when it is to stop. */
static ptrdiff_t read_some(struct video_reader *reader, uint8_t *bytes, size_t count)
{
    double until = process_clock_ms() + reader->stall_seconds * 1e3;
    for (;;) {
        if (is_stopped(reader)) {
            errno = ECANCELED;
            return -1;
        }
        if (reader->is_raw && !file_wait(STANDARD_IN, LOOK_UP_MS))
            continue; /* who gives raw frames takes their time */
        ptrdiff_t got = reader->is_raw ? file_read(STANDARD_IN, bytes, count)
                                       : child_process_read(reader->child, bytes, count, LOOK_UP_MS / 1e3);
        if (got < 0 && errno == ETIMEDOUT && process_clock_ms() < until)
            continue;
        if (got >= 0 || (errno != EINTR && errno != EAGAIN))
            return got;
    }
}

/* A frame's bytes: 1; 0 and -1 as video_reader_next. */
static int read_frame(struct video_reader *reader, uint8_t *bytes, size_t size)
{
    for (size_t count = 0; count < size;) {
        ptrdiff_t got = read_some(reader, bytes + count, size - count);
        if (got < 0 && errno == ECANCELED)
            return 0;
        if (got < 0)
            return fail_system(reader);
        if (got == 0)
            return take_end(reader, count);
        count += (size_t)got;
    }
    return 1;
}

static int read_raw(struct video_reader *reader, uint8_t *pixels)
{
    size_t size = raw_frame_bytes(&reader->raw);
    uint8_t *bytes = reader->raw_bytes ? reader->raw_bytes : pixels;
    for (uint32_t passed = reader->given ? 0 : reader->every - 1; passed < reader->every; passed++) {
        int state = read_frame(reader, bytes, size);
        if (state != 1)
            return state;
    }
    raw_frame_convert(&reader->raw, bytes, pixels);
    return 1;
}

/* The time that ffmpeg gave, or one that goes on from the last where it gave none that is later. */
static double find_time(const struct video_reader *reader, uint64_t index)
{
    double between = (double)reader->info.rate_denominator / reader->info.rate_numerator;
    double expected = index ? reader->seconds + between : 0;
    if (reader->is_raw)
        return (double)index * between;
    if (reader->time_of[index % TIMES_KEPT] != index + 1)
        return expected;
    double given = reader->times[index % TIMES_KEPT];
    return index && given <= reader->seconds ? expected : given;
}

int video_reader_next(struct video_reader *reader, struct image *image, char *message, size_t message_size)
{
    int state = reader->has_failed ? -1 : 0;
    if (!reader->has_failed && !reader->has_ended) {
        if (image->pixels && (image->width != reader->info.width || image->height != reader->info.height))
            image_release(image);
        if (image->pixels || image_create(reader->info.width, reader->info.height, image, message, message_size)) {
            size_t size = 3 * (size_t)image->width * image->height;
            state = reader->is_raw ? read_raw(reader, image->pixels) : read_frame(reader, image->pixels, size);
        } else {
            state = fail(reader, "needs more memory than there is");
        }
        reader->has_ended = state == 0;
    }
    if (state == 1) {
        reader->seconds = find_time(reader, reader->given);
        reader->given++;
    } else if (state < 0) {
        snprintf(message, message_size, "%s", reader->failure);
    }
    return state;
}

uint64_t video_reader_frame(const struct video_reader *reader)
{
    return reader->given ? (reader->given - 1) * reader->every : 0;
}

double video_reader_seconds(const struct video_reader *reader)
{
    return reader->given ? reader->seconds : 0;
}

const char *video_reader_complaint(const struct video_reader *reader)
{
    return reader->complaint.line[0] ? reader->complaint.line : NULL;
}

void video_reader_close(struct video_reader *reader)
{
    if (!reader)
        return;
    child_process_end(reader->child);
    free(reader->raw_bytes);
    free(reader->url);
    free(reader);
}
