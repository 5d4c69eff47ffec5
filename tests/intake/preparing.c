/* gvk_stream_prepare: what is made before pictures come is not made when they do. Each call of Vulkan's that makes
 * something is counted. */
#include "intake.h"

#include <time.h>

#include "runtime/vulkan/device.h"

#define WIDE 80u
#define HIGH 60u

static uint32_t made;
static struct gvk_functions real;

#define COUNT(name, parameters, arguments)                                                                             \
    static VKAPI_ATTR VkResult VKAPI_CALL count_##name parameters                                                      \
    {                                                                                                                  \
        made++;                                                                                                        \
        return real.name arguments;                                                                                    \
    }
COUNT(AllocateMemory,
      (VkDevice of, const VkMemoryAllocateInfo *info, const VkAllocationCallbacks *with, VkDeviceMemory *out),
      (of, info, with, out))
COUNT(CreateBuffer, (VkDevice of, const VkBufferCreateInfo *info, const VkAllocationCallbacks *with, VkBuffer *out),
      (of, info, with, out))
COUNT(CreateDescriptorPool,
      (VkDevice of, const VkDescriptorPoolCreateInfo *info, const VkAllocationCallbacks *with, VkDescriptorPool *out),
      (of, info, with, out))
COUNT(CreateDescriptorSetLayout,
      (VkDevice of, const VkDescriptorSetLayoutCreateInfo *info, const VkAllocationCallbacks *with,
       VkDescriptorSetLayout *out),
      (of, info, with, out))
COUNT(AllocateDescriptorSets, (VkDevice of, const VkDescriptorSetAllocateInfo *info, VkDescriptorSet *out),
      (of, info, out))
COUNT(CreateComputePipelines,
      (VkDevice of, VkPipelineCache cache, uint32_t count, const VkComputePipelineCreateInfo *infos,
       const VkAllocationCallbacks *with, VkPipeline *out),
      (of, cache, count, infos, with, out))
COUNT(CreatePipelineLayout,
      (VkDevice of, const VkPipelineLayoutCreateInfo *info, const VkAllocationCallbacks *with, VkPipelineLayout *out),
      (of, info, with, out))
COUNT(CreateShaderModule,
      (VkDevice of, const VkShaderModuleCreateInfo *info, const VkAllocationCallbacks *with, VkShaderModule *out),
      (of, info, with, out))
COUNT(AllocateCommandBuffers, (VkDevice of, const VkCommandBufferAllocateInfo *info, VkCommandBuffer *out),
      (of, info, out))
COUNT(CreateQueryPool,
      (VkDevice of, const VkQueryPoolCreateInfo *info, const VkAllocationCallbacks *with, VkQueryPool *out),
      (of, info, with, out))
COUNT(CreateBufferView,
      (VkDevice of, const VkBufferViewCreateInfo *info, const VkAllocationCallbacks *with, VkBufferView *out),
      (of, info, with, out))

static void watch_calls(void)
{
    struct gvk_functions *vk = &host.device->vk;
    real = *vk;
    vk->AllocateMemory = count_AllocateMemory;
    vk->CreateBuffer = count_CreateBuffer;
    vk->CreateDescriptorPool = count_CreateDescriptorPool;
    vk->CreateDescriptorSetLayout = count_CreateDescriptorSetLayout;
    vk->AllocateDescriptorSets = count_AllocateDescriptorSets;
    vk->CreateComputePipelines = count_CreateComputePipelines;
    vk->CreatePipelineLayout = count_CreatePipelineLayout;
    vk->CreateShaderModule = count_CreateShaderModule;
    vk->AllocateCommandBuffers = count_AllocateCommandBuffers;
    vk->CreateQueryPool = count_CreateQueryPool;
    vk->CreateBufferView = count_CreateBufferView;
    made = 0;
}

static void watch_no_more(void)
{
    host.device->vk = real;
}

static void prepare(gvk_stream *stream, const gvk_picture *likeness)
{
    assert_ok(gvk_stream_prepare(stream, likeness, sizeof *likeness, 1));
}

static double milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return 1e3 * (double)now.tv_sec + 1e-6 * (double)now.tv_nsec;
}

/* Pixels, a buffer, an image and planes take turns, in two sizes and turned. */
static void nothing_is_made_in_a_submit_of_what_was_prepared(void **state)
{
    (void)state;
    static uint8_t rgba[WIDE * HIGH * 4];
    uint64_t random = 9;
    for (size_t i = 0; i < sizeof rgba; i++)
        rgba[i] = (uint8_t)random_below(&random, 256);
    struct host_image image, luma, chroma;
    assert_true(create_host_image(VK_FORMAT_R8G8B8A8_UNORM, WIDE, HIGH, 0, &image));
    assert_true(create_host_image(VK_FORMAT_R8_UNORM, WIDE, HIGH, 0, &luma));
    assert_true(create_host_image(VK_FORMAT_R8G8_UNORM, WIDE / 2, HIGH / 2, 0, &chroma));
    draw_image(&image, VK_IMAGE_ASPECT_COLOR_BIT, rgba, sizeof rgba, VK_IMAGE_LAYOUT_GENERAL);
    draw_image(&luma, VK_IMAGE_ASPECT_COLOR_BIT, rgba, WIDE * HIGH, VK_IMAGE_LAYOUT_GENERAL);
    draw_image(&chroma, VK_IMAGE_ASPECT_COLOR_BIT, rgba, WIDE * HIGH / 2, VK_IMAGE_LAYOUT_GENERAL);
    struct host_buffer buffer = create_host_buffer(sizeof rgba, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT);
    memcpy(buffer.mapped, rgba, sizeof rgba);
    gvk_picture pixels = {
        .size = sizeof pixels, .format = GVK_PIXELS_RGBA8, .width = WIDE, .height = HIGH, .pixels = rgba};
    gvk_picture kinds[6] = {pixels, pixels, pixels, pixels, pixels, pixels};
    kinds[1].width = 33; /* another size */
    kinds[1].height = 21;
    kinds[2].orientation = 6;
    kinds[2].crop_width = kinds[2].crop_height = 40;
    kinds[3].kind = GVK_PICTURE_BUFFER;
    kinds[3].buffer = buffer.buffer;
    kinds[3].buffer_bytes = buffer.bytes;
    kinds[4].kind = GVK_PICTURE_IMAGE;
    kinds[4].view = image.view;
    kinds[4].view_format = image.format;
    kinds[4].layout = image.layout;
    kinds[5].kind = GVK_PICTURE_PLANES;
    kinds[5].view = luma.view;
    kinds[5].chroma_view = chroma.view;
    kinds[5].layout = luma.layout;
    gvk_stream *stream = create_stream_of(32, 32, 1, 2, 0);
    gvk_stream *other = create_stream_of(32, 32, 1, 1, 0);
    for (uint32_t i = 0; i < 6; i++) {
        gvk_picture likeness = kinds[i];
        likeness.view = likeness.chroma_view = VK_NULL_HANDLE;
        likeness.buffer = VK_NULL_HANDLE;
        likeness.pixels = NULL;
        prepare(stream, &likeness);
    }
    watch_calls();
    uint32_t counts[6 * 4];
    gvk_ticket ticket = 0;
    for (uint32_t i = 0; i < 6 * 4; i++) {
        const gvk_picture *picture = &kinds[i * 5 % 6];
        made = 0;
        ticket = submit_pictures(stream, picture, 1);
        counts[i] = made;
    }
    made = 0;
    submit_pictures(other, &kinds[4], 1);
    uint32_t unprepared = made;
    watch_no_more();
    for (uint32_t i = 0; i < 6 * 4; i++)
        if (counts[i])
            fail_msg("submit %u, of kind %u, made %u objects", i, i * 5 % 6, counts[i]);
    assert_true(unprepared > 0); /* so that counting counts */
    assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
    gvk_stream_destroy(stream);
    gvk_stream_destroy(other);
    destroy_host_image(&image);
    destroy_host_image(&luma);
    destroy_host_image(&chroma);
    destroy_host_buffer(&buffer);
}

static void the_first_submit_of_a_large_picture_takes_no_longer_than_later_ones(void **state)
{
    (void)state;
    enum { WIDTH = 3000, HEIGHT = 2000 };
    uint8_t *pixels = malloc((size_t)WIDTH * HEIGHT * 4);
    assert_non_null(pixels);
    memset(pixels, 120, (size_t)WIDTH * HEIGHT * 4);
    gvk_picture picture = {
        .size = sizeof picture, .format = GVK_PIXELS_RGBA8, .width = WIDTH, .height = HEIGHT, .pixels = pixels};
    gvk_picture half = picture;
    half.height = HEIGHT / 2;
    for (int prepared = 0; prepared < 2; prepared++) {
        gvk_stream *stream = create_stream_of(64, 64, 1, 1, 0);
        if (prepared) {
            prepare(stream, &picture);
            prepare(stream, &half);
        }
        double took[9];
        for (uint32_t i = 0; i < 9; i++) {
            double begun = milliseconds();
            gvk_ticket ticket = submit_pictures(stream, i > 5 && i % 2 ? &half : &picture, 1);
            took[i] = milliseconds() - begun;
            assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
        }
        print_message("             %s: submits take %.1f, %.1f, %.1f ... then in two sizes %.1f, %.1f, %.1f ms\n",
                      prepared ? "prepared" : "not prepared", took[0], took[1], took[2], took[6], took[7], took[8]);
        gvk_stream_destroy(stream);
    }
    free(pixels);
}

static void what_is_prepared_may_be_wrong(void **state)
{
    (void)state;
    gvk_stream *stream = create_stream_of(32, 32, 1, 1, 0);
    gvk_picture right = {.size = sizeof right, .width = 20, .height = 10}, wrong = right;
    assert_int_equal(gvk_stream_prepare(NULL, &right, sizeof right, 1), GVK_ERROR_ARGUMENT);
    assert_int_equal(gvk_stream_prepare(stream, NULL, sizeof right, 1), GVK_ERROR_ARGUMENT);
    assert_int_equal(gvk_stream_prepare(stream, &right, sizeof right, 2), GVK_ERROR_ARGUMENT);
    wrong.crop_x = 1;
    assert_int_equal(gvk_stream_prepare(stream, &wrong, sizeof wrong, 1), GVK_ERROR_ARGUMENT);
    wrong = right;
    wrong.orientation = 9;
    assert_int_equal(gvk_stream_prepare(stream, &wrong, sizeof wrong, 1), GVK_ERROR_ARGUMENT);
    prepare(stream, &right);
    gvk_stream_destroy(stream);
}

int run_preparing_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_made_in_a_submit_of_what_was_prepared),
        cmocka_unit_test(the_first_submit_of_a_large_picture_takes_no_longer_than_later_ones),
        cmocka_unit_test(what_is_prepared_may_be_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
