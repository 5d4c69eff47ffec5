/* The detector: a stream whose epilogue decodes up to three maps and suppresses (suppression.c), and the checked
 * reading of what the device found. Decode as in Bochkovskiy et al., "YOLOv4", 2020: sigmoid xy + cell, exp(wh) *
 * anchor, objectness * best class. All candidates that there can be are handled. */
#include "detector.h"

#include <ghostvk/detector.h>

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "runtime/check/foresee.h"
#include "runtime/kernel/forms.h"
#include "runtime/stream/stream.h"
#include "suppression.h"

#define DEFAULT_CONFIDENCE 0.5f
#define DEFAULT_IOU        0.3f
#define DEFAULT_VERTICES   6u /* two triangles */
/* Five numbers beside the classes, of each anchor; graphs stop at 65536 channels. */
#define MOST_CLASSES 21840u
/* So that the words of overlaps (shaders/detection/overlap.comp) are counted in 32 bits. */
#define MOST_CANDIDATES (UINT32_MAX / 128)

static const struct gvk_layout layout_of_heads = GVK_LAYOUT(gvk_detector_heads, class_count, class_count);
static const struct gvk_layout layout_of_map = GVK_LAYOUT(gvk_detector_map, anchors, anchors);
const struct gvk_layout gvk_layout_of_detector_params = GVK_LAYOUT(gvk_detector_params, reserved, unclipped);
const struct gvk_layout gvk_layout_of_detection = GVK_LAYOUT(gvk_detection, candidate, candidate);
static const struct gvk_layout layout_of_boxes = GVK_LAYOUT(gvk_device_boxes, reserved, batch);

struct map {
    char *output; /* a copy */
    uint32_t stride;
    float anchors[2 * GVK_MAP_ANCHORS];
    char label[32]; /* of its decode */
};

struct detector {
    struct map maps[GVK_DETECTOR_MAPS];
    uint32_t map_count, classes;
    uint32_t vertices_per_box, max_detections; /* UINT32_MAX: all */
    float confidence, iou;
    bool unclipped;
    uint32_t width, height, batch;
    struct gvk_suppression suppression;
    gvk_detection *detections; /* of the last read, each as long as the caller's */
    size_t detection_size;     /* what there is room for */
    gvk_host host;
};

static const struct gvk_shape *shape_of(const struct map *map, const struct gvk_builder *builder)
{
    return &builder->program->shapes[gvk_graph_find_tensor(builder->graph, map->output)];
}

static uint32_t count_channels(const struct detector *detector)
{
    return GVK_MAP_ANCHORS * (5 + detector->classes);
}

/* In the result, of the first box. */
static size_t boxes_offset(const struct detector *detector)
{
    return GVK_RESULT_HEADER_BYTES + (size_t)detector->batch * GVK_RESULT_DRAW_BYTES;
}

/* Candidates of an item. */
static uint64_t count_cells(const struct detector *detector, const struct gvk_builder *builder)
{
    uint64_t cells = 0;
    for (uint32_t i = 0; i < detector->map_count; i++) {
        const struct gvk_shape *shape = shape_of(&detector->maps[i], builder);
        cells += (uint64_t)shape->width * shape->height;
    }
    return GVK_MAP_ANCHORS * cells;
}

static gvk_result check_map(const struct detector *detector, struct map *map, const struct gvk_builder *builder)
{
    gvk_tensor tensor = gvk_graph_find_tensor(builder->graph, map->output);
    if (!tensor || builder->graph->tensors[tensor].channels != count_channels(detector))
        return gvk_fail(builder->host, GVK_ERROR_ARGUMENT,
                        "The model has no map \"%s\" of 3 x (5 + %u) channels; it is not a detector's.", map->output,
                        detector->classes);
    const struct gvk_program *program = builder->program;
    const struct gvk_shape *shape = &program->shapes[tensor];
    if (map->stride && ((uint64_t)shape->width * map->stride != program->width ||
                        (uint64_t)shape->height * map->stride != program->height))
        return gvk_fail(builder->host, GVK_ERROR_ARGUMENT,
                        "The map \"%s\" is %ux%u for an input of %ux%u, which is not its stride of %u.", map->output,
                        shape->width, shape->height, program->width, program->height, map->stride);
    snprintf(map->label, sizeof map->label, "decode, stride %u", program->width / shape->width);
    return GVK_OK;
}

static gvk_result prepare(struct gvk_epilogue *epilogue, const struct gvk_builder *builder)
{
    struct detector *detector = epilogue->user;
    for (uint32_t i = 0; i < detector->map_count; i++) {
        gvk_result result = check_map(detector, &detector->maps[i], builder);
        if (result)
            return result;
    }
    detector->width = builder->program->width;
    detector->height = builder->program->height;
    detector->batch = builder->program->batch;
    uint64_t cells = count_cells(detector, builder), capacity = cells * detector->batch;
    if (cells > MOST_CANDIDATES || capacity > MOST_CANDIDATES)
        return gvk_fail(builder->host, GVK_ERROR_UNSUPPORTED,
                        "A frame of this size and batch has too many candidates.");
    detector->detections = gvk_allocate_array(&detector->host, (size_t)capacity, sizeof *detector->detections);
    if (!detector->detections)
        return gvk_fail_memory(builder->host);
    detector->detection_size = sizeof *detector->detections;
    epilogue->parameter_bytes =
        ((uint64_t)GVK_FRAME_PARAMETERS_FRONT + GVK_FRAME_PARAMETERS_ITEM * (uint64_t)detector->batch) * 16;
    epilogue->result_bytes = boxes_offset(detector) + capacity * GVK_CANDIDATE_BYTES;
    detector->suppression = (struct gvk_suppression){
        .capacity = (uint32_t)capacity,
        .item_capacity = (uint32_t)cells,
        .classes = detector->classes,
        .batch = detector->batch,
        .vertices = detector->vertices_per_box,
        .max_detections = detector->max_detections,
        .unclipped = detector->unclipped,
        .keeps_all = detector->iou >= 1.0f,
        .parameters = {.memory = GVK_MEMORY_PARAMETERS, .bytes = epilogue->parameter_bytes},
        .result = {.memory = GVK_MEMORY_RESULT, .bytes = epilogue->result_bytes},
    };
    /* Cleared in front of the network, where no barrier is needed for it. */
    gvk_result result = gvk_suppression_add_state(builder, &detector->suppression);
    struct gvk_command clear = {.kind = GVK_COMMAND_CLEAR, .label = "clear counters", .operand_count = 1};
    clear.operands[0] = gvk_bind(detector->suppression.state, GVK_BINDING_OUTPUT, GVK_WRITE);
    clear.operands[0].bytes = GVK_STATE_STARTS * 4;
    return result ? result : gvk_program_add_command(builder->program, &clear);
}

static gvk_result emit_decode(const struct detector *detector, const struct gvk_builder *builder)
{
    const struct gvk_suppression *steps = &detector->suppression;
    uint32_t row = 0;
    bool texels = gvk_reads_texels(builder->policy);
    for (uint32_t i = 0; i < detector->map_count; i++) {
        const struct map *map = &detector->maps[i];
        const struct gvk_shape *shape = shape_of(map, builder);
        gvk_tensor tensor = gvk_graph_find_tensor(builder->graph, map->output);
        struct gvk_command command = gvk_begin_step(map->label, texels ? GVK_SHADER_DECODE_TEXELS : GVK_SHADER_DECODE);
        command.turns = (5 + detector->classes) / 4 + 2;
        gvk_add_operand(&command, gvk_bind(steps->candidates, GVK_BINDING_OUTPUT, GVK_APPEND));
        gvk_add_operand(&command,
                        gvk_tensor_operand(builder->program, tensor,
                                           texels ? GVK_BINDING_SOURCE_TEXELS : GVK_BINDING_SOURCE, GVK_READ));
        gvk_add_operand(&command, gvk_bind(steps->state, GVK_BINDING_EXTRA, GVK_APPEND));
        gvk_add_operand(&command, gvk_bind(steps->parameters, GVK_BINDING_WEIGHTS, GVK_READ));
        struct gvk_decode_push push = {
            .source_item = builder->program->locations[tensor].item,
            .classes = detector->classes,
            .width = shape->width,
            .height = shape->height,
            .first_row = row,
            .batch = detector->batch,
        };
        for (int j = 0; j < 2 * GVK_MAP_ANCHORS; j++)
            push.anchors[j] = map->anchors[j] / (float)(j % 2 ? detector->height : detector->width);
        gvk_set_push(&command, &push, sizeof push);
        uint32_t cells = GVK_MAP_ANCHORS * shape->width * shape->height;
        gvk_result result =
            gvk_finish_dispatch(builder, &command, gvk_divide_up(cells, GVK_STEP_LANES), 1, detector->batch);
        if (result)
            return result;
        row += cells;
    }
    return GVK_OK;
}

static gvk_result emit(const struct gvk_epilogue *epilogue, const struct gvk_builder *builder)
{
    struct detector *detector = epilogue->user;
    gvk_result result = gvk_add_block(builder, gvk_candidate_list_bytes(detector->suppression.capacity),
                                      &detector->suppression.candidates);
    if (!result)
        result = emit_decode(detector, builder);
    return result ? result : gvk_emit_suppression(builder, &detector->suppression);
}

/* How boxes in [0, 1] of the input become pixels of the picture: (value - offset) * scale * side, clipped to what is
 * looked at (where they are clipped), from whose corner they are counted to the whole picture's. */
static void fill(const struct gvk_epilogue *epilogue, const struct gvk_picture_layout *pictures, uint32_t count,
                 void *parameters)
{
    const struct detector *detector = epilogue->user;
    float *out = parameters;
    memset(out, 0, (size_t)epilogue->parameter_bytes);
    out[0] = detector->confidence;
    out[1] = detector->iou;
    out += GVK_FRAME_PARAMETERS_FRONT * 4;
    for (uint32_t i = 0; i < count; i++, out += GVK_FRAME_PARAMETERS_ITEM * 4) {
        double scale[2] = {1, 1}, offset[2] = {0, 0};
        const double input[2] = {detector->width, detector->height};
        const double picture[2] = {pictures[i].width, pictures[i].height};
        const double corner[2] = {pictures[i].crop_x, pictures[i].crop_y};
        double factor = pictures[i].placement.scale;
        if (factor > 0) {
            for (int axis = 0; axis < 2; axis++) {
                /* The family rounds here, half to even, where the resize cuts off. */
                double size = nearbyint(picture[axis] * factor);
                if (size < 1)
                    size = 1;
                offset[axis] = (input[axis] - size) / 2 / input[axis];
                scale[axis] = input[axis] / size;
            }
        }
        for (int axis = 0; axis < 2; axis++) {
            out[axis] = (float)scale[axis];
            out[2 + axis] = (float)offset[axis];
            out[4 + axis] = (float)picture[axis];
            out[6 + axis] = (float)corner[axis];
        }
    }
}

/* For timing: every candidate passes the threshold; where the boxes lie in the picture does not matter. */
static void fill_longest(const struct gvk_epilogue *epilogue, void *parameters)
{
    const struct detector *detector = epilogue->user;
    float *out = parameters;
    memset(out, 0, (size_t)epilogue->parameter_bytes);
    out[0] = -1.0f;
    out[1] = detector->iou;
}

static void release(const gvk_host *host, void *user)
{
    struct detector *detector = user;
    for (uint32_t i = 0; i < detector->map_count; i++)
        gvk_release(host, detector->maps[i].output);
    gvk_release(host, detector->detections);
    gvk_release(host, detector);
}

static bool is_fraction(float value)
{
    return value >= 0.0f && value <= 1.0f; /* false for a not-a-number */
}

/* 0 is the default, what is negative zero. */
static float choose_threshold(float given, float by_default)
{
    return given == 0.0f ? by_default : given < 0.0f ? 0.0f : given;
}

static gvk_result take_map(struct detector *detector, const gvk_detector_map *map)
{
    struct map *own = &detector->maps[detector->map_count];
    if (!map->output)
        return gvk_fail(&detector->host, GVK_ERROR_ARGUMENT, "A detector's map names an output of the graph.");
    if (map->reserved)
        return gvk_fail(&detector->host, GVK_ERROR_ARGUMENT, "The reserved member of a detector's map is not 0.");
    for (int i = 0; i < 2 * GVK_MAP_ANCHORS; i++)
        if (!isfinite(map->anchors[i]) || !(map->anchors[i] > 0))
            return gvk_fail(&detector->host, GVK_ERROR_ARGUMENT, "An anchor's sides are finite and above zero.");
    own->output = gvk_copy_string(&detector->host, map->output);
    if (!own->output)
        return gvk_fail_memory(&detector->host);
    own->stride = map->stride;
    memcpy(own->anchors, map->anchors, sizeof own->anchors);
    detector->map_count++;
    return GVK_OK;
}

static gvk_result take_heads(struct detector *detector, const gvk_detector_heads *given)
{
    const gvk_host *host = &detector->host;
    gvk_detector_heads heads;
    gvk_result result = gvk_struct_read(host, &layout_of_heads, given, &heads);
    if (!result)
        result = gvk_element_size(host, &layout_of_map, heads.map_size, &heads.map_size);
    if (result)
        return result;
    if (!heads.maps || !heads.map_count || heads.map_count > GVK_DETECTOR_MAPS || !heads.class_count ||
        heads.class_count > MOST_CLASSES)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "A detector has 1 to %u maps and 1 to %u classes.", GVK_DETECTOR_MAPS,
                        MOST_CLASSES);
    detector->classes = heads.class_count;
    for (uint32_t i = 0; i < heads.map_count && !result; i++) {
        gvk_detector_map map;
        result = gvk_element_read(host, &layout_of_map, heads.maps, heads.map_size, i, &map);
        if (!result)
            result = take_map(detector, &map);
    }
    return result;
}

/* What follows behind the network, and the stream's params. Its user is whoever's takes the epilogue. */
static gvk_result make_epilogue(const gvk_host *host, const gvk_detector_heads *heads,
                                const gvk_detector_params *params, gvk_stream_params *stream, struct gvk_epilogue *out)
{
    gvk_detector_params used;
    gvk_result result = gvk_struct_read(host, &gvk_layout_of_detector_params, params, &used);
    if (!result)
        result = gvk_struct_read(host, &gvk_layout_of_stream_params, used.stream, stream);
    if (result)
        return result;
    struct detector *detector = gvk_allocate(host, sizeof *detector);
    if (!detector)
        return gvk_fail_memory(host);
    detector->host = *host;
    detector->confidence = choose_threshold(used.confidence, DEFAULT_CONFIDENCE);
    detector->iou = choose_threshold(used.iou, DEFAULT_IOU);
    detector->max_detections = used.max_detections ? used.max_detections : UINT32_MAX;
    detector->unclipped = used.unclipped != 0;
    detector->vertices_per_box = used.vertices_per_box ? used.vertices_per_box : DEFAULT_VERTICES;
    result = take_heads(detector, heads);
    if (!result && (!is_fraction(detector->confidence) || !is_fraction(detector->iou)))
        result = gvk_fail(host, GVK_ERROR_ARGUMENT, "Confidence and IoU threshold lie between 0 and 1.");
    if (!result && used.unclipped > 1)
        result = gvk_fail(host, GVK_ERROR_ARGUMENT, "A detector's boxes are clipped (0) or unclipped (1).");
    if (result) {
        release(host, detector);
        return result;
    }
    /* A device may treat smaller numbers as zero. Then scores of zero would pass there, which the host's check finds
     * too low. */
    if (detector->confidence < FLT_MIN)
        detector->confidence = 0.0f;
    *out = (struct gvk_epilogue){
        .stage = "decode",
        .user = detector,
        .prepare = prepare,
        .emit = emit,
        .fill = fill,
        .fill_longest = fill_longest,
        .release = release,
    };
    return GVK_OK;
}

gvk_result gvk_detector_create_for(gvk_model *model, const gvk_detector_heads *heads, const gvk_detector_params *params,
                                   gvk_stream **out)
{
    if (!model)
        return GVK_ERROR_ARGUMENT;
    const gvk_host *host = &model->device->host;
    if (!out)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "gvk_detector_create_for needs a place for the stream.");
    gvk_stream_params stream;
    struct gvk_epilogue epilogue;
    gvk_result result = make_epilogue(host, heads, params, &stream, &epilogue);
    return result ? result : gvk_stream_create_with_epilogue(model, &stream, &epilogue, out);
}

gvk_result gvk_detector_memory(gvk_device *device, const gvk_graph *graph, const gvk_model_params *model,
                               const gvk_detector_heads *heads, const gvk_detector_params *params,
                               const gvk_picture *likeness, size_t picture_size, gvk_memory *out)
{
    if (!device)
        return GVK_ERROR_ARGUMENT;
    gvk_stream_params stream;
    struct gvk_epilogue epilogue;
    gvk_result result = make_epilogue(&device->host, heads, params, &stream, &epilogue);
    return result ? result : gvk_memory_foresee(device, graph, model, &stream, &epilogue, likeness, picture_size, out);
}

/* A detection as the device may return it: of a class, item and row that there are, inside the largest picture where
 * boxes are clipped, and behind the one before it. What is not so came from a driver that computes wrongly, and would
 * be an index into the host's lists.
 */
static bool is_sound(const struct detector *detector, const gvk_detection *detection, const gvk_detection *before)
{
    const struct gvk_suppression *of = &detector->suppression;
    if (detection->class_id >= of->classes || detection->item >= of->batch || detection->candidate >= of->item_capacity)
        return false;
    /* A product of two probabilities, which a device may round up. */
    if (!(detection->score >= detector->confidence && detection->score <= 1.001f))
        return false;
    float least = detector->unclipped ? -GVK_FARTHEST : 0.0f, most = detector->unclipped ? GVK_FARTHEST : 65535.0f;
    for (int axis = 0; axis < 2; axis++)
        if (!(detection->box[axis] >= least && detection->box[axis] <= detection->box[axis + 2] &&
              detection->box[axis + 2] <= most))
            return false;
    if (!before || detection->item > before->item)
        return true;
    return detection->item == before->item &&
           (detection->score < before->score ||
            (detection->score == before->score && detection->candidate > before->candidate));
}

/* A host of a later release has longer detections than this one. */
static gvk_result make_room(struct detector *detector, size_t detection_size)
{
    if (detection_size <= detector->detection_size)
        return GVK_OK;
    gvk_detection *larger = gvk_allocate_array(&detector->host, detector->suppression.capacity, detection_size);
    if (!larger)
        return gvk_fail_memory(&detector->host);
    gvk_release(&detector->host, detector->detections);
    detector->detections = larger;
    detector->detection_size = detection_size;
    return GVK_OK;
}

static gvk_detection detection_at(const struct detector *detector, const void *result_bytes, uint32_t index)
{
    const char *from = (const char *)result_bytes + boxes_offset(detector) + (size_t)index * GVK_CANDIDATE_BYTES;
    gvk_detection detection;
    uint32_t key[4];
    memcpy(&detection.box, from, sizeof detection.box);
    memcpy(key, from + sizeof detection.box, sizeof key);
    memcpy(&detection.score, &key[0], 4);
    detection.class_id = key[1];
    detection.item = key[2];
    detection.candidate = key[3];
    return detection;
}

/* Whether each item's draw is of the item's boxes, of which there are `count` in all. */
static bool are_draws_sound(const struct detector *detector, const void *result_bytes, uint32_t count)
{
    uint32_t first = 0;
    for (uint32_t item = 0; item < detector->batch; item++) {
        uint32_t end = first;
        while (end < count && detection_at(detector, result_bytes, end).item == item)
            end++;
        uint32_t drawn = end - first < detector->max_detections ? end - first : detector->max_detections;
        const VkDrawIndirectCommand right = {
            .vertexCount = detector->vertices_per_box, .instanceCount = drawn, .firstInstance = first};
        const char *draw = (const char *)result_bytes + GVK_RESULT_HEADER_BYTES + (size_t)item * GVK_RESULT_DRAW_BYTES;
        if (memcmp(draw, &right, sizeof right) != 0)
            return false;
        first = end;
    }
    return true;
}

static gvk_result read_result(struct detector *detector, const void *result_bytes, size_t detection_size,
                              const gvk_detection **out, uint32_t *count)
{
    const struct gvk_suppression *of = &detector->suppression;
    uint32_t header[4];
    memcpy(header, result_bytes, sizeof header);
    if (header[2])
        return gvk_fail(&detector->host, GVK_ERROR_NUMBER,
                        "The network's maps hold an infinity or a not-a-number; there are no boxes to trust.");
    if (header[1] > of->capacity || header[0] > header[1])
        return gvk_fail(&detector->host, GVK_ERROR_DRIVER, "The device returned more detections than there can be.");
    uint32_t kept = 0, of_item = 0;
    gvk_detection before = {.item = 0};
    for (uint32_t i = 0; i < header[0]; i++) {
        const gvk_detection detection = detection_at(detector, result_bytes, i);
        if (!is_sound(detector, &detection, i ? &before : NULL))
            return gvk_fail(
                &detector->host, GVK_ERROR_DRIVER,
                "The device returned a box that cannot be: number %u of %u, of class %u, item %u, candidate "
                "%u, score %g, at %g %g %g %g.",
                i + 1, header[0], detection.class_id, detection.item, detection.candidate, (double)detection.score,
                (double)detection.box[0], (double)detection.box[1], (double)detection.box[2], (double)detection.box[3]);
        of_item = i && detection.item == before.item ? of_item + 1 : 0;
        before = detection;
        if (of_item < detector->max_detections)
            gvk_element_write(&gvk_layout_of_detection, &detection, detector->detections, detection_size, kept++);
    }
    if (!are_draws_sound(detector, result_bytes, header[0]))
        return gvk_fail(&detector->host, GVK_ERROR_DRIVER, "The device returned draws that are not of its boxes.");
    *out = detector->detections;
    *count = kept;
    return GVK_OK;
}

gvk_result gvk_detector_read(gvk_stream *stream, gvk_ticket ticket, const gvk_detection **out, size_t detection_size,
                             uint32_t *count)
{
    if (!stream)
        return GVK_ERROR_ARGUMENT;
    const gvk_host *host = gvk_stream_host(stream);
    struct detector *detector = gvk_stream_epilogue_user(stream, emit);
    if (!detector || !out || !count)
        return gvk_fail(host, GVK_ERROR_ARGUMENT,
                        "gvk_detector_read needs a detector's stream and places for the result.");
    const void *result_bytes;
    gvk_result result = gvk_element_size(host, &gvk_layout_of_detection, detection_size, &detection_size);
    if (!result)
        result = gvk_stream_result(stream, ticket, &result_bytes);
    if (!result)
        result = make_room(detector, detection_size);
    return result ? result : read_result(detector, result_bytes, detection_size, out, count);
}

gvk_result gvk_detector_boxes(gvk_stream *stream, gvk_ticket ticket, gvk_device_boxes *out)
{
    if (!stream)
        return GVK_ERROR_ARGUMENT;
    const gvk_host *host = gvk_stream_host(stream);
    const struct detector *detector = gvk_stream_epilogue_user(stream, emit);
    if (!detector || !out)
        return gvk_fail(host, GVK_ERROR_ARGUMENT,
                        "gvk_detector_boxes needs a detector's stream and a place for what is known of its boxes.");
    gvk_device_boxes made = {
        .draws = GVK_RESULT_HEADER_BYTES,
        .boxes = boxes_offset(detector),
        .draw_stride = GVK_RESULT_DRAW_BYTES,
        .capacity = detector->suppression.capacity,
        .batch = detector->batch,
    };
    size_t size;
    gvk_result result = gvk_element_size(host, &layout_of_boxes, out->size, &size);
    if (!result)
        result = gvk_stream_result_buffer(stream, ticket, &made.buffer);
    if (!result)
        gvk_struct_write(&layout_of_boxes, &made, out);
    return result;
}
