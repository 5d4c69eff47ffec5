/* An augmented-reality application without a window: a slide of blood cells moves by, ghostvk finds them in the image
 * that was just drawn, at a lower rate than the frames', and boxes go with them. The host keeps its 30 frames a second.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loop.h"
#include "measure.h"

static const char usage[] =
    "usage: offscreen_ar [OPTION...] MODEL SMEAR.ppm SMEAR.ppm SMEAR.ppm\n"
    "  -o VIDEO.y4m        what a screen would show\n"
    "  --stills FOLDER     every so many frames as FOLDER/frame_NNNN.ppm\n"
    "  --every N           ... of so many frames (30)\n"
    "  --list FILE         of each frame its view of the slide and its boxes, as text\n"
    "  --seconds N         how long (12; with --measure, of each way: 10)\n"
    "  --rate N            at most so many detections a second (5; 0: as many as there can be)\n"
    "  --within N          wait for what is not found N frames after its picture: a video as of a faster device\n"
    "  --way WAY           image (the default), pixels, polling, blocking\n"
    "  --measure           every way, one after the other, and a table\n";

struct options {
    const char *video, *stills, *list, *paths[1 + SCENE_SMEARS];
    uint32_t every, seconds, within;
    double rate;
    enum finder_way way;
    bool measure;
};

static bool read_way(const char *text, enum finder_way *out)
{
    static const char *const names[FINDER_WAYS] = {"off", "blocking", "polling", "pixels", "image"};
    for (int i = 0; i < FINDER_WAYS; i++)
        if (!strcmp(text, names[i])) {
            *out = (enum finder_way)i;
            return true;
        }
    return false;
}

static bool read_options(int argc, char **argv, struct options *options)
{
    int paths = 0;
    *options = (struct options){.every = 30, .rate = 5, .way = FINDER_PACED_IMAGE};
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (!strcmp(name, "--measure")) {
            options->measure = true;
            continue;
        }
        if (name[0] != '-') {
            if (paths == 1 + SCENE_SMEARS)
                return false;
            options->paths[paths++] = name;
            continue;
        }
        if (!value)
            return false;
        if (!strcmp(name, "-o"))
            options->video = value;
        else if (!strcmp(name, "--stills"))
            options->stills = value;
        else if (!strcmp(name, "--list"))
            options->list = value;
        else if (!strcmp(name, "--every"))
            options->every = (uint32_t)strtoul(value, NULL, 10);
        else if (!strcmp(name, "--seconds"))
            options->seconds = (uint32_t)strtoul(value, NULL, 10);
        else if (!strcmp(name, "--rate"))
            options->rate = strtod(value, NULL);
        else if (!strcmp(name, "--within"))
            options->within = (uint32_t)strtoul(value, NULL, 10);
        else if (strcmp(name, "--way") || !read_way(value, &options->way))
            return false;
        i++;
    }
    if (!options->seconds)
        options->seconds = options->measure ? 10 : 12;
    return paths == 1 + SCENE_SMEARS && options->every && options->seconds <= 3600;
}

static bool show(struct scene *scene, struct finder_library *library, const struct options *options)
{
    struct finder finder = {.library = NULL};
    struct video video = {.file = NULL};
    struct loop_output output = {
        .video = options->video ? &video : NULL, .stills = options->stills, .still_every = options->every};
    struct loop_figures figures;
    bool done = false;
    if (options->video && !video_open(&video, options->video, SCENE_WIDTH, SCENE_HEIGHT, FRAMES_A_SECOND))
        goto cleanup;
    if (options->list && !(output.list = fopen(options->list, "w"))) {
        fail("the list cannot be opened.");
        goto cleanup;
    }
    done = finder_create(&finder, library, options->way);
    finder.most_a_second = options->rate;
    finder.within = options->within;
    done = done && loop_run(scene, &finder, (uint64_t)options->seconds * FRAMES_A_SECOND, &output, &figures);
    if (done)
        printf(
            "%s: %.1f frames a second, longest %.0f ms; %.1f detections a second, boxes after %.1f frames; %.2f ms a "
            "frame in ghostvk\n",
            library->gpu->name, figures.frames_a_second, figures.longest_ms, figures.detections_a_second,
            figures.latency, figures.blocked_ms);
cleanup:
    finder_destroy(&finder);
    if (output.list && fclose(output.list))
        done = fail("the list cannot be written.");
    return video_close(&video) && done;
}

int main(int argc, char **argv)
{
    struct options options;
    struct gpu gpu = {.instance = VK_NULL_HANDLE};
    struct finder_library library = {.gpu = NULL};
    struct scene scene = {.gpu = NULL};
    struct ppm smears[SCENE_SMEARS] = {{0, 0, NULL}};
    if (!read_options(argc, argv, &options)) {
        fputs(usage, stderr);
        return 2;
    }
    bool done = true;
    for (int i = 0; i < SCENE_SMEARS && done; i++)
        done = read_ppm(options.paths[1 + i], &smears[i]);
    done = done && gpu_create(&gpu) && scene_create(&scene, &gpu, smears) &&
           finder_library_create(&library, &gpu, options.paths[0]) &&
           (options.measure ? measure_ways(&scene, &library, options.seconds) : show(&scene, &library, &options));
    finder_library_destroy(&library);
    scene_destroy(&scene);
    gpu_destroy(&gpu);
    for (int i = 0; i < SCENE_SMEARS; i++)
        free(smears[i].rgb);
    return done ? 0 : 1;
}
