/* See table.h. A network is a line here; the file that its line names builds it. */
#include "table.h"

#include <stdio.h>
#include <string.h>

#include "heads.h"

static const struct gvk_architecture table[] = {
    {"GhostNet-YOLOv4", GVK_TASK_DETECTOR, &gvk_ghostnet, gvk_add_yolov4},
    {"MobileNetV1-YOLOv4", GVK_TASK_DETECTOR, &gvk_mobilenet_v1, gvk_add_yolov4},
    {"MobileNetV2-YOLOv4", GVK_TASK_DETECTOR, &gvk_mobilenet_v2, gvk_add_yolov4},
    {"MobileNetV3-YOLOv4", GVK_TASK_DETECTOR, &gvk_mobilenet_v3, gvk_add_yolov4},
    {"GhostNet", GVK_TASK_CLASSIFIER, &gvk_ghostnet, gvk_add_classifier},
};

/* Graphs stop at 65536 channels, three anchors with five numbers each included. */
static const struct gvk_task_traits tasks[] = {
    [GVK_TASK_DETECTOR] = {.name = "detector",
                           .prefix = "backbone.model",
                           .heads = {"yolo_head1.1.weight", "yolo_head2.1.weight", "yolo_head3.1.weight"},
                           .rank = 4,
                           .most_classes = 21840,
                           .outputs = {"stride32", "stride16", "stride8"},
                           .strides = {32, 16, 8},
                           .default_side = 416},
    [GVK_TASK_CLASSIFIER] = {.name = "classifier",
                             .prefix = "",
                             .heads = {"classifier.weight"},
                             .rank = 2,
                             .most_classes = 65536,
                             .outputs = {"logits"},
                             .default_side = 224},
};

const struct gvk_architecture *gvk_architecture_at(uint32_t index)
{
    return index < sizeof table / sizeof table[0] ? &table[index] : NULL;
}

const struct gvk_architecture *gvk_architecture_named(const char *name)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (!strcmp(table[i].name, name))
            return &table[i];
    return NULL;
}

const struct gvk_task_traits *gvk_task_traits(gvk_task task)
{
    return &tasks[task];
}

struct gvk_mark gvk_mark_of(const struct gvk_architecture *architecture)
{
    struct gvk_mark mark;
    const char *prefix = tasks[architecture->task].prefix;
    snprintf(mark.text, sizeof mark.text, "%s%s%s", prefix, *prefix ? "." : "", architecture->backbone->mark);
    return mark;
}
