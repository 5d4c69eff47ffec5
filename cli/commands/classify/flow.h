/* The pictures of one run of `ghostvk classify`, from the operands to the outputs. */
#ifndef GHOSTVK_CLI_CLASSIFY_FLOW_H
#define GHOSTVK_CLI_CLASSIFY_FLOW_H

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
    size_t done_count, failed_count; /* of pictures and frames; a failed one lacks its classes or one of its outputs */
    size_t skipped_count;            /* that were done before this run */
    bool is_interrupted;
};

/* An exit code: OUTCOME_DONE also where pictures failed, which was said of each. */
int classify_run(struct classify_work *work);

#endif
