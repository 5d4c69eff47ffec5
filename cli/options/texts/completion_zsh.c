/* See completions.h. The script for zsh. */
#include "completions.h"

#include <stdbool.h>
#include <string.h>

#include "cli/options/program_words.h"

/* Inside single quotes; brackets, colons and backslashes are _arguments' own. */
static void print_zsh_text(FILE *stream, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", stream);
        else
            fprintf(stream, "%s%c", strchr("[]:\\", *text) ? "\\" : "", *text);
    }
}

/* An argument of _arguments: (-m --model)'{-m+,--model=}'[text]:MODEL:_files */
static void print_zsh_option(FILE *stream, const struct option_row *row, const char *indent)
{
    bool repeats = row->id == OPTION_VERBOSE && row->letter == 'v', takes = row->value != NULL;
    fprintf(stream, " \\\n%s", indent);
    if (row->letter && repeats)
        fprintf(stream, "'*'{-%c,--%s}'", row->letter, row->name);
    else if (row->letter)
        fprintf(stream, "'(-%c --%s)'{-%c%s,--%s%s}'", row->letter, row->name, row->letter, takes ? "+" : "", row->name,
                takes ? "=" : "");
    else
        fprintf(stream, "'--%s%s", row->name, takes ? "=" : "");
    fputc('[', stream);
    print_zsh_text(stream, row->text);
    fputc(']', stream);
    if (takes) {
        fputc(':', stream);
        print_zsh_text(stream, row->value);
        fputc(':', stream);
        switch (row->kind) {
        case VALUE_FILE: fputs("_files", stream); break;
        case VALUE_FOLDER: fputs("_files -/", stream); break;
        case VALUE_CHOICE: fprintf(stream, "(%s)", row->choices); break;
        case VALUE_TEXT: fputc(' ', stream); break;
        }
    }
    fputc('\'', stream);
}

static void print_zsh_command(FILE *stream, const struct command *command)
{
    struct option_list list;
    list_options(command, &list);
    fprintf(stream, "            %s)\n                _arguments -s -S", command->name);
    for (size_t index = 0; index < list.count; index++)
        print_zsh_option(stream, list.rows[index], "                    ");
    switch (command->kind) {
    case OPERAND_NONE: break;
    case OPERAND_COMMAND: fputs(" \\\n                    '1:command:_ghostvk_commands'", stream); break;
    case OPERAND_MODEL: fputs(" \\\n                    '1:model:_files'", stream); break;
    case OPERAND_PICTURES:
    case OPERAND_FILES: fputs(" \\\n                    '*:file:_files'", stream); break;
    }
    fputs(" && return 0\n                ;;\n", stream);
}

void print_zsh_completion(FILE *stream, const struct command *const *commands)
{
    fputs("#compdef ghostvk\n\n_ghostvk_commands() {\n    local -a commands\n    commands=(\n", stream);
    for (const struct command *const *command = commands; *command; command++) {
        fprintf(stream, "        '%s:", (*command)->name);
        print_zsh_text(stream, (*command)->summary);
        fputs("'\n", stream);
    }
    fputs("    )\n    _describe -t commands command commands\n}\n\n"
          "_ghostvk() {\n    local curcontext=$curcontext state state_descr line\n    typeset -A opt_args\n"
          "    _arguments -C",
          stream);
    for (const struct option_row *row = program_options; row->id; row++)
        print_zsh_option(stream, row, "        ");
    fputs(" \\\n        '1:command:_ghostvk_commands' \\\n        '*::argument:->arguments' && return 0\n"
          "    if [[ $state == arguments ]]; then\n"
          "        curcontext=${curcontext%:*:*}:ghostvk-$words[1]:\n"
          "        case $words[1] in\n",
          stream);
    for (const struct command *const *command = commands; *command; command++)
        print_zsh_command(stream, *command);
    fputs("        esac\n    fi\n    return 1\n}\n\n"
          "if [[ $funcstack[1] == _ghostvk ]]; then\n    _ghostvk \"$@\"\nelse\n    compdef _ghostvk ghostvk\nfi\n",
          stream);
}
