/* See pipeline.h. One lock guards the ring and the items' states; steps run without it. */
#include "pipeline.h"

#include <stdlib.h>
#include <string.h>

#include "cli/system/threads.h"

#define THREADS_DEFAULT_MAX 4u
#define THREADS_MAX         64u
#define RESERVED_DEFAULT    ((uint64_t)256 << 20)

enum place_state {
    PLACE_EMPTY,
    PLACE_NAMED,    /* to be loaded */
    PLACE_LOADING,  /* or being named */
    PLACE_LOADED,   /* to be submitted */
    PLACE_AWAITED,  /* submitted */
    PLACE_COMPUTED, /* to be finished */
    PLACE_FINISHING,
    PLACE_FINISHED, /* to be reported */
};

struct place {
    enum place_state state;
    uint64_t reserved;
    void *item;
};

/* Items are counted from 0; the ring has item number n at n modulo its size. */
struct pipeline {
    const struct pipeline_steps *steps;
    struct pipeline_size size;
    struct mutex lock;
    struct condition changed;
    struct place *places;
    size_t place_count;
    uint64_t named, loading, submitted, collected, finishing, reported; /* the first item that each was not done for */
    uint64_t reserved;
    bool is_naming, has_all; /* a thread is in `next`; it has returned false */
    bool is_broken;          /* what was not computed is dropped */
    bool computes;           /* items may still be computed */
};

static struct place *place_of(struct pipeline *pipeline, uint64_t number)
{
    return &pipeline->places[number % pipeline->place_count];
}

static void set_state(struct pipeline *pipeline, struct place *place, enum place_state state)
{
    place->state = state;
    condition_wake_all(&pipeline->changed);
}

/* ---- loading and finishing --------------------------------------------------------------------------------------- */

/* The first item in this state among those from `from` on, NULL when there is none. */
static struct place *find(struct pipeline *pipeline, uint64_t from, enum place_state state)
{
    for (uint64_t number = from; number < pipeline->named; number++)
        if (place_of(pipeline, number)->state == state)
            return place_of(pipeline, number);
    return NULL;
}

static bool may_name(const struct pipeline *pipeline)
{
    return !pipeline->is_naming && !pipeline->has_all && pipeline->named - pipeline->reported < pipeline->place_count;
}

/* Names the next item; the lock is held, and let go meanwhile. */
static void name_next(struct pipeline *pipeline)
{
    struct place *place = place_of(pipeline, pipeline->named);
    pipeline->is_naming = true;
    memset(place->item, 0, pipeline->size.item_bytes);
    place->reserved = 0;
    mutex_unlock(&pipeline->lock);
    bool is_there = pipeline->steps->next(pipeline->steps->user, place->item);
    mutex_lock(&pipeline->lock);
    pipeline->is_naming = false;
    if (is_there)
        pipeline->named++;
    else
        pipeline->has_all = true;
    set_state(pipeline, place, is_there ? PLACE_NAMED : PLACE_EMPTY);
}

/* One step of the work that any thread may do; false when there is none at the moment. What is nearest to its end
 * comes first: it makes room. */
static bool work_once(struct pipeline *pipeline)
{
    struct place *place = find(pipeline, pipeline->reported, PLACE_COMPUTED);
    if (place) {
        place->state = PLACE_FINISHING;
        mutex_unlock(&pipeline->lock);
        pipeline->steps->finish(pipeline->steps->user, place->item);
        mutex_lock(&pipeline->lock);
        set_state(pipeline, place, PLACE_FINISHED);
        return true;
    }
    place = pipeline->is_broken ? NULL : find(pipeline, pipeline->submitted, PLACE_NAMED);
    if (place) {
        place->state = PLACE_LOADING;
        mutex_unlock(&pipeline->lock);
        pipeline->steps->load(pipeline->steps->user, place->item, pipeline);
        mutex_lock(&pipeline->lock);
        set_state(pipeline, place, PLACE_LOADED);
        return true;
    }
    if (!pipeline->is_broken && may_name(pipeline)) {
        name_next(pipeline);
        return true;
    }
    return false;
}

static void run_worker(void *user)
{
    struct pipeline *pipeline = user;
    mutex_lock(&pipeline->lock);
    while (pipeline->computes || find(pipeline, pipeline->reported, PLACE_COMPUTED))
        if (!work_once(pipeline))
            condition_wait(&pipeline->changed, &pipeline->lock);
    mutex_unlock(&pipeline->lock);
}

static bool has_room(const struct pipeline *pipeline, const struct place *place, uint64_t bytes)
{
    const uint64_t limit = pipeline->size.reserved_bytes;
    const struct place *awaited = &pipeline->places[pipeline->submitted % pipeline->place_count];
    return pipeline->is_broken || place == awaited || (bytes <= limit && pipeline->reserved <= limit - bytes);
}

void pipeline_reserve(struct pipeline *pipeline, void *item, uint64_t bytes)
{
    mutex_lock(&pipeline->lock);
    struct place *place = pipeline->places;
    while (place->item != item)
        place++;
    while (!has_room(pipeline, place, bytes))
        condition_wait(&pipeline->changed, &pipeline->lock);
    place->reserved += bytes;
    pipeline->reserved += bytes;
    mutex_unlock(&pipeline->lock);
}

/* ---- reporting --------------------------------------------------------------------------------------------------- */

static void release_place(struct pipeline *pipeline, struct place *place)
{
    pipeline->reserved -= place->reserved;
    place->reserved = 0;
    pipeline->reported++;
    set_state(pipeline, place, PLACE_EMPTY);
}

static void run_reporter(void *user)
{
    struct pipeline *pipeline = user;
    bool is_whole = true;
    mutex_lock(&pipeline->lock);
    for (;;) {
        struct place *place = place_of(pipeline, pipeline->reported);
        bool is_next = pipeline->reported < pipeline->named && place->state == PLACE_FINISHED;
        if (!is_next && !pipeline->computes && pipeline->reported >= pipeline->collected)
            break;
        if (!is_next) {
            condition_wait(&pipeline->changed, &pipeline->lock);
            continue;
        }
        mutex_unlock(&pipeline->lock);
        if (is_whole)
            is_whole = pipeline->steps->report(pipeline->steps->user, place->item);
        else
            pipeline->steps->drop(pipeline->steps->user, place->item);
        mutex_lock(&pipeline->lock);
        pipeline->is_broken = pipeline->is_broken || !is_whole;
        release_place(pipeline, place);
    }
    mutex_unlock(&pipeline->lock);
}

/* ---- computing --------------------------------------------------------------------------------------------------- */

/* Takes the oldest item that is under way off the device; the lock is held, and let go meanwhile. */
static void collect_next(struct pipeline *pipeline)
{
    struct place *place = place_of(pipeline, pipeline->collected);
    bool goes_on = true;
    if (place->state == PLACE_AWAITED) {
        mutex_unlock(&pipeline->lock);
        goes_on = pipeline->steps->collect(pipeline->steps->user, place->item);
        mutex_lock(&pipeline->lock);
    }
    pipeline->is_broken = pipeline->is_broken || !goes_on;
    pipeline->collected++;
    set_state(pipeline, place, PLACE_COMPUTED);
}

static void submit_next(struct pipeline *pipeline)
{
    struct place *place = place_of(pipeline, pipeline->submitted);
    mutex_unlock(&pipeline->lock);
    enum pipeline_submitted came = pipeline->steps->submit(pipeline->steps->user, place->item);
    mutex_lock(&pipeline->lock);
    pipeline->submitted++;
    pipeline->is_broken = pipeline->is_broken || came == PIPELINE_FAILED;
    /* Whoever passed waits for its turn all the same: `collected` goes in order. */
    set_state(pipeline, place, came == PIPELINE_SUBMITTED ? PLACE_AWAITED : PLACE_LOADED);
}

/* Fills the device as long as something is loaded, and waits for the device when nothing is, or enough is under way. */
static void compute(struct pipeline *pipeline)
{
    mutex_lock(&pipeline->lock);
    for (;;) {
        uint64_t under_way = pipeline->submitted - pipeline->collected;
        const struct place *next = place_of(pipeline, pipeline->submitted);
        bool is_loaded = pipeline->submitted < pipeline->named && next->state == PLACE_LOADED;
        bool has_ended = pipeline->is_broken ||
                         (pipeline->has_all && !pipeline->is_naming && pipeline->submitted == pipeline->named);
        if (is_loaded && !pipeline->is_broken && under_way < pipeline->size.under_way)
            submit_next(pipeline);
        else if (under_way)
            collect_next(pipeline);
        else if (has_ended)
            break;
        else
            condition_wait(&pipeline->changed, &pipeline->lock);
    }
    pipeline->computes = false;
    condition_wake_all(&pipeline->changed);
    mutex_unlock(&pipeline->lock);
}

/* ---- the run ----------------------------------------------------------------------------------------------------- */

static bool make_places(struct pipeline *pipeline)
{
    pipeline->places = calloc(pipeline->place_count, sizeof *pipeline->places);
    for (size_t index = 0; pipeline->places && index < pipeline->place_count; index++)
        if (!(pipeline->places[index].item = calloc(1, pipeline->size.item_bytes)))
            return false;
    return pipeline->places != NULL;
}

static void release_places(struct pipeline *pipeline)
{
    for (size_t index = 0; pipeline->places && index < pipeline->place_count; index++)
        free(pipeline->places[index].item);
    free(pipeline->places);
}

/* Items that never came to their report. */
static void drop_rest(struct pipeline *pipeline)
{
    for (; pipeline->reported < pipeline->named; pipeline->reported++)
        pipeline->steps->drop(pipeline->steps->user, place_of(pipeline, pipeline->reported)->item);
}

enum pipeline_outcome pipeline_run(const struct pipeline_steps *steps, const struct pipeline_size *size)
{
    struct pipeline pipeline = {
        .steps = steps, .size = *size, .lock = MUTEX_READY, .changed = CONDITION_READY, .computes = true};
    unsigned cores = thread_core_count(), started = 0;
    unsigned wanted = size->threads ? size->threads : cores < THREADS_DEFAULT_MAX ? cores : THREADS_DEFAULT_MAX;
    wanted = wanted < THREADS_MAX ? wanted : THREADS_MAX;
    struct thread workers[THREADS_MAX] = {0}, reporter = {0};
    pipeline.size.under_way = size->under_way ? size->under_way : 1;
    pipeline.size.reserved_bytes = size->reserved_bytes ? size->reserved_bytes : RESERVED_DEFAULT;
    /* Each thread has an item at hand and one that it is done with, and so has the device. */
    pipeline.place_count = 2 * (size_t)(wanted + pipeline.size.under_way) + 2;
    enum pipeline_outcome outcome = PIPELINE_NO_MEMORY;
    if (!make_places(&pipeline) || !thread_start(&reporter, run_reporter, &pipeline))
        goto done;
    while (started < wanted && thread_start(&workers[started], run_worker, &pipeline))
        started++;
    outcome = started ? PIPELINE_DONE : PIPELINE_NO_MEMORY; /* fewer threads than wanted do */
    if (started) {
        compute(&pipeline);
    } else {
        mutex_lock(&pipeline.lock);
        pipeline.computes = false;
        condition_wake_all(&pipeline.changed);
        mutex_unlock(&pipeline.lock);
    }
    for (unsigned index = 0; index < started; index++)
        thread_join(&workers[index]);
    thread_join(&reporter);
    drop_rest(&pipeline);
done:
    release_places(&pipeline);
    return outcome;
}
