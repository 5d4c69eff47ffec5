/* Average precision and recall as pycocotools computes them for boxes; metrics.h has the rules.
 *
 * In a picture and class the surest 100 boxes are matched, each with the truth that it overlaps most of those that are
 * free, truths that count before those that do not; a crowd is never used up. That is done for each overlap and each
 * range of areas, in which truths of other sizes do not count and unmatched boxes of other sizes are not wrong. The
 * first 1 and 10 boxes of a picture have the verdicts that they have among 100. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "protocols.h"

#define BOXES_MAX    100 /* of a picture and class */
#define RECALL_COUNT 101
#define AREA_COUNT   4
#define LIMIT_COUNT  3

static const double areas[AREA_COUNT][2] = {{0, 1e10}, {0, 1024}, {1024, 9216}, {9216, 1e10}};
static const size_t limits[LIMIT_COUNT] = {1, 10, BOXES_MAX};

/* A box among those of its picture and class, for every overlap and one range of areas. */
struct entry {
    double score;
    uint32_t rank;  /* in the class */
    uint32_t place; /* in its picture, the surest first */
    uint8_t verdicts[OVERLAP_COUNT];
};

struct task {
    const struct dataset *dataset;
    const struct found_list *found;
    struct judged *judged; /* by picture, in each the surest first */
    size_t count;
    struct entry *entries; /* of one range of areas, `entry_count` of them: boxes beyond the 100 are left out */
    size_t entry_count;
    size_t truths;    /* that count in this range */
    double *overlaps; /* of a picture: boxes x truths */
    size_t *order;    /* of its truths: those that count first */
    uint8_t *used;
    size_t capacity;   /* of truths */
    double *precision; /* a value for each entry */
};

static double overlap_of(const struct box *found, const struct truth *truth)
{
    double width = fmin(found->width + found->x1, truth->box.width + truth->box.x1) - fmax(found->x1, truth->box.x1);
    double height = fmin(found->height + found->y1, truth->box.height + truth->box.y1) - fmax(found->y1, truth->box.y1);
    if (!(width > 0 && height > 0))
        return 0;
    double common = width * height, area = found->width * found->height;
    return common / (truth->is_ignored ? area : area + truth->box.width * truth->box.height - common);
}

static bool is_beyond(double area, const double range[2])
{
    return area < range[0] || area > range[1];
}

static bool reserve_truths(struct task *task, size_t count)
{
    if (count <= task->capacity)
        return true;
    free(task->overlaps);
    free(task->order);
    free(task->used);
    task->overlaps = calloc(count, BOXES_MAX * sizeof *task->overlaps);
    task->order = calloc(count, sizeof *task->order);
    task->used = calloc(count, 1);
    task->capacity = count;
    return task->overlaps && task->order && task->used;
}

/* One picture's boxes, sorted, in one range of areas. `first` and `count` of the truths. */
static void match(struct task *task, struct judged *boxes, size_t box_count, size_t first, size_t count,
                  const double range[2], bool is_shown)
{
    const struct truth *truths = task->dataset->truths + first;
    size_t counting = 0, place = 0;
    for (int ignored = 0; ignored < 2; ignored++)
        for (size_t index = 0; index < count; index++) {
            bool is_ignored = truths[index].is_ignored || is_beyond(truths[index].area, range);
            if (is_ignored == (ignored == 1))
                task->order[place++] = index;
            counting += ignored == 0 && !is_ignored;
        }
    task->truths += counting;
    struct entry *entries = task->entries + task->entry_count;
    for (size_t box = 0; box < box_count; box++) {
        const struct box *sides = &task->found->boxes[boxes[box].found].box;
        bool is_outside = is_beyond(sides->width * sides->height, range);
        entries[box] = (struct entry){.score = boxes[box].score, .rank = boxes[box].rank, .place = (uint32_t)box};
        memset(entries[box].verdicts, is_outside ? VERDICT_IGNORED : VERDICT_WRONG, OVERLAP_COUNT);
    }
    for (unsigned step = 0; step < OVERLAP_COUNT && count; step++) {
        memset(task->used, 0, count);
        for (size_t box = 0; box < box_count; box++) {
            double most = fmin(overlap_threshold(step), 1 - 1e-10);
            size_t matched = SIZE_MAX;
            for (place = 0; place < count; place++) {
                size_t truth = task->order[place];
                if (task->used[truth] && !truths[truth].is_ignored)
                    continue;
                if (matched != SIZE_MAX && matched < counting && place >= counting)
                    break; /* one that counts goes before all that do not */
                double overlap = task->overlaps[box * count + truth];
                if (overlap < most)
                    continue;
                most = overlap;
                matched = place;
            }
            if (matched == SIZE_MAX)
                continue;
            task->used[task->order[matched]] = 1;
            entries[box].verdicts[step] = matched < counting ? VERDICT_RIGHT : VERDICT_IGNORED;
            if (is_shown && step == 0) {
                boxes[box].truth = first + task->order[matched];
                boxes[box].overlap = task->overlaps[box * count + task->order[matched]];
            }
        }
    }
    if (is_shown)
        for (size_t box = 0; box < box_count; box++)
            boxes[box].verdict = entries[box].verdicts[0];
    task->entry_count += box_count;
}

/* ---- a class over all pictures ----------------------------------------------------------------------------------- */

static bool match_range(struct task *task, uint32_t class_id, unsigned range)
{
    const struct dataset *dataset = task->dataset;
    task->entry_count = task->truths = 0;
    size_t at = 0;
    for (uint32_t picture = 0; picture < dataset->picture_count; picture++) {
        size_t count, first = dataset_truths_of(dataset, picture, class_id, &count), boxes = 0;
        struct judged *mine = task->judged + at;
        while (at + boxes < task->count && task->found->boxes[mine[boxes].found].picture == picture)
            boxes++;
        at += boxes;
        size_t taken = boxes < BOXES_MAX ? boxes : BOXES_MAX;
        if (!reserve_truths(task, count))
            return false;
        for (size_t box = 0; box < taken; box++)
            for (size_t truth = 0; truth < count; truth++)
                task->overlaps[box * count + truth] =
                    overlap_of(&task->found->boxes[mine[box].found].box, &dataset->truths[first + truth]);
        match(task, mine, taken, first, count, areas[range], range == 0);
    }
    return true;
}

static int compare_entries(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return (a->rank > b->rank) - (a->rank < b->rank);
}

/* The mean of precision at 101 recalls, and the recall that is reached, of the first `limit` boxes of each picture. */
static void measure(struct task *task, unsigned step, size_t limit, double *average, double *recall)
{
    size_t right = 0, wrong = 0, count = 0;
    double *precision = task->precision, sum = 0;
    for (size_t index = 0; index < task->entry_count; index++) {
        if (task->entries[index].place >= limit)
            continue;
        right += task->entries[index].verdicts[step] == VERDICT_RIGHT;
        wrong += task->entries[index].verdicts[step] == VERDICT_WRONG;
        precision[count++] = (double)right / ((double)(right + wrong) + DBL_EPSILON);
    }
    *recall = (double)right / (double)task->truths;
    for (size_t index = count; index-- > 1;)
        precision[index - 1] = fmax(precision[index - 1], precision[index]);
    right = count = 0;
    unsigned reached = 0; /* recalls */
    for (size_t index = 0; index < task->entry_count && reached < RECALL_COUNT; index++) {
        if (task->entries[index].place >= limit)
            continue;
        right += task->entries[index].verdicts[step] == VERDICT_RIGHT;
        while (reached < RECALL_COUNT && (double)right / (double)task->truths >= (double)reached * 0.01) {
            sum += precision[count];
            reached++;
        }
        count++;
    }
    *average = sum / RECALL_COUNT;
}

static void add(double *sums, size_t *counts, unsigned index, double value)
{
    sums[index] += value;
    counts[index]++;
}

static void summarize_range(struct task *task, unsigned range, struct class_metrics *class_metrics, double *sums,
                            size_t *counts)
{
    if (!task->truths)
        return;
    double precision = 0, recalls[LIMIT_COUNT] = {0};
    for (unsigned step = 0; step < OVERLAP_COUNT; step++)
        for (unsigned limit = 0; limit < LIMIT_COUNT; limit++) {
            double average, recall;
            measure(task, step, limits[limit], &average, &recall);
            recalls[limit] += recall / OVERLAP_COUNT;
            if (limit != LIMIT_COUNT - 1)
                continue;
            precision += average / OVERLAP_COUNT;
            if (range == 0 && step == 0)
                class_metrics->ap50 = average;
            if (range == 0 && (step == 0 || step == 5))
                add(sums, counts, step == 0 ? 1 : 2, average);
        }
    if (range == 0) {
        class_metrics->ap = precision;
        add(sums, counts, 0, precision);
        for (unsigned limit = 0; limit < LIMIT_COUNT; limit++)
            add(sums, counts, 6 + limit, recalls[limit]);
    } else {
        add(sums, counts, 2 + range, precision);
        add(sums, counts, 8 + range, recalls[LIMIT_COUNT - 1]);
    }
}

/* The boxes of each picture by falling score. */
static void sort_within_pictures(const struct found_list *found, struct judged *judged, size_t count)
{
    for (size_t first = 0, end; first < count; first = end) {
        end = first + 1;
        while (end < count && found->boxes[judged[end].found].picture == found->boxes[judged[first].found].picture)
            end++;
        sort_judged(judged + first, end - first);
    }
}

bool coco_judge(const struct dataset *dataset, const struct found_list *found, struct class_metrics *class_metrics,
                struct judged *judged, double *sums, size_t *counts)
{
    size_t count = class_metrics->count;
    struct task task = {.dataset = dataset, .found = found, .judged = judged, .count = count};
    task.entries = calloc(count ? count : 1, sizeof *task.entries);
    task.precision = calloc(count ? count : 1, sizeof *task.precision);
    bool has_memory = task.entries && task.precision;
    for (size_t index = 0; index < count; index++) {
        judged[index].score = found->boxes[judged[index].found].score;
        judged[index].truth = SIZE_MAX;
        judged[index].verdict = VERDICT_IGNORED; /* those beyond the first hundred stay so */
    }
    sort_within_pictures(found, judged, count);
    for (size_t index = 0; index < count; index++)
        judged[index].rank = (uint32_t)index;
    for (unsigned range = 0; range < AREA_COUNT && has_memory; range++) {
        has_memory = match_range(&task, class_metrics->class_id, range);
        if (!has_memory)
            break;
        qsort(task.entries, task.entry_count, sizeof *task.entries, compare_entries);
        summarize_range(&task, range, class_metrics, sums, counts);
    }
    sort_judged(judged, count);
    free(task.entries);
    free(task.precision);
    free(task.overlaps);
    free(task.order);
    free(task.used);
    return has_memory;
}
