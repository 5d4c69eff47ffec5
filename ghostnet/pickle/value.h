/* The values of a pickle, as plain data: what they are, how they are looked at, and how they are made within bounds. */
#ifndef GVK_PICKLE_VALUE_H
#define GVK_PICKLE_VALUE_H

#include "ghostnet/files/text.h"

/* Bounds of all pickles of a file together. A checkpoint of a large network with optimizer state stays far below them.
 * A file is read within twice its size and 64 MiB of memory; the limits of memory here are what remains of that beside
 * the file's own bytes and the program. */
#define GVK_PICKLE_STEP_LIMIT   16000000u
#define GVK_PICKLE_VALUE_LIMIT  2000000u
#define GVK_PICKLE_STACK_LIMIT  1000000u
#define GVK_PICKLE_MARK_LIMIT   1000u
#define GVK_PICKLE_MEMO_LIMIT   2000000u
#define GVK_PICKLE_MEMORY_LIMIT (UINT64_C(256) << 20)
#define GVK_PICKLE_MEMORY_ALONE (UINT64_C(44) << 20) /* of a small file; a large one's size is added */
#define GVK_PICKLE_RANK_LIMIT   64u                  /* torch's own */
#define GVK_PICKLE_KEY_LIMIT    128u                 /* bytes of a storage's key; torch writes numbers */

/* What pickles may still use. */
typedef struct gvk_pickle_budget {
    uint32_t steps, values;
    uint64_t memory;
} gvk_pickle_budget;

typedef enum gvk_pickle_kind {
    GVK_PICKLE_NONE,
    GVK_PICKLE_BOOL,
    GVK_PICKLE_INTEGER,
    GVK_PICKLE_LONG, /* an integer beyond 64 bits */
    GVK_PICKLE_FLOAT,
    GVK_PICKLE_STRING,
    GVK_PICKLE_BYTES,
    GVK_PICKLE_TUPLE,
    GVK_PICKLE_LIST,
    GVK_PICKLE_SET,
    GVK_PICKLE_DICT,
    GVK_PICKLE_GLOBAL,
    GVK_PICKLE_OPAQUE,
    GVK_PICKLE_STORAGE,
    GVK_PICKLE_TENSOR
} gvk_pickle_kind;

typedef enum gvk_storage_type {
    GVK_STORAGE_UNKNOWN,
    GVK_STORAGE_F32,
    GVK_STORAGE_F16,
    GVK_STORAGE_BF16,
    GVK_STORAGE_F64,
    GVK_STORAGE_INTEGER, /* or boolean */
    GVK_STORAGE_OTHER
} gvk_storage_type;

typedef struct gvk_pickle_value gvk_pickle_value;

typedef struct gvk_pickle_text {
    const char *text; /* in the pickle's bytes, without a terminator */
    size_t length;
} gvk_pickle_text;

struct gvk_pickle_value {
    gvk_pickle_kind kind;
    bool is_walked;  /* gvk_pickle_holds_tensor came by */
    bool is_ordered; /* a dict that OrderedDict made, which may have attributes */
    union {
        int64_t integer; /* also of a bool */
        double real;
        gvk_pickle_text text; /* string, bytes; of a long the little-endian two's complement */
        struct {              /* of a dict: key, value, key, value ... */
            gvk_pickle_value **items;
            uint32_t count, capacity;
        } list;
        struct {
            gvk_pickle_text module, name;
        } global;
        struct {
            gvk_pickle_value *maker, *arguments; /* what would have been called with what; either may be NULL */
            gvk_pickle_value *state;             /* what BUILD would have given it, or NULL */
        } opaque;
        struct {
            gvk_storage_type type;
            uint32_t item_bytes;           /* 0 for an unknown type */
            const gvk_pickle_value *class; /* global or opaque */
            gvk_pickle_text key;
            int64_t count;      /* items */
            int64_t view_begin; /* a part of the storage, as old torch wrote it; else 0 and count */
            int64_t view_count;
        } storage;
        struct {
            const gvk_pickle_value *storage;
            int64_t offset;
            const gvk_pickle_value *shape, *strides; /* tuples of integers, of any sign and length */
        } tensor;
    } as;
};

typedef struct gvk_pickle gvk_pickle; /* owns the values; the texts stay in the bytes that were read */

/* For a file of that size. */
gvk_pickle_budget gvk_pickle_budget_of(uint64_t file_bytes);
void gvk_pickle_destroy(gvk_pickle *pickle);

gvk_pickle_value *gvk_pickle_root(const gvk_pickle *pickle);
/* Every storage that the pickle names, in order; some may have the same key. */
uint32_t gvk_pickle_storage_count(const gvk_pickle *pickle);
const gvk_pickle_value *gvk_pickle_storage_at(const gvk_pickle *pickle, uint32_t index);

/* Whether the value is a string, or the bytes that Python 2 had for one. */
bool gvk_pickle_has_text(const gvk_pickle_value *value);
bool gvk_pickle_is_text(const gvk_pickle_value *value, const char *text);
/* The value of a string key of a dict, the last one where it is set again; NULL when there is none. */
gvk_pickle_value *gvk_pickle_find(const gvk_pickle_value *dict, const char *key);
/* "module.name" of a global, or of what made an opaque value. */
const char *gvk_pickle_name_maker(gvk_quoted *quoted, const gvk_pickle_value *value);
/* Whether a tensor or storage can be reached from the value. Values in which an earlier call found none are not visited
 * again, so all calls together visit each value once. */
gvk_result gvk_pickle_holds_tensor(gvk_pickle *pickle, gvk_pickle_value *value, bool *out);

/* ---- for what reads a pickle ---- */

/* A new value of the pickle's, or NULL after a logged refusal (*result). */
gvk_pickle_value *gvk_pickle_make(gvk_pickle *pickle, gvk_pickle_kind kind, gvk_result *result);
gvk_result gvk_pickle_create(const gvk_source *source, gvk_pickle_budget *budget, gvk_pickle **out);
/* Takes memory from the budget, wherever it is allocated. */
gvk_result gvk_pickle_spend(gvk_pickle *pickle, uint64_t bytes);
void gvk_pickle_set_root(gvk_pickle *pickle, gvk_pickle_value *root);
/* Appends to a tuple, list, set or dict. */
gvk_result gvk_pickle_append(gvk_pickle *pickle, gvk_pickle_value *list, gvk_pickle_value *const *items, size_t count);
gvk_result gvk_pickle_note_storage(gvk_pickle *pickle, const gvk_pickle_value *storage);

#endif
