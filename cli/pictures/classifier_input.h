/* A picture as GhostNet's classifiers are evaluated on ImageNet: the shorter side scaled to 256 for an input of 224 (as
 * by Pillow, bit for bit), the middle cut out, bytes divided by 255, mean (0.485, 0.456, 0.406) subtracted, divided by
 * (0.229, 0.224, 0.225), each step in fp32 as torchvision's. GhostNet's authors scale bilinearly, timm with a cubic. */
#ifndef GHOSTVK_CLI_CLASSIFIER_INPUT_H
#define GHOSTVK_CLI_CLASSIFIER_INPUT_H

#include <stdbool.h>
#include <stdint.h>

struct rgb_picture {
    const uint8_t *pixels; /* R, G, B, row by row, nothing between */
    uint32_t width, height;
};

enum interpolation { INTERPOLATION_BILINEAR, INTERPOLATION_BICUBIC };

struct classifier_cut {
    uint32_t width, height; /* of the network's input */
    uint32_t shorter;       /* the shorter side of the scaled picture, at least the input's larger one */
    enum interpolation interpolation;
};

/* The usual shorter side for an input: its larger side divided by 0.875, rounded down. */
uint32_t classifier_shorter_side(uint32_t width, uint32_t height);
/* Fills `out`, 3 planes of height x width. False when memory ran out. */
bool classifier_input(const struct rgb_picture *picture, const struct classifier_cut *cut, float *out);

#endif
