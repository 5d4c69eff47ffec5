/* Where a picture of a frame lies, and where what is looked at of it goes in the network's input. */
#ifndef GVK_PICTURE_LAYOUT_H
#define GVK_PICTURE_LAYOUT_H

#include <ghostvk/picture.h>

#include "resize.h"
#include "turn.h"

/* Ranges are bound at 256 bytes, the largest alignment that Vulkan allows a device to ask for. */
#define GVK_RANGE_ALIGNMENT 256u

struct gvk_picture_layout {
    gvk_picture picture;            /* as it was given, defaults filled in */
    uint32_t width, height;         /* of what is looked at, upright: the crop */
    uint32_t crop_x, crop_y;        /* its corner in the whole upright picture */
    struct gvk_rectangle stored;    /* what is looked at, in the picture as it is stored */
    struct gvk_turn turn;           /* of pixels in what is uploaded of them, else in the picture as it is stored */
    struct gvk_placement placement; /* computed once, for the resize and for what maps boxes back */
    uint64_t pixels; /* bytes in the upload, at GVK_RANGE_ALIGNMENT; of a buffer's picture in the buffer */
    uint64_t pitch;  /* bytes from row to row there */
    uint64_t horizontal, vertical; /* tables: bytes in the upload, at GVK_RANGE_ALIGNMENT */
    uint64_t rows;                 /* bytes in the scratch */
    /* Where this picture's bytes in the upload and the scratch begin, and where the next one's do. */
    uint64_t upload_begin, scratch_begin, upload_end, scratch_end;
};

static inline uint32_t gvk_pixel_bytes(gvk_pixel_format format)
{
    return format == GVK_PIXELS_RGB8 ? 3 : 4;
}

/* In memory as bytes, which the same kernel reads, wherever they lie. */
static inline bool gvk_is_bytes(const struct gvk_picture_layout *layout)
{
    return layout->picture.kind == GVK_PICTURE_PIXELS || layout->picture.kind == GVK_PICTURE_BUFFER;
}

static inline bool gvk_is_image(const struct gvk_picture_layout *layout)
{
    return layout->picture.kind == GVK_PICTURE_IMAGE || layout->picture.kind == GVK_PICTURE_PLANES;
}

#endif
