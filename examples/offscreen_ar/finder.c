#include "finder.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define PART_US      3000 /* max_submit_us: a part is to be short beside a frame of 33 ms */
#define FLASH_FRAMES 12   /* for so long a detection is shown where its picture had it */
#define MOST_PARTS   4096

double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

static void print_sentence(void *user, gvk_log_level level, const char *sentence)
{
    (void)user;
    if (level <= GVK_LOG_WARNING)
        fprintf(stderr, "offscreen_ar: %s\n", sentence);
}

/* In place of vkQueueSubmit. An engine would hand the submissions to its own render thread here; this one adds a
 * semaphore that counts them, and so knows at any time how far the device is. */
static VkResult submit(void *user, uint32_t count, const VkSubmitInfo *submits, VkFence fence)
{
    struct finder_library *library = user;
    const uint64_t value = library->parts_sent + 1;
    const VkTimelineSemaphoreSubmitInfo values = {.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
                                                  .signalSemaphoreValueCount = 1,
                                                  .pSignalSemaphoreValues = &value};
    const VkSubmitInfo mark = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                               .pNext = &values,
                               .signalSemaphoreCount = 1,
                               .pSignalSemaphores = &library->parts};
    const double begun = now_ms();
    VkResult result = vkQueueSubmit(library->gpu->detector_queue, count, submits, fence);
    if (result == VK_SUCCESS && count) {
        result = vkQueueSubmit(library->gpu->detector_queue, 1, &mark, VK_NULL_HANDLE);
        if (result == VK_SUCCESS)
            library->parts_sent = value;
    }
    library->driver_ms += now_ms() - begun;
    return result;
}

bool finder_library_create(struct finder_library *library, const struct gpu *gpu, const char *model_path)
{
    static const gvk_host host = {.size = sizeof host, .log = print_sentence};
    *library = (struct finder_library){.gpu = gpu, .info = {.size = sizeof library->info}};
    library->parts = gpu_timeline_create(gpu);
    if (!library->parts)
        return false;
    const gvk_import_params import = {.size = sizeof import,
                                      .host = &host,
                                      .get_instance_proc = vkGetInstanceProcAddr,
                                      .instance = gpu->instance,
                                      .api_version = VK_API_VERSION_1_2,
                                      .physical_device = gpu->physical_device,
                                      .device = gpu->device,
                                      .enabled_features = &gpu->wants.features,
                                      .device_extensions = gpu->wants.device_extensions,
                                      .device_extension_count = gpu->wants.device_extension_count,
                                      .queue_family = gpu->family,
                                      .submit = submit,
                                      .submit_user = library};
    const gvk_network_params network = {.size = sizeof network, .path = model_path};
    if (gvk_device_import(&import, &library->device) != GVK_OK ||
        gvk_network_open(&host, &network, &library->network) != GVK_OK ||
        gvk_model_create(library->device, gvk_network_graph(library->network), NULL, &library->model) != GVK_OK)
        return fail("the detector cannot be made.");
    gvk_network_describe(library->network, &library->info);
    return true;
}

void finder_library_destroy(struct finder_library *library)
{
    if (!library->gpu)
        return;
    gvk_model_destroy(library->model);
    gvk_network_destroy(library->network);
    gvk_device_destroy(library->device);
    if (library->parts)
        vkDestroySemaphore(library->gpu->device, library->parts, NULL);
    *library = (struct finder_library){.gpu = NULL};
}

/* ---- pictures ---- */

static gvk_picture picture_of(const struct finder *finder, const struct scene *scene, uint32_t index)
{
    gvk_picture picture = {.size = sizeof picture,
                           .width = SCENE_WIDTH,
                           .height = SCENE_HEIGHT,
                           .letterbox = finder->library->info.letterbox};
    if (finder->way == FINDER_PACED_IMAGE) { /* nothing is copied: the device reads what the host has drawn */
        picture.kind = GVK_PICTURE_IMAGE;
        picture.view = scene ? scene->pictures[index].image.view : VK_NULL_HANDLE;
        picture.view_format = VK_FORMAT_R8G8B8A8_UNORM;
        picture.layout = VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL;
    } else {
        picture.kind = GVK_PICTURE_PIXELS;
        picture.format = GVK_PIXELS_RGBA8;
        picture.pixels = scene ? scene->pictures[index].pixels.mapped : NULL;
    }
    return picture;
}

bool finder_create(struct finder *finder, struct finder_library *library, enum finder_way way)
{
    const gvk_stream_params stream = {.size = sizeof stream,
                                      .width = library->info.input_width,
                                      .height = library->info.input_height,
                                      .frames = 2, /* one under way, and the one whose boxes are drawn */
                                      .max_submit_us = way >= FINDER_PACED_PIXELS ? PART_US : 0,
                                      .paced = way >= FINDER_PACED_PIXELS};
    const gvk_detector_params params = {
        .size = sizeof params, .stream = &stream, .max_detections = BOX_MOST, .vertices_per_box = BOX_VERTICES};
    /* A cell is shown as soon as it is found once, and for as long as a slow device takes for the next detection. All
     * of them move with the slide, whose speed changes little. */
    const gvk_tracker_params tracker = {
        .size = sizeof tracker, .min_hits = 1, .max_tracks = BOX_MOST, .iou = 0.15f, .max_age = 3};
    *finder = (struct finder){.library = library, .way = way, .boxes = {.size = sizeof finder->boxes}, .room = 1};
    if (way == FINDER_OFF)
        return true;
    finder->read = gpu_timeline_create(library->gpu);
    finder->found = gpu_timeline_create(library->gpu);
    if (!finder->read || !finder->found)
        return false;
    /* The library's own preparations are part of loading, not of the first frame. */
    const gvk_picture likeness = picture_of(finder, NULL, 0);
    if (gvk_detector_create(library->model, library->network, &params, &finder->stream) != GVK_OK ||
        gvk_stream_prepare(finder->stream, &likeness, sizeof likeness, 1) != GVK_OK ||
        gvk_tracker_create(NULL, &tracker, &finder->tracker) != GVK_OK)
        return fail("the detector's stream or the tracker cannot be made.");
    return true;
}

void finder_destroy(struct finder *finder)
{
    if (!finder->library)
        return;
    VkDevice device = finder->library->gpu->device;
    gvk_tracker_destroy(finder->tracker);
    vkDeviceWaitIdle(device);           /* the host's own frames draw from the stream's buffers */
    gvk_stream_destroy(finder->stream); /* sends the parts that are left, and waits for them */
    if (finder->read)
        vkDestroySemaphore(device, finder->read, NULL);
    if (finder->found)
        vkDestroySemaphore(device, finder->found, NULL);
    *finder = (struct finder){.library = NULL};
}

/* ---- the frames ---- */

/* A frame has room for one part more than the last one, where the device had done all that this one sent before the
 * next was due; for so many less where it had not, and for half of them where it held the host up. */
void finder_look(struct finder *finder, bool late)
{
    if (finder->way == FINDER_OFF)
        return;
    finder->behind = finder->library->parts_sent - gpu_timeline_value(finder->library->gpu, finder->library->parts);
    if (late)
        finder->room /= 2;
    else if (finder->behind)
        finder->room -= finder->behind < finder->room ? finder->behind : finder->room;
    else if (finder->sent >= finder->room && finder->room < MOST_PARTS)
        finder->room++;
    if (!finder->room)
        finder->room = 1;
}

bool finder_holds(const struct finder *finder, uint32_t picture)
{
    if (finder->picture != picture || finder->way == FINDER_OFF)
        return false;
    if (finder->way != FINDER_PACED_IMAGE)
        return finder->waits_for_pixels;
    return finder->ticket && gpu_timeline_value(finder->library->gpu, finder->read) < finder->begun;
}

/* The frame's share of the library's time. */
struct span {
    double begun, driver_ms;
};

static struct span span_begin(const struct finder *finder)
{
    return (struct span){now_ms(), finder->library->driver_ms};
}

static void span_end(struct finder *finder, struct span span)
{
    finder->blocked_ms += now_ms() - span.begun - (finder->library->driver_ms - span.driver_ms);
}

/* Boxes of a detection that is done: to the tracker, with the time of their picture; on the device they are drawn. */
static bool take_boxes(struct finder *finder, const struct finder_frame *frame)
{
    const gvk_detection *found = NULL;
    uint32_t count = 0;
    if (gvk_detector_read(finder->stream, finder->ticket, &found, sizeof found[0], &count) != GVK_OK ||
        gvk_detector_boxes(finder->stream, finder->ticket, &finder->boxes) != GVK_OK ||
        gvk_tracker_update(finder->tracker, found, sizeof found[0], count, finder->seconds, NULL, 0, NULL) != GVK_OK)
        return fail("a detection cannot be read.");
    finder->boxes_since = frame->number;
    finder->ticket = 0;
    finder->done++;
    finder->latency += frame->number - finder->frame;
    return true;
}

/* The tracks of the frame's time into its slot's buffer, as the detector writes its own: a draw, then boxes. */
static bool place_tracks(struct finder *finder, const struct finder_frame *frame)
{
    const gvk_track *tracks = NULL;
    uint32_t count = 0;
    if (gvk_tracker_predict(finder->tracker, frame->seconds, &tracks, sizeof tracks[0], &count) != GVK_OK)
        return fail("the tracker cannot tell boxes.");
    unsigned char *to = frame->boxes->mapped;
    const VkDrawIndirectCommand draw = {.vertexCount = BOX_VERTICES, .instanceCount = count};
    memcpy(to, &draw, sizeof draw);
    for (uint32_t i = 0; i < count; i++) { /* at most BOX_MOST */
        gvk_detection box = {.score = tracks[i].score, .class_id = tracks[i].class_id};
        memcpy(box.box, tracks[i].box, sizeof box.box);
        memcpy(to + BOX_DRAW_ROOM + (size_t)i * BOX_BYTES, &box, BOX_BYTES);
    }
    return true;
}

bool finder_collect(struct finder *finder, const struct finder_frame *frame, struct scene_boxes out[2], uint32_t *count,
                    uint64_t *wait)
{
    *count = 0;
    *wait = 0;
    if (finder->way == FINDER_OFF)
        return true;
    const struct span span = span_begin(finder);
    gvk_result result = GVK_NOT_READY;
    const bool late = finder->within && frame->number - finder->frame >= finder->within;
    if (finder->ticket) /* a timeout of 0 only asks */
        result = gvk_stream_wait(finder->stream, finder->ticket, late ? UINT64_MAX : 0);
    bool sound = result >= GVK_OK || fail("a detection failed.");
    if (result == GVK_OK)
        sound = take_boxes(finder, frame);
    if (sound)
        sound = place_tracks(finder, frame);
    span_end(finder, span);
    if (!sound || !finder->boxes_since)
        return sound;
    uint64_t age = frame->number - finder->boxes_since;
    if (age < FLASH_FRAMES) {
        out[(*count)++] = (struct scene_boxes){.buffer = finder->boxes.buffer,
                                               .draw = finder->boxes.draws,
                                               .boxes = finder->boxes.boxes,
                                               .opacity = 0.7f * (1 - (float)age / FLASH_FRAMES),
                                               .thickness = 1,
                                               .white = true,
                                               .from_detector = true};
        *wait = finder->done;
    }
    out[(*count)++] = (struct scene_boxes){
        .buffer = frame->boxes->buffer, .draw = 0, .boxes = BOX_DRAW_ROOM, .opacity = 0.9f, .thickness = 2};
    return true;
}

/* None is under way, and it is time for the next one. */
static bool is_due(const struct finder *finder, const struct finder_frame *frame)
{
    return finder->way != FINDER_OFF && !finder->ticket && !finder->waits_for_pixels &&
           (!finder->begun || finder->most_a_second <= 0 ||
            frame->seconds - finder->seconds >= 1 / finder->most_a_second - 1e-9);
}

bool finder_wants_pixels(const struct finder *finder, const struct finder_frame *frame)
{
    return finder->way != FINDER_PACED_IMAGE && is_due(finder, frame);
}

/* Hands the picture over. It waits on the device for the frame that draws it, which also draws the boxes of the last
 * detection but one, whose memory this one takes. */
static bool begin(struct finder *finder, const struct finder_frame *frame)
{
    const gvk_picture picture = picture_of(finder, frame->scene, finder->picture);
    const uint64_t next = finder->begun + 1;
    const gvk_semaphore wait = {.semaphore = frame->drawn, .value = frame->number};
    const gvk_semaphore release = {.semaphore = finder->read, .value = next};
    const gvk_semaphore signal = {.semaphore = finder->found, .value = next};
    const gvk_submit_params params = {.size = sizeof params,
                                      .pictures = &picture,
                                      .picture_size = sizeof picture,
                                      .picture_count = 1,
                                      .wait_count = 1,
                                      .release_count = 1,
                                      .signal_count = 1,
                                      .waits = &wait,
                                      .releases = &release,
                                      .signals = &signal};
    if (gvk_stream_submit_with(finder->stream, &params, &finder->ticket) != GVK_OK)
        return fail("a picture cannot be submitted.");
    finder->begun = next;
    finder->waits_for_pixels = false;
    return true;
}

/* Puts as many parts on the queue as a frame has room for, less those that are still there. */
static bool advance(struct finder *finder)
{
    const uint64_t parts = finder->room > finder->behind ? finder->room - finder->behind : 0;
    const uint64_t before = finder->library->parts_sent;
    if (gvk_stream_advance(finder->stream, (uint32_t)parts, NULL) != GVK_OK)
        return fail("a detection cannot be continued.");
    finder->sent = finder->library->parts_sent - before;
    return true;
}

bool finder_go_on(struct finder *finder, const struct finder_frame *frame)
{
    const bool through_host = finder->way != FINDER_PACED_IMAGE;
    bool sound = true, begins = false;
    if (finder->way == FINDER_OFF)
        return true;
    if (is_due(finder, frame)) {
        finder->frame = frame->number;
        finder->picture = frame->picture;
        finder->seconds = frame->seconds;
        finder->waits_for_pixels = through_host;
        begins = !through_host;
    }
    /* Pixels are in host memory once the frame is drawn: a host that may block waits for that, others look in the
     * frames to come. */
    if (finder->waits_for_pixels) {
        if (finder->way == FINDER_BLOCKING)
            sound = gpu_timeline_wait(finder->library->gpu, frame->drawn, finder->frame);
        begins = gpu_timeline_value(finder->library->gpu, frame->drawn) >= finder->frame;
    }
    const struct span span = span_begin(finder);
    if (sound && begins)
        sound = begin(finder, frame);
    if (sound && finder->way >= FINDER_PACED_PIXELS)
        sound = advance(finder);
    if (sound && finder->way == FINDER_BLOCKING && finder->ticket)
        sound = gvk_stream_wait(finder->stream, finder->ticket, UINT64_MAX) == GVK_OK || fail("a detection failed.");
    span_end(finder, span);
    return sound;
}
