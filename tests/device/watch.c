/* Refusals and the watched device of watch.h. */
#include "watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void reset_sentences(void)
{
    memset(counter.sentences, 0, sizeof counter.sentences);
    counter.last[0] = 0;
}

void check_refusal(gvk_result result, gvk_result expected, const char *part, const char *call, const char *file,
                   int line)
{
    if (result != expected || counter.sentences[GVK_LOG_ERROR] != 1 || !strstr(counter.last, part))
        fail_msg("%s:%d: %s returned %s with %u sentences, the last: \"%s\"; expected %s and one sentence with \"%s\"",
                 file, line, call, gvk_result_name(result), counter.sentences[GVK_LOG_ERROR], counter.last,
                 gvk_result_name(expected), part);
    reset_sentences();
}

void expect_nothing_held(const char *what)
{
    if (atomic_load(&counter.live))
        fail_msg("%s: %ld blocks of the host's memory were not released", what, atomic_load(&counter.live));
}

struct host_device shared; /* one for all imports */

struct watch watch = {.queue = PTHREAD_MUTEX_INITIALIZER};

void reset_watch(void)
{
    atomic_store(&watch.depth, 0);
    atomic_store(&watch.locks, 0);
    atomic_store(&watch.submits, 0);
    atomic_store(&watch.submits_unlocked, 0);
    atomic_store(&watch.names, 0);
    atomic_store(&watch.labels, 0);
    atomic_store(&watch.pipelines, 0);
    atomic_store(&watch.pipelines_elsewhere, 0);
    atomic_store(&watch.caches_destroyed, 0);
    watch.cache = VK_NULL_HANDLE;
    watch.hold = false;
    watch.name_result = VK_SUCCESS;
    watch.submit_result = VK_SUCCESS;
    watch.submit_fails_at = 0;
    watch.last_fence = VK_NULL_HANDLE;
    watch.overtaking = 0;
    watch.memory_fails_at = 0;
    watch.failed_bytes = 0;
    watch.small_heap = 0;
    watch.beyond_heap = 0;
    watch.small_heap_is_full = false;
    watch.small_heap_flags = 0;
}

static void lock_queue(void *user)
{
    struct watch *of = user;
    pthread_mutex_lock(&of->queue);
    atomic_fetch_add(&of->depth, 1);
    atomic_fetch_add(&of->locks, 1);
}

static void unlock_queue(void *user)
{
    struct watch *of = user;
    atomic_fetch_sub(&of->depth, 1);
    pthread_mutex_unlock(&of->queue);
}

static VKAPI_ATTR VkResult VKAPI_CALL watched_submit(VkQueue queue, uint32_t count, const VkSubmitInfo *submits,
                                                     VkFence fence)
{
    atomic_fetch_add(&watch.submits, 1);
    if (atomic_load(&watch.depth) != 1)
        atomic_fetch_add(&watch.submits_unlocked, 1);
    if (watch.submit_fails_at && --watch.submit_fails_at == 0)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    watch.overtaking += watch.last_fence != VK_NULL_HANDLE;
    if (fence)
        watch.last_fence = fence;
    return watch.submit_result ? watch.submit_result : vkQueueSubmit(queue, count, submits, fence);
}

static VKAPI_ATTR VkResult VKAPI_CALL watched_wait(VkDevice device, uint32_t count, const VkFence *fences, VkBool32 all,
                                                   uint64_t timeout)
{
    VkResult result = watch.hold ? VK_TIMEOUT : vkWaitForFences(device, count, fences, all, timeout);
    if (result == VK_SUCCESS && fences[0] == watch.last_fence)
        watch.last_fence = VK_NULL_HANDLE;
    return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL watched_pipelines(VkDevice device, VkPipelineCache cache, uint32_t count,
                                                        const VkComputePipelineCreateInfo *infos,
                                                        const VkAllocationCallbacks *callbacks, VkPipeline *out)
{
    atomic_fetch_add(&watch.pipelines, 1);
    if (cache != watch.cache)
        atomic_fetch_add(&watch.pipelines_elsewhere, 1);
    return vkCreateComputePipelines(device, cache, count, infos, callbacks, out);
}

static VKAPI_ATTR void VKAPI_CALL watched_destroy_cache(VkDevice device, VkPipelineCache cache,
                                                        const VkAllocationCallbacks *callbacks)
{
    atomic_fetch_add(&watch.caches_destroyed, 1);
    vkDestroyPipelineCache(device, cache, callbacks);
}

static VKAPI_ATTR VkResult VKAPI_CALL watched_allocate(VkDevice device, const VkMemoryAllocateInfo *info,
                                                       const VkAllocationCallbacks *callbacks, VkDeviceMemory *out)
{
    bool again = watch.failed_bytes && watch.failed_bytes == info->allocationSize; /* of another type */
    watch.failed_bytes = 0;
    if (again || (watch.memory_fails_at && --watch.memory_fails_at == 0)) {
        watch.failed_bytes = info->allocationSize;
        return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    }
    VkMemoryAllocateInfo real = *info;
    if (watch.small_heap && info->memoryTypeIndex == 0) {
        watch.beyond_heap += info->allocationSize > watch.small_heap || watch.small_heap_flags;
        if (watch.small_heap_is_full)
            return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    }
    if (watch.small_heap)
        real.memoryTypeIndex = 0; /* lavapipe and SwiftShader have one type */
    return vkAllocateMemory(device, &real, callbacks, out);
}

/* Two types of memory in heaps of their own, of which the first seems the better one for everything. */
static VKAPI_ATTR void VKAPI_CALL watched_memory(VkPhysicalDevice device, VkPhysicalDeviceMemoryProperties *out)
{
    vkGetPhysicalDeviceMemoryProperties(device, out);
    if (!watch.small_heap)
        return;
    VkDeviceSize large = out->memoryHeaps[0].size;
    *out = (VkPhysicalDeviceMemoryProperties){
        .memoryTypeCount = 2,
        .memoryTypes = {{VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT | VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                             VK_MEMORY_PROPERTY_HOST_COHERENT_BIT | VK_MEMORY_PROPERTY_HOST_CACHED_BIT |
                             watch.small_heap_flags,
                         0},
                        {VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT, 1}},
        .memoryHeapCount = 2,
        .memoryHeaps = {{watch.small_heap, VK_MEMORY_HEAP_DEVICE_LOCAL_BIT}, {large, 0}},
    };
}

static VKAPI_ATTR void VKAPI_CALL watched_requirements(VkDevice device, VkBuffer buffer, VkMemoryRequirements *out)
{
    vkGetBufferMemoryRequirements(device, buffer, out);
    if (watch.small_heap)
        out->memoryTypeBits = 3;
}

static VKAPI_ATTR VkResult VKAPI_CALL watched_name(VkDevice device, const VkDebugUtilsObjectNameInfoEXT *info)
{
    (void)device;
    (void)info;
    atomic_fetch_add(&watch.names, 1);
    return watch.name_result;
}

static VKAPI_ATTR void VKAPI_CALL watched_begin_label(VkCommandBuffer commands, const VkDebugUtilsLabelEXT *label)
{
    (void)commands;
    (void)label;
    atomic_fetch_add(&watch.labels, 1);
}

static VKAPI_ATTR void VKAPI_CALL watched_end_label(VkCommandBuffer commands)
{
    (void)commands;
}

#define WATCHED(name, function)                                                                                        \
    if (!strcmp(wanted, name))                                                                                         \
        return (PFN_vkVoidFunction)(function);

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL watched_device_proc(VkDevice device, const char *wanted)
{
    WATCHED("vkQueueSubmit", watched_submit)
    WATCHED("vkWaitForFences", watched_wait)
    WATCHED("vkCreateComputePipelines", watched_pipelines)
    WATCHED("vkDestroyPipelineCache", watched_destroy_cache)
    WATCHED("vkAllocateMemory", watched_allocate)
    WATCHED("vkGetBufferMemoryRequirements", watched_requirements)
    return vkGetDeviceProcAddr(device, wanted);
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL watched_instance_proc(VkInstance instance, const char *wanted)
{
    WATCHED("vkGetDeviceProcAddr", watched_device_proc)
    WATCHED("vkGetPhysicalDeviceMemoryProperties", watched_memory)
    WATCHED("vkSetDebugUtilsObjectNameEXT", watched_name)
    WATCHED("vkCmdBeginDebugUtilsLabelEXT", watched_begin_label)
    WATCHED("vkCmdEndDebugUtilsLabelEXT", watched_end_label)
    return vkGetInstanceProcAddr(instance, wanted);
}

gvk_import_params watched_params(void)
{
    gvk_import_params params = host_device_params(&shared);
    params.host = &counting_host;
    params.get_instance_proc = watched_instance_proc;
    params.lock_queue = lock_queue;
    params.unlock_queue = unlock_queue;
    params.queue_user = &watch;
    return params;
}

gvk_device *import_watched(void)
{
    gvk_import_params params = watched_params();
    gvk_device *device = NULL;
    assert_ok(gvk_device_import(&params, &device));
    return device;
}

static bool runs_imported(void)
{
    const char *kind = getenv("GVK_TEST_DEVICE");
    return kind && !strcmp(kind, "imported");
}

/* A device of the kind that this run is about. */
gvk_result make_device(uint64_t memory_ceiling, gvk_device **out)
{
    if (runs_imported()) {
        gvk_import_params params = host_device_params(&shared);
        params.host = &counting_host;
        params.lock_queue = lock_queue;
        params.unlock_queue = unlock_queue;
        params.queue_user = &watch;
        params.memory_ceiling = memory_ceiling;
        return gvk_device_import(&params, out);
    }
    gvk_device_params params = {.size = sizeof params, .host = &counting_host, .memory_ceiling = memory_ceiling};
    return gvk_device_open(&params, out);
}

gvk_device *create_device(void)
{
    gvk_device *device = NULL;
    assert_ok(make_device(0, &device));
    return device;
}

/* A test that fails leaves its objects behind, which is no matter of the next one's. */
int begin_test(void **state)
{
    (void)state;
    reset_sentences();
    atomic_store(&counter.live, 0);
    atomic_store(&counter.fail_at, 0);
    reset_watch();
    return 0;
}
