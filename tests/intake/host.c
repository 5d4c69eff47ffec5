/* The model, its streams, and the host's Vulkan objects. */
#include "intake.h"

struct intake_host host;

static gvk_result no_weights(void *user, const char *name, gvk_array *out)
{
    (void)user;
    (void)name;
    (void)out;
    return GVK_ERROR_MISMATCH;
}

int open_intake(void **state)
{
    if (open_device_fixture(state))
        return -1;
    host = (struct intake_host){.device = *state, .handles = {.size = sizeof host.handles}};
    gvk_device_get_handles(host.device, &host.handles);
    if (volkInitialize() != VK_SUCCESS)
        return -1;
    volkInitializeCustom(host.handles.get_instance_proc);
    volkLoadInstance(host.handles.instance);
    volkLoadDevice(host.handles.device);
    vkGetPhysicalDeviceMemoryProperties(host.handles.physical_device, &host.memory);
    VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                    .queueFamilyIndex = host.handles.queue_family};
    if (vkCreateCommandPool(host.handles.device, &pool, NULL, &host.pool) != VK_SUCCESS)
        return -1;
    gvk_graph *graph = NULL;
    assert_ok(gvk_graph_create(&test_host, no_weights, NULL, &graph));
    gvk_node node = {.op = GVK_OP_ACTIVATION, .name = "relu", .activation = GVK_ACTIVATION_RELU};
    node.inputs[0] = gvk_graph_input(graph, "input", 3);
    gvk_graph_output(graph, "output", gvk_graph_add(graph, &node));
    assert_ok(gvk_graph_finish(graph));
    assert_ok(gvk_model_create(host.device, graph, NULL, &host.model));
    gvk_graph_destroy(graph);
    return 0;
}

int close_intake(void **state)
{
    gvk_model_destroy(host.model);
    vkDestroyCommandPool(host.handles.device, host.pool, NULL);
    return close_device_fixture(state);
}

gvk_stream *create_stream_of(uint32_t width, uint32_t height, uint32_t batch, uint32_t frames, uint32_t max_us)
{
    static const char *const kept[] = {"input"};
    gvk_stream_params params = {
        .size = sizeof params,
        .width = width,
        .height = height,
        .batch = batch,
        .frames = frames,
        .kept_tensors = kept,
        .kept_count = 1,
        .max_submit_us = max_us,
    };
    gvk_stream *stream = NULL;
    assert_ok(gvk_stream_create(host.model, &params, &stream));
    return stream;
}

gvk_ticket submit_pictures(gvk_stream *stream, const gvk_picture *pictures, uint32_t count)
{
    gvk_ticket ticket = 0;
    assert_ok(gvk_stream_submit(stream, pictures, sizeof(gvk_picture), count, &ticket));
    return ticket;
}

const float *input_of(gvk_stream *stream, gvk_ticket ticket, uint32_t item)
{
    gvk_array array;
    assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
    assert_ok(gvk_stream_read(stream, ticket, "input", &array));
    return (const float *)array.data + (size_t)item * 3 * array.shape[2] * array.shape[3];
}

void expect_bytes(gvk_stream *stream, gvk_ticket ticket, uint32_t item, const uint8_t *expected, uint32_t width,
                  uint32_t height, const char *what)
{
    const float *values = input_of(stream, ticket, item);
    size_t plane = (size_t)width * height;
    for (uint32_t c = 0; c < 3; c++)
        for (size_t p = 0; p < plane; p++) {
            double value = 255.0 * (double)values[c * plane + p];
            if (!(fabs(value - expected[p * 3 + c]) < 1e-3))
                fail_msg("%s, item %u, input %ux%u: channel %u of pixel %u, %u is %.9g, not %u", what, item, width,
                         height, c, (unsigned)(p % width), (unsigned)(p / width), value, expected[p * 3 + c]);
        }
}

uint32_t count_differences(gvk_stream *stream, gvk_ticket ticket, uint32_t item, const double *expected, size_t pixels,
                           double tolerance, double *worst)
{
    const float *values = input_of(stream, ticket, item);
    uint32_t count = 0;
    *worst = 0;
    for (uint32_t c = 0; c < 3; c++)
        for (size_t p = 0; p < pixels; p++) {
            if (isnan(expected[p * 3 + c]))
                continue;
            double difference = fabs(255.0 * (double)values[c * pixels + p] - expected[p * 3 + c]);
            count += !(difference <= tolerance);
            *worst = fmax(*worst, isnan(difference) ? INFINITY : difference);
        }
    return count;
}

/* ---- memory ---- */

static VkDeviceMemory allocate(const VkMemoryRequirements *needs, VkMemoryPropertyFlags wanted)
{
    VkDeviceMemory memory = VK_NULL_HANDLE;
    for (uint32_t i = 0; i < host.memory.memoryTypeCount && !memory; i++) {
        if (!(needs->memoryTypeBits & (1u << i)) || (host.memory.memoryTypes[i].propertyFlags & wanted) != wanted)
            continue;
        VkMemoryAllocateInfo info = {
            .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .allocationSize = needs->size, .memoryTypeIndex = i};
        assert_int_equal(vkAllocateMemory(host.handles.device, &info, NULL, &memory), VK_SUCCESS);
    }
    assert_non_null(memory);
    return memory;
}

struct host_buffer create_host_buffer(VkDeviceSize bytes, VkBufferUsageFlags usage)
{
    struct host_buffer made = {.bytes = bytes};
    VkBufferCreateInfo create = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = bytes, .usage = usage};
    assert_int_equal(vkCreateBuffer(host.handles.device, &create, NULL, &made.buffer), VK_SUCCESS);
    VkMemoryRequirements needs;
    vkGetBufferMemoryRequirements(host.handles.device, made.buffer, &needs);
    made.memory = allocate(&needs, VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT);
    assert_int_equal(vkBindBufferMemory(host.handles.device, made.buffer, made.memory, 0), VK_SUCCESS);
    assert_int_equal(vkMapMemory(host.handles.device, made.memory, 0, VK_WHOLE_SIZE, 0, &made.mapped), VK_SUCCESS);
    return made;
}

void destroy_host_buffer(struct host_buffer *buffer)
{
    vkDestroyBuffer(host.handles.device, buffer->buffer, NULL);
    vkFreeMemory(host.handles.device, buffer->memory, NULL);
    *buffer = (struct host_buffer){0};
}

/* ---- images ---- */

VkImageView create_view(const struct host_image *image, VkFormat format, VkImageAspectFlags aspect, const void *next)
{
    VkImageView view = VK_NULL_HANDLE;
    VkImageViewCreateInfo create = {
        .sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
        .pNext = next,
        .image = image->image,
        .viewType = VK_IMAGE_VIEW_TYPE_2D,
        .format = format,
        .subresourceRange = {.aspectMask = aspect, .levelCount = 1, .layerCount = 1},
    };
    assert_int_equal(vkCreateImageView(host.handles.device, &create, NULL, &view), VK_SUCCESS);
    return view;
}

bool create_host_image(VkFormat format, uint32_t width, uint32_t height, VkImageCreateFlags flags,
                       struct host_image *out)
{
    VkFormatProperties can;
    vkGetPhysicalDeviceFormatProperties(host.handles.physical_device, format, &can);
    VkFormatFeatureFlags wanted = VK_FORMAT_FEATURE_SAMPLED_IMAGE_BIT | VK_FORMAT_FEATURE_TRANSFER_DST_BIT;
    if ((can.optimalTilingFeatures & wanted) != wanted)
        return false;
    struct host_image made = {.format = format, .width = width, .height = height};
    VkImageCreateInfo create = {
        .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
        .flags = flags,
        .imageType = VK_IMAGE_TYPE_2D,
        .format = format,
        .extent = {width, height, 1},
        .mipLevels = 1,
        .arrayLayers = 1,
        .samples = VK_SAMPLE_COUNT_1_BIT,
        .tiling = VK_IMAGE_TILING_OPTIMAL,
        .usage = VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT,
    };
    assert_int_equal(vkCreateImage(host.handles.device, &create, NULL, &made.image), VK_SUCCESS);
    VkMemoryRequirements needs;
    vkGetImageMemoryRequirements(host.handles.device, made.image, &needs);
    made.memory = allocate(&needs, 0);
    assert_int_equal(vkBindImageMemory(host.handles.device, made.image, made.memory, 0), VK_SUCCESS);
    if (format != VK_FORMAT_G8_B8R8_2PLANE_420_UNORM)
        made.view = create_view(&made, format, VK_IMAGE_ASPECT_COLOR_BIT, NULL);
    *out = made;
    return true;
}

void destroy_host_image(struct host_image *image)
{
    if (image->view)
        vkDestroyImageView(host.handles.device, image->view, NULL);
    vkDestroyImage(host.handles.device, image->image, NULL);
    vkFreeMemory(host.handles.device, image->memory, NULL);
    *image = (struct host_image){0};
}

static void record_layout(VkCommandBuffer commands, const struct host_image *image, VkImageLayout from,
                          VkImageLayout to)
{
    /* No access of the device's behind it: the library's barrier is to see to that. */
    bool first = to == VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL;
    VkImageMemoryBarrier barrier = {
        .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
        .srcAccessMask = first ? 0 : VK_ACCESS_TRANSFER_WRITE_BIT,
        .dstAccessMask = first ? VK_ACCESS_TRANSFER_WRITE_BIT : 0,
        .oldLayout = from,
        .newLayout = to,
        .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
        .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
        .image = image->image,
        .subresourceRange = {.aspectMask = VK_IMAGE_ASPECT_COLOR_BIT, .levelCount = 1, .layerCount = 1},
    };
    vkCmdPipelineBarrier(commands, first ? VK_PIPELINE_STAGE_ALL_COMMANDS_BIT : VK_PIPELINE_STAGE_TRANSFER_BIT,
                         VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0, NULL, 0, NULL, 1, &barrier);
}

struct host_buffer draw_image_later(struct host_image *image, VkImageAspectFlags aspect, const void *texels,
                                    size_t bytes, VkImageLayout layout)
{
    struct host_buffer from = create_host_buffer(bytes, VK_BUFFER_USAGE_TRANSFER_SRC_BIT);
    memcpy(from.mapped, texels, bytes);
    VkCommandBuffer commands;
    VkCommandBufferAllocateInfo allocate_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                                 .commandPool = host.pool,
                                                 .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                                 .commandBufferCount = 1};
    VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                      .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
    uint32_t half = aspect == VK_IMAGE_ASPECT_PLANE_1_BIT ? 2 : 1;
    VkBufferImageCopy region = {
        .imageSubresource = {.aspectMask = aspect, .layerCount = 1},
        .imageExtent = {(image->width + half - 1) / half, (image->height + half - 1) / half, 1},
    };
    assert_int_equal(vkAllocateCommandBuffers(host.handles.device, &allocate_info, &commands), VK_SUCCESS);
    assert_int_equal(vkBeginCommandBuffer(commands, &begin), VK_SUCCESS);
    record_layout(commands, image, image->layout, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL);
    vkCmdCopyBufferToImage(commands, from.buffer, image->image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &region);
    record_layout(commands, image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, layout);
    assert_int_equal(vkEndCommandBuffer(commands), VK_SUCCESS);
    VkSubmitInfo submit = {
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &commands};
    assert_int_equal(vkQueueSubmit(host.handles.queue, 1, &submit, VK_NULL_HANDLE), VK_SUCCESS);
    image->layout = layout;
    return from;
}

void draw_image(struct host_image *image, VkImageAspectFlags aspect, const void *texels, size_t bytes,
                VkImageLayout layout)
{
    struct host_buffer from = draw_image_later(image, aspect, texels, bytes, layout);
    wait_for_queue();
    destroy_host_buffer(&from);
}

void wait_for_queue(void)
{
    assert_int_equal(vkQueueWaitIdle(host.handles.queue), VK_SUCCESS);
}
