/* Forms: how the kernels of a device read weights and activations, and what a device of given facts can run. */
#ifndef GVK_FORMS_H
#define GVK_FORMS_H

#include "runtime/device/policy.h"

/* Forms that read texels are for devices whose texel buffers hold as much as a storage buffer does. */
#define GVK_TEXELS_OF_EVERY_TENSOR (1u << 27)
enum gvk_form gvk_form_of(const struct gvk_policy *policy);
/* Whether barriers and shared memory are fast on the devices of the form. */
static inline bool gvk_form_is_for_gpus(enum gvk_form form)
{
    return form <= GVK_FORM_MATRIX;
}
/* Whether that form reads tensors and weights through texel buffers. */
bool gvk_reads_texels(const struct gvk_policy *policy);
/* Whether a model of this policy can run the form, and whether it may be worth a try: on a CPU device, whose forms
 * were all measured, its own alone. */
bool gvk_form_is_possible(const struct gvk_policy *policy, enum gvk_form form);
bool gvk_form_is_candidate(const struct gvk_policy *policy, enum gvk_form form);

#define GVK_VENDOR_AMD      0x1002u
#define GVK_VENDOR_NVIDIA   0x10deu
#define GVK_VENDOR_INTEL    0x8086u
#define GVK_VENDOR_QUALCOMM 0x5143u
#define GVK_VENDOR_ARM      0x13b5u

/* Whether subgroups can be required to have the size that the driver states, and to be full. */
static inline bool gvk_can_require_subgroups(const struct gvk_traits *traits)
{
    return traits->subgroup_size_control && traits->full_subgroups &&
           traits->subgroup_size >= traits->min_subgroup_size && traits->subgroup_size <= traits->max_subgroup_size;
}
/* As many as the driver tells, but no more than any card has: a driver may tell anything. 0: unknown. */
static inline uint32_t gvk_known_cores(const struct gvk_traits *traits)
{
    return traits->cores < 1024 ? traits->cores : 1024;
}
/* How many workgroups of 64 lanes a dispatch should have, so that no core of the device idles. 0: it does not matter.
 */
uint32_t gvk_wanted_workgroups(const struct gvk_traits *traits);
/* Lanes of a workgroup that share a sum (shaders/planes/split.glsl): a power of two. */
uint32_t gvk_split_lanes(const struct gvk_traits *traits);

#endif
