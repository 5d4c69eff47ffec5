/* Lowered limits and hidden features, as a physical device's queries show them. */
#include "layer.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct limits limits;

struct limits limits_now(void)
{
    pthread_mutex_lock(&mutex);
    struct limits copy = limits;
    pthread_mutex_unlock(&mutex);
    return copy;
}

/* A word that switches something, or one that takes a number: "invocations=128". */
static const struct option {
    const char *name;
    size_t offset;
    bool takes_number;
} options[] = {
    {"invocations", offsetof(struct limits, invocations), true},
    {"shared", offsetof(struct limits, shared), true},
    {"storage_buffers", offsetof(struct limits, storage_buffers), true},
    {"range", offsetof(struct limits, range), true},
    {"texels", offsetof(struct limits, texels), true},
    {"groups", offsetof(struct limits, groups), true},
    {"push", offsetof(struct limits, push), true},
    {"alignment", offsetof(struct limits, alignment), true},
    {"no_timeline", offsetof(struct limits, no_timeline), false},
    {"no_fp16", offsetof(struct limits, no_fp16), false},
    {"no_synchronization2", offsetof(struct limits, no_synchronization2), false},
    {"no_subgroup_size_control", offsetof(struct limits, no_subgroup_size_control), false},
    {"no_timestamps", offsetof(struct limits, no_timestamps), false},
    {"exact_ranges", offsetof(struct limits, exact_ranges), false},
    {"no_global_priority", offsetof(struct limits, no_global_priority), false},
    {"global_priority", offsetof(struct limits, global_priority), false},
    {"global_priority_refused", offsetof(struct limits, global_priority_refused), false},
    {"labels_in_turn", offsetof(struct limits, labels_in_turn), false},
    {"discrete", offsetof(struct limits, discrete), false},
    {"two_families", offsetof(struct limits, two_families), false},
    {"slow_clock", offsetof(struct limits, slow_clock), true},
};

static bool read_number(const char *text, uint32_t *out)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    *out = (uint32_t)value;
    return *text && !*end && value && value <= UINT32_MAX;
}

static bool read_option(char *word, struct limits *out)
{
    char *value = strchr(word, '=');
    if (value)
        *value++ = 0;
    if (value && !strcmp(word, "api")) {
        out->api = !strcmp(value, "1.0")   ? VK_API_VERSION_1_0
                   : !strcmp(value, "1.1") ? VK_API_VERSION_1_1
                   : !strcmp(value, "1.2") ? VK_API_VERSION_1_2
                                           : 0;
        return out->api != 0;
    }
    if (value && !strcmp(word, "subgroup") && !strcmp(value, "unknown"))
        return (out->subgroup_unknown = 1) != 0;
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (strcmp(options[i].name, word) || options[i].takes_number != (value != NULL))
            continue;
        uint32_t number = 1;
        if (value && !read_number(value, &number))
            return false;
        memcpy((char *)out + options[i].offset, &number, sizeof number);
        return true;
    }
    return false;
}

bool limits_set(const char *text)
{
    struct limits made = {0};
    while (*text) {
        char word[64];
        size_t length = strcspn(text, ",");
        if (!length || length >= sizeof word)
            return false;
        memcpy(word, text, length);
        word[length] = 0;
        if (!read_option(word, &made))
            return false;
        text += length + (text[length] == ',');
    }
    pthread_mutex_lock(&mutex);
    limits = made;
    pthread_mutex_unlock(&mutex);
    return true;
}

static void lower(uint32_t *limit, uint32_t to)
{
    if (to && *limit > to)
        *limit = to;
}

static void raise_alignment(VkDeviceSize *alignment, uint32_t to)
{
    if (to && *alignment < to)
        *alignment = to;
}

void limits_lower_properties(VkPhysicalDeviceProperties *properties)
{
    struct limits now = limits_now();
    VkPhysicalDeviceLimits *shown = &properties->limits;
    lower(&properties->apiVersion, now.api);
    lower(&shown->maxComputeWorkGroupInvocations, now.invocations);
    for (int i = 0; i < 3; i++) {
        lower(&shown->maxComputeWorkGroupSize[i], now.invocations);
        lower(&shown->maxComputeWorkGroupCount[i], now.groups);
    }
    lower(&shown->maxComputeSharedMemorySize, now.shared);
    lower(&shown->maxPerStageDescriptorStorageBuffers, now.storage_buffers);
    lower(&shown->maxStorageBufferRange, now.range);
    lower(&shown->maxTexelBufferElements, now.texels);
    lower(&shown->maxPushConstantsSize, now.push);
    raise_alignment(&shown->minStorageBufferOffsetAlignment, now.alignment);
    raise_alignment(&shown->minTexelBufferOffsetAlignment, now.alignment);
    if (now.discrete) {
        properties->deviceType = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
        raise_alignment(&shown->nonCoherentAtomSize, 64);
    }
}

/* The structs of a chain begin alike, and differ in sType. */
#define CASE(TYPE, name)                                                                                               \
    case VK_STRUCTURE_TYPE_##TYPE: lower_##name((void *)item, &now); break;

static bool api_below(const struct limits *now, uint32_t version)
{
    return now->api && now->api < version;
}

static void lower_features12(VkPhysicalDeviceVulkan12Features *features, const struct limits *now)
{
    if (now->no_timeline || api_below(now, VK_API_VERSION_1_2))
        features->timelineSemaphore = VK_FALSE;
    if (now->no_fp16 || api_below(now, VK_API_VERSION_1_2))
        features->shaderFloat16 = features->shaderInt8 = VK_FALSE;
}

static void lower_features13(VkPhysicalDeviceVulkan13Features *features, const struct limits *now)
{
    if (now->no_synchronization2 || api_below(now, VK_API_VERSION_1_3))
        features->synchronization2 = VK_FALSE;
    if (now->no_subgroup_size_control || api_below(now, VK_API_VERSION_1_3))
        features->subgroupSizeControl = features->computeFullSubgroups = VK_FALSE;
}

static void lower_timeline(VkPhysicalDeviceTimelineSemaphoreFeatures *features, const struct limits *now)
{
    features->timelineSemaphore &= !now->no_timeline;
}

static void lower_fp16(VkPhysicalDeviceShaderFloat16Int8Features *features, const struct limits *now)
{
    features->shaderFloat16 &= !now->no_fp16;
}

static void lower_storage16(VkPhysicalDevice16BitStorageFeatures *features, const struct limits *now)
{
    features->storageBuffer16BitAccess &= !now->no_fp16;
    features->uniformAndStorageBuffer16BitAccess &= !now->no_fp16;
}

static void lower_synchronization2(VkPhysicalDeviceSynchronization2Features *features, const struct limits *now)
{
    features->synchronization2 &= !now->no_synchronization2;
}

static void lower_size_control(VkPhysicalDeviceSubgroupSizeControlFeatures *features, const struct limits *now)
{
    features->subgroupSizeControl &= !now->no_subgroup_size_control;
    features->computeFullSubgroups &= !now->no_subgroup_size_control;
}

static void lower_subgroup(VkPhysicalDeviceSubgroupProperties *properties, const struct limits *now)
{
    if (!now->subgroup_unknown)
        return;
    properties->subgroupSize = 0;
    properties->supportedStages = 0;
    properties->supportedOperations = 0;
}

static void lower_properties11(VkPhysicalDeviceVulkan11Properties *properties, const struct limits *now)
{
    if (!now->subgroup_unknown)
        return;
    properties->subgroupSize = 0;
    properties->subgroupSupportedStages = 0;
    properties->subgroupSupportedOperations = 0;
}

void limits_lower_chain(void *first)
{
    struct limits now = limits_now();
    for (VkBaseOutStructure *item = first; item; item = item->pNext) {
        switch (item->sType) {
            CASE(PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES, properties11)
            CASE(PHYSICAL_DEVICE_SUBGROUP_PROPERTIES, subgroup)
            CASE(PHYSICAL_DEVICE_VULKAN_1_2_FEATURES, features12)
            CASE(PHYSICAL_DEVICE_VULKAN_1_3_FEATURES, features13)
            CASE(PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES, timeline)
            CASE(PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES, fp16)
            CASE(PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES, storage16)
            CASE(PHYSICAL_DEVICE_SYNCHRONIZATION_2_FEATURES, synchronization2)
            CASE(PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES, size_control)
        default: break;
        }
    }
}

bool limits_hide_extension(const char *name)
{
    struct limits now = limits_now();
    const struct {
        uint32_t hidden;
        const char *name;
    } extensions[] = {
        {now.no_timeline, VK_KHR_TIMELINE_SEMAPHORE_EXTENSION_NAME},
        {now.no_fp16, VK_KHR_SHADER_FLOAT16_INT8_EXTENSION_NAME},
        {now.no_fp16, VK_KHR_16BIT_STORAGE_EXTENSION_NAME},
        {now.no_synchronization2, VK_KHR_SYNCHRONIZATION_2_EXTENSION_NAME},
        {now.no_subgroup_size_control, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME},
        {now.no_global_priority, VK_KHR_GLOBAL_PRIORITY_EXTENSION_NAME},
        {now.no_global_priority, VK_EXT_GLOBAL_PRIORITY_EXTENSION_NAME},
    };
    for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++)
        if (extensions[i].hidden && !strcmp(extensions[i].name, name))
            return true;
    return false;
}

bool limits_makes_up_priority(void)
{
    struct limits now = limits_now();
    return now.global_priority || now.global_priority_refused;
}

uint32_t limits_family(uint32_t shown)
{
    return limits_now().two_families ? 0 : shown;
}

/* Type 0 is the device's alone, type 1 the host's; calls.c allocates both from the driver's type 0. */
void limits_split_memory(VkPhysicalDeviceMemoryProperties *memory)
{
    if (!limits_now().discrete)
        return;
    memory->memoryTypeCount = 2;
    memory->memoryTypes[1].heapIndex = memory->memoryTypes[0].heapIndex;
    memory->memoryTypes[0].propertyFlags = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
    memory->memoryTypes[1].propertyFlags = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
}
