/* How many of each class: a line a picture or frame, and one for all of them. Where objects are followed over a video,
 * the last line counts objects and not boxes: each once, as what it was taken for first. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/text.h"
#include "parts.h"

struct counts {
    uint64_t pictures, frames, boxes, tracks;
    uint64_t *of_picture, *of_all, *tracks_of_all; /* by class */
    struct name_map followed;                      /* the video's path, a zero byte, the track */
    bool lacks_memory;
};

static void print_counts(const struct results *results, uint64_t count, const uint64_t *by_class)
{
    const char *separator = ": ";
    printf("%" PRIu64 " object%s", count, count == 1 ? "" : "s");
    for (uint32_t class_id = 0; class_id < results->header.class_count; class_id++) {
        if (!by_class[class_id])
            continue;
        printf("%s%" PRIu64 " ", separator, by_class[class_id]);
        print_text(stdout, results->header.classes[class_id]);
        separator = ", ";
    }
}

static bool begin_counts(struct results *results, struct writer *writer, char *message)
{
    size_t classes = results->header.class_count;
    struct counts *counts = writer->own = calloc(1, sizeof *counts);
    if (counts)
        counts->of_picture = calloc(3 * (classes ? classes : 1), sizeof *counts->of_picture);
    if (!counts || !counts->of_picture) {
        strcpy(message, "needs more memory than there is");
        return false;
    }
    counts->of_all = counts->of_picture + classes;
    counts->tracks_of_all = counts->of_all + classes;
    return true;
}

static void follow(struct counts *counts, const struct picture_result *picture, const struct found *found)
{
    size_t length = strlen(picture->path), size = length + 32;
    char *key = malloc(size);
    bool is_new = false;
    if (key) {
        memcpy(key, picture->path, length + 1);
        length += 1 + (size_t)snprintf(key + length + 1, 31, "%" PRIu64, found->track);
    }
    counts->lacks_memory =
        counts->lacks_memory || !key || !name_map_put(&counts->followed, key, length, 0, NULL, &is_new);
    free(key);
    counts->tracks += is_new;
    counts->tracks_of_all[found->box.class_id] += is_new;
}

static enum results_state add_counts(struct results *results, struct writer *writer,
                                     const struct picture_result *picture)
{
    struct counts *counts = writer->own;
    uint64_t count = 0;
    if (picture->error)
        return RESULTS_WRITTEN;
    memset(counts->of_picture, 0, results->header.class_count * sizeof *counts->of_picture);
    for (size_t index = 0; index < picture->count; index++) {
        const struct found *found = &picture->found[index];
        if (found->box.class_id >= results->header.class_count)
            continue;
        counts->of_picture[found->box.class_id]++;
        counts->of_all[found->box.class_id]++;
        count++;
        if (found->track)
            follow(counts, picture, found);
    }
    counts->boxes += count;
    *(picture->frame >= 0 ? &counts->frames : &counts->pictures) += 1;
    print_text(stdout, picture->path);
    if (picture->frame >= 0)
        printf(" frame %" PRId64, picture->frame);
    fputs(": ", stdout);
    print_counts(results, count, counts->of_picture);
    putchar('\n');
    fflush(stdout);
    return RESULTS_WRITTEN; /* the program checks standard output itself */
}

static bool finish_counts(struct results *results, struct writer *writer, char *message)
{
    const struct counts *counts = writer->own;
    fputs("total of ", stdout);
    if (counts->pictures || !counts->frames)
        printf("%" PRIu64 " picture%s", counts->pictures, counts->pictures == 1 ? "" : "s");
    if (counts->frames)
        printf("%s%" PRIu64 " frame%s", counts->pictures ? " and " : "", counts->frames,
               counts->frames == 1 ? "" : "s");
    fputs(": ", stdout);
    if (counts->tracks) {
        print_counts(results, counts->tracks, counts->tracks_of_all);
        printf("; %" PRIu64 " boxes", counts->boxes);
    } else {
        print_counts(results, counts->boxes, counts->of_all);
    }
    putchar('\n');
    if (counts->lacks_memory)
        strcpy(message, "objects were not counted: there was not enough memory");
    return !counts->lacks_memory;
}

static void close_counts(struct writer *writer)
{
    struct counts *counts = writer->own;
    if (!counts)
        return;
    name_map_release(&counts->followed);
    free(counts->of_picture);
}

const struct writer_kind writer_of_counts = {
    .option = "--count",
    .begin = begin_counts,
    .add = add_counts,
    .finish = finish_counts,
    .close = close_counts,
};
