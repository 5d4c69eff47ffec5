#include "measure.h"

#include <stdio.h>

#include "loop.h"

static const char *const names[FINDER_WAYS] = {
    "no detector", "blocking", "polling, whole frames", "paced, host pixels", "paced, VkImage",
};

static bool measure(struct scene *scene, struct finder finders[FINDER_WAYS], uint32_t seconds)
{
    const struct loop_output nothing = {.video = NULL};
    for (int way = FINDER_OFF; way < FINDER_WAYS; way++) {
        struct loop_figures figures;
        if (!loop_run(scene, &finders[way], (uint64_t)seconds * FRAMES_A_SECOND, &nothing, &figures))
            return false;
        printf("| %s | %.1f | %.0f ms | %.1f ms | %.2f ms | ", names[way], figures.frames_a_second, figures.longest_ms,
               figures.waited_ms, figures.blocked_ms);
        if (way == FINDER_OFF)
            printf("| |\n");
        else
            printf("%.1f | %.1f frames |\n", figures.detections_a_second, figures.latency);
        fflush(stdout);
    }
    return true;
}

bool measure_ways(struct scene *scene, struct finder_library *library, uint32_t seconds)
{
    static struct finder finders[FINDER_WAYS];
    bool sound = true;
    printf("%s, %u s each, %u host frames a second wanted\n\n", library->gpu->name, seconds, FRAMES_A_SECOND);
    printf("| way | frames a second | longest frame | own frames waited for, 95 %% | in ghostvk, 95 %% | detections a "
           "second | latency |\n| --- | --- | --- | --- | --- | --- | --- |\n");
    /* All of them at loading time: a stream times its parts when it is made, and lavapipe's timestamps tell the times
     * of compute no more once graphics have run on the queue. */
    for (int way = FINDER_OFF; way < FINDER_WAYS && sound; way++)
        sound = finder_create(&finders[way], library, (enum finder_way)way);
    sound = sound && measure(scene, finders, seconds);
    for (int way = FINDER_OFF; way < FINDER_WAYS; way++)
        finder_destroy(&finders[way]);
    return sound;
}
