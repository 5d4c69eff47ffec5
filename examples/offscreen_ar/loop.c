#include "loop.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FRAME_MS (1000.0 / FRAMES_A_SECOND)

static void sleep_until(double when_ms)
{
    double left = when_ms - now_ms();
    if (left <= 0)
        return;
    const struct timespec span = {.tv_sec = (time_t)(left / 1e3), .tv_nsec = (long)(left * 1e6) % 1000000000};
    nanosleep(&span, NULL);
}

/* One that neither a frame in flight nor the detector reads. The last frame's is drawn at most once more. */
static uint32_t choose_picture(const struct finder *finder, uint64_t number)
{
    uint32_t picture = (uint32_t)(number % SCENE_PICTURES);
    while (finder_holds(finder, picture))
        picture = (picture + 1) % SCENE_PICTURES;
    return picture;
}

static bool submit_frame(const struct gpu *gpu, VkCommandBuffer commands, const struct finder *finder, uint64_t wait,
                         VkSemaphore drawn, uint64_t number)
{
    const VkPipelineStageFlags stages = VK_PIPELINE_STAGE_DRAW_INDIRECT_BIT | VK_PIPELINE_STAGE_VERTEX_INPUT_BIT;
    const VkTimelineSemaphoreSubmitInfo values = {.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
                                                  .waitSemaphoreValueCount = wait ? 1 : 0,
                                                  .pWaitSemaphoreValues = &wait,
                                                  .signalSemaphoreValueCount = 1,
                                                  .pSignalSemaphoreValues = &number};
    const VkSubmitInfo submit = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                                 .pNext = &values,
                                 .waitSemaphoreCount = wait ? 1 : 0,
                                 .pWaitSemaphores = &finder->found,
                                 .pWaitDstStageMask = &stages,
                                 .commandBufferCount = 1,
                                 .pCommandBuffers = &commands,
                                 .signalSemaphoreCount = 1,
                                 .pSignalSemaphores = &drawn};
    return vkQueueSubmit(gpu->queue, 1, &submit, VK_NULL_HANDLE) == VK_SUCCESS || fail("vkQueueSubmit failed.");
}

/* What a slot's last frame looked like. */
static bool put_out(const struct scene *scene, const struct loop_output *output, uint64_t number)
{
    const unsigned char *rgba = scene->slots[number % SCENE_SLOTS].readback.mapped;
    if (output->video && !video_write(output->video, rgba))
        return false;
    return !output->stills || number % output->still_every ||
           still_write(output->stills, number, SCENE_WIDTH, SCENE_HEIGHT, rgba);
}

static void list_boxes(FILE *list, const struct finder_frame *frame, const struct scene_boxes *boxes, uint32_t count)
{
    float view[2];
    VkDrawIndirectCommand draw = {.instanceCount = 0};
    const unsigned char *from = frame->boxes->mapped;
    scene_view(frame->seconds, view);
    if (count && !boxes[count - 1].from_detector) /* the tracker's, which lie in the frame's slot */
        memcpy(&draw, from, sizeof draw);
    fprintf(list, "frame %llu view %.3f %.3f boxes %u\n", (unsigned long long)frame->number, (double)view[0],
            (double)view[1], draw.instanceCount);
    for (uint32_t i = 0; i < draw.instanceCount; i++) {
        gvk_detection box;
        memcpy(&box, from + BOX_DRAW_ROOM + (size_t)i * BOX_BYTES, BOX_BYTES);
        fprintf(list, "%u %.3f %.2f %.2f %.2f %.2f\n", box.class_id, (double)box.score, (double)box.box[0],
                (double)box.box[1], (double)box.box[2], (double)box.box[3]);
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double percentile_95(double *values, uint64_t count)
{
    qsort(values, count, sizeof values[0], compare);
    return count ? values[(count - 1) * 95 / 100] : 0;
}

/* A frame from its beginning to where the host may sleep; *waited_ms: for an older frame of its own. */
static bool run_frame(struct scene *scene, struct finder *finder, uint64_t number, bool late, VkSemaphore drawn,
                      const struct loop_output *output, double *waited_ms)
{
    const struct gpu *gpu = scene->gpu;
    const uint32_t slot = (uint32_t)(number % SCENE_SLOTS);
    const double begun = now_ms();
    struct scene_boxes boxes[2];
    uint32_t count = 0;
    uint64_t wait = 0;
    finder_look(finder, late);
    if (number > SCENE_SLOTS && !gpu_timeline_wait(gpu, drawn, number - SCENE_SLOTS))
        return false;
    *waited_ms = now_ms() - begun;
    if (number > SCENE_SLOTS && !put_out(scene, output, number - SCENE_SLOTS))
        return false;
    struct finder_frame frame = {.number = number,
                                 .seconds = (double)number / FRAMES_A_SECOND,
                                 .scene = scene,
                                 .drawn = drawn,
                                 .boxes = &scene->slots[slot].boxes};
    if (!finder_collect(finder, &frame, boxes, &count, &wait))
        return false;
    frame.picture = choose_picture(finder, number);
    const struct scene_frame drawing = {.slot = slot,
                                        .picture = frame.picture,
                                        .seconds = frame.seconds,
                                        .boxes = boxes,
                                        .boxes_count = count,
                                        .copies_pixels = finder_wants_pixels(finder, &frame),
                                        .reads_back = output->video || output->stills};
    if (!scene_record(scene, &drawing) ||
        !submit_frame(gpu, scene->slots[slot].commands, finder, wait, drawn, number) || !finder_go_on(finder, &frame))
        return false;
    if (output->list)
        list_boxes(output->list, &frame, boxes, count);
    return true;
}

bool loop_run(struct scene *scene, struct finder *finder, uint64_t frames, const struct loop_output *output,
              struct loop_figures *figures)
{
    VkSemaphore drawn = gpu_timeline_create(scene->gpu);
    double *blocked = malloc(frames * sizeof blocked[0]), *waited = malloc(frames * sizeof waited[0]);
    const double first = now_ms();
    double due = first, last = 0, longest = 0;
    uint64_t number = 1, last_frame;
    bool sound = drawn && blocked && waited;
    for (; sound && number <= frames; number++) {
        sleep_until(due);
        const double begun = now_ms(), before = finder->blocked_ms;
        if (number > 1 && begun - last > longest)
            longest = begun - last;
        last = begun;
        const bool late = begun > due + FRAME_MS / 4;
        due = due + FRAME_MS > begun ? due + FRAME_MS : begun; /* a frame that is late moves those behind it */
        sound = run_frame(scene, finder, number, late, drawn, output, &waited[number - 1]);
        blocked[number - 1] = finder->blocked_ms - before;
    }
    sleep_until(due);
    const double seconds = (now_ms() - first) / 1e3;
    vkDeviceWaitIdle(scene->gpu->device);
    last_frame = number - 1;
    for (number = last_frame > SCENE_SLOTS ? last_frame - SCENE_SLOTS + 1 : 1; sound && number <= last_frame; number++)
        sound = put_out(scene, output, number);
    if (sound)
        *figures = (struct loop_figures){.frames_a_second = (double)frames / seconds,
                                         .longest_ms = longest,
                                         .waited_ms = percentile_95(waited, frames),
                                         .blocked_ms = percentile_95(blocked, frames),
                                         .detections_a_second = (double)finder->done / seconds,
                                         .latency = finder->done ? (double)finder->latency / (double)finder->done : 0};
    free(blocked);
    free(waited);
    if (drawn)
        vkDestroySemaphore(scene->gpu->device, drawn, NULL);
    return sound;
}
