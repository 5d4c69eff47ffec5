/* Numbers that are none: a weight that holds one is refused by its tensor's name, and a network that overflows names
 * the layer where it begins, be it deep inside. The shipped model, spoilt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/child.h"

#define MODEL  GVK_MODEL_DIR "/blood-cells.safetensors"
#define SMEAR  GVK_MODEL_DIR "/samples/smear-1.jpg"
#define EARLY  "backbone.model.blocks.3.0.ghost1.primary_conv.1"
#define LATE   "conv1.0.bn"
#define CANNOT "infinity or a not-a-number"

static char *model;
static uint64_t model_bytes;

/* The tensor's data in `model`; fails unless it is fp32. */
static char *find_tensor(const char *name)
{
    char quoted[200];
    uint64_t header = 0, begin = 0, end = 0;
    for (int i = 7; i >= 0; i--)
        header = header << 8 | (unsigned char)model[i];
    snprintf(quoted, sizeof quoted, "\"%s\": {\"dtype\": \"F32\"", name);
    const char *entry = strstr(model + 8, quoted);
    const char *offsets = entry ? strstr(entry, "\"data_offsets\": [") : NULL;
    if (!offsets || sscanf(offsets, "\"data_offsets\": [%" SCNu64 ", %" SCNu64 "]", &begin, &end) != 2)
        fail_msg("the model has no fp32 tensor %s", name);
    assert_true(8 + header + end <= model_bytes && begin < end);
    return model + 8 + header + begin;
}

/* Writes the model with the first value of these tensors replaced. */
static void spoil(const char *path, const char *const *tensors, float value)
{
    float kept[4];
    int count = 0;
    for (; tensors[count]; count++) {
        char *place = find_tensor(tensors[count]);
        memcpy(&kept[count], place, sizeof value);
        memcpy(place, &value, sizeof value);
    }
    write_file(path, model, model_bytes);
    while (count-- > 0)
        memcpy(find_tensor(tensors[count]), &kept[count], sizeof value);
}

#define PARTS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void assert_sentence(const struct child *child, int code, const char *const *parts)
{
    const char *sentence = only_sentence(child);
    if (child->code != code || child->ended_by || !sentence)
        fail_msg("exit code %d instead of %d, signal %d, or not one sentence:\n%s", child->code, code, child->ended_by,
                 child->err);
    for (; *parts; parts++)
        if (!strstr(sentence, *parts))
            fail_msg("\"%s\" is not in: %s", *parts, sentence);
}

#define RUN(child, ...) run_child(child, GVK_PROGRAM, PARTS(__VA_ARGS__))

static void a_weight_that_is_no_number_is_refused_by_its_name(void **state)
{
    static const float wrong[] = {NAN, INFINITY, -INFINITY};
    static const char *const tensors[] = {EARLY ".weight", LATE ".running_mean", "yolo_head3.1.bias"};
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct child detect = {0}, run = {0};
        spoil("spoilt", PARTS(tensors[i]), wrong[i]);
        RUN(&detect, "detect", "-m", "spoilt", "--json", "boxes.json", "-o", "out/", SMEAR);
        assert_sentence(&detect, 3, PARTS("spoilt", tensors[i], CANNOT));
        RUN(&run, "run", "-m", "spoilt", "--image", SMEAR, "--output", "maps");
        assert_sentence(&run, 3, PARTS("spoilt", tensors[i], CANNOT));
        release_child(&detect);
        release_child(&run);
    }
    char *names = list_folder(".");
    assert_string_equal(names, "spoilt\n");
    free(names);
}

/* Every weight is a number; their products are none. */
static void the_first_layer_that_overflows_is_named(void **state)
{
    struct child detect = {0}, plain = {0};
    (void)state;
    spoil("spoilt", PARTS(LATE ".weight", EARLY ".weight"), 3e38f);
    RUN(&detect, "detect", "-m", "spoilt", "--size", "64x64", "--json", "boxes.json", "-o", "out/", SMEAR);
    assert_sentence(&detect, 1, PARTS(SMEAR, CANNOT, "The first layer to compute one is \"" EARLY "\"."));
    char *json = read_file("boxes.json", NULL), *out = list_folder("out");
    assert_non_null(json);
    assert_non_null(strstr(json, "The first layer to compute one is \\\"" EARLY "\\\"."));
    assert_null(strstr(json, "\"score\""));
    assert_string_equal(out, "");
    RUN(&plain, "run", "-m", "spoilt", "--size", "64x64", "--image", SMEAR, "--rewrite", "none", "--output", "maps");
    assert_sentence(&plain, 1, PARTS(CANNOT, "The first layer to compute one is \"" EARLY "\"."));
    assert_false(path_exists("maps"));
    free(json);
    free(out);
    release_child(&detect);
    release_child(&plain);
}

static void an_input_that_is_no_number_is_named(void **state)
{
    static const char header[] = "{\"input\":{\"dtype\":\"F32\",\"shape\":[1,3,32,32],\"data_offsets\":[0,12288]}}  ";
    static char file[8 + sizeof header - 1 + 12288];
    const float wrong = NAN;
    struct child run = {0};
    (void)state;
    file[0] = (char)(sizeof header - 1);
    memcpy(file + 8, header, sizeof header - 1);
    memcpy(file + sizeof file - 4096, &wrong, sizeof wrong);
    write_file("x", file, sizeof file);
    RUN(&run, "run", "-m", MODEL, "--input", "x", "--output", "maps");
    assert_sentence(&run, 1, PARTS(CANNOT, "The input holds one already."));
    assert_false(path_exists("maps"));
    release_child(&run);
}

static int read_model(void **state)
{
    (void)state;
    model = read_file(MODEL, &model_bytes);
    return model ? 0 : -1;
}

static int release_model(void **state)
{
    (void)state;
    free(model);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(a_weight_that_is_no_number_is_refused_by_its_name),
        TEST_IN_FOLDER(the_first_layer_that_overflows_is_named),
        TEST_IN_FOLDER(an_input_that_is_no_number_is_named),
    };
    return cmocka_run_group_tests_name("numbers that are none", tests, read_model, release_model);
}
