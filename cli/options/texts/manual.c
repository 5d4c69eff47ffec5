/* See manual.h. Lines begin with a macro or with text whose first letter is none of roff's; what stands between
 * backticks in a text is bold. */
#include "manual.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "cli/options/program_words.h"

#define LINE_WIDTH 70

/* Text as roff prints it, in lines of the source that are not long. Every dash is one that can be searched for and
 * copied where `exact`, else those of options and negative numbers alone. */
static void print_roff(FILE *stream, const char *text, size_t length, bool exact)
{
    bool bold = false;
    char before = '\n';
    size_t column = 0;
    for (size_t index = 0; index < length; before = text[index++], column++) {
        char letter = text[index];
        if (column == 0 && (letter == '.' || letter == '\''))
            fputs("\\&", stream);
        switch (letter) {
        case '\\': fputs("\\e", stream); break;
        case '\'': fputs(exact ? "\\(aq" : "'", stream); break;
        case '"': fputs("\\(dq", stream); break;
        case '^': fputs("\\(ha", stream); break;
        case '~': fputs("\\(ti", stream); break;
        case '-': fputs(exact || bold || strchr(" \n-(", before) ? "\\-" : "-", stream); break;
        case '`':
            bold = !bold;
            fputs(bold ? "\\fB" : "\\fR", stream);
            break;
        case ' ':
            if (!exact && column > LINE_WIDTH - 12) {
                fputc('\n', stream);
                column = (size_t)-1;
                break;
            }
            fputc(letter, stream);
            break;
        default: fputc(letter, stream);
        }
    }
}

static void print_text_line(FILE *stream, const char *text)
{
    print_roff(stream, text, strlen(text), false);
    fputc('\n', stream);
}

static void print_option(FILE *stream, const struct option_row *row)
{
    fputs(".TP\n", stream);
    if (row->letter)
        fprintf(stream, "\\fB\\-%c\\fR, ", row->letter);
    fputs("\\fB\\-\\-", stream);
    print_roff(stream, row->name, strlen(row->name), true);
    fputs("\\fR", stream);
    if (row->value) {
        fputs(" \\fI", stream);
        print_roff(stream, row->value, strlen(row->value), true);
        fputs("\\fR", stream);
    }
    fputc('\n', stream);
    print_text_line(stream, row->text);
}

static void print_examples(FILE *stream, const char *lines)
{
    fputs(".EX\n", stream);
    for (const char *line = lines; *line;) {
        size_t length = strcspn(line, "\n");
        fputs("  ", stream);
        print_roff(stream, line, length, true);
        fputc('\n', stream);
        line += length + (line[length] != 0);
    }
    fputs(".EE\n", stream);
}

/* A sentence that goes on from the program's name, on its own. */
static void print_sentence(FILE *stream, const char *sentence)
{
    fputc(toupper((unsigned char)sentence[0]), stream);
    print_text_line(stream, sentence + 1);
}

static void print_command(FILE *stream, const struct command *command)
{
    struct option_list list;
    list_options(command, &list);
    fprintf(stream, ".SS ghostvk %s\n\\fBghostvk %s\\fR [\\fIOPTION\\fR]...", command->name, command->name);
    if (command->usage) {
        fputc(' ', stream);
        print_roff(stream, command->usage, strlen(command->usage), true);
    }
    fputs("\n.PP\n", stream);
    print_sentence(stream, command->sentence);
    for (size_t index = 0; index < list.count; index++)
        print_option(stream, list.rows[index]);
    if (command->notes) {
        fputs(".PP\n", stream);
        print_text_line(stream, command->notes);
    }
    fputs(".PP\n", stream);
    print_examples(stream, command->example);
}

static void print_terms(FILE *stream, const char *heading, const struct term *terms)
{
    fprintf(stream, ".SH %s\n", heading);
    for (; terms->name; terms++) {
        fprintf(stream, ".TP\n.B %s\n", terms->name);
        print_text_line(stream, terms->text);
    }
}

void print_manual(FILE *stream, const struct command *const *commands, const char *version, const char *date)
{
    fprintf(stream, ".TH GHOSTVK 1 \"%s\" \"ghostvk %s\" \"User Commands\"\n", date, version);
    fputs(".SH NAME\nghostvk \\- find objects in pictures with GhostNet-YOLOv4, on any Vulkan device\n"
          ".SH SYNOPSIS\n\\fBghostvk\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR]... [\\fIFILE\\fR]...\n"
          ".SH DESCRIPTION\n",
          stream);
    fprintf(stream, "\\fBghostvk\\fR ");
    print_text_line(stream, program_sentence);
    print_text_line(stream, "Results are written to standard output, and everything else that it says to standard "
                            "error. Options and files of a command may stand in any order; `--` ends the options. The "
                            "value of a long option may be given as `--name=value` or as two words.");
    fputs(".SH OPTIONS\n", stream);
    for (const struct option_row *row = program_options; row->id; row++)
        print_option(stream, row);
    fputs(".SH COMMANDS\n", stream);
    for (const struct command *const *command = commands; *command; command++)
        print_command(stream, *command);
    print_terms(stream, "EXIT STATUS", program_exit_codes);
    print_terms(stream, "ENVIRONMENT", program_environment);
    fputs(".SH FILES\n.TP\n.I share/ghostvk/blood-cells.safetensors\n"
          "the model that is taken where no other is named, beside the program's folder\n"
          ".SH EXAMPLES\n",
          stream);
    print_examples(stream, program_example);
    fputs(".SH SEE ALSO\n.BR vulkaninfo (1),\n.BR ffmpeg (1)\n", stream);
}
