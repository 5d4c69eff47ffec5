/* Choices of kernels that were measured before: kept by the device and through the host's cache. Called by device.c. */
#ifndef GVK_TUNE_H
#define GVK_TUNE_H

#include "runtime/vulkan/device.h"

/* Takes what an earlier start stored, if it is there and fits. */
void gvk_choices_load(struct gvk_device *device);
/* Models take these from now on, and so they do at the next start; what was chosen before for other shapes, and for the
 * other precision (`half`: these are for fp16), stays beside them. */
struct gvk_choices;
gvk_result gvk_choices_keep(struct gvk_device *device, bool half, const struct gvk_choices *choices);
void gvk_choices_destroy(struct gvk_device *device);

#endif
