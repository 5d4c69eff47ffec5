/* See device.h. */
#include "device.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/base/values.h"
#include "driver_files.h"
#include "lavapipe.h"

#define STAGES_MAX 16u

static const char *const precision_names[] = {"fp32", "fp16", "auto"};    /* by gvk_precision */
static const char *const queue_names[] = {"auto", "compute", "graphics"}; /* by gvk_queue_kind */

bool read_precision(const char *value, gvk_precision *out)
{
    for (int i = 0; i < 3; i++)
        if (strcmp(value, precision_names[i]) == 0) {
            *out = (gvk_precision)i;
            return true;
        }
    refuse_usage("--precision %s: fp32, fp16 or auto is wanted", *value ? value : "\"\"");
    return false;
}

bool read_queue(const char *value, gvk_queue_kind *out)
{
    for (int i = 0; i < 3; i++)
        if (strcmp(value, queue_names[i]) == 0) {
            *out = (gvk_queue_kind)i;
            return true;
        }
    refuse_usage("--queue %s: compute, graphics or auto is wanted", *value ? value : "\"\"");
    return false;
}

const char *queue_name(gvk_queue_kind queue)
{
    return queue_names[queue];
}

gvk_precision precision_of(const gvk_stream *stream)
{
    gvk_stream_info info = {.size = sizeof info};
    gvk_stream_describe(stream, &info);
    return info.precision;
}

const char *precision_name(gvk_precision precision)
{
    return precision_names[precision];
}

bool read_device(const char *value, struct device_choice *out)
{
    if (!*value) {
        refuse_usage("--device: the name is empty");
        return false;
    }
    if (value[strspn(value, "0123456789")] == 0) {
        const char *at = value;
        *out = (struct device_choice){.kind = GVK_DEVICE_INDEX, .queue = out->queue};
        if (read_digits(&at, UINT32_MAX, &out->index))
            return true;
        refuse_usage("--device %s: there is no device of such a number", value);
        return false;
    }
    bool cpu = strcmp(value, "cpu") == 0 || strcmp(value, "CPU") == 0;
    *out = (struct device_choice){
        .kind = cpu ? GVK_DEVICE_CPU : GVK_DEVICE_NAME, .name = cpu ? NULL : value, .queue = out->queue};
    return true;
}

int open_device(struct program *program, const struct device_choice *choice, gvk_device **out)
{
    gvk_device_params params = {
        .size = sizeof params,
        .host = &program->host,
        .choice = choice->kind,
        .index = choice->index,
        .name = choice->name,
        .queue = choice->queue,
    };
    char sentence[512];
    bool missing = driver_files_are_missing(sentence, sizeof sentence);
    make_room_for_lavapipe();
    gvk_result result = gvk_device_open(&params, out);
    if (result == GVK_ERROR_NO_DEVICE && missing)
        snprintf(program->error, sizeof program->error, "%s", sentence);
    return result ? report_failure(program, NULL, result) : OUTCOME_DONE;
}

gvk_result read_stage_times(gvk_stream *stream, gvk_ticket ticket, const char *const *names, size_t count, double *ms)
{
    gvk_timing timings[STAGES_MAX];
    uint32_t timing_count = STAGES_MAX;
    for (size_t stage = 0; stage < count; stage++)
        ms[stage] = NAN;
    gvk_result result = gvk_stream_timings(stream, ticket, timings, sizeof(gvk_timing), &timing_count);
    for (uint32_t index = 0; index < timing_count && index < STAGES_MAX && !result; index++)
        for (size_t stage = 0; stage < count; stage++)
            if (strcmp(timings[index].name, names[stage]) == 0)
                ms[stage] = timings[index].ms;
    return result;
}
