/* VK_LAYER_GHOSTVK_faults: a Vulkan layer that makes a device poorer and its calls fail, so that tests can see what
 * the runtime does then. Load it with VK_ADD_LAYER_PATH=(its folder) and VK_INSTANCE_LAYERS=VK_LAYER_GHOSTVK_faults.
 *
 *   GHOSTVK_FAULTS_LIMITS=option,...   lowers what the device shows:
 *       api=1.0|1.1|1.2, invocations=N, shared=BYTES, storage_buffers=N (a stage), range=BYTES (a storage buffer),
 *       texels=N, groups=N (a dimension), push=BYTES, alignment=BYTES (of bound ranges), subgroup=unknown,
 *       no_timeline, no_fp16, no_synchronization2, no_subgroup_size_control, no_timestamps,
 *       no_global_priority, global_priority (VK_KHR_global_priority, whatever the driver has),
 *       global_priority_refused (the same, and no device with such a priority: VK_ERROR_NOT_PERMITTED),
 *       exact_ranges (each bound range a buffer of its own: ranges.c; takes alignment=256 beside it),
 *       labels_in_turn (one thread at a time in the calls that touch labels, for the validation layer beneath),
 *       two_families (a driver's only queue family once more, for compute alone),
 *       slow_clock=N (timestamps are an N-th of what they were),
 *       discrete (a GPU whose memory the host cannot see, and host memory that is not coherent)
 *   GHOSTVK_FAULTS_FAIL=CALL:N:RESULT  the Nth call named CALL, or the Nth failable call of all for "*", returns
 * RESULT: VK_ERROR_OUT_OF_HOST_MEMORY, VK_ERROR_OUT_OF_DEVICE_MEMORY, VK_ERROR_DEVICE_LOST,
 *       VK_ERROR_INITIALIZATION_FAILED or VK_ERROR_UNKNOWN. A device lost in a submission or a wait stays lost.
 *   GHOSTVK_FAULTS_WITHHOLD=1          no fence is ever seen signalled.
 *
 * A value that is not understood makes vkCreateInstance fail. A test in the same process uses faults.h instead. What is
 * asked before there is an instance does not pass through layers, and cannot fail here.
 *
 * This file holds the chain to the next layer or driver, and the calls of instances and physical devices. */
#include "layer.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <vulkan/vk_layer.h>

#define CAPACITY 16

#define INSTANCE_FUNCTIONS(X)                                                                                          \
    X(DestroyInstance)                                                                                                 \
    X(EnumeratePhysicalDevices)                                                                                        \
    X(EnumerateDeviceExtensionProperties)                                                                              \
    X(GetPhysicalDeviceProperties)                                                                                     \
    X(GetPhysicalDeviceProperties2)                                                                                    \
    X(GetPhysicalDeviceFeatures2)                                                                                      \
    X(GetPhysicalDeviceMemoryProperties)                                                                               \
    X(GetPhysicalDeviceQueueFamilyProperties)

struct instance {
    void *key; /* as a device's */
    VkInstance handle;
    PFN_vkGetInstanceProcAddr GetInstanceProcAddr;
    INSTANCE_FUNCTIONS(DECLARE_FUNCTION)
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct instance instances[CAPACITY];
static struct device devices[CAPACITY];

static void *key_of(const void *handle)
{
    return *(void *const *)handle;
}

/* By an instance or physical device. */
static struct instance *instance_of(const void *handle)
{
    struct instance *found = NULL;
    pthread_mutex_lock(&mutex);
    for (size_t i = 0; i < CAPACITY && !found; i++)
        if (instances[i].key == key_of(handle))
            found = &instances[i];
    pthread_mutex_unlock(&mutex);
    return found;
}

struct device *device_of(const void *handle)
{
    struct device *found = NULL;
    pthread_mutex_lock(&mutex);
    for (size_t i = 0; i < CAPACITY && !found; i++)
        if (devices[i].key == key_of(handle))
            found = &devices[i];
    pthread_mutex_unlock(&mutex);
    return found;
}

void forget_device(struct device *device)
{
    pthread_mutex_lock(&mutex);
    *device = (struct device){0};
    pthread_mutex_unlock(&mutex);
}

static bool remember_instance(const struct instance *made)
{
    bool kept = false;
    pthread_mutex_lock(&mutex);
    for (size_t i = 0; i < CAPACITY && !kept; i++)
        if (!instances[i].key) {
            instances[i] = *made;
            kept = true;
        }
    pthread_mutex_unlock(&mutex);
    return kept;
}

static bool remember_device(const struct device *made)
{
    bool kept = false;
    pthread_mutex_lock(&mutex);
    for (size_t i = 0; i < CAPACITY && !kept; i++)
        if (!devices[i].key) {
            devices[i] = *made;
            kept = true;
        }
    pthread_mutex_unlock(&mutex);
    return kept;
}

/* ---- instances ----------------------------------------------------------------------------------------------------
 */

static VKAPI_ATTR VkResult VKAPI_CALL CreateInstance(const VkInstanceCreateInfo *info,
                                                     const VkAllocationCallbacks *allocator, VkInstance *out)
{
    if (!plan_read_environment())
        return VK_ERROR_INITIALIZATION_FAILED;
    VkResult fault = plan_strike("vkCreateInstance");
    if (fault != VK_SUCCESS)
        return fault;
    VkLayerInstanceCreateInfo *link = (VkLayerInstanceCreateInfo *)info->pNext;
    while (link &&
           (link->sType != VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO || link->function != VK_LAYER_LINK_INFO))
        link = (VkLayerInstanceCreateInfo *)link->pNext;
    if (!link)
        return VK_ERROR_INITIALIZATION_FAILED;
    PFN_vkGetInstanceProcAddr get = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
    link->u.pLayerInfo = link->u.pLayerInfo->pNext; /* the next layer finds its own link first */
    PFN_vkCreateInstance create = (PFN_vkCreateInstance)get(VK_NULL_HANDLE, "vkCreateInstance");
    VkResult result = create(info, allocator, out);
    if (result != VK_SUCCESS)
        return result;
    struct instance made = {.key = key_of(*out), .handle = *out, .GetInstanceProcAddr = get};
#define LOAD(name) made.name = (PFN_vk##name)get(*out, "vk" #name);
    INSTANCE_FUNCTIONS(LOAD)
#undef LOAD
    if (!remember_instance(&made)) {
        made.DestroyInstance(*out, allocator);
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    }
    plan_count_object(1);
    return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL DestroyInstance(VkInstance handle, const VkAllocationCallbacks *allocator)
{
    if (!handle)
        return;
    struct instance *instance = instance_of(handle);
    PFN_vkDestroyInstance destroy = instance->DestroyInstance;
    pthread_mutex_lock(&mutex);
    *instance = (struct instance){0};
    pthread_mutex_unlock(&mutex);
    destroy(handle, allocator);
    plan_count_object(-1);
}

static VKAPI_ATTR VkResult VKAPI_CALL EnumeratePhysicalDevices(VkInstance handle, uint32_t *count,
                                                               VkPhysicalDevice *out)
{
    VkResult fault = plan_strike("vkEnumeratePhysicalDevices");
    return fault != VK_SUCCESS ? fault : instance_of(handle)->EnumeratePhysicalDevices(handle, count, out);
}

/* ---- what a physical device shows ---------------------------------------------------------------------------------
 */

/* All of the driver's that are not hidden; the caller frees. NULL: *result says why. */
static VkExtensionProperties *list_extensions(VkPhysicalDevice physical_device, uint32_t *count, VkResult *result)
{
    PFN_vkEnumerateDeviceExtensionProperties enumerate =
        instance_of(physical_device)->EnumerateDeviceExtensionProperties;
    uint32_t all = 0, kept = 0;
    *result = enumerate(physical_device, NULL, &all, NULL);
    VkExtensionProperties *list = *result == VK_SUCCESS ? calloc(all + (size_t)1, sizeof *list) : NULL;
    if (list)
        *result = enumerate(physical_device, NULL, &all, list);
    else if (*result == VK_SUCCESS)
        *result = VK_ERROR_OUT_OF_HOST_MEMORY;
    if (*result != VK_SUCCESS) {
        free(list);
        return NULL;
    }
    bool has_priority = !limits_makes_up_priority();
    for (uint32_t i = 0; i < all; i++)
        if (!limits_hide_extension(list[i].extensionName)) {
            has_priority |= !strcmp(list[i].extensionName, VK_KHR_GLOBAL_PRIORITY_EXTENSION_NAME);
            list[kept++] = list[i];
        }
    if (!has_priority)
        list[kept++] = (VkExtensionProperties){VK_KHR_GLOBAL_PRIORITY_EXTENSION_NAME, 1};
    *count = kept;
    return list;
}

static VKAPI_ATTR VkResult VKAPI_CALL EnumerateDeviceExtensionProperties(VkPhysicalDevice physical_device,
                                                                         const char *layer, uint32_t *count,
                                                                         VkExtensionProperties *out)
{
    if (layer)
        return instance_of(physical_device)->EnumerateDeviceExtensionProperties(physical_device, layer, count, out);
    VkResult result = plan_strike("vkEnumerateDeviceExtensionProperties");
    if (result != VK_SUCCESS)
        return result;
    uint32_t there = 0;
    VkExtensionProperties *list = list_extensions(physical_device, &there, &result);
    if (!list)
        return result;
    if (out) {
        result = *count < there ? VK_INCOMPLETE : VK_SUCCESS;
        *count = *count < there ? *count : there;
        memcpy(out, list, *count * sizeof *list);
    } else {
        *count = there;
    }
    free(list);
    return result;
}

static VKAPI_ATTR void VKAPI_CALL GetPhysicalDeviceProperties(VkPhysicalDevice physical_device,
                                                              VkPhysicalDeviceProperties *out)
{
    instance_of(physical_device)->GetPhysicalDeviceProperties(physical_device, out);
    limits_lower_properties(out);
}

static VKAPI_ATTR void VKAPI_CALL GetPhysicalDeviceProperties2(VkPhysicalDevice physical_device,
                                                               VkPhysicalDeviceProperties2 *out)
{
    instance_of(physical_device)->GetPhysicalDeviceProperties2(physical_device, out);
    limits_lower_properties(&out->properties);
    limits_lower_chain(out);
}

static VKAPI_ATTR void VKAPI_CALL GetPhysicalDeviceFeatures2(VkPhysicalDevice physical_device,
                                                             VkPhysicalDeviceFeatures2 *out)
{
    instance_of(physical_device)->GetPhysicalDeviceFeatures2(physical_device, out);
    limits_lower_chain(out);
}

static VKAPI_ATTR void VKAPI_CALL GetPhysicalDeviceMemoryProperties(VkPhysicalDevice physical_device,
                                                                    VkPhysicalDeviceMemoryProperties *out)
{
    instance_of(physical_device)->GetPhysicalDeviceMemoryProperties(physical_device, out);
    limits_split_memory(out);
}

static VKAPI_ATTR void VKAPI_CALL GetPhysicalDeviceQueueFamilyProperties(VkPhysicalDevice physical_device,
                                                                         uint32_t *count, VkQueueFamilyProperties *out)
{
    uint32_t room = *count;
    instance_of(physical_device)->GetPhysicalDeviceQueueFamilyProperties(physical_device, count, out);
    if (limits_now().two_families && *count == 1 && (!out || room > 1)) {
        if (out) {
            out[1] = out[0];
            out[1].queueFlags &= ~(VkQueueFlags)VK_QUEUE_GRAPHICS_BIT;
        }
        *count = 2;
    }
    for (uint32_t i = 0; out && i < *count && limits_now().no_timestamps; i++)
        out[i].timestampValidBits = 0;
}

/* ---- devices ------------------------------------------------------------------------------------------------------
 */

/* A copy of what a device is created with, without the priority and the family that the layer has made up. */
struct stripped {
    VkDeviceCreateInfo info;
    VkDeviceQueueCreateInfo queue;
    const char *extensions[32];
};

/* False: it is left as it is. */
static bool strip_what_is_made_up(const VkDeviceCreateInfo *info, struct stripped *out)
{
    bool has_priority = limits_makes_up_priority();
    if (!(has_priority || limits_now().two_families) || info->queueCreateInfoCount != 1 ||
        info->enabledExtensionCount > 32)
        return false;
    *out = (struct stripped){.info = *info, .queue = info->pQueueCreateInfos[0]};
    out->queue.queueFamilyIndex = limits_family(out->queue.queueFamilyIndex);
    out->info.pQueueCreateInfos = &out->queue;
    if (!has_priority)
        return true;
    out->queue.pNext = NULL;
    out->info.enabledExtensionCount = 0;
    for (uint32_t i = 0; i < info->enabledExtensionCount; i++)
        if (!strstr(info->ppEnabledExtensionNames[i], "_global_priority"))
            out->extensions[out->info.enabledExtensionCount++] = info->ppEnabledExtensionNames[i];
    out->info.ppEnabledExtensionNames = out->extensions;
    return true;
}

static uint32_t note_queue(const VkDeviceCreateInfo *info)
{
    const VkDeviceQueueCreateInfo *queue = info->pQueueCreateInfos;
    const VkDeviceQueueGlobalPriorityCreateInfoKHR *global = queue->pNext;
    bool has = global && global->sType == VK_STRUCTURE_TYPE_DEVICE_QUEUE_GLOBAL_PRIORITY_CREATE_INFO_KHR;
    uint32_t value = has ? (uint32_t)global->globalPriority : 0;
    plan_note_queue(queue->pQueuePriorities[0], value);
    return value;
}

static VKAPI_ATTR VkResult VKAPI_CALL CreateDevice(VkPhysicalDevice physical_device, const VkDeviceCreateInfo *info,
                                                   const VkAllocationCallbacks *allocator, VkDevice *out)
{
    VkResult fault = plan_strike("vkCreateDevice");
    if (fault != VK_SUCCESS)
        return fault;
    for (uint32_t i = 0; i < info->enabledExtensionCount; i++)
        if (limits_hide_extension(info->ppEnabledExtensionNames[i]))
            return VK_ERROR_EXTENSION_NOT_PRESENT;
    if (note_queue(info) && limits_now().global_priority_refused)
        return VK_ERROR_NOT_PERMITTED_KHR;
    struct stripped stripped;
    if (strip_what_is_made_up(info, &stripped))
        info = &stripped.info;
    VkLayerDeviceCreateInfo *link = (VkLayerDeviceCreateInfo *)info->pNext;
    while (link && (link->sType != VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO || link->function != VK_LAYER_LINK_INFO))
        link = (VkLayerDeviceCreateInfo *)link->pNext;
    if (!link)
        return VK_ERROR_INITIALIZATION_FAILED;
    PFN_vkGetInstanceProcAddr get_instance = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
    PFN_vkGetDeviceProcAddr get = link->u.pLayerInfo->pfnNextGetDeviceProcAddr;
    link->u.pLayerInfo = link->u.pLayerInfo->pNext;
    VkInstance instance = instance_of(physical_device)->handle;
    PFN_vkCreateDevice create = (PFN_vkCreateDevice)get_instance(instance, "vkCreateDevice");
    VkResult result = create(physical_device, info, allocator, out);
    if (result != VK_SUCCESS)
        return result;
    struct device made = {.key = key_of(*out), .handle = *out, .GetDeviceProcAddr = get};
#define LOAD(name) made.name = (PFN_vk##name)get(*out, "vk" #name);
    DEVICE_FUNCTIONS(LOAD)
#undef LOAD
    if (!remember_device(&made)) {
        made.DestroyDevice(*out, allocator);
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    }
    plan_count_object(1);
    return VK_SUCCESS;
}

/* ---- what the loader asks for -------------------------------------------------------------------------------------
 */

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL GetDeviceProcAddr(VkDevice handle, const char *name)
{
    if (!strcmp(name, "vkGetDeviceProcAddr"))
        return (PFN_vkVoidFunction)GetDeviceProcAddr;
    PFN_vkVoidFunction own = find_device_call(name);
    return own ? own : device_of(handle)->GetDeviceProcAddr(handle, name);
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL GetInstanceProcAddr(VkInstance handle, const char *name)
{
#define OWN(function)                                                                                                  \
    if (!strcmp(name, "vk" #function))                                                                                 \
        return (PFN_vkVoidFunction)function;
    INSTANCE_FUNCTIONS(OWN)
    OWN(CreateInstance)
    OWN(CreateDevice)
    OWN(GetInstanceProcAddr)
    OWN(GetDeviceProcAddr)
    if (!strcmp(name, "vkGetPhysicalDeviceProperties2KHR"))
        return (PFN_vkVoidFunction)GetPhysicalDeviceProperties2;
    if (!strcmp(name, "vkGetPhysicalDeviceFeatures2KHR"))
        return (PFN_vkVoidFunction)GetPhysicalDeviceFeatures2;
#undef OWN
    PFN_vkVoidFunction own = find_device_call(name);
    struct instance *instance = handle ? instance_of(handle) : NULL;
    return own ? own : instance ? instance->GetInstanceProcAddr(handle, name) : NULL;
}

__attribute__((visibility("default"))) VKAPI_ATTR VkResult VKAPI_CALL
vkNegotiateLoaderLayerInterfaceVersion(VkNegotiateLayerInterface *about)
{
    if (about->sType != LAYER_NEGOTIATE_INTERFACE_STRUCT || about->loaderLayerInterfaceVersion < 2)
        return VK_ERROR_INITIALIZATION_FAILED;
    about->loaderLayerInterfaceVersion = 2;
    about->pfnGetInstanceProcAddr = GetInstanceProcAddr;
    about->pfnGetDeviceProcAddr = GetDeviceProcAddr;
    about->pfnGetPhysicalDeviceProcAddr = NULL;
    return VK_SUCCESS;
}
