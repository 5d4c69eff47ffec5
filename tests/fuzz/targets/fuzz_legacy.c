/* Fuzzes the reader of the stream that torch.save wrote before 1.6. The input is a whole file; whatever else the first
 * bytes say is not for this target. */
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size >= 2 && data[0] == 0x80)
        fuzz_open_checkpoint(data, size);
    return 0;
}
