/* The program `ghostvk`: finds the command, catches interrupts, checks that standard output was written. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/base/message.h"
#include "cli/base/output_file.h"
#include "cli/commands/commands.h"
#include "cli/host/cache_folder.h"
#include "cli/host/lavapipe.h"
#include "cli/host/program.h"

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

static pthread_t main_thread;

/* Leaves at once: nothing but half-written files would outlive the process. 130 is a shell's number for an interrupt.
 * Only on the thread that makes those files: it must not make another one behind our back. A driver's threads pass on
 * what they get. */
static void leave_on_signal(int number)
{
    if (!pthread_equal(pthread_self(), main_thread)) {
        pthread_kill(main_thread, number);
        return;
    }
    output_file_abandon_all();
    _exit(128 + number);
}

static void catch_signals(void)
{
    main_thread = pthread_self();
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXCPU};
    for (size_t index = 0; index < sizeof numbers / sizeof *numbers; index++) {
        struct sigaction before, action = {.sa_handler = leave_on_signal};
        sigemptyset(&action.sa_mask);
        /* Who started the program with a signal ignored, as nohup does, means it. */
        if (sigaction(numbers[index], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(numbers[index], &action, NULL);
    }
    /* A file beyond the limit of its size is a write that fails, like one to a full disk, and is said like one. */
    signal(SIGXFSZ, SIG_IGN);
}

/* A standard stream that is closed would be the number of the next file that is opened, and what belongs to the stream
 * would be written into that file. A folder takes its place: reading and writing it fails. */
static bool fill_standard_descriptors(void)
{
    for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; descriptor++) {
        if (fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF)
            continue;
        if (open("/", O_RDONLY) != descriptor) /* the lowest that is free */
            return false;
    }
    return true;
}

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

int main(int argument_count, char **arguments)
{
    if (!fill_standard_descriptors())
        return OUTCOME_SOME_FAILED;
    prepare_lavapipe();
    static struct program program; /* the library's log calls point at it as long as anything lives */
    program_start(&program, argument_count > 0 ? arguments[0] : NULL);
    program.host.cache_load = cache_folder_load;
    program.host.cache_store = cache_folder_store;
    catch_signals();
    return finish_stdout(&program, execute(&program, argument_count, arguments));
}
