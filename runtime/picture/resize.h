/* Where a picture goes in the network's input, and the coefficient tables of its resize. */
#ifndef GVK_RESIZE_H
#define GVK_RESIZE_H

#include "runtime/base/host.h"

struct gvk_placement {
    uint32_t picture_width, picture_height;
    uint32_t x, y, width, height; /* of the picture inside the input, in whole pixels */
    /* Of a letterboxed picture, by which its sides are multiplied before they are cut to whole pixels; 0: stretched
     * over the whole input. */
    double scale;
};

/* Stretched over the whole input, or letterboxed: size int(side * scale), centred. */
struct gvk_placement gvk_place_picture(uint32_t picture_width, uint32_t picture_height, uint32_t width, uint32_t height,
                                       bool letterbox);

/* Ints that one pass's table takes: for each output pixel first source pixel, count, then `taps` coefficients. */
uint32_t gvk_resize_taps(uint32_t source, uint32_t target);
uint64_t gvk_resize_table_ints(uint32_t source, uint32_t target);
/* Which source pixels output pixel `index` is made of. */
struct gvk_window {
    uint32_t first, count;
};
struct gvk_window gvk_resize_window(uint32_t source, uint32_t target, uint32_t index);
/* Pillow's BICUBIC: a = -0.5, support widened when shrinking (antialiasing), 22-bit fixed point. `scratch` has room for
 * gvk_resize_taps doubles. */
void gvk_resize_fill_table(uint32_t source, uint32_t target, double *scratch, int32_t *out);

/* ---- strips ----
 *
 * A dispatch binds a range of rows, no more bytes than the device binds at once and GVK_STRIP_BYTES. */
#define GVK_STRIP_BYTES ((uint64_t)1 << 27)

struct gvk_strip {
    uint32_t first, rows;               /* that the dispatch writes */
    uint32_t source_first, source_rows; /* that it reads */
};

/* How large a strip may be. */
struct gvk_strip_limit {
    uint64_t bytes; /* of the rows that it reads, and of those that it writes */
    uint32_t rows;  /* that it writes, unless the fewest that a strip can have are more; 0: any number */
};

/* Each moves *strip, all zeros at first, to the next one. False at the end, and where not even the smallest strip fits
 * into the limit: then first + rows is not yet the height. In the horizontal pass rows written, in the vertical pass
 * rows read begin at multiples of GVK_RESIZE_ROWS.
 * `row_bytes`: of the longer of the rows read and written. */
bool gvk_next_horizontal_strip(uint32_t height, uint64_t row_bytes, struct gvk_strip_limit limit,
                               struct gvk_strip *strip);
/* Of an input of `height` rows, in which the picture lies at `place`; rows outside of it read nothing. `row_bytes`: of
 * the rows read. */
bool gvk_next_vertical_strip(uint32_t source_height, const struct gvk_placement *place, uint32_t height,
                             uint64_t row_bytes, struct gvk_strip_limit limit, struct gvk_strip *strip);

#endif
