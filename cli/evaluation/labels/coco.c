/* COCO's annotations of instances: one JSON file with `images`, `categories` and `annotations`. Ids are whole numbers
 * of up to 63 bits. Pictures and classes are put in the order of their ids, as the protocol takes them; annotations of
 * pictures or classes that the file does not list are passed over and counted. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/input_file.h"
#include "cli/system/files.h"
#include "dataset.h"
#include "json_values.h"

static int compare_numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare_pictures(const void *left, const void *right)
{
    const struct labelled_picture *a = left, *b = right;
    return compare_numbers(a->number, b->number);
}

static uint32_t side_of(const json_t *value)
{
    int64_t side = 0;
    return json_checked_integer(value, &side) && side > 0 && side <= (int64_t)DATASET_NUMBER_MAX ? (uint32_t)side : 0;
}

static bool read_pictures(const json_t *images, struct dataset *out, const char *path, char *message,
                          size_t message_size)
{
    for (size_t index = 0; index < json_array_size(images); index++) {
        const json_t *image = json_array_get(images, index);
        const char *name = json_string_value(json_object_get(image, "file_name"));
        int64_t number = 0;
        char number_text[32];
        if (!json_checked_integer(json_object_get(image, "id"), &number))
            return refuse_dataset(message, message_size, "%s: image %zu has no \"id\" that is a whole number", path,
                                  index + 1);
        snprintf(number_text, sizeof number_text, "%" PRId64, number);
        struct labelled_picture *picture = dataset_add_picture(out);
        if (!picture || (picture->name = join_text("", "", name ? name : number_text)) == NULL)
            return refuse_dataset(message, message_size, "%s: more images than memory or the limits hold", path);
        picture->number = number;
        picture->width = side_of(json_object_get(image, "width"));
        picture->height = side_of(json_object_get(image, "height"));
    }
    if (!out->picture_count)
        return refuse_dataset(message, message_size, "%s: it lists no image", path);
    qsort(out->pictures, out->picture_count, sizeof *out->pictures, compare_pictures);
    size_t kept = 0;
    for (size_t index = 0; index < out->picture_count; index++) {
        if (kept && out->pictures[kept - 1].number == out->pictures[index].number)
            free(out->pictures[index].name);
        else
            out->pictures[kept++] = out->pictures[index];
    }
    out->picture_count = kept;
    return true;
}

struct category {
    int64_t number;
    const char *name;
};

static int compare_categories(const void *left, const void *right)
{
    return compare_numbers(((const struct category *)left)->number, ((const struct category *)right)->number);
}

static bool read_categories(const json_t *categories, struct dataset *out, const char *path, char *message,
                            size_t message_size)
{
    size_t count = json_array_size(categories);
    if (!count || count > DATASET_CLASSES_MAX)
        return refuse_dataset(message, message_size, "%s: it lists %s", path,
                              count ? "more categories than the limit" : "no category");
    struct category *sorted = calloc(count, sizeof *sorted);
    bool is_read = sorted != NULL;
    if (!sorted)
        refuse_dataset(message, message_size, "%s: it needs more memory than there is", path);
    for (size_t index = 0; is_read && index < count; index++) {
        const json_t *category = json_array_get(categories, index);
        sorted[index].name = json_string_value(json_object_get(category, "name"));
        if (!sorted[index].name || !json_checked_integer(json_object_get(category, "id"), &sorted[index].number))
            is_read =
                refuse_dataset(message, message_size, "%s: category %zu has no \"id\" and \"name\"", path, index + 1);
    }
    if (is_read)
        qsort(sorted, count, sizeof *sorted, compare_categories);
    for (size_t index = 0; is_read && index < count; index++) {
        uint32_t before = out->class_count, class_id = dataset_class(out, sorted[index].name);
        if (class_id == DATASET_CLASSES_MAX)
            is_read = refuse_dataset(message, message_size, "%s: it needs more memory than there is", path);
        else if (class_id != before || (index && sorted[index - 1].number == sorted[index].number))
            is_read = refuse_dataset(message, message_size, "%s: two categories have one name or id", path);
        else
            out->class_numbers[class_id] = sorted[index].number;
    }
    free(sorted);
    return is_read;
}

static uint32_t find_class(const struct dataset *dataset, int64_t number)
{
    for (uint32_t class_id = 0; class_id < dataset->class_count; class_id++)
        if (dataset->class_numbers[class_id] == number)
            return class_id;
    return DATASET_CLASSES_MAX;
}

static bool read_annotations(const json_t *annotations, struct dataset *out, const char *path, char *message,
                             size_t message_size)
{
    for (size_t index = 0; index < json_array_size(annotations); index++) {
        const json_t *annotation = json_array_get(annotations, index);
        struct labelled_picture wanted = {0};
        int64_t category = 0, crowd = 0;
        double sides[4], area = 0;
        if (!json_checked_integer(json_object_get(annotation, "image_id"), &wanted.number) ||
            !json_checked_integer(json_object_get(annotation, "category_id"), &category))
            return refuse_dataset(message, message_size,
                                  "%s: annotation %zu has no \"image_id\" and \"category_id\" that are whole numbers",
                                  path, index + 1);
        if (!json_checked_numbers(json_object_get(annotation, "bbox"), 4, sides) || sides[2] < 0 || sides[3] < 0)
            return refuse_dataset(message, message_size, "%s: annotation %zu has no \"bbox\" of four numbers", path,
                                  index + 1);
        const json_t *is_crowd = json_object_get(annotation, "iscrowd"), *size = json_object_get(annotation, "area");
        if (is_crowd && !json_is_boolean(is_crowd) && !json_checked_integer(is_crowd, &crowd))
            return refuse_dataset(message, message_size, "%s: annotation %zu: \"iscrowd\" is not 0 or 1", path,
                                  index + 1);
        area = json_is_number(size) ? json_number_value(size) : sides[2] * sides[3];
        const struct labelled_picture *picture =
            bsearch(&wanted, out->pictures, out->picture_count, sizeof *out->pictures, compare_pictures);
        uint32_t class_id = find_class(out, category);
        if (!picture || class_id == DATASET_CLASSES_MAX) {
            out->passed_over++;
            continue;
        }
        struct truth *truth = dataset_add_truth(out);
        if (!truth)
            return refuse_dataset(message, message_size, "%s: more annotations than memory or the limits hold", path);
        *truth = (struct truth){.picture = (uint32_t)(picture - out->pictures),
                                .class_id = class_id,
                                .is_ignored = crowd != 0 || json_is_true(is_crowd),
                                .area = area,
                                .box = box_of_sides(sides[0], sides[1], sides[2], sides[3])};
    }
    return true;
}

/* ---- where the pictures are -------------------------------------------------------------------------------------- */

/* A name of the file's goes into paths: it leads nowhere else. */
static bool is_inside(const char *name)
{
    bool starts = true; /* a part of the path */
    for (const char *at = name; *at; at++) {
        bool is_end = *at == '/' || *at == '\\';
        if ((unsigned char)*at < 0x20 || *at == ':' || (is_end && at == name) ||
            (starts && at[0] == '.' && at[1] == '.' && (!at[2] || at[2] == '/' || at[2] == '\\')))
            return false;
        starts = is_end;
    }
    return *name != 0;
}

static bool try_folder(struct labelled_picture *picture, const char *folder)
{
    struct file_status status;
    char *path = join_text(folder, *folder ? "/" : "", picture->name);
    if (path && file_look(path, &status) && status.kind == FILE_REGULAR) {
        picture->path = path;
        return true;
    }
    free(path);
    return false;
}

/* Beside the file, in images/ beside it or above, or, as COCO itself lies, in the folder that the file is named after:
 * annotations/instances_val2017.json and val2017/. */
static bool find_pictures(const struct dataset_choice *choice, struct dataset *out, char *message, size_t message_size)
{
    char *folder = copy_folder(choice->path), *stem = join_text("", "", base_name(choice->path));
    if (stem)
        stem[strcspn(stem, ".")] = 0;
    const char *split = stem ? strchr(stem, '_') : NULL;
    const char *places[6] = {choice->images};
    size_t count = choice->images ? 1 : 0;
    char *own[5] = {NULL};
    bool is_found = folder && stem;
    if (!is_found)
        refuse_dataset(message, message_size, "%s: it needs more memory than there is", choice->path);
    if (is_found && !choice->images) {
        own[0] = join_text(folder, "", *folder ? "" : ".");
        own[1] = join_text(folder, "", "images");
        own[2] = join_text(folder, "", "../images");
        own[3] = join_text(folder, "../", split ? split + 1 : "images");
        own[4] = join_text(folder, "../images/", split ? split + 1 : "");
        for (size_t index = 0; index < 5; index++)
            if (own[index])
                places[count++] = own[index];
    }
    for (size_t index = 0; is_found && index < out->picture_count; index++) {
        struct labelled_picture *picture = &out->pictures[index];
        for (size_t place = 0; is_inside(picture->name) && place < count && !picture->path; place++)
            try_folder(picture, places[place]);
        out->missing += !picture->path;
    }
    for (size_t index = 0; index < 5; index++)
        free(own[index]);
    free(folder);
    free(stem);
    return is_found;
}

bool coco_read(const struct dataset_choice *choice, struct dataset *out, char *message, size_t message_size)
{
    json_t *root = json_read_file(choice->path, message, message_size);
    if (!root)
        return false;
    const json_t *images = json_object_get(root, "images"), *categories = json_object_get(root, "categories"),
                 *annotations = json_object_get(root, "annotations");
    bool is_read = json_is_array(images) && json_is_array(categories) && json_is_array(annotations);
    if (!is_read)
        refuse_dataset(message, message_size,
                       "%s: it is no COCO file of instances: \"images\", \"categories\" and \"annotations\" are wanted",
                       choice->path);
    is_read = is_read && read_pictures(images, out, choice->path, message, message_size) &&
              read_categories(categories, out, choice->path, message, message_size) &&
              read_annotations(annotations, out, choice->path, message, message_size);
    json_decref(root);
    return is_read && (choice->labels_alone || find_pictures(choice, out, message, message_size));
}
