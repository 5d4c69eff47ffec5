/* A check of detections against maps, in double precision and by the definition of greedy suppression alone: whatever
 * the order of arithmetic, a result must hold that
 *   - each detection is a candidate with its score, class and box, and they come by item and falling score, then row;
 *   - no two of a class and item overlap by more than the threshold;
 *   - each candidate that was left out overlaps a better detection of its class and item by more than the threshold.
 * No set but the greedy one does all three. What lies within rounding of a threshold may be decided either way. */
#ifndef GVK_TESTS_DECODE_GREEDY_H
#define GVK_TESTS_DECODE_GREEDY_H

#include "maps.h"

struct scene {
    char name[96];
    uint64_t seed;
    uint32_t width, height; /* of the stride-8 map; the others are every second and fourth value of it */
    uint32_t classes, batch;
    float confidence, iou; /* as given to the detector: 0 or more */
    float *maps;           /* batch x 3 (5 + classes) x height x width */
    uint32_t picture_width, picture_height;
};

/* Fails the test with everything that describes the scene. */
void check_greedy(const struct scene *scene, const gvk_detection *found, uint32_t count, uint32_t candidate_count);

#endif
