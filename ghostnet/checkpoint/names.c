/* See names.h. A set is all tensors whose names begin with the same wrappers. Tensors that are no weights do not count
 * when a set is chosen. */
#include "names.h"

#include <string.h>

#define SET_LIMIT 64u /* sets beyond these are put aside */

#define COUNT_OF(words) (sizeof(words) / sizeof(words)[0])

typedef struct set {
    const char *prefix; /* in the name of its first tensor */
    size_t length;
    uint32_t weights, tensors;
    bool is_average;
} set;

static bool is_one_of(const char *text, size_t length, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(words[i]) == length && memcmp(words[i], text, length) == 0)
            return true;
    return false;
}

gvk_wrapper gvk_judge_wrapper(const char *word, size_t length)
{
    static const char *const parts[] = {"state",  "dict",    "model",  "net",    "network",
                                        "module", "weights", "params", "shadow", "ema"};
    bool is_average = false, is_more = false;
    if (length == strlen("_orig_mod") && memcmp(word, "_orig_mod", length) == 0)
        return GVK_WRAPPER_PLAIN;
    for (size_t at = 0; at <= length;) {
        const char *end = memchr(word + at, '_', length - at);
        size_t part = end ? (size_t)(end - (word + at)) : length - at;
        if (!is_one_of(word + at, part, parts, COUNT_OF(parts)))
            return GVK_WRAPPER_NONE;
        is_average = is_average || is_one_of(word + at, part, parts + 8, 2);
        is_more = is_more || at > 0 || !is_one_of(word + at, part, parts, 2); /* "state" alone is an optimizer's */
        at += part + 1;
    }
    return is_average ? GVK_WRAPPER_AVERAGE : is_more ? GVK_WRAPPER_PLAIN : GVK_WRAPPER_NONE;
}

/* How many bytes of the name are wrappers; something must be left behind them. */
static size_t measure_prefix(const char *name, bool *is_average)
{
    size_t length = 0;
    *is_average = false;
    for (;;) {
        const char *part = name + length, *dot = strchr(part, '.');
        gvk_wrapper wrapper = dot && dot[1] ? gvk_judge_wrapper(part, (size_t)(dot - part)) : GVK_WRAPPER_NONE;
        if (wrapper == GVK_WRAPPER_NONE)
            return length;
        *is_average = *is_average || wrapper == GVK_WRAPPER_AVERAGE;
        length = (size_t)(dot + 1 - name);
    }
}

/* Removes "module" and "_orig_mod" wherever they stand between the dots of a name, but not at its end. */
static void drop_parts(char *name)
{
    static const char *const parts[] = {"module", "_orig_mod"};
    for (char *dot; (dot = strchr(name, '.')) != NULL && dot[1];) {
        if (is_one_of(name, (size_t)(dot - name), parts, COUNT_OF(parts)))
            memmove(name, dot + 1, strlen(dot + 1) + 1);
        else
            name = dot + 1;
    }
}

/* ---- names without the parts that never tell sets apart ---- */

/* Copies of the names without these parts; *collide when two would be one. */
static gvk_result make_short_names(gvk_checkpoint *checkpoint, char **names, bool *collide)
{
    const gvk_host *host = &checkpoint->host;
    gvk_name_index index = {.slots = NULL};
    gvk_result result = gvk_name_index_create(host, checkpoint->count, &index);
    *collide = false;
    for (uint32_t i = 0; !result && i < checkpoint->count; i++) {
        names[i] = gvk_copy_string(host, checkpoint->tensors[i].name);
        if (!names[i]) {
            result = gvk_fail_memory(host);
            break;
        }
        drop_parts(names[i]);
        *collide = !gvk_name_index_add(&index, names[i], strlen(names[i]), i) || *collide;
    }
    gvk_name_index_release(host, &index);
    return result;
}

/* Replaces the names by the short ones. Where two of these would be equal, shortens only what follows the wrappers. */
static void shorten(gvk_checkpoint *checkpoint, char **names, bool collide)
{
    for (uint32_t i = 0; i < checkpoint->count; i++) {
        char *name = checkpoint->tensors[i].name;
        bool is_average;
        if (collide) {
            memcpy(names[i], name, strlen(name) + 1);
            drop_parts(name + measure_prefix(name, &is_average));
        } else {
            checkpoint->tensors[i].name = names[i];
            names[i] = name;
        }
    }
}

/* ---- sets ---- */

static void strip(gvk_checkpoint_tensor *tensor, size_t length)
{
    memmove(tensor->name, tensor->name + length, strlen(tensor->name + length) + 1);
}

/* Keeps the tensors whose names begin with what the caller wants. */
static gvk_result keep_wanted(gvk_checkpoint *checkpoint, bool collide)
{
    const char *wanted = checkpoint->wanted;
    size_t length = strlen(wanted);
    uint32_t kept = 0;
    bool is_average, is_bare = strcmp(wanted, ".") == 0;
    char *prefix = gvk_allocate(&checkpoint->host, length + 3);
    if (!prefix)
        return gvk_fail_memory(&checkpoint->host);
    memcpy(prefix, wanted, length);
    if (length && prefix[length - 1] != '.')
        prefix[length++] = '.';
    if (!collide) {
        prefix[length] = 'x'; /* the last part stays */
        drop_parts(prefix);
        length = strlen(prefix) - 1;
    }
    for (uint32_t i = 0; i < checkpoint->count; i++) {
        gvk_checkpoint_tensor *tensor = &checkpoint->tensors[i];
        bool fits = is_bare ? measure_prefix(tensor->name, &is_average) == 0
                            : strncmp(tensor->name, prefix, length) == 0 && tensor->name[length];
        tensor->is_aside = !fits;
        if (fits && !is_bare)
            strip(tensor, length);
        kept += fits;
    }
    gvk_release(&checkpoint->host, prefix);
    gvk_quoted quoted;
    return kept ? GVK_OK
                : gvk_refuse(&checkpoint->source, "no name of a tensor begins with \"%s\", which is asked for.",
                             gvk_quote(&quoted, wanted, strlen(wanted)));
}

static bool has_vote(const gvk_checkpoint_tensor *tensor)
{
    return !tensor->is_aside && !tensor->is_integer && !gvk_is_bookkeeping(tensor->name);
}

static uint32_t find_set(const set *sets, uint32_t count, const char *prefix, size_t length)
{
    uint32_t i = 0;
    while (i < count && (sets[i].length != length || memcmp(sets[i].prefix, prefix, length) != 0))
        i++;
    return i;
}

static uint32_t list_sets(const gvk_checkpoint *checkpoint, set *sets)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < checkpoint->count; i++) {
        const gvk_checkpoint_tensor *tensor = &checkpoint->tensors[i];
        bool is_average;
        if (!has_vote(tensor))
            continue;
        size_t length = measure_prefix(tensor->name, &is_average);
        uint32_t at = find_set(sets, count, tensor->name, length);
        if (at == SET_LIMIT)
            continue;
        if (at == count)
            sets[count++] = (set){.prefix = tensor->name, .length = length, .is_average = is_average};
        sets[at].weights += gvk_is_weight_name(tensor->name, strlen(tensor->name));
        sets[at].tensors++;
    }
    return count;
}

/* The best set of one kind, or NULL. */
static const set *find_best(const set *sets, uint32_t count, bool is_average)
{
    const set *best = NULL;
    for (uint32_t i = 0; i < count; i++)
        if (sets[i].is_average == is_average && (!best || sets[i].weights > best->weights ||
                                                 (sets[i].weights == best->weights && sets[i].tensors > best->tensors)))
            best = &sets[i];
    return best;
}

/* Strips the chosen set's prefix and puts the others aside. The prefix lies in a name that changes, hence the copy. */
static gvk_result keep_set(gvk_checkpoint *checkpoint, const set *chosen)
{
    char *prefix = gvk_allocate(&checkpoint->host, chosen->length + 1);
    if (!prefix)
        return gvk_fail_memory(&checkpoint->host);
    memcpy(prefix, chosen->prefix, chosen->length);
    for (uint32_t i = 0; i < checkpoint->count; i++) {
        gvk_checkpoint_tensor *tensor = &checkpoint->tensors[i];
        bool is_average;
        if (tensor->is_aside)
            continue;
        size_t length = measure_prefix(tensor->name, &is_average);
        if (length == chosen->length && memcmp(tensor->name, prefix, length) == 0) {
            strip(tensor, length);
        } else {
            tensor->is_aside = true;
            tensor->wrapper_bytes = (uint32_t)length;
            tensor->is_spare_average = is_average;
        }
    }
    gvk_release(&checkpoint->host, prefix);
    return GVK_OK;
}

static gvk_result choose_set(gvk_checkpoint *checkpoint)
{
    set *sets = gvk_allocate_array(&checkpoint->host, SET_LIMIT, sizeof *sets);
    if (!sets)
        return gvk_fail_memory(&checkpoint->host);
    uint32_t count = list_sets(checkpoint, sets);
    const set *plain = find_best(sets, count, false), *average = find_best(sets, count, true), *chosen = plain;
    if (average && (!plain || average->weights >= plain->weights))
        chosen = average;
    if (plain && average && !checkpoint->wanted)
        checkpoint->choice = chosen == average ? GVK_CHOICE_AVERAGE : GVK_CHOICE_PLAIN;
    gvk_result result = chosen ? keep_set(checkpoint, chosen) : GVK_OK;
    gvk_release(&checkpoint->host, sets);
    return result;
}

/* Notes the prefix that the names of the set have in the file, found by comparing the first of them before and after.
 */
static gvk_result note_prefix(gvk_checkpoint *checkpoint, char *const *names)
{
    uint32_t first = 0;
    while (first < checkpoint->count && !has_vote(&checkpoint->tensors[first]))
        first++;
    if (first == checkpoint->count)
        return GVK_OK;
    const char *before = names[first], *name = checkpoint->tensors[first].name;
    size_t length = strlen(before), end = strlen(name);
    bool is_average, is_end = end <= length && strcmp(before + length - end, name) == 0;
    size_t prefix = is_end ? length - end : measure_prefix(before, &is_average);
    return gvk_checkpoint_note_origin(checkpoint, before, prefix ? prefix - 1 : 0);
}

gvk_result gvk_settle_names(gvk_checkpoint *checkpoint)
{
    const gvk_host *host = &checkpoint->host;
    bool collide = false, are_short = false;
    char **names = gvk_allocate_array(host, checkpoint->count, sizeof *names);
    if (!names)
        return gvk_fail_memory(host);
    gvk_result result = make_short_names(checkpoint, names, &collide);
    if (!result) {
        shorten(checkpoint, names, collide);
        are_short = true;
    }
    if (!result && checkpoint->wanted)
        result = keep_wanted(checkpoint, collide);
    if (!result)
        result = choose_set(checkpoint);
    if (!result && are_short)
        result = note_prefix(checkpoint, names);
    for (uint32_t i = 0; i < checkpoint->count; i++)
        gvk_release(host, names[i]);
    gvk_release(host, names);
    return result;
}

/* ---- what single names say ---- */

bool gvk_is_weight_name(const char *name, size_t length)
{
    static const char *const endings[] = {"weight", "bias", "running_mean", "running_var"};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t ending = strlen(endings[i]);
        if (length >= ending && length <= GVK_NAME_LIMIT && memcmp(name + length - ending, endings[i], ending) == 0)
            return true;
    }
    return false;
}

bool gvk_is_bookkeeping(const char *name)
{
    static const char *const first_parts[] = {
        "optimizer",    "optimizers", "optim", "optimizer_state", "optimizer_states", "optimizer_state_dict",
        "scaler",       "criterion",  "loss",  "yolo_loss",       "loss_fn",          "loss_func",
        "lr_scheduler", "metrics"};
    static const char *const last_parts[] = {
        "num_batches_tracked", "total_ops", "total_params", "n_averaged",     "num_updates",     "epoch",
        "global_step",         "exp_avg",   "exp_avg_sq",   "max_exp_avg_sq", "momentum_buffer", "best_accuracy"};
    const char *first_end = strchr(name, '.'), *last = strrchr(name, '.');
    last = last ? last + 1 : name;
    return (first_end &&
            is_one_of(name, (size_t)(first_end - name), first_parts, sizeof first_parts / sizeof first_parts[0])) ||
           is_one_of(last, strlen(last), last_parts, sizeof last_parts / sizeof last_parts[0]);
}
