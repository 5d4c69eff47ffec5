/* A few hundred wrong calls of every public function: what is NULL, unknown, out of range, of no known size, or done in
 * the wrong order is refused with a sentence, and nothing breaks. Under the sanitizers nothing is read that is not the
 * library's to read. */
#include "misuse.h"

int main(void)
{
    make_objects(NULL);
    int failed = run_device_misuse() + run_graph_misuse() + run_stream_misuse() + run_network_misuse();
    if (!failed)
        destroy_objects(NULL);
    print_message("             %u wrong calls\n", count_checked_calls());
    return failed || count_checked_calls() < 300;
}
