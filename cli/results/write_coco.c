/* Boxes as COCO's results: a list of {"image_id", "category_id", "bbox": [x, y, w, h], "score"}, as pycocotools loads.
 *
 * A file of annotations gives the ids of pictures and of categories by their names. Without one the image_id is the
 * last number of the file's name, or the name without its ending where it has none, and a frame's is the name with the
 * frame's number; the category_id is COCO's where the classes are COCO's 80, else the class's place, from 1. */
#include <stdlib.h>
#include <string.h>

#include "cli/base/input_file.h"
#include "cli/base/message.h"
#include "cli/results/reading/coco_ids.h"
#include "parts.h"

struct coco {
    struct coco_ids ids;
    int64_t *categories; /* of each class */
};

static bool open_coco(struct results *results, struct writer *writer, char *message)
{
    const char *annotations = results->choice.coco_annotations;
    struct coco *coco = writer->own = calloc(1, sizeof *coco);
    if (!coco) {
        strcpy(message, "needs more memory than there is");
        return false;
    }
    char reason[RESULT_MESSAGE_SIZE / 2];
    if (annotations && !coco_ids_read(annotations, &coco->ids, reason, sizeof reason)) {
        snprintf(message, RESULT_MESSAGE_SIZE, "cannot be written: %s %s", annotations, reason);
        return false;
    }
    return result_open_file(results, writer, message);
}

static bool begin_coco(struct results *results, struct writer *writer, char *message)
{
    struct coco *coco = writer->own;
    const struct results_header *header = &results->header;
    bool is_coco = coco_classes_are_these(header->classes, header->class_count);
    coco->categories = calloc(header->class_count ? header->class_count : 1, sizeof *coco->categories);
    if (!coco->categories) {
        strcpy(message, "needs more memory than there is");
        return false;
    }
    for (uint32_t class_id = 0; class_id < header->class_count; class_id++) {
        int64_t *category = &coco->categories[class_id];
        if (coco->ids.categories.count && coco_category_id(&coco->ids, header->classes[class_id], category))
            continue;
        *category = is_coco ? coco_number_of_class(class_id) : (int64_t)class_id + 1;
        if (!coco->ids.categories.count || is_coco)
            continue;
        snprintf(message, RESULT_MESSAGE_SIZE, "cannot be written: %s has no category called \"%.200s\"",
                 results->choice.coco_annotations, header->classes[class_id]);
        return false;
    }
    json_start(&writer->json, writer->file.stream);
    json_open_array(&writer->json, JSON_BLOCK);
    return true;
}

/* "name" or "name_000012", from malloc; NULL when memory ran out. */
static char *make_name(const struct picture_result *picture)
{
    struct picture_result alone = *picture;
    alone.relative = base_name(picture->path);
    char *path = picture_file_name("", &alone, "");
    if (path)
        memmove(path, path + 1, strlen(path)); /* without the slash */
    return path;
}

static enum results_state add_coco(struct results *results, struct writer *writer, const struct picture_result *picture)
{
    const struct coco *coco = writer->own;
    struct json *json = &writer->json;
    int64_t id = 0;
    char *name = NULL;
    if (picture->error || !picture->count)
        return RESULTS_WRITTEN;
    if (coco->ids.pictures.count) {
        if (!coco_picture_id(&coco->ids, picture->path, &id)) {
            say("%s: its boxes are not in %s: %s has no picture of that name", picture->path, writer->path,
                results->choice.coco_annotations);
            return RESULTS_LACKING;
        }
    } else if (picture->frame >= 0 || !coco_number_in_name(picture->path, &id)) {
        name = make_name(picture);
        if (!name) {
            refuse_memory();
            return RESULTS_LACKING;
        }
    }
    for (size_t index = 0; index < picture->count; index++) {
        const gvk_detection *box = &picture->found[index].box;
        float clipped[4];
        if (!result_is_finite(box) || box->class_id >= results->header.class_count)
            continue;
        result_clip(picture, box, clipped);
        json_open_object(json, JSON_LINE);
        json_key(json, "image_id");
        if (name)
            json_quoted(json, name);
        else
            json_signed(json, id);
        json_key(json, "category_id");
        json_signed(json, coco->categories[box->class_id]);
        json_key(json, "bbox");
        json_open_array(json, JSON_LINE);
        json_float(json, clipped[0]);
        json_float(json, clipped[1]);
        json_float(json, clipped[2] - clipped[0]);
        json_float(json, clipped[3] - clipped[1]);
        json_close(json);
        json_key(json, "score");
        json_float(json, box->score);
        json_close(json);
    }
    free(name);
    return result_check_file(results, writer);
}

static bool finish_coco(struct results *results, struct writer *writer, char *message)
{
    json_close(&writer->json);
    bool complete = json_finish(&writer->json);
    if (!result_commit_file(results, writer, message))
        return false;
    if (!complete)
        strcpy(message, "cannot be written: the output reported an error");
    return complete;
}

static void close_coco(struct writer *writer)
{
    struct coco *coco = writer->own;
    if (!coco)
        return;
    coco_ids_release(&coco->ids);
    free(coco->categories);
}

const struct writer_kind writer_of_coco = {
    .option = "--coco",
    .is_whole = true,
    .open = open_coco,
    .begin = begin_coco,
    .add = add_coco,
    .finish = finish_coco,
    .close = close_coco,
};
