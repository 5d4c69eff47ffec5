/* Creates buffers in the memory type that fits their use best and has room for them. */
#include "memory.h"

#include <inttypes.h>

#include "debug.h"
#include "runtime/base/pages.h"

static VkMemoryPropertyFlags preferred_flags(const struct gvk_device *device, enum gvk_buffer_use use)
{
    bool shared =
        device->info.type == VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU || device->info.type == VK_PHYSICAL_DEVICE_TYPE_CPU;
    switch (use) {
    case GVK_BUFFER_UPLOAD: return VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    /* Write-combined memory reads at a third of a gigabyte a second; cached memory is tens of times faster. */
    case GVK_BUFFER_READBACK: return VK_MEMORY_PROPERTY_HOST_CACHED_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    case GVK_BUFFER_DEVICE: break;
    }
    return VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT | (shared ? VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT : 0u);
}

static int count_bits(VkMemoryPropertyFlags flags)
{
    int bits = 0;
    for (; flags; flags &= flags - 1)
        bits++;
    return bits;
}

/* Of the allowed types that can hold so many bytes at all, the one with the most preferred flags; the driver lists
 * faster types first, so the first of equals. */
static bool choose_type(const struct gvk_device *device, uint32_t allowed, enum gvk_buffer_use use, uint64_t bytes,
                        uint32_t *out)
{
    VkMemoryPropertyFlags required = use == GVK_BUFFER_DEVICE ? 0 : VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT;
    VkMemoryPropertyFlags preferred = preferred_flags(device, use);
    /* AMD's take the feature deviceCoherentMemory, and are slow: past the device's caches. */
    VkMemoryPropertyFlags unusable = VK_MEMORY_PROPERTY_LAZILY_ALLOCATED_BIT | VK_MEMORY_PROPERTY_PROTECTED_BIT |
                                     VK_MEMORY_PROPERTY_DEVICE_COHERENT_BIT_AMD |
                                     VK_MEMORY_PROPERTY_DEVICE_UNCACHED_BIT_AMD;
    int best = -1;
    for (uint32_t i = 0; i < device->memory.memoryTypeCount; i++) {
        const VkMemoryType *type = &device->memory.memoryTypes[i];
        if (!(allowed & (1u << i)) || (type->propertyFlags & required) != required ||
            (type->propertyFlags & unusable) || device->memory.memoryHeaps[type->heapIndex].size < bytes)
            continue;
        int fit = count_bits(type->propertyFlags & preferred);
        if (fit > best) {
            best = fit;
            *out = i;
        }
    }
    return best >= 0;
}

/* Memory of the best type that has room: a small heap, such as what a host sees of a card's memory, may be full while
 * another is not. */
static gvk_result allocate(struct gvk_device *device, const VkMemoryRequirements *needs, enum gvk_buffer_use use,
                           const char *name, uint32_t *type, VkDeviceMemory *out)
{
    uint32_t allowed = needs->memoryTypeBits;
    VkResult result = VK_ERROR_OUT_OF_DEVICE_MEMORY; /* where no heap is that large */
    if (!choose_type(device, allowed, use, 0, type))
        return gvk_fail(&device->host, GVK_ERROR_UNSUPPORTED, "The device has no memory type for %s.", name);
    uint32_t first = *type;
    while (result == VK_ERROR_OUT_OF_DEVICE_MEMORY && choose_type(device, allowed, use, needs->size, type)) {
        VkMemoryAllocateInfo info = {
            .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
            .allocationSize = needs->size,
            .memoryTypeIndex = *type,
        };
        result = device->vk.AllocateMemory(device->device, &info, NULL, out);
        allowed &= ~(1u << *type);
    }
    if (!result && *type != first)
        gvk_log(&device->host, GVK_LOG_DEBUG, "The best memory for %s has no room; other memory is taken.", name);
    return GVK_VULKAN(device, "vkAllocateMemory", result);
}

/* Takes `taken` of the budget where `bytes`, which may be more, are left of it. */
static gvk_result ask_budget(struct gvk_device *device, uint64_t bytes, uint64_t taken)
{
    gvk_mutex_lock(&device->mutex);
    uint64_t used = device->memory_used;
    bool fits = !device->memory_ceiling || (used <= device->memory_ceiling && bytes <= device->memory_ceiling - used);
    if (fits)
        device->memory_used = used + taken;
    gvk_mutex_unlock(&device->mutex);
    if (fits)
        return GVK_OK;
    return gvk_fail(&device->host, GVK_ERROR_BUDGET,
                    "The memory ceiling of %" PRIu64 " MiB would be passed: %" PRIu64 " MiB are in use and %" PRIu64
                    " MiB more are needed.",
                    device->memory_ceiling >> 20, used >> 20, (bytes + 1048575) >> 20);
}

static gvk_result take_from_budget(struct gvk_device *device, uint64_t bytes)
{
    return ask_budget(device, bytes, bytes);
}

gvk_result gvk_budget_check(struct gvk_device *device, uint64_t bytes)
{
    return ask_budget(device, bytes, 0);
}

static void return_to_budget(struct gvk_device *device, uint64_t bytes)
{
    gvk_mutex_lock(&device->mutex);
    device->memory_used -= bytes;
    gvk_mutex_unlock(&device->mutex);
}

/* Beside storage and copies. */
static VkBufferUsageFlags usage_of(enum gvk_buffer_use use)
{
    switch (use) {
    case GVK_BUFFER_DEVICE: return VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT;
    case GVK_BUFFER_READBACK: return VK_BUFFER_USAGE_VERTEX_BUFFER_BIT | VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT;
    case GVK_BUFFER_UPLOAD: break;
    }
    return 0;
}

/* A buffer without memory, and what it needs. */
static gvk_result create_bare(const struct gvk_device *device, uint64_t bytes, enum gvk_buffer_use use, VkBuffer *out,
                              VkMemoryRequirements *needs)
{
    const struct gvk_functions *vk = &device->vk;
    VkBufferCreateInfo create = {
        .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
        .size = bytes ? bytes : 16,
        .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
                 VK_BUFFER_USAGE_TRANSFER_DST_BIT | usage_of(use),
    };
    gvk_result result = GVK_VULKAN(device, "vkCreateBuffer", vk->CreateBuffer(device->device, &create, NULL, out));
    if (!result)
        vk->GetBufferMemoryRequirements(device->device, *out, needs);
    return result;
}

gvk_result gvk_buffer_measure(const struct gvk_device *device, uint64_t bytes, enum gvk_buffer_use use,
                              struct gvk_buffer_needs *out)
{
    VkBuffer buffer = VK_NULL_HANDLE;
    VkMemoryRequirements needs;
    uint32_t type = 0;
    gvk_result result = create_bare(device, bytes, use, &buffer, &needs);
    if (result)
        return result;
    device->vk.DestroyBuffer(device->device, buffer, NULL);
    bool found = choose_type(device, needs.memoryTypeBits, use, needs.size, &type);
    *out = (struct gvk_buffer_needs){
        .bytes = needs.size,
        .mapped = found && (device->memory.memoryTypes[type].propertyFlags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT)};
    return GVK_OK;
}

gvk_result gvk_buffer_create(struct gvk_device *device, uint64_t bytes, enum gvk_buffer_use use, const char *name,
                             struct gvk_buffer *out)
{
    const struct gvk_functions *vk = &device->vk;
    struct gvk_buffer made = {.bytes = bytes};
    VkMemoryRequirements needs;
    uint32_t type = 0;
    gvk_result result = create_bare(device, bytes, use, &made.buffer, &needs);
    if (result)
        goto fail;
    result = take_from_budget(device, needs.size);
    if (result)
        goto fail;
    made.allocated = needs.size;
    result = allocate(device, &needs, use, name, &type, &made.memory);
    if (result)
        goto fail;
    result =
        GVK_VULKAN(device, "vkBindBufferMemory", vk->BindBufferMemory(device->device, made.buffer, made.memory, 0));
    if (result)
        goto fail;
    VkMemoryPropertyFlags flags = device->memory.memoryTypes[type].propertyFlags;
    made.coherent = flags & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    if (flags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT) {
        result = GVK_VULKAN(device, "vkMapMemory",
                            vk->MapMemory(device->device, made.memory, 0, VK_WHOLE_SIZE, 0, &made.mapped));
        if (result)
            goto fail;
        if (device->info.type == VK_PHYSICAL_DEVICE_TYPE_CPU) /* whose memory is the process's own */
            gvk_prefer_large_pages(made.mapped, (size_t)needs.size);
    }
    gvk_name_object(device, VK_OBJECT_TYPE_BUFFER, (uint64_t)made.buffer, "%s", name);
    gvk_name_object(device, VK_OBJECT_TYPE_DEVICE_MEMORY, (uint64_t)made.memory, "%s", name);
    *out = made;
    return GVK_OK;
fail:
    gvk_buffer_destroy(device, &made);
    return result;
}

void gvk_buffer_destroy(struct gvk_device *device, struct gvk_buffer *buffer)
{
    if (buffer->buffer)
        device->vk.DestroyBuffer(device->device, buffer->buffer, NULL);
    if (buffer->memory)
        device->vk.FreeMemory(device->device, buffer->memory, NULL); /* unmaps too */
    if (buffer->allocated)
        return_to_budget(device, buffer->allocated);
    *buffer = (struct gvk_buffer){0};
}

gvk_result gvk_buffer_flush(struct gvk_device *device, const struct gvk_buffer *buffer)
{
    if (buffer->coherent || !buffer->mapped)
        return GVK_OK;
    VkMappedMemoryRange range = {
        .sType = VK_STRUCTURE_TYPE_MAPPED_MEMORY_RANGE, .memory = buffer->memory, .size = VK_WHOLE_SIZE};
    return GVK_VULKAN(device, "vkFlushMappedMemoryRanges",
                      device->vk.FlushMappedMemoryRanges(device->device, 1, &range));
}

gvk_result gvk_buffer_invalidate(struct gvk_device *device, const struct gvk_buffer *buffer)
{
    if (buffer->coherent || !buffer->mapped)
        return GVK_OK;
    VkMappedMemoryRange range = {
        .sType = VK_STRUCTURE_TYPE_MAPPED_MEMORY_RANGE, .memory = buffer->memory, .size = VK_WHOLE_SIZE};
    return GVK_VULKAN(device, "vkInvalidateMappedMemoryRanges",
                      device->vk.InvalidateMappedMemoryRanges(device->device, 1, &range));
}
