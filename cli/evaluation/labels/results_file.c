/* See results_file.h. */
#include "results_file.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/input_file.h"
#include "json_values.h"

/* A picture's name without folders and ending. */
struct stem {
    const char *start;
    size_t length;
    uint32_t picture;
};

struct reader {
    const char *path;
    const struct dataset *dataset;
    struct stem *stems; /* sorted */
    struct results_file *out;
    char *message;
    size_t message_size;
};

static struct stem stem_of(const char *path)
{
    const char *start = path;
    for (const char *at = path; *at; at++)
        if (*at == '/' || *at == '\\') /* the file may come from another system */
            start = at + 1;
    const char *dot = strrchr(start, '.');
    return (struct stem){start, dot && dot != start ? (size_t)(dot - start) : strlen(start), 0};
}

static int compare_stems(const void *left, const void *right)
{
    const struct stem *a = left, *b = right;
    size_t shorter = a->length < b->length ? a->length : b->length;
    int order = memcmp(a->start, b->start, shorter);
    return order ? order : (a->length > b->length) - (a->length < b->length);
}

/* VOC's ids have no endings, and may hold dots. */
static bool sort_stems(struct reader *reader)
{
    const struct dataset *dataset = reader->dataset;
    reader->stems = calloc(dataset->picture_count ? dataset->picture_count : 1, sizeof *reader->stems);
    for (size_t index = 0; reader->stems && index < dataset->picture_count; index++) {
        const char *name = dataset->pictures[index].name;
        reader->stems[index] =
            dataset->kind == DATASET_VOC ? (struct stem){base_name(name), strlen(base_name(name)), 0} : stem_of(name);
        reader->stems[index].picture = (uint32_t)index;
    }
    if (reader->stems)
        qsort(reader->stems, dataset->picture_count, sizeof *reader->stems, compare_stems);
    return reader->stems != NULL;
}

static bool ends_with(const char *path, size_t path_length, const char *name, size_t name_length)
{
    return path_length >= name_length && memcmp(path + path_length - name_length, name, name_length) == 0 &&
           (path_length == name_length || strchr("/\\", path[path_length - name_length - 1]));
}

/* UINT32_MAX: none. Of several pictures of one name that which the path ends with. */
static uint32_t find_by_path(const struct reader *reader, const char *path)
{
    const struct dataset *dataset = reader->dataset;
    const struct stem wanted = stem_of(path);
    size_t count = dataset->picture_count;
    const struct stem *at = bsearch(&wanted, reader->stems, count, sizeof *at, compare_stems);
    if (!at)
        return UINT32_MAX;
    const struct stem *first = at, *end = at + 1;
    while (first > reader->stems && compare_stems(first - 1, &wanted) == 0)
        first--;
    while (end < reader->stems + count && compare_stems(end, &wanted) == 0)
        end++;
    if (end - first == 1)
        return first->picture;
    size_t length = (size_t)(wanted.start - path) + wanted.length;
    for (; first < end; first++) {
        const char *name = dataset->pictures[first->picture].name;
        if (ends_with(path, length, name, (size_t)(first->start - name) + first->length))
            return first->picture;
    }
    return UINT32_MAX;
}

/* COCO's id; of VOC a name of digits, or one that ends in them, as an id was made of it. */
static uint32_t find_by_number(const struct reader *reader, int64_t number)
{
    const struct dataset *dataset = reader->dataset;
    if (dataset->kind == DATASET_COCO) {
        size_t low = 0, high = dataset->picture_count;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (dataset->pictures[middle].number < number)
                low = middle + 1;
            else
                high = middle;
        }
        return low < dataset->picture_count && dataset->pictures[low].number == number ? (uint32_t)low : UINT32_MAX;
    }
    uint32_t match = UINT32_MAX;
    for (size_t index = 0; index < dataset->picture_count; index++) {
        const char *name = dataset->pictures[index].name;
        size_t start = strlen(name);
        while (start && name[start - 1] >= '0' && name[start - 1] <= '9')
            start--;
        if (!name[start] || strlen(name + start) > 18 || strtoll(name + start, NULL, 10) != number)
            continue;
        if (match != UINT32_MAX)
            return UINT32_MAX; /* two have it: then it names neither */
        match = (uint32_t)index;
    }
    return match;
}

static uint32_t find_class(const struct dataset *dataset, const char *name)
{
    for (uint32_t class_id = 0; class_id < dataset->class_count; class_id++)
        if (is_same_class(dataset->classes[class_id], name))
            return class_id;
    return UINT32_MAX;
}

static bool add(struct reader *reader, uint32_t picture, uint32_t class_id, double score, struct box box)
{
    struct results_file *out = reader->out;
    if (picture == UINT32_MAX) {
        out->other_pictures++;
        return true;
    }
    out->lowest = fmin(out->lowest, score);
    if (class_id == UINT32_MAX) {
        out->other_classes++;
        return true;
    }
    struct found_box *found = found_add(&out->found);
    if (!found)
        return refuse_dataset(reader->message, reader->message_size, "%s: more boxes than memory or the limits hold",
                              reader->path);
    *found = (struct found_box){picture, class_id, score, box};
    return true;
}

/* ---- the program's own JSON -------------------------------------------------------------------------------------- */

static bool read_picture(struct reader *reader, const json_t *image, size_t place)
{
    const char *file = json_string_value(json_object_get(image, "file"));
    const json_t *detections = json_object_get(image, "detections");
    if (file && json_object_get(image, "error") && !detections) {
        reader->out->failed++;
        return true;
    }
    if (!file || !json_is_array(detections))
        return refuse_dataset(reader->message, reader->message_size,
                              "%s: picture %zu has no \"file\" and \"detections\"", reader->path, place);
    uint32_t picture = find_by_path(reader, file);
    for (size_t index = 0; index < json_array_size(detections); index++) {
        const json_t *detection = json_array_get(detections, index);
        const char *name = json_string_value(json_object_get(detection, "class"));
        double score, sides[4];
        if (!name || !json_checked_number(json_object_get(detection, "score"), &score) ||
            !json_checked_numbers(json_object_get(detection, "box"), 4, sides))
            return refuse_dataset(
                reader->message, reader->message_size,
                "%s: picture %zu: detection %zu has no \"class\", \"score\" and \"box\" of four numbers", reader->path,
                place, index + 1);
        if (!add(reader, picture, find_class(reader->dataset, name), score,
                 box_of_corners(sides[0], sides[1], sides[2], sides[3])))
            return false;
    }
    return true;
}

static bool read_lines(struct reader *reader, const char *text, size_t length)
{
    size_t line = 0, place = 0;
    for (const char *at = text, *end = text + length; at < end;) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t count = (size_t)((stop ? stop : end) - at);
        line++;
        size_t blank = 0;
        while (blank < count && strchr(" \t\r", at[blank]))
            blank++;
        if (blank < count) {
            json_error_t error;
            json_t *image = json_loadb(at, count, 0, &error);
            if (!image)
                return refuse_dataset(reader->message, reader->message_size, "%s: line %zu: %s", reader->path, line,
                                      error.text);
            bool is_read = read_picture(reader, image, ++place);
            json_decref(image);
            if (!is_read)
                return false;
        }
        at = stop ? stop + 1 : end;
    }
    return true;
}

/* ---- COCO's results ---------------------------------------------------------------------------------------------- */

static bool read_coco(struct reader *reader, const json_t *results)
{
    const struct dataset *dataset = reader->dataset;
    for (size_t index = 0; index < json_array_size(results); index++) {
        const json_t *result = json_array_get(results, index), *image = json_object_get(result, "image_id");
        int64_t number = 0, category = 0;
        double score, sides[4];
        bool has_number = json_checked_integer(image, &number);
        if ((!has_number && !json_is_string(image)) ||
            !json_checked_integer(json_object_get(result, "category_id"), &category) ||
            !json_checked_number(json_object_get(result, "score"), &score) ||
            !json_checked_numbers(json_object_get(result, "bbox"), 4, sides))
            return refuse_dataset(
                reader->message, reader->message_size,
                "%s: result %zu has no \"image_id\", \"category_id\", \"score\" and \"bbox\" of four numbers",
                reader->path, index + 1);
        uint32_t class_id = 0;
        while (class_id < dataset->class_count && dataset->class_numbers[class_id] != category)
            class_id++;
        if (!add(reader, has_number ? find_by_number(reader, number) : find_by_path(reader, json_string_value(image)),
                 class_id < dataset->class_count ? class_id : UINT32_MAX, score,
                 box_of_sides(sides[0], sides[1], sides[2], sides[3])))
            return false;
    }
    return true;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static bool read_value(struct reader *reader, const json_t *root)
{
    if (json_is_array(root))
        return read_coco(reader, root);
    const json_t *images = json_object_get(root, "images");
    if (!json_is_array(images))
        return read_picture(reader, root, 1); /* a file of one line */
    for (size_t index = 0; index < json_array_size(images); index++)
        if (!read_picture(reader, json_array_get(images, index), index + 1))
            return false;
    return true;
}

bool results_file_read(const char *path, const struct dataset *dataset, struct results_file *out, char *message,
                       size_t message_size)
{
    char reason[256];
    size_t length = 0;
    *out = (struct results_file){.lowest = 1};
    struct reader reader = {path, dataset, NULL, out, message, message_size};
    char *text = read_small_file(path, JSON_FILE_BYTES_MAX, &length, reason, sizeof reason);
    if (!text)
        return refuse_dataset(message, message_size, "%s: %s", path, reason);
    bool is_read = sort_stems(&reader);
    if (!is_read)
        refuse_dataset(message, message_size, "%s: it needs more memory than there is", path);
    json_error_t error;
    json_t *root = is_read ? json_loadb(text, length, 0, &error) : NULL;
    if (root)
        is_read = read_value(&reader, root);
    else if (is_read && text[0] == '{') /* lines: a second value is an error of the one that was tried */
        is_read = read_lines(&reader, text, length);
    else if (is_read)
        is_read = length == 0 || refuse_json(path, text, &error, message, message_size);
    json_decref(root);
    free(reader.stems);
    free(text);
    if (!is_read)
        found_release(&out->found);
    return is_read;
}
