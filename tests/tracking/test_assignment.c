/* Pairs and their assignment, against all pairs compared one by one and all assignments tried one by one. */
#include "tests/support/harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ghostnet/tracking/assignment.h"

static gvk_host host;
static struct gvk_pairs pairs;
static struct gvk_assignment assignment;

static double uniform(uint64_t *random)
{
    return random_below(random, 1u << 20) / (double)(1u << 20);
}

static struct gvk_labelled_box random_box(uint64_t *random, uint32_t classes, double picture, double side)
{
    struct gvk_labelled_box box = {.class_id = random_below(random, classes)};
    box.corners[0] = uniform(random) * picture;
    box.corners[1] = uniform(random) * picture;
    box.corners[2] = box.corners[0] + side * (0.2 + uniform(random));
    box.corners[3] = box.corners[1] + side * (0.2 + uniform(random));
    return box;
}

/* By areas, not as the code under test words it. */
static double overlap_of(const struct gvk_labelled_box *a, const struct gvk_labelled_box *b)
{
    double width = fmin(a->corners[2], b->corners[2]) - fmax(a->corners[0], b->corners[0]);
    double height = fmin(a->corners[3], b->corners[3]) - fmax(a->corners[1], b->corners[1]);
    double both = fmax(width, 0) * fmax(height, 0), all = -both;
    all += (a->corners[2] - a->corners[0]) * (a->corners[3] - a->corners[1]);
    all += (b->corners[2] - b->corners[0]) * (b->corners[3] - b->corners[1]);
    return both / all;
}

#define MOST 120
static double matrix[MOST][MOST]; /* overlaps of those that are pairs, else 0 */

static uint32_t fill_matrix(const struct gvk_labelled_box *tracks, uint32_t track_count,
                            const struct gvk_labelled_box *detections, uint32_t detection_count, double least)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < track_count; i++)
        for (uint32_t j = 0; j < detection_count; j++) {
            double overlap = overlap_of(&tracks[i], &detections[j]);
            bool is_pair = tracks[i].class_id == detections[j].class_id && overlap > 0 && overlap >= least;
            matrix[i][j] = is_pair ? overlap : 0;
            count += is_pair;
        }
    return count;
}

static double best_of(uint32_t track, uint32_t track_count, uint32_t detection_count, uint32_t used)
{
    if (track == track_count)
        return 0;
    double best = best_of(track + 1, track_count, detection_count, used);
    for (uint32_t j = 0; j < detection_count; j++)
        if (matrix[track][j] > 0 && !(used >> j & 1))
            best = fmax(best,
                        matrix[track][j] + best_of(track + 1, track_count, detection_count, used | UINT32_C(1) << j));
    return best;
}

/* That nothing is assigned twice and only what is a pair; the sum of overlaps. */
static double sum_of_assignment(uint32_t track_count, uint32_t detection_count, uint64_t seed)
{
    double sum = 0;
    for (uint32_t i = 0; i < track_count; i++) {
        uint32_t j = assignment.detection_of[i];
        if (j == GVK_UNASSIGNED)
            continue;
        if (j >= detection_count || assignment.track_of[j] != i || !(matrix[i][j] > 0))
            fail_msg("seed %llu: track %u has detection %u, of %u, which has track %u; their overlap is %g",
                     (unsigned long long)seed, i, j, detection_count, j < detection_count ? assignment.track_of[j] : 0,
                     j < detection_count ? matrix[i][j] : 0);
        sum += matrix[i][j];
    }
    for (uint32_t j = 0; j < detection_count; j++)
        if (assignment.track_of[j] != GVK_UNASSIGNED && assignment.detection_of[assignment.track_of[j]] != j)
            fail_msg("seed %llu: detection %u alone says that it has a track", (unsigned long long)seed, j);
    return sum;
}

static void small_assignments_are_the_best_of_all(void **state)
{
    (void)state;
    uint32_t contested = 0;
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        uint64_t random = seed * 7919;
        uint32_t track_count = random_below(&random, 8), detection_count = random_below(&random, 8);
        uint32_t classes = 1 + random_below(&random, 2);
        double least = seed % 3 ? 0.1 : 0, picture = 10 + 60 * uniform(&random);
        struct gvk_labelled_box tracks[8], detections[8];
        for (uint32_t i = 0; i < track_count; i++)
            tracks[i] = random_box(&random, classes, picture, 40);
        for (uint32_t j = 0; j < detection_count; j++)
            detections[j] = random_box(&random, classes, picture, 40);
        uint32_t count = fill_matrix(tracks, track_count, detections, detection_count, least);
        assert_ok(gvk_find_pairs(&host, &pairs, tracks, track_count, detections, detection_count, least));
        assert_int_equal(pairs.count, count);
        assert_ok(gvk_assign(&host, &assignment, &pairs, track_count, detection_count));
        double got = sum_of_assignment(track_count, detection_count, seed);
        double best = best_of(0, track_count, detection_count, 0);
        if (!(fabs(got - best) <= 1e-12))
            fail_msg("seed %llu: %u tracks and %u detections of %u classes: the sum is %.15g, the best %.15g",
                     (unsigned long long)seed, track_count, detection_count, classes, got, best);
        contested += count > track_count;
    }
    assert_true(contested > 1000);
}

static void pairs_are_those_that_overlap_enough(void **state)
{
    (void)state;
    uint64_t found = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        uint64_t random = seed * 104729;
        uint32_t track_count = random_below(&random, MOST + 1), detection_count = random_below(&random, MOST + 1);
        uint32_t classes = 1 + random_below(&random, 9);
        double least = 0.5 * uniform(&random), picture = 500 * uniform(&random);
        static struct gvk_labelled_box tracks[MOST], detections[MOST];
        for (uint32_t i = 0; i < track_count; i++)
            tracks[i] = random_box(&random, classes, picture, 60);
        for (uint32_t j = 0; j < detection_count; j++)
            detections[j] = random_box(&random, classes, picture, 60);
        fill_matrix(tracks, track_count, detections, detection_count, least);
        assert_ok(gvk_find_pairs(&host, &pairs, tracks, track_count, detections, detection_count, least));
        uint32_t expected = 0;
        for (uint32_t j = 0; j < detection_count; j++) {
            uint32_t of_detection = 0;
            for (uint32_t i = 0; i < track_count; i++)
                of_detection += matrix[i][j] > 0;
            expected += of_detection < GVK_MOST_PAIRS ? of_detection : GVK_MOST_PAIRS;
        }
        if (pairs.count != expected)
            fail_msg("seed %llu: %u pairs instead of %u", (unsigned long long)seed, pairs.count, expected);
        for (uint32_t k = 0; k < pairs.count; k++) {
            double *overlap = &matrix[pairs.list[k].track][pairs.list[k].detection];
            if (!(fabs(pairs.list[k].overlap - *overlap) <= 1e-12))
                fail_msg("seed %llu: track %u and detection %u overlap by %g and not by %g", (unsigned long long)seed,
                         pairs.list[k].track, pairs.list[k].detection, *overlap, pairs.list[k].overlap);
            *overlap = 0; /* none comes twice */
        }
        found += pairs.count;
    }
    assert_true(found > 10000);
}

/* A crowd of 100 in one place, all of whom overlap: the best 64 pairs of each detection, the largest overlap first. */
static void a_large_crowd_gets_the_largest_overlaps_first(void **state)
{
    (void)state;
    uint64_t random = 31;
    static struct gvk_labelled_box tracks[MOST], detections[MOST];
    const uint32_t count = 100;
    for (uint32_t i = 0; i < count; i++) {
        tracks[i] = random_box(&random, 1, 10, 60);
        detections[i] = random_box(&random, 1, 10, 60);
    }
    fill_matrix(tracks, count, detections, count, 0);
    assert_ok(gvk_find_pairs(&host, &pairs, tracks, count, detections, count, 0));
    assert_int_equal(pairs.count, count * GVK_MOST_PAIRS);
    assert_ok(gvk_assign(&host, &assignment, &pairs, count, count));
    sum_of_assignment(count, count, 31);
    /* The 64 of each detection are its best: none that was left out is better than the least of them. */
    static double least[MOST];
    static bool is_kept[MOST][MOST];
    for (uint32_t j = 0; j < count; j++)
        least[j] = 1;
    for (uint32_t k = 0; k < pairs.count; k++) {
        least[pairs.list[k].detection] = fmin(least[pairs.list[k].detection], pairs.list[k].overlap);
        is_kept[pairs.list[k].track][pairs.list[k].detection] = true;
    }
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < count; j++) {
            if (!is_kept[i][j] && matrix[i][j] > least[j])
                fail_msg("track %u overlaps detection %u by %g and was left out for %g", i, j, matrix[i][j], least[j]);
            if (!is_kept[i][j])
                matrix[i][j] = 0;
        }
    /* Greedy, step by step. */
    for (uint32_t step = 0; step < count; step++) {
        double best = 0;
        uint32_t track = 0, detection = 0;
        for (uint32_t i = 0; i < count; i++)
            for (uint32_t j = 0; j < count; j++)
                if (matrix[i][j] > best) {
                    best = matrix[i][j];
                    track = i;
                    detection = j;
                }
        if (!(best > 0))
            break;
        if (assignment.detection_of[track] != detection)
            fail_msg("step %u: track %u has detection %u instead of %u", step, track, assignment.detection_of[track],
                     detection);
        for (uint32_t i = 0; i < count; i++)
            matrix[i][detection] = matrix[track][i] = 0;
    }
}

/* Boxes on a slant. Each detection lies a little nearer to the next track than to that of its own number: who takes the
 * largest overlaps first leaves one over, and all of them together overlap most in order. */
static void the_largest_exact_crowd_is_assigned_exactly(void **state)
{
    (void)state;
    static struct gvk_labelled_box tracks[GVK_EXACT_SIDE], detections[GVK_EXACT_SIDE];
    for (uint32_t i = 0; i < GVK_EXACT_SIDE; i++) {
        tracks[i] = (struct gvk_labelled_box){.corners = {i * 10.0, i * 10.0, i * 10.0 + 40, i * 10.0 + 40}};
        detections[i] = (struct gvk_labelled_box){
            .corners = {i * 10.0 + 5.05, i * 10.0 + 5.05, i * 10.0 + 45.05, i * 10.0 + 45.05}};
    }
    fill_matrix(tracks, GVK_EXACT_SIDE, detections, GVK_EXACT_SIDE, 0);
    assert_ok(gvk_find_pairs(&host, &pairs, tracks, GVK_EXACT_SIDE, detections, GVK_EXACT_SIDE, 0));
    assert_ok(gvk_assign(&host, &assignment, &pairs, GVK_EXACT_SIDE, GVK_EXACT_SIDE));
    sum_of_assignment(GVK_EXACT_SIDE, GVK_EXACT_SIDE, 0);
    for (uint32_t i = 0; i < GVK_EXACT_SIDE; i++)
        assert_int_equal(assignment.detection_of[i], i);
}

static void keys_are_sorted_by_group_then_number_then_index(void **state)
{
    (void)state;
    static struct gvk_sort_key keys[500];
    for (uint64_t seed = 1; seed <= 200; seed++) {
        uint64_t random = seed;
        uint32_t count = random_below(&random, 501);
        for (uint32_t i = 0; i < count; i++)
            keys[i] = (struct gvk_sort_key){
                .at = random_below(&random, 20) - 10.0, .group = random_below(&random, 5), .index = i};
        gvk_sort_keys(keys, count);
        for (uint32_t i = 1; i < count; i++) {
            const struct gvk_sort_key *a = &keys[i - 1], *b = &keys[i];
            if (a->group > b->group ||
                (a->group == b->group && (a->at > b->at || (!(a->at < b->at) && a->index >= b->index))))
                fail_msg("seed %llu: key %u of %u is out of order", (unsigned long long)seed, i, count);
        }
    }
}

static int prepare(void **state)
{
    (void)state;
    host = gvk_host_complete(NULL);
    return 0;
}

static int release(void **state)
{
    (void)state;
    gvk_pairs_release(&host, &pairs);
    gvk_assignment_release(&host, &assignment);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_sorted_by_group_then_number_then_index),
        cmocka_unit_test(pairs_are_those_that_overlap_enough),
        cmocka_unit_test(small_assignments_are_the_best_of_all),
        cmocka_unit_test(the_largest_exact_crowd_is_assigned_exactly),
        cmocka_unit_test(a_large_crowd_gets_the_largest_overlaps_first),
    };
    return cmocka_run_group_tests_name("assignment", tests, prepare, release);
}
