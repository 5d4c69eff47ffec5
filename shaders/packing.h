/* How the library keeps its SPIR-V: compile/pack.c writes it when the library is built, runtime/device/unpack.c reads
 * it when a pipeline is made.
 *
 * A module's words become tokens, one each. A word that lies at most GVK_PACKED_NEAR below the id that comes next is
 * kept as its distance from that, so that the same code looks alike wherever its ids begin. Every other word is kept as
 * it is. Which id comes next is known without a list of instructions: ids are numbered in the order in which they
 * appear, so whoever meets it moves it on by one.
 *
 * Tokens repeat: those of a shader follow those of its parent, a shader of which it is a variant, and a run of tokens
 * that stood somewhere before is kept as its distance and length. What is left is written by canonical Huffman codes,
 * one set for each place that a token may have in an instruction. The sets are made of all shaders together. */
#ifndef GVK_PACKING_H
#define GVK_PACKING_H

#include <stdbool.h>
#include <stdint.h>

#define GVK_PACKED_NEAR  128u /* symbols 0 to 127: distances; of an instruction's first word: its place in `heads` */
#define GVK_PACKED_SMALL 192u /* the next: words below this, as they are */
/* Then numbers by their size, as gvk_packed_number has them: other words, and runs. */
#define GVK_PACKED_WORDS (GVK_PACKED_NEAR + GVK_PACKED_SMALL)
#define GVK_PACKED_SIZES 66u
#define GVK_PACKED_RUNS  (GVK_PACKED_WORDS + GVK_PACKED_SIZES)
/* A run has one of the last distances, or a new one; and one of these sizes of its length, less one. */
#define GVK_PACKED_RECENT     4u
#define GVK_PACKED_RUN_SIZES  24u
#define GVK_PACKED_LONGEST    2048u
#define GVK_PACKED_SYMBOLS    (GVK_PACKED_RUNS + (GVK_PACKED_RECENT + 1) * GVK_PACKED_RUN_SIZES)
#define GVK_PACKED_BITS       15u  /* of the longest code */
#define GVK_PACKED_HEADS      128u /* first words of instructions */
#define GVK_PACKED_OPENING    5u   /* words before a module's first instruction */
#define GVK_PACKED_PLACES     7u   /* of a token: the opening, an instruction's first word, operands 1 to 4, others */
#define GVK_PACKED_OF_NUMBERS 0u   /* the set for a new distance's size, which is that of the opening */
#define GVK_PACKED_SETS       (1 + (GVK_PACKED_PLACES - 1) * 2) /* right after a run they differ */

/* One shader. */
struct gvk_packed_shader {
    uint32_t parent;            /* its index, or GVK_PACKED_ORPHAN */
    uint32_t first, word_count; /* in `words` */
    uint32_t unpacked;          /* words of the module */
};
#define GVK_PACKED_ORPHAN 0xffffffffu

struct gvk_packed_shaders {
    const struct gvk_packed_shader *shaders;
    uint32_t shader_count;
    const uint32_t *words;
    uint32_t word_count;
    const uint32_t *heads;                              /* GVK_PACKED_HEADS */
    const uint16_t (*code_counts)[GVK_PACKED_BITS + 1]; /* of a set: how many codes have that many bits */
    const uint16_t (*code_symbols)[GVK_PACKED_SYMBOLS]; /* of a set: by length of code, then by symbol */
};

/* A token: the word itself, or GVK_PACKED_IS_NEAR and the distance. */
#define GVK_PACKED_IS_NEAR ((uint64_t)1 << 32)

/* Where a module's next token stands. Begins as {.next_id = 1}. */
struct gvk_packed_place {
    uint32_t index;    /* of the word in the module */
    uint32_t operand;  /* 0: an instruction's first word */
    uint32_t operands; /* that the instruction has */
    uint32_t next_id;
};

static inline uint32_t gvk_packed_set(const struct gvk_packed_place *place, bool after_run)
{
    if (place->index < GVK_PACKED_OPENING)
        return GVK_PACKED_OF_NUMBERS;
    uint32_t operand = place->operand < GVK_PACKED_PLACES - 2 ? place->operand : GVK_PACKED_PLACES - 2;
    return 1 + 2 * operand + after_run;
}

/* Takes the next token and gives its word. */
static inline uint32_t gvk_packed_step(struct gvk_packed_place *place, uint64_t token)
{
    uint32_t word = (uint32_t)token;
    if (token & GVK_PACKED_IS_NEAR)
        word = place->next_id - word;
    if (place->index++ < GVK_PACKED_OPENING)
        return word;
    if (!place->operand)
        place->operands = (word >> 16) - 1; /* a length of 0, which no instruction has, makes the rest its operands */
    else if (word == place->next_id)
        place->next_id++;
    place->operand = place->operand < place->operands ? place->operand + 1 : 0;
    return word;
}

/* A number is one of GVK_PACKED_SIZES and some bits more: 0 to 7 by themselves, then two sizes for each power of two.
 */
static inline uint32_t gvk_packed_more_bits(uint32_t size)
{
    return size < 8 ? 0 : (size - 8) / 2 + 2;
}
static inline uint32_t gvk_packed_least(uint32_t size)
{
    return size < 8 ? size : (2 + (size & 1)) << gvk_packed_more_bits(size);
}

#endif
