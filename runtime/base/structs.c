/* Copies public structs across the boundary, as long as the caller has them. */
#include "structs.h"

#include <string.h>

/* No struct of any release is near this: a size beyond it was never set. */
#define MOST_BYTES 8192u

/* A new member goes to the end of its struct in gvk.h, and here into the last column. Where it takes the place of
 * `reserved` it goes into the middle column, too, which otherwise never changes. */
const struct gvk_layout gvk_layout_of_host = GVK_LAYOUT(gvk_host, cache_store, cache_store);
const struct gvk_layout gvk_layout_of_device_info = GVK_LAYOUT(gvk_device_info, reason, reason);
const struct gvk_layout gvk_layout_of_device_params = GVK_LAYOUT(gvk_device_params, queue, queue);
const struct gvk_layout gvk_layout_of_wants = GVK_LAYOUT(gvk_wants, device_extension_count, device_extension_count);
const struct gvk_layout gvk_layout_of_import_params = GVK_LAYOUT(gvk_import_params, submit_user, submit_user);
const struct gvk_layout gvk_layout_of_node = GVK_LAYOUT(gvk_node, epsilon, epsilon);
const struct gvk_layout gvk_layout_of_model_params = GVK_LAYOUT(gvk_model_params, reserved, reserved);
const struct gvk_layout gvk_layout_of_stream_params = GVK_LAYOUT(gvk_stream_params, paced, paced);
const struct gvk_layout gvk_layout_of_picture = GVK_LAYOUT(gvk_picture, chroma_image, chroma_image);
const struct gvk_layout gvk_layout_of_stream_info = GVK_LAYOUT(gvk_stream_info, weight_bytes, weight_bytes);
const struct gvk_layout gvk_layout_of_timing = GVK_LAYOUT(gvk_timing, ms, ms);
const struct gvk_layout gvk_layout_of_layer_timing = GVK_LAYOUT(gvk_layer_timing, bytes, bytes);
const struct gvk_layout gvk_layout_of_tune_params = GVK_LAYOUT(gvk_tune_params, tuned, tuned);
const struct gvk_layout gvk_layout_of_tune_result = GVK_LAYOUT(gvk_tune_result, ghosts_unfused, ghosts_unfused);
const struct gvk_layout gvk_layout_of_layer_description = GVK_LAYOUT(gvk_layer_description, parameters, parameters);
const struct gvk_layout gvk_layout_of_description = GVK_LAYOUT(gvk_description, memory, memory);

static size_t size_of(const struct gvk_layout *layout, const void *from)
{
    size_t size;
    memcpy(&size, from, sizeof size);
    return size ? size : layout->first;
}

static gvk_result check_size(const gvk_host *host, const struct gvk_layout *layout, size_t size)
{
    if (size >= layout->first && size <= MOST_BYTES)
        return GVK_OK;
    return gvk_fail(host, GVK_ERROR_ARGUMENT,
                    "The size of a %s is given as %zu bytes, which no release has; the first has %zu.", layout->name,
                    size, layout->first);
}

gvk_result gvk_struct_read(const gvk_host *host, const struct gvk_layout *layout, const void *from, void *to)
{
    memset(to, 0, layout->whole);
    memcpy(to, &layout->whole, sizeof layout->whole);
    if (!from)
        return GVK_OK;
    size_t size = size_of(layout, from);
    gvk_result result = check_size(host, layout, size);
    if (result)
        return result;
    const unsigned char *bytes = from;
    for (size_t i = layout->known; i < size; i++)
        if (bytes[i])
            return gvk_fail(host, GVK_ERROR_ARGUMENT,
                            "A %s of %zu bytes asks for something that this release does not know: byte %zu is not 0.",
                            layout->name, size, i);
    size_t shared = size < layout->known ? size : layout->known;
    memcpy((unsigned char *)to + sizeof size, bytes + sizeof size, shared - sizeof size);
    return GVK_OK;
}

void gvk_struct_write(const struct gvk_layout *layout, const void *made, void *to)
{
    size_t size = size_of(layout, to);
    size_t shared = size < layout->known ? size : layout->known;
    if (shared > sizeof size)
        memcpy((unsigned char *)to + sizeof size, (const unsigned char *)made + sizeof size, shared - sizeof size);
}

gvk_result gvk_element_size(const gvk_host *host, const struct gvk_layout *layout, size_t given, size_t *out)
{
    *out = given ? given : layout->first;
    return check_size(host, layout, *out);
}

gvk_result gvk_element_read(const gvk_host *host, const struct gvk_layout *layout, const void *array,
                            size_t element_size, uint32_t index, void *to)
{
    const unsigned char *from = (const unsigned char *)array + index * element_size;
    size_t size = size_of(layout, from);
    if (size > element_size)
        return gvk_fail(host, GVK_ERROR_ARGUMENT,
                        "Element %u of an array of %s says that it has %zu bytes, but the array's elements have %zu.",
                        index, layout->name, size, element_size);
    return gvk_struct_read(host, layout, from, to);
}

void gvk_element_copy(const struct gvk_layout *layout, const void *array, size_t element_size, uint32_t index, void *to)
{
    memset(to, 0, layout->whole);
    memcpy(to, (const unsigned char *)array + index * element_size,
           element_size < layout->known ? element_size : layout->known);
}

void gvk_element_write(const struct gvk_layout *layout, const void *made, void *array, size_t element_size,
                       uint32_t index)
{
    memcpy((unsigned char *)array + index * element_size, made,
           element_size < layout->known ? element_size : layout->known);
}

gvk_result gvk_host_read(const gvk_host *from, gvk_host *out)
{
    gvk_host first = {.size = sizeof first};
    if (from) /* every release has these; a size that cannot be leaves nothing to speak with but them */
        first = (gvk_host){.size = sizeof first, .user = from->user, .log = from->log};
    first = gvk_host_complete(&first);
    gvk_host read;
    gvk_result result = gvk_struct_read(&first, &gvk_layout_of_host, from, &read);
    if (!result)
        *out = gvk_host_complete(&read);
    return result;
}
