/* See results.h. */
#include "results.h"

#include <math.h>
#include <stdlib.h>

#include "cli/base/message.h"
#include "parts.h"

static bool add_writer(struct results *results, const struct writer_kind *kind, const char *path)
{
    struct writer *writer = &results->writers[results->writer_count];
    char message[RESULT_MESSAGE_SIZE];
    if (!path)
        return true;
    *writer = (struct writer){.kind = kind, .path = path};
    if (kind->open && !kind->open(results, writer, message)) {
        say("%s: %s", path, message);
        return false;
    }
    results->writer_count++;
    return true;
}

int results_open(const struct results_choice *choice, struct results **out)
{
    struct results *results = calloc(1, sizeof *results);
    *out = NULL;
    if (!results)
        return refuse_memory();
    results->choice = *choice;
    const struct {
        const struct writer_kind *kind;
        const char *path;
    } wanted[] = {
        {&writer_of_json, choice->json},
    };
    for (size_t index = 0; index < sizeof wanted / sizeof *wanted; index++) {
        if (!add_writer(results, wanted[index].kind, wanted[index].path)) {
            results_close(results);
            return OUTCOME_SOME_FAILED;
        }
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
        free(writer->own);
    }
    free(results);
}

bool results_have(const struct results *results, const struct picture_result *which)
{
    (void)results, (void)which;
    return false;
}

size_t results_kept(const struct results *results)
{
    (void)results;
    return 0;
}

void results_begin(struct results *results, const struct results_header *header)
{
    results->header = *header;
    for (size_t index = 0; index < results->writer_count; index++)
        if (results->writers[index].kind->begin)
            results->writers[index].kind->begin(results, &results->writers[index]);
}

enum results_state results_add(struct results *results, const struct picture_result *picture)
{
    enum results_state worst = RESULTS_WRITTEN;
    for (size_t index = 0; index < results->writer_count; index++) {
        struct writer *writer = &results->writers[index];
        if (writer->broken || !writer->kind->add)
            continue;
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
