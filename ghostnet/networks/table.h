/* The table of networks: what a checkpoint may hold, how that is recognised, and how it becomes a graph. */
#ifndef GVK_TABLE_H
#define GVK_TABLE_H

#include "backbone.h"
#include <ghostvk/ghostnet.h>

/* What networks of one task have in common, whatever their backbone. */
struct gvk_task_traits {
    const char *name;       /* "detector" */
    const char *prefix;     /* of the backbone's names */
    const char *heads[4];   /* weights whose output channels say how many classes there are; the last one NULL */
    uint32_t rank;          /* of these weights */
    uint32_t most_classes;  /* that a graph can have */
    const char *outputs[4]; /* of the graph; the last one NULL */
    uint32_t strides[3];    /* of a detector's outputs: pixels of the input a side of a cell */
    uint32_t default_side;  /* of the input */
};

struct gvk_architecture {
    const char *name; /* of the network, "GhostNet-YOLOv4" */
    gvk_task task;
    const struct gvk_backbone *backbone;
    /* Adds the whole network behind `input`, and its outputs. */
    void (*add)(gvk_graph *graph, gvk_tensor input, const struct gvk_backbone *backbone, double width,
                uint32_t class_count);
};

/* NULL past the last one. */
const struct gvk_architecture *gvk_architecture_at(uint32_t index);
/* NULL when there is none of the name. */
const struct gvk_architecture *gvk_architecture_named(const char *name);
const struct gvk_task_traits *gvk_task_traits(gvk_task task);
/* The name of the tensor that a checkpoint of the network is recognised by. */
struct gvk_mark {
    char text[96];
};
struct gvk_mark gvk_mark_of(const struct gvk_architecture *architecture);

#endif
