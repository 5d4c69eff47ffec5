/* What the host keeps for the next start, with a header and a hash in front. */
#include "cache_entry.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct header {
    char magic[8];
    uint64_t bytes; /* behind the header */
    uint64_t hash;  /* of the bytes behind the header, and of the header */
    uint64_t configuration;
    uint32_t vendor_id, device_id, driver_version, reserved;
    uint8_t uuid[VK_UUID_SIZE]; /* pipelineCacheUUID: changes with the driver */
};
_Static_assert(sizeof(struct header) == GVK_STORED_HEADER, "the header's size is part of the format");

static uint64_t hash_more(uint64_t hash, const void *bytes, size_t count) /* FNV-1a */
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < count; i++)
        hash = (hash ^ at[i]) * 0x100000001b3u;
    return hash;
}

uint64_t gvk_hash(const void *bytes, size_t count)
{
    return hash_more(0xcbf29ce484222325u, bytes, count);
}

static uint64_t hash_of(const struct header *header, const void *data)
{
    struct header hashed = *header;
    hashed.hash = 0;
    return hash_more(gvk_hash(&hashed, sizeof hashed), data, (size_t)header->bytes);
}

static struct header header_of(const struct gvk_device *device, const struct gvk_cache_entry_kind *kind)
{
    VkPhysicalDeviceProperties properties;
    device->vk.GetPhysicalDeviceProperties(device->physical_device, &properties);
    struct header header;
    memset(&header, 0, sizeof header);
    memcpy(header.magic, kind->magic, sizeof header.magic);
    header.configuration = device->configuration;
    header.vendor_id = properties.vendorID;
    header.device_id = properties.deviceID;
    header.driver_version = properties.driverVersion;
    memcpy(header.uuid, properties.pipelineCacheUUID, sizeof header.uuid);
    return header;
}

/* One file a device, driver and configuration, so that two of them on one machine do not displace each other's. */
static void write_key(const struct header *header, const char *prefix, char *key, size_t size)
{
    int used = snprintf(key, size, "%s-%08x-%08x-%016" PRIx64 "-", prefix, header->vendor_id, header->device_id,
                        header->configuration);
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

unsigned char *gvk_cache_entry_load(const struct gvk_device *device, const struct gvk_cache_entry_kind *kind,
                                    size_t *bytes)
{
    const gvk_host *host = &device->host;
    if (!host->cache_load)
        return NULL;
    struct header mine = header_of(device, kind);
    char key[96];
    write_key(&mine, kind->prefix, key, sizeof key);
    size_t size = 0;
    if (host->cache_load(host->user, key, NULL, &size) || !size || size > kind->ceiling)
        return NULL;
    unsigned char *stored = gvk_allocate(host, size);
    if (!stored)
        return NULL;
    size_t count = size;
    if (!host->cache_load(host->user, key, stored, &count) && count <= size && fits(&mine, stored, count)) {
        *bytes = count - sizeof mine;
        return stored;
    }
    gvk_log(host, GVK_LOG_INFO, "The stored %s damaged or of another driver; it is made anew.", kind->sentence);
    gvk_release(host, stored);
    return NULL;
}

void gvk_cache_entry_save(const struct gvk_device *device, const struct gvk_cache_entry_kind *kind,
                          unsigned char *stored, size_t bytes)
{
    const gvk_host *host = &device->host;
    struct header header = header_of(device, kind);
    header.bytes = bytes;
    header.hash = hash_of(&header, stored + sizeof header);
    memcpy(stored, &header, sizeof header);
    char key[96];
    write_key(&header, kind->prefix, key, sizeof key);
    host->cache_store(host->user, key, stored, sizeof header + bytes);
}
