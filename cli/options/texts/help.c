/* See help.h. Lines have at most 80 characters, but for examples, which are not broken. */
#include "help.h"

#include <stdbool.h>
#include <string.h>

#include "cli/options/program_words.h"

#define LINE_WIDTH   80
#define OPTION_WIDTH 18 /* the text of a wider option begins on the next line */

/* The text in lines that fit, each but the first behind `indent` spaces; the first is begun at that column. */
static void print_wrapped(FILE *stream, const char *text, size_t indent)
{
    size_t column = indent;
    for (const char *word = text; *word;) {
        size_t length = strcspn(word, " \n");
        if (word != text) {
            bool breaks = word[-1] == '\n' || column + 1 + length > LINE_WIDTH;
            if (breaks)
                fprintf(stream, "\n%*s", (int)indent, "");
            else
                fputc(' ', stream);
            column = breaks ? indent : column + 1;
        }
        fprintf(stream, "%.*s", (int)length, word);
        column += length;
        word += length + (word[length] != 0);
    }
    fputc('\n', stream);
}

/* "--size WxH" */
static size_t measure_option(const struct option_row *row)
{
    return strlen(row->name) + 2 + (row->value ? strlen(row->value) + 1 : 0);
}

static size_t widen(size_t width, const struct option_row *row)
{
    size_t own = measure_option(row);
    return own > width && own <= OPTION_WIDTH ? own : width;
}

static void print_option(FILE *stream, const struct option_row *row, size_t width)
{
    if (row->letter)
        fprintf(stream, "  -%c, ", row->letter);
    else
        fputs("      ", stream);
    size_t own = measure_option(row);
    fprintf(stream, "--%s%s%s%*s", row->name, row->value ? " " : "", row->value ? row->value : "",
            own <= width ? (int)(width + 2 - own) : 0, "");
    if (own > width)
        fprintf(stream, "\n%*s", (int)(6 + width + 2), "");
    print_wrapped(stream, row->text, 6 + width + 2);
}

static void print_examples(FILE *stream, const char *lines)
{
    fputs(strchr(lines, '\n') ? "\nexamples:\n" : "\nexample:\n", stream);
    for (const char *line = lines; *line;) {
        size_t length = strcspn(line, "\n");
        fprintf(stream, "  %.*s\n", (int)length, line);
        line += length + (line[length] != 0);
    }
}

void print_command_help(FILE *stream, const struct command *command)
{
    struct option_list list;
    list_options(command, &list);
    size_t width = 0;
    for (size_t index = 0; index < list.count; index++)
        width = widen(width, list.rows[index]);
    char lead[512];
    snprintf(lead, sizeof lead, "ghostvk %s %s", command->name, command->sentence);
    print_wrapped(stream, lead, 0);
    fprintf(stream, "\nusage: ghostvk %s [OPTION]...%s%s\n", command->name, command->usage ? " " : "",
            command->usage ? command->usage : "");
    for (size_t index = 0; index < list.count; index++) {
        if (index == 0 || list.rows[index]->group != list.rows[index - 1]->group)
            fprintf(stream, "\n%s:\n", option_group_titles[list.rows[index]->group]);
        print_option(stream, list.rows[index], width);
    }
    if (command->notes) {
        fputc('\n', stream);
        print_wrapped(stream, command->notes, 0);
    }
    print_examples(stream, command->example);
}

/* "0 all done, 1 some inputs failed, ..." */
static void print_exit_codes(FILE *stream)
{
    char text[512];
    size_t used = 0;
    for (const struct term *code = program_exit_codes; code->name && used < sizeof text; code++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s %s", used ? ", " : "", code->name, code->text);
    fputs("\nexit codes:\n  ", stream);
    print_wrapped(stream, text, 2);
}

void print_program_help(FILE *stream, const struct command *const *commands)
{
    size_t width = 0;
    for (const struct command *const *command = commands; *command; command++)
        if (strlen((*command)->name) > width)
            width = strlen((*command)->name);
    fprintf(stream, "ghostvk %s\n\nusage: ghostvk COMMAND [OPTION]... [FILE]...\n\ncommands:\n", program_sentence);
    for (const struct command *const *command = commands; *command; command++) {
        fprintf(stream, "  %-*s  ", (int)width, (*command)->name);
        print_wrapped(stream, (*command)->summary, 2 + width + 2);
    }
    width = 0;
    for (const struct option_row *row = program_options; row->id; row++)
        width = widen(width, row);
    fputs("\noptions:\n", stream);
    for (const struct option_row *row = program_options; row->id; row++)
        print_option(stream, row, width);
    print_examples(stream, program_example);
    print_exit_codes(stream);
}
