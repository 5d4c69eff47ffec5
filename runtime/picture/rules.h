/* What a picture must be to be taken. */
#ifndef GVK_PICTURE_RULES_H
#define GVK_PICTURE_RULES_H

#include <ghostvk/picture.h>

#include "runtime/vulkan/device.h"

/* Checks all members but the size of a tensor, and fills in defaults: *out has an orientation of 1 to 8, a crop, a row
 * pitch and a model. `index` is for the sentence. `likeness`: only what pictures of the kind have in common; pixels,
 * buffers and views are not looked at. */
gvk_result gvk_picture_complete(const gvk_device *device, const gvk_picture *given, uint32_t index, bool likeness,
                                gvk_picture *out);
/* The values of the image are proportional to light. */
bool gvk_is_linear(const gvk_picture *picture);

#endif
