/* Queue family ownership of the host's buffers and images, and order on the queue. */
#include "handover.h"

/* One picture's at a time: of a buffer, or of one or two images. */
struct transfer {
    VkBufferMemoryBarrier buffer;
    VkImageMemoryBarrier images[2];
    uint32_t buffer_count, image_count;
};

static VkImageMemoryBarrier image_barrier(const gvk_picture *picture, VkImage image)
{
    return (VkImageMemoryBarrier){
        .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
        .oldLayout = picture->layout,
        .newLayout = picture->layout,
        .image = image,
        .subresourceRange = {.aspectMask = VK_IMAGE_ASPECT_COLOR_BIT,
                             .levelCount = VK_REMAINING_MIP_LEVELS,
                             .layerCount = VK_REMAINING_ARRAY_LAYERS},
    };
}

static bool is_hosts(const struct gvk_picture_layout *layout)
{
    return layout->picture.kind == GVK_PICTURE_BUFFER || gvk_is_image(layout);
}

/* A buffer or an image that several pictures of a frame name is acquired once. */
static bool was_named_before(const struct gvk_picture_layout *layouts, uint32_t index, VkBuffer buffer, VkImage image)
{
    for (uint32_t i = 0; i < index; i++) {
        const gvk_picture *other = &layouts[i].picture;
        bool is_buffer = other->kind == GVK_PICTURE_BUFFER;
        if (!other->acquire || !is_hosts(&layouts[i]))
            continue;
        if (is_buffer ? buffer && other->buffer == buffer
                      : image && (other->image == image ||
                                  (other->kind == GVK_PICTURE_PLANES && other->chroma_image == image)))
            return true;
    }
    return false;
}

static struct transfer transfer_of(const struct gvk_picture_layout *layouts, uint32_t index)
{
    const gvk_picture *picture = &layouts[index].picture;
    struct transfer transfer = {0};
    if (picture->kind == GVK_PICTURE_BUFFER) {
        if (was_named_before(layouts, index, picture->buffer, VK_NULL_HANDLE))
            return transfer;
        transfer.buffer = (VkBufferMemoryBarrier){
            .sType = VK_STRUCTURE_TYPE_BUFFER_MEMORY_BARRIER, .buffer = picture->buffer, .size = VK_WHOLE_SIZE};
        transfer.buffer_count = 1;
        return transfer;
    }
    if (!was_named_before(layouts, index, VK_NULL_HANDLE, picture->image))
        transfer.images[transfer.image_count++] = image_barrier(picture, picture->image);
    if (picture->kind == GVK_PICTURE_PLANES && picture->chroma_image && picture->chroma_image != picture->image &&
        !was_named_before(layouts, index, VK_NULL_HANDLE, picture->chroma_image))
        transfer.images[transfer.image_count++] = image_barrier(picture, picture->chroma_image);
    return transfer;
}

static uint32_t record_transfers(const gvk_device *device, VkCommandBuffer commands,
                                 const struct gvk_picture_layout *layouts, uint32_t count, bool is_release)
{
    VkPipelineStageFlags from = is_release ? VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT : VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
    VkPipelineStageFlags to = is_release ? VK_PIPELINE_STAGE_ALL_COMMANDS_BIT : VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT;
    uint32_t recorded = 0;
    for (uint32_t i = 0; i < count; i++) {
        const gvk_picture *picture = &layouts[i].picture;
        if (!picture->acquire || picture->owner_family == device->queue_family || !is_hosts(&layouts[i]))
            continue;
        struct transfer transfer = transfer_of(layouts, i);
        if (!transfer.buffer_count && !transfer.image_count)
            continue;
        uint32_t source = is_release ? device->queue_family : picture->owner_family;
        uint32_t target = is_release ? picture->owner_family : device->queue_family;
        VkAccessFlags access = is_release ? 0 : VK_ACCESS_SHADER_READ_BIT;
        transfer.buffer.srcQueueFamilyIndex = source;
        transfer.buffer.dstQueueFamilyIndex = target;
        transfer.buffer.dstAccessMask = access;
        for (uint32_t j = 0; j < transfer.image_count; j++) {
            transfer.images[j].srcQueueFamilyIndex = source;
            transfer.images[j].dstQueueFamilyIndex = target;
            transfer.images[j].dstAccessMask = access;
        }
        device->vk.CmdPipelineBarrier(commands, from, to, 0, 0, NULL, transfer.buffer_count, &transfer.buffer,
                                      transfer.image_count, transfer.images);
        recorded++;
    }
    return recorded;
}

static bool any_is_hosts(const struct gvk_picture_layout *layouts, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (is_hosts(&layouts[i]))
            return true;
    return false;
}

uint32_t gvk_record_acquire(const gvk_device *device, VkCommandBuffer commands,
                            const struct gvk_picture_layout *layouts, uint32_t count)
{
    if (!any_is_hosts(layouts, count))
        return 0;
    VkMemoryBarrier barrier = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
        .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
        .dstAccessMask = VK_ACCESS_SHADER_READ_BIT,
    };
    device->vk.CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, 0,
                                  1, &barrier, 0, NULL, 0, NULL);
    return 1 + record_transfers(device, commands, layouts, count, false);
}

uint32_t gvk_record_release(const gvk_device *device, VkCommandBuffer commands,
                            const struct gvk_picture_layout *layouts, uint32_t count)
{
    if (!any_is_hosts(layouts, count))
        return 0;
    /* Of execution alone: nothing was written. */
    device->vk.CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0,
                                  0, NULL, 0, NULL, 0, NULL);
    return 1 + record_transfers(device, commands, layouts, count, true);
}
