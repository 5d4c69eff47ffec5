/* See parse.h. */
#include "parse.h"

#include <string.h>

#include "cli/base/message.h"
#include "nearest.h"

/* Where reading is. */
struct place {
    const struct option_list *list;
    int count, next; /* of the words; the next to read */
    char **words;
    option_reader *read;
    void *request;
    struct parsed *out;
};

static const struct option_row *find_letter(const struct option_list *list, char letter)
{
    for (size_t index = 0; index < list->count; index++)
        if (list->rows[index]->letter == letter)
            return list->rows[index];
    return NULL;
}

/* NULL also where the beginning is that of several, which `*several` tells. */
static const struct option_row *find_name(const struct option_list *list, const char *name, size_t length,
                                          bool *several)
{
    const struct option_row *found = NULL;
    *several = false;
    for (size_t index = 0; index < list->count; index++) {
        const struct option_row *row = list->rows[index];
        if (strncmp(row->name, name, length) != 0)
            continue;
        if (row->name[length] == 0) {
            *several = false;
            return row;
        }
        *several = *several || found;
        found = row;
    }
    return *several ? NULL : found;
}

static int take(struct place *place, const struct option_row *row, const char *value)
{
    switch (row->id) {
    case OPTION_HELP: place->out->help = true; return OUTCOME_DONE;
    case OPTION_VERBOSE: place->out->verbosity++; return OUTCOME_DONE;
    default: return place->read(place->request, row->id, value) ? OUTCOME_DONE : OUTCOME_USAGE;
    }
}

/* Names the option that may be meant; `dashes` is what stood before the name. */
static int refuse_name(const struct option_list *list, const char *dashes, const char *name, size_t length)
{
    const struct option_row *nearest = NULL;
    unsigned least = NEAREST_NEVER;
    for (size_t index = 0; index < list->count; index++) {
        unsigned mistake = measure_mistake(name, length, list->rows[index]->name);
        if (mistake < least) {
            least = mistake;
            nearest = list->rows[index];
        }
    }
    if (nearest)
        return refuse_usage("unknown option %s%.*s, perhaps --%s is meant", dashes, (int)length, name, nearest->name);
    return refuse_usage("unknown option %s%.*s", dashes, (int)length, name);
}

static int read_long(struct place *place, const char *word)
{
    const char *name = word + 2;
    size_t length = strcspn(name, "=");
    bool several;
    const struct option_row *row = find_name(place->list, name, length, &several);
    if (!row && several && length)
        return refuse_usage("option --%.*s is short for several", (int)length, name);
    if (!row)
        return refuse_name(place->list, "--", name, length);
    const char *value = name[length] ? name + length + 1 : NULL;
    if (!row->value && value)
        return refuse_usage("option --%s takes no value", row->name);
    if (row->value && !value) {
        if (place->next == place->count)
            return refuse_usage("option --%s lacks its value", row->name);
        value = place->words[place->next++];
    }
    return take(place, row, value);
}

/* "-output x" is not "-o utput" to who wrote it. */
static int read_letters(struct place *place, const char *word)
{
    size_t length = strcspn(word + 1, "=");
    bool several;
    const struct option_row *whole = length > 1 ? find_name(place->list, word + 1, length, &several) : NULL;
    if (whole && !whole->name[length])
        return refuse_name(place->list, "-", word + 1, length);
    for (const char *letter = word + 1; *letter && !place->out->help; letter++) {
        const struct option_row *row = find_letter(place->list, *letter);
        if (!row && letter == word + 1 && length > 1)
            return refuse_name(place->list, "-", word + 1, length);
        if (!row)
            return refuse_usage("unknown option -%c", *letter);
        const char *value = row->value ? letter + 1 : NULL;
        if (value && !*value) {
            if (place->next == place->count)
                return refuse_usage("option -%c lacks its value", *letter);
            value = place->words[place->next++];
        }
        int outcome = take(place, row, value);
        if (outcome != OUTCOME_DONE || value)
            return outcome;
    }
    return OUTCOME_DONE;
}

int parse_command_line(const struct command_line *line, option_reader *read, void *request, struct parsed *out)
{
    struct option_list list;
    list_options(line->command, &list);
    *out = (struct parsed){.operands.words = line->words};
    struct place place = {
        .list = &list, .count = line->count, .words = line->words, .read = read, .request = request, .out = out};
    bool ended = false;
    while (place.next < place.count && !out->help) {
        char *word = line->words[place.next++];
        int outcome = OUTCOME_DONE;
        if (ended || word[0] != '-' || !word[1])
            out->operands.words[out->operands.count++] = word; /* it stands at or behind that place */
        else if (strcmp(word, "--") == 0)
            ended = true;
        else
            outcome = word[1] == '-' ? read_long(&place, word) : read_letters(&place, word);
        if (outcome != OUTCOME_DONE)
            return outcome;
    }
    return OUTCOME_DONE;
}
