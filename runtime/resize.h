/* Where a picture goes in the network's input, and the coefficient tables of its resize.
 * picture.c uploads the tables; ghostnet/detector.c maps boxes back with the same placement. */
#ifndef GVK_RESIZE_H
#define GVK_RESIZE_H

#include "host.h"

struct gvk_placement {
    uint32_t x, y, width, height; /* of the picture inside the input */
};

/* Stretched over the whole input, or letterboxed: size int(side * scale), centred. */
struct gvk_placement gvk_place_picture(uint32_t picture_width, uint32_t picture_height, uint32_t width, uint32_t height,
                                       bool letterbox);

/* Ints that one pass's table takes: for each output pixel first source pixel, count, then `taps` coefficients. */
uint32_t gvk_resize_taps(uint32_t source, uint32_t target);
uint64_t gvk_resize_table_ints(uint32_t source, uint32_t target);
/* Pillow's BICUBIC: a = -0.5, support widened when shrinking (antialiasing), 22-bit fixed point. `scratch` has room for
 * gvk_resize_taps doubles. */
void gvk_resize_fill_table(uint32_t source, uint32_t target, double *scratch, int32_t *out);

#endif
