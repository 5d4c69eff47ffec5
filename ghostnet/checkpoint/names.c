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

static bool is_one_of(const char *text, size_t length, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(words[i]) == length && memcmp(words[i], text, length) == 0)
            return true;
    return false;
}

bool gvk_is_weight_name(const char *name, size_t length)
{
    static const char *const endings[] = {"weight", "bias", "running_mean", "running_var"};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t ending = strlen(endings[i]);
        if (length >= ending && memcmp(name + length - ending, endings[i], ending) == 0)
            return true;
    }
    return false;
}

bool gvk_is_bookkeeping(const char *name)
{
    static const char *const first_parts[] = {"optimizer",        "optimizers",   "optim",  "optimizer_state",
                                              "optimizer_states", "lr_scheduler", "scaler", "optimizer_state_dict"};
    static const char *const last_parts[] = {"num_batches_tracked", "total_ops", "total_params",  "n_averaged",
                                             "num_updates",         "exp_avg",   "exp_avg_sq",    "max_exp_avg_sq",
                                             "momentum_buffer",     "epoch",     "best_accuracy", "global_step"};
    const char *first_end = strchr(name, '.'), *last = strrchr(name, '.');
    last = last ? last + 1 : name;
    return (first_end &&
            is_one_of(name, (size_t)(first_end - name), first_parts, sizeof first_parts / sizeof first_parts[0])) ||
           is_one_of(last, strlen(last), last_parts, sizeof last_parts / sizeof last_parts[0]);
}
