/* GhostNet, GhostNet-YOLOv4 and its siblings on the runtime of gvk.h: checkpoints, the detector, the classifier.
 *
 * A network is a checkpoint with its classes, anchors and defaults, and the graph built from it; it needs no device. A
 * model (gvk_model_create over gvk_network_graph) puts it on a device. A detector is a stream with decode and
 * non-maximum suppression behind the network.
 *
 * Sources: Han et al., "GhostNet: More Features from Cheap Operations", CVPR 2020, Table 1; Bochkovskiy et al.,
 * "YOLOv4", 2020. The rules of gvk.h hold here too. */
#ifndef GVK_GHOSTNET_H
#define GVK_GHOSTNET_H

#include <ghostvk/detector.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gvk_network gvk_network;

/* What a network is for. Which one it is says its name. */
typedef enum gvk_task { GVK_TASK_DETECTOR, GVK_TASK_CLASSIFIER } gvk_task;

#define GVK_ANCHORS 9

typedef struct gvk_network_params {
    size_t size;
    const char *path;  /* a .safetensors or .pth file ... */
    const void *bytes; /* ... or its content, which is copied */
    size_t byte_count;
    const char *const *classes; /* UTF-8 names of up to 1024 bytes; NULL: the file's metadata, else "0", "1", ... */
    uint32_t class_count;       /* must be what the checkpoint's shapes say; 0 with NULL */
    int allow_unused;           /* nonzero: also a file with weights that the network does not need */
    const float *anchors;       /* GVK_ANCHORS pairs of width and height in pixels; NULL: metadata, else YOLOv4's */
    const char *weights;        /* the set of weights to take, see below; NULL: chosen */
    /* 0.1 ends here. */
} gvk_network_params;

/* Reads the checkpoint, infers network, width and class count from names and shapes, and checks every tensor that the
 * network needs.
 *
 * A file may hold several sets of weights, each below keys of dicts or a prefix of names. Looked for are state_dict,
 * model, net, module, params and the like, and averages below ema, model_ema, state_dict_ema and the like; where there
 * are both, the average is taken if it is whole, and a warning says so. `weights` names another set: a key, keys joined
 * by dots, a prefix, or "." for the top level.
 *
 * A weight that the network does not need says that the file is of another network, such as GhostNetV2 or a detector
 * with attention added, and is refused by its name, unless allow_unused is set. Passed over are what cannot change a
 * result: integers, counters and figures of training (num_batches_tracked, total_ops), optimizer state, a classifier's
 * head inside of a detector.
 * GVK_ERROR_FILE, GVK_ERROR_FORMAT or GVK_ERROR_MISMATCH with a sentence that names the tensor. */
GVK_API gvk_result gvk_network_open(const gvk_host *host, const gvk_network_params *params, gvk_network **out);
/* A GhostNet-YOLOv4 with weights made up, for measuring without a file: the same for the same class count on every
 * machine. Its boxes mean nothing. 1 to 21840 classes. */
GVK_API gvk_result gvk_network_generate(const gvk_host *host, uint32_t class_count, gvk_network **out);
/* The same of any network; `name` is one of gvk_network_name. A classifier has up to 65536 classes. */
GVK_API gvk_result gvk_network_generate_named(const gvk_host *host, const char *name, uint32_t class_count,
                                              gvk_network **out);
/* The networks that there are: "GhostNet-YOLOv4", "MobileNetV1-YOLOv4", ..., "GhostNet" (the classifier). NULL past the
 * last one. Static. */
GVK_API const char *gvk_network_name(uint32_t index);
/* After the models made from its graph no longer need to be created; models and streams do not refer to it. */
GVK_API void gvk_network_destroy(gvk_network *network);

/* The network's graph: input "input" with 3 channels; outputs "stride32", "stride16", "stride8", or "logits". */
GVK_API const gvk_graph *gvk_network_graph(const gvk_network *network);

typedef struct gvk_network_info {
    size_t size;
    gvk_task task;
    const char *format; /* of the file */
    double width;       /* multiplier of the backbone's channels */
    uint32_t class_count;
    const char *const *classes;
    const float *anchors;               /* GVK_ANCHORS pairs; NULL for a classifier */
    uint32_t input_width, input_height; /* default input size in pixels */
    int letterbox;
    float confidence, iou;
    uint32_t unused_count; /* tensors of the file that the network does not need */
    const char *const *unused;
    const char *weights; /* where in the file they are: keys of dicts and the prefix of names, joined by dots, such as
                            "model_ema.module"; "" at the top level */
    const char *name;    /* of the network: one of gvk_network_name */
    /* 0.1 ends here. */
} gvk_network_info;

/* Pointers live as long as the network. */
GVK_API void gvk_network_describe(const gvk_network *network, gvk_network_info *out);

/* Makes a detector (detector.h) of the network's maps, anchors and defaults; params may be NULL. */
GVK_API gvk_result gvk_detector_create(gvk_model *model, const gvk_network *network, const gvk_detector_params *params,
                                       gvk_stream **out);

/* gvk_model_memory (embedding.h) of the network's model and one stream of it: a detector's, or a classifier's with
 * params->stream alone. params, model and likeness may be NULL. */
GVK_API gvk_result gvk_network_memory(gvk_device *device, const gvk_network *network, const gvk_model_params *model,
                                      const gvk_detector_params *params, const gvk_picture *likeness,
                                      size_t picture_size, gvk_memory *out);

#ifdef __cplusplus
}
#endif
#endif
