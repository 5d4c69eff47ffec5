/* Vulkan's functions that the window calls, loaded by name: the program links with no loader. */
#ifndef GHOSTVK_CLI_WATCH_FUNCTIONS_H
#define GHOSTVK_CLI_WATCH_FUNCTIONS_H

#include <stdbool.h>

#include <vulkan/vulkan.h>

#define WATCH_INSTANCE_FUNCTIONS(_)                                                                                    \
    _(DestroyInstance)                                                                                                 \
    _(EnumeratePhysicalDevices)                                                                                        \
    _(GetPhysicalDeviceProperties)                                                                                     \
    _(GetPhysicalDeviceMemoryProperties)                                                                               \
    _(GetPhysicalDeviceQueueFamilyProperties)                                                                          \
    _(EnumerateDeviceExtensionProperties)                                                                              \
    _(CreateDevice)                                                                                                    \
    _(GetDeviceProcAddr)                                                                                               \
    _(DestroySurfaceKHR)                                                                                               \
    _(GetPhysicalDeviceSurfaceSupportKHR)                                                                              \
    _(GetPhysicalDeviceSurfaceCapabilitiesKHR)                                                                         \
    _(GetPhysicalDeviceSurfaceFormatsKHR)

#define WATCH_DEVICE_FUNCTIONS(_)                                                                                      \
    _(DestroyDevice)                                                                                                   \
    _(DeviceWaitIdle)                                                                                                  \
    _(GetDeviceQueue)                                                                                                  \
    _(QueueSubmit)                                                                                                     \
    _(AllocateMemory)                                                                                                  \
    _(FreeMemory)                                                                                                      \
    _(MapMemory)                                                                                                       \
    _(CreateBuffer)                                                                                                    \
    _(DestroyBuffer)                                                                                                   \
    _(GetBufferMemoryRequirements)                                                                                     \
    _(BindBufferMemory)                                                                                                \
    _(CreateImage)                                                                                                     \
    _(DestroyImage)                                                                                                    \
    _(GetImageMemoryRequirements)                                                                                      \
    _(BindImageMemory)                                                                                                 \
    _(CreateImageView)                                                                                                 \
    _(DestroyImageView)                                                                                                \
    _(CreateSampler)                                                                                                   \
    _(DestroySampler)                                                                                                  \
    _(CreateShaderModule)                                                                                              \
    _(DestroyShaderModule)                                                                                             \
    _(CreateDescriptorSetLayout)                                                                                       \
    _(DestroyDescriptorSetLayout)                                                                                      \
    _(CreateDescriptorPool)                                                                                            \
    _(DestroyDescriptorPool)                                                                                           \
    _(AllocateDescriptorSets)                                                                                          \
    _(UpdateDescriptorSets)                                                                                            \
    _(CreatePipelineLayout)                                                                                            \
    _(DestroyPipelineLayout)                                                                                           \
    _(CreateGraphicsPipelines)                                                                                         \
    _(CreateComputePipelines)                                                                                          \
    _(DestroyPipeline)                                                                                                 \
    _(CreateRenderPass)                                                                                                \
    _(DestroyRenderPass)                                                                                               \
    _(CreateFramebuffer)                                                                                               \
    _(DestroyFramebuffer)                                                                                              \
    _(CreateCommandPool)                                                                                               \
    _(DestroyCommandPool)                                                                                              \
    _(AllocateCommandBuffers)                                                                                          \
    _(BeginCommandBuffer)                                                                                              \
    _(EndCommandBuffer)                                                                                                \
    _(CreateFence)                                                                                                     \
    _(DestroyFence)                                                                                                    \
    _(WaitForFences)                                                                                                   \
    _(GetFenceStatus)                                                                                                  \
    _(ResetFences)                                                                                                     \
    _(CreateSemaphore)                                                                                                 \
    _(DestroySemaphore)                                                                                                \
    _(CmdPipelineBarrier)                                                                                              \
    _(CmdCopyBufferToImage)                                                                                            \
    _(CmdCopyImageToBuffer)                                                                                            \
    _(CmdBeginRenderPass)                                                                                              \
    _(CmdEndRenderPass)                                                                                                \
    _(CmdBindPipeline)                                                                                                 \
    _(CmdBindDescriptorSets)                                                                                           \
    _(CmdPushConstants)                                                                                                \
    _(CmdSetViewport)                                                                                                  \
    _(CmdSetScissor)                                                                                                   \
    _(CmdDraw)                                                                                                         \
    _(CmdDrawIndirect)                                                                                                 \
    _(CmdDispatch)                                                                                                     \
    _(CreateSwapchainKHR)                                                                                              \
    _(DestroySwapchainKHR)                                                                                             \
    _(GetSwapchainImagesKHR)                                                                                           \
    _(AcquireNextImageKHR)                                                                                             \
    _(QueuePresentKHR)

#define WATCH_FUNCTION_MEMBER(name) PFN_vk##name name;

struct watch_functions {
    PFN_vkGetInstanceProcAddr GetInstanceProcAddr;
    WATCH_INSTANCE_FUNCTIONS(WATCH_FUNCTION_MEMBER)
    WATCH_DEVICE_FUNCTIONS(WATCH_FUNCTION_MEMBER)
};

#endif
