/* See command.h. */
#include "command.h"

#include <stdbool.h>

static bool shares(const struct command *command, int id)
{
    if (id == OPTION_VERBOSE || id == OPTION_HELP)
        return true;
    for (const int *shared = command->shared; shared && *shared; shared++)
        if (*shared == id)
            return true;
    return false;
}

static void add(struct option_list *list, const struct option_row *row, enum option_group group)
{
    if (row->group == group && list->count < OPTIONS_MAX)
        list->rows[list->count++] = row;
}

/* A shared option with a row of the command's own stands where the shared one would. */
static const struct option_row *find_row(const struct command *command, int id)
{
    for (const struct option_row *row = command->own; row && row->id; row++)
        if (row->id == id)
            return row;
    return shares(command, id) ? find_shared_option(id) : NULL;
}

void list_options(const struct command *command, struct option_list *out)
{
    *out = (struct option_list){.count = 0};
    for (enum option_group group = 0; group < GROUP_COUNT; group++) {
        for (int id = OPTION_END + 1; id < OPTION_SHARED_COUNT; id++) {
            const struct option_row *row = find_row(command, id);
            if (row)
                add(out, row, group);
        }
        for (const struct option_row *row = command->own; row && row->id; row++)
            if (row->id >= OPTION_OWN)
                add(out, row, group);
    }
}
