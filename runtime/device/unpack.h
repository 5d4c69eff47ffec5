/* The SPIR-V of the kernels, out of the packed form that shaders/packing.h describes. What is packed is checked like a
 * file: damaged, it gives false, and never a read or write outside of what was given. */
#ifndef GVK_UNPACK_H
#define GVK_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shader_table.h"
#include "shaders/packing.h"

/* Tokens that unpacking a shader takes: its own and its parent's. 0: there is no such shader in this library. */
size_t gvk_unpack_tokens(const struct gvk_packed_shaders *packed, uint32_t shader);
/* `tokens` has room for gvk_unpack_tokens, `words` for the shader's `unpacked`. Thread-safe. */
bool gvk_unpack(const struct gvk_packed_shaders *packed, uint32_t shader, uint64_t *tokens, uint32_t *words);

#endif
