/* ghostvk bench: that its numbers hang together and are those of the plan, in JSON, in the tables and in the trace. How
 * large a time is proves nothing here. */
#include <stdlib.h>
#include <string.h>

#include "json_reader.h"
#include "program.h"

#define TINY "--size", "64x64", "--runs", "4"

/* A copy of what a run printed, which the next run's takes the place of. */
static char *keep(const char *text)
{
    char *copy = malloc(strlen(text) + 1);
    assert_non_null(copy);
    memcpy(copy, text, strlen(text) + 1);
    return copy;
}

static void check_spread(const char *bench, const char *stage)
{
    const char *spread = member(member(bench, "ms"), stage);
    if (strncmp(member(spread, "median"), "null", 4) == 0) { /* a device without timestamps; the host has a clock */
        assert_string_not_equal(stage, "total");
        return;
    }
    double low = number_of(spread, "p5"), median = number_of(spread, "median"), high = number_of(spread, "p95");
    if (!(0 < low && low <= median && median <= high))
        fail_msg("%s: 5 %% at %f, the median at %f, 95 %% at %f", stage, low, median, high);
}

static void check_equal(const char *left, const char *left_key, const char *right, const char *right_key)
{
    if (number_of(left, left_key) != number_of(right, right_key))
        fail_msg("bench says %s %.0f, inspect %s %.0f", left_key, number_of(left, left_key), right_key,
                 number_of(right, right_key));
}

static void check_bench(const char *bench, const char *size, double batch)
{
    static const char *const stages[] = {"resize", "network", "decode", "total"};
    for (size_t index = 0; index < sizeof stages / sizeof *stages; index++)
        check_spread(bench, stages[index]);
    assert_memory_equal(member(bench, "size"), size, strlen(size));
    assert_memory_equal(member(bench, "precision"), "\"fp32\"", 6);
    assert_true(number_of(bench, "runs") == 4);
    assert_true(number_of(bench, "batch") == batch);
    assert_true(number_of(bench, "fps_in_flight") > 0);
    assert_true(number_of(bench, "frames_in_flight") == 2);
    assert_true(number_of(bench, "boxes") >= 0);
    assert_true(number_of(bench, "arena_bytes") > 0);
    /* Around the network's own: two passes of resize for each picture, and ten of decode and of suppression in one
     * tile. */
    const char *network = member(bench, "network");
    assert_true(number_of(bench, "dispatches") == number_of(network, "dispatches") + 2 * batch + 10);
    assert_true(number_of(bench, "barriers") > number_of(network, "barriers"));
    assert_true(number_of(bench, "pipelines") > number_of(network, "pipelines"));
}

/* The layers in the JSON, and the one event for each of them in the trace. */
static void check_layers(const char *bench, const char *trace)
{
    const char *layers = member(bench, "layers"), *events = member(trace, "traceEvents"), *event;
    size_t layer_count = 0, event_count = 0, stage_count = 0;
    double macs = 0, behind[3] = {0};
    for (const char *layer; (layer = element(layers, layer_count)) != NULL; layer_count++) {
        assert_true(number_of(layer, "ms") >= 0);
        assert_true(number_of(layer, "bytes") >= 0);
        assert_contains(member(layer, "kernel"), "\"");
        macs += number_of(layer, "macs");
    }
    assert_true((double)layer_count == number_of(bench, "dispatches"));
    assert_true(macs == number_of(bench, "macs"));
    for (size_t index = 0; (event = element(events, index)) != NULL; index++) {
        int track = (int)number_of(event, "tid");
        if (member(event, "ph")[1] == 'M')
            continue;
        assert_in_range(track, 1, 2);
        double start = number_of(event, "ts"), length = number_of(event, "dur");
        if (length < 0 || start + 0.01 < behind[track])
            fail_msg("event %zu starts at %f and lasts %f us; the one before ended at %f", index, start, length,
                     behind[track]);
        behind[track] = start + length;
        stage_count += track == 1;
        event_count += track == 2;
    }
    assert_int_equal(stage_count, 3);
    assert_int_equal(event_count, layer_count);
    assert_true(behind[2] <= behind[1] + 1); /* the stages span the dispatches */
}

/* The slowest first: behind the line of headings each row begins with its milliseconds. */
static void check_order(const char *text, size_t rows)
{
    const char *row = strstr(text, "GFLOP/s     GB/s");
    double before = 1e30;
    assert_non_null(row);
    for (size_t index = 0; index < rows; index++) {
        row = strchr(row, '\n');
        assert_non_null(row);
        double ms = strtod(++row, NULL);
        if (ms > before)
            fail_msg("row %zu has %f ms and the one above it %f", index, ms, before);
        before = ms;
    }
    assert_contains(strchr(row, '\n'), "total of ");
}

static void a_model_is_measured(void **state)
{
    (void)state;
    RUN("inspect", "-m", MODEL, "--size", "64x64", "--device", "0", "--json");
    assert_done();
    char *plan = keep(ran.out);
    RUN("bench", "-m", MODEL, TINY, "--device", "0", "--json", "bench.json", "--profile", "--trace", "trace.json");
    assert_done();
    char *bench = read_whole("bench.json", NULL), *trace = read_whole("trace.json", NULL);
    assert_json(bench);
    assert_json(trace);
    check_bench(bench, "\"64x64\"", 1);
    const char *network = member(bench, "network");
    check_equal(network, "dispatches", plan, "dispatches_after");
    check_equal(network, "barriers", plan, "barriers");
    check_equal(network, "pipelines", plan, "pipelines");
    check_equal(bench, "weight_bytes", plan, "weight_bytes");
    check_equal(bench, "macs", plan, "macs");
    assert_memory_equal(member(bench, "model"), "\"blood-cells.safetensors\"", 25);
    check_layers(bench, trace);

    static const char *const words[] = {"Device",
                                        "3 classes, 64x64, batch 1, fp32",
                                        "median",
                                        "total",
                                        "In flight",
                                        "GFLOP/s in the network",
                                        "conv1.0.conv",
                                        "resize, horizontal",
                                        "dispatches, one after another"};
    for (size_t index = 0; index < sizeof words / sizeof *words; index++)
        assert_contains(ran.out, words[index]);
    check_order(ran.out, (size_t)number_of(bench, "dispatches"));
    free(plan);
    free(bench);
    free(trace);
}

static void no_model_is_needed(void **state)
{
    (void)state;
    RUN("bench", "--random", "2", TINY, "--batch", "2", "--queue", "graphics", "--json", "-");
    assert_done();
    assert_json(ran.out);
    check_bench(ran.out, "\"64x64\"", 2);
    assert_true(number_of(ran.out, "classes") == 2);
    assert_memory_equal(member(ran.out, "model"), "\"random\"", 8);
    assert_memory_equal(member(ran.out, "queue"), "\"graphics\"", 10);
    assert_null(strstr(ran.out, "\"layers\"")); /* they are there when asked for */
}

static void wrong_arguments_are_refused(void **state)
{
    (void)state;
    RUN("bench", "picture.jpg");
    assert_refused(2, "picture.jpg", "ghostvk bench --help");
    RUN("bench", "-m", MODEL, "--random", "3");
    assert_refused(2, "-m", "--random");
    static const char *const counts[][2] = {
        {"--random", "0"}, {"--random", "21841"}, {"--random", "many"}, {"--runs", "0"},  {"--runs", "10001"},
        {"--runs", "1.5"}, {"--batch", "0"},      {"--batch", "1025"},  {"--size", "64"}, {"--size", "100x100"},
        {"--queue", ""},   {"--queue", "fast"},   {"--device", ""},     {"--json", ""},   {"--trace", ""}};
    for (size_t index = 0; index < sizeof counts / sizeof *counts; index++) {
        RUN("bench", counts[index][0], counts[index][1]);
        assert_refused(2, counts[index][0], "ghostvk bench --help");
    }
    static const char *const batches[] = {"",     "0",   "1025", "1,",   ",1",
                                          "1,,8", "1,0", "1;8",  "1,8 ", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17"};
    for (size_t index = 0; index < sizeof batches / sizeof *batches; index++) {
        RUN("tune", "--random", "2", "--batch", batches[index]);
        assert_refused(2, "--batch", "ghostvk tune --help");
    }
    RUN("bench", "--random", "2", TINY, "--queue", "compute"); /* CPU devices have one family for all */
    assert_refused(4, "has no queue for compute alone", "");
    RUN("bench", "--trace", "-");
    assert_refused(2, "--trace", "standard output");
    RUN("bench", "--json", "same", "--trace", "same");
    assert_refused(2, "--trace same", "--json");
    copy_file(MODEL, "model.safetensors");
    RUN("bench", "-m", "model.safetensors", "--json", "model.safetensors");
    assert_refused(2, "--json", "the output is one of the inputs");
    RUN("bench", "-m", "model.safetensors", "--trace", "./model.safetensors");
    assert_refused(2, "--trace", "the output is one of the inputs");
    RUN("bench", "-m", "nowhere.pth");
    assert_refused(3, "nowhere.pth", "");
    RUN("bench", "--random", "2", "--device", "no such device", "--json", "bench.json");
    assert_refused(4, "no such device", "");
    assert_false(path_exists("bench.json"));
    RUN("bench", "--random", "2", "--json", "nowhere/bench.json");
    assert_refused(1, "nowhere/bench.json", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_model_is_measured),
        TEST(no_model_is_needed),
        TEST(wrong_arguments_are_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
