/* A few hundred wrong calls of every public function: what is NULL, unknown, out of range, of no known size, or done in
 * the wrong order is refused with a sentence, and nothing breaks. Under the sanitizers nothing is read that is not the
 * library's to read. */
#include "misuse.h"

int main(void)
{
    const struct CMUnitTest before[] = {cmocka_unit_test(objects_are_made)};
    const struct CMUnitTest behind[] = {cmocka_unit_test(all_objects_still_work)};
    if (cmocka_run_group_tests_name("before the misuse", before, NULL, NULL))
        return 1;
    return run_device_misuse() + run_graph_misuse() + run_stream_misuse() + run_network_misuse() +
           run_on_device_misuse() + run_tracker_misuse() +
           cmocka_run_group_tests_name("behind the misuse", behind, NULL, NULL);
}
