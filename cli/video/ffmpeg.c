/* See ffmpeg.h. */
#include "ffmpeg.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "camera.h"

/* ---- command lines ----------------------------------------------------------------------------------------------- */

void command_add_format(struct command_line *command, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    char *text = length >= 0 && command->count < COMMAND_ARGUMENTS_MAX ? malloc((size_t)length + 1) : NULL;
    if (text) {
        vsnprintf(text, (size_t)length + 1, format, again);
        command->arguments[command->count++] = text;
    } else {
        command->incomplete = true;
    }
    va_end(again);
    va_end(arguments);
}

void command_add(struct command_line *command, const char *argument)
{
    command_add_format(command, "%s", argument);
}

/* What a stream may lead to: a list of parts at a server names further addresses, and must not name files of ours. */
#define STREAM_PROTOCOLS "http,https,httpproxy,tls,tcp,udp,rtp,rtmp,rtmps,rtmpt,rtmpts,srt,crypto,data"

static void add_camera(struct command_line *command, const char *url)
{
    const char *name = strncmp(url, "webcam:", strlen("webcam:")) == 0 ? url + strlen("webcam:") : url;
    bool is_index = name[0] && name[strspn(name, "0123456789")] == 0;
    command_add(command, "-f");
    command_add(command, CAMERA_FORMAT);
    command_add(command, "-i");
    command_add_format(command, "%s%s", is_index ? CAMERA_INDEX_PREFIX : *name == '/' ? "" : CAMERA_NAME_PREFIX, name);
}

void command_add_input(struct command_line *command, const char *url, enum video_kind kind)
{
    if (kind == VIDEO_CAMERA) {
        add_camera(command, url);
        return;
    }
    command_add(command, "-protocol_whitelist");
    command_add(command, kind == VIDEO_FILE ? "file" : STREAM_PROTOCOLS);
    if (strncmp(url, "rtsp", 4) == 0 && kind == VIDEO_STREAM) { /* over UDP what is lost makes grey pictures */
        command_add(command, "-rtsp_transport");
        command_add(command, "tcp");
    }
    command_add(command, "-i");
    command_add_format(command, "%s%s", kind == VIDEO_FILE ? "file:" : "", url);
}

void command_release(struct command_line *command)
{
    for (size_t index = 0; index < command->count; index++)
        free(command->arguments[index]);
    *command = (struct command_line){0};
}

/* ---- what they say ----------------------------------------------------------------------------------------------- */

/* "[mov,mp4 @ 0x55d0c8] moov atom not found" says the same on the next day without its beginning. */
static const char *skip_speaker(const char *line)
{
    while (*line == '[') {
        const char *end = strstr(line, "] "), *address = strstr(line, " @ 0x");
        if (!end || !address || address > end)
            break;
        line = end + 2;
    }
    return line + strspn(line, " \t");
}

static const char *skip_operand(const char *line, const char *operand)
{
    const char *at = strncmp(line, "file:", 5) == 0 ? line + 5 : line;
    size_t length = operand ? strlen(operand) : 0;
    return length && strncmp(at, operand, length) == 0 && strncmp(at + length, ": ", 2) == 0 ? at + length + 2 : line;
}

void complaint_take_line(void *user, const char *line)
{
    struct complaint *complaint = user;
    line = skip_operand(skip_speaker(line), complaint->operand);
    if (*line)
        snprintf(complaint->line, sizeof complaint->line, "%s", line);
}

bool ffmpeg_refuse(const char *predicate, const struct complaint *complaint, int exit_code, char *message,
                   size_t message_size)
{
    if (complaint->line[0])
        snprintf(message, message_size, "%s: %s", predicate, complaint->line);
    else
        snprintf(message, message_size, "%s: ffmpeg ended with code %d", predicate, exit_code);
    return false;
}

bool ffmpeg_start(struct child_process **out, const struct command_line *command, unsigned streams,
                  const struct child_listener *listener, char *message, size_t message_size)
{
    *out = NULL;
    if (command->incomplete) {
        snprintf(message, message_size, "needs more memory than there is");
        return false;
    }
    const char *arguments[COMMAND_ARGUMENTS_MAX + 1] = {0};
    memcpy(arguments, command->arguments, command->count * sizeof *arguments);
    if (child_process_start(out, arguments, streams, listener))
        return true;
    if (errno == ENOENT)
        snprintf(message, message_size, "needs the program %s, which is not installed (it is in the package ffmpeg)",
                 arguments[0]);
    else
        snprintf(message, message_size, "needs the program %s, which cannot be started: %s", arguments[0],
                 strerror(errno));
    return false;
}

/* All that the child writes, with a zero behind it; false with errno, EFBIG when it is too much. */
static bool read_all(struct child_process *child, char *text, size_t size, double seconds)
{
    for (size_t length = 0;;) {
        if (length + 1 >= size) {
            errno = EFBIG;
            return false;
        }
        ptrdiff_t got = child_process_read(child, text + length, size - 1 - length, seconds);
        if (got < 0)
            return false;
        length += (size_t)got;
        text[length] = 0;
        if (got == 0)
            return true;
    }
}

bool ffmpeg_ask(const struct command_line *command, const char *operand, double seconds, char *text, size_t text_size,
                char *message, size_t message_size)
{
    struct child_process *child = NULL;
    struct complaint complaint = {.operand = operand};
    const struct child_listener listener = {complaint_take_line, &complaint};
    if (!ffmpeg_start(&child, command, CHILD_OUTPUT, &listener, message, message_size))
        return false;
    bool whole = read_all(child, text, text_size, seconds);
    int code = whole ? child_process_wait(child, seconds) : -1, reason = errno;
    child_process_end(child);
    if (code == 0)
        return true;
    if (code > 0)
        return ffmpeg_refuse("cannot be read as video", &complaint, code, message, message_size);
    if (reason == ETIMEDOUT)
        snprintf(message, message_size, "gives no picture for %.0f seconds", seconds);
    else
        snprintf(message, message_size, "cannot be read as video: %s",
                 reason == EFBIG ? "its description is too long" : strerror(reason));
    return false;
}
