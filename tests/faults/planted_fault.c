/* Makes one mistake that the validation layers must report: proof that a run under them looks at all.
 * usage: planted_fault core|synchronisation|shader|practices|vendor. The message is to be looked for in what
 * the layers say. */
#include <stdio.h>
#include <string.h>

#include <volk.h>

#include "shaders/shared.h"
#include "tests/device/shader_words.h"
#include "tests/support/host_device.h"

static VkBuffer create_buffer(VkDevice device, VkDeviceSize bytes, VkBufferUsageFlags usage)
{
    VkBufferCreateInfo create = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = bytes, .usage = usage};
    VkBuffer buffer = VK_NULL_HANDLE;
    vkCreateBuffer(device, &create, NULL, &buffer);
    return buffer;
}

static VkDeviceMemory bind_memory(VkDevice device, VkBuffer buffer)
{
    VkMemoryRequirements needs;
    vkGetBufferMemoryRequirements(device, buffer, &needs);
    VkMemoryAllocateInfo allocate = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .allocationSize = needs.size};
    while (!(needs.memoryTypeBits >> allocate.memoryTypeIndex & 1))
        allocate.memoryTypeIndex++;
    VkDeviceMemory memory = VK_NULL_HANDLE;
    vkAllocateMemory(device, &allocate, NULL, &memory);
    vkBindBufferMemory(device, buffer, memory, 0);
    return memory;
}

static VkCommandBuffer begin_commands(const struct host_device *host, VkCommandPool *pool)
{
    VkCommandPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                         .queueFamilyIndex = host->queue_family};
    vkCreateCommandPool(host->device, &pool_info, NULL, pool);
    VkCommandBufferAllocateInfo buffers = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, .commandPool = *pool, .commandBufferCount = 1};
    VkCommandBuffer commands = VK_NULL_HANDLE;
    vkAllocateCommandBuffers(host->device, &buffers, &commands);
    VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    vkBeginCommandBuffer(commands, &begin);
    return commands;
}

/* A buffer without any usage. */
static void plant_core(const struct host_device *host)
{
    vkDestroyBuffer(host->device, create_buffer(host->device, 256, 0), NULL);
}

/* What one copy wrote, another reads without a barrier. */
static void plant_synchronisation(const struct host_device *host)
{
    VkDevice device = host->device;
    VkBuffer buffer = create_buffer(device, 256, VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT);
    VkDeviceMemory memory = bind_memory(device, buffer);
    VkCommandPool pool = VK_NULL_HANDLE;
    VkCommandBuffer commands = begin_commands(host, &pool);
    VkBufferCopy first = {.srcOffset = 0, .dstOffset = 64, .size = 64};
    VkBufferCopy second = {.srcOffset = 64, .dstOffset = 128, .size = 64};
    vkCmdCopyBuffer(commands, buffer, buffer, 1, &first);
    vkCmdCopyBuffer(commands, buffer, buffer, 1, &second);
    vkEndCommandBuffer(commands);
    vkDestroyCommandPool(device, pool, NULL);
    vkDestroyBuffer(device, buffer, NULL);
    vkFreeMemory(device, memory, NULL);
}

/* What the runtime's average pool takes to run: it reads binding SOURCE and writes binding OUTPUT. */
struct pool_kernel {
    VkDescriptorSetLayout set_layout;
    VkPipelineLayout layout;
    VkShaderModule module;
    VkPipeline pipeline;
    VkDescriptorPool sets;
    VkDescriptorSet set;
};

enum { OUTPUT, SOURCE, BINDINGS };
static const uint32_t binding_numbers[BINDINGS] = {GVK_BINDING_OUTPUT, GVK_BINDING_SOURCE};

static void create_layouts(VkDevice device, struct pool_kernel *kernel)
{
    VkDescriptorSetLayoutBinding bindings[BINDINGS];
    for (uint32_t i = 0; i < BINDINGS; i++)
        bindings[i] = (VkDescriptorSetLayoutBinding){.binding = binding_numbers[i],
                                                     .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                                     .descriptorCount = 1,
                                                     .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT};
    VkDescriptorSetLayoutCreateInfo set = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = BINDINGS, .pBindings = bindings};
    vkCreateDescriptorSetLayout(device, &set, NULL, &kernel->set_layout);
    VkPushConstantRange range = {.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT, .size = GVK_PUSH_BYTES};
    VkPipelineLayoutCreateInfo layout = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                         .setLayoutCount = 1,
                                         .pSetLayouts = &kernel->set_layout,
                                         .pushConstantRangeCount = 1,
                                         .pPushConstantRanges = &range};
    vkCreatePipelineLayout(device, &layout, NULL, &kernel->layout);
}

static void create_pipeline(VkDevice device, struct pool_kernel *kernel)
{
    const struct gvk_shader_code *code = &gvk_shader_codes[GVK_SHADER_AVERAGE_POOL];
    VkShaderModuleCreateInfo module = {.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
                                       .codeSize = code->bytes,
                                       .pCode = shader_words(GVK_SHADER_AVERAGE_POOL)};
    vkCreateShaderModule(device, &module, NULL, &kernel->module);
    VkComputePipelineCreateInfo pipeline = {
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                  .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                  .module = kernel->module,
                  .pName = "main"},
        .layout = kernel->layout,
    };
    vkCreateComputePipelines(device, VK_NULL_HANDLE, 1, &pipeline, NULL, &kernel->pipeline);
}

static void create_set(VkDevice device, struct pool_kernel *kernel, const VkDescriptorBufferInfo ranges[BINDINGS])
{
    VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, BINDINGS};
    VkDescriptorPoolCreateInfo pool = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO, .maxSets = 1, .poolSizeCount = 1, .pPoolSizes = &size};
    vkCreateDescriptorPool(device, &pool, NULL, &kernel->sets);
    VkDescriptorSetAllocateInfo allocate = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                                            .descriptorPool = kernel->sets,
                                            .descriptorSetCount = 1,
                                            .pSetLayouts = &kernel->set_layout};
    vkAllocateDescriptorSets(device, &allocate, &kernel->set);
    for (uint32_t i = 0; i < BINDINGS; i++) {
        VkWriteDescriptorSet write = {.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                                      .dstSet = kernel->set,
                                      .dstBinding = binding_numbers[i],
                                      .descriptorCount = 1,
                                      .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                      .pBufferInfo = &ranges[i]};
        vkUpdateDescriptorSets(device, 1, &write, 0, NULL);
    }
}

/* An average pool of an 8 x 8 plane, 1024 bytes, of which 64 are bound. The buffer goes on behind them: what is left is
 * the bound range alone. */
static void plant_shader(const struct host_device *host)
{
    VkDevice device = host->device;
    struct pool_kernel kernel = {0};
    VkBuffer buffer = create_buffer(device, 2048, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT);
    VkDeviceMemory memory = bind_memory(device, buffer);
    create_layouts(device, &kernel);
    create_pipeline(device, &kernel);
    create_set(device, &kernel, (VkDescriptorBufferInfo[BINDINGS]){{buffer, 1024, 1024}, {buffer, 0, 64}});
    VkCommandPool pool = VK_NULL_HANDLE;
    VkCommandBuffer commands = begin_commands(host, &pool);
    const struct gvk_planes_push push = {.quads = 1, .width = 8, .height = 8};
    vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, kernel.pipeline);
    vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, kernel.layout, 0, 1, &kernel.set, 0, NULL);
    vkCmdPushConstants(commands, kernel.layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof push, &push);
    vkCmdDispatch(commands, 1, 1, 1);
    vkEndCommandBuffer(commands);
    VkSubmitInfo submit = {
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &commands};
    vkQueueSubmit(host->queue, 1, &submit, VK_NULL_HANDLE);
    vkQueueWaitIdle(host->queue);
    vkDestroyCommandPool(device, pool, NULL);
    vkDestroyDescriptorPool(device, kernel.sets, NULL);
    vkDestroyPipeline(device, kernel.pipeline, NULL);
    vkDestroyShaderModule(device, kernel.module, NULL);
    vkDestroyPipelineLayout(device, kernel.layout, NULL);
    vkDestroyDescriptorSetLayout(device, kernel.set_layout, NULL);
    vkDestroyBuffer(device, buffer, NULL);
    vkFreeMemory(device, memory, NULL);
}

/* A buffer that is bound before anybody asked what memory it needs. */
static void plant_practices(const struct host_device *host)
{
    VkDevice device = host->device;
    VkBuffer buffer = create_buffer(device, 256, VK_BUFFER_USAGE_TRANSFER_DST_BIT);
    VkMemoryAllocateInfo allocate = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .allocationSize = 1 << 20};
    VkDeviceMemory memory = VK_NULL_HANDLE;
    vkAllocateMemory(device, &allocate, NULL, &memory);
    vkBindBufferMemory(device, buffer, memory, 0);
    vkDestroyBuffer(device, buffer, NULL);
    vkFreeMemory(device, memory, NULL);
}

/* A sampler that wraps differently along its axes, which Arm's checks alone speak of. */
static void plant_vendor(const struct host_device *host)
{
    VkSamplerCreateInfo create = {
        .sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO,
        .addressModeU = VK_SAMPLER_ADDRESS_MODE_REPEAT,
        .addressModeV = VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE,
        .addressModeW = VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE,
        .maxLod = VK_LOD_CLAMP_NONE,
    };
    VkSampler sampler = VK_NULL_HANDLE;
    vkCreateSampler(host->device, &create, NULL, &sampler);
    vkDestroySampler(host->device, sampler, NULL);
}

int main(int count, char **arguments)
{
    static const struct {
        const char *name;
        void (*plant)(const struct host_device *host);
    } faults[] = {{"core", plant_core},
                  {"synchronisation", plant_synchronisation},
                  {"shader", plant_shader},
                  {"practices", plant_practices},
                  {"vendor", plant_vendor}};
    for (size_t i = 0; count == 2 && i < sizeof faults / sizeof faults[0]; i++) {
        struct host_device host;
        if (strcmp(arguments[1], faults[i].name))
            continue;
        if (!host_device_create(&host)) {
            fprintf(stderr, "planted_fault: %s\n", host.fault);
            return 2;
        }
        faults[i].plant(&host);
        host_device_destroy(&host);
        return 0;
    }
    fprintf(stderr, "usage: planted_fault core|synchronisation|shader|practices|vendor\n");
    return 2;
}
