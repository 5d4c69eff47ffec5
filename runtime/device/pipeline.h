/* Compute pipelines: made when first asked for, kept by the device, shared by all its models. All kernels share one
 * descriptor set layout and one pipeline layout (shaders/shared.h numbers the bindings), but for the few that read a
 * picture's images in set 1; so a pipeline is known by its shader and its specialisation constants alone. */
#ifndef GVK_PIPELINE_H
#define GVK_PIPELINE_H

#include "runtime/vulkan/device.h"
#include "shader_table.h"

#define GVK_MAX_CONSTANTS 6

struct gvk_pipeline_key {
    enum gvk_shader shader;
    uint32_t constants[GVK_MAX_CONSTANTS]; /* by specialisation id; unused ones 0 */
    uint32_t subgroup_size;                /* required; 0: any */
    VkPipelineLayout layout;               /* which the shader decides; VK_NULL_HANDLE: gvk_pipeline_layout */
};

gvk_result gvk_pipelines_create(struct gvk_device *device, struct gvk_pipelines **out);
void gvk_pipelines_destroy(struct gvk_device *device, struct gvk_pipelines *pipelines);

/* Makes those pipelines that do not exist yet, several at once: a driver takes from milliseconds to a second for one.
 * Thread-safe. */
gvk_result gvk_pipelines_make(struct gvk_device *device, const struct gvk_pipeline_key *keys, uint32_t count);
/* Thread-safe. The pipeline lives as long as the device. */
gvk_result gvk_pipeline_get(struct gvk_device *device, const struct gvk_pipeline_key *key, VkPipeline *out);
/* One that is the caller's to destroy: its layout has a sampler of the host's. */
gvk_result gvk_pipeline_create(struct gvk_device *device, const struct gvk_pipeline_key *key, VkPipeline *out);
VkDescriptorSetLayout gvk_descriptor_set_layout(const struct gvk_device *device);
/* Set 1: the array of weight chunks; VK_NULL_HANDLE where the device has none. */
VkDescriptorSetLayout gvk_chunk_set_layout(const struct gvk_device *device);
VkPipelineLayout gvk_pipeline_layout(const struct gvk_device *device);
/* Set 1 of shaders that read images (GVK_BINDING_PICTURE, GVK_BINDING_CHROMA), and the pipeline layout with it. */
VkDescriptorSetLayout gvk_image_set_layout(const struct gvk_device *device);
VkPipelineLayout gvk_image_pipeline_layout(const struct gvk_device *device);
/* The pipeline layout with another set 1, which is the caller's to destroy. */
gvk_result gvk_pipeline_layout_create(struct gvk_device *device, VkDescriptorSetLayout set_1, VkPipelineLayout *out);
/* Of a pool made with VK_DESCRIPTOR_POOL_CREATE_FREE_DESCRIPTOR_SET_BIT; handles among the sets may be null. */
void gvk_descriptor_pool_destroy(const struct gvk_device *device, VkDescriptorPool pool, const VkDescriptorSet *sets,
                                 uint32_t count);
bool gvk_pipeline_keys_equal(const struct gvk_pipeline_key *left, const struct gvk_pipeline_key *right);

#endif
