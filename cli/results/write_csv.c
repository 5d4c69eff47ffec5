/* A table of values with commas between, a row a box or a class that a classifier tells, quoted as RFC 4180 says. Lines
 * end as the system's do elsewhere, with a line feed alone. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "parts.h"

/* A field that would be read as more than one, or not as it is, goes between quotes. */
static void put_text(FILE *stream, const char *text)
{
    size_t length = strlen(text);
    if (!strpbrk(text, ",\"\r\n") && (!length || (text[0] != ' ' && text[length - 1] != ' '))) {
        fputs(text, stream);
        return;
    }
    fputc('"', stream);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', stream);
        fputc(*text, stream);
    }
    fputc('"', stream);
}

/* The shortest digits that read back as the same number, or nothing where it is none. */
static void put_number(FILE *stream, float value)
{
    struct json json;
    fputc(',', stream);
    json_start(&json, stream);
    if (isfinite(value))
        json_float(&json, value);
}

static bool begin_csv(struct results *results, struct writer *writer, char *message)
{
    (void)message;
    fputs("file,frame,time,width,height,", writer->file.stream);
    fputs(results->header.ranks ? "place,class,class_id,score\n" : "class,class_id,score,x1,y1,x2,y2,track\n",
          writer->file.stream);
    return true;
}

/* What rows of one picture begin with. */
static void put_picture(FILE *stream, const struct picture_result *picture)
{
    put_text(stream, picture->path);
    fputc(',', stream);
    if (picture->frame >= 0)
        fprintf(stream, "%" PRId64, picture->frame);
    fputc(',', stream);
    if (picture->frame >= 0 && isfinite(picture->time))
        fprintf(stream, "%.6f", picture->time);
    fprintf(stream, ",%" PRIu32 ",%" PRIu32 ",", picture->width, picture->height);
}

static void put_class(FILE *stream, const struct results *results, uint32_t class_id, float score)
{
    put_text(stream, result_class_name(results, class_id));
    fprintf(stream, ",%" PRIu32, class_id);
    put_number(stream, score);
}

static enum results_state add_csv(struct results *results, struct writer *writer, const struct picture_result *picture)
{
    FILE *stream = writer->file.stream;
    for (size_t index = 0; index < picture->count && !picture->error; index++) {
        put_picture(stream, picture);
        if (picture->ranked) {
            fprintf(stream, "%zu,", index + 1);
            put_class(stream, results, picture->ranked[index].class_id, (float)picture->ranked[index].score);
            fputc('\n', stream);
            continue;
        }
        const struct found *found = &picture->found[index];
        float box[4];
        result_clip(picture, &found->box, box);
        put_class(stream, results, found->box.class_id, found->box.score);
        for (int side = 0; side < 4; side++)
            put_number(stream, box[side]);
        fputc(',', stream);
        if (found->track)
            fprintf(stream, "%" PRIu64, found->track);
        fputc('\n', stream);
    }
    return result_check_file(results, writer);
}

const struct writer_kind writer_of_csv = {
    .option = "--csv",
    .is_whole = true,
    .open = result_open_file,
    .begin = begin_csv,
    .add = add_csv,
    .finish = result_commit_file,
};
