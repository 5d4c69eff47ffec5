/* Sets variables of the environment: a program may decide so for itself; the library never touches it. */
#include "lavapipe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/system/process.h"

#define WIDTH "LP_NATIVE_VECTOR_WIDTH" /* bits; Mesa's default is at most 256 */

/* Mesa's shader cache does not know for how many lanes a piece of lavapipe's code is (25.0.7: code for texel buffers):
 * that of another width, which another program or setting left there, would compute wrongly or crash. Mesa makes the
 * folder, and does without a cache where it cannot. */
static void keep_widths_apart(const char *width)
{
    char folder[4096], path[4096];
    if (strspn(width, "0123456789") != strlen(width) || !process_cache_folder(folder, sizeof folder))
        return;
    int used = snprintf(path, sizeof path, "%s/ghostvk-mesa-%s", folder, width);
    if (used > 0 && (size_t)used < sizeof path)
        process_set_default("MESA_SHADER_CACHE_DIR", path);
}

void prepare_lavapipe(bool draws)
{
    /* With AVX-512 it runs the kernels 16 lanes wide and a quarter faster. */
#if (defined(__x86_64__) || defined(__i386__)) && (defined(__GNUC__) || defined(__clang__))
    if (!draws && __builtin_cpu_supports("avx512f"))
        process_set_default(WIDTH, "512");
#else
    (void)draws;
#endif
    const char *width = getenv(WIDTH);
    if (width && *width)
        keep_widths_apart(width);
}
