/* Kernels prove themselves: drivers compute wrongly now and then, on one device and not on another, and nobody would
 * see it but by wrong boxes. The yardstick is the host's own arithmetic, which no driver touches. */
#include "proof.h"

#include <math.h>
#include <string.h>

#include "runtime/kernel/matrices.h"
#include "runtime/model/model.h"
#include "runtime/op/kernel.h"
#include "runtime/op/table.h"
#include "runtime/stream/stream.h"
#include "runtime/vulkan/cache_entry.h"
#include "sample.h"

/* Of the largest value. Right kernels stay below 1e-6 in fp32, where input, weights and result are fp16 below 2e-3; a
 * wrong one is off by far more. */
#define ALLOWED_DEVIATION      1e-4
#define ALLOWED_DEVIATION_HALF 1e-2

_Static_assert(GVK_SHADER_COUNT <= 32 * GVK_REJECTED_WORDS, "there is a bit for every shader");

/* What is kept between starts. */
struct stored_verdicts {
    uint64_t code; /* gvk_shader_hash: other code, other verdicts */
    uint32_t rejected[GVK_REJECTED_WORDS], proven[2 * GVK_REJECTED_WORDS];
};
static const struct gvk_cache_entry_kind kind = {
    "GVKPROOF", "kernels", GVK_STORED_HEADER + sizeof(struct stored_verdicts), "verdict about kernels is"};

static void load_verdicts(struct gvk_device *device)
{
    if (device->verdicts.loaded)
        return;
    device->verdicts.loaded = true;
    size_t bytes = 0;
    unsigned char *stored = gvk_cache_entry_load(device, &kind, &bytes);
    struct stored_verdicts verdicts;
    if (stored && bytes == sizeof verdicts) {
        memcpy(&verdicts, stored + GVK_STORED_HEADER, sizeof verdicts);
        if (verdicts.code == gvk_shader_hash) {
            memcpy(device->verdicts.rejected, verdicts.rejected, sizeof verdicts.rejected);
            memcpy(device->verdicts.proven, verdicts.proven, sizeof verdicts.proven);
        }
    }
    gvk_release(&device->host, stored);
}

static void save_verdicts(struct gvk_device *device)
{
    if (!device->verdicts.changed || !device->host.cache_store)
        return;
    unsigned char stored[GVK_STORED_HEADER + sizeof(struct stored_verdicts)];
    struct stored_verdicts verdicts;
    memset(&verdicts, 0, sizeof verdicts);
    verdicts.code = gvk_shader_hash;
    memcpy(verdicts.rejected, device->verdicts.rejected, sizeof verdicts.rejected);
    memcpy(verdicts.proven, device->verdicts.proven, sizeof verdicts.proven);
    memcpy(stored + GVK_STORED_HEADER, &verdicts, sizeof verdicts);
    gvk_cache_entry_save(device, &kind, stored, sizeof verdicts);
    device->verdicts.changed = false;
}

static uint32_t proof_bit(const struct gvk_policy *policy, const struct gvk_pipeline_key *key)
{
    return 2 * (uint32_t)gvk_shader_for(policy, key->shader) + (key->constants[GVK_CONSTANT_EXTRA] == GVK_EXTRA_GATE);
}

/* Kernels that have candidates are proven before a model uses them. */
static bool needs_proof(const struct gvk_graph_node *node)
{
    return !node->removed && gvk_kernel_of(node)->candidate;
}

static struct gvk_pipeline_key select_key(const struct gvk_policy *policy, const struct gvk_graph_node *node)
{
    return gvk_kernel_of(node)->select(policy, node).key;
}

/* The node of the sample's model is computed by the pipeline that is to be proven. */
static bool uses_kernel(const struct gvk_model *model, const struct gvk_pipeline_key *key)
{
    for (uint32_t i = 0; i < model->graph->node_count; i++)
        if (needs_proof(&model->graph->nodes[i]) && gvk_pipeline_keys_equal(&model->packing.selections[i].key, key))
            return true;
    return false;
}

/* The largest deviation, as a part of the largest value. */
static double deviation_of(const struct gvk_sample *sample, const float *got)
{
    size_t count = (size_t)sample->channels * sample->width * sample->height;
    double most = 0, largest = 0;
    for (size_t i = 0; i < count; i++) {
        double deviation = fabs((double)got[i] - (double)sample->expected[i]);
        most = fmax(most, deviation);
        largest = fmax(largest, fabs((double)sample->expected[i]));
    }
    return most / largest;
}

/* What a proof is about. */
struct prover {
    struct gvk_device *device;
    struct gvk_verdicts *verdicts;
    uint64_t
        *peak; /* not NULL: nothing is run, and verdicts are taken to be good; raised to the memory it would take */
};

/* What the sample would take on the device. */
static gvk_result measure_sample(struct gvk_device *device, const struct gvk_policy *policy,
                                 const struct gvk_pipeline_key *key, const struct gvk_sample *sample, uint64_t *peak)
{
    gvk_model *model = NULL;
    gvk_stream *stream = NULL;
    struct gvk_model_needs of_model = {0};
    struct gvk_stream_needs of_stream = {0};
    const gvk_stream_params params = {.size = sizeof params, .width = GVK_SAMPLE_WIDTH, .height = GVK_SAMPLE_HEIGHT};
    const gvk_picture input = {
        .size = sizeof input, .kind = GVK_PICTURE_TENSOR, .width = GVK_SAMPLE_WIDTH, .height = GVK_SAMPLE_HEIGHT};
    gvk_result result = gvk_model_plan(device, sample->graph, 0, policy, &model);
    if (!result)
        result = gvk_model_measure(model, &of_model);
    if (!result && uses_kernel(model, key)) {
        result = gvk_stream_plan(model, &params, NULL, &stream);
        if (!result)
            result = gvk_stream_measure(stream, &input, sizeof input, &of_stream);
    }
    uint64_t together = of_model.weights + of_stream.peak;
    if (together < of_model.peak)
        together = of_model.peak;
    if (*peak < together)
        *peak = together;
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
    return result;
}

/* Runs the sample. *fits: its model has the kernel in question, and *deviation is what came of it. */
static gvk_result run_sample(struct gvk_device *device, const struct gvk_policy *policy,
                             const struct gvk_pipeline_key *key, const struct gvk_sample *sample, bool *fits,
                             double *deviation)
{
    gvk_model *model = NULL;
    gvk_stream *stream = NULL;
    gvk_ticket ticket = 0;
    gvk_array got;
    bool finite = false;
    gvk_result result = gvk_model_create_for(device, sample->graph, 0, policy, &model);
    if (result)
        return result;
    *fits = uses_kernel(model, key);
    if (!*fits)
        goto done;
    gvk_stream_params params = {.size = sizeof params, .width = GVK_SAMPLE_WIDTH, .height = GVK_SAMPLE_HEIGHT};
    gvk_picture input = {.size = sizeof input,
                         .kind = GVK_PICTURE_TENSOR,
                         .width = GVK_SAMPLE_WIDTH,
                         .height = GVK_SAMPLE_HEIGHT,
                         .pixels = sample->input};
    result = gvk_stream_create(model, &params, &stream);
    if (!result)
        result = gvk_stream_submit(stream, &input, sizeof(gvk_picture), 1, &ticket);
    if (!result)
        result = gvk_stream_wait_for(stream, ticket, "the proof of a kernel");
    if (!result)
        result = gvk_stream_read_any(stream, ticket, "output", &got, &finite);
    if (!result)
        *deviation = finite ? deviation_of(sample, got.data) : INFINITY;
done:
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
    return result;
}

/* A tile of matrices may be chosen for any number; with this one it has more than one block, and the last is of few. */
#define MATRIX_OUTPUTS 72u
static bool multiplies_matrices(const struct gvk_pipeline_key *key)
{
    return key->constants[GVK_CONSTANT_SIDE] != 0;
}

/* The fewest outputs for which this kernel is chosen: that makes the proof fast. */
static uint32_t count_outputs(const struct gvk_policy *policy, const struct gvk_graph_node *node,
                              const struct gvk_pipeline_key *key)
{
    struct gvk_graph_node small = *node;
    if (multiplies_matrices(key))
        return MATRIX_OUTPUTS;
    for (small.output_channels = 4; small.output_channels < node->output_channels; small.output_channels += 4) {
        struct gvk_pipeline_key other = select_key(policy, &small);
        if (gvk_pipeline_keys_equal(&other, key))
            break;
    }
    return small.output_channels < node->output_channels ? small.output_channels : node->output_channels;
}

static uint32_t count_inputs(const struct gvk_policy *policy, const struct gvk_graph_node *node,
                             const struct gvk_pipeline_key *key)
{
    if (gvk_sums_in_half(policy, key->shader) || multiplies_matrices(key))
        return GVK_PROOF_MOST_INPUTS; /* of which these take as many a step */
    const struct gvk_tile *tile = gvk_kernel_of(node)->select(policy, node).tile;
    if (tile && tile->ahead > 1)
        return GVK_PROOF_INPUTS_OF(tile->slices, tile->ahead);
    return node->input_channels < GVK_PROOF_INPUTS ? node->input_channels : GVK_PROOF_INPUTS;
}

static gvk_result run_proof(const struct prover *prover, const struct gvk_policy *policy,
                            const struct gvk_graph_node *node, const struct gvk_pipeline_key *key, bool *proven,
                            double *deviation)
{
    struct gvk_device *device = prover->device;
    struct gvk_sample *sample = NULL;
    gvk_result result = gvk_sample_create(&device->host, node, count_inputs(policy, node, key),
                                          count_outputs(policy, node, key), &sample);
    struct gvk_policy forced = *policy; /* the sample takes this kernel, whatever its own shape is */
    forced.forced_shader = (uint32_t)key->shader;
    forced.forced_local_size = key->constants[GVK_CONSTANT_LOCAL_SIZE];
    if (!result && prover->peak)
        result = measure_sample(device, &forced, key, sample, prover->peak);
    else if (!result)
        result = run_sample(device, &forced, key, sample, proven, deviation);
    gvk_sample_destroy(sample);
    return result;
}

/* Tiles of one layer share its packed weights, so either all of them sum up in fp16 or none: where one of them is
 * rejected, none does. */
static void obey_verdicts(const struct gvk_verdicts *verdicts, struct gvk_policy *policy)
{
    memcpy(policy->rejected, verdicts->rejected, sizeof policy->rejected);
    for (uint32_t i = 0; i < GVK_SHADER_COUNT; i++) {
        uint32_t sums = (uint32_t)gvk_shader_codes[i].half_sums;
        if (sums != GVK_SHADER_COUNT && verdicts->rejected[sums / 32] >> (sums % 32) & 1)
            policy->half_sums = false;
    }
}

static gvk_result prove_node(const struct prover *prover, struct gvk_policy *policy, const struct gvk_graph_node *node)
{
    struct gvk_device *device = prover->device;
    struct gvk_verdicts *verdicts = prover->verdicts;
    for (;;) { /* each round proves a kernel or strikes one */
        struct gvk_pipeline_key key = select_key(policy, node);
        enum gvk_shader shader = gvk_shader_for(policy, key.shader);
        if (shader == GVK_SHADER_COUNT)
            return gvk_fail(&device->host, GVK_ERROR_UNSUPPORTED, "\"%s\" has no kernel for fp16 on this device.",
                            node->name);
        const char *name = gvk_shader_codes[shader].name;
        uint32_t bit = proof_bit(policy, &key);
        bool rejected = gvk_is_rejected(policy, key.shader);
        if (rejected && node->op == GVK_OP_GHOST)
            return GVK_OK; /* the rewrites take it apart */
        if (rejected)
            return gvk_fail(&device->host, GVK_ERROR_DRIVER,
                            "This driver computes \"%s\" wrongly with every kernel there is for it; the last was %s.",
                            node->name, name);
        if (verdicts->proven[bit / 32] >> (bit % 32) & 1)
            return GVK_OK;
        bool proven = false;
        double deviation = 0;
        gvk_result result = run_proof(prover, policy, node, &key, &proven, &deviation);
        if (result)
            return result;
        verdicts->changed = true;
        if (!proven && !prover->peak)
            gvk_log(&device->host, GVK_LOG_DEBUG, "The kernel %s is used unproven: no sample fits it.", name);
        if (!proven || deviation <= (policy->half ? ALLOWED_DEVIATION_HALF : ALLOWED_DEVIATION)) {
            verdicts->proven[bit / 32] |= 1u << (bit % 32);
            return GVK_OK;
        }
        gvk_log(&device->host, GVK_LOG_WARNING,
                "The kernel %s computes wrongly on this driver (off by %.1e of the largest value); another is taken.",
                name, deviation);
        verdicts->rejected[(uint32_t)shader / 32] |= 1u << ((uint32_t)shader % 32);
        obey_verdicts(verdicts, policy);
    }
}

/* Those that a large enough picture takes. */
static gvk_result prove_matrices(const struct prover *prover, struct gvk_policy *policy,
                                 const struct gvk_graph_node *node)
{
    const uint32_t given = policy->matrix_tile;
    gvk_result result = GVK_OK;
    if (gvk_kernel_of(node) != &gvk_kernel_pointwise || !gvk_fills_matrices(node))
        return GVK_OK;
    for (policy->matrix_tile = 1; gvk_matrix_tile(policy->matrix_tile) && !result; policy->matrix_tile++)
        result = prove_node(prover, policy, node);
    policy->matrix_tile = given;
    return result;
}

/* Which tile of a list a GPU takes also depends on the size of the picture, which the next stream may change: so all of
 * them are proven, behind what was measured for one size. */
static gvk_result prove_every_size(const struct prover *prover, struct gvk_policy *policy,
                                   const struct gvk_graph_node *node)
{
    uint32_t rejected[GVK_REJECTED_WORDS], given = policy->lane_work;
    gvk_result result = GVK_OK;
    do { /* in place of a rejected kernel comes one that may have other sizes */
        memcpy(rejected, policy->rejected, sizeof rejected);
        policy->lane_work = 0;
        result = prove_node(prover, policy, node);
        for (policy->lane_work = GVK_MOST_LANE_WORK; policy->lane_work && !result; policy->lane_work /= 2)
            result = prove_node(prover, policy, node);
        policy->lane_work = given;
        if (!result)
            result = prove_matrices(prover, policy, node);
    } while (!result && memcmp(rejected, policy->rejected, sizeof rejected) != 0);
    policy->lane_work = given;
    return result;
}

/* All pipelines that are to be proven at once: many drivers compile several in the time of one. */
static gvk_result make_pipelines(struct gvk_device *device, const struct gvk_graph *graph,
                                 const struct gvk_policy *policy)
{
    const struct gvk_verdicts *verdicts = &device->verdicts;
    uint32_t count = 0;
    struct gvk_pipeline_key *keys = gvk_allocate_array(&device->host, graph->node_count, sizeof *keys);
    if (!keys)
        return gvk_fail_memory(&device->host);
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const struct gvk_graph_node *node = &graph->nodes[i];
        if (!needs_proof(node))
            continue;
        struct gvk_pipeline_key key = select_key(policy, node);
        uint32_t bit = proof_bit(policy, &key);
        key.shader = gvk_shader_for(policy, key.shader);
        if (key.shader != GVK_SHADER_COUNT && !(verdicts->proven[bit / 32] >> (bit % 32) & 1))
            keys[count++] = key;
    }
    gvk_result result = count ? gvk_pipelines_make(device, keys, count) : GVK_OK;
    gvk_release(&device->host, keys);
    return result;
}

static gvk_result prove_graph(const struct prover *prover, const struct gvk_graph *graph, struct gvk_policy *policy)
{
    gvk_result result = GVK_OK;
    bool half_sums;
    do { /* again where a rejected kernel left others without a proof */
        half_sums = policy->half_sums;
        for (uint32_t i = 0; i < graph->node_count && !result; i++)
            if (needs_proof(&graph->nodes[i]))
                result = prove_every_size(prover, policy, &graph->nodes[i]);
    } while (!result && half_sums != policy->half_sums);
    return result;
}

gvk_result gvk_kernels_foresee_proof(struct gvk_device *device, const struct gvk_graph *graph,
                                     struct gvk_policy *policy, uint64_t *peak)
{
    gvk_mutex_lock(&device->proof_mutex);
    load_verdicts(device);
    struct gvk_verdicts foreseen = device->verdicts;
    gvk_mutex_unlock(&device->proof_mutex);
    const struct prover prover = {.device = device, .verdicts = &foreseen, .peak = peak};
    obey_verdicts(&foreseen, policy);
    return prove_graph(&prover, graph, policy);
}

gvk_result gvk_kernels_prove(struct gvk_device *device, const struct gvk_graph *graph, struct gvk_policy *policy)
{
    const struct prover prover = {.device = device, .verdicts = &device->verdicts};
    gvk_mutex_lock(&device->proof_mutex);
    load_verdicts(device);
    obey_verdicts(&device->verdicts, policy);
    gvk_result result = make_pipelines(device, graph, policy);
    if (!result)
        result = prove_graph(&prover, graph, policy);
    save_verdicts(device);
    gvk_mutex_unlock(&device->proof_mutex);
    return result;
}
