#include "scene.h"

#define WIDTH  50u
#define HEIGHT 40u
#define MINUTE ((uint64_t)60 * 1000 * 1000 * 1000)

static float weights[2][OUTPUTS * OUTPUTS];
static unsigned char pixels[PICTURES][WIDTH * HEIGHT * 3];

static gvk_result find_weight(void *user, const char *name, gvk_array *out)
{
    (void)user;
    uint32_t layer = (uint32_t)(name[5] - '0'), inputs = layer ? OUTPUTS : 3;
    *out = (gvk_array){.type = GVK_TYPE_F32,
                       .rank = 4,
                       .shape = {OUTPUTS, inputs, 1, 1},
                       .data = weights[layer],
                       .bytes = sizeof(float) * OUTPUTS * inputs};
    return GVK_OK;
}

gvk_model *create_scene_model(gvk_device *device)
{
    uint64_t random = 11;
    gvk_graph *graph = NULL;
    gvk_model *model = NULL;
    for (uint32_t i = 0; i < 2; i++)
        for (uint32_t j = 0; j < OUTPUTS * OUTPUTS; j++)
            weights[i][j] = quarter_step(&random) / 4;
    assert_ok(gvk_graph_create(&test_host, find_weight, NULL, &graph));
    gvk_tensor x = gvk_graph_input(graph, "input", 3);
    x = gvk_graph_add(graph,
                      &(gvk_node){.op = GVK_OP_CONVOLUTION, .name = "layer0", .inputs = {x}, .outputs = OUTPUTS});
    x = gvk_graph_add(graph, &(gvk_node){.op = GVK_OP_CONVOLUTION, .name = "layer1", .inputs = {x}});
    gvk_graph_output(graph, "out", x);
    assert_ok(gvk_graph_finish(graph));
    assert_ok(gvk_model_create(device, graph, NULL, &model));
    gvk_graph_destroy(graph);
    return model;
}

gvk_stream *create_scene_stream(gvk_model *model, uint32_t frames, uint32_t max_us, int paced)
{
    gvk_stream *stream = NULL;
    const gvk_stream_params params = {.size = sizeof params,
                                      .width = INPUT_SIDE,
                                      .height = INPUT_SIDE,
                                      .frames = frames,
                                      .max_submit_us = max_us,
                                      .paced = paced};
    assert_ok(gvk_stream_create(model, &params, &stream));
    return stream;
}

void expect_frame(const struct scene *scene, gvk_stream *stream, gvk_ticket ticket, uint32_t picture, const char *what)
{
    gvk_array got;
    assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
    assert_ok(gvk_stream_read(stream, ticket, "out", &got));
    assert_int_equal(got.bytes, sizeof scene->expected[picture]);
    if (memcmp(got.data, scene->expected[picture], sizeof scene->expected[picture]) != 0)
        fail_msg("%s: ticket %llu differs from picture %u by itself", what, (unsigned long long)ticket, picture);
}

int open_scene(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    if (!host_device_create(&scene->host))
        fail_msg("%s", scene->host.fault);
    gvk_import_params params = host_device_params(&scene->host);
    params.host = &test_host;
    assert_ok(gvk_device_import(&params, &scene->device));
    scene->model = create_scene_model(scene->device);
    gvk_stream *stream = create_scene_stream(scene->model, 1, 0, 0);
    uint64_t random = 5;
    for (uint32_t i = 0; i < PICTURES; i++) {
        for (size_t j = 0; j < sizeof pixels[i]; j++)
            pixels[i][j] = (unsigned char)random_below(&random, 256);
        scene->pictures[i] =
            (gvk_picture){.size = sizeof(gvk_picture), .width = WIDTH, .height = HEIGHT, .pixels = pixels[i]};
        gvk_ticket ticket;
        gvk_array got;
        assert_ok(gvk_stream_submit(stream, &scene->pictures[i], sizeof(gvk_picture), 1, &ticket));
        assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
        assert_ok(gvk_stream_read(stream, ticket, "out", &got));
        memcpy(scene->expected[i], got.data, sizeof scene->expected[i]);
    }
    gvk_stream_destroy(stream);
    assert_memory_not_equal(scene->expected[0], scene->expected[1], sizeof scene->expected[0]);
    *state = scene;
    return 0;
}

int close_scene(void **state)
{
    struct scene *scene = *state;
    gvk_model_destroy(scene->model);
    gvk_device_destroy(scene->device);
    host_device_destroy(&scene->host);
    free(scene);
    return 0;
}

/* ---- the host's own Vulkan objects ---- */

VkSemaphore create_semaphore(const struct scene *scene, bool timeline)
{
    VkSemaphore semaphore = VK_NULL_HANDLE;
    const VkSemaphoreTypeCreateInfo type = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
                                            .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE};
    const VkSemaphoreCreateInfo create = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO,
                                          .pNext = timeline ? &type : NULL};
    assert_int_equal(vkCreateSemaphore(scene->host.device, &create, NULL, &semaphore), VK_SUCCESS);
    return semaphore;
}

uint64_t value_of(const struct scene *scene, VkSemaphore timeline)
{
    uint64_t value = 0;
    assert_int_equal(vkGetSemaphoreCounterValueKHR(scene->host.device, timeline, &value), VK_SUCCESS);
    return value;
}

void expect_timeline(const struct scene *scene, VkSemaphore timeline, uint64_t value)
{
    const VkSemaphoreWaitInfo wait = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
                                      .semaphoreCount = 1,
                                      .pSemaphores = &timeline,
                                      .pValues = &value};
    if (vkWaitSemaphoresKHR(scene->host.device, &wait, MINUTE) != VK_SUCCESS)
        fail_msg("a timeline is at %llu and does not reach %llu", (unsigned long long)value_of(scene, timeline),
                 (unsigned long long)value);
}

void set_value(const struct scene *scene, VkSemaphore timeline, uint64_t value)
{
    const VkSemaphoreSignalInfo signal = {
        .sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO, .semaphore = timeline, .value = value};
    assert_int_equal(vkSignalSemaphoreKHR(scene->host.device, &signal), VK_SUCCESS);
}

void submit_nothing(const struct scene *scene, VkSemaphore wait, VkSemaphore signal, bool waits_for_it)
{
    const VkPipelineStageFlags stages = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
    const VkFenceCreateInfo create = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    const VkSubmitInfo submit = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                                 .waitSemaphoreCount = wait ? 1 : 0,
                                 .pWaitSemaphores = &wait,
                                 .pWaitDstStageMask = &stages,
                                 .signalSemaphoreCount = signal ? 1 : 0,
                                 .pSignalSemaphores = &signal};
    VkFence fence = VK_NULL_HANDLE;
    if (waits_for_it)
        assert_int_equal(vkCreateFence(scene->host.device, &create, NULL, &fence), VK_SUCCESS);
    assert_int_equal(vkQueueSubmit(scene->host.queue, 1, &submit, fence), VK_SUCCESS);
    if (!waits_for_it)
        return;
    assert_int_equal(vkWaitForFences(scene->host.device, 1, &fence, VK_TRUE, MINUTE), VK_SUCCESS);
    vkDestroyFence(scene->host.device, fence, NULL);
}
