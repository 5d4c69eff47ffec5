/* The Vulkan functions that the runtime calls, as tables filled for one instance and one device. Tables instead of
 * global prototypes: two devices and two libraries live in one process, and libghostvk defines no vk* symbol that could
 * clash with the host's loader. */
#ifndef GVK_VULKAN_TABLE_H
#define GVK_VULKAN_TABLE_H

#include <stdbool.h>

#include <vulkan/vulkan_core.h>

/* The last one is never called: a loader of Vulkan 1.0 lacks it, and is refused for that. */
#define GVK_GLOBAL_FUNCTIONS(X)                                                                                        \
    X(CreateInstance)                                                                                                  \
    X(EnumerateInstanceExtensionProperties)                                                                            \
    X(EnumerateInstanceVersion)

#define GVK_INSTANCE_FUNCTIONS(X)                                                                                      \
    X(DestroyInstance)                                                                                                 \
    X(EnumeratePhysicalDevices)                                                                                        \
    X(EnumerateDeviceExtensionProperties)                                                                              \
    X(GetPhysicalDeviceProperties)                                                                                     \
    X(GetPhysicalDeviceProperties2)                                                                                    \
    X(GetPhysicalDeviceFeatures2)                                                                                      \
    X(GetPhysicalDeviceMemoryProperties)                                                                               \
    X(GetPhysicalDeviceQueueFamilyProperties)                                                                          \
    X(GetPhysicalDeviceFormatProperties)                                                                               \
    X(CreateDevice)                                                                                                    \
    X(GetDeviceProcAddr)

#define GVK_DEVICE_FUNCTIONS(X)                                                                                        \
    X(DestroyDevice)                                                                                                   \
    X(GetDeviceQueue)                                                                                                  \
    X(QueueSubmit)                                                                                                     \
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
    X(FreeDescriptorSets)                                                                                              \
    X(UpdateDescriptorSets)                                                                                            \
    X(CreateCommandPool)                                                                                               \
    X(DestroyCommandPool)                                                                                              \
    X(AllocateCommandBuffers)                                                                                          \
    X(BeginCommandBuffer)                                                                                              \
    X(EndCommandBuffer)                                                                                                \
    X(CmdBindPipeline)                                                                                                 \
    X(CmdBindDescriptorSets)                                                                                           \
    X(CmdPushConstants)                                                                                                \
    X(CmdDispatch)                                                                                                     \
    X(CmdPipelineBarrier)                                                                                              \
    X(CmdCopyBuffer)                                                                                                   \
    X(CmdFillBuffer)                                                                                                   \
    X(CmdResetQueryPool)                                                                                               \
    X(CmdWriteTimestamp)                                                                                               \
    X(CreateQueryPool)                                                                                                 \
    X(DestroyQueryPool)                                                                                                \
    X(GetQueryPoolResults)                                                                                             \
    X(CreateFence)                                                                                                     \
    X(DestroyFence)                                                                                                    \
    X(ResetFences)                                                                                                     \
    X(WaitForFences)

/* NULL where the instance lacks VK_EXT_debug_utils. */
#define GVK_DEBUG_FUNCTIONS(X)                                                                                         \
    X(SetDebugUtilsObjectNameEXT)                                                                                      \
    X(CmdBeginDebugUtilsLabelEXT)                                                                                      \
    X(CmdEndDebugUtilsLabelEXT)

#define GVK_DECLARE_FUNCTION(name) PFN_vk##name name;

struct gvk_functions {
    PFN_vkGetInstanceProcAddr GetInstanceProcAddr;
    GVK_GLOBAL_FUNCTIONS(GVK_DECLARE_FUNCTION)
    GVK_INSTANCE_FUNCTIONS(GVK_DECLARE_FUNCTION)
    PFN_vkVoidFunction GetPhysicalDeviceCooperativeMatrixPropertiesKHR; /* NULL: there is none (device/matrices.c) */
    GVK_DEVICE_FUNCTIONS(GVK_DECLARE_FUNCTION)
    GVK_DEBUG_FUNCTIONS(GVK_DECLARE_FUNCTION)
};

/* Each returns false when a function is missing, and then names it in *missing. */
bool gvk_functions_load_global(struct gvk_functions *functions, PFN_vkGetInstanceProcAddr get, const char **missing);
bool gvk_functions_load_instance(struct gvk_functions *functions, VkInstance instance, const char **missing);
bool gvk_functions_load_device(struct gvk_functions *functions, VkInstance instance, VkDevice device,
                               const char **missing);

/* The constant's name, such as "VK_ERROR_DEVICE_LOST". */
const char *gvk_vulkan_result_name(VkResult result);

/* The system's Vulkan loader, opened for one gvk_device. NULL when there is none. */
void *gvk_loader_open(PFN_vkGetInstanceProcAddr *get);
void gvk_loader_close(void *loader);

#endif
