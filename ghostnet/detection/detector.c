/* The detector: a stream whose tail decodes the three maps and suppresses (suppression.c), and the checked reading of
 * what the device found. Decode as in Bochkovskiy et al., "YOLOv4", 2020: sigmoid xy + cell, exp(wh) * anchor,
 * objectness * best class. All candidates that there can be are handled. */
#include "detector.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "runtime/stream/intake.h"
#include "suppression.h"

#define MAPS 3
/* So that the words of overlaps (shaders/overlap.comp) are counted in 32 bits. */
#define MOST_CANDIDATES (UINT32_MAX / 128)

struct detector {
    struct gvk_detector_setup setup;
    uint32_t width, height, batch;
    struct gvk_suppression suppression;
    gvk_detection *detections; /* of the last read */
    gvk_host host;
};

/* Candidates of an item. */
static uint64_t count_cells(const struct detector *detector, const struct gvk_builder *builder)
{
    uint64_t cells = 0;
    for (int i = 0; i < MAPS; i++) {
        gvk_tensor map = gvk_graph_find_tensor(builder->graph, detector->setup.maps[i]);
        cells += (uint64_t)builder->program->shapes[map].width * builder->program->shapes[map].height;
    }
    return 3 * cells;
}

static gvk_result prepare(struct gvk_tail *tail, const struct gvk_builder *builder)
{
    struct detector *detector = tail->user;
    for (int i = 0; i < MAPS; i++) {
        gvk_tensor map = gvk_graph_find_tensor(builder->graph, detector->setup.maps[i]);
        if (!map || builder->graph->tensors[map].channels != 3 * (5 + detector->setup.classes))
            return gvk_fail(builder->host, GVK_ERROR_ARGUMENT,
                            "The model has no map \"%s\" of 3 x (5 + %u) channels; it is not a detector's.",
                            detector->setup.maps[i], detector->setup.classes);
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
    tail->parameter_bytes =
        ((uint64_t)GVK_FRAME_PARAMETERS_FRONT + GVK_FRAME_PARAMETERS_ITEM * (uint64_t)detector->batch) * 16;
    tail->result_bytes = GVK_RESULT_HEADER_BYTES + capacity * GVK_CANDIDATE_BYTES;
    detector->suppression = (struct gvk_suppression){
        .capacity = (uint32_t)capacity,
        .item_capacity = (uint32_t)cells,
        .classes = detector->setup.classes,
        .batch = detector->batch,
        .keeps_all = detector->setup.iou >= 1.0f,
        .parameters = {.place = GVK_PLACE_PARAMETERS, .bytes = tail->parameter_bytes},
        .result = {.place = GVK_PLACE_RESULT, .bytes = tail->result_bytes},
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
    static const char *const labels[MAPS] = {"decode, stride 32", "decode, stride 16", "decode, stride 8"};
    const struct gvk_suppression *steps = &detector->suppression;
    uint32_t row = 0;
    bool texels = gvk_reads_texels(builder->traits);
    for (int i = 0; i < MAPS; i++) {
        gvk_tensor map = gvk_graph_find_tensor(builder->graph, detector->setup.maps[i]);
        const struct gvk_shape *shape = &builder->program->shapes[map];
        struct gvk_command command = gvk_begin_step(labels[i], texels ? GVK_SHADER_DECODE_TEXELS : GVK_SHADER_DECODE);
        command.turns = (5 + detector->setup.classes) / 4 + 2;
        gvk_add_operand(&command, gvk_bind(steps->candidates, GVK_BINDING_OUTPUT, GVK_APPEND));
        gvk_add_operand(&command,
                        gvk_tensor_operand(builder->program, map,
                                           texels ? GVK_BINDING_SOURCE_TEXELS : GVK_BINDING_SOURCE, GVK_READ));
        gvk_add_operand(&command, gvk_bind(steps->state, GVK_BINDING_EXTRA, GVK_APPEND));
        gvk_add_operand(&command, gvk_bind(steps->parameters, GVK_BINDING_WEIGHTS, GVK_READ));
        struct gvk_decode_push push = {
            .source_item = builder->program->places[map].item,
            .classes = detector->setup.classes,
            .width = shape->width,
            .height = shape->height,
            .first_row = row,
            .batch = detector->batch,
        };
        /* The coarsest map has the largest anchors. */
        const float *anchors = detector->setup.anchors + (size_t)(MAPS - 1 - i) * 6;
        for (int j = 0; j < 6; j++)
            push.anchors[j] = anchors[j] / (float)(j % 2 ? detector->height : detector->width);
        gvk_set_push(&command, &push, sizeof push);
        uint32_t cells = 3 * shape->width * shape->height;
        gvk_result result =
            gvk_finish_dispatch(builder, &command, gvk_divide_up(cells, GVK_STEP_LANES), 1, detector->batch);
        if (result)
            return result;
        row += cells;
    }
    return GVK_OK;
}

static gvk_result emit(const struct gvk_tail *tail, const struct gvk_builder *builder)
{
    struct detector *detector = tail->user;
    gvk_result result = gvk_add_block(builder, gvk_candidate_list_bytes(detector->suppression.capacity),
                                      &detector->suppression.candidates);
    if (!result)
        result = emit_decode(detector, builder);
    return result ? result : gvk_emit_suppression(builder, &detector->suppression);
}

/* How boxes in [0, 1] of the input become pixels of the picture: (value - offset) * scale * side. */
static void fill(const struct gvk_tail *tail, const struct gvk_picture_layout *pictures, uint32_t count,
                 void *parameters)
{
    const struct detector *detector = tail->user;
    float *out = parameters;
    memset(out, 0, (size_t)tail->parameter_bytes);
    out[0] = detector->setup.confidence;
    out[1] = detector->setup.iou;
    out += GVK_FRAME_PARAMETERS_FRONT * 4;
    for (uint32_t i = 0; i < count; i++, out += GVK_FRAME_PARAMETERS_ITEM * 4) {
        double scale[2] = {1, 1}, offset[2] = {0, 0};
        const double input[2] = {detector->width, detector->height};
        const double picture[2] = {pictures[i].width, pictures[i].height};
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
        }
    }
}

/* Every candidate passes; where boxes go does not matter. */
static void fill_longest(const struct gvk_tail *tail, void *parameters)
{
    const struct detector *detector = tail->user;
    float *out = parameters;
    memset(out, 0, (size_t)tail->parameter_bytes);
    out[0] = -1.0f;
    out[1] = detector->setup.iou;
}

static void release(const gvk_host *host, void *user)
{
    struct detector *detector = user;
    gvk_release(host, detector->detections);
    gvk_release(host, detector);
}

gvk_result gvk_detector_create_for(gvk_model *model, const gvk_stream_params *params,
                                   const struct gvk_detector_setup *setup, gvk_stream **out)
{
    const gvk_host *host = &model->device->host;
    struct detector *detector = gvk_allocate(host, sizeof *detector);
    if (!detector)
        return gvk_fail_memory(host);
    detector->setup = *setup;
    /* A device may take what is smaller for zero, and scores of zero would pass that the host finds too low. */
    if (setup->confidence < FLT_MIN)
        detector->setup.confidence = 0.0f;
    detector->host = *host;
    struct gvk_tail tail = {
        .stage = "decode",
        .user = detector,
        .prepare = prepare,
        .emit = emit,
        .fill = fill,
        .fill_longest = fill_longest,
        .release = release,
    };
    return gvk_stream_create_with_tail(model, params, &tail, out);
}

static bool is_fraction(float value)
{
    return value >= 0.0f && value <= 1.0f; /* false for a not-a-number */
}

gvk_result gvk_detector_create(gvk_model *model, const gvk_network *network, const gvk_detector_params *params,
                               gvk_stream **out)
{
    if (!model)
        return GVK_ERROR_ARGUMENT;
    const gvk_host *host = &model->device->host;
    if (!network || !out)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "gvk_detector_create needs the network and a place for the stream.");
    gvk_network_info info;
    gvk_network_describe(network, &info);
    if (info.kind != GVK_NETWORK_DETECTOR)
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "This network is a classifier; it finds no boxes.");
    gvk_detector_params used = {.size = sizeof used};
    if (params)
        used = *params;
    struct gvk_detector_setup setup = {
        .maps = {"stride32", "stride16", "stride8"},
        .classes = info.class_count,
        .confidence = used.confidence == 0.0f  ? info.confidence
                      : used.confidence < 0.0f ? 0.0f
                                               : used.confidence,
        .iou = used.iou == 0.0f  ? info.iou
               : used.iou < 0.0f ? 0.0f
                                 : used.iou,
        .max_detections = used.max_detections,
    };
    memcpy(setup.anchors, info.anchors, sizeof setup.anchors);
    if (!is_fraction(setup.confidence) || !is_fraction(setup.iou))
        return gvk_fail(host, GVK_ERROR_ARGUMENT, "Confidence and IoU threshold lie between 0 and 1.");
    if (!used.stream.width && !used.stream.height) {
        used.stream.width = info.input_width;
        used.stream.height = info.input_height;
    }
    return gvk_detector_create_for(model, &used.stream, &setup, out);
}

/* A detection as the device may return it: of a class, item and row that there are, inside the largest picture, and
 * behind the one before it. What is not so came from a driver that computes wrongly, and would be an index into the
 * host's lists.
 */
static bool is_sound(const struct detector *detector, const gvk_detection *detection, const gvk_detection *before)
{
    const struct gvk_suppression *of = &detector->suppression;
    if (detection->class_id >= of->classes || detection->item >= of->batch || detection->candidate >= of->item_capacity)
        return false;
    /* A product of two probabilities, which a device may round up. */
    if (!(detection->score >= detector->setup.confidence && detection->score <= 1.001f))
        return false;
    for (int axis = 0; axis < 2; axis++)
        if (!(detection->box[axis] >= 0.0f && detection->box[axis] <= detection->box[axis + 2] &&
              detection->box[axis + 2] <= 65535.0f))
            return false;
    if (!before || detection->item > before->item)
        return true;
    return detection->item == before->item &&
           (detection->score < before->score ||
            (detection->score == before->score && detection->candidate > before->candidate));
}

static gvk_result read_result(struct detector *detector, const void *result_bytes, const gvk_detection **out,
                              uint32_t *count)
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
        gvk_detection detection;
        const char *from = (const char *)result_bytes + GVK_RESULT_HEADER_BYTES + (size_t)i * GVK_CANDIDATE_BYTES;
        uint32_t key[4];
        memcpy(&detection.box, from, sizeof detection.box);
        memcpy(key, from + sizeof detection.box, sizeof key);
        memcpy(&detection.score, &key[0], 4);
        detection.class_id = key[1];
        detection.item = key[2];
        detection.candidate = key[3];
        if (!is_sound(detector, &detection, i ? &before : NULL))
            return gvk_fail(
                &detector->host, GVK_ERROR_DRIVER,
                "The device returned a box that cannot be: number %u of %u, of class %u, item %u, candidate "
                "%u, score %g, at %g %g %g %g.",
                i + 1, header[0], detection.class_id, detection.item, detection.candidate, (double)detection.score,
                (double)detection.box[0], (double)detection.box[1], (double)detection.box[2], (double)detection.box[3]);
        of_item = i && detection.item == before.item ? of_item + 1 : 0;
        before = detection;
        if (!detector->setup.max_detections || of_item < detector->setup.max_detections)
            detector->detections[kept++] = detection;
    }
    *out = detector->detections;
    *count = kept;
    return GVK_OK;
}

gvk_result gvk_detector_read(gvk_stream *stream, gvk_ticket ticket, const gvk_detection **out, uint32_t *count)
{
    if (!stream)
        return GVK_ERROR_ARGUMENT;
    const gvk_host *host = gvk_stream_host(stream);
    struct detector *detector = gvk_stream_tail_user(stream, emit);
    if (!detector || !out || !count)
        return gvk_fail(host, GVK_ERROR_ARGUMENT,
                        "gvk_detector_read needs a detector's stream and places for the result.");
    const void *result_bytes;
    gvk_result result = gvk_stream_result(stream, ticket, &result_bytes);
    if (result)
        return result;
    return read_result(detector, result_bytes, out, count);
}
