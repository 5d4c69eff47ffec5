/* See parts.h. */
#include "parts.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "cli/base/message.h"

const char *const result_stage_names[RESULT_STAGES] = {"load", "resize", "network", "decode", "total"};

const char *result_class_name(const struct results *results, uint32_t class_id)
{
    return class_id < results->header.class_count ? results->header.classes[class_id] : "?";
}

void box_clip(const gvk_detection *box, uint32_t width, uint32_t height, float out[4])
{
    for (int side = 0; side < 4; side++) {
        float end = (float)(side % 2 ? height : width), value = box->box[side];
        out[side] = value < 0 ? 0 : value > end ? end : value; /* a not-a-number stays one */
    }
}

void result_clip(const struct picture_result *picture, const gvk_detection *box, float out[4])
{
    box_clip(box, picture->width, picture->height, out);
}

bool result_is_finite(const gvk_detection *box)
{
    bool finite = isfinite(box->score);
    for (int side = 0; side < 4; side++)
        finite = finite && isfinite(box->box[side]);
    return finite;
}

enum results_state result_break(struct results *results, struct writer *writer, const char *message)
{
    bool is_stdout = output_is_stdout(writer->path);
    if (!writer->broken)
        say("%s: %s", is_stdout ? "standard output" : writer->path, message);
    writer->broken = true;
    results->failed = true;
    results->stdout_failed = results->stdout_failed || is_stdout;
    return RESULTS_BROKEN;
}

bool result_open_file(struct results *results, struct writer *writer, char *message)
{
    (void)results;
    return output_file_open(&writer->file, writer->path, message, RESULT_MESSAGE_SIZE);
}

bool result_commit_file(struct results *results, struct writer *writer, char *message)
{
    (void)results;
    return output_file_commit(&writer->file, message, RESULT_MESSAGE_SIZE);
}

/* errno is what the failed write left (results_add clears it), where closing the file finds no reason itself. */
enum results_state result_check_file(struct results *results, struct writer *writer)
{
    char message[RESULT_MESSAGE_SIZE], other[RESULT_MESSAGE_SIZE];
    if (!ferror(writer->file.stream))
        return RESULTS_WRITTEN;
    snprintf(message, sizeof message, "cannot be written: %s",
             errno ? strerror(errno) : "the output reported an error");
    if (errno)
        output_file_abort(&writer->file);
    else if (!output_file_commit(&writer->file, other, sizeof other))
        memcpy(message, other, sizeof message);
    writer->finished = true;
    return result_break(results, writer, message);
}
