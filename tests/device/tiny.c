/* The tiny graph of tiny.h. */
#include "tiny.h"

#include <string.h>

#include "tests/filler/filler.h"

static float values[8 * 9];
static uint8_t pixels[24 * 20 * 3];
static pthread_once_t once = PTHREAD_ONCE_INIT; /* threads make models and submit pictures */

static void fill_constants(void)
{
    for (size_t i = 0; i < ARRAY_COUNT(values); i++)
        values[i] = (float)((int)(i * 7 % 17) - 8) * 0.25f;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i * i * 3 + i / 7);
}

static gvk_result find_weight(void *user, const char *name, gvk_array *out)
{
    static const struct {
        const char *name;
        uint32_t rank;
        uint64_t shape[4];
    } list[] = {{"wide.weight", 4, {8, 3, 1, 1}},
                {"deep.weight", 4, {8, 1, 3, 3}},
                {"head.weight", 4, {OUTPUTS, 8, 1, 1}},
                {"head.bias", 1, {OUTPUTS}}};
    (void)user;
    pthread_once(&once, fill_constants);
    for (size_t i = 0; i < ARRAY_COUNT(list); i++)
        if (!strcmp(list[i].name, name)) {
            *out = (gvk_array){.type = GVK_TYPE_F32, .rank = list[i].rank, .data = values};
            memcpy(out->shape, list[i].shape, sizeof list[i].shape);
            out->bytes = count_elements(list[i].shape, list[i].rank) * sizeof(float);
            return GVK_OK;
        }
    return GVK_ERROR_MISMATCH;
}

gvk_result make_model(gvk_device *device, gvk_model **out)
{
    gvk_graph *graph = NULL;
    gvk_result result = gvk_graph_create(&counting_host, find_weight, NULL, &graph);
    if (result)
        return result;
    gvk_node wide = {.op = GVK_OP_CONVOLUTION, .name = "wide", .outputs = 8, .activation = GVK_ACTIVATION_RELU};
    wide.inputs[0] = gvk_graph_input(graph, "input", 3);
    gvk_node deep = {.op = GVK_OP_CONVOLUTION, .name = "deep", .kernel = 3, .padding = 1, .groups = 8};
    deep.inputs[0] = gvk_graph_add(graph, &wide);
    gvk_node head = {.op = GVK_OP_CONVOLUTION, .name = "head", .outputs = OUTPUTS, .bias = 1};
    head.inputs[0] = gvk_graph_add(graph, &deep);
    gvk_graph_output(graph, "head", gvk_graph_add(graph, &head));
    result = gvk_graph_finish(graph);
    if (!result)
        result = gvk_model_create(device, graph, NULL, out);
    gvk_graph_destroy(graph);
    return result;
}

gvk_model *create_model(gvk_device *device)
{
    gvk_model *model = NULL;
    assert_ok(make_model(device, &model));
    return model;
}

gvk_result make_stream(gvk_model *model, uint32_t side, uint32_t frames, gvk_stream **out)
{
    gvk_stream_params params = {.size = sizeof params, .width = side, .height = side, .frames = frames};
    return gvk_stream_create(model, &params, out);
}

gvk_stream *create_stream(gvk_model *model, uint32_t side, uint32_t frames)
{
    gvk_stream *stream = NULL;
    assert_ok(make_stream(model, side, frames, &stream));
    return stream;
}

static gvk_picture tiny_picture(void)
{
    pthread_once(&once, fill_constants);
    return (gvk_picture){.size = sizeof(gvk_picture), .width = 24, .height = 20, .pixels = pixels};
}

gvk_result submit_tiny(gvk_stream *stream, gvk_ticket *ticket)
{
    gvk_picture picture = tiny_picture();
    return gvk_stream_submit(stream, &picture, sizeof(gvk_picture), 1, ticket);
}

/* One frame; the output's values are copied. */
gvk_result run_frame(gvk_stream *stream, float *out, size_t count)
{
    gvk_ticket ticket = 0;
    gvk_result result = submit_tiny(stream, &ticket);
    if (!result)
        result = gvk_stream_wait(stream, ticket, UINT64_MAX);
    gvk_array array;
    if (!result)
        result = gvk_stream_read(stream, ticket, "head", &array);
    if (!result && out)
        memcpy(out, array.data, count * sizeof *out);
    return result;
}

/* Model, stream, frame and all of it away again. */
gvk_result run_once(gvk_device *device, float *out)
{
    gvk_model *model = NULL;
    gvk_stream *stream = NULL;
    gvk_result result = make_model(device, &model);
    if (!result)
        result = make_stream(model, SIDE, 2, &stream);
    if (!result)
        result = run_frame(stream, out, VALUES);
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
    return result;
}

void expect_equal_values(const float *got, const float *expected, const char *what)
{
    for (size_t i = 0; i < VALUES; i++)
        if (got[i] != expected[i])
            fail_msg("%s: value %zu is %.9g, not %.9g", what, i, (double)got[i], (double)expected[i]);
}
