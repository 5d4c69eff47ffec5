/* See text_lists.h. */
#include "text_lists.h"

#include <stdlib.h>
#include <string.h>

#include "cli/base/input_file.h"
#include "cli/base/message.h"
#include "cli/base/text.h"
#include "cli/base/values.h"

#define LIST_LIMIT   ((size_t)1 << 20) /* bytes of a file */
#define ANCHOR_LIMIT 1e6               /* pixels */

/* ---- text -------------------------------------------------------------------------------------------------------- */

/* A text file whole, a zero behind it, without the mark that some editors put in front of UTF-8. */
static char *read_text(const char *path, size_t *length, char *message, size_t message_size)
{
    static const char mark[] = "\xEF\xBB\xBF";
    char *text = read_small_file(path, LIST_LIMIT, length, message, message_size);
    if (!text)
        return NULL;
    if (*length >= 2 && (memcmp(text, "\xFF\xFE", 2) == 0 || memcmp(text, "\xFE\xFF", 2) == 0)) {
        snprintf(message, message_size, "is text in UTF-16; save it as UTF-8");
        free(text);
        return NULL;
    }
    if (*length >= sizeof mark - 1 && memcmp(text, mark, sizeof mark - 1) == 0) {
        *length -= sizeof mark - 1;
        memmove(text, text + sizeof mark - 1, *length + 1);
    }
    return text;
}

/* The length of the white space at `at`, or 0: what Python's strip takes away. */
static size_t measure_space(const char *at)
{
    static const char *const spaces[] = {
        "\xC2\x85",     "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\x80", "\xE2\x80\x81", "\xE2\x80\x82", "\xE2\x80\x83",
        "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86", "\xE2\x80\x87", "\xE2\x80\x88", "\xE2\x80\x89", "\xE2\x80\x8A",
        "\xE2\x80\xA8", "\xE2\x80\xA9", "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80",
    };
    if (*at == ' ' || (*at >= '\t' && *at <= '\r') || (*at >= 0x1C && *at <= 0x1F))
        return 1;
    for (size_t index = 0; index < sizeof spaces / sizeof *spaces; index++)
        if (strncmp(at, spaces[index], strlen(spaces[index])) == 0)
            return strlen(spaces[index]);
    return 0;
}

/* Cuts the white space at both ends off a string. */
static char *trim(char *text)
{
    char *last = NULL; /* where the white space at the end begins */
    for (size_t step; (step = measure_space(text)) != 0;)
        text += step;
    for (char *at = text; *at;) {
        size_t step = measure_space(at);
        if (!step)
            last = NULL;
        else if (!last)
            last = at;
        at += step ? step : 1;
    }
    if (last)
        *last = 0;
    return text;
}

/* ---- class names ------------------------------------------------------------------------------------------------- */

static const char *find_name_problem(const char *name, size_t length)
{
    if (length == 0)
        return "is empty";
    for (size_t index = 0; index < length;) {
        size_t character = text_measure(name + index, length - index);
        unsigned char byte = (unsigned char)name[index];
        if (character == 0)
            return "is not UTF-8";
        if (byte < 0x20 || byte == 0x7F || (byte == 0xC2 && (unsigned char)name[index + 1] < 0xA0))
            return "holds a control character";
        index += character;
    }
    return NULL;
}

/* Where a line ends: at \n, \r\n or \r. The end is made a zero; returns the next line. */
static char *end_line(char *at, char *end)
{
    while (at < end && *at != '\n' && *at != '\r')
        at++;
    bool is_double = at + 1 < end && at[0] == '\r' && at[1] == '\n';
    *at = 0;
    return is_double ? at + 2 : at + 1;
}

int read_class_names(const char *path, struct name_list *out)
{
    char message[256];
    size_t length = 0, most = 1;
    char *text = read_text(path, &length, message, sizeof message);
    *out = (struct name_list){.text = text};
    if (!text)
        return refuse_usage("--classes %s: %s", path, message);
    for (size_t index = 0; index < length; index++)
        most += text[index] == '\n' || text[index] == '\r';
    out->names = calloc(most, sizeof *out->names);
    if (!out->names) {
        name_list_release(out);
        return refuse_memory();
    }
    if (strlen(text) != length) {
        name_list_release(out);
        return refuse_usage("--classes %s: it holds a zero byte, as no text does", path);
    }
    char *at = text, *end = text + length;
    for (uint32_t line = 0; line < most; line++) {
        char *next = at < end ? end_line(at, end) : end;
        out->names[line] = trim(at);
        if (*out->names[line])
            out->count = line + 1; /* blank lines behind it do not count */
        at = next < end ? next : end;
    }
    out->count = out->count ? out->count : 1;
    for (uint32_t line = 0; line < out->count; line++) {
        const char *name = out->names[line], *problem = name ? find_name_problem(name, strlen(name)) : NULL;
        if (!problem)
            continue;
        int outcome = refuse_usage("--classes %s: line %u %s", path, (unsigned)line + 1, problem);
        name_list_release(out);
        return outcome;
    }
    return OUTCOME_DONE;
}

void name_list_release(struct name_list *list)
{
    free((void *)list->names);
    free(list->text);
    *list = (struct name_list){0};
}

int read_anchors(const char *path, float anchors[2 * GVK_ANCHORS])
{
    char message[256];
    size_t length = 0;
    char *text = read_text(path, &length, message, sizeof message);
    if (!text)
        return refuse_usage("--anchors %s: %s", path, message);
    const char *at = text;
    int outcome = OUTCOME_DONE;
    size_t count = 0;
    bool is_list = strlen(text) == length;
    while (is_list) {
        double value;
        at += strspn(at, " \t\r\n");
        if (!read_number(&at, &value) || !(value > 0 && value <= ANCHOR_LIMIT)) {
            is_list = false;
            break;
        }
        if (count < 2 * GVK_ANCHORS)
            anchors[count] = (float)value;
        count++;
        at += strspn(at, " \t\r\n");
        if (*at != ',')
            break;
        at++;
    }
    if (!is_list || *at)
        outcome = refuse_usage("--anchors %s: a list of positive numbers with commas between is wanted", path);
    else if (count != 2 * GVK_ANCHORS)
        outcome = refuse_usage("--anchors %s: %zu numbers instead of %d", path, count, 2 * GVK_ANCHORS);
    free(text);
    return outcome;
}
