/* Strips the prefixes of DataParallel, torch.compile and wrapper modules. Called by checkpoint.c; see names.h. */
#include "names.h"

#include <string.h>

static bool starts_with(const char *name, const char *prefix, size_t length)
{
    /* What is left must be a name. */
    return strncmp(name, prefix, length) == 0 && name[length] != '\0';
}

static bool is_shared(const gvk_checkpoint_tensor *tensors, uint32_t count, const char *prefix, size_t length)
{
    uint32_t votes = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (tensors[i].array.type == GVK_TYPE_OTHER)
            continue;
        if (!starts_with(tensors[i].name, prefix, length))
            return false;
        votes++;
    }
    return votes > 0;
}

static void strip(gvk_checkpoint_tensor *tensors, uint32_t count, const char *prefix, size_t length)
{
    for (uint32_t i = 0; i < count; i++) {
        char *name = tensors[i].name;
        if (starts_with(name, prefix, length))
            memmove(name, name + length, strlen(name + length) + 1);
    }
}

bool gvk_strip_wrappers(gvk_checkpoint_tensor *tensors, uint32_t count)
{
    static const char *const prefixes[] = {"module.", "_orig_mod.", "model."};
    bool changed = false;
    /* Each round shortens every weight's name, and names are at most GVK_NAME_LIMIT bytes long, so this ends. */
    for (size_t p = 0; p < sizeof prefixes / sizeof prefixes[0];) {
        size_t length = strlen(prefixes[p]);
        if (is_shared(tensors, count, prefixes[p], length)) {
            strip(tensors, count, prefixes[p], length);
            changed = true;
            p = 0;
        } else {
            p++;
        }
    }
    return changed;
}
