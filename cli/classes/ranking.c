/* See ranking.h. */
#include "ranking.h"

#include <math.h>

uint32_t rank_classes(const float *logits, uint32_t count, uint32_t wanted, struct ranked_class *out)
{
    uint32_t kept = 0;
    for (uint32_t class_id = 0; class_id < count && wanted; class_id++) {
        uint32_t place = kept;
        while (place > 0 && logits[class_id] > logits[out[place - 1].class_id])
            place--;
        if (place == wanted)
            continue;
        kept += kept < wanted;
        for (uint32_t at = kept - 1; at > place; at--)
            out[at] = out[at - 1];
        out[place].class_id = class_id;
    }
    if (!kept)
        return 0;
    double largest = (double)logits[out[0].class_id], sum = 0;
    for (uint32_t class_id = 0; class_id < count; class_id++)
        sum += exp((double)logits[class_id] - largest);
    for (uint32_t place = 0; place < kept; place++)
        out[place].score = exp((double)logits[out[place].class_id] - largest) / sum;
    return kept;
}
