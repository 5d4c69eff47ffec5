/* Checkpoints: what torch and safetensors write loads with the right numbers, and what anybody else writes is refused
 * with one sentence, without a crash, a leak or a partial result. The fixtures come from
 * tests/checkpoint/make_checkpoints.py, the hostile files from tests/checkpoint/build_files.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../ghostnet/checkpoint/checkpoint.h"
#include "checkpoint/build_files.h"

/* ---- a host that counts ---- */

typedef struct recorder {
    int sentences;
    char last[600];
    long allocations, live;
    long fail_at; /* the allocation that fails, counted from 1; 0: none */
    size_t bytes, peak;
} recorder;

static void record_sentence(void *user, gvk_log_level level, const char *sentence)
{
    recorder *to = user;
    (void)level;
    to->sentences++;
    snprintf(to->last, sizeof to->last, "%s", sentence);
}

static void *record_allocation(void *user, size_t count, size_t alignment)
{
    recorder *to = user;
    (void)alignment;
    to->allocations++;
    if (to->allocations == to->fail_at)
        return NULL;
    size_t *block = malloc(count + 16);
    if (!block)
        return NULL;
    block[0] = count;
    to->live++;
    to->bytes += count;
    if (to->bytes > to->peak)
        to->peak = to->bytes;
    return (unsigned char *)block + 16;
}

static void record_release(void *user, void *block)
{
    recorder *to = user;
    if (!block)
        return;
    size_t *start = (size_t *)(void *)((unsigned char *)block - 16);
    to->live--;
    to->bytes -= start[0];
    free(start);
}

static gvk_host recording_host(recorder *to)
{
    return (gvk_host){.size = sizeof(gvk_host),
                      .user = to,
                      .log = record_sentence,
                      .allocate = record_allocation,
                      .release = record_release};
}

static const char *fixture(char path[512], const char *name)
{
    snprintf(path, 512, "%s/checkpoint/%s", GVK_TEST_DATA_DIR, name);
    return path;
}

/* ---- what the fixtures hold ---- */

static float expected_value(uint64_t i, unsigned salt)
{
    return ((float)((i * 3 + salt) % 17) - 8.0f) / 8.0f;
}

static float value_at(const gvk_array *array, uint64_t i)
{
    const unsigned char *data = array->data;
    uint32_t bits = 0;
    uint16_t half;
    float value;
    switch (array->type) {
    case GVK_TYPE_F32: memcpy(&bits, data + i * 4, 4); break;
    case GVK_TYPE_BF16:
        memcpy(&half, data + i * 2, 2);
        bits = (uint32_t)half << 16;
        break;
    case GVK_TYPE_F16: /* the fixtures hold no subnormal numbers, infinities or NaNs */
        memcpy(&half, data + i * 2, 2);
        bits = (uint32_t)(half & 0x8000) << 16;
        if (half & 0x7fff)
            bits |= ((uint32_t)(half & 0x7fff) << 13) + ((127u - 15u) << 23);
        break;
    case GVK_TYPE_OTHER: return -1e30f;
    }
    memcpy(&value, &bits, 4);
    return value;
}

typedef struct expectation {
    const char *name;
    unsigned salt;
    uint32_t rank;
    uint64_t shape[4];
    uint64_t first; /* where in the formula the tensor begins */
} expectation;

static const expectation weights[] = {{"stem.weight", 1, 4, {4, 3, 3, 3}, 0},
                                      {"stem.bias", 2, 1, {4}, 0},
                                      {"bn.weight", 3, 1, {4}, 0},
                                      {"bn.running_var", 4, 1, {4}, 0},
                                      {"head.model.weight", 5, 2, {2, 4}, 0}};

#define WEIGHT_COUNT (sizeof weights / sizeof weights[0])

/* `type` GVK_TYPE_OTHER takes any float type. */
static void check_tensor(const char *file, const gvk_checkpoint *checkpoint, const expectation *expected, gvk_type type)
{
    const gvk_checkpoint_tensor *tensor = gvk_checkpoint_find(checkpoint, expected->name);
    if (!tensor) {
        fail_msg("%s: no tensor %s", file, expected->name);
        return;
    }
    const gvk_array *array = &tensor->array;
    if (type != GVK_TYPE_OTHER && array->type != type)
        fail_msg("%s: %s has type %d, not %d", file, expected->name, (int)array->type, (int)type);
    if (array->rank != expected->rank)
        fail_msg("%s: %s has rank %u, not %u", file, expected->name, array->rank, expected->rank);
    uint64_t count = 1;
    for (uint32_t i = 0; i < array->rank; i++) {
        count *= array->shape[i];
        if (array->shape[i] != expected->shape[i])
            fail_msg("%s: %s has size %llu in dimension %u, not %llu", file, expected->name,
                     (unsigned long long)array->shape[i], i, (unsigned long long)expected->shape[i]);
    }
    uint64_t item = array->type == GVK_TYPE_F32 ? 4 : 2;
    if (array->bytes != count * item)
        fail_msg("%s: %s has %llu bytes for %llu items", file, expected->name, (unsigned long long)array->bytes,
                 (unsigned long long)count);
    for (uint64_t i = 0; i < count; i++) {
        float wanted = expected_value(i + expected->first, expected->salt), got = value_at(array, i);
        if (got < wanted || got > wanted)
            fail_msg("%s: %s[%llu] is %g, not %g (salt %u)", file, expected->name, (unsigned long long)i, (double)got,
                     (double)wanted, expected->salt);
    }
}

static void check_weights(const char *file, const gvk_checkpoint *checkpoint, gvk_type type)
{
    for (size_t i = 0; i < WEIGHT_COUNT; i++)
        check_tensor(file, checkpoint, &weights[i], type);
    const gvk_checkpoint_tensor *counter = gvk_checkpoint_find(checkpoint, "bn.num_batches_tracked");
    if (!counter || counter->array.type != GVK_TYPE_OTHER || counter->array.rank != 0 || counter->array.bytes != 8 ||
        *(const unsigned char *)counter->array.data != 7)
        fail_msg("%s: bn.num_batches_tracked is not the integer 7", file);
}

static gvk_checkpoint *open_good(recorder *log, const char *name)
{
    char path[512];
    gvk_host host = recording_host(log);
    gvk_checkpoint *checkpoint = NULL;
    gvk_result result = gvk_checkpoint_open(&host, fixture(path, name), &checkpoint);
    if (result != GVK_OK)
        fail_msg("%s: %s, \"%s\"", name, gvk_result_name(result), log->last);
    if (log->sentences != 0)
        fail_msg("%s: loaded, yet it said \"%s\"", name, log->last);
    return checkpoint;
}

static void close_good(recorder *log, const char *name, gvk_checkpoint *checkpoint)
{
    gvk_checkpoint_destroy(checkpoint);
    if (log->live != 0)
        fail_msg("%s: %ld blocks were not released", name, log->live);
}

static void check_fixture(const char *name, const char *format, gvk_type type)
{
    recorder log = {.sentences = 0};
    gvk_checkpoint *checkpoint = open_good(&log, name);
    if (strcmp(gvk_checkpoint_format(checkpoint), format) != 0)
        fail_msg("%s: format %s, not %s", name, gvk_checkpoint_format(checkpoint), format);
    check_weights(name, checkpoint, type);
    close_good(&log, name, checkpoint);
}

/* ---- refusals ---- */

/* One sentence, nothing left, nothing given; `words` must be in the sentence. */
static void check_refusal(const char *what, const recorder *log, gvk_result result, gvk_result wanted,
                          const gvk_checkpoint *checkpoint, const char *words)
{
    if (result != wanted)
        fail_msg("%s: %s instead of %s, \"%s\"", what, gvk_result_name(result), gvk_result_name(wanted), log->last);
    if (checkpoint)
        fail_msg("%s: refused, yet *out was written", what);
    if (log->sentences != 1)
        fail_msg("%s: %d sentences, the last is \"%s\"", what, log->sentences, log->last);
    if (log->live != 0)
        fail_msg("%s: %ld blocks were not released", what, log->live);
    if (words && !strstr(log->last, words))
        fail_msg("%s: \"%s\" does not say \"%s\"", what, log->last, words);
    for (const char *at = log->last; *at; at++)
        if ((unsigned char)*at < 0x20)
            fail_msg("%s: a control character in \"%s\"", what, log->last);
    size_t length = strlen(log->last);
    if (length == 0 || log->last[length - 1] != '.')
        fail_msg("%s: \"%s\" does not end in a full stop", what, log->last);
}

static void check_file_refused(const char *path, gvk_result wanted, const char *words)
{
    recorder log = {.sentences = 0};
    gvk_host host = recording_host(&log);
    gvk_checkpoint *checkpoint = NULL;
    gvk_result result = gvk_checkpoint_open(&host, path, &checkpoint);
    check_refusal(path, &log, result, wanted, checkpoint, words);
}

static void check_fixture_refused(const char *name, const char *words)
{
    char path[512];
    check_file_refused(fixture(path, name), GVK_ERROR_FORMAT, words);
}

/* Takes the file's bytes. */
static void check_bytes_refused(const char *what, bytes file, const char *words)
{
    recorder log = {.sentences = 0};
    gvk_host host = recording_host(&log);
    gvk_checkpoint *checkpoint = NULL;
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    gvk_result result = gvk_checkpoint_open_bytes(&host, file.data, file.count, "test", &checkpoint);
    clock_gettime(CLOCK_MONOTONIC, &end);
    check_refusal(what, &log, result, GVK_ERROR_FORMAT, checkpoint, words);
    double seconds = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) * 1e-9;
    if (seconds > 8) /* 2 s is the promise; sanitizers and busy machines are slower */
        fail_msg("%s: refused after %g s", what, seconds);
    drop(&file);
}

static unsigned touch_everything(const gvk_checkpoint *checkpoint)
{
    unsigned sum = 0;
    for (uint32_t i = 0; i < gvk_checkpoint_count(checkpoint); i++) {
        const gvk_checkpoint_tensor *tensor = gvk_checkpoint_at(checkpoint, i);
        const unsigned char *data = tensor->array.data;
        for (uint64_t j = 0; j < tensor->array.bytes; j++)
            sum += data[j];
        sum += gvk_checkpoint_find(checkpoint, tensor->name) == tensor;
    }
    return sum;
}

/* Takes the file's bytes; the file must load with `count` tensors. */
static void check_bytes_load(const char *what, bytes file, uint32_t count)
{
    recorder log = {.sentences = 0};
    gvk_host host = recording_host(&log);
    gvk_checkpoint *checkpoint = NULL;
    gvk_result result = gvk_checkpoint_open_bytes(&host, file.data, file.count, "test", &checkpoint);
    if (result != GVK_OK)
        fail_msg("%s: %s, \"%s\"", what, gvk_result_name(result), log.last);
    if (gvk_checkpoint_count(checkpoint) != count)
        fail_msg("%s: %u tensors, not %u", what, gvk_checkpoint_count(checkpoint), count);
    touch_everything(checkpoint);
    close_good(&log, what, checkpoint);
    drop(&file);
}

/* ---- good files ---- */

static void a_pth_in_the_zip_format_loads_in_every_precision(void **state)
{
    (void)state;
    check_fixture("zip_fp32.pth", "torch zip", GVK_TYPE_F32);
    check_fixture("zip_fp16.pth", "torch zip", GVK_TYPE_F16);
    check_fixture("zip_bf16.pth", "torch zip", GVK_TYPE_BF16);
    check_fixture("zip_fp64.pth", "torch zip", GVK_TYPE_F32);
}

static void a_pth_in_the_legacy_format_loads_in_every_precision(void **state)
{
    (void)state;
    check_fixture("legacy_fp32.pth", "torch legacy", GVK_TYPE_F32);
    check_fixture("legacy_fp16.pth", "torch legacy", GVK_TYPE_F16);
    check_fixture("legacy_bf16.pth", "torch legacy", GVK_TYPE_BF16);
    check_fixture("legacy_fp64.pth", "torch legacy", GVK_TYPE_F32);
}

static void weights_load_from_beside_optimizer_state_and_settings(void **state)
{
    (void)state;
    check_fixture("zip_under_state_dict.pth", "torch zip", GVK_TYPE_F32);
    check_fixture("zip_under_model.pth", "torch zip", GVK_TYPE_F32);
    check_fixture("zip_under_net.pth", "torch zip", GVK_TYPE_F32);
    check_fixture("zip_under_ema.pth", "torch zip", GVK_TYPE_F32);
    check_fixture("legacy_under_state_dict.pth", "torch legacy", GVK_TYPE_F32);
    check_fixture("zip_protocol3.pth", "torch zip", GVK_TYPE_F32);
    check_fixture("zip_protocol4.pth", "torch zip", GVK_TYPE_F32);
    check_fixture("zip_protocol5.pth", "torch zip", GVK_TYPE_F32);
}

static void the_state_dict_is_preferred_to_its_moving_average(void **state)
{
    (void)state;
    check_fixture("zip_both.pth", "torch zip", GVK_TYPE_F32);
}

static void parameters_load_like_tensors(void **state)
{
    (void)state;
    check_fixture("zip_parameters.pth", "torch zip", GVK_TYPE_F32);
    check_fixture("legacy_parameters.pth", "torch legacy", GVK_TYPE_F32);
}

static void a_state_dict_with_attributes_loads(void **state)
{
    (void)state;
    static const expectation expected[] = {{"weight", 5, 2, {2, 2}, 0}, {"bias", 2, 1, {2}, 0}};
    recorder log = {.sentences = 0};
    const char *name = "zip_metadata_attribute.pth";
    gvk_checkpoint *checkpoint = open_good(&log, name);
    check_tensor(name, checkpoint, &expected[0], GVK_TYPE_F32);
    check_tensor(name, checkpoint, &expected[1], GVK_TYPE_F32);
    close_good(&log, name, checkpoint);
}

static void wrappers_around_all_weights_are_stripped_from_their_names(void **state)
{
    (void)state;
    check_fixture("zip_module_prefix.pth", "torch zip", GVK_TYPE_F32);
    check_fixture("legacy_compiled_prefix.pth", "torch legacy", GVK_TYPE_F32);
    check_fixture("prefix.safetensors", "safetensors", GVK_TYPE_OTHER);
}

#define ONE_BYTE(name, begin, end)                                                                                     \
    "\"" name "\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[" #begin "," #end "]}"

static void a_prefix_that_only_some_weights_have_stays(void **state)
{
    (void)state;
    bytes file = build_safetensors(
        "{" ONE_BYTE("backbone.model.a", 0, 2) "," ONE_BYTE("model.b", 2, 4) "," ONE_BYTE("module.c", 4, 6) "}", 6);
    gvk_checkpoint *checkpoint = NULL;
    assert_int_equal(gvk_checkpoint_open_bytes(NULL, file.data, file.count, NULL, &checkpoint), GVK_OK);
    assert_non_null(gvk_checkpoint_find(checkpoint, "backbone.model.a"));
    assert_non_null(gvk_checkpoint_find(checkpoint, "model.b"));
    assert_non_null(gvk_checkpoint_find(checkpoint, "module.c"));
    assert_null(gvk_checkpoint_find(checkpoint, "a"));
    assert_null(gvk_checkpoint_at(checkpoint, 3));
    gvk_checkpoint_destroy(checkpoint);
    drop(&file);
}

static void views_of_a_storage_become_contiguous(void **state)
{
    (void)state;
    static const char *const names[] = {"zip_views.pth", "legacy_views.pth"};
    static const expectation views[] = {{"transposed", 6, 2, {5, 3}, 0}, {"channels_last", 7, 4, {2, 3, 4, 5}, 0},
                                        {"doubles", 8, 2, {3, 4}, 0},    {"whole", 9, 2, {4, 6}, 0},
                                        {"rows", 9, 2, {2, 6}, 6},       {"tied", 9, 1, {24}, 0},
                                        {"scalar", 1, 0, {0}, 0},        {"empty", 0, 2, {0, 3}, 0}};
    for (size_t f = 0; f < 2; f++) {
        recorder log = {.sentences = 0};
        gvk_checkpoint *checkpoint = open_good(&log, names[f]);
        for (size_t i = 0; i < sizeof views / sizeof views[0]; i++)
            check_tensor(names[f], checkpoint, &views[i], GVK_TYPE_F32);
        const gvk_checkpoint_tensor *column = gvk_checkpoint_find(checkpoint, "strided_one");
        if (!column || column->array.rank != 2 || column->array.shape[0] != 2 || column->array.shape[1] != 1)
            fail_msg("%s: strided_one is missing or misshapen", names[f]);
        for (uint64_t i = 0; column && i < 2; i++) {
            float wanted = expected_value(i * 3, 3), got = value_at(&column->array, i);
            if (got < wanted || got > wanted)
                fail_msg("%s: strided_one[%u] is %g, not %g", names[f], (unsigned)i, (double)got, (double)wanted);
        }
        /* Contiguous views share the file's bytes. */
        assert_ptr_equal(gvk_checkpoint_find(checkpoint, "whole")->array.data,
                         gvk_checkpoint_find(checkpoint, "tied")->array.data);
        close_good(&log, names[f], checkpoint);
    }
}

static void a_safetensors_file_loads_with_its_metadata(void **state)
{
    (void)state;
    recorder log = {.sentences = 0};
    const char *name = "plain.safetensors";
    gvk_checkpoint *checkpoint = open_good(&log, name);
    check_weights(name, checkpoint, GVK_TYPE_OTHER);
    assert_string_equal(gvk_checkpoint_format(checkpoint), "safetensors");
    assert_string_equal(gvk_checkpoint_metadata(checkpoint, "kind"), "detector");
    assert_string_equal(gvk_checkpoint_metadata(checkpoint, "classes"), "RBC\nWBC\nPlatelets");
    assert_string_equal(gvk_checkpoint_metadata(checkpoint, "note"), "\xf0\x9f\x91\xbb \xc3\xbc \"quoted\" \\ /");
    assert_null(gvk_checkpoint_metadata(checkpoint, "anchors"));
    assert_int_equal(gvk_checkpoint_count(checkpoint), WEIGHT_COUNT + 2);
    close_good(&log, name, checkpoint);
}

static void doubles_too_large_for_a_float_become_infinities(void **state)
{
    (void)state;
    static const double numbers[] = {1e300, -1e300, 0.5};
    tensor_spec spec = {"weight", "DoubleStorage", "0", 3, 0, 1, {3}, {1}};
    bytes pickle = pickle_state_dict(&spec, 1, false, NULL);
    bytes file = build_pth(&pickle, numbers, sizeof numbers);
    gvk_checkpoint *checkpoint = NULL;
    assert_int_equal(gvk_checkpoint_open_bytes(NULL, file.data, file.count, "test", &checkpoint), GVK_OK);
    uint32_t bits[3];
    memcpy(bits, gvk_checkpoint_find(checkpoint, "weight")->array.data, sizeof bits);
    assert_int_equal(bits[0], 0x7f800000u);
    assert_int_equal(bits[1], 0xff800000u);
    assert_int_equal(bits[2], 0x3f000000u);
    gvk_checkpoint_destroy(checkpoint);
    drop(&pickle);
    drop(&file);
}

/* ---- files that are something else ---- */

static void a_file_of_another_kind_says_what_it_seems_to_be(void **state)
{
    (void)state;
    check_fixture_refused("text.pth", "text file");
    check_fixture_refused("lfs_pointer.pth", "Git LFS pointer");
    check_fixture_refused("page.pth", "web page");
    check_fixture_refused("empty.pth", "empty");
    check_fixture_refused("torchscript.pth", "TorchScript");
    bytes tar = {.data = NULL};
    put_text(&tar, "sys_info");
    put_repeated(&tar, "", 1, 249);
    put(&tar,
        "ustar\0"
        "00",
        8);
    put_repeated(&tar, "", 1, 2048);
    check_bytes_refused("a tar archive", tar, "tar archive");
    bytes gzip = {.data = NULL};
    put(&gzip, "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", 10);
    check_bytes_refused("a gzip file", gzip, "gzip");
    bytes noise = {.data = NULL};
    put(&noise, "\x01\x00\xff\xfe\x00\x00\x00\x00\x00\x00\x00", 11);
    check_bytes_refused("noise", noise, "neither");
    bytes zip = {.data = NULL};
    put(&zip, "PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22);
    check_bytes_refused("an empty zip", zip, "empty zip");
}

static void a_path_that_is_no_regular_file_is_refused(void **state)
{
    (void)state;
    char path[600];
    check_file_refused(GVK_TEST_DATA_DIR, GVK_ERROR_FILE, "directory");
    check_file_refused(fixture(path, "there is no such file"), GVK_ERROR_FILE, "no such file");
    check_file_refused("", GVK_ERROR_FILE, "no such file");
    check_file_refused("/dev/zero", GVK_ERROR_FILE, "not a regular file");
    check_file_refused(fixture(path, "bad\nname\xff"), GVK_ERROR_FILE, "bad?name?");
    char directory[] = "/tmp/gvk_test_XXXXXX";
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/fifo", directory);
    assert_int_equal(mkfifo(path, 0600), 0);
    check_file_refused(path, GVK_ERROR_FILE, "not a regular file"); /* and does not wait for a writer */
    unlink(path);
    /* A sparse file costs no disk; the ceiling is met before a byte is read. */
    snprintf(path, sizeof path, "%s/huge", directory);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    int made = ftruncate(fileno(file), (off_t)5 << 30);
    fclose(file);
    if (made == 0)
        check_file_refused(path, GVK_ERROR_FILE, "larger than 4 GiB");
    unlink(path);
    rmdir(directory);
    char *endless = malloc(100001);
    for (size_t i = 0; i < 100000; i++)
        endless[i] = "\xc3\xbc"[i % 2]; /* so the cut for the message may meet half a letter */
    endless[100000] = '\0';
    check_file_refused(endless, GVK_ERROR_FILE, "path is too long");
    free(endless);
}

static void a_path_with_umlauts_opens(void **state)
{
    (void)state;
    char path[512], directory[] = "/tmp/gvk_test_XXXXXX";
    bytes content = read_whole(fixture(path, "zip_small.pth"));
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/Gewichte \xc3\xbc\xf0\x9f\x91\xbb.pth", directory);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(content.data, 1, content.count, file), content.count);
    fclose(file);
    gvk_checkpoint *checkpoint = NULL;
    assert_int_equal(gvk_checkpoint_open(NULL, path, &checkpoint), GVK_OK);
    gvk_checkpoint_destroy(checkpoint);
    unlink(path);
    rmdir(directory);
    drop(&content);
}

static void missing_arguments_are_refused(void **state)
{
    (void)state;
    gvk_checkpoint *checkpoint = NULL;
    assert_int_equal(gvk_checkpoint_open(NULL, NULL, &checkpoint), GVK_ERROR_ARGUMENT);
    assert_int_equal(gvk_checkpoint_open_bytes(NULL, NULL, 3, NULL, &checkpoint), GVK_ERROR_ARGUMENT);
    assert_int_equal(gvk_checkpoint_open_bytes(NULL, NULL, 0, NULL, &checkpoint), GVK_ERROR_FORMAT);
    assert_null(checkpoint);
    gvk_checkpoint_destroy(NULL);
}

static void a_whole_pickled_model_is_refused_with_the_way_out(void **state)
{
    (void)state;
    check_fixture_refused("zip_whole_module.pth", "__main__.Tiny");
    check_fixture_refused("zip_whole_module.pth", "torch.save(model.state_dict()");
    check_fixture_refused("legacy_whole_module.pth", "torch.nn.modules.container.Sequential");
    check_fixture_refused("zip_one_tensor.pth", "without a name");
    check_fixture_refused("zip_no_weights.pth", "no weights");
    check_fixture_refused("zip_list.pth", "dict of weights");
    check_fixture_refused("zip_expanded.pth", "larger than its storage");
}

/* ---- damage everywhere ---- */

static const float two_floats[2] = {0.5f, -0.5f};
static const tensor_spec good_tensor = {"weight", "FloatStorage", "0", 2, 0, 1, {2}, {1}};

static const char *const small_files[] = {"zip_small.pth", "legacy_small.pth", "small.safetensors"};

#define SMALL_COUNT (sizeof small_files / sizeof small_files[0])

static void a_file_cut_at_any_byte_is_refused(void **state)
{
    (void)state;
    static const char *const more[] = {"zip_protocol4.pth", "legacy_views.pth", "plain.safetensors"};
    for (size_t f = 0; f < SMALL_COUNT * 2; f++) {
        const char *name = f < SMALL_COUNT ? small_files[f] : more[f - SMALL_COUNT];
        char path[512], what[600];
        bytes whole = read_whole(fixture(path, name));
        if (whole.count == 0)
            fail_msg("%s: missing", path);
        for (size_t count = 0; count < whole.count; count++) {
            bytes cut = {.data = NULL};
            put(&cut, whole.data, count);
            snprintf(what, sizeof what, "%s cut to %zu of %zu bytes", name, count, whole.count);
            check_bytes_refused(what, cut, NULL);
        }
        put_text(&whole, "x");
        snprintf(what, sizeof what, "%s with a byte more", name);
        check_bytes_refused(what, whole, NULL);
    }
}

/* Loads or refuses, but never crashes, leaks, or says other than one sentence. */
static void try_bytes(const char *what, const bytes *file)
{
    recorder log = {.sentences = 0};
    gvk_host host = recording_host(&log);
    gvk_checkpoint *checkpoint = NULL;
    gvk_result result = gvk_checkpoint_open_bytes(&host, file->data, file->count, "test", &checkpoint);
    if (result != GVK_OK) {
        check_refusal(what, &log, result, GVK_ERROR_FORMAT, checkpoint, NULL);
        return;
    }
    touch_everything(checkpoint);
    close_good(&log, what, checkpoint);
}

static void a_changed_byte_anywhere_does_no_harm(void **state)
{
    (void)state;
    static const unsigned char changes[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff, 0x7f, 0x0f};
    static const char *const names[] = {"zip_small.pth", "legacy_small.pth", "small.safetensors", "zip_protocol4.pth"};
    for (size_t f = 0; f < sizeof names / sizeof names[0]; f++) {
        char path[512], what[600];
        bytes file = read_whole(fixture(path, names[f]));
        if (file.count == 0)
            fail_msg("%s: missing", path);
        if (strncmp(names[f], "zip", 3) == 0)
            clear_checksums(&file);
        for (size_t at = 0; at < file.count; at++) {
            unsigned char kept = file.data[at];
            for (size_t c = 0; c < sizeof changes + 2; c++) {
                /* Flipped bits, and two values of their own. */
                file.data[at] = c < sizeof changes    ? (unsigned char)(kept ^ changes[c])
                                : c == sizeof changes ? 0x00
                                                      : 0x2e;
                snprintf(what, sizeof what, "%s with 0x%02x for 0x%02x at byte %zu", names[f], file.data[at], kept, at);
                try_bytes(what, &file);
            }
            file.data[at] = kept;
        }
        drop(&file);
    }
}

static void a_changed_weight_does_not_get_past_the_checksum(void **state)
{
    (void)state;
    bytes pickle = pickle_state_dict(&good_tensor, 1, false, NULL);
    bytes file = build_pth(&pickle, two_floats, sizeof two_floats);
    drop(&pickle);
    size_t at = 0;
    while (at + sizeof two_floats < file.count && memcmp(file.data + at, two_floats, sizeof two_floats) != 0)
        at++;
    file.data[at] ^= 1;
    check_bytes_refused("a changed weight", file, "checksum");
}

static void memory_that_runs_out_at_any_moment_is_reported(void **state)
{
    (void)state;
    static const char *const names[] = {"zip_views.pth", "legacy_views.pth", "plain.safetensors", "zip_under_net.pth",
                                        "legacy_compiled_prefix.pth"};
    for (size_t f = 0; f < sizeof names / sizeof names[0]; f++) {
        char path[512], what[600];
        fixture(path, names[f]);
        for (long n = 1;; n++) {
            recorder log = {.fail_at = n};
            gvk_host host = recording_host(&log);
            gvk_checkpoint *checkpoint = NULL;
            gvk_result result = gvk_checkpoint_open(&host, path, &checkpoint);
            snprintf(what, sizeof what, "%s without allocation %ld", names[f], n);
            if (result == GVK_OK) {
                if (log.allocations >= n)
                    fail_msg("%s: loaded all the same", what);
                close_good(&log, what, checkpoint);
                break;
            }
            check_refusal(what, &log, result, GVK_ERROR_HOST_MEMORY, checkpoint, "memory");
        }
    }
}

/* ---- hostile pickles ---- */

/* A file whose dict holds a good tensor and `extra`, which are opcodes that leave keys and values. */
static bytes pth_with_extra(const void *extra, size_t count)
{
    bytes more = {.data = NULL};
    put(&more, extra, count);
    bytes pickle = pickle_state_dict(&good_tensor, 1, false, &more);
    bytes file = build_pth(&pickle, two_floats, sizeof two_floats);
    drop(&more);
    drop(&pickle);
    return file;
}

static bytes pth_with_pickle(const void *pickle, size_t count)
{
    bytes content = {.data = NULL};
    put(&content, pickle, count);
    bytes file = build_pth(&content, two_floats, sizeof two_floats);
    drop(&content);
    return file;
}

#define TEXT(literal) literal, sizeof(literal) - 1

typedef struct pickle_case {
    const char *what;
    const char *opcodes;
    size_t count;
    const char *words;
} pickle_case;

static void strangers_beside_the_weights_do_no_harm(void **state)
{
    (void)state;
    static const pickle_case cases[] = {
        {"os.system called", TEXT("U\1acos\nsystem\n(U\4exittR"), NULL},
        {"os.system by STACK_GLOBAL", TEXT("U\1aU\2osU\6system\x93(U\4exittR"), NULL},
        {"os.system by INST", TEXT("U\1a(U\4exitios\nsystem\n"), NULL},
        {"os.system by OBJ", TEXT("U\1a(cos\nsystem\nU\4exito"), NULL},
        {"an extension code", TEXT("U\1a\x82\x05"), NULL},
        {"an extension code, called", TEXT("U\1a\x83\x05\x01)R"), NULL},
        {"a class that is made and built", TEXT("U\1acargparse\nNamespace\n)\x81}U\1bK\1sb"), NULL},
        {"an object with items", TEXT("U\1accollections\ndefaultdict\ncbuiltins\nlist\n\x85RU\1bK\1s"), NULL},
        {"an object with a list", TEXT("U\1accollections\ndeque\n)RK\1aK\2a"), NULL},
        {"a call of a call", TEXT("U\1acfunctools\npartial\ncos\nsystem\n\x85R)R"), NULL},
        {"an ordered dict of pairs", TEXT("U\1accollections\nOrderedDict\n](]U\1kaK\1a]U\1laK\1ae\x85R"), NULL},
        {"a call without a name", TEXT("U\1acos\nsystem\n)Rq\1)R"), NULL},
        {"a set", TEXT("U\1a\x8f(K\1K\2\x90"), NULL},
        {"a frozen set", TEXT("U\1a(K\1K\2\x91"), NULL},
        {"a list in itself", TEXT("U\1a]q\1h\1a"), NULL},
        {"a key that is a number", TEXT("K\1K\2"), NULL},
        {"keyword arguments", TEXT("U\1acx\ny\n)}\x92"), NULL},
        {"old memo opcodes", TEXT("U\1aNp12\n0g12\n"), NULL},
        {"a list, a dict, bytes, marks that go",
         TEXT("U\1a(K\1K\2lU\1b(U\1cNdU\1dC\2\0\1U\1eN(0(K\1"
              "1"),
         NULL},
        {"integers of all lengths",
         TEXT("U\1a\x8a\0U\1b\x8a\1\xffU\1c\x8b\2\0\0\0\0\x80U\1dJ\xff\xff\xff\xffU\1eG\x3f\xf0\0\0\0\0\0\0"), NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_bytes_load(cases[i].what, pth_with_extra(cases[i].opcodes, cases[i].count), 1);
}

static void a_weight_made_by_a_stranger_is_refused_by_its_name(void **state)
{
    (void)state;
    static const pickle_case cases[] = {
        {"a weight by os.system", TEXT("U\6x.biascos\nsystem\n(U\4exittR"), "os.system"},
        {"a weight by INST", TEXT("U\6x.bias(U\4exitios\nsystem\n"), "os.system"},
        {"a weight by an extension", TEXT("U\6x.bias\x82\x05)R"), "copyreg.extension"},
        {"a weight by a class", TEXT("U\6x.biascfoo.bar\nBaz\n)\x81}b"), "foo.bar.Baz"},
        {"a weight by a reconstructor", TEXT("U\6x.biasccopyreg\n_reconstructor\n(cfoo\nBaz\ncfoo\nB\nNtR"), "foo.Baz"},
        {"a parameter by a stranger", TEXT("U\6x.biasctorch._utils\n_rebuild_parameter\n(cos\nsystem\n)R\x89NtR"),
         "os.system"},
        {"a tensor of a stranger's storage",
         TEXT("U\1actorch._utils\n_rebuild_tensor_v2\n(cos\nsystem\n)RK\0K\1\x85K\1\x85\x89NtRU\1b"
              "(U\7storagectorch\nFloatStorage\nU\1"
              "0U\3cpuK\2tQU\6y.biascos\nsystem\n)R"),
         "os.system"},
        {"an object that hides a storage",
         TEXT("U\1acos\nsystem\n(]((U\7storagectorch\nFloatStorage\nU\1"
              "0U\3cpuK\2tQtatR"),
         "os.system"},
        {"a storage of an unknown class",
         TEXT("U\1actorch._utils\n_rebuild_tensor_v2\n((U\7storagecos\nsystem\nU\1"
              "0U\3cpuK\2tQK\0K\1\x85K\1\x85\x89NtR"),
         "os.system"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_bytes_refused(cases[i].what, pth_with_extra(cases[i].opcodes, cases[i].count), cases[i].words);
    check_bytes_refused("os.system as the root",
                        pth_with_pickle(TEXT("\x80\x02"
                                             "cos\nsystem\nU\2ls\x85R.")),
                        "os.system");
    check_bytes_refused("os.system under model", pth_with_pickle(TEXT("\x80\x02}U\5modelcos\nsystem\nU\2ls\x85Rs.")),
                        "os.system");
    check_bytes_refused("os.system, not even called",
                        pth_with_pickle(TEXT("\x80\x02"
                                             "cos\nsystem\n.")),
                        "dict of weights");
}

static void a_pickle_that_breaks_the_rules_is_refused_at_its_opcode(void **state)
{
    (void)state;
    static const pickle_case cases[] = {
        {"an empty list of marks", TEXT("\x80\x02(l."), "dict of weights"},
        {"an ordered dict of no pair",
         TEXT("\x80\x02"
              "ccollections\nOrderedDict\n](]K\1ae\x85R."),
         "REDUCE"},
        {"a tensor whose name is a number",
         TEXT("\x80\x02}K\1"
              "ctorch._utils\n_rebuild_tensor_v2\n((U\7storagectorch\nFloatStorage\nU\1"
              "0U\3cpuK\2tQK\0K\2\x85K\1\x85tRs."),
         "no string"},
        {"a shape without strides",
         TEXT("\x80\x02}U\1actorch._utils\n_rebuild_tensor_v2\n((U\7storagectorch\nFloatStorage\nU\1"
              "0U\3cpuK\2tQK\0K\2\x85)tRs."),
         "strides"},
        {"SETITEM on a list", TEXT("\x80\x02]K\1K\2s."), "SETITEM at byte 7"},
        {"SETITEMS on an integer", TEXT("\x80\x02K\1(K\1K\2u."), "SETITEMS"},
        {"SETITEMS with an odd count", TEXT("\x80\x02}(K\1u."), "SETITEMS"},
        {"DICT with an odd count", TEXT("\x80\x02(K\1d."), "DICT"},
        {"APPEND on a dict", TEXT("\x80\x02}K\1a."), "APPEND at byte 5"},
        {"APPENDS on a tuple", TEXT("\x80\x02)(K\1e."), "APPENDS"},
        {"ADDITEMS on a list", TEXT("\x80\x02](K\1\x90."), "ADDITEMS"},
        {"BUILD on a plain dict", TEXT("\x80\x02}}b."), "BUILD at byte 4"},
        {"BUILD on a global",
         TEXT("\x80\x02"
              "cos\nsystem\n}b."),
         "BUILD"},
        {"BUILD on nothing", TEXT("\x80\x02}b."), "BUILD"},
        {"a dangling memo", TEXT("\x80\x02h\5."), "BINGET"},
        {"a dangling long memo", TEXT("\x80\x02j\xff\xff\xff\xff."), "LONG_BINGET"},
        {"a dangling old memo", TEXT("\x80\x02g7\n."), "GET"},
        {"an old memo that is no number", TEXT("\x80\x02Npx\n."), "PUT"},
        {"a huge memo number", TEXT("\x80\x02Nr\xff\xff\xff\xff."), "LONG_BINPUT"},
        {"a memo of nothing", TEXT("\x80\x02q\0."), "BINPUT"},
        {"REDUCE on too little", TEXT("\x80\x02)R."), "REDUCE"},
        {"REDUCE of an integer", TEXT("\x80\x02K\1)R."), "REDUCE"},
        {"REDUCE with a list",
         TEXT("\x80\x02"
              "cos\nsystem\n]R."),
         "REDUCE"},
        {"NEWOBJ of a string", TEXT("\x80\x02U\1a)\x81."), "NEWOBJ"},
        {"NEWOBJ with a dict",
         TEXT("\x80\x02"
              "cos\nsystem\n}\x81."),
         "NEWOBJ"},
        {"OBJ of nothing", TEXT("\x80\x02(o."), "OBJ"},
        {"OBJ of a string", TEXT("\x80\x02(U\1ao."), "OBJ"},
        {"INST without a mark", TEXT("\x80\x02ios\nsystem\n."), "INST"},
        {"STACK_GLOBAL of integers", TEXT("\x80\x02K\1K\2\x93."), "STACK_GLOBAL"},
        {"a global that does not end",
         TEXT("\x80\x02"
              "cos\nsystem"),
         "GLOBAL"},
        {"reaching below a mark", TEXT("\x80\x02K\1(\x85."), "TUPLE1"},
        {"setting below a mark", TEXT("\x80\x02}(K\1K\2s."), "SETITEM"},
        {"a mark that is missing", TEXT("\x80\x02t."), "TUPLE"},
        {"POP of nothing",
         TEXT("\x80\x02"
              "0."),
         "POP"},
        {"DUP of nothing",
         TEXT("\x80\x02"
              "2."),
         "DUP"},
        {"an unknown opcode", TEXT("\x80\x02\xfe."), "0xfe at byte 2"},
        {"a text integer", TEXT("\x80\x02I1\n."), "INT"},
        {"a persistent id of text", TEXT("\x80\x02Px\n."), "PERSID"},
        {"a persistent id that is no tuple", TEXT("\x80\x02K\1Q."), "BINPERSID"},
        {"a persistent id of an unknown kind", TEXT("\x80\x02U\1aU\1b\x86Q."), "BINPERSID"},
        {"a storage of too few words", TEXT("\x80\x02U\7storageNN\x87Q."), "BINPERSID"},
        {"a storage of negative size", TEXT("\x80\x02(U\7storagectorch\nFloatStorage\nU\1aU\1bJ\xff\xff\xff\xfftQ."),
         "BINPERSID"},
        {"a storage with a wrong view", TEXT("\x80\x02(U\7storagectorch\nFloatStorage\nU\1aU\1bK\2U\1cK\1K\2\x87tQ."),
         "BINPERSID"},
        {"a tensor of nothing",
         TEXT("\x80\x02"
              "ctorch._utils\n_rebuild_tensor_v2\n)R."),
         "REDUCE"},
        {"a tensor of integers",
         TEXT("\x80\x02"
              "ctorch._utils\n_rebuild_tensor_v2\n(K\1K\1))tR."),
         "REDUCE"},
        {"a parameter of nothing",
         TEXT("\x80\x02"
              "ctorch._utils\n_rebuild_parameter\n)R."),
         "REDUCE"},
        {"an ordered dict of no pairs",
         TEXT("\x80\x02"
              "ccollections\nOrderedDict\nK\1\x85R."),
         "REDUCE"},
        {"an out-of-band buffer", TEXT("\x80\x05\x97."), "NEXT_BUFFER"},
        {"a string past the end",
         TEXT("\x80\x02X\xff\xff\xff\xff"
              "a."),
         "BINUNICODE"},
        {"a string far past the end",
         TEXT("\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff"
              "a."),
         "BINUNICODE8"},
        {"a long past the end", TEXT("\x80\x02\x8b\xff\xff\xff\xff."), "LONG4"},
        {"a frame past the end", TEXT("\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\xffN."), "FRAME"},
        {"a protocol to come", TEXT("\x80\x06N."), "PROTO"},
        {"no protocol", TEXT("N."), "no pickle"},
        {"two values at the end", TEXT("\x80\x02NN."), "STOP"},
        {"no value at the end", TEXT("\x80\x02."), "STOP"},
        {"a mark at the end", TEXT("\x80\x02N(."), "STOP"},
        {"no end", TEXT("\x80\x02N"), "cut short"},
        {"bytes after the end", TEXT("\x80\x02}.}."), "follow the pickle"},
        {"a control character in a global",
         TEXT("\x80\x02"
              "co\rs\x1b\nsys\x01tem\n)R."),
         "o?s?.sys?tem"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_bytes_refused(cases[i].what, pth_with_pickle(cases[i].opcodes, cases[i].count), cases[i].words);
}

static void pickle_bombs_cost_little(void **state)
{
    (void)state;
    /* Each list holds the one before twice: 2^20000 values if anybody walked it as a tree. */
    bytes laughs = {.data = NULL};
    put_text(&laughs, "U\5x.one");
    put_text(&laughs, "cfoo\nBar\n(]q\1");
    for (int i = 0; i < 20000; i++)
        put(&laughs, "](h\1h\1eq\1", 9);
    put_text(&laughs, "tR");
    check_bytes_load("nested lists", pth_with_extra(laughs.data, laughs.count), 1);
    drop(&laughs);

    /* As many strangers as fit, all of one large tree: it must be walked once, not once for each. */
    bytes strangers = {.data = NULL};
    put_text(&strangers, "U\1acfoo\nBar\n(](");
    put_repeated(&strangers, "N", 1, 200000);
    put(&strangers, "etRq\7", 5);
    put_repeated(&strangers, "U\1ah\7", 5, 200000);
    check_bytes_load("strangers", pth_with_extra(strangers.data, strangers.count), 1);
    drop(&strangers);

    bytes deep = {.data = NULL};
    put(&deep, "\x80\x02", 2);
    put_repeated(&deep, "(", 1, 100000);
    check_bytes_refused("deep marks", pth_with_pickle(deep.data, deep.count), "nests too deeply");
    drop(&deep);

    bytes tuples = {.data = NULL};
    put_text(&tuples, "U\1aN");
    put_repeated(&tuples, "\x85", 1, 1000000);
    check_bytes_load("deep tuples", pth_with_extra(tuples.data, tuples.count), 1);
    put_repeated(&tuples, "\x85", 1, 1500000);
    check_bytes_refused("deeper tuples", pth_with_extra(tuples.data, tuples.count), "values");
    drop(&tuples);

    bytes stack = {.data = NULL};
    put(&stack, "\x80\x02N", 3);
    put_repeated(&stack, "2", 1, 3000000);
    check_bytes_refused("a high stack", pth_with_pickle(stack.data, stack.count), "stack too high");
    drop(&stack);

    bytes steps = {.data = NULL};
    put(&steps, "\x80\x02N", 3);
    put_repeated(&steps, "20", 2, 8100000);
    check_bytes_refused("many steps", pth_with_pickle(steps.data, steps.count), "too long");
    drop(&steps);

    /* More tuples than there may be values. */
    bytes tuples_of_many = {.data = NULL};
    put(&tuples_of_many, "\x80\x02(N", 4);
    put_repeated(&tuples_of_many, "2", 1, 130000);
    put(&tuples_of_many, "lq\1(", 4);
    put_repeated(&tuples_of_many, "(K\1K\2K\3t", 8, 600000);
    put_text(&tuples_of_many, "l.");
    check_bytes_refused("many tuples", pth_with_pickle(tuples_of_many.data, tuples_of_many.count), NULL);
    drop(&tuples_of_many);

    /* Lists that double in one block each. */
    bytes lists = {.data = NULL};
    put(&lists, "\x80\x02(", 3);
    put_repeated(&lists, "N", 1, 500000);
    put(&lists, "lq\1", 3);
    for (int i = 0; i < 100; i++) {
        put_text(&lists, "](");
        put_repeated(&lists, "2", 1, 300000);
        put_text(&lists, "e");
    }
    put_text(&lists, ".");
    check_bytes_refused("lists of many", pth_with_pickle(lists.data, lists.count), NULL);
    drop(&lists);
}

/* A few bytes each that would make the reader go over something large again: it must be bounded, not just the file. */
static void work_that_is_asked_for_again_and_again_costs_little(void **state)
{
    (void)state;
    /* One shape of many dimensions for many tensors that nobody needs. */
    bytes shapes = {.data = NULL};
    put(&shapes, "\x80\x02", 2);
    pickle_global(&shapes, "torch._utils", "_rebuild_tensor_v2");
    put_text(&shapes, "(");
    pickle_storage(&shapes, "FloatStorage", "0", 2, false);
    put_text(&shapes, "K\1(K\1");
    put_repeated(&shapes, "2", 1, 400000);
    put(&shapes, "tq\1h\1tq\2R", 9);
    for (int i = 0; i < 20000; i++) {
        put_text(&shapes, "0");
        pickle_global(&shapes, "torch._utils", "_rebuild_tensor_v2");
        put_text(&shapes, "h\2R");
    }
    put_text(&shapes, ".");
    check_bytes_refused("a shape of many dimensions", pth_with_pickle(shapes.data, shapes.count), "dimensions");
    drop(&shapes);

    /* One storage with a long key, mentioned often. */
    bytes mentions = {.data = NULL};
    put(&mentions, "\x80\x02(U\7storage", 12);
    pickle_global(&mentions, "torch", "FloatStorage");
    put_text(&mentions, "X");
    put_number(&mentions, 2000000, 4);
    put_repeated(&mentions, "k", 1, 2000000);
    put_text(&mentions, "U\3cpuK\2tq\1Q");
    put_repeated(&mentions, "0h\1Q", 4, 20000);
    put_text(&mentions, ".");
    static const char *const keys[] = {"0"};
    const legacy_layout layout = {false, false, 1001, keys, 1, 2, 8};
    check_bytes_refused("a storage with a long key", build_legacy(&mentions, &layout), "key");
    drop(&mentions);

    /* Metadata keys that differ at their very end. */
    bytes header = {.data = NULL};
    put_text(&header, "{\"__metadata__\":{");
    for (int i = 0; i < 1000; i++) {
        char ending[8];
        snprintf(ending, sizeof ending, "%d", i);
        put_text(&header, i ? ",\"" : "\"");
        put_repeated(&header, "k", 1, 90000);
        put_text(&header, ending);
        put_text(&header, "\":\"\"");
    }
    put(&header, "}}", 3);
    check_bytes_refused("long metadata keys", build_safetensors((const char *)header.data, 0), "metadata key");
    drop(&header);
}

/* ---- hostile tensors ---- */

static void a_tensor_outside_of_its_storage_is_refused(void **state)
{
    (void)state;
    static char long_name[1100];
    memset(long_name, 'w', sizeof long_name - 1);
    static const struct {
        const char *what;
        tensor_spec spec;
        const char *words;
    } cases[] = {
        {"a count that is too large", {"w", "FloatStorage", "0", 3, 0, 1, {2}, {1}}, "bytes"},
        {"a count that is too small", {"w", "FloatStorage", "0", 1, 0, 1, {1}, {1}}, "bytes"},
        {"a count that overflows", {"w", "FloatStorage", "0", INT64_MAX, 0, 1, {2}, {1}}, "bytes"},
        {"a class of another size", {"w", "HalfStorage", "0", 2, 0, 1, {2}, {1}}, "bytes"},
        {"a record that is missing", {"w", "FloatStorage", "1", 2, 0, 1, {2}, {1}}, "lacks the record data/1"},
        {"a key that climbs", {"w", "FloatStorage", "../data.pkl", 2, 0, 1, {2}, {1}}, "lacks the record"},
        {"a negative offset", {"w", "FloatStorage", "0", 2, -1, 1, {2}, {1}}, "negative offset"},
        {"an offset at the end", {"w", "FloatStorage", "0", 2, 2, 1, {1}, {1}}, "begins outside"},
        {"an offset past the end", {"w", "FloatStorage", "0", 2, 3, 1, {0}, {1}}, "begins outside"},
        {"a huge offset", {"w", "FloatStorage", "0", 2, INT64_MAX, 1, {2}, {1}}, "begins outside"},
        {"an offset and a shape past the end", {"w", "FloatStorage", "0", 2, 1, 1, {2}, {1}}, "reaches past"},
        {"a negative stride", {"w", "FloatStorage", "0", 2, 1, 1, {2}, {-1}}, "negative"},
        {"a stride past the end", {"w", "FloatStorage", "0", 2, 0, 1, {2}, {2}}, "reaches past"},
        {"a huge stride", {"w", "FloatStorage", "0", 2, 0, 1, {2}, {INT64_MAX}}, "reaches past"},
        {"strides that overflow together",
         {"w", "FloatStorage", "0", 2, 0, 2, {1, 2}, {INT64_MAX, INT64_MAX}},
         "reaches past"},
        {"a negative shape", {"w", "FloatStorage", "0", 2, 0, 1, {-2}, {1}}, "negative"},
        {"two negative sizes", {"w", "FloatStorage", "0", 2, 0, 2, {-1, -2}, {1, 1}}, "negative"},
        {"a shape that is too large", {"w", "FloatStorage", "0", 2, 0, 1, {3}, {1}}, "larger than its storage"},
        {"a shape that overflows",
         {"w", "FloatStorage", "0", 2, 0, 3, {INT64_MAX, INT64_MAX, 4}, {0, 0, 0}},
         "too large"},
        {"a giant of zero strides", {"w", "FloatStorage", "0", 2, 0, 2, {1 << 30, 1 << 30}, {0, 0}}, "larger than"},
        {"nine dimensions",
         {"w", "FloatStorage", "0", 2, 0, 9, {1, 1, 1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1, 1, 1}},
         "dimensions"},
        {"an unknown storage class", {"w", "OddStorage", "0", 2, 0, 1, {2}, {1}}, "torch.OddStorage"},
        {"an empty name", {"", "FloatStorage", "0", 2, 0, 1, {2}, {1}}, "name"},
        {"a name of bad UTF-8", {"w\xff", "FloatStorage", "0", 2, 0, 1, {2}, {1}}, "UTF-8"},
        {"a name without end", {long_name, "FloatStorage", "0", 2, 0, 1, {2}, {1}}, "1024 bytes"},
        {"a name with a line break", {"w\n", "FloatStorage", "0", 2, 0, 1, {2}, {1}}, "control character"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bytes pickle = pickle_state_dict(&cases[i].spec, 1, false, NULL);
        check_bytes_refused(cases[i].what, build_pth(&pickle, two_floats, sizeof two_floats), cases[i].words);
        drop(&pickle);
    }
}

static void an_odd_tensor_that_fits_its_storage_loads(void **state)
{
    (void)state;
    static const tensor_spec specs[] = {
        {"empty at the end", "FloatStorage", "0", 2, 2, 1, {0}, {1}},
        {"huge but empty", "FloatStorage", "0", 2, 0, 3, {INT64_MAX, INT64_MAX, 0}, {1, 1, 1}},
        {"one item with a wild stride", "FloatStorage", "0", 2, 1, 2, {1, 1}, {INT64_MAX, INT64_MAX}},
        {"repeated within the storage's size", "FloatStorage", "0", 2, 1, 1, {2}, {0}},
        {"scalar", "FloatStorage", "0", 2, 1, 0, {0}, {0}},
        {"eight dimensions", "FloatStorage", "0", 2, 0, 8, {1, 1, 1, 1, 1, 1, 1, 2}, {9, 9, 9, 9, 9, 9, 9, 1}},
    };
    bytes pickle = pickle_state_dict(specs, sizeof specs / sizeof specs[0], false, NULL);
    check_bytes_load("odd tensors", build_pth(&pickle, two_floats, sizeof two_floats), 6);
    drop(&pickle);
}

static void tensors_of_one_name_are_refused(void **state)
{
    (void)state;
    tensor_spec twice[2] = {good_tensor, good_tensor};
    bytes pickle = pickle_state_dict(twice, 2, false, NULL);
    check_bytes_refused("one name twice", build_pth(&pickle, two_floats, sizeof two_floats), "\"weight\"");
    drop(&pickle);
    twice[0].name = "module.weight";
    tensor_spec counter = {"weight", "IntStorage", "0", 2, 0, 1, {2}, {1}};
    twice[1] = counter; /* no vote, so the prefix goes and the names meet */
    pickle = pickle_state_dict(twice, 2, false, NULL);
    check_bytes_refused("one name once stripped", build_pth(&pickle, two_floats, sizeof two_floats), "\"weight\"");
    drop(&pickle);
}

static void copies_of_one_storage_are_bounded(void **state)
{
    (void)state;
    enum { SIDE = 64, COUNT = 200 };
    tensor_spec *specs = calloc(COUNT, sizeof *specs);
    char(*names)[16] = calloc(COUNT, sizeof *names);
    for (int i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof names[i], "w%d", i);
        specs[i] = (tensor_spec){names[i], "FloatStorage", "0", SIDE * SIDE, 0, 2, {SIDE, SIDE}, {1, SIDE}};
    }
    float *record = calloc(SIDE * SIDE, sizeof *record);
    bytes pickle = pickle_state_dict(specs, COUNT, false, NULL);
    check_bytes_refused("many transposed views", build_pth(&pickle, record, SIDE * SIDE * sizeof *record), "twice");
    drop(&pickle);
    free(record);
    free(names);
    free(specs);
}

static void a_view_of_an_old_storage_begins_where_it_says(void **state)
{
    (void)state;
    static const struct {
        int64_t begin, count, offset, size;
        const char *words; /* NULL: it loads */
    } cases[] = {{1, 1, 0, 1, NULL},
                 {0, 2, 0, 2, NULL},
                 {1, 1, 1, 1, "begins outside"},
                 {1, 1, 0, 2, "larger than"},
                 {1, 2, 0, 1, "BINPERSID"},
                 {-1, 2, 0, 1, "BINPERSID"},
                 {0, INT64_MAX, 0, 1, "BINPERSID"}};
    static const char *const keys[] = {"0"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char what[100];
        snprintf(what, sizeof what, "a view from %lld of %lld items, offset %lld, shape %lld",
                 (long long)cases[i].begin, (long long)cases[i].count, (long long)cases[i].offset,
                 (long long)cases[i].size);
        bytes object = {.data = NULL};
        static const int64_t one = 1;
        put(&object, "\x80\x02}", 3);
        pickle_text(&object, "weight");
        pickle_global(&object, "torch._utils", "_rebuild_tensor_v2");
        put_text(&object, "((");
        pickle_text(&object, "storage");
        pickle_global(&object, "torch", "FloatStorage");
        pickle_text(&object, "0");
        pickle_text(&object, "cpu");
        pickle_integer(&object, 2);
        pickle_text(&object, "view");
        pickle_integer(&object, cases[i].begin);
        pickle_integer(&object, cases[i].count);
        put(&object, "\x87tQ", 3);
        pickle_integer(&object, cases[i].offset);
        pickle_integers(&object, &cases[i].size, 1);
        pickle_integers(&object, &one, 1);
        put_text(&object, "tRs.");
        legacy_layout layout = {false, false, 1001, keys, 1, 2, 8};
        bytes file = build_legacy(&object, &layout);
        if (cases[i].words)
            check_bytes_refused(what, file, cases[i].words);
        else
            check_bytes_load(what, file, 1);
        drop(&object);
    }
}

static void more_tensors_or_entries_than_the_ceiling_are_refused(void **state)
{
    (void)state;
    enum { CEILING = 16384 };
    for (size_t extra = 0; extra < 2; extra++) {
        bytes header = {.data = NULL};
        char entry[120];
        for (size_t i = 0; i < CEILING + extra; i++) {
            snprintf(entry, sizeof entry, "%c\"w%zu\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}",
                     i ? ',' : '{', i);
            put_text(&header, entry);
        }
        put(&header, "}", 2);
        bytes file = build_safetensors((const char *)header.data, 0);
        if (extra)
            check_bytes_refused("a tensor too many", file, "more than 16384 tensors");
        else
            check_bytes_load("as many tensors as there may be", file, CEILING);
        drop(&header);
    }
    bytes header = {.data = NULL};
    put_text(&header, "{\"__metadata__\":");
    for (size_t i = 0; i < 1025; i++) {
        char entry[40];
        snprintf(entry, sizeof entry, "%c\"k%zu\":\"\"", i ? ',' : '{', i);
        put_text(&header, entry);
    }
    put(&header, "}}", 3);
    check_bytes_refused("a metadata string too many", build_safetensors((const char *)header.data, 0), "1024");
    drop(&header);

    zip_entry *entries = calloc(CEILING + 1, sizeof *entries);
    char(*names)[16] = calloc(CEILING + 1, sizeof *names);
    for (size_t i = 0; i <= CEILING; i++) {
        snprintf(names[i], sizeof names[i], "a/%zu", i);
        entries[i] = (zip_entry){.name = names[i], .data = "", .size = 0};
    }
    zip_layout layout = {.has_end64 = true};
    check_bytes_refused("an entry too many", build_zip(entries, CEILING + 1, &layout), "more than 16384 entries");
    free(names);
    free(entries);
}

/* ---- hostile zip archives ---- */

typedef struct zip_parts {
    bytes pickle;
    zip_entry entries[4];
    zip_layout layout;
    size_t count;
} zip_parts;

static zip_parts good_parts(void)
{
    zip_parts parts = {.count = 2};
    parts.pickle = pickle_state_dict(&good_tensor, 1, false, NULL);
    parts.entries[0] = (zip_entry){.name = "a/data.pkl", .data = parts.pickle.data, .size = parts.pickle.count};
    parts.entries[1] = (zip_entry){.name = "a/data/0", .data = two_floats, .size = sizeof two_floats};
    return parts;
}

static bytes finish_parts(zip_parts *parts)
{
    bytes file = build_zip(parts->entries, parts->count, &parts->layout);
    drop(&parts->pickle);
    return file;
}

static void every_lawful_form_of_zip_loads(void **state)
{
    (void)state;
    for (unsigned form = 0; form < 16; form++) {
        char what[100];
        zip_parts parts = good_parts();
        for (size_t i = 0; i < parts.count; i++) {
            parts.entries[i].has_descriptor = form & 1;
            parts.entries[i].is_zip64 = form & 2;
            parts.entries[i].flags = 0x800; /* names are UTF-8 */
        }
        parts.layout.has_end64 = form & 4;
        parts.layout.comment = form & 8 ? "a comment" : NULL;
        snprintf(what, sizeof what, "zip form %u (1 descriptors, 2 ZIP64 entries, 4 ZIP64 end, 8 comment)", form);
        check_bytes_load(what, finish_parts(&parts), 1);
    }
    zip_parts parts = good_parts();
    parts.entries[2] = (zip_entry){.name = "a/byteorder", .data = "little", .size = 6};
    parts.count = 3;
    check_bytes_load("a byteorder record", finish_parts(&parts), 1);
    parts = good_parts();
    bytes file = finish_parts(&parts);
    clear_checksums(&file);
    check_bytes_load("checksums left out", file, 1);
}

/* What a case changes in the finished file: `width` bytes at an offset from a landmark. */
typedef enum landmark { LOCAL, CENTRAL, END64, END } landmark;

static void a_zip_that_breaks_the_rules_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        landmark from;
        size_t at, width;
        uint64_t value;
        const char *words;
    } cases[] = {
        {"encrypted", CENTRAL, 8, 2, 0x1, "encrypted"},
        {"patched", CENTRAL, 8, 2, 0x20, "encrypted or patched"},
        {"strongly encrypted", CENTRAL, 8, 2, 0x40, "encrypted or patched"},
        {"masked", CENTRAL, 8, 2, 0x2000, "encrypted or patched"},
        {"encrypted by its local header", LOCAL, 6, 2, 0x1, "encrypted"},
        {"deflated", CENTRAL, 10, 2, 8, "compressed"},
        {"deflated by its local header", LOCAL, 8, 2, 8, "unlike the central"},
        {"another local name", LOCAL, 30, 1, 'b', "another name"},
        {"a local name that is too long", LOCAL, 26, 2, 0xffff, "cut short"},
        {"another local size", LOCAL, 22, 4, 5, "unlike the central"},
        {"another local checksum", LOCAL, 14, 4, 5, "unlike the central"},
        {"a wrong checksum", CENTRAL, 16, 4, 5, "unlike the central"},
        {"two sizes", CENTRAL, 20, 4, 7, "two different sizes"},
        {"a size of 0xffffffff", CENTRAL, 24, 4, 0xffffffff, "ZIP64"},
        {"an offset of 0xffffffff", CENTRAL, 42, 4, 0xffffffff, "ZIP64"},
        {"an offset past the end", CENTRAL, 42, 4, 0xfffffff0, "outside"},
        {"an offset between entries", CENTRAL, 42, 4, 3, "local header"},
        {"another disk", CENTRAL, 34, 2, 1, "another disk"},
        {"a name past the end", CENTRAL, 28, 2, 0xffff, "cut short"},
        {"a wrong signature in the directory", CENTRAL, 0, 1, 'Q', "fewer entries"},
        {"more entries than there are", END, 8, 4, 0x00030003, "fewer entries"},
        {"fewer entries than there are", END, 8, 4, 0x00010001, "holds more than it says"},
        {"a directory elsewhere", END, 16, 4, 7, "does not end"},
        {"a directory of another size", END, 12, 4, 7, "does not end"},
        {"several disks", END, 4, 2, 1, "disks"},
        {"a comment that is not there", END, 20, 2, 9, "cut short"},
        {"a ZIP64 end elsewhere", END64, 64, 8, 9, "where it should be"},
        {"a ZIP64 end past the end", END64, 64, 8, UINT64_MAX, "out of place"},
        {"a ZIP64 end of another size", END64, 4, 8, 45, "where it should be"},
        {"a ZIP64 count that is huge", END64, 24, 8, UINT64_MAX, "disks"},
        {"a ZIP64 directory past the end", END64, 48, 8, UINT64_MAX, "does not end"},
        {"several ZIP64 disks", END64, 72, 4, 2, "disks"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        zip_parts parts = good_parts();
        parts.layout.has_end64 = cases[i].from == END64;
        bytes file = finish_parts(&parts);
        size_t base = cases[i].from == LOCAL     ? parts.entries[1].local_at
                      : cases[i].from == CENTRAL ? parts.entries[1].central_at
                      : cases[i].from == END64   ? parts.layout.end64_at
                                                 : parts.layout.end_at;
        patch_number(&file, base + cases[i].at, cases[i].value, cases[i].width);
        check_bytes_refused(cases[i].what, file, cases[i].words);
    }
}

static void a_zip_with_strange_entries_is_refused(void **state)
{
    (void)state;
    zip_parts parts = good_parts();
    parts.entries[2] = parts.entries[1];
    parts.count = 3;
    check_bytes_refused("one name twice", finish_parts(&parts), "occurs twice");

    parts = good_parts();
    parts.entries[2] = parts.entries[0];
    parts.entries[2].name = "b/data.pkl";
    parts.count = 3;
    check_bytes_refused("two pickles", finish_parts(&parts), "more than one data.pkl");

    parts = good_parts();
    parts.entries[0].name = "a/data.txt";
    check_bytes_refused("no pickle", finish_parts(&parts), "without a data.pkl");

    char long_name[1100];
    memset(long_name, 'n', sizeof long_name);
    snprintf(long_name + 1020, 16, "/data.pkl");
    parts = good_parts();
    parts.entries[0].name = long_name;
    check_bytes_refused("a long name", finish_parts(&parts), "longer than 1024");

    parts = good_parts();
    parts.entries[2] = (zip_entry){.name = "a/byteorder", .data = "big", .size = 3};
    parts.count = 3;
    check_bytes_refused("big-endian", finish_parts(&parts), "big-endian");

    /* The second entry's header inside of the first entry's data. */
    parts = good_parts();
    bytes inner = {.data = NULL};
    put(&inner, "PK\3\4\0\0\0\0\0\0\0\0\0\0", 14);
    put_number(&inner, checksum((const unsigned char *)two_floats, 8), 4);
    put_number(&inner, 8, 4);
    put_number(&inner, 8, 4);
    put_number(&inner, 8, 2);
    put_number(&inner, 0, 2);
    put_text(&inner, "a/data/0");
    put(&inner, two_floats, 8);
    parts.entries[2] = (zip_entry){.name = "a/x", .data = inner.data, .size = inner.count};
    parts.count = 3;
    bytes file = finish_parts(&parts);
    patch_number(&file, parts.entries[1].central_at + 42, parts.entries[2].local_at + 33, 4);
    check_bytes_refused("overlapping entries", file, "overlaps");
    drop(&inner);

    /* Something else in front, as in a file of two kinds at once. */
    parts = good_parts();
    parts.entries[2] = parts.entries[1];
    parts.entries[1] = parts.entries[0];
    parts.entries[0] = (zip_entry){.name = "x", .data = "", .size = 0};
    parts.count = 3;
    file = finish_parts(&parts);
    size_t from = parts.entries[1].central_at - parts.entries[0].central_at; /* take x out of the directory */
    memmove(file.data + parts.entries[0].central_at, file.data + parts.entries[1].central_at,
            file.count - parts.entries[1].central_at);
    file.count -= from;
    patch_number(&file, parts.layout.end_at - from + 8, 0x00020002, 4);
    patch_number(&file, parts.layout.end_at - from + 12, parts.layout.end_at - parts.entries[1].central_at, 4);
    check_bytes_refused("an unlisted first entry", file, "first entry");
}

static void a_file_of_two_kinds_is_refused(void **state)
{
    (void)state;
    char path[512];
    bytes zip = read_whole(fixture(path, "zip_small.pth"));
    bytes legacy = read_whole(fixture(path, "legacy_small.pth"));
    bytes both = {.data = NULL};
    put(&both, "\x80\x02}.", 4);
    put(&both, zip.data, zip.count);
    check_bytes_refused("a pickle, then a zip", both, "not one that torch.save wrote");
    both = (bytes){.data = NULL};
    put(&both, legacy.data, legacy.count);
    put(&both, zip.data, zip.count);
    check_bytes_refused("a legacy file, then a zip", both, "follow its last storage");
    both = (bytes){.data = NULL};
    put(&both, zip.data, zip.count);
    put(&both, zip.data, zip.count);
    check_bytes_refused("two zips", both, NULL);
    drop(&zip);
    drop(&legacy);
}

/* ---- hostile legacy streams ---- */

static void a_legacy_stream_that_lies_is_refused(void **state)
{
    (void)state;
    static const char *const one[] = {"0"}, *const twice[] = {"0", "0"}, *const other[] = {"1"},
                             *const more[] = {"0", "1"};
    static const struct {
        const char *what;
        legacy_layout layout;
        const char *words;
    } cases[] = {
        {"a wrong magic number", {true, false, 1001, one, 1, 2, 8}, "not one that torch.save wrote"},
        {"another version", {false, false, 1000, one, 1, 2, 8}, "1001"},
        {"a big-endian machine", {false, true, 1001, one, 1, 2, 8}, "big-endian"},
        {"no storage", {false, false, 1001, one, 0, 2, 8}, "lacks the storage"},
        {"a storage twice", {false, false, 1001, twice, 2, 2, 8}, "occurs twice"},
        {"another storage", {false, false, 1001, other, 1, 2, 8}, "belongs to no tensor"},
        {"one storage more", {false, false, 1001, more, 2, 2, 8}, "belongs to no tensor"},
        {"a count that is too large", {false, false, 1001, one, 1, 3, 12}, "number of items"},
        {"a count that is too small", {false, false, 1001, one, 1, 1, 4}, "number of items"},
        {"a count that is huge", {false, false, 1001, one, 1, UINT64_MAX, 8}, "number of items"},
        {"data cut short", {false, false, 1001, one, 1, 2, 7}, "cut short"},
        {"data too long", {false, false, 1001, one, 1, 2, 9}, "follow its last storage"},
    };
    bytes object = pickle_state_dict(&good_tensor, 1, true, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_bytes_refused(cases[i].what, build_legacy(&object, &cases[i].layout), cases[i].words);
    legacy_layout good = {false, false, 1001, one, 1, 2, 8};
    check_bytes_load("nothing wrong", build_legacy(&object, &good), 1);
    drop(&object);

    tensor_spec two[2] = {good_tensor, good_tensor};
    two[1].name = "bias";
    two[1].count = 1;
    two[1].shape[0] = 1;
    object = pickle_state_dict(two, 2, true, NULL);
    check_bytes_refused("a storage of two sizes", build_legacy(&object, &good), "two sizes");
    drop(&object);
    tensor_spec huge = {"weight", "FloatStorage", "0", INT64_MAX, 0, 1, {2}, {1}};
    object = pickle_state_dict(&huge, 1, true, NULL);
    good.storage_count = INT64_MAX;
    check_bytes_refused("a storage that overflows", build_legacy(&object, &good), "cut short");
    drop(&object);
}

/* ---- hostile safetensors ---- */

#define ENTRY(name, type, shape, begin, end)                                                                           \
    "\"" name "\":{\"dtype\":\"" type "\",\"shape\":[" shape "],\"data_offsets\":[" begin "," end "]}"

static void a_safetensors_header_that_lies_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *what, *header;
        size_t bytes;
        const char *words;
    } cases[] = {
        {"an overlap", "{" ENTRY("a", "F32", "2", "0", "8") "," ENTRY("b", "F32", "2", "4", "12") "}", 12, "overlaps"},
        {"one range twice", "{" ENTRY("a", "F32", "2", "0", "8") "," ENTRY("b", "F32", "2", "0", "8") "}", 8,
         "overlaps"},
        {"a hole", "{" ENTRY("a", "F32", "1", "0", "4") "," ENTRY("b", "F32", "1", "8", "12") "}", 12, "unused bytes"},
        {"a hole in front", "{" ENTRY("a", "F32", "1", "4", "8") "}", 8, "unused bytes"},
        {"reversed offsets", "{" ENTRY("a", "F32", "1", "4", "0") "}", 4, "ends before"},
        {"trailing bytes", "{" ENTRY("a", "F32", "1", "0", "4") "}", 5, "follow the last"},
        {"data past the end", "{" ENTRY("a", "F32", "2", "0", "8") "}", 4, "reaches past"},
        {"a huge offset", "{" ENTRY("a", "F32", "1", "0", "18446744073709551615") "}", 4, "too large"},
        {"a shape that overflows", "{" ENTRY("a", "F32", "4611686018427387905,4", "0", "4") "}", 4, "too large"},
        {"a shape of another size", "{" ENTRY("a", "F32", "2", "0", "4") "}", 4, "do not fit"},
        {"a dtype of another size", "{" ENTRY("a", "F16", "1", "0", "4") "}", 4, "do not fit"},
        {"an unknown dtype", "{" ENTRY("a", "F33", "1", "0", "4") "}", 4, "unknown dtype"},
        {"nine dimensions", "{" ENTRY("a", "F32", "1,1,1,1,1,1,1,1,1", "0", "4") "}", 4, "dimensions"},
        {"a negative size", "{" ENTRY("a", "F32", "-1", "0", "4") "}", 4, "whole number"},
        {"a size with a fraction", "{" ENTRY("a", "F32", "1.0", "0", "4") "}", 4, "whole number"},
        {"a size with zeros in front", "{" ENTRY("a", "F32", "01", "0", "4") "}", 4, "needless"},
        {"three offsets", "{" ENTRY("a", "F32", "1", "0,4", "4") "}", 4, "end of an array"},
        {"one offset", "{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0]}}", 4, "pair"},
        {"no dtype", "{\"a\":{\"shape\":[],\"data_offsets\":[0,4]}}", 4, "lacks its dtype"},
        {"no shape", "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "lacks its shape"},
        {"no offsets", "{\"a\":{\"dtype\":\"F32\",\"shape\":[]}}", 4, "lacks its data_offsets"},
        {"a member twice", "{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}", 4,
         "two members"},
        {"one name twice", "{" ENTRY("a", "F32", "1", "0", "4") "," ENTRY("a", "F32", "1", "4", "8") "}", 8, "\"a\""},
        {"one name twice, escaped", "{" ENTRY("a", "F32", "1", "0", "4") "," ENTRY("\\u0061", "F32", "1", "4", "8") "}",
         8, "\"a\""},
        {"metadata twice", "{\"__metadata__\":{},\"__metadata__\":{}}", 0, "twice"},
        {"a metadata key twice", "{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0, "occurs twice"},
        {"metadata that is no string", "{\"__metadata__\":{\"a\":1}}", 0, "string is expected"},
        {"an entry that is no object", "{\"a\":1}", 0, "object is expected"},
        {"an empty name", "{" ENTRY("", "F32", "1", "0", "4") "}", 4, "is empty"},
        {"a name with a line break", "{" ENTRY("a\\n", "F32", "1", "0", "4") "}", 4, "control character"},
        {"bad UTF-8 in a name", "{" ENTRY("a\xff", "F32", "1", "0", "4") "}", 4, "UTF-8"},
        {"an overlong name", "{" ENTRY("a\xc0\xaf", "F32", "1", "0", "4") "}", 4, "UTF-8"},
        {"a surrogate in UTF-8", "{" ENTRY("a\xed\xa0\x80", "F32", "1", "0", "4") "}", 4, "UTF-8"},
        {"half a surrogate pair", "{" ENTRY("a\\ud83d", "F32", "1", "0", "4") "}", 4, "surrogate"},
        {"two first halves", "{" ENTRY("a\\ud83d\\ud83d", "F32", "1", "0", "4") "}", 4, "surrogate"},
        {"a second half alone", "{" ENTRY("a\\udc7b", "F32", "1", "0", "4") "}", 4, "surrogate"},
        {"a wrong escape", "{" ENTRY("a\\x", "F32", "1", "0", "4") "}", 4, "escape"},
        {"a wrong digit", "{" ENTRY("a\\u00g0", "F32", "1", "0", "4") "}", 4, "digit"},
        {"a NUL in a name", "{" ENTRY("a\\u0000", "F32", "1", "0", "4") "}", 4, "U+0000"},
        {"a bare control character", "{\"a\nb\":{}}", 0, "control character"},
        {"deep JSON", "{\"a\":{\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]}}", 0, "too deeply"},
        {"a value that is none", "{\"a\":{\"x\":nul}}", 0, "value is expected"},
        {"a number that is none", "{\"a\":{\"x\":-}}", 0, "digit"},
        {"a comma too much", "{\"__metadata__\":{},}", 0, "string is expected"},
        {"no end", "{\"__metadata__\":{}", 0, "too early"},
        {"something after the end", "{}x", 0, "follows the JSON object"},
        {"not an object", "[{}]", 0, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_bytes_refused(cases[i].what, build_safetensors(cases[i].header, cases[i].bytes), cases[i].words);
}

static void a_safetensors_length_that_lies_is_refused(void **state)
{
    (void)state;
    static const struct {
        uint64_t length;
        const char *words;
    } cases[] = {{3, "past the end"},      {100000000, "past the end"}, {100000001, "100 MB"},
                 {UINT64_MAX, "100 MB"},   {UINT64_MAX - 7, "100 MB"},  {INT64_MAX, "100 MB"},
                 {1, "it ends too early"}, {0, "it ends too early"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char what[60];
        bytes file = build_safetensors("{}", 0);
        patch_number(&file, 0, cases[i].length, 8);
        snprintf(what, sizeof what, "a header of %llu bytes", (unsigned long long)cases[i].length);
        check_bytes_refused(what, file, cases[i].words);
    }
}

static void odd_but_lawful_safetensors_load(void **state)
{
    (void)state;
    check_bytes_load("no tensors", build_safetensors("{}", 0), 0);
    check_bytes_load("white space", build_safetensors("{ } \n\t", 0), 0);
    check_bytes_load(
        "any order",
        build_safetensors("{" ENTRY("b", "F32", "1", "4", "8") "," ENTRY("a", "BF16", "2", "0", "4") "}", 8), 2);
    check_bytes_load(
        "members to come",
        build_safetensors("{\"a\":{\"new\":[1,-2.5e+3,true,null,{\"x\":\"\\u00fc\"}],\"dtype\":\"U8\",\"shape\":[2],"
                          "\"data_offsets\":[0,2]}}",
                          2),
        1);
    check_bytes_load("empty tensors",
                     build_safetensors("{" ENTRY("a", "F32", "0,9223372036854775807,9223372036854775807", "0",
                                                 "0") "," ENTRY("b", "F32", "", "0", "4") "}",
                                       4),
                     2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pth_in_the_zip_format_loads_in_every_precision),
        cmocka_unit_test(a_pth_in_the_legacy_format_loads_in_every_precision),
        cmocka_unit_test(weights_load_from_beside_optimizer_state_and_settings),
        cmocka_unit_test(the_state_dict_is_preferred_to_its_moving_average),
        cmocka_unit_test(parameters_load_like_tensors),
        cmocka_unit_test(a_state_dict_with_attributes_loads),
        cmocka_unit_test(wrappers_around_all_weights_are_stripped_from_their_names),
        cmocka_unit_test(a_prefix_that_only_some_weights_have_stays),
        cmocka_unit_test(views_of_a_storage_become_contiguous),
        cmocka_unit_test(a_safetensors_file_loads_with_its_metadata),
        cmocka_unit_test(doubles_too_large_for_a_float_become_infinities),
        cmocka_unit_test(a_file_of_another_kind_says_what_it_seems_to_be),
        cmocka_unit_test(a_path_that_is_no_regular_file_is_refused),
        cmocka_unit_test(a_path_with_umlauts_opens),
        cmocka_unit_test(missing_arguments_are_refused),
        cmocka_unit_test(a_whole_pickled_model_is_refused_with_the_way_out),
        cmocka_unit_test(a_file_cut_at_any_byte_is_refused),
        cmocka_unit_test(a_changed_byte_anywhere_does_no_harm),
        cmocka_unit_test(a_changed_weight_does_not_get_past_the_checksum),
        cmocka_unit_test(memory_that_runs_out_at_any_moment_is_reported),
        cmocka_unit_test(strangers_beside_the_weights_do_no_harm),
        cmocka_unit_test(a_weight_made_by_a_stranger_is_refused_by_its_name),
        cmocka_unit_test(a_pickle_that_breaks_the_rules_is_refused_at_its_opcode),
        cmocka_unit_test(pickle_bombs_cost_little),
        cmocka_unit_test(work_that_is_asked_for_again_and_again_costs_little),
        cmocka_unit_test(a_tensor_outside_of_its_storage_is_refused),
        cmocka_unit_test(an_odd_tensor_that_fits_its_storage_loads),
        cmocka_unit_test(tensors_of_one_name_are_refused),
        cmocka_unit_test(copies_of_one_storage_are_bounded),
        cmocka_unit_test(a_view_of_an_old_storage_begins_where_it_says),
        cmocka_unit_test(more_tensors_or_entries_than_the_ceiling_are_refused),
        cmocka_unit_test(every_lawful_form_of_zip_loads),
        cmocka_unit_test(a_zip_that_breaks_the_rules_is_refused),
        cmocka_unit_test(a_zip_with_strange_entries_is_refused),
        cmocka_unit_test(a_file_of_two_kinds_is_refused),
        cmocka_unit_test(a_legacy_stream_that_lies_is_refused),
        cmocka_unit_test(a_safetensors_header_that_lies_is_refused),
        cmocka_unit_test(a_safetensors_length_that_lies_is_refused),
        cmocka_unit_test(odd_but_lawful_safetensors_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
