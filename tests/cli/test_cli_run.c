/* ghostvk devices and ghostvk run: what there is to run on, and raw maps from pictures and tensors. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "json_reader.h"
#include "program.h"
#include "tests/filler/checkpoint_maker.h"
#include "tests/support/harness.h"

static void devices_are_listed(void **state)
{
    (void)state;
    RUN("devices");
    assert_done();
    assert_contains(ran.out, "index");
    assert_contains(ran.out, "yes");
    RUN("devices", "--json");
    assert_done();
    assert_json(ran.out);
    const char *first = element(member(ran.out, "devices"), 0);
    assert_non_null(first);
    assert_true(number_of(first, "index") == 0);
    assert_contains(member(first, "name"), "\"");
    assert_true(number_of(first, "memory_bytes") > 0);
}

static void a_device_is_chosen(void **state)
{
    (void)state;
    RUN("detect", "-m", MODEL, SMALL, "--device", "0", SMEAR1);
    assert_done();
    RUN("detect", "-m", MODEL, SMALL, "--device", "cpu", SMEAR1);
    assert_true(ran.code == 0 || ran.code == 4); /* there may be none */
    RUN("detect", "-m", MODEL, "--device", "999", SMEAR1);
    assert_refused(4, "999", "");
    RUN("detect", "-m", MODEL, "--device", "no such device", SMEAR1);
    assert_refused(4, "no such device", "");
}

/* Where the data of a safetensors file begin. */
static size_t find_data(const char *bytes, size_t size)
{
    uint64_t length = 0;
    assert_true(size > 8);
    for (int index = 7; index >= 0; index--)
        length = length << 8 | (unsigned char)bytes[index];
    assert_true(length <= size - 8 && length % 8 == 0);
    return (size_t)length + 8;
}

/* The largest difference between the maps of two files, as a part of the largest magnitude. */
static double difference_of(const char *left, const char *right)
{
    double largest = 0, apart = 0;
    for (size_t index = 0; index < 24 * (3 * 3 + 6 * 6 + 12 * 12); index++) {
        float one, other;
        memcpy(&one, left + index * sizeof one, sizeof one);
        memcpy(&other, right + index * sizeof other, sizeof other);
        largest = fmax(largest, fabs((double)one));
        apart = fmax(apart, fabs((double)one - (double)other));
    }
    assert_true(largest > 1);
    return apart / largest;
}

static void a_network_runs_raw(void **state)
{
    (void)state;
    RUN("run", "-m", MODEL, SMALL, "--image", SMEAR1, "--output", "fast");
    assert_done();
    size_t fast_size, again_size, plain_size;
    char *fast = read_whole("fast", &fast_size);
    size_t data = find_data(fast, fast_size);
    char *header = malloc(data);
    assert_non_null(header);
    memcpy(header, fast + 8, data - 8);
    header[data - 8] = 0;
    assert_json(header);
    static const char *const names[] = {"stride32", "stride16", "stride8", "input"};
    static const double sides[] = {3, 6, 12, 96};
    for (size_t index = 0; index < 4; index++) {
        const char *shape = member(member(header, names[index]), "shape");
        assert_true(strtod(element(shape, 0), NULL) == 1);
        assert_true(strtod(element(shape, 1), NULL) == (index < 3 ? 24 : 3));
        assert_true(strtod(element(shape, 2), NULL) == sides[index]);
        assert_true(strtod(element(shape, 3), NULL) == sides[index]);
    }

    /* The input that was used, put in as a tensor, gives the same file. */
    RUN("run", "-m", MODEL, "--input", "fast", "--output", "again");
    assert_done();
    char *again = read_whole("again", &again_size);
    assert_int_equal(again_size, fast_size);
    assert_memory_equal(again, fast, fast_size);

    RUN("run", "-m", MODEL, "--input", "fast", "--output", "plain", "--rewrite", "none");
    assert_done();
    char *plain = read_whole("plain", &plain_size);
    assert_int_equal(plain_size, fast_size);
    assert_memory_equal(plain, fast, data);
    assert_true(difference_of(fast + data, plain + data) < 1e-4);

    RUN("run", "-m", MODEL, "--input", "fast", "--output", "half", "--precision", "fp16");
    assert_done();
    char *half = read_whole("half", &plain_size);
    assert_int_equal(plain_size, fast_size);
    assert_memory_equal(half, fast, data);
    double rounded = difference_of(fast + data, half + data);
    assert_true(rounded > 0 && rounded < 1e-2);
    free(half);
    free(plain);
    free(again);
    free(header);
    free(fast);
}

static void write_tensor(const char *path, const char *header, uint64_t header_length, size_t data_bytes)
{
    size_t length = strlen(header);
    char *bytes = calloc(1, 8 + length + data_bytes);
    assert_non_null(bytes);
    for (unsigned byte = 0; byte < 8; byte++)
        bytes[byte] = (char)(header_length >> (8 * byte) & 0xFF);
    memcpy(bytes + 8, header, length);
    write_file(path, bytes, 8 + length + data_bytes);
    free(bytes);
}

static void hostile_tensors_are_refused(void **state)
{
    (void)state;
    enum { SMALLEST = 3 * 32 * 32 * 4 };
    static const struct {
        const char *header;
        size_t data_bytes;
    } inputs[] = {
        {"{}", 0},
        {"[]", 0},
        {"{\"input\":", 0},
        {"{\"input\":{}}", 0},
        {"{\"other\":{\"dtype\":\"F32\",\"shape\":[1,3,32,32],\"data_offsets\":[0,12288]}}", SMALLEST},
        {"{\"input\":{\"dtype\":\"F16\",\"shape\":[1,3,32,32],\"data_offsets\":[0,6144]}}", SMALLEST},
        {"{\"input\":{\"dtype\":\"F32\",\"shape\":[1,3,32,32],\"data_offsets\":[0,12288]}}", SMALLEST - 1},
        {"{\"input\":{\"dtype\":\"F32\",\"shape\":[1,3,32,32],\"data_offsets\":[12288,0]}}", SMALLEST},
        {"{\"input\":{\"dtype\":\"F32\",\"shape\":[1,3,32,32],\"data_offsets\":[0,12288,1]}}", SMALLEST},
        {"{\"input\":{\"dtype\":\"F32\",\"shape\":[1,3,32,32],\"data_offsets\":[0]}}", SMALLEST},
        {"{\"input\":{\"dtype\":\"F32\",\"shape\":[1,3,32,32],\"data_offsets\":[-1,12287]}}", SMALLEST},
        {"{\"input\":{\"dtype\":\"F32\",\"shape\":[1,3,32,33],\"data_offsets\":[0,12288]}}", SMALLEST},
        {"{\"input\":{\"dtype\":\"F32\",\"shape\":[1,1,96,32],\"data_offsets\":[0,12288]}}", SMALLEST},
        {"{\"input\":{\"dtype\":\"F32\",\"shape\":[1,3,16,64],\"data_offsets\":[0,12288]}}", SMALLEST},
        {"{\"input\":{\"dtype\":\"F32\",\"shape\":[3,32,32],\"data_offsets\":[0,12288]}}", SMALLEST},
        {"{\"input\":{\"dtype\":\"F32\",\"shape\":[1,3,32,32,1,1,1,1,1],\"data_offsets\":[0,12288]}}", SMALLEST},
        {"{\"input\":{\"dtype\":\"F32\",\"shape\":[0,3,32,32],\"data_offsets\":[0,0]}}", 0},
        {"{\"input\":{\"dtype\":\"F32\",\"shape\":[4294967296,3,4294967296,32],\"data_offsets\":[0,0]}}", 0},
        {"{\"input\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999,3,32,32],\"data_offsets\":[0,12288]}}",
         SMALLEST},
        {"{\"input\":{\"dtype\":\"F32\",\"shape\":[1,3,32,32],\"data_offsets\":[0,12288]},"
         "\"input\":{\"dtype\":\"F32\",\"shape\":[1,3,32,32],\"data_offsets\":[0,12288]}}",
         SMALLEST},
        {"{\"input\":{\"dtype\":\"F32\",\"shape\":[1,3,32,32],\"data_offsets\":[0,12288]}} more", SMALLEST},
        {"{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]}", 0},
        {"{\"a", 0},
        {"{\"a\\", 0},
    };
    for (size_t index = 0; index < sizeof inputs / sizeof *inputs; index++) {
        write_tensor("x", inputs[index].header, strlen(inputs[index].header), inputs[index].data_bytes);
        RUN("run", "-m", MODEL, "--input", "x", "--output", "y");
        assert_refused(1, "x: ", "");
        assert_false(path_exists("y"));
    }
    static const uint64_t lengths[] = {0, 1, 3, 100, UINT64_MAX, (uint64_t)1 << 63};
    for (size_t index = 0; index < sizeof lengths / sizeof *lengths; index++) {
        write_tensor("x", "{}", lengths[index], 0);
        RUN("run", "-m", MODEL, "--input", "x", "--output", "y");
        assert_refused(1, "x: ", "");
    }
    assert_int_equal(mkfifo("pipe", 0666), 0);
    write_text("empty", "");
    write_text("short", "1234567");
    static const char *const files[] = {"missing", ".", "pipe", "empty", "short", "/dev/zero", SMEAR1};
    for (size_t index = 0; index < sizeof files / sizeof *files; index++) {
        RUN("run", "-m", MODEL, "--input", files[index], "--output", "y");
        assert_refused(1, files[index], "");
    }
    RUN("run", "-m", MODEL, "--image", "empty", "--output", "y");
    assert_refused(1, "empty", "");

    write_tensor(
        "x",
        "{\"__metadata__\":{\"a\":\"\\\"}\"},\"n\":[1,{\"b\":null}],"
        "\"input\":{\"dtype\":\"F32\",\"more\":-1.5e3,\"shape\":[2,3,32,64],\"data_offsets\":[0,49152]}}",
        strlen("{\"__metadata__\":{\"a\":\"\\\"}\"},\"n\":[1,{\"b\":null}],"
               "\"input\":{\"dtype\":\"F32\",\"more\":-1.5e3,\"shape\":[2,3,32,64],\"data_offsets\":[0,49152]}}"),
        49152);
    RUN("run", "-m", MODEL, "--input", "x", "--output", "y");
    assert_done();
    assert_contains(ran.out, "stride32  2 x 24 x 1 x 2");
}

/* The last case of the golden is a file: what comes out as "input" must be what PyTorch makes of it. */
static void a_classifier_gets_a_picture_as_it_was_evaluated(void **state)
{
    const struct network_shape shape = {.kind = NETWORK_CLASSIFIER, .width = 0.5, .class_count = 3};
    (void)state;
    size_t bytes;
    uint64_t size;
    unsigned char *checkpoint = make_checkpoint(&shape, &bytes);
    assert_non_null(checkpoint);
    write_file("classifier.safetensors", checkpoint, bytes);
    free(checkpoint);
    static const char picture[] = GVK_TEST_DATA_DIR "/images/png-rgb.png";
    RUN("run", "-m", "classifier.safetensors", "--image", picture, "--size", "64x64", "-o", "out");
    assert_done();
    char *out = read_whole("out", &size);
    size_t data = find_data(out, size);
    char *header = calloc(1, data);
    assert_non_null(header);
    memcpy(header, out + 8, data - 8);
    size_t offset = data + (size_t)strtod(element(member(member(header, "input"), "data_offsets"), 0), NULL);
    assert_true(offset + 3 * 64 * 64 * sizeof(float) <= size);

    struct golden *golden = open_golden("classifier_input.safetensors");
    uint64_t count;
    float *numbers = golden_floats(golden, "normalised", &count);
    const unsigned char *expected = golden_array(golden, "case13.expected")->data;
    for (size_t channel = 0; channel < 3; channel++)
        for (size_t pixel = 0; pixel < 64 * 64; pixel++) {
            float got, wanted = numbers[channel * 256 + expected[pixel * 3 + channel]];
            memcpy(&got, out + offset + (channel * 64 * 64 + pixel) * sizeof got, sizeof got);
            if (memcmp(&got, &wanted, sizeof got) != 0)
                fail_msg("channel %zu, pixel %zu: %.9g instead of %.9g", channel, pixel, (double)got, (double)wanted);
        }
    free(numbers);
    close_golden(golden);
    free(header);
    free(out);

    RUN("run", "-m", "classifier.safetensors", "--image", picture, "-o", "out");
    assert_done();
    assert_contains(ran.out, "input     1 x 3 x 224 x 224");
    RUN("run", "-m", "classifier.safetensors", "--image", picture, "--letterbox", "-o", "out");
    assert_refused(2, "--letterbox", "detectors");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(devices_are_listed),
        TEST(a_device_is_chosen),
        TEST(a_network_runs_raw),
        TEST(hostile_tensors_are_refused),
        TEST(a_classifier_gets_a_picture_as_it_was_evaluated),
    };
    return cmocka_run_group_tests_name("ghostvk devices and run", tests, make_folder, remove_folder);
}
