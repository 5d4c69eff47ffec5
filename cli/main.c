/* The program `ghostvk`: finds the command, catches interrupts, checks that standard output was written. */
#include <stdio.h>
#include <string.h>

#include "cli/base/message.h"
#include "cli/base/output_file.h"
#include "cli/commands/commands.h"
#include "cli/host/cache_folder.h"
#include "cli/host/lavapipe.h"
#include "cli/host/program.h"
#include "cli/system/child.h"
#include "cli/system/process.h"

#define TEXT_(value) #value
#define TEXT(value)  TEXT_(value)
#define VERSION_TEXT TEXT(GVK_VERSION_MAJOR) "." TEXT(GVK_VERSION_MINOR) "." TEXT(GVK_VERSION_PATCH)

static const char usage_text[] =
    "usage: ghostvk COMMAND [OPTION]... [FILE]...\n"
    "commands: detect, run, bench, tune, selftest, devices, inspect; `ghostvk --help` says more\n";

static const char help_text[] = "ghostvk finds objects in pictures with GhostNet-YOLOv4, on any Vulkan device.\n"
                                "\n"
                                "usage: ghostvk COMMAND [OPTION]... [FILE]...\n"
                                "\n"
                                "commands:\n"
                                "  detect     print, draw or save the boxes in pictures\n"
                                "  run        write a network's raw outputs to a file\n"
                                "  bench      measure how fast a network runs on a device\n"
                                "  tune       find the fastest kernels and keep them\n"
                                "  selftest   check this device against PyTorch's boxes\n"
                                "  devices    list the Vulkan devices\n"
                                "  inspect    describe a model and its plan\n"
                                "\n"
                                "options:\n"
                                "  -h, --help      this text, or a command's own: ghostvk detect --help\n"
                                "  -V, --version   the version\n"
                                "\n"
                                "example:\n"
                                "  ghostvk detect -o out/ models/samples/*.jpg\n"
                                "\n"
                                "exit codes:\n"
                                "  0 all done, 1 some inputs failed, 2 wrong usage, 3 model refused,\n"
                                "  4 no usable device, 5 device or driver failure, 6 out of memory,\n"
                                "  130 interrupted\n";

static const struct {
    const char *name;
    int (*execute)(struct program *program, int argument_count, char **arguments);
} commands[] = {
    {"detect", command_detect},     {"run", command_run},         {"bench", command_bench},     {"tune", command_tune},
    {"selftest", command_selftest}, {"devices", command_devices}, {"inspect", command_inspect},
};

static int execute(struct program *program, int argument_count, char **arguments)
{
    if (argument_count < 2) {
        fputs(usage_text, stderr);
        return OUTCOME_USAGE;
    }
    const char *first = arguments[1];
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0) {
        fputs(help_text, stdout);
        return OUTCOME_DONE;
    }
    if (strcmp(first, "--version") == 0 || strcmp(first, "-V") == 0) {
        fputs("ghostvk " VERSION_TEXT "\n", stdout);
        return OUTCOME_DONE;
    }
    for (size_t index = 0; index < sizeof commands / sizeof *commands; index++)
        if (strcmp(first, commands[index].name) == 0)
            return commands[index].execute(program, argument_count - 1, arguments + 1);
    if (first[0] == '-')
        return refuse_usage("unknown option %s", first);
    return refuse_usage("unknown command %s", *first ? first : "\"\"");
}

/* Children first: one that writes a file would make it again. */
static void leave_nothing(void)
{
    child_process_end_all();
    output_file_abandon_all();
}

int main(int argument_count, char **arguments)
{
    if (!process_prepare(&argument_count, &arguments))
        return OUTCOME_SOME_FAILED;
    prepare_lavapipe();
    static struct program program; /* the library's log calls point at it as long as anything lives */
    program_start(&program, argument_count > 0 ? arguments[0] : NULL);
    program.host.cache_load = cache_folder_load;
    program.host.cache_store = cache_folder_store;
    process_leave_on_interrupt(leave_nothing);
    return finish_stdout(&program, execute(&program, argument_count, arguments));
}
