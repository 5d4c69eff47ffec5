/* See file_plan.h. A file that is there is its place in the file system; one that is not is its folder's, and its name.
 */
#include "file_plan.h"

#include <stdlib.h>
#include <string.h>

#include "cli/base/input_file.h"
#include "cli/base/message.h"
#include "cli/base/output_file.h"
#include "cli/system/files.h"

#define STDOUT_NUMBER 1

struct planned_file {
    uint64_t place[2];
    char *name;         /* in that folder; NULL: the file itself */
    const char *option; /* that writes it; NULL: it is read */
    const char *path;   /* of an output; NULL: standard output */
    size_t order;
};

static void add(struct file_plan *plan, struct planned_file file)
{
    if (plan->count == plan->capacity) {
        size_t capacity = plan->capacity ? plan->capacity * 2 : 16;
        struct planned_file *files = realloc(plan->files, capacity * sizeof *files);
        if (!files) {
            free(file.name);
            plan->lacks_memory = true;
            return;
        }
        plan->files = files;
        plan->capacity = capacity;
    }
    file.order = plan->count;
    plan->files[plan->count++] = file;
}

static bool can_be_shared(enum file_kind kind)
{
    return kind == FILE_DEVICE || kind == FILE_FOLDER; /* a folder is refused when it is opened */
}

void file_plan_read(struct file_plan *plan, const char *path)
{
    struct file_status status;
    if (path && file_look(path, &status) && status.kind == FILE_REGULAR)
        add(plan, (struct planned_file){.place = {status.place[0], status.place[1]}});
}

void file_plan_write(struct file_plan *plan, const char *option, const char *path)
{
    struct file_status status = {0};
    if (!path || output_is_stdout(path))
        return;
    struct planned_file file = {.option = option, .path = path};
    if (file_look(path, &status)) {
        if (can_be_shared(status.kind))
            return;
    } else {
        char *target = file_target(path), *folder = target ? copy_folder(target) : NULL;
        bool there = folder && file_look(*folder ? folder : ".", &status);
        size_t length = there ? strlen(base_name(target)) : 0;
        file.name = there ? malloc(length + 1) : NULL;
        if (file.name)
            memcpy(file.name, base_name(target), length + 1);
        plan->lacks_memory = plan->lacks_memory || (there && !file.name);
        free(folder);
        free(target);
        if (!file.name)
            return; /* what cannot be found cannot be opened either */
    }
    memcpy(file.place, status.place, sizeof file.place);
    add(plan, file);
}

void file_plan_write_stdout(struct file_plan *plan)
{
    struct file_status status;
    if (file_look_at_open(STDOUT_NUMBER, &status) && !can_be_shared(status.kind))
        add(plan, (struct planned_file){.place = {status.place[0], status.place[1]}, .option = "standard output"});
}

static int compare_places(const struct planned_file *left, const struct planned_file *right)
{
    for (size_t part = 0; part < 2; part++)
        if (left->place[part] != right->place[part])
            return left->place[part] < right->place[part] ? -1 : 1;
    if (!left->name || !right->name)
        return (left->name != NULL) - (right->name != NULL);
    return strcmp(left->name, right->name);
}

static int compare_files(const void *left, const void *right)
{
    const struct planned_file *a = left, *b = right;
    int places = compare_places(a, b);
    return places ? places : a->order < b->order ? -1 : a->order > b->order;
}

/* `later` was planned after `earlier`, and one of them is an output. */
static int refuse_pair(const struct planned_file *earlier, const struct planned_file *later)
{
    const struct planned_file *output = later->option ? later : earlier, *other = later->option ? earlier : later;
    const char *separator = output->path ? " " : "", *path = output->path ? output->path : "";
    if (!other->option)
        return refuse_usage("%s%s%s: the output is one of the inputs", output->option, separator, path);
    if (strcmp(output->option, other->option) == 0)
        return refuse_usage("%s%s%s: two outputs would be this file", output->option, separator, path);
    return refuse_usage("%s%s%s: %s writes that file, too", output->option, separator, path, other->option);
}

int file_plan_check(struct file_plan *plan)
{
    if (plan->lacks_memory)
        return refuse_memory();
    if (plan->count)
        qsort(plan->files, plan->count, sizeof *plan->files, compare_files);
    const struct planned_file *first = NULL, *second = NULL; /* the pair that was planned first */
    for (size_t index = 1; index < plan->count; index++) {
        const struct planned_file *earlier = &plan->files[index - 1], *later = &plan->files[index];
        if ((earlier->option || later->option) && compare_places(earlier, later) == 0 &&
            (!second || later->order < second->order)) {
            first = earlier;
            second = later;
        }
    }
    return second ? refuse_pair(first, second) : OUTCOME_DONE;
}

void file_plan_release(struct file_plan *plan)
{
    for (size_t index = 0; index < plan->count; index++)
        free(plan->files[index].name);
    free(plan->files);
    *plan = (struct file_plan){0};
}
