/* See metrics.h. */
#include "metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "protocols.h"

/* ---- boxes by class and picture ---------------------------------------------------------------------------------- */

struct place {
    uint32_t class_id, picture, found;
};

static int compare_places(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    if (a->class_id != b->class_id)
        return a->class_id < b->class_id ? -1 : 1;
    if (a->picture != b->picture)
        return a->picture < b->picture ? -1 : 1;
    return (a->found > b->found) - (a->found < b->found);
}

static bool sort_found(const struct found_list *found, struct metrics *out)
{
    size_t count = found->count;
    struct place *places = malloc((count ? count : 1) * sizeof *places);
    out->judged = calloc(count ? count : 1, sizeof *out->judged);
    if (!places || !out->judged) {
        free(places);
        return false;
    }
    for (size_t index = 0; index < count; index++)
        places[index] = (struct place){found->boxes[index].class_id, found->boxes[index].picture, (uint32_t)index};
    qsort(places, count, sizeof *places, compare_places);
    for (size_t index = 0; index < count; index++)
        out->judged[index] = (struct judged){.found = places[index].found, .rank = (uint32_t)index, .truth = SIZE_MAX};
    free(places);
    return true;
}

/* A class for each that has truths or boxes, and where its boxes are. */
static bool list_classes(const struct dataset *dataset, const struct found_list *found, struct metrics *out)
{
    struct class_metrics *all = calloc(dataset->class_count ? dataset->class_count : 1, sizeof *all);
    if (!all)
        return false;
    for (size_t index = 0; index < dataset->truth_count; index++) {
        const struct truth *truth = &dataset->truths[index];
        all[truth->class_id].truths += !truth->is_ignored;
        all[truth->class_id].ignored += truth->is_ignored;
    }
    for (size_t index = 0; index < found->count; index++)
        all[found->boxes[index].class_id].count++;
    size_t first = 0;
    for (uint32_t class_id = 0; class_id < dataset->class_count; class_id++) {
        struct class_metrics mine = all[class_id];
        mine.class_id = class_id;
        mine.first = first;
        mine.found = mine.count;
        mine.ap = mine.ap50 = NAN;
        first += mine.count;
        if (mine.truths + mine.ignored + mine.count)
            all[out->class_count++] = mine;
    }
    out->classes = all;
    return true;
}

/* ---- working points ---------------------------------------------------------------------------------------------- */

static struct working_point point_of(double threshold, size_t right, size_t wrong, size_t truths)
{
    struct working_point point = {.threshold = threshold, .right = right, .wrong = wrong};
    point.precision = right + wrong ? (double)right / (double)(right + wrong) : 0;
    point.recall = truths ? (double)right / (double)truths : 0;
    double sum = point.precision + point.recall;
    point.f1 = sum > 0 ? 2 * point.precision * point.recall / sum : 0;
    return point;
}

/* Boxes of equal score come together or not at all. */
static void find_points(const struct metrics *metrics, struct class_metrics *mine)
{
    size_t right = 0, wrong = 0;
    mine->half = point_of(0.5, 0, 0, mine->truths);
    mine->best = mine->half;
    for (size_t index = 0; index < mine->count; index++) {
        const struct judged *box = &metrics->judged[mine->first + index];
        right += box->verdict == VERDICT_RIGHT;
        wrong += box->verdict == VERDICT_WRONG;
        if (index + 1 < mine->count && box[1].score == box->score)
            continue;
        struct working_point point = point_of(box->score, right, wrong, mine->truths);
        if (point.f1 > mine->best.f1 || index == 0)
            mine->best = point;
        if (box->score >= 0.5)
            mine->half = point_of(0.5, right, wrong, mine->truths);
    }
}

static void sort_by_name(const struct dataset *dataset, struct metrics *metrics)
{
    for (uint32_t index = 1; index < metrics->class_count; index++) {
        struct class_metrics mine = metrics->classes[index];
        uint32_t at = index;
        for (; at && strcmp(dataset->classes[metrics->classes[at - 1].class_id], dataset->classes[mine.class_id]) > 0;
             at--)
            metrics->classes[at] = metrics->classes[at - 1];
        metrics->classes[at] = mine;
    }
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static void average(struct metrics *out, const double *sums, const size_t *counts)
{
    size_t count = 0, right = 0, wrong = 0, truths = 0;
    double sum50 = 0, sum = 0;
    for (uint32_t index = 0; index < out->class_count; index++) {
        const struct class_metrics *mine = &out->classes[index];
        right += mine->half.right;
        wrong += mine->half.wrong;
        truths += mine->truths;
        if (!mine->truths)
            continue;
        sum50 += mine->ap50;
        sum += mine->ap;
        count++;
    }
    out->map50 = count ? sum50 / (double)count : NAN;
    out->map = count ? sum / (double)count : NAN;
    out->half = point_of(0.5, right, wrong, truths);
    for (unsigned index = 0; index < SUMMARY_COUNT; index++)
        out->summary[index] = counts[index] ? sums[index] / (double)counts[index] : -1;
}

bool metrics_compute(const struct dataset *dataset, const struct found_list *found, enum protocol protocol,
                     struct metrics *out)
{
    double sums[SUMMARY_COUNT] = {0};
    size_t counts[SUMMARY_COUNT] = {0};
    *out = (struct metrics){.protocol = protocol};
    bool has_memory = sort_found(found, out) && list_classes(dataset, found, out);
    for (uint32_t index = 0; index < out->class_count && has_memory; index++) {
        struct class_metrics *mine = &out->classes[index];
        struct judged *judged = out->judged + mine->first;
        has_memory = protocol == PROTOCOL_FAMILY ? family_judge(dataset, found, mine, judged)
                                                 : coco_judge(dataset, found, mine, judged, sums, counts);
        find_points(out, mine);
    }
    if (!has_memory) {
        metrics_release(out);
        return false;
    }
    if (protocol == PROTOCOL_FAMILY)
        sort_by_name(dataset, out);
    average(out, sums, counts);
    return true;
}

void metrics_release(struct metrics *metrics)
{
    free(metrics->classes);
    free(metrics->judged);
    *metrics = (struct metrics){0};
}
