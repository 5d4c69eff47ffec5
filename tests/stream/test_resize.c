/* The way of a picture into the network's input: every byte is Pillow's (tests/goldens/make_resize.py), whatever the
 * pixel format, the row pitch, the batch and the frame before. The graph behind it is one node; what is compared is the
 * input that the network was given. */
#include "tests/support/harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/stream/stream.h"
#include "tests/filler/filler.h"

#define CASE_CAPACITY 64

/* A case of the golden, with the pictures as they lie in it. */
struct resize_case {
    char name[16];
    bool letterbox;
    uint32_t source_width, source_height, width, height;
    const uint8_t *source, *expected; /* rows of R, G, B */
};

static struct golden *golden;
static struct resize_case cases[CASE_CAPACITY];
static uint32_t case_count;
static gvk_device *device;
static gvk_model *model;      /* one node over an input of three channels */
static double worst_distance; /* of value * 255 from the byte */

static const char *const format_names[] = {"RGB8", "RGBA8", "BGRA8"};

static const uint8_t *case_bytes(const char *name, const char *part, uint32_t *width, uint32_t *height)
{
    char tensor[32];
    snprintf(tensor, sizeof tensor, "%s.%s", name, part);
    const gvk_array *array = golden_array(golden, tensor);
    assert_int_equal(array->rank, 3);
    assert_int_equal(array->shape[2], 3);
    assert_int_equal(array->bytes, array->shape[0] * array->shape[1] * 3);
    *height = (uint32_t)array->shape[0];
    *width = (uint32_t)array->shape[1];
    return array->data;
}

static void read_cases(void)
{
    golden = open_golden("resize.safetensors");
    case_count = (uint32_t)strtoul(golden_text(golden, "case_count"), NULL, 10);
    assert_in_range(case_count, 1, CASE_CAPACITY);
    for (uint32_t i = 0; i < case_count; i++) {
        struct resize_case *one = &cases[i];
        char key[32];
        snprintf(one->name, sizeof one->name, "case%02u", i);
        snprintf(key, sizeof key, "case%02u.kind", i);
        one->letterbox = !strcmp(golden_text(golden, key), "letterbox");
        one->source = case_bytes(one->name, "source", &one->source_width, &one->source_height);
        one->expected = case_bytes(one->name, "expected", &one->width, &one->height);
    }
}

static gvk_result no_weights(void *user, const char *name, gvk_array *out)
{
    (void)user;
    (void)name;
    (void)out;
    return GVK_ERROR_MISMATCH;
}

static gvk_model *create_model(uint32_t channels)
{
    gvk_graph *graph = NULL;
    assert_ok(gvk_graph_create(&test_host, no_weights, NULL, &graph));
    gvk_node node = {.op = GVK_OP_ACTIVATION, .name = "relu", .activation = GVK_ACTIVATION_RELU};
    node.inputs[0] = gvk_graph_input(graph, "input", channels);
    gvk_graph_output(graph, "output", gvk_graph_add(graph, &node));
    assert_ok(gvk_graph_finish(graph));
    gvk_model *made = NULL;
    assert_ok(gvk_model_create(device, graph, NULL, &made));
    gvk_graph_destroy(graph);
    return made;
}

static gvk_stream *create_stream(gvk_model *of, uint32_t width, uint32_t height, uint32_t batch, uint32_t frames)
{
    static const char *const kept[] = {"input"};
    gvk_stream_params params = {
        .size = sizeof params,
        .width = width,
        .height = height,
        .batch = batch,
        .frames = frames,
        .kept_tensors = kept,
        .kept_count = 1,
    };
    gvk_stream *stream = NULL;
    assert_ok(gvk_stream_create(of, &params, &stream));
    return stream;
}

/* Not-a-numbers wherever the host can write, so that a pixel that nobody wrote shows. No frame may be in flight. */
static void spoil_arena(const gvk_stream *stream)
{
    const struct gvk_buffer *arena = gvk_stream_arena(stream);
    if (!arena->mapped)
        return;
    memset(arena->mapped, 0xff, (size_t)arena->bytes);
    assert_ok(gvk_buffer_flush(device, arena));
}

/* The case's picture in another format, in a block that ends with its last pixel. */
static gvk_picture make_picture(const struct resize_case *one, gvk_pixel_format format, size_t padding, uint8_t **block)
{
    size_t pixel = format == GVK_PIXELS_RGB8 ? 3 : 4;
    size_t row = one->source_width * pixel, pitch = row + padding;
    size_t bytes = pitch * (one->source_height - 1) + row;
    uint8_t *made = malloc(bytes);
    assert_non_null(made);
    memset(made, 0xa5, bytes);
    for (uint32_t y = 0; y < one->source_height; y++)
        for (uint32_t x = 0; x < one->source_width; x++) {
            const uint8_t *from = one->source + ((size_t)y * one->source_width + x) * 3;
            uint8_t *to = made + y * pitch + x * pixel;
            for (int c = 0; c < 3; c++)
                to[c] = from[format == GVK_PIXELS_BGRA8 ? 2 - c : c];
            if (pixel == 4)
                to[3] = (uint8_t)(x * 37 + y * 11); /* dropped, whatever it is */
        }
    *block = made;
    return (gvk_picture){
        .size = sizeof(gvk_picture),
        .kind = GVK_PICTURE_PIXELS,
        .format = format,
        .width = one->source_width,
        .height = one->source_height,
        .row_pitch = padding ? pitch : 0,
        .pixels = made,
        .letterbox = one->letterbox,
    };
}

static gvk_ticket submit(gvk_stream *stream, const gvk_picture *pictures, uint32_t count)
{
    gvk_ticket ticket = 0;
    assert_ok(gvk_stream_submit(stream, pictures, sizeof(gvk_picture), count, &ticket));
    return ticket;
}

static const float *read_input(gvk_stream *stream, gvk_ticket ticket, uint32_t item, uint32_t *width, uint32_t *height)
{
    gvk_array array;
    assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
    assert_ok(gvk_stream_read(stream, ticket, "input", &array));
    assert_int_equal(array.rank, 4);
    assert_int_equal(array.shape[1], 3);
    *height = (uint32_t)array.shape[2];
    *width = (uint32_t)array.shape[3];
    return (const float *)array.data + (size_t)item * 3 * *height * *width;
}

static void expect_case(gvk_stream *stream, gvk_ticket ticket, uint32_t item, const struct resize_case *one,
                        gvk_pixel_format format, const char *what)
{
    uint32_t width, height;
    const float *values = read_input(stream, ticket, item, &width, &height);
    assert_int_equal(width, one->width);
    assert_int_equal(height, one->height);
    size_t plane = (size_t)width * height;
    for (uint32_t c = 0; c < 3; c++)
        for (size_t p = 0; p < plane; p++) {
            double value = 255.0 * (double)values[c * plane + p];
            double distance = fabs(value - one->expected[p * 3 + c]);
            worst_distance = fmax(worst_distance, distance);
            if (!(distance < 1e-3))
                fail_msg("%s (%ux%u to %ux%u, %s), %s, %s, item %u: channel %u of pixel %u, %u is %.9g, not %u",
                         one->name, one->source_width, one->source_height, width, height,
                         one->letterbox ? "letterbox" : "stretch", format_names[format], what, item, c,
                         (unsigned)(p % width), (unsigned)(p / width), value, one->expected[p * 3 + c]);
        }
}

static void every_picture_is_resized_as_pillow_does_it(void **state)
{
    (void)state;
    static const size_t paddings[] = {0, 13};
    for (uint32_t i = 0; i < case_count; i++) {
        gvk_stream *stream = create_stream(model, cases[i].width, cases[i].height, 1, 1);
        for (int format = GVK_PIXELS_RGB8; format <= GVK_PIXELS_BGRA8; format++)
            for (size_t j = 0; j < ARRAY_COUNT(paddings); j++) {
                uint8_t *block;
                gvk_picture picture = make_picture(&cases[i], (gvk_pixel_format)format, paddings[j], &block);
                spoil_arena(stream);
                gvk_ticket ticket = submit(stream, &picture, 1);
                free(block);
                expect_case(stream, ticket, 0, &cases[i], (gvk_pixel_format)format,
                            paddings[j] ? "rows 13 bytes apart" : "tight rows");
            }
        gvk_stream_destroy(stream);
    }
    print_message("             %u pictures, 3 formats, 2 pitches; furthest from the byte: %.1e\n", case_count,
                  worst_distance);
}

static void two_pictures_of_different_sizes_fit_in_one_frame(void **state)
{
    (void)state;
    uint32_t pairs = 0;
    for (uint32_t i = 0; i < case_count; i++)
        for (uint32_t j = 0; j < case_count; j++) {
            if (i == j || cases[i].width != cases[j].width || cases[i].height != cases[j].height ||
                cases[i].source_width == cases[j].source_width)
                continue;
            gvk_pixel_format formats[2] = {(gvk_pixel_format)(i % 3), (gvk_pixel_format)(j % 3)};
            gvk_stream *stream = create_stream(model, cases[i].width, cases[i].height, 2, 1);
            uint8_t *blocks[2];
            gvk_picture pictures[2];
            pictures[0] = make_picture(&cases[i], formats[0], 5, &blocks[0]);
            pictures[1] = make_picture(&cases[j], formats[1], 0, &blocks[1]);
            spoil_arena(stream);
            gvk_ticket ticket = submit(stream, pictures, 2);
            free(blocks[0]);
            free(blocks[1]);
            expect_case(stream, ticket, 0, &cases[i], formats[0], "first of two");
            expect_case(stream, ticket, 1, &cases[j], formats[1], "second of two");
            gvk_stream_destroy(stream);
            pairs++;
        }
    assert_true(pairs >= 10);
}

/* On one stream: all cases of one input size forward and back, with `frames` in flight and read as late as possible. */
static void run_changing_sizes(uint32_t frames)
{
    const uint32_t width = 64, height = 32;
    uint32_t order[2 * CASE_CAPACITY], count = 0;
    for (uint32_t i = 0; i < case_count; i++)
        if (cases[i].width == width && cases[i].height == height)
            order[count++] = i;
    assert_true(count >= 4);
    for (uint32_t i = 0, once = count; i < once; i++) {
        order[count] = order[once - 1 - i];
        count++;
    }
    gvk_stream *stream = create_stream(model, width, height, 1, frames);
    gvk_ticket tickets[2 * CASE_CAPACITY];
    char what[64];
    snprintf(what, sizeof what, "sizes changing, %u in flight", frames);
    for (uint32_t i = 0; i < count + frames - 1; i++) {
        if (i < count) {
            uint8_t *block;
            gvk_pixel_format format = (gvk_pixel_format)(order[i] % 3);
            gvk_picture picture = make_picture(&cases[order[i]], format, i % 2, &block);
            if (frames == 1)
                spoil_arena(stream);
            tickets[i] = submit(stream, &picture, 1);
            free(block);
        }
        if (i >= frames - 1) {
            uint32_t done = i - (frames - 1);
            expect_case(stream, tickets[done], 0, &cases[order[done]], (gvk_pixel_format)(order[done] % 3), what);
        }
    }
    gvk_stream_destroy(stream);
}

static void sizes_may_change_from_frame_to_frame_and_back(void **state)
{
    (void)state;
    run_changing_sizes(1);
    run_changing_sizes(2);
    run_changing_sizes(3);
}

static float *make_tensor(uint32_t width, uint32_t height, const char *seed)
{
    uint64_t shape[4] = {1, 3, height, width};
    float *values = malloc((size_t)3 * height * width * sizeof *values);
    assert_non_null(values);
    fill_input(seed, shape, values);
    return values;
}

static gvk_picture tensor_picture(uint32_t width, uint32_t height, const float *values)
{
    return (gvk_picture){
        .size = sizeof(gvk_picture), .kind = GVK_PICTURE_TENSOR, .width = width, .height = height, .pixels = values};
}

static void expect_tensor(gvk_stream *stream, gvk_ticket ticket, uint32_t item, const float *expected)
{
    uint32_t width, height;
    const float *values = read_input(stream, ticket, item, &width, &height);
    for (size_t i = 0; i < (size_t)3 * width * height; i++)
        if (values[i] != expected[i])
            fail_msg("a tensor of %ux%u, item %u: value %zu is %.9g, not %.9g", width, height, item, i,
                     (double)values[i], (double)expected[i]);
}

static const struct resize_case *find_case(uint32_t width, uint32_t height, bool letterbox)
{
    for (uint32_t i = case_count; i-- > 0;)
        if (cases[i].width == width && cases[i].height == height && cases[i].letterbox == letterbox)
            return &cases[i];
    fail_msg("the golden has no case of %ux%u", width, height);
    return NULL;
}

static void a_tensor_may_follow_a_picture_and_stand_beside_one(void **state)
{
    (void)state;
    const uint32_t width = 64, height = 32;
    const struct resize_case *one = find_case(width, height, true);
    float *values = make_tensor(width, height, "beside");
    uint8_t *block;
    gvk_picture pixels = make_picture(one, GVK_PIXELS_BGRA8, 3, &block);
    gvk_picture tensor = tensor_picture(width, height, values);

    gvk_stream *stream = create_stream(model, width, height, 1, 1);
    for (int round = 0; round < 2; round++) {
        spoil_arena(stream);
        expect_case(stream, submit(stream, &pixels, 1), 0, one, GVK_PIXELS_BGRA8, "before a tensor");
        spoil_arena(stream);
        expect_tensor(stream, submit(stream, &tensor, 1), 0, values);
    }
    gvk_stream_destroy(stream);

    stream = create_stream(model, width, height, 2, 2);
    gvk_ticket mixed = submit(stream, (gvk_picture[]){pixels, tensor}, 2);
    gvk_ticket turned = submit(stream, (gvk_picture[]){tensor, pixels}, 2);
    expect_case(stream, mixed, 0, one, GVK_PIXELS_BGRA8, "in front of a tensor");
    expect_tensor(stream, mixed, 1, values);
    expect_tensor(stream, turned, 0, values);
    expect_case(stream, turned, 1, one, GVK_PIXELS_BGRA8, "behind a tensor");
    gvk_stream_destroy(stream);
    free(block);
    free(values);
}

/* A device that binds little: the passes are cut into strips, and no byte changes. */
static void strips_give_the_same_bytes(void **state)
{
    (void)state;
    static const uint64_t limits[] = {700, 1100, 2000, 5000, 20000, 100000};
    const uint64_t real = device->traits.max_storage_bytes;
    uint32_t cut = 0, most = 0;
    for (uint32_t i = 0; i < case_count; i++) {
        gvk_stream *stream = create_stream(model, cases[i].width, cases[i].height, 1, 1);
        for (size_t j = 0; j < ARRAY_COUNT(limits); j++) {
            gvk_pixel_format format = (gvk_pixel_format)((i + j) % 3);
            uint8_t *block;
            gvk_picture picture = make_picture(&cases[i], format, 0, &block);
            gvk_ticket ticket = 0;
            gvk_stream_info info = {.size = sizeof info};
            spoil_arena(stream);
            device->traits.max_storage_bytes = limits[j];
            gvk_result fits = gvk_device_check_picture(device, &picture, cases[i].width, cases[i].height);
            gvk_result result = gvk_stream_submit(stream, &picture, sizeof(gvk_picture), 1, &ticket);
            device->traits.max_storage_bytes = real;
            free(block);
            assert_int_equal(fits, result);
            if (result) {
                assert_int_equal(result, GVK_ERROR_UNSUPPORTED);
                continue;
            }
            char what[64];
            snprintf(what, sizeof what, "%u bytes bound at once", (unsigned)limits[j]);
            expect_case(stream, ticket, 0, &cases[i], format, what);
            gvk_stream_describe(stream, &info);
            uint32_t strips = info.frame.dispatches - info.network.dispatches;
            cut += strips > 2;
            most = strips > most ? strips : most;
        }
        gvk_stream_destroy(stream);
    }
    print_message("             %u pictures in strips, up to %u of them\n", cut, most);
    assert_true(cut > 20 && most > 50);
}

static uint8_t large_byte(uint32_t x, uint32_t y, uint32_t channel)
{
    return (uint8_t)(((x * (channel + 3)) ^ (y * (2 * channel + 5))) + (x * y >> 8));
}

/* More than 128 MiB of pixels, and of rows between the passes: the least that a device may bind at once. */
static void pictures_of_a_hundred_megapixels_are_resized_as_pillow_does_it(void **state)
{
    (void)state;
    static const uint32_t sizes[][2] = {{8200, 5600}, {20, 60000}, {12000, 9000}};
    const char *scope = getenv("GVK_TEST_SCOPE");
    gvk_device_info info_of_device = {.size = sizeof info_of_device};
    gvk_device_describe(device, &info_of_device);
    if (scope && strcmp(scope, "small") == 0)
        skip();
    const uint64_t real = device->traits.max_storage_bytes;
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        uint32_t source_width = sizes[i][0], source_height = sizes[i][1];
        char name[16];
        snprintf(name, sizeof name, "large%zu", i);
        struct resize_case one = {.source_width = source_width, .source_height = source_height};
        snprintf(one.name, sizeof one.name, "%s", name);
        one.expected = case_bytes(name, "expected", &one.width, &one.height);
        uint8_t *pixels = malloc((size_t)source_width * source_height * 3), *to = pixels;
        assert_non_null(pixels);
        for (uint32_t y = 0; y < source_height; y++)
            for (uint32_t x = 0; x < source_width; x++)
                for (uint32_t channel = 0; channel < 3; channel++)
                    *to++ = large_byte(x, y, channel);
        gvk_picture picture = {
            .size = sizeof picture, .width = source_width, .height = source_height, .pixels = pixels};
        gvk_stream *stream = create_stream(model, one.width, one.height, 1, 1);
        device->traits.max_storage_bytes = (uint64_t)1 << 27;
        assert_ok(gvk_device_check_picture(device, &picture, one.width, one.height));
        gvk_ticket ticket = submit(stream, &picture, 1);
        free(pixels);
        expect_case(stream, ticket, 0, &one, GVK_PIXELS_RGB8, "in strips of 128 MiB");
        device->traits.max_storage_bytes = real;
        gvk_stream_info info = {.size = sizeof info};
        gvk_stream_describe(stream, &info);
        assert_true(info.frame.dispatches - info.network.dispatches > 2);
        gvk_stream_destroy(stream);
    }
}

static void what_cannot_fit_is_known_before_there_are_pixels(void **state)
{
    (void)state;
    gvk_picture picture = {.size = sizeof picture, .width = 65535, .height = 65535};
    assert_result(gvk_device_check_picture(NULL, &picture, 32, 32), GVK_ERROR_ARGUMENT, "no device", __FILE__,
                  __LINE__);
    assert_result(gvk_device_check_picture(device, NULL, 32, 32), GVK_ERROR_ARGUMENT, "no picture", __FILE__, __LINE__);
    assert_result(gvk_device_check_picture(device, &picture, 0, 32), GVK_ERROR_ARGUMENT, "no width", __FILE__,
                  __LINE__);
    const uint64_t real = device->traits.max_buffer_bytes;
    device->traits.max_buffer_bytes = (uint64_t)1 << 30; /* the least that Vulkan promises */
    assert_result(gvk_device_check_picture(device, &picture, 416, 416), GVK_ERROR_UNSUPPORTED, "12 GiB", __FILE__,
                  __LINE__);
    picture.width = picture.height = 18000;
    assert_ok(gvk_device_check_picture(device, &picture, 416, 416));
    device->traits.max_buffer_bytes = real;
    picture = (gvk_picture){.size = sizeof picture, .width = 65535, .height = 1};
    assert_ok(gvk_device_check_picture(device, &picture, 32, 32));
    /* One pixel of 65,535: more turns of a loop than drivers take. */
    assert_result(gvk_device_check_picture(device, &picture, 1, 1), GVK_ERROR_UNSUPPORTED, "to one pixel", __FILE__,
                  __LINE__);
    picture.width = 0;
    assert_result(gvk_device_check_picture(device, &picture, 32, 32), GVK_ERROR_ARGUMENT, "no pixels across", __FILE__,
                  __LINE__);
}

/* Taps by the thousand: the coefficients must still sum to one. */
static void the_longest_row_and_column_keep_their_colour(void **state)
{
    (void)state;
    enum { LONG = 65535, SIDE = 32 };
    static const uint8_t colour[3] = {255, 101, 3};
    uint8_t *block = malloc((size_t)LONG * 3);
    assert_non_null(block);
    for (size_t i = 0; i < (size_t)LONG * 3; i++)
        block[i] = colour[i % 3];
    gvk_stream *stream = create_stream(model, SIDE, SIDE, 1, 1);
    for (int upright = 0; upright < 2; upright++)
        for (int letterbox = 0; letterbox < 2; letterbox++) {
            gvk_picture picture = {
                .size = sizeof picture,
                .width = upright ? 1 : LONG,
                .height = upright ? LONG : 1,
                .pixels = block,
                .letterbox = letterbox,
            };
            uint32_t width, height;
            spoil_arena(stream);
            const float *values = read_input(stream, submit(stream, &picture, 1), 0, &width, &height);
            for (int c = 0; c < 3; c++)
                for (uint32_t p = 0; p < SIDE * SIDE; p++) {
                    /* Letterboxed, one line of pixels is left of the picture, in the middle. */
                    uint32_t across = upright ? p % SIDE : p / SIDE;
                    int expected = letterbox && across != (SIDE - 1) / 2 ? 128 : colour[c];
                    double value = 255.0 * (double)values[(uint32_t)c * SIDE * SIDE + p];
                    if (!(fabs(value - expected) < 1e-3))
                        fail_msg("%ux%u, letterbox %d: channel %d of pixel %u, %u is %.9g, not %d", picture.width,
                                 picture.height, letterbox, c, p % SIDE, p / SIDE, value, expected);
                }
        }
    gvk_stream_destroy(stream);
    free(block);
}

static void wrong_pictures_are_refused_and_the_stream_goes_on(void **state)
{
    (void)state;
    const uint32_t width = 64, height = 32;
    const struct resize_case *one = find_case(width, height, false);
    const struct resize_case *other = find_case(width, height, true);
    float *values = make_tensor(width, height, "refused");
    uint8_t *block, *other_block;
    gvk_picture good = make_picture(one, GVK_PIXELS_RGB8, 0, &block);
    gvk_picture other_good = make_picture(other, GVK_PIXELS_RGBA8, 7, &other_block);
    gvk_picture tensor = tensor_picture(width, height, values);
    struct {
        const char *what;
        gvk_picture picture;
    } wrong[12];
    size_t count = 0;
#define WRONG(base, sentence, field, value)                                                                            \
    wrong[count].what = sentence;                                                                                      \
    wrong[count].picture = base;                                                                                       \
    wrong[count++].picture.field = value;
    WRONG(good, "no pixels", pixels, NULL)
    WRONG(good, "no width", width, 0)
    WRONG(good, "no height", height, 0)
    WRONG(good, "too wide", width, 65536)
    WRONG(good, "too high", height, 65536)
    WRONG(good, "a pitch below the row", row_pitch, (size_t)good.width * 3 - 1)
    WRONG(good, "an unknown format", format, (gvk_pixel_format)3)
    WRONG(good, "an unknown kind", kind, (gvk_picture_kind)2)
    WRONG(tensor, "a tensor without values", pixels, NULL)
    WRONG(tensor, "a tensor of another width", width, width - 1)
    WRONG(tensor, "a tensor of another height", height, height * 2)
#undef WRONG

    gvk_stream *stream = create_stream(model, width, height, 2, 1);
    gvk_ticket ticket = 0;
    for (size_t i = 0; i < count; i++)
        for (int place = 0; place < 2; place++) {
            /* The right one changes its size each time, so that a refusal comes between two recordings. */
            bool turn = (i + (size_t)place) % 2;
            gvk_picture pictures[2];
            pictures[place] = wrong[i].picture;
            pictures[1 - place] = turn ? other_good : good;
            gvk_result result = gvk_stream_submit(stream, pictures, sizeof(gvk_picture), 2, &ticket);
            if (result != GVK_ERROR_ARGUMENT)
                fail_msg("%s in place %d: %s, not GVK_ERROR_ARGUMENT", wrong[i].what, place, gvk_result_name(result));
            pictures[place] = turn ? good : other_good;
            ticket = submit(stream, pictures, 2);
            uint32_t good_at = (uint32_t)(turn ? place : 1 - place);
            expect_case(stream, ticket, good_at, one, GVK_PIXELS_RGB8, wrong[i].what);
            expect_case(stream, ticket, 1 - good_at, other, GVK_PIXELS_RGBA8, wrong[i].what);
        }
    gvk_picture pair[2] = {good, other_good};
    assert_result(gvk_stream_submit(NULL, pair, sizeof(gvk_picture), 2, &ticket), GVK_ERROR_ARGUMENT, "no stream",
                  __FILE__, __LINE__);
    assert_result(gvk_stream_submit(stream, NULL, sizeof(gvk_picture), 2, &ticket), GVK_ERROR_ARGUMENT, "no pictures",
                  __FILE__, __LINE__);
    assert_result(gvk_stream_submit(stream, pair, sizeof(gvk_picture), 2, NULL), GVK_ERROR_ARGUMENT, "no ticket",
                  __FILE__, __LINE__);
    assert_result(gvk_stream_submit(stream, pair, sizeof(gvk_picture), 1, &ticket), GVK_ERROR_ARGUMENT, "one of two",
                  __FILE__, __LINE__);
    assert_result(gvk_stream_submit(stream, pair, sizeof(gvk_picture), 0, &ticket), GVK_ERROR_ARGUMENT, "none of two",
                  __FILE__, __LINE__);
    gvk_stream_destroy(stream);

    /* Pixels do not go into an input that has not three channels. */
    gvk_model *grey = create_model(4);
    stream = create_stream(grey, width, height, 1, 1);
    assert_result(gvk_stream_submit(stream, &good, sizeof(gvk_picture), 1, &ticket), GVK_ERROR_ARGUMENT,
                  "four channels", __FILE__, __LINE__);
    gvk_stream_destroy(stream);
    gvk_model_destroy(grey);
    free(block);
    free(other_block);
    free(values);
}

static int set_up(void **state)
{
    if (open_device_fixture(state))
        return -1;
    device = *state;
    read_cases();
    model = create_model(3);
    return 0;
}

static int tear_down(void **state)
{
    gvk_model_destroy(model);
    close_golden(golden);
    return close_device_fixture(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_picture_is_resized_as_pillow_does_it),
        cmocka_unit_test(two_pictures_of_different_sizes_fit_in_one_frame),
        cmocka_unit_test(sizes_may_change_from_frame_to_frame_and_back),
        cmocka_unit_test(a_tensor_may_follow_a_picture_and_stand_beside_one),
        cmocka_unit_test(strips_give_the_same_bytes),
        cmocka_unit_test(pictures_of_a_hundred_megapixels_are_resized_as_pillow_does_it),
        cmocka_unit_test(what_cannot_fit_is_known_before_there_are_pixels),
        cmocka_unit_test(the_longest_row_and_column_keep_their_colour),
        cmocka_unit_test(wrong_pictures_are_refused_and_the_stream_goes_on),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
