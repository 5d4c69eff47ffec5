/* The structs of the public headers as they cross the boundary. A host may have been compiled against an older or a
 * newer release than this library, so its struct may be shorter or longer than ours; all of them are read and written
 * here.
 *
 * A struct grows at its end alone. Its layout says how long it was in release 0.1, and where today's members end; a
 * caller's size of 0 stands for the former. A member that the caller's struct does not have is 0. A struct
 * that is longer than ours must hold zeros there: what we do not know, we cannot do. */
#ifndef GVK_STRUCTS_H
#define GVK_STRUCTS_H

#include "host.h"

struct gvk_layout {
    const char *name;
    size_t first; /* sizeof in release 0.1 */
    size_t known; /* where today's members end, a closing `reserved` left out */
    size_t whole; /* sizeof today */
};

#define GVK_END_OF(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))
/* By the last member that 0.1 had, `reserved` included, and today's last, `reserved` left out. */
#define GVK_LAYOUT(type, first_last, last)                                                                             \
    {                                                                                                                  \
        .name = #type, .first = (GVK_END_OF(type, first_last) + _Alignof(type) - 1) / _Alignof(type) * _Alignof(type), \
        .known = GVK_END_OF(type, last), .whole = sizeof(type)                                                         \
    }

extern const struct gvk_layout gvk_layout_of_host, gvk_layout_of_device_info, gvk_layout_of_device_params,
    gvk_layout_of_wants, gvk_layout_of_import_params, gvk_layout_of_node, gvk_layout_of_model_params,
    gvk_layout_of_stream_params, gvk_layout_of_picture, gvk_layout_of_stream_info, gvk_layout_of_timing,
    gvk_layout_of_layer_timing, gvk_layout_of_tune_params, gvk_layout_of_tune_result, gvk_layout_of_layer_description,
    gvk_layout_of_description;

/* Fills `to`, a struct of today's: its size, then what `from` has, and zeros behind it; all zeros where
 * `from` is NULL. GVK_ERROR_ARGUMENT when the size cannot be, or when `from` asks for what this release does not know.
 */
gvk_result gvk_struct_read(const gvk_host *host, const struct gvk_layout *layout, const void *from, void *to);
/* Writes no more than the size says that `to` begins with, which stays as it is. */
void gvk_struct_write(const struct gvk_layout *layout, const void *made, void *to);

/* Arrays come with the size of one element, 0 for that in 0.1. *out is the distance from one to the next;
 * GVK_ERROR_ARGUMENT when no release has such elements. */
gvk_result gvk_element_size(const gvk_host *host, const struct gvk_layout *layout, size_t given, size_t *out);
/* An element that begins with a size of its own, as gvk_struct_read; a longer one than the array's elements is refused.
 */
gvk_result gvk_element_read(const gvk_host *host, const struct gvk_layout *layout, const void *array,
                            size_t element_size, uint32_t index, void *to);
/* An element without a size of its own, which is as long as the array's elements. */
void gvk_element_copy(const struct gvk_layout *layout, const void *array, size_t element_size, uint32_t index,
                      void *to);
/* Writes the whole element, a size that `made` begins with included. */
void gvk_element_write(const struct gvk_layout *layout, const void *made, void *array, size_t element_size,
                       uint32_t index);

/* gvk_host_complete of what was read of a caller's. Where it is refused, its own log says why. */
gvk_result gvk_host_read(const gvk_host *from, gvk_host *out);

#endif
