/* The programs ffmpeg and ffprobe as children: their command lines, and what they complain of. */
#ifndef GHOSTVK_CLI_VIDEO_FFMPEG_H
#define GHOSTVK_CLI_VIDEO_FFMPEG_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/system/child.h"
#include "cli/system/format.h"
#include "url.h"

#define COMMAND_ARGUMENTS_MAX 63

/* Arguments, the program's name first. Zeroed it is empty. */
struct command_line {
    char *arguments[COMMAND_ARGUMENTS_MAX + 1]; /* from malloc */
    size_t count;
    bool incomplete; /* memory ran out, or it became too long */
};

void command_add(struct command_line *command, const char *argument);
void command_add_format(struct command_line *command, const char *format, ...) GHOSTVK_FORMAT(2, 3);
/* Where the video comes from; a path never becomes an address, nor does a stream open files. */
void command_add_input(struct command_line *command, const char *url, enum video_kind kind);
/* Accepts what is empty or has been released. */
void command_release(struct command_line *command);

/* What a program said last. */
struct complaint {
    const char *operand; /* a line that begins with it is told without, as the message has it in front; NULL: none */
    char line[CHILD_LINE_MAX];
};

/* For child_listener, with a struct complaint as its user: the last line that says anything, without the name and
 * number of what in ffmpeg said it. */
void complaint_take_line(void *user, const char *line);

/* Starts it. False with a predicate: that the program is not there, and the package that has it, or why it cannot be
 * started. */
bool ffmpeg_start(struct child_process **out, const struct command_line *command, unsigned streams,
                  const struct child_listener *listener, char *message, size_t message_size);
/* The predicate of a program that failed: "cannot be read as video: REASON". False, for return. */
bool ffmpeg_refuse(const char *predicate, const struct complaint *complaint, int exit_code, char *message,
                   size_t message_size);

/* Runs it to its end: all that it writes to standard output, with a zero behind it. It may say nothing for so many
 * seconds. False with a predicate. `operand` is what it is asked of, or NULL. */
bool ffmpeg_ask(const struct command_line *command, const char *operand, double seconds, char *text, size_t text_size,
                char *message, size_t message_size);

#endif
