/* The anchors of boxes against NumPy's (make_anchor_cases.py), and boxes that give none. */
#include "tests/support/harness.h"

#include <math.h>
#include <string.h>

#include "cli/evaluation/measure/anchors.h"

#define CASE_BOXES_MAX 60

static const struct anchor_case {
    const char *name;
    uint64_t seed;
    size_t count;
    double mean, recall;
    struct sides boxes[CASE_BOXES_MAX], anchors[GVK_ANCHORS];
} cases[] = {
#include "anchor_cases.inc"
};

static void anchors_are_those_of_numpy(void **state)
{
    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        const struct anchor_case *one = &cases[index];
        struct sides boxes[CASE_BOXES_MAX], anchors[GVK_ANCHORS];
        memcpy(boxes, one->boxes, sizeof boxes);
        const struct side_list list = {.sides = boxes, .count = one->count};
        double mean, recall;
        assert_int_equal(find_anchors(&list, one->seed, anchors), CLUSTERS_FOUND);
        for (size_t anchor = 0; anchor < GVK_ANCHORS; anchor++)
            if (!(fabs(anchors[anchor].width - one->anchors[anchor].width) <= 1e-12) ||
                !(fabs(anchors[anchor].height - one->anchors[anchor].height) <= 1e-12))
                fail_msg("%s, anchor %zu: %.9g x %.9g instead of %.9g x %.9g", one->name, anchor, anchors[anchor].width,
                         anchors[anchor].height, one->anchors[anchor].width, one->anchors[anchor].height);
        measure_anchors(&list, anchors, &mean, &recall);
        if (!(fabs(mean - one->mean) <= 1e-12) || !(fabs(recall - one->recall) <= 1e-12))
            fail_msg("%s: mean %.9g and recall %.9g instead of %.9g and %.9g", one->name, mean, recall, one->mean,
                     one->recall);
    }
}

static void too_few_different_boxes_give_no_anchors(void **state)
{
    (void)state;
    struct sides boxes[64], anchors[GVK_ANCHORS];
    for (size_t different = 0; different < GVK_ANCHORS; different++) {
        for (size_t index = 0; index < 64; index++) {
            double side = different ? (double)(index % different + 1) / 16 : 0.5;
            boxes[index] = (struct sides){.width = side, .height = side};
        }
        struct side_list list = {.sides = boxes, .count = different ? 64 : 0};
        if (find_anchors(&list, 1, anchors) != CLUSTERS_TOO_FEW_BOXES)
            fail_msg("%zu different ones of %zu boxes gave anchors", different, list.count);
        list.count = different; /* each once */
        if (find_anchors(&list, 1, anchors) != CLUSTERS_TOO_FEW_BOXES)
            fail_msg("%zu boxes gave anchors", list.count);
    }
}

static void boxes_without_area_or_size_are_left_out(void **state)
{
    (void)state;
    struct labelled_picture pictures[] = {{.width = 200, .height = 100}, {.width = 0, .height = 100}};
    struct truth truths[] = {
        {.box = {.width = 50, .height = 25}},
        {.box = {.width = 0, .height = 25}},
        {.box = {.width = 50, .height = -25}},
        {.box = {.width = 1e7, .height = 25}},
        {.box = {.width = 20, .height = 10}, .is_ignored = true},
        {.picture = 1, .box = {.width = 50, .height = 25}},
    };
    struct dataset dataset = {.kind = DATASET_VOC,
                              .pictures = pictures,
                              .picture_count = 2,
                              .truths = truths,
                              .truth_count = sizeof truths / sizeof *truths};
    struct side_list list;
    assert_true(side_list_collect(&dataset, &list));
    assert_int_equal(list.count, 3);
    assert_int_equal(list.without_area, 2);
    assert_int_equal(list.without_size, 1);
    assert_int_equal(list.crowds, 0);
    assert_true(list.sides[0].width == 0.25 && list.sides[0].height == 0.25);
    assert_true(list.sides[1].width == 1 && list.sides[1].height == 0.25); /* ends at the picture's edge */
    side_list_release(&list);
    dataset.kind = DATASET_COCO;
    assert_true(side_list_collect(&dataset, &list));
    assert_int_equal(list.count, 2);
    assert_int_equal(list.crowds, 1);
    side_list_release(&list);
    dataset.truth_count = 0;
    assert_true(side_list_collect(&dataset, &list));
    assert_int_equal(list.count, 0);
    side_list_release(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anchors_are_those_of_numpy),
        cmocka_unit_test(too_few_different_boxes_give_no_anchors),
        cmocka_unit_test(boxes_without_area_or_size_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
