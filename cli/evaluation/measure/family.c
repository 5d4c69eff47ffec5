/* Average precision as get_map of the mobilenet-yolov4 family computes it; metrics.h has the rules. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "protocols.h"

/* The family writes the shortest digits of a float and keeps six characters: four decimals, the rest cut off. */
static double cut_score(double score)
{
    char text[32];
    float single = (float)score;
    for (int digits = 1; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)single);
        if (strtof(text, NULL) == single)
            break;
    }
    return floor(strtod(text, NULL) * 1e4 + 1e-8) / 1e4;
}

static double overlap_of(const struct box *found, const struct box *truth)
{
    double x1 = trunc(found->x1), y1 = trunc(found->y1), x2 = trunc(found->x2), y2 = trunc(found->y2);
    double width = fmin(x2, truth->x2) - fmax(x1, truth->x1) + 1;
    double height = fmin(y2, truth->y2) - fmax(y1, truth->y1) + 1;
    if (!(width > 0 && height > 0))
        return -1;
    double common = width * height;
    double areas = (x2 - x1 + 1) * (y2 - y1 + 1) + (truth->x2 - truth->x1 + 1) * (truth->y2 - truth->y1 + 1);
    return common / (areas - common);
}

/* The truth of the box's class and picture that it overlaps most; the first of equal ones. */
static void find_truth(const struct dataset *dataset, const struct found_box *found, struct judged *judged)
{
    size_t count, first = dataset_truths_of(dataset, found->picture, found->class_id, &count);
    double most = -1;
    judged->truth = SIZE_MAX;
    for (size_t index = first; index < first + count; index++) {
        double overlap = overlap_of(&found->box, &dataset->truths[index].box);
        if (overlap > most) {
            most = overlap;
            judged->truth = index;
        }
    }
    judged->overlap = most > 0 ? most : 0;
}

/* The area under precision over recall, precision made to fall from the end on. `right` and `wrong` of each box. */
static double area_under(const struct judged *judged, size_t count, size_t truths, double *precision, double *recall)
{
    size_t right = 0, wrong = 0;
    for (size_t index = 0; index < count; index++) {
        right += judged[index].verdict == VERDICT_RIGHT;
        wrong += judged[index].verdict == VERDICT_WRONG;
        size_t all = right + wrong;
        recall[index] = (double)right / (double)truths;
        precision[index] = (double)right / (double)(all ? all : 1);
    }
    for (size_t index = count; index-- > 1;)
        precision[index - 1] = fmax(precision[index - 1], precision[index]);
    double area = 0, before = 0;
    for (size_t index = 0; index < count; index++) {
        area += (recall[index] - before) * precision[index];
        before = recall[index];
    }
    return area;
}

static void judge_at(const struct dataset *dataset, double threshold, struct judged *judged, size_t count,
                     uint8_t *used)
{
    for (size_t index = 0; index < count; index++)
        if (judged[index].truth != SIZE_MAX)
            used[judged[index].truth] = 0;
    for (size_t index = 0; index < count; index++) {
        struct judged *box = &judged[index];
        box->verdict = VERDICT_WRONG;
        if (box->truth == SIZE_MAX || !(box->overlap >= threshold))
            continue;
        if (dataset->truths[box->truth].is_ignored) {
            box->verdict = VERDICT_IGNORED;
        } else if (!used[box->truth]) {
            box->verdict = VERDICT_RIGHT;
            used[box->truth] = 1;
        }
    }
}

bool family_judge(const struct dataset *dataset, const struct found_list *found, struct class_metrics *class_metrics,
                  struct judged *judged)
{
    size_t count = class_metrics->count;
    double *precision = malloc((count ? count : 1) * sizeof *precision),
           *recall = malloc((count ? count : 1) * sizeof *recall);
    uint8_t *used = malloc(dataset->truth_count ? dataset->truth_count : 1);
    bool has_memory = precision && recall && used;
    if (!has_memory)
        goto done;
    for (size_t index = 0; index < count; index++) {
        const struct found_box *box = &found->boxes[judged[index].found];
        judged[index].score = cut_score(box->score);
        find_truth(dataset, box, &judged[index]);
    }
    sort_judged(judged, count);
    double sum = 0;
    for (unsigned index = OVERLAP_COUNT; index-- > 0;) { /* the verdicts that stay are those at 0.5 */
        judge_at(dataset, overlap_threshold(index), judged, count, used);
        if (!class_metrics->truths)
            continue;
        class_metrics->ap50 = area_under(judged, count, class_metrics->truths, precision, recall);
        sum += class_metrics->ap50;
    }
    if (class_metrics->truths)
        class_metrics->ap = sum / OVERLAP_COUNT;
done:
    free(precision);
    free(recall);
    free(used);
    return has_memory;
}
