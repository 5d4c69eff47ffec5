/* The rows of the program's commands: one line for each, in the order of the help. A new command NAME is a file with
 * `const struct command NAME_command` and a line here; options that it shares with others are in cli/options/table.c.
 */
#ifndef GHOSTVK_CLI_COMMANDS_H
#define GHOSTVK_CLI_COMMANDS_H

#include "cli/options/command.h"

#if defined(GVK_EVALUATION) /* cmake/evaluation.cmake */
#define GHOSTVK_EVALUATION_COMMANDS(COMMAND) COMMAND(eval) COMMAND(anchors)
#else
#define GHOSTVK_EVALUATION_COMMANDS(COMMAND)
#endif

/* clang-format off */
#define GHOSTVK_COMMANDS(COMMAND) \
    COMMAND(detect)   \
    COMMAND(watch)    \
    COMMAND(classify) \
    GHOSTVK_EVALUATION_COMMANDS(COMMAND) \
    COMMAND(features) \
    COMMAND(convert)  \
    COMMAND(run)      \
    COMMAND(bench)    \
    COMMAND(tune)     \
    COMMAND(selftest) \
    COMMAND(devices)  \
    COMMAND(inspect)
/* clang-format on */

#define GHOSTVK_DECLARE_COMMAND(name) extern const struct command name##_command;
GHOSTVK_COMMANDS(GHOSTVK_DECLARE_COMMAND)

#endif
