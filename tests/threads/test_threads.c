/* Threads: what gvk.h allows them to share, shared hard. Devices and models by all, a stream each; results are those of
 * one thread, bit for bit. Under ThreadSanitizer (`./dev tsan`) the same program runs longer and says more.
 *
 * cmocka's assertions belong to the main thread: a job counts what went wrong, and the main thread judges. */
#include "networks.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <volk.h>

#include "runtime/device/choices.h"
#include "tests/support/host_device.h"

#ifndef ROUNDS
#define ROUNDS 1u /* ThreadSanitizer's build has more */
#endif

#define THREADS 8u
#define WAIT_S  60 /* for another thread, before it is given up */

static struct frame expected[NETWORKS][PICTURES]; /* of one thread, before all others */

/* ---- jobs: what a thread does, and what it found ------------------------------------------------------------------
 */

struct job {
    void (*run)(struct job *job);
    gvk_device *device;
    gvk_model *models[NETWORKS];
    pthread_t thread;
    unsigned rounds;
    unsigned frames, differing; /* frames read; those that differ from the expected ones */
    gvk_result result;          /* the first failure */
};

static void note(struct job *job, gvk_result result)
{
    if (!job->result)
        job->result = result;
}

/* Every picture through a stream, two frames in flight. */
static void run_frames(struct job *job, gvk_stream *stream, enum network network)
{
    struct frame *frame = malloc(sizeof *frame);
    gvk_ticket last = 0, ticket = 0;
    gvk_result result = frame ? GVK_OK : GVK_ERROR_HOST_MEMORY;
    for (unsigned i = 0; i <= PICTURES && !result; i++) {
        if (i < PICTURES)
            result = submit(stream, i, &ticket);
        if (!result && last) {
            result = read_frame(stream, network, last, frame);
            if (!result) {
                job->frames++;
                job->differing += !equal_frames(network, frame, &expected[network][i - 1]);
            }
        }
        last = ticket;
    }
    free(frame);
    note(job, result);
}

static void run_stream(struct job *job, gvk_model *model, enum network network)
{
    gvk_stream *stream = NULL;
    note(job, make_stream(model, network, &stream));
    if (stream)
        run_frames(job, stream, network);
    gvk_stream_destroy(stream);
}

/* A stream each of the shared models; both live while frames run in either. */
static void share_models(struct job *job)
{
    gvk_stream *streams[NETWORKS] = {NULL};
    for (int i = 0; i < NETWORKS; i++)
        note(job, make_stream(job->models[i], (enum network)i, &streams[i]));
    for (unsigned round = 0; round < job->rounds && !job->result; round++)
        for (int i = 0; i < NETWORKS; i++)
            run_frames(job, streams[i], (enum network)i);
    for (int i = 0; i < NETWORKS; i++)
        gvk_stream_destroy(streams[i]);
}

static void churn_streams(struct job *job)
{
    for (unsigned round = 0; round < job->rounds && !job->result; round++)
        run_stream(job, job->models[round % NETWORKS], (enum network)(round % NETWORKS));
}

static void churn_models(struct job *job)
{
    for (unsigned round = 0; round < job->rounds && !job->result; round++) {
        enum network network = (enum network)(round % NETWORKS);
        gvk_model *model = NULL;
        note(job, make_model(job->device, network, &model));
        if (model)
            run_stream(job, model, network);
        gvk_model_destroy(model);
    }
}

static void churn_devices(struct job *job)
{
    for (unsigned round = 0; round < job->rounds && !job->result; round++) {
        struct job inner = {.rounds = 1};
        uint32_t count = 0;
        note(job, gvk_device_list(&counting_host, NULL, sizeof(gvk_device_info), &count));
        note(job, open_device(&inner.device));
        if (inner.device)
            churn_models(&inner);
        gvk_device_destroy(inner.device);
        note(job, inner.result);
        job->frames += inner.frames;
        job->differing += inner.differing;
    }
}

/* The plan of a network without weights, again and again. */
static void describe_plans(struct job *job)
{
    gvk_graph *graph = NULL;
    const gvk_stream_params stream = {.size = sizeof stream, .width = SIDE, .height = SIDE};
    note(job, gvk_graph_create(&counting_host, NULL, NULL, &graph));
    gvk_node wide = {.op = GVK_OP_CONVOLUTION, .name = "wide", .outputs = 8};
    if (!graph)
        return;
    wide.inputs[0] = gvk_graph_input(graph, "input", 3);
    gvk_graph_output(graph, "output", gvk_graph_add(graph, &wide));
    note(job, gvk_graph_finish(graph));
    for (unsigned round = 0; round < job->rounds && !job->result; round++) {
        gvk_description description = {.size = sizeof description};
        note(job, gvk_plan_describe(job->device, graph, NULL, &stream, &description));
        gvk_description_release(&counting_host, &description);
    }
    gvk_graph_destroy(graph);
}

/* What a tuning keeps, for a layer that neither network has. */
static void keep_choices(struct job *job)
{
    for (unsigned round = 0; round < job->rounds && !job->result; round++) {
        struct gvk_choices *choices = gvk_choices_allocate(&job->device->host, 1);
        note(job, choices ? GVK_OK : GVK_ERROR_HOST_MEMORY);
        if (!choices)
            return;
        choices->list[0] = (struct gvk_choice){.shape = {.op = GVK_OP_CONVOLUTION, .input_channels = 1 + round}};
        note(job, gvk_choices_keep(job->device, choices));
        gvk_release(&job->device->host, choices);
    }
}

static void *start(void *user)
{
    struct job *job = user;
    job->run(job);
    return NULL;
}

static void run_jobs(struct job *jobs, unsigned count, const char *what)
{
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(pthread_create(&jobs[i].thread, NULL, start, &jobs[i]), 0);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(pthread_join(jobs[i].thread, NULL), 0);
    for (unsigned i = 0; i < count; i++)
        if (jobs[i].result || jobs[i].differing || !jobs[i].frames)
            fail_msg("%s, thread %u: %s; %u of %u frames differ from one thread's (%s)", what, i,
                     gvk_result_name(jobs[i].result), jobs[i].differing, jobs[i].frames, last_error());
}

static void create_models(gvk_device *device, gvk_model *models[NETWORKS])
{
    for (int i = 0; i < NETWORKS; i++)
        assert_ok(make_model(device, (enum network)i, &models[i]));
}

static void destroy_models(gvk_model *models[NETWORKS])
{
    for (int i = 0; i < NETWORKS; i++)
        gvk_model_destroy(models[i]);
}

/* What one thread alone finds, on a device of its own. */
static int compute_expected(void **state)
{
    gvk_device *device = NULL;
    gvk_model *models[NETWORKS];
    (void)state;
    fill_constants();
    assert_ok(open_device(&device));
    create_models(device, models);
    for (int i = 0; i < NETWORKS; i++) {
        gvk_stream *stream = NULL;
        assert_ok(make_stream(models[i], (enum network)i, &stream));
        for (unsigned j = 0; j < PICTURES; j++) {
            gvk_ticket ticket;
            assert_ok(submit(stream, j, &ticket));
            assert_ok(read_frame(stream, (enum network)i, ticket, &expected[i][j]));
        }
        gvk_stream_destroy(stream);
    }
    destroy_models(models);
    gvk_device_destroy(device);
    for (unsigned j = 0; j < PICTURES; j++) /* else a comparison would prove nothing */
        assert_in_range(expected[DETECTOR][j].count, 2, BOXES_MAX);
    assert_false(equal_frames(PLAIN, &expected[PLAIN][0], &expected[PLAIN][1]));
    assert_false(equal_frames(DETECTOR, &expected[DETECTOR][0], &expected[DETECTOR][1]));
    expect_nothing_held("one thread");
    return 0;
}

/* ---- opened devices ---- */

static void eight_threads_share_a_model(void **state)
{
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) { /* pipelines are made by whichever thread comes first */
        gvk_device *device = NULL;
        struct job jobs[THREADS];
        assert_ok(open_device(&device));
        jobs[0] = (struct job){.run = share_models, .rounds = 4};
        create_models(device, jobs[0].models);
        for (unsigned i = 1; i < THREADS; i++)
            jobs[i] = jobs[0];
        run_jobs(jobs, THREADS, "a shared model");
        destroy_models(jobs[0].models);
        gvk_device_destroy(device);
    }
    expect_nothing_held("a shared model");
}

static void two_devices_run_at_once(void **state)
{
    (void)state;
    gvk_device *devices[2] = {NULL};
    struct job jobs[4];
    for (unsigned i = 0; i < 2; i++) {
        assert_ok(open_device(&devices[i]));
        jobs[i] = (struct job){.run = share_models, .rounds = 2 * ROUNDS};
        create_models(devices[i], jobs[i].models);
        jobs[i + 2] = jobs[i];
    }
    run_jobs(jobs, 4, "two devices");
    for (unsigned i = 0; i < 2; i++) {
        destroy_models(jobs[i].models);
        gvk_device_destroy(devices[i]);
    }
    expect_nothing_held("two devices");
}

/* ThreadSanitizer sees whether each takes them under the lock that they are changed under. */
static void plans_and_models_are_made_while_choices_of_kernels_change(void **state)
{
    (void)state;
    gvk_device *device = NULL;
    struct job jobs[4];
    assert_ok(open_device(&device));
    for (unsigned i = 0; i < 4; i++)
        jobs[i] = (struct job){.run = i < 2   ? describe_plans
                                      : i < 3 ? keep_choices
                                              : churn_models,
                               .device = device,
                               .rounds = i < 3 ? 200 : 2 * ROUNDS};
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&jobs[i].thread, NULL, start, &jobs[i]), 0);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pthread_join(jobs[i].thread, NULL), 0);
    for (unsigned i = 0; i < 4; i++)
        if (jobs[i].result || jobs[i].differing)
            fail_msg("thread %u of 4: %s (\"%s\"), %u of %u frames differ", i, gvk_result_name(jobs[i].result),
                     last_error(), jobs[i].differing, jobs[i].frames);
    gvk_device_destroy(device);
    expect_nothing_held("changing choices");
}

static void all_kinds_of_objects_come_and_go_while_frames_run(void **state)
{
    (void)state;
    gvk_device *device = NULL;
    struct job jobs[THREADS];
    assert_ok(open_device(&device));
    const struct job kinds[] = {{.run = share_models, .rounds = 8 * ROUNDS},
                                {.run = churn_streams, .rounds = 4 * ROUNDS},
                                {.run = churn_models, .rounds = 4 * ROUNDS},
                                {.run = churn_devices, .rounds = ROUNDS}};
    gvk_model *models[NETWORKS];
    create_models(device, models);
    for (unsigned i = 0; i < THREADS; i++) {
        jobs[i] = kinds[i % 4];
        jobs[i].device = device;
        memcpy(jobs[i].models, models, sizeof models);
    }
    run_jobs(jobs, THREADS, "making and destroying");
    destroy_models(models);
    gvk_device_destroy(device);
    expect_nothing_held("making and destroying");
}

/* ---- an imported device, its queue shared with the host -----------------------------------------------------------
 */

static struct host_device shared;

static struct watch {
    pthread_mutex_t mutex;     /* the host's, of its queue */
    unsigned long uses;        /* of the queue: counted without any lock, as a driver might */
    atomic_ulong counted;      /* the same, counted safely */
    atomic_ulong outside;      /* without the host's lock */
    atomic_bool hold_compiles; /* until a frame was submitted */
    atomic_bool compiling, submitted, gave_up;
} watch = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static _Thread_local bool holds_queue;

static void lock_queue(void *user)
{
    struct watch *of = user;
    pthread_mutex_lock(&of->mutex);
    holds_queue = true;
}

static void unlock_queue(void *user)
{
    struct watch *of = user;
    holds_queue = false;
    pthread_mutex_unlock(&of->mutex);
}

static VKAPI_ATTR VkResult VKAPI_CALL watched_submit(VkQueue queue, uint32_t count, const VkSubmitInfo *submits,
                                                     VkFence fence)
{
    watch.uses++;
    atomic_fetch_add(&watch.counted, 1);
    if (!holds_queue)
        atomic_fetch_add(&watch.outside, 1);
    return vkQueueSubmit(queue, count, submits, fence);
}

static bool wait_for(const atomic_bool *flag)
{
    const struct timespec step = {.tv_nsec = 1000000};
    for (int i = 0; i < WAIT_S * 1000 && !atomic_load(flag); i++)
        nanosleep(&step, NULL);
    return atomic_load(flag);
}

static VKAPI_ATTR VkResult VKAPI_CALL watched_pipelines(VkDevice device, VkPipelineCache cache, uint32_t count,
                                                        const VkComputePipelineCreateInfo *infos,
                                                        const VkAllocationCallbacks *callbacks, VkPipeline *out)
{
    if (atomic_load(&watch.hold_compiles)) {
        atomic_store(&watch.compiling, true);
        if (!wait_for(&watch.submitted))
            atomic_store(&watch.gave_up, true);
    }
    return vkCreateComputePipelines(device, cache, count, infos, callbacks, out);
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL watched_device_proc(VkDevice device, const char *wanted)
{
    if (!strcmp(wanted, "vkQueueSubmit"))
        return (PFN_vkVoidFunction)watched_submit;
    if (!strcmp(wanted, "vkCreateComputePipelines"))
        return (PFN_vkVoidFunction)watched_pipelines;
    return vkGetDeviceProcAddr(device, wanted);
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL watched_instance_proc(VkInstance instance, const char *wanted)
{
    return strcmp(wanted, "vkGetDeviceProcAddr") ? vkGetInstanceProcAddr(instance, wanted)
                                                 : (PFN_vkVoidFunction)watched_device_proc;
}

static gvk_device *import_device(bool with_lock)
{
    gvk_import_params params = host_device_params(&shared);
    gvk_device *device = NULL;
    params.host = &counting_host;
    params.get_instance_proc = watched_instance_proc;
    params.lock_queue = with_lock ? lock_queue : NULL;
    params.unlock_queue = with_lock ? unlock_queue : NULL;
    params.queue_user = &watch;
    assert_ok(gvk_device_import(&params, &device));
    return device;
}

/* The host's own work: empty submissions, each waited for. */
static void use_queue_as_host(struct job *job)
{
    const VkFenceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    VkFence fence = VK_NULL_HANDLE;
    if (vkCreateFence(shared.device, &info, NULL, &fence))
        note(job, GVK_ERROR_DRIVER);
    for (unsigned i = 0; i < job->rounds && fence && !job->result; i++) {
        lock_queue(&watch);
        VkResult result = watched_submit(shared.queue, 0, NULL, fence);
        unlock_queue(&watch);
        if (result || vkWaitForFences(shared.device, 1, &fence, VK_TRUE, UINT64_MAX) ||
            vkResetFences(shared.device, 1, &fence))
            note(job, GVK_ERROR_DRIVER);
        job->frames++;
    }
    vkDestroyFence(shared.device, fence, NULL);
}

static void the_hosts_queue_is_used_inside_its_lock_alone(void **state)
{
    (void)state;
    if (!host_device_create(&shared))
        fail_msg("No Vulkan device could be created: %s", shared.fault);
    gvk_device *device = import_device(true);
    struct job jobs[4] = {{.run = share_models, .rounds = 4 * ROUNDS}};
    create_models(device, jobs[0].models);
    jobs[1] = jobs[0];
    jobs[2] = jobs[3] = (struct job){.run = use_queue_as_host, .rounds = 100 * ROUNDS};
    run_jobs(jobs, 4, "the host's queue");
    destroy_models(jobs[0].models);
    gvk_device_destroy(device);
    host_device_destroy(&shared);
    assert_int_equal(atomic_load(&watch.outside), 0);
    assert_int_equal(watch.uses, atomic_load(&watch.counted));
    unsigned frames = 0;
    for (unsigned i = 0; i < 4; i++)
        frames += jobs[i].frames;
    assert_true(watch.uses >= frames); /* weights are uploaded on some devices */
    expect_nothing_held("the host's queue");
}

static void make_detector(struct job *job)
{
    run_stream(job, job->models[DETECTOR], DETECTOR);
}

/* A thread that makes a stream may compile for seconds; frames of other threads go on, pictures of a new size too. */
static void no_submit_waits_for_a_pipeline_that_is_made(void **state)
{
    (void)state;
    if (!host_device_create(&shared))
        fail_msg("No Vulkan device could be created: %s", shared.fault);
    gvk_device *device = import_device(false);
    gvk_model *models[NETWORKS];
    gvk_stream *stream = NULL;
    struct frame *frame = calloc(1, sizeof *frame);
    gvk_ticket ticket = 0;
    assert_non_null(frame);
    create_models(device, models);
    assert_ok(make_stream(models[PLAIN], PLAIN, &stream));
    assert_ok(submit(stream, 0, &ticket));
    assert_ok(read_frame(stream, PLAIN, ticket, frame));
    struct job job = {.run = make_detector, .models = {[DETECTOR] = models[DETECTOR]}};
    atomic_store(&watch.hold_compiles, true);
    assert_int_equal(pthread_create(&job.thread, NULL, start, &job), 0);
    bool compiling = wait_for(&watch.compiling);
    gvk_result result = submit(stream, 1, &ticket);
    if (!result)
        result = read_frame(stream, PLAIN, ticket, frame);
    atomic_store(&watch.submitted, true);
    pthread_join(job.thread, NULL);
    bool equal = equal_frames(PLAIN, frame, &expected[PLAIN][1]);
    free(frame);
    gvk_stream_destroy(stream);
    destroy_models(models);
    gvk_device_destroy(device);
    host_device_destroy(&shared);
    assert_ok(result);
    assert_ok(job.result);
    assert_true(compiling);
    assert_false(atomic_load(&watch.gave_up));
    assert_true(equal);
    assert_int_equal(job.differing, 0);
    expect_nothing_held("a pipeline that is made");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eight_threads_share_a_model),
        cmocka_unit_test(two_devices_run_at_once),
        cmocka_unit_test(plans_and_models_are_made_while_choices_of_kernels_change),
        cmocka_unit_test(all_kinds_of_objects_come_and_go_while_frames_run),
        cmocka_unit_test(the_hosts_queue_is_used_inside_its_lock_alone),
        cmocka_unit_test(no_submit_waits_for_a_pipeline_that_is_made),
    };
    return cmocka_run_group_tests(tests, compute_expected, NULL);
}
