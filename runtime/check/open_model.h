/* Models of proven kernels. */
#ifndef GVK_OPEN_MODEL_H
#define GVK_OPEN_MODEL_H

#include "runtime/graph/graph.h"
#include "runtime/vulkan/device.h"

/* gvk_model_create of a checked graph, for a device of these traits. What the proof strikes is left out of the model's
 * own traits. */
gvk_result gvk_model_create_proven(gvk_device *device, const gvk_graph *graph, uint32_t off,
                                   const struct gvk_traits *traits, gvk_model **out);

#endif
