/* Each is unpacked when it is first asked for. */
#include "shader_words.h"

#include <stdio.h>
#include <stdlib.h>

#include "runtime/device/unpack.h"

const uint32_t *shader_words(enum gvk_shader shader)
{
    static uint32_t *known[GVK_SHADER_COUNT];
    if (known[shader])
        return known[shader];
    uint64_t *tokens = calloc(gvk_unpack_tokens(&gvk_packed_shaders, shader) + 1, sizeof *tokens);
    known[shader] = calloc(gvk_packed_shaders.shaders[shader].unpacked, sizeof *known[shader]);
    if (!tokens || !known[shader] || !gvk_unpack(&gvk_packed_shaders, shader, tokens, known[shader])) {
        fprintf(stderr, "%s cannot be unpacked\n", gvk_shader_codes[shader].name);
        abort();
    }
    free(tokens);
    return known[shader];
}
