/* Which form a device is given: by its vendor, and by what it allows. */
#include "forms.h"

#include "shaders/shared.h"

/* Forms for CPU devices are for fp32 alone. */
static bool is_cpu(const struct gvk_policy *policy)
{
    return policy->traits->type == VK_PHYSICAL_DEVICE_TYPE_CPU && !policy->half;
}

bool gvk_form_is_possible(const struct gvk_policy *policy, enum gvk_form form)
{
    if (form < GVK_FORM_COUNT &&
        !gvk_tile_lists[GVK_FAMILY_POINTWISE][form].count) /* the library was built without it */
        return false;
    bool cpu = is_cpu(policy);
    /* Without a required size a driver may run subgroups partly filled, and lanes would miss weights. */
    bool sure = policy->traits->subgroup_size_control && policy->traits->full_subgroups;
    bool texels = policy->traits->texel_buffers && policy->traits->max_texels >= GVK_TEXELS_OF_EVERY_TENSOR;
    bool lavapipe = cpu && sure && texels;
    bool wide = lavapipe && policy->traits->float64 && policy->traits->stores_doubles;
    bool shuffle = wide && policy->traits->subgroup_shuffle && policy->traits->shuffles_well;
    /* Its stores take half a minute to compile where shuffles do well (docs/measurements.md). */
    bool spread = wide && policy->traits->subgroup_broadcast && !policy->traits->shuffles_well;
    bool single = lavapipe && policy->traits->subgroup_broadcast;
    bool has_matrices = policy->traits->vendor_id == GVK_VENDOR_AMD || policy->traits->vendor_id == GVK_VENDOR_NVIDIA;
    bool broadcast_4 = cpu && sure && policy->traits->subgroup_size == 4 && policy->traits->subgroup_broadcast;
    switch (form) {
    case GVK_FORM_SHUFFLE_16: return shuffle && policy->traits->subgroup_size == 16;
    case GVK_FORM_SHUFFLE_8: return shuffle && policy->traits->subgroup_size == 8;
    case GVK_FORM_SPREAD_16: return spread && policy->traits->subgroup_size == 16;
    case GVK_FORM_SPREAD_8: return spread && policy->traits->subgroup_size == 8;
    case GVK_FORM_SINGLE_16: return single && policy->traits->subgroup_size == 16;
    case GVK_FORM_SINGLE_8: return single && policy->traits->subgroup_size == 8;
    case GVK_FORM_CHUNKS_4: return broadcast_4 && policy->chunks;
    case GVK_FORM_BROADCAST_4: return broadcast_4;
    case GVK_FORM_BROADCAST_16:
        return !cpu && sure && policy->traits->subgroup_broadcast && policy->traits->min_subgroup_size <= 16 &&
               policy->traits->max_subgroup_size >= 16;
    case GVK_FORM_TEXELS: return !cpu && texels;
    case GVK_FORM_MATRIX:
        /* Intel's compiler spills in such kernels; other vendors' were never looked at. */
        return policy->half && policy->traits->matrix_side && has_matrices && sure &&
               policy->traits->type != VK_PHYSICAL_DEVICE_TYPE_CPU;
    case GVK_FORM_UNIFORM:
    case GVK_FORM_PLAIN: return true;
    case GVK_FORM_COUNT: break;
    }
    return false;
}

enum gvk_form gvk_form_of(const struct gvk_policy *policy)
{
    static const enum gvk_form of_cpus[] = {GVK_FORM_SHUFFLE_16, GVK_FORM_SHUFFLE_8,  GVK_FORM_SPREAD_16,
                                            GVK_FORM_SPREAD_8,   GVK_FORM_SINGLE_16,  GVK_FORM_SINGLE_8,
                                            GVK_FORM_CHUNKS_4,   GVK_FORM_BROADCAST_4};
    for (size_t i = 0; i < sizeof of_cpus / sizeof of_cpus[0]; i++)
        if (gvk_form_is_possible(policy, of_cpus[i]))
            return of_cpus[i];
    if (policy->traits->vendor_id == GVK_VENDOR_INTEL && gvk_form_is_possible(policy, GVK_FORM_BROADCAST_16))
        return GVK_FORM_BROADCAST_16;
    if (policy->traits->vendor_id == GVK_VENDOR_QUALCOMM && gvk_form_is_possible(policy, GVK_FORM_TEXELS))
        return GVK_FORM_TEXELS;
    return GVK_FORM_UNIFORM;
}

bool gvk_reads_texels(const struct gvk_policy *policy)
{
    enum gvk_form form = gvk_form_of(policy);
    return form == GVK_FORM_TEXELS || (form >= GVK_FORM_SHUFFLE_16 && form <= GVK_FORM_SINGLE_8);
}

bool gvk_form_is_candidate(const struct gvk_policy *policy, enum gvk_form form)
{
    return form == gvk_form_of(policy) || (!is_cpu(policy) && gvk_form_is_possible(policy, form));
}

uint32_t gvk_split_lanes(const struct gvk_traits *traits)
{
    uint32_t lanes = GVK_SPLIT_LANES;
    while (lanes > traits->max_invocations || lanes > traits->max_workgroup_size_x)
        lanes /= 2;
    return lanes;
}

uint32_t gvk_wanted_workgroups(const struct gvk_traits *traits)
{
    /* Where the driver tells how many cores there are. NVIDIA:
     * measured on a card with 132 multiprocessors, where 8 for each are fastest in fp32 and 16 in fp16, within 5 %, for
     * 1 to 32 pictures (docs/hardware). AMD, by the compilers: those that read ahead need fewer. Arm: for four cores as
     * many as any device of an unknown number is given. */
    const uint32_t cores = gvk_known_cores(traits);
    if (cores && traits->vendor_id == GVK_VENDOR_NVIDIA)
        return 12 * cores;
    if (cores && traits->vendor_id == GVK_VENDOR_AMD)
        return 8 * cores;
    if (cores && traits->vendor_id == GVK_VENDOR_ARM)
        return 16 * cores;
    /* Vulkan itself does not. Large cards have 80 to 160 schedulers that each want two or three
     * workgroups to hide memory behind; integrated and mobile GPUs have 4 to 48. */
    switch (traits->type) {
    case VK_PHYSICAL_DEVICE_TYPE_CPU: return 0;
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU: return 256;
    default: return 64;
    }
}
