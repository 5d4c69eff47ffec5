/* Descriptor sets of pictures that are images. */
#include "images.h"

#include "runtime/device/pipeline.h"
#include "runtime/vulkan/debug.h"

/* A sampler with a conversion may take several descriptors of its pool, one for each plane of its image. */
#define MOST_OF_A_SAMPLER 4u

gvk_result gvk_images_create(gvk_device *device, uint32_t count, struct gvk_images *out)
{
    struct gvk_images made = {.count = count};
    made.sets = gvk_allocate_array(&device->host, count, sizeof *made.sets);
    made.bound = gvk_allocate_array(&device->host, count, sizeof *made.bound);
    if (!made.sets || !made.bound) {
        gvk_images_destroy(device, &made);
        return gvk_fail_memory(&device->host);
    }
    *out = made;
    return GVK_OK;
}

static void free_set(gvk_device *device, const struct gvk_images *images, VkDescriptorSet *set)
{
    if (*set)
        device->vk.FreeDescriptorSets(device->device, images->pool, 1, set);
    *set = VK_NULL_HANDLE;
}

void gvk_images_destroy(gvk_device *device, struct gvk_images *images)
{
    for (uint32_t i = 0; images->sets && i < images->count; i++) {
        free_set(device, images, &images->sets[i].plain);
        free_set(device, images, &images->sets[i].sampled);
    }
    gvk_descriptor_pool_destroy(device, images->pool, NULL, 0);
    gvk_release(&device->host, images->sets);
    gvk_release(&device->host, images->bound);
    *images = (struct gvk_images){0};
}

static gvk_result create_pool(gvk_device *device, struct gvk_images *images)
{
    const VkDescriptorPoolSize sizes[2] = {
        {VK_DESCRIPTOR_TYPE_SAMPLED_IMAGE, 2 * images->count},
        {VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, MOST_OF_A_SAMPLER * images->count},
    };
    VkDescriptorPoolCreateInfo create = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
        .flags = VK_DESCRIPTOR_POOL_CREATE_FREE_DESCRIPTOR_SET_BIT,
        .maxSets = 2 * images->count,
        .poolSizeCount = 2,
        .pPoolSizes = sizes,
    };
    gvk_result result = GVK_VULKAN(device, "vkCreateDescriptorPool",
                                   device->vk.CreateDescriptorPool(device->device, &create, NULL, &images->pool));
    if (!result)
        gvk_name_object(device, VK_OBJECT_TYPE_DESCRIPTOR_POOL, (uint64_t)images->pool, "pictures' images");
    return result;
}

static gvk_result allocate_set(gvk_device *device, struct gvk_images *images, VkDescriptorSetLayout layout,
                               VkDescriptorSet *out)
{
    VkDescriptorSetAllocateInfo allocate = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
        .descriptorPool = images->pool,
        .descriptorSetCount = 1,
        .pSetLayouts = &layout,
    };
    gvk_result result = images->pool ? GVK_OK : create_pool(device, images);
    if (result)
        return result;
    allocate.descriptorPool = images->pool;
    result = GVK_VULKAN(device, "vkAllocateDescriptorSets",
                        device->vk.AllocateDescriptorSets(device->device, &allocate, out));
    if (!result)
        gvk_name_object(device, VK_OBJECT_TYPE_DESCRIPTOR_SET, (uint64_t)*out, "picture's image");
    return result;
}

static gvk_result bind_sampled(gvk_device *device, struct gvk_images *images, uint32_t index,
                               const gvk_picture *picture, struct gvk_samplers *samplers)
{
    struct gvk_image_sets *sets = &images->sets[index];
    const struct gvk_sampled *sampled;
    gvk_result result = gvk_samplers_get(device, samplers, picture->ycbcr_sampler, &sampled);
    if (!result && sets->sampler != sampled) {
        free_set(device, images, &sets->sampled);
        result = allocate_set(device, images, sampled->set_layout, &sets->sampled);
        sets->sampler = result ? NULL : sampled;
    }
    if (result)
        return result;
    images->bound[index] =
        (struct gvk_bound_picture){.set = sets->sampled, .layout = sampled->layout, .pipeline = sampled->pipeline};
    if (!picture->view)
        return GVK_OK;
    VkDescriptorImageInfo image = {.imageView = picture->view, .imageLayout = picture->layout};
    VkWriteDescriptorSet write = {
        .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
        .dstSet = sets->sampled,
        .dstBinding = GVK_BINDING_PICTURE,
        .descriptorCount = 1,
        .descriptorType = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,
        .pImageInfo = &image,
    };
    device->vk.UpdateDescriptorSets(device->device, 1, &write, 0, NULL);
    return GVK_OK;
}

static gvk_result bind_plain(gvk_device *device, struct gvk_images *images, uint32_t index, const gvk_picture *picture)
{
    struct gvk_image_sets *sets = &images->sets[index];
    gvk_result result = sets->plain ? GVK_OK : allocate_set(device, images, gvk_image_set_layout(device), &sets->plain);
    if (result)
        return result;
    images->bound[index] = (struct gvk_bound_picture){.set = sets->plain, .layout = gvk_image_pipeline_layout(device)};
    uint32_t count = picture->kind == GVK_PICTURE_PLANES ? 2 : 1;
    if (!picture->view || (count == 2 && !picture->chroma_view))
        return GVK_OK;
    const VkDescriptorImageInfo images_of[2] = {
        {.imageView = picture->view, .imageLayout = picture->layout},
        {.imageView = picture->chroma_view, .imageLayout = picture->layout},
    };
    VkWriteDescriptorSet writes[2];
    for (uint32_t i = 0; i < count; i++)
        writes[i] = (VkWriteDescriptorSet){
            .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
            .dstSet = sets->plain,
            .dstBinding = i ? GVK_BINDING_CHROMA : GVK_BINDING_PICTURE,
            .descriptorCount = 1,
            .descriptorType = VK_DESCRIPTOR_TYPE_SAMPLED_IMAGE,
            .pImageInfo = &images_of[i],
        };
    device->vk.UpdateDescriptorSets(device->device, count, writes, 0, NULL);
    return GVK_OK;
}

gvk_result gvk_images_bind(gvk_device *device, struct gvk_images *images, const struct gvk_picture_layout *layouts,
                           struct gvk_samplers *samplers)
{
    gvk_result result = GVK_OK;
    for (uint32_t i = 0; i < images->count && !result; i++) {
        const gvk_picture *picture = &layouts[i].picture;
        images->bound[i] = (struct gvk_bound_picture){0};
        if (picture->kind == GVK_PICTURE_BUFFER)
            images->bound[i].buffer = (struct gvk_buffer){.buffer = picture->buffer, .bytes = picture->buffer_bytes};
        else if (gvk_is_image(&layouts[i]))
            result = picture->ycbcr_sampler ? bind_sampled(device, images, i, picture, samplers)
                                            : bind_plain(device, images, i, picture);
    }
    return result;
}
