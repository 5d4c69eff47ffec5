/* Checks of what the counting host heard, and a Vulkan device of its own whose calls are watched: what the runtime
 * does to a host's device is seen by functions that the import is given instead of the driver's. For the parts of
 * test_device.c. */
#ifndef GVK_TESTS_DEVICE_WATCH_H
#define GVK_TESTS_DEVICE_WATCH_H

#include "tests/support/harness.h"

#include <pthread.h>
#include <stdatomic.h>

#include <volk.h>

#include "tests/support/counting_host.h"
#include "tests/support/host_device.h"

/* ---- what the counting host heard ---- */

void reset_sentences(void);
/* The call fails so, with one sentence that holds `part`. */
#define expect_refusal(call, expected, part) check_refusal((call), (expected), (part), #call, __FILE__, __LINE__)
void check_refusal(gvk_result result, gvk_result expected, const char *part, const char *call, const char *file,
                   int line);
void expect_nothing_held(const char *what);

/* ---- a Vulkan device of the host's, watched ---- */

extern struct host_device shared; /* one for all imports */

extern struct watch {
    pthread_mutex_t queue;
    atomic_int depth; /* of the queue's lock */
    atomic_uint locks, submits, submits_unlocked, names, labels;
    atomic_uint pipelines, pipelines_elsewhere, caches_destroyed;
    VkPipelineCache cache;  /* what pipelines are expected in */
    bool hold;              /* waits for fences find nothing done */
    VkResult name_result;   /* of every vkSetDebugUtilsObjectNameEXT */
    VkResult submit_result; /* of every submit, unless it is VK_SUCCESS */
    long submit_fails_at;   /* this submit from now on fails; 0: none */
    VkFence last_fence;     /* submitted last; no wait has found it signalled yet */
    unsigned overtaking;    /* submits while last_fence was still awaited */
    long memory_fails_at;   /* this vkAllocateMemory from now on fails, whatever the type; 0: none */
    VkDeviceSize failed_bytes;
    /* The device seems to have a second type of memory, the first of which lies in a heap of so many bytes; 0: as it
     * is.
     */
    VkDeviceSize small_heap;
    unsigned beyond_heap; /* allocations larger than the small heap that were asked of it */
    bool small_heap_is_full;
    VkMemoryPropertyFlags small_heap_flags; /* its type has these, too, and no allocation may be of it */
} watch;

gvk_import_params watched_params(void);
gvk_device *import_watched(void);
/* A device of the kind that this run is about, not watched. */
gvk_result make_device(uint64_t memory_ceiling, gvk_device **out);
gvk_device *create_device(void);

/* ---- running ---- */

#define TEST(function) cmocka_unit_test_setup(function, begin_test)

/* Resets all that is counted: a test that fails leaves its objects behind, which is no matter of the next one's. */
int begin_test(void **state);
void reset_watch(void);

/* The parts: each runs its tests and returns how many failed. */
int run_choosing_tests(void);
int run_importing_tests(void);
int run_memory_tests(void);
int run_frame_tests(void);

#endif
