/* See model_path.h. */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* realpath is no part of plain POSIX */
#endif

#include "model_path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHIPPED_MODEL "blood-cells.safetensors"
#define LIST_LIMIT    ((size_t)1 << 20) /* bytes of a file of class names or anchors */
#define ANCHOR_LIMIT  1e6               /* pixels */

/* ---- the model that comes with the program ----------------------------------------------------------------------- */

/* The program's own path, links resolved; NULL when it cannot be told. */
static char *find_program(const struct program *program)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path);
    if (length > 0 && (size_t)length < sizeof path) {
        char *copy = malloc((size_t)length + 1);
        if (copy) {
            memcpy(copy, path, (size_t)length);
            copy[length] = 0;
        }
        return copy;
    }
    /* A name without a slash was found through PATH, and realpath would look for it in the current folder. */
    return strchr(program->path, '/') ? realpath(program->path, NULL) : NULL;
}

static char *join(const char *folder, const char *rest)
{
    size_t length = strlen(folder), rest_length = strlen(rest);
    char *joined = malloc(length + rest_length + 1);
    if (joined) {
        memcpy(joined, folder, length);
        memcpy(joined + length, rest, rest_length + 1);
    }
    return joined;
}

/* NULL when it is nowhere. */
static char *find_shipped_model(const struct program *program)
{
    static const char *const beside[] = {
        SHIPPED_MODEL,
        "../models/" SHIPPED_MODEL,
        "../../models/" SHIPPED_MODEL,
        "../share/ghostvk/" SHIPPED_MODEL,
    };
    char *program_path = find_program(program), *folder = program_path ? copy_folder(program_path) : NULL,
         *found = NULL;
    for (size_t index = 0; folder && !found && index < sizeof beside / sizeof *beside; index++) {
        char *candidate = join(folder, beside[index]);
        if (candidate && access(candidate, R_OK) == 0) {
            found = realpath(candidate, NULL);
            free(candidate);
        } else {
            free(candidate);
        }
    }
#ifdef GVK_SHARE_DIR
    if (!found && access(GVK_SHARE_DIR "/" SHIPPED_MODEL, R_OK) == 0)
        found = join(GVK_SHARE_DIR, "/" SHIPPED_MODEL);
#endif
    free(folder);
    free(program_path);
    return found;
}

/* ---- class names ------------------------------------------------------------------------------------------------- */

struct name_list {
    char *text; /* the file, its line ends made zeros */
    const char **names;
    uint32_t count;
};

/* The length of the UTF-8 character at `at`, or 0 where there is none: shortest forms only, no surrogates. */
static size_t measure_character(const char *at)
{
    const unsigned char *bytes = (const unsigned char *)at;
    unsigned first = bytes[0], lowest = 0x80, highest = 0xBF;
    size_t length;
    if (first < 0x80)
        return 1;
    if (first >= 0xC2 && first <= 0xDF)
        length = 2;
    else if (first >= 0xE0 && first <= 0xEF)
        length = 3;
    else if (first >= 0xF0 && first <= 0xF4)
        length = 4;
    else
        return 0;
    if (first == 0xE0)
        lowest = 0xA0;
    else if (first == 0xED)
        highest = 0x9F;
    else if (first == 0xF0)
        lowest = 0x90;
    else if (first == 0xF4)
        highest = 0x8F;
    for (size_t index = 1; index < length; index++) { /* the zero at the text's end stops this in time */
        if (bytes[index] < lowest || bytes[index] > highest)
            return 0;
        lowest = 0x80;
        highest = 0xBF;
    }
    return length;
}

static const char *find_name_problem(const char *name, size_t length)
{
    if (length == 0)
        return "is empty";
    for (size_t index = 0; index < length;) {
        size_t character = measure_character(name + index);
        unsigned char byte = (unsigned char)name[index];
        if (character == 0)
            return "is not UTF-8";
        if (byte < 0x20 || byte == 0x7F || (byte == 0xC2 && (unsigned char)name[index + 1] < 0xA0))
            return "holds a control character";
        index += character;
    }
    return NULL;
}

static int read_names(const char *path, struct name_list *out)
{
    char message[256];
    size_t length = 0;
    char *text = read_small_file(path, LIST_LIMIT, &length, message, sizeof message);
    const char **names = NULL;
    if (!text)
        return refuse_usage("--classes %s: %s", path, message);
    char *at = text, *end = text + length;
    if (length >= 3 && memcmp(at, "\xEF\xBB\xBF", 3) == 0)
        at += 3;
    while (end > at && (end[-1] == '\n' || end[-1] == '\r'))
        end--;
    *end = 0;

    size_t lines = 1;
    for (const char *byte = at; byte < end; byte++)
        lines += *byte == '\n';
    int outcome = OUTCOME_DONE;
    names = malloc(lines * sizeof *names);
    if (!names) {
        outcome = refuse_memory();
        goto failed;
    }
    for (uint32_t line = 0; line < lines; line++) {
        char *line_end = memchr(at, '\n', (size_t)(end - at));
        if (!line_end)
            line_end = end;
        size_t name_length = (size_t)(line_end - at);
        if (name_length && at[name_length - 1] == '\r')
            name_length--;
        const char *problem = find_name_problem(at, name_length);
        if (problem) {
            outcome = refuse_usage("--classes %s: line %u %s", path, (unsigned)line + 1, problem);
            goto failed;
        }
        at[name_length] = 0;
        names[line] = at;
        at = line_end + 1;
    }
    *out = (struct name_list){.text = text, .names = names, .count = (uint32_t)lines};
    return OUTCOME_DONE;
failed:
    free((void *)names);
    free(text);
    return outcome;
}

/* ---- anchors ----------------------------------------------------------------------------------------------------- */

static int read_anchors(const char *path, float anchors[2 * GVK_ANCHORS])
{
    char message[256];
    size_t length = 0;
    char *text = read_small_file(path, LIST_LIMIT, &length, message, sizeof message);
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

/* ---- options ----------------------------------------------------------------------------------------------------- */

bool read_model_option(struct model_choice *choice, int option, const char *value)
{
    switch (option) {
    case 'm': return read_path("-m", value, &choice->path);
    case OPTION_WEIGHTS:
        if (!*value)
            refuse_usage("--weights: the name is empty");
        choice->weights = value;
        return *value != 0;
    case OPTION_ALLOW_UNUSED: choice->allow_unused = true; return true;
    default: return false;
    }
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

int model_file_open(struct program *program, const struct model_choice *choice, struct model_file *out)
{
    struct name_list names = {0};
    float anchors[2 * GVK_ANCHORS];
    char *path = NULL;
    gvk_network *network = NULL;
    int outcome = OUTCOME_DONE;
    *out = (struct model_file){0};
    if (choice->classes)
        outcome = read_names(choice->classes, &names);
    if (outcome == OUTCOME_DONE && choice->anchors)
        outcome = read_anchors(choice->anchors, anchors);
    if (outcome != OUTCOME_DONE)
        goto done;

    path = choice->path ? join(choice->path, "") : find_shipped_model(program);
    if (!path && choice->path) {
        outcome = refuse_memory();
        goto done;
    }
    if (!path) {
        say("The model that comes with ghostvk, " SHIPPED_MODEL ", was not found; name a model with -m.");
        outcome = OUTCOME_MODEL_REFUSED;
        goto done;
    }
    gvk_network_params params = {
        .size = sizeof params,
        .path = path,
        .classes = names.names,
        .class_count = names.count,
        .anchors = choice->anchors ? anchors : NULL,
        .weights = choice->weights,
        .allow_unused = choice->allow_unused,
    };
    gvk_result result = gvk_network_open(&program->host, &params, &network);
    if (result) {
        /* The sentence names the file where reading it went wrong, but not where its content does not fit. */
        bool is_named = strstr(failure_reason(program, result), base_name(path)) != NULL;
        outcome = report_failure(program, is_named ? NULL : path, result);
        goto done;
    }
    *out = (struct model_file){.path = path, .network = network};
    gvk_network_describe(network, &out->info);
    path = NULL;
done:
    free(path);
    free((void *)names.names);
    free(names.text);
    return outcome;
}

int model_file_generate(struct program *program, uint32_t class_count, struct model_file *out)
{
    gvk_result result = gvk_network_generate(&program->host, class_count, &out->network);
    if (result)
        return report_failure(program, NULL, result);
    gvk_network_describe(out->network, &out->info);
    return OUTCOME_DONE;
}

void model_file_close(struct model_file *file)
{
    gvk_network_destroy(file->network);
    free(file->path);
    *file = (struct model_file){0};
}

void print_class_count(FILE *stream, uint32_t count)
{
    fprintf(stream, "%u class%s", (unsigned)count, count == 1 ? "" : "es");
}

void say_unused_tensors(const struct program *program, const struct model_file *file)
{
    if (program->verbosity == 0)
        return;
    for (uint32_t index = 0; index < file->info.unused_count; index++)
        say("info: the network does not use the tensor %s", file->info.unused[index]);
}
