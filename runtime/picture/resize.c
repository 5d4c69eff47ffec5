/* Resampling tables, computed in double exactly as Pillow computes them, so that every output byte is Pillow's.
 * Source: R. Keys, "Cubic convolution interpolation for digital image processing", 1981, with a = -0.5. */
#include "resize.h"

#include <math.h>

#include "shaders/shared.h"

#define CUBIC_SUPPORT 2.0
#define FIXED_ONE     (1 << 22)

struct gvk_placement gvk_place_picture(uint32_t picture_width, uint32_t picture_height, uint32_t width, uint32_t height,
                                       bool letterbox)
{
    if (!letterbox)
        return (struct gvk_placement){picture_width, picture_height, 0, 0, width, height, 0};
    double scale_x = (double)width / picture_width, scale_y = (double)height / picture_height;
    double scale = scale_x < scale_y ? scale_x : scale_y;
    struct gvk_placement place = {.picture_width = picture_width,
                                  .picture_height = picture_height,
                                  .width = (uint32_t)(picture_width * scale),
                                  .height = (uint32_t)(picture_height * scale),
                                  .scale = scale};
    /* A picture thousands of times wider than high would vanish. */
    if (!place.width)
        place.width = 1;
    if (!place.height)
        place.height = 1;
    place.x = (width - place.width) / 2;
    place.y = (height - place.height) / 2;
    return place;
}

static double support_of(uint32_t source, uint32_t target)
{
    double scale = (double)source / target;
    return CUBIC_SUPPORT * (scale < 1.0 ? 1.0 : scale);
}

uint32_t gvk_resize_taps(uint32_t source, uint32_t target)
{
    return (uint32_t)ceil(support_of(source, target)) * 2 + 1;
}

uint64_t gvk_resize_table_ints(uint32_t source, uint32_t target)
{
    return (uint64_t)target * (gvk_resize_taps(source, target) + 2);
}

static double cubic(double x)
{
    const double a = -0.5;
    if (x < 0.0)
        x = -x;
    if (x < 1.0)
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
    if (x < 2.0)
        return (((x - 5) * x + 8) * x - 4) * a;
    return 0.0;
}

struct gvk_window gvk_resize_window(uint32_t source, uint32_t target, uint32_t index)
{
    double scale = (double)source / target, support = support_of(source, target), centre = (index + 0.5) * scale;
    int first = (int)(centre - support + 0.5), end = (int)(centre + support + 0.5);
    if (first < 0)
        first = 0;
    if (end > (int)source)
        end = (int)source;
    return (struct gvk_window){(uint32_t)first, (uint32_t)(end - first)};
}

void gvk_resize_fill_table(uint32_t source, uint32_t target, double *scratch, int32_t *out)
{
    double scale = (double)source / target;
    double widening = scale < 1.0 ? 1.0 : scale;
    double narrowing = 1.0 / widening;
    uint32_t taps = gvk_resize_taps(source, target);
    for (uint32_t i = 0; i < target; i++, out += taps + 2) {
        double centre = (i + 0.5) * scale;
        struct gvk_window window = gvk_resize_window(source, target, i);
        int first = (int)window.first, count = (int)window.count;
        double sum = 0.0;
        for (int j = 0; j < count; j++) {
            scratch[j] = cubic((j + first - centre + 0.5) * narrowing);
            sum += scratch[j];
        }
        out[0] = first;
        out[1] = count;
        for (int j = 0; j < count; j++) {
            double weight = sum != 0.0 ? scratch[j] / sum : scratch[j];
            out[2 + j] = (int32_t)((weight < 0 ? -0.5 : 0.5) + weight * FIXED_ONE);
        }
        for (uint32_t j = (uint32_t)count; j < taps; j++)
            out[2 + j] = 0;
    }
}

/* ---- strips ---- */

bool gvk_next_horizontal_strip(uint32_t height, uint64_t row_bytes, struct gvk_strip_limit limit,
                               struct gvk_strip *strip)
{
    uint32_t first = strip->first + strip->rows;
    uint64_t rows = limit.bytes / row_bytes / GVK_RESIZE_ROWS * GVK_RESIZE_ROWS;
    uint64_t wanted = limit.rows < GVK_RESIZE_ROWS ? GVK_RESIZE_ROWS : limit.rows / GVK_RESIZE_ROWS * GVK_RESIZE_ROWS;
    if (limit.rows && rows > wanted)
        rows = wanted;
    if (first >= height || rows == 0)
        return false;
    if (rows > height - first)
        rows = height - first;
    *strip = (struct gvk_strip){first, (uint32_t)rows, first, (uint32_t)rows};
    return true;
}

bool gvk_next_vertical_strip(uint32_t source_height, const struct gvk_placement *place, uint32_t height,
                             uint64_t row_bytes, struct gvk_strip_limit limit, struct gvk_strip *strip)
{
    uint32_t first = strip->first + strip->rows, y = first, begin = 0, end = 0;
    uint64_t most = limit.bytes / row_bytes;
    for (; y < height && (!limit.rows || y - first < limit.rows); y++) {
        if (y - place->y >= place->height) /* above it, too: the difference wraps around */
            continue;
        struct gvk_window window = gvk_resize_window(source_height, place->height, y - place->y);
        uint32_t window_end = window.first + window.count;
        uint32_t start = end ? begin : window.first / GVK_RESIZE_ROWS * GVK_RESIZE_ROWS;
        if (window_end - start > most)
            break;
        begin = start;
        end = window_end > end ? window_end : end;
    }
    if (y == first)
        return false;
    *strip = (struct gvk_strip){first, y - first, begin, end - begin};
    return true;
}
