/* The plan of faults: which call fails, and what was counted. Everything here may be asked by any thread. */
#include "layer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALL_CAPACITY 48

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct {
    char call[64]; /* "*": any */
    uint64_t nth;  /* 0: none */
    bool goes_on;  /* and every one after it */
    VkResult result;
    const char *rejected, *misuse;
    float queue_priority;
    uint32_t queue_global;
    bool withheld;
    uint32_t withheld_waits; /* and so many more, while not */
    int64_t alive;
    uint64_t total;
    struct {
        const char *call;
        uint64_t count;
    } counts[CALL_CAPACITY];
} plan;

static void arm(const char *call, uint64_t nth, VkResult result)
{
    pthread_mutex_lock(&mutex);
    snprintf(plan.call, sizeof plan.call, "%s", call);
    plan.nth = nth;
    plan.goes_on = false;
    plan.result = result;
    plan.rejected = plan.misuse = NULL;
    plan.total = 0;
    memset(plan.counts, 0, sizeof plan.counts);
    pthread_mutex_unlock(&mutex);
}

static void arm_from(const char *call, uint64_t nth, VkResult result)
{
    arm(call, nth, result);
    pthread_mutex_lock(&mutex);
    plan.goes_on = true;
    pthread_mutex_unlock(&mutex);
}

VkResult plan_strike(const char *call)
{
    VkResult result = VK_SUCCESS;
    pthread_mutex_lock(&mutex);
    size_t i = 0;
    while (i + 1 < CALL_CAPACITY && plan.counts[i].call && strcmp(plan.counts[i].call, call))
        i++;
    plan.counts[i].call = call;
    plan.counts[i].count++;
    plan.total++;
    uint64_t seen = !strcmp(plan.call, "*") ? plan.total : !strcmp(plan.call, call) ? plan.counts[i].count : 0;
    if (plan.nth && (seen == plan.nth || (plan.goes_on && seen > plan.nth))) {
        plan.rejected = call;
        result = plan.result;
    }
    pthread_mutex_unlock(&mutex);
    return result;
}

static uint64_t count(const char *call)
{
    uint64_t found = 0;
    pthread_mutex_lock(&mutex);
    if (!strcmp(call, "*"))
        found = plan.total;
    for (size_t i = 0; i < CALL_CAPACITY && plan.counts[i].call; i++)
        if (!strcmp(plan.counts[i].call, call))
            found = plan.counts[i].count;
    pthread_mutex_unlock(&mutex);
    return found;
}

static const char *rejected(void)
{
    pthread_mutex_lock(&mutex);
    const char *call = plan.rejected;
    pthread_mutex_unlock(&mutex);
    return call;
}

static void withhold_fences(bool withheld)
{
    pthread_mutex_lock(&mutex);
    plan.withheld = withheld;
    pthread_mutex_unlock(&mutex);
}

static void withhold_waits(uint32_t count)
{
    pthread_mutex_lock(&mutex);
    plan.withheld_waits = count;
    pthread_mutex_unlock(&mutex);
}

bool plan_withholds(void)
{
    pthread_mutex_lock(&mutex);
    bool withheld = plan.withheld || plan.withheld_waits;
    plan.withheld_waits -= !plan.withheld && plan.withheld_waits;
    pthread_mutex_unlock(&mutex);
    return withheld;
}

void plan_count_object(int change)
{
    pthread_mutex_lock(&mutex);
    plan.alive += change;
    pthread_mutex_unlock(&mutex);
}

static int64_t alive(void)
{
    pthread_mutex_lock(&mutex);
    int64_t objects = plan.alive;
    pthread_mutex_unlock(&mutex);
    return objects;
}

void plan_note_misuse(const char *sentence)
{
    pthread_mutex_lock(&mutex);
    if (!plan.misuse)
        fprintf(stderr, "VK_LAYER_GHOSTVK_faults: %s\n", sentence);
    plan.misuse = plan.misuse ? plan.misuse : sentence;
    pthread_mutex_unlock(&mutex);
}

static const char *misuse(void)
{
    pthread_mutex_lock(&mutex);
    const char *sentence = plan.misuse;
    pthread_mutex_unlock(&mutex);
    return sentence;
}

#define MAX_SPOILT 1024u /* more than there are shaders */
static struct {
    const void *code;
    size_t bytes;
} spoilt[MAX_SPOILT];
static uint32_t spoilt_count;

static void spoil(const void *code, size_t bytes)
{
    pthread_mutex_lock(&mutex);
    if (!code)
        spoilt_count = 0;
    else if (spoilt_count == MAX_SPOILT) {
        fputs("The fault layer spoils no more shaders.\n", stderr); /* a test that went on would prove nothing */
        abort();
    } else {
        spoilt[spoilt_count].code = code;
        spoilt[spoilt_count++].bytes = bytes;
    }
    pthread_mutex_unlock(&mutex);
}

bool plan_is_spoilt(const void *code, size_t bytes)
{
    bool found = false;
    pthread_mutex_lock(&mutex);
    for (uint32_t i = 0; i < spoilt_count && !found; i++)
        found = spoilt[i].bytes == bytes && !memcmp(spoilt[i].code, code, bytes);
    pthread_mutex_unlock(&mutex);
    return found;
}

static const struct {
    const char *name;
    VkResult result;
} result_names[] = {
    {"VK_ERROR_OUT_OF_HOST_MEMORY", VK_ERROR_OUT_OF_HOST_MEMORY},
    {"VK_ERROR_OUT_OF_DEVICE_MEMORY", VK_ERROR_OUT_OF_DEVICE_MEMORY},
    {"VK_ERROR_DEVICE_LOST", VK_ERROR_DEVICE_LOST},
    {"VK_ERROR_INITIALIZATION_FAILED", VK_ERROR_INITIALIZATION_FAILED},
    {"VK_ERROR_UNKNOWN", VK_ERROR_UNKNOWN},
};

/* CALL:N:RESULT */
static bool read_fail(const char *text)
{
    char call[64], name[64];
    unsigned long long nth = 0;
    int used = 0;
    if (sscanf(text, "%63[^:]:%llu:%63[A-Z_]%n", call, &nth, name, &used) != 3 || text[used])
        return false;
    for (size_t i = 0; i < sizeof result_names / sizeof result_names[0]; i++)
        if (!strcmp(result_names[i].name, name)) {
            arm(call, nth, result_names[i].result);
            return true;
        }
    return false;
}

void plan_note_queue(float priority, uint32_t global)
{
    pthread_mutex_lock(&mutex);
    plan.queue_priority = priority;
    plan.queue_global = global;
    pthread_mutex_unlock(&mutex);
}

static void queue(float *priority, uint32_t *global)
{
    pthread_mutex_lock(&mutex);
    *priority = plan.queue_priority;
    *global = plan.queue_global;
    pthread_mutex_unlock(&mutex);
}

static pthread_once_t environment_once = PTHREAD_ONCE_INIT;
static bool environment_understood;

static void read_environment(void)
{
    const char *limits = getenv("GHOSTVK_FAULTS_LIMITS"), *fail = getenv("GHOSTVK_FAULTS_FAIL");
    const char *withheld = getenv("GHOSTVK_FAULTS_WITHHOLD");
    bool good_limits = !limits || limits_set(limits), good_fail = !fail || read_fail(fail);
    if (withheld && *withheld)
        withhold_fences(true);
    if (!good_limits)
        fprintf(stderr, "VK_LAYER_GHOSTVK_faults: GHOSTVK_FAULTS_LIMITS is not understood: %s\n", limits);
    if (!good_fail)
        fprintf(stderr, "VK_LAYER_GHOSTVK_faults: GHOSTVK_FAULTS_FAIL is not understood: %s\n", fail);
    environment_understood = good_limits && good_fail;
}

bool plan_read_environment(void)
{
    pthread_once(&environment_once, read_environment);
    return environment_understood;
}

__attribute__((visibility("default"))) extern const struct ghostvk_faults ghostvk_faults;
const struct ghostvk_faults ghostvk_faults = {
    .limit = limits_set,
    .arm = arm,
    .arm_from = arm_from,
    .withhold_fences = withhold_fences,
    .withhold_waits = withhold_waits,
    .count = count,
    .rejected = rejected,
    .alive = alive,
    .misuse = misuse,
    .spoil = spoil,
    .queue = queue,
};
