/* The pixels of a Texture2D in host memory, as RGB8 or RGBA8. */
#ifndef GHOSTVK_GODOT_TEXTURE_PIXELS_H
#define GHOSTVK_GODOT_TEXTURE_PIXELS_H

#include <ghostvk/picture.h>

#include "godot.h"

typedef struct texture_pixels {
    variant bytes;       /* a PackedByteArray, to be given to variant_destroy */
    gvk_picture picture; /* its pixels are in `bytes` */
} texture_pixels;

/* NULL, or the sentence why there are none; `bytes` then is nil. On Godot's main thread. With a renderer Godot reads
 * the texture back from the GPU for this and waits for it, but for textures that it keeps in host memory. */
const char *texture_pixels_get(const variant *texture, texture_pixels *out);

#endif
