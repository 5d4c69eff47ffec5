/* Boxes as JSON: one object for all pictures, or JSON Lines, a line a picture or frame that says all by itself. */
#include <math.h>
#include <string.h>

#include "parts.h"

static void put_found(struct json *json, const struct results *results, const struct picture_result *picture,
                      const struct found *found)
{
    float box[4];
    result_clip(picture, &found->box, box);
    json_open_object(json, JSON_LINE);
    json_key(json, "class");
    json_string(json, result_class_name(results, found->box.class_id));
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

static void put_picture(struct json *json, enum json_layout layout, const struct results *results,
                        const struct picture_result *picture)
{
    json_open_object(json, layout);
    json_key(json, "file");
    json_string(json, picture->path);
    if (picture->frame >= 0) {
        json_key(json, "frame");
        json_integer(json, picture->frame);
        if (isfinite(picture->time)) {
            json_key(json, "time");
            json_double(json, round(picture->time * 1e6) / 1e6);
        }
    }
    if (picture->error) {
        json_key(json, "error");
        json_string(json, picture->error);
        json_close(json);
        return;
    }
    json_key(json, "width");
    json_unsigned(json, picture->width);
    json_key(json, "height");
    json_unsigned(json, picture->height);
    json_key(json, "detections");
    json_open_array(json, layout);
    for (size_t index = 0; index < picture->count; index++)
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

static void begin_json(struct results *results, struct writer *writer)
{
    struct json *json = &writer->json;
    json_start(json, writer->file.stream);
    json_open_object(json, JSON_BLOCK);
    json_key(json, "model");
    json_string(json, results->header.model);
    json_key(json, "device");
    json_string(json, results->header.device);
    json_key(json, "images");
    json_open_array(json, JSON_BLOCK);
}

static enum results_state add_json(struct results *results, struct writer *writer, const struct picture_result *picture)
{
    put_picture(&writer->json, JSON_BLOCK, results, picture);
    return result_check_file(results, writer);
}

static bool finish_json(struct results *results, struct writer *writer, char *message)
{
    (void)results;
    json_close(&writer->json);
    json_close(&writer->json);
    bool complete = json_finish(&writer->json);
    if (!output_file_commit(&writer->file, message, RESULT_MESSAGE_SIZE))
        return false;
    if (!complete)
        strcpy(message, "cannot be written: the output reported an error");
    return complete;
}

const struct writer_kind writer_of_json = {
    .option = "--json",
    .open = result_open_file,
    .begin = begin_json,
    .add = add_json,
    .finish = finish_json,
};
