/* The filler and the checkpoint maker against what Python's filler.py and reference.py make. The expectations are what
 * tests/goldens/print_filler.py prints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint_maker.h"
#include "filler.h"

struct filled {
    const char *name;
    uint32_t rank;
    uint64_t shape[4];
    double first[3];
    uint64_t hash; /* of the elements' bytes, little-endian */
};

static const struct filled tensors[] = {
    {"backbone.model.conv_stem.weight",
     4,
     {16, 3, 3, 3},
     {-0.12098870426416397, -0.2570929229259491, 0.12784184515476227},
     UINT64_C(0x04cfb2ff883c9df5)},
    {"backbone.model.blocks.3.0.se.conv_reduce.bias",
     1,
     {20},
     {0.11580462008714676, 0.052847787737846375, 0.003589041531085968},
     UINT64_C(0xa66cf30b0e7d469b)},
    {"backbone.model.blocks.8.3.ghost1.primary_conv.0.weight",
     4,
     {624, 208, 1, 1},
     {-0.07560762017965317, -0.0773048847913742, 0.10638007521629333},
     UINT64_C(0x5df604efad56f0b4)},
    {"conv1.1.1.weight",
     1,
     {512},
     {1.2212272882461548, 1.202584981918335, 0.811769962310791},
     UINT64_C(0xd72cd9147b1f46b7)},
    {"conv1.1.1.running_mean",
     1,
     {512},
     {0.07852694392204285, -0.14750632643699646, 0.16835275292396545},
     UINT64_C(0xadfd108ffb572294)},
    {"conv1.1.1.running_var",
     1,
     {512},
     {1.4160164594650269, 0.8895202875137329, 0.7155368328094482},
     UINT64_C(0x118b3851074bfe8b)},
    {"make_five_conv2.3.0.weight",
     4,
     {128, 1, 3, 3},
     {-0.5093229413032532, -0.6682447195053101, 0.19465190172195435},
     UINT64_C(0x2f106715bdc6e151)},
    {"yolo_head3.1.weight",
     4,
     {255, 256, 1, 1},
     {0.10588844120502472, 0.14782500267028809, -0.12007094919681549},
     UINT64_C(0x45d173cb1e08c572)},
    {"classifier.weight",
     2,
     {10, 1280},
     {0.02570730447769165, -0.05479251220822334, 0.0022077378816902637},
     UINT64_C(0xb3aec69146cc59d1)},
};

static const struct filled input = {"input",
                                    4,
                                    {2, 3, 96, 160},
                                    {0.5489091873168945, 0.8183677196502686, 0.5861871242523193},
                                    UINT64_C(0x36c2d93722189bb9)};

struct network {
    enum network_kind kind;
    double width;
    uint32_t class_count;
    size_t tensor_count, element_count;
    uint64_t hash; /* of "name:2,3;" for each tensor */
};

static const struct network networks[] = {
    {NETWORK_DETECTOR, 0.5, 20, 679, 9233149, UINT64_C(0xa5cdf41e04046ebd)},
    {NETWORK_DETECTOR, 1.0, 80, 679, 11488785, UINT64_C(0xb8662b3eb78fe850)},
    {NETWORK_DETECTOR, 1.3, 3, 679, 12815548, UINT64_C(0x8c59bebc5ddc410c)},
    {NETWORK_CLASSIFIER, 0.5, 10, 432, 1330086, UINT64_C(0x9ca197b7c487e506)},
    {NETWORK_CLASSIFIER, 1.0, 1000, 432, 5204476, UINT64_C(0x3e8755d8ce5152f2)},
    {NETWORK_CLASSIFIER, 1.3, 37, 432, 6153753, UINT64_C(0xdbc963b8e8d156b2)},
};

static uint64_t hash_floats(const float *values, size_t count)
{
    unsigned char *bytes = malloc(4 * count);
    assert_non_null(bytes);
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        for (uint32_t j = 0; j < 4; j++) {
            bytes[4 * i + j] = (unsigned char)(bits >> (8 * j) & 255);
        }
    }
    const uint64_t hash = fnv1a64(bytes, 4 * count);
    free(bytes);
    return hash;
}

static void check_values(const struct filled *expected, const float *values)
{
    for (size_t i = 0; i < 3; i++) {
        if ((double)values[i] != expected->first[i]) {
            fail_msg("%s[%zu] is %.9g, expected %.9g", expected->name, i, (double)values[i], expected->first[i]);
        }
    }
    const uint64_t hash = hash_floats(values, count_elements(expected->shape, expected->rank));
    if (hash != expected->hash) {
        fail_msg("%s: hash %016" PRIx64 ", expected %016" PRIx64, expected->name, hash, expected->hash);
    }
}

static void hash_is_fnv1a(void **state)
{
    (void)state;
    assert_true(fnv1a64("", 0) == UINT64_C(0xCBF29CE484222325));
    assert_true(fnv1a64("foobar", 6) == UINT64_C(0x85944171F73967E8));
}

static void generator_is_splitmix64(void **state)
{
    (void)state;
    uint64_t stream = 1234567;
    assert_true(splitmix64_next(&stream) == UINT64_C(6457827717110365317));
    assert_true(splitmix64_next(&stream) == UINT64_C(3203168211198807973));
}

static void tensors_equal_pythons(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof tensors / sizeof tensors[0]; i++) {
        float *values = malloc(count_elements(tensors[i].shape, tensors[i].rank) * sizeof *values);
        assert_non_null(values);
        fill_tensor(tensors[i].name, tensors[i].shape, tensors[i].rank, values);
        check_values(&tensors[i], values);
        free(values);
    }
}

static void input_equals_pythons(void **state)
{
    (void)state;
    float *values = malloc(count_elements(input.shape, 4) * sizeof *values);
    assert_non_null(values);
    fill_input(input.name, input.shape, values);
    check_values(&input, values);
    free(values);
}

static void state_dicts_equal_pythons(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++) {
        const struct network *expected = &networks[i];
        const struct network_shape shape = {expected->kind, expected->width, expected->class_count};
        struct tensor_list list;
        assert_true(list_network(&shape, &list));
        char *text = malloc(list.count * 256 + 1);
        assert_non_null(text);
        size_t length = 0, elements = 0;
        for (size_t j = 0; j < list.count; j++) {
            const struct named_tensor *tensor = &list.tensors[j];
            length += (size_t)snprintf(text + length, 256, "%s", tensor->name);
            for (uint32_t k = 0; k < tensor->rank; k++) {
                length += (size_t)snprintf(text + length, 32, "%c%" PRIu64, k != 0 ? ',' : ':', tensor->shape[k]);
            }
            text[length++] = ';';
            elements += count_elements(tensor->shape, tensor->rank);
        }
        assert_int_equal(list.count, expected->tensor_count);
        assert_int_equal(elements, expected->element_count);
        if (fnv1a64(text, length) != expected->hash) {
            fail_msg("names or shapes differ at width %g with %" PRIu32 " classes", expected->width,
                     expected->class_count);
        }
        free(text);
        release_tensor_list(&list);
    }
}

static void checkpoint_is_safetensors(void **state)
{
    (void)state;
    const struct network_shape shape = {NETWORK_CLASSIFIER, 0.5, 10};
    size_t bytes = 0;
    unsigned char *image = make_checkpoint(&shape, &bytes);
    assert_non_null(image);
    uint64_t header_bytes = 0;
    for (uint32_t i = 0; i < 8; i++) {
        header_bytes |= (uint64_t)image[i] << (8 * i);
    }
    static const char start[] =
        "{\"conv_stem.weight\":{\"dtype\":\"F32\",\"shape\":[8,3,3,3],\"data_offsets\":[0,864]},";
    assert_memory_equal(image + 8, start, sizeof start - 1);
    assert_int_equal(header_bytes % 8, 0);
    assert_int_equal(bytes, 8 + header_bytes + 4 * 1330086);
    float *values = malloc(864);
    assert_non_null(values);
    fill_tensor("conv_stem.weight", (const uint64_t[]){8, 3, 3, 3}, 4, values);
    uint32_t bits;
    memcpy(&bits, values, sizeof bits);
    const unsigned char *data = image + 8 + header_bytes;
    assert_true(bits ==
                ((uint32_t)data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 | (uint32_t)data[3] << 24));
    free(values);
    free(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash_is_fnv1a),
        cmocka_unit_test(generator_is_splitmix64),
        cmocka_unit_test(tensors_equal_pythons),
        cmocka_unit_test(input_equals_pythons),
        cmocka_unit_test(state_dicts_equal_pythons),
        cmocka_unit_test(checkpoint_is_safetensors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
