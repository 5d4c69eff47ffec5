/* Packed SPIR-V: every kernel comes out as the compiler made it, byte for byte; what is damaged is refused or gives
 * other words, and never reaches outside of what it was given. */
#include "tests/support/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/device/unpack.h"
#include "tests/device/shader_words.h"

static void every_kernel_is_what_the_compiler_made(void **state)
{
    (void)state;
    size_t packed = (size_t)gvk_packed_shaders.word_count * 4, unpacked = 0;
    assert_int_equal(gvk_packed_shaders.shader_count, GVK_SHADER_COUNT);
    for (uint32_t i = 0; i < GVK_SHADER_COUNT; i++) {
        const struct gvk_shader_code *code = &gvk_shader_codes[i];
        const uint32_t *words = shader_words((enum gvk_shader)i);
        char path[4096];
        snprintf(path, sizeof path, GVK_TABLE_FOLDER "/%s.spv", code->name);
        FILE *file = fopen(path, "rb");
        static unsigned char bytes[1 << 18];
        size_t count = file ? fread(bytes, 1, sizeof bytes, file) : 0;
        if (!file || fclose(file) || count != code->bytes || count != 4 * gvk_packed_shaders.shaders[i].unpacked)
            fail_msg("%s has %zu bytes, the table says %u", path, count, code->bytes);
        for (size_t at = 0; at < count / 4; at++) {
            const unsigned char *byte = bytes + 4 * at;
            uint32_t word = byte[0] | (uint32_t)byte[1] << 8 | (uint32_t)byte[2] << 16 | (uint32_t)byte[3] << 24;
            if (word != words[at])
                fail_msg("%s: word %zu is %08x, not %08x", code->name, at, words[at], word);
        }
        unpacked += count;
    }
    print_message("             %u kernels, %zu bytes of SPIR-V in %zu\n", (unsigned)GVK_SHADER_COUNT, unpacked,
                  packed);
    assert_true(packed < unpacked / 4);
}

/* The packed shaders with the words of one, and of its parent, in a block of their own, so that a sanitizer sees a read
 * past their end. */
struct copy {
    struct gvk_packed_shaders packed;
    struct gvk_packed_shader *shaders;
    uint32_t *words;
    uint64_t *tokens;
    uint32_t *out, unpacked;
};

static void copy_shader(struct copy *copy, uint32_t shader)
{
    const struct gvk_packed_shader *own = &gvk_packed_shaders.shaders[shader];
    const struct gvk_packed_shader *parent =
        own->parent == GVK_PACKED_ORPHAN ? NULL : &gvk_packed_shaders.shaders[own->parent];
    size_t parent_words = parent ? parent->word_count : 0;
    *copy = (struct copy){.packed = gvk_packed_shaders};
    copy->shaders = malloc(GVK_SHADER_COUNT * sizeof *copy->shaders);
    copy->words = malloc((parent_words + own->word_count) * sizeof *copy->words);
    copy->tokens = malloc(gvk_unpack_tokens(&gvk_packed_shaders, shader) * sizeof *copy->tokens);
    copy->out = malloc(own->unpacked * sizeof *copy->out);
    assert_true(copy->shaders && copy->words && copy->tokens && copy->out);
    memcpy(copy->shaders, gvk_packed_shaders.shaders, GVK_SHADER_COUNT * sizeof *copy->shaders);
    memcpy(copy->words + parent_words, gvk_packed_shaders.words + own->first, own->word_count * sizeof *copy->words);
    copy->shaders[shader].first = (uint32_t)parent_words;
    if (parent) {
        memcpy(copy->words, gvk_packed_shaders.words + parent->first, parent_words * sizeof *copy->words);
        copy->shaders[own->parent].first = 0;
    }
    copy->packed.shaders = copy->shaders;
    copy->packed.words = copy->words;
    copy->packed.word_count = (uint32_t)parent_words + own->word_count;
    copy->unpacked = own->unpacked;
}

static void free_copy(struct copy *copy)
{
    free(copy->shaders);
    free(copy->words);
    free(copy->tokens);
    free(copy->out);
}

static bool unpack_copy(struct copy *copy, uint32_t shader)
{
    return gvk_unpack(&copy->packed, shader, copy->tokens, copy->out);
}

/* Each bit of some words of some kernels, wrong one at a time. */
static void damaged_words_are_refused_or_give_other_words(void **state)
{
    (void)state;
    uint32_t refused = 0, other = 0;
    for (uint32_t shader = 0; shader < GVK_SHADER_COUNT; shader += 29) {
        struct copy copy;
        copy_shader(&copy, shader);
        const uint32_t *words = shader_words((enum gvk_shader)shader);
        assert_true(unpack_copy(&copy, shader));
        assert_memory_equal(copy.out, words, copy.unpacked * sizeof *words);
        for (uint32_t at = 0; at < copy.packed.word_count; at += 1 + copy.packed.word_count / 40)
            for (uint32_t bit = 0; bit < 32; bit++) {
                copy.words[at] ^= 1u << bit;
                if (unpack_copy(&copy, shader))
                    other += memcmp(copy.out, words, copy.unpacked * sizeof *words) != 0;
                else
                    refused++;
                copy.words[at] ^= 1u << bit;
            }
        assert_true(unpack_copy(&copy, shader));
        free_copy(&copy);
    }
    print_message("             %u refused, %u gave other words\n", refused, other);
    assert_true(refused > 100);
}

static void random_words_do_no_harm(void **state)
{
    (void)state;
    uint32_t number = 1;
    for (uint32_t shader = 0; shader < GVK_SHADER_COUNT; shader += 7) {
        struct copy copy;
        copy_shader(&copy, shader);
        for (uint32_t times = 0; times < 20; times++) {
            for (uint32_t at = 0; at < copy.packed.word_count; at++)
                copy.words[at] = number = number * 1664525u + 1013904223u;
            unpack_copy(&copy, shader);
        }
        free_copy(&copy);
    }
}

static void words_that_end_early_are_refused(void **state)
{
    (void)state;
    for (uint32_t shader = 0; shader < GVK_SHADER_COUNT; shader += 29) {
        struct copy copy;
        copy_shader(&copy, shader);
        for (uint32_t gone = 1; gone < copy.shaders[shader].word_count; gone += 1 + gone / 3) {
            struct gvk_packed_shaders shorter = copy.packed;
            copy.shaders[shader].word_count -= gone;
            if (gvk_unpack(&shorter, shader, copy.tokens, copy.out))
                fail_msg("%s was unpacked without its last %u words", gvk_shader_codes[shader].name, gone);
            copy.shaders[shader].word_count += gone;
        }
        free_copy(&copy);
    }
}

static void a_table_that_points_outside_is_refused(void **state)
{
    (void)state;
    struct copy copy;
    copy_shader(&copy, 0);
    struct gvk_packed_shader right = copy.shaders[0];
    const struct gvk_packed_shader wrong[] = {
        {right.parent, copy.packed.word_count, right.word_count, right.unpacked}, /* begins behind the end */
        {right.parent, 1, copy.packed.word_count, right.unpacked},                /* ends behind it */
        {right.parent, UINT32_MAX, 2, right.unpacked},
        {right.parent, right.first, 0, right.unpacked},     /* left out of this library */
        {0, right.first, right.word_count, right.unpacked}, /* its own parent */
    };
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        copy.shaders[0] = wrong[i];
        if (gvk_unpack(&copy.packed, 0, copy.tokens, copy.out))
            fail_msg("table %zu was taken", i);
    }
    copy.shaders[0] = right;
    assert_false(gvk_unpack(&copy.packed, GVK_SHADER_COUNT, copy.tokens, copy.out));
    assert_int_equal(gvk_unpack_tokens(&copy.packed, GVK_SHADER_COUNT), 0);
    assert_true(gvk_unpack(&copy.packed, 0, copy.tokens, copy.out));
    free_copy(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kernel_is_what_the_compiler_made),
        cmocka_unit_test(damaged_words_are_refused_or_give_other_words),
        cmocka_unit_test(random_words_do_no_harm),
        cmocka_unit_test(words_that_end_early_are_refused),
        cmocka_unit_test(a_table_that_points_outside_is_refused),
    };
    return cmocka_run_group_tests_name("unpack", tests, NULL, NULL);
}
