/* The stored pipeline cache against a driver made up for it: lavapipe and SwiftShader keep no pipelines in theirs, so
 * what a driver of a GPU would store is made up too. Damaged data must never reach the driver, whatever the host's
 * callbacks say; what is refused is replaced by what the driver has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/device/pipeline_cache.h"

#define HEADER   64u /* bytes of ours in front */
#define MADE_UP  3001u
#define CEILING  ((size_t)256 << 20)
#define CAPACITY (HEADER + MADE_UP + 64)

/* ---- the made-up driver and the host ------------------------------------------------------------------------------
 */

static struct {
    VkPhysicalDeviceProperties properties;
    unsigned char data[MADE_UP]; /* what the driver's cache holds */
    size_t bytes;                /* as it says when asked for the size, ... */
    size_t bytes_given;          /* ... and what it gives; 0: as many */
    VkResult size_result, data_result;
    unsigned char taken[MADE_UP]; /* what it was made with */
    size_t taken_bytes;
    unsigned refusals; /* this many times it is not made */
} driver;

static struct {
    unsigned char bytes[CAPACITY];
    size_t count;        /* 0: nothing is stored */
    size_t first_count;  /* what the first call says; 0: count */
    size_t second_count; /* what the second says; 0: what it filled */
    gvk_result first_result, second_result;
    unsigned loads, fills, stores, sentences;
    bool memory_fails;
    char key[96];
} host;

static VKAPI_ATTR void VKAPI_CALL get_properties(VkPhysicalDevice physical_device, VkPhysicalDeviceProperties *out)
{
    (void)physical_device;
    *out = driver.properties;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_cache(VkDevice device, const VkPipelineCacheCreateInfo *create,
                                                   const VkAllocationCallbacks *callbacks, VkPipelineCache *out)
{
    (void)device;
    (void)callbacks;
    assert_true(create->initialDataSize <= sizeof driver.taken);
    assert_int_equal(create->initialDataSize == 0, create->pInitialData == NULL);
    if (driver.refusals) {
        driver.refusals--;
        return VK_ERROR_INITIALIZATION_FAILED;
    }
    driver.taken_bytes = create->initialDataSize;
    if (create->initialDataSize)
        memcpy(driver.taken, create->pInitialData, create->initialDataSize);
    memset(out, 1, sizeof *out);
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL get_data(VkDevice device, VkPipelineCache cache, size_t *count, void *out)
{
    (void)device;
    (void)cache;
    if (!out) {
        *count = driver.bytes;
        return driver.size_result;
    }
    size_t given = driver.bytes_given ? driver.bytes_given : driver.bytes;
    assert_true(given <= *count);
    memcpy(out, driver.data, given);
    *count = given;
    return driver.data_result;
}

static gvk_result load(void *user, const char *key, void *bytes, size_t *count)
{
    (void)user;
    if (!bytes) {
        host.loads++;
        snprintf(host.key, sizeof host.key, "%s", key);
        if (!host.count && !host.first_count)
            return GVK_ERROR_FILE;
        *count = host.first_count ? host.first_count : host.count;
        return host.first_result;
    }
    host.fills++;
    assert_string_equal(key, host.key);
    size_t filled = host.count < *count ? host.count : *count;
    memcpy(bytes, host.bytes, filled);
    *count = host.second_count ? host.second_count : filled;
    return host.second_result;
}

static void store(void *user, const char *key, const void *bytes, size_t count)
{
    (void)user;
    assert_true(count <= sizeof host.bytes);
    host.stores++;
    memcpy(host.bytes, bytes, count);
    host.count = count;
    if (host.key[0])
        assert_string_equal(key, host.key);
}

static void take_sentence(void *user, gvk_log_level level, const char *sentence)
{
    (void)user;
    assert_int_equal(level, GVK_LOG_INFO);
    assert_non_null(strstr(sentence, "made anew"));
    host.sentences++;
}

static void *allocate(void *user, size_t bytes, size_t alignment)
{
    (void)user;
    (void)alignment;
    assert_true(bytes <= CAPACITY); /* never what somebody merely says */
    return host.memory_fails ? NULL : malloc(bytes);
}

static void release(void *user, void *block)
{
    (void)user;
    free(block);
}

static struct gvk_device make_device(void)
{
    struct gvk_device device;
    memset(&device, 0, sizeof device);
    device.host = (gvk_host){sizeof(gvk_host), NULL, take_sentence, allocate, release, load, store};
    device.vk.GetPhysicalDeviceProperties = get_properties;
    device.vk.CreatePipelineCache = create_cache;
    device.vk.GetPipelineCacheData = get_data;
    return device;
}

/* One run of a program: the cache is opened, pipelines are made, it is saved. True when the driver got data. */
static bool run_once(void)
{
    struct gvk_device device = make_device();
    VkPipelineCache cache = VK_NULL_HANDLE;
    driver.taken_bytes = 0;
    host.loads = host.fills = host.stores = host.sentences = 0;
    assert_int_equal(gvk_pipeline_cache_open(&device, &cache), GVK_OK);
    gvk_pipeline_cache_save(&device, cache);
    return driver.taken_bytes != 0;
}

static int start(void **state)
{
    (void)state;
    memset(&driver, 0, sizeof driver);
    memset(&host, 0, sizeof host);
    driver.properties.vendorID = 0x1002;
    driver.properties.deviceID = 0x73bf;
    driver.properties.driverVersion = 0x800107;
    for (size_t i = 0; i < VK_UUID_SIZE; i++)
        driver.properties.pipelineCacheUUID[i] = (uint8_t)(17 * i + 3);
    for (size_t i = 0; i < MADE_UP; i++)
        driver.data[i] = (unsigned char)(i * 131 >> 3);
    driver.bytes = MADE_UP;
    return 0;
}

static void store_good(unsigned char good[CAPACITY])
{
    assert_false(run_once());
    assert_int_equal(host.stores, 1);
    assert_int_equal(host.count, HEADER + MADE_UP);
    memcpy(good, host.bytes, CAPACITY);
}

/* Nothing reached the driver, it was said, and the good bytes are stored again. */
static void assert_replaced(const unsigned char *good, const char *what, size_t at, unsigned value)
{
    bool taken = run_once();
    if (taken || host.sentences != 1 || host.stores != 1 || host.count != HEADER + MADE_UP ||
        memcmp(host.bytes, good, HEADER + MADE_UP) != 0)
        fail_msg("%s %zu, value 0x%02x: %s the driver, %u sentences, %u stores", what, at, value,
                 taken ? "reached" : "did not reach", host.sentences, host.stores);
}

/* ---- the tests ----------------------------------------------------------------------------------------------------
 */

static void what_was_stored_reaches_the_driver_whole(void **state)
{
    unsigned char good[CAPACITY];
    (void)state;
    store_good(good);
    assert_true(run_once());
    assert_int_equal(driver.taken_bytes, MADE_UP);
    assert_memory_equal(driver.taken, driver.data, MADE_UP);
    assert_int_equal(host.stores, 0); /* it is there already */
    assert_int_equal(host.sentences, 0);
    driver.bytes = MADE_UP - 5; /* other pipelines now */
    assert_true(run_once());
    assert_int_equal(host.stores, 1);
    assert_int_equal(host.count, HEADER + MADE_UP - 5);
    assert_true(run_once());
    assert_int_equal(driver.taken_bytes, MADE_UP - 5);
}

/* As SwiftShader does. */
static void a_driver_that_puts_its_header_before_what_it_was_given_stores_no_more(void **state)
{
    unsigned char good[CAPACITY];
    (void)state;
    driver.bytes = 100;
    assert_false(run_once());
    memcpy(good, host.bytes, sizeof good);
    memmove(driver.data + 32, driver.data, 100);
    driver.bytes = 132;
    assert_true(run_once());
    assert_int_equal(host.stores, 0);
    assert_memory_equal(host.bytes, good, sizeof good);
    driver.data[131] ^= 1; /* something new after all */
    assert_true(run_once());
    assert_int_equal(host.stores, 1);
    assert_int_equal(host.count, HEADER + 132);
}

static void a_changed_byte_anywhere_is_noticed(void **state)
{
    static const unsigned char changes[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff};
    unsigned char good[CAPACITY];
    (void)state;
    store_good(good);
    for (size_t at = 0; at < HEADER + MADE_UP; at++) {
        size_t count = at < HEADER ? sizeof changes : 1;
        for (size_t i = 0; i < count; i++) {
            host.bytes[at] ^= changes[at < HEADER ? i : at % sizeof changes];
            assert_replaced(good, "changed byte", at, host.bytes[at]);
        }
    }
}

static void data_cut_short_anywhere_or_too_long_are_noticed(void **state)
{
    unsigned char good[CAPACITY];
    (void)state;
    store_good(good);
    for (size_t count = 1; count < HEADER + MADE_UP; count++) {
        host.count = count;
        assert_replaced(good, "cut to", count, 0);
    }
    for (size_t more = 1; more <= 64; more++) {
        memset(host.bytes + HEADER + MADE_UP, 0, 64);
        host.count = HEADER + MADE_UP + more;
        assert_replaced(good, "longer by", more, 0);
    }
}

static void nothing_stored_is_no_damage(void **state)
{
    unsigned char good[CAPACITY];
    (void)state;
    store_good(good);
    assert_int_equal(host.sentences, 0);
    host.count = 0;
    assert_false(run_once());
    assert_int_equal(host.sentences, 0);
    assert_int_equal(host.stores, 1);
}

/* Stored by the first, offered to the second, as where two share a file. */
static void data_of_another_driver_are_not_taken(void **state)
{
    unsigned char good[CAPACITY], foreign[CAPACITY];
    static const char *const fields[] = {"vendor", "device", "driver version", "cache UUID"};
    char key[96];
    (void)state;
    store_good(good);
    VkPhysicalDeviceProperties mine = driver.properties;
    for (size_t i = 0; i < 4; i++) {
        driver.properties.vendorID ^= i == 0;
        driver.properties.deviceID ^= i == 1;
        driver.properties.driverVersion ^= i == 2;
        driver.properties.pipelineCacheUUID[15] ^= i == 3;
        memcpy(key, host.key, sizeof key);
        host.key[0] = 0;
        host.count = 0;
        store_good(foreign);
        assert_int_equal(strcmp(key, host.key) != 0, i != 2); /* a new version takes the old one's place */
        assert_true(run_once());
        driver.properties = mine;
        host.key[0] = 0;
        assert_replaced(good, fields[i], i, 0);
    }
}

static void a_size_over_the_ceiling_is_not_believed(void **state)
{
    static const size_t sizes[] = {CEILING + 1, (size_t)1 << 40, SIZE_MAX / 2, SIZE_MAX - HEADER, SIZE_MAX};
    unsigned char good[CAPACITY];
    (void)state;
    store_good(good);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        host.first_count = sizes[i];
        assert_false(run_once());
        assert_int_equal(host.fills, 0);
        assert_int_equal(host.stores, 1); /* so that the next run has one */
    }
    host.first_count = 0;
    assert_true(run_once());
}

static void a_cache_over_the_ceiling_is_not_stored(void **state)
{
    static const size_t sizes[] = {CEILING - HEADER + 1, CEILING, CEILING + 1, SIZE_MAX - HEADER + 1, SIZE_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        driver.bytes = sizes[i];
        assert_false(run_once());
        assert_int_equal(host.stores, 0);
    }
}

static void callbacks_that_fail_or_change_their_mind_do_no_harm(void **state)
{
    static const struct {
        const char *what;
        gvk_result first, second;
        size_t first_count, second_count;
        unsigned sentences;
    } cases[] = {
        {"the first call fails", GVK_ERROR_FILE, GVK_OK, 0, 0, 0},
        {"the second call fails", GVK_OK, GVK_ERROR_FILE, 0, 0, 1},
        {"both fail", GVK_ERROR_DRIVER, GVK_ERROR_DRIVER, 0, 0, 0},
        {"an answer that is no error", GVK_NOT_READY, GVK_OK, 0, 0, 0},
        {"it became shorter", GVK_OK, GVK_OK, 0, HEADER + 7, 1},
        {"it became shorter than the header", GVK_OK, GVK_OK, 0, HEADER - 1, 1},
        {"it says that it became longer", GVK_OK, GVK_OK, 0, HEADER + MADE_UP + 1, 1},
        {"it says that it became endless", GVK_OK, GVK_OK, 0, SIZE_MAX, 1},
        {"it was shorter when it was asked", GVK_OK, GVK_OK, HEADER + 10, 0, 1},
        {"it was shorter, and fills what it has", GVK_OK, GVK_OK, HEADER + 10, HEADER + MADE_UP, 1},
        {"it was one byte when it was asked", GVK_OK, GVK_OK, 1, 0, 1},
    };
    unsigned char good[CAPACITY];
    (void)state;
    store_good(good);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memcpy(host.bytes, good, sizeof good);
        host.count = HEADER + MADE_UP;
        host.first_count = cases[i].first_count;
        host.second_count = cases[i].second_count;
        host.first_result = cases[i].first;
        host.second_result = cases[i].second;
        bool taken = run_once();
        if (taken || host.sentences != cases[i].sentences || host.stores != 1)
            fail_msg("%s: %s the driver, %u sentences, %u stores", cases[i].what, taken ? "reached" : "did not reach",
                     host.sentences, host.stores);
    }
    /* Longer at first than it turns out to be: what is there counts. */
    host.first_result = host.second_result = GVK_OK;
    host.second_count = 0;
    host.first_count = CAPACITY;
    assert_true(run_once());
}

static void a_driver_that_fails_or_shrinks_stores_nothing_wrong(void **state)
{
    (void)state;
    driver.size_result = VK_ERROR_OUT_OF_HOST_MEMORY;
    assert_false(run_once());
    assert_int_equal(host.stores, 0);
    driver.size_result = VK_SUCCESS;
    driver.data_result = VK_ERROR_OUT_OF_HOST_MEMORY;
    assert_false(run_once());
    assert_int_equal(host.stores, 0);
    driver.data_result = VK_INCOMPLETE; /* it has grown meanwhile: half of it is of no use */
    assert_false(run_once());
    assert_int_equal(host.stores, 0);
    driver.data_result = VK_SUCCESS;
    driver.bytes_given = MADE_UP / 2;
    assert_false(run_once());
    assert_int_equal(host.count, HEADER + MADE_UP / 2);
    assert_true(run_once());
    assert_int_equal(driver.taken_bytes, MADE_UP / 2);
}

static void a_driver_that_does_not_take_its_own_data_gets_an_empty_cache(void **state)
{
    unsigned char good[CAPACITY];
    (void)state;
    store_good(good);
    driver.refusals = 1;
    assert_false(run_once());
    assert_int_equal(driver.refusals, 0);
    assert_int_equal(host.stores, 1);
    assert_memory_equal(host.bytes, good, sizeof good);
    assert_true(run_once());
}

static void memory_that_runs_out_leaves_the_cache_out(void **state)
{
    unsigned char good[CAPACITY];
    (void)state;
    store_good(good);
    host.memory_fails = true;
    assert_false(run_once());
    assert_int_equal(host.stores, 0);
    host.memory_fails = false;
    assert_true(run_once());
}

static void a_host_without_a_place_has_none(void **state)
{
    (void)state;
    struct gvk_device device = make_device();
    VkPipelineCache cache = VK_NULL_HANDLE;
    device.host.cache_load = NULL;
    device.host.cache_store = NULL;
    assert_int_equal(gvk_pipeline_cache_open(&device, &cache), GVK_OK);
    gvk_pipeline_cache_save(&device, cache);
    assert_int_equal(driver.taken_bytes, 0);
}

#define TEST(function) cmocka_unit_test_setup(function, start)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_stored_reaches_the_driver_whole),
        TEST(a_driver_that_puts_its_header_before_what_it_was_given_stores_no_more),
        TEST(a_changed_byte_anywhere_is_noticed),
        TEST(data_cut_short_anywhere_or_too_long_are_noticed),
        TEST(nothing_stored_is_no_damage),
        TEST(data_of_another_driver_are_not_taken),
        TEST(a_size_over_the_ceiling_is_not_believed),
        TEST(a_cache_over_the_ceiling_is_not_stored),
        TEST(callbacks_that_fail_or_change_their_mind_do_no_harm),
        TEST(a_driver_that_fails_or_shrinks_stores_nothing_wrong),
        TEST(a_driver_that_does_not_take_its_own_data_gets_an_empty_cache),
        TEST(memory_that_runs_out_leaves_the_cache_out),
        TEST(a_host_without_a_place_has_none),
    };
    return cmocka_run_group_tests_name("pipeline cache", tests, NULL, NULL);
}
