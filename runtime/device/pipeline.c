/* The device's pipelines, found by shader and constants. */
#include "pipeline.h"

#include <string.h>

#include "pipeline_cache.h"
#include "runtime/vulkan/debug.h"
#include "shaders/shared.h"
#include "unpack.h"

struct pipeline_entry {
    struct gvk_pipeline_key key;
    VkPipeline pipeline;
};

struct gvk_pipelines {
    VkDescriptorSetLayout set_layout, chunk_layout, image_set_layout;
    VkPipelineLayout layout, image_layout;
    VkPipelineCache cache;
    bool cache_owned;
    struct pipeline_entry *entries;
    uint32_t count, capacity;
};

static gvk_result create_chunk_layout(struct gvk_device *device, struct gvk_pipelines *pipelines)
{
    VkDescriptorSetLayoutBinding binding = {
        .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
        .descriptorCount = device->traits.max_chunks,
        .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
    };
    VkDescriptorBindingFlags flags =
        VK_DESCRIPTOR_BINDING_UPDATE_AFTER_BIND_BIT | VK_DESCRIPTOR_BINDING_VARIABLE_DESCRIPTOR_COUNT_BIT;
    VkDescriptorSetLayoutBindingFlagsCreateInfo binding_flags = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_BINDING_FLAGS_CREATE_INFO,
        .bindingCount = 1,
        .pBindingFlags = &flags,
    };
    VkDescriptorSetLayoutCreateInfo set = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
        .pNext = &binding_flags,
        .flags = VK_DESCRIPTOR_SET_LAYOUT_CREATE_UPDATE_AFTER_BIND_POOL_BIT,
        .bindingCount = 1,
        .pBindings = &binding,
    };
    gvk_result result =
        GVK_VULKAN(device, "vkCreateDescriptorSetLayout",
                   device->vk.CreateDescriptorSetLayout(device->device, &set, NULL, &pipelines->chunk_layout));
    if (!result)
        gvk_name_object(device, VK_OBJECT_TYPE_DESCRIPTOR_SET_LAYOUT, (uint64_t)pipelines->chunk_layout,
                        "ghostvk weight chunks");
    return result;
}

static gvk_result create_image_layout(struct gvk_device *device, struct gvk_pipelines *pipelines)
{
    VkDescriptorSetLayoutBinding bindings[2];
    for (uint32_t i = 0; i < 2; i++)
        bindings[i] = (VkDescriptorSetLayoutBinding){
            .binding = i ? GVK_BINDING_CHROMA : GVK_BINDING_PICTURE,
            .descriptorType = VK_DESCRIPTOR_TYPE_SAMPLED_IMAGE,
            .descriptorCount = 1,
            .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
        };
    VkDescriptorSetLayoutCreateInfo set = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
        .bindingCount = 2,
        .pBindings = bindings,
    };
    gvk_result result =
        GVK_VULKAN(device, "vkCreateDescriptorSetLayout",
                   device->vk.CreateDescriptorSetLayout(device->device, &set, NULL, &pipelines->image_set_layout));
    if (!result)
        gvk_name_object(device, VK_OBJECT_TYPE_DESCRIPTOR_SET_LAYOUT, (uint64_t)pipelines->image_set_layout,
                        "ghostvk picture images");
    return result;
}

static gvk_result create_layout(struct gvk_device *device, VkDescriptorSetLayout set_0, VkDescriptorSetLayout set_1,
                                VkPipelineLayout *out)
{
    const VkDescriptorSetLayout layouts[2] = {set_0, set_1};
    VkPushConstantRange range = {.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT, .size = GVK_PUSH_BYTES};
    VkPipelineLayoutCreateInfo layout = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
        .setLayoutCount = set_1 ? 2 : 1,
        .pSetLayouts = layouts,
        .pushConstantRangeCount = 1,
        .pPushConstantRanges = &range,
    };
    gvk_result result = GVK_VULKAN(device, "vkCreatePipelineLayout",
                                   device->vk.CreatePipelineLayout(device->device, &layout, NULL, out));
    if (!result)
        gvk_name_object(device, VK_OBJECT_TYPE_PIPELINE_LAYOUT, (uint64_t)*out, "ghostvk layout");
    return result;
}

static gvk_result create_layouts(struct gvk_device *device, struct gvk_pipelines *pipelines)
{
    const struct gvk_functions *vk = &device->vk;
    VkDescriptorSetLayoutBinding bindings[GVK_BINDING_COUNT];
    for (uint32_t i = 0; i < GVK_BINDING_COUNT; i++)
        bindings[i] = (VkDescriptorSetLayoutBinding){
            .binding = i,
            .descriptorType = i < GVK_FIRST_TEXEL_BINDING ? VK_DESCRIPTOR_TYPE_STORAGE_BUFFER
                                                          : VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER,
            .descriptorCount = 1,
            .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
        };
    VkDescriptorSetLayoutCreateInfo set = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
        .bindingCount = GVK_BINDING_COUNT,
        .pBindings = bindings,
    };
    gvk_result result = GVK_VULKAN(device, "vkCreateDescriptorSetLayout",
                                   vk->CreateDescriptorSetLayout(device->device, &set, NULL, &pipelines->set_layout));
    if (result)
        return result;
    if (device->traits.max_chunks)
        result = create_chunk_layout(device, pipelines);
    if (result)
        return result;
    result = create_image_layout(device, pipelines);
    if (!result)
        result = create_layout(device, pipelines->set_layout, pipelines->chunk_layout, &pipelines->layout);
    if (!result)
        result = create_layout(device, pipelines->set_layout, pipelines->image_set_layout, &pipelines->image_layout);
    return result;
}

gvk_result gvk_pipelines_create(struct gvk_device *device, struct gvk_pipelines **out)
{
    struct gvk_pipelines *pipelines = gvk_allocate(&device->host, sizeof *pipelines);
    if (!pipelines)
        return gvk_fail_memory(&device->host);
    gvk_result result = create_layouts(device, pipelines);
    if (result)
        goto fail;
    pipelines->cache = device->host_cache;
    if (!pipelines->cache) {
        result = gvk_pipeline_cache_open(device, &pipelines->cache);
        if (result)
            goto fail;
        pipelines->cache_owned = true;
    }
    gvk_name_object(device, VK_OBJECT_TYPE_DESCRIPTOR_SET_LAYOUT, (uint64_t)pipelines->set_layout, "ghostvk bindings");
    *out = pipelines;
    return GVK_OK;
fail:
    gvk_pipelines_destroy(device, pipelines);
    return result;
}

void gvk_pipelines_destroy(struct gvk_device *device, struct gvk_pipelines *pipelines)
{
    if (!pipelines)
        return;
    const struct gvk_functions *vk = &device->vk;
    if (pipelines->cache_owned && pipelines->count)
        gvk_pipeline_cache_save(device, pipelines->cache);
    for (uint32_t i = 0; i < pipelines->count; i++)
        vk->DestroyPipeline(device->device, pipelines->entries[i].pipeline, NULL);
    if (pipelines->cache_owned)
        vk->DestroyPipelineCache(device->device, pipelines->cache, NULL);
    if (pipelines->layout)
        vk->DestroyPipelineLayout(device->device, pipelines->layout, NULL);
    if (pipelines->image_layout)
        vk->DestroyPipelineLayout(device->device, pipelines->image_layout, NULL);
    if (pipelines->chunk_layout)
        vk->DestroyDescriptorSetLayout(device->device, pipelines->chunk_layout, NULL);
    if (pipelines->image_set_layout)
        vk->DestroyDescriptorSetLayout(device->device, pipelines->image_set_layout, NULL);
    if (pipelines->set_layout)
        vk->DestroyDescriptorSetLayout(device->device, pipelines->set_layout, NULL);
    gvk_release(&device->host, pipelines->entries);
    gvk_release(&device->host, pipelines);
}

bool gvk_pipeline_keys_equal(const struct gvk_pipeline_key *left, const struct gvk_pipeline_key *right)
{
    return left->shader == right->shader && left->subgroup_size == right->subgroup_size &&
           !memcmp(left->constants, right->constants, sizeof left->constants);
}

/* What became of a pipeline; made on any thread, told on the caller's. */
struct attempt {
    struct gvk_pipeline_key key;
    VkPipeline pipeline;
    VkResult result;
    const char *call; /* that gave the result */
    bool damaged;     /* there is no whole code of the shader */
};

static bool has_failed(const struct attempt *attempt)
{
    return attempt->damaged || attempt->result;
}

/* Where a thread unpacks shaders, one after the other; large enough for each of the attempts. */
struct code_room {
    size_t tokens; /* that come first, then words */
    size_t words;
    uint64_t *start;
};

static struct code_room room_for(const struct attempt *attempts, uint32_t count)
{
    struct code_room room = {0};
    for (uint32_t i = 0; i < count; i++) {
        enum gvk_shader shader = attempts[i].key.shader;
        size_t tokens = gvk_unpack_tokens(&gvk_packed_shaders, shader);
        size_t words = gvk_packed_shaders.shaders[shader].unpacked;
        room.tokens = tokens > room.tokens ? tokens : room.tokens;
        room.words = words > room.words ? words : room.words;
    }
    room.words += room.words % 2; /* where one room ends, another may begin */
    return room;
}

static void create_pipeline(const struct gvk_device *device, const struct code_room *room, struct attempt *attempt)
{
    const struct gvk_functions *vk = &device->vk;
    const struct gvk_pipeline_key *key = &attempt->key;
    const struct gvk_shader_code *code = &gvk_shader_codes[key->shader];
    uint32_t *words = (uint32_t *)(void *)(room->start + room->tokens);
    attempt->damaged = !gvk_unpack(&gvk_packed_shaders, key->shader, room->start, words);
    if (attempt->damaged)
        return;
    VkShaderModuleCreateInfo module_info = {
        .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
        .codeSize = code->bytes,
        .pCode = words,
    };
    VkShaderModule module = VK_NULL_HANDLE;
    attempt->call = "vkCreateShaderModule";
    attempt->result = vk->CreateShaderModule(device->device, &module_info, NULL, &module);
    if (attempt->result)
        return;
    gvk_name_object(device, VK_OBJECT_TYPE_SHADER_MODULE, (uint64_t)module, "%s", code->name);
    VkSpecializationMapEntry entries[GVK_MAX_CONSTANTS];
    for (uint32_t i = 0; i < GVK_MAX_CONSTANTS; i++)
        entries[i] = (VkSpecializationMapEntry){.constantID = i, .offset = i * 4, .size = 4};
    VkSpecializationInfo specialization = {
        .mapEntryCount = GVK_MAX_CONSTANTS,
        .pMapEntries = entries,
        .dataSize = sizeof key->constants,
        .pData = key->constants,
    };
    VkPipelineShaderStageRequiredSubgroupSizeCreateInfo required = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO,
        .requiredSubgroupSize = key->subgroup_size,
    };
    bool control = key->subgroup_size && device->traits.subgroup_size_control;
    VkComputePipelineCreateInfo create = {
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                  .pNext = control ? &required : NULL,
                  .flags = control && device->traits.full_subgroups
                               ? VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT
                               : 0u,
                  .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                  .module = module,
                  .pName = "main",
                  .pSpecializationInfo = &specialization},
        .layout = key->layout ? key->layout : device->pipelines->layout,
    };
    attempt->call = "vkCreateComputePipelines";
    attempt->result =
        vk->CreateComputePipelines(device->device, device->pipelines->cache, 1, &create, NULL, &attempt->pipeline);
    vk->DestroyShaderModule(device->device, module, NULL);
    if (!attempt->result)
        gvk_name_object(device, VK_OBJECT_TYPE_PIPELINE, (uint64_t)attempt->pipeline, "%s", code->name);
}

static bool find_pipeline(struct gvk_device *device, const struct gvk_pipeline_key *key, VkPipeline *out)
{
    const struct gvk_pipelines *pipelines = device->pipelines;
    bool found = false;
    gvk_mutex_lock(&device->mutex);
    for (uint32_t i = 0; i < pipelines->count && !found; i++) {
        found = gvk_pipeline_keys_equal(&pipelines->entries[i].key, key);
        if (found)
            *out = pipelines->entries[i].pipeline;
    }
    gvk_mutex_unlock(&device->mutex);
    return found;
}

/* Room for `more` entries. Under the compile mutex: nobody else adds. */
static gvk_result make_room(struct gvk_device *device, uint32_t more)
{
    struct gvk_pipelines *pipelines = device->pipelines;
    uint32_t capacity = pipelines->capacity ? pipelines->capacity : 32;
    while (capacity < pipelines->count + more)
        capacity *= 2;
    if (capacity == pipelines->capacity)
        return GVK_OK;
    struct pipeline_entry *entries = gvk_allocate_array(&device->host, capacity, sizeof *entries);
    if (!entries)
        return gvk_fail_memory(&device->host);
    struct pipeline_entry *old = pipelines->entries;
    for (uint32_t i = 0; i < pipelines->count; i++)
        entries[i] = old[i];
    gvk_mutex_lock(&device->mutex); /* under which nothing of the host's is called */
    pipelines->entries = entries;
    pipelines->capacity = capacity;
    gvk_mutex_unlock(&device->mutex);
    gvk_release(&device->host, old);
    return GVK_OK;
}

/* The pipelines that several threads make: each takes the next that nobody has taken. */
struct work {
    const struct gvk_device *device;
    struct attempt *attempts;
    uint32_t count, next;
    gvk_mutex mutex; /* for `next` */
};
struct worker {
    struct work *work;
    struct code_room room;
};

static void make_pipelines(void *user)
{
    const struct worker *worker = user;
    struct work *work = worker->work;
    for (;;) {
        gvk_mutex_lock(&work->mutex);
        uint32_t mine = work->next < work->count ? work->next++ : work->count;
        gvk_mutex_unlock(&work->mutex);
        if (mine == work->count)
            return;
        create_pipeline(work->device, &worker->room, &work->attempts[mine]);
        if (has_failed(&work->attempts[mine])) { /* nobody needs the rest */
            gvk_mutex_lock(&work->mutex);
            work->next = work->count;
            gvk_mutex_unlock(&work->mutex);
        }
    }
}

#define THREADS_MOST 8u

/* Makes all attempts, on this thread and on others, one for each further processor. */
static gvk_result make_all(const struct gvk_device *device, struct attempt *attempts, uint32_t count)
{
    struct work work = {.device = device, .attempts = attempts, .count = count};
    struct gvk_thread threads[THREADS_MOST];
    struct worker workers[THREADS_MOST + 1]; /* the last is this thread's */
    uint32_t started = 0, wanted = count > 1 ? gvk_processor_count() - 1 : 0;
    if (wanted > count - 1)
        wanted = count - 1;
    if (wanted > THREADS_MOST)
        wanted = THREADS_MOST;
    struct code_room room = room_for(attempts, count);
    size_t room_size = room.tokens + room.words / 2;
    uint64_t *rooms = gvk_allocate_array(&device->host, (wanted + 1) * room_size, sizeof *rooms);
    if (!rooms || !gvk_mutex_create(&work.mutex)) {
        gvk_release(&device->host, rooms);
        return gvk_fail_memory(&device->host);
    }
    for (uint32_t i = 0; i <= wanted; i++) {
        workers[i] = (struct worker){.work = &work, .room = room};
        workers[i].room.start = rooms + i * room_size;
    }
    while (started < wanted) {
        threads[started] = (struct gvk_thread){.run = make_pipelines, .user = &workers[started]};
        if (!gvk_thread_start(&threads[started]))
            break; /* fewer do as well */
        started++;
    }
    make_pipelines(&workers[wanted]);
    while (started)
        gvk_thread_join(&threads[--started]);
    gvk_mutex_destroy(&work.mutex);
    gvk_release(&device->host, rooms);
    return GVK_OK;
}

/* Why an attempt failed. */
static gvk_result tell_of(const struct gvk_device *device, const struct attempt *attempt)
{
    if (attempt->damaged)
        return gvk_fail(&device->host, GVK_ERROR_UNSUPPORTED, "This library has no whole code of the kernel %s.",
                        gvk_shader_codes[attempt->key.shader].name);
    return attempt->result ? GVK_VULKAN(device, attempt->call, attempt->result) : GVK_OK;
}

/* Keeps what was made and tells the first failure. Under the compile mutex. */
static gvk_result keep_attempts(struct gvk_device *device, const struct attempt *attempts, uint32_t count)
{
    struct gvk_pipelines *pipelines = device->pipelines;
    gvk_result result = GVK_OK;
    for (uint32_t i = 0; i < count; i++) {
        const struct attempt *attempt = &attempts[i];
        if (attempt->pipeline && !has_failed(attempt)) {
            gvk_mutex_lock(&device->mutex);
            pipelines->entries[pipelines->count++] = (struct pipeline_entry){attempt->key, attempt->pipeline};
            gvk_mutex_unlock(&device->mutex);
        } else if (!result) {
            result = tell_of(device, attempt);
        }
    }
    return result;
}

static bool is_listed(const struct attempt *attempts, uint32_t count, const struct gvk_pipeline_key *key)
{
    for (uint32_t i = 0; i < count; i++)
        if (gvk_pipeline_keys_equal(&attempts[i].key, key))
            return true;
    return false;
}

gvk_result gvk_pipelines_make(struct gvk_device *device, const struct gvk_pipeline_key *keys, uint32_t count)
{
    VkPipeline known;
    uint32_t missing = 0, found = 0;
    while (found < count && find_pipeline(device, &keys[found], &known))
        found++;
    if (found == count) /* a submit does not wait here for what another thread compiles */
        return GVK_OK;
    struct attempt *attempts = gvk_allocate_array(&device->host, count, sizeof *attempts);
    if (!attempts)
        return gvk_fail_memory(&device->host);
    gvk_mutex_lock(&device->compile_mutex);
    for (uint32_t i = 0; i < count; i++)
        if (!find_pipeline(device, &keys[i], &known) && !is_listed(attempts, missing, &keys[i]))
            attempts[missing++].key = keys[i];
    gvk_result result = missing ? make_room(device, missing) : GVK_OK;
    if (!result && missing)
        result = make_all(device, attempts, missing);
    if (!result)
        result = keep_attempts(device, attempts, missing);
    gvk_mutex_unlock(&device->compile_mutex);
    gvk_release(&device->host, attempts);
    return result;
}

gvk_result gvk_pipeline_get(struct gvk_device *device, const struct gvk_pipeline_key *key, VkPipeline *out)
{
    gvk_result result = GVK_OK;
    if (find_pipeline(device, key, out))
        return GVK_OK;
    gvk_mutex_lock(&device->compile_mutex);
    if (find_pipeline(device, key, out)) /* made by another thread in the meantime */
        goto done;
    struct attempt attempt = {.key = *key};
    result = make_room(device, 1);
    if (result)
        goto done;
    result = make_all(device, &attempt, 1);
    if (!result)
        result = keep_attempts(device, &attempt, 1);
    if (!result)
        *out = attempt.pipeline;
done:
    gvk_mutex_unlock(&device->compile_mutex);
    return result;
}

gvk_result gvk_pipeline_create(struct gvk_device *device, const struct gvk_pipeline_key *key, VkPipeline *out)
{
    struct attempt attempt = {.key = *key};
    gvk_result result = make_all(device, &attempt, 1);
    if (!result)
        result = tell_of(device, &attempt);
    if (!result)
        *out = attempt.pipeline;
    return result;
}

VkDescriptorSetLayout gvk_descriptor_set_layout(const struct gvk_device *device)
{
    return device->pipelines->set_layout;
}

VkDescriptorSetLayout gvk_chunk_set_layout(const struct gvk_device *device)
{
    return device->pipelines->chunk_layout;
}

VkPipelineLayout gvk_pipeline_layout(const struct gvk_device *device)
{
    return device->pipelines->layout;
}

VkDescriptorSetLayout gvk_image_set_layout(const struct gvk_device *device)
{
    return device->pipelines->image_set_layout;
}

VkPipelineLayout gvk_image_pipeline_layout(const struct gvk_device *device)
{
    return device->pipelines->image_layout;
}

gvk_result gvk_pipeline_layout_create(struct gvk_device *device, VkDescriptorSetLayout set_1, VkPipelineLayout *out)
{
    return create_layout(device, device->pipelines->set_layout, set_1, out);
}

/* A pool's end frees its sets, but lavapipe's keeps their names for ever; given back first, they take them along. */
void gvk_descriptor_pool_destroy(const struct gvk_device *device, VkDescriptorPool pool, const VkDescriptorSet *sets,
                                 uint32_t count)
{
    if (!pool)
        return;
    if (count)
        device->vk.FreeDescriptorSets(device->device, pool, count, sets);
    device->vk.DestroyDescriptorPool(device->device, pool, NULL);
}
