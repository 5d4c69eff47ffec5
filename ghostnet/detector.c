/* The detector: a stream whose tail decodes the three maps, ranks the candidates, suppresses and collects.
 * Called by hosts through ghostnet.h. Decode as in Bochkovskiy et al., "YOLOv4", 2020: sigmoid xy + cell,
 * exp(wh) * anchor, objectness * best class. All candidates that there can be are handled. */
#include "detector.h"

#include <math.h>
#include <string.h>

#include "../runtime/kernel/kernel.h"
#include "../runtime/resize.h"

#define MAPS          3
#define LOCAL_SIZE    64
#define CANDIDATE     32u /* bytes */
#define RESULT_HEADER 16u

struct detector {
    struct gvk_detector_setup setup;
    uint32_t width, height, batch;
    uint64_t capacity;           /* candidates that there can be */
    struct gvk_operand counters; /* that decode counts with */
    gvk_detection *detections;   /* of the last read */
    gvk_host host;
};

static uint64_t capacity_of(const struct detector *detector, const struct gvk_builder *builder)
{
    uint64_t cells = 0;
    for (int i = 0; i < MAPS; i++) {
        gvk_tensor map = gvk_graph_find_tensor(builder->graph, detector->setup.maps[i]);
        cells += (uint64_t)builder->program->shapes[map].width * builder->program->shapes[map].height;
    }
    return 3 * cells * builder->program->batch;
}

static struct gvk_operand as(struct gvk_operand operand, uint32_t binding, enum gvk_access access)
{
    operand.binding = binding;
    operand.access = access;
    return operand;
}

static gvk_result add_block(const struct gvk_builder *builder, uint64_t bytes, struct gvk_operand *out)
{
    *out = (struct gvk_operand){.place = GVK_PLACE_ARENA, .bytes = bytes};
    return gvk_program_add_block(builder->program, bytes, &out->block);
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
    detector->capacity = capacity_of(detector, builder);
    if (detector->capacity > UINT32_MAX / 8)
        return gvk_fail(builder->host, GVK_ERROR_UNSUPPORTED,
                        "A frame of this size and batch has too many candidates.");
    detector->detections =
        gvk_allocate_array(&detector->host, (size_t)detector->capacity, sizeof *detector->detections);
    if (!detector->detections)
        return gvk_fail_memory(builder->host);
    /* Cleared in front of the network, where no barrier is needed for it. */
    gvk_result result = add_block(builder, (GVK_FIRST_FLAG + detector->capacity) * 4, &detector->counters);
    struct gvk_command clear = {.kind = GVK_COMMAND_CLEAR, .label = "clear counters", .operand_count = 1};
    clear.operands[0] = as(detector->counters, GVK_BINDING_OUTPUT, GVK_WRITE);
    clear.operands[0].bytes = GVK_FIRST_FLAG * 4;
    if (!result)
        result = gvk_program_add_command(builder->program, &clear);
    if (result)
        return result;
    tail->parameter_bytes =
        ((uint64_t)GVK_FRAME_PARAMETERS_FRONT + GVK_FRAME_PARAMETERS_ITEM * (uint64_t)detector->batch) * 16;
    tail->result_bytes = RESULT_HEADER + detector->capacity * CANDIDATE;
    return GVK_OK;
}

/* The blocks that the commands of the tail share. */
struct blocks {
    struct gvk_operand candidates, ranked, counters, parameters, result;
};

static struct gvk_command begin(const char *label, enum gvk_shader shader)
{
    struct gvk_command command = {.kind = GVK_COMMAND_DISPATCH, .label = label, .key = {.shader = shader}};
    command.key.constants[GVK_CONSTANT_LOCAL_SIZE] = LOCAL_SIZE;
    return command;
}

static gvk_result emit_decode(const struct detector *detector, const struct gvk_builder *builder,
                              const struct blocks *blocks)
{
    static const char *const labels[MAPS] = {"decode, stride 32", "decode, stride 16", "decode, stride 8"};
    uint32_t row = 0;
    bool texels = gvk_reads_texels(builder->traits);
    for (int i = 0; i < MAPS; i++) {
        gvk_tensor map = gvk_graph_find_tensor(builder->graph, detector->setup.maps[i]);
        const struct gvk_shape *shape = &builder->program->shapes[map];
        struct gvk_command command = begin(labels[i], texels ? GVK_SHADER_DECODE_TEXELS : GVK_SHADER_DECODE);
        gvk_add_operand(&command, as(blocks->candidates, GVK_BINDING_OUTPUT, GVK_APPEND));
        gvk_add_operand(&command,
                        gvk_tensor_operand(builder->program, map,
                                           texels ? GVK_BINDING_SOURCE_TEXELS : GVK_BINDING_SOURCE, GVK_READ));
        gvk_add_operand(&command, as(blocks->counters, GVK_BINDING_EXTRA, GVK_APPEND));
        gvk_add_operand(&command, as(blocks->parameters, GVK_BINDING_WEIGHTS, GVK_READ));
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
            gvk_finish_dispatch(builder, &command, gvk_divide_up(cells, LOCAL_SIZE), 1, detector->batch);
        if (result)
            return result;
        row += cells;
    }
    return GVK_OK;
}

static gvk_result emit_ranked(const struct detector *detector, const struct gvk_builder *builder,
                              const struct blocks *blocks)
{
    struct gvk_suppress_push push = {.capacity = (uint32_t)detector->capacity, .classes = detector->setup.classes};
    uint32_t groups = gvk_divide_up((uint32_t)detector->capacity, LOCAL_SIZE);

    struct gvk_command rank = begin("rank candidates", GVK_SHADER_RANK);
    gvk_add_operand(&rank, as(blocks->ranked, GVK_BINDING_OUTPUT, GVK_WRITE));
    gvk_add_operand(&rank, as(blocks->candidates, GVK_BINDING_SOURCE, GVK_READ));
    gvk_add_operand(&rank, as(blocks->counters, GVK_BINDING_EXTRA, GVK_READ));
    gvk_set_push(&rank, &push, sizeof push);
    gvk_result result = gvk_finish_dispatch(builder, &rank, groups, 1, 1);
    if (result)
        return result;

    struct gvk_command suppress = begin("suppress", GVK_SHADER_SUPPRESS);
    gvk_add_operand(&suppress, as(blocks->counters, GVK_BINDING_OUTPUT, GVK_READ_WRITE));
    gvk_add_operand(&suppress, as(blocks->ranked, GVK_BINDING_SOURCE, GVK_READ));
    gvk_add_operand(&suppress, as(blocks->parameters, GVK_BINDING_WEIGHTS, GVK_READ));
    gvk_set_push(&suppress, &push, sizeof push);
    result = gvk_finish_dispatch(builder, &suppress, detector->setup.classes, detector->batch, 1);
    if (result)
        return result;

    struct gvk_command collect = begin("collect detections", GVK_SHADER_COLLECT);
    gvk_add_operand(&collect, as(blocks->result, GVK_BINDING_OUTPUT, GVK_WRITE));
    gvk_add_operand(&collect, as(blocks->ranked, GVK_BINDING_SOURCE, GVK_READ));
    gvk_add_operand(&collect, as(blocks->counters, GVK_BINDING_EXTRA, GVK_READ));
    gvk_add_operand(&collect, as(blocks->parameters, GVK_BINDING_WEIGHTS, GVK_READ));
    gvk_set_push(&collect, &push, sizeof push);
    return gvk_finish_dispatch(builder, &collect, groups, 1, 1);
}

static gvk_result emit(const struct gvk_tail *tail, const struct gvk_builder *builder)
{
    const struct detector *detector = tail->user;
    struct blocks blocks = {
        .parameters = {.place = GVK_PLACE_PARAMETERS, .bytes = tail->parameter_bytes},
        .result = {.place = GVK_PLACE_RESULT, .bytes = tail->result_bytes},
        .counters = detector->counters,
    };
    gvk_result result = add_block(builder, detector->capacity * CANDIDATE, &blocks.candidates);
    if (!result)
        result = add_block(builder, detector->capacity * CANDIDATE, &blocks.ranked);
    if (!result)
        result = emit_decode(detector, builder, &blocks);
    return result ? result : emit_ranked(detector, builder, &blocks);
}

/* How boxes in [0, 1] of the input become pixels of the picture: (value - offset) * scale * side. */
static void fill(const struct gvk_tail *tail, const gvk_picture *pictures, uint32_t count, void *parameters)
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
        if (pictures[i].letterbox && pictures[i].kind == GVK_PICTURE_PIXELS) {
            double factor = fmin(input[0] / picture[0], input[1] / picture[1]);
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
    detector->host = *host;
    struct gvk_tail tail = {
        .stage = "decode",
        .user = detector,
        .prepare = prepare,
        .emit = emit,
        .fill = fill,
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
    uint32_t header[4];
    memcpy(header, result_bytes, sizeof header);
    if (header[2])
        return gvk_fail(host, GVK_ERROR_NUMBER,
                        "The network's maps hold an infinity or a not-a-number; there are no boxes to trust.");
    if (header[0] > detector->capacity)
        return gvk_fail(host, GVK_ERROR_DRIVER, "The device returned more detections than there can be.");
    uint32_t kept = 0, item = 0, of_item = 0;
    for (uint32_t i = 0; i < header[0]; i++) {
        gvk_detection detection;
        memcpy(&detection.box, (const char *)result_bytes + RESULT_HEADER + (size_t)i * CANDIDATE, 16);
        uint32_t key[4];
        memcpy(key, (const char *)result_bytes + RESULT_HEADER + (size_t)i * CANDIDATE + 16, sizeof key);
        memcpy(&detection.score, &key[0], 4);
        detection.class_id = key[1];
        detection.item = key[2];
        detection.candidate = key[3];
        if (detection.item != item) {
            item = detection.item;
            of_item = 0;
        }
        if (!detector->setup.max_detections || of_item++ < detector->setup.max_detections)
            detector->detections[kept++] = detection;
    }
    *out = detector->detections;
    *count = kept;
    return GVK_OK;
}
