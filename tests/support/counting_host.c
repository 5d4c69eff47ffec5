/* See counting_host.h. */
#include "counting_host.h"

#include <stdio.h>
#include <stdlib.h>

static void *count_allocation(void *user, size_t bytes, size_t alignment)
{
    struct counter *to = user;
    (void)alignment;
    if (atomic_fetch_add(&to->calls, 1) + 1 == atomic_load(&to->fail_at))
        return NULL;
    void *block = malloc(bytes);
    if (block)
        atomic_fetch_add(&to->live, 1);
    return block;
}

static void count_release(void *user, void *block)
{
    struct counter *to = user;
    if (block)
        atomic_fetch_sub(&to->live, 1);
    free(block);
}

static void count_sentence(void *user, gvk_log_level level, const char *sentence)
{
    struct counter *to = user;
    pthread_mutex_lock(&to->mutex);
    to->sentences[level]++;
    if (level <= GVK_LOG_WARNING)
        snprintf(to->last, sizeof to->last, "%s", sentence);
    pthread_mutex_unlock(&to->mutex);
}

struct counter counter = {.mutex = PTHREAD_MUTEX_INITIALIZER};
const gvk_host counting_host = {
    .size = sizeof(gvk_host),
    .user = &counter,
    .log = count_sentence,
    .allocate = count_allocation,
    .release = count_release,
};
