/* Writes what `dev bench` compares with: a detector of generated weights as model.safetensors for ghostvk and as
 * model.onnx for ONNX Runtime, and one input for both. The weights are those of `ghostvk bench --random CLASSES`.
 * usage: export_model FOLDER CLASSES SIDE */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/files/tensor_file.h"
#include "ghostnet/network_inside.h"
#include "onnx_file.h"
#include "tests/filler/filler.h"

static void print_sentence(void *user, gvk_log_level level, const char *sentence)
{
    (void)user;
    if (level <= GVK_LOG_WARNING)
        fprintf(stderr, "export_model: %s\n", sentence);
}

static struct tensor describe_tensor(const char *name, const gvk_array *array)
{
    struct tensor tensor = {
        .name = name, .rank = array->rank, .values = (float *)(uintptr_t)array->data, .bytes = array->bytes};
    memcpy(tensor.shape, array->shape, sizeof tensor.shape);
    return tensor;
}

static int write_tensors(const char *path, const struct tensor *tensors, size_t count)
{
    char message[512];
    int written = tensor_file_write(path, tensors, count, message, sizeof message);
    if (!written)
        fprintf(stderr, "export_model: %s: %s\n", path, message);
    return written;
}

static int write_weights(const gvk_network *network, const char *path)
{
    uint32_t count = gvk_checkpoint_count(network->checkpoint), used = 0;
    struct tensor *tensors = calloc(count, sizeof *tensors);
    for (uint32_t i = 0; tensors && i < count; i++) {
        const gvk_checkpoint_tensor *tensor = gvk_checkpoint_at(network->checkpoint, i);
        if (network->used[i]) /* the others were never loaded */
            tensors[used++] = describe_tensor(tensor->name, &tensor->array);
    }
    int written = tensors && write_tensors(path, tensors, used);
    free(tensors);
    return written;
}

static int write_input(const char *path, uint64_t side)
{
    gvk_array array = {.type = GVK_TYPE_F32, .rank = 4, .shape = {1, 3, side, side}, .bytes = 3 * side * side * 4};
    float *values = malloc((size_t)array.bytes);
    array.data = values;
    int written = 0;
    if (values) {
        fill_input("input", array.shape, values);
        struct tensor tensor = describe_tensor("input", &array);
        written = write_tensors(path, &tensor, 1);
    }
    free(values);
    return written;
}

static int write_onnx(const gvk_network *network, uint32_t side, const char *path)
{
    struct message model;
    int made = make_onnx(gvk_network_graph(network), side, side, &model);
    FILE *file = made ? fopen(path, "wb") : NULL;
    int written = file && fwrite(model.bytes, 1, model.count, file) == model.count;
    if (file && fclose(file))
        written = 0;
    message_release(&model);
    if (!written)
        fprintf(stderr, "export_model: %s was not written\n", path);
    return written;
}

int main(int argument_count, char **arguments)
{
    char path[3][1024];
    static const char *const names[3] = {"model.safetensors", "model.onnx", "input.safetensors"};
    unsigned long classes = argument_count == 4 ? strtoul(arguments[2], NULL, 10) : 0;
    unsigned long side = argument_count == 4 ? strtoul(arguments[3], NULL, 10) : 0;
    if (!classes || classes > 20000 || !side || side > 4096 || side % 32) {
        fputs("usage: export_model FOLDER CLASSES SIDE\n", stderr);
        return 2;
    }
    for (int i = 0; i < 3; i++)
        snprintf(path[i], sizeof path[i], "%s/%s", arguments[1], names[i]);
    gvk_host host = {.size = sizeof host, .log = print_sentence};
    gvk_network *network = NULL;
    int done = !gvk_network_generate(&host, (uint32_t)classes, &network) && write_weights(network, path[0]) &&
               write_onnx(network, (uint32_t)side, path[1]) && write_input(path[2], side);
    gvk_network_destroy(network);
    return done ? 0 : 1;
}
