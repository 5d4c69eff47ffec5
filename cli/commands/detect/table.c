/* See table.h. */
#include "table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/base/quantities.h"
#include "cli/base/text.h"

struct names {
    const char *const *classes;
    uint32_t count;
};

static const char *name_class(const struct names *names, uint32_t class_id)
{
    return class_id < names->count ? names->classes[class_id] : "?";
}

static void print_counts(const struct picture_result *result, const struct names *names)
{
    printf("  %zu object%s", result->count, result->count == 1 ? "" : "s");
    const char *separator = ": ";
    for (uint32_t class_id = 0; result->count && class_id < names->count; class_id++) {
        size_t members = 0;
        for (size_t index = 0; index < result->count; index++)
            members += result->found[index].box.class_id == class_id;
        if (members == 0)
            continue;
        printf("%s%zu ", separator, members);
        print_text(stdout, name_class(names, class_id));
        separator = ", ";
    }
    putchar('\n');
}

static void print_times(const struct picture_result *result)
{
    for (int stage = 0; stage < RESULT_STAGES; stage++) {
        fputs(stage ? ", " : "  ", stdout);
        print_ms(stdout, result_stage_names[stage], result->ms[stage]);
    }
    putchar('\n');
}

static void print_boxes(const struct picture_result *result, const struct names *names)
{
    size_t widest = strlen("class");
    bool has_tracks = false;
    for (size_t index = 0; index < result->count; index++) {
        size_t width = text_width(name_class(names, result->found[index].box.class_id));
        widest = width > widest ? width : widest;
        has_tracks = has_tracks || result->found[index].track;
    }
    if (result->count == 0)
        return;
    fputs("  ", stdout);
    print_padded(stdout, "class", widest);
    printf("  %5s%9s%9s%9s%9s%s\n", "score", "x1", "y1", "x2", "y2", has_tracks ? "    track" : "");
    for (size_t index = 0; index < result->count; index++) {
        const gvk_detection *box = &result->found[index].box;
        float clipped[4];
        result_clip(result, box, clipped);
        fputs("  ", stdout);
        print_padded(stdout, name_class(names, box->class_id), widest);
        printf("  %.3f%9.1f%9.1f%9.1f%9.1f", (double)box->score, (double)clipped[0], (double)clipped[1],
               (double)clipped[2], (double)clipped[3]);
        if (result->found[index].track)
            printf("%9" PRIu64, result->found[index].track);
        putchar('\n');
    }
}

void print_table(const struct picture_result *result, const char *const *classes, uint32_t class_count,
                 const char *drawn)
{
    const struct names names = {.classes = classes, .count = class_count};
    putchar('\n');
    print_text(stdout, result->path);
    if (result->frame >= 0)
        printf("  frame %" PRId64, result->frame);
    printf("  %" PRIu32 "x%" PRIu32 "\n", result->width, result->height);
    print_boxes(result, &names);
    print_counts(result, &names);
    print_times(result);
    if (drawn) {
        fputs("  drawn to ", stdout);
        print_text(stdout, drawn);
        putchar('\n');
    }
}
