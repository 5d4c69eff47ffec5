/* What a frame costs on a GPU, by a model of latency, with the plan that the runtime makes for such a device.
 *
 * A dispatch starts, then each of its subgroups goes through its loop. A step of the loop waits for memory as often as
 * its code asks for what it has not asked for before, and computes; subgroups that share a scheduler compute while
 * others wait. So a dispatch takes the longer of one subgroup's waits and arithmetic, and of all arithmetic of a
 * scheduler.
 *
 * Of the H200 the waits are fitted to its measured layers (docs/hardware). Those of all others are assumptions, and
 * times there may well be several times as long: the H200's turned out to be two to five times what is assumed of the
 * others. */
#include "model.h"

#include <stdio.h>
#include <string.h>

#include "plan.h"
#include "runtime/kernel/forms.h"

struct gpu {
    const char *name;
    uint32_t vendor_id;
    bool is_integrated, has_half_sums;
    uint32_t told_cores;      /* what the driver tells (gvk_traits.cores) */
    uint32_t cores, subgroup; /* what takes a workgroup; lanes */
    double schedulers, lanes; /* of a core; fp32 multiply-adds of one a clock */
    double half_rate;         /* multiply-adds in fp16 in the time of one in fp32 */
    double gigahertz;
    double near_us, far_us; /* a wait for what the last cache on the chip has, and for what lies behind it */
    double cache_megabytes; /* of weights that stay there from frame to frame */
    double start_us;        /* a dispatch and the barrier before it */
    double load_clocks;     /* in which a subgroup's load of 128 bits a lane holds up its scheduler; 0: hidden */
    double most_subgroups;  /* of a scheduler at once */
    double gigabytes;       /* that the cache gives in a second */
    double measured[2][2];  /* milliseconds of the network: fp32, fp16; batch 1, 8. 0: unknown */
};

static const struct gpu gpus[] = {
    {"H200",
     GVK_VENDOR_NVIDIA,
     false,
     true,
     132,
     132,
     32,
     4,
     32,
     1,
     1.98,
     0.36,
     0.78,
     30,
     1.6,
     16,
     16,
     5500,
     {{2.44, 5.58}, {1.54, 3.78}}},
    {"RTX 4090",
     GVK_VENDOR_NVIDIA,
     false,
     true,
     128,
     128,
     32,
     4,
     32,
     1,
     2.52,
     0.13,
     0.30,
     72,
     1.6,
     16,
     12,
     4500,
     {{0}}},
    {"7900 XTX", GVK_VENDOR_AMD, false, true, 96, 96, 64, 2, 64, 2, 2.4, 0.20, 0.20, 96, 0.85, 0, 16, 4000, {{0}}},
    {"A770", GVK_VENDOR_INTEL, false, true, 0, 32, 16, 16, 8, 1, 2.4, 0.21, 0.21, 16, 4, 0, 8, 2000, {{0}}},
    {"Iris Xe", GVK_VENDOR_INTEL, true, true, 0, 6, 16, 16, 8, 1, 1.3, 0.23, 0.23, 4, 5, 0, 7, 300, {{0}}},
};

/* How the kernels were before they read ahead; to compare with. */
enum state { BEFORE, NOW };

struct cost {
    double waits, clocks; /* of one subgroup */
    double steps;         /* of its loop over the inputs, if it has one */
};

static double ceil_of(double value)
{
    double whole = (double)(uint64_t)value;
    return whole < value ? whole + 1 : whole;
}

static bool has(const struct gvk_command *command, const char *part)
{
    return strstr(gvk_shader_codes[command->key.shader].name, part) != NULL;
}

/* Waits of a step of `ahead` input quads: AMD's weights, scalar values, come by two quads (shaders/convolution). */
static double waits_of_step(const struct gpu *gpu, double ahead, bool half)
{
    return gpu->vendor_id == GVK_VENDOR_AMD && !half ? ceil_of(ahead / 2) : 1;
}

static struct cost cost_of_sums(const struct gpu *gpu, enum state state, const struct gvk_command *command,
                                const struct gvk_tile *tile, uint32_t input_quads)
{
    bool half = has(command, "_half"), half_sums = has(command, "_half_sums");
    double quads = ceil_of((double)input_quads / tile->slices), ahead = tile->ahead;
    if (half_sums)
        ahead = 4;
    /* NVIDIA's compiler did not read ahead by itself, AMD's did. */
    if (state == BEFORE && !(half_sums && gpu->vendor_id == GVK_VENDOR_AMD))
        ahead = 1;
    double steps = (double)(uint64_t)(quads / ahead), rest = quads - steps * ahead;
    double products = 16.0 * tile->quads * tile->pixels * gpu->subgroup / gpu->lanes;
    double loads = (4.0 * tile->quads + tile->pixels) * gpu->load_clocks * (half ? 0.5 : 1);
    products /= half_sums ? gpu->half_rate : 1;
    return (struct cost){.waits = steps * waits_of_step(gpu, ahead, half) + rest + 1,
                         .clocks = quads * (products > loads ? products : loads),
                         .steps = steps + rest};
}

/* What one workgroup of excite.comp makes of a layer. */
static double rounds_of_excite(double inputs, double rows, double local_size)
{
    double slices = 1;
    while (2 * slices * rows <= local_size)
        slices *= 2;
    return ceil_of(rows * slices / local_size) * ceil_of(inputs / slices);
}

static struct cost cost_of(const struct gpu *gpu, enum state state, const struct gvk_command *command)
{
    const struct gvk_tile *tile = tile_of_shader(command->key.shader);
    const double local_size = command->key.constants[GVK_CONSTANT_LOCAL_SIZE];
    if (has(command, "pointwise")) {
        struct gvk_pointwise_push push;
        memcpy(&push, command->push, sizeof push);
        return cost_of_sums(gpu, state, command, tile, push.input_quads);
    }
    if (has(command, "ghost_")) {
        struct gvk_ghost_push push;
        memcpy(&push, command->push, sizeof push);
        struct cost cost = cost_of_sums(gpu, state, command, tile, push.input_quads);
        cost.waits += 1; /* the depthwise part, whose values are in shared memory */
        return cost;
    }
    if (has(command, "depthwise")) {
        double rows = (tile->out_y - 1) * tile->stride + tile->kernel,
               columns = (tile->out_x - 1) * tile->stride + tile->kernel;
        bool at_once = state == NOW && command->key.constants[GVK_CONSTANT_MODE] == GVK_STEPS_AT_ONCE;
        return (struct cost){.waits = at_once ? 3 : rows + 1,
                             .clocks =
                                 rows * columns * 12 * gpu->subgroup / gpu->lanes + rows * columns * gpu->load_clocks};
    }
    if (has(command, "excite_layer")) {
        struct gvk_excite_layer_push push;
        memcpy(&push, command->push, sizeof push);
        if (state == BEFORE)
            return (struct cost){.waits = rounds_of_excite(push.input_quads, push.output_quads, local_size)};
        return (struct cost){.waits = ceil_of(4.0 * push.input_quads / push.lanes / 4) + 2};
    }
    if (has(command, "excite")) {
        struct gvk_excite_push push;
        memcpy(&push, command->push, sizeof push);
        return (struct cost){.waits = rounds_of_excite(push.channels_quads, push.reduced_quads, local_size) +
                                      rounds_of_excite(push.reduced_quads, push.channels_quads, local_size)};
    }
    if (has(command, "average_pool")) {
        struct gvk_planes_push push;
        memcpy(&push, command->push, sizeof push);
        return (struct cost){.waits = ceil_of((double)push.width * push.height / local_size)};
    }
    if (has(command, "pyramid"))
        return (struct cost){.waits = 15, .clocks = 15 * 13 * 20.0 * gpu->subgroup / gpu->lanes};
    if (has(command, "dense"))
        return (struct cost){.waits = 10, .clocks = 9 * 16.0 * 8 * gpu->subgroup / gpu->lanes};
    return (struct cost){.waits = 2};
}

static double bytes_of(const struct gvk_command *command, bool weights)
{
    double bytes = 0;
    for (uint32_t i = 0; i < command->operand_count; i++) {
        const struct gvk_operand *operand = &command->operands[i];
        if ((operand->memory == GVK_MEMORY_WEIGHTS) == weights)
            bytes += (double)(operand->useful ? operand->useful : operand->bytes);
    }
    return bytes;
}

/* Microseconds of a dispatch, without its start. */
static double time_of(const struct gpu *gpu, enum state state, const struct gvk_command *command, double wait_us,
                      struct cost *cost)
{
    *cost = cost_of(gpu, state, command);
    double groups = (double)command->groups[0] * command->groups[1] * command->groups[2];
    if (state == BEFORE && has(command, "excite_layer"))
        groups = command->groups[2];
    double of_group = ceil_of((double)command->key.constants[GVK_CONSTANT_LOCAL_SIZE] / gpu->subgroup);
    double sharing = ceil_of(groups / gpu->cores) * of_group / gpu->schedulers;
    double rounds = ceil_of(sharing / gpu->most_subgroups);
    double computing = cost->clocks / gpu->gigahertz / 1e3;
    double alone = rounds * cost->waits * wait_us + computing;
    double together = computing * (sharing > 1 ? sharing : 1);
    double moved = (bytes_of(command, true) + bytes_of(command, false)) / gpu->gigabytes / 1e3;
    double most = alone > together ? alone : together;
    return most > moved ? most : moved;
}

static struct gvk_traits traits_of(const struct gpu *gpu, enum state state)
{
    struct gvk_traits traits = gvk_traits_of_plain_gpu();
    traits.type = gpu->is_integrated ? VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU : VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
    traits.vendor_id = gpu->vendor_id;
    /* AMD's were not asked for their number before. */
    traits.cores = gpu->told_cores;
    if (state == BEFORE)
        traits.cores = gpu->vendor_id == GVK_VENDOR_NVIDIA ? gpu->told_cores : 0;
    traits.subgroup_size = traits.max_subgroup_size = gpu->subgroup;
    traits.min_subgroup_size = 8;
    traits.subgroup_shuffle = traits.subgroup_broadcast = true;
    traits.subgroup_size_control = traits.full_subgroups = true;
    traits.max_texels = GVK_TEXELS_OF_EVERY_TENSOR;
    traits.max_invocations = traits.max_workgroup_size_x = 1024;
    traits.half_arithmetic = traits.half_sums = gpu->has_half_sums;
    return traits;
}

struct frame_time {
    double milliseconds, steps;
    uint32_t dispatches, barriers;
};

static bool time_frame(const struct gpu *gpu, enum state state, gvk_precision precision, uint32_t batch, bool print,
                       struct frame_time *out)
{
    struct gvk_traits traits = traits_of(gpu, state);
    struct gvk_policy policy;
    struct planned planned;
    struct gvk_hazards hazards = {0};
    bool complete = gvk_policy_of(&traits, precision, &policy) && plan_frame(&policy, batch, &planned);
    double weights = 0;
    *out = (struct frame_time){0};
    hazards.host = &planned.host;
    for (uint32_t i = 0; complete && i < planned.program->command_count; i++)
        weights += bytes_of(&planned.program->commands[i], true);
    double wait_us = weights / 1e6 <= gpu->cache_megabytes ? gpu->near_us : gpu->far_us;
    for (uint32_t i = 0; complete && i < planned.program->command_count; i++) {
        const struct gvk_command *command = &planned.program->commands[i];
        bool barrier = false, transfer = false;
        complete = !gvk_hazards_check(&hazards, planned.program, command, &barrier, &transfer);
        if (command->kind != GVK_COMMAND_DISPATCH)
            continue;
        bool reads_weights = bytes_of(command, true) > bytes_of(command, false) / 8;
        struct cost cost;
        double us = time_of(gpu, state, command, reads_weights ? wait_us : gpu->near_us, &cost);
        out->milliseconds += (us + (barrier ? gpu->start_us : 0.2)) / 1e3;
        out->steps += cost.steps;
        out->dispatches++;
        out->barriers += barrier;
        if (print)
            printf("%-48s %-40s %5u %4u %3u  %6.0f %7.2f us\n", command->label,
                   gvk_shader_codes[command->key.shader].name, command->groups[0], command->groups[1],
                   command->groups[2], cost.waits, us);
    }
    gvk_hazards_release(&hazards);
    planned_release(&planned);
    return complete;
}

static const gvk_precision precisions[] = {GVK_PRECISION_FP32, GVK_PRECISION_FP16};
static const uint32_t batches[] = {1, 8};

static int print_gpu(const struct gpu *gpu)
{
    struct frame_time time;
    if (!time_frame(gpu, NOW, GVK_PRECISION_FP32, 1, true, &time))
        return 1;
    printf("%s, fp32, one picture: %.2f ms, %u dispatches, %u barriers, %.0f steps of loops over inputs\n", gpu->name,
           time.milliseconds, time.dispatches, time.barriers, time.steps);
    return 0;
}

int print_model(const char *gpu_name)
{
    for (size_t i = 0; gpu_name && i < sizeof gpus / sizeof gpus[0]; i++)
        if (!strcmp(gpus[i].name, gpu_name))
            return print_gpu(&gpus[i]);
    if (gpu_name) {
        fprintf(stderr, "lab: the model knows no \"%s\"; it knows", gpu_name);
        for (size_t i = 0; i < sizeof gpus / sizeof gpus[0]; i++)
            fprintf(stderr, "%s \"%s\"", i ? "," : "", gpus[i].name);
        fprintf(stderr, "\n");
        return 2;
    }
    printf("Milliseconds of the network by a model, nothing is measured: before kernels read ahead, and now\n\n"
           "| GPU | fp32, 1 picture | fp32, 8 | fp16, 1 | fp16, 8 | steps, fp32, 1 |\n| --- | --- | --- | --- | --- | "
           "--- |\n");
    for (size_t i = 0; i < sizeof gpus / sizeof gpus[0]; i++) {
        double steps[2] = {0};
        printf("| %s |", gpus[i].name);
        for (size_t p = 0; p < 2; p++)
            for (size_t b = 0; b < 2; b++) {
                struct frame_time before, now;
                if (!time_frame(&gpus[i], BEFORE, precisions[p], batches[b], false, &before) ||
                    !time_frame(&gpus[i], NOW, precisions[p], batches[b], false, &now))
                    return 1;
                printf(" %.2f, %.2f", before.milliseconds, now.milliseconds);
                if (gpus[i].measured[p][b] > 0)
                    printf(" (before: measured %.2f)", gpus[i].measured[p][b]);
                printf(" |");
                if (!p && !b) {
                    steps[BEFORE] = before.steps;
                    steps[NOW] = now.steps;
                }
            }
        printf(" %.0f, %.0f |\n", steps[BEFORE], steps[NOW]);
    }
    return 0;
}
