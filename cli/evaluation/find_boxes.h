/* What a model finds in a dataset's pictures, on a device: one picture after the other. */
#ifndef GHOSTVK_CLI_EVALUATION_FIND_BOXES_H
#define GHOSTVK_CLI_EVALUATION_FIND_BOXES_H

#include "cli/base/values.h"
#include "cli/evaluation/labels/dataset.h"
#include "cli/files/model_path.h"
#include "cli/host/device.h"

struct search_choice {
    struct device_choice device;
    struct size size;
    gvk_precision precision;
    bool letterbox, letterbox_given, ignore_orientation;
    bool quiet;            /* no line at the end of the terminal that says how far it is */
    float confidence, iou; /* as gvk_detector_params takes them */
};

/* Class ids are the model's, which the dataset's are too (dataset_keep_classes). An exit code; what is wrong has been
 * said. A picture that cannot be read is said and counted in `*failed`, and has no boxes; one that is not
 * there has none either. */
int find_boxes(struct program *program, const struct search_choice *choice, const struct model_file *model,
               const struct dataset *dataset, struct found_list *out, char *device_name, size_t device_name_size,
               size_t *failed);

#endif
