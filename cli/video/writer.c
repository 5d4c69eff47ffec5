/* See writer.h. */
#include "writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/output_file.h"
#include "cli/system/paths.h"
#include "ffmpeg.h"

#define ENCODERS_TEXT_MAX ((size_t)512 << 10)
#define ASK_SECONDS       60.0
#define STALL_SECONDS     120.0  /* an encoder that takes no frame for so long takes none at all */
#define FINISH_SECONDS    3600.0 /* a long file is written a second time, with its index in front */

enum container { CONTAINER_MP4, CONTAINER_MATROSKA, CONTAINER_AVI, CONTAINER_WEBM, CONTAINER_GIF };

static const struct {
    const char *ending, *format;
    enum container container;
} endings[] = {
    {".mp4", "mp4", CONTAINER_MP4},           {".m4v", "mp4", CONTAINER_MP4}, {".mov", "mov", CONTAINER_MP4},
    {".mkv", "matroska", CONTAINER_MATROSKA}, {".avi", "avi", CONTAINER_AVI}, {".webm", "webm", CONTAINER_WEBM},
    {".gif", "gif", CONTAINER_GIF},
};

#define ENDING_COUNT (sizeof endings / sizeof *endings)

struct video_writer {
    struct output_file file;
    struct child_process *child;
    struct complaint complaint;
    struct video_info info;
    uint8_t *even; /* a picture whose sides are even; NULL when they are */
    uint32_t even_width, even_height;
    uint64_t written;
};

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static char lower(char character)
{
    return character >= 'A' && character <= 'Z' ? (char)(character - 'A' + 'a') : character;
}

/* ENDING_COUNT where it is none of them. */
static size_t find_ending(const char *path)
{
    size_t length = strlen(path);
    for (size_t index = 0; index < ENDING_COUNT; index++) {
        size_t size = strlen(endings[index].ending), same = 0;
        if (length <= size || path_parts_at(path[length - size - 1]))
            continue;
        while (same < size && lower(path[length - size + same]) == endings[index].ending[same])
            same++;
        if (same == size)
            return index;
    }
    return ENDING_COUNT;
}

bool video_writer_takes(const char *path)
{
    return find_ending(path) < ENDING_COUNT;
}

/* Whether the list of ffmpeg's encoders has it: lines " V....D libx264   H.264 ...". */
static bool list_has(const char *text, const char *encoder)
{
    size_t length = strlen(encoder);
    for (const char *at = text; (at = strstr(at, encoder)) != NULL; at += length)
        if (at > text && at[-1] == ' ' && at[length] == ' ' && at - text >= 8 && at[-8] == ' ' && at[-7] == 'V')
            return true;
    return false;
}

/* The first of the encoders that this ffmpeg has; NULL with a predicate. */
static const char *choose_encoder(enum container container, char *message, size_t message_size)
{
    static const char *const by_container[][3] = {[CONTAINER_MP4] = {"libx264", "mpeg4", NULL},
                                                  [CONTAINER_MATROSKA] = {"libx264", "mpeg4", NULL},
                                                  [CONTAINER_AVI] = {"libx264", "mpeg4", NULL},
                                                  [CONTAINER_WEBM] = {"libvpx-vp9", "libvpx", NULL},
                                                  [CONTAINER_GIF] = {"gif", NULL}};
    const char *const *encoders = by_container[container], *chosen = NULL;
    char *text = malloc(ENCODERS_TEXT_MAX);
    struct command_line command = {.incomplete = !text};
    command_add(&command, "ffmpeg");
    command_add(&command, "-v");
    command_add(&command, "error");
    command_add(&command, "-encoders");
    if (ffmpeg_ask(&command, NULL, ASK_SECONDS, text, ENCODERS_TEXT_MAX, message, message_size)) {
        for (size_t index = 0; encoders[index] && !chosen; index++)
            chosen = list_has(text, encoders[index]) ? encoders[index] : NULL;
        if (!chosen)
            snprintf(message, message_size, "cannot be written: this ffmpeg has no encoder %s", encoders[0]);
    }
    command_release(&command);
    free(text);
    return chosen;
}

static void add_all(struct command_line *command, const char *const *arguments)
{
    for (; *arguments; arguments++)
        command_add(command, *arguments);
}

/* Colours are BT.709, and say so, as players take that for granted of all but small videos. A GIF has a palette for
 * each frame, so that no frames are kept to find one. */
static void add_encoding(struct command_line *command, const char *encoder, enum container container)
{
    static const char *const gif[] = {"-lavfi", "split[a][b];[a]palettegen=stats_mode=single[p];[b][p]paletteuse=new=1",
                                      NULL};
    static const char *const colours[] = {"-vf",
                                          "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p",
                                          "-colorspace",
                                          "bt709",
                                          "-color_primaries",
                                          "bt709",
                                          "-color_trc",
                                          "bt709",
                                          "-color_range",
                                          "tv",
                                          NULL};
    static const char *const h264[] = {"-preset", "veryfast", "-crf", "20", NULL};
    static const char *const mpeg4[] = {"-q:v", "3", NULL};
    static const char *const vp9[] = {"-deadline", "realtime", "-cpu-used", "6",  "-row-mt", "1",
                                      "-b:v",      "0",        "-crf",      "30", NULL};
    static const char *const vp8[] = {"-deadline", "realtime", "-cpu-used", "6", "-b:v", "4M", NULL};
    if (container == CONTAINER_GIF) {
        add_all(command, gif);
        return;
    }
    add_all(command, colours);
    command_add(command, "-c:v");
    command_add(command, encoder);
    add_all(command, strcmp(encoder, "libx264") == 0      ? h264
                     : strcmp(encoder, "mpeg4") == 0      ? mpeg4
                     : strcmp(encoder, "libvpx-vp9") == 0 ? vp9
                                                          : vp8);
    if (container == CONTAINER_MP4) {
        command_add(command, "-movflags");
        command_add(command, "+faststart");
    }
}

/* `path` is ours to write: a file is there already. */
static bool start_ffmpeg(struct video_writer *writer, size_t ending, const char *encoder, const char *path,
                         char *message, size_t message_size)
{
    struct command_line command = {0};
    const struct child_listener listener = {complaint_take_line, &writer->complaint};
    static const char *const input[] = {"ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", NULL};
    static const char *const from[] = {"-i", "pipe:0", NULL};
    add_all(&command, input);
    command_add(&command, "-video_size");
    command_add_format(&command, "%" PRIu32 "x%" PRIu32, writer->even_width, writer->even_height);
    command_add(&command, "-framerate");
    command_add_format(&command, "%" PRIu32 "/%" PRIu32, writer->info.rate_numerator, writer->info.rate_denominator);
    add_all(&command, from);
    add_encoding(&command, encoder, endings[ending].container);
    command_add(&command, "-f");
    command_add(&command, endings[ending].format);
    command_add(&command, "-y");
    command_add_format(&command, "file:%s", path);
    bool started = ffmpeg_start(&writer->child, &command, CHILD_INPUT, &listener, message, message_size);
    command_release(&command);
    return started;
}

bool video_writer_open(struct video_writer **out, const char *path, const struct video_info *info, char *message,
                       size_t message_size)
{
    *out = NULL;
    size_t ending = find_ending(path);
    if (ending == ENDING_COUNT) {
        snprintf(message, message_size, "cannot be written: a video ends with .mp4, .mkv, .webm, .avi, .mov or .gif");
        return false;
    }
    const char *encoder = choose_encoder(endings[ending].container, message, message_size), *temporary;
    struct video_writer *writer = encoder ? calloc(1, sizeof *writer) : NULL;
    if (!writer) {
        if (encoder)
            snprintf(message, message_size, "needs more memory than there is");
        return false;
    }
    bool can_be_odd = endings[ending].container == CONTAINER_GIF;
    writer->info = *info;
    writer->even_width = info->width + (can_be_odd ? 0 : info->width % 2);
    writer->even_height = info->height + (can_be_odd ? 0 : info->height % 2);
    if (writer->even_width != info->width || writer->even_height != info->height) {
        writer->even = malloc(3 * (size_t)writer->even_width * writer->even_height);
        if (!writer->even) {
            snprintf(message, message_size, "needs more memory than there is");
            goto failed;
        }
    }
    if (!output_file_open(&writer->file, path, message, message_size))
        goto failed;
    temporary = output_file_leave(&writer->file);
    if (!temporary) {
        snprintf(message, message_size, "cannot be written: a video needs a file, not a device or pipe");
        goto failed;
    }
    writer->complaint.operand = temporary;
    if (!start_ffmpeg(writer, ending, encoder, temporary, message, message_size))
        goto failed;
    *out = writer;
    return true;
failed:
    video_writer_abort(writer);
    return false;
}

/* ---- frames ------------------------------------------------------------------------------------------------------ */

/* The last column and the last row once more, where a side is odd. */
static const uint8_t *make_even(struct video_writer *writer, const struct image *image)
{
    if (!writer->even)
        return image->pixels;
    size_t from_row = 3 * (size_t)image->width, to_row = 3 * (size_t)writer->even_width;
    for (size_t y = 0; y < writer->even_height; y++) {
        const uint8_t *from = image->pixels + from_row * (y < image->height ? y : (size_t)image->height - 1);
        uint8_t *to = writer->even + to_row * y;
        memcpy(to, from, from_row);
        if (to_row > from_row)
            memcpy(to + from_row, from + from_row - 3, 3);
    }
    return writer->even;
}

/* Why the encoder takes no more: it has ended, and said why, or it hangs. */
static void say_failure(struct video_writer *writer, int reason, char *message, size_t message_size)
{
    int code = reason == EPIPE ? child_process_wait(writer->child, ASK_SECONDS) : -1;
    if (code >= 0)
        ffmpeg_refuse("cannot be written", &writer->complaint, code, message, message_size);
    else
        snprintf(message, message_size, "cannot be written: ffmpeg %s",
                 reason == ETIMEDOUT ? "takes no more frames" : strerror(reason));
}

bool video_writer_write(struct video_writer *writer, const struct image *image, char *message, size_t message_size)
{
    if (image->width != writer->info.width || image->height != writer->info.height) {
        snprintf(message, message_size,
                 "cannot be written: frame %" PRIu64 " has %" PRIu32 " x %" PRIu32 " pixels, and the video %" PRIu32
                 " x %" PRIu32,
                 writer->written, image->width, image->height, writer->info.width, writer->info.height);
        return false;
    }
    size_t size = 3 * (size_t)writer->even_width * writer->even_height;
    if (!child_process_write(writer->child, make_even(writer, image), size, STALL_SECONDS)) {
        say_failure(writer, errno, message, message_size);
        return false;
    }
    writer->written++;
    return true;
}

static void release(struct video_writer *writer)
{
    child_process_end(writer->child);
    output_file_abort(&writer->file);
    free(writer->even);
    free(writer);
}

bool video_writer_finish(struct video_writer *writer, char *message, size_t message_size)
{
    bool complete = false;
    child_process_close_input(writer->child);
    int code = child_process_wait(writer->child, FINISH_SECONDS);
    if (writer->written == 0)
        snprintf(message, message_size, "cannot be written: there is no frame for it");
    else if (code < 0)
        say_failure(writer, errno, message, message_size);
    else if (code > 0)
        ffmpeg_refuse("cannot be written", &writer->complaint, code, message, message_size);
    else
        complete = output_file_commit(&writer->file, message, message_size);
    release(writer);
    return complete;
}

void video_writer_abort(struct video_writer *writer)
{
    if (writer)
        release(writer);
}
