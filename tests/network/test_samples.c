/* The shipped model on the shipped pictures finds what PyTorch finds in double precision
 * (tests/goldens/make_samples.py): from the JPEG file to the boxes, letterboxed, with the thresholds of the model's
 * file, on both paths and in two input sizes. */
#include "tests/support/harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/pictures/image_io.h"

#define SCORE_TOLERANCE 1e-3
#define IOU_LEAST       0.99

static const char *const names[] = {"smear-1", "smear-2", "smear-7"};
#define PICTURE_COUNT ARRAY_COUNT(names)
static const struct {
    uint32_t width, height;
} sizes[] = {{416, 416}, {608, 320}};
static const struct {
    const char *name;
    uint32_t rewrites_off;
} paths[] = {{"fast", 0}, {"reference", GVK_REWRITE_ALL}};

static struct golden *golden;
static gvk_network *network;
static gvk_model *models[ARRAY_COUNT(paths)];
static struct image images[PICTURE_COUNT];

static double area(const float *box)
{
    return fmax(0, (double)box[2] - (double)box[0]) * fmax(0, (double)box[3] - (double)box[1]);
}

static double intersection_over_union(const float *left, const float *right)
{
    const float both[4] = {fmaxf(left[0], right[0]), fmaxf(left[1], right[1]), fminf(left[2], right[2]),
                           fminf(left[3], right[3])};
    return area(both) / (area(left) + area(right) - area(both));
}

static gvk_stream *create_detector(size_t path, size_t size, uint32_t batch)
{
    gvk_stream_params stream_params = {
        .size = sizeof stream_params, .width = sizes[size].width, .height = sizes[size].height, .batch = batch};
    gvk_detector_params params = {
        .size = sizeof params,
        .stream = &stream_params,
    };
    gvk_stream *stream = NULL;
    assert_ok(gvk_detector_create(models[path], network, &params, &stream));
    return stream;
}

static gvk_picture picture_of(size_t index, bool letterbox)
{
    return (gvk_picture){
        .size = sizeof(gvk_picture),
        .width = images[index].width,
        .height = images[index].height,
        .pixels = images[index].pixels,
        .letterbox = letterbox,
    };
}

/* The detections of a frame; the caller frees them. */
static gvk_detection *detect(gvk_stream *stream, const gvk_picture *pictures, uint32_t batch, uint32_t *count)
{
    gvk_ticket ticket = 0;
    const gvk_detection *found = NULL;
    assert_ok(gvk_stream_submit(stream, pictures, sizeof(gvk_picture), batch, &ticket));
    assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
    assert_ok(gvk_detector_read(stream, ticket, &found, sizeof(gvk_detection), count));
    gvk_detection *copy = calloc(*count + (size_t)1, sizeof *copy);
    assert_non_null(copy);
    if (*count)
        memcpy(copy, found, *count * sizeof *copy);
    return copy;
}

/* Each expected row has a detection of its class at its place, which no other row has. */
static void compare(size_t picture, size_t size, size_t path, const gvk_detection *found, uint32_t count)
{
    char name[48];
    uint64_t values;
    snprintf(name, sizeof name, "%s.%ux%u", names[picture], sizes[size].width, sizes[size].height);
    float *rows = golden_floats(golden, name, &values);
    uint32_t expected = (uint32_t)(values / 6);
    if (count != expected)
        fail_msg("%s, %s path: %u detections, not %u", name, paths[path].name, count, expected);
    bool *taken = calloc(count + (size_t)1, sizeof *taken);
    assert_non_null(taken);
    double least_iou = 1, worst_score = 0;
    for (uint32_t i = 0; i < expected; i++) {
        const float *row = rows + (size_t)i * 6;
        double best = -1;
        uint32_t match = 0;
        for (uint32_t j = 0; j < count; j++) {
            double iou = intersection_over_union(row, found[j].box);
            if (!taken[j] && found[j].class_id == (uint32_t)row[5] && iou > best) {
                best = iou;
                match = j;
            }
        }
        double distance = best < 0 ? INFINITY : fabs((double)found[match].score - (double)row[4]);
        if (!(best > IOU_LEAST) || !(distance < SCORE_TOLERANCE))
            fail_msg(
                "%s, %s path: row %u, class %u at %.2f %.2f %.2f %.2f with %.5f: the nearest detection has IoU %.4f "
                "and its score is off by %.2e",
                name, paths[path].name, i, (unsigned)row[5], (double)row[0], (double)row[1], (double)row[2],
                (double)row[3], (double)row[4], best, distance);
        taken[match] = true;
        least_iou = fmin(least_iou, best);
        worst_score = fmax(worst_score, distance);
    }
    print_message("             %s, %s path: %u detections, IoU from %.6f on, scores off by %.1e at most\n", name,
                  paths[path].name, count, least_iou, worst_score);
    free(taken);
    free(rows);
}

static void run_picture(gvk_stream *stream, size_t picture, size_t size, size_t path)
{
    gvk_picture given = picture_of(picture, true);
    uint32_t count;
    gvk_detection *found = detect(stream, &given, 1, &count);
    compare(picture, size, path, found, count);
    free(found);
}

static void the_fast_path_finds_what_pytorch_finds(void **state)
{
    (void)state;
    for (size_t size = 0; size < ARRAY_COUNT(sizes); size++) {
        gvk_stream *stream = create_detector(0, size, 1);
        for (size_t i = 0; i < (is_small_scope() ? 1 : PICTURE_COUNT); i++)
            run_picture(stream, i, size, 0);
        gvk_stream_destroy(stream);
    }
    if (is_small_scope()) /* an imported device: the runs without have them */
        say_left_out("all pictures but the first");
}

/* Each size once: this path is slow. */
static void the_reference_path_finds_what_pytorch_finds(void **state)
{
    (void)state;
    for (size_t size = 0; size < ARRAY_COUNT(sizes); size++) {
        gvk_stream *stream = create_detector(1, size, 1);
        run_picture(stream, size, size, 1);
        gvk_stream_destroy(stream);
    }
}

static void a_batch_of_two_finds_what_single_pictures_give(void **state)
{
    (void)state;
    /* The second stretched: each picture has a place of its own. */
    static const size_t pair[2] = {2, 0};
    gvk_picture pictures[2] = {picture_of(pair[0], true), picture_of(pair[1], false)};
    gvk_stream *stream = create_detector(0, 1, 2), *single = create_detector(0, 1, 1);
    uint32_t count, of_item, begin = 0;
    gvk_detection *found = detect(stream, pictures, 2, &count);
    for (uint32_t item = 0; item < 2; item++, begin += of_item) {
        gvk_detection *alone = detect(single, &pictures[item], 1, &of_item);
        for (uint32_t i = 0; i < of_item; i++) {
            alone[i].item = item;
            if (begin + i >= count || memcmp(&found[begin + i], &alone[i], sizeof *alone))
                fail_msg("%s beside %s: detection %u of item %u differs from the single run", names[pair[item]],
                         names[pair[1 - item]], i, item);
        }
        free(alone);
    }
    assert_int_equal(begin, count);
    free(found);
    gvk_stream_destroy(stream);
    gvk_stream_destroy(single);
}

static int set_up(void **state)
{
    if (open_device_fixture(state))
        return -1;
    gvk_network_params params = {.size = sizeof params, .path = GVK_MODEL_DIR "/blood-cells.safetensors"};
    assert_ok(gvk_network_open(&test_host, &params, &network));
    gvk_network_info info = {.size = sizeof info};
    gvk_network_describe(network, &info);
    golden = open_golden("../../models/samples/expected.safetensors");
    assert_true(info.letterbox);
    assert_true(info.confidence == strtof(golden_text(golden, "confidence"), NULL));
    assert_true(info.iou == strtof(golden_text(golden, "iou"), NULL));
    for (size_t i = 0; i < ARRAY_COUNT(paths); i++) {
        gvk_model_params model = {.size = sizeof model, .rewrites_off = paths[i].rewrites_off};
        assert_ok(gvk_model_create(*state, gvk_network_graph(network), &model, &models[i]));
    }
    for (size_t i = 0; i < PICTURE_COUNT; i++) {
        char path[1024], message[256];
        snprintf(path, sizeof path, "%s/samples/%s.jpg", GVK_MODEL_DIR, names[i]);
        if (!image_read(path, NULL, &images[i], message, sizeof message)) {
            print_error("%s %s\n", path, message);
            return -1;
        }
    }
    return 0;
}

static int tear_down(void **state)
{
    for (size_t i = 0; i < PICTURE_COUNT; i++)
        image_release(&images[i]);
    for (size_t i = 0; i < ARRAY_COUNT(paths); i++)
        gvk_model_destroy(models[i]);
    gvk_network_destroy(network);
    close_golden(golden);
    return close_device_fixture(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fast_path_finds_what_pytorch_finds),
        cmocka_unit_test(the_reference_path_finds_what_pytorch_finds),
        cmocka_unit_test(a_batch_of_two_finds_what_single_pictures_give),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
