/* Models for hosts: the kernels that a model is about to use are proven first, and the model is made of those that
 * computed right. */
#include "open_model.h"

#include "proof.h"
#include "runtime/base/structs.h"
#include "runtime/device/choices.h"
#include "runtime/graph/rewrite.h"
#include "runtime/model/model.h"
#include "runtime/op/ghost.h"
#include "runtime/op/table.h"

static gvk_result prove_kernels(gvk_device *device, const struct gvk_graph *rewritten, struct gvk_policy *policy,
                                uint64_t *peak)
{
    return peak ? gvk_kernels_foresee_proof(device, rewritten, policy, peak)
                : gvk_kernels_prove(device, rewritten, policy);
}

/* Proves the kernels of the rewritten graph. */
static gvk_result prove(gvk_device *device, const struct gvk_graph *rewritten, struct gvk_policy *policy,
                        uint64_t *peak)
{
    struct gvk_packing packing = {0};
    const struct gvk_builder builder = {
        .host = &device->host, .policy = policy, .graph = rewritten, .packing = &packing};
    gvk_result result = prove_kernels(device, rewritten, policy, peak);
    if (!result)
        result = gvk_packing_create(&builder, &packing);
    if (result)
        return result;
    bool chunks = policy->chunks;
    gvk_limit_chunks(&packing, policy);
    gvk_packing_destroy(&device->host, &packing);
    return chunks == policy->chunks ? GVK_OK : prove_kernels(device, rewritten, policy, peak);
}

/* Until the proof has nothing more to say: *policy is what is left. `peak` not NULL: nothing is run, and it is raised
 * to the memory that it would take. */
static gvk_result prove_policy(gvk_device *device, const gvk_graph *graph, uint32_t off, struct gvk_policy *policy,
                               uint64_t *peak)
{
    gvk_result result = GVK_OK;
    uint32_t left_out = gvk_rewrites_off(policy, off);
    bool settled = off & GVK_REWRITE_FAST_KERNELS; /* the plain kernels are taken as they are */
    while (!result && !settled) {
        struct gvk_graph *rewritten = NULL;
        result = gvk_graph_copy(&device->host, graph, &rewritten);
        if (!result)
            result = gvk_rewrite_graph(rewritten, left_out);
        if (!result)
            result = prove(device, rewritten, policy, peak);
        gvk_graph_destroy(rewritten);
        uint32_t last = left_out;
        left_out = gvk_rewrites_off(policy, off);
        settled = left_out == last; /* else the proof rejected what a rewrite counted on */
    }
    return result;
}

gvk_result gvk_model_create_proven(gvk_device *device, const gvk_graph *graph, uint32_t off,
                                   const struct gvk_policy *policy, gvk_model **out)
{
    struct gvk_policy proven = *policy;
    gvk_result result = prove_policy(device, graph, off, &proven, NULL);
    return result ? result : gvk_model_create_for(device, graph, off, &proven, out);
}

gvk_result gvk_model_plan_proven(gvk_device *device, const gvk_graph *graph, uint32_t off,
                                 const struct gvk_policy *policy, uint64_t *peak, gvk_model **out)
{
    struct gvk_policy proven = *policy;
    gvk_result result = prove_policy(device, graph, off, &proven, peak);
    return result ? result : gvk_model_plan(device, graph, off, &proven, out);
}

gvk_result gvk_policy_of_model(const gvk_host *host, const gvk_device *device, const struct gvk_traits *plain,
                               const gvk_model_params *params, struct gvk_policy *out)
{
    if (!(device ? gvk_device_policy(device, params->precision, out) : gvk_policy_of(plain, params->precision, out)))
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "A model's precision is fp32, fp16 or auto.");
    out->work = gvk_work_of(params->width, params->height, params->batch ? params->batch : 1);
    return GVK_OK;
}

gvk_result gvk_model_create(gvk_device *device, const gvk_graph *graph, const gvk_model_params *params, gvk_model **out)
{
    if (!device)
        return GVK_ERROR_ARGUMENT;
    const gvk_host *host = &device->host;
    if (!out || !graph || !graph->finished)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "gvk_model_create needs a finished graph and a place for the model.");
    if (!graph->find)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "This graph was made without weights; a model needs them.");
    gvk_model_params used;
    gvk_result result = gvk_struct_read(host, &gvk_layout_of_model_params, params, &used);
    if (result)
        return result;
    struct gvk_policy policy;
    result = gvk_policy_of_model(host, device, NULL, &used, &policy);
    if (result)
        return result;
    struct gvk_graph *tapped = NULL;
    if (used.tap_count)
        result = gvk_graph_copy_tapped(host, graph, used.taps, used.tap_count, &tapped);
    const gvk_graph *whole = tapped ? tapped : graph;
    if (!result)
        result = used.trust_kernels ? gvk_model_create_for(device, whole, used.rewrites_off, &policy, out)
                                    : gvk_model_create_proven(device, whole, used.rewrites_off, &policy, out);
    gvk_graph_destroy(tapped);
    return result;
}
