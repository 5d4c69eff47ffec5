/* Reads, checks and writes the stored pipeline cache. Called by pipeline.c. */
#include "pipeline_cache.h"

#include <stdio.h>
#include <string.h>

#define MAGIC         "GVKPIPE1"
#define CEILING       ((size_t)256 << 20) /* of what is believed to be a cache, header and all */
#define DRIVER_HEADER 32                  /* VkPipelineCacheHeaderVersionOne, packed */

struct header {
    char magic[8];
    uint64_t bytes; /* behind the header */
    uint64_t hash;  /* of the bytes behind the header, and of `device` */
    uint32_t vendor_id, device_id, driver_version, reserved;
    uint8_t uuid[VK_UUID_SIZE]; /* pipelineCacheUUID: changes with the driver */
};

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t count) /* FNV-1a */
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < count; i++)
        hash = (hash ^ at[i]) * 0x100000001b3u;
    return hash;
}

static uint64_t hash_data(const void *data, size_t count)
{
    return hash_bytes(0xcbf29ce484222325u, data, count);
}

static uint64_t hash_of(const struct header *header, const void *data)
{
    struct header hashed = *header;
    hashed.hash = 0;
    return hash_bytes(hash_data(&hashed, sizeof hashed), data, (size_t)header->bytes);
}

static struct header header_of(const struct gvk_device *device)
{
    VkPhysicalDeviceProperties properties;
    device->vk.GetPhysicalDeviceProperties(device->physical_device, &properties);
    struct header header;
    memset(&header, 0, sizeof header);
    memcpy(header.magic, MAGIC, sizeof header.magic);
    header.vendor_id = properties.vendorID;
    header.device_id = properties.deviceID;
    header.driver_version = properties.driverVersion;
    memcpy(header.uuid, properties.pipelineCacheUUID, sizeof header.uuid);
    return header;
}

/* One file a device and driver, so that two of them on one machine do not displace each other's. */
static void write_key(const struct header *header, char *key, size_t size)
{
    int used = snprintf(key, size, "pipelines-%08x-%08x-", header->vendor_id, header->device_id);
    for (size_t i = 0; i < VK_UUID_SIZE && used > 0 && (size_t)used + 2 < size; i++)
        used += snprintf(key + used, size - (size_t)used, "%02x", header->uuid[i]);
}

static bool fits(const struct header *mine, const unsigned char *stored, size_t count)
{
    struct header header;
    if (count < sizeof header)
        return false;
    memcpy(&header, stored, sizeof header);
    struct header expected = *mine;
    expected.bytes = count - sizeof header;
    expected.hash = hash_of(&expected, stored + sizeof header);
    return !memcmp(&header, &expected, sizeof header);
}

/* The stored bytes, checked, from the host's memory; NULL when there are none to trust. */
static unsigned char *load(const struct gvk_device *device, size_t *count)
{
    const gvk_host *host = &device->host;
    if (!host->cache_load)
        return NULL;
    struct header mine = header_of(device);
    char key[96];
    write_key(&mine, key, sizeof key);
    size_t size = 0;
    if (host->cache_load(host->user, key, NULL, &size) || !size || size > CEILING)
        return NULL;
    unsigned char *stored = gvk_allocate(host, size);
    if (!stored)
        return NULL;
    *count = size;
    if (!host->cache_load(host->user, key, stored, count) && *count <= size && fits(&mine, stored, *count))
        return stored;
    gvk_log(host, GVK_LOG_INFO, "The stored pipeline cache is damaged or of another driver; it is made anew.");
    gvk_release(host, stored);
    return NULL;
}

gvk_result gvk_pipeline_cache_open(struct gvk_device *device, VkPipelineCache *out)
{
    size_t count = 0;
    unsigned char *stored = load(device, &count);
    VkPipelineCacheCreateInfo create = {.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO};
    if (stored) {
        create.initialDataSize = count - sizeof(struct header);
        create.pInitialData = stored + sizeof(struct header);
        device->cache_bytes = create.initialDataSize;
        device->cache_hash = hash_data(create.pInitialData, create.initialDataSize);
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

/* Nothing but the driver's header in front of what was loaded: SwiftShader gives that, and the file would grow with
 * every run. */
static bool is_wrapped(const struct gvk_device *device, const unsigned char *data, size_t bytes)
{
    return device->cache_bytes && bytes == device->cache_bytes + DRIVER_HEADER &&
           hash_data(data + DRIVER_HEADER, device->cache_bytes) == device->cache_hash;
}

void gvk_pipeline_cache_save(struct gvk_device *device, VkPipelineCache cache)
{
    const gvk_host *host = &device->host;
    const struct gvk_functions *vk = &device->vk;
    size_t bytes = 0;
    if (!host->cache_store || vk->GetPipelineCacheData(device->device, cache, &bytes, NULL) != VK_SUCCESS ||
        bytes == device->cache_bytes || bytes > CEILING - sizeof(struct header))
        return;
    unsigned char *stored = gvk_allocate(host, sizeof(struct header) + bytes);
    if (!stored)
        return;
    if (vk->GetPipelineCacheData(device->device, cache, &bytes, stored + sizeof(struct header)) == VK_SUCCESS &&
        !is_wrapped(device, stored + sizeof(struct header), bytes)) {
        struct header header = header_of(device);
        header.bytes = bytes;
        header.hash = hash_of(&header, stored + sizeof header);
        memcpy(stored, &header, sizeof header);
        char key[96];
        write_key(&header, key, sizeof key);
        host->cache_store(host->user, key, stored, sizeof header + bytes);
    }
    gvk_release(host, stored);
}
