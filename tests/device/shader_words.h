/* The SPIR-V of the library's kernels. */
#ifndef GVK_TEST_SHADER_WORDS_H
#define GVK_TEST_SHADER_WORDS_H

#include <stdint.h>

#include "shader_table.h"

/* gvk_shader_codes[shader].bytes of them, which stay where they are. Ends the program when there are none. */
const uint32_t *shader_words(enum gvk_shader shader);

#endif
