/* Makes one data race inside the library: proof that a run under ThreadSanitizer looks at all, behind everything that
 * races_of_drivers.txt leaves out. Two threads use one stream, one after the other, and nothing orders them but a flag
 * that promises no order; gvk.h gives a stream to one thread at a time. The report must name gvk_stream_submit. */
#include "networks.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

static gvk_stream *stream;
static atomic_bool used;

static void *use_first(void *result)
{
    static struct frame frame;
    gvk_ticket ticket = 0;
    *(gvk_result *)result = submit(stream, 0, &ticket);
    if (ticket)
        *(gvk_result *)result = read_frame(stream, PLAIN, ticket, &frame);
    atomic_store_explicit(&used, true, memory_order_relaxed);
    return NULL;
}

static void *use_second(void *result)
{
    const struct timespec step = {.tv_nsec = 1000000};
    gvk_ticket ticket = 0;
    while (!atomic_load_explicit(&used, memory_order_relaxed))
        nanosleep(&step, NULL);
    *(gvk_result *)result = submit(stream, 1, &ticket);
    return NULL;
}

int main(void)
{
    gvk_device *device = NULL;
    gvk_model *model = NULL;
    pthread_t threads[2];
    gvk_result results[2] = {GVK_ERROR_NO_DEVICE, GVK_ERROR_NO_DEVICE};
    fill_constants();
    gvk_result result = open_device(&device);
    if (!result)
        result = make_model(device, PLAIN, &model);
    if (!result)
        result = make_stream(model, PLAIN, &stream);
    if (!result && !pthread_create(&threads[0], NULL, use_first, &results[0])) {
        if (!pthread_create(&threads[1], NULL, use_second, &results[1]))
            pthread_join(threads[1], NULL);
        pthread_join(threads[0], NULL);
    }
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
    gvk_device_destroy(device);
    if (result || results[0] || results[1])
        printf("planted_race: %s\n", last_error());
    return result || results[0] || results[1];
}
