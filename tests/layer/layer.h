/* What the layer's own files share: the plan of faults (plan.c), the lowered limits (limits.c), the device's calls
 * (calls.c) and the tables that chain to the next layer or driver (layer.c). */
#ifndef GHOSTVK_LAYER_H
#define GHOSTVK_LAYER_H

#include "faults.h"

/* ---- plan.c -------------------------------------------------------------------------------------------------------
 */

/* False when an environment variable says what no one understands; printed then. */
bool plan_read_environment(void);
/* Counts the call. VK_SUCCESS: go on; else what it is to return. */
VkResult plan_strike(const char *call);
bool plan_withholds(void); /* asked once a wait */
void plan_count_object(int change);
void plan_note_misuse(const char *sentence);
/* Of the queue that vkCreateDevice was asked for, whatever came of it; global 0: none. */
void plan_note_queue(float priority, uint32_t global);
bool plan_is_spoilt(const void *code, size_t bytes);

/* ---- limits.c -----------------------------------------------------------------------------------------------------
 */

struct limits {
    uint32_t api; /* 0: as it is, here and below */
    uint32_t invocations, shared, storage_buffers, range, texels, groups, push, alignment;
    uint32_t no_timeline, no_fp16, no_synchronization2, no_subgroup_size_control, no_timestamps;
    uint32_t subgroup_unknown;
    uint32_t exact_ranges;
    uint32_t labels_in_turn; /* one thread at a time touches labels */
    uint32_t no_global_priority, global_priority, global_priority_refused;
    uint32_t two_families; /* the driver's only queue family once more, for compute alone */
    uint32_t slow_clock;   /* timestamps are divided by it */
    uint32_t discrete;     /* a discrete GPU: device memory apart from host memory, which is not coherent */
};

/* A copy of those in force. */
struct limits limits_now(void);
bool limits_set(const char *options);
void limits_lower_properties(VkPhysicalDeviceProperties *properties);
void limits_lower_chain(void *first); /* of VkPhysicalDeviceProperties2 or VkPhysicalDeviceFeatures2 */
bool limits_hide_extension(const char *name);
bool limits_makes_up_priority(void); /* among programs, which the driver does not see */
void limits_split_memory(VkPhysicalDeviceMemoryProperties *memory);
/* Of a family that the layer shows, the driver's. */
uint32_t limits_family(uint32_t shown);

/* ---- layer.c ------------------------------------------------------------------------------------------------------
 */

#define DEVICE_FUNCTIONS(X)                                                                                            \
    X(DestroyDevice)                                                                                                   \
    X(DeviceWaitIdle)                                                                                                  \
    X(QueueSubmit)                                                                                                     \
    X(QueueWaitIdle)                                                                                                   \
    X(CreateBuffer)                                                                                                    \
    X(DestroyBuffer)                                                                                                   \
    X(GetBufferMemoryRequirements)                                                                                     \
    X(AllocateMemory)                                                                                                  \
    X(FreeMemory)                                                                                                      \
    X(BindBufferMemory)                                                                                                \
    X(MapMemory)                                                                                                       \
    X(FlushMappedMemoryRanges)                                                                                         \
    X(InvalidateMappedMemoryRanges)                                                                                    \
    X(CreateBufferView)                                                                                                \
    X(DestroyBufferView)                                                                                               \
    X(CreateShaderModule)                                                                                              \
    X(DestroyShaderModule)                                                                                             \
    X(CreatePipelineCache)                                                                                             \
    X(DestroyPipelineCache)                                                                                            \
    X(GetPipelineCacheData)                                                                                            \
    X(CreateComputePipelines)                                                                                          \
    X(DestroyPipeline)                                                                                                 \
    X(CreatePipelineLayout)                                                                                            \
    X(DestroyPipelineLayout)                                                                                           \
    X(CreateDescriptorSetLayout)                                                                                       \
    X(DestroyDescriptorSetLayout)                                                                                      \
    X(CreateDescriptorPool)                                                                                            \
    X(DestroyDescriptorPool)                                                                                           \
    X(AllocateDescriptorSets)                                                                                          \
    X(UpdateDescriptorSets)                                                                                            \
    X(GetDeviceQueue)                                                                                                  \
    X(CreateCommandPool)                                                                                               \
    X(DestroyCommandPool)                                                                                              \
    X(AllocateCommandBuffers)                                                                                          \
    X(BeginCommandBuffer)                                                                                              \
    X(EndCommandBuffer)                                                                                                \
    X(CmdDispatch)                                                                                                     \
    X(CreateQueryPool)                                                                                                 \
    X(DestroyQueryPool)                                                                                                \
    X(GetQueryPoolResults)                                                                                             \
    X(CreateFence)                                                                                                     \
    X(DestroyFence)                                                                                                    \
    X(ResetFences)                                                                                                     \
    X(WaitForFences)                                                                                                   \
    X(SetDebugUtilsObjectNameEXT)                                                                                      \
    X(CmdBeginDebugUtilsLabelEXT)                                                                                      \
    X(CmdEndDebugUtilsLabelEXT)

#define DECLARE_FUNCTION(name) PFN_vk##name name;

/* A device in use: the next layer's or the driver's functions. */
struct device {
    void
        *key; /* the loader's dispatch pointer, which a device's queues and command buffers share; NULL: a free entry */
    VkDevice handle;
    bool lost;
    PFN_vkGetDeviceProcAddr GetDeviceProcAddr;
    DEVICE_FUNCTIONS(DECLARE_FUNCTION)
};

/* By a device, queue or command buffer. */
struct device *device_of(const void *handle);
void forget_device(struct device *device);

/* ---- calls.c ------------------------------------------------------------------------------------------------------
 */

/* The layer's own version of a device's function, or NULL. */
PFN_vkVoidFunction find_device_call(const char *name);

/* ---- ranges.c -----------------------------------------------------------------------------------------------------
 */

void ranges_note_buffer(VkDevice device, VkBuffer buffer, const VkBufferCreateInfo *info);
void ranges_note_memory(VkDevice device, VkBuffer buffer, VkDeviceMemory memory, VkDeviceSize offset);
/* With the buffers that are its ranges. */
void ranges_forget_buffer(struct device *device, VkBuffer buffer);
VkResult ranges_create_view(struct device *device, const VkBufferViewCreateInfo *info,
                            const VkAllocationCallbacks *allocator, VkBufferView *out);
void ranges_write(struct device *device, const VkWriteDescriptorSet *write);

#endif
