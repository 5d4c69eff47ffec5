/* Sets variables of the environment: a program may decide so for itself; the library never touches it. */
#include "lavapipe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH "LP_NATIVE_VECTOR_WIDTH" /* bits; Mesa's default is at most 256 */

/* Mesa's shader cache does not know for how many lanes a piece of lavapipe's code is (25.0.7: code for texel buffers):
 * that of another width, which another program or setting left there, would compute wrongly or crash. Mesa makes the
 * folder, and does without a cache where it cannot. */
static void keep_widths_apart(const char *width)
{
    char path[4096];
    const char *folder = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int used = -1;
    if (strspn(width, "0123456789") != strlen(width))
        return;
    if (folder && *folder == '/')
        used = snprintf(path, sizeof path, "%s/ghostvk-mesa-%s", folder, width);
    else if (home && *home == '/')
        used = snprintf(path, sizeof path, "%s/.cache/ghostvk-mesa-%s", home, width);
    if (used > 0 && (size_t)used < sizeof path)
        setenv("MESA_SHADER_CACHE_DIR", path, 0);
}

void prepare_lavapipe(void)
{
    /* With AVX-512 it runs the kernels 16 lanes wide and a quarter faster. */
#if (defined(__x86_64__) || defined(__i386__)) && (defined(__GNUC__) || defined(__clang__))
    if (__builtin_cpu_supports("avx512f"))
        setenv(WIDTH, "512", 0);
#endif
    const char *width = getenv(WIDTH);
    if (width && *width)
        keep_widths_apart(width);
}
