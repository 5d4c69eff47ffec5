/* Boxes, or a classifier's classes, as JSON: one object for all pictures, or JSON Lines, a line a picture or frame that
 * says all by itself. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/text.h"
#include "cli/files/run_lock.h"
#include "cli/results/reading/kept_lines.h"
#include "cli/system/files.h"
#include "parts.h"

static void put_found(struct json *json, const struct results *results, const struct picture_result *picture,
                      const struct found *found)
{
    float box[4];
    result_clip(picture, &found->box, box);
    json_open_object(json, JSON_LINE);
    json_key(json, "class");
    json_quoted(json, result_class_name(results, found->box.class_id));
    json_key(json, "class_id");
    json_unsigned(json, found->box.class_id);
    json_key(json, "score");
    json_float(json, found->box.score);
    json_key(json, "box");
    json_open_array(json, JSON_LINE);
    for (int side = 0; side < 4; side++)
        json_float(json, box[side]);
    json_close(json);
    if (found->track) {
        json_key(json, "track");
        json_unsigned(json, found->track);
    }
    json_close(json);
}

static void put_ranked(struct json *json, const struct results *results, const struct ranked_class *ranked)
{
    json_open_object(json, JSON_LINE);
    json_key(json, "class");
    json_quoted(json, result_class_name(results, ranked->class_id));
    json_key(json, "class_id");
    json_unsigned(json, ranked->class_id);
    json_key(json, "score");
    json_float(json, (float)ranked->score);
    json_close(json);
}

static bool is_utf8(const char *text)
{
    size_t left = strlen(text), length = 1;
    for (; left && length; text += length, left -= length)
        length = text_measure(text, left);
    return length != 0;
}

/* A name that is no UTF-8 cannot be a JSON string as it is, and its line must tell it from others all the same. */
static void put_bytes(struct json *json, const char *text)
{
    size_t length = strlen(text);
    char *digits = malloc(2 * length + 1);
    for (size_t index = 0; digits && index < length; index++)
        snprintf(digits + 2 * index, 3, "%02x", (unsigned)(unsigned char)text[index]);
    json->failed = json->failed || !digits;
    if (digits) {
        json_key(json, "file_bytes");
        json_quoted(json, digits);
    }
    free(digits);
}

static void put_picture(struct json *json, enum json_layout layout, const struct results *results,
                        const struct picture_result *picture)
{
    json_open_object(json, layout);
    json_key(json, "file");
    json_quoted(json, picture->path);
    if (layout == JSON_LINE && !is_utf8(picture->path))
        put_bytes(json, picture->path);
    if (picture->frame >= 0) {
        json_key(json, "frame");
        json_signed(json, picture->frame);
        if (isfinite(picture->time)) {
            json_key(json, "time");
            json_double(json, round(picture->time * 1e6) / 1e6);
        }
    }
    if (picture->error) {
        json_key(json, "error");
        json_quoted(json, picture->error);
        json_close(json);
        return;
    }
    json_key(json, "width");
    json_unsigned(json, picture->width);
    json_key(json, "height");
    json_unsigned(json, picture->height);
    json_key(json, picture->ranked ? "classes" : "detections");
    json_open_array(json, layout);
    for (size_t index = 0; index < picture->count; index++)
        if (picture->ranked)
            put_ranked(json, results, &picture->ranked[index]);
        else
            put_found(json, results, picture, &picture->found[index]);
    json_close(json);
    json_key(json, "ms");
    json_open_object(json, JSON_LINE);
    for (int stage = 0; stage < RESULT_STAGES; stage++) {
        json_key(json, result_stage_names[stage]);
        json_double(json, round(picture->ms[stage] * 1e3) / 1e3);
    }
    json_close(json);
    json_close(json);
}

/* ---- one object ---- */

static bool begin_json(struct results *results, struct writer *writer, char *message)
{
    struct json *json = &writer->json;
    (void)message;
    json_start(json, writer->file.stream);
    json_open_object(json, JSON_BLOCK);
    json_key(json, "model");
    json_quoted(json, results->header.model);
    json_key(json, "device");
    json_quoted(json, results->header.device);
    json_key(json, "images");
    json_open_array(json, JSON_BLOCK);
    return true;
}

static enum results_state add_json(struct results *results, struct writer *writer, const struct picture_result *picture)
{
    put_picture(&writer->json, JSON_BLOCK, results, picture);
    return result_check_file(results, writer);
}

static bool finish_json(struct results *results, struct writer *writer, char *message)
{
    json_close(&writer->json);
    json_close(&writer->json);
    bool complete = json_finish(&writer->json);
    if (!result_commit_file(results, writer, message))
        return false;
    if (!complete)
        strcpy(message, "cannot be written: the output reported an error");
    return complete;
}

const struct writer_kind writer_of_json = {
    .option = "--json",
    .is_whole = true,
    .open = result_open_file,
    .begin = begin_json,
    .add = add_json,
    .finish = finish_json,
};

/* ---- lines ------------------------------------------------------------------------------------------------------- */

/* A file is added to under its own name, so that what is done is there whatever happens to the program. */
struct lines {
    struct kept_lines kept;
    bool is_file, was_there;
    int file;             /* the stream's */
    uint64_t whole_bytes; /* of the lines that are written whole */
};

/* What a run before has left, without the lines that tell of an error. lines->file is the file that holds it, or -1. */
static bool keep_lines(struct writer *writer, char *message)
{
    struct lines *lines = writer->own;
    if (!kept_lines_read(writer->path, &lines->kept, message, RESULT_MESSAGE_SIZE))
        return false;
    if (!lines->kept.failed_count)
        return true;
    int replaced = lines->file; /* locked until the new one is */
    if (!file_is_replaced_while_open()) {
        file_close(replaced);
        replaced = -1;
    }
    bool is_dropped = kept_lines_drop_failed(&lines->kept, writer->path, message, RESULT_MESSAGE_SIZE);
    lines->file = is_dropped ? run_lock_open(writer->path, message, RESULT_MESSAGE_SIZE) : -1;
    if (replaced >= 0)
        file_close(replaced);
    return lines->file >= 0;
}

static bool open_lines(struct results *results, struct writer *writer, char *message)
{
    struct file_status status;
    struct lines *lines = writer->own = calloc(1, sizeof *lines);
    if (!lines) {
        strcpy(message, "needs more memory than there is");
        return false;
    }
    lines->was_there = file_look(writer->path, &status);
    lines->is_file = !output_is_stdout(writer->path) && !file_is_descriptor(writer->path) &&
                     (lines->was_there ? status.kind == FILE_REGULAR : errno == ENOENT);
    if (!lines->is_file)
        return result_open_file(results, writer, message);
    lines->file = run_lock_open(writer->path, message, RESULT_MESSAGE_SIZE);
    if (lines->file < 0)
        return false;
    if (results->choice.resume && !keep_lines(writer, message)) {
        if (lines->file >= 0)
            file_close(lines->file);
        return false;
    }
    writer->file.stream = file_stream(lines->file);
    if (!writer->file.stream) {
        snprintf(message, RESULT_MESSAGE_SIZE, "cannot be written: %s", strerror(errno));
        file_close(lines->file);
    }
    return writer->file.stream != NULL;
}

/* Not before the model is there: what a failure leaves are the lines of the run before. */
static bool begin_lines(struct results *results, struct writer *writer, char *message)
{
    struct lines *lines = writer->own;
    (void)results;
    if (lines->is_file && !file_cut(lines->file, lines->kept.whole_bytes)) {
        snprintf(message, RESULT_MESSAGE_SIZE, "cannot be written: %s", strerror(errno));
        return false;
    }
    lines->whole_bytes = lines->kept.whole_bytes;
    return true;
}

static enum results_state add_line(struct results *results, struct writer *writer, const struct picture_result *picture)
{
    struct lines *lines = writer->own;
    struct json json;
    enum results_state state = RESULTS_WRITTEN;
    json_start(&json, NULL);
    put_picture(&json, JSON_LINE, results, picture);
    if (!json_finish(&json)) {
        state = result_break(results, writer, "needs more memory than there is");
    } else if (fwrite(json.text, 1, json.length, writer->file.stream) != json.length ||
               fflush(writer->file.stream) != 0) {
        char message[RESULT_MESSAGE_SIZE];
        snprintf(message, sizeof message, "cannot be written: %s", strerror(errno));
        state = result_break(results, writer, message);
        if (lines->is_file) /* no half line stays */
            file_cut(lines->file, lines->whole_bytes);
    } else {
        lines->whole_bytes += json.length;
    }
    json_release(&json);
    return state;
}

static void close_lines(struct writer *writer)
{
    struct lines *lines = writer->own;
    if (!lines)
        return;
    if (!writer->finished && lines->is_file && !lines->was_there && !lines->whole_bytes && writer->file.stream)
        file_remove(writer->path);
    kept_lines_release(&lines->kept);
}

static bool lines_have(const struct writer *writer, const struct picture_result *which)
{
    const struct lines *lines = writer->own;
    return kept_lines_have(&lines->kept, which->path, which->frame);
}

size_t result_lines_kept(const struct writer *writer)
{
    const struct lines *lines = writer->own;
    return lines->kept.count;
}

const struct writer_kind writer_of_lines = {
    .option = "--jsonl",
    .open = open_lines,
    .begin = begin_lines,
    .add = add_line,
    .finish = result_commit_file,
    .close = close_lines,
    .has = lines_have,
};
