/* Makes one mistake that the validation layers must report: proof that a run under them looks at all.
 * usage: planted_fault core|synchronisation. Called by validate.sh, which looks for the message. */
#include <stdio.h>
#include <string.h>

#include <volk.h>

#include "host_device.h"

static VkBuffer create_buffer(VkDevice device, VkBufferUsageFlags usage)
{
    VkBufferCreateInfo create = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = 256, .usage = usage};
    VkBuffer buffer = VK_NULL_HANDLE;
    vkCreateBuffer(device, &create, NULL, &buffer);
    return buffer;
}

/* A buffer without any usage. */
static void plant_core(const struct host_device *host)
{
    vkDestroyBuffer(host->device, create_buffer(host->device, 0), NULL);
}

/* What one copy wrote, another reads without a barrier. */
static void plant_synchronisation(const struct host_device *host)
{
    VkDevice device = host->device;
    VkBuffer buffer = create_buffer(device, VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT);
    VkMemoryRequirements needs;
    vkGetBufferMemoryRequirements(device, buffer, &needs);
    VkMemoryAllocateInfo allocate = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .allocationSize = needs.size};
    while (!(needs.memoryTypeBits >> allocate.memoryTypeIndex & 1))
        allocate.memoryTypeIndex++;
    VkDeviceMemory memory = VK_NULL_HANDLE;
    vkAllocateMemory(device, &allocate, NULL, &memory);
    vkBindBufferMemory(device, buffer, memory, 0);
    VkCommandPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                         .queueFamilyIndex = host->queue_family};
    VkCommandPool pool = VK_NULL_HANDLE;
    vkCreateCommandPool(device, &pool_info, NULL, &pool);
    VkCommandBufferAllocateInfo buffers = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, .commandPool = pool, .commandBufferCount = 1};
    VkCommandBuffer commands = VK_NULL_HANDLE;
    vkAllocateCommandBuffers(device, &buffers, &commands);
    VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    vkBeginCommandBuffer(commands, &begin);
    VkBufferCopy first = {.srcOffset = 0, .dstOffset = 64, .size = 64};
    VkBufferCopy second = {.srcOffset = 64, .dstOffset = 128, .size = 64};
    vkCmdCopyBuffer(commands, buffer, buffer, 1, &first);
    vkCmdCopyBuffer(commands, buffer, buffer, 1, &second);
    vkEndCommandBuffer(commands);
    vkDestroyCommandPool(device, pool, NULL);
    vkDestroyBuffer(device, buffer, NULL);
    vkFreeMemory(device, memory, NULL);
}

int main(int count, char **arguments)
{
    struct host_device host;
    if (count != 2 || !host_device_create(&host)) {
        fprintf(stderr, "usage: planted_fault core|synchronisation, with a Vulkan driver\n");
        return 2;
    }
    if (!strcmp(arguments[1], "core"))
        plant_core(&host);
    else
        plant_synchronisation(&host);
    host_device_destroy(&host);
    return 0;
}
