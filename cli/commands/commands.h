/* The program's commands. Each takes its own arguments, its name first, and returns the exit code. */
#ifndef GHOSTVK_CLI_COMMANDS_H
#define GHOSTVK_CLI_COMMANDS_H

#include "cli/host/program.h"

int command_detect(struct program *program, int argument_count, char **arguments);
int command_run(struct program *program, int argument_count, char **arguments);
int command_bench(struct program *program, int argument_count, char **arguments);
int command_tune(struct program *program, int argument_count, char **arguments);
int command_selftest(struct program *program, int argument_count, char **arguments);
int command_devices(struct program *program, int argument_count, char **arguments);
int command_inspect(struct program *program, int argument_count, char **arguments);

#endif
