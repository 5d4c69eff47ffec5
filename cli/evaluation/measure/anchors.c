/* See anchors.h. */
#include "anchors.h"

#include <math.h>
#include <stdlib.h>

#define ROUNDS_MAX 1000 /* medians may go around in a circle */

/* ---- boxes ------------------------------------------------------------------------------------------------------- */

bool side_list_collect(const struct dataset *dataset, struct side_list *out)
{
    *out = (struct side_list){.sides = calloc(dataset->truth_count ? dataset->truth_count : 1, sizeof *out->sides)};
    if (!out->sides)
        return false;
    for (size_t index = 0; index < dataset->truth_count; index++) {
        const struct truth *truth = &dataset->truths[index];
        const struct labelled_picture *picture = &dataset->pictures[truth->picture];
        if (truth->is_ignored && dataset->kind == DATASET_COCO)
            out->crowds++;
        else if (!picture->width || !picture->height)
            out->without_size++;
        else if (!(truth->box.width > 0 && truth->box.height > 0))
            out->without_area++;
        else
            out->sides[out->count++] = (struct sides){.width = fmin(truth->box.width / picture->width, 1),
                                                      .height = fmin(truth->box.height / picture->height, 1)};
    }
    return true;
}

void side_list_release(struct side_list *list)
{
    free(list->sides);
    *list = (struct side_list){0};
}

static double find_overlap(struct sides box, struct sides anchor)
{
    double shared = fmin(box.width, anchor.width) * fmin(box.height, anchor.height);
    return shared / (box.width * box.height + anchor.width * anchor.height - shared);
}

/* The first of those that overlap it most. */
static uint8_t find_nearest(struct sides box, const struct sides *anchors, double *overlap)
{
    uint8_t nearest = 0;
    *overlap = -1;
    for (uint8_t anchor = 0; anchor < GVK_ANCHORS; anchor++) {
        double value = find_overlap(box, anchors[anchor]);
        if (value > *overlap) {
            *overlap = value;
            nearest = anchor;
        }
    }
    return nearest;
}

void measure_anchors(const struct side_list *list, const struct sides anchors[GVK_ANCHORS], double *mean_overlap,
                     double *recall)
{
    double sum = 0, overlap;
    size_t recalled = 0;
    for (size_t index = 0; index < list->count; index++) {
        find_nearest(list->sides[index], anchors, &overlap);
        sum += overlap;
        recalled += overlap >= 0.5;
    }
    *mean_overlap = list->count ? sum / (double)list->count : 0;
    *recall = list->count ? (double)recalled / (double)list->count : 0;
}

/* ---- the start --------------------------------------------------------------------------------------------------- */

/* From 0 to below 1, of a SplitMix64 stream. */
static double draw(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

/* `distances` has room for one of each box. False where fewer boxes differ than there are anchors. */
static bool choose_start(const struct side_list *list, uint64_t seed, double *distances, struct sides *anchors)
{
    if (list->count < GVK_ANCHORS)
        return false;
    anchors[0] = list->sides[(size_t)(draw(&seed) * (double)list->count)];
    for (size_t index = 0; index < list->count; index++)
        distances[index] = 1;
    for (size_t chosen = 1; chosen < GVK_ANCHORS; chosen++) {
        double sum = 0, passed = 0;
        for (size_t index = 0; index < list->count; index++) {
            distances[index] = fmin(distances[index], 1 - find_overlap(list->sides[index], anchors[chosen - 1]));
            sum += distances[index] * distances[index];
        }
        if (!(sum > 0))
            return false;
        double wanted = draw(&seed) * sum;
        size_t last = 0; /* of those with a chance, where rounding leaves the sum below what is wanted */
        for (size_t index = 0; index < list->count && passed <= wanted; index++)
            if (distances[index] > 0) {
                passed += distances[index] * distances[index];
                last = index;
            }
        anchors[chosen] = list->sides[last];
    }
    return true;
}

/* ---- the rounds -------------------------------------------------------------------------------------------------- */

/* A side of one box. All boxes are sorted by it once; a cluster's median is then met on one walk, whatever the round.
 */
struct ranked {
    double side;
    size_t box;
};

static int compare_ranked(const void *left, const void *right)
{
    double a = ((const struct ranked *)left)->side, b = ((const struct ranked *)right)->side;
    return (a > b) - (a < b);
}

/* The mean of the middle two sides of each cluster, of the middle one where the count is odd; 0: it has no box. */
static void find_medians(const struct ranked *ranked, size_t count, const uint8_t *clusters, const size_t *sizes,
                         double medians[GVK_ANCHORS])
{
    size_t met[GVK_ANCHORS] = {0};
    for (size_t anchor = 0; anchor < GVK_ANCHORS; anchor++)
        medians[anchor] = 0;
    for (size_t index = 0; index < count; index++) {
        uint8_t cluster = clusters[ranked[index].box];
        size_t place = met[cluster]++;
        if (place == (sizes[cluster] - 1) / 2)
            medians[cluster] += ranked[index].side / 2;
        if (place == sizes[cluster] / 2)
            medians[cluster] += ranked[index].side / 2;
    }
}

static int compare_areas(const void *left, const void *right)
{
    const struct sides *a = left, *b = right;
    double difference = a->width * a->height - b->width * b->height;
    if (difference == 0)
        difference = a->width - b->width;
    return (difference > 0) - (difference < 0);
}

enum clustering find_anchors(const struct side_list *list, uint64_t seed, struct sides anchors[GVK_ANCHORS])
{
    size_t count = list->count ? list->count : 1;
    double *distances = calloc(count, sizeof *distances);
    struct ranked *widths = calloc(count, sizeof *widths), *heights = calloc(count, sizeof *heights);
    uint8_t *clusters = calloc(count, sizeof *clusters);
    enum clustering outcome = CLUSTERS_NO_MEMORY;
    if (!distances || !widths || !heights || !clusters)
        goto done;
    outcome = CLUSTERS_TOO_FEW_BOXES;
    if (!choose_start(list, seed, distances, anchors))
        goto done;
    for (size_t index = 0; index < list->count; index++) {
        widths[index] = (struct ranked){.side = list->sides[index].width, .box = index};
        heights[index] = (struct ranked){.side = list->sides[index].height, .box = index};
        clusters[index] = GVK_ANCHORS;
    }
    qsort(widths, list->count, sizeof *widths, compare_ranked);
    qsort(heights, list->count, sizeof *heights, compare_ranked);
    for (int round = 0; round < ROUNDS_MAX; round++) {
        size_t sizes[GVK_ANCHORS] = {0};
        double new_widths[GVK_ANCHORS], new_heights[GVK_ANCHORS], overlap;
        bool has_changed = false;
        for (size_t index = 0; index < list->count; index++) {
            uint8_t nearest = find_nearest(list->sides[index], anchors, &overlap);
            has_changed = has_changed || clusters[index] != nearest;
            clusters[index] = nearest;
            sizes[nearest]++;
        }
        if (!has_changed)
            break;
        find_medians(widths, list->count, clusters, sizes, new_widths);
        find_medians(heights, list->count, clusters, sizes, new_heights);
        for (size_t anchor = 0; anchor < GVK_ANCHORS; anchor++)
            if (sizes[anchor]) /* one that no box is nearest to stays where it is */
                anchors[anchor] = (struct sides){.width = new_widths[anchor], .height = new_heights[anchor]};
    }
    qsort(anchors, GVK_ANCHORS, sizeof *anchors, compare_areas);
    outcome = CLUSTERS_FOUND;
done:
    free(clusters);
    free(heights);
    free(widths);
    free(distances);
    return outcome;
}
