/* Asks a device which matrices it multiplies. */
#include "matrices.h"

#include <string.h>

/* VkCooperativeMatrixPropertiesKHR and VkPhysicalDeviceCooperativeMatrixPropertiesKHR. */
struct matrix_properties {
    VkStructureType type;
    void *next;
    uint32_t rows, columns, inner;
    int32_t left, right, addend, result; /* VkComponentTypeKHR */
    VkBool32 saturates;
    int32_t scope; /* VkScopeKHR */
};
struct matrix_limits {
    VkStructureType type;
    void *next;
    VkShaderStageFlags stages;
};
#define PROPERTIES_TYPE ((VkStructureType)1000506001)
#define LIMITS_TYPE     ((VkStructureType)1000506002)
#define COMPONENT_FP16  0
#define COMPONENT_FP32  1
#define SCOPE_SUBGROUP  3
typedef VkResult(VKAPI_PTR *get_properties)(VkPhysicalDevice, uint32_t *, struct matrix_properties *);

#define PROPERTIES_MOST 256u /* what any device lists has some dozens */

static bool can_be_used(const struct gvk_functions *vk, VkPhysicalDevice physical_device)
{
    if (!vk->GetPhysicalDeviceCooperativeMatrixPropertiesKHR)
        return false;
    VkPhysicalDeviceCooperativeMatrixFeaturesNV matrices = {.sType = GVK_COOPERATIVE_MATRIX_FEATURES_TYPE};
    VkPhysicalDeviceVulkanMemoryModelFeatures model = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_MEMORY_MODEL_FEATURES, .pNext = &matrices};
    VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &model};
    vk->GetPhysicalDeviceFeatures2(physical_device, &features);
    struct matrix_limits limits = {.type = LIMITS_TYPE};
    VkPhysicalDeviceProperties2 properties = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                              .pNext = &limits};
    vk->GetPhysicalDeviceProperties2(physical_device, &properties);
    return matrices.cooperativeMatrix && model.vulkanMemoryModel && (limits.stages & VK_SHADER_STAGE_COMPUTE_BIT);
}

static bool is_square_of(const struct matrix_properties *properties, uint32_t side)
{
    return properties->rows == side && properties->columns == side && properties->inner == side &&
           properties->left == COMPONENT_FP16 && properties->right == COMPONENT_FP16 &&
           properties->addend == COMPONENT_FP32 && properties->result == COMPONENT_FP32 && !properties->saturates &&
           properties->scope == SCOPE_SUBGROUP;
}

uint32_t gvk_matrix_side_of(const struct gvk_functions *vk, VkPhysicalDevice physical_device)
{
    struct matrix_properties list[PROPERTIES_MOST];
    uint32_t count = PROPERTIES_MOST, side = 0;
    if (!can_be_used(vk, physical_device))
        return 0;
    get_properties get = (get_properties)vk->GetPhysicalDeviceCooperativeMatrixPropertiesKHR;
    memset(list, 0, sizeof list);
    for (uint32_t i = 0; i < count; i++)
        list[i].type = PROPERTIES_TYPE;
    if (get(physical_device, &count, list) < 0)
        return 0;
    for (uint32_t i = 0; i < count && i < PROPERTIES_MOST && side != 16; i++)
        if (is_square_of(&list[i], 16) || is_square_of(&list[i], 8))
            side = list[i].rows;
    return side;
}
