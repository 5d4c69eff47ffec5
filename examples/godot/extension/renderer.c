#include "renderer.h"

#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif

/* Of Godot's RenderingDevice: DriverResource, UniformType, DataFormat and TextureUsageBits */
enum {
    LOGICAL_DEVICE = 0,
    PHYSICAL_DEVICE = 1,
    TOPMOST_OBJECT = 2,
    COMMAND_QUEUE = 3,
    QUEUE_FAMILY = 4,
    TEXTURE_VIEW = 6
};
enum { SAMPLER_WITH_TEXTURE = 1, STORAGE_IMAGE = 3 };
enum { R8G8B8A8_UNORM = 36, SAMPLED_AND_STORAGE = 1 | 8 };

/* Values as they are stored, whatever the texture's format. */
static const char copy_shader[] = "#version 450\n"
                                  "layout(local_size_x = 8, local_size_y = 8) in;\n"
                                  "layout(set = 0, binding = 0) uniform sampler2D source;\n"
                                  "layout(set = 0, binding = 1, rgba8) writeonly uniform image2D copy;\n"
                                  "void main() {\n"
                                  "    ivec2 size = textureSize(source, 0), at = ivec2(gl_GlobalInvocationID.xy);\n"
                                  "    if (at.x < size.x && at.y < size.y)\n"
                                  "        imageStore(copy, at, texelFetch(source, at, 0));\n"
                                  "}\n";

/* The loader of this process, which Godot has loaded already. */
static PFN_vkGetInstanceProcAddr find_instance_proc(void)
{
    PFN_vkGetInstanceProcAddr function = NULL;
#ifdef _WIN32
    HMODULE loader = LoadLibraryA("vulkan-1.dll");
    FARPROC found = loader ? GetProcAddress(loader, "vkGetInstanceProcAddr") : NULL;
#else
    void *loader = dlopen("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);
    void *found = loader ? dlsym(loader, "vkGetInstanceProcAddr") : NULL;
#endif
    if (found)
        memcpy(&function, &found, sizeof function);
    return function;
}

/* As variant_call, for a result that is needed: nil where there is none. */
static variant call(const variant *self, const char *method, const variant *arguments, int32_t count)
{
    variant result;
    variant_call(self, method, arguments, count, &result);
    return result;
}

static variant new_object(const char *class_name)
{
    variant classes = singleton("ClassDB"), name = variant_of_text(class_name);
    variant object = call(&classes, "instantiate", &name, 1);
    variant_destroy(&name);
    variant_destroy(&classes);
    return object;
}

/* RIDs are true where they are valid. */
static bool is_there(const variant *value)
{
    return variant_type(value) != GDEXTENSION_VARIANT_TYPE_NIL && variant_to_bool(value);
}

static uint64_t resource(const variant *device, int64_t kind, const variant *rid)
{
    const variant none = variant_construct(GDEXTENSION_VARIANT_TYPE_RID, NULL, 0);
    const variant arguments[] = {variant_of_integer(kind), rid ? *rid : none, variant_of_integer(0)};
    variant handle = call(device, "get_driver_resource", arguments, 3);
    uint64_t bits = (uint64_t)variant_to_integer(&handle);
    variant_destroy(&handle);
    return bits;
}

static bool make_pipeline(renderer *opened)
{
    variant source = new_object("RDShaderSource");
    variant stage[] = {variant_of_integer(4), variant_of_text(copy_shader)}; /* SHADER_STAGE_COMPUTE */
    variant_call(&source, "set_stage_source", stage, 2, NULL);
    variant compiled = call(&opened->device, "shader_compile_spirv_from_source", &source, 1);
    opened->shader =
        is_there(&compiled) ? call(&opened->device, "shader_create_from_spirv", &compiled, 1) : variant_nil();
    opened->pipeline = is_there(&opened->shader) ? call(&opened->device, "compute_pipeline_create", &opened->shader, 1)
                                                 : variant_nil();
    variant state = new_object("RDSamplerState");
    opened->sampler = call(&opened->device, "sampler_create", &state, 1);
    variant_destroy(&state);
    variant_destroy(&compiled);
    variant_destroy(&stage[1]);
    variant_destroy(&source);
    return is_there(&opened->pipeline) && is_there(&opened->sampler);
}

static bool is_vulkan(const variant *server)
{
    variant name = call(server, "get_current_rendering_driver_name", NULL, 0);
    char *text = variant_to_text(&name);
    const bool vulkan = text && strcmp(text, "vulkan") == 0;
    free(text);
    variant_destroy(&name);
    return vulkan;
}

const char *renderer_open(renderer *out, gvk_import_params *import)
{
    variant server = singleton("RenderingServer");
    *out = (renderer){.device = call(&server, "get_rendering_device", NULL, 0),
                      .shader = variant_nil(),
                      .pipeline = variant_nil(),
                      .sampler = variant_nil(),
                      .image = variant_nil()};
    /* Of another driver the handles below would be no Vulkan objects. */
    if (is_there(&out->device) && !is_vulkan(&server)) {
        variant_destroy(&out->device);
        variant_destroy(&server);
        return "Godot's renderer is not on Vulkan";
    }
    variant_destroy(&server);
    if (!is_there(&out->device)) {
        variant_destroy(&out->device);
        return "there is no renderer to share a device with: Godot runs headless or with the Compatibility renderer";
    }
    *import = (gvk_import_params){.size = sizeof *import,
                                  .get_instance_proc = find_instance_proc(),
                                  .api_version = VK_API_VERSION_1_1, /* at least; Godot does not tell */
                                  .queue_family = (uint32_t)resource(&out->device, QUEUE_FAMILY, NULL)};
    const uint64_t handles[] = {
        resource(&out->device, TOPMOST_OBJECT, NULL), resource(&out->device, PHYSICAL_DEVICE, NULL),
        resource(&out->device, LOGICAL_DEVICE, NULL), resource(&out->device, COMMAND_QUEUE, NULL)};
    import->instance = (VkInstance)(uintptr_t)handles[0];
    import->physical_device = (VkPhysicalDevice)(uintptr_t)handles[1];
    import->device = (VkDevice)(uintptr_t)handles[2];
    import->queue = (VkQueue)(uintptr_t)handles[3];
    const char *why = NULL;
    if (!import->get_instance_proc || !handles[0] || !handles[1] || !handles[2] || !handles[3])
        why = "Godot's renderer gives no Vulkan device";
    else if (!make_pipeline(out))
        why = "Godot's renderer makes no pipeline for copies";
    if (why)
        renderer_close(out);
    return why;
}

static void forget(renderer *opened, variant *rid)
{
    if (is_there(rid))
        variant_call(&opened->device, "free_rid", rid, 1, NULL);
    variant_destroy(rid);
}

void renderer_close(renderer *opened)
{
    if (!is_there(&opened->device))
        return;
    forget(opened, &opened->image);
    forget(opened, &opened->pipeline);
    forget(opened, &opened->shader);
    forget(opened, &opened->sampler);
    variant_destroy(&opened->device);
}

static void set_member(const variant *object, const char *method, int64_t number)
{
    const variant value = variant_of_integer(number);
    variant_call(object, method, &value, 1, NULL);
}

/* Of the texture's size. Nobody else uses it, so it stays in the layout that Godot writes storage images in. */
static bool make_image(renderer *opened, int64_t width, int64_t height)
{
    if (opened->width == width && opened->height == height)
        return true;
    opened->width = opened->height = 0;
    forget(opened, &opened->image);
    variant format = new_object("RDTextureFormat"), view = new_object("RDTextureView");
    set_member(&format, "set_format", R8G8B8A8_UNORM);
    set_member(&format, "set_width", width);
    set_member(&format, "set_height", height);
    set_member(&format, "set_usage_bits", SAMPLED_AND_STORAGE);
    const variant arguments[] = {format, view};
    opened->image = call(&opened->device, "texture_create", arguments, 2);
    variant_destroy(&view);
    variant_destroy(&format);
    if (!is_there(&opened->image))
        return false;
    opened->width = width;
    opened->height = height;
    return true;
}

/* The ids are added in order. */
static void add_uniform(const variant *list, int64_t type, int64_t binding, const variant *ids, int count)
{
    variant uniform = new_object("RDUniform");
    set_member(&uniform, "set_uniform_type", type);
    set_member(&uniform, "set_binding", binding);
    for (int i = 0; i < count; ++i)
        variant_call(&uniform, "add_id", &ids[i], 1, NULL);
    variant_call(list, "append", &uniform, 1, NULL);
    variant_destroy(&uniform);
}

static bool record_copy(renderer *opened, const variant *source)
{
    variant uniforms = variant_construct(GDEXTENSION_VARIANT_TYPE_ARRAY, NULL, 0);
    const variant sampled[] = {opened->sampler, *source};
    add_uniform(&uniforms, SAMPLER_WITH_TEXTURE, 0, sampled, 2);
    add_uniform(&uniforms, STORAGE_IMAGE, 1, &opened->image, 1);
    const variant set_arguments[] = {uniforms, opened->shader, variant_of_integer(0)};
    variant set = call(&opened->device, "uniform_set_create", set_arguments, 3);
    variant_destroy(&uniforms);
    if (!is_there(&set))
        return false;
    const variant list = call(&opened->device, "compute_list_begin", NULL, 0);
    const variant pipeline[] = {list, opened->pipeline}, bound[] = {list, set, variant_of_integer(0)};
    const variant groups[] = {list, variant_of_integer((opened->width + 7) / 8),
                              variant_of_integer((opened->height + 7) / 8), variant_of_integer(1)};
    variant_call(&opened->device, "compute_list_bind_compute_pipeline", pipeline, 2, NULL);
    variant_call(&opened->device, "compute_list_bind_uniform_set", bound, 3, NULL);
    variant_call(&opened->device, "compute_list_dispatch", groups, 4, NULL);
    variant_call(&opened->device, "compute_list_end", NULL, 0, NULL);
    forget(opened, &set); /* Godot does it once the frame has been drawn */
    return true;
}

const char *renderer_copy(renderer *opened, const variant *texture, gvk_picture *out)
{
    if (variant_type(texture) != GDEXTENSION_VARIANT_TYPE_OBJECT || !variant_to_bool(texture))
        return "there is no texture";
    const int64_t width = variant_ask(texture, "get_width"), height = variant_ask(texture, "get_height");
    if (width < 1 || height < 1)
        return "the texture is empty";
    if (width > 65535 || height > 65535)
        return "a side of the texture is not 1 to 65535 pixels";
    variant server = singleton("RenderingServer"), rid = call(texture, "get_rid", NULL, 0);
    const variant arguments[] = {rid, variant_of_bool(false)}; /* not the view that sRGB's curve is undone in */
    variant source = call(&server, "texture_get_rd_texture", arguments, 2);
    const char *why = NULL;
    if (!is_there(&source))
        why = "the texture is not in the renderer";
    else if (!make_image(opened, width, height))
        why = "the renderer gives no image for a copy of the texture";
    else if (!record_copy(opened, &source))
        why = "the renderer does not copy the texture";
    variant_destroy(&source);
    variant_destroy(&rid);
    variant_destroy(&server);
    if (why)
        return why;
    *out = (gvk_picture){.size = sizeof *out,
                         .kind = GVK_PICTURE_IMAGE,
                         .width = (uint32_t)width,
                         .height = (uint32_t)height,
                         .view_format = VK_FORMAT_R8G8B8A8_UNORM,
                         .layout = VK_IMAGE_LAYOUT_GENERAL,
                         .light = GVK_LIGHT_CODED};
    const uint64_t handle = resource(&opened->device, TEXTURE_VIEW, &opened->image);
    memcpy(&out->view, &handle, sizeof out->view);
    return handle ? NULL : "Godot's renderer gives no Vulkan image";
}

int64_t renderer_frames_drawn(void)
{
    variant engine = singleton("Engine");
    const int64_t drawn = variant_ask(&engine, "get_frames_drawn");
    variant_destroy(&engine);
    return drawn;
}
