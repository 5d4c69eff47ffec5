/* The pictures of one run of `ghostvk detect`, from the operands to the outputs. */
#ifndef GHOSTVK_CLI_DETECT_FLOW_H
#define GHOSTVK_CLI_DETECT_FLOW_H

#include "cli/files/model_path.h"
#include "cli/files/output_folder.h"
#include "cli/files/run_lock.h"
#include "cli/pictures/picture_fit.h"
#include "cli/pipeline/summary.h"
#include "cli/results/results.h"
#include "drawn.h"
#include "request.h"

#define LOCKS_MAX 3

/* What lives while pictures are worked on. */
struct work {
    struct program *program;
    const struct detect_request *request;
    struct model_file model;
    gvk_device *device;
    gvk_device_info device_info;
    gvk_model *weights;
    gvk_stream *stream;
    unsigned under_way;     /* frames of the stream */
    struct picture_fit fit; /* what pictures are asked before they are decoded */
    struct results *results;
    struct run_lock locks[LOCKS_MAX];     /* of the folders that are gone on with */
    struct output_folder made[LOCKS_MAX]; /* those of them that were not there */
    struct drawing drawing;
    bool has_tables;
    /* What came of it. */
    struct run_summary summary;
    bool is_interrupted;
};

/* An exit code: OUTCOME_DONE also where pictures failed, which was said of each. */
int detect_run(struct work *work);

#endif
