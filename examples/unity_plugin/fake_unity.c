/* Unity's side of the plugin, as far as it needs one: loads it, gives it a device and a texture, and runs frames.
 * Submissions that the plugin asks for run on a thread of their own, as Unity's do.
 * usage: fake_unity PLUGIN MODEL.safetensors PICTURE.ppm; prints the boxes that scripts would get */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/ppm.h"
#include "../offscreen_ar/gpu.h"
#include "plugin.h"

#define FRAMES_MOST  8
#define QUEUE_LENGTH 4096

static struct {
    struct gpu gpu;
    struct gpu_image texture;
    VkImageLayout layout;
    uint32_t width, height;
    VkCommandPool pool;
    VkCommandBuffer commands;
    unsigned long long frame, safe_frame;
    IUnityGraphicsDeviceEventCallback device_event;
    /* Callbacks for the thread that submits; the queue is its alone while it runs one. */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct {
        UnityRenderingEventAndData callback;
        int event;
        void *data;
    } calls[QUEUE_LENGTH];
    uint32_t first, count;
    bool ends, runs_one;
} unity = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* ---- the interfaces ---- */

static UnityGfxRenderer get_renderer(void)
{
    return kUnityGfxRendererVulkan;
}

static void register_callback(IUnityGraphicsDeviceEventCallback callback)
{
    unity.device_event = callback;
}

static void unregister_callback(IUnityGraphicsDeviceEventCallback callback)
{
    if (unity.device_event == callback)
        unity.device_event = NULL;
}

static UnityVulkanInstance instance(void)
{
    return (UnityVulkanInstance){.instance = unity.gpu.instance,
                                 .physicalDevice = unity.gpu.physical_device,
                                 .device = unity.gpu.device,
                                 .graphicsQueue = unity.gpu.queue,
                                 .getInstanceProcAddr = vkGetInstanceProcAddr,
                                 .queueFamilyIndex = unity.gpu.family};
}

static bool recording_state(UnityVulkanRecordingState *out, UnityVulkanGraphicsQueueAccess access)
{
    (void)access;
    *out = (UnityVulkanRecordingState){.commandBuffer = unity.commands,
                                       .commandBufferLevel = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                       .currentFrameNumber = unity.frame,
                                       .safeFrameNumber = unity.safe_frame};
    return true;
}

static bool access_texture(void *native_texture, const VkImageSubresource *part, VkImageLayout layout,
                           VkPipelineStageFlags stages, VkAccessFlags accesses, UnityVulkanResourceAccessMode mode,
                           UnityVulkanImage *out)
{
    const VkImageMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
                                          .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
                                          .dstAccessMask = accesses,
                                          .oldLayout = unity.layout,
                                          .newLayout = layout,
                                          .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
                                          .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
                                          .image = unity.texture.image,
                                          .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1}};
    (void)part;
    if (native_texture != &unity.texture || mode != kUnityVulkanResourceAccess_PipelineBarrier)
        return false;
    vkCmdPipelineBarrier(unity.commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, stages, 0, 0, NULL, 0, NULL, 1, &barrier);
    unity.layout = layout;
    *out = (UnityVulkanImage){.image = unity.texture.image,
                              .layout = layout,
                              .format = VK_FORMAT_R8G8B8A8_UNORM,
                              .extent = {unity.width, unity.height, 1}};
    return true;
}

static void outside_render_pass(void)
{
    /* This host has none. */
}

static void access_queue(UnityRenderingEventAndData callback, int event, void *data, bool flush)
{
    (void)flush;
    pthread_mutex_lock(&unity.mutex);
    while (unity.count == QUEUE_LENGTH)
        pthread_cond_wait(&unity.changed, &unity.mutex);
    uint32_t at = (unity.first + unity.count++) % QUEUE_LENGTH;
    unity.calls[at].callback = callback;
    unity.calls[at].event = event;
    unity.calls[at].data = data;
    pthread_cond_broadcast(&unity.changed);
    pthread_mutex_unlock(&unity.mutex);
}

static void *run_queue(void *nothing)
{
    (void)nothing;
    pthread_mutex_lock(&unity.mutex);
    for (;;) {
        while (!unity.count && !unity.ends)
            pthread_cond_wait(&unity.changed, &unity.mutex);
        if (!unity.count)
            break;
        UnityRenderingEventAndData callback = unity.calls[unity.first].callback;
        int event = unity.calls[unity.first].event;
        void *data = unity.calls[unity.first].data;
        unity.first = (unity.first + 1) % QUEUE_LENGTH;
        unity.count--;
        unity.runs_one = true;
        pthread_mutex_unlock(&unity.mutex);
        callback(event, data);
        pthread_mutex_lock(&unity.mutex);
        unity.runs_one = false;
        pthread_cond_broadcast(&unity.changed);
    }
    pthread_mutex_unlock(&unity.mutex);
    return NULL;
}

static IUnityGraphics graphics = {get_renderer, register_callback, unregister_callback};
static IUnityGraphicsVulkan vulkan = {instance, recording_state, access_texture, outside_render_pass, access_queue};

static IUnityInterface *get_interface(UnityInterfaceGUID guid)
{
    if (!memcmp(&guid, &IUnityGraphics_GUID, sizeof guid))
        return (IUnityInterface *)&graphics;
    return memcmp(&guid, &IUnityGraphicsVulkan_GUID, sizeof guid) ? NULL : (IUnityInterface *)&vulkan;
}

/* ---- frames ---- */

static bool begin_frame(void)
{
    const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                            .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
    unity.frame++;
    return vkBeginCommandBuffer(unity.commands, &begin) == VK_SUCCESS || fail("vkBeginCommandBuffer failed.");
}

/* Submits the frame behind what the plugin submitted, and waits for it: the simplest of all hosts. */
static bool end_frame(void)
{
    const VkSubmitInfo submit = {
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &unity.commands};
    if (vkEndCommandBuffer(unity.commands) != VK_SUCCESS)
        return fail("vkEndCommandBuffer failed.");
    pthread_mutex_lock(&unity.mutex);
    while (unity.count || unity.runs_one)
        pthread_cond_wait(&unity.changed, &unity.mutex);
    bool done = vkQueueSubmit(unity.gpu.queue, 1, &submit, VK_NULL_HANDLE) == VK_SUCCESS &&
                vkQueueWaitIdle(unity.gpu.queue) == VK_SUCCESS;
    pthread_mutex_unlock(&unity.mutex);
    unity.safe_frame = unity.frame;
    return done || fail("a frame cannot be submitted.");
}

static bool create_texture(const struct ppm *ppm)
{
    const VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                          .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
                                          .queueFamilyIndex = unity.gpu.family};
    VkCommandBufferAllocateInfo allocation = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                              .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                              .commandBufferCount = 1};
    const VkBufferImageCopy copy = {.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
                                    .imageExtent = {ppm->width, ppm->height, 1}};
    const size_t pixels = (size_t)ppm->width * ppm->height;
    struct gpu_buffer staging = {.mapped = NULL};
    UnityVulkanImage image;
    if (vkCreateCommandPool(unity.gpu.device, &pool, NULL, &unity.pool) != VK_SUCCESS)
        return fail("vkCreateCommandPool failed.");
    allocation.commandPool = unity.pool;
    if (vkAllocateCommandBuffers(unity.gpu.device, &allocation, &unity.commands) != VK_SUCCESS)
        return fail("vkAllocateCommandBuffers failed.");
    unity.width = ppm->width;
    unity.height = ppm->height;
    bool done = gpu_image_create(&unity.gpu, ppm->width, ppm->height, 1,
                                 VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT, &unity.texture) &&
                gpu_buffer_create(&unity.gpu, pixels * 4, VK_BUFFER_USAGE_TRANSFER_SRC_BIT, &staging) && begin_frame();
    if (done) {
        unsigned char *to = staging.mapped;
        for (size_t i = 0; i < pixels; i++, to += 4) {
            memcpy(to, ppm->rgb + 3 * i, 3);
            to[3] = 255;
        }
        access_texture(&unity.texture, NULL, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_PIPELINE_STAGE_TRANSFER_BIT,
                       VK_ACCESS_TRANSFER_WRITE_BIT, kUnityVulkanResourceAccess_PipelineBarrier, &image);
        vkCmdCopyBufferToImage(unity.commands, staging.buffer, unity.texture.image,
                               VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &copy);
        done = end_frame();
    }
    gpu_buffer_destroy(&unity.gpu, &staging);
    return done;
}

/* ---- the plugin ---- */

struct exports {
    void (*load)(IUnityInterfaces *);
    void (*unload)(void);
    void (*open)(const char *);
    void (*watch)(void *, uint32_t, uint32_t);
    UnityRenderingEvent (*render_event)(void);
    uint32_t (*boxes)(struct ghostvk_box *, uint32_t);
    uint64_t (*detections)(void);
};

static bool find(void *library, const char *name, void *function)
{
    void *found = dlsym(library, name);
    memcpy(function, &found, sizeof found); /* POSIX's way from an object's to a function's pointer */
    return found || fail("the plugin lacks an export.");
}

static bool find_exports(void *library, struct exports *out)
{
    return find(library, "UnityPluginLoad", &out->load) && find(library, "UnityPluginUnload", &out->unload) &&
           find(library, "ghostvk_open", &out->open) && find(library, "ghostvk_watch", &out->watch) &&
           find(library, "ghostvk_render_event", &out->render_event) && find(library, "ghostvk_boxes", &out->boxes) &&
           find(library, "ghostvk_detections", &out->detections);
}

/* Frames until two detections are there: the second shows that the way is free again behind the first. */
static bool run(const struct exports *plugin, const char *model)
{
    static struct ghostvk_box boxes[1024];
    IUnityInterfaces interfaces = {get_interface};
    bool done = true;
    plugin->load(&interfaces);
    plugin->open(model);
    plugin->watch(&unity.texture, unity.width, unity.height);
    UnityRenderingEvent event = plugin->render_event();
    for (int i = 0; i < FRAMES_MOST && done && plugin->detections() < 2; i++) {
        done = begin_frame();
        if (!done)
            break;
        event(i ? GHOSTVK_EVENT_DETECT : GHOSTVK_EVENT_LOAD);
        done = end_frame();
    }
    uint32_t count = plugin->boxes(boxes, 1024);
    for (uint32_t i = 0; i < count && i < 1024; i++)
        printf("%u %.2f  %.0f %.0f %.0f %.0f\n", boxes[i].class_id, (double)boxes[i].score, (double)boxes[i].x1,
               (double)boxes[i].y1, (double)boxes[i].x2, (double)boxes[i].y2);
    if (plugin->detections() < 2)
        done = fail("the plugin has found nothing.");
    if (unity.device_event)
        unity.device_event(kUnityGfxDeviceEventShutdown);
    plugin->unload();
    return done;
}

int main(int argc, char **argv)
{
    struct ppm ppm = {0, 0, NULL};
    struct exports exports;
    pthread_t thread;
    if (argc != 4) {
        fprintf(stderr, "usage: fake_unity PLUGIN MODEL.safetensors PICTURE.ppm\n");
        return 2;
    }
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        fprintf(stderr, "fake_unity: %s\n", dlerror());
        return 1;
    }
    if (pthread_create(&thread, NULL, run_queue, NULL))
        return 1;
    bool done = find_exports(library, &exports) && read_ppm(argv[3], &ppm) && gpu_create(&unity.gpu) &&
                create_texture(&ppm) && run(&exports, argv[2]);
    pthread_mutex_lock(&unity.mutex);
    unity.ends = true;
    pthread_cond_broadcast(&unity.changed);
    pthread_mutex_unlock(&unity.mutex);
    pthread_join(thread, NULL);
    if (unity.gpu.device) {
        gpu_image_destroy(&unity.gpu, &unity.texture);
        vkDestroyCommandPool(unity.gpu.device, unity.pool, NULL);
    }
    gpu_destroy(&unity.gpu);
    free(ppm.rgb);
    dlclose(library);
    return done ? 0 : 1;
}
