/* Count, order, class and candidate of every detection are those of PyTorch in double precision
 * (tests/goldens/make_decode.py), and equal input gives equal bytes. */
#include "maps.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_MAX       2
#define SCORE_TOLERANCE 1e-5

/* ---- cases of the golden ---- */

struct decode_case {
    char name[16];
    uint32_t width, height, classes, batch, candidate_count;
    float confidence, iou;
    bool letterbox;
    uint32_t picture_width[BATCH_MAX], picture_height[BATCH_MAX];
    float *inputs[BATCH_MAX]; /* of the maps model */
    float *expected;          /* rows of 8 */
    float *unclipped;         /* rows of 4: the boxes before they were clipped */
    uint64_t expected_count;
};

static const char *text_of(const struct golden *golden, uint32_t index, const char *key)
{
    char full[48];
    snprintf(full, sizeof full, "case%02u.%s", index, key);
    const char *text = golden_text(golden, full);
    if (!text)
        fail_msg("the golden says nothing of %s", full);
    return text;
}

static void read_size(const char *text, uint32_t *width, uint32_t *height, const char **end)
{
    char *after;
    *width = (uint32_t)strtoul(text, &after, 10);
    assert_int_equal(*after, 'x');
    *height = (uint32_t)strtoul(after + 1, &after, 10);
    *end = after;
}

static float *read_values(const struct golden *golden, uint32_t index, const char *part, uint64_t *count)
{
    char name[48];
    snprintf(name, sizeof name, "case%02u.%s", index, part);
    return golden_floats(golden, name, count);
}

static void read_case(const struct golden *golden, uint32_t index, struct decode_case *out)
{
    struct decode_case one = {
        .classes = (uint32_t)strtoul(text_of(golden, index, "class_count"), NULL, 10),
        .batch = (uint32_t)strtoul(text_of(golden, index, "batch"), NULL, 10),
        .candidate_count = (uint32_t)strtoul(text_of(golden, index, "candidate_count"), NULL, 10),
        .confidence = strtof(text_of(golden, index, "confidence"), NULL),
        .iou = strtof(text_of(golden, index, "iou"), NULL),
        .letterbox = !strcmp(text_of(golden, index, "letterbox"), "true"),
    };
    snprintf(one.name, sizeof one.name, "case%02u", index);
    assert_in_range(one.batch, 1, BATCH_MAX);
    const char *end;
    read_size(text_of(golden, index, "input_size"), &one.width, &one.height, &end);
    const char *sizes = text_of(golden, index, "image_sizes");
    for (uint32_t i = 0; i < one.batch; i++, sizes = end + 1)
        read_size(sizes, &one.picture_width[i], &one.picture_height[i], &end);
    one.expected = read_values(golden, index, "detections", &one.expected_count);
    one.expected_count /= 8;
    uint64_t sides;
    one.unclipped = read_values(golden, index, "unclipped", &sides);
    assert_int_equal(sides, one.expected_count * 4);

    uint32_t channels = 3 * (5 + one.classes);
    size_t width = one.width / 8, plane = width * (one.height / 8);
    for (uint32_t i = 0; i < one.batch; i++) {
        one.inputs[i] = calloc(MAPS * channels * plane, sizeof(float));
        assert_non_null(one.inputs[i]);
    }
    for (uint32_t i = 0; i < MAPS; i++) {
        uint64_t count;
        float *map = read_values(golden, index, map_names[i], &count);
        size_t step = map_steps[i], map_width = width / step, map_plane = plane / (step * step);
        assert_int_equal(count, (uint64_t)one.batch * channels * map_plane);
        for (size_t j = 0; j < count; j++) {
            size_t item = j / (channels * map_plane), c = j / map_plane % channels;
            size_t y = j % map_plane / map_width, x = j % map_width;
            one.inputs[item][(i * channels + c) * plane + y * step * width + x * step] = map[j];
        }
        free(map);
    }
    *out = one;
}

static void release_case(struct decode_case *one)
{
    for (uint32_t i = 0; i < one->batch; i++)
        free(one->inputs[i]);
    free(one->expected);
    free(one->unclipped);
}

static uint32_t count_cases(const struct golden *golden)
{
    return (uint32_t)strtoul(golden_text(golden, "case_count"), NULL, 10);
}

static gvk_stream *create_case_detector(gvk_model *model, const struct decode_case *one, uint32_t frames,
                                        uint32_t max_detections)
{
    struct setup setup = setup_of(one->classes, one->confidence, one->iou, 0.125f);
    setup.max_detections = max_detections;
    return create_detector(model, &setup, one->width / 8, one->height / 8, one->batch, frames);
}

static gvk_ticket submit_case(gvk_stream *stream, const struct decode_case *one)
{
    gvk_picture pictures[BATCH_MAX];
    for (uint32_t i = 0; i < one->batch; i++)
        pictures[i] = tensor_picture(one->width / 8, one->height / 8, one->inputs[i]);
    return submit(stream, pictures, one->batch);
}

/* ---- comparison ---- */

struct deviation {
    double score, box;
};

static void compare_case(const struct decode_case *one, const gvk_detection *found, uint32_t count,
                         struct deviation *worst)
{
    if (count != one->expected_count)
        fail_msg("%s: %u detections, not %u", one->name, count, (unsigned)one->expected_count);
    for (uint32_t i = 0; i < count; i++) {
        const float *row = one->expected + (size_t)i * 8;
        const gvk_detection *got = &found[i];
        if (got->class_id != (uint32_t)row[5] || got->candidate != (uint32_t)row[6] || got->item != (uint32_t)row[7])
            fail_msg("%s: detection %u is of class %u, candidate %u, item %u, score %.7g; expected class %u, candidate "
                     "%u, item %u, score %.7g",
                     one->name, i, got->class_id, got->candidate, got->item, (double)got->score, (unsigned)row[5],
                     (unsigned)row[6], (unsigned)row[7], (double)row[4]);
        double distance = fabs((double)got->score - (double)row[4]);
        if (!(distance <= SCORE_TOLERANCE))
            fail_msg("%s: the score of detection %u is %.9g, not %.9g", one->name, i, (double)got->score,
                     (double)row[4]);
        worst->score = fmax(worst->score, distance);
        for (int j = 0; j < 4; j++) {
            double picture[2] = {one->picture_width[got->item], one->picture_height[got->item]};
            double given[2] = {one->width, one->height};
            int axis = j % 2;
            double side = to_picture((double)got->box[j], given[axis] / 8, picture[axis], given[axis],
                                     picture[1 - axis], given[1 - axis], one->letterbox);
            distance = fabs(side - (double)row[j]);
            if (!(distance <= BOX_TOLERANCE))
                fail_msg("%s: side %d of detection %u is at %.6f, not %.6f", one->name, j, i, side, (double)row[j]);
            worst->box = fmax(worst->box, distance);
        }
    }
}

static double decode_milliseconds(gvk_stream *stream, gvk_ticket ticket)
{
    gvk_timing timings[3];
    uint32_t count = ARRAY_COUNT(timings);
    assert_ok(gvk_stream_timings(stream, ticket, timings, sizeof(gvk_timing), &count));
    if (!count)
        return -1;
    assert_int_equal(count, 3);
    assert_string_equal(timings[2].name, "decode");
    return timings[2].ms;
}

static void detections_are_those_of_the_reference_and_the_same_each_time(void **state)
{
    (void)state;
    struct golden *golden = open_golden("decode.safetensors");
    for (uint32_t i = 0; i < count_cases(golden); i++) {
        struct decode_case one;
        read_case(golden, i, &one);
        gvk_model *model = create_maps_model(3 * (5 + one.classes));
        gvk_stream *stream = create_case_detector(model, &one, 2, 0);
        /* Two frames in flight, and a third in the place of the first. */
        gvk_ticket tickets[2] = {submit_case(stream, &one), submit_case(stream, &one)};
        struct deviation worst = {0, 0};
        uint32_t count, again;
        gvk_detection *found = copy_detections(stream, tickets[0], &count);
        compare_case(&one, found, count, &worst);
        if (candidates_of(stream, tickets[0]) != one.candidate_count)
            fail_msg("%s: %u candidates, not %u", one.name, candidates_of(stream, tickets[0]), one.candidate_count);
        int others = one.candidate_count > 10000 ? 1 : 2; /* that many candidates take seconds on a CPU device */
        for (int j = 0; j < others; j++) {
            gvk_ticket ticket = j ? submit_case(stream, &one) : tickets[1];
            gvk_detection *other = copy_detections(stream, ticket, &again);
            if (again != count || memcmp(other, found, count * sizeof *found))
                fail_msg("%s: frame %d differs from the first", one.name, j + 1);
            free(other);
        }
        print_message("             %s: %u candidates, %u detections, score off by %.1e, box by %.1e px, %.1f ms\n",
                      one.name, one.candidate_count, count, worst.score, worst.box,
                      decode_milliseconds(stream, tickets[1]));
        free(found);
        gvk_stream_destroy(stream);
        gvk_model_destroy(model);
        release_case(&one);
    }
    close_golden(golden);
}

static void max_detections_keeps_the_best_of_each_item(void **state)
{
    (void)state;
    struct golden *golden = open_golden("decode.safetensors");
    static const uint32_t limits[] = {1, 7, 40, 100000};
    for (uint32_t i = 0; i < count_cases(golden); i++) {
        struct decode_case one;
        read_case(golden, i, &one);
        if (one.candidate_count > 1000 || !one.candidate_count) {
            release_case(&one);
            continue;
        }
        gvk_model *model = create_maps_model(3 * (5 + one.classes));
        for (size_t j = 0; j < ARRAY_COUNT(limits); j++) {
            gvk_stream *stream = create_case_detector(model, &one, 1, limits[j]);
            const gvk_detection *found = NULL;
            uint32_t count = read_detections(stream, submit_case(stream, &one), &found);
            uint32_t taken = 0, of_item[BATCH_MAX] = {0};
            for (uint64_t k = 0; k < one.expected_count; k++) {
                const float *row = one.expected + k * 8;
                if (of_item[(uint32_t)row[7]]++ >= limits[j])
                    continue;
                if (taken >= count || found[taken].candidate != (uint32_t)row[6] ||
                    found[taken].item != (uint32_t)row[7])
                    fail_msg("%s, at most %u: detection %u of %u is not candidate %u of item %u", one.name, limits[j],
                             taken, count, (unsigned)row[6], (unsigned)row[7]);
                taken++;
            }
            if (taken != count)
                fail_msg("%s, at most %u: %u detections, not %u", one.name, limits[j], count, taken);
            gvk_stream_destroy(stream);
        }
        gvk_model_destroy(model);
        release_case(&one);
    }
    close_golden(golden);
}

/* Whether a side is what the clipped detector gives of the other's: to the bit, so that a host may clip itself. */
static void compare_clipped(const struct decode_case *one, const gvk_detection *whole, const gvk_detection *clipped,
                            uint32_t index)
{
    for (int j = 0; j < 4; j++) {
        float most = (float)(j % 2 ? one->height : one->width) / 8, side = whole->box[j];
        side = side < 0 ? 0 : side > most ? most : side;
        if (memcmp(&side, &clipped->box[j], sizeof side) != 0)
            fail_msg("%s: side %d of detection %u is %.9g, clipped by the host %.9g, by the device %.9g", one->name, j,
                     index, (double)whole->box[j], (double)side, (double)clipped->box[j]);
    }
    if (memcmp(&whole->score, &clipped->score, sizeof *whole - sizeof whole->box) != 0)
        fail_msg("%s: detection %u is another one where boxes are clipped", one->name, index);
}

static void unclipped_boxes_are_those_of_the_reference_before_it_clips(void **state)
{
    (void)state;
    struct golden *golden = open_golden("decode.safetensors");
    uint32_t beyond = 0;
    for (uint32_t i = 0; i < count_cases(golden); i++) {
        struct decode_case one;
        read_case(golden, i, &one);
        if (one.candidate_count > 1000) { /* nothing that smaller ones do not show */
            release_case(&one);
            continue;
        }
        gvk_model *model = create_maps_model(3 * (5 + one.classes));
        struct setup setup = setup_of(one.classes, one.confidence, one.iou, 0.125f);
        gvk_stream *streams[2];
        gvk_detection *found[2];
        uint32_t counts[2];
        for (int unclipped = 0; unclipped < 2; unclipped++) {
            setup.unclipped = unclipped;
            streams[unclipped] = create_detector(model, &setup, one.width / 8, one.height / 8, one.batch, 1);
            found[unclipped] =
                copy_detections(streams[unclipped], submit_case(streams[unclipped], &one), &counts[unclipped]);
            if (counts[unclipped] != one.expected_count)
                fail_msg("%s: %u detections, not %u", one.name, counts[unclipped], (unsigned)one.expected_count);
        }
        for (uint32_t k = 0; k < counts[1]; k++) {
            const gvk_detection *got = &found[1][k];
            double picture[2] = {one.picture_width[got->item], one.picture_height[got->item]};
            double given[2] = {one.width, one.height};
            compare_clipped(&one, got, &found[0][k], k);
            for (int j = 0; j < 4; j++) {
                int axis = j % 2;
                double right = (double)one.unclipped[k * 4 + (uint32_t)j];
                double side = to_picture_unclipped((double)got->box[j], given[axis] / 8, picture[axis], given[axis],
                                                   picture[1 - axis], given[1 - axis], one.letterbox);
                if (!(fabs(side - right) <= BOX_TOLERANCE))
                    fail_msg("%s: side %d of detection %u is at %.6f, not %.6f", one.name, j, k, side, right);
                beyond += got->box[j] < 0 || (double)got->box[j] > given[axis] / 8;
            }
        }
        for (int unclipped = 0; unclipped < 2; unclipped++) {
            free(found[unclipped]);
            gvk_stream_destroy(streams[unclipped]);
        }
        gvk_model_destroy(model);
        release_case(&one);
    }
    if (beyond < 20)
        fail_msg("%u sides are beyond the input, which proves little", beyond);
    close_golden(golden);
}

int run_reference_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(detections_are_those_of_the_reference_and_the_same_each_time),
        cmocka_unit_test(max_detections_keeps_the_best_of_each_item),
        cmocka_unit_test(unclipped_boxes_are_those_of_the_reference_before_it_clips),
    };
    return cmocka_run_group_tests_name("detections of the reference", tests, NULL, NULL);
}
