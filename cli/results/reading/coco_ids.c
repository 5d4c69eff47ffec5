/* See coco_ids.h. Source of the names and numbers: Lin et al., "Microsoft COCO: Common Objects in Context", 2014. */
#include "coco_ids.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/input_file.h"
#include "cli/system/paths.h"
#include "json_walk.h"

#define SEVERAL INT64_MIN

/* Darknet's lists call some of them otherwise, behind the bar. */
static const char *const coco_names[80] = {
    "person",
    "bicycle",
    "car",
    "motorcycle|motorbike",
    "airplane|aeroplane",
    "bus",
    "train",
    "truck",
    "boat",
    "traffic light",
    "fire hydrant",
    "stop sign",
    "parking meter",
    "bench",
    "bird",
    "cat",
    "dog",
    "horse",
    "sheep",
    "cow",
    "elephant",
    "bear",
    "zebra",
    "giraffe",
    "backpack",
    "umbrella",
    "handbag",
    "tie",
    "suitcase",
    "frisbee",
    "skis",
    "snowboard",
    "sports ball",
    "kite",
    "baseball bat",
    "baseball glove",
    "skateboard",
    "surfboard",
    "tennis racket",
    "bottle",
    "wine glass",
    "cup",
    "fork",
    "knife",
    "spoon",
    "bowl",
    "banana",
    "apple",
    "sandwich",
    "orange",
    "broccoli",
    "carrot",
    "hot dog",
    "pizza",
    "donut",
    "cake",
    "chair",
    "couch|sofa",
    "potted plant|pottedplant",
    "bed",
    "dining table|diningtable",
    "toilet",
    "tv|tvmonitor",
    "laptop",
    "mouse",
    "remote",
    "keyboard",
    "cell phone",
    "microwave",
    "oven",
    "toaster",
    "sink",
    "refrigerator",
    "book",
    "clock",
    "vase",
    "scissors",
    "teddy bear",
    "hair drier",
    "toothbrush",
};

int64_t coco_number_of_class(uint32_t index)
{
    static const unsigned char unused[] = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83};
    int64_t number = (int64_t)index + 1;
    for (size_t at = 0; at < sizeof unused; at++)
        number += unused[at] <= number;
    return number;
}

bool coco_classes_are_these(const char *const *classes, uint32_t count)
{
    if (count != 80)
        return false;
    for (uint32_t index = 0; index < count; index++) {
        const char *bar = strchr(coco_names[index], '|');
        size_t length = bar ? (size_t)(bar - coco_names[index]) : strlen(coco_names[index]);
        bool same = strlen(classes[index]) == length && memcmp(classes[index], coco_names[index], length) == 0;
        if (!same && !(bar && strcmp(classes[index], bar + 1) == 0))
            return false;
    }
    return true;
}

bool coco_number_in_name(const char *path, int64_t *out)
{
    const char *name = base_name(path), *dot = strrchr(name, '.');
    const char *end = dot && dot != name ? dot : name + strlen(name), *start;
    while (end > name && !(end[-1] >= '0' && end[-1] <= '9'))
        end--;
    for (start = end; start > name && start[-1] >= '0' && start[-1] <= '9'; start--)
        continue;
    while (start < end - 1 && *start == '0')
        start++;
    if (start == end || end - start > 18)
        return false;
    for (*out = 0; start < end; start++)
        *out = *out * 10 + (*start - '0');
    return true;
}

/* ---- annotations ------------------------------------------------------------------------------------------------- */

/* False when memory ran out. */
static bool put(struct name_map *map, const char *name, size_t length, int64_t id)
{
    int64_t *place;
    bool is_new;
    if (!name_map_put(map, name, length, id, &place, &is_new))
        return false;
    if (*place != id)
        *place = SEVERAL;
    return true;
}

/* The objects of an array, each with an "id" and a name called `name_key`. */
static bool take_objects(struct json_walk *walk, const char *name_key, bool with_last_part, struct name_map *map,
                         bool *lacks_memory)
{
    bool first_item = true, broken = !json_take(walk, '[');
    while (!broken && json_next_item(walk, &first_item, &broken)) {
        struct json_text key, name = {0};
        int64_t id = 0;
        bool has_id = false, first = true;
        broken = !json_take(walk, '{');
        while (!broken && json_next_member(walk, &first, &broken, &key)) {
            if (json_text_is(&key, "id"))
                broken = !(has_id = json_take_integer(walk, &id));
            else if (json_text_is(&key, name_key))
                broken = !json_take_text(walk, &name);
            else
                broken = !json_skip(walk);
        }
        if (broken || !has_id || !name.start)
            return false;
        size_t length;
        char *text = json_text_decode(&name, &length);
        const char *last = text ? base_name(text) : NULL;
        *lacks_memory = !text || !put(map, text, length, id) ||
                        (with_last_part && last != text && !put(map, last, strlen(last), id));
        free(text);
        if (*lacks_memory)
            return false;
    }
    return !broken;
}

bool coco_ids_read(const char *path, struct coco_ids *out, char *message, size_t message_size)
{
    size_t count;
    *out = (struct coco_ids){0};
    char *text = read_small_file(path, COCO_FILE_BYTES_MAX, &count, message, message_size);
    if (!text)
        return false;
    struct json_walk walk = {.at = text};
    struct json_text key;
    bool first = true, lacks_memory = false, has_pictures = false, broken = !json_take(&walk, '{');
    while (!broken && json_next_member(&walk, &first, &broken, &key)) {
        if (json_text_is(&key, "images"))
            broken = !(has_pictures = take_objects(&walk, "file_name", true, &out->pictures, &lacks_memory));
        else if (json_text_is(&key, "categories"))
            broken = !take_objects(&walk, "name", false, &out->categories, &lacks_memory);
        else
            broken = !json_skip(&walk);
    }
    free(text);
    if (!broken && has_pictures)
        return true;
    snprintf(message, message_size, "%s",
             lacks_memory ? "needs more memory than there is" : "is no file of COCO annotations, or it is damaged");
    return false;
}

void coco_ids_release(struct coco_ids *ids)
{
    name_map_release(&ids->pictures);
    name_map_release(&ids->categories);
}

bool coco_picture_id(const struct coco_ids *ids, const char *path, int64_t *out)
{
    for (const char *at = path; *at; at++) {
        if (at != path && !path_parts_at(at[-1]))
            continue;
        const int64_t *id = name_map_get(&ids->pictures, at, strlen(at));
        if (!id)
            continue;
        *out = *id;
        return *id != SEVERAL;
    }
    return false;
}

bool coco_category_id(const struct coco_ids *ids, const char *name, int64_t *out)
{
    const int64_t *id = name_map_get(&ids->categories, name, strlen(name));
    if (id)
        *out = *id;
    return id && *id != SEVERAL;
}
