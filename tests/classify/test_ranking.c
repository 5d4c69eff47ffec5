/* The best classes and their softmax against PyTorch's; ImageNet's names against the list with their WordNet ids. */
#include "tests/support/harness.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/classes/imagenet.h"
#include "cli/classes/ranking.h"

static void the_best_classes_and_their_softmax_are_those_of_torch(void **state)
{
    (void)state;
    static const char *const interpolations[] = {"bilinear", "bicubic"};
    struct golden *golden = open_golden("timm.safetensors");
    for (size_t i = 0; i < ARRAY_COUNT(interpolations); i++) {
        char name[40];
        uint64_t count, best;
        snprintf(name, sizeof name, "%s.logits", interpolations[i]);
        float *logits = golden_floats(golden, name, &count);
        snprintf(name, sizeof name, "%s.classes", interpolations[i]);
        float *classes = golden_floats(golden, name, &best);
        snprintf(name, sizeof name, "%s.scores", interpolations[i]);
        float *scores = golden_floats(golden, name, &best);
        assert_true(count == 1000 && best == 10);
        struct ranked_class ranked[10];
        assert_int_equal(rank_classes(logits, 1000, 10, ranked), 10);
        for (uint32_t place = 0; place < 10; place++)
            if (ranked[place].class_id != (uint32_t)classes[place] ||
                fabs(ranked[place].score - (double)scores[place]) > 1e-6)
                fail_msg("%s, place %u: class %u, %.9g, instead of %u, %.9g", interpolations[i], place,
                         ranked[place].class_id, ranked[place].score, (uint32_t)classes[place], (double)scores[place]);
        free(scores);
        free(classes);
        free(logits);
    }
    close_golden(golden);
}

static void large_logits_do_not_overflow(void **state)
{
    (void)state;
    const float logits[] = {-FLT_MAX, FLT_MAX, 1000, FLT_MAX};
    struct ranked_class ranked[4];
    assert_int_equal(rank_classes(logits, 4, 4, ranked), 4);
    assert_int_equal(ranked[0].class_id, 1); /* of equal ones the first */
    assert_int_equal(ranked[1].class_id, 3);
    assert_int_equal(ranked[2].class_id, 2);
    assert_int_equal(ranked[3].class_id, 0);
    assert_true(ranked[0].score == 0.5 && ranked[1].score == 0.5 && ranked[2].score == 0 && ranked[3].score == 0);
    const float low[] = {-1000, -1001};
    assert_int_equal(rank_classes(low, 2, 2, ranked), 2);
    assert_true(fabs(ranked[0].score - 1 / (1 + exp(-1.0))) < 1e-15);
    assert_true(fabs(ranked[0].score + ranked[1].score - 1) < 1e-15);
}

static void no_more_are_given_than_there_are_or_were_asked_for(void **state)
{
    (void)state;
    const float logits[] = {1, 3, 2};
    struct ranked_class ranked[5] = {{.class_id = 77}};
    assert_int_equal(rank_classes(logits, 3, 0, ranked), 0);
    assert_int_equal(ranked[0].class_id, 77);
    assert_int_equal(rank_classes(logits, 3, 5, ranked), 3);
    assert_int_equal(ranked[2].class_id, 0);
    ranked[1].class_id = 77;
    assert_int_equal(rank_classes(logits, 3, 1, ranked), 1);
    assert_int_equal(ranked[0].class_id, 1);
    assert_int_equal(ranked[1].class_id, 77);
}

static void imagenets_names_are_those_of_the_list_in_the_order_of_its_ids(void **state)
{
    (void)state;
    FILE *file = fopen(GVK_CLASSES_DIR "/imagenet.txt", "r");
    assert_non_null(file);
    char line[200], last[16] = "";
    uint32_t count = 0;
    while (fgets(line, sizeof line, file)) {
        if (line[0] == '#')
            continue;
        line[strcspn(line, "\n")] = 0;
        assert_true(strlen(line) > 10 && line[0] == 'n' && line[9] == ' ' && count < IMAGENET_CLASSES);
        line[9] = 0;
        assert_true(strcmp(last, line) < 0);
        memcpy(last, line, 10);
        assert_string_equal(imagenet_classes[count], line + 10);
        count++;
    }
    fclose(file);
    assert_int_equal(count, IMAGENET_CLASSES);
}

static void imagenets_names_stand_where_networks_have_them(void **state)
{
    (void)state;
    static const struct {
        uint32_t index;
        const char *name;
    } known[] = {{0, "tench"},           {1, "goldfish"},    {2, "great white shark"},
                 {134, "crane (bird)"},  {151, "Chihuahua"}, {207, "golden retriever"},
                 {281, "tabby"},         {463, "bucket"},    {517, "crane (machine)"},
                 {920, "traffic light"}, {954, "banana"},    {999, "toilet tissue"}};
    for (size_t i = 0; i < ARRAY_COUNT(known); i++)
        assert_string_equal(imagenet_classes[known[i].index], known[i].name);
    for (uint32_t one = 0; one < IMAGENET_CLASSES; one++)
        for (uint32_t other = 0; other < one; other++)
            if (!strcmp(imagenet_classes[one], imagenet_classes[other]))
                fail_msg("classes %u and %u are both %s", other, one, imagenet_classes[one]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_classes_and_their_softmax_are_those_of_torch),
        cmocka_unit_test(large_logits_do_not_overflow),
        cmocka_unit_test(no_more_are_given_than_there_are_or_were_asked_for),
        cmocka_unit_test(imagenets_names_are_those_of_the_list_in_the_order_of_its_ids),
        cmocka_unit_test(imagenets_names_stand_where_networks_have_them),
    };
    return cmocka_run_group_tests_name("ranked classes", tests, NULL, NULL);
}
