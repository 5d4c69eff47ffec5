/* Packs the SPIR-V of all shaders (packing.h describes the form) and writes it as C.
 * usage: pack LIST OUT. A line of LIST: "FLAG PATH" of a shader; FLAG 1: it serves CPU drivers alone, and is left out
 * where the library is compiled without GVK_CPU_FORMS. OUT defines gvk_packed_shaders, in the order of LIST. */
#include "../packing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_SHADERS 1024u
#define NEAR_PARENTS 6u  /* variants that are tried as a shader's parent */
#define CHAIN        48u /* earlier places with the same two tokens that are tried */
#define LONG         48u /* runs of this length are taken as they are */
#define ROUNDS       4   /* each chooses by the lengths of the codes that the one before led to */
#define SKETCH_BITS  65536u

/* A literal, or a run that ends at the next step. */
struct step {
    uint32_t length;   /* of a run; 0: a literal */
    uint32_t distance; /* 0: by `recent` */
    uint32_t recent;
};
struct shader {
    bool for_cpus;
    uint32_t count, parent, first, word_count, sketched; /* the last: bits of the sketch */
    uint32_t *words;
    uint64_t *tokens;
    uint8_t *sets; /* of each token, when not after a run */
    struct step *steps;
    uint32_t step_count;
    uint64_t sketch[SKETCH_BITS / 64]; /* which runs of four tokens it has, by hash */
};

static struct shader shaders[MOST_SHADERS];
static uint32_t shader_count;
static uint32_t heads[GVK_PACKED_HEADS], head_count;
static uint32_t counts[GVK_PACKED_SETS][GVK_PACKED_SYMBOLS];
static uint8_t lengths[GVK_PACKED_SETS][GVK_PACKED_SYMBOLS]; /* of codes; 0: the symbol has none */

static void stop(const char *what, const char *which)
{
    fprintf(stderr, "pack: %s: %s\n", what, which);
    exit(1);
}

static void *room(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    if (!memory)
        stop("no memory", "");
    return memory;
}

/* ---- modules as tokens ---- */

static void read_shader(const char *line)
{
    if (shader_count == MOST_SHADERS || (line[0] != '0' && line[0] != '1') || line[1] != ' ')
        stop("too many shaders, or no flag", line);
    struct shader *shader = &shaders[shader_count++];
    shader->for_cpus = line[0] == '1';
    shader->parent = GVK_PACKED_ORPHAN;
    FILE *file = fopen(line + 2, "rb");
    if (!file || fseek(file, 0, SEEK_END))
        stop("cannot read", line + 2);
    long bytes = ftell(file);
    rewind(file);
    if (bytes < 20 || bytes % 4 || bytes > 1 << 24)
        stop("no SPIR-V", line + 2);
    shader->count = (uint32_t)bytes / 4;
    shader->words = room(shader->count, 4);
    unsigned char byte[4];
    for (uint32_t i = 0; i < shader->count; i++) {
        if (fread(byte, 1, 4, file) != 4)
            stop("cannot read", line + 2);
        shader->words[i] = byte[0] | (uint32_t)byte[1] << 8 | (uint32_t)byte[2] << 16 | (uint32_t)byte[3] << 24;
    }
    fclose(file);
    for (uint32_t at = GVK_PACKED_OPENING; at < shader->count; at += shader->words[at] >> 16)
        if (!(shader->words[at] >> 16))
            stop("an instruction of no words", line + 2);
}

/* The last id of types, constants and global variables. Words up to it are kept as they are: an instruction's type is
 * the same wherever the instruction stands. */
static uint32_t last_global_id(const struct shader *shader)
{
    uint32_t last = 0;
    for (uint32_t at = GVK_PACKED_OPENING; at < shader->count; at += shader->words[at] >> 16) {
        uint32_t op = shader->words[at] & 0xffff, id = 0;
        if (op == 54) /* OpFunction */
            break;
        if (op >= 19 && op <= 39) /* OpTypeVoid to OpTypeForwardPointer */
            id = shader->words[at + 1];
        else if ((op >= 41 && op <= 52) || op == 59) /* OpConstantTrue to OpSpecConstantOp, OpVariable */
            id = shader->words[at + 2];
        last = id > last ? id : last;
    }
    return last;
}

static uint32_t find_head(uint32_t word)
{
    uint32_t i = 0;
    while (i < head_count && heads[i] != word)
        i++;
    return i;
}

static void make_tokens(struct shader *shader)
{
    uint32_t global = last_global_id(shader);
    shader->tokens = room(shader->count, sizeof shader->tokens[0]);
    shader->sets = room(shader->count, 1);
    struct gvk_packed_place place = {.next_id = 1};
    for (uint32_t i = 0; i < shader->count; i++) {
        uint32_t word = shader->words[i], near = place.next_id - word;
        bool is_head = !place.operand && i >= GVK_PACKED_OPENING;
        bool is_near = !is_head && i >= GVK_PACKED_OPENING && word > global && word <= place.next_id;
        if (is_head && find_head(word) == head_count && head_count < GVK_PACKED_HEADS)
            heads[head_count++] = word;
        shader->sets[i] = (uint8_t)gvk_packed_set(&place, false);
        shader->tokens[i] = is_near && near < GVK_PACKED_NEAR ? GVK_PACKED_IS_NEAR | near : word;
        if (gvk_packed_step(&place, shader->tokens[i]) != word)
            stop("a token that is not its word", "");
    }
    for (uint32_t i = 0; i + 4 <= shader->count; i++) {
        uint64_t hash = 0;
        for (uint32_t j = 0; j < 4; j++)
            hash = (hash ^ shader->tokens[i + j]) * 0x9e3779b97f4a7c15u;
        hash >>= 48;
        shader->sketched += ~shader->sketch[hash / 64] >> hash % 64 & 1;
        shader->sketch[hash / 64] |= (uint64_t)1 << hash % 64;
    }
}

/* ---- symbols ---- */

static uint32_t size_of_number(uint32_t number)
{
    uint32_t size = 0;
    while (size + 1 < GVK_PACKED_SIZES && gvk_packed_least(size + 1) <= number)
        size++;
    return size;
}

/* `after_run` is of a token that begins an instruction's word or operand, for which there are two sets. */
static uint32_t set_of(const struct shader *shader, uint32_t at, bool after_run)
{
    uint32_t set = shader->sets[at];
    return set == GVK_PACKED_OF_NUMBERS ? set : set + after_run;
}

static bool is_head(const struct shader *shader, uint32_t at)
{
    return shader->sets[at] == 1;
}

static uint32_t literal_symbol(const struct shader *shader, uint32_t at)
{
    uint64_t token = shader->tokens[at];
    uint32_t head = is_head(shader, at) ? find_head((uint32_t)token) : head_count;
    if (head < head_count)
        return head;
    if (token & GVK_PACKED_IS_NEAR)
        return (uint32_t)token;
    return token < GVK_PACKED_SMALL ? GVK_PACKED_NEAR + (uint32_t)token
                                    : GVK_PACKED_WORDS + size_of_number((uint32_t)token);
}

static uint32_t run_symbol(const struct step *step)
{
    return GVK_PACKED_RUNS + (step->distance ? GVK_PACKED_RECENT : step->recent) * GVK_PACKED_RUN_SIZES +
           size_of_number(step->length - 1);
}

static uint32_t more_bits_of_symbol(uint32_t symbol)
{
    if (symbol >= GVK_PACKED_RUNS)
        return gvk_packed_more_bits((symbol - GVK_PACKED_RUNS) % GVK_PACKED_RUN_SIZES);
    return symbol >= GVK_PACKED_WORDS ? gvk_packed_more_bits(symbol - GVK_PACKED_WORDS) : 0;
}

/* In bits. A symbol that no round had yet is dear, but not forbidden. */
static uint32_t cost_of_symbol(uint32_t set, uint32_t symbol)
{
    return (lengths[set][symbol] ? lengths[set][symbol] : 14) + more_bits_of_symbol(symbol);
}

/* ---- the way through a shader of the least bits ---- */

struct node {
    uint32_t cost, from;
    struct step step; /* that leads here */
    uint32_t recent[GVK_PACKED_RECENT];
    bool after_run;
};

static struct node *nodes;
static uint64_t *history; /* the parent's tokens and the shader's */
static int32_t *chain, *chain_heads;

static uint32_t hash_of(const uint64_t *tokens)
{
    return (uint32_t)(((tokens[0] * 0x9e3779b97f4a7c15u) ^ (tokens[1] * 0xc2b2ae3d27d4eb4fu)) >> 48);
}

static void reach(uint32_t from, uint32_t to, uint32_t cost, struct step step)
{
    struct node *node = &nodes[to];
    const struct node *before = &nodes[from];
    if (before->cost + cost >= node->cost)
        return;
    node->cost = before->cost + cost;
    node->from = from;
    node->step = step;
    node->after_run = step.length > 0;
    memcpy(node->recent, before->recent, sizeof node->recent);
    if (!step.length)
        return;
    uint32_t which = step.distance ? GVK_PACKED_RECENT - 1 : step.recent;
    uint32_t distance = step.distance ? step.distance : before->recent[step.recent];
    for (; which; which--)
        node->recent[which] = node->recent[which - 1];
    node->recent[0] = distance;
}

static uint32_t run_length(const struct shader *shader, uint32_t before, uint32_t at, uint32_t distance)
{
    uint32_t length = 0, most = shader->count - at;
    if (!distance || distance > before + at)
        return 0;
    most = most < GVK_PACKED_LONGEST ? most : GVK_PACKED_LONGEST;
    const uint64_t *tokens = history + before + at, *earlier = tokens - distance;
    while (length < most && tokens[length] == earlier[length])
        length++;
    return length;
}

/* Every run that can begin at a token; a long one alone. Gives how far on the next look is due. */
static uint32_t reach_by_runs(const struct shader *shader, uint32_t before, uint32_t at)
{
    uint32_t set = set_of(shader, at, nodes[at].after_run);
    for (uint32_t recent = 0; recent < GVK_PACKED_RECENT; recent++) {
        uint32_t longest = run_length(shader, before, at, nodes[at].recent[recent]);
        for (uint32_t length = longest < LONG ? 1 : longest; length <= longest; length++) {
            struct step step = {.length = length, .recent = recent};
            reach(at, at + length, cost_of_symbol(set, run_symbol(&step)), step);
        }
        if (longest >= LONG)
            return longest;
    }
    if (at + 2 > shader->count)
        return 1;
    uint32_t known = 1, tries = 0; /* a farther run must be longer */
    for (int32_t place = chain_heads[hash_of(history + before + at)]; place >= 0 && tries < CHAIN;
         place = chain[place]) {
        uint32_t distance = before + at - (uint32_t)place, longest = run_length(shader, before, at, distance);
        uint32_t cost = cost_of_symbol(GVK_PACKED_OF_NUMBERS, GVK_PACKED_WORDS + size_of_number(distance));
        for (uint32_t length = longest < LONG ? known + 1 : longest; length <= longest; length++) {
            struct step step = {.length = length, .distance = distance};
            reach(at, at + length, cost + cost_of_symbol(set, run_symbol(&step)), step);
        }
        if (longest >= LONG)
            return longest;
        known = longest > known ? longest : known;
        tries++;
    }
    return 1;
}

static void remember(uint32_t place, uint32_t end)
{
    if (place + 2 > end)
        return;
    uint32_t hash = hash_of(history + place);
    chain[place] = chain_heads[hash];
    chain_heads[hash] = (int32_t)place;
}

/* The bits that the shader takes behind its parent; its steps are kept where asked for. */
static uint32_t find_way(struct shader *shader, const struct shader *parent, bool keep)
{
    uint32_t before = parent ? parent->count : 0, end = before + shader->count;
    if (parent)
        memcpy(history, parent->tokens, before * sizeof history[0]);
    memcpy(history + before, shader->tokens, shader->count * sizeof history[0]);
    memset(chain_heads, 0xff, 65536 * sizeof chain_heads[0]);
    for (uint32_t i = 0; i < before; i++)
        remember(i, before);
    for (uint32_t i = 0; i <= shader->count; i++)
        nodes[i].cost = UINT32_MAX;
    nodes[0] = (struct node){.cost = 0};
    for (uint32_t i = 0; i < GVK_PACKED_RECENT; i++)
        nodes[0].recent[i] = before ? before : 1;
    for (uint32_t at = 0, next = 0; at < shader->count; at++) {
        if (at == next) {
            uint32_t cost = cost_of_symbol(set_of(shader, at, nodes[at].after_run), literal_symbol(shader, at));
            reach(at, at + 1, cost, (struct step){0});
            next += reach_by_runs(shader, before, at);
        }
        remember(before + at, end);
    }
    if (keep) {
        shader->step_count = 0;
        for (uint32_t at = shader->count; at; at = nodes[at].from)
            shader->step_count++;
        uint32_t i = shader->step_count;
        for (uint32_t at = shader->count; at; at = nodes[at].from)
            shader->steps[--i] = nodes[at].step;
    }
    return nodes[shader->count].cost;
}

/* ---- codes ---- */

/* Lengths of Huffman codes. Where one would be too long, the rare are taken for less rare. */
static void make_lengths(const uint32_t *given, uint8_t *out)
{
    uint32_t weights[2 * GVK_PACKED_SYMBOLS], parents[2 * GVK_PACKED_SYMBOLS], longest;
    for (uint32_t least = 0;; least = least ? 2 * least : 1) {
        uint32_t count = GVK_PACKED_SYMBOLS, open = 0;
        bool is_open[2 * GVK_PACKED_SYMBOLS] = {false};
        for (uint32_t i = 0; i < count; i++) {
            weights[i] = given[i] && given[i] < least ? least : given[i];
            is_open[i] = given[i] > 0;
            open += is_open[i];
        }
        memset(out, 0, GVK_PACKED_SYMBOLS);
        if (open == 1)
            for (uint32_t i = 0; i < count; i++)
                out[i] = is_open[i];
        for (; open > 1; open--) { /* the two lightest become one */
            uint32_t two[2];
            for (uint32_t which = 0; which < 2; which++) {
                two[which] = UINT32_MAX;
                for (uint32_t i = 0; i < count; i++)
                    if (is_open[i] && (two[which] == UINT32_MAX || weights[i] < weights[two[which]]))
                        two[which] = i;
                is_open[two[which]] = false;
                parents[two[which]] = count;
            }
            weights[count] = weights[two[0]] + weights[two[1]];
            is_open[count++] = true;
        }
        longest = 0;
        for (uint32_t i = 0; i < GVK_PACKED_SYMBOLS; i++) {
            uint32_t length = 0;
            for (uint32_t node = i; given[i] && node + 1 < count; node = parents[node])
                length++;
            if (count > GVK_PACKED_SYMBOLS)
                out[i] = (uint8_t)length;
            longest = length > longest ? length : longest;
        }
        if (longest <= GVK_PACKED_BITS)
            return;
    }
}

struct writer {
    uint32_t *words;
    uint32_t count, used; /* words begun; bits of the last one */
};

static void write_bits(struct writer *writer, uint32_t value, uint32_t count) /* the least first */
{
    for (uint32_t i = 0; i < count; i++) {
        if (!writer->count || writer->used == 32) {
            writer->words[writer->count++] = 0;
            writer->used = 0;
        }
        writer->words[writer->count - 1] |= (value >> i & 1) << writer->used++;
    }
}

static uint32_t codes[GVK_PACKED_SETS][GVK_PACKED_SYMBOLS];

static void number_codes(void)
{
    for (uint32_t set = 0; set < GVK_PACKED_SETS; set++) {
        uint32_t code = 0;
        for (uint32_t length = 1; length <= GVK_PACKED_BITS; length++, code <<= 1)
            for (uint32_t symbol = 0; symbol < GVK_PACKED_SYMBOLS; symbol++)
                if (lengths[set][symbol] == length)
                    codes[set][symbol] = code++;
    }
}

/* Counts a symbol, or writes it where there is a writer. */
static void put(struct writer *writer, uint32_t set, uint32_t symbol, uint32_t number)
{
    if (!writer) {
        counts[set][symbol]++;
        return;
    }
    for (uint32_t bit = lengths[set][symbol]; bit--;)
        write_bits(writer, codes[set][symbol] >> bit & 1, 1);
    uint32_t more = more_bits_of_symbol(symbol);
    write_bits(writer, number & (((uint32_t)1 << more) - 1), more);
}

static void put_shader(struct writer *writer, const struct shader *shader)
{
    bool after_run = false;
    uint32_t at = 0;
    for (uint32_t i = 0; i < shader->step_count; i++) {
        const struct step *step = &shader->steps[i];
        uint32_t set = set_of(shader, at, after_run);
        if (step->length)
            put(writer, set, run_symbol(step), step->length - 1 - gvk_packed_least(size_of_number(step->length - 1)));
        else
            put(writer, set, literal_symbol(shader, at),
                (uint32_t)shader->tokens[at] - gvk_packed_least(size_of_number((uint32_t)shader->tokens[at])));
        if (step->distance) {
            uint32_t size = size_of_number(step->distance);
            put(writer, GVK_PACKED_OF_NUMBERS, GVK_PACKED_WORDS + size, step->distance - gvk_packed_least(size));
        }
        after_run = step->length > 0;
        at += after_run ? step->length : 1;
    }
}

/* ---- all of it ---- */

/* How many sketched runs both have. */
static uint32_t alike(const struct shader *left, const struct shader *right)
{
    uint32_t both = 0;
    for (uint32_t i = 0; i < SKETCH_BITS / 64; i++) {
        uint64_t bits = left->sketch[i] & right->sketch[i]; /* counted in pairs, fours and bytes at a time */
        bits -= bits >> 1 & 0x5555555555555555u;
        bits = (bits & 0x3333333333333333u) + (bits >> 2 & 0x3333333333333333u);
        bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0fu;
        both += (uint32_t)((bits * 0x0101010101010101u) >> 56);
    }
    return both;
}

/* The bits of a shader behind another one; behind itself stands what it takes alone. UINT32_MAX: not tried. */
static uint32_t costs[MOST_SHADERS][MOST_SHADERS];

/* Tries the shaders that are most like it, of those that are there whenever it is. */
static void find_costs(uint32_t index)
{
    static float likeness[MOST_SHADERS];
    struct shader *shader = &shaders[index];
    for (uint32_t i = 0; i < shader_count; i++) {
        uint32_t both = alike(shader, &shaders[i]), either = shader->sketched + shaders[i].sketched - both;
        bool may = i != index && shaders[i].for_cpus == shader->for_cpus;
        likeness[i] = may && either ? (float)both / (float)either : 0;
        costs[index][i] = UINT32_MAX;
    }
    costs[index][index] = find_way(shader, NULL, false);
    for (uint32_t tries = 0; tries < NEAR_PARENTS; tries++) {
        uint32_t next = 0;
        for (uint32_t i = 0; i < shader_count; i++)
            next = likeness[i] > likeness[next] ? i : next;
        if (likeness[next] > 0)
            costs[index][next] = find_way(shader, &shaders[next], false);
        likeness[next] = 0;
    }
}

/* A shader is a parent or has one, so that unpacking one never takes more than two: the shader that saves the most as a
 * parent becomes one, until none saves any more. */
static void choose_parents(void)
{
    static uint32_t now[MOST_SHADERS]; /* bits with the parent that is chosen so far */
    static bool is_parent[MOST_SHADERS];
    for (uint32_t i = 0; i < shader_count; i++) {
        find_costs(i);
        now[i] = costs[i][i];
    }
    for (;;) {
        int64_t most = 0;
        uint32_t best = 0;
        for (uint32_t parent = 0; parent < shader_count; parent++) {
            int64_t saved = 0; /* less what it saves itself while it has one */
            for (uint32_t i = 0; i < shader_count; i++)
                if (i == parent || (!is_parent[i] && costs[i][parent] < now[i]))
                    saved += (int64_t)now[i] - costs[i][parent];
            if (!is_parent[parent] && saved > most) {
                most = saved;
                best = parent;
            }
        }
        if (!most)
            return;
        is_parent[best] = true;
        for (uint32_t i = 0; i < shader_count; i++)
            if (i == best || (!is_parent[i] && costs[i][best] < now[i])) {
                now[i] = costs[i][best];
                shaders[i].parent = i == best ? GVK_PACKED_ORPHAN : best;
            }
    }
}

static void pack_all(struct writer *writer)
{
    for (uint32_t round = 0; round < ROUNDS; round++) {
        if (round == 1) /* the first one's codes tell what a way costs */
            choose_parents();
        memset(counts, 0, sizeof counts);
        for (uint32_t i = 0; i < shader_count; i++) {
            struct shader *shader = &shaders[i];
            find_way(shader, shader->parent == GVK_PACKED_ORPHAN ? NULL : &shaders[shader->parent], true);
            put_shader(NULL, shader);
        }
        for (uint32_t set = 0; set < GVK_PACKED_SETS; set++)
            make_lengths(counts[set], lengths[set]);
    }
    number_codes();
    for (uint32_t of_cpus = 0; of_cpus < 2; of_cpus++) /* theirs last, so that they can be left out */
        for (uint32_t i = 0; i < shader_count; i++)
            if (shaders[i].for_cpus == of_cpus) {
                shaders[i].first = writer->count;
                writer->used = 32;
                put_shader(writer, &shaders[i]);
                shaders[i].word_count = writer->count - shaders[i].first;
            }
}

static void print_table(FILE *out, const struct writer *writer)
{
    uint32_t of_all = writer->count;
    for (uint32_t i = 0; i < shader_count; i++)
        of_all = shaders[i].for_cpus && shaders[i].first < of_all ? shaders[i].first : of_all;
    fprintf(out, "#ifdef GVK_CPU_FORMS\n#define FOR_CPUS(word_count) word_count\n#else\n#define FOR_CPUS(word_count) "
                 "0\n#endif\n");
    fprintf(out, "static const struct gvk_packed_shader packed_shaders[] = {\n");
    for (uint32_t i = 0; i < shader_count; i++)
        fprintf(out, shaders[i].for_cpus ? "    {%uu, %uu, FOR_CPUS(%uu), %uu},\n" : "    {%uu, %uu, %uu, %uu},\n",
                shaders[i].parent, shaders[i].first, shaders[i].word_count, shaders[i].count);
    fprintf(out, "};\nstatic const uint32_t packed_words[] = {\n");
    for (uint32_t i = 0; i < writer->count; i++)
        fprintf(out, "%s0x%x,%s", i == of_all ? "#ifdef GVK_CPU_FORMS\n" : "", writer->words[i],
                i % 16 == 15 || i + 1 == of_all || i + 1 == writer->count ? "\n" : "");
    fprintf(out, "%s};\nstatic const uint32_t packed_heads[GVK_PACKED_HEADS] = {",
            of_all < writer->count ? "#endif\n" : "");
    for (uint32_t i = 0; i < GVK_PACKED_HEADS; i++)
        fprintf(out, "0x%x,", heads[i]);
    fprintf(out, "};\nstatic const uint16_t packed_code_counts[GVK_PACKED_SETS][GVK_PACKED_BITS + 1] = {\n");
    for (uint32_t set = 0; set < GVK_PACKED_SETS; set++) {
        uint32_t of_length[GVK_PACKED_BITS + 1] = {0};
        for (uint32_t symbol = 0; symbol < GVK_PACKED_SYMBOLS; symbol++)
            of_length[lengths[set][symbol]]++;
        fprintf(out, "    {0");
        for (uint32_t length = 1; length <= GVK_PACKED_BITS; length++)
            fprintf(out, ", %u", of_length[length]);
        fprintf(out, "},\n");
    }
    fprintf(out, "};\nstatic const uint16_t packed_code_symbols[GVK_PACKED_SETS][GVK_PACKED_SYMBOLS] = {\n");
    for (uint32_t set = 0; set < GVK_PACKED_SETS; set++) {
        fprintf(out, "    {");
        uint32_t used = 0;
        for (uint32_t length = 1; length <= GVK_PACKED_BITS; length++)
            for (uint32_t symbol = 0; symbol < GVK_PACKED_SYMBOLS; symbol++)
                if (lengths[set][symbol] == length)
                    fprintf(out, "%s%u", used++ ? "," : "", symbol);
        fprintf(out, "%s},\n", used ? "" : "0");
    }
    fprintf(out,
            "};\nconst struct gvk_packed_shaders gvk_packed_shaders = {packed_shaders, %uu, packed_words, "
            "sizeof packed_words / 4, packed_heads, packed_code_counts, packed_code_symbols};\n",
            shader_count);
}

int main(int argument_count, char **arguments)
{
    FILE *list = argument_count == 3 ? fopen(arguments[1], "r") : NULL;
    if (!list)
        stop("usage: pack LIST OUT", "");
    char line[4096];
    while (fgets(line, sizeof line, list)) {
        line[strcspn(line, "\r\n")] = 0;
        read_shader(line);
    }
    fclose(list);
    uint32_t longest = 0;
    size_t words = 0;
    for (uint32_t i = 0; i < shader_count; i++) {
        make_tokens(&shaders[i]);
        shaders[i].steps = room(shaders[i].count, sizeof shaders[i].steps[0]);
        longest = shaders[i].count > longest ? shaders[i].count : longest;
        words += shaders[i].count;
    }
    nodes = room((size_t)longest + 1, sizeof nodes[0]);
    history = room(2 * (size_t)longest + 2, sizeof history[0]);
    chain = room(2 * (size_t)longest + 2, sizeof chain[0]);
    chain_heads = room(65536, sizeof chain_heads[0]);
    struct writer writer = {.words = room(2 * words, 4)}; /* no token takes more than 45 bits */
    pack_all(&writer);
    FILE *out = fopen(arguments[2], "w");
    if (!out)
        stop("cannot write", arguments[2]);
    print_table(out, &writer);
    if (fclose(out))
        stop("cannot write", arguments[2]);
    return 0;
}
