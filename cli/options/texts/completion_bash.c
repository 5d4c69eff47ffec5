/* See completions.h. The script for bash needs nothing but bash 4. Bash takes the = of --name=value for a word of its
 * own, where COMP_WORDBREAKS has it, as it has by itself. */
#include "completions.h"

#include <string.h>

#include "cli/options/program_words.h"

static const char beginning[] =
    "# Words of ghostvk for bash.                                -*- shell-script -*-\n"
    "_ghostvk()\n"
    "{\n"
    "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}\n"
    "    local options= values= files=no begun=\n"
    "    COMPREPLY=()\n"
    "    if [[ $word == '=' && $before == --* ]]; then\n"
    "        word=\n"
    "    elif [[ $before == '=' ]]; then\n"
    "        before=${COMP_WORDS[COMP_CWORD-2]}\n"
    "    elif [[ $word == --*=* ]]; then # bash was told not to part it\n"
    "        begun=${word%%=*}=\n"
    "        before=${word%%=*}\n"
    "        word=${word#*=}\n"
    "    fi\n";

static const char ending[] = "    if [[ -z $values && $files == no && $word == -* ]]; then\n"
                             "        values=$options\n"
                             "    fi\n"
                             "    if [[ -n $values ]]; then\n"
                             "        COMPREPLY=($(compgen -P \"$begun\" -W \"$values\" -- \"$word\"))\n"
                             "    elif [[ $files != no ]]; then\n"
                             "        local IFS=$'\\n'\n"
                             "        [[ $files == folders ]] && files=-d || files=-f\n"
                             "        COMPREPLY=($(compgen -P \"$begun\" $files -- \"$word\"))\n"
                             "        compopt -o filenames 2>/dev/null\n"
                             "    fi\n"
                             "}\n"
                             "complete -F _ghostvk ghostvk\n";

static void print_names(FILE *stream, const struct command *const *commands)
{
    for (const struct command *const *command = commands; *command; command++)
        fprintf(stream, "%s%s", command == commands ? "" : " ", (*command)->name);
}

static void print_option_names(FILE *stream, const struct option_row *row)
{
    fprintf(stream, "--%s ", row->name);
    if (row->letter)
        fprintf(stream, "-%c ", row->letter);
}

/* A case for the option's value, where it takes one: what there is to complete, or nothing. */
static void print_value(FILE *stream, const struct option_row *row, const char *indent)
{
    if (!row->value)
        return;
    fprintf(stream, "%s--%s", indent, row->name);
    if (row->letter)
        fprintf(stream, " | -%c", row->letter);
    switch (row->kind) {
    case VALUE_FILE: fputs(") files=all ;;\n", stream); break;
    case VALUE_FOLDER: fputs(") files=folders ;;\n", stream); break;
    case VALUE_CHOICE: fprintf(stream, ") values='%s' ;;\n", row->choices); break;
    case VALUE_TEXT: fputs(") return ;;\n", stream); break;
    }
}

static void print_command(FILE *stream, const struct command *command, const struct command *const *commands)
{
    struct option_list list;
    list_options(command, &list);
    fprintf(stream, "    %s)\n        options='", command->name);
    for (size_t index = 0; index < list.count; index++)
        print_option_names(stream, list.rows[index]);
    fputs("'\n        case $before in\n", stream);
    for (size_t index = 0; index < list.count; index++)
        print_value(stream, list.rows[index], "        ");
    switch (command->kind) {
    case OPERAND_NONE: fputs("        *) values=$options ;;\n", stream); break;
    case OPERAND_COMMAND:
        fputs("        *) [[ $word == -* ]] || values='", stream);
        print_names(stream, commands);
        fputs("' ;;\n", stream);
        break;
    case OPERAND_MODEL:
    case OPERAND_PICTURES:
    case OPERAND_FILES: fputs("        *) [[ $word == -* ]] || files=all ;;\n", stream); break;
    }
    fputs("        esac\n        ;;\n", stream);
}

void print_bash_completion(FILE *stream, const struct command *const *commands)
{
    fputs(beginning, stream);
    fputs("    if ((COMP_CWORD == 1)); then\n        command=\n    fi\n    case $command in\n    '')\n        values='",
          stream);
    print_names(stream, commands);
    fputs("'\n        options='", stream);
    for (const struct option_row *row = program_options; row->id; row++)
        print_option_names(stream, row);
    fputs("'\n        [[ $word == -* ]] && values=\n        ;;\n", stream);
    for (const struct option_row *row = program_options; row->id; row++) {
        if (row->kind == VALUE_CHOICE)
            fprintf(stream, "    --%s) ((COMP_CWORD <= 3)) && values='%s' ;;\n", row->name, row->choices);
    }
    for (const struct command *const *command = commands; *command; command++)
        print_command(stream, *command, commands);
    fputs("    esac\n", stream);
    fputs(ending, stream);
}
