/* The check of greedy.h. */
#include "greedy.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SCORE_TOLERANCE 1e-5
#define IOU_TOLERANCE   2e-5

struct candidate {
    double x, y, width, height, score; /* in parts of the input */
    uint32_t label;
    bool certain; /* not within rounding of the confidence */
    bool found;
};

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* One item's candidates by row. */
static struct candidate *decode(const struct scene *scene, uint32_t item, uint32_t *rows)
{
    size_t plane = (size_t)scene->width * scene->height, channels = 3 * (5 + (size_t)scene->classes);
    const float *map = scene->maps + item * channels * plane;
    *rows = 0;
    for (int i = 0; i < MAPS; i++)
        *rows += 3 * (scene->width / map_steps[i]) * (scene->height / map_steps[i]);
    struct candidate *all = calloc(*rows, sizeof *all), *next = all;
    assert_non_null(all);
    for (int i = 0; i < MAPS; i++) {
        uint32_t step = map_steps[i], width = scene->width / step, height = scene->height / step;
        for (uint32_t a = 0; a < 3; a++)
            for (uint32_t cell = 0; cell < width * height; cell++, next++) {
                size_t at = (size_t)(cell / width) * step * scene->width + (size_t)(cell % width) * step;
                const float *raw = map + a * (5 + (size_t)scene->classes) * plane + at;
                const float *anchor = anchors + (size_t)(MAPS - 1 - i) * 6 + (size_t)a * 2;
                double best = -1;
                for (uint32_t c = 0; c < scene->classes; c++)
                    if ((double)raw[(5 + c) * plane] > best || c == 0) {
                        best = (double)raw[(5 + c) * plane];
                        next->label = c;
                    }
                next->x = (sigmoid((double)raw[0]) + cell % width) / width;
                next->y = (sigmoid((double)raw[plane]) + cell / width) / height; /* NOLINT: whole rows */
                next->width = exp((double)raw[2 * plane]) * (double)anchor[0] / (8.0 * scene->width);
                next->height = exp((double)raw[3 * plane]) * (double)anchor[1] / (8.0 * scene->height);
                next->score = sigmoid(best) * sigmoid((double)raw[4 * plane]);
                next->certain = fabs(next->score - (double)scene->confidence) > 1e-6;
            }
    }
    return all;
}

static double overlap(const struct candidate *a, const struct candidate *b)
{
    double x = fmin(fmin(a->width, b->width), (a->width + b->width) / 2 - fabs(a->x - b->x));
    double y = fmin(fmin(a->height, b->height), (a->height + b->height) / 2 - fabs(a->y - b->y));
    if (!(x > 0 && y > 0))
        return 0;
    return x * y / (a->width * a->height + b->width * b->height - x * y);
}

static bool is_better(const struct candidate *all, uint32_t a, uint32_t b)
{
    double difference = all[a].score - all[b].score;
    return difference > 1e-9 || (difference > -1e-9 && a < b);
}

/* An item's detections by class and by the strips of the input that they reach into, so that only near ones are
 * compared. */
#define STRIPS 256u

struct strips {
    uint32_t *begins; /* classes x STRIPS, and the end */
    uint32_t *places; /* among the item's detections, best first in each strip */
};

static void reach_of(const struct candidate *box, uint32_t *first, uint32_t *last)
{
    *first = (uint32_t)(fmin(fmax(box->x - box->width / 2, 0), 0.999999) * STRIPS);
    *last = (uint32_t)(fmin(fmax(box->x + box->width / 2, 0), 0.999999) * STRIPS);
}

static struct strips sort_into_strips(uint32_t classes, const struct candidate *all, const gvk_detection *found,
                                      uint32_t count)
{
    struct strips strips = {.begins = calloc((size_t)classes * STRIPS + 2, sizeof(uint32_t))};
    assert_non_null(strips.begins);
    for (uint32_t pass = 0; pass < 2; pass++) {
        uint32_t first, last;
        for (uint32_t i = 0; i < count; i++) {
            const struct candidate *box = &all[found[i].candidate];
            reach_of(box, &first, &last);
            for (uint32_t strip = first; strip <= last; strip++) {
                uint32_t *next = &strips.begins[box->label * STRIPS + strip + 1];
                if (pass)
                    strips.places[(*next)++] = i;
                else
                    next[1]++;
            }
        }
        if (pass)
            break;
        for (size_t i = 1; i < (size_t)classes * STRIPS + 2; i++)
            strips.begins[i] += strips.begins[i - 1];
        strips.places = malloc((strips.begins[(size_t)classes * STRIPS + 1] + (size_t)1) * sizeof(uint32_t));
        assert_non_null(strips.places);
    }
    return strips;
}

/* Of the first `count` detections the first that is of the candidate's class and overlaps it by more than that, and is
 * better where that is asked for; `count`: none. */
static uint32_t find_overlapping(const struct strips *strips, const struct candidate *all, const gvk_detection *found,
                                 uint32_t count, uint32_t row, double threshold, bool better)
{
    const struct candidate *of = &all[row];
    uint32_t first, last;
    reach_of(of, &first, &last);
    for (uint32_t strip = of->label * STRIPS + first; strip <= of->label * STRIPS + last; strip++)
        for (uint32_t i = strips->begins[strip]; i < strips->begins[strip + 1] && strips->places[i] < count; i++) {
            uint32_t place = strips->places[i], other = found[place].candidate;
            if (other != row && overlap(&all[other], of) > threshold && (!better || is_better(all, other, row)))
                return place;
        }
    return count;
}

#define FAIL(...)                                                                                                      \
    do {                                                                                                               \
        print_error(__VA_ARGS__);                                                                                      \
        fail_msg("%s: seed %llu, maps of %ux%u, %u classes, batch %u, confidence %g, IoU %g", scene->name,             \
                 (unsigned long long)scene->seed, scene->width, scene->height, scene->classes, scene->batch,           \
                 (double)scene->confidence, (double)scene->iou);                                                       \
    } while (0)

static void check_box(const struct scene *scene, const struct candidate *of, const gvk_detection *found)
{
    const double centre[2] = {of->x, of->y}, size[2] = {of->width, of->height};
    const double picture[2] = {scene->picture_width, scene->picture_height};
    for (int j = 0; j < 4; j++) {
        int axis = j % 2;
        double side = (centre[axis] + (j < 2 ? -size[axis] : size[axis]) / 2) * picture[axis];
        double expected = fmin(fmax(side, 0), picture[axis]), tolerance = 0.01 + 2e-6 * fabs(side);
        if (!(fabs((double)found->box[j] - expected) <= tolerance))
            FAIL("side %d of candidate %u, item %u is at %.6f, not %.6f\n", j, found->candidate, found->item,
                 (double)found->box[j], expected);
    }
}

/* The detections of one item, in order. */
static void check_item(const struct scene *scene, uint32_t item, struct candidate *all, uint32_t rows,
                       const gvk_detection *found, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const gvk_detection *one = &found[i];
        if (one->candidate >= rows)
            FAIL("detection %u of item %u is candidate %u of %u\n", i, item, one->candidate, rows);
        struct candidate *of = &all[one->candidate];
        if (of->found || of->label != one->class_id || !(fabs(of->score - (double)one->score) <= SCORE_TOLERANCE))
            FAIL("detection %u of item %u is candidate %u, class %u, score %.8g; expected class %u, score %.8g, once\n",
                 i, item, one->candidate, one->class_id, (double)one->score, of->label, of->score);
        if (of->certain && of->score < (double)scene->confidence)
            FAIL("candidate %u of item %u has a score of %.8g\n", one->candidate, item, of->score);
        if (i && !is_better(all, found[i - 1].candidate, one->candidate))
            FAIL("candidate %u of item %u comes before %u\n", found[i - 1].candidate, item, one->candidate);
        of->found = true;
        check_box(scene, of, one);
    }
    struct strips strips = sort_into_strips(scene->classes, all, found, count);
    for (uint32_t i = 0; i < count && scene->iou < 1; i++) {
        uint32_t row = found[i].candidate, other;
        other = find_overlapping(&strips, all, found, i, row, (double)scene->iou + IOU_TOLERANCE, false);
        if (other < i)
            FAIL("detections %u and %u of item %u overlap by %.8g\n", found[other].candidate, row, item,
                 overlap(&all[found[other].candidate], &all[row]));
    }
    for (uint32_t row = 0; row < rows; row++) {
        const struct candidate *of = &all[row];
        if (of->found || !of->certain || of->score < (double)scene->confidence)
            continue;
        double threshold = (double)scene->iou - IOU_TOLERANCE;
        if (scene->iou >= 1 || find_overlapping(&strips, all, found, count, row, threshold, true) == count)
            FAIL("candidate %u of item %u, class %u, score %.8g is missing\n", row, item, of->label, of->score);
    }
    free(strips.begins);
    free(strips.places);
}

void check_greedy(const struct scene *scene, const gvk_detection *found, uint32_t count, uint32_t candidate_count)
{
    uint32_t least = 0, most = 0, begin = 0;
    for (uint32_t item = 0; item < scene->batch; item++) {
        uint32_t rows, end = begin;
        struct candidate *all = decode(scene, item, &rows);
        while (end < count && found[end].item == item)
            end++;
        check_item(scene, item, all, rows, found + begin, end - begin);
        for (uint32_t row = 0; row < rows; row++) {
            bool passes = all[row].score >= (double)scene->confidence;
            least += all[row].certain && passes;
            most += !all[row].certain || passes;
        }
        begin = end;
        free(all);
    }
    if (begin != count)
        FAIL("detection %u of %u is of item %u\n", begin, count, found[begin].item);
    if (candidate_count < least || candidate_count > most)
        FAIL("%u candidates, not %u to %u\n", candidate_count, least, most);
}
