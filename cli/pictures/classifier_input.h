/* A picture as GhostNet's classifiers were evaluated on ImageNet, by their authors and by timm: the shorter side scaled
 * to 256 for an input of 224 (bilinear as Pillow's, bit for bit), the middle cut out, bytes divided by 255, mean
 * (0.485, 0.456, 0.406) subtracted, divided by (0.229, 0.224, 0.225), each step in fp32 as torchvision's.
 *
 * For another input the shorter side is that of its larger side S divided by 0.875, rounded down. */
#ifndef GHOSTVK_CLI_CLASSIFIER_INPUT_H
#define GHOSTVK_CLI_CLASSIFIER_INPUT_H

#include <stdbool.h>
#include <stdint.h>

struct rgb_picture {
    const uint8_t *pixels; /* R, G, B, row by row, nothing between */
    uint32_t width, height;
};

/* Fills `out`, 3 planes of height x width. False when memory ran out. */
bool classifier_input(const struct rgb_picture *picture, uint32_t width, uint32_t height, float *out);

#endif
