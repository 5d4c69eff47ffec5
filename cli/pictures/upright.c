/* Turns pixels by the eight orientations of EXIF. */
#include "upright.h"

#include <stdlib.h>
#include <string.h>

/* A turned copy, for the four orientations that swap the sides: the pixel at column x and row y of the upright picture
 * comes from row x (or the last but x) and column y (or the last but y) of the stored one. */
static bool swap_sides(struct image *image, bool from_right, bool from_bottom)
{
    enum { TILE = 32 }; /* pixels, so that the rows read and written stay in the cache */
    struct image turned = {.width = image->height, .height = image->width};
    turned.pixels = malloc((size_t)3 * image->width * image->height);
    if (!turned.pixels)
        return false;
    size_t width = turned.width, height = turned.height;
    for (size_t top = 0; top < height; top += TILE) {
        for (size_t left = 0; left < width; left += TILE) {
            size_t bottom = top + TILE < height ? top + TILE : height,
                   right = left + TILE < width ? left + TILE : width;
            for (size_t y = top; y < bottom; y++) {
                size_t column = from_right ? height - 1 - y : y;
                for (size_t x = left; x < right; x++) {
                    size_t row = from_bottom ? width - 1 - x : x;
                    memcpy(turned.pixels + 3 * (y * width + x), image->pixels + 3 * (row * height + column), 3);
                }
            }
        }
    }
    image_release(image);
    *image = turned;
    return true;
}

static void swap_pixels(uint8_t *left, uint8_t *right)
{
    for (size_t channel = 0; channel < 3; channel++) {
        uint8_t kept = left[channel];
        left[channel] = right[channel];
        right[channel] = kept;
    }
}

static void mirror_columns(struct image *image)
{
    for (size_t y = 0; y < image->height; y++) {
        uint8_t *left = image->pixels + 3 * (size_t)image->width * y, *right = left + 3 * ((size_t)image->width - 1);
        for (; left < right; left += 3, right -= 3)
            swap_pixels(left, right);
    }
}

static void mirror_rows(struct image *image)
{
    size_t row = 3 * (size_t)image->width;
    for (size_t y = 0; y < image->height / 2; y++) {
        uint8_t *upper = image->pixels + row * y, *lower = image->pixels + row * (image->height - 1 - y);
        for (size_t x = 0; x < row; x += 3)
            swap_pixels(upper + x, lower + x);
    }
}

bool image_turn_upright(struct image *image, unsigned orientation)
{
    switch (orientation) {
    case 2: mirror_columns(image); return true;
    case 3:
        mirror_columns(image);
        mirror_rows(image);
        return true;
    case 4: mirror_rows(image); return true;
    case 5: return swap_sides(image, false, false);
    case 6: return swap_sides(image, false, true);
    case 7: return swap_sides(image, true, true);
    case 8: return swap_sides(image, true, false);
    default: return true;
    }
}
