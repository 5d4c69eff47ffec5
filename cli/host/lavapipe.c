/* Sets variables of the environment: a program may decide so for itself; the library never touches it. */
#include "lavapipe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/system/files.h"
#include "cli/system/process.h"

#define WIDTH "LP_NATIVE_VECTOR_WIDTH" /* bits; Mesa's default is at most 256 */
#define CACHE "MESA_SHADER_CACHE_DIR"

/* Mesa's shader cache does not know for how many lanes a piece of lavapipe's code is (25.0.7: code for texel buffers):
 * that of another width, which another program or setting left there, would compute wrongly or crash. False where there
 * is no place for one. */
static bool name_cache(const char *width, char *folder, char *path, size_t size)
{
    if (!width || !*width || strspn(width, "0123456789") != strlen(width) || !process_cache_folder(folder, size))
        return false;
    int used = snprintf(path, size, "%s/ghostvk-mesa-%s", folder, width);
    return used > 0 && (size_t)used < size;
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
    char folder[4096], path[4096];
    if (name_cache(getenv(WIDTH), folder, path, sizeof path))
        process_set_default(CACHE, path);
}

void make_room_for_lavapipe(void)
{
    char folder[4096], path[4096];
    const char *cache = getenv(CACHE);
    if (cache && name_cache(getenv(WIDTH), folder, path, sizeof path) && strcmp(cache, path) == 0)
        folder_make(folder, true); /* it may be there, and Mesa does without where it cannot be */
}
