/* Counts the instructions of loops in three vendors' assembly, as Mesa prints it.
 *
 * A loop is what lies between a label and a branch back to it:
 *   AMD      "BB4:"     and  "s_cbranch_scc1 BB4"            one instruction a line, behind a tab
 *   Intel    "LABEL1:"  and  "while(16) JIP:  LABEL1"        a message's text goes on in lines that begin with spaces
 *   Adreno   "l55:"     and  "jump #l55", "br p0.x, #l55"    "(rpt2)" stands for two more of the same */
#include "inner_loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AMD        0x1002
#define INTEL      0x8086
#define MAX_LABELS 256

struct label {
    char name[24];
    struct inner_loop before; /* all instructions in front of it */
    uint32_t loops_before;    /* loops that ended in front of it */
};

static bool begins(const char *text, const char *prefix)
{
    return !strncmp(text, prefix, strlen(prefix));
}

static bool begins_any(const char *text, const char *const *prefixes)
{
    for (; *prefixes; prefixes++)
        if (begins(text, *prefixes))
            return true;
    return false;
}

static void count_amd(const char *word, struct inner_loop *sums)
{
    static const char *const multiply_adds[] = {"v_fma", "v_mac_f", "v_mad_f", "v_mad_mix", NULL};
    static const char *const loads[] = {"buffer_load", "tbuffer_load", "image_",  "global_load",
                                        "flat_load",   "ds_read",      "ds_load", NULL};
    static const char *const scalar_loads[] = {"s_buffer_load", "s_load", NULL};
    sums->all++;
    sums->vector += begins(word, "v_");
    sums->multiply_adds += begins_any(word, multiply_adds);
    sums->packed += begins(word, "v_pk_fma") || begins(word, "v_pk_mul_f");
    sums->loads += begins_any(word, loads);
    sums->scalar_loads += begins_any(word, scalar_loads);
}

static void count_intel(const char *word, struct inner_loop *sums)
{
    static const char *const others[] = {"sync", "while", "break", "cont", "if(",  "else", "endif", "nop",
                                         "jmpi", "halt",  "call",  "ret",  "wait", "do",   NULL};
    sums->all++;
    if (begins(word, "send"))
        sums->loads++;
    else if (!begins_any(word, others))
        sums->vector++;
    sums->multiply_adds += begins(word, "mad(");
}

static void count_adreno(const char *word, uint32_t times, struct inner_loop *sums)
{
    static const char *const loads[] = {"isam", "ldib", "ldl", "ldg", "ldp", "ldlw", "resinfo", "sam", NULL};
    static const char *const others[] = {"nop",    "jump", "br ",  "bar",    "fence", "end",  "shps",
                                         "shpe",   "st",   "call", "ret",    "predt", "pred", "getone",
                                         "chmask", "chsh", "kill", "atomic", NULL};
    sums->all += times;
    if (begins_any(word, loads))
        sums->loads += times;
    else if (begins(word, "ldc"))
        sums->scalar_loads += times;
    else if (!begins_any(word, others))
        sums->vector += times;
    if (begins(word, "mad.f"))
        sums->multiply_adds += times;
}

/* Steps over "(sy)(nop3)(rpt2)" or "(+f0.0) "; says how often the instruction is done. */
static const char *skip_flags(const char *line, uint32_t *times)
{
    *times = 1;
    while (*line == '(') {
        if (begins(line, "(rpt"))
            *times = (uint32_t)strtoul(line + 4, NULL, 10) + 1;
        const char *end = strchr(line, ')');
        if (!end)
            break;
        line = end + 1 + strspn(end + 1, " ");
    }
    return line;
}

/* The label that the line ends in, as a branch's target. */
static bool target_of(const char *word, uint32_t vendor_id, char *target, size_t room)
{
    const char *at = NULL;
    if (vendor_id == AMD)
        at = begins(word, "s_branch ") || begins(word, "s_cbranch") ? strstr(word, " BB") : NULL;
    else if (vendor_id == INTEL)
        at = begins(word, "while") ? strstr(word, " LABEL") : NULL;
    else
        at = begins(word, "jump") || begins(word, "br ") ? strstr(word, "#l") : NULL;
    if (!at)
        return false;
    at++;
    size_t length = strcspn(at, " \t;,");
    snprintf(target, room, "%.*s", (int)length, at);
    return true;
}

static struct inner_loop difference(const struct inner_loop *late, const struct inner_loop *early)
{
    return (struct inner_loop){
        late->multiply_adds - early->multiply_adds, late->vector - early->vector, late->loads - early->loads,
        late->scalar_loads - early->scalar_loads,   late->all - early->all,       late->packed - early->packed};
}

bool read_inner_loop(const char *assembly, uint32_t vendor_id, struct inner_loop *out)
{
    static struct label labels[MAX_LABELS];
    uint32_t label_count = 0, loops = 0;
    struct inner_loop sums = {0};
    bool found = false;
    memset(out, 0, sizeof *out);
    for (const char *next = assembly; next && *next;) {
        char line[256];
        size_t length = strcspn(next, "\n");
        snprintf(line, sizeof line, "%.*s", (int)length, next);
        next += length;
        next += *next == '\n';
        bool continued = vendor_id != AMD && line[0] == ' ';
        uint32_t times;
        const char *word = skip_flags(line + strspn(line, " \t"), &times);
        size_t end = strlen(word);
        if (!end || continued || *word == ';' || *word == '@')
            continue;
        if (word[end - 1] == ':') {
            if (label_count == MAX_LABELS)
                return false;
            struct label *label = &labels[label_count++];
            snprintf(label->name, sizeof label->name, "%.*s", (int)(end - 1), word);
            label->before = sums;
            label->loops_before = loops;
            continue;
        }
        if (vendor_id == AMD)
            count_amd(word, &sums);
        else if (vendor_id == INTEL)
            count_intel(word, &sums);
        else
            count_adreno(word, times, &sums);
        char target[24];
        if (!target_of(word, vendor_id, target, sizeof target))
            continue;
        for (uint32_t i = 0; i < label_count; i++) {
            if (strcmp(labels[i].name, target))
                continue;
            struct inner_loop loop = difference(&sums, &labels[i].before);
            if (loop.packed)
                loop.multiply_adds = 2 * loop.packed;
            if (labels[i].loops_before == loops && (!found || loop.multiply_adds > out->multiply_adds)) {
                *out = loop;
                found = true;
            }
            loops++;
            break;
        }
    }
    return found;
}
