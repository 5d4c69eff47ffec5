/* See dataset.h. */
#include "dataset.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool refuse_dataset(char *message, size_t message_size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, message_size, format, arguments);
    va_end(arguments);
    return false;
}

void *grow_array(void *array, size_t *capacity, size_t count, size_t most, size_t element)
{
    if (count < *capacity)
        return array;
    if (count >= most)
        return NULL;
    size_t wanted = *capacity ? *capacity * 2 : 64;
    wanted = wanted < most ? wanted : most;
    void *grown = wanted <= SIZE_MAX / element ? realloc(array, wanted * element) : NULL;
    if (grown)
        *capacity = wanted;
    return grown;
}

char *join_text(const char *prefix, const char *middle, const char *text)
{
    size_t first = strlen(prefix), second = strlen(middle), third = strlen(text);
    char *joined = malloc(first + second + third + 1);
    if (joined) {
        memcpy(joined, prefix, first);
        memcpy(joined + first, middle, second);
        memcpy(joined + first + second, text, third + 1);
    }
    return joined;
}

struct box box_of_corners(double x1, double y1, double x2, double y2)
{
    return (struct box){x1, y1, x2, y2, x2 - x1, y2 - y1};
}

struct box box_of_sides(double x, double y, double width, double height)
{
    return (struct box){x, y, x + width, y + height, width, height};
}

/* ---- filling ----------------------------------------------------------------------------------------------------- */

uint32_t dataset_class(struct dataset *dataset, const char *name)
{
    for (uint32_t class_id = 0; class_id < dataset->class_count; class_id++)
        if (strcmp(dataset->classes[class_id], name) == 0)
            return class_id;
    size_t numbers = dataset->class_capacity;
    int64_t *grown = grow_array(dataset->class_numbers, &numbers, dataset->class_count, DATASET_CLASSES_MAX,
                                sizeof *dataset->class_numbers);
    if (!grown)
        return DATASET_CLASSES_MAX;
    dataset->class_numbers = grown;
    char **classes = grow_array((void *)dataset->classes, &dataset->class_capacity, dataset->class_count,
                                DATASET_CLASSES_MAX, sizeof *dataset->classes);
    if (!classes)
        return DATASET_CLASSES_MAX;
    dataset->classes = classes;
    char *copy = join_text("", "", name);
    if (!copy)
        return DATASET_CLASSES_MAX;
    dataset->classes[dataset->class_count] = copy;
    dataset->class_numbers[dataset->class_count] = (int64_t)dataset->class_count + 1;
    return dataset->class_count++;
}

struct labelled_picture *dataset_add_picture(struct dataset *dataset)
{
    struct labelled_picture *grown = grow_array(dataset->pictures, &dataset->picture_capacity, dataset->picture_count,
                                                DATASET_PICTURES_MAX, sizeof *dataset->pictures);
    if (!grown)
        return NULL;
    dataset->pictures = grown;
    grown += dataset->picture_count++;
    *grown = (struct labelled_picture){0};
    return grown;
}

struct truth *dataset_add_truth(struct dataset *dataset)
{
    struct truth *grown = grow_array(dataset->truths, &dataset->truth_capacity, dataset->truth_count, DATASET_BOXES_MAX,
                                     sizeof *dataset->truths);
    if (!grown)
        return NULL;
    dataset->truths = grown;
    grown += dataset->truth_count++;
    *grown = (struct truth){0};
    return grown;
}

struct found_box *found_add(struct found_list *list)
{
    struct found_box *grown =
        grow_array(list->boxes, &list->capacity, list->count, DATASET_BOXES_MAX, sizeof *list->boxes);
    if (!grown)
        return NULL;
    list->boxes = grown;
    grown += list->count++;
    *grown = (struct found_box){0};
    return grown;
}

void found_release(struct found_list *list)
{
    free(list->boxes);
    *list = (struct found_list){0};
}

/* ---- order ------------------------------------------------------------------------------------------------------- */

struct ordered_truth {
    struct truth truth;
    size_t index;
};

static int compare_truths(const void *left, const void *right)
{
    const struct ordered_truth *a = left, *b = right;
    if (a->truth.picture != b->truth.picture)
        return a->truth.picture < b->truth.picture ? -1 : 1;
    if (a->truth.class_id != b->truth.class_id)
        return a->truth.class_id < b->truth.class_id ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

bool dataset_index(struct dataset *dataset)
{
    size_t count = dataset->truth_count;
    free(dataset->first_truths);
    dataset->first_truths = calloc(dataset->picture_count + 1, sizeof *dataset->first_truths);
    struct ordered_truth *ordered = malloc((count ? count : 1) * sizeof *ordered);
    if (!dataset->first_truths || !ordered) {
        free(ordered);
        return false;
    }
    for (size_t index = 0; index < count; index++)
        ordered[index] = (struct ordered_truth){dataset->truths[index], index};
    qsort(ordered, count, sizeof *ordered, compare_truths);
    for (size_t index = 0; index < count; index++) {
        dataset->truths[index] = ordered[index].truth;
        dataset->first_truths[ordered[index].truth.picture + 1] = index + 1;
    }
    free(ordered);
    for (size_t picture = 0; picture < dataset->picture_count; picture++)
        if (dataset->first_truths[picture + 1] < dataset->first_truths[picture])
            dataset->first_truths[picture + 1] = dataset->first_truths[picture];
    return true;
}

size_t dataset_truths_of(const struct dataset *dataset, uint32_t picture, uint32_t class_id, size_t *count)
{
    size_t first = dataset->first_truths[picture], end = dataset->first_truths[picture + 1];
    while (first < end && dataset->truths[first].class_id < class_id)
        first++;
    size_t last = first;
    while (last < end && dataset->truths[last].class_id == class_id)
        last++;
    *count = last - first;
    return first;
}

/* ---- classes that count ------------------------------------------------------------------------------------------ */

bool is_same_class(const char *left, const char *right)
{
    static const char *const pairs[][2] = {
        {"airplane", "aeroplane"}, {"motorcycle", "motorbike"},     {"couch", "sofa"},
        {"tv", "tvmonitor"},       {"dining table", "diningtable"}, {"potted plant", "pottedplant"}};
    if (strcmp(left, right) == 0)
        return true;
    for (size_t pair = 0; pair < sizeof pairs / sizeof *pairs; pair++)
        for (int side = 0; side < 2; side++)
            if (strcmp(left, pairs[pair][side]) == 0 && strcmp(right, pairs[pair][1 - side]) == 0)
                return true;
    return false;
}

bool dataset_keep_classes(struct dataset *dataset, const char *const *names, uint32_t count, size_t *removed)
{
    *removed = 0;
    if (!names)
        return true;
    uint32_t *places = malloc((dataset->class_count ? dataset->class_count : 1) * sizeof *places);
    char **classes = (char **)calloc(count ? count : 1, sizeof *classes);
    int64_t *numbers = calloc(count ? count : 1, sizeof *numbers);
    bool is_whole = places && classes && numbers;
    for (uint32_t class_id = 0; is_whole && class_id < count; class_id++) {
        classes[class_id] = join_text("", "", names[class_id]);
        is_whole = classes[class_id] != NULL;
    }
    if (!is_whole) {
        for (uint32_t class_id = 0; classes && class_id < count; class_id++)
            free(classes[class_id]);
        free((void *)classes);
        free(numbers);
        free(places);
        return false;
    }
    for (uint32_t old = 0; old < dataset->class_count; old++) {
        places[old] = UINT32_MAX;
        for (uint32_t class_id = 0; class_id < count && places[old] == UINT32_MAX; class_id++)
            if (is_same_class(dataset->classes[old], names[class_id])) {
                places[old] = class_id;
                numbers[class_id] = dataset->class_numbers[old];
            }
        free(dataset->classes[old]);
    }
    size_t kept = 0;
    for (size_t index = 0; index < dataset->truth_count; index++) {
        struct truth truth = dataset->truths[index];
        if (places[truth.class_id] == UINT32_MAX)
            continue;
        truth.class_id = places[truth.class_id];
        dataset->truths[kept++] = truth;
    }
    *removed = dataset->truth_count - kept;
    dataset->truth_count = kept;
    free((void *)dataset->classes);
    free(dataset->class_numbers);
    free(places);
    dataset->classes = classes;
    dataset->class_numbers = numbers;
    dataset->class_count = count;
    dataset->class_capacity = count;
    return dataset_index(dataset);
}

/* ---- the end ------------------------------------------------------------------------------------------------------
 */

void dataset_release(struct dataset *dataset)
{
    for (uint32_t class_id = 0; class_id < dataset->class_count; class_id++)
        free(dataset->classes[class_id]);
    for (size_t picture = 0; picture < dataset->picture_count; picture++) {
        free(dataset->pictures[picture].name);
        free(dataset->pictures[picture].path);
    }
    free((void *)dataset->classes);
    free(dataset->class_numbers);
    free(dataset->pictures);
    free(dataset->truths);
    free(dataset->first_truths);
    *dataset = (struct dataset){0};
}
