/* Reads, checks and writes the stored pipeline cache. */
#include "pipeline_cache.h"

#include "runtime/vulkan/cache_entry.h"
#include "runtime/vulkan/debug.h"

#define CEILING       ((size_t)256 << 20) /* of what is believed to be a cache, header and all */
#define DRIVER_HEADER 32                  /* VkPipelineCacheHeaderVersionOne, packed */

static const struct gvk_cache_entry_kind kind = {"GVKPIPE1", "pipelines", CEILING, "pipeline cache is"};

gvk_result gvk_pipeline_cache_open(struct gvk_device *device, VkPipelineCache *out)
{
    size_t count = 0;
    unsigned char *stored = gvk_cache_entry_load(device, &kind, &count);
    VkPipelineCacheCreateInfo create = {.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO};
    if (stored) {
        create.initialDataSize = count;
        create.pInitialData = stored + GVK_STORED_HEADER;
        device->cache_bytes = create.initialDataSize;
        device->cache_hash = gvk_hash(create.pInitialData, create.initialDataSize);
    }
    VkResult created = device->vk.CreatePipelineCache(device->device, &create, NULL, out);
    if (stored && created != VK_SUCCESS) { /* a cache that only saves time must not be what stops the device */
        create.initialDataSize = device->cache_bytes = 0;
        create.pInitialData = NULL;
        created = device->vk.CreatePipelineCache(device->device, &create, NULL, out);
    }
    gvk_result result = GVK_VULKAN(device, "vkCreatePipelineCache", created);
    if (!result)
        gvk_name_object(device, VK_OBJECT_TYPE_PIPELINE_CACHE, (uint64_t)*out, "ghostvk pipelines");
    gvk_release(&device->host, stored);
    return result;
}

/* Whether the driver gave back what was loaded with nothing but a header of its own in front, as SwiftShader does.
 * Stored, it would grow with every run. */
static bool is_wrapped(const struct gvk_device *device, const unsigned char *data, size_t bytes)
{
    return device->cache_bytes && bytes == device->cache_bytes + DRIVER_HEADER &&
           gvk_hash(data + DRIVER_HEADER, device->cache_bytes) == device->cache_hash;
}

void gvk_pipeline_cache_save(struct gvk_device *device, VkPipelineCache cache)
{
    const gvk_host *host = &device->host;
    const struct gvk_functions *vk = &device->vk;
    size_t bytes = 0;
    if (!host->cache_store || vk->GetPipelineCacheData(device->device, cache, &bytes, NULL) != VK_SUCCESS ||
        bytes == device->cache_bytes || bytes > CEILING - GVK_STORED_HEADER)
        return;
    unsigned char *stored = gvk_allocate(host, GVK_STORED_HEADER + bytes);
    if (!stored)
        return;
    if (vk->GetPipelineCacheData(device->device, cache, &bytes, stored + GVK_STORED_HEADER) == VK_SUCCESS &&
        !is_wrapped(device, stored + GVK_STORED_HEADER, bytes))
        gvk_cache_entry_save(device, &kind, stored, bytes);
    gvk_release(host, stored);
}
