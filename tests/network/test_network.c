/* Networks from checkpoints: a fitting one opens with the right width, classes and graph; wrong calls and memory that
 * runs out leave nothing behind. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "opening.h"

static void check_opening(enum network_kind kind, double width, uint32_t class_count)
{
    struct recorder recorder = {0};
    struct image image = make_image(kind, width, class_count);
    gvk_network *network = open_good(&recorder, &image);
    free(image.bytes); /* the bytes are copied */
    gvk_network_info info = {.size = sizeof info};
    gvk_network_describe(network, &info);
    assert_int_equal(info.task, kind == NETWORK_DETECTOR ? GVK_TASK_DETECTOR : GVK_TASK_CLASSIFIER);
    assert_string_equal(info.format, "safetensors");
    if (fabs(info.width - width) > 1e-12)
        fail_msg("width %g was taken for %g", width, info.width);
    assert_int_equal(info.class_count, class_count);
    for (uint32_t i = 0; i < class_count; i++) {
        char name[16];
        snprintf(name, sizeof name, "%" PRIu32, i);
        assert_string_equal(info.classes[i], name);
    }
    uint32_t side = kind == NETWORK_DETECTOR ? 416 : 224;
    assert_int_equal(info.input_width, side);
    assert_int_equal(info.input_height, side);
    assert_int_equal(info.letterbox, 0);
    assert_float_equal(info.confidence, 0.5f, 0);
    assert_float_equal(info.iou, 0.3f, 0);
    assert_int_equal(info.unused_count, 0);
    if (kind == NETWORK_DETECTOR) {
        assert_float_equal(info.anchors[0], 12, 0);
        assert_float_equal(info.anchors[17], 401, 0);
    } else {
        assert_null(info.anchors);
    }
    const gvk_graph *graph = gvk_network_graph(network);
    assert_int_equal(graph->input_count, 1);
    assert_string_equal(graph->inputs[0].name, "input");
    assert_int_equal(graph->output_count, kind == NETWORK_DETECTOR ? 3 : 1);
    close_good(&recorder, network);
}

static void a_detector_opens_at_its_width_and_class_count(void **state)
{
    (void)state;
    check_opening(NETWORK_DETECTOR, 0.5, 3);
    check_opening(NETWORK_DETECTOR, 1.0, 80);
    check_opening(NETWORK_DETECTOR, 1.3, 1);
    check_opening(NETWORK_DETECTOR, 0.1, 20);
}

static void a_classifier_opens_at_its_width_and_class_count(void **state)
{
    (void)state;
    check_opening(NETWORK_CLASSIFIER, 0.5, 10);
    check_opening(NETWORK_CLASSIFIER, 1.0, 1000);
    check_opening(NETWORK_CLASSIFIER, 1.3, 37);
    check_opening(NETWORK_CLASSIFIER, 0.1, 1);
    check_opening(NETWORK_CLASSIFIER, 0.375, 2);
    check_opening(NETWORK_CLASSIFIER, 0.83, 2);
}

static void the_shipped_model_opens_with_its_metadata(void **state)
{
    (void)state;
    struct recorder recorder = {0};
    gvk_host host = recording_host(&recorder);
    gvk_network *network = NULL;
    assert_int_equal(
        gvk_network_open(&host, &(gvk_network_params){.path = GVK_MODEL_DIR "/blood-cells.safetensors"}, &network),
        GVK_OK);
    gvk_network_info info = {.size = sizeof info};
    gvk_network_describe(network, &info);
    assert_int_equal(info.task, GVK_TASK_DETECTOR);
    assert_float_equal(info.width, 1.0, 0);
    assert_int_equal(info.class_count, 3);
    assert_string_equal(info.classes[0], "RBC");
    assert_string_equal(info.classes[1], "WBC");
    assert_string_equal(info.classes[2], "Platelets");
    assert_int_equal(info.input_width, 416);
    assert_int_equal(info.input_height, 416);
    assert_int_equal(info.letterbox, 1);
    assert_float_equal(info.confidence, 0.4f, 0);
    assert_float_equal(info.iou, 0.4f, 0);
    assert_float_equal(info.anchors[1], 16, 0);
    assert_int_equal(info.unused_count, 0);
    close_good(&recorder, network);
}

/* ---- the graph ---- */

static uint32_t count_nodes(const gvk_graph *graph, int op)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < graph->node_count; i++)
        count += graph->nodes[i].op == op;
    return count;
}

static void the_detector_has_218_operations_and_129_batch_norms(void **state)
{
    (void)state;
    struct recorder recorder = {0};
    gvk_network *network = open_made(&recorder, NETWORK_DETECTOR, 1.0, 80);
    const gvk_graph *graph = gvk_network_graph(network);
    /* The stem; four in each of 16 bottlenecks, one more in each of 4 strided ones, two in each of 7 squeeze-excites
     * and of 5 shortcuts; 44 in the neck, where a separable one counts twice; three in each head. */
    assert_int_equal(count_nodes(graph, GVK_OP_CONVOLUTION), 1 + 16 * 4 + 4 + 7 * 2 + 5 * 2 + 44 + 3 * 3);
    assert_int_equal(count_nodes(graph, GVK_OP_BATCH_NORM), 146 - 7 * 2 - 3); /* all but those with a bias */
    assert_int_equal(count_nodes(graph, GVK_OP_CONCAT), 16 * 2 + 5);
    assert_int_equal(count_nodes(graph, GVK_OP_ADD), 16);
    assert_int_equal(count_nodes(graph, GVK_OP_AVERAGE_POOL), 7);
    assert_int_equal(count_nodes(graph, GVK_OP_MULTIPLY), 7);
    assert_int_equal(count_nodes(graph, GVK_OP_MAX_POOL), 3);
    assert_int_equal(count_nodes(graph, GVK_OP_UPSAMPLE), 2);
    assert_int_equal(graph->node_count - count_nodes(graph, GVK_OP_BATCH_NORM), 218);
    close_good(&recorder, network);
}

/* sum(p.numel() for p in model.parameters()) of the classes in tests/goldens/reference.py, torch 1.13. */
static void parameters_are_counted_as_torch_counts_them(void **state)
{
    (void)state;
    static const struct {
        enum network_kind kind;
        uint32_t class_count;
        double width;
        uint64_t parameters;
    } cases[] = {{NETWORK_DETECTOR, 80, 1.0, 11428545},  {NETWORK_DETECTOR, 3, 0.5, 9091388},
                 {NETWORK_DETECTOR, 20, 1.3, 12840861},  {NETWORK_CLASSIFIER, 1000, 1.0, 5182508},
                 {NETWORK_CLASSIFIER, 10, 0.5, 1319102}, {NETWORK_CLASSIFIER, 37, 1.3, 6125217}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct recorder recorder = {0};
        gvk_host host = recording_host(&recorder);
        gvk_network *network = open_made(&recorder, cases[i].kind, cases[i].width, cases[i].class_count);
        gvk_stream_params stream = {.size = sizeof stream, .width = 64, .height = 64, .batch = 2};
        gvk_description plan = {.size = sizeof plan};
        assert_int_equal(gvk_plan_describe(NULL, gvk_network_graph(network), NULL, &stream, &plan), GVK_OK);
        if (plan.parameters != cases[i].parameters)
            fail_msg("kind %d, %u classes, width %g: %llu parameters, and torch counts %llu", (int)cases[i].kind,
                     cases[i].class_count, cases[i].width, (unsigned long long)plan.parameters,
                     (unsigned long long)cases[i].parameters);
        gvk_description_release(&host, &plan);
        close_good(&recorder, network);
    }
}

static void check_shape(const gvk_graph *graph, const struct gvk_shape *shapes, const char *name, uint32_t channels,
                        uint32_t height, uint32_t width)
{
    gvk_tensor tensor = gvk_graph_find_tensor(graph, name);
    if (!tensor)
        fail_msg("no tensor is called %s", name);
    const struct gvk_shape *shape = &shapes[tensor];
    if (shape->channels != channels || shape->height != height || shape->width != width)
        fail_msg("%s is %u x %u x %u, not %u x %u x %u", name, shape->channels, shape->height, shape->width, channels,
                 height, width);
}

static void the_maps_have_the_input_divided_by_their_strides(void **state)
{
    (void)state;
    struct recorder recorder = {0};
    gvk_network *network = open_made(&recorder, NETWORK_DETECTOR, 1.0, 80);
    const gvk_graph *graph = gvk_network_graph(network);
    struct gvk_shape *shapes = make_shapes(graph, 416, 416);
    check_shape(graph, shapes, "stride32", 255, 13, 13);
    check_shape(graph, shapes, "stride16", 255, 26, 26);
    check_shape(graph, shapes, "stride8", 255, 52, 52);
    check_shape(graph, shapes, "backbone.model.blocks.4.0.add", 40, 52, 52);
    check_shape(graph, shapes, "backbone.model.blocks.6.4.add", 112, 26, 26);
    check_shape(graph, shapes, "backbone.model.blocks.8.3.add", 160, 13, 13);
    check_shape(graph, shapes, "backbone.model.blocks.3.0.se.pool", 72, 1, 1);
    check_shape(graph, shapes, "spatial_pyramid.concat", 2048, 13, 13);
    free(shapes);
    shapes = make_shapes(graph, 608, 320);
    check_shape(graph, shapes, "stride32", 255, 10, 19);
    check_shape(graph, shapes, "stride16", 255, 20, 38);
    check_shape(graph, shapes, "stride8", 255, 40, 76);
    free(shapes);
    close_good(&recorder, network);

    network = open_made(&recorder, NETWORK_CLASSIFIER, 1.3, 37);
    graph = gvk_network_graph(network);
    shapes = make_shapes(graph, 224, 224);
    check_shape(graph, shapes, "blocks.8.3.add", 208, 7, 7);
    check_shape(graph, shapes, "blocks.9.0.bn1", 1248, 7, 7);
    check_shape(graph, shapes, "conv_head", 1280, 1, 1);
    check_shape(graph, shapes, "logits", 37, 1, 1);
    free(shapes);
    close_good(&recorder, network);
}

static void check_size(uint32_t class_count, uint64_t wanted_macs, uint64_t wanted_parameters)
{
    struct recorder recorder = {0};
    gvk_network *network = open_made(&recorder, NETWORK_DETECTOR, 1.0, class_count);
    const gvk_graph *graph = gvk_network_graph(network);
    struct gvk_shape *shapes = make_shapes(graph, 416, 416);
    uint64_t macs = 0, parameters = 0; /* what training changes: of a batch norm, weight and bias */
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const struct gvk_graph_node *node = &graph->nodes[i];
        const struct gvk_shape *out = &shapes[node->output];
        if (node->op == GVK_OP_BATCH_NORM)
            parameters += 2 * (uint64_t)node->input_channels;
        if (node->op != GVK_OP_CONVOLUTION)
            continue;
        uint64_t weights =
            (uint64_t)node->output_channels * (node->input_channels / node->groups) * node->kernel * node->kernel;
        macs += weights * out->width * out->height;
        parameters += weights + (node->bias.data ? node->output_channels : 0);
    }
    free(shapes);
    close_good(&recorder, network);
    if (macs != wanted_macs || parameters != wanted_parameters)
        fail_msg("%u classes: %" PRIu64 " multiply-adds and %" PRIu64 " parameters", class_count, macs, parameters);
}

static void the_detector_takes_3_27_billion_multiply_adds_and_11_1_million_parameters(void **state)
{
    (void)state;
    check_size(20, UINT64_C(3266803376), UINT64_C(11105445));
    check_size(80, UINT64_C(3484853936), UINT64_C(11428545));
}

/* ---- wrong calls, and memory that runs out ---- */

static void a_call_without_a_source_is_refused(void **state)
{
    (void)state;
    struct image image = {.bytes = NULL};
    refuse(&image, GVK_ERROR_ARGUMENT, "either a path or bytes");
    image.bytes = (unsigned char *)&image;
    refuse_with(&image, (gvk_network_params){.path = "a", .bytes = &image, .byte_count = 1}, GVK_ERROR_ARGUMENT,
                "either a path or bytes");
    refuse_with(&image, (gvk_network_params){.size = 8}, GVK_ERROR_ARGUMENT, "size of a gvk_network_params");
    gvk_network *network = NULL;
    assert_int_equal(gvk_network_open(NULL, NULL, &network), GVK_ERROR_ARGUMENT);
    assert_int_equal(gvk_network_open(NULL, &(gvk_network_params){.path = "a"}, NULL), GVK_ERROR_ARGUMENT);
    assert_null(network);
    gvk_network_destroy(NULL);
    assert_null(gvk_network_graph(NULL));
}

static void a_file_that_is_not_there_is_refused(void **state)
{
    (void)state;
    refuse_with(NULL, (gvk_network_params){.path = GVK_MODEL_DIR "/nowhere.safetensors"}, GVK_ERROR_FILE,
                "nowhere.safetensors");
}

/* Every step-th allocation of the open fails once, from the first to the last. */
static void sweep_allocations(const struct image *image, long step)
{
    struct recorder counting = {0};
    close_good(&counting, open_good(&counting, image));
    for (long fail_at = 1; fail_at <= counting.allocations; fail_at += step) {
        struct recorder recorder = {.fail_at = fail_at};
        gvk_host host = recording_host(&recorder);
        gvk_network *network = NULL;
        gvk_result result =
            gvk_network_open(&host, &(gvk_network_params){.bytes = image->bytes, .byte_count = image->count}, &network);
        if (result != GVK_ERROR_HOST_MEMORY || network || recorder.errors != 1 || recorder.live)
            fail_msg("allocation %ld failed: %s, %u sentences, %ld blocks left", fail_at, gvk_result_name(result),
                     recorder.errors, recorder.live);
    }
}

static void memory_that_runs_out_anywhere_is_reported_and_nothing_leaks(void **state)
{
    (void)state;
    struct image plain = make_image(NETWORK_CLASSIFIER, 0.1, 3);
    struct image image = with_metadata(&plain, "\"kind\":\"classifier\",\"classes\":\"a\\nb\\nc\"");
    sweep_allocations(&image, 1);
    free(image.bytes);
    free(plain.bytes);
    image = make_image(NETWORK_DETECTOR, 0.1, 2);
    sweep_allocations(&image, 61);
    free(image.bytes);
}

/* One of its allocations fails, or with 0 none. Returns how many there were. */
static long generate_once(long fail_at)
{
    struct recorder recorder = {.fail_at = fail_at};
    gvk_host host = recording_host(&recorder);
    gvk_network *network = NULL;
    gvk_result result = gvk_network_generate(&host, 2, &network);
    gvk_network_destroy(network);
    if (result != (fail_at ? GVK_ERROR_HOST_MEMORY : GVK_OK) || recorder.errors != (fail_at != 0) || recorder.live)
        fail_msg("allocation %ld failed: %s, %u sentences, %ld blocks left", fail_at, gvk_result_name(result),
                 recorder.errors, recorder.live);
    return recorder.allocations;
}

static void memory_that_runs_out_while_weights_are_generated_is_reported(void **state)
{
    (void)state;
    long allocations = generate_once(0);
    for (long fail_at = 1; fail_at <= allocations; fail_at += fail_at < 10 ? 1 : 211)
        generate_once(fail_at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_detector_opens_at_its_width_and_class_count),
        cmocka_unit_test(a_classifier_opens_at_its_width_and_class_count),
        cmocka_unit_test(the_shipped_model_opens_with_its_metadata),
        cmocka_unit_test(the_detector_has_218_operations_and_129_batch_norms),
        cmocka_unit_test(parameters_are_counted_as_torch_counts_them),
        cmocka_unit_test(the_maps_have_the_input_divided_by_their_strides),
        cmocka_unit_test(the_detector_takes_3_27_billion_multiply_adds_and_11_1_million_parameters),
        cmocka_unit_test(a_call_without_a_source_is_refused),
        cmocka_unit_test(a_file_that_is_not_there_is_refused),
        cmocka_unit_test(memory_that_runs_out_anywhere_is_reported_and_nothing_leaks),
        cmocka_unit_test(memory_that_runs_out_while_weights_are_generated_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
