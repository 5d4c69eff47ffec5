/* Counts the instructions of loops in five vendors' assembly, as Mesa prints it.
 *
 * A loop is what lies between a label and a branch back to it:
 *   AMD      "BB4:"     and  "s_cbranch_scc1 BB4"            one instruction a line, behind a tab
 *   Intel    "LABEL1:"  and  "while(16) JIP:  LABEL1"        a message's text goes on in lines that begin with spaces
 *            "L0:"      and  "while (16)   L0"               since Mesa 25, with flags and instructions behind spaces
 *   Adreno   "l55:"     and  "jump #l55", "br p0.x, #l55"    "(rpt2)" stands for two more of the same
 *   NVIDIA   "block.u 1 L0 [0, 13] -> {"  to  "} -> [2, 13]"  the blocks before and behind one; "ur1 = ..." is once a
 *            subgroup
 *   Mali     no labels:  "BRANCHZ.f0 r23, offset:-31" goes to 30 instructions before itself */
#include "inner_loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AMD              0x1002
#define INTEL            0x8086
#define NVIDIA           0x10de
#define ARM              0x13b5
#define MAX_LABELS       256
#define MAX_INSTRUCTIONS 16384

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
    sums->matrix += begins(word, "v_wmma_f32");
    sums->loads += begins_any(word, loads);
    sums->scalar_loads += begins_any(word, scalar_loads);
}

static void count_intel(const char *word, struct inner_loop *sums)
{
    static const char *const others[] = {"sync", "while", "break", "cont", "if",   "else", "endif", "nop",
                                         "jmpi", "halt",  "call",  "ret",  "wait", "do",   NULL};
    sums->all++;
    if (begins(word, "send"))
        sums->loads++;
    else if (!begins_any(word, others))
        sums->vector++;
    sums->multiply_adds += begins(word, "mad(") || begins(word, "mad (");
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

/* "r4..8 = ld.global.b128 [...]", "ur0 = ldc.b32 ...", "bra pT L0". */
static void count_nvidia(const char *word, struct inner_loop *sums)
{
    static const char *const loads[] = {"ld.", "ldg", "lds", "tld", "tex", "suld", "txd", NULL};
    static const char *const others[] = {"bra",   "exit", "nop",      "bar", "bssy", "bsync",
                                         "break", "st.",  "warpsync", "out", NULL};
    const char *equals = strstr(word, " = ");
    const char *name = equals ? equals + 3 : word;
    bool is_uniform = begins(word, "ur") || begins(word, "up");
    sums->all++;
    if (begins(name, "ldc"))
        sums->scalar_loads++;
    else if (begins_any(name, loads))
        sums->loads++;
    else if (!is_uniform && !begins_any(name, others))
        sums->vector++;
    sums->multiply_adds += begins(name, "ffma");
    sums->packed += begins(name, "hfma2") || begins(name, "hmul2");
    sums->matrix += begins(name, "hmma.");
}

static void count_mali(const char *word, struct inner_loop *sums)
{
    static const char *const loads[] = {"LD_", "TEX", "LOAD", "LEA_BUF", NULL};
    static const char *const others[] = {"BRANCH", "JUMP", "NOP", "BARRIER", "STORE", "ST_", "MOV", NULL};
    sums->all++;
    sums->loads += begins_any(word, loads);
    sums->vector += !begins_any(word, loads) && !begins_any(word, others);
    sums->multiply_adds += begins(word, "FMA.f32");
    sums->packed += begins(word, "FMA.v2f16");
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
        at = begins(word, "while") ? strstr(word, " L") : NULL;
    else
        at = begins(word, "jump") || begins(word, "br ") ? strstr(word, "#l") : NULL;
    if (!at)
        return false;
    at++;
    size_t length = strcspn(at, " \t;,");
    snprintf(target, room, "%.*s", (int)length, at);
    return true;
}

static void add_loop(struct inner_loop *sums, const struct inner_loop *more)
{
    sums->multiply_adds += more->multiply_adds;
    sums->vector += more->vector;
    sums->loads += more->loads;
    sums->scalar_loads += more->scalar_loads;
    sums->all += more->all;
    sums->packed += more->packed;
    sums->matrix += more->matrix;
}

static struct inner_loop difference(const struct inner_loop *late, const struct inner_loop *early)
{
    return (struct inner_loop){late->multiply_adds - early->multiply_adds,
                               late->vector - early->vector,
                               late->loads - early->loads,
                               late->scalar_loads - early->scalar_loads,
                               late->all - early->all,
                               late->packed - early->packed,
                               late->matrix - early->matrix};
}

/* Whether the loop is the one to report, after what was found before it. */
static bool take_loop(struct inner_loop *loop, bool found, struct inner_loop *best)
{
    if (loop->packed)
        loop->multiply_adds = 2 * loop->packed;
    if (loop->matrix)
        loop->multiply_adds = loop->matrix;
    if (found && (loop->matrix > 0) == (best->matrix > 0) ? loop->multiply_adds <= best->multiply_adds
                                                          : found && !loop->matrix)
        return false;
    *best = *loop;
    return true;
}

/* Mali's: sums in front of each instruction, because a branch counts instructions. */
static bool read_mali_loop(const char *assembly, struct inner_loop *out)
{
    struct inner_loop *before = calloc(MAX_INSTRUCTIONS + 1, sizeof *before);
    uint32_t count = 0, last_begin = 0, last_end = 0;
    bool found = false;
    for (const char *next = assembly; before && next && *next && count < MAX_INSTRUCTIONS;) {
        const char *line = next;
        next += strcspn(next, "\n");
        next += *next == '\n';
        if (!begins(line, "   ") || line[3] < 'A' || line[3] > 'Z')
            continue;
        char word[128];
        snprintf(word, sizeof word, "%.*s", (int)strcspn(line + 3, "\n"), line + 3);
        before[count + 1] = before[count];
        count_mali(word, &before[++count]);
        const char *offset = begins(word, "BRANCH") ? strstr(word, "offset:-") : NULL;
        unsigned long back = offset ? strtoul(offset + 8, NULL, 10) : 0;
        if (!back || back > count)
            continue;
        uint32_t begin = count - (uint32_t)back;
        bool has_inner = last_end && begin <= last_begin;
        struct inner_loop loop = difference(&before[count], &before[begin]);
        if (!has_inner)
            found |= take_loop(&loop, found, out);
        last_begin = begin;
        last_end = count;
    }
    free(before);
    return found;
}

struct block {
    struct inner_loop own; /* of its instructions */
    uint32_t index, next[2], next_count;
    bool in_loop;
};

/* "block.u 1 L0 [0, 13] -> {" begins the block 1. */
static bool begins_block(const char *line, uint32_t *index)
{
    if (!begins(line, "block"))
        return false;
    *index = (uint32_t)strtoul(line + strcspn(line, " "), NULL, 10);
    return true;
}

/* "} -> [2, 13]" ends it: the blocks that may follow. */
static void read_next(const char *line, struct block *block)
{
    const char *at = strchr(line, '[');
    while (at && block->next_count < 2 && strchr("0123456789", at[1 + strspn(at + 1, " ")])) {
        char *end = NULL;
        unsigned long next = strtoul(at + 1, &end, 10);
        if (end == at + 1)
            return;
        block->next[block->next_count++] = (uint32_t)next;
        at = *end == ',' ? end : NULL;
    }
}

static uint32_t read_blocks(const char *assembly, struct block *blocks)
{
    struct block *open = NULL;
    uint32_t count = 0, index;
    for (const char *next = assembly; next && *next;) {
        char line[256];
        size_t length = strcspn(next, "\n");
        snprintf(line, sizeof line, "%.*s", (int)length, next);
        next += length;
        next += *next == '\n';
        const char *word = line + strspn(line, " \t");
        if (*word == '@') { /* a predicate */
            word += strcspn(word, " ");
            word += strspn(word, " ");
        }
        if (begins_block(word, &index)) {
            if (count == MAX_LABELS)
                return 0;
            open = &blocks[count++];
            *open = (struct block){.index = index};
        } else if (open && *word == '}') {
            read_next(word, open);
            open = NULL;
        } else if (open && *word) {
            count_nvidia(word, &open->own);
        }
    }
    return count;
}

/* Marks the blocks from which `from` can be reached without passing `head`, both among them; says how many. */
static uint32_t mark_loop(struct block *blocks, uint32_t count, uint32_t head, uint32_t from)
{
    uint32_t marked = 0, before;
    for (uint32_t i = 0; i < count; i++) {
        blocks[i].in_loop = i == head || i == from;
        marked += blocks[i].in_loop;
    }
    do {
        before = marked;
        for (uint32_t i = 0; i < count; i++)
            for (uint32_t way = 0; way < blocks[i].next_count && !blocks[i].in_loop; way++)
                for (uint32_t k = 0; k < count; k++)
                    if (k != head && blocks[k].in_loop && blocks[k].index == blocks[i].next[way]) {
                        blocks[i].in_loop = true;
                        marked++;
                        break;
                    }
    } while (marked != before);
    return marked;
}

/* NVIDIA's: what follows the loop may lie inside of it, so the way of the blocks is followed. */
static bool read_nvidia_loop(const char *assembly, struct inner_loop *out)
{
    static struct block blocks[MAX_LABELS];
    uint32_t count = read_blocks(assembly, blocks);
    bool found = false;
    for (uint32_t from = 0; from < count; from++)
        for (uint32_t way = 0; way < blocks[from].next_count; way++)
            for (uint32_t head = 0; head <= from; head++) {
                if (blocks[head].index != blocks[from].next[way])
                    continue;
                mark_loop(blocks, count, head, from);
                struct inner_loop loop = {0};
                bool has_inner = false;
                for (uint32_t i = 0; i < count; i++) {
                    if (!blocks[i].in_loop)
                        continue;
                    add_loop(&loop, &blocks[i].own);
                    for (uint32_t k = 0; k < blocks[i].next_count; k++)
                        for (uint32_t to = 0; to <= i; to++)
                            has_inner |= blocks[to].index == blocks[i].next[k] && to != head && blocks[to].in_loop;
                }
                if (!has_inner)
                    found |= take_loop(&loop, found, out);
            }
    return found;
}

bool read_inner_loop(const char *assembly, uint32_t vendor_id, struct inner_loop *out)
{
    static struct label labels[MAX_LABELS];
    uint32_t label_count = 0, loops = 0;
    struct inner_loop sums = {0};
    bool found = false;
    memset(out, 0, sizeof *out);
    if (vendor_id == ARM)
        return read_mali_loop(assembly, out);
    if (vendor_id == NVIDIA)
        return read_nvidia_loop(assembly, out);
    /* Since Mesa 25 Intel's instructions stand behind spaces, and nothing else does. */
    bool indented = vendor_id == INTEL && assembly && strstr(assembly, "\nL0:");
    for (const char *next = assembly; next && *next;) {
        char line[256];
        size_t length = strcspn(next, "\n");
        snprintf(line, sizeof line, "%.*s", (int)length, next);
        next += length;
        next += *next == '\n';
        bool continued = vendor_id != AMD && !indented && line[0] == ' ';
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
            if (labels[i].loops_before == loops)
                found |= take_loop(&loop, found, out);
            loops++;
            break;
        }
    }
    return found;
}
