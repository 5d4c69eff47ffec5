/* See model_path.h. */
#include "model_path.h"

#include <stdlib.h>
#include <string.h>

#include "cli/base/input_file.h"
#include "cli/base/message.h"
#include "cli/base/values.h"
#include "cli/system/files.h"
#include "cli/system/process.h"
#include "text_lists.h"

#define SHIPPED_MODEL "blood-cells.safetensors"

/* ---- the model that comes with the program ----------------------------------------------------------------------- */

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
    char *program_path = process_own_path(program->path), *folder = program_path ? copy_folder(program_path) : NULL,
         *found = NULL;
    for (size_t index = 0; folder && !found && index < sizeof beside / sizeof *beside; index++) {
        char *candidate = join(folder, beside[index]);
        if (candidate && file_is_readable(candidate)) {
            found = file_real_path(candidate);
            free(candidate);
        } else {
            free(candidate);
        }
    }
#ifdef GVK_SHARE_DIR
    if (!found && file_is_readable(GVK_SHARE_DIR "/" SHIPPED_MODEL))
        found = join(GVK_SHARE_DIR, "/" SHIPPED_MODEL);
#endif
    free(folder);
    free(program_path);
    return found;
}

/* ---- options ----------------------------------------------------------------------------------------------------- */

bool read_model_option(struct model_choice *choice, int option, const char *value)
{
    switch (option) {
    case OPTION_MODEL: return read_path("-m", value, &choice->path);
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

/* Where the model is; NULL when there is none, or memory ran out. The caller frees. */
static char *find_model(const struct program *program, const struct model_choice *choice)
{
    return choice->path ? join(choice->path, "") : find_shipped_model(program);
}

void model_choice_plan(const struct program *program, const struct model_choice *choice, struct file_plan *plan)
{
    char *path = find_model(program, choice);
    file_plan_read(plan, path);
    file_plan_read(plan, choice->classes);
    file_plan_read(plan, choice->anchors);
    free(path);
}

int model_file_open(struct program *program, const struct model_choice *choice, struct model_file *out)
{
    struct name_list names = {0};
    float anchors[2 * GVK_ANCHORS];
    char *path = NULL;
    gvk_network *network = NULL;
    int outcome = OUTCOME_DONE;
    *out = (struct model_file){0};
    if (choice->classes)
        outcome = read_class_names(choice->classes, &names);
    if (outcome == OUTCOME_DONE && choice->anchors)
        outcome = read_anchors(choice->anchors, anchors);
    if (outcome != OUTCOME_DONE)
        goto done;

    path = find_model(program, choice);
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
    *out = (struct model_file){.path = path, .network = network, .info = {.size = sizeof out->info}};
    gvk_network_describe(network, &out->info);
    path = NULL;
done:
    free(path);
    name_list_release(&names);
    return outcome;
}

int model_file_generate(struct program *program, uint32_t class_count, struct model_file *out)
{
    gvk_result result = gvk_network_generate(&program->host, class_count, &out->network);
    if (result)
        return report_failure(program, NULL, result);
    out->info.size = sizeof out->info;
    gvk_network_describe(out->network, &out->info);
    return OUTCOME_DONE;
}

void model_file_close(struct model_file *file)
{
    gvk_network_destroy(file->network);
    free(file->path);
    *file = (struct model_file){0};
}

int refuse_models(char *const *operands, size_t count)
{
    static const char *const endings[] = {".safetensors", ".pth", ".pt"};
    for (size_t index = 0; index < count; index++) {
        const char *dot = strrchr(base_name(operands[index]), '.');
        for (size_t ending = 0; dot && ending < sizeof endings / sizeof *endings; ending++)
            if (strcmp(dot, endings[ending]) == 0)
                return refuse_usage("%s: that is the name of a model, which is given by -m", operands[index]);
    }
    return OUTCOME_DONE;
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
