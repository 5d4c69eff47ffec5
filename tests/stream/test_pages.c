/* Large pages: advice that changes neither what a block holds nor what lies around it, wherever it begins and ends. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/pages.h"
#include "tests/support/harness.h"

#define MIB ((size_t)1 << 20)

static unsigned char value_at(size_t index)
{
    return (unsigned char)(index * 31 + (index >> 12));
}

static void a_block_keeps_what_it_holds(void **state)
{
    static const struct {
        size_t offset, bytes;
    } blocks[] = {{0, 0}, {1, 1}, {0, MIB}, {4096, 4 * MIB - 1}, {0, 4 * MIB}, {16, 4 * MIB}, {4095, 11 * MIB + 5}};
    size_t room = 16 * MIB;
    unsigned char *memory = malloc(room);
    (void)state;
    assert_non_null(memory);
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        for (size_t at = 0; at < room; at++)
            memory[at] = value_at(at);
        gvk_prefer_large_pages(memory + blocks[i].offset, blocks[i].bytes);
        for (size_t at = 0; at < room; at++)
            if (memory[at] != value_at(at))
                fail_msg("%zu bytes from %zu: byte %zu is %u, not %u", blocks[i].bytes, blocks[i].offset, at,
                         memory[at], value_at(at));
    }
    free(memory);
}

static void no_block_is_no_fault(void **state)
{
    (void)state;
    gvk_prefer_large_pages(NULL, 64 * MIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_keeps_what_it_holds),
        cmocka_unit_test(no_block_is_no_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
