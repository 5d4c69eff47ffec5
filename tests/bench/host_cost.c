/* The library's own processor time for a frame: that of the thread that submits, waits and reads, less what it spends
 * inside the driver. The driver's functions are handed to the library through an imported device, each wrapped in two
 * readings of the thread's clock; those that a frame calls are all wrapped. Prints JSON for bench.js.
 * usage: host_cost CLASSES SIDE FRAMES */
#include <volk.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/support/host_device.h"
#include <ghostvk/ghostnet.h>

#define PICTURE_WIDTH  640u
#define PICTURE_HEIGHT 480u
#define WARM_UP        2u
#define FRAMES_MAX     1000u

static double thread_us(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec * 1e-3;
}

/* ---- the driver's functions that a frame calls ------------------------------------------------------------------- */

static double driver_us; /* of the frame at hand */
static unsigned calls;

#define IN_DRIVER(call)                                                                                                \
    double start = thread_us();                                                                                        \
    VkResult result = call;                                                                                            \
    driver_us += thread_us() - start;                                                                                  \
    calls++;                                                                                                           \
    return result;

static VKAPI_ATTR VkResult VKAPI_CALL timed_submit(VkQueue queue, uint32_t count, const VkSubmitInfo *submits,
                                                   VkFence fence)
{
    IN_DRIVER(vkQueueSubmit(queue, count, submits, fence))
}

static VKAPI_ATTR VkResult VKAPI_CALL timed_wait(VkDevice device, uint32_t count, const VkFence *fences, VkBool32 all,
                                                 uint64_t timeout)
{
    IN_DRIVER(vkWaitForFences(device, count, fences, all, timeout))
}

static VKAPI_ATTR VkResult VKAPI_CALL timed_reset(VkDevice device, uint32_t count, const VkFence *fences)
{
    IN_DRIVER(vkResetFences(device, count, fences))
}

static VKAPI_ATTR VkResult VKAPI_CALL timed_flush(VkDevice device, uint32_t count, const VkMappedMemoryRange *ranges)
{
    IN_DRIVER(vkFlushMappedMemoryRanges(device, count, ranges))
}

static VKAPI_ATTR VkResult VKAPI_CALL timed_invalidate(VkDevice device, uint32_t count,
                                                       const VkMappedMemoryRange *ranges)
{
    IN_DRIVER(vkInvalidateMappedMemoryRanges(device, count, ranges))
}

#define TIMED(name, function)                                                                                          \
    if (!strcmp(wanted, name))                                                                                         \
        return (PFN_vkVoidFunction)(function);

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL timed_device_proc(VkDevice device, const char *wanted)
{
    TIMED("vkQueueSubmit", timed_submit)
    TIMED("vkWaitForFences", timed_wait)
    TIMED("vkResetFences", timed_reset)
    TIMED("vkFlushMappedMemoryRanges", timed_flush)
    TIMED("vkInvalidateMappedMemoryRanges", timed_invalidate)
    return vkGetDeviceProcAddr(device, wanted);
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL timed_instance_proc(VkInstance instance, const char *wanted)
{
    TIMED("vkGetDeviceProcAddr", timed_device_proc)
    return vkGetInstanceProcAddr(instance, wanted);
}

/* ---- frames ------------------------------------------------------------------------------------------------------ */

struct sample {
    double own_us, driver_us;
};

static gvk_result run_frame(gvk_stream *stream, const gvk_picture *picture, struct sample *out)
{
    gvk_ticket ticket = 0;
    const gvk_detection *boxes = NULL;
    uint32_t count = 0;
    driver_us = 0;
    double start = thread_us();
    gvk_result result = gvk_stream_submit(stream, picture, sizeof(gvk_picture), 1, &ticket);
    if (!result)
        result = gvk_stream_wait(stream, ticket, UINT64_MAX);
    if (!result)
        result = gvk_detector_read(stream, ticket, &boxes, sizeof(gvk_detection), &count);
    double all = thread_us() - start;
    *out = (struct sample){all - driver_us, driver_us};
    return result;
}

static int compare_samples(const void *left, const void *right)
{
    const struct sample *a = left, *b = right;
    return (a->own_us > b->own_us) - (a->own_us < b->own_us);
}

static gvk_result measure(gvk_stream *stream, uint32_t frames)
{
    static unsigned char pixels[PICTURE_WIDTH * PICTURE_HEIGHT * 3];
    static struct sample samples[FRAMES_MAX];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (unsigned char)(i * 7 + i / 1920 * 3);
    gvk_picture picture = {.size = sizeof picture, .width = PICTURE_WIDTH, .height = PICTURE_HEIGHT, .pixels = pixels};
    gvk_result result = GVK_OK;
    for (uint32_t i = 0; i < WARM_UP && !result; i++)
        result = run_frame(stream, &picture, &samples[0]);
    calls = 0;
    for (uint32_t i = 0; i < frames && !result; i++)
        result = run_frame(stream, &picture, &samples[i]);
    if (result)
        return result;
    qsort(samples, frames, sizeof *samples, compare_samples);
    printf("{\"own_us\": %.1f, \"own_p5_us\": %.1f, \"own_p95_us\": %.1f, \"driver_us\": %.1f, \"calls\": %.1f}\n",
           samples[frames / 2].own_us, samples[frames / 20].own_us, samples[frames - 1 - frames / 20].own_us,
           samples[frames / 2].driver_us, (double)calls / frames);
    return GVK_OK;
}

static void print_sentence(void *user, gvk_log_level level, const char *sentence)
{
    (void)user;
    if (level <= GVK_LOG_ERROR)
        fprintf(stderr, "host_cost: %s\n", sentence);
}

int main(int argument_count, char **arguments)
{
    uint32_t numbers[3] = {0};
    for (int i = 0; i < 3 && argument_count == 4; i++)
        numbers[i] = (uint32_t)strtoul(arguments[i + 1], NULL, 10);
    if (!numbers[0] || !numbers[1] || !numbers[2] || numbers[2] > FRAMES_MAX) {
        fputs("usage: host_cost CLASSES SIDE FRAMES\n", stderr);
        return 2;
    }
    static struct host_device host;
    gvk_host log = {.size = sizeof log, .log = print_sentence};
    gvk_device *device = NULL;
    gvk_network *network = NULL;
    gvk_model *model = NULL;
    gvk_stream *stream = NULL;
    if (!host_device_create(&host)) {
        fprintf(stderr, "host_cost: %s\n", host.fault);
        return 1;
    }
    gvk_import_params import = host_device_params(&host);
    import.host = &log;
    import.get_instance_proc = timed_instance_proc;
    gvk_stream_params stream_params = {.size = sizeof stream_params, .width = numbers[1], .height = numbers[1]};
    gvk_detector_params params = {
        .size = sizeof params,
        .stream = &stream_params,
    };
    gvk_result result = gvk_device_import(&import, &device);
    if (!result)
        result = gvk_network_generate(&log, numbers[0], &network);
    if (!result)
        result = gvk_model_create(device, gvk_network_graph(network), NULL, &model);
    if (!result)
        result = gvk_detector_create(model, network, &params, &stream);
    if (!result)
        result = measure(stream, numbers[2]);
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
    gvk_network_destroy(network);
    gvk_device_destroy(device);
    host_device_destroy(&host);
    return result ? 1 : 0;
}
