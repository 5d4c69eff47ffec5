/* ghostvk convert: numbers are those that numpy reads and rounds, the outcome of any container finds the same boxes to
 * the last bit, and says by itself what it is. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "expected.h"
#include "tests/cli/json_reader.h"
#include "tests/network/containers.h"
#include "tests/support/child.h"

#define MODEL GVK_MODEL_DIR "/blood-cells.safetensors"
#define SMEAR GVK_MODEL_DIR "/samples/smear-1.jpg"
#define STEM  "backbone.model.conv_stem.weight"

static struct child ran;

static void run(const char *const *arguments)
{
    release_child(&ran);
    ran = (struct child){0};
    run_child(&ran, GVK_PROGRAM, arguments);
}
#define RUN(...) run((const char *const[]){__VA_ARGS__, NULL})

static void assert_done(void)
{
    if (ran.code != 0)
        fail_msg("exit code %d:\n%s", ran.code, ran.err);
}

static void assert_refused(int code, const char *words)
{
    const char *sentence = only_sentence(&ran);
    if (ran.code != code || !sentence || !strstr(sentence, words))
        fail_msg("exit code %d, wanted %d with \"%s\":\n%s", ran.code, code, words, ran.err);
}

/* ---- a reader of safetensors of the test's own ---- */

struct file {
    char *bytes;
    const char *header; /* zero-terminated */
    unsigned char *data;
    uint64_t data_bytes;
};

static struct file open_file(const char *path)
{
    uint64_t size, length = 0;
    struct file file = {.bytes = read_file(path, &size)};
    assert_non_null(file.bytes);
    for (int byte = 7; byte >= 0; byte--)
        length = length << 8 | (unsigned char)file.bytes[byte];
    assert_true(length % 8 == 0 && length < size - 8);
    char *header = malloc(length + 1);
    assert_non_null(header);
    memcpy(header, file.bytes + 8, length);
    header[length] = 0;
    assert_json(header);
    file.header = header;
    file.data = (unsigned char *)file.bytes + 8 + length;
    file.data_bytes = size - 8 - length;
    return file;
}

static void close_file(struct file *file)
{
    free((char *)file->header);
    free(file->bytes);
}

/* The data of a tensor of that type, of how many bytes. */
static unsigned char *find(const struct file *file, const char *name, const char *type, uint64_t *length)
{
    const char *entry = member(file->header, name), *offsets = member(entry, "data_offsets");
    const char *dtype = member(entry, "dtype");
    if (strncmp(dtype + 1, type, strlen(type)) != 0)
        fail_msg("%s is %.6s, not %s", name, dtype, type);
    uint64_t begin = strtoull(element(offsets, 0), NULL, 10), end = strtoull(element(offsets, 1), NULL, 10);
    assert_true(begin <= end && end <= file->data_bytes);
    *length = end - begin;
    return file->data + begin;
}

static void assert_metadata(const struct file *file, const char *key, const char *wanted)
{
    const char *value = member(member(file->header, "__metadata__"), key);
    if (strncmp(value, wanted, strlen(wanted)) != 0 || value[strlen(wanted)] == ' ')
        fail_msg("\"%s\" is %.60s, not %s", key, value, wanted);
}

/* ---- numbers and boxes ---- */

static int by_name(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* What detect found, every candidate of it, without the file's name and times. */
static char *find_boxes(const char *model)
{
    RUN("detect", "-m", model, "--size", "96x96", "--conf", "0", "--iou", "1", "--json", "-", SMEAR);
    assert_done();
    const char *start = strstr(ran.out, "\"detections\""), *end = start ? strstr(start, "\"ms\"") : NULL;
    assert_non_null(end);
    char *boxes = malloc((size_t)(end - start) + 1);
    assert_non_null(boxes);
    memcpy(boxes, start, (size_t)(end - start));
    boxes[end - start] = 0;
    return boxes;
}

static void assert_same_boxes(const char *left, const char *right)
{
    char *a = find_boxes(left), *b = find_boxes(right);
    assert_true(strlen(a) > 1000);
    if (strcmp(a, b) != 0)
        fail_msg("%s and %s find different boxes", left, right);
    free(a);
    free(b);
}

/* The fp32 is what numpy reads, and fp16 is rounded as it rounds. */
static void check_numbers(const char *path)
{
    struct file file = open_file(path);
    assert_true(file.data_bytes == (uint64_t)EXPECTED_NUMBERS * 4);
    static const char *names[EXPECTED_TENSORS]; /* each stands in quotes before its type */
    size_t count = 0;
    char *header = malloc(strlen(file.header) + 1), *at = header;
    strcpy(header, file.header);
    while ((at = strstr(at, "\": {\"dtype\"")) != NULL) {
        *at = 0;
        assert_true(count < EXPECTED_TENSORS);
        char *start = at;
        while (start[-1] != '"')
            start--;
        names[count++] = start;
        at++;
    }
    assert_int_equal(count, EXPECTED_TENSORS);
    qsort(names, count, sizeof *names, by_name);
    uint64_t sum = UINT64_C(0xCBF29CE484222325);
    for (size_t index = 0; index < count; index++) {
        uint64_t length;
        const unsigned char *data = find(&file, names[index], "F32", &length);
        for (uint64_t word = 0; word < length / 4 && word < 64; word++) {
            uint32_t bits;
            memcpy(&bits, data + 4 * word, 4);
            sum = (sum ^ bits) * UINT64_C(0x100000001B3);
        }
    }
    if (sum != expected_sum)
        fail_msg("the sum is %016" PRIx64 ", numpy's %016" PRIx64, sum, expected_sum);
    free(header);

    /* The stem's weights become numbers that are hard to round. */
    uint64_t length, size = (uint64_t)(file.data + file.data_bytes - (unsigned char *)file.bytes);
    unsigned char *data = find(&file, STEM, "F32", &length);
    size_t roundings = sizeof expected_roundings / sizeof *expected_roundings;
    assert_true(roundings > 400 && length >= 4 * roundings);
    for (size_t index = 0; index < roundings; index++)
        memcpy(data + 4 * index, &expected_roundings[index].fp32, 4);
    write_file("hard.safetensors", file.bytes, size);
    RUN("convert", "hard.safetensors", "--precision", "fp16", "-o", "fp16.safetensors");
    assert_done();
    struct file half = open_file("fp16.safetensors");
    const unsigned char *rounded = find(&half, STEM, "F16", &length);
    for (size_t index = 0; index < roundings; index++) {
        uint16_t bits = (uint16_t)(rounded[2 * index] | rounded[2 * index + 1] << 8);
        if (bits != expected_roundings[index].fp16)
            fail_msg("%08" PRIx32 " becomes %04x, numpy's is %04x", expected_roundings[index].fp32, bits,
                     expected_roundings[index].fp16);
    }
    find(&half, "backbone.model.bn1.weight", "F32", &length);
    close_file(&half);

    const float huge = 65520; /* the least that fp16 rounds to an infinity */
    memcpy(data, &huge, 4);
    write_file("huge.safetensors", file.bytes, size);
    RUN("convert", "huge.safetensors", "--precision", "fp16", "-o", "none.safetensors");
    assert_refused(3, STEM " holds 65520");
    assert_false(path_exists("none.safetensors"));
    close_file(&file);
}

static void the_outcome_finds_the_same_boxes(void **state)
{
    (void)state;
    RUN("convert", MODEL, "--precision", "fp32", "-o", "same.safetensors"); /* which has all numbers of fp16 */
    assert_done();
    assert_non_null(strstr(ran.out, "same.safetensors: GhostNet-YOLOv4, 3 classes, 679 tensors, 42.3 MiB"));
    assert_same_boxes(MODEL, "same.safetensors");
    check_numbers("same.safetensors");
    struct file file = open_file("same.safetensors"), shipped = open_file(MODEL);
    static const char *const keys[] = {"kind", "classes", "anchors", "input_size", "letterbox", "confidence", "iou"};
    for (size_t index = 0; index < sizeof keys / sizeof *keys; index++) {
        const char *value = member(member(shipped.header, "__metadata__"), keys[index]);
        char wanted[256];
        snprintf(wanted, sizeof wanted, "%.*s", (int)strcspn(value + 1, "\"") + 2, value);
        assert_metadata(&file, keys[index], wanted);
    }
    close_file(&shipped);
    close_file(&file);
}

static void checkpoints_of_torch_become_files_that_say_what_they_are(void **state)
{
    (void)state;
    struct tensor_list list = list_tensors(NETWORK_DETECTOR, 0.25, 2);
    const struct weight_set set = {&list, "model/state_dict", "module.", 1};
    struct image zip = make_file_of(CONTAINER_ZIP, &set, 1, "U\5epochK\3");
    write_file("torch.pth", zip.bytes, zip.count);
    write_file("names.txt", "red, \"cell\"\nZelle \xC3\xA4\n", 21);
    const char *anchors = "1,2, 3,4, 5,6, 7,8, 9,10, 11,12, 13.5,14, 15,16, 17,18";
    write_file("anchors.txt", anchors, strlen(anchors));
    release_tensor_list(&list);
    free(zip.bytes);

    RUN("convert", "torch.pth", "--classes", "names.txt", "--anchors", "anchors.txt", "--size", "96x64", "--letterbox",
        "--conf", "0.125", "--iou", "0.75", "-o", "torch.safetensors");
    assert_done();
    struct file file = open_file("torch.safetensors");
    assert_metadata(&file, "kind", "\"detector\"");
    assert_metadata(&file, "classes", "\"red, \\\"cell\\\"\\nZelle \xC3\xA4\"");
    assert_metadata(&file, "anchors", "\"1,2,3,4,5,6,7,8,9,10,11,12,13.5,14,15,16,17,18\"");
    assert_metadata(&file, "input_size", "\"96x64\"");
    assert_metadata(&file, "letterbox", "\"true\"");
    assert_metadata(&file, "confidence", "\"0.125\"");
    assert_metadata(&file, "iou", "\"0.75\"");
    assert_metadata(&file, "format", "\"pt\"");
    assert_null(strstr(file.header, "module."));
    close_file(&file);
    RUN("inspect", "--json", "torch.safetensors");
    assert_done();
    assert_non_null(strstr(ran.out, "Zelle \xC3\xA4"));

    RUN("convert", "torch.pth", "-o", "plain.safetensors");
    assert_done();
    assert_same_boxes("torch.pth", "plain.safetensors");
}

static void the_set_that_is_asked_for_is_taken_from_any_container(void **state)
{
    (void)state;
    struct tensor_list list = list_tensors(NETWORK_CLASSIFIER, 0.1, 4);
    const struct weight_set sets[] = {{&list, "net", "module.", 0.5f}, {&list, "ema", "", 1}};
    struct image zip = make_file_of(CONTAINER_ZIP, sets, 2, NULL);
    struct image legacy = make_file_of(CONTAINER_LEGACY, sets, 1, NULL);
    write_file("torch.pth", zip.bytes, zip.count);
    write_file("old.pth", legacy.bytes, legacy.count);
    release_tensor_list(&list);
    free(zip.bytes);
    free(legacy.bytes);
    RUN("convert", "torch.pth", "--weights", "net", "-o", "net.safetensors");
    assert_done();
    RUN("convert", "old.pth", "-o", "old.safetensors"); /* of the same set */
    assert_done();
    RUN("convert", "torch.pth", "-o", "ema.safetensors");
    assert_done();
    struct file file = open_file("net.safetensors");
    assert_metadata(&file, "kind", "\"classifier\"");
    assert_metadata(&file, "input_size", "\"224x224\"");
    close_file(&file);
    uint64_t sizes[3];
    char *net = read_file("net.safetensors", &sizes[0]), *old = read_file("old.safetensors", &sizes[1]);
    char *average = read_file("ema.safetensors", &sizes[2]);
    assert_true(sizes[0] == sizes[1] && memcmp(net, old, sizes[0]) == 0);
    assert_true(sizes[0] == sizes[2] && memcmp(net, average, sizes[0]) != 0);
    free(net);
    free(old);
    free(average);
}

/* ---- refusals ---- */

static void what_cannot_be_done_is_said_and_leaves_nothing(void **state)
{
    (void)state;
    RUN("convert", MODEL);
    assert_refused(2, "-o FILE");
    RUN("convert", "-o", "out.safetensors");
    assert_refused(2, "one checkpoint");
    RUN("convert", MODEL, MODEL, "-o", "out.safetensors");
    assert_refused(2, "one checkpoint");
    RUN("convert", MODEL, "-o", "out.safetensors", "--precision", "auto");
    assert_refused(2, "--precision auto");
    RUN("convert", "missing.pth", "-o", "out.safetensors");
    assert_refused(3, "missing.pth");
    RUN("convert", SMEAR, "-o", "out.safetensors");
    assert_refused(3, "smear-1.jpg");
    RUN("convert", MODEL, "-o", "missing/out.safetensors");
    assert_refused(1, "missing/out.safetensors");
    RUN("convert", MODEL, "-o", "/dev/full");
    assert_refused(1, "/dev/full: cannot be written: No space left on device");
    RUN("convert", MODEL, "-o", "out.pth"); /* which PyTorch would take for its own */
    assert_refused(2, "-o out.pth: what convert writes is a safetensors file");
    assert_false(path_exists("out.pth"));
    uint64_t size;
    char *content = read_file(MODEL, &size);
    write_file("own.safetensors", content, size / 64);
    RUN("convert", "own.safetensors", "-o", "./own.safetensors");
    assert_refused(2, "own.safetensors");
    write_file("cut.safetensors", content, size / 64);
    free(content);
    RUN("convert", "cut.safetensors", "-o", "out.safetensors");
    assert_refused(3, "cut.safetensors");
    assert_false(path_exists("out.safetensors"));
    assert_false(has_entry(".", ".ghostvk"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(the_outcome_finds_the_same_boxes),
        TEST_IN_FOLDER(checkpoints_of_torch_become_files_that_say_what_they_are),
        TEST_IN_FOLDER(the_set_that_is_asked_for_is_taken_from_any_container),
        TEST_IN_FOLDER(what_cannot_be_done_is_said_and_leaves_nothing),
    };
    return cmocka_run_group_tests_name("ghostvk convert", tests, NULL, NULL);
}
