/* Devices, goldens and comparisons for the tests that need a device. */
#include "harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ghostnet/checkpoint/checkpoint.h"
#include "host_device.h"
#include "runtime/kernel/weights.h"
#include "runtime/vulkan/device.h"
#include "tests/filler/checkpoint_maker.h"
#include "tests/filler/filler.h"

static void print_sentence(void *user, gvk_log_level level, const char *sentence)
{
    (void)user;
    if (level <= GVK_LOG_ERROR)
        print_message("             (%s)\n", sentence);
}

const gvk_host test_host = {.size = sizeof(gvk_host), .log = print_sentence};

static struct host_device imported; /* one device a test program */

gvk_device_params wanted_device(const char *text)
{
    gvk_device_params params = {.size = sizeof params, .host = &test_host};
    if (!text || !*text)
        return params;
    if (!strcmp(text, "cpu")) {
        params.choice = GVK_DEVICE_CPU;
    } else if (!text[strspn(text, "0123456789")]) {
        params.choice = GVK_DEVICE_INDEX;
        params.index = (uint32_t)strtoul(text, NULL, 10);
    } else {
        params.choice = GVK_DEVICE_NAME;
        params.name = text;
    }
    return params;
}

/* The runtime says which device is wanted; the host then makes one of its own there. */
static bool create_host_device(const gvk_device_params *wanted)
{
    gvk_device *device = NULL;
    gvk_device_info info = {.size = sizeof info};
    if (wanted->choice == GVK_DEVICE_BEST)
        return host_device_create(&imported);
    imported.fault = "the wanted device cannot be opened";
    if (gvk_device_open(wanted, &device))
        return false;
    gvk_device_describe(device, &info);
    gvk_device_destroy(device);
    return host_device_create_on(&imported, &info);
}

gvk_device *open_test_device(void)
{
    gvk_device *device = NULL;
    const char *kind = getenv("GVK_TEST_DEVICE");
    gvk_device_params wanted = wanted_device(getenv("GVK_TEST_ON"));
    if (kind && !strcmp(kind, "imported")) {
        if (!create_host_device(&wanted)) {
            print_error("No Vulkan device could be created: %s\n", imported.fault);
            return NULL;
        }
        gvk_import_params params = host_device_params(&imported);
        params.host = &test_host;
        if (gvk_device_import(&params, &device))
            host_device_destroy(&imported);
    } else {
        gvk_device_open(&wanted, &device);
    }
    return device;
}

static void say_line(const char *mark, const char *format, va_list arguments)
{
    char text[512];
    vsnprintf(text, sizeof text, format, arguments);
    print_message("[%s] %s\n", mark, text);
}

void say_not_here(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say_line(" NOT HERE ", format, arguments);
    va_end(arguments);
}

void say_left_out(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say_line(" LEFT OUT ", format, arguments);
    va_end(arguments);
}

bool is_small_scope(void)
{
    const char *scope = getenv("GVK_TEST_SCOPE");
    return scope && !strcmp(scope, "small");
}

void close_test_device(gvk_device *device)
{
    gvk_device_destroy(device);
    host_device_destroy(&imported);
}

void bend_to_gpu(gvk_device *device, uint32_t vendor_id)
{
    device->traits.type = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
    device->traits.vendor_id = vendor_id;
}

int open_device_fixture(void **state)
{
    *state = open_test_device();
    return *state ? 0 : -1;
}

int close_device_fixture(void **state)
{
    close_test_device(*state);
    return 0;
}

void assert_result(gvk_result result, gvk_result expected, const char *call, const char *file, int line)
{
    if (result != expected) {
        print_error("%s returned %s, not %s\n", call, gvk_result_name(result), gvk_result_name(expected));
        _fail(file, line);
    }
}

struct golden {
    gvk_checkpoint *file;
};

struct golden *open_tensors(const char *path)
{
    struct golden *golden = calloc(1, sizeof *golden);
    assert_non_null(golden);
    assert_ok(gvk_checkpoint_open_path(&test_host, path, &golden->file));
    return golden;
}

struct golden *open_golden(const char *name)
{
    char path[1024];
    const char *folder = getenv("GVK_TEST_DATA");
    snprintf(path, sizeof path, "%s/goldens/%s", folder && *folder ? folder : GVK_TEST_DATA_DIR, name);
    return open_tensors(path);
}

void close_golden(struct golden *golden)
{
    if (golden)
        gvk_checkpoint_destroy(golden->file);
    free(golden);
}

const gvk_array *golden_array(const struct golden *golden, const char *name)
{
    const gvk_checkpoint_tensor *tensor = gvk_checkpoint_find(golden->file, name);
    if (!tensor)
        fail_msg("the golden has no tensor %s", name);
    return &tensor->array;
}

const char *golden_text(const struct golden *golden, const char *key)
{
    return gvk_checkpoint_metadata(golden->file, key);
}

float *golden_floats(const struct golden *golden, const char *name, uint64_t *count)
{
    const gvk_array *array = golden_array(golden, name);
    *count = 1;
    for (uint32_t i = 0; i < array->rank; i++)
        *count *= array->shape[i];
    float *values = NULL;
    gvk_host plain = {.size = sizeof plain}; /* malloc, so that free() fits */
    plain = gvk_host_complete(&plain);
    assert_ok(gvk_read_weights(&plain, array, *count, &values));
    return values;
}

gvk_network *open_filled_network(const struct network_shape *shape)
{
    gvk_network_params params = {.size = sizeof params};
    unsigned char *bytes = make_checkpoint(shape, &params.byte_count);
    assert_non_null(bytes);
    params.bytes = bytes;
    gvk_network *network = NULL;
    assert_ok(gvk_network_open(&test_host, &params, &network));
    free(bytes);
    return network;
}

double relative_error(const float *got, const float *expected, uint64_t count)
{
    double largest = 0, worst = 0;
    for (uint64_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs((double)expected[i]));
        double difference = fabs((double)got[i] - (double)expected[i]);
        if (!(difference <= worst)) /* true for a not-a-number */
            worst = isnan(difference) ? INFINITY : difference;
    }
    return largest > 0 ? worst / largest : worst;
}

float quarter_step(uint64_t *random_state)
{
    return (float)((int)(splitmix64_next(random_state) % 17) - 8) * 0.25f;
}

uint32_t random_below(uint64_t *random_state, uint32_t limit)
{
    return (uint32_t)(splitmix64_next(random_state) % limit);
}
