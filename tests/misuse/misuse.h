/* Calls as no host should make them: each ends as the headers say, tells why in a sentence, and leaves all objects as
 * they were. The objects that the calls are made with, and the check of one call. */
#ifndef GVK_TEST_MISUSE_H
#define GVK_TEST_MISUSE_H

#include "tests/support/counting_host.h"
#include "tests/support/harness.h"

#define SIDE     8
#define CHANNELS 3
#define OUTPUTS  4

/* Made once for all tests, and still in order behind each. */
extern struct objects {
    gvk_device *device;
    gvk_graph *graph, *unfinished, *failed,
        *without_weights; /* "input", 3 channels; "mix", a convolution; output "mix" */
    gvk_model *model;
    gvk_stream *stream; /* SIDE x SIDE, profiled, two frames in flight */
    gvk_network *network;
    gvk_model *network_model;
    gvk_stream *detector;               /* 64 x 64 */
    gvk_ticket ticket, detector_ticket; /* frames that are done */
} objects;

void objects_are_made(void **state);
void all_objects_still_work(void **state);
/* A graph of the host's with its input; *input is it. */
gvk_graph *begin_graph(gvk_tensor *input);
gvk_result find_weight(void *user, const char *name, gvk_array *out);
gvk_picture tensor_picture(void);

/* The call fails so. `told`: with a sentence of the library's. */
#define ENDS_AS(call, expected) check_call((forget_sentences(), (call)), (expected), true, #call, __FILE__, __LINE__)
#define REFUSED(call)           ENDS_AS(call, GVK_ERROR_ARGUMENT)
/* Without an object or a host there is no log to tell it to. */
#define REFUSED_IN_SILENCE(call)                                                                                       \
    check_call((forget_sentences(), (call)), GVK_ERROR_ARGUMENT, false, #call, __FILE__, __LINE__)
/* A line of a table: `name` says what is wrong in it. */
#define LINE_ENDS_AS(name, call, expected)                                                                             \
    check_call((forget_sentences(), (call)), (expected), true, (name), __FILE__, __LINE__)
#define LINE_REFUSED(name, call) LINE_ENDS_AS(name, call, GVK_ERROR_ARGUMENT)
void forget_sentences(void);
void check_call(gvk_result result, gvk_result expected, bool told, const char *call, const char *file, int line);

/* Numbers that no enum has, and sizes that no struct has. */
extern const int unknown_values[4];
extern const size_t impossible_sizes[5];

int run_device_misuse(void);
int run_graph_misuse(void);
int run_stream_misuse(void);
int run_network_misuse(void);
int run_on_device_misuse(void);
int run_tracker_misuse(void);

#endif
