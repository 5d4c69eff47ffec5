/* What is decided about the kernels of a model: precision, what computed wrongly, what was measured, what a proof or a
 * test forces. The facts that it goes by (struct gvk_traits) are the device's and never change. */
#ifndef GVK_POLICY_H
#define GVK_POLICY_H

#include "runtime/vulkan/device.h"
#include "shader_table.h"

struct gvk_policy {
    const struct gvk_traits *traits;       /* of the device; they outlive the policy */
    bool reference;                        /* plain kernels alone, which every device runs */
    bool half;                             /* tensors and weights lie in memory as fp16 */
    bool half_sums;                        /* of such a model: kernels may compute in fp16, too */
    bool chunks;                           /* weights may be read as an array of chunks */
    uint32_t rejected[GVK_REJECTED_WORDS]; /* a bit a shader: it computed wrongly on this device */
    const struct gvk_choices *choices;     /* what was measured on this device, kept until its end; NULL: nothing */
    uint32_t work; /* of the streams that the model is for (gvk_work_of); 0: unknown, the newest choices are taken */
    /* Of a lane, in quarters of a pixel, whatever the image's size; 0: as many as fit the size. */
    uint32_t lane_work;
    uint32_t matrix_tile; /* the n-th tile of the matrix form for every pointwise convolution; 0: as its size says */
    uint32_t forced_shader, forced_local_size; /* in place of any choice; local size 0: nothing is forced */
};

#define GVK_LANE_WORK_OF_A_PIXEL 4u
#define GVK_MOST_LANE_WORK       (4 * GVK_LANE_WORK_OF_A_PIXEL)

/* As the facts alone suggest: nothing is rejected, measured or forced. False: there is no such precision. */
bool gvk_policy_of(const struct gvk_traits *traits, gvk_precision precision, struct gvk_policy *out);
/* The same with what was measured on the device. Thread-safe; the policy must not outlive the device. */
bool gvk_device_policy(const struct gvk_device *device, gvk_precision precision, struct gvk_policy *out);

/* Of a channel quad in memory. */
static inline uint32_t gvk_quad_bytes(const struct gvk_policy *policy)
{
    return policy->half ? 8 : 16;
}

/* The shader's products, and sums of a few, are computed in fp16, too. */
static inline bool gvk_sums_in_half(const struct gvk_policy *policy, enum gvk_shader shader)
{
    return policy->half && policy->half_sums && gvk_shader_codes[shader].half_sums != GVK_SHADER_COUNT;
}

/* The shader as a model of this policy uses it; GVK_SHADER_COUNT: it has no variant for fp16. */
static inline enum gvk_shader gvk_shader_for(const struct gvk_policy *policy, enum gvk_shader shader)
{
    const struct gvk_shader_code *code = &gvk_shader_codes[shader];
    return gvk_sums_in_half(policy, shader) ? code->half_sums : policy->half ? code->half : shader;
}

/* The shader computed wrongly on this device and is not to be chosen. */
static inline bool gvk_is_rejected(const struct gvk_policy *policy, enum gvk_shader shader)
{
    shader = gvk_shader_for(policy, shader);
    return policy->rejected[(uint32_t)shader / 32] >> ((uint32_t)shader % 32) & 1;
}

#endif
