/* See program_words.h. */
#include "program_words.h"

const char program_sentence[] = "finds objects in pictures with GhostNet-YOLOv4, on any Vulkan device.";
const char program_example[] = "ghostvk detect -o out/ models/samples/*.jpg";

const struct option_row program_options[] = {
    {.id = PROGRAM_HELP, .letter = 'h', .name = "help", .text = "this text; a command's own: ghostvk help detect"},
    {.id = PROGRAM_VERSION, .letter = 'V', .name = "version", .text = "the version, and how the program was built"},
    {.id = PROGRAM_MANUAL, .name = "man", .text = "the manual page, for man -l -"},
    {.id = PROGRAM_COMPLETION,
     .name = "completion",
     .value = "SHELL",
     .text = "the script by which bash, zsh or fish completes words",
     .kind = VALUE_CHOICE,
     .choices = "bash zsh fish"},
    {.id = 0},
};

const struct term program_exit_codes[] = {
    {"0", "all done"},      {"1", "some inputs failed"}, {"2", "wrong usage"},
    {"3", "model refused"}, {"4", "no usable device"},   {"5", "device or driver failure"},
    {"6", "out of memory"}, {"130", "interrupted"},      {NULL, NULL},
};

const struct term program_environment[] = {
    {"VK_DRIVER_FILES", "the Vulkan drivers to use in place of the system's, as the loader reads it"},
    {"VK_ICD_FILENAMES", "the same, by its older name"},
    {"VK_ADD_DRIVER_FILES", "drivers to use beside the system's"},
    {"XDG_CACHE_HOME", "where compiled pipelines and tuned kernels are kept, in a folder ghostvk; default: ~/.cache"},
    {"NO_COLOR", "where it is set, colours are left out"},
    {NULL, NULL},
};
