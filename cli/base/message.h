/* What the program says to the person, and its exit codes.
 *
 * Messages go to stderr as "ghostvk: SENTENCE", in the form that print_text gives it, so that a hostile file name or
 * model cannot steer a terminal. Results go to stdout and are no messages. */
#ifndef GHOSTVK_CLI_MESSAGE_H
#define GHOSTVK_CLI_MESSAGE_H

#include "cli/system/format.h"

/* The program's exit codes. */
enum outcome {
    OUTCOME_DONE = 0,
    OUTCOME_SOME_FAILED = 1, /* an input or output failed; the others are done */
    OUTCOME_USAGE = 2,
    OUTCOME_MODEL_REFUSED = 3,
    OUTCOME_NO_DEVICE = 4,
    OUTCOME_DEVICE_FAILED = 5,
    OUTCOME_OUT_OF_MEMORY = 6
};

/* Called before each message, to take a line that is being redrawn out of its way; NULL: nothing is. A thread's
 * messages and this call exclude one another. */
void message_clear_before(void (*clear)(void));

/* Calls `write` while no message is being written; it says nothing itself. */
void message_between(void (*write)(void *user), void *user);

/* Messages of several threads come whole, one behind the other. */
void say(const char *format, ...) GHOSTVK_FORMAT(1, 2);
/* The same with a word in front that says what kind of message it is: "note: ", "info: ", "debug: ". */
void say_kind(const char *kind, const char *format, ...) GHOSTVK_FORMAT(2, 3);
/* A wrong use of the command line: one line that ends by naming the help. Returns OUTCOME_USAGE. */
int refuse_usage(const char *format, ...) GHOSTVK_FORMAT(1, 2);
/* The command whose help refuse_usage names from now on; the text must stay. */
void message_set_command(const char *name);
/* Says that memory ran out. Returns OUTCOME_OUT_OF_MEMORY. */
int refuse_memory(void);

#endif
