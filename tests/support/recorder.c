/* The host of recorder.h: each block is preceded by its size. */
#include "recorder.h"

#include <stdio.h>
#include <stdlib.h>

static void record_sentence(void *user, gvk_log_level level, const char *sentence)
{
    struct recorder *to = user;
    to->sentences++;
    to->errors += level == GVK_LOG_ERROR;
    snprintf(to->last, sizeof to->last, "%s", sentence);
}

static void *record_allocation(void *user, size_t count, size_t alignment)
{
    struct recorder *to = user;
    (void)alignment;
    to->allocations++;
    if (to->allocations == to->fail_at)
        return NULL;
    size_t *block = malloc(count + 16);
    if (!block)
        return NULL;
    block[0] = count;
    to->live++;
    to->bytes += count;
    if (to->bytes > to->peak)
        to->peak = to->bytes;
    return (unsigned char *)block + 16;
}

static void record_release(void *user, void *block)
{
    struct recorder *to = user;
    if (!block)
        return;
    size_t *start = (size_t *)(void *)((unsigned char *)block - 16);
    to->live--;
    to->bytes -= start[0];
    free(start);
}

gvk_host recording_host(struct recorder *to)
{
    return (gvk_host){.size = sizeof(gvk_host),
                      .user = to,
                      .log = record_sentence,
                      .allocate = record_allocation,
                      .release = record_release};
}
