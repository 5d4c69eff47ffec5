/* One use of the library from end to end, step by step, with a host that counts: what tests/faults/test_faults.c breaks
 * at every place. A step that failed may be taken again on the same objects. */
#ifndef GHOSTVK_SESSION_H
#define GHOSTVK_SESSION_H

#include "faults.h"
#include <ghostvk/ghostnet.h>

#define SESSION_SIDE       8u /* of the network's input, in pixels */
#define SESSION_STEM       8u /* channels of the tensor that is kept */
#define SESSION_FRAMES     2u
#define SESSION_COMMANDS   15u /* of a frame; each is a submission of its own */
#define SESSION_CANDIDATES (3 * 3 * SESSION_SIDE * SESSION_SIDE)

/* Memory and log, counted. */
struct counting {
    gvk_host host;
    uint64_t asked, fail_at; /* allocations; the one that fails, 0: none */
    int64_t live;
    uint32_t errors;
    char sentence[512]; /* the last error's */
    uint32_t warnings;
    char warning[512]; /* the last one */
    uint32_t stores;   /* of pipeline caches */
};
/* The host has a place for caches, which holds something of no use. */
void start_counting(struct counting *counting, uint64_t fail_at);

enum step {
    STEP_DEVICE,
    STEP_GRAPH,
    STEP_PLAN, /* of the large graph */
    STEP_MODEL,
    STEP_STREAM, /* a detector's */
    STEP_SUBMIT_PIXELS,
    STEP_SUBMIT_TENSOR,
    STEP_WAIT,
    STEP_READ,
    STEP_DETECTIONS,
    STEP_TIMINGS,
    STEP_LAYER_TIMINGS,
    STEP_COUNT
};
extern const char *const step_names[STEP_COUNT];

/* What a session computes. */
struct outcome {
    float stem[SESSION_STEM * SESSION_SIDE * SESSION_SIDE];
    gvk_detection detections[SESSION_FRAMES][SESSION_CANDIDATES];
    uint32_t counts[SESSION_FRAMES];
};

struct session {
    struct counting counting;
    /* A small graph, whose few kernels compile fast, or one with a pattern for every rewrite, for plan and model. */
    bool large;
    gvk_device *device;
    gvk_graph *graph;
    gvk_model *model;
    gvk_stream *stream;
    gvk_ticket tickets[SESSION_FRAMES];
    struct outcome outcome;
    gvk_result result; /* of the step that failed first */
    enum step failed;
};

void start_session(struct session *session, bool large, uint64_t fail_at);
gvk_result take_step(struct session *session, enum step step);
/* Frame 0 is a picture, frame 1 a tensor. */
gvk_result submit_frame(struct session *session, uint32_t frame);
/* Steps from `first` to before `end`. A step that fails ends it, or is taken `again` and must then do, or the test
 * fails. */
void run_steps(struct session *session, enum step first, enum step end, bool again);
/* Destroys all but the device, which keeps its pipelines; the session can go on at STEP_GRAPH. */
void rewind_session(struct session *session);
void destroy_session(struct session *session);

/* ---- with the fault layer -----------------------------------------------------------------------------------------
 */

extern const struct ghostvk_faults *faults;
extern struct outcome expected_outcome; /* on this driver without a fault */

/* Finds the layer and runs a first session. False, after printing why, where the layer is not in the chain. */
bool find_fault_layer(void);
/* Starts a session of the small graph, in which this call is to fail. */
void begin_session(struct session *session, const char *call, uint64_t nth, VkResult fault);
/* A session of the small graph up to before that step. */
void open_to(struct session *session, enum step end);
/* The call ended so, with one error, which is forgotten then. */
void assert_fails(struct session *session, gvk_result result, gvk_result right, const char *what);
/* A session from end to end without a fault; *calls: how many there were that may fail. */
void run_clean(struct outcome *out, uint64_t *calls);
void assert_clean(const char *context);
void assert_expected(const struct outcome *got, bool bit_for_bit, const char *context);
/* What is left must be what was there before; of errors there must be as many as expected. */
void assert_left(const struct counting *counting, int64_t objects, int64_t blocks, uint32_t errors,
                 const char *context);
/* Destroys all, and nothing may be left. */
void close_session(struct session *session, uint32_t errors, const char *context);

#endif
