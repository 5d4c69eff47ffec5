/* Copies through a staging buffer, once, and waits; the one place that submits to the queue. */
#include "transfer.h"

#include <string.h>

gvk_result gvk_queue_submit(struct gvk_device *device, const VkSubmitInfo *submit, VkFence fence)
{
    device->lock_queue(device->queue_user);
    VkResult result = device->vk.QueueSubmit(device->queue, 1, submit, fence);
    device->unlock_queue(device->queue_user);
    return GVK_VULKAN(device, "vkQueueSubmit", result);
}

VkResult gvk_fence_settle(const struct gvk_device *device, VkFence fence)
{
    VkResult waited = VK_ERROR_UNKNOWN;
    for (int i = 0; i < 3 && waited < 0 && waited != VK_ERROR_DEVICE_LOST; i++)
        waited = device->vk.WaitForFences(device->device, 1, &fence, VK_TRUE, GVK_WAIT_NS);
    return waited;
}

gvk_result gvk_transfer_to_device(struct gvk_device *device, const void *bytes, uint64_t count,
                                  const struct gvk_buffer *to)
{
    const struct gvk_functions *vk = &device->vk;
    struct gvk_buffer staging = {0};
    VkCommandPool pool = VK_NULL_HANDLE;
    VkFence fence = VK_NULL_HANDLE;
    gvk_result result = gvk_buffer_create(device, count, GVK_BUFFER_UPLOAD, "weights, staged", &staging);
    if (result)
        return result;
    memcpy(staging.mapped, bytes, (size_t)count);
    result = gvk_buffer_flush(device, &staging);
    if (result)
        goto done;
    VkCommandPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                         .queueFamilyIndex = device->queue_family};
    result = GVK_VULKAN(device, "vkCreateCommandPool", vk->CreateCommandPool(device->device, &pool_info, NULL, &pool));
    if (result)
        goto done;
    VkCommandBuffer commands = VK_NULL_HANDLE;
    VkCommandBufferAllocateInfo allocate = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                            .commandPool = pool,
                                            .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                            .commandBufferCount = 1};
    result = GVK_VULKAN(device, "vkAllocateCommandBuffers",
                        vk->AllocateCommandBuffers(device->device, &allocate, &commands));
    if (result)
        goto done;
    gvk_name_object(device, VK_OBJECT_TYPE_COMMAND_BUFFER, (uint64_t)(uintptr_t)commands, "upload of weights");
    VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                      .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
    result = GVK_VULKAN(device, "vkBeginCommandBuffer", vk->BeginCommandBuffer(commands, &begin));
    if (result)
        goto done;
    VkBufferCopy region = {.size = count};
    vk->CmdCopyBuffer(commands, staging.buffer, to->buffer, 1, &region);
    VkMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                               .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
                               .dstAccessMask = VK_ACCESS_SHADER_READ_BIT};
    vk->CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, 0, 1,
                           &barrier, 0, NULL, 0, NULL);
    result = GVK_VULKAN(device, "vkEndCommandBuffer", vk->EndCommandBuffer(commands));
    if (result)
        goto done;
    VkFenceCreateInfo fence_info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    result = GVK_VULKAN(device, "vkCreateFence", vk->CreateFence(device->device, &fence_info, NULL, &fence));
    if (result)
        goto done;
    VkSubmitInfo submit = {
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &commands};
    result = gvk_queue_submit(device, &submit, fence);
    if (result)
        goto done;
    VkResult waited = vk->WaitForFences(device->device, 1, &fence, VK_TRUE, GVK_WAIT_NS);
    if (waited < 0)
        gvk_fence_settle(device, fence);
    result = waited == VK_TIMEOUT
                 ? gvk_fail(&device->host, GVK_ERROR_DEVICE_LOST, "The device did not finish an upload.")
                 : GVK_VULKAN(device, "vkWaitForFences", waited);
done:
    if (fence)
        vk->DestroyFence(device->device, fence, NULL);
    if (pool)
        vk->DestroyCommandPool(device->device, pool, NULL);
    gvk_buffer_destroy(device, &staging);
    return result;
}
