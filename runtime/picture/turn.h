/* How the pixels of an upright, cropped picture lie in the picture as it is stored. */
#ifndef GVK_TURN_H
#define GVK_TURN_H

#include <stdbool.h>
#include <stdint.h>

/* In pixels, x and y. */
struct gvk_rectangle {
    uint32_t x, y, width, height;
};

/* Pixel (u, v) of what is looked at is stored at origin + u * across + v * down, each as x and y. */
struct gvk_turn {
    int32_t origin[2], across[2], down[2];
};

/* Whether the sides of a picture of this orientation (EXIF's 1 to 8) are swapped when it is upright. */
bool gvk_swaps_sides(uint32_t orientation);
/* Of the crop, in pixels of the upright picture. */
struct gvk_turn gvk_turn_picture(uint32_t orientation, uint32_t stored_width, uint32_t stored_height,
                                 const struct gvk_rectangle *crop);
/* What of the stored picture the crop is made of. */
struct gvk_rectangle gvk_stored_crop(const struct gvk_turn *turn, const struct gvk_rectangle *crop);

#endif
