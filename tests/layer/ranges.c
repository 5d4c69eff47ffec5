/* Exact ranges: what is bound becomes a buffer of its own, as long as the bound range, over the same memory. For the
 * run under GPU-assisted validation, which compares accesses with the sizes of buffers and knows no ranges: a kernel
 * that leaves its range for the rest of the arena would go unseen. The option exact_ranges turns it on. */
#include "layer.h"

#include <pthread.h>
#include <stdlib.h>

#define ARRAY_MAX 16 /* descriptors of a binding; the arrays of weight chunks are left as they are */

/* A buffer of the host's, or (of != none) the range of one. */
struct range_entry {
    VkDevice device;
    VkBuffer buffer, of;
    VkDeviceMemory memory; /* bound to it */
    VkDeviceSize memory_offset, offset, bytes;
    VkBufferUsageFlags usage;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct range_entry *entries;
static size_t count, capacity;

static bool add_entry(const struct range_entry *entry)
{
    if (count == capacity) {
        size_t larger = capacity ? 2 * capacity : 256;
        struct range_entry *grown = realloc(entries, larger * sizeof *grown);
        if (!grown)
            return false;
        entries = grown;
        capacity = larger;
    }
    entries[count++] = *entry;
    return true;
}

void ranges_note_buffer(VkDevice device, VkBuffer buffer, const VkBufferCreateInfo *info)
{
    const struct range_entry entry = {.device = device, .buffer = buffer, .bytes = info->size, .usage = info->usage};
    pthread_mutex_lock(&mutex);
    if (!add_entry(&entry))
        plan_note_misuse("The layer has no memory to remember a buffer.");
    pthread_mutex_unlock(&mutex);
}

static struct range_entry *find_buffer(VkDevice device, VkBuffer buffer)
{
    for (size_t i = 0; i < count; i++)
        if (entries[i].device == device && entries[i].buffer == buffer && entries[i].of == VK_NULL_HANDLE)
            return &entries[i];
    return NULL;
}

void ranges_note_memory(VkDevice device, VkBuffer buffer, VkDeviceMemory memory, VkDeviceSize offset)
{
    pthread_mutex_lock(&mutex);
    struct range_entry *entry = find_buffer(device, buffer);
    if (entry) {
        entry->memory = memory;
        entry->memory_offset = offset;
    }
    pthread_mutex_unlock(&mutex);
}

void ranges_forget_buffer(struct device *device, VkBuffer buffer)
{
    pthread_mutex_lock(&mutex);
    for (size_t i = count; i-- > 0;) {
        const struct range_entry entry = entries[i];
        if (entry.device != device->handle || (entry.buffer != buffer && entry.of != buffer))
            continue;
        if (entry.of != VK_NULL_HANDLE)
            device->DestroyBuffer(device->handle, entry.buffer, NULL);
        entries[i] = entries[--count];
    }
    pthread_mutex_unlock(&mutex);
}

static VkBuffer make_range(struct device *device, const struct range_entry *whole, VkDeviceSize offset,
                           VkDeviceSize bytes)
{
    const VkBufferCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = bytes, .usage = whole->usage};
    struct range_entry made = {.device = device->handle, .of = whole->buffer, .offset = offset, .bytes = bytes};
    VkMemoryRequirements needs;
    if (device->CreateBuffer(device->handle, &info, NULL, &made.buffer) != VK_SUCCESS)
        return VK_NULL_HANDLE;
    device->GetBufferMemoryRequirements(device->handle, made.buffer, &needs);
    VkDeviceSize at = whole->memory_offset + offset;
    if (at % needs.alignment == 0 &&
        device->BindBufferMemory(device->handle, made.buffer, whole->memory, at) == VK_SUCCESS && add_entry(&made))
        return made.buffer;
    device->DestroyBuffer(device->handle, made.buffer, NULL);
    return VK_NULL_HANDLE;
}

/* The buffer that is this range; none, and a note, where there can be none. */
static VkBuffer range_of(struct device *device, VkBuffer buffer, VkDeviceSize offset, VkDeviceSize bytes)
{
    VkBuffer found = VK_NULL_HANDLE;
    pthread_mutex_lock(&mutex);
    for (size_t i = 0; i < count && !found; i++)
        if (entries[i].device == device->handle && entries[i].of == buffer && entries[i].offset == offset &&
            entries[i].bytes == bytes)
            found = entries[i].buffer;
    const struct range_entry *whole = found ? NULL : find_buffer(device->handle, buffer);
    if (whole) {
        const struct range_entry copy = *whole; /* the list may move */
        found = make_range(device, &copy, offset, bytes);
    }
    pthread_mutex_unlock(&mutex);
    if (found == VK_NULL_HANDLE)
        plan_note_misuse("A bound range cannot be a buffer of its own.");
    return found;
}

VkResult ranges_create_view(struct device *device, const VkBufferViewCreateInfo *info,
                            const VkAllocationCallbacks *allocator, VkBufferView *out)
{
    VkBufferViewCreateInfo exact = *info;
    VkBuffer buffer = range_of(device, info->buffer, info->offset, info->range);
    if (buffer != VK_NULL_HANDLE) {
        exact.buffer = buffer;
        exact.offset = 0;
    }
    return device->CreateBufferView(device->handle, &exact, allocator, out);
}

void ranges_write(struct device *device, const VkWriteDescriptorSet *write)
{
    VkDescriptorBufferInfo infos[ARRAY_MAX];
    VkWriteDescriptorSet exact = *write;
    if (write->descriptorType == VK_DESCRIPTOR_TYPE_STORAGE_BUFFER && write->descriptorCount <= ARRAY_MAX) {
        for (uint32_t i = 0; i < write->descriptorCount; i++) {
            infos[i] = write->pBufferInfo[i];
            VkBuffer buffer = range_of(device, infos[i].buffer, infos[i].offset, infos[i].range);
            if (buffer != VK_NULL_HANDLE)
                infos[i] = (VkDescriptorBufferInfo){buffer, 0, infos[i].range};
        }
        exact.pBufferInfo = infos;
    }
    device->UpdateDescriptorSets(device->handle, 1, &exact, 0, NULL);
}
