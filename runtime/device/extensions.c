/* What a physical device's driver has beside Vulkan itself: extensions, and what some of them tell, as how many cores
 * there are, each vendor's driver in its own way. */
#include "runtime/vulkan/device.h"

#include <string.h>

bool gvk_physical_device_has(const struct gvk_functions *vk, const gvk_host *host, VkPhysicalDevice physical_device,
                             const char *extension)
{
    uint32_t count = 0;
    if (vk->EnumerateDeviceExtensionProperties(physical_device, NULL, &count, NULL) != VK_SUCCESS || !count)
        return false;
    VkExtensionProperties *list = gvk_allocate_array(host, count, sizeof *list);
    bool found = false;
    if (list && vk->EnumerateDeviceExtensionProperties(physical_device, NULL, &count, list) >= 0)
        for (uint32_t i = 0; i < count && !found; i++)
            found = !strcmp(list[i].extensionName, extension);
    gvk_release(host, list);
    return found;
}

static void read_properties(const struct gvk_functions *vk, VkPhysicalDevice physical_device, const char *extension,
                            void *properties)
{
    VkPhysicalDeviceProperties2 chain = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = properties};
    const gvk_host silent = gvk_host_complete(NULL);
    if (gvk_physical_device_has(vk, &silent, physical_device, extension))
        vk->GetPhysicalDeviceProperties2(physical_device, &chain);
}

uint32_t gvk_count_cores(const struct gvk_functions *vk, VkPhysicalDevice physical_device)
{
    VkPhysicalDeviceShaderSMBuiltinsPropertiesNV nvidia = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_SM_BUILTINS_PROPERTIES_NV};
    VkPhysicalDeviceShaderCorePropertiesAMD amd = {.sType =
                                                       VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_CORE_PROPERTIES_AMD};
    VkPhysicalDeviceShaderCoreProperties2AMD amd_active = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_CORE_PROPERTIES_2_AMD};
    VkPhysicalDeviceShaderCoreBuiltinsPropertiesARM arm = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_CORE_BUILTINS_PROPERTIES_ARM};
    read_properties(vk, physical_device, VK_NV_SHADER_SM_BUILTINS_EXTENSION_NAME, &nvidia);
    read_properties(vk, physical_device, VK_AMD_SHADER_CORE_PROPERTIES_2_EXTENSION_NAME, &amd_active);
    read_properties(vk, physical_device, VK_AMD_SHADER_CORE_PROPERTIES_EXTENSION_NAME, &amd);
    read_properties(vk, physical_device, VK_ARM_SHADER_CORE_BUILTINS_EXTENSION_NAME, &arm);
    if (nvidia.shaderSMCount || arm.shaderCoreCount)
        return nvidia.shaderSMCount ? nvidia.shaderSMCount : arm.shaderCoreCount;
    return amd_active.activeComputeUnitCount
               ? amd_active.activeComputeUnitCount
               : amd.shaderEngineCount * amd.shaderArraysPerEngineCount * amd.computeUnitsPerShaderArray;
}
