/* Finds the Vulkan loader and fills the function tables. */
#include "functions.h"

#include <stddef.h>
#include <string.h>

#if defined(_WIN32)
#include <windows.h>
#else
#include <dlfcn.h>
#endif

#define LOAD(name, get, handle)                                                                                        \
    functions->name = (PFN_vk##name)get(handle, "vk" #name);                                                           \
    if (!functions->name) {                                                                                            \
        *missing = "vk" #name;                                                                                         \
        return false;                                                                                                  \
    }

bool gvk_functions_load_global(struct gvk_functions *functions, PFN_vkGetInstanceProcAddr get, const char **missing)
{
    functions->GetInstanceProcAddr = get;
#define LOAD_GLOBAL(name) LOAD(name, get, VK_NULL_HANDLE)
    GVK_GLOBAL_FUNCTIONS(LOAD_GLOBAL)
#undef LOAD_GLOBAL
    return true;
}

bool gvk_functions_load_instance(struct gvk_functions *functions, VkInstance instance, const char **missing)
{
#define LOAD_INSTANCE(name) LOAD(name, functions->GetInstanceProcAddr, instance)
    GVK_INSTANCE_FUNCTIONS(LOAD_INSTANCE)
#undef LOAD_INSTANCE
    functions->GetPhysicalDeviceCooperativeMatrixPropertiesKHR =
        functions->GetInstanceProcAddr(instance, "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR");
    return true;
}

bool gvk_functions_load_device(struct gvk_functions *functions, VkInstance instance, VkDevice device,
                               const char **missing)
{
#define LOAD_DEVICE(name) LOAD(name, functions->GetDeviceProcAddr, device)
    GVK_DEVICE_FUNCTIONS(LOAD_DEVICE)
#undef LOAD_DEVICE
    /* Looked up through the instance: a debug layer may have this function for the instance alone, and none for a
     * device. */
#define LOAD_DEBUG(name) functions->name = (PFN_vk##name)functions->GetInstanceProcAddr(instance, "vk" #name);
    GVK_DEBUG_FUNCTIONS(LOAD_DEBUG)
#undef LOAD_DEBUG
    return true;
}

const char *gvk_vulkan_result_name(VkResult result)
{
    switch (result) {
    case VK_SUCCESS: return "VK_SUCCESS";
    case VK_NOT_READY: return "VK_NOT_READY";
    case VK_TIMEOUT: return "VK_TIMEOUT";
    case VK_INCOMPLETE: return "VK_INCOMPLETE";
    case VK_ERROR_OUT_OF_HOST_MEMORY: return "VK_ERROR_OUT_OF_HOST_MEMORY";
    case VK_ERROR_OUT_OF_DEVICE_MEMORY: return "VK_ERROR_OUT_OF_DEVICE_MEMORY";
    case VK_ERROR_INITIALIZATION_FAILED: return "VK_ERROR_INITIALIZATION_FAILED";
    case VK_ERROR_DEVICE_LOST: return "VK_ERROR_DEVICE_LOST";
    case VK_ERROR_MEMORY_MAP_FAILED: return "VK_ERROR_MEMORY_MAP_FAILED";
    case VK_ERROR_LAYER_NOT_PRESENT: return "VK_ERROR_LAYER_NOT_PRESENT";
    case VK_ERROR_EXTENSION_NOT_PRESENT: return "VK_ERROR_EXTENSION_NOT_PRESENT";
    case VK_ERROR_FEATURE_NOT_PRESENT: return "VK_ERROR_FEATURE_NOT_PRESENT";
    case VK_ERROR_INCOMPATIBLE_DRIVER: return "VK_ERROR_INCOMPATIBLE_DRIVER";
    case VK_ERROR_TOO_MANY_OBJECTS: return "VK_ERROR_TOO_MANY_OBJECTS";
    case VK_ERROR_FRAGMENTED_POOL: return "VK_ERROR_FRAGMENTED_POOL";
    case VK_ERROR_OUT_OF_POOL_MEMORY: return "VK_ERROR_OUT_OF_POOL_MEMORY";
    case VK_ERROR_UNKNOWN: return "VK_ERROR_UNKNOWN";
    default: return "a VkResult unknown to ghostvk";
    }
}

#if defined(_WIN32)

void *gvk_loader_open(PFN_vkGetInstanceProcAddr *get)
{
    HMODULE library = LoadLibraryA("vulkan-1.dll");
    if (!library)
        return NULL;
    FARPROC symbol = GetProcAddress(library, "vkGetInstanceProcAddr");
    if (!symbol) {
        FreeLibrary(library);
        return NULL;
    }
    memcpy(get, &symbol, sizeof *get);
    return library;
}

void gvk_loader_close(void *loader)
{
    if (loader)
        FreeLibrary(loader);
}

#else

void *gvk_loader_open(PFN_vkGetInstanceProcAddr *get)
{
    static const char *const names[] = {
#if defined(__APPLE__)
        "libvulkan.1.dylib",
        "libvulkan.dylib",
        "libMoltenVK.dylib",
#else
        "libvulkan.so.1",
        "libvulkan.so",
#endif
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
        if (!library)
            continue;
        void *symbol = dlsym(library, "vkGetInstanceProcAddr");
        if (symbol) {
            memcpy(get, &symbol, sizeof *get); /* ISO C has no cast from an object to a function pointer */
            return library;
        }
        dlclose(library);
    }
    return NULL;
}

void gvk_loader_close(void *loader)
{
    if (loader)
        dlclose(loader);
}

#endif
