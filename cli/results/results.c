/* See results.h. */
#include "results.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "cli/base/message.h"
#include "cli/pictures/image_io.h"
#include "cli/video/url.h"
#include "parts.h"

/* An exit code; what is wrong has been said. */
static int add_writer(struct results *results, const struct writer_kind *kind, const char *path)
{
    struct writer *writer = &results->writers[results->writer_count];
    char message[RESULT_MESSAGE_SIZE];
    if (!path)
        return OUTCOME_DONE;
    if (kind->is_whole && results->choice.resume)
        return refuse_usage("--resume adds to --jsonl and to folders; %s is written whole", kind->option);
    if (!kind->is_folder && (image_kind_of_path(path) != IMAGE_UNKNOWN || video_has_ending(path)))
        return refuse_usage("%s %s: that is the name of a picture or video, which would be replaced", kind->option,
                            path);
    results->writer_count++;
    *writer = (struct writer){.kind = kind, .path = path};
    if ((!kind->is_folder || output_folder_make(&writer->folder, path, message, sizeof message)) &&
        (!kind->open || kind->open(results, writer, message)))
        return OUTCOME_DONE;
    say("%s: %s", path, message);
    return OUTCOME_SOME_FAILED;
}

/* Two outputs in one stream could not be told apart. */
static int check_stdout(const struct results_choice *choice)
{
    const struct {
        const char *option, *path;
    } files[] = {{"--json", choice->json},
                 {"--jsonl", choice->lines},
                 {"--csv", choice->csv},
                 {"--coco", choice->coco},
                 {"--count", choice->count ? "-" : NULL}};
    const char *taken = NULL;
    for (size_t index = 0; index < sizeof files / sizeof *files; index++) {
        if (!files[index].path || !output_is_stdout(files[index].path))
            continue;
        if (taken)
            return refuse_usage("%s and %s cannot both go to standard output", taken, files[index].option);
        taken = files[index].option;
    }
    return OUTCOME_DONE;
}

int results_open(const struct results_choice *choice, struct results **out)
{
    *out = NULL;
    int outcome = check_stdout(choice);
    if (outcome != OUTCOME_DONE)
        return outcome;
    struct results *results = calloc(1, sizeof *results);
    if (!results)
        return refuse_memory();
    results->choice = *choice;
    /* Lines come last: who goes on after a kill passes over pictures that have one. */
    const struct {
        const struct writer_kind *kind;
        const char *path;
    } wanted[WRITERS_MAX] = {
        {&writer_of_crops, choice->crops},
        {&writer_of_yolo, choice->yolo},
        {&writer_of_family, choice->family},
        {&writer_of_csv, choice->csv},
        {&writer_of_coco, choice->coco},
        {&writer_of_json, choice->json},
        {&writer_of_counts, choice->count ? "-" : NULL},
        {&writer_of_lines, choice->lines},
    };
    for (size_t index = 0; index < WRITERS_MAX && outcome == OUTCOME_DONE; index++)
        outcome = add_writer(results, wanted[index].kind, wanted[index].path);
    if (outcome != OUTCOME_DONE) {
        results_close(results);
        return outcome;
    }
    *out = results;
    return OUTCOME_DONE;
}

void results_close(struct results *results)
{
    if (!results)
        return;
    for (size_t index = 0; index < results->writer_count; index++) {
        struct writer *writer = &results->writers[index];
        if (writer->kind->close)
            writer->kind->close(writer);
        if (!writer->finished)
            output_file_abort(&writer->file);
        output_folder_unmake(&writer->folder); /* as far as nothing lies in it */
        free(writer->own);
    }
    name_map_release(&results->claimed);
    free(results);
}

bool results_have(const struct results *results, const struct picture_result *which)
{
    bool has = false;
    if (!results->choice.resume)
        return false;
    for (size_t index = 0; index < results->writer_count; index++) {
        const struct writer *writer = &results->writers[index];
        if (!writer->kind->has)
            continue;
        bool here = writer->kind->has(writer, which);
        if (writer->kind == &writer_of_lines)
            return here;
        if (!here)
            return false;
        has = true;
    }
    return has;
}

size_t results_kept(const struct results *results)
{
    for (size_t index = 0; index < results->writer_count; index++)
        if (results->writers[index].kind == &writer_of_lines)
            return result_lines_kept(&results->writers[index]);
    return 0;
}

int results_begin(struct results *results, const struct results_header *header)
{
    char message[RESULT_MESSAGE_SIZE];
    results->header = *header;
    for (size_t index = 0; index < results->writer_count; index++) {
        struct writer *writer = &results->writers[index];
        if (writer->kind->begin && !writer->kind->begin(results, writer, message)) {
            say("%s: %s", writer->path, message);
            return OUTCOME_SOME_FAILED;
        }
    }
    return OUTCOME_DONE;
}

enum results_state results_add(struct results *results, const struct picture_result *picture)
{
    enum results_state worst = RESULTS_WRITTEN;
    for (size_t index = 0; index < results->writer_count; index++) {
        struct writer *writer = &results->writers[index];
        if (writer->broken || !writer->kind->add)
            continue;
        errno = 0;
        enum results_state state = writer->kind->add(results, writer, picture);
        worst = state > worst ? state : worst;
    }
    results->failed = results->failed || worst != RESULTS_WRITTEN;
    return worst;
}

bool results_finish(struct results *results, bool *stdout_failed)
{
    for (size_t index = 0; index < results->writer_count; index++) {
        struct writer *writer = &results->writers[index];
        char message[RESULT_MESSAGE_SIZE];
        if (writer->broken || writer->finished)
            continue;
        if (writer->kind->finish && !writer->kind->finish(results, writer, message))
            result_break(results, writer, message);
        writer->finished = true;
    }
    *stdout_failed = results->stdout_failed;
    return !results->failed;
}

bool results_use_stdout(const struct results_choice *choice)
{
    const char *const files[] = {choice->json, choice->lines, choice->csv, choice->coco};
    for (size_t index = 0; index < sizeof files / sizeof *files; index++)
        if (files[index] && output_is_stdout(files[index]))
            return true;
    return choice->count;
}

bool results_write_anything(const struct results_choice *choice)
{
    return choice->json || choice->lines || choice->csv || choice->coco || choice->yolo || choice->family ||
           choice->crops;
}
