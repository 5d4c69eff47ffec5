/* Builders of checkpoint files for the tests of the readers: bytes, pickles, zip archives, legacy streams, safetensors.
 * They write what they are told, wrong things included, so that a test reads as what is wrong with its file. */
#ifndef GVK_TESTS_BUILD_FILES_H
#define GVK_TESTS_BUILD_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct bytes {
    unsigned char *data;
    size_t count, capacity;
} bytes;

void put(bytes *to, const void *data, size_t count);
void drop(bytes *from);
void put_text(bytes *to, const char *text);
/* Little-endian. */
void put_number(bytes *to, uint64_t value, size_t width);
void patch_number(bytes *in, size_t at, uint64_t value, size_t width);
void put_repeated(bytes *to, const void *data, size_t count, size_t times);
bytes read_whole(const char *path); /* nothing where there is no file */

/* ---- pickles ---- */

void pickle_text(bytes *to, const char *text);
void pickle_integer(bytes *to, int64_t value);
void pickle_integers(bytes *to, const int64_t *values, int count); /* a tuple */
void pickle_global(bytes *to, const char *module, const char *name);
void pickle_storage(bytes *to, const char *class, const char *key, int64_t count, bool is_legacy);

typedef struct tensor_spec {
    const char *name, *class, *key;
    int64_t count, offset;
    int rank;
    int64_t shape[10], strides[10];
} tensor_spec;

/* A dict of the tensors, with `extra` as further opcodes that leave keys and values. */
bytes pickle_state_dict(const tensor_spec *specs, size_t count, bool is_legacy, const bytes *extra);

/* ---- zip archives ---- */

uint32_t checksum(const unsigned char *data, size_t count);

typedef struct zip_entry {
    const char *name;
    const void *data;
    size_t size;
    const char *local_name; /* NULL: the same */
    unsigned flags, method;
    bool has_descriptor; /* flag bit 3 and zeros in the local header, as torch writes */
    bool is_zip64;       /* sizes and offset in the extra field 0x0001 */
    size_t local_at, central_at;
} zip_entry;

typedef struct zip_layout {
    bool has_end64;
    const char *comment;
    size_t directory_at, end64_at, end_at;
} zip_layout;

bytes build_zip(zip_entry *entries, size_t count, zip_layout *layout);
/* A checkpoint of one pickle and one storage record "data/0". */
bytes build_pth(const bytes *pickle, const void *record, size_t record_size);
/* Sets every checksum of a zip to 0, which means that it was not computed; so damage gets past it. */
void clear_checksums(bytes *zip);

/* ---- legacy streams ---- */

typedef struct legacy_layout {
    bool wrong_magic, is_big_endian;
    int version;
    const char *const *keys; /* of the list; each is followed by a storage of two floats */
    size_t key_count;
    uint64_t storage_count;
    size_t storage_bytes;
} legacy_layout;

bytes build_legacy(const bytes *object, const legacy_layout *layout);

/* ---- safetensors ---- */

bytes build_safetensors(const char *header, size_t data_bytes);

#endif
