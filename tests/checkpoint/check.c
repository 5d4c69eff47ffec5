/* The checks of check.h. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "check.h"

#include "tests/support/promise.h"

const char *fixture(char path[512], const char *name)
{
    snprintf(path, 512, "%s/checkpoint/%s", GVK_TEST_DATA_DIR, name);
    return path;
}

float expected_value(uint64_t i, unsigned salt)
{
    return ((float)((i * 3 + salt) % 17) - 8.0f) / 8.0f;
}

float value_at(const gvk_array *array, uint64_t i)
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

static const expectation weights[] = {{"stem.weight", 1, 4, {4, 3, 3, 3}, 0},
                                      {"stem.bias", 2, 1, {4}, 0},
                                      {"bn.weight", 3, 1, {4}, 0},
                                      {"bn.running_var", 4, 1, {4}, 0},
                                      {"head.model.weight", 5, 2, {2, 4}, 0}};

_Static_assert(sizeof weights / sizeof weights[0] == WEIGHT_COUNT, "check.h counts them");

void check_tensor(const char *file, const gvk_checkpoint *checkpoint, const expectation *expected, gvk_type type)
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

void check_weights(const char *file, const gvk_checkpoint *checkpoint, gvk_type type)
{
    for (size_t i = 0; i < WEIGHT_COUNT; i++)
        check_tensor(file, checkpoint, &weights[i], type);
    const gvk_checkpoint_tensor *counter = gvk_checkpoint_find(checkpoint, "bn.num_batches_tracked");
    if (!counter || counter->array.type != GVK_TYPE_OTHER || counter->array.rank != 0 || counter->array.bytes != 8 ||
        *(const unsigned char *)counter->array.data != 7)
        fail_msg("%s: bn.num_batches_tracked is not the integer 7", file);
}

gvk_checkpoint *open_good(struct recorder *log, const char *name)
{
    char path[512];
    gvk_host host = recording_host(log);
    gvk_checkpoint *checkpoint = NULL;
    gvk_result result = gvk_checkpoint_open_path(&host, fixture(path, name), &checkpoint);
    if (result != GVK_OK)
        fail_msg("%s: %s, \"%s\"", name, gvk_result_name(result), log->last);
    if (log->sentences != 0)
        fail_msg("%s: loaded, yet it said \"%s\"", name, log->last);
    return checkpoint;
}

void close_good(struct recorder *log, const char *name, gvk_checkpoint *checkpoint)
{
    gvk_checkpoint_destroy(checkpoint);
    if (log->live != 0)
        fail_msg("%s: %ld blocks were not released", name, log->live);
}

void check_fixture(const char *name, const char *format, gvk_type type)
{
    struct recorder log = {.sentences = 0};
    gvk_checkpoint *checkpoint = open_good(&log, name);
    if (strcmp(gvk_checkpoint_format(checkpoint), format) != 0)
        fail_msg("%s: format %s, not %s", name, gvk_checkpoint_format(checkpoint), format);
    check_weights(name, checkpoint, type);
    close_good(&log, name, checkpoint);
}

void check_refusal(const char *what, const struct recorder *log, gvk_result result, gvk_result wanted,
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

void check_file_refused(const char *path, gvk_result wanted, const char *words)
{
    struct recorder log = {.sentences = 0};
    gvk_host host = recording_host(&log);
    gvk_checkpoint *checkpoint = NULL;
    gvk_result result = gvk_checkpoint_open_path(&host, path, &checkpoint);
    check_refusal(path, &log, result, wanted, checkpoint, words);
}

void check_fixture_refused(const char *name, const char *words)
{
    char path[512];
    check_file_refused(fixture(path, name), GVK_ERROR_FORMAT, words);
}

/* Whatever the file says. */
static void check_peak(const char *what, const struct recorder *log, size_t file_bytes)
{
    if (log->peak > PROMISED_MEMORY(file_bytes))
        fail_msg("%s: %zu bytes were taken for a file of %zu", what, log->peak, file_bytes);
}

void check_bytes_refused(const char *what, bytes file, const char *words)
{
    struct recorder log = {.sentences = 0};
    gvk_host host = recording_host(&log);
    gvk_checkpoint *checkpoint = NULL;
    struct timespec begin, end;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    gvk_result result = gvk_checkpoint_open_bytes(&host, file.data, file.count, "test", &checkpoint);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    check_refusal(what, &log, result, GVK_ERROR_FORMAT, checkpoint, words);
    double seconds = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) * 1e-9;
    if (seconds > PROMISED_SECONDS)
        fail_msg("%s: refused after %g s", what, seconds);
    check_peak(what, &log, file.count);
    drop(&file);
}

unsigned touch_everything(const gvk_checkpoint *checkpoint)
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

void check_bytes_load(const char *what, bytes file, uint32_t count)
{
    struct recorder log = {.sentences = 0};
    gvk_host host = recording_host(&log);
    gvk_checkpoint *checkpoint = NULL;
    gvk_result result = gvk_checkpoint_open_bytes(&host, file.data, file.count, "test", &checkpoint);
    if (result != GVK_OK)
        fail_msg("%s: %s, \"%s\"", what, gvk_result_name(result), log.last);
    if (gvk_checkpoint_count(checkpoint) != count)
        fail_msg("%s: %u tensors, not %u", what, gvk_checkpoint_count(checkpoint), count);
    touch_everything(checkpoint);
    close_good(&log, what, checkpoint);
    check_peak(what, &log, file.count);
    drop(&file);
}

const float two_floats[2] = {0.5f, -0.5f};
const tensor_spec good_tensor = {"weight", "FloatStorage", "0", 2, 0, 1, {2}, {1}};

bytes pth_with_extra(const void *extra, size_t count)
{
    bytes more = {.data = NULL};
    put(&more, extra, count);
    bytes pickle = pickle_state_dict(&good_tensor, 1, false, &more);
    bytes file = build_pth(&pickle, two_floats, sizeof two_floats);
    drop(&more);
    drop(&pickle);
    return file;
}

bytes pth_with_pickle(const void *pickle, size_t count)
{
    bytes content = {.data = NULL};
    put(&content, pickle, count);
    bytes file = build_pth(&content, two_floats, sizeof two_floats);
    drop(&content);
    return file;
}
