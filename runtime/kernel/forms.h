/* Forms: how the kernels of a device read weights and activations, and what a device of given facts can run. */
#ifndef GVK_FORMS_H
#define GVK_FORMS_H

#include "runtime/device/policy.h"

/* How weights and activations are read on this device (shaders/pointwise.comp says what SPREAD is). */
enum gvk_form {
    GVK_FORM_UNIFORM,      /* SPREAD 0, storage buffers: AMD, NVIDIA, and every device that no other form is for */
    GVK_FORM_BROADCAST_16, /* SPREAD 2, subgroups of 16, storage buffers: Intel */
    GVK_FORM_TEXELS,       /* SPREAD 0, texel buffers: Adreno, Mali */
    GVK_FORM_SHUFFLE_16,   /* SPREAD 1, subgroups of 16, texel buffers: lavapipe until Mesa 22 */
    GVK_FORM_SHUFFLE_8,    /* the same, subgroups of 8 */
    GVK_FORM_SPREAD_16,    /* SPREAD 2, subgroups of 16, texel buffers: lavapipe from Mesa 23 on */
    GVK_FORM_SPREAD_8,     /* the same, subgroups of 8 */
    GVK_FORM_CHUNKS_4,     /* weights in chunks for pointwise, else as the next; subgroups of 4 */
    GVK_FORM_BROADCAST_4,  /* SPREAD 2, subgroups of 4, storage buffers */
    GVK_FORM_COUNT
};
/* Forms that read texels are for devices whose texel buffers hold as much as a storage buffer does. */
#define GVK_TEXELS_OF_EVERY_TENSOR (1u << 27)
enum gvk_form gvk_form_of(const struct gvk_policy *policy);
/* Whether barriers and shared memory are worth their while in it. */
static inline bool gvk_form_is_for_gpus(enum gvk_form form)
{
    return form <= GVK_FORM_TEXELS;
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

/* So many workgroups of 64 lanes a dispatch should have, lest cores of the device idle. 0: it does not matter. */
uint32_t gvk_wanted_workgroups(const struct gvk_traits *traits);
/* Lanes of a workgroup that share a sum (shaders/split.glsl): a power of two. */
uint32_t gvk_split_lanes(const struct gvk_traits *traits);

#endif
