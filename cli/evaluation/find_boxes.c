/* See find_boxes.h. */
#include "find_boxes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/files/not_finite.h"
#include "cli/pictures/image_io.h"
#include "cli/pictures/picture_fit.h"
#include "cli/pipeline/progress.h"

#define MAPS        3
#define MAP_ANCHORS 3

/* The network's raw maps of one frame, in the order that candidates are counted in. */
struct maps {
    gvk_array maps[MAPS];
    float *values[MAPS]; /* copied: what is read lives until the stream's next call */
    uint64_t bytes[MAPS];
};

struct search {
    struct program *program;
    const struct search_choice *choice;
    const gvk_network_info *info;
    gvk_device *device;
    gvk_model *weights;
    gvk_stream *stream;
    struct picture_fit fit;
    struct maps maps;
};

static const char *const map_names[MAPS] = {"stride32", "stride16", "stride8"};

static int read_maps(const struct search *search, gvk_ticket ticket, struct maps *maps)
{
    for (int index = 0; index < MAPS; index++) {
        gvk_array *map = &maps->maps[index];
        gvk_result result = gvk_stream_read(search->stream, ticket, map_names[index], map);
        if (result)
            return report_failure(search->program, NULL, result);
        if (maps->bytes[index] != map->bytes) {
            free(maps->values[index]);
            maps->values[index] = malloc((size_t)map->bytes);
            maps->bytes[index] = map->bytes;
        }
        if (!maps->values[index])
            return refuse_memory();
        memcpy(maps->values[index], map->data, (size_t)map->bytes);
    }
    return OUTCOME_DONE;
}

static float sigmoid(float value)
{
    return 1.0f / (1.0f + expf(-value));
}

/* The box of a candidate where the picture does not cut it off, by the formulas of detector.h, in the picture's pixels.
 * The family's protocol counts what reaches beyond a picture, too. */
static struct box whole_box(const struct search *search, const gvk_array *map, const float *values, uint32_t row,
                            uint32_t anchor_row, uint32_t width, uint32_t height)
{
    uint32_t columns = (uint32_t)map->shape[3], rows = (uint32_t)map->shape[2], cells = columns * rows;
    uint32_t anchor = row / cells, cell = row % cells, channels = (uint32_t)map->shape[1] / MAP_ANCHORS;
    const float *value = values + (size_t)anchor * channels * cells + cell;
    const float *sides = search->info->anchors + 2 * (anchor_row + anchor);
    float input[2] = {(float)search->fit.width, (float)search->fit.height};
    float middle[2] = {(sigmoid(value[0]) + (float)(cell % columns)) / (float)columns,
                       (sigmoid(value[cells]) + (float)(cell / columns)) / (float)rows};
    float size[2] = {expf(value[2 * (size_t)cells]) * sides[0] / input[0],
                     expf(value[3 * (size_t)cells]) * sides[1] / input[1]};
    double picture[2] = {width, height}, corners[4];
    double factor = fmin((double)input[0] / width, (double)input[1] / height);
    for (int axis = 0; axis < 2; axis++) {
        double scale = 1, offset = 0;
        if (search->fit.letterbox) {
            double used = fmax(nearbyint(picture[axis] * factor), 1);
            offset = ((double)input[axis] - used) / 2 / (double)input[axis];
            scale = (double)input[axis] / used;
        }
        double at = ((double)middle[axis] - offset) * scale, half = (double)size[axis] * scale / 2;
        corners[axis] = (at - half) * picture[axis];
        corners[2 + axis] = (at + half) * picture[axis];
    }
    return box_of_corners(corners[0], corners[1], corners[2], corners[3]);
}

static bool add_boxes(const struct search *search, uint32_t picture, const struct image *image,
                      const gvk_detection *detections, uint32_t count, const struct maps *maps, struct found_list *out)
{
    for (uint32_t index = 0; index < count; index++) {
        const gvk_detection *detection = &detections[index];
        const float *corners = detection->box;
        struct found_box *found = found_add(out);
        if (!found)
            return false;
        *found =
            (struct found_box){.picture = picture, .class_id = detection->class_id, .score = (double)detection->score};
        found->box = box_of_corners((double)corners[0], (double)corners[1], (double)corners[2], (double)corners[3]);
        uint32_t row = detection->candidate, anchor = GVK_ANCHORS - MAP_ANCHORS;
        for (int map = 0; map < MAPS; map++, anchor -= MAP_ANCHORS) {
            uint32_t rows = MAP_ANCHORS * (uint32_t)(maps->maps[map].shape[2] * maps->maps[map].shape[3]);
            if (row < rows) {
                found->box =
                    whole_box(search, &maps->maps[map], maps->values[map], row, anchor, image->width, image->height);
                break;
            }
            row -= rows;
        }
    }
    return true;
}

/* OUTCOME_DONE also when the picture failed but others may be tried. */
static int search_picture(struct search *search, const struct dataset *dataset, uint32_t index, struct found_list *out,
                          size_t *failed)
{
    const char *path = dataset->pictures[index].path;
    const struct image_choice reading = {
        .ignore_orientation = search->choice->ignore_orientation, .accept = picture_fits, .user = &search->fit};
    struct image image = {0};
    char message[512];
    gvk_detection *copy = NULL;
    if (!image_read(path, &reading, &image, message, sizeof message)) {
        say("%s: %s", path, message);
        (*failed)++;
        return OUTCOME_DONE;
    }
    gvk_picture picture = {.size = sizeof picture,
                           .kind = GVK_PICTURE_PIXELS,
                           .format = GVK_PIXELS_RGB8,
                           .width = image.width,
                           .height = image.height,
                           .pixels = image.pixels,
                           .letterbox = search->fit.letterbox};
    gvk_ticket ticket = 0;
    const gvk_detection *detections = NULL;
    uint32_t count = 0;
    int outcome = OUTCOME_DONE;
    gvk_result result = gvk_stream_submit(search->stream, &picture, sizeof(gvk_picture), 1, &ticket);
    if (!result)
        result = gvk_stream_wait(search->stream, ticket, UINT64_MAX);
    if (!result)
        result = gvk_detector_read(search->stream, ticket, &detections, sizeof(gvk_detection), &count);
    if (result == GVK_ERROR_NUMBER)
        explain_not_finite(search->program, search->weights, &picture, 1, search->fit.width, search->fit.height);
    if (result) {
        outcome = report_failure(search->program, path, result);
        (*failed)++;
        outcome = outcome == OUTCOME_DEVICE_FAILED ? outcome : OUTCOME_DONE;
        goto done;
    }
    copy = malloc((count ? count : 1) * sizeof *copy); /* they live until the stream's next call */
    if (copy && count)
        memcpy(copy, detections, count * sizeof *copy);
    outcome = copy ? read_maps(search, ticket, &search->maps) : refuse_memory();
    if (outcome == OUTCOME_DONE && !add_boxes(search, index, &image, copy, count, &search->maps, out))
        outcome = refuse_memory();
done:
    free(copy);
    image_release(&image);
    return outcome;
}

static int search_all(struct search *search, const struct dataset *dataset, struct found_list *out, size_t *failed)
{
    int outcome = OUTCOME_DONE;
    uint64_t missing = 0;
    if (!search->choice->quiet && progress_begin(false)) /* the table comes behind the last picture */
        progress_set_total(dataset->picture_count);
    for (uint32_t index = 0; index < dataset->picture_count && outcome == OUTCOME_DONE; index++) {
        if (dataset->pictures[index].path)
            outcome = search_picture(search, dataset, index, out, failed);
        else
            missing++;
        progress_show(index + 1 - missing, missing, *failed);
    }
    progress_end();
    return outcome;
}

int find_boxes(struct program *program, const struct search_choice *choice, const struct model_file *model,
               const struct dataset *dataset, struct found_list *out, char *device_name, size_t device_name_size,
               size_t *failed)
{
    struct search search = {.program = program, .choice = choice, .info = &model->info};
    *failed = 0;
    int outcome = open_device(program, &choice->device, &search.device);
    if (outcome != OUTCOME_DONE)
        return outcome;
    gvk_device_info device = {.size = sizeof device};
    gvk_device_describe(search.device, &device);
    snprintf(device_name, device_name_size, "%s", device.name);
    bool has_size = choice->size.width != 0;
    search.fit = (struct picture_fit){.program = program,
                                      .device = search.device,
                                      .width = has_size ? choice->size.width : model->info.input_width,
                                      .height = has_size ? choice->size.height : model->info.input_height,
                                      .letterbox = choice->letterbox_given ? choice->letterbox : model->info.letterbox};
    gvk_model_params weights = {
        .size = sizeof weights, .precision = choice->precision, .width = search.fit.width, .height = search.fit.height};
    gvk_stream_params stream = {.size = sizeof stream,
                                .width = search.fit.width,
                                .height = search.fit.height,
                                .kept_tensors = map_names,
                                .kept_count = MAPS};
    gvk_detector_params params = {
        .size = sizeof params, .stream = &stream, .confidence = choice->confidence, .iou = choice->iou};
    gvk_result result = gvk_model_create(search.device, gvk_network_graph(model->network), &weights, &search.weights);
    if (!result)
        result = gvk_detector_create(search.weights, model->network, &params, &search.stream);
    if (result)
        outcome = report_failure(program, NULL, result);
    else
        outcome = search_all(&search, dataset, out, failed);
    for (int index = 0; index < MAPS; index++)
        free(search.maps.values[index]);
    gvk_stream_destroy(search.stream);
    gvk_model_destroy(search.weights);
    gvk_device_destroy(search.device);
    return outcome;
}
