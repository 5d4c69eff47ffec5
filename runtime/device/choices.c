/* Reads, merges and stores choices of kernels. */
#include "choices.h"

#include <math.h>
#include <string.h>

#include "runtime/vulkan/cache_entry.h"
#include "shader_table.h"

static const struct gvk_cache_entry_kind kind = {
    "GVKTUNE2", "tuned", GVK_STORED_HEADER + 8 + GVK_CHOICES_MOST * sizeof(struct gvk_choice), "choice of kernels is"};

static void take_choices(struct gvk_device *device, struct gvk_choices *choices)
{
    gvk_mutex_lock(&device->mutex);
    choices->older = device->choices;
    device->choices = choices;
    gvk_mutex_unlock(&device->mutex);
}

struct gvk_choices *gvk_choices_allocate(const gvk_host *host, uint32_t count)
{
    struct gvk_choices *choices = gvk_allocate(host, sizeof *choices + (size_t)count * sizeof choices->list[0]);
    if (choices)
        choices->count = count;
    return choices;
}

uint32_t gvk_work_of(uint32_t width, uint32_t height, uint32_t batch)
{
    uint64_t pixels = (uint64_t)width * height;
    return batch && pixels > UINT32_MAX / batch ? UINT32_MAX : (uint32_t)(pixels * batch);
}

double gvk_work_ratio(uint32_t left, uint32_t right)
{
    if (!left || !right)
        return INFINITY;
    return left > right ? (double)left / right : (double)right / left;
}

bool gvk_node_shapes_equal(const struct gvk_node_shape *left, const struct gvk_node_shape *right)
{
    return memcmp(left, right, sizeof *left) == 0; /* nothing but uint32_t: no padding */
}

void gvk_choices_load(struct gvk_device *device)
{
    size_t bytes = 0;
    unsigned char *stored = gvk_cache_entry_load(device, &kind, &bytes);
    uint64_t code = 0;
    if (stored && bytes > sizeof code) {
        memcpy(&code, stored + GVK_STORED_HEADER, sizeof code);
        bytes -= sizeof code;
    }
    /* A kernel takes only a choice that is among its own candidates: a wrong number chooses nothing. */
    if (stored && code == gvk_shader_hash && bytes % sizeof(struct gvk_choice) == 0) {
        struct gvk_choices *choices =
            gvk_choices_allocate(&device->host, (uint32_t)(bytes / sizeof(struct gvk_choice)));
        if (choices) {
            memcpy(choices->list, stored + GVK_STORED_HEADER + sizeof code, bytes);
            take_choices(device, choices);
        }
    }
    gvk_release(&device->host, stored);
}

static void save_choices(struct gvk_device *device, const struct gvk_choices *choices)
{
    size_t list = choices->count * sizeof choices->list[0], bytes = sizeof gvk_shader_hash + list;
    unsigned char *stored = device->host.cache_store ? gvk_allocate(&device->host, GVK_STORED_HEADER + bytes) : NULL;
    if (!stored)
        return;
    memcpy(stored + GVK_STORED_HEADER, &gvk_shader_hash, sizeof gvk_shader_hash);
    memcpy(stored + GVK_STORED_HEADER + sizeof gvk_shader_hash, choices->list, list);
    gvk_cache_entry_save(device, &kind, stored, bytes);
    gvk_release(&device->host, stored);
}

/* A choice that stays beside the new ones: of another shape, precision or work. */
static bool stays(const struct gvk_choices *newer, const struct gvk_choice *choice)
{
    for (uint32_t i = 0; i < newer->count; i++)
        if (newer->list[i].work == choice->work && gvk_node_shapes_equal(&newer->list[i].shape, &choice->shape))
            return false;
    return true;
}

gvk_result gvk_choices_keep(struct gvk_device *device, const struct gvk_choices *choices)
{
    gvk_mutex_lock(&device->proof_mutex);
    const struct gvk_choices *older = device->choices;
    struct gvk_choices *merged = gvk_choices_allocate(&device->host, choices->count + (older ? older->count : 0));
    if (merged) {
        memcpy(merged->list, choices->list, choices->count * sizeof choices->list[0]);
        merged->count = choices->count;
        for (uint32_t i = 0; older && i < older->count && merged->count < GVK_CHOICES_MOST; i++)
            if (stays(choices, &older->list[i]))
                merged->list[merged->count++] = older->list[i];
        save_choices(device, merged);
        take_choices(device, merged);
    }
    gvk_mutex_unlock(&device->proof_mutex);
    return merged ? GVK_OK : gvk_fail_memory(&device->host);
}

void gvk_choices_destroy(struct gvk_device *device)
{
    while (device->choices) {
        struct gvk_choices *older = device->choices->older;
        gvk_release(&device->host, device->choices);
        device->choices = older;
    }
}
