/* Work that flows: items are named one after the other, loaded by several threads ahead of time, computed on the
 * calling thread with some of them under way at once, finished by those threads again, and reported in order.
 *
 *     next -> load -> submit -> collect -> finish -> report
 *
 * Items lie in a ring of a fixed size, so that memory does not grow with their number: nothing is named before there
 * is a place for it. What an item's loading is going to hold is asked for by pipeline_reserve, which waits while much
 * is loaded already, so that few large pictures are held at a time, and many small ones.
 *
 * Each step is called for each item that was named, whatever became of it: the item itself knows whether it failed.
 * The one exception is the end: after a submit or collect that returned false, and after an interrupt, nothing new is
 * named; after a false, items that were not computed are dropped. */
#ifndef GHOSTVK_CLI_PIPELINE_H
#define GHOSTVK_CLI_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pipeline;

enum pipeline_submitted {
    PIPELINE_SUBMITTED, /* under way; collect is called for it */
    PIPELINE_PASSED,    /* there is nothing to compute, or it failed */
    PIPELINE_FAILED     /* nothing more can be computed; this item is reported still */
};

struct pipeline_steps {
    void *user;
    /* Names the next one in a zeroed item; false at the end. One thread at a time. */
    bool (*next)(void *user, void *item);
    /* On any thread, for several items at a time. */
    void (*load)(void *user, void *item, struct pipeline *pipeline);
    void (*finish)(void *user, void *item);
    /* On the thread that called pipeline_run, in order. */
    enum pipeline_submitted (*submit)(void *user, void *item);
    bool (*collect)(void *user, void *item);
    /* On one thread, in order; what the item holds is released. False ends the run: outputs are broken. */
    bool (*report)(void *user, void *item);
    /* Instead of report, for what is left at an early end. */
    void (*drop)(void *user, void *item);
};

struct pipeline_size {
    size_t item_bytes;       /* of an item */
    unsigned threads;        /* for loading and finishing; 0: as the machine has cores, 4 at most */
    unsigned under_way;      /* items submitted and not collected, at least 1 */
    uint64_t reserved_bytes; /* loaded at a time, unless a single item needs more; 0: 256 MiB */
};

enum pipeline_outcome {
    PIPELINE_DONE,      /* all items, or all until a step ended the run */
    PIPELINE_NO_MEMORY, /* or no thread: nothing was begun */
};

enum pipeline_outcome pipeline_run(const struct pipeline_steps *steps, const struct pipeline_size *size);

/* From `load`: the item is going to hold that many bytes until it was reported. Waits until there is room, or the item
 * is the one that everybody waits for. */
void pipeline_reserve(struct pipeline *pipeline, void *item, uint64_t bytes);

#endif
