/* See thumbnail.h. */
#include "thumbnail.h"

#include <math.h>
#include <stdlib.h>

#include "cli/pictures/formats/formats.h"
#include "cli/pictures/image_io.h"

#define SIDE_MAX 360u

/* Means of the pixels that fall into one. */
static bool shrink(const struct image *image, struct image *out, double *factor)
{
    char message[128];
    uint32_t longer = image->width > image->height ? image->width : image->height;
    *factor = longer > SIDE_MAX ? (double)SIDE_MAX / longer : 1;
    uint32_t width = (uint32_t)fmax(1, image->width * *factor), height = (uint32_t)fmax(1, image->height * *factor);
    if (!image_create(width, height, out, message, sizeof message))
        return false;
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++) {
            uint32_t left = (uint32_t)((uint64_t)x * image->width / width),
                     top = (uint32_t)((uint64_t)y * image->height / height);
            uint32_t right = (uint32_t)((uint64_t)(x + 1) * image->width / width);
            uint32_t bottom = (uint32_t)((uint64_t)(y + 1) * image->height / height);
            uint64_t sums[3] = {0}, count = 0;
            for (uint32_t row = top; row < bottom; row++)
                for (uint32_t column = left; column < right; column++, count++)
                    for (int channel = 0; channel < 3; channel++)
                        sums[channel] += image->pixels[3 * ((size_t)row * image->width + column) + (size_t)channel];
            for (int channel = 0; channel < 3; channel++)
                out->pixels[3 * ((size_t)y * width + x) + (size_t)channel] =
                    (uint8_t)(sums[channel] / (count ? count : 1));
        }
    return true;
}

static void draw_frame(struct image *image, const struct box *box, double factor, unsigned line,
                       const uint8_t colour[3])
{
    double most_x = image->width - 1.0, most_y = image->height - 1.0;
    uint32_t left = (uint32_t)fmin(fmax(box->x1 * factor, 0), most_x),
             top = (uint32_t)fmin(fmax(box->y1 * factor, 0), most_y);
    uint32_t right = (uint32_t)fmin(fmax(box->x2 * factor, 0), most_x),
             bottom = (uint32_t)fmin(fmax(box->y2 * factor, 0), most_y);
    for (uint32_t y = top; y <= bottom; y++)
        for (uint32_t x = left; x <= right; x++)
            if (x < left + line || y < top + line || x + line > right || y + line > bottom)
                for (size_t channel = 0; channel < 3; channel++)
                    image->pixels[3 * ((size_t)y * image->width + x) + channel] = colour[channel];
}

static void write_base64(FILE *stream, FILE *file)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char bytes[3] = {0};
    size_t got;
    while ((got = fread(bytes, 1, 3, file)) > 0) {
        unsigned long value = (unsigned long)bytes[0] << 16 | (got > 1 ? (unsigned long)bytes[1] << 8 : 0) |
                              (got > 2 ? (unsigned long)bytes[2] : 0);
        fputc(digits[value >> 18], stream);
        fputc(digits[value >> 12 & 63], stream);
        fputc(got > 1 ? digits[value >> 6 & 63] : '=', stream);
        fputc(got > 2 ? digits[value & 63] : '=', stream);
    }
}

bool write_thumbnail(FILE *stream, const struct evaluation *evaluation, uint32_t picture, const unsigned char *is_met)
{
    static const uint8_t right[3] = {40, 190, 90}, wrong[3] = {255, 140, 0}, missed[3] = {230, 40, 140};
    const struct dataset *dataset = evaluation->dataset;
    const struct metrics *metrics = evaluation->metrics;
    struct image image = {0}, small = {0};
    char message[256];
    double factor;
    FILE *file = NULL;
    bool is_written = dataset->pictures[picture].path &&
                      image_read(dataset->pictures[picture].path, NULL, &image, message, sizeof message) &&
                      shrink(&image, &small, &factor);
    for (uint32_t index = 0; is_written && index < metrics->class_count; index++) {
        const struct class_metrics *mine = &metrics->classes[index];
        for (size_t place = mine->first; place < mine->first + mine->count; place++) {
            const struct judged *judged = &metrics->judged[place];
            const struct found_box *found = &evaluation->found->boxes[judged->found];
            if (found->picture == picture && judged->score >= SHOWN_SCORE && judged->verdict != VERDICT_IGNORED)
                draw_frame(&small, &found->box, factor, judged->verdict == VERDICT_RIGHT ? 1 : 2,
                           judged->verdict == VERDICT_RIGHT ? right : wrong);
        }
    }
    for (size_t truth = dataset->first_truths[picture]; is_written && truth < dataset->first_truths[picture + 1];
         truth++)
        if (!is_met[truth] && !dataset->truths[truth].is_ignored)
            draw_frame(&small, &dataset->truths[truth].box, factor, 2, missed);
    is_written = is_written && (file = tmpfile()) != NULL && image_write_jpeg(file, &small, message, sizeof message) &&
                 fflush(file) == 0 && fseek(file, 0, SEEK_SET) == 0;
    if (is_written) {
        fputs("data:image/jpeg;base64,", stream);
        write_base64(stream, file);
    }
    if (file)
        fclose(file);
    image_release(&image);
    image_release(&small);
    return is_written;
}
