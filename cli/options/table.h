/* The options that several commands have, each once: how it is written, what it means, what a shell may complete. Help
 * texts, the man page, completions and the reading of a command line are made from these rows and from the rows of the
 * commands (command.h). An option that one command alone has stands in that command's file. */
#ifndef GHOSTVK_CLI_OPTIONS_TABLE_H
#define GHOSTVK_CLI_OPTIONS_TABLE_H

#include <stddef.h>

/* The headings of a help text, in this order. */
enum option_group {
    GROUP_INPUT,
    GROUP_OUTPUT,
    GROUP_MODEL,
    GROUP_BOXES,
    GROUP_DEVICE,
    GROUP_MEASURING,
    GROUP_GENERAL,
    GROUP_COUNT
};
extern const char *const option_group_titles[GROUP_COUNT];

/* What a value is, as far as a shell can complete it. */
enum value_kind { VALUE_TEXT, VALUE_FILE, VALUE_FOLDER, VALUE_CHOICE };

struct option_row {
    int id;            /* what a command's reader gets: of enum option_id, or from OPTION_OWN on; 0 ends a list */
    char letter;       /* 0: none */
    const char *name;  /* without its two dashes */
    const char *value; /* the value's name in the help; NULL: it takes none */
    const char *text;  /* one or two lines of help, without a full stop; default in the end as "default: 1" */
    enum option_group group;
    enum value_kind kind;
    const char *choices; /* of VALUE_CHOICE, with spaces between */
};

enum option_id {
    OPTION_END,
    OPTION_NO_EXIF,
    OPTION_RESIZE,
    OPTION_INTERPOLATION,
    OPTION_EVERY,
    OPTION_SHARD,
    OPTION_RESUME,
    OPTION_OUTPUT,
    OPTION_JSON,      /* takes no value: JSON in place of a table */
    OPTION_JSON_FILE, /* takes a file */
    OPTION_JSONL,
    OPTION_CSV,
    OPTION_MODEL,
    OPTION_WEIGHTS,
    OPTION_ALLOW_UNUSED,
    OPTION_RANDOM,
    OPTION_CLASSES,
    OPTION_ANCHORS,
    OPTION_SIZE,
    OPTION_BATCH,
    OPTION_LETTERBOX,
    OPTION_NO_LETTERBOX,
    OPTION_CONF,
    OPTION_IOU,
    OPTION_TRACK,
    OPTION_DEVICE,
    OPTION_PRECISION,
    OPTION_RUNS,
    OPTION_QUIET,
    OPTION_VERBOSE, /* this and the next: every command has it, and its reader never sees it */
    OPTION_HELP,
    OPTION_SHARED_COUNT,
    OPTION_OWN = 1000 /* a command's own options count from here */
};

/* The row of a shared option. */
const struct option_row *find_shared_option(int id);

#endif
