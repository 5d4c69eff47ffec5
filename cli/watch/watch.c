/* See watch.h. One thread does everything but the reading: it polls the window, takes a frame when one is due and the
 * device has done with the last one, lets the network look at it, and draws it behind that on the same queue. So no
 * more than one frame is under way, and what is shown is as new as the device is fast. */
#include "watch.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/input_file.h"
#include "cli/pictures/image_io.h"
#include "cli/system/files.h"
#include "cli/system/process.h"
#include "cli/watch/screen/swapchain.h"
#include "cli/watch/screen/window.h"
#include "drawing.h"
#include "feed.h"
#include "finder.h"
#include "overlay.h"

#define CAP_HEIGHT      10   /* of letters, where the person wants them of usual size */
#define FLOOR           0.1f /* boxes are found from here on, so that the confidence can be lowered while it runs */
#define CONFIDENCE_STEP 0.05f
#define RATE_FRAMES     32    /* that the rate is a mean of */
#define SLIP_MS         250.0 /* a file that is so late goes on from where it is */
#define NOTICE_MS       2500.0
#define MEMORY_OF       0.1 /* a new time's part in a mean */

struct session {
    struct program *program;
    const struct watch_request *request;
    int outcome;
    struct model_file model;
    struct window *window;
    struct gpu gpu;
    struct swapchain swapchain;
    struct atlas atlas;
    struct drawing drawing;
    struct finder finder;
    struct feed *feed;
    struct feed_frame shown, next;
    struct overlay overlay;
    float scale; /* of letters and lines */
    float confidence, floor;
    bool has_next, has_shown, is_paused, shows_numbers, shows_help, is_dirty, quits, source_ended;
    uint64_t frame_count;
    /* Times in milliseconds of process_clock_ms. */
    double base_ms; /* when the video's second 0 was due */
    uint64_t base_pass;
    double taken_ms[RATE_FRAMES];
    uint32_t taken_count;
    bool is_measuring; /* the frame under way was not seen to end */
    double frame_ms, latency_ms;
    char notice[OVERLAY_TEXT_SIZE];
    double notice_until;
};

static bool fail(struct session *session)
{
    session->outcome = session->gpu.outcome != OUTCOME_DONE ? session->gpu.outcome : OUTCOME_DEVICE_FAILED;
    return false;
}

static void notify(struct session *session, const char *text)
{
    snprintf(session->notice, sizeof session->notice, "%s", text);
    session->notice_until = process_clock_ms() + NOTICE_MS;
    session->is_dirty = true;
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static bool open_model(struct session *session)
{
    session->outcome = model_file_open(session->program, &session->request->model, &session->model);
    if (session->outcome != OUTCOME_DONE)
        return false;
    say_unused_tensors(session->program, &session->model);
    if (session->model.info.task == GVK_TASK_DETECTOR)
        return true;
    say("%s: it is a classifier, and watch needs a detector.", session->model.path);
    session->outcome = OUTCOME_MODEL_REFUSED;
    return false;
}

static bool open_window(struct session *session)
{
    PFN_vkGetInstanceProcAddr load = NULL;
    const char *const *extensions = NULL;
    uint32_t count = 0;
    VkSurfaceKHR surface = VK_NULL_HANDLE;
    struct gpu *gpu = &session->gpu;
    if (!window_vulkan(&load, &extensions, &count) || !window_open(&session->window, "ghostvk")) {
        session->outcome = OUTCOME_NO_DEVICE;
        return false;
    }
    if (!gpu_create_instance(gpu, load, extensions, count) || !window_create_surface(session->window, gpu, &surface))
        return fail(session);
    session->swapchain = (struct swapchain){.gpu = gpu, .surface = surface};
    return (gpu_create_device(gpu, session->program, &session->request->device, surface) &&
            swapchain_start(&session->swapchain, gpu, session->window, surface)) ||
           fail(session);
}

/* The atlas in the window's scale, and what draws with it. */
static bool open_drawing(struct session *session)
{
    const gvk_network_info *info = &session->model.info;
    session->scale = window_scale(session->window);
    if (!atlas_create(&session->atlas, (uint32_t)lroundf(CAP_HEIGHT * session->scale), info->classes, info->class_count,
                      session->gpu.limits.maxImageDimension2D)) {
        session->outcome = refuse_memory();
        return false;
    }
    if (!drawing_create(&session->drawing, &session->gpu, &session->atlas, session->swapchain.format.format,
                        swapchain_encodes(&session->swapchain)))
        return fail(session);
    session->swapchain.pass = session->drawing.pipelines.shown_pass;
    return true;
}

static bool open_finder(struct session *session)
{
    const struct watch_request *request = session->request;
    const gvk_network_info *info = &session->model.info;
    session->confidence = request->confidence < 0   ? 0
                          : request->confidence > 0 ? request->confidence
                                                    : info->confidence;
    session->floor = fminf(FLOOR, session->confidence);
    const struct finder_choice choice = {.precision = request->precision,
                                         .width = request->size.width,
                                         .height = request->size.height,
                                         .letterbox = request->letterbox_given ? request->letterbox : info->letterbox,
                                         .floor = session->floor > 0 ? session->floor : -1,
                                         .iou = request->iou,
                                         .vertices_per_box = DRAWING_VERTICES};
    return finder_create(&session->finder, &session->gpu, session->program, &session->model, &choice) || fail(session);
}

static bool open_feed(struct session *session)
{
    const struct watch_request *request = session->request;
    const struct feed_choice choice = {.operands = request->operands,
                                       .count = request->operand_count,
                                       .image = {.ignore_orientation = request->ignore_orientation,
                                                 .accept = finder_accepts,
                                                 .user = &session->finder},
                                       .raw = request->has_raw ? &request->raw : NULL,
                                       .repeats = request->loops || request->frames > 0};
    session->feed = feed_open(&choice);
    if (!session->feed)
        session->outcome = OUTCOME_OUT_OF_MEMORY;
    return session->feed != NULL;
}

static void close_session(struct session *session)
{
    if (session->gpu.device)
        session->gpu.vk.DeviceWaitIdle(session->gpu.device); /* whatever it says, what follows is the end */
    swapchain_destroy(&session->swapchain);
    window_close(session->window); /* it is gone while the feed may be waiting for a stream */
    session->window = NULL;
    feed_close(session->feed);
    feed_frame_release(&session->shown);
    feed_frame_release(&session->next);
    finder_destroy(&session->finder);
    drawing_destroy(&session->drawing);
    atlas_destroy(&session->atlas);
    gpu_destroy(&session->gpu);
    model_file_close(&session->model);
    window_end();
}

/* ---- what is shown ----------------------------------------------------------------------------------------------- */

static double rate_of(const struct session *session)
{
    const uint32_t count = session->taken_count < RATE_FRAMES ? session->taken_count : RATE_FRAMES;
    if (count < 2)
        return NAN;
    const double newest = session->taken_ms[(session->taken_count - 1) % RATE_FRAMES];
    const double oldest = session->taken_ms[(session->taken_count - count) % RATE_FRAMES];
    return newest > oldest ? (count - 1) * 1e3 / (newest - oldest) : NAN;
}

static struct overlay_facts facts_of(struct session *session)
{
    const struct finder *finder = &session->finder;
    const struct feed_frame *shown = &session->shown;
    const bool has_notice = process_clock_ms() < session->notice_until;
    return (struct overlay_facts){.device = session->gpu.name,
                                  .model = session->model.path ? base_name(session->model.path) : "",
                                  .source = shown->name,
                                  .input_width = finder->width,
                                  .input_height = finder->height,
                                  .precision = precision_name(precision_of(finder->stream)),
                                  .rate = rate_of(session),
                                  .frame_ms = session->frame_ms,
                                  .latency_ms = session->latency_ms,
                                  .resize_ms = finder->times.resize,
                                  .network_ms = finder->times.network,
                                  .decode_ms = finder->times.decode,
                                  .number = shown->number,
                                  .count = shown->count,
                                  .dropped = feed_dropped(session->feed),
                                  .is_video = shown->is_video,
                                  .is_live = shown->is_live,
                                  .is_paused = session->is_paused,
                                  .has_boxes = session->has_shown,
                                  .confidence = session->confidence,
                                  .shows_facts = session->shows_numbers,
                                  .shows_help = session->shows_help,
                                  .notice = has_notice ? session->notice : NULL};
}

static struct view view_of(struct session *session)
{
    const struct finder_picture *picture = finder_newest(&session->finder);
    const struct overlay_facts facts = facts_of(session);
    overlay_lay_out(&session->overlay, &session->atlas, &facts, session->swapchain.extent);
    return (struct view){.window = session->swapchain.extent,
                         .picture = picture ? &picture->image : NULL,
                         .boxes = picture ? &picture->boxes : NULL,
                         /* The floor's own test has been made on the device, in its arithmetic. */
                         .threshold = session->confidence > session->floor ? session->confidence : -INFINITY,
                         .scale = session->scale,
                         .items = session->overlay.items,
                         .item_count = session->overlay.count};
}

/* Letters follow the monitor that the window is on. */
static bool follow_scale(struct session *session)
{
    if (window_scale(session->window) == session->scale)
        return true;
    VkResult result = session->gpu.vk.DeviceWaitIdle(session->gpu.device);
    if (result != VK_SUCCESS)
        return gpu_fail(&session->gpu, "The device", result) || fail(session);
    drawing_destroy(&session->drawing);
    atlas_destroy(&session->atlas);
    session->swapchain.stale = true;
    return open_drawing(session);
}

static bool show(struct session *session)
{
    uint32_t image = 0;
    session->is_dirty = false;
    if (!follow_scale(session))
        return false;
    struct drawing_frame *frame = drawing_begin(&session->drawing);
    if (!frame)
        return fail(session);
    switch (swapchain_acquire(&session->swapchain, frame->acquired, &image)) {
    case SWAPCHAIN_FAILED: return fail(session);
    case SWAPCHAIN_NOTHING: return true; /* minimised: the next change is drawn when it is back */
    case SWAPCHAIN_READY: break;
    }
    const struct view view = view_of(session);
    return (drawing_show(&session->drawing, frame, &view, session->swapchain.framebuffers[image],
                         session->swapchain.drawn[image]) &&
            swapchain_present(&session->swapchain, image)) ||
           fail(session);
}

/* Reads the last frame back, and only then. */
static bool write_screenshot(struct session *session, const char *path, char *message, size_t message_size)
{
    const struct view view = view_of(session);
    snprintf(message, message_size, "has nothing to show: no frame was drawn");
    if (!view.window.width)
        return false;
    struct image image = {view.window.width, view.window.height, drawing_read(&session->drawing, &view)};
    snprintf(message, message_size, "cannot be read from the device");
    bool written = image.pixels && image_write(path, &image, message, message_size);
    image_release(&image);
    return written;
}

static void save_screenshot(struct session *session)
{
    char path[64], message[512], notice[OVERLAY_TEXT_SIZE];
    struct file_status status;
    for (uint32_t number = 1; number < 100000; number++) {
        snprintf(path, sizeof path, "ghostvk-%" PRIu32 ".png", number);
        if (!file_look(path, &status))
            break;
    }
    if (write_screenshot(session, path, message, sizeof message)) {
        snprintf(notice, sizeof notice, "saved %s", path);
    } else {
        say("%s: %s", path, message);
        snprintf(notice, sizeof notice, "%s could not be saved", path);
    }
    notify(session, notice);
}

/* ---- keys -------------------------------------------------------------------------------------------------------- */

static void set_confidence(struct session *session, float to)
{
    char text[OVERLAY_TEXT_SIZE];
    session->confidence = fminf(1, fmaxf(session->floor, CONFIDENCE_STEP * roundf(to / CONFIDENCE_STEP)));
    const unsigned hundredths = (unsigned)lroundf(100 * session->confidence);
    snprintf(text, sizeof text, "confidence %u.%02u", hundredths / 100, hundredths % 100);
    notify(session, text);
}

static void take_keys(struct session *session, unsigned keys)
{
    session->quits = session->quits || (keys & WATCH_QUIT);
    if (keys & WATCH_PAUSE) {
        session->is_paused = !session->is_paused;
        session->base_pass = 0; /* the time begins anew */
        session->taken_count = 0;
    }
    const int steps = window_take_steps(session->window);
    if (steps)
        set_confidence(session, session->confidence + CONFIDENCE_STEP * (float)steps);
    if (keys & WATCH_FULLSCREEN)
        window_toggle_fullscreen(session->window);
    if (keys & WATCH_HELP)
        session->shows_help = !session->shows_help;
    if (keys & WATCH_OVERLAY)
        session->shows_numbers = !session->shows_numbers;
    if ((keys & WATCH_SCREENSHOT) && session->has_shown)
        save_screenshot(session);
    session->is_dirty = session->is_dirty || keys;
}

/* ---- frames ------------------------------------------------------------------------------------------------------ */

/* How long until the next frame is due; 0: now. */
static double due_ms(struct session *session, unsigned keys)
{
    const struct feed_frame *next = &session->next;
    const double now = process_clock_ms();
    if (!session->has_shown || next->is_live || (keys & WATCH_NEXT))
        return 0;
    if (!next->is_video) {
        const double last = session->taken_ms[(session->taken_count + RATE_FRAMES - 1) % RATE_FRAMES];
        const double each = session->request->seconds ? session->request->seconds * 1e3 : 3e3;
        return session->request->frames || !session->taken_count ? 0 : fmax(0, last + each - now);
    }
    if (session->base_pass != next->pass || now - (session->base_ms + next->seconds * 1e3) > SLIP_MS) {
        session->base_ms = now - next->seconds * 1e3;
        session->base_pass = next->pass;
    }
    return fmax(0, session->base_ms + next->seconds * 1e3 - now);
}

static void name_window(struct session *session)
{
    char title[FEED_NAME_SIZE + 32];
    snprintf(title, sizeof title, "%s - ghostvk", session->shown.name);
    window_set_title(session->window, title);
}

/* The next frame becomes the shown one. */
static bool take_frame(struct session *session)
{
    const bool first = !session->has_shown;
    const bool other_name = strcmp(session->shown.name, session->next.name) != 0;
    const struct feed_frame old = session->shown;
    session->shown = session->next;
    session->next = old;
    session->has_next = false;
    if (first) {
        struct size size = session->request->window;
        if (!size.width) {
            size = (struct size){session->shown.image.width, session->shown.image.height};
            window_fit(&size.width, &size.height);
        }
        window_appear(session->window, size.width, size.height, session->request->fullscreen);
        window_poll(session->window, 0);
    }
    if (first || other_name)
        name_window(session);
    session->taken_ms[session->taken_count++ % RATE_FRAMES] = process_clock_ms();
    if (!finder_take(&session->finder, &session->shown.image))
        return fail(session);
    session->has_shown = true;
    session->is_measuring = true;
    session->frame_count++;
    return show(session);
}

static void remember(double *mean, double ms)
{
    *mean = isfinite(*mean) ? *mean + MEMORY_OF * (ms - *mean) : ms;
}

/* Whether the device has done with the frame under way, waiting a moment for it. */
static bool is_idle(struct session *session)
{
    bool failed = false;
    if (!finder_is_done(&session->finder, 2, &failed)) {
        if (failed)
            fail(session);
        return false;
    }
    if (session->is_measuring && drawing_is_done(&session->drawing)) {
        const double now = process_clock_ms();
        session->is_measuring = false;
        remember(&session->frame_ms, now - session->taken_ms[(session->taken_count + RATE_FRAMES - 1) % RATE_FRAMES]);
        remember(&session->latency_ms, now - session->shown.arrival_ms);
        session->is_dirty = session->is_dirty || !session->shown.is_video; /* a picture's times are seen, too */
    }
    return !session->is_measuring;
}

/* Asks the feed where nothing is waiting to be shown. */
static void look_for_next(struct session *session)
{
    if (session->has_next || session->source_ended)
        return;
    switch (feed_take(session->feed, &session->next)) {
    case FEED_FRAME: session->has_next = true; break;
    case FEED_LATER: break;
    case FEED_END:
        session->source_ended = true;
        /* Pictures stay until the person quits. */
        session->quits = session->quits || !session->has_shown || session->shown.is_video || session->request->frames;
        break;
    }
}

static bool is_finished(const struct session *session)
{
    return session->quits || process_is_interrupted() ||
           (session->request->frames && session->frame_count >= session->request->frames);
}

static bool step(struct session *session)
{
    const bool idle = is_idle(session);
    double pause = 0;
    if (session->gpu.outcome != OUTCOME_DONE)
        return false;
    if (idle && is_finished(session))
        return true;
    if (idle && !session->is_paused)
        look_for_next(session);
    if (session->notice[0] && process_clock_ms() > session->notice_until) {
        session->notice[0] = 0;
        session->is_dirty = true;
    }
    if (idle) /* nothing to do for as long as no frame is due */
        pause = session->is_paused || session->source_ended ? 50 : session->has_next ? fmin(20, due_ms(session, 0)) : 2;
    const unsigned keys = window_poll(session->window, session->is_dirty ? 0 : pause / 1e3);
    take_keys(session, keys);
    session->is_dirty = window_was_damaged(session->window) || session->is_dirty;
    if (idle && session->has_next && !session->is_paused && due_ms(session, keys) <= 0.5)
        return take_frame(session);
    return !session->is_dirty || !session->has_shown || show(session);
}

int watch_run(struct program *program, const struct watch_request *request)
{
    char message[512];
    struct session *session = calloc(1, sizeof *session); /* its overlay is large */
    if (!session)
        return refuse_memory();
    session->program = program;
    session->request = request;
    session->shows_numbers = !request->hides_numbers;
    session->frame_ms = session->latency_ms = NAN;
    if (!window_start()) {
        free(session);
        return OUTCOME_NO_DEVICE;
    }
    process_keep_interrupts(true);
    bool sound = open_model(session) && open_window(session) && open_drawing(session) && open_finder(session) &&
                 open_feed(session);
    while (sound && !(is_finished(session) && is_idle(session)))
        sound = step(session);
    if (sound && !session->has_shown && session->source_ended && !feed_has_failed(session->feed) &&
        !process_is_interrupted()) {
        say("There is nothing to show.");
        session->outcome = OUTCOME_SOME_FAILED;
    }
    if (sound && request->screenshot && session->has_shown &&
        !write_screenshot(session, request->screenshot, message, sizeof message)) {
        say("%s: %s", request->screenshot, message);
        session->outcome = OUTCOME_SOME_FAILED;
    }
    if (sound && session->outcome == OUTCOME_DONE && feed_has_failed(session->feed))
        session->outcome = OUTCOME_SOME_FAILED;
    int outcome = session->outcome;
    if (sound && process_is_interrupted())
        outcome = process_interrupted_code();
    close_session(session);
    process_keep_interrupts(false);
    free(session);
    return outcome;
}
