/* See completions.h. The script for fish. */
#include "completions.h"

#include "cli/options/program_words.h"

static void print_fish_text(FILE *stream, const char *text)
{
    fputs(" -d '", stream);
    for (; *text; text++)
        fprintf(stream, "%s%c", *text == '\'' || *text == '\\' ? "\\" : "", *text);
    fputs("'\n", stream);
}

static void print_fish_option(FILE *stream, const struct option_row *row, const char *condition)
{
    fprintf(stream, "complete -c ghostvk -n '%s'", condition);
    if (row->letter)
        fprintf(stream, " -s %c", row->letter);
    fprintf(stream, " -l %s", row->name);
    if (row->value) {
        switch (row->kind) {
        case VALUE_FILE: fputs(" -r -F", stream); break;
        case VALUE_FOLDER: fputs(" -x -a '(__fish_complete_directories)'", stream); break;
        case VALUE_CHOICE: fprintf(stream, " -x -a '%s'", row->choices); break;
        case VALUE_TEXT: fputs(" -x", stream); break;
        }
    }
    print_fish_text(stream, row->text);
}

void print_fish_completion(FILE *stream, const struct command *const *commands)
{
    fputs("# Words of ghostvk for fish.\ncomplete -c ghostvk -f\n", stream);
    for (const struct option_row *row = program_options; row->id; row++)
        print_fish_option(stream, row, "__fish_use_subcommand");
    for (const struct command *const *command = commands; *command; command++) {
        fprintf(stream, "complete -c ghostvk -n __fish_use_subcommand -a %s", (*command)->name);
        print_fish_text(stream, (*command)->summary);
    }
    for (const struct command *const *at = commands; *at; at++) {
        const struct command *command = *at;
        struct option_list list;
        char condition[96];
        list_options(command, &list);
        snprintf(condition, sizeof condition, "__fish_seen_subcommand_from %s", command->name);
        fputc('\n', stream);
        for (size_t index = 0; index < list.count; index++)
            print_fish_option(stream, list.rows[index], condition);
        if (command->kind == OPERAND_COMMAND)
            for (const struct command *const *other = commands; *other; other++)
                fprintf(stream, "complete -c ghostvk -n '%s' -a %s\n", condition, (*other)->name);
        else if (command->kind != OPERAND_NONE)
            fprintf(stream, "complete -c ghostvk -n '%s' -F\n", condition);
    }
}
