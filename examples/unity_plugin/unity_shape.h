/* The shape of what Unity gives to a native plugin on Vulkan, as far as this example uses it, in words of its own.
 *
 * A real plugin does not use this file: it includes IUnityGraphics.h and IUnityGraphicsVulkan.h, which come with each
 * Unity editor (Editor/Data/PluginAPI), and are Unity's. Names of interfaces, members and functions are theirs, so that
 * plugin.c needs no other change than its include; order and number of members, and the numbers of the GUIDs, are not:
 * a plugin that is compiled with this file runs in fake_unity.c alone. */
#ifndef UNITY_SHAPE_H
#define UNITY_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

#include <vulkan/vulkan_core.h>

#if defined(_WIN32)
#define UNITY_INTERFACE_API    __stdcall
#define UNITY_INTERFACE_EXPORT __declspec(dllexport)
#elif defined(__GNUC__)
#define UNITY_INTERFACE_API
#define UNITY_INTERFACE_EXPORT __attribute__((visibility("default")))
#else
#define UNITY_INTERFACE_API
#define UNITY_INTERFACE_EXPORT
#endif

/* ---- interfaces by number ---- */

typedef struct UnityInterfaceGUID {
    unsigned long long m_GUIDHigh, m_GUIDLow;
} UnityInterfaceGUID;

typedef struct IUnityInterface {
    int unused; /* C has no empty structs */
} IUnityInterface;

typedef struct IUnityInterfaces {
    IUnityInterface *(UNITY_INTERFACE_API *GetInterface)(UnityInterfaceGUID guid);
} IUnityInterfaces;

/* ---- the renderer's life ---- */

typedef enum UnityGfxRenderer { kUnityGfxRendererNull = 4, kUnityGfxRendererVulkan = 21 } UnityGfxRenderer;

typedef enum UnityGfxDeviceEventType {
    kUnityGfxDeviceEventInitialize = 0,
    kUnityGfxDeviceEventShutdown = 1
} UnityGfxDeviceEventType;

typedef void(UNITY_INTERFACE_API *IUnityGraphicsDeviceEventCallback)(UnityGfxDeviceEventType event);
typedef void(UNITY_INTERFACE_API *UnityRenderingEvent)(int event);
typedef void(UNITY_INTERFACE_API *UnityRenderingEventAndData)(int event, void *data);

typedef struct IUnityGraphics {
    UnityGfxRenderer(UNITY_INTERFACE_API *GetRenderer)(void);
    void(UNITY_INTERFACE_API *RegisterDeviceEventCallback)(IUnityGraphicsDeviceEventCallback callback);
    void(UNITY_INTERFACE_API *UnregisterDeviceEventCallback)(IUnityGraphicsDeviceEventCallback callback);
} IUnityGraphics;

/* ---- Vulkan ---- */

typedef struct UnityVulkanInstance {
    VkPipelineCache pipelineCache;
    VkInstance instance;
    VkPhysicalDevice physicalDevice;
    VkDevice device;
    VkQueue graphicsQueue; /* to be touched inside a callback of AccessQueue alone */
    PFN_vkGetInstanceProcAddr getInstanceProcAddr;
    unsigned int queueFamilyIndex;
} UnityVulkanInstance;

/* The command buffer that Unity is recording on its render thread. What is recorded in frame currentFrameNumber has
 * been executed once safeFrameNumber has reached it. */
typedef struct UnityVulkanRecordingState {
    VkCommandBuffer commandBuffer;
    VkCommandBufferLevel commandBufferLevel;
    unsigned long long currentFrameNumber, safeFrameNumber;
} UnityVulkanRecordingState;

typedef enum UnityVulkanGraphicsQueueAccess {
    kUnityVulkanGraphicsQueueAccess_DontCare,
    kUnityVulkanGraphicsQueueAccess_Allow
} UnityVulkanGraphicsQueueAccess;

typedef enum UnityVulkanResourceAccessMode {
    kUnityVulkanResourceAccess_ObserveOnly,    /* just what there is */
    kUnityVulkanResourceAccess_PipelineBarrier /* and a barrier into the asked layout, stages and accesses */
} UnityVulkanResourceAccessMode;

typedef struct UnityVulkanImage {
    VkImage image;
    VkImageLayout layout;
    VkImageUsageFlags usage;
    VkFormat format;
    VkExtent3D extent;
} UnityVulkanImage;

static const VkImageSubresource *const UnityVulkanWholeImage = 0;

typedef struct IUnityGraphicsVulkan {
    UnityVulkanInstance(UNITY_INTERFACE_API *Instance)(void);
    bool(UNITY_INTERFACE_API *CommandRecordingState)(UnityVulkanRecordingState *out,
                                                     UnityVulkanGraphicsQueueAccess access);
    bool(UNITY_INTERFACE_API *AccessTexture)(void *native_texture, const VkImageSubresource *part, VkImageLayout layout,
                                             VkPipelineStageFlags stages, VkAccessFlags accesses,
                                             UnityVulkanResourceAccessMode mode, UnityVulkanImage *out);
    void(UNITY_INTERFACE_API *EnsureOutsideRenderPass)(void);
    /* Calls back where the queue may be used: at once, or later on a thread of Unity's that submits. */
    void(UNITY_INTERFACE_API *AccessQueue)(UnityRenderingEventAndData callback, int event, void *data, bool flush);
} IUnityGraphicsVulkan;

static const UnityInterfaceGUID IUnityGraphics_GUID = {1, 1};
static const UnityInterfaceGUID IUnityGraphicsVulkan_GUID = {1, 2};
#define UNITY_GET_INTERFACE(interfaces, type) ((type *)(interfaces)->GetInterface(type##_GUID))

#endif
