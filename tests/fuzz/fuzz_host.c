/* The host of the fuzz targets: quick memory with poison between blocks, a log that is checked. See fuzz.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "ghostnet/files/text.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define POISON(from, bytes)   __asan_poison_memory_region(from, bytes)
#define UNPOISON(from, bytes) __asan_unpoison_memory_region(from, bytes)
#else
#define POISON(from, bytes)   ((void)(from), (void)(bytes))
#define UNPOISON(from, bytes) ((void)(from), (void)(bytes))
#endif

#define ALIGNMENT 16u
#define GAP       32u /* poisoned bytes behind each block; the block's size lies in front of it */

static _Alignas(64) unsigned char memory[FUZZ_MEMORY];
static size_t used, limit;
static long live;
static int sentences;

_Noreturn void fuzz_report(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: broken: %s\n", file, line, condition);
    abort();
}

void fuzz_check_sentence(const char *sentence)
{
    size_t length = strlen(sentence);
    const unsigned char *bytes = (const unsigned char *)sentence;
    FUZZ_CHECK(length > 0);
    for (size_t at = 0; at < length;) {
        size_t step = gvk_utf8_sequence(bytes + at, length - at);
        FUZZ_CHECK(step > 0 && bytes[at] >= 0x20 && bytes[at] != 0x7f);
        at += step;
    }
}

void fuzz_touch(const void *data, size_t bytes)
{
    const volatile unsigned char *from = data;
#ifdef __SANITIZE_ADDRESS__
    FUZZ_CHECK(bytes == 0 || !__asan_region_is_poisoned((void *)(uintptr_t)data, bytes));
#endif
    for (size_t at = 0; at < bytes; at += 64)
        (void)from[at];
    if (bytes)
        (void)from[bytes - 1];
}

int fuzz_strcmp(const char *left, const char *right)
{
    while (*left && *left == *right)
        left++, right++;
    return (unsigned char)*left - (unsigned char)*right;
}

static void hear(void *user, gvk_log_level level, const char *sentence)
{
    (void)user;
    fuzz_check_sentence(sentence);
    sentences += level == GVK_LOG_ERROR;
}

static void *lend(void *user, size_t bytes, size_t alignment)
{
    (void)user;
    FUZZ_CHECK(bytes > 0 && alignment <= ALIGNMENT);
    size_t room = limit - used;
    if (bytes > room || room - bytes < 2 * GAP)
        return NULL;
    unsigned char *block = memory + used + GAP;
    UNPOISON(block - ALIGNMENT, ALIGNMENT);
    memcpy(block - ALIGNMENT, &bytes, sizeof bytes);
    POISON(block - ALIGNMENT, ALIGNMENT);
    UNPOISON(block, bytes);
    used += GAP + (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    live++;
    return block;
}

static void take_back(void *user, void *given)
{
    (void)user;
    unsigned char *block = given;
    size_t bytes;
    if (!block)
        return;
    FUZZ_CHECK(block > memory && block < memory + used);
    UNPOISON(block - ALIGNMENT, ALIGNMENT);
    memcpy(&bytes, block - ALIGNMENT, sizeof bytes);
    FUZZ_CHECK(bytes > 0 && bytes <= limit); /* 0: it was released before */
    memset(block - ALIGNMENT, 0, sizeof bytes);
    POISON(block - ALIGNMENT, ALIGNMENT + bytes);
    live--;
}

const gvk_host *fuzz_begin(size_t bytes)
{
    static const gvk_host host = {.size = sizeof host, .log = hear, .allocate = lend, .release = take_back};
    FUZZ_CHECK(bytes <= sizeof memory);
    POISON(memory, limit == 0 ? sizeof memory : used + GAP);
    limit = bytes;
    used = 0;
    live = 0;
    sentences = 0;
    return &host;
}

void fuzz_check_result(gvk_result result)
{
    FUZZ_CHECK(result <= GVK_OK);
    FUZZ_CHECK(sentences == (result != GVK_OK));
    sentences = 0;
}

void fuzz_end(void)
{
    FUZZ_CHECK(live == 0);
    FUZZ_CHECK(sentences == 0);
}

static void check_array(const gvk_array *array)
{
    static const uint32_t sizes[] = {[GVK_TYPE_F32] = 4, [GVK_TYPE_F16] = 2, [GVK_TYPE_BF16] = 2};
    FUZZ_CHECK(array->rank <= GVK_MAX_RANK);
    if (array->type != GVK_TYPE_OTHER) {
        bool is_empty = false;
        for (uint32_t i = 0; i < array->rank; i++)
            is_empty = is_empty || array->shape[i] == 0;
        uint64_t bytes = is_empty ? 0 : sizes[array->type];
        for (uint32_t i = 0; i < array->rank && !is_empty; i++) {
            FUZZ_CHECK(bytes <= UINT64_MAX / array->shape[i]);
            bytes *= array->shape[i];
        }
        FUZZ_CHECK(bytes == array->bytes);
    }
    fuzz_touch(array->data, (size_t)array->bytes);
}

void fuzz_check_checkpoint(const gvk_checkpoint *checkpoint)
{
    uint32_t count = gvk_checkpoint_count(checkpoint);
    FUZZ_CHECK(!gvk_checkpoint_at(checkpoint, count));
    for (uint32_t i = 0; i < count; i++) {
        const gvk_checkpoint_tensor *tensor = gvk_checkpoint_at(checkpoint, i);
        FUZZ_CHECK(!gvk_name_problem(tensor->name, strlen(tensor->name)));
        FUZZ_CHECK(tensor->is_aside || gvk_checkpoint_find(checkpoint, tensor->name) == tensor);
        check_array(&tensor->array);
    }
}

void fuzz_open_checkpoint(const uint8_t *data, size_t size)
{
    static const char *const sets[] = {NULL, NULL, "model", "."};
    gvk_checkpoint *checkpoint = NULL;
    const gvk_checkpoint_params params = {.bytes = data, .byte_count = size, .weights = sets[size % 4]};
    gvk_result result = gvk_checkpoint_open_as(fuzz_begin((size_t)4 << 20), &params, "input", false, &checkpoint);
    fuzz_check_result(result);
    FUZZ_CHECK((result == GVK_OK) == (checkpoint != NULL));
    FUZZ_CHECK(result == GVK_OK || result == GVK_ERROR_FORMAT || result == GVK_ERROR_HOST_MEMORY);
    if (checkpoint) {
        FUZZ_CHECK(gvk_checkpoint_format(checkpoint) != NULL);
        fuzz_check_checkpoint(checkpoint);
    }
    gvk_checkpoint_destroy(checkpoint);
    fuzz_end();
}
