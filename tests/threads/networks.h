/* Two tiny networks, and one-call models, streams and frames of them, for the tests of threads. Nothing in here is
 * written once fill_constants has returned, but the count of the host's blocks and errors. */
#ifndef GVK_TESTS_THREADS_NETWORKS_H
#define GVK_TESTS_THREADS_NETWORKS_H

#include "tests/support/counting_host.h"
#include "tests/support/harness.h"

#define SIDE      64u /* of the input */
#define PICTURES  3u
#define OUTPUTS   4u
#define VALUES    ((size_t)OUTPUTS * SIDE * SIDE)
#define BOXES_MAX 256u /* all that there can be: 3 * (64 + 16 + 4), and some */

enum network { PLAIN, DETECTOR, NETWORKS };

struct frame {
    float values[VALUES]; /* of the plain network */
    gvk_detection boxes[BOXES_MAX];
    uint32_t count;
};

/* Of the counting host. */
const char *last_error(void);
void expect_nothing_held(const char *what);

/* Weights and pictures; before the first thread. */
void fill_constants(void);

gvk_result open_device(gvk_device **out);
gvk_result make_model(gvk_device *device, enum network network, gvk_model **out);
/* Two frames in flight. */
gvk_result make_stream(gvk_model *model, enum network network, gvk_stream **out);
/* Each picture is of another size: the way in is recorded anew from frame to frame. */
gvk_result submit(gvk_stream *stream, unsigned picture, gvk_ticket *ticket);
/* Waits for it, and copies what it gave. */
gvk_result read_frame(gvk_stream *stream, enum network network, gvk_ticket ticket, struct frame *out);
bool equal_frames(enum network network, const struct frame *one, const struct frame *other);

#endif
