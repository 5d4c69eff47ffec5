/* Copies between buffers and the host; device_memory.h says for what. */
#include "device_memory.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/vulkan/queue.h"
#include "runtime/vulkan/wait.h"
#include "tests/support/harness.h"

/* Copies the buffer to `to`, which the host can see, and waits. */
static VkResult copy_back(struct gvk_device *device, const struct gvk_buffer *from, const struct gvk_buffer *to)
{
    const struct gvk_functions *vk = &device->vk;
    VkCommandPool pool = VK_NULL_HANDLE;
    VkCommandBuffer commands = VK_NULL_HANDLE;
    VkFence fence = VK_NULL_HANDLE;
    VkCommandPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                         .queueFamilyIndex = device->queue_family};
    VkFenceCreateInfo fence_info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                      .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
    VkMemoryBarrier computed = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                                .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
                                .dstAccessMask = VK_ACCESS_TRANSFER_READ_BIT};
    VkMemoryBarrier copied = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                              .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
                              .dstAccessMask = VK_ACCESS_HOST_READ_BIT};
    VkBufferCopy region = {.size = from->bytes};
    VkResult result = vk->CreateCommandPool(device->device, &pool_info, NULL, &pool);
    if (result)
        goto done;
    VkCommandBufferAllocateInfo allocate = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                            .commandPool = pool,
                                            .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                            .commandBufferCount = 1};
    result = vk->AllocateCommandBuffers(device->device, &allocate, &commands);
    if (!result)
        result = vk->CreateFence(device->device, &fence_info, NULL, &fence);
    if (!result)
        result = vk->BeginCommandBuffer(commands, &begin);
    if (result)
        goto done;
    vk->CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 1,
                           &computed, 0, NULL, 0, NULL);
    vk->CmdCopyBuffer(commands, from->buffer, to->buffer, 1, &region);
    vk->CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &copied, 0, NULL,
                           0, NULL);
    result = vk->EndCommandBuffer(commands);
    if (result)
        goto done;
    result =
        gvk_queue_submit(device, &(struct gvk_submission){.commands = &commands, .command_count = 1, .fence = fence});
    if (!result)
        result = gvk_wait(device, fence, GVK_PATIENTLY, "a test's copy");
done:
    if (fence)
        vk->DestroyFence(device->device, fence, NULL);
    if (pool)
        vk->DestroyCommandPool(device->device, pool, NULL);
    return result;
}

unsigned char *load_buffer(struct gvk_device *device, const struct gvk_buffer *buffer)
{
    unsigned char *bytes = malloc((size_t)buffer->bytes);
    struct gvk_buffer staging = {0};
    const struct gvk_buffer *visible = buffer;
    assert_non_null(bytes);
    if (!buffer->mapped) {
        assert_ok(gvk_buffer_create(device, buffer->bytes, GVK_BUFFER_READBACK, "a test's copy", &staging));
        assert_int_equal(copy_back(device, buffer, &staging), VK_SUCCESS);
        visible = &staging;
    }
    assert_ok(gvk_buffer_invalidate(device, visible));
    memcpy(bytes, visible->mapped, (size_t)buffer->bytes);
    gvk_buffer_destroy(device, &staging);
    return bytes;
}

void store_buffer(struct gvk_device *device, const struct gvk_buffer *buffer, const unsigned char *bytes)
{
    if (!buffer->mapped) {
        assert_ok(gvk_transfer_to_device(device, bytes, buffer->bytes, buffer));
        return;
    }
    memcpy(buffer->mapped, bytes, (size_t)buffer->bytes);
    assert_ok(gvk_buffer_flush(device, buffer));
}
