/* Makes policies of a device's facts and of what was measured on it. */
#include "policy.h"

bool gvk_policy_of(const struct gvk_traits *traits, gvk_precision precision, struct gvk_policy *out)
{
    bool gains = traits->half_arithmetic && traits->type != VK_PHYSICAL_DEVICE_TYPE_CPU;
    bool half = precision == GVK_PRECISION_FP16 || (precision == GVK_PRECISION_AUTO && gains);
    *out = (struct gvk_policy){
        .traits = traits,
        .half = half,
        .half_sums = traits->half_sums,
        .chunks = traits->max_chunks && !half, /* kernels that read chunks are for fp32 */
    };
    return (unsigned)precision <= GVK_PRECISION_AUTO;
}

bool gvk_device_policy(const struct gvk_device *device, gvk_precision precision, struct gvk_policy *out)
{
    gvk_mutex *mutex = (gvk_mutex *)&device->mutex; /* locking changes nothing that a caller could see */
    bool known = gvk_policy_of(&device->traits, precision, out);
    gvk_mutex_lock(mutex);
    out->choices = device->choices;
    gvk_mutex_unlock(mutex);
    return known;
}
