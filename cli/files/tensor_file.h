/* Tensors in and out of safetensors files, for the command `run`: one fp32 tensor in, several out.
 *
 * The library reads models; this little reader is for inputs, and the program uses the library's public headers alone.
 * A file is taken as hostile: every number in it is checked before it is used. On failure `message` holds a predicate
 * without the file's name. */
#ifndef GHOSTVK_CLI_TENSOR_FILE_H
#define GHOSTVK_CLI_TENSOR_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TENSOR_RANK_MAX       8
#define TENSOR_FILE_BYTES_MAX ((uint64_t)4 << 30)

struct tensor {
    const char *name; /* the caller's */
    uint32_t rank;
    uint64_t shape[TENSOR_RANK_MAX];
    float *values; /* from malloc, little-endian as in the file */
    uint64_t bytes;
};

/* Finds the fp32 tensor out->name. On success the caller releases it. */
bool tensor_file_read(const char *path, struct tensor *out, char *message, size_t message_size);
/* Writes fp32 tensors, whole or not at all (see output_file.h), in the order given. */
bool tensor_file_write(const char *path, const struct tensor *tensors, size_t count, char *message,
                       size_t message_size);
/* Accepts one without values. */
void tensor_release(struct tensor *tensor);

#endif
