/* ghostvk features: numbers of layers and ghosts against PyTorch and NumPy (tests/goldens/make_features.py), pictures
 * drawn, and names that are nobody's. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/cli/json_reader.h"
#include "tests/cli/program.h"
#include "tests/siblings/siblings.h"
#include "tests/support/harness.h"

#define TOLERANCE 1e-4 /* of the largest magnitude */

static struct golden *golden;

/* The members of an object against a row of least, largest, mean and deviation; `scale` is a map's largest magnitude.
 */
static void compare_numbers(const char *object, const float *row, const char *what, uint64_t channel, double scale)
{
    static const char *const keys[4] = {"min", "max", "mean", "std"};
    for (int index = 0; index < 4; index++) {
        double got = number_of(object, keys[index]), wanted = (double)row[index];
        if (!(fabs(got - wanted) <= TOLERANCE * scale))
            fail_msg("%s, channel %u: %s is %.7g instead of %.7g", what, (unsigned)channel, keys[index], got, wanted);
    }
}

static double largest_of(const float *rows, uint64_t count)
{
    double largest = 0;
    for (uint64_t index = 0; index < count; index++)
        largest = fmax(largest, fabs((double)rows[index]));
    return largest;
}

static void compare_layer(const char *module)
{
    char name[128];
    uint64_t count;
    snprintf(name, sizeof name, "numbers.%s", module);
    float *rows = golden_floats(golden, name, &count);
    RUN("features", "-m", MODEL, SMALL, "--layer", module, "--json", "-", SMEAR1);
    assert_done();
    assert_json(ran.out);
    const char *channels = member(ran.out, "channels");
    assert_true(strtod(element(member(ran.out, "shape"), 0), NULL) == (double)(count / 4));
    double scale = largest_of(rows, count);
    for (uint64_t channel = 0; channel < count / 4; channel++) {
        const char *object = element(channels, (size_t)channel);
        assert_non_null(object);
        compare_numbers(object, rows + 4 * channel, module, channel, scale);
    }
    assert_null(element(channels, (size_t)(count / 4)));
    free(rows);
}

/* A module's name stands for its result, which is not always made by the last node of that name. */
static void layers_have_the_numbers_of_pytorchs_modules(void **state)
{
    (void)state;
    static const char *const modules[] = {"backbone.model.blocks.1.0.ghost1", "backbone.model.blocks.3.0.se",
                                          "upsample1"};
    for (size_t index = 0; index < ARRAY_COUNT(modules); index++)
        compare_layer(modules[index]);
}

static void ghosts_correlate_as_numpy_has_it(void **state)
{
    (void)state;
    uint64_t count, one_count, other_count, module_count;
    float *expected = golden_floats(golden, "ghosts.correlation", &count);
    float *one = golden_floats(golden, "ghosts.primary_conv", &one_count);
    float *other = golden_floats(golden, "ghosts.cheap_operation", &other_count);
    float *magnitudes = golden_floats(golden, "ghosts.magnitude", &module_count);
    const char *name = golden_text(golden, "ghosts");
    RUN("features", "-m", MODEL, SMALL, "--ghosts", "--json", "all.json", SMEAR1);
    assert_done();
    char *text = read_whole("all.json", &(uint64_t){0});
    assert_json(text);
    const char *modules = member(text, "ghost_modules"), *found = NULL;
    for (uint64_t index = 0; index < module_count; index++) {
        const char *module = element(modules, (size_t)index);
        size_t length = strcspn(name, "\n");
        assert_non_null(module);
        if (strncmp(member(module, "module") + 1, name, length) != 0)
            fail_msg("module %u is %.60s", (unsigned)index, member(module, "module"));
        if (strncmp(name, "backbone.model.blocks.1.0.ghost1", length) == 0)
            found = module;
        name += length + (name[length] != 0);
        if (fabs(number_of(module, "mean_magnitude") - (double)magnitudes[index]) > 2e-4)
            fail_msg("module %u: mean |r| is %.6f instead of %.6f", (unsigned)index,
                     number_of(module, "mean_magnitude"), (double)magnitudes[index]);
    }
    assert_null(element(modules, (size_t)module_count));
    assert_non_null(found);
    for (uint64_t channel = 0; channel < count; channel++) {
        const char *pair = element(member(found, "pairs"), (size_t)channel);
        assert_non_null(pair);
        if (fabs(number_of(pair, "correlation") - (double)expected[channel]) > 1e-4)
            fail_msg("channel %u: r is %.6f instead of %.6f", (unsigned)channel, number_of(pair, "correlation"),
                     (double)expected[channel]);
        compare_numbers(member(pair, "intrinsic"), one + 4 * channel, "intrinsic", channel, largest_of(one, one_count));
        compare_numbers(member(pair, "ghost"), other + 4 * channel, "ghost", channel, largest_of(other, other_count));
    }
    assert_int_equal(count_of(ran.out, "\nbackbone."), module_count);
    free(text);
    free(expected);
    free(one);
    free(other);
    free(magnitudes);
}

/* The sides that a PNG's header says. */
static void assert_png(const char *path, uint32_t width, uint32_t height)
{
    uint64_t size;
    unsigned char *bytes = (unsigned char *)read_whole(path, &size);
    assert_true(size > 33 && memcmp(bytes + 1, "PNG", 3) == 0);
    uint32_t got[2] = {0};
    for (int side = 0; side < 2; side++)
        for (int byte = 0; byte < 4; byte++)
            got[side] = got[side] << 8 | bytes[16 + 4 * side + byte];
    free(bytes);
    if (width ? got[0] != width || got[1] != height : got[0] < 500 || got[1] < 300 || got[0] > 3000 || got[1] > 3000)
        fail_msg("%s has %ux%u pixels", path, got[0], got[1]);
}

static void pictures_are_drawn(void **state)
{
    (void)state;
    RUN("features", "-m", MODEL, SMALL, "--ghosts", "--layer", "blocks.0.0.ghost1.concat", "--order", "channel",
        "--channels", "2-5", "-o", "ghosts.png", SMEAR1);
    assert_done();
    assert_contains(ran.out, "backbone.model.blocks.0.0.ghost1 ");
    assert_contains(ran.out, "drawn to ghosts.png");
    assert_png("ghosts.png", 0, 0);
    RUN("features", "-m", MODEL, SMALL, "--heatmap", "--class", "WBC", "-o", "heat.png", "--json", "heat.json", SMEAR1);
    assert_done();
    assert_png("heat.png", 640, 480 + 40);
    char *text = read_whole("heat.json", &(uint64_t){0});
    assert_json(text);
    assert_contains(text, "\"heat_of\": \"WBC\"");
    const char *coarse = element(member(text, "scales"), 0);
    assert_true(number_of(coarse, "width") == 3 && number_of(coarse, "max") <= 1);
    free(text);
}

static void layers_are_listed_without_a_device(void **state)
{
    (void)state;
    RUN_WITH((struct child){.environment = no_vulkan}, "features", "-m", MODEL, "--list");
    assert_done();
    assert_contains(ran.out, "backbone.model.blocks.0.0.ghost1.cheap_operation.1");
    assert_contains(ran.out, "   16 x  208 x  208  convolution\n");
    assert_null(strstr(ran.out, "se.conv_expand")); /* one value a channel */
}

static void a_name_that_is_nobodys_is_answered_by_names_that_are_near(void **state)
{
    (void)state;
    RUN("features", "-m", MODEL, "--layer", "blocks.3.0.ghots1", "-o", "x.png", SMEAR1);
    assert_refused(2, "no layer blocks.3.0.ghots1", "near are backbone.model.blocks.3.0.ghost1,");
    RUN("features", "-m", MODEL, "--layer", "ghost1", "-o", "x.png", SMEAR1);
    assert_refused(2, "the end of several names", "backbone.model.blocks.0.0.ghost1");
    RUN("features", "-m", MODEL, "--layer", "blocks.3.0.se.conv_reduce", "-o", "x.png", SMEAR1);
    assert_refused(2, "one value a channel", "");
    RUN("features", "-m", MODEL, "--ghosts", "--layer", "upsample1", SMEAR1);
    assert_refused(2, "in no ghost module", "");
    RUN("features", "-m", MODEL, "--heatmap", "--class", "eosinophil", "-o", "x.png", SMEAR1);
    assert_refused(2, "eosinophil", "RBC, WBC, Platelets");
    RUN("features", "-m", MODEL, "--layer", "conv1", "--channels", "500-512", "-o", "x.png", SMEAR1);
    assert_refused(2, "no channel 512", "the last is 511");
}

static void wrong_uses_are_refused(void **state)
{
    (void)state;
    RUN("features", SMEAR1);
    assert_refused(2, "--layer", "--heatmap");
    RUN("features", "--layer", "conv1");
    assert_refused(2, "needs a picture", "");
    RUN("features", "--layer", "conv1", SMEAR1, SMEAR2);
    assert_refused(2, "one picture", "smear-2");
    RUN("features", "--heatmap", "--ghosts", "-o", "x.png", SMEAR1);
    assert_refused(2, "--heatmap", "");
    RUN("features", "--ghosts", "-o", "x.png", SMEAR1);
    assert_refused(2, "--layer", "");
    RUN("features", "--layer", "conv1", "--channels", "5-2", SMEAR1);
    assert_refused(2, "--channels 5-2", "");
    RUN("features", "--layer", "conv1", "-o", "x.gif", SMEAR1);
    assert_refused(2, "x.gif", ".png");
    RUN("features", "--layer", "conv1", "-o", "-", SMEAR1);
    assert_refused(2, "standard output", "");
    RUN("features", "-m", MODEL, "--layer", "conv1", "-o", "no/such/folder.png", SMEAR1);
    assert_refused(1, "no/such/folder.png", "");
    RUN("features", "-m", MODEL, SMALL, "--layer", "conv1", "no-picture.jpg");
    assert_refused(1, "no-picture.jpg", "");
}

static void write_bytes(const char *path, const void *bytes, size_t count)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    assert_int_equal(fclose(file), 0);
}

static void a_sibling_has_maps_and_no_ghosts(void **state)
{
    (void)state;
    struct golden *sibling = open_sibling("MobileNetV3-YOLOv4");
    struct tensor_list list = list_sibling(sibling);
    size_t bytes;
    unsigned char *checkpoint = make_checkpoint_of(&list, &bytes);
    assert_non_null(checkpoint);
    write_bytes("sibling.safetensors", checkpoint, bytes);
    free(checkpoint);
    release_tensor_list(&list);
    close_golden(sibling);
    RUN("features", "-m", "sibling.safetensors", SMALL, "--ghosts", SMEAR1);
    assert_refused(3, "MobileNetV3-YOLOv4 has no ghost modules", "--layer alone");
    RUN("features", "-m", "sibling.safetensors", SMALL, "--layer", "backbone.model.features.1", SMEAR1);
    assert_done();
    assert_contains(ran.out, " 16 x 48 x 48\n");
}

static void a_classifier_has_ghosts_and_no_heat(void **state)
{
    (void)state;
    const struct network_shape shape = {.kind = NETWORK_CLASSIFIER, .width = 0.5, .class_count = 3};
    size_t bytes;
    unsigned char *checkpoint = make_checkpoint(&shape, &bytes);
    assert_non_null(checkpoint);
    write_bytes("classifier.safetensors", checkpoint, bytes);
    free(checkpoint);
    RUN("features", "-m", "classifier.safetensors", SMALL, "--ghosts", "--layer", "blocks.3.0.ghost1", SMEAR1);
    assert_done();
    assert_contains(ran.out, "blocks.3.0.ghost1 ");
    RUN("features", "-m", "classifier.safetensors", "--heatmap", "-o", "x.png", SMEAR1);
    assert_refused(3, "classifier", "detector");
}

static int open_files(void **state)
{
    golden = open_golden("features.safetensors");
    return make_folder(state);
}

static int close_files(void **state)
{
    close_golden(golden);
    return remove_folder(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(layers_have_the_numbers_of_pytorchs_modules),
        TEST(ghosts_correlate_as_numpy_has_it),
        TEST(pictures_are_drawn),
        TEST(layers_are_listed_without_a_device),
        TEST(a_name_that_is_nobodys_is_answered_by_names_that_are_near),
        TEST(wrong_uses_are_refused),
        TEST(a_sibling_has_maps_and_no_ghosts),
        TEST(a_classifier_has_ghosts_and_no_heat),
    };
    return cmocka_run_group_tests_name("ghostvk features", tests, open_files, close_files);
}
