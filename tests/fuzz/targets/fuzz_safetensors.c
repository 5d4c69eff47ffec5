/* Fuzzes the safetensors reader. The input is a whole file; safetensors_mutator.c changes it. */
#include "tests/fuzz/fuzz.h"

#define PREFIX_BYTES 8u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > PREFIX_BYTES && data[PREFIX_BYTES] == '{')
        fuzz_open_checkpoint(data, size);
    return 0;
}
