/* Which tile a shader of a program is of. */
#ifndef GVK_TESTS_TILE_SHADERS_H
#define GVK_TESTS_TILE_SHADERS_H

#include <stdbool.h>

#include "shader_table.h"

/* The shader is one of the tile's, in fp32, in fp16, or with sums in fp16. */
static inline bool tile_has_shader(const struct gvk_tile *tile, enum gvk_shader shader)
{
    for (int store = 0; store < GVK_STORE_COUNT; store++) {
        enum gvk_shader plain = tile->shaders[store];
        if (plain == GVK_SHADER_COUNT)
            continue;
        const struct gvk_shader_code *code = &gvk_shader_codes[plain];
        if (shader == plain || shader == code->half || shader == code->half_sums)
            return true;
    }
    return false;
}

#endif
