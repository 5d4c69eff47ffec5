/* Graphs that give the maps they are given, detectors on them, and what they find, for the parts of test_decode.c.
 *
 * The maps go into a graph as its only input, side by side in its channels at the size of the stride-8 map, the coarser
 * ones at every second and fourth place; three 1 x 1 convolutions of zeros and ones with stride 1, 2 and 4 take them
 * out again, exactly. To the detector the input is then an eighth of its size, and so are the anchors. */
#ifndef GVK_TESTS_DECODE_MAPS_H
#define GVK_TESTS_DECODE_MAPS_H

#include "tests/support/harness.h"

#include "runtime/stream/stream.h"
#include <ghostvk/ghostnet.h>

#define MAPS          3
#define BOX_TOLERANCE 0.02 /* pixels of the picture */

extern const char *const map_names[MAPS];
extern const uint32_t map_steps[MAPS]; /* places of the stride-8 map from value to value */
extern const float anchors[2 * GVK_ANCHORS];
extern gvk_device *device;

/* ---- graphs ---- */

/* Weights by name, all of one kind: a selection of channels, or a bias alone. */
struct weights {
    uint32_t channels;    /* of a map */
    uint32_t inputs;      /* channels of the convolutions' input */
    float *select[MAPS];  /* channels x inputs */
    float bias[MAPS][64]; /* where there is one */
    float ones[256];
};

gvk_result find_weight(void *user, const char *name, gvk_array *out);
void make_weights(struct weights *weights, uint32_t channels, uint32_t inputs);
void release_weights(struct weights *weights);
gvk_tensor add_picker(gvk_graph *graph, const char *name, gvk_tensor from, uint32_t stride);
gvk_model *finish_model(gvk_graph *graph);
/* An input of all three maps' channels. */
gvk_model *create_maps_model(uint32_t channels);
/* The stride-8 map is the input, the coarser ones every second and fourth value of it: no value touches another. */
gvk_model *create_one_map_model(uint32_t channels);

/* ---- detectors ---- */

struct setup {
    uint32_t classes;
    float confidence, iou; /* 0 is zero */
    uint32_t max_detections;
    bool unclipped;
    float anchors[2 * GVK_ANCHORS]; /* smallest first */
};

struct setup setup_of(uint32_t classes, float confidence, float iou, float anchor_factor);
/* Fails as gvk_detector_create_for does. */
gvk_result try_detector(gvk_model *model, const struct setup *setup, const gvk_stream_params *stream, gvk_stream **out);
gvk_stream *create_detector(gvk_model *model, const struct setup *setup, uint32_t width, uint32_t height,
                            uint32_t batch, uint32_t frames);
gvk_picture tensor_picture(uint32_t width, uint32_t height, const float *values);
gvk_ticket submit(gvk_stream *stream, const gvk_picture *pictures, uint32_t count);
uint32_t read_detections(gvk_stream *stream, gvk_ticket ticket, const gvk_detection **out);
/* A copy, which the caller frees. */
gvk_detection *copy_detections(gvk_stream *stream, gvk_ticket ticket, uint32_t *count);
/* The candidates before suppression, from the head of the frame's result. */
uint32_t candidates_of(gvk_stream *stream, gvk_ticket ticket);
/* A side of a box from the input, `side` long there, to the picture, and what of it is inside. */
double to_picture_unclipped(double value, double side, double picture, double given, double other_picture,
                            double other_given, bool letterbox);
double to_picture(double value, double side, double picture, double given, double other_picture, double other_given,
                  bool letterbox);

/* The parts: each runs its tests and returns how many failed. */
int run_reference_tests(void);
int run_box_tests(void);
int run_detector_tests(void);

#endif
