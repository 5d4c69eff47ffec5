/* The pictures of one run of `ghostvk classify`, from the operands to the outputs. */
#ifndef GHOSTVK_CLI_CLASSIFY_FLOW_H
#define GHOSTVK_CLI_CLASSIFY_FLOW_H

#include "cli/pipeline/summary.h"
#include "request.h"

/* What lives while pictures are worked on. */
struct classify_work {
    struct program *program;
    const struct classify_request *request;
    struct model_file model;
    const char *const *names; /* of the classes */
    struct classifier_cut cut;
    gvk_device *device;
    gvk_device_info device_info;
    gvk_model *weights;
    gvk_stream *stream;
    unsigned under_way; /* frames of the stream */
    struct results *results;
    bool has_tables;
    /* What came of it. */
    struct run_summary summary;
    bool is_interrupted;
};

/* An exit code: OUTCOME_DONE also where pictures failed, which was said of each. */
int classify_run(struct classify_work *work);

#endif
