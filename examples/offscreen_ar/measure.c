#include "measure.h"

#include <stdio.h>

#include "loop.h"

static const char *const names[FINDER_WAYS] = {
    "no detector", "blocking", "polling, whole frames", "paced, host pixels", "paced, VkImage",
};

bool measure_ways(struct scene *scene, struct finder_library *library, uint32_t seconds)
{
    const struct loop_output nothing = {.video = NULL};
    printf("%s, %u s each, %u host frames a second wanted\n\n", library->gpu->name, seconds, FRAMES_A_SECOND);
    printf("| way | frames a second | longest frame | own frames waited for, 95 %% | in ghostvk, 95 %% | detections a "
           "second | latency |\n| --- | --- | --- | --- | --- | --- | --- |\n");
    for (int way = FINDER_OFF; way < FINDER_WAYS; way++) {
        struct finder finder = {.library = NULL};
        struct loop_figures figures;
        bool sound = finder_create(&finder, library, (enum finder_way)way) &&
                     loop_run(scene, &finder, (uint64_t)seconds * FRAMES_A_SECOND, &nothing, &figures);
        finder_destroy(&finder);
        if (!sound)
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
