/* What was found, cut out: a JPEG a box, named picture_index_class.jpg after the box's place in the list, whole pixels
 * that the box touches, clipped to the picture. Boxes without a pixel are left out. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/message.h"
#include "cli/base/text.h"
#include "cli/pictures/image_io.h"
#include "parts.h"

#define CLASS_BYTES_MAX 64

/* The class as a part of a file's name on any system: what separates, steers or has a meaning there becomes '_'. */
static void name_class(const char *class_name, char out[CLASS_BYTES_MAX + 1])
{
    size_t count = 0, left = strlen(class_name);
    while (left) {
        size_t length = text_measure(class_name, left), step = length ? length : 1;
        bool plain =
            length && !text_steers(class_name, length) && !(length == 1 && strchr("/\\:*?\"<>|.", *class_name));
        if (count + (plain ? step : 1) > CLASS_BYTES_MAX)
            break;
        if (plain)
            memcpy(out + count, class_name, step);
        else
            out[count] = '_';
        count += plain ? step : 1;
        class_name += step;
        left -= step;
    }
    out[count] = 0;
}

/* False when there is nothing of the box in the picture. */
static bool find_pixels(const struct picture_result *picture, const gvk_detection *box, uint32_t out[4])
{
    float clipped[4];
    result_clip(picture, box, clipped);
    if (!result_is_finite(box) || !(clipped[0] < clipped[2]) || !(clipped[1] < clipped[3]))
        return false;
    for (int side = 0; side < 4; side++)
        out[side] = (uint32_t)(side < 2 ? floorf(clipped[side]) : ceilf(clipped[side]));
    return true;
}

static bool write_crop(const struct image *image, const uint32_t pixels[4], const char *name, char *message)
{
    struct image crop;
    uint32_t width = pixels[2] - pixels[0], height = pixels[3] - pixels[1];
    if (!image_create(width, height, &crop, message, RESULT_MESSAGE_SIZE))
        return false;
    for (uint32_t row = 0; row < height; row++)
        memcpy(crop.pixels + (size_t)row * width * 3,
               image->pixels + ((size_t)(pixels[1] + row) * image->width + pixels[0]) * 3, (size_t)width * 3);
    bool written = image_write(name, &crop, message, RESULT_MESSAGE_SIZE);
    image_release(&crop);
    return written;
}

static enum results_state add_crops(struct results *results, struct writer *writer,
                                    const struct picture_result *picture)
{
    char message[RESULT_MESSAGE_SIZE] = "needs more memory than there is";
    const struct image *image = picture->image;
    if (picture->error || !picture->count || !image || !image->pixels || image->width != picture->width ||
        image->height != picture->height)
        return RESULTS_WRITTEN;
    enum results_state state = RESULTS_WRITTEN;
    char *stem = picture_file_name(writer->path, picture, "_");
    bool ready = stem && picture_file_claim(results, stem, message);
    if (!ready) {
        say("%s: %s", stem ? stem : writer->path, message);
        state = RESULTS_LACKING;
    }
    size_t size = stem ? strlen(stem) + CLASS_BYTES_MAX + 48 : 0;
    char *name = ready ? malloc(size) : NULL;
    for (size_t index = 0; name && index < picture->count; index++) {
        const gvk_detection *box = &picture->found[index].box;
        uint32_t pixels[4];
        char class_name[CLASS_BYTES_MAX + 1];
        if (!find_pixels(picture, box, pixels))
            continue;
        name_class(result_class_name(results, box->class_id), class_name);
        snprintf(name, size, "%s%zu_%s.jpg", stem, index, class_name);
        if (write_crop(image, pixels, name, message))
            continue;
        say("%s: %s", name, message);
        state = RESULTS_LACKING;
    }
    free(name);
    free(stem);
    return state;
}

const struct writer_kind writer_of_crops = {.option = "--crop", .is_folder = true, .add = add_crops};
