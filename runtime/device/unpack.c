/* Reads the packed form of SPIR-V (shaders/packing.h). */
#include "unpack.h"

/* The bits of one shader, from the least of each word on. Behind the last there are zeros, which nobody may take. */
struct bits {
    const uint32_t *next, *end;
    uint64_t held;
    uint32_t count;    /* of bits held */
    uint32_t invented; /* of them, those behind the last */
};

/* At least 32 bits are held afterwards. */
static inline void refill(struct bits *bits)
{
    if (bits->count >= 32)
        return;
    if (bits->next < bits->end)
        bits->held |= (uint64_t)*bits->next++ << bits->count;
    else
        bits->invented += 32;
    bits->count += 32;
}

static inline uint32_t take_bits(struct bits *bits, uint32_t count) /* at most 32 */
{
    refill(bits);
    uint32_t value = (uint32_t)(bits->held & (((uint64_t)1 << count) - 1));
    bits->held >>= count;
    bits->count -= count;
    return value;
}

/* GVK_PACKED_SYMBOLS when the bits are no code. */
static inline uint32_t take_symbol(struct bits *bits, const struct gvk_packed_shaders *packed, uint32_t set)
{
    const uint16_t *counts = packed->code_counts[set];
    refill(bits);
    uint64_t held = bits->held;
    uint32_t code = 0, first = 0, index = 0; /* of this length: the bits so far, the first code, its symbol's place */
    for (uint32_t length = 1; length <= GVK_PACKED_BITS; length++) {
        code |= (uint32_t)(held & 1);
        held >>= 1;
        uint32_t count = counts[length];
        if (code < first + count) {
            index += code - first;
            bits->held = held;
            bits->count -= length;
            return index < GVK_PACKED_SYMBOLS ? packed->code_symbols[set][index] : GVK_PACKED_SYMBOLS;
        }
        index += count;
        first = (first + count) << 1;
        code <<= 1;
    }
    return GVK_PACKED_SYMBOLS;
}

static inline uint32_t take_number(struct bits *bits, uint32_t size)
{
    return gvk_packed_least(size) + take_bits(bits, gvk_packed_more_bits(size));
}

/* The run's distance, which becomes the first of the recent ones; 0: none. */
static uint32_t take_distance(struct bits *bits, const struct gvk_packed_shaders *packed, uint32_t which,
                              uint32_t recent[GVK_PACKED_RECENT])
{
    uint32_t distance = 0;
    if (which < GVK_PACKED_RECENT) {
        distance = recent[which];
    } else {
        uint32_t size = take_symbol(bits, packed, GVK_PACKED_OF_NUMBERS) - GVK_PACKED_WORDS;
        if (size < GVK_PACKED_SIZES) /* not where the symbol was smaller, either */
            distance = take_number(bits, size);
        which = GVK_PACKED_RECENT - 1;
    }
    for (; which; which--)
        recent[which] = recent[which - 1];
    recent[0] = distance;
    return distance;
}

/* The tokens of one shader behind the `before` of its parent; its words, where they are wanted. */
static bool unpack_tokens(const struct gvk_packed_shaders *packed, const struct gvk_packed_shader *shader,
                          uint64_t *tokens, uint32_t before, uint32_t *words)
{
    struct bits bits = {.next = packed->words + shader->first,
                        .end = packed->words + shader->first + shader->word_count};
    struct gvk_packed_place place = {.next_id = 1};
    uint32_t recent[GVK_PACKED_RECENT];
    for (uint32_t i = 0; i < GVK_PACKED_RECENT; i++)
        recent[i] = before ? before : 1;
    bool after_run = false;
    uint32_t at = before, end = before + shader->unpacked;
    while (at < end) {
        uint32_t symbol = take_symbol(&bits, packed, gvk_packed_set(&place, after_run));
        after_run = symbol >= GVK_PACKED_RUNS;
        if (symbol >= GVK_PACKED_SYMBOLS)
            return false;
        if (after_run) {
            symbol -= GVK_PACKED_RUNS;
            uint32_t length = 1 + take_number(&bits, symbol % GVK_PACKED_RUN_SIZES);
            uint32_t distance = take_distance(&bits, packed, symbol / GVK_PACKED_RUN_SIZES, recent);
            if (!distance || distance > at || length > end - at)
                return false;
            for (uint32_t stop = at + length; at < stop; at++) {
                tokens[at] = tokens[at - distance];
                uint32_t word = gvk_packed_step(&place, tokens[at]);
                if (words)
                    words[at - before] = word;
            }
            continue;
        }
        uint64_t token;
        if (symbol >= GVK_PACKED_WORDS)
            token = take_number(&bits, symbol - GVK_PACKED_WORDS);
        else if (symbol >= GVK_PACKED_NEAR)
            token = symbol - GVK_PACKED_NEAR;
        else if (place.operand || place.index < GVK_PACKED_OPENING)
            token = GVK_PACKED_IS_NEAR | symbol;
        else
            token = packed->heads[symbol];
        tokens[at] = token;
        uint32_t word = gvk_packed_step(&place, token);
        if (words)
            words[at - before] = word;
        at++;
    }
    return bits.invented <= bits.count;
}

size_t gvk_unpack_tokens(const struct gvk_packed_shaders *packed, uint32_t shader)
{
    if (shader >= packed->shader_count || !packed->shaders[shader].word_count)
        return 0;
    uint32_t parent = packed->shaders[shader].parent;
    uint64_t tokens = (uint64_t)packed->shaders[shader].unpacked +
                      (parent < packed->shader_count ? packed->shaders[parent].unpacked : 0);
    return tokens <= UINT32_MAX / sizeof(uint64_t) ? (size_t)tokens : 0;
}

static bool is_inside(const struct gvk_packed_shaders *packed, const struct gvk_packed_shader *shader)
{
    return shader->first <= packed->word_count && shader->word_count <= packed->word_count - shader->first;
}

bool gvk_unpack(const struct gvk_packed_shaders *packed, uint32_t shader, uint64_t *tokens, uint32_t *words)
{
    if (!gvk_unpack_tokens(packed, shader))
        return false;
    const struct gvk_packed_shader *own = &packed->shaders[shader];
    uint32_t before = 0;
    if (own->parent < packed->shader_count) {
        const struct gvk_packed_shader *parent = &packed->shaders[own->parent];
        if (!is_inside(packed, parent) || parent->parent < packed->shader_count ||
            !unpack_tokens(packed, parent, tokens, 0, NULL))
            return false;
        before = parent->unpacked;
    }
    return is_inside(packed, own) && unpack_tokens(packed, own, tokens, before, words);
}
