/* From torch's view of a storage (offset, shape, strides) to a contiguous array.
 * A view that is contiguous stays where it is; any other is gathered into a block once it is loaded, and doubles become
 * floats. */
#include <float.h>
#include <string.h>

#include "ghostnet/files/bytes.h"
#include "tensor.h"

typedef struct view {
    uint32_t rank;
    uint64_t shape[GVK_MAX_RANK], strides[GVK_MAX_RANK];
    uint64_t first; /* item of the storage */
    uint64_t count; /* items of the tensor */
    bool is_contiguous;
} view;

struct gvk_copy {
    view from;
    const unsigned char *storage;
    size_t item;
    bool is_double;
    unsigned char *block;
};

bool gvk_measure_storage(const gvk_pickle_value *storage, uint64_t *bytes)
{
    uint64_t count = (uint64_t)storage->as.storage.count, item = storage->as.storage.item_bytes;
    if (item && count > UINT64_MAX / item)
        return false;
    *bytes = count * item;
    return true;
}

static gvk_result refuse(const gvk_source *source, const char *name, const char *what)
{
    return gvk_refuse(source, "tensor %s %s.", name, what);
}

static gvk_result read_numbers(const gvk_source *source, const char *name, const gvk_pickle_value *tensor, view *out)
{
    const gvk_pickle_value *shape = tensor->as.tensor.shape, *strides = tensor->as.tensor.strides;
    if (shape->as.list.count != strides->as.list.count)
        return refuse(source, name, "has more dimensions than strides, or fewer");
    if (shape->as.list.count > GVK_MAX_RANK)
        return refuse(source, name, "has more than 8 dimensions");
    *out = (view){.rank = shape->as.list.count, .count = 1};
    bool is_empty = false;
    for (uint32_t i = 0; i < out->rank; i++) {
        int64_t size = shape->as.list.items[i]->as.integer, stride = strides->as.list.items[i]->as.integer;
        if (size < 0 || stride < 0)
            return refuse(source, name, "has a negative shape or stride");
        out->shape[i] = (uint64_t)size;
        out->strides[i] = (uint64_t)stride;
        is_empty = is_empty || size == 0;
    }
    if (tensor->as.tensor.offset < 0)
        return refuse(source, name, "has a negative offset");
    for (uint32_t i = 0; i < out->rank && !is_empty; i++) {
        if (out->count > UINT64_MAX / out->shape[i])
            return refuse(source, name, "has a shape that is too large");
        out->count *= out->shape[i];
    }
    if (is_empty)
        out->count = 0;
    return GVK_OK;
}

/* The view must lie inside its storage, and must not be larger than it: an expanded tensor of a few bytes may claim
 * any size. */
static gvk_result check_place(const gvk_source *source, const char *name, const gvk_pickle_value *tensor, view *out)
{
    const gvk_pickle_value *storage = tensor->as.tensor.storage;
    uint64_t room = (uint64_t)storage->as.storage.view_count;
    uint64_t offset = (uint64_t)tensor->as.tensor.offset;
    if (offset > room)
        return refuse(source, name, "begins outside of its storage");
    out->first = (uint64_t)storage->as.storage.view_begin + offset;
    if (out->count == 0)
        return GVK_OK;
    if (out->count > room)
        return refuse(source, name, "is larger than its storage; save a contiguous copy instead of an expanded view");
    uint64_t left = room - offset;
    if (left == 0)
        return refuse(source, name, "begins outside of its storage");
    left--; /* less the first item, at the offset itself; the strides only lead to the others */
    for (uint32_t i = 0; i < out->rank; i++) {
        uint64_t steps = out->shape[i] - 1;
        if (steps && out->strides[i] > left / steps)
            return refuse(source, name, "reaches past the end of its storage");
        left -= steps * out->strides[i];
    }
    return GVK_OK;
}

static void check_order(view *out)
{
    uint64_t expected = 1;
    out->is_contiguous = true;
    for (uint32_t i = out->rank; i > 0; i--) {
        if (out->shape[i - 1] != 1 && out->strides[i - 1] != expected)
            out->is_contiguous = false;
        expected *= out->shape[i - 1]; /* at most count, which is checked */
    }
    if (out->count == 0)
        out->is_contiguous = true;
}

/* Copies the view's items in row-major order. */
static void gather(const view *from, const unsigned char *storage, size_t item, unsigned char *to)
{
    uint64_t index[GVK_MAX_RANK] = {0};
    uint64_t at = from->first;
    for (uint64_t i = 0; i < from->count; i++) {
        memcpy(to, storage + (size_t)at * item, item);
        to += item;
        for (uint32_t d = from->rank; d > 0; d--) {
            at += from->strides[d - 1];
            if (++index[d - 1] < from->shape[d - 1])
                break;
            at -= from->shape[d - 1] * from->strides[d - 1];
            index[d - 1] = 0;
        }
    }
}

/* In place: a float is written in front of the doubles that are still to be read. */
static void narrow(unsigned char *bytes, const unsigned char *doubles, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        uint64_t wide_bits = gvk_load_u64(doubles + (size_t)i * 8);
        double wide;
        memcpy(&wide, &wide_bits, sizeof wide);
        /* A conversion that overflows is undefined, and an infinity is what the network's own checks can see. */
        float value;
        uint32_t bits;
        if (wide > (double)FLT_MAX || wide < -(double)FLT_MAX) {
            bits = wide > 0 ? 0x7f800000u : 0xff800000u;
        } else {
            value = (float)wide;
            memcpy(&bits, &value, sizeof bits);
        }
        gvk_store_u32(bytes + (size_t)i * 4, bits);
    }
}

static gvk_type array_type(gvk_storage_type type)
{
    switch (type) {
    case GVK_STORAGE_F32:
    case GVK_STORAGE_F64: return GVK_TYPE_F32;
    case GVK_STORAGE_F16: return GVK_TYPE_F16;
    case GVK_STORAGE_BF16: return GVK_TYPE_BF16;
    case GVK_STORAGE_UNKNOWN:
    case GVK_STORAGE_INTEGER:
    case GVK_STORAGE_OTHER: break;
    }
    return GVK_TYPE_OTHER;
}

void gvk_copy_items(const struct gvk_copy *copy)
{
    const view *from = &copy->from;
    if (from->is_contiguous)
        memcpy(copy->block, copy->storage + (size_t)from->first * copy->item, (size_t)from->count * copy->item);
    else
        gather(from, copy->storage, copy->item, copy->block);
    if (copy->is_double)
        narrow(copy->block, copy->block, from->count);
}

/* A block for a view that cannot stay where it is. */
static gvk_result plan_copy(gvk_checkpoint *checkpoint, const struct gvk_copy *copy, gvk_checkpoint_tensor *out)
{
    struct gvk_copy *kept = gvk_allocate(&checkpoint->host, sizeof *kept);
    if (!kept)
        return gvk_fail_memory(&checkpoint->host);
    *kept = *copy;
    gvk_result result = gvk_checkpoint_add_block(checkpoint, copy->from.count * copy->item, &kept->block);
    if (result) {
        gvk_release(&checkpoint->host, kept);
        return result;
    }
    out->copy = kept;
    out->array.data = kept->block;
    return GVK_OK;
}

gvk_result gvk_take_tensor(gvk_checkpoint *checkpoint, const char *name, const gvk_pickle_value *tensor,
                           const gvk_storage_finder *finder, gvk_checkpoint_tensor *out)
{
    const gvk_source *source = &checkpoint->source;
    const gvk_pickle_value *storage = tensor->as.tensor.storage;
    struct gvk_copy copy = {.item = storage->as.storage.item_bytes};
    if (storage->as.storage.type == GVK_STORAGE_UNKNOWN) {
        gvk_quoted quoted;
        return gvk_refuse(source, "tensor %s lies in a storage of the unknown class %s; " GVK_SAVE_AGAIN ".", name,
                          gvk_pickle_name_maker(&quoted, storage->as.storage.class));
    }
    *out = (gvk_checkpoint_tensor){.record = GVK_NO_RECORD};
    gvk_result result = read_numbers(source, name, tensor, &copy.from);
    if (!result)
        result = check_place(source, name, tensor, &copy.from);
    if (!result)
        result = finder->find(finder->user, storage, &copy.storage, &out->record);
    if (result)
        return result;
    check_order(&copy.from);

    /* The storage's bytes lie in the file, so none of the products below can overflow. */
    copy.is_double = storage->as.storage.type == GVK_STORAGE_F64;
    out->is_integer = storage->as.storage.type == GVK_STORAGE_INTEGER;
    out->array = (gvk_array){.type = array_type(storage->as.storage.type),
                             .rank = copy.from.rank,
                             .data = copy.storage + (size_t)copy.from.first * copy.item};
    memcpy(out->array.shape, copy.from.shape, sizeof out->array.shape);
    out->array.bytes = copy.from.count * (copy.is_double ? sizeof(float) : copy.item);
    return copy.from.is_contiguous && !copy.is_double ? GVK_OK : plan_copy(checkpoint, &copy, out);
}
