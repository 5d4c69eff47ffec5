/* Plans the detector's frame for a device and lists its pipelines. */
#include "selection.h"

#include <stdlib.h>

#include "plan.h"

#define LOCAL_SIZE 64 /* of every kernel outside the network */

static bool add(struct selected *list, uint32_t *count, const struct gvk_pipeline_key *key, uint64_t macs,
                uint64_t workgroups)
{
    uint32_t i = 0;
    while (i < *count && !gvk_pipeline_keys_equal(&list[i].key, key))
        i++;
    if (i == MAX_SELECTED)
        return false;
    if (i == *count)
        list[(*count)++] = (struct selected){.key = *key, .workgroups = workgroups};
    list[i].dispatches++;
    list[i].macs += macs;
    if (workgroups < list[i].workgroups)
        list[i].workgroups = workgroups;
    return true;
}

static int more_work_first(const void *left, const void *right)
{
    const struct selected *a = left, *b = right;
    if (a->macs != b->macs)
        return a->macs < b->macs ? 1 : -1;
    return a->key.shader < b->key.shader ? -1 : a->key.shader > b->key.shader;
}

uint32_t select_pipelines(const struct gvk_policy *policy, struct selected out[MAX_SELECTED])
{
    /* The steps of a frame outside the network (runtime/intake/intake.c, ghostnet/detection/suppression.c): they have
     * no variants. */
    static const enum gvk_shader others[] = {GVK_SHADER_RESIZE_HORIZONTAL,
                                             GVK_SHADER_RESIZE_VERTICAL,
                                             GVK_SHADER_DECODE,
                                             GVK_SHADER_SORT_BLOCKS,
                                             GVK_SHADER_SORT_MERGE_LAST,
                                             GVK_SHADER_OVERLAP,
                                             GVK_SHADER_KEEP,
                                             GVK_SHADER_DROP,
                                             GVK_SHADER_COLLECT};
    struct planned planned;
    uint32_t count = 0;
    bool complete = plan_frame(policy, 1, &planned);
    const struct gvk_program *program = planned.program;
    for (uint32_t i = 0; complete && i < program->command_count; i++) {
        const struct gvk_command *command = &program->commands[i];
        if (command->kind == GVK_COMMAND_DISPATCH)
            complete = add(out, &count, &command->key, command->macs,
                           (uint64_t)command->groups[0] * command->groups[1] * command->groups[2]);
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0] && complete; i++) {
        struct gvk_pipeline_key key = {.shader = gvk_shader_for(policy, others[i])};
        key.constants[GVK_CONSTANT_LOCAL_SIZE] = LOCAL_SIZE;
        complete = add(out, &count, &key, 0, 0);
    }
    qsort(out, count, sizeof *out, more_work_first);
    planned_release(&planned);
    return complete ? count : 0;
}
