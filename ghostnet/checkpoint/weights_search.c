/* Finds the dict of weights in what a torch pickle holds. Training scripts save the weights alone, or under a key
 * beside optimizer state, counters and settings; those are passed over. */
#include <stdio.h>
#include <string.h>

#include "names.h"
#include "weights_search.h"

#define NODE_LIMIT    64u /* dicts that are looked into */
#define UNKNOWN_LIMIT 32u /* of them those under keys that say nothing of weights */
#define DEPTH_LIMIT   6u
#define KEY_LIMIT     64u /* bytes of a key that may lead to weights */
#define PATH_BYTES    (DEPTH_LIMIT * (KEY_LIMIT + 1) + 1)

typedef struct node {
    const gvk_pickle_value *value, *key; /* the key is NULL at the root */
    uint32_t parent, depth;
    uint32_t weights; /* entries that are called like weights ... */
    uint32_t tensors; /* ... and entries that are tensors, however they are called */
    bool is_known;    /* all keys that lead here say that weights lie below */
    bool is_average;
} node;

typedef struct search {
    node nodes[NODE_LIMIT];
    uint32_t count, unknown_count;
    const gvk_pickle_value *stranger; /* the first opaque value where weights were looked for */
} search;

/* ---- what there is ---- */

static void count_entries(node *dict)
{
    for (uint32_t i = 0; i + 1 < dict->value->as.list.count; i += 2) {
        const gvk_pickle_value *key = dict->value->as.list.items[i], *value = dict->value->as.list.items[i + 1];
        bool is_name = gvk_pickle_has_text(key) && gvk_is_weight_name(key->as.text.text, key->as.text.length);
        if (value->kind == GVK_PICKLE_TENSOR) {
            dict->tensors++;
            dict->weights += is_name;
        } else if (value->kind == GVK_PICKLE_OPAQUE && is_name) {
            dict->weights++; /* made by an unknown function: the file will be refused for it */
            dict->tensors++;
        }
    }
}

static bool is_same_key(const gvk_pickle_value *a, const gvk_pickle_value *b)
{
    return a && b && a->as.text.length == b->as.text.length &&
           memcmp(a->as.text.text, b->as.text.text, a->as.text.length) == 0;
}

/* The dict was reached before by a key that says nothing of weights, and now by one that does. */
static void rename_node(search *found, uint32_t at, const node *next)
{
    node *known = &found->nodes[at];
    known->key = next->key;
    known->parent = next->parent;
    known->depth = next->depth;
    known->is_known = true;
    known->is_average = next->is_average;
    found->unknown_count--;
}

static void visit(search *found, const node *next)
{
    uint32_t at = found->count;
    if (next->value->kind == GVK_PICKLE_OPAQUE && next->is_known && !found->stranger)
        found->stranger = next->value;
    if (next->value->kind != GVK_PICKLE_DICT || next->depth > DEPTH_LIMIT)
        return;
    for (uint32_t i = 0; i < found->count; i++) {
        if (found->nodes[i].value == next->value) { /* shared, or a cycle */
            if (next->is_known && !found->nodes[i].is_known)
                rename_node(found, i, next);
            return;
        }
        if (found->nodes[i].parent == next->parent && is_same_key(found->nodes[i].key, next->key))
            at = i; /* a key that is set again */
    }
    if (at == NODE_LIMIT || (!next->is_known && found->unknown_count == UNKNOWN_LIMIT))
        return;
    found->unknown_count += !next->is_known && at == found->count;
    found->count += at == found->count;
    found->nodes[at] = *next;
    count_entries(&found->nodes[at]);
}

static void visit_entries(search *found, uint32_t parent)
{
    const gvk_pickle_value *dict = found->nodes[parent].value;
    for (uint32_t i = 0; i + 1 < dict->as.list.count; i += 2) {
        const gvk_pickle_value *key = dict->as.list.items[i], *value = dict->as.list.items[i + 1];
        if ((value->kind != GVK_PICKLE_DICT && value->kind != GVK_PICKLE_OPAQUE) || !gvk_pickle_has_text(key) ||
            key->as.text.length > KEY_LIMIT || gvk_name_problem(key->as.text.text, key->as.text.length))
            continue;
        gvk_wrapper wrapper = gvk_judge_wrapper(key->as.text.text, key->as.text.length);
        const node *above = &found->nodes[parent];
        visit(found, &(node){.value = value,
                             .key = key,
                             .parent = parent,
                             .depth = above->depth + 1,
                             .is_known = above->is_known && wrapper != GVK_WRAPPER_NONE,
                             .is_average = above->is_average || wrapper == GVK_WRAPPER_AVERAGE});
    }
}

/* Breadth first, so that outer dicts come before inner ones. */
static void search_dicts(search *found, const gvk_pickle_value *root)
{
    visit(found, &(node){.value = root, .parent = NODE_LIMIT, .is_known = true});
    for (uint32_t i = 0; i < found->count; i++)
        visit_entries(found, i);
}

/* The keys that lead to a dict, joined by dots. */
static void write_path(const search *found, uint32_t at, char path[PATH_BYTES])
{
    uint32_t steps[DEPTH_LIMIT], count = 0;
    size_t length = 0;
    for (; found->nodes[at].key; at = found->nodes[at].parent)
        steps[count++] = at;
    while (count > 0) {
        gvk_pickle_text key = found->nodes[steps[--count]].key->as.text;
        memcpy(path + length, key.text, key.length);
        length += key.length;
        path[length] = '.';
        length += count > 0;
    }
    path[length] = '\0';
}

/* ---- which of it ---- */

static bool is_better(const node *a, const node *b)
{
    return a->weights != b->weights ? a->weights > b->weights : a->tensors > b->tensors;
}

/* The dict with the most weights of one kind, the first of equals; the count when there is none. */
static uint32_t find_best(const search *found, bool is_average, bool is_known)
{
    uint32_t best = found->count;
    for (uint32_t i = 0; i < found->count; i++) {
        const node *at = &found->nodes[i];
        if (at->tensors && at->is_average == is_average && at->is_known == is_known &&
            (best == found->count || is_better(at, &found->nodes[best])))
            best = i;
    }
    return best;
}

/* An average is what timm and others evaluate, so it is taken, unless it lacks some of the weights. */
static uint32_t choose(gvk_checkpoint *checkpoint, const search *found)
{
    uint32_t plain = find_best(found, false, true), average = find_best(found, true, true), none = found->count;
    if (average == none || plain == none)
        return average == none ? plain : average;
    bool is_whole = found->nodes[average].weights >= found->nodes[plain].weights;
    checkpoint->choice = is_whole ? GVK_CHOICE_AVERAGE : GVK_CHOICE_PLAIN;
    return is_whole ? average : plain;
}

/* Whether `part` stands in the path, with dots or ends around it. */
static bool has_part(const char *path, const char *part)
{
    size_t length = strlen(part);
    for (const char *at = path; (at = strstr(at, part)) != NULL; at++)
        if ((at == path || at[-1] == '.') && (at[length] == '.' || at[length] == '\0'))
            return true;
    return false;
}

static bool has_prefixed_entry(const gvk_pickle_value *dict, const char *prefix)
{
    size_t length = strlen(prefix);
    for (uint32_t i = 0; i + 1 < dict->as.list.count; i += 2) {
        const gvk_pickle_value *key = dict->as.list.items[i];
        if (gvk_pickle_has_text(key) && key->as.text.length > length + 1 &&
            memcmp(key->as.text.text, prefix, length) == 0 && key->as.text.text[length] == '.')
            return true;
    }
    return false;
}

/* How well a name fits a dict: 3 it is its path or leads to it, 2 it stands in the path, 1 names in the dict begin with
 * what is left of it (*rest), 0 not at all. */
static int judge_fit(const node *dict, const char *path, const char *wanted, const char **rest)
{
    size_t length = strlen(path);
    *rest = NULL;
    if (strcmp(wanted, ".") == 0) {
        *rest = wanted; /* also of names */
        return length == 0 ? 3 : 0;
    }
    if (strncmp(path, wanted, strlen(wanted)) == 0 && has_part(path, wanted))
        return 3;
    if (has_part(path, wanted))
        return 2;
    *rest = length && strncmp(wanted, path, length) == 0 && wanted[length] == '.' ? wanted + length + 1 : wanted;
    return has_prefixed_entry(dict->value, *rest);
}

static uint32_t choose_wanted(const search *found, const char *wanted, const char **rest)
{
    uint32_t chosen = found->count;
    int best = 0;
    for (uint32_t i = 0; i < found->count; i++) {
        char path[PATH_BYTES];
        const char *rest_here;
        if (!found->nodes[i].tensors)
            continue;
        write_path(found, i, path);
        int fit = judge_fit(&found->nodes[i], path, wanted, &rest_here);
        if (fit > best || (fit && fit == best && is_better(&found->nodes[i], &found->nodes[chosen]))) {
            best = fit;
            chosen = i;
            *rest = rest_here;
        }
    }
    return chosen;
}

/* ---- what to say ---- */

/* The keys of a dict, quoted, as many as a sentence has room for. */
static gvk_result note_keys(gvk_checkpoint *checkpoint, const gvk_pickle_value *dict)
{
    char text[150];
    uint32_t listed = 0, count = dict->as.list.count / 2;
    size_t length = 0;
    for (; listed < count; listed++) {
        const gvk_pickle_value *key = dict->as.list.items[2 * listed];
        gvk_quoted quoted;
        bool is_text = gvk_pickle_has_text(key);
        gvk_quote(&quoted, is_text ? key->as.text.text : "(no text)", is_text ? key->as.text.length : 9);
        if (length + strlen(quoted.text) + 24 > sizeof text)
            break;
        length += (size_t)snprintf(text + length, sizeof text - length, "%s\"%s\"", listed ? ", " : "", quoted.text);
    }
    if (listed < count)
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%u%s", listed ? " and " : "", count - listed,
                                   listed ? " more" : " of them");
    text[length] = '\0';
    checkpoint->keys = gvk_copy_string(&checkpoint->host, text);
    return checkpoint->keys ? GVK_OK : gvk_fail_memory(&checkpoint->host);
}

static bool is_module(const gvk_pickle_value *value)
{
    const gvk_pickle_value *state = value->as.opaque.state;
    return state && (gvk_pickle_find(state, "_modules") || gvk_pickle_find(state, "_parameters"));
}

static gvk_result refuse_root(const gvk_checkpoint *checkpoint, const search *found, const gvk_pickle_value *root)
{
    const gvk_source *source = &checkpoint->source;
    const char *keys = checkpoint->keys && root->as.list.count ? checkpoint->keys : NULL;
    gvk_quoted quoted;
    char path[PATH_BYTES];
    if (found->stranger && is_module(found->stranger))
        return gvk_refuse(source, "it holds a whole pickled model (class %s), not its weights; " GVK_SAVE_AGAIN ".",
                          gvk_pickle_name_maker(&quoted, found->stranger));
    if (found->stranger)
        return gvk_refuse(source, "what should be its weights is made by %s, which is not run; " GVK_SAVE_AGAIN ".",
                          gvk_pickle_name_maker(&quoted, found->stranger));
    if (root->kind == GVK_PICKLE_TENSOR)
        return gvk_refuse(source, "it holds one tensor without a name; " GVK_SAVE_AGAIN ".");
    if (root->kind != GVK_PICKLE_DICT)
        return gvk_refuse(source, "it does not hold a dict of weights; " GVK_SAVE_AGAIN ".");
    uint32_t best = find_best(found, false, false), average = find_best(found, true, false);
    best = best == found->count ? average : best;
    if (best < found->count) {
        write_path(found, best, path);
        return gvk_refuse(source,
                          "it holds weights only under \"%s\", a key that says nothing of weights; the option "
                          "weights can name it. Its top-level keys are %s.",
                          gvk_quote(&quoted, path, strlen(path)), keys ? keys : "none");
    }
    if (!keys)
        return gvk_refuse(source, "it holds no weights; its dict is empty.");
    return gvk_refuse(source,
                      "it holds no weights, neither directly nor under state_dict, model, net, ema or the like; "
                      "its top-level keys are %s.",
                      keys);
}

static gvk_result take_choice(gvk_checkpoint *checkpoint, const search *found, uint32_t chosen, const char *rest)
{
    char path[PATH_BYTES];
    write_path(found, chosen, path);
    char *kept = rest ? gvk_copy_string(&checkpoint->host, rest) : NULL;
    checkpoint->dict = gvk_copy_string(&checkpoint->host, path);
    if (!checkpoint->dict || (rest && !kept)) {
        gvk_release(&checkpoint->host, kept);
        return gvk_fail_memory(&checkpoint->host);
    }
    gvk_release(&checkpoint->host, checkpoint->wanted);
    checkpoint->wanted = kept;
    return GVK_OK;
}

gvk_result gvk_find_weights(gvk_checkpoint *checkpoint, const gvk_pickle_value *root, const gvk_pickle_value **out)
{
    const char *rest = NULL;
    gvk_quoted quoted;
    search *found = gvk_allocate(&checkpoint->host, sizeof *found);
    if (!found)
        return gvk_fail_memory(&checkpoint->host);
    search_dicts(found, root);
    uint32_t chosen;
    if (checkpoint->wanted) {
        size_t length = strlen(checkpoint->wanted);
        if (length > 1 && checkpoint->wanted[length - 1] == '.')
            checkpoint->wanted[length - 1] = '\0';
        chosen = choose_wanted(found, checkpoint->wanted, &rest);
    } else {
        chosen = choose(checkpoint, found);
    }
    gvk_result result = GVK_OK;
    if (root->kind == GVK_PICKLE_DICT && chosen != 0)
        result = note_keys(checkpoint, root);
    if (!result && chosen < found->count)
        result = take_choice(checkpoint, found, chosen, rest);
    else if (!result && checkpoint->wanted && root->kind == GVK_PICKLE_DICT)
        result = gvk_refuse(&checkpoint->source,
                            "it holds no weights under \"%s\", which is asked for; its top-level "
                            "keys are %s.",
                            gvk_quote(&quoted, checkpoint->wanted, strlen(checkpoint->wanted)), checkpoint->keys);
    else if (!result)
        result = refuse_root(checkpoint, found, root);
    if (!result)
        *out = found->nodes[chosen].value;
    gvk_release(&checkpoint->host, found);
    return result;
}
