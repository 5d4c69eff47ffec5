/* Fuzzes the program's own reader of tensor files (cli/files/tensor_file.c), which `run --input` calls. The input is a
 * whole file; safetensors_mutator.c changes it. */
#include <string.h>

#include "cli/files/tensor_file.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/written_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char message[256] = "";
    struct tensor tensor = {.name = "input"};
    bool is_read = tensor_file_read(fuzz_write_input(data, size), &tensor, message, sizeof message);
    FUZZ_CHECK(is_read == (tensor.values != NULL));
    if (is_read) {
        uint64_t bytes = sizeof(float);
        FUZZ_CHECK(tensor.rank <= TENSOR_RANK_MAX);
        for (uint32_t axis = 0; axis < tensor.rank; axis++) {
            FUZZ_CHECK(tensor.shape[axis] > 0 && bytes <= size / tensor.shape[axis]);
            bytes *= tensor.shape[axis];
        }
        FUZZ_CHECK(bytes == tensor.bytes && bytes <= size);
        fuzz_touch(tensor.values, (size_t)tensor.bytes);
    } else {
        FUZZ_CHECK(tensor.bytes == 0 && strlen(message) + 1 < sizeof message);
        fuzz_check_sentence(message);
    }
    tensor_release(&tensor);
    return 0;
}
