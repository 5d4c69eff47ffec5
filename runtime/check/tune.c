/* Measures kernels on the device at hand and keeps the fastest for each shape: gvk_tune. The network itself is run once
 * for each candidate, every layer with its n-th, and every dispatch timed; so all shapes are measured together, in the
 * surroundings in which they will run. */
#include <math.h>
#include <string.h>

#include "open_model.h"
#include "runtime/base/structs.h"
#include "runtime/graph/rewrite.h"
#include "runtime/kernel/choice.h"
#include "runtime/model/model.h"
#include "runtime/op/ghost.h"
#include "runtime/op/table.h"
#include "runtime/stream/stream.h"

#define ROUNDS_DEFAULT 5u
#define ROUNDS_MOST    1000u
#define SHAPES_MOST    1024u
#define GAIN_WANTED    0.97 /* of the built-in kernel's time: less is noise */
#define ALLOWED        1e-4 /* of a map's largest value, between built-in and tuned kernels; fp16: a hundred times that */

/* ---- what is measured ---- */

/* A distinct shape of the network's nodes. Times are of all its nodes together. */
struct shape {
    const struct gvk_graph_node *node; /* the first of them */
    struct gvk_choice built_in, best;
    struct gvk_pipeline_key ran;     /* the built-in kernel, as a stream of this size takes it; the first node's */
    double built_in_ms, best_ms, ms; /* ms: of the pass that runs */
    uint32_t nodes, candidates;
};

struct tuner {
    struct gvk_device *device;
    const gvk_graph *graph; /* as the host built it */
    uint32_t rewrites_off;
    struct gvk_graph *rewritten;
    gvk_tune_params params;
    struct gvk_policy policy; /* without choices */
    struct shape *shapes;
    uint32_t shape_count, pass_count;
    /* One choice for each shape: those of the pass that runs; and behind them, where there are ghost modules or could
     * be, one that says whether they are two dispatches. */
    struct gvk_choices *choices;
};

static struct shape *find_shape(const struct tuner *tuner, const struct gvk_graph_node *node)
{
    const struct gvk_node_shape key = gvk_node_shape_of(&tuner->policy, node);
    for (uint32_t i = 0; i < tuner->shape_count; i++)
        if (gvk_node_shapes_equal(&tuner->shapes[i].built_in.shape, &key))
            return &tuner->shapes[i];
    return NULL;
}

static bool has_ghost_modules(const struct gvk_graph *graph)
{
    for (uint32_t i = 0; i < graph->node_count; i++)
        if (!graph->nodes[i].removed && graph->nodes[i].op == GVK_OP_GHOST)
            return true;
    return false;
}

static gvk_result list_shapes(struct tuner *tuner)
{
    const struct gvk_graph *graph = tuner->rewritten;
    tuner->shapes = gvk_allocate_array(&tuner->device->host, graph->node_count, sizeof *tuner->shapes);
    if (!tuner->shapes)
        return gvk_fail_memory(&tuner->device->host);
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const struct gvk_graph_node *node = &graph->nodes[i];
        const struct gvk_kernel *kernel = gvk_kernel_of(node);
        if (node->removed || !kernel->candidate)
            continue;
        struct shape *shape = find_shape(tuner, node);
        if (!shape && tuner->shape_count < SHAPES_MOST) {
            enum gvk_shader shader;
            uint32_t local_size;
            shape = &tuner->shapes[tuner->shape_count++];
            shape->node = node;
            shape->built_in = (struct gvk_choice){.shape = gvk_node_shape_of(&tuner->policy, node),
                                                  .shader = GVK_BUILT_IN_KERNEL,
                                                  .work = tuner->policy.work};
            shape->best = shape->built_in;
            while (kernel->candidate(&tuner->policy, node, shape->candidates, &shader, &local_size))
                shape->candidates++;
            if (shape->candidates > tuner->pass_count)
                tuner->pass_count = shape->candidates;
        }
        if (shape)
            shape->nodes++;
    }
    bool apart = tuner->rewrites_off & GVK_REWRITE_FUSE_GHOST, fused = has_ghost_modules(graph);
    tuner->choices = gvk_choices_allocate(&tuner->device->host, tuner->shape_count + (apart || fused));
    if (tuner->choices && (apart || fused))
        tuner->choices->list[tuner->shape_count] = gvk_choice_of_ghosts(&tuner->policy, apart);
    return tuner->choices ? GVK_OK : gvk_fail_memory(&tuner->device->host);
}

static float *make_input(const struct tuner *tuner, gvk_picture *picture)
{
    const gvk_tune_params *params = &tuner->params;
    size_t count =
        (size_t)gvk_graph_channels(tuner->graph, tuner->graph->inputs[0].tensor) * params->width * params->height;
    float *values = gvk_allocate_array(&tuner->device->host, count, sizeof *values);
    uint32_t state = 1;
    for (size_t i = 0; values && i < count; i++) {
        state = state * 1664525u + 1013904223u;
        values[i] = (float)(state >> 8) / 16777216.0f;
    }
    *picture = (gvk_picture){.size = sizeof *picture,
                             .kind = GVK_PICTURE_TENSOR,
                             .width = params->width,
                             .height = params->height,
                             .pixels = values};
    return values;
}

static gvk_result run_frame(struct tuner *tuner, gvk_stream *stream, const gvk_picture *pictures, gvk_ticket *ticket)
{
    gvk_result result = gvk_stream_submit(stream, pictures, sizeof(gvk_picture), tuner->params.batch, ticket);
    return result ? result : gvk_stream_wait_for(stream, *ticket, "a frame that is timed");
}

static gvk_result read_times(gvk_stream *stream, gvk_ticket ticket, gvk_layer_timing *timings, uint32_t capacity,
                             double *least)
{
    uint32_t count = capacity;
    gvk_result result = gvk_stream_layer_timings(stream, ticket, timings, sizeof(gvk_layer_timing), &count);
    for (uint32_t i = 0; i < count && i < capacity && !result; i++)
        least[i] = fmin(least[i], timings[i].ms);
    return result;
}

static const struct gvk_graph_node *find_node(const struct gvk_graph *graph, const char *name)
{
    for (uint32_t i = 0; i < graph->node_count; i++)
        if (!graph->nodes[i].removed && !strcmp(graph->nodes[i].name, name))
            return &graph->nodes[i];
    return NULL;
}

/* Every dispatch's least time over the rounds, summed by shape into `ms`. */
static gvk_result time_stream(struct tuner *tuner, gvk_stream *stream, const gvk_picture *pictures)
{
    const gvk_host *host = &tuner->device->host;
    gvk_ticket ticket = 0;
    uint32_t count = 0;
    gvk_result result = run_frame(tuner, stream, pictures, &ticket); /* compiles, on drivers that do so late */
    if (!result)
        result = gvk_stream_layer_timings(stream, ticket, NULL, sizeof(gvk_layer_timing), &count);
    if (result)
        return result;
    gvk_layer_timing *timings = gvk_allocate_array(host, count ? count : 1, sizeof *timings);
    double *least = gvk_allocate_array(host, count ? count : 1, sizeof *least);
    if (!timings || !least)
        result = gvk_fail_memory(host);
    for (uint32_t i = 0; i < count && !result; i++)
        least[i] = INFINITY;
    for (uint32_t round = 0; round < tuner->params.rounds && !result; round++) {
        result = run_frame(tuner, stream, pictures, &ticket);
        if (!result)
            result = read_times(stream, ticket, timings, count, least);
    }
    for (uint32_t i = 0; i < tuner->shape_count; i++)
        tuner->shapes[i].ms = 0;
    for (uint32_t i = 0; i < count && !result; i++) {
        const struct gvk_graph_node *node = find_node(tuner->rewritten, timings[i].name);
        struct shape *shape = node ? find_shape(tuner, node) : NULL;
        if (shape)
            shape->ms += least[i];
    }
    gvk_release(host, timings);
    gvk_release(host, least);
    return result;
}

/* A model that takes `choices` (NULL: the built-in kernels), and a stream of it. */
static gvk_result create_stream(struct tuner *tuner, const struct gvk_choices *choices, bool profile, gvk_model **model,
                                gvk_stream **stream)
{
    struct gvk_policy policy = tuner->policy;
    policy.choices = choices;
    gvk_stream_params params = {.size = sizeof params,
                                .width = tuner->params.width,
                                .height = tuner->params.height,
                                .batch = tuner->params.batch,
                                .profile = profile};
    gvk_result result = gvk_model_create_proven(tuner->device, tuner->graph, tuner->rewrites_off, &policy, model);
    return result ? result : gvk_stream_create(*model, &params, stream);
}

/* Which kernels the stream's dispatches are. */
static void note_kernels(struct tuner *tuner, const gvk_stream *stream)
{
    const struct gvk_program *program = gvk_stream_program(stream);
    for (uint32_t i = 0; i < program->command_count; i++) {
        const struct gvk_command *command = &program->commands[i];
        const struct gvk_graph_node *node =
            command->kind == GVK_COMMAND_DISPATCH ? find_node(tuner->rewritten, command->label) : NULL;
        struct shape *shape = node ? find_shape(tuner, node) : NULL;
        if (shape && shape->node == node)
            shape->ran = command->key;
    }
}

/* pass -1 is the built-in kernels'. Shapes with fewer candidates stay with them. */
static gvk_result run_pass(struct tuner *tuner, const gvk_picture *pictures, int pass)
{
    for (uint32_t i = 0; i < tuner->shape_count; i++) {
        struct shape *shape = &tuner->shapes[i];
        struct gvk_choice *choice = &tuner->choices->list[i];
        enum gvk_shader shader;
        *choice = shape->built_in;
        if (pass >= 0 && gvk_kernel_of(shape->node)
                             ->candidate(&tuner->policy, shape->node, (uint32_t)pass, &shader, &choice->local_size))
            choice->shader = (uint32_t)shader;
    }
    gvk_model *model = NULL;
    gvk_stream *stream = NULL;
    gvk_result result = create_stream(tuner, tuner->choices, true, &model, &stream);
    if (!result)
        result = time_stream(tuner, stream, pictures);
    if (!result && pass < 0)
        note_kernels(tuner, stream);
    for (uint32_t i = 0; i < tuner->shape_count && !result; i++) {
        struct shape *shape = &tuner->shapes[i];
        if (pass < 0)
            shape->built_in_ms = shape->best_ms = shape->ms;
        else if (shape->ms < shape->best_ms && shape->ms < GAIN_WANTED * shape->built_in_ms) {
            shape->best = tuner->choices->list[i];
            shape->best_ms = shape->ms;
        }
    }
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
    return result;
}

/* ---- built-in against tuned ---- */

/* The built-in kernels; the fastest ones; and the fastest ones with ghost modules apart. */
enum { BUILT_IN, TUNED, APART, WAYS };
struct way {
    struct tuner *tuner;               /* NULL: there is no such way */
    const struct gvk_choices *choices; /* NULL: the built-in ones */
    gvk_model *model;
    gvk_stream *stream;
    gvk_ticket ticket;
    double least_ms;
};

/* How far the outputs of `way` are from the built-in kernels'. */
static gvk_result compare_outputs(const struct way *built_in, const struct way *way, double *worst)
{
    const struct tuner *tuner = way->tuner;
    *worst = 0;
    for (uint32_t i = 0; i < tuner->graph->output_count; i++) {
        const char *name = tuner->graph->outputs[i].name;
        gvk_array left, right;
        gvk_result result = gvk_stream_read(built_in->stream, built_in->ticket, name, &left);
        if (!result)
            result = gvk_stream_read(way->stream, way->ticket, name, &right);
        if (result)
            return result;
        double largest = 0, apart = 0;
        for (size_t j = 0; j < left.bytes / sizeof(float); j++) {
            double a = (double)((const float *)left.data)[j], b = (double)((const float *)right.data)[j];
            largest = fmax(largest, fabs(a));
            apart = fmax(apart, fabs(a - b));
        }
        if (largest > 0)
            *worst = fmax(*worst, apart / largest);
    }
    double allowed = tuner->policy.half ? 100 * ALLOWED : ALLOWED;
    if (*worst > allowed)
        return gvk_fail(&tuner->device->host, GVK_ERROR_DRIVER,
                        "The kernels that were fastest compute something else than the built-in ones (%.1e of a map's "
                        "largest value); they are not kept.",
                        *worst);
    return GVK_OK;
}

static gvk_result time_frame(struct way *way, const gvk_picture *pictures, bool warm)
{
    gvk_timing timings[4];
    uint32_t count = 4;
    gvk_result result = run_frame(way->tuner, way->stream, pictures, &way->ticket);
    if (!result)
        result = gvk_stream_timings(way->stream, way->ticket, timings, sizeof(gvk_timing), &count);
    for (uint32_t i = 0; i < count && i < 4 && warm && !result; i++)
        if (!strcmp(timings[i].name, "network"))
            way->least_ms = fmin(way->least_ms, timings[i].ms);
    return result;
}

/* A way for which there is too little memory, or whose outputs differ, is not one. */
static gvk_result leave_out(struct way *way, gvk_result result)
{
    if (result != GVK_ERROR_HOST_MEMORY && result != GVK_ERROR_DEVICE_MEMORY && result != GVK_ERROR_DRIVER)
        return result;
    gvk_stream_destroy(way->stream);
    gvk_model_destroy(way->model);
    *way = (struct way){.least_ms = INFINITY};
    return GVK_OK;
}

/* Whole frames of all ways, in turns: what was fastest alone need not be so in company. *best is the tuner of the
 * faster one of the tuned ways; out->kept says whether its choices are worth keeping. */
static gvk_result compare_frames(struct tuner *tuner, struct tuner *apart, const gvk_picture *pictures,
                                 struct tuner **best, gvk_tune_result *out)
{
    struct way ways[WAYS] = {{.tuner = tuner, .least_ms = INFINITY},
                             {.tuner = tuner, .choices = tuner->choices, .least_ms = INFINITY},
                             {.tuner = apart, .choices = apart ? apart->choices : NULL, .least_ms = INFINITY}};
    gvk_result result = GVK_OK;
    for (int i = 0; i < WAYS && ways[i].tuner && !result; i++) {
        for (uint32_t j = 0; j < ways[i].tuner->shape_count && ways[i].choices; j++)
            ways[i].tuner->choices->list[j] = ways[i].tuner->shapes[j].best;
        result = create_stream(ways[i].tuner, ways[i].choices, false, &ways[i].model, &ways[i].stream);
        if (result && i == APART)
            result = leave_out(&ways[i], result);
    }
    for (uint32_t round = 0; round < 2 * tuner->params.rounds + 1 && !result; round++)
        for (int i = 0; i < WAYS && ways[i].tuner && !result; i++)
            result = time_frame(&ways[i], pictures, round > 0);
    if (!result && ways[APART].tuner) {
        gvk_result fault = compare_outputs(&ways[BUILT_IN], &ways[APART], &out->deviation);
        result = fault ? leave_out(&ways[APART], fault) : GVK_OK;
    }
    const struct way *chosen = ways[APART].least_ms < GAIN_WANTED * ways[TUNED].least_ms ? &ways[APART] : &ways[TUNED];
    if (!result && chosen == &ways[TUNED])
        result = compare_outputs(&ways[BUILT_IN], chosen, &out->deviation);
    out->built_in_ms = ways[BUILT_IN].least_ms;
    out->tuned_ms = chosen->least_ms;
    out->kept = !result && chosen->least_ms < ways[BUILT_IN].least_ms;
    out->ghosts_unfused = out->kept && chosen == &ways[APART];
    *best = chosen->tuner;
    for (int i = 0; i < WAYS; i++) {
        gvk_stream_destroy(ways[i].stream);
        gvk_model_destroy(ways[i].model);
    }
    return result;
}

/* ---- the whole ---- */

static const char *name_of(const struct tuner *tuner, enum gvk_shader shader)
{
    return gvk_shader_codes[gvk_shader_for(&tuner->policy, shader)].name;
}

static void report_shapes(const struct tuner *tuner)
{
    const gvk_tune_params *params = &tuner->params;
    for (uint32_t i = 0; i < tuner->shape_count && params->tuned; i++) {
        const struct shape *shape = &tuner->shapes[i];
        const bool stays = shape->best.shader == GVK_BUILT_IN_KERNEL;
        const uint32_t lanes = shape->ran.constants[GVK_CONSTANT_LOCAL_SIZE];
        const char *built_in = name_of(tuner, shape->ran.shader);
        const gvk_tuned_kernel kernel = {
            .size = sizeof kernel,
            .layer = shape->node->name,
            .layers = shape->nodes,
            .candidates = shape->candidates,
            .built_in = built_in,
            .chosen = stays ? built_in : name_of(tuner, (enum gvk_shader)shape->best.shader),
            .built_in_lanes = lanes,
            .chosen_lanes = stays ? lanes : shape->best.local_size,
            .built_in_ms = shape->built_in_ms,
            .chosen_ms = shape->best_ms,
        };
        params->tuned(params->user, &kernel);
    }
}

/* The graph as it is rewritten, its shapes and their candidates. */
static gvk_result prepare(struct tuner *tuner)
{
    gvk_result result = gvk_graph_copy(&tuner->device->host, tuner->graph, &tuner->rewritten);
    if (!result)
        result = gvk_rewrite_graph(tuner->rewritten, gvk_rewrites_off(&tuner->policy, tuner->rewrites_off));
    return result ? result : list_shapes(tuner);
}

/* Which kernels are rejected on this driver: a model proves them. A stream of it refuses sizes that cannot be, before
 * anything is allocated for them. */
static gvk_result learn_verdicts(struct tuner *tuner)
{
    gvk_model *model = NULL;
    gvk_result result = gvk_model_create_proven(tuner->device, tuner->graph, 0, &tuner->policy, &model);
    if (result)
        return result;
    memcpy(tuner->policy.rejected, model->policy.rejected, sizeof tuner->policy.rejected);
    tuner->policy.half_sums = model->policy.half_sums;
    gvk_stream_params params = {.size = sizeof params,
                                .width = tuner->params.width,
                                .height = tuner->params.height,
                                .batch = tuner->params.batch};
    gvk_stream *stream = NULL;
    result = gvk_stream_create(model, &params, &stream);
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
    return result;
}

static void release(struct tuner *tuner)
{
    const gvk_host *host = &tuner->device->host;
    gvk_release(host, tuner->choices);
    gvk_release(host, tuner->shapes);
    gvk_graph_destroy(tuner->rewritten);
}

/* All passes of a tuner; `first` of `passes` is its first for the one who watches. */
static gvk_result run_passes(struct tuner *tuner, const gvk_picture *pictures, uint32_t first, uint32_t passes)
{
    gvk_result result = GVK_OK;
    for (int pass = -1; pass < (int)tuner->pass_count && !result; pass++) {
        if (tuner->params.progress)
            tuner->params.progress(tuner->params.user, first + (uint32_t)(pass + 1), passes);
        result = run_pass(tuner, pictures, pass);
    }
    return result;
}

/* `apart`: NULL where ghost modules are apart anyway. */
static gvk_result run_all(struct tuner *tuner, struct tuner *apart, struct tuner **best, gvk_tune_result *out)
{
    const gvk_host *host = &tuner->device->host;
    gvk_picture picture;
    float *values = make_input(tuner, &picture);
    gvk_picture *pictures = gvk_allocate_array(host, tuner->params.batch, sizeof *pictures);
    gvk_result result = values && pictures ? GVK_OK : gvk_fail_memory(host);
    for (uint32_t i = 0; i < tuner->params.batch && !result; i++)
        pictures[i] = picture;
    uint32_t own = tuner->pass_count + 1, passes = own + (apart ? apart->pass_count + 1 : 0);
    if (!result)
        result = run_passes(tuner, pictures, 0, passes);
    if (!result && apart)
        result = run_passes(apart, pictures, own, passes);
    if (!result)
        result = compare_frames(tuner, apart, pictures, best, out);
    if (!result)
        report_shapes(*best);
    gvk_release(host, pictures);
    gvk_release(host, values);
    return result;
}

/* Where the built-in kernels are as fast, that is kept only beside older choices, which could hold here otherwise. */
static gvk_result keep(struct tuner *tuner, struct tuner *best, bool is_faster)
{
    struct gvk_policy known;
    if (is_faster)
        return gvk_choices_keep(tuner->device, best->choices);
    if (!gvk_device_policy(tuner->device, tuner->params.precision, &known) || !known.choices)
        return GVK_OK;
    for (uint32_t i = 0; i < tuner->shape_count; i++)
        tuner->choices->list[i] = tuner->shapes[i].built_in;
    return gvk_choices_keep(tuner->device, tuner->choices);
}

gvk_result gvk_tune(gvk_device *device, const gvk_graph *graph, const gvk_tune_params *given, gvk_tune_result *out)
{
    if (!device)
        return GVK_ERROR_ARGUMENT;
    const gvk_host *host = &device->host;
    if (!graph || !graph->finished || !graph->find || !given || !out)
        return gvk_fail(host, GVK_ERROR_ARGUMENT,
                        "gvk_tune needs a finished graph with weights, params, and a place for the result.");
    if (!device->timestamp_bits)
        return gvk_fail(host, GVK_ERROR_UNSUPPORTED, "This device tells no times; kernels cannot be measured on it.");
    struct tuner tuner = {.device = device, .graph = graph};
    gvk_tune_params *params = &tuner.params;
    size_t size;
    gvk_result result = gvk_struct_read(host, &gvk_layout_of_tune_params, given, params);
    if (!result)
        result = gvk_element_size(host, &gvk_layout_of_tune_result, out->size, &size);
    if (result)
        return result;
    if (!gvk_policy_of(&device->traits, params->precision, &tuner.policy) || params->rounds > ROUNDS_MOST)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "gvk_tune takes fp32, fp16 or auto, and at most %u rounds.",
                        ROUNDS_MOST);
    params->rounds = params->rounds ? params->rounds : ROUNDS_DEFAULT;
    params->batch = params->batch ? params->batch : 1;
    tuner.policy.work = gvk_work_of(params->width, params->height, params->batch);
    gvk_tune_result made = {.size = sizeof made};
    result = learn_verdicts(&tuner);
    struct tuner apart = tuner, *best = NULL;
    apart.rewrites_off = GVK_REWRITE_FUSE_GHOST;
    if (!result)
        result = prepare(&tuner);
    bool fused = !result && has_ghost_modules(tuner.rewritten);
    if (fused)
        result = prepare(&apart);
    if (!result)
        result = run_all(&tuner, fused ? &apart : NULL, &best, &made);
    if (!result)
        result = keep(&tuner, best, made.kept);
    release(&tuner);
    release(&apart);
    if (!result)
        gvk_struct_write(&gvk_layout_of_tune_result, &made, out);
    return result;
}
