/* What a stream tells of itself against what Vulkan was asked for: this test's own device counts every command that is
 * recorded and every pipeline that is made. The network is the whole detector, with generated weights. */
#include "tests/support/harness.h"

#include <volk.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ghostnet/network_inside.h"
#include "tests/support/host_device.h"

#define SIDE          64u
#define CLASSES       3u
#define LAYERS_MAX    512u
#define BATCH_MAX     2u
#define PICTURE_WIDTH 50u

/* ---- a device that counts ---------------------------------------------------------------------------------------- */

static struct counted {
    uint32_t dispatches, transfers, barriers, pipelines;
} counted;

static VKAPI_ATTR void VKAPI_CALL count_dispatch(VkCommandBuffer commands, uint32_t x, uint32_t y, uint32_t z)
{
    counted.dispatches++;
    vkCmdDispatch(commands, x, y, z);
}

static VKAPI_ATTR void VKAPI_CALL count_copy(VkCommandBuffer commands, VkBuffer from, VkBuffer to, uint32_t count,
                                             const VkBufferCopy *regions)
{
    counted.transfers++;
    vkCmdCopyBuffer(commands, from, to, count, regions);
}

static VKAPI_ATTR void VKAPI_CALL count_fill(VkCommandBuffer commands, VkBuffer buffer, VkDeviceSize offset,
                                             VkDeviceSize size, uint32_t value)
{
    counted.transfers++;
    vkCmdFillBuffer(commands, buffer, offset, size, value);
}

static VKAPI_ATTR void VKAPI_CALL count_barrier(VkCommandBuffer commands, VkPipelineStageFlags from,
                                                VkPipelineStageFlags to, VkDependencyFlags flags, uint32_t count,
                                                const VkMemoryBarrier *barriers, uint32_t buffer_count,
                                                const VkBufferMemoryBarrier *buffers, uint32_t image_count,
                                                const VkImageMemoryBarrier *images)
{
    counted.barriers++;
    vkCmdPipelineBarrier(commands, from, to, flags, count, barriers, buffer_count, buffers, image_count, images);
}

static VKAPI_ATTR VkResult VKAPI_CALL count_pipelines(VkDevice device, VkPipelineCache cache, uint32_t count,
                                                      const VkComputePipelineCreateInfo *infos,
                                                      const VkAllocationCallbacks *callbacks, VkPipeline *out)
{
    counted.pipelines += count;
    return vkCreateComputePipelines(device, cache, count, infos, callbacks, out);
}

#define COUNTED(name, function)                                                                                        \
    if (!strcmp(wanted, name))                                                                                         \
        return (PFN_vkVoidFunction)(function);

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL counted_device_proc(VkDevice device, const char *wanted)
{
    COUNTED("vkCmdDispatch", count_dispatch)
    COUNTED("vkCmdCopyBuffer", count_copy)
    COUNTED("vkCmdFillBuffer", count_fill)
    COUNTED("vkCmdPipelineBarrier", count_barrier)
    COUNTED("vkCreateComputePipelines", count_pipelines)
    return vkGetDeviceProcAddr(device, wanted);
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL counted_instance_proc(VkInstance instance, const char *wanted)
{
    COUNTED("vkGetDeviceProcAddr", counted_device_proc)
    return vkGetInstanceProcAddr(instance, wanted);
}

/* ---- one device and model for all tests -------------------------------------------------------------------------- */

static struct host_device host;
static gvk_device *device;
static gvk_network *network;
static gvk_model *model;

static int open_all(void **state)
{
    (void)state;
    if (!host_device_create(&host)) {
        print_error("no device: %s\n", host.fault);
        return -1;
    }
    gvk_import_params params = host_device_params(&host);
    params.host = &test_host;
    params.get_instance_proc = counted_instance_proc;
    /* A proof would make the kernels' pipelines, and others of its own, before the stream does. */
    gvk_model_params trusting = {.size = sizeof trusting, .trust_kernels = 1};
    return gvk_device_import(&params, &device) || gvk_network_generate(&test_host, CLASSES, &network) ||
           gvk_model_create(device, gvk_network_graph(network), &trusting, &model);
}

static int close_all(void **state)
{
    (void)state;
    gvk_model_destroy(model);
    gvk_network_destroy(network);
    gvk_device_destroy(device);
    host_device_destroy(&host);
    return 0;
}

/* ---- frames ---- */

static gvk_stream *create_detector(uint32_t batch, int profile)
{
    gvk_stream_params stream_params = {
        .size = sizeof stream_params, .width = SIDE, .height = SIDE, .batch = batch, .profile = profile};
    gvk_detector_params params = {.size = sizeof params, .stream = &stream_params};
    gvk_stream *stream = NULL;
    assert_ok(gvk_detector_create(model, network, &params, &stream));
    return stream;
}

/* The first `tensor_count` pictures of the batch are tensors, the others pixels. */
static gvk_ticket run_frame(gvk_stream *stream, uint32_t batch, uint32_t tensor_count)
{
    static float tensor[3 * SIDE * SIDE];
    static uint8_t pixels[PICTURE_WIDTH * 40 * 3];
    uint64_t random = 5;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)random_below(&random, 256);
    for (size_t i = 0; i < sizeof tensor / sizeof tensor[0]; i++)
        tensor[i] = (float)random_below(&random, 256) / 256;
    gvk_picture pictures[BATCH_MAX];
    for (uint32_t i = 0; i < batch; i++)
        pictures[i] =
            i < tensor_count
                ? (gvk_picture){.size = sizeof pictures[0],
                                .kind = GVK_PICTURE_TENSOR,
                                .width = SIDE,
                                .height = SIDE,
                                .pixels = tensor}
                : (gvk_picture){.size = sizeof pictures[0], .width = PICTURE_WIDTH, .height = 40, .pixels = pixels};
    gvk_ticket ticket = 0;
    assert_ok(gvk_stream_submit(stream, pictures, sizeof(gvk_picture), batch, &ticket));
    assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
    return ticket;
}

/* ---- the tests --------------------------------------------------------------------------------------------------- */

static void the_counts_are_those_of_the_recorded_commands(void **state)
{
    (void)state;
    static const struct {
        uint32_t batch, tensors;
        int profile;
    } cases[] = {{1, 0, 0}, {1, 1, 0}, {2, 0, 0}, {2, 1, 0}, {2, 0, 1}};
    uint32_t pipelines = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct counted before = counted;
        gvk_stream *stream = create_detector(cases[i].batch, cases[i].profile);
        gvk_stream_info info = {.size = sizeof info};
        run_frame(stream, cases[i].batch, cases[i].tensors);
        gvk_stream_describe(stream, &info);
        gvk_stream_destroy(stream);
        uint32_t dispatches = counted.dispatches - before.dispatches, barriers = counted.barriers - before.barriers;
        uint32_t transfers = counted.transfers - before.transfers;
        if (!i)
            pipelines = counted.pipelines - before.pipelines;
        uint32_t expected_pipelines = cases[i].tensors == cases[i].batch ? pipelines - 2 : pipelines; /* no resize */
        print_message("             batch %u, %u tensors: %u dispatches, %u transfers, %u barriers, %u pipelines\n",
                      cases[i].batch, cases[i].tensors, info.frame.dispatches, info.frame.transfers,
                      info.frame.barriers, info.pipelines);
        if (info.frame.dispatches != dispatches || info.frame.barriers != barriers ||
            info.frame.transfers != transfers || info.pipelines != expected_pipelines)
            fail_msg("batch %u, %u tensors, profile %d: Vulkan recorded %u dispatches, %u transfers, %u barriers, "
                     "with %u pipelines",
                     cases[i].batch, cases[i].tensors, cases[i].profile, dispatches, transfers, barriers,
                     expected_pipelines);
        assert_int_equal(info.batch, cases[i].batch);
        assert_int_equal(info.width, SIDE);
        assert_int_equal(info.height, SIDE);
        assert_int_equal(info.frames, 1);
    }
}

static void the_networks_counts_are_those_of_the_plan(void **state)
{
    (void)state;
    for (uint32_t batch = 1; batch <= BATCH_MAX; batch++) {
        gvk_stream *stream = create_detector(batch, 0);
        gvk_stream_params params = {.size = sizeof params, .width = SIDE, .height = SIDE, .batch = batch};
        gvk_description plan = {.size = sizeof plan};
        gvk_stream_info info = {.size = sizeof info};
        gvk_stream_describe(stream, &info);
        assert_ok(gvk_plan_describe(device, gvk_network_graph(network), NULL, &params, &plan));
        assert_int_equal(info.network.dispatches, plan.dispatches_after);
        assert_int_equal(info.network.barriers, plan.barriers_after);
        assert_int_equal(info.network.transfers, 0);
        assert_int_equal(info.network_pipelines, plan.pipelines_after);
        assert_int_equal(info.weight_bytes, plan.weight_bytes);
        assert_int_equal(info.macs, plan.macs); /* rewriting moves work and adds none */
        assert_true(info.arena_bytes > 0);
        gvk_description_release(&test_host, &plan);
        gvk_stream_destroy(stream);
    }
}

static void every_dispatch_is_timed_in_order_with_its_work(void **state)
{
    (void)state;
    for (uint32_t tensors = 0; tensors <= BATCH_MAX; tensors++) {
        gvk_stream *stream = create_detector(BATCH_MAX, 1);
        gvk_ticket ticket = run_frame(stream, BATCH_MAX, tensors);
        static gvk_layer_timing layers[LAYERS_MAX];
        gvk_stream_info info = {.size = sizeof info};
        uint32_t count = LAYERS_MAX, resizes = 0;
        uint64_t macs = 0;
        double behind = 0;
        gvk_stream_describe(stream, &info);
        assert_ok(gvk_stream_layer_timings(stream, ticket, layers, sizeof(gvk_layer_timing), &count));
        if (count == 0) { /* a device without timestamps */
            gvk_timing stages[3];
            uint32_t stage_count = 3;
            assert_ok(gvk_stream_timings(stream, ticket, stages, sizeof(gvk_timing), &stage_count));
            assert_int_equal(stage_count, 0);
            gvk_stream_destroy(stream);
            continue;
        }
        assert_int_equal(count, info.frame.dispatches);
        for (uint32_t i = 0; i < count; i++) {
            const gvk_layer_timing *layer = &layers[i];
            bool resize = !strncmp(layer->name, "resize", 6);
            resizes += resize;
            macs += layer->macs;
            if (layer->ms < 0 || layer->start_ms + 1e-6 < behind || (resize && layer->macs))
                fail_msg("%u tensors: \"%s\" by %s starts at %f ms, takes %f ms, and has %llu multiply-adds; the one "
                         "before ended at %f ms",
                         tensors, layer->name, layer->kernel, layer->start_ms, layer->ms,
                         (unsigned long long)layer->macs, behind);
            behind = layer->start_ms + layer->ms;
            bool decides = strstr(layer->name, "candidates") || strstr(layer->name, "suppress") ||
                           strstr(layer->name, "detections");
            if (!decides && !layer->bytes)
                fail_msg("\"%s\" moves no bytes", layer->name);
        }
        assert_int_equal(resizes, 2 * (BATCH_MAX - tensors));
        assert_int_equal(macs, info.macs);
        gvk_stream_destroy(stream);
    }
}

/* 1 x 1 convolution of 160 to 512 channels on 2 x 2 pixels: what its numbers must be is on this line. */
static void a_layers_work_is_what_its_shape_says(void **state)
{
    (void)state;
    static gvk_layer_timing layers[LAYERS_MAX];
    gvk_stream *stream = create_detector(2, 1);
    gvk_ticket ticket = run_frame(stream, 2, 0);
    uint32_t count = LAYERS_MAX, found = 0;
    assert_ok(gvk_stream_layer_timings(stream, ticket, layers, sizeof(gvk_layer_timing), &count));
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(layers[i].name, "conv1.0.conv"))
            continue;
        found++;
        assert_int_equal(layers[i].macs, 2 * 160 * 512 * 2 * 2);
        uint64_t tensors = 2 * (160 + 512) * 2 * 2 * sizeof(float), weights = (160 * 512 + 512) * sizeof(float);
        assert_in_range(layers[i].bytes, tensors + weights, tensors + weights + weights / 4); /* tiles are padded */
    }
    assert_int_equal(found, count ? 1 : 0);
    gvk_stream_destroy(stream);
}

static void a_generated_network_is_one_that_works(void **state)
{
    (void)state;
    gvk_network_info info = {.size = sizeof info};
    gvk_network_describe(network, &info);
    assert_int_equal(info.task, GVK_TASK_DETECTOR);
    assert_int_equal(info.class_count, CLASSES);
    assert_string_equal(info.format, "generated");
    assert_true(fabs(info.width - 1.0) < 1e-12);
    assert_int_equal(info.unused_count, 0);
    gvk_stream_params params = {.size = sizeof params, .width = SIDE, .height = SIDE};
    gvk_stream *stream = NULL;
    assert_ok(gvk_stream_create(model, &params, &stream));
    gvk_ticket ticket = run_frame(stream, 1, 0);
    static const char *const maps[] = {"stride32", "stride16", "stride8"};
    for (int i = 0; i < 3; i++) { /* maps that are all alike would measure nothing */
        gvk_array map;
        assert_ok(gvk_stream_read(stream, ticket, maps[i], &map));
        const float *values = map.data;
        double sum = 0, squares = 0, largest = 0;
        uint64_t count = map.bytes / sizeof *values;
        for (uint64_t j = 0; j < count; j++) {
            sum += (double)values[j];
            squares += (double)values[j] * (double)values[j];
            largest = fmax(largest, fabs((double)values[j]));
        }
        double mean = sum / (double)count, deviation = sqrt(squares / (double)count - mean * mean);
        print_message("             %s: deviation %.2f, largest %.2f\n", maps[i], deviation, largest);
        assert_true(deviation > 0.1 && largest < 20);
    }
    gvk_stream_destroy(stream);
}

static void a_generated_network_is_the_same_each_time(void **state)
{
    (void)state;
    gvk_network *again = NULL;
    assert_ok(gvk_network_generate(&test_host, CLASSES, &again));
    uint32_t count = gvk_checkpoint_count(network->checkpoint);
    assert_int_equal(gvk_checkpoint_count(again->checkpoint), count);
    for (uint32_t i = 0; i < count; i++) {
        const gvk_checkpoint_tensor *left = gvk_checkpoint_at(network->checkpoint, i);
        const gvk_checkpoint_tensor *right = gvk_checkpoint_at(again->checkpoint, i);
        assert_string_equal(left->name, right->name);
        assert_memory_equal(left->array.data, right->array.data, left->array.bytes);
    }
    gvk_network_destroy(again);
    static const uint32_t refused[] = {0, 21841, UINT32_MAX};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        assert_int_equal(gvk_network_generate(NULL, refused[i], &again), GVK_ERROR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_counts_are_those_of_the_recorded_commands),
        cmocka_unit_test(the_networks_counts_are_those_of_the_plan),
        cmocka_unit_test(every_dispatch_is_timed_in_order_with_its_work),
        cmocka_unit_test(a_layers_work_is_what_its_shape_says),
        cmocka_unit_test(a_generated_network_is_one_that_works),
        cmocka_unit_test(a_generated_network_is_the_same_each_time),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
