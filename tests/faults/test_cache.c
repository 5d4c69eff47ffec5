/* A damaged pipeline cache on a real driver: a session of the library, and the program, find what they find without
 * one, never say more than a note, and leave a good cache behind. tests/device/test_pipeline_cache.c has the larger
 * data of a made-up driver, tests/cli/test_cache_folder.c the folder. */
#include "tests/support/harness.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/layer/session.h"
#include "tests/support/child.h"
#include "tests/support/host_device.h"

#define MODEL  GVK_MODEL_DIR "/blood-cells.safetensors"
#define SMEAR  GVK_MODEL_DIR "/samples/smear-1.jpg"
#define SMALL  8u
#define HEADER 64u /* bytes of ours in front of the driver's */

/* ---- the library --------------------------------------------------------------------------------------------------
 */

static struct {
    unsigned char bytes[1 << 16];
    size_t count;
    unsigned stores;
} place;

static gvk_result load_place(void *user, const char *key, void *bytes, size_t *count)
{
    (void)user;
    (void)key;
    if (!bytes) {
        *count = place.count;
        return place.count ? GVK_OK : GVK_ERROR_FILE;
    }
    *count = place.count < *count ? place.count : *count;
    memcpy(bytes, place.bytes, *count);
    return GVK_OK;
}

static void store_place(void *user, const char *key, const void *bytes, size_t count)
{
    (void)user;
    (void)key;
    assert_true(count <= sizeof place.bytes);
    memcpy(place.bytes, bytes, count);
    place.count = count;
    place.stores++;
}

static struct host_device resident; /* so that the driver's library stays loaded: it saves time */
static struct outcome expected;
static unsigned char good[sizeof place.bytes];
static size_t good_count;

static void use_once(struct outcome *out, const char *context)
{
    static struct session session;
    start_session(&session, false, 0);
    session.counting.host.cache_load = load_place;
    session.counting.host.cache_store = store_place;
    place.stores = 0;
    run_steps(&session, STEP_DEVICE, STEP_COUNT, false);
    if (session.result)
        fail_msg("%s: %s: %s", context, step_names[session.failed], session.counting.sentence);
    *out = session.outcome;
    destroy_session(&session);
    assert_int_equal(session.counting.live, 0);
    assert_int_equal(session.counting.errors, 0);
}

static int find_expected(void **state)
{
    (void)state;
    if (!host_device_create(&resident)) {
        print_error("No Vulkan device could be created: %s\n", resident.fault);
        return -1;
    }
    place.count = 0;
    use_once(&expected, "without a cache");
    good_count = place.count;
    memcpy(good, place.bytes, good_count);
    print_message("             the cache: %u bytes of ours, %u of the driver's\n", HEADER,
                  (unsigned)(good_count - HEADER));
    return good_count > HEADER ? 0 : -1;
}

static int release_resident(void **state)
{
    (void)state;
    host_device_destroy(&resident);
    return 0;
}

static gvk_result find_none(void *user, const char *name, gvk_array *out)
{
    (void)user;
    (void)name;
    (void)out;
    return GVK_ERROR_MISMATCH;
}

/* A session whose one kernel compiles fast. */
static void compute_once(const char *context)
{
    gvk_device *device = NULL;
    gvk_graph *graph = NULL;
    gvk_model *model = NULL;
    gvk_stream *stream = NULL;
    gvk_ticket ticket = 0;
    gvk_array array;
    float input[3 * SMALL * SMALL];
    for (unsigned i = 0; i < 3 * SMALL * SMALL; i++)
        input[i] = (float)(i % 17) - 8;
    const gvk_host host = {.size = sizeof host, .cache_load = load_place, .cache_store = store_place};
    const gvk_device_params device_params = {.size = sizeof device_params, .host = &host};
    const gvk_stream_params stream_params = {.size = sizeof stream_params, .width = SMALL, .height = SMALL};
    const gvk_picture picture = {
        .size = sizeof picture, .kind = GVK_PICTURE_TENSOR, .width = SMALL, .height = SMALL, .pixels = input};
    place.stores = 0;
    gvk_result result = gvk_device_open(&device_params, &device);
    if (result)
        fail_msg("%s: the device: %s", context, gvk_result_name(result));
    assert_ok(gvk_graph_create(NULL, find_none, NULL, &graph));
    gvk_graph_output(graph, "y",
                     gvk_graph_add(graph, &(gvk_node){.op = GVK_OP_ACTIVATION,
                                                      .name = "y",
                                                      .inputs = {gvk_graph_input(graph, "x", 3)},
                                                      .activation = GVK_ACTIVATION_RELU}));
    assert_ok(gvk_graph_finish(graph));
    assert_ok(gvk_model_create(device, graph, NULL, &model));
    assert_ok(gvk_stream_create(model, &stream_params, &stream));
    assert_ok(gvk_stream_submit(stream, &picture, sizeof(gvk_picture), 1, &ticket));
    assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
    assert_ok(gvk_stream_read(stream, ticket, "y", &array));
    for (unsigned i = 0; i < 3 * SMALL * SMALL; i++) {
        float right = input[i] > 0 ? input[i] : 0, got = ((const float *)array.data)[i];
        if (got < right || got > right)
            fail_msg("%s: value %u is %g, not %g", context, i, (double)got, (double)right);
    }
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
    gvk_graph_destroy(graph);
    gvk_device_destroy(device);
}

static void assert_stored(const char *context)
{
    if (place.stores != 1 || place.count != good_count || memcmp(place.bytes, good, HEADER) != 0)
        fail_msg("%s: %u stores, %u bytes instead of %u", context, place.stores, (unsigned)place.count,
                 (unsigned)good_count);
}

/* ---- damage -------------------------------------------------------------------------------------------------------
 */

static void a_good_cache_is_taken_and_left(void **state)
{
    static struct outcome outcome;
    (void)state;
    use_once(&outcome, "a good cache");
    assert_memory_equal(&outcome, &expected, sizeof outcome);
    assert_int_equal(place.stores, 0);
}

static void damage_anywhere_is_computed_past_and_replaced(void **state)
{
    char context[64];
    unsigned cases = 0, steps = is_small_scope() ? 12 : 64;
    (void)state;
    for (size_t at = 0; at < good_count; at += at < HEADER ? 1 : 4 + good_count / steps, cases++) {
        snprintf(context, sizeof context, "damage at byte %u", (unsigned)at);
        place.bytes[at] ^= 0xff;
        compute_once(context);
        assert_stored(context);
    }
    for (size_t count = 0; count < good_count; count += 16 + good_count / 16, cases++) {
        snprintf(context, sizeof context, "cut to %u bytes", (unsigned)count);
        place.count = count;
        compute_once(context);
        assert_stored(context);
    }
    print_message("             %u damaged caches\n", cases);
}

/* With the kernels of detection; foreign bytes, too, that a careless reader would hand on. */
static void damage_changes_no_detection(void **state)
{
    static struct outcome outcome;
    static const char *const contexts[] = {"a changed hash", "a changed byte of the driver's", "cut",
                                           "longer",         "the driver's bytes alone",       "a text"};
    (void)state;
    for (int i = 0; i < 6; i++) {
        memcpy(place.bytes, good, good_count);
        place.count = good_count;
        if (i < 2)
            place.bytes[i ? good_count - 1 : 16] ^= 1;
        else if (i < 4)
            place.count = i == 2 ? good_count - 1 : good_count + 1;
        else if (i == 4)
            memmove(place.bytes, good + HEADER, place.count = good_count - HEADER);
        else
            memset(place.bytes, 'x', place.count = 4096);
        use_once(&outcome, contexts[i]);
        if (memcmp(&outcome, &expected, sizeof outcome) != 0)
            fail_msg("%s: the result changed", contexts[i]);
        assert_stored(contexts[i]);
    }
}

/* ---- the program --------------------------------------------------------------------------------------------------
 */

#define DETECT "detect", "-m", MODEL, "--size", "64x64", "--conf", "0.01"

static char cache_variable[128];
static const char *environment[] = {cache_variable, NULL, NULL};

static int enter(void **state)
{
    enter_test_folder(state);
    snprintf(cache_variable, sizeof cache_variable, "XDG_CACHE_HOME=%s/cache", test_folder);
    return 0;
}

static void run(struct child *child, const char *const *arguments)
{
    child->environment = environment;
    run_child(child, GVK_PROGRAM, arguments);
}

#define RUN(child, ...) run(child, (const char *const[]){__VA_ARGS__, NULL})

static void assert_code(const struct child *child, int code, const char *what)
{
    if (child->code != code || child->ended_by)
        fail_msg("%s: exit code %d instead of %d, signal %d:\n%s", what, child->code, code, child->ended_by,
                 child->err);
}

/* The boxes alone: times differ. The caller frees. */
static char *boxes_of(const char *json)
{
    char *boxes = malloc(strlen(json) + 1), *at = boxes;
    assert_non_null(boxes);
    for (const char *line = json; *line;) {
        size_t length = strcspn(line, "\n") + (strchr(line, '\n') != NULL);
        const char *score = strstr(line, "\"score\"");
        if (score && score < line + length) {
            memcpy(at, line, length);
            at += length;
        }
        line += length;
    }
    *at = 0;
    return boxes;
}

static void assert_boxes(const char *json, const char *boxes, const char *what)
{
    char *found = boxes_of(json);
    if (strcmp(found, boxes) != 0)
        fail_msg("%s: the boxes are\n%s\ninstead of\n%s", what, found, boxes);
    free(found);
}

/* `name` ends with its line. */
static void check_damaged_file(const char *name, const char *boxes)
{
    struct child damaged = {0};
    char path[256];
    snprintf(path, sizeof path, "cache/ghostvk/%.*s", (int)strcspn(name, "\n"), name);
    uint64_t count, again_count;
    char *stored = read_file(path, &count);
    assert_non_null(stored);
    stored[count - 1] ^= 1;
    write_file(path, stored, count);
    RUN(&damaged, DETECT, "--json", "-", "-v", SMEAR);
    assert_code(&damaged, 0, path);
    assert_non_null(strstr(damaged.err, "made anew"));
    assert_boxes(damaged.out, boxes, path);
    char *again = read_file(path, &again_count);
    stored[count - 1] ^= 1;
    assert_int_equal(again_count, count);
    assert_memory_equal(again, stored, HEADER); /* with the hash in it */
    free(again);
    free(stored);
    release_child(&damaged);
}

/* Two at once on an empty folder, one on a damaged cache, one on a full disk. */
static void the_program_finds_the_same_whatever_becomes_of_its_cache(void **state)
{
    static const char script[] = "\"$0\" \"$@\" --json 1.json & a=$!; \"$0\" \"$@\" --json 2.json & b=$!; "
                                 "wait $a && wait $b";
    (void)state;
    struct child both = {.environment = environment}, full = {0};
    run_child(&both, "/bin/sh", (const char *const[]){"-c", script, GVK_PROGRAM, DETECT, SMEAR, NULL});
    assert_code(&both, 0, "two at once");
    char *first = read_file("1.json", NULL), *second = read_file("2.json", NULL);
    assert_true(first && second);
    char *boxes = boxes_of(first);
    assert_true(strlen(boxes) > 0);
    assert_boxes(second, boxes, "the second of two");
    char *names = list_folder("cache/ghostvk");
    if (strncmp(names, "kernels-", 8) != 0 || !strstr(names, "\npipelines-"))
        fail_msg("the cache folder holds \"%s\", not the kernels' verdicts and the pipelines", names);
    for (const char *name = names; *name; name = strchr(name, '\n') + 1)
        check_damaged_file(name, boxes);

    /* The limit is above what SwiftShader keeps of its code in files of memory, and below this output. */
    full.file_limit = (uint64_t)4 << 20;
    RUN(&full, "run", "-m", MODEL, "--size", "608x608", "--image", SMEAR, "-v", "--output", "y");
    if (full.ended_by == SIGBUS) { /* lavapipe from Mesa 23 on keeps a device's memory in files, too */
        print_message("             this driver lives in files that the limit forbids\n");
    } else {
        assert_code(&full, 1, "a full disk");
        assert_null(strstr(full.err, "made anew"));
        assert_non_null(strstr(full.err, "ghostvk: y: cannot be written: File too large\n"));
    }
    char *left[2] = {list_folder("."), list_folder("cache/ghostvk")};
    assert_string_equal(left[0], "1.json\n2.json\ncache\n");
    assert_string_equal(left[1], names);
    char *const texts[] = {left[0], left[1], names, boxes, first, second};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
    release_child(&both);
    release_child(&full);
}

/* One cache folder for runs of lavapipe with 16, 8 and 4 lanes and in fp16: none takes what another left. On Mesa 25 a
 * run with other lanes crashed on Mesa's own cache, or had its kernels rejected, and the next plain run ran unrejected
 * ones. */
static void runs_of_other_lanes_and_precisions_leave_a_plain_run_as_it_is(void **state)
{
    static const struct {
        const char *width, *precision;
    } runs[] = {{NULL, "fp32"}, {"512", "fp32"}, {"256", "fp32"}, {"128", "fp32"}, {NULL, "fp16"}, {NULL, "fp32"}};
    (void)state;
    char *first = NULL;
    for (size_t i = 0; i < ARRAY_COUNT(runs); i++) {
        if (is_small_scope() && runs[i].width) /* the widths are lavapipe's */
            continue;
        char width[64] = "LP_NATIVE_VECTOR_WIDTH=";
        const char *variables[] = {environment[0], NULL,
                                   NULL}; /* and none for Mesa's cache: the program's own choice */
        if (runs[i].width) {
            strcat(width, runs[i].width);
            variables[1] = width;
        }
        struct child child = {.environment = variables};
        run_child(&child, GVK_PROGRAM,
                  (const char *const[]){DETECT, "--precision", runs[i].precision, "--json", "-", SMEAR, NULL});
        if (child.code || strstr(child.err, "wrongly"))
            fail_msg("run %u (%s, %s): exit code %d, signal %d: %s", (unsigned)i,
                     runs[i].width ? runs[i].width : "no width", runs[i].precision, child.code, child.ended_by,
                     child.err);
        if (i == 0)
            first = boxes_of(child.out);
        if (i + 1 == ARRAY_COUNT(runs))
            assert_boxes(child.out, first, "a plain run after all others");
        release_child(&child);
    }
    free(first);
}

int main(void)
{
    /* The cache folder of the tests moves; lavapipe's own cache of compiled shaders stays where it was. */
    static char shaders[512];
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (!getenv("MESA_SHADER_CACHE_DIR") && (cache || home)) {
        snprintf(shaders, sizeof shaders, "MESA_SHADER_CACHE_DIR=%s%s/ghostvk-mesa-test", cache ? cache : home,
                 cache ? "" : "/.cache");
        environment[1] = shaders;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_cache_is_taken_and_left),
        cmocka_unit_test(damage_anywhere_is_computed_past_and_replaced),
        cmocka_unit_test(damage_changes_no_detection),
        cmocka_unit_test_setup_teardown(the_program_finds_the_same_whatever_becomes_of_its_cache, enter,
                                        leave_test_folder),
        cmocka_unit_test_setup_teardown(runs_of_other_lanes_and_precisions_leave_a_plain_run_as_it_is, enter,
                                        leave_test_folder),
    };
    return cmocka_run_group_tests_name("cache", tests, find_expected, release_resident);
}
