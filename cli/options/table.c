/* See table.h. */
#include "table.h"

const char *const option_group_titles[GROUP_COUNT] = {
    [GROUP_INPUT] = "input",   [GROUP_OUTPUT] = "output",       [GROUP_MODEL] = "model",     [GROUP_BOXES] = "boxes",
    [GROUP_DEVICE] = "device", [GROUP_MEASURING] = "measuring", [GROUP_GENERAL] = "general",
};

/* In the order in which a help text lists them under their headings. */
static const struct option_row rows[] = {
    {.id = OPTION_NO_EXIF,
     .name = "no-exif",
     .text = "leave pictures as stored, whatever their EXIF data say",
     .group = GROUP_INPUT},

    {.id = OPTION_RESIZE,
     .name = "resize",
     .value = "SIDE",
     .text = "scale the shorter side to so much before the middle is cut out; default: the input's larger side / 0.875",
     .group = GROUP_INPUT},

    {.id = OPTION_INTERPOLATION,
     .name = "interpolation",
     .value = "KIND",
     .text = "bilinear, as GhostNet's authors scale, or bicubic, as timm; default: bilinear",
     .group = GROUP_INPUT,
     .kind = VALUE_CHOICE,
     .choices = "bilinear bicubic"},

    {.id = OPTION_EVERY,
     .name = "every",
     .value = "N",
     .text = "take each Nth frame of a video; default: 1",
     .group = GROUP_INPUT},

    {.id = OPTION_SHARD,
     .name = "shard",
     .value = "I/N",
     .text = "take the Ith of N parts of the inputs, the same on every machine",
     .group = GROUP_INPUT},

    {.id = OPTION_RESUME, .name = "resume", .text = "skip what is done already", .group = GROUP_INPUT},

    {.id = OPTION_OUTPUT,
     .letter = 'o',
     .name = "output",
     .value = "PATH",
     .text = "the file to write",
     .group = GROUP_OUTPUT,
     .kind = VALUE_FILE},

    {.id = OPTION_JSON, .name = "json", .text = "print JSON instead of the table", .group = GROUP_OUTPUT},

    {.id = OPTION_JSON_FILE,
     .name = "json",
     .value = "FILE",
     .text = "save the results as JSON; - is stdout, in place of the tables",
     .group = GROUP_OUTPUT,
     .kind = VALUE_FILE},

    {.id = OPTION_JSONL,
     .name = "jsonl",
     .value = "FILE",
     .text = "save one line of JSON for each picture or frame as it is done",
     .group = GROUP_OUTPUT,
     .kind = VALUE_FILE},

    {.id = OPTION_CSV,
     .name = "csv",
     .value = "FILE",
     .text = "save the results as comma-separated values",
     .group = GROUP_OUTPUT,
     .kind = VALUE_FILE},

    {.id = OPTION_MODEL,
     .letter = 'm',
     .name = "model",
     .value = "MODEL",
     .text = ".safetensors or .pth file; default: the one of ghostvk",
     .group = GROUP_MODEL,
     .kind = VALUE_FILE},

    {.id = OPTION_WEIGHTS,
     .name = "weights",
     .value = "NAME",
     .text = "the set of weights to take, where the file has several",
     .group = GROUP_MODEL},

    {.id = OPTION_ALLOW_UNUSED,
     .name = "allow-unused",
     .text = "take a file with tensors that the network does not need",
     .group = GROUP_MODEL},

    {.id = OPTION_RANDOM,
     .name = "random",
     .value = "CLASSES",
     .text = "a detector of that many classes with made-up weights",
     .group = GROUP_MODEL},

    {.id = OPTION_CLASSES,
     .name = "classes",
     .value = "FILE",
     .text = "class names, one a line; default: the model's",
     .group = GROUP_MODEL,
     .kind = VALUE_FILE},

    {.id = OPTION_ANCHORS,
     .name = "anchors",
     .value = "FILE",
     .text = "18 numbers with commas between; default: the model's",
     .group = GROUP_MODEL,
     .kind = VALUE_FILE},

    {.id = OPTION_SIZE,
     .name = "size",
     .value = "WxH",
     .text = "the network's input, multiples of 32",
     .group = GROUP_MODEL},

    {.id = OPTION_BATCH,
     .name = "batch",
     .value = "N",
     .text = "pictures in a frame; default: 1",
     .group = GROUP_MODEL},

    {.id = OPTION_LETTERBOX,
     .name = "letterbox",
     .text = "keep the aspect ratio; default: as the model says",
     .group = GROUP_MODEL},

    {.id = OPTION_NO_LETTERBOX,
     .name = "no-letterbox",
     .text = "stretch pictures to the network's input",
     .group = GROUP_MODEL},

    {.id = OPTION_CONF,
     .name = "conf",
     .value = "SCORE",
     .text = "keep boxes of at least this score, 0 to 1",
     .group = GROUP_BOXES},

    {.id = OPTION_IOU,
     .name = "iou",
     .value = "OVERLAP",
     .text = "drop boxes that overlap a better one by more, 0 to 1",
     .group = GROUP_BOXES},

    {.id = OPTION_TRACK, .name = "track", .text = "follow objects through a video, by numbers", .group = GROUP_BOXES},

    {.id = OPTION_DEVICE,
     .name = "device",
     .value = "DEVICE",
     .text = "an index of `ghostvk devices`, a part of a name, or cpu",
     .group = GROUP_DEVICE},

    {.id = OPTION_PRECISION,
     .name = "precision",
     .value = "P",
     .text = "fp32, fp16 (half the memory, for GPUs) or auto",
     .group = GROUP_DEVICE,
     .kind = VALUE_CHOICE,
     .choices = "fp32 fp16 auto"},

    {.id = OPTION_RUNS,
     .name = "runs",
     .value = "N",
     .text = "frames to measure; default: 20",
     .group = GROUP_MEASURING},

    {.id = OPTION_QUIET,
     .letter = 'q',
     .name = "quiet",
     .text = "say nothing but what went wrong",
     .group = GROUP_GENERAL},

    {.id = OPTION_VERBOSE,
     .letter = 'v',
     .name = "verbose",
     .text = "say more; -vv for debugging",
     .group = GROUP_GENERAL},

    {.id = OPTION_HELP, .letter = 'h', .name = "help", .text = "this text", .group = GROUP_GENERAL},
};

const struct option_row *find_shared_option(int id)
{
    for (size_t index = 0; index < sizeof rows / sizeof *rows; index++)
        if (rows[index].id == id)
            return &rows[index];
    return NULL;
}
