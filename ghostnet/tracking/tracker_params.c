/* See tracker_params.h. */
#include "tracker_params.h"

#include <stddef.h>

#include "runtime/base/structs.h"

static const struct gvk_layout layout_of_params = GVK_LAYOUT(gvk_tracker_params, derivative_cutoff, derivative_cutoff);

/* A number of the params: what 0 stands for, and its range; where negative numbers mean something, they mean `below`.
 */
struct number {
    const char *name;
    size_t offset;
    double usual, least, most;
    bool may_be_negative;
    double below;
    size_t to; /* a double of the settings */
};

#define NUMBER(member, setting, usual, least, most)                                                                    \
    {                                                                                                                  \
#member, offsetof(gvk_tracker_params, member), usual, least, most, false, 0,                                   \
            offsetof(struct gvk_tracker_settings, setting)                                                             \
    }
#define NUMBER_OR(member, setting, usual, least, most, below)                                                          \
    {                                                                                                                  \
#member, offsetof(gvk_tracker_params, member), usual, least, most, true, below,                                \
            offsetof(struct gvk_tracker_settings, setting)                                                             \
    }

static const struct number numbers[] = {
    NUMBER_OR(iou, least_overlap, 0.3, 0, 1, 0),
    NUMBER(max_age, max_age, 2, 1e-6, 3600),
    NUMBER(measurement_noise, noise.measurement, 0.05, 1e-4, 1e4),
    NUMBER(process_noise, noise.process, 0.5, 1e-4, 1e4),
    NUMBER(start_velocity, noise.start, 2, 1e-4, 1e4),
    NUMBER_OR(min_cutoff, smoothing.min_cutoff, 1, 1e-6, 1e6, 1),
    NUMBER_OR(beta, smoothing.beta, 1, 1e-6, 1e6, 0),
    NUMBER(derivative_cutoff, smoothing.derivative_cutoff, 1, 1e-6, 1e6),
};

static gvk_result read_number(const gvk_host *host, const struct number *number, const gvk_tracker_params *params,
                              struct gvk_tracker_settings *out)
{
    double given = (double)*(const float *)(const void *)((const char *)params + number->offset), taken = given;
    bool in_range = given >= number->least * 0.999999 && given <= number->most; /* a float may lie below */
    if (given < 0 && number->may_be_negative) {
        taken = number->below;
        in_range = true;
    } else if (given == 0) {
        taken = number->usual;
        in_range = true;
    }
    if (!in_range)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "A tracker's %s is %g; it lies between %g and %g.", number->name,
                        given, number->least, number->most);
    *(double *)(void *)((char *)out + number->to) = taken;
    return GVK_OK;
}

gvk_result gvk_read_tracker_params(const gvk_host *host, const gvk_tracker_params *params,
                                   struct gvk_tracker_settings *out)
{
    gvk_tracker_params read;
    gvk_result result = gvk_struct_read(host, &layout_of_params, params, &read);
    *out = (struct gvk_tracker_settings){
        .item = read.item,
        .min_hits = read.min_hits ? read.min_hits : 3,
        .max_tracks = read.max_tracks ? read.max_tracks : 1024,
        .gives_tentative = read.give_tentative != 0,
        .smooths = !(read.min_cutoff < 0),
    };
    if (!result && out->max_tracks > GVK_TRACKER_TRACKS)
        result = gvk_fail(host, GVK_ERROR_ARGUMENT, "A tracker has at most %u tracks, and not %u.", GVK_TRACKER_TRACKS,
                          out->max_tracks);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0] && !result; i++)
        result = read_number(host, &numbers[i], &read, out);
    return result;
}
