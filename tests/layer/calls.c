/* A device's calls: each failable one may fail by plan, objects are counted, and what a real device would not forgive
 * (a fence destroyed while its work runs, a range over the limits shown) is noted as misuse. */
#include "layer.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* ---- fences and command buffers, whose states decide what may be done with them ------------------------------------
 */

enum state { STATE_FREE, STATE_IDLE, STATE_PENDING, STATE_RECORDING, STATE_EXECUTABLE };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct tracked {
    uint64_t handle, pool;
    enum state state;
} tracked[4096]; /* a frame in many parts has a command buffer for each */

static enum state swap_state(uint64_t handle, uint64_t pool, enum state state)
{
    enum state before = STATE_FREE;
    struct tracked *place = NULL;
    pthread_mutex_lock(&mutex);
    for (size_t i = 0; i < sizeof tracked / sizeof tracked[0]; i++) {
        if (tracked[i].state && tracked[i].handle == handle) {
            place = &tracked[i];
            break;
        }
        if (!tracked[i].state && !place)
            place = &tracked[i];
    }
    if (place) {
        before = place->state;
        *place = (struct tracked){handle, before ? place->pool : pool, state};
    }
    pthread_mutex_unlock(&mutex);
    if (!place)
        plan_note_misuse("There are more command buffers and fences than this layer has room to follow.");
    return before;
}

static void forget_pool(uint64_t pool)
{
    pthread_mutex_lock(&mutex);
    for (size_t i = 0; i < sizeof tracked / sizeof tracked[0]; i++)
        if (tracked[i].pool == pool)
            tracked[i].state = STATE_FREE;
    pthread_mutex_unlock(&mutex);
}

static void settle_fences(void)
{
    pthread_mutex_lock(&mutex);
    for (size_t i = 0; i < sizeof tracked / sizeof tracked[0]; i++)
        if (tracked[i].state == STATE_PENDING)
            tracked[i].state = STATE_IDLE;
    pthread_mutex_unlock(&mutex);
}

static VkResult strike(struct device *device, const char *call, bool loses)
{
    VkResult fault = plan_strike(call);
    if (loses && device->lost)
        return VK_ERROR_DEVICE_LOST;
    if (fault == VK_ERROR_DEVICE_LOST) {
        device->DeviceWaitIdle(device->handle); /* a lost device runs nothing any more */
        settle_fences();
        device->lost = loses;
    }
    return fault;
}

/* Returns from the calling function with a planned fault. A call that `loses` returns device lost ever after. */
#define STRIKE(device, call, loses)                                                                                    \
    do {                                                                                                               \
        VkResult fault = strike((device), (call), (loses));                                                            \
        if (fault != VK_SUCCESS)                                                                                       \
            return fault;                                                                                              \
    } while (0)

/* ---- objects ------------------------------------------------------------------------------------------------------
 */

#define CALL      static VKAPI_ATTR VkResult VKAPI_CALL
#define STATEMENT static VKAPI_ATTR void VKAPI_CALL

#define CREATE(Name, check)                                                                                            \
    CALL Create##Name(VkDevice handle, const Vk##Name##CreateInfo *info, const VkAllocationCallbacks *allocator,       \
                      Vk##Name *out)                                                                                   \
    {                                                                                                                  \
        struct device *device = device_of(handle);                                                                     \
        STRIKE(device, "vkCreate" #Name, false);                                                                       \
        check(info);                                                                                                   \
        VkResult result = device->Create##Name(handle, info, allocator, out);                                          \
        plan_count_object(result == VK_SUCCESS);                                                                       \
        return result;                                                                                                 \
    }
#define DESTROY(verb, Name, Handle, before)                                                                            \
    STATEMENT verb##Name(VkDevice device, Handle object, const VkAllocationCallbacks *allocator)                       \
    {                                                                                                                  \
        before((uint64_t)object);                                                                                      \
        plan_count_object(object ? -1 : 0);                                                                            \
        device_of(device)->verb##Name(device, object, allocator);                                                      \
    }
#define NOTHING(argument) (void)(argument)

static void check_view(const VkBufferViewCreateInfo *info)
{
    struct limits now = limits_now();
    if (now.texels && info->range / 16 > now.texels) /* RGBA32F is the one format of the runtime */
        plan_note_misuse("A buffer view has more texels than the device allows.");
    if (now.alignment && info->offset % now.alignment)
        plan_note_misuse("A buffer view starts off the device's alignment.");
}

static void check_set_layout(const VkDescriptorSetLayoutCreateInfo *info)
{
    uint32_t buffers = 0, allowed = limits_now().storage_buffers;
    for (uint32_t i = 0; i < info->bindingCount; i++)
        if (info->pBindings[i].descriptorType == VK_DESCRIPTOR_TYPE_STORAGE_BUFFER)
            buffers += info->pBindings[i].descriptorCount;
    if (allowed && buffers > allowed)
        plan_note_misuse("A stage has more storage buffers than the device allows.");
}

static void check_layout(const VkPipelineLayoutCreateInfo *info)
{
    uint32_t allowed = limits_now().push;
    for (uint32_t i = 0; i < info->pushConstantRangeCount && allowed; i++)
        if (info->pPushConstantRanges[i].offset + info->pPushConstantRanges[i].size > allowed)
            plan_note_misuse("There are more push constants than the device allows.");
}

static void destroy_fence_state(uint64_t fence)
{
    if (fence && swap_state(fence, 0, STATE_FREE) == STATE_PENDING)
        plan_note_misuse("A fence is destroyed while its submission may still run.");
}

/* Debian 12's validation layer forgets the labels of a destroyed pool's command buffers without its lock, while other
 * threads look theirs up. Where labels_in_turn is asked, no two threads are in the calls that touch them. */
static pthread_mutex_t labels_mutex = PTHREAD_MUTEX_INITIALIZER;

static bool take_turn(void)
{
    bool takes = limits_now().labels_in_turn;
    if (takes)
        pthread_mutex_lock(&labels_mutex);
    return takes;
}

static void end_turn(bool taken)
{
    if (taken)
        pthread_mutex_unlock(&labels_mutex);
}

/* Every OpFAdd becomes an OpFSub, and every Fma of GLSL.std.450 an FMix. */
static void subtract_where_it_adds(uint32_t *words, size_t count)
{
    enum { ADD = 129, SUBTRACT = 131, EXTENDED = 12, FMA = 50, MIX = 46 };
    for (size_t i = 5; i < count;) {
        uint32_t length = words[i] >> 16;
        if ((words[i] & 0xffff) == ADD)
            words[i] = length << 16 | SUBTRACT;
        if ((words[i] & 0xffff) == EXTENDED && i + 4 < count && words[i + 4] == FMA)
            words[i + 4] = MIX;
        i += length ? length : 1;
    }
}

CALL CreateShaderModule(VkDevice handle, const VkShaderModuleCreateInfo *info, const VkAllocationCallbacks *allocator,
                        VkShaderModule *out)
{
    struct device *device = device_of(handle);
    STRIKE(device, "vkCreateShaderModule", false);
    VkShaderModuleCreateInfo changed = *info;
    uint32_t *words = plan_is_spoilt(info->pCode, info->codeSize) ? malloc(info->codeSize) : NULL;
    if (words) {
        memcpy(words, info->pCode, info->codeSize);
        subtract_where_it_adds(words, info->codeSize / 4);
        changed.pCode = words;
    }
    VkResult result = device->CreateShaderModule(handle, &changed, allocator, out);
    free(words);
    plan_count_object(result == VK_SUCCESS);
    return result;
}

CREATE(PipelineCache, NOTHING)
CREATE(PipelineLayout, check_layout)
CREATE(DescriptorSetLayout, check_set_layout)
CREATE(DescriptorPool, NOTHING)
#define IN_THE_DRIVERS_FAMILY(info)                                                                                    \
    VkCommandPoolCreateInfo driven = *(info);                                                                          \
    driven.queueFamilyIndex = limits_family(driven.queueFamilyIndex);                                                  \
    (info) = &driven
CREATE(CommandPool, IN_THE_DRIVERS_FAMILY)
CREATE(QueryPool, NOTHING)
CREATE(Fence, NOTHING)
DESTROY(Free, Memory, VkDeviceMemory, NOTHING)
DESTROY(Destroy, BufferView, VkBufferView, NOTHING)
DESTROY(Destroy, ShaderModule, VkShaderModule, NOTHING)
DESTROY(Destroy, PipelineCache, VkPipelineCache, NOTHING)
DESTROY(Destroy, Pipeline, VkPipeline, NOTHING)
DESTROY(Destroy, PipelineLayout, VkPipelineLayout, NOTHING)
DESTROY(Destroy, DescriptorSetLayout, VkDescriptorSetLayout, NOTHING)
DESTROY(Destroy, DescriptorPool, VkDescriptorPool, NOTHING)
DESTROY(Destroy, QueryPool, VkQueryPool, NOTHING)
DESTROY(Destroy, Fence, VkFence, destroy_fence_state)

STATEMENT DestroyCommandPool(VkDevice device, VkCommandPool pool, const VkAllocationCallbacks *allocator)
{
    forget_pool((uint64_t)pool);
    plan_count_object(pool ? -1 : 0);
    bool taken = take_turn();
    device_of(device)->DestroyCommandPool(device, pool, allocator);
    end_turn(taken);
}

CALL CreateBuffer(VkDevice handle, const VkBufferCreateInfo *info, const VkAllocationCallbacks *allocator,
                  VkBuffer *out)
{
    struct device *device = device_of(handle);
    STRIKE(device, "vkCreateBuffer", false);
    VkResult result = device->CreateBuffer(handle, info, allocator, out);
    plan_count_object(result == VK_SUCCESS);
    if (result == VK_SUCCESS && limits_now().exact_ranges)
        ranges_note_buffer(handle, *out, info);
    return result;
}

STATEMENT DestroyBuffer(VkDevice handle, VkBuffer buffer, const VkAllocationCallbacks *allocator)
{
    struct device *device = device_of(handle);
    if (buffer && limits_now().exact_ranges)
        ranges_forget_buffer(device, buffer);
    plan_count_object(buffer ? -1 : 0);
    device->DestroyBuffer(handle, buffer, allocator);
}

CALL CreateBufferView(VkDevice handle, const VkBufferViewCreateInfo *info, const VkAllocationCallbacks *allocator,
                      VkBufferView *out)
{
    struct device *device = device_of(handle);
    STRIKE(device, "vkCreateBufferView", false);
    check_view(info);
    VkResult result = limits_now().exact_ranges ? ranges_create_view(device, info, allocator, out)
                                                : device->CreateBufferView(handle, info, allocator, out);
    plan_count_object(result == VK_SUCCESS);
    return result;
}

STATEMENT DestroyDevice(VkDevice handle, const VkAllocationCallbacks *allocator)
{
    if (!handle)
        return;
    struct device *device = device_of(handle);
    PFN_vkDestroyDevice destroy = device->DestroyDevice;
    forget_device(device);
    destroy(handle, allocator);
    plan_count_object(-1);
}

CALL CreateComputePipelines(VkDevice handle, VkPipelineCache cache, uint32_t count,
                            const VkComputePipelineCreateInfo *infos, const VkAllocationCallbacks *allocator,
                            VkPipeline *out)
{
    struct device *device = device_of(handle);
    for (uint32_t i = 0; i < count; i++) {
        if (limits_now().no_subgroup_size_control && infos[i].stage.pNext)
            plan_note_misuse("A pipeline asks for a subgroup size of a device that has no control over it.");
        out[i] = VK_NULL_HANDLE;
    }
    STRIKE(device, "vkCreateComputePipelines", false);
    VkResult result = device->CreateComputePipelines(handle, cache, count, infos, allocator, out);
    for (uint32_t i = 0; i < count; i++)
        plan_count_object(out[i] != VK_NULL_HANDLE);
    return result;
}

CALL GetPipelineCacheData(VkDevice handle, VkPipelineCache cache, size_t *bytes, void *out)
{
    struct device *device = device_of(handle);
    STRIKE(device, "vkGetPipelineCacheData", false);
    return device->GetPipelineCacheData(handle, cache, bytes, out);
}

/* ---- memory -------------------------------------------------------------------------------------------------------
 */

STATEMENT GetBufferMemoryRequirements(VkDevice device, VkBuffer buffer, VkMemoryRequirements *out)
{
    device_of(device)->GetBufferMemoryRequirements(device, buffer, out);
    if (limits_now().discrete)
        out->memoryTypeBits = 3;
}

CALL AllocateMemory(VkDevice handle, const VkMemoryAllocateInfo *info, const VkAllocationCallbacks *allocator,
                    VkDeviceMemory *out)
{
    struct device *device = device_of(handle);
    STRIKE(device, "vkAllocateMemory", false);
    VkMemoryAllocateInfo used = *info;
    if (limits_now().discrete)
        used.memoryTypeIndex = 0;
    VkResult result = device->AllocateMemory(handle, &used, allocator, out);
    plan_count_object(result == VK_SUCCESS);
    return result;
}

CALL BindBufferMemory(VkDevice handle, VkBuffer buffer, VkDeviceMemory memory, VkDeviceSize offset)
{
    struct device *device = device_of(handle);
    STRIKE(device, "vkBindBufferMemory", false);
    VkResult result = device->BindBufferMemory(handle, buffer, memory, offset);
    if (result == VK_SUCCESS && limits_now().exact_ranges)
        ranges_note_memory(handle, buffer, memory, offset);
    return result;
}

CALL MapMemory(VkDevice handle, VkDeviceMemory memory, VkDeviceSize offset, VkDeviceSize size, VkMemoryMapFlags flags,
               void **out)
{
    struct device *device = device_of(handle);
    STRIKE(device, "vkMapMemory", false);
    return device->MapMemory(handle, memory, offset, size, flags, out);
}

#define RANGES(Name)                                                                                                   \
    CALL Name(VkDevice handle, uint32_t count, const VkMappedMemoryRange *ranges)                                      \
    {                                                                                                                  \
        struct device *device = device_of(handle);                                                                     \
        STRIKE(device, "vk" #Name, false);                                                                             \
        return device->Name(handle, count, ranges);                                                                    \
    }
RANGES(FlushMappedMemoryRanges)
RANGES(InvalidateMappedMemoryRanges)

/* ---- descriptors and commands -------------------------------------------------------------------------------------
 */

CALL AllocateDescriptorSets(VkDevice handle, const VkDescriptorSetAllocateInfo *info, VkDescriptorSet *out)
{
    struct device *device = device_of(handle);
    STRIKE(device, "vkAllocateDescriptorSets", false);
    return device->AllocateDescriptorSets(handle, info, out);
}

STATEMENT UpdateDescriptorSets(VkDevice device, uint32_t count, const VkWriteDescriptorSet *writes, uint32_t copy_count,
                               const VkCopyDescriptorSet *copies)
{
    struct limits now = limits_now();
    for (uint32_t i = 0; i < count; i++) {
        if (writes[i].descriptorType != VK_DESCRIPTOR_TYPE_STORAGE_BUFFER)
            continue;
        for (uint32_t j = 0; j < writes[i].descriptorCount; j++) {
            if (now.range && writes[i].pBufferInfo[j].range > now.range)
                plan_note_misuse("A storage buffer is bound over a larger range than the device allows.");
            if (now.alignment && writes[i].pBufferInfo[j].offset % now.alignment)
                plan_note_misuse("A storage buffer is bound off the device's alignment.");
        }
    }
    if (!now.exact_ranges) {
        device_of(device)->UpdateDescriptorSets(device, count, writes, copy_count, copies);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        ranges_write(device_of(device), &writes[i]);
}

CALL AllocateCommandBuffers(VkDevice handle, const VkCommandBufferAllocateInfo *info, VkCommandBuffer *out)
{
    struct device *device = device_of(handle);
    STRIKE(device, "vkAllocateCommandBuffers", false);
    VkResult result = device->AllocateCommandBuffers(handle, info, out);
    for (uint32_t i = 0; i < info->commandBufferCount && result == VK_SUCCESS; i++)
        swap_state((uint64_t)(uintptr_t)out[i], (uint64_t)info->commandPool, STATE_IDLE);
    return result;
}

CALL BeginCommandBuffer(VkCommandBuffer commands, const VkCommandBufferBeginInfo *info)
{
    struct device *device = device_of(commands);
    STRIKE(device, "vkBeginCommandBuffer", false);
    if (swap_state((uint64_t)(uintptr_t)commands, 0, STATE_RECORDING) == STATE_RECORDING)
        plan_note_misuse("A command buffer is begun that is being recorded already.");
    bool taken = take_turn();
    VkResult result = device->BeginCommandBuffer(commands, info);
    end_turn(taken);
    return result;
}

CALL EndCommandBuffer(VkCommandBuffer commands)
{
    struct device *device = device_of(commands);
    VkResult fault = strike(device, "vkEndCommandBuffer", false);
    VkResult result = device->EndCommandBuffer(commands); /* recording ends either way */
    if (fault != VK_SUCCESS)
        result = fault;
    swap_state((uint64_t)(uintptr_t)commands, 0, result == VK_SUCCESS ? STATE_EXECUTABLE : STATE_IDLE);
    return result;
}

STATEMENT CmdDispatch(VkCommandBuffer commands, uint32_t x, uint32_t y, uint32_t z)
{
    uint32_t allowed = limits_now().groups;
    if (allowed && (x > allowed || y > allowed || z > allowed))
        plan_note_misuse("A dispatch has more workgroups than the device allows.");
    device_of(commands)->CmdDispatch(commands, x, y, z);
}

CALL GetQueryPoolResults(VkDevice handle, VkQueryPool pool, uint32_t first, uint32_t count, size_t bytes, void *data,
                         VkDeviceSize stride, VkQueryResultFlags flags)
{
    struct device *device = device_of(handle);
    STRIKE(device, "vkGetQueryPoolResults", true);
    VkResult result = device->GetQueryPoolResults(handle, pool, first, count, bytes, data, stride, flags);
    uint32_t slower = limits_now().slow_clock;
    for (uint32_t i = 0; i < count && slower && (flags & VK_QUERY_RESULT_64_BIT); i++) {
        uint64_t value;
        memcpy(&value, (char *)data + i * stride, sizeof value);
        value /= slower;
        memcpy((char *)data + i * stride, &value, sizeof value);
    }
    return result;
}

STATEMENT GetDeviceQueue(VkDevice handle, uint32_t family, uint32_t index, VkQueue *out)
{
    device_of(handle)->GetDeviceQueue(handle, limits_family(family), index, out);
}

CALL SetDebugUtilsObjectNameEXT(VkDevice handle, const VkDebugUtilsObjectNameInfoEXT *info)
{
    struct device *device = device_of(handle);
    STRIKE(device, "vkSetDebugUtilsObjectNameEXT", false);
    return device->SetDebugUtilsObjectNameEXT ? device->SetDebugUtilsObjectNameEXT(handle, info) : VK_SUCCESS;
}

STATEMENT CmdBeginDebugUtilsLabelEXT(VkCommandBuffer commands, const VkDebugUtilsLabelEXT *label)
{
    struct device *device = device_of(commands);
    bool taken = take_turn();
    if (device->CmdBeginDebugUtilsLabelEXT)
        device->CmdBeginDebugUtilsLabelEXT(commands, label);
    end_turn(taken);
}

STATEMENT CmdEndDebugUtilsLabelEXT(VkCommandBuffer commands)
{
    struct device *device = device_of(commands);
    bool taken = take_turn();
    if (device->CmdEndDebugUtilsLabelEXT)
        device->CmdEndDebugUtilsLabelEXT(commands);
    end_turn(taken);
}

/* ---- submissions and fences ---------------------------------------------------------------------------------------
 */

CALL QueueSubmit(VkQueue queue, uint32_t count, const VkSubmitInfo *submits, VkFence fence)
{
    struct device *device = device_of(queue);
    STRIKE(device, "vkQueueSubmit", true);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < submits[i].commandBufferCount; j++)
            if (swap_state((uint64_t)(uintptr_t)submits[i].pCommandBuffers[j], 0, STATE_EXECUTABLE) != STATE_EXECUTABLE)
                plan_note_misuse("A command buffer is submitted whose recording did not end well.");
    VkResult result = device->QueueSubmit(queue, count, submits, fence);
    if (result == VK_SUCCESS && fence)
        swap_state((uint64_t)fence, 0, STATE_PENDING);
    return result;
}

CALL WaitForFences(VkDevice handle, uint32_t count, const VkFence *fences, VkBool32 all, uint64_t timeout)
{
    struct device *device = device_of(handle);
    STRIKE(device, "vkWaitForFences", true);
    if (plan_withholds()) {
        device->DeviceWaitIdle(handle); /* what runs ends all the same; who destroys its objects is noted */
        return VK_TIMEOUT;
    }
    VkResult result = device->WaitForFences(handle, count, fences, all, timeout);
    for (uint32_t i = 0; i < count && result == VK_SUCCESS; i++)
        swap_state((uint64_t)fences[i], 0, STATE_IDLE);
    return result;
}

CALL ResetFences(VkDevice handle, uint32_t count, const VkFence *fences)
{
    struct device *device = device_of(handle);
    STRIKE(device, "vkResetFences", false);
    for (uint32_t i = 0; i < count; i++)
        if (swap_state((uint64_t)fences[i], 0, STATE_IDLE) == STATE_PENDING)
            plan_note_misuse("A fence is reset while its submission may still run.");
    return device->ResetFences(handle, count, fences);
}

CALL DeviceWaitIdle(VkDevice handle)
{
    struct device *device = device_of(handle);
    STRIKE(device, "vkDeviceWaitIdle", true);
    VkResult result = device->DeviceWaitIdle(handle);
    if (result == VK_SUCCESS)
        settle_fences();
    return result;
}

/* The host's own waiting for its queue; the runtime never does. */
CALL QueueWaitIdle(VkQueue queue)
{
    struct device *device = device_of(queue);
    STRIKE(device, "vkQueueWaitIdle", true);
    VkResult result = device->QueueWaitIdle(queue);
    if (result == VK_SUCCESS)
        settle_fences();
    return result;
}

#define ENTRY(name) {"vk" #name, (PFN_vkVoidFunction)name},

PFN_vkVoidFunction find_device_call(const char *name)
{
    static const struct {
        const char *name;
        PFN_vkVoidFunction function;
    } calls[] = {DEVICE_FUNCTIONS(ENTRY)};
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        if (!strcmp(calls[i].name, name))
            return calls[i].function;
    return NULL;
}
