/* The one place that submits to the queue; and copies through a staging buffer, which are waited for. */
#include "queue.h"

#include <string.h>

#include "debug.h"
#include "wait.h"

/* Of an upload at a time: the memory that it takes for a moment counts against the host's ceiling. */
#define MOST_STAGED ((uint64_t)4 << 20)

/* Semaphores as Vulkan takes them. */
struct semaphore_list {
    VkSemaphore semaphores[GVK_MAX_SEMAPHORES];
    uint64_t values[GVK_MAX_SEMAPHORES];
    VkPipelineStageFlags stages[GVK_MAX_SEMAPHORES];
    bool has_timelines;
};

/* An empty list is NULL in a submission: arrays without a count make a reader look twice, and layers warn. */
#define OR_NULL(array, count) ((count) ? (array) : NULL)

static void list_semaphores(const gvk_semaphore *from, uint32_t count, struct semaphore_list *out)
{
    out->has_timelines = false;
    for (uint32_t i = 0; i < count; i++) {
        out->semaphores[i] = from[i].semaphore;
        out->values[i] = from[i].value;
        out->stages[i] = from[i].stages ? from[i].stages : VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
        out->has_timelines |= from[i].value != 0;
    }
}

VkResult gvk_queue_submit(struct gvk_device *device, const struct gvk_submission *submission)
{
    struct semaphore_list waits, signals;
    list_semaphores(submission->waits, submission->wait_count, &waits);
    list_semaphores(submission->signals, submission->signal_count, &signals);
    VkTimelineSemaphoreSubmitInfo values = {
        .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
        .waitSemaphoreValueCount = submission->wait_count,
        .pWaitSemaphoreValues = OR_NULL(waits.values, submission->wait_count),
        .signalSemaphoreValueCount = submission->signal_count,
        .pSignalSemaphoreValues = OR_NULL(signals.values, submission->signal_count),
    };
    VkSubmitInfo submit = {
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
        .pNext = waits.has_timelines || signals.has_timelines ? &values : NULL,
        .waitSemaphoreCount = submission->wait_count,
        .pWaitSemaphores = OR_NULL(waits.semaphores, submission->wait_count),
        .pWaitDstStageMask = OR_NULL(waits.stages, submission->wait_count),
        .commandBufferCount = submission->command_count,
        .pCommandBuffers = submission->commands,
        .signalSemaphoreCount = submission->signal_count,
        .pSignalSemaphores = OR_NULL(signals.semaphores, submission->signal_count),
    };
    uint32_t count = submission->command_count || submission->wait_count || submission->signal_count ? 1 : 0;
    const VkSubmitInfo *submits = count ? &submit : NULL;
    if (device->host_submit)
        return device->host_submit(device->host_submit_user, count, submits, submission->fence);
    device->lock_queue(device->queue_user);
    VkResult result = device->vk.QueueSubmit(device->queue, count, submits, submission->fence);
    device->unlock_queue(device->queue_user);
    return result;
}

/* What an upload uses, until it is done. */
struct transfer {
    gvk_device *device;
    struct gvk_buffer staging;
    VkCommandPool pool;
    VkCommandBuffer commands;
    VkFence fence;
    struct gvk_remains remains;
};

static bool is_unused(void *object)
{
    const struct transfer *transfer = object;
    return gvk_is_unused(transfer->device, transfer->fence);
}

static void destroy_transfer(void *object)
{
    struct transfer *transfer = object;
    gvk_device *device = transfer->device;
    if (transfer->fence)
        device->vk.DestroyFence(device->device, transfer->fence, NULL);
    if (transfer->pool)
        device->vk.DestroyCommandPool(device->device, transfer->pool, NULL);
    gvk_buffer_destroy(device, &transfer->staging);
    gvk_release(&device->host, transfer);
}

uint64_t gvk_staging_bytes(uint64_t count)
{
    return count < MOST_STAGED ? count : MOST_STAGED;
}

static gvk_result prepare(struct transfer *transfer, uint64_t count)
{
    gvk_device *device = transfer->device;
    const struct gvk_functions *vk = &device->vk;
    gvk_result result =
        gvk_buffer_create(device, gvk_staging_bytes(count), GVK_BUFFER_UPLOAD, "weights, staged", &transfer->staging);
    VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                    .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
                                    .queueFamilyIndex = device->queue_family};
    if (!result)
        result = GVK_VULKAN(device, "vkCreateCommandPool",
                            vk->CreateCommandPool(device->device, &pool, NULL, &transfer->pool));
    if (result)
        return result;
    VkCommandBufferAllocateInfo allocate = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                            .commandPool = transfer->pool,
                                            .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                            .commandBufferCount = 1};
    result = GVK_VULKAN(device, "vkAllocateCommandBuffers",
                        vk->AllocateCommandBuffers(device->device, &allocate, &transfer->commands));
    if (result)
        return result;
    gvk_name_object(device, VK_OBJECT_TYPE_COMMAND_BUFFER, (uint64_t)(uintptr_t)transfer->commands,
                    "upload of weights");
    VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    return GVK_VULKAN(device, "vkCreateFence", vk->CreateFence(device->device, &fence, NULL, &transfer->fence));
}

/* A copy of what is staged, recorded. */
static gvk_result record(const struct transfer *transfer, const struct gvk_buffer *to, uint64_t offset, uint64_t bytes)
{
    const gvk_device *device = transfer->device;
    const struct gvk_functions *vk = &device->vk;
    VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                      .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
    gvk_result result = GVK_VULKAN(device, "vkBeginCommandBuffer", vk->BeginCommandBuffer(transfer->commands, &begin));
    if (result)
        return result;
    VkBufferCopy region = {.dstOffset = offset, .size = bytes};
    vk->CmdCopyBuffer(transfer->commands, transfer->staging.buffer, to->buffer, 1, &region);
    VkMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                               .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
                               .dstAccessMask = VK_ACCESS_SHADER_READ_BIT};
    vk->CmdPipelineBarrier(transfer->commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, 0,
                           1, &barrier, 0, NULL, 0, NULL);
    return GVK_VULKAN(device, "vkEndCommandBuffer", vk->EndCommandBuffer(transfer->commands));
}

/* *kept: the device may still use the transfer, which therefore belongs to the device from here on. */
static gvk_result submit(struct transfer *transfer, bool *kept)
{
    static const char what[] = "an upload";
    gvk_device *device = transfer->device;
    const struct gvk_submission submission = {
        .commands = &transfer->commands, .command_count = 1, .fence = transfer->fence};
    gvk_result result = GVK_VULKAN(device, "vkQueueSubmit", gvk_queue_submit(device, &submission));
    if (result)
        return result;
    VkResult waited = gvk_wait(device, transfer->fence, GVK_PATIENTLY, what);
    result = waited == VK_TIMEOUT ? gvk_fail(&device->host, GVK_ERROR_DEVICE_LOST,
                                             "The device did not finish %s; it is taken for lost.", what)
                                  : GVK_VULKAN(device, "vkWaitForFences", waited);
    if (waited == VK_TIMEOUT || (waited < 0 && !gvk_wait_until_unused(device, transfer->fence, what))) {
        transfer->remains =
            (struct gvk_remains){.is_unused = is_unused, .destroy = destroy_transfer, .object = transfer};
        gvk_remains_keep(device, &transfer->remains);
        *kept = true;
    }
    return result;
}

gvk_result gvk_transfer_to_device(struct gvk_device *device, const void *bytes, uint64_t count,
                                  const struct gvk_buffer *to)
{
    bool kept = false;
    struct transfer *transfer = gvk_allocate(&device->host, sizeof *transfer);
    if (!transfer)
        return gvk_fail_memory(&device->host);
    transfer->device = device;
    gvk_result result = prepare(transfer, count);
    for (uint64_t done = 0; done < count && !result;) {
        uint64_t piece = gvk_staging_bytes(count - done);
        if (done)
            result = GVK_VULKAN(device, "vkResetFences", device->vk.ResetFences(device->device, 1, &transfer->fence));
        memcpy(transfer->staging.mapped, (const char *)bytes + done, (size_t)piece);
        if (!result)
            result = gvk_buffer_flush(device, &transfer->staging);
        if (!result)
            result = record(transfer, to, done, piece);
        if (!result)
            result = submit(transfer, &kept);
        done += piece;
    }
    if (!kept)
        destroy_transfer(transfer);
    return result;
}
