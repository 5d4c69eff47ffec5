/* See completions.h. The scripts of zsh and fish; bash's is beside them. */
#include "completions.h"

#include <string.h>

#include "program_words.h"

bool print_completion(FILE *stream, const char *shell, const struct command *const *commands)
{
    static const struct {
        const char *name;
        void (*print)(FILE *stream, const struct command *const *commands);
    } shells[] = {{"bash", print_bash_completion}, {"zsh", print_zsh_completion}, {"fish", print_fish_completion}};
    for (size_t index = 0; index < sizeof shells / sizeof *shells; index++) {
        if (strcmp(shell, shells[index].name) != 0)
            continue;
        shells[index].print(stream, commands);
        return true;
    }
    return false;
}

/* The text with a backslash before each of `escaped`. A quote of the shell ends, is put in, and begins anew. */
static void print_escaped(FILE *stream, const char *text, const char *escaped, const char *quote)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs(quote, stream);
        else if (strchr(escaped, *text))
            fprintf(stream, "\\%c", *text);
        else
            fputc(*text, stream);
    }
}

/* ---- zsh --------------------------------------------------------------------------------------------------------- */

/* Inside single quotes; brackets, colons and backslashes are _arguments' own. */
static void print_zsh_text(FILE *stream, const char *text)
{
    print_escaped(stream, text, "[]:\\", "'\\''");
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

/* ---- fish -------------------------------------------------------------------------------------------------------- */

static void print_fish_text(FILE *stream, const char *text)
{
    fputs(" -d '", stream);
    print_escaped(stream, text, "\\", "\\'");
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
