/* ghostvk inside Unity: a native plugin over IUnityGraphicsVulkan.
 *
 * Two of ghostvk's ways meet here. What needs the queue (the model's weights, once) goes through
 * gvk_import_params.submit to AccessQueue, since Unity alone says when and on which thread its queue may be used.
 * Frames are recorded into the command buffer that Unity is recording (gvk_stream_record), so they need no queue at
 * all, and run where the texture is ready by Unity's own order. Unity's safeFrameNumber says when such a frame has been
 * executed.
 *
 * Unity has made its device without the features that ghostvk likes, so kernels are the plainest ones. A plugin that
 * is loaded early may ask for them: IUnityGraphicsVulkan's InterceptInitialization leads to a vkCreateDevice of its
 * own, where gvk_device_wants says what to add, and `enabled_features` below names what was enabled. */
#include "plugin.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <ghostvk/ghostnet.h>

#define MOST_BOXES 256

static struct {
    IUnityGraphics *graphics;
    IUnityGraphicsVulkan *vulkan;
    UnityVulkanInstance unity;
    PFN_vkCreateImageView create_view;
    PFN_vkDestroyImageView destroy_view;
    PFN_vkQueueSubmit queue_submit;
    char model_path[1024];
    gvk_device *device;
    gvk_network *network;
    gvk_model *model;
    gvk_stream *stream;
    gvk_network_info info;
    /* The texture, and the view of it that was made last. */
    void *texture;
    uint32_t width, height;
    VkImage image;
    VkImageView view;
    /* The frame that Unity has in its command buffers. */
    gvk_ticket ticket;
    unsigned long long frame;
    pthread_mutex_t mutex;
    pthread_cond_t submitted;
    /* What scripts read, on another thread. */
    struct ghostvk_box boxes[MOST_BOXES];
    uint32_t box_count;
    uint64_t detections;
} plugin = {.mutex = PTHREAD_MUTEX_INITIALIZER, .submitted = PTHREAD_COND_INITIALIZER};

static void print_sentence(void *user, gvk_log_level level, const char *sentence)
{
    (void)user;
    if (level <= GVK_LOG_WARNING)
        fprintf(stderr, "ghostvk: %s\n", sentence); /* a real plugin has Unity's log: IUnityLog */
}

/* ---- the queue ---- */

struct submission {
    uint32_t count;
    const VkSubmitInfo *submits;
    VkFence fence;
    VkResult result;
    bool done;
};

static void UNITY_INTERFACE_API submit_now(int event, void *data)
{
    struct submission *submission = data;
    (void)event;
    submission->result =
        plugin.queue_submit(plugin.unity.graphicsQueue, submission->count, submission->submits, submission->fence);
    pthread_mutex_lock(&plugin.mutex);
    submission->done = true;
    pthread_cond_broadcast(&plugin.submitted);
    pthread_mutex_unlock(&plugin.mutex);
}

/* In place of vkQueueSubmit. Unity calls back at once, or on its thread that submits; then this thread waits, because
 * ghostvk waits for the fence next, and a fence belongs to one thread at a time. Frames do not come here. */
static VkResult submit_through_unity(void *user, uint32_t count, const VkSubmitInfo *submits, VkFence fence)
{
    struct submission submission = {count, submits, fence, VK_SUCCESS, false};
    (void)user;
    plugin.vulkan->AccessQueue(submit_now, 0, &submission, false);
    pthread_mutex_lock(&plugin.mutex);
    while (!submission.done)
        pthread_cond_wait(&plugin.submitted, &plugin.mutex);
    pthread_mutex_unlock(&plugin.mutex);
    return submission.result;
}

/* ---- load ---- */

static void close_all(void)
{
    if (plugin.ticket) /* Unity's device is idle by now */
        gvk_stream_retire(plugin.stream, plugin.ticket);
    plugin.ticket = 0;
    gvk_stream_destroy(plugin.stream);
    gvk_model_destroy(plugin.model);
    gvk_network_destroy(plugin.network);
    gvk_device_destroy(plugin.device);
    plugin.stream = NULL;
    plugin.model = NULL;
    plugin.network = NULL;
    plugin.device = NULL;
    if (plugin.view)
        plugin.destroy_view(plugin.unity.device, plugin.view, NULL);
    plugin.view = VK_NULL_HANDLE;
}

static void load(void)
{
    static const gvk_host host = {.size = sizeof host, .log = print_sentence};
    const gvk_import_params import = {.size = sizeof import,
                                      .host = &host,
                                      .get_instance_proc = plugin.unity.getInstanceProcAddr,
                                      .instance = plugin.unity.instance,
                                      .api_version = VK_API_VERSION_1_1,
                                      .physical_device = plugin.unity.physicalDevice,
                                      .device = plugin.unity.device,
                                      .queue_family = plugin.unity.queueFamilyIndex,
                                      .submit = submit_through_unity};
    const gvk_network_params network = {.size = sizeof network, .path = plugin.model_path};
    plugin.info = (gvk_network_info){.size = sizeof plugin.info};
    if (gvk_device_import(&import, &plugin.device) != GVK_OK ||
        gvk_network_open(&host, &network, &plugin.network) != GVK_OK)
        goto failed;
    gvk_network_describe(plugin.network, &plugin.info);
    if (gvk_model_create(plugin.device, gvk_network_graph(plugin.network), NULL, &plugin.model) == GVK_OK &&
        gvk_detector_create(plugin.model, plugin.network, NULL, &plugin.stream) == GVK_OK)
        return;
failed:
    print_sentence(NULL, GVK_LOG_ERROR, "The detector cannot be made.");
    close_all();
}

/* ---- frames ---- */

/* Boxes of a frame that Unity has executed. */
static void take_boxes(void)
{
    const gvk_detection *found = NULL;
    uint32_t count = 0;
    gvk_result result = gvk_stream_retire(plugin.stream, plugin.ticket);
    if (result == GVK_OK)
        result = gvk_detector_read(plugin.stream, plugin.ticket, &found, sizeof found[0], &count);
    plugin.ticket = 0;
    if (result != GVK_OK)
        return;
    pthread_mutex_lock(&plugin.mutex);
    plugin.box_count = count < MOST_BOXES ? count : MOST_BOXES;
    for (uint32_t i = 0; i < plugin.box_count; i++)
        plugin.boxes[i] = (struct ghostvk_box){.x1 = found[i].box[0],
                                               .y1 = found[i].box[1],
                                               .x2 = found[i].box[2],
                                               .y2 = found[i].box[3],
                                               .score = found[i].score,
                                               .class_id = found[i].class_id};
    plugin.detections++;
    pthread_mutex_unlock(&plugin.mutex);
}

/* Called where no frame of ours is under way, so that the old view is not in use. */
static bool look_at(const UnityVulkanImage *image)
{
    const VkImageViewCreateInfo create = {.sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
                                          .image = image->image,
                                          .viewType = VK_IMAGE_VIEW_TYPE_2D,
                                          .format = image->format,
                                          .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1}};
    if (plugin.view && plugin.image == image->image)
        return true;
    if (plugin.view)
        plugin.destroy_view(plugin.unity.device, plugin.view, NULL);
    plugin.view = VK_NULL_HANDLE;
    plugin.image = image->image;
    return plugin.create_view(plugin.unity.device, &create, NULL, &plugin.view) == VK_SUCCESS;
}

static void detect(void)
{
    UnityVulkanRecordingState state;
    UnityVulkanImage image;
    plugin.vulkan->EnsureOutsideRenderPass();
    if (!plugin.stream || !plugin.texture ||
        !plugin.vulkan->CommandRecordingState(&state, kUnityVulkanGraphicsQueueAccess_DontCare))
        return;
    if (plugin.ticket && state.safeFrameNumber >= plugin.frame)
        take_boxes();
    if (plugin.ticket)
        return;
    /* The texture, ready for what the detector does with it. The barrier may begin another command buffer: ask again.
     */
    if (!plugin.vulkan->AccessTexture(plugin.texture, UnityVulkanWholeImage, VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL,
                                      VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_READ_BIT,
                                      kUnityVulkanResourceAccess_PipelineBarrier, &image) ||
        !look_at(&image) || !plugin.vulkan->CommandRecordingState(&state, kUnityVulkanGraphicsQueueAccess_DontCare))
        return;
    const gvk_picture picture = {.size = sizeof picture,
                                 .kind = GVK_PICTURE_IMAGE,
                                 .width = plugin.width,
                                 .height = plugin.height,
                                 .view = plugin.view,
                                 .view_format = image.format,
                                 .layout = VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL,
                                 .letterbox = plugin.info.letterbox};
    if (gvk_stream_record(plugin.stream, state.commandBuffer, &picture, sizeof picture, 1, &plugin.ticket) == GVK_OK)
        plugin.frame = state.currentFrameNumber;
}

static void UNITY_INTERFACE_API on_render_event(int event)
{
    if (!plugin.vulkan || !plugin.unity.device)
        return;
    if (event == GHOSTVK_EVENT_LOAD && !plugin.device)
        load();
    else if (event == GHOSTVK_EVENT_DETECT)
        detect();
}

/* ---- Unity's calls ---- */

static void UNITY_INTERFACE_API on_device_event(UnityGfxDeviceEventType event)
{
    if (event == kUnityGfxDeviceEventInitialize && plugin.graphics->GetRenderer() == kUnityGfxRendererVulkan) {
        plugin.unity = plugin.vulkan->Instance();
        PFN_vkGetDeviceProcAddr get =
            (PFN_vkGetDeviceProcAddr)plugin.unity.getInstanceProcAddr(plugin.unity.instance, "vkGetDeviceProcAddr");
        plugin.create_view = (PFN_vkCreateImageView)get(plugin.unity.device, "vkCreateImageView");
        plugin.destroy_view = (PFN_vkDestroyImageView)get(plugin.unity.device, "vkDestroyImageView");
        plugin.queue_submit = (PFN_vkQueueSubmit)get(plugin.unity.device, "vkQueueSubmit");
    } else if (event == kUnityGfxDeviceEventShutdown) {
        close_all();
        plugin.unity.device = VK_NULL_HANDLE;
    }
}

void UNITY_INTERFACE_API UnityPluginLoad(IUnityInterfaces *interfaces)
{
    plugin.graphics = UNITY_GET_INTERFACE(interfaces, IUnityGraphics);
    plugin.vulkan = UNITY_GET_INTERFACE(interfaces, IUnityGraphicsVulkan);
    if (!plugin.graphics || !plugin.vulkan)
        return;
    plugin.graphics->RegisterDeviceEventCallback(on_device_event);
    on_device_event(kUnityGfxDeviceEventInitialize); /* the device may be there already */
}

void UNITY_INTERFACE_API UnityPluginUnload(void)
{
    if (plugin.graphics)
        plugin.graphics->UnregisterDeviceEventCallback(on_device_event);
}

void UNITY_INTERFACE_API ghostvk_open(const char *model_path)
{
    snprintf(plugin.model_path, sizeof plugin.model_path, "%s", model_path);
}

void UNITY_INTERFACE_API ghostvk_watch(void *native_texture, uint32_t width, uint32_t height)
{
    plugin.texture = native_texture;
    plugin.width = width;
    plugin.height = height;
}

UnityRenderingEvent UNITY_INTERFACE_API ghostvk_render_event(void)
{
    return on_render_event;
}

uint32_t UNITY_INTERFACE_API ghostvk_boxes(struct ghostvk_box *out, uint32_t capacity)
{
    pthread_mutex_lock(&plugin.mutex);
    uint32_t count = plugin.box_count;
    memcpy(out, plugin.boxes, (count < capacity ? count : capacity) * sizeof out[0]);
    pthread_mutex_unlock(&plugin.mutex);
    return count;
}

uint64_t UNITY_INTERFACE_API ghostvk_detections(void)
{
    pthread_mutex_lock(&plugin.mutex);
    uint64_t detections = plugin.detections;
    pthread_mutex_unlock(&plugin.mutex);
    return detections;
}
