/* A host with a network of its own, and no header of ghostvk but the public ones: it writes a file of weights, opens
 * it, builds a graph with two YOLO heads over it, and gets boxes from the device. They are held against the same
 * computed here in double, one step after the other. Ends with 0 when all are equal. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ghostvk/checkpoint.h>
#include <ghostvk/detector.h>

enum { WIDTH = 96, HEIGHT = 64, INNER = 8, CLASSES = 2, ROW = 5 + CLASSES, OUTPUTS = 3 * ROW, MAPS = 2 };
/* Four by four pixels become one, then two by two or four by four of these a cell. */
enum { STEM = 4, STEM_WIDTH = WIDTH / STEM, STEM_HEIGHT = HEIGHT / STEM, CELLS = 3 * (6 * 4 + 12 * 8) };
#define CONFIDENCE 0.3
#define IOU        0.4

static const gvk_detector_map maps[MAPS] = {
    {.size = sizeof maps[0], .output = "coarse", .stride = 16, .anchors = {30, 24, 18, 36, 44, 40}},
    {.size = sizeof maps[0], .output = "fine", .stride = 8, .anchors = {6, 8, 12, 9, 16, 20}}};
static const int steps[MAPS] = {4, 2}; /* of the stem's pixels, a side of a cell */

/* ---- weights ---- */

struct tensor {
    const char *name;
    int rank, shape[4];
    float *values;
};
static struct tensor tensors[] = {
    {"stem.weight", 4, {INNER, 3, STEM, STEM}, NULL},   {"stem.bias", 1, {INNER}, NULL},
    {"coarse.weight", 4, {OUTPUTS, INNER, 4, 4}, NULL}, {"coarse.bias", 1, {OUTPUTS}, NULL},
    {"fine.weight", 4, {OUTPUTS, INNER, 2, 2}, NULL},   {"fine.bias", 1, {OUTPUTS}, NULL},
};
enum { TENSORS = sizeof tensors / sizeof tensors[0] };

static uint32_t state = 7;

static float next_number(float scale)
{
    state = state * 1664525u + 1013904223u;
    return ((float)(state >> 8) / 8388608.0f - 1.0f) * scale;
}

static size_t count_of(const struct tensor *tensor)
{
    size_t count = 1;
    for (int i = 0; i < tensor->rank; i++)
        count *= (size_t)tensor->shape[i];
    return count;
}

/* A safetensors file in memory, whose names begin as DataParallel's do. The machine is little-endian, as all are here.
 */
static unsigned char *make_file(size_t *bytes)
{
    size_t data = 0, used = 1, at = 0;
    for (int i = 0; i < TENSORS; i++)
        data += 4 * count_of(&tensors[i]);
    unsigned char *file = calloc(1, 8 + 1024 + data);
    if (!file)
        return NULL;
    char *header = (char *)file + 8;
    header[0] = '{';
    for (int i = 0; i < TENSORS; i++) {
        const struct tensor *tensor = &tensors[i];
        size_t size = 4 * count_of(tensor);
        used += (size_t)sprintf(header + used, "%s\"module.%s\":{\"dtype\":\"F32\",\"shape\":[", i ? "," : "",
                                tensor->name);
        for (int j = 0; j < tensor->rank; j++)
            used += (size_t)sprintf(header + used, "%s%d", j ? "," : "", tensor->shape[j]);
        used += (size_t)sprintf(header + used, "],\"data_offsets\":[%zu,%zu]}", at, at + size);
        at += size;
    }
    header[used++] = '}';
    while (used % 8)
        header[used++] = ' ';
    for (int i = 0; i < 8; i++)
        file[i] = (unsigned char)((uint64_t)used >> (8 * i));
    at = 8 + used;
    for (int i = 0; i < TENSORS; i++) {
        size_t count = count_of(&tensors[i]);
        float scale = tensors[i].rank == 1 ? 0.3f : sqrtf(9.0f * (float)tensors[i].shape[0] / (float)count);
        tensors[i].values = malloc(4 * count);
        for (size_t j = 0; tensors[i].values && j < count; j++)
            tensors[i].values[j] = next_number(scale);
        if (tensors[i].values)
            memcpy(file + at, tensors[i].values, 4 * count);
        at += 4 * count;
    }
    *bytes = at;
    return file;
}

/* ---- the reference ---- */

/* A convolution whose stride is its kernel, without padding. */
static void convolve(const struct tensor *weight, const struct tensor *bias, const double *in, int width, int height,
                     double *out)
{
    int outputs = weight->shape[0], inputs = weight->shape[1], kernel = weight->shape[2];
    int out_width = width / kernel, out_height = height / kernel;
    for (int o = 0; o < outputs; o++)
        for (int y = 0; y < out_height; y++)
            for (int x = 0; x < out_width; x++) {
                double sum = (double)bias->values[o];
                for (int i = 0; i < inputs; i++)
                    for (int ky = 0; ky < kernel; ky++)
                        for (int kx = 0; kx < kernel; kx++)
                            sum += (double)weight->values[((o * inputs + i) * kernel + ky) * kernel + kx] *
                                   in[(i * height + y * kernel + ky) * width + x * kernel + kx];
                out[(o * out_height + y) * out_width + x] = sum;
            }
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

struct box {
    double side[4], score;
    int class_id, row, kept;
};

static int compare_boxes(const void *left, const void *right)
{
    const struct box *a = left, *b = right;
    if (a->score != b->score)
        return a->score < b->score ? 1 : -1;
    return a->row - b->row;
}

static double overlap(const struct box *a, const struct box *b)
{
    double area = 1, left = 1, right = 1;
    for (int i = 0; i < 2; i++) {
        area *= fmax(0, fmin(a->side[2 + i], b->side[2 + i]) - fmax(a->side[i], b->side[i]));
        left *= a->side[2 + i] - a->side[i];
        right *= b->side[2 + i] - b->side[i];
    }
    return area / (left + right - area);
}

/* All that are kept, best first; returns how many. */
static int find_expected(const float *input, struct box *out)
{
    static double pixels[3 * WIDTH * HEIGHT], inner[INNER * STEM_WIDTH * STEM_HEIGHT], map[OUTPUTS * 12 * 8];
    static struct box boxes[CELLS];
    int count = 0, kept = 0, row = 0;
    for (int i = 0; i < 3 * WIDTH * HEIGHT; i++)
        pixels[i] = (double)input[i];
    convolve(&tensors[0], &tensors[1], pixels, WIDTH, HEIGHT, inner);
    for (int i = 0; i < INNER * STEM_WIDTH * STEM_HEIGHT; i++)
        inner[i] = fmax(inner[i], 0);
    for (int m = 0; m < MAPS; m++) {
        int width = STEM_WIDTH / steps[m], height = STEM_HEIGHT / steps[m], plane = width * height;
        convolve(&tensors[2 + 2 * m], &tensors[3 + 2 * m], inner, STEM_WIDTH, STEM_HEIGHT, map);
        for (int anchor = 0; anchor < 3; anchor++)
            for (int cell = 0; cell < plane; cell++, row++) {
                const double *values = map + anchor * ROW * plane + cell;
                struct box box = {.row = row};
                for (int c = 1; c < CLASSES; c++)
                    if (values[(5 + c) * plane] > values[(5 + box.class_id) * plane])
                        box.class_id = c;
                box.score = sigmoid(values[4 * plane]) * sigmoid(values[(5 + box.class_id) * plane]);
                double centre[2] = {(sigmoid(values[0]) + cell % width) * (int)maps[m].stride,
                                    (sigmoid(values[plane]) + cell / width) * (int)maps[m].stride};
                for (int i = 0; i < 2; i++) {
                    double side = exp(values[(2 + i) * plane]) * (double)maps[m].anchors[2 * anchor + i];
                    box.side[i] = centre[i] - side / 2;
                    box.side[2 + i] = centre[i] + side / 2;
                }
                if (box.score >= CONFIDENCE)
                    boxes[count++] = box;
            }
    }
    qsort(boxes, (size_t)count, sizeof *boxes, compare_boxes);
    for (int i = 0; i < count; i++) {
        boxes[i].kept = 1;
        for (int j = 0; j < i && boxes[i].kept; j++)
            boxes[i].kept =
                !(boxes[j].kept && boxes[j].class_id == boxes[i].class_id && overlap(&boxes[i], &boxes[j]) > IOU);
        if (boxes[i].kept)
            out[kept++] = boxes[i];
    }
    printf("%d candidates of %d, %d kept\n", count, CELLS, kept);
    for (int i = 0; i < kept; i++)
        for (int j = 0; j < 4; j++)
            out[i].side[j] = fmin(fmax(out[i].side[j], 0), j % 2 ? HEIGHT : WIDTH);
    return kept;
}

/* ---- the device ---- */

static void say(void *user, gvk_log_level level, const char *sentence)
{
    (void)user;
    if (level <= GVK_LOG_WARNING)
        printf("%s\n", sentence);
}

static gvk_result build(const gvk_host *host, gvk_checkpoint *checkpoint, gvk_graph **out)
{
    gvk_result result = gvk_graph_create(host, gvk_checkpoint_find_weight, checkpoint, out);
    if (result)
        return result;
    gvk_tensor x = gvk_graph_input(*out, "input", 3);
    x = gvk_graph_add(*out, &(gvk_node){.op = GVK_OP_CONVOLUTION,
                                        .name = "stem",
                                        .inputs = {x},
                                        .outputs = INNER,
                                        .kernel = STEM,
                                        .stride = STEM,
                                        .bias = 1,
                                        .activation = GVK_ACTIVATION_RELU});
    for (int m = 0; m < MAPS; m++) {
        gvk_node head = {.op = GVK_OP_CONVOLUTION,
                         .name = maps[m].output,
                         .inputs = {x},
                         .outputs = OUTPUTS,
                         .kernel = (uint32_t)steps[m],
                         .stride = (uint32_t)steps[m],
                         .bias = 1};
        gvk_graph_output(*out, maps[m].output, gvk_graph_add(*out, &head));
    }
    return gvk_graph_finish(*out);
}

static int is_equal(const gvk_detection *found, const struct box *expected)
{
    for (int i = 0; i < 4; i++)
        if (!(fabs((double)found->box[i] - expected->side[i]) < 0.02))
            return 0;
    return fabs((double)found->score - expected->score) < 1e-4 && (int)found->class_id == expected->class_id &&
           (int)found->candidate == expected->row && found->item == 0;
}

static int compare(const gvk_detection *found, uint32_t count, const float *input)
{
    static struct box expected[CELLS];
    int kept = find_expected(input, expected), wrong = (uint32_t)kept != count || !kept;
    for (uint32_t i = 0; i < count && (int)i < kept; i++)
        if (!is_equal(&found[i], &expected[i])) {
            wrong = 1;
            printf("box %" PRIu32 " is class %" PRIu32 ", %g at %g %g %g %g of row %" PRIu32
                   ", and should be class %d, "
                   "%g at %g %g %g %g of row %d\n",
                   i, found[i].class_id, (double)found[i].score, (double)found[i].box[0], (double)found[i].box[1],
                   (double)found[i].box[2], (double)found[i].box[3], found[i].candidate, expected[i].class_id,
                   expected[i].score, expected[i].side[0], expected[i].side[1], expected[i].side[2],
                   expected[i].side[3], expected[i].row);
        }
    if (wrong)
        printf("%" PRIu32 " boxes, and %d are expected\n", count, kept);
    return wrong;
}

/* Heads that do not fit the graph. */
static int accepts_wrong_heads(gvk_model *model, const gvk_detector_params *params)
{
    gvk_detector_map wrong[MAPS];
    gvk_stream *stream = NULL;
    int accepted = 0;
    for (int i = 0; i < 8; i++) {
        memcpy(wrong, maps, sizeof wrong);
        gvk_detector_heads heads = {.size = sizeof heads,
                                    .maps = wrong,
                                    .map_size = sizeof wrong[0],
                                    .map_count = MAPS,
                                    .class_count = CLASSES};
        switch (i) {
        case 0: wrong[1].output = "missing"; break;
        case 1: wrong[1].output = NULL; break;
        case 2: wrong[0].stride = 8; break;
        case 3: wrong[1].anchors[3] = 0; break;
        case 4: wrong[0].anchors[5] = NAN; break;
        case 5: heads.class_count = CLASSES + 1; break;
        case 6: heads.map_count = 0; break;
        case 7: heads.map_count = GVK_DETECTOR_MAPS + 1; break;
        }
        if (gvk_detector_create_for(model, &heads, params, &stream) != GVK_ERROR_ARGUMENT) {
            printf("wrong heads, number %d, are no error\n", i);
            accepted = 1;
        }
    }
    return accepted;
}

int main(void)
{
    const gvk_host host = {.size = sizeof host, .log = say}, silence = {.size = sizeof silence};
    gvk_checkpoint *checkpoint = NULL;
    gvk_graph *graph = NULL;
    gvk_device *device = NULL;
    gvk_model *model = NULL;
    gvk_stream *stream = NULL;
    gvk_ticket ticket = 0;
    const gvk_detection *found = NULL;
    uint32_t count = 0;
    size_t bytes = 0;
    int wrong = 1;
    unsigned char *file = make_file(&bytes);
    static float input[3 * WIDTH * HEIGHT];
    for (int i = 0; i < 3 * WIDTH * HEIGHT; i++)
        input[i] = 0.5f + next_number(0.5f);
    gvk_checkpoint_params source = {.size = sizeof source, .bytes = file, .byte_count = bytes};
    gvk_device_params device_params = {.size = sizeof device_params, .host = &silence}; /* errors are wanted, too */
    gvk_detector_heads heads = {
        .size = sizeof heads, .maps = maps, .map_size = sizeof maps[0], .map_count = MAPS, .class_count = CLASSES};
    gvk_stream_params stream_params = {.size = sizeof stream_params, .width = WIDTH, .height = HEIGHT};
    gvk_detector_params params = {
        .size = sizeof params, .stream = &stream_params, .confidence = (float)CONFIDENCE, .iou = (float)IOU};
    gvk_picture picture = {
        .size = sizeof picture, .kind = GVK_PICTURE_TENSOR, .width = WIDTH, .height = HEIGHT, .pixels = input};
    gvk_result result = file ? gvk_checkpoint_open(&host, &source, &checkpoint) : GVK_ERROR_HOST_MEMORY;
    free(file); /* it was copied */
    if (!result)
        result = build(&host, checkpoint, &graph);
    if (!result)
        result = gvk_device_open(&device_params, &device);
    if (!result)
        result = gvk_model_create(device, graph, NULL, &model);
    gvk_graph_destroy(graph);
    gvk_checkpoint_destroy(checkpoint);
    if (!result)
        result = gvk_detector_create_for(model, &heads, &params, &stream);
    if (!result)
        result = gvk_stream_submit(stream, &picture, sizeof picture, 1, &ticket);
    if (!result)
        result = gvk_stream_wait(stream, ticket, UINT64_MAX);
    if (!result)
        result = gvk_detector_read(stream, ticket, &found, sizeof *found, &count);
    if (!result)
        wrong = compare(found, count, input) | accepts_wrong_heads(model, &params);
    else
        printf("%s\n", gvk_result_name(result));
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
    gvk_device_destroy(device);
    for (int i = 0; i < TENSORS; i++)
        free(tensors[i].values);
    return wrong;
}
