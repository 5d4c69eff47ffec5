/* Plans where a picture lies in a frame's upload and scratch. */
#ifndef GVK_LAYOUT_PICTURE_H
#define GVK_LAYOUT_PICTURE_H

#include "runtime/graph/graph.h"
#include "runtime/picture/picture_layout.h"
#include "runtime/vulkan/device.h"

/* *upload and *scratch move behind what the picture takes. `picture` is complete (rules.h). GVK_ERROR_UNSUPPORTED where
 * the device's limits do not allow it. */
gvk_result gvk_lay_out_picture(const gvk_device *device, const gvk_picture *picture, uint32_t index,
                               const struct gvk_shape *input, uint32_t quad_bytes, uint64_t *upload, uint64_t *scratch,
                               struct gvk_picture_layout *out);
/* Both pictures are complete, and the one's layout is the other's, but for what `picture` says. */
bool gvk_lies_alike(const gvk_picture *left, const gvk_picture *right);
/* The one's commands read the other, too. Never of the host's buffers and images, which are bound anew each frame. */
bool gvk_reads_alike(const gvk_picture *left, const gvk_picture *right);

#endif
