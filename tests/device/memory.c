/* Memory of the device and of the host: ceilings, failures at any moment, and nothing kept. */
#include "tiny.h"

#include <stdlib.h>
#include <time.h>

#include "runtime/vulkan/device.h"

static void a_memory_ceiling_is_kept_and_the_device_goes_on(void **state)
{
    (void)state;
    const uint64_t ceiling = 4 << 20;
    gvk_device *device = NULL;
    gvk_stream *stream = NULL, *large = NULL;
    float first[VALUES], again[VALUES];
    assert_ok(make_device(ceiling, &device));
    gvk_model *model = create_model(device);
    assert_ok(make_stream(model, SIDE, 1, &stream));
    assert_ok(run_frame(stream, first, VALUES));
    reset_sentences();
    expect_refusal(make_stream(model, 1024, 1, &large), GVK_ERROR_BUDGET,
                   "The memory ceiling of 4 MiB would be passed");
    assert_null(large);
    /* A picture too many, on a stream that fits. */
    uint8_t *pixels = calloc((size_t)2048 * 1024, 3);
    assert_non_null(pixels);
    gvk_picture picture = {.size = sizeof picture, .width = 2048, .height = 1024, .pixels = pixels};
    gvk_ticket ticket = 0;
    expect_refusal(gvk_stream_submit(stream, &picture, sizeof(gvk_picture), 1, &ticket), GVK_ERROR_BUDGET,
                   "MiB more are needed");
    free(pixels);
    for (int i = 0; i < 3; i++) {
        assert_ok(run_frame(stream, again, VALUES));
        expect_equal_values(again, first, "after a refusal");
    }
    /* What is destroyed makes room: any number of streams, one after another. */
    for (int i = 0; i < 20; i++) {
        assert_ok(make_stream(model, 128, 1, &large));
        gvk_stream_destroy(large);
    }
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
    gvk_device_destroy(device);

    assert_ok(make_device(16, &device));
    expect_refusal(make_model(device, &model), GVK_ERROR_BUDGET, "The memory ceiling");
    gvk_device_destroy(device);
    expect_nothing_held("a ceiling");
}

static void a_device_out_of_memory_says_so_and_goes_on(void **state)
{
    (void)state;
    reset_watch();
    gvk_device *device = import_watched();
    float expected[VALUES], got[VALUES];
    assert_ok(run_once(device, expected));
    long held = atomic_load(&counter.live), tried = 0;
    for (bool failed = true; failed; tried++) {
        watch.memory_fails_at = tried + 1;
        watch.failed_bytes = 0;
        reset_sentences();
        gvk_result result = run_once(device, got);
        failed = watch.memory_fails_at == 0;
        if (result != (failed ? GVK_ERROR_DEVICE_MEMORY : GVK_OK))
            fail_msg("allocation %ld of device memory fails: %s", tried + 1, gvk_result_name(result));
        if (atomic_load(&counter.live) != held)
            fail_msg("allocation %ld of device memory fails: %ld blocks of host memory are kept", tried + 1,
                     atomic_load(&counter.live) - held);
        if (failed)
            assert_int_equal(counter.sentences[GVK_LOG_ERROR], 1);
    }
    assert_true(tried > 3);
    expect_equal_values(got, expected, "afterwards");
    watch.memory_fails_at = 0;
    watch.submit_result = VK_ERROR_DEVICE_LOST;
    assert_int_equal(run_once(device, NULL), GVK_ERROR_DEVICE_LOST);
    watch.submit_result = VK_SUCCESS;
    assert_ok(run_once(device, got));
    gvk_device_destroy(device);
    expect_nothing_held("device memory");
}

/* A type of memory is asked for no more than its heap has, and where it is full another is taken. */
static void memory_comes_from_a_heap_that_has_room(void **state)
{
    (void)state;
    float expected[VALUES], got[VALUES];
    VkPhysicalDeviceMemoryProperties memory;
    vkGetPhysicalDeviceMemoryProperties(shared.physical_device, &memory);
    if (memory.memoryTypeCount != 1)
        skip(); /* the small heap is made up of the only type */
    gvk_device *device = import_watched();
    assert_ok(run_once(device, expected));
    gvk_device_destroy(device);
    for (int full = 0; full < 2; full++) {
        reset_watch();
        watch.small_heap = 4096;
        watch.small_heap_is_full = full;
        device = import_watched();
        /* The picture's limit is that of the largest device-local heap, which is not what this is about. */
        device->info.memory_bytes = 0;
        gvk_result result = run_once(device, got);
        if (result || watch.beyond_heap)
            fail_msg("a heap of 4096 bytes, %s: %s, \"%s\"; %u allocations larger than that were asked of it",
                     full ? "full" : "empty", gvk_result_name(result), counter.last, watch.beyond_heap);
        expect_equal_values(got, expected, "from another heap");
        gvk_device_destroy(device);
    }
    /* And where none has room that is said, as ever. */
    reset_watch();
    watch.small_heap = 4096;
    device = import_watched();
    device->memory.memoryHeaps[1].size = 4096;
    reset_sentences();
    gvk_result result = run_once(device, got);
    assert_int_equal(result, GVK_ERROR_DEVICE_MEMORY);
    assert_int_equal(counter.sentences[GVK_LOG_ERROR], 1);
    gvk_device_destroy(device);
    expect_nothing_held("heaps");
}

/* AMD lists memory that is never cached on the device among the others. It takes a feature that is not enabled, and is
 * slow. */
static void memory_that_takes_a_feature_is_left_alone(void **state)
{
    (void)state;
    static const VkMemoryPropertyFlags flags[] = {
        VK_MEMORY_PROPERTY_DEVICE_COHERENT_BIT_AMD,
        VK_MEMORY_PROPERTY_DEVICE_COHERENT_BIT_AMD | VK_MEMORY_PROPERTY_DEVICE_UNCACHED_BIT_AMD,
        VK_MEMORY_PROPERTY_PROTECTED_BIT,
        VK_MEMORY_PROPERTY_LAZILY_ALLOCATED_BIT,
    };
    float expected[VALUES], got[VALUES];
    VkPhysicalDeviceMemoryProperties memory;
    vkGetPhysicalDeviceMemoryProperties(shared.physical_device, &memory);
    if (memory.memoryTypeCount != 1)
        skip(); /* the other type is made up of the only one */
    reset_watch();
    gvk_device *device = import_watched();
    assert_ok(run_once(device, expected));
    gvk_device_destroy(device);
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        reset_watch();
        watch.small_heap = memory.memoryHeaps[0].size;
        watch.small_heap_flags = flags[i];
        device = import_watched();
        gvk_result result = run_once(device, got);
        if (result || watch.beyond_heap)
            fail_msg("memory with flags 0x%x: %s, \"%s\"; %u allocations are of it", flags[i], gvk_result_name(result),
                     counter.last, watch.beyond_heap);
        expect_equal_values(got, expected, "from other memory");
        gvk_device_destroy(device);
    }
    expect_nothing_held("types of memory");
}

static void making_and_destroying_keeps_nothing(void **state)
{
    (void)state;
    long calls = 0;
    for (int i = 0; i < 8; i++) {
        atomic_store(&counter.calls, 0);
        gvk_device *device = create_device();
        for (int j = 0; j < 3; j++)
            assert_ok(run_once(device, NULL));
        gvk_device_destroy(device);
        expect_nothing_held("a round of making and destroying");
        if (i && atomic_load(&counter.calls) != calls)
            fail_msg("round %d made %ld allocations, the round before %ld", i, atomic_load(&counter.calls), calls);
        calls = atomic_load(&counter.calls);
    }
}

static void frames_allocate_nothing_once_they_run(void **state)
{
    (void)state;
    gvk_device *device = create_device();
    gvk_model *model = create_model(device);
    gvk_stream *stream = create_stream(model, SIDE, 2);
    for (int i = 0; i < 2; i++)
        assert_ok(run_frame(stream, NULL, 0));
    long calls = atomic_load(&counter.calls);
    for (int i = 0; i < 20; i++)
        assert_ok(run_frame(stream, NULL, 0));
    assert_int_equal(atomic_load(&counter.calls), calls);
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
    gvk_device_destroy(device);
}

/* Pictures of any kind find the pipelines of their resize made: compiling takes longer than a frame. */
static void no_pipeline_is_made_once_the_stream_is(void **state)
{
    (void)state;
    static const uint8_t pixels[40 * 30 * 4];
    static const float tensor[3 * SIDE * SIDE];
    reset_watch();
    gvk_device *device = import_watched();
    gvk_model *model = create_model(device);
    gvk_stream *stream = create_stream(model, SIDE, 1);
    unsigned made = atomic_load(&watch.pipelines);
    gvk_ticket ticket;
    for (int i = 0; i < 12; i++) {
        gvk_picture picture = {.size = sizeof picture,
                               .format = (gvk_pixel_format)(i % 3),
                               .width = i < 6 ? 40 : 8,
                               .height = i < 6 ? 30 : 9,
                               .letterbox = i % 2,
                               .pixels = pixels};
        assert_ok(gvk_stream_submit(stream, &picture, sizeof picture, 1, &ticket));
    }
    gvk_picture input = {
        .size = sizeof input, .kind = GVK_PICTURE_TENSOR, .width = SIDE, .height = SIDE, .pixels = tensor};
    assert_ok(gvk_stream_submit(stream, &input, sizeof input, 1, &ticket));
    if (atomic_load(&watch.pipelines) != made)
        fail_msg("%u pipelines were made by submits", atomic_load(&watch.pipelines) - made);
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
    gvk_device_destroy(device);
}

static void null_is_destroyed_in_peace(void **state)
{
    (void)state;
    gvk_stream_destroy(NULL);
    gvk_model_destroy(NULL);
    gvk_graph_destroy(NULL);
    gvk_network_destroy(NULL);
    gvk_device_destroy(NULL);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* `device` NULL: one of its own. */
static gvk_result run_with_failure(gvk_device *device, long fail_at)
{
    gvk_device *own = NULL;
    reset_sentences();
    atomic_store(&counter.calls, 0);
    atomic_store(&counter.fail_at, fail_at);
    gvk_result result = device ? GVK_OK : make_device(0, &own);
    if (!result)
        result = run_once(device ? device : own, NULL);
    atomic_store(&counter.fail_at, 0);
    gvk_device_destroy(own);
    return result;
}

static void expect_memory_failure(gvk_result result, long fail_at, long held)
{
    if (result != GVK_ERROR_HOST_MEMORY || counter.sentences[GVK_LOG_ERROR] != 1)
        fail_msg("allocation %ld fails: %s with %u sentences, the last: \"%s\"", fail_at, gvk_result_name(result),
                 counter.sentences[GVK_LOG_ERROR], counter.last);
    if (atomic_load(&counter.live) != held)
        fail_msg("allocation %ld fails: %ld blocks are kept", fail_at, atomic_load(&counter.live) - held);
}

static void any_allocation_may_fail_and_nothing_is_lost(void **state)
{
    (void)state;
    double begin = seconds();
    assert_ok(run_with_failure(NULL, 0));
    double once = seconds() - begin;
    long calls = atomic_load(&counter.calls);
    long step = 1 + (long)((double)calls * once / 10); /* ten seconds' worth */
    long tried = 0;
    for (long i = 1; i <= calls; i += step, tried++)
        expect_memory_failure(run_with_failure(NULL, i), i, 0);
    print_message("             %ld of %ld allocations, device and all\n", tried, calls);

    gvk_device *device = create_device();
    for (int i = 0; i < 2; i++) /* the second finds the pipelines made */
        assert_ok(run_with_failure(device, 0));
    long held = atomic_load(&counter.live);
    calls = atomic_load(&counter.calls);
    begin = seconds();
    long last = 0;
    for (long i = 1; i <= calls && seconds() - begin < 15; i++, last++)
        expect_memory_failure(run_with_failure(device, i), i, held);
    print_message("             %ld of %ld allocations, model, stream and frame\n", last, calls);
    float expected[VALUES], got[VALUES];
    assert_ok(run_once(device, got));
    gvk_device_destroy(device);
    device = create_device();
    assert_ok(run_once(device, expected));
    expect_equal_values(got, expected, "after all failures");
    gvk_device_destroy(device);
    expect_nothing_held("failing allocations");
}

int run_memory_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_memory_ceiling_is_kept_and_the_device_goes_on),
        TEST(a_device_out_of_memory_says_so_and_goes_on),
        TEST(memory_comes_from_a_heap_that_has_room),
        TEST(memory_that_takes_a_feature_is_left_alone),
        TEST(making_and_destroying_keeps_nothing),
        TEST(frames_allocate_nothing_once_they_run),
        TEST(no_pipeline_is_made_once_the_stream_is),
        TEST(null_is_destroyed_in_peace),
        TEST(any_allocation_may_fail_and_nothing_is_lost),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
