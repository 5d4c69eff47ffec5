/* Wrong calls about streams: creating, submitting, tickets, reading, lists, plans, tuning. */
#include "misuse.h"

#include <string.h>

static const char *const kept[] = {"mix"};
static const char *const kept_nothing[] = {"nothing of that name"};
static const char *const kept_unnamed[] = {NULL};

static const struct {
    const char *name;
    gvk_stream_params params;
} wrong_streams[] = {
    {"no size", {.width = 0}},
    {"no width", {.height = SIDE}},
    {"no height", {.width = SIDE}},
    {"too wide", {.width = 65536, .height = SIDE}},
    {"too high", {.width = SIDE, .height = 65536}},
    {"a width without end", {.width = UINT32_MAX, .height = SIDE}},
    {"a height without end", {.width = SIDE, .height = UINT32_MAX}},
    {"both without end", {.width = UINT32_MAX, .height = UINT32_MAX}},
    {"a batch that is too large", {.width = SIDE, .height = SIDE, .batch = 1025}},
    {"a batch without end", {.width = SIDE, .height = SIDE, .batch = UINT32_MAX}},
};

static const struct {
    const char *name;
    gvk_stream_params params;
} wrong_running[] = {
    {"too many frames", {.width = SIDE, .height = SIDE, .frames = 9}},
    {"frames without end", {.width = SIDE, .height = SIDE, .frames = UINT32_MAX}},
    {"kept tensors without names", {.width = SIDE, .height = SIDE, .kept_count = 1}},
    {"kept tensors without an end", {.width = SIDE, .height = SIDE, .kept_tensors = kept, .kept_count = UINT32_MAX}},
    {"more kept tensors than there are", {.width = SIDE, .height = SIDE, .kept_tensors = kept, .kept_count = 4}},
    {"a kept tensor that is not there", {.width = SIDE, .height = SIDE, .kept_tensors = kept_nothing, .kept_count = 1}},
    {"a kept tensor without a name", {.width = SIDE, .height = SIDE, .kept_tensors = kept_unnamed, .kept_count = 1}},
    {"paced without a time for a part", {.size = sizeof(gvk_stream_params), .width = SIDE, .height = SIDE, .paced = 1}},
};

static void creating(void **state)
{
    (void)state;
    gvk_stream *stream = NULL;
    const gvk_stream_params right = {.size = sizeof right, .width = SIDE, .height = SIDE};
    REFUSED_IN_SILENCE(gvk_stream_create(NULL, &right, &stream));
    REFUSED_IN_SILENCE(gvk_stream_create(NULL, NULL, NULL));
    REFUSED(gvk_stream_create(objects.model, NULL, &stream));
    REFUSED(gvk_stream_create(objects.model, &right, NULL));
    for (size_t i = 0; i < ARRAY_COUNT(wrong_streams); i++)
        LINE_REFUSED(wrong_streams[i].name, gvk_stream_create(objects.model, &wrong_streams[i].params, &stream));
    for (size_t i = 0; i < ARRAY_COUNT(wrong_running); i++)
        LINE_REFUSED(wrong_running[i].name, gvk_stream_create(objects.model, &wrong_running[i].params, &stream));
    for (size_t i = 0; i < ARRAY_COUNT(impossible_sizes); i++) {
        gvk_stream_params params = right;
        params.size = impossible_sizes[i];
        REFUSED(gvk_stream_create(objects.model, &params, &stream));
    }
    assert_null(stream);
    gvk_stream_destroy(NULL);
}

static void describing(void **state)
{
    (void)state;
    gvk_stream_info info = {.size = sizeof info, .width = 7};
    gvk_stream_describe(NULL, &info);
    assert_true(info.size == sizeof info && info.width == 0);
    gvk_stream_describe(objects.stream, NULL);
    gvk_stream_describe(NULL, NULL);
    for (size_t i = 0; i < ARRAY_COUNT(impossible_sizes); i++) {
        gvk_stream_info pair[2];
        memset(pair, 0x77, sizeof pair);
        pair[0].size = impossible_sizes[i];
        gvk_stream_describe(objects.stream, &pair[0]);
        assert_int_equal(pair[0].size, impossible_sizes[i]);
        assert_int_equal(pair[1].width, 0x77777777);
    }
}

/* ---- pictures ---- */

static const unsigned char pixels[SIDE * SIDE * 4];
static const float values[CHANNELS * SIDE * SIDE];

static const struct {
    const char *name;
    gvk_picture picture;
} wrong_pictures[] = {
    {"nothing at all", {.pixels = NULL}},
    {"no pixels", {.width = 4, .height = 4}},
    {"no width", {.height = 4, .pixels = pixels}},
    {"no height", {.width = 4, .pixels = pixels}},
    {"too wide", {.width = 65536, .height = 1, .pixels = pixels}},
    {"too high", {.width = 1, .height = 65536, .pixels = pixels}},
    {"a width without end", {.width = UINT32_MAX, .height = 1, .pixels = pixels}},
    {"a row pitch below the width", {.width = 4, .height = 4, .row_pitch = 11, .pixels = pixels}},
    {"a row pitch of RGB for RGBA",
     {.format = GVK_PIXELS_RGBA8, .width = 4, .height = 4, .row_pitch = 12, .pixels = pixels}},
    {"a row pitch of one", {.width = 4, .height = 4, .row_pitch = 1, .pixels = pixels}},
    {"an unknown kind", {.kind = (gvk_picture_kind)5, .width = 4, .height = 4, .pixels = pixels}},
    {"an unknown format", {.format = (gvk_pixel_format)3, .width = 4, .height = 4, .pixels = pixels}},
    {"a tensor of another width", {.kind = GVK_PICTURE_TENSOR, .width = SIDE + 1, .height = SIDE, .pixels = values}},
    {"a tensor of another height", {.kind = GVK_PICTURE_TENSOR, .width = SIDE, .height = SIDE - 1, .pixels = values}},
    {"a tensor without values", {.kind = GVK_PICTURE_TENSOR, .width = SIDE, .height = SIDE}},
};

/* Handles that nothing may follow: each picture that has one is refused before. */
static gvk_picture source_of(gvk_picture_kind kind)
{
    gvk_picture made = {.size = sizeof made, .kind = kind, .width = 4, .height = 4, .pixels = pixels};
    if (kind == GVK_PICTURE_TENSOR) {
        made.width = made.height = SIDE;
        made.pixels = values;
    } else if (kind == GVK_PICTURE_BUFFER) {
        made.format = GVK_PIXELS_RGBA8;
        made.buffer = (VkBuffer)(uintptr_t)8;
        made.buffer_bytes = 64;
    } else if (kind != GVK_PICTURE_PIXELS) {
        made.view = made.chroma_view = (VkImageView)(uintptr_t)8;
        made.view_format = VK_FORMAT_R8G8B8A8_UNORM;
        made.layout = VK_IMAGE_LAYOUT_GENERAL;
    }
    return made;
}

#define WRONG(kind, name, ...)                                                                                         \
    do {                                                                                                               \
        gvk_picture wrong = source_of(GVK_PICTURE_##kind);                                                             \
        gvk_ticket ticket = 77;                                                                                        \
        __VA_ARGS__;                                                                                                   \
        LINE_REFUSED(name, gvk_stream_submit(objects.stream, &wrong, sizeof wrong, 1, &ticket));                       \
        assert_int_equal(ticket, 77);                                                                                  \
    } while (0)

static void sources(void **state)
{
    (void)state;
    WRONG(PIXELS, "an unknown orientation", wrong.orientation = 9);
    WRONG(PIXELS, "an orientation without end", wrong.orientation = UINT32_MAX);
    WRONG(PIXELS, "a crop without a size", wrong.crop_x = 1);
    WRONG(PIXELS, "a crop without a height", wrong.crop_width = 1);
    WRONG(PIXELS, "a crop without a width", wrong.crop_height = 1);
    WRONG(PIXELS, "a crop that is too wide", wrong.crop_x = 1, wrong.crop_width = 4, wrong.crop_height = 4);
    WRONG(PIXELS, "a crop that is too high", wrong.crop_y = 3, wrong.crop_width = 4, wrong.crop_height = 2);
    WRONG(PIXELS, "a crop beyond", wrong.crop_x = 4, wrong.crop_width = 1, wrong.crop_height = 1);
    WRONG(PIXELS, "a crop without end", wrong.crop_x = 2, wrong.crop_y = 2, wrong.crop_width = UINT32_MAX,
          wrong.crop_height = UINT32_MAX);
    WRONG(PIXELS, "a crop of the stored picture, which is turned", wrong.height = 2, wrong.orientation = 6,
          wrong.crop_width = 4, wrong.crop_height = 2);
    WRONG(TENSOR, "a tensor that is turned", wrong.orientation = 3);
    WRONG(TENSOR, "a tensor that is cropped", wrong.crop_width = 1, wrong.crop_height = 1);
    WRONG(PIXELS, "pixels to be acquired", wrong.acquire = 1);
    WRONG(TENSOR, "a tensor to be acquired", wrong.acquire = 1);
    WRONG(BUFFER, "a buffer that is none", wrong.buffer = VK_NULL_HANDLE);
    WRONG(BUFFER, "a buffer without a size", wrong.buffer_bytes = 0);
    WRONG(BUFFER, "a buffer that is too small", wrong.buffer_bytes = 63);
    WRONG(BUFFER, "a buffer that ends within a word", wrong.format = GVK_PIXELS_RGB8, wrong.offset = 1,
          wrong.buffer_bytes = 49);
    WRONG(BUFFER, "an offset that is too large", wrong.offset = 1);
    WRONG(BUFFER, "an offset without end", wrong.offset = UINT64_MAX);
    WRONG(BUFFER, "a pitch that leaves the buffer", wrong.row_pitch = 17);
    WRONG(BUFFER, "a pitch without end", wrong.row_pitch = SIZE_MAX);
    WRONG(BUFFER, "a pitch below the row, in a buffer", wrong.row_pitch = 15);
    WRONG(BUFFER, "a buffer of an unknown format", wrong.format = (gvk_pixel_format)3);
    WRONG(IMAGE, "an image without a view", wrong.view = VK_NULL_HANDLE);
    WRONG(IMAGE, "an image of a format that is not taken", wrong.view_format = VK_FORMAT_R8_UNORM);
    WRONG(IMAGE, "an image of no format", wrong.view_format = VK_FORMAT_UNDEFINED);
    WRONG(IMAGE, "an image in no layout", wrong.layout = VK_IMAGE_LAYOUT_UNDEFINED);
    WRONG(IMAGE, "an image to be drawn into", wrong.layout = VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL);
    WRONG(IMAGE, "an unknown light", wrong.light = (gvk_light)3);
    WRONG(IMAGE, "an image to be acquired that is not named", wrong.acquire = 1);
    WRONG(PLANES, "planes without a view", wrong.view = VK_NULL_HANDLE);
    WRONG(PLANES, "planes without chroma", wrong.chroma_view = VK_NULL_HANDLE);
    WRONG(PLANES, "planes in no layout", wrong.layout = VK_IMAGE_LAYOUT_PREINITIALIZED);
    WRONG(PLANES, "planes through a sampler", wrong.ycbcr_sampler = (VkSampler)(uintptr_t)8);
    WRONG(PLANES, "planes of no model", wrong.ycbcr_model = VK_SAMPLER_YCBCR_MODEL_CONVERSION_YCBCR_IDENTITY);
    WRONG(PLANES, "planes of an unknown model", wrong.ycbcr_model = (VkSamplerYcbcrModelConversion)5);
    WRONG(PLANES, "planes of an unknown range", wrong.ycbcr_range = (VkSamplerYcbcrRange)2);
    WRONG(PLANES, "planes to be acquired that are not named", wrong.acquire = 1);
}

static void submitting(void **state)
{
    (void)state;
    gvk_ticket ticket = 77;
    const gvk_picture right = tensor_picture();
    REFUSED_IN_SILENCE(gvk_stream_submit(NULL, &right, sizeof right, 1, &ticket));
    REFUSED_IN_SILENCE(gvk_stream_submit(NULL, NULL, 0, 0, NULL));
    REFUSED(gvk_stream_submit(objects.stream, NULL, sizeof right, 1, &ticket));
    REFUSED(gvk_stream_submit(objects.stream, &right, sizeof right, 1, NULL));
    REFUSED(gvk_stream_submit(objects.stream, &right, sizeof right, 0, &ticket));
    REFUSED(gvk_stream_submit(objects.stream, &right, sizeof right, 2, &ticket));
    REFUSED(gvk_stream_submit(objects.stream, &right, sizeof right, UINT32_MAX, &ticket));
    for (size_t i = 0; i < ARRAY_COUNT(wrong_pictures); i++)
        LINE_REFUSED(wrong_pictures[i].name,
                     gvk_stream_submit(objects.stream, &wrong_pictures[i].picture, sizeof right, 1, &ticket));
    for (size_t i = 0; i < ARRAY_COUNT(unknown_values); i++) {
        gvk_picture kind = {.width = 4, .height = 4, .pixels = pixels}, format = kind;
        kind.kind = (gvk_picture_kind)unknown_values[i];
        format.format = (gvk_pixel_format)unknown_values[i];
        REFUSED(gvk_stream_submit(objects.stream, &kind, sizeof kind, 1, &ticket));
        REFUSED(gvk_stream_submit(objects.stream, &format, sizeof format, 1, &ticket));
    }
    for (size_t i = 0; i < ARRAY_COUNT(impossible_sizes); i++) {
        gvk_picture picture = right;
        REFUSED(gvk_stream_submit(objects.stream, &picture, impossible_sizes[i], 1, &ticket));
        picture.size = impossible_sizes[i];
        REFUSED(gvk_stream_submit(objects.stream, &picture, sizeof picture, 1, &ticket));
    }
    gvk_picture larger = right;
    larger.size = sizeof larger + 8; /* than the array's elements */
    REFUSED(gvk_stream_submit(objects.stream, &larger, sizeof larger, 1, &ticket));
    assert_int_equal(ticket, 77);
}

/* ---- tickets and results ---- */

static void tickets_that_are_not_there(void **state)
{
    (void)state;
    static const gvk_ticket wrong[] = {0, 2, 3, 1000, UINT64_MAX, UINT64_MAX - 1};
    gvk_array array;
    gvk_timing timing;
    gvk_layer_timing layer;
    const gvk_detection *boxes = NULL;
    uint32_t one = 1;
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        REFUSED(gvk_stream_wait(objects.stream, wrong[i], 0));
        REFUSED(gvk_stream_wait(objects.stream, wrong[i], UINT64_MAX));
        REFUSED(gvk_stream_read(objects.stream, wrong[i], "mix", &array));
        REFUSED(gvk_stream_timings(objects.stream, wrong[i], &timing, sizeof timing, &one));
        REFUSED(gvk_stream_layer_timings(objects.stream, wrong[i], &layer, sizeof layer, &one));
        REFUSED(gvk_detector_read(objects.detector, wrong[i], &boxes, sizeof boxes[0], &one));
    }
    REFUSED_IN_SILENCE(gvk_stream_wait(NULL, objects.ticket, 0));
    REFUSED_IN_SILENCE(gvk_stream_wait(NULL, 0, UINT64_MAX));
    assert_int_equal(one, 1);
    assert_null(boxes);
    assert_ok(gvk_stream_wait(objects.stream, objects.ticket, 0));
}

/* With two frames in flight the third submit takes the first one's place. */
static void a_ticket_that_is_over(void **state)
{
    (void)state;
    gvk_stream *stream = NULL;
    gvk_stream_params params = {.size = sizeof params, .width = SIDE, .height = SIDE, .frames = 2};
    gvk_picture picture = tensor_picture();
    gvk_ticket tickets[3];
    gvk_array array;
    assert_ok(gvk_stream_create(objects.model, &params, &stream));
    for (size_t i = 0; i < ARRAY_COUNT(tickets); i++) {
        assert_ok(gvk_stream_submit(stream, &picture, sizeof picture, 1, &tickets[i]));
        assert_ok(gvk_stream_wait(stream, tickets[i], UINT64_MAX));
    }
    REFUSED(gvk_stream_read(stream, tickets[0], "mix", &array));
    assert_ok(gvk_stream_read(stream, tickets[1], "mix", &array));
    assert_ok(gvk_stream_read(stream, tickets[2], "mix", &array));
    gvk_stream_destroy(stream);
}

static void reading(void **state)
{
    (void)state;
    gvk_array array = {.rank = 77};
    REFUSED_IN_SILENCE(gvk_stream_read(NULL, objects.ticket, "mix", &array));
    REFUSED(gvk_stream_read(objects.stream, objects.ticket, NULL, &array));
    REFUSED(gvk_stream_read(objects.stream, objects.ticket, "mix", NULL));
    REFUSED(gvk_stream_read(objects.stream, objects.ticket, "", &array));
    REFUSED(gvk_stream_read(objects.stream, objects.ticket, "no such tensor", &array));
    REFUSED(gvk_stream_read(objects.stream, objects.ticket, "input", &array)); /* not kept */
    REFUSED(gvk_stream_read(objects.detector, objects.detector_ticket, "stride8", &array));
    assert_int_equal(array.rank, 77);
}

static void timings(void **state)
{
    (void)state;
    gvk_timing stage;
    gvk_layer_timing layer;
    uint32_t none = 0, one = 1, most = UINT32_MAX;
    gvk_stream *stream = objects.stream;
    REFUSED_IN_SILENCE(gvk_stream_timings(NULL, 1, &stage, sizeof stage, &one));
    REFUSED_IN_SILENCE(gvk_stream_layer_timings(NULL, 1, &layer, sizeof layer, &one));
    REFUSED(gvk_stream_timings(stream, objects.ticket, &stage, sizeof stage, NULL));
    REFUSED(gvk_stream_timings(stream, objects.ticket, NULL, sizeof stage, &one));
    REFUSED(gvk_stream_timings(stream, objects.ticket, NULL, sizeof stage, &most));
    REFUSED(gvk_stream_layer_timings(stream, objects.ticket, &layer, sizeof layer, NULL));
    REFUSED(gvk_stream_layer_timings(stream, objects.ticket, NULL, sizeof layer, &one));
    REFUSED(gvk_stream_layer_timings(stream, objects.ticket, NULL, sizeof layer, &most));
    for (size_t i = 0; i < ARRAY_COUNT(impossible_sizes); i++) {
        REFUSED(gvk_stream_timings(stream, objects.ticket, &stage, impossible_sizes[i], &one));
        REFUSED(gvk_stream_layer_timings(stream, objects.ticket, &layer, impossible_sizes[i], &one));
    }
    assert_int_equal(one, 1);
    assert_ok(gvk_stream_timings(stream, objects.ticket, NULL, 0, &none));
    none = 0;
    assert_ok(gvk_stream_layer_timings(stream, objects.ticket, NULL, 0, &none));
}

/* ---- plans ---- */

static void plans(void **state)
{
    (void)state;
    const gvk_stream_params right = {.size = sizeof right, .width = SIDE, .height = SIDE};
    gvk_description plan = {.size = sizeof plan};
    REFUSED_IN_SILENCE(gvk_plan_describe(NULL, NULL, NULL, &right, &plan));
    REFUSED_IN_SILENCE(gvk_plan_describe(NULL, NULL, NULL, NULL, NULL));
    for (int with_device = 0; with_device < 2; with_device++) {
        const gvk_device *device = with_device ? objects.device : NULL;
        REFUSED(gvk_plan_describe(device, objects.unfinished, NULL, &right, &plan));
        REFUSED(gvk_plan_describe(device, objects.failed, NULL, &right, &plan));
        REFUSED(gvk_plan_describe(device, objects.graph, NULL, NULL, &plan));
        REFUSED(gvk_plan_describe(device, objects.graph, NULL, &right, NULL));
        for (size_t i = 0; i < ARRAY_COUNT(wrong_streams); i++)
            LINE_REFUSED(wrong_streams[i].name,
                         gvk_plan_describe(device, objects.graph, NULL, &wrong_streams[i].params, &plan));
        for (size_t i = 0; i < ARRAY_COUNT(unknown_values); i++) {
            gvk_model_params model = {.size = sizeof model, .precision = (gvk_precision)unknown_values[i]};
            REFUSED(gvk_plan_describe(device, objects.graph, &model, &right, &plan));
        }
        for (size_t i = 0; i < ARRAY_COUNT(impossible_sizes); i++) {
            gvk_model_params model = {.size = impossible_sizes[i]};
            gvk_stream_params stream = right;
            gvk_description small = {.size = impossible_sizes[i]},
                            layers = {.size = sizeof layers, .layer_size = impossible_sizes[i]};
            stream.size = impossible_sizes[i];
            REFUSED(gvk_plan_describe(device, objects.graph, &model, &right, &plan));
            REFUSED(gvk_plan_describe(device, objects.graph, NULL, &stream, &plan));
            REFUSED(gvk_plan_describe(device, objects.graph, NULL, &right, &small));
            REFUSED(gvk_plan_describe(device, objects.graph, NULL, &right, &layers));
        }
    }
    assert_true(!plan.layers && !plan.memory);
    gvk_description_release(NULL, &plan); /* of nothing */
    gvk_description_release(&counting_host, NULL);
    gvk_description_release(NULL, NULL);
}

/* ---- tuning ---- */

static const struct {
    const char *name;
    gvk_tune_params params;
} wrong_tunes[] = {
    {"no size", {.rounds = 1}},
    {"no width", {.height = SIDE, .rounds = 1}},
    {"too wide", {.width = 65536, .height = SIDE, .rounds = 1}},
    {"a size without end", {.width = UINT32_MAX, .height = UINT32_MAX, .rounds = 1}},
    {"a batch that is too large", {.width = SIDE, .height = SIDE, .batch = 1025, .rounds = 1}},
    {"a batch without end", {.width = SIDE, .height = SIDE, .batch = UINT32_MAX, .rounds = 1}},
    {"too many rounds", {.width = SIDE, .height = SIDE, .rounds = 1001}},
    {"rounds without end", {.width = SIDE, .height = SIDE, .rounds = UINT32_MAX}},
};

static void tuning(void **state)
{
    (void)state;
    gvk_device *device = objects.device;
    const gvk_tune_params right = {.size = sizeof right, .width = SIDE, .height = SIDE, .rounds = 1};
    gvk_tune_result tuned = {.size = sizeof tuned};
    REFUSED_IN_SILENCE(gvk_tune(NULL, objects.graph, &right, &tuned));
    REFUSED_IN_SILENCE(gvk_tune(NULL, NULL, NULL, NULL));
    REFUSED(gvk_tune(device, NULL, &right, &tuned));
    REFUSED(gvk_tune(device, objects.graph, NULL, &tuned));
    REFUSED(gvk_tune(device, objects.graph, &right, NULL));
    REFUSED(gvk_tune(device, objects.unfinished, &right, &tuned));
    REFUSED(gvk_tune(device, objects.failed, &right, &tuned));
    REFUSED(gvk_tune(device, objects.without_weights, &right, &tuned));
    for (size_t i = 0; i < ARRAY_COUNT(wrong_tunes); i++)
        LINE_REFUSED(wrong_tunes[i].name, gvk_tune(device, objects.graph, &wrong_tunes[i].params, &tuned));
    for (size_t i = 0; i < ARRAY_COUNT(unknown_values); i++) {
        gvk_tune_params params = right;
        params.precision = (gvk_precision)unknown_values[i];
        REFUSED(gvk_tune(device, objects.graph, &params, &tuned));
    }
    for (size_t i = 0; i < ARRAY_COUNT(impossible_sizes); i++) {
        gvk_tune_params params = right;
        gvk_tune_result result = {.size = impossible_sizes[i]};
        params.size = impossible_sizes[i];
        REFUSED(gvk_tune(device, objects.graph, &params, &tuned));
        REFUSED(gvk_tune(device, objects.graph, &right, &result));
    }
    assert_true(tuned.built_in_ms == 0);
}

int run_stream_misuse(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(creating),
        cmocka_unit_test(describing),
        cmocka_unit_test(submitting),
        cmocka_unit_test(sources),
        cmocka_unit_test(tickets_that_are_not_there),
        cmocka_unit_test(a_ticket_that_is_over),
        cmocka_unit_test(reading),
        cmocka_unit_test(timings),
        cmocka_unit_test(plans),
        cmocka_unit_test(tuning),
    };
    return cmocka_run_group_tests_name("misuse of streams", tests, NULL, NULL);
}
