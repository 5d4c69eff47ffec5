/* A text a picture: YOLO's, for training and labelling tools, and the family's detection results, for its get_map.
 *
 * YOLO: "class cx cy w h [score]", fractions of the picture's sides, clipped; boxes without area are left out.
 * Family: "name score left top right bottom" as its get_map_txt writes them: class by class, best first, not clipped
 * here, corners cut off towards zero, the score's shortest digits cut off after six characters. There a score below
 * 0.0001 would become another number by losing its exponent; here it is 0.0000. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/message.h"
#include "cli/system/files.h"
#include "parts.h"

#define ENDING ".txt"

static void put_yolo(FILE *stream, const struct results *results, const struct picture_result *picture)
{
    double width = picture->width, height = picture->height;
    for (size_t index = 0; index < picture->count; index++) {
        const gvk_detection *box = &picture->found[index].box;
        float clipped[4];
        result_clip(picture, box, clipped);
        double x1 = clipped[0], y1 = clipped[1], x2 = clipped[2], y2 = clipped[3];
        if (!result_is_finite(box) || !(x1 < x2) || !(y1 < y2))
            continue;
        fprintf(stream, "%u %.6f %.6f %.6f %.6f", (unsigned)box->class_id, (x1 + x2) / 2 / width,
                (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height);
        if (results->choice.save_confidence)
            fprintf(stream, " %.6f", (double)box->score);
        fputc('\n', stream);
    }
}

/* A name stays on its line; get_map takes all words in front of the numbers as the name. */
static void put_name(FILE *stream, const char *name)
{
    for (; *name; name++)
        fputc((unsigned char)*name < 0x20 || *name == 0x7F ? '_' : *name, stream);
}

static void put_score(FILE *stream, float score)
{
    struct json json;
    json_start(&json, NULL);
    json_float(&json, score);
    const char *text = json.text ? json.text : "0";
    if (strchr(text, 'e'))
        fputs("0.0000", stream);
    else
        fprintf(stream, "%.6s%s", text, strchr(text, '.') ? "" : ".0");
    json_release(&json);
}

static void put_family(FILE *stream, const struct results *results, const struct picture_result *picture)
{
    uint32_t next = 0;
    for (size_t written = 0; written < picture->count;) {
        uint32_t class_id = UINT32_MAX; /* the lowest that is left */
        for (size_t index = 0; index < picture->count; index++) {
            uint32_t other = picture->found[index].box.class_id;
            class_id = other >= next && other < class_id ? other : class_id;
        }
        for (size_t index = 0; index < picture->count; index++) {
            const gvk_detection *box = &picture->found[index].box;
            if (box->class_id != class_id)
                continue;
            written++;
            if (!result_is_finite(box))
                continue;
            put_name(stream, result_class_name(results, class_id));
            fputc(' ', stream);
            put_score(stream, box->score);
            for (int side = 0; side < 4; side++)
                fprintf(stream, " %.0f", (double)(truncf(box->box[side]) + 0.0f)); /* no "-0" */
            fputc('\n', stream);
        }
        if (class_id == UINT32_MAX)
            break;
        next = class_id + 1;
    }
}

static enum results_state add_text(struct results *results, struct writer *writer, const struct picture_result *picture)
{
    char message[RESULT_MESSAGE_SIZE] = "needs more memory than there is";
    struct output_file file = {0};
    bool written = false;
    if (picture->error)
        return RESULTS_WRITTEN;
    char *name = picture_file_name(writer->path, picture, ENDING);
    if (name && picture_file_claim(results, name, message) && output_file_open(&file, name, message, sizeof message)) {
        if (writer->kind == &writer_of_yolo)
            put_yolo(file.stream, results, picture);
        else
            put_family(file.stream, results, picture);
        written = output_file_commit(&file, message, sizeof message);
    }
    if (!written)
        say("%s: %s", name ? name : writer->path, message);
    free(name);
    return written ? RESULTS_WRITTEN : RESULTS_LACKING;
}

static bool text_is_there(const struct writer *writer, const struct picture_result *which)
{
    struct file_status status;
    char *name = picture_file_name(writer->path, which, ENDING);
    bool is_there = name && file_look(name, &status) && status.kind == FILE_REGULAR;
    free(name);
    return is_there;
}

const struct writer_kind writer_of_yolo = {
    .option = "--yolo", .is_folder = true, .add = add_text, .has = text_is_there};
const struct writer_kind writer_of_family = {
    .option = "--voc-family", .is_folder = true, .add = add_text, .has = text_is_there};
