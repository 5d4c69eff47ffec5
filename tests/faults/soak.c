/* Frames for minutes on end: what `./dev soak` runs, and for some seconds as a test.
 *
 *     soak MINUTES    (0: a few small frames, just enough for every step)
 *
 * Pictures of many sizes go through detectors of the shipped model, two frames in flight; streams are made anew every
 * few frames, the model less often, the device now and then. Each picture must give the same bytes each time. Objects
 * of Vulkan (counted by the fault layer), blocks of memory, open files and threads must be as many each time the device
 * is gone, and the process must not grow: the largest resident size of the last quarter against that of the second
 * (in the first, the driver warms up). It is looked at when a stream is gone and what malloc holds free has been given
 * back, so that it is what is in use and not where it lies. Ends with 1 when one of these fails. */
#define _DEFAULT_SOURCE 1 /* malloc_trim */
#include <dirent.h>
#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "cli/pictures/image_io.h"
#include "tests/filler/filler.h"
#include "tests/layer/faults.h"
#include "tests/support/host_device.h"
#include <ghostvk/ghostnet.h>

#define MODEL         GVK_MODEL_DIR "/blood-cells.safetensors"
#define FRAMES        2   /* in flight */
#define STREAM_ROUNDS 8   /* frames of a stream, by pairs */
#define MODEL_STREAMS 4   /* streams of a model */
#define DEVICE_MODELS 2   /* models of a device */
#define GROWTH_MOST   1.0 /* per cent */
#define QUARTERS      4

/* ---- the host's memory, counted -----------------------------------------------------------------------------------
 */

static int64_t blocks;
static char sentence[512];

static void *allocate(void *user, size_t bytes, size_t alignment)
{
    (void)user;
    (void)alignment;
    void *block = malloc(bytes);
    blocks += block != NULL;
    return block;
}

static void release(void *user, void *block)
{
    (void)user;
    blocks -= block != NULL;
    free(block);
}

static void take_sentence(void *user, gvk_log_level level, const char *text)
{
    (void)user;
    if (level == GVK_LOG_ERROR)
        snprintf(sentence, sizeof sentence, "%s", text);
}

static const gvk_host host = {.size = sizeof host, .log = take_sentence, .allocate = allocate, .release = release};

static bool done(gvk_result result, const char *what)
{
    if (result)
        fprintf(stderr, "soak: %s: %s: %s\n", what, gvk_result_name(result), sentence);
    return result == GVK_OK;
}

/* ---- what the process holds ---------------------------------------------------------------------------------------
 */

struct holdings {
    int64_t objects, blocks;
    unsigned files, threads;
};

static const struct ghostvk_faults *faults;

static uint64_t resident_bytes(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file) {
        if (fscanf(file, "%*s %lu", &pages) != 1)
            pages = 0;
        fclose(file);
    }
    return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static unsigned count_entries(const char *path)
{
    unsigned count = 0;
    DIR *directory = opendir(path);
    while (directory && readdir(directory))
        count++;
    if (directory)
        closedir(directory);
    return count;
}

static struct holdings count_holdings(void)
{
    return (struct holdings){faults->alive(), blocks, count_entries("/proc/self/fd"), count_entries("/proc/self/task")};
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* ---- pictures -----------------------------------------------------------------------------------------------------
 */

static const struct {
    const char *file; /* NULL: noise */
    uint32_t width, height;
    gvk_pixel_format format;
    int letterbox;
} kinds[] = {
    {GVK_MODEL_DIR "/samples/smear-1.jpg", 0, 0, GVK_PIXELS_RGB8, 1},
    {NULL, 1280, 720, GVK_PIXELS_BGRA8, 0},
    {GVK_MODEL_DIR "/samples/smear-2.jpg", 0, 0, GVK_PIXELS_RGB8, 0},
    {NULL, 33, 57, GVK_PIXELS_RGB8, 1},
    {GVK_MODEL_DIR "/samples/smear-7.jpg", 0, 0, GVK_PIXELS_RGB8, 1},
    {NULL, 1, 1, GVK_PIXELS_RGBA8, 0},
    {NULL, 517, 1031, GVK_PIXELS_RGB8, 0},
};
#define PICTURES (sizeof kinds / sizeof kinds[0])

static const struct {
    uint32_t width, height;
} inputs[] = {{416, 416}, {320, 224}}, small_inputs[] = {{96, 96}, {64, 32}};
#define INPUTS (sizeof inputs / sizeof inputs[0])

static struct image images[PICTURES];
static gvk_picture pictures[PICTURES];
static struct {
    uint64_t hash;
    unsigned frames;
    uint32_t count; /* of detections */
} seen[INPUTS][PICTURES];

static bool make_pictures(void)
{
    for (size_t i = 0; i < PICTURES; i++) {
        char message[512];
        if (kinds[i].file && !image_read(kinds[i].file, NULL, &images[i], message, sizeof message)) {
            fprintf(stderr, "soak: %s: %s\n", kinds[i].file, message);
            return false;
        }
        if (!kinds[i].file) {
            size_t bytes = (size_t)kinds[i].width * kinds[i].height * 4;
            uint64_t random = i;
            images[i] = (struct image){kinds[i].width, kinds[i].height, malloc(bytes)};
            for (size_t at = 0; images[i].pixels && at < bytes; at++)
                images[i].pixels[at] = (uint8_t)(splitmix64_next(&random) >> 32);
        }
        if (!images[i].pixels)
            return false;
        pictures[i] = (gvk_picture){.size = sizeof pictures[i],
                                    .format = kinds[i].format,
                                    .width = images[i].width,
                                    .height = images[i].height,
                                    .pixels = images[i].pixels,
                                    .letterbox = kinds[i].letterbox};
    }
    return true;
}

/* ---- the run ------------------------------------------------------------------------------------------------------
 */

static struct {
    double start, end; /* of the clock */
    bool small;
    uint64_t frames, streams, models, devices;
    uint64_t peaks[QUARTERS]; /* resident bytes */
    unsigned minutes_told;
    struct holdings bare; /* without a device */
    bool failed;
} soak;

static bool is_over(void)
{
    return soak.failed || (!soak.small && seconds_now() >= soak.end);
}

static void look_at_memory(void)
{
    double passed = seconds_now() - soak.start;
    if (soak.small)
        return;
    uint64_t resident = resident_bytes();
    unsigned quarter = (unsigned)(passed / (soak.end - soak.start) * QUARTERS);
    quarter = quarter < QUARTERS ? quarter : QUARTERS - 1;
    if (resident > soak.peaks[quarter])
        soak.peaks[quarter] = resident;
    if (passed < 60.0 * (soak.minutes_told + 1))
        return;
    soak.minutes_told = (unsigned)(passed / 60);
    struct holdings now = count_holdings();
    printf("%6u %8" PRIu64 " %9.1f MB %8" PRId64 " %8" PRId64 " %6u %8u\n", soak.minutes_told, soak.frames,
           (double)resident / 1e6, now.objects, now.blocks, now.files, now.threads);
    fflush(stdout);
}

static bool check_detections(gvk_stream *stream, gvk_ticket ticket, size_t input, size_t picture)
{
    const gvk_detection *detections = NULL;
    uint32_t count = 0;
    if (!done(gvk_detector_read(stream, ticket, &detections, sizeof(gvk_detection), &count), "reading detections"))
        return false;
    uint64_t hash = fnv1a64(detections, count * sizeof *detections);
    if (!seen[input][picture].frames++) {
        seen[input][picture].hash = hash;
        seen[input][picture].count = count;
    }
    if (seen[input][picture].hash == hash && seen[input][picture].count == count)
        return true;
    fprintf(stderr,
            "soak: frame %" PRIu64 ": picture %zu gave %016" PRIx64 " with %u boxes, not %016" PRIx64 " with %u\n",
            soak.frames, picture, hash, count, seen[input][picture].hash, seen[input][picture].count);
    return false;
}

/* Two pictures submitted, then both read. */
static bool run_pair(gvk_stream *stream, size_t input)
{
    size_t chosen[FRAMES];
    gvk_ticket tickets[FRAMES];
    for (size_t i = 0; i < FRAMES; i++) {
        chosen[i] = (size_t)((soak.frames + i) % PICTURES);
        if (!done(gvk_stream_submit(stream, &pictures[chosen[i]], sizeof(gvk_picture), 1, &tickets[i]), "submitting"))
            return false;
    }
    for (size_t i = 0; i < FRAMES; i++)
        if (!done(gvk_stream_wait(stream, tickets[i], UINT64_C(300000000000)), "waiting") ||
            !check_detections(stream, tickets[i], input, chosen[i]))
            return false;
    soak.frames += FRAMES;
    return true;
}

static void use_stream(gvk_model *model, const gvk_network *network)
{
    size_t input = (size_t)(soak.streams++ % INPUTS);
    gvk_stream_params stream_params = {.size = sizeof stream_params,
                                       .width = soak.small ? small_inputs[input].width : inputs[input].width,
                                       .height = soak.small ? small_inputs[input].height : inputs[input].height,
                                       .frames = FRAMES};
    gvk_detector_params params = {
        .size = sizeof params,
        .stream = &stream_params,
        .confidence = 0.02f,
    };
    gvk_stream *stream = NULL;
    soak.failed = !done(gvk_detector_create(model, network, &params, &stream), "the stream");
    for (unsigned round = 0; round < STREAM_ROUNDS / FRAMES && !is_over(); round++)
        soak.failed = !run_pair(stream, input);
    gvk_stream_destroy(stream);
    if (!soak.failed)
        look_at_memory();
}

static void use_device(const gvk_network *network)
{
    gvk_device *device = NULL;
    const gvk_device_params params = {.size = sizeof params, .host = &host};
    soak.failed = !done(gvk_device_open(&params, &device), "the device");
    soak.devices++;
    for (unsigned i = 0; i < (soak.small ? 1 : DEVICE_MODELS) && !is_over(); i++) {
        gvk_model *model = NULL;
        soak.failed = !done(gvk_model_create(device, gvk_network_graph(network), NULL, &model), "the model");
        soak.models++;
        for (unsigned j = 0; j < (soak.small ? INPUTS : MODEL_STREAMS) && !is_over(); j++)
            use_stream(model, network);
        gvk_model_destroy(model);
    }
    gvk_device_destroy(device);
    struct holdings left = count_holdings();
    if (soak.devices == 1) { /* the driver's own files and threads are there now */
        soak.bare.files = left.files;
        soak.bare.threads = left.threads;
    }
    if (left.objects != soak.bare.objects || left.blocks != soak.bare.blocks || left.files > soak.bare.files ||
        left.threads > soak.bare.threads) {
        fprintf(stderr,
                "soak: without device %" PRIu64 ": %" PRId64 " objects, %" PRId64 " blocks, %u files, %u threads; "
                "at first %" PRId64 ", %" PRId64 ", %u, %u\n",
                soak.devices, left.objects, left.blocks, left.files, left.threads, soak.bare.objects, soak.bare.blocks,
                soak.bare.files, soak.bare.threads);
        soak.failed = true;
    }
    if (faults->misuse()) {
        fprintf(stderr, "soak: %s\n", faults->misuse());
        soak.failed = true;
    }
}

static void report(void)
{
    unsigned hashes = 0;
    for (size_t i = 0; i < INPUTS * PICTURES; i++)
        hashes += seen[i / PICTURES][i % PICTURES].frames > 1;
    printf("%" PRIu64 " frames; %zu pictures at %zu sizes, %u of them more than once and each with one hash\n",
           soak.frames, PICTURES, INPUTS, hashes);
    printf("made and destroyed: %" PRIu64 " streams, %" PRIu64 " models, %" PRIu64 " devices; nothing left of them\n",
           soak.streams, soak.models, soak.devices);
    if (hashes != INPUTS * PICTURES) {
        fprintf(stderr, "soak: not every picture came twice\n");
        soak.failed = true;
    }
    if (soak.small)
        return;
    double early = (double)soak.peaks[1], late = (double)soak.peaks[QUARTERS - 1];
    double growth = early > 0 ? (late / early - 1) * 100 : 100;
    printf("resident after warming up %.1f MB, at the end %.1f MB: %+.2f %% (allowed %+.0f %%)\n", early / 1e6,
           late / 1e6, growth, GROWTH_MOST);
    soak.failed = soak.failed || growth >= GROWTH_MOST;
}

/* The fault layer, which breaks nothing here and counts. It reads its place from the environment. */
static bool load_layer(void)
{
    setenv("VK_ADD_LAYER_PATH", GVK_FAULT_LAYER_FOLDER, 1);
    setenv("VK_INSTANCE_LAYERS", "VK_LAYER_GHOSTVK_faults", 1);
    setenv("NODEVICE_SELECT", "1", 1);
    void *library = dlopen(GVK_FAULT_LAYER, RTLD_NOW | RTLD_LOCAL);
    faults = library ? dlsym(library, "ghostvk_faults") : NULL;
    if (!faults)
        fprintf(stderr, "soak: the layer that counts cannot be loaded: %s\n", dlerror());
    return faults != NULL;
}

int main(int argument_count, char **arguments)
{
    char *end = NULL;
    double minutes = argument_count == 2 ? strtod(arguments[1], &end) : -1;
    if (argument_count != 2 || *end || !(minutes >= 0 && minutes <= 100000)) {
        fprintf(stderr, "usage: soak MINUTES\n");
        return 2;
    }
#ifdef __GLIBC__
    /* Each thread of a driver that came and went would leave an arena of its own behind, full of holes. */
    mallopt(M_ARENA_MAX, 1);
#endif
    /* Kept for all the time, so that the driver's library is loaded once: loading it again leaks in the driver. */
    static struct host_device resident;
    gvk_network *network = NULL;
    const gvk_network_params params = {.size = sizeof params, .path = MODEL};
    if (!load_layer() || !make_pictures() || !done(gvk_network_open(&host, &params, &network), "the model file"))
        return 1;
    if (!host_device_create(&resident)) {
        fprintf(stderr, "soak: no Vulkan device: %s\n", resident.fault);
        return 1;
    }
    soak.bare = count_holdings();
    if (!soak.bare.objects) {
        fprintf(stderr, "soak: the layer that counts sees no objects\n");
        return 1;
    }
    gvk_device_info info = {.size = sizeof info};
    uint32_t count = 1;
    soak.small = minutes <= 0;
    if (done(gvk_device_list(&host, &info, sizeof(gvk_device_info), &count), "the devices") && !soak.small)
        printf("%s, %g minutes\n%6s %8s %12s %8s %8s %6s %8s\n", info.name, minutes, "minute", "frames", "resident",
               "objects", "blocks", "files", "threads");
    fflush(stdout);
    soak.start = seconds_now();
    soak.end = soak.start + minutes * 60;
    do
        use_device(network);
    while (!is_over() && (!soak.small || soak.devices < 2));
    report();
    gvk_network_destroy(network);
    host_device_destroy(&resident);
    for (size_t i = 0; i < PICTURES; i++)
        image_release(&images[i]);
    if (blocks) {
        fprintf(stderr, "soak: %" PRId64 " blocks of memory are left\n", blocks);
        soak.failed = true;
    }
    printf("%s\n", soak.failed ? "FAILED" : "passed");
    return soak.failed;
}
