/* See image.h. */
#include "image.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/system/process.h"

#define PIXELS_PER_BYTE_MAX   4096u /* of what is no bomb */
#define PIXELS_PER_BYTE_USUAL 32u   /* of photographs, with room */
#define LITTLE_MEMORY         ((uint64_t)48 << 20)

bool image_refuse(const struct image_file *file, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(file->message, file->message_size, format, arguments);
    va_end(arguments);
    return false;
}

/* Half of the machine's memory: the other half is for the device's copy and everybody else. */
static uint64_t memory_to_take(void)
{
    uint64_t memory = process_machine_memory();
    return memory ? memory / 2 : (uint64_t)4 << 30;
}

bool image_begin(const struct image_file *file, uint32_t width, uint32_t height, uint64_t further, struct image *out)
{
    *out = (struct image){0};
    if (width == 0 || height == 0)
        return image_refuse(file, "is a picture without pixels");
    if (width > IMAGE_SIDE_MAX || height > IMAGE_SIDE_MAX)
        return image_refuse(file, "is a picture of %" PRIu32 " x %" PRIu32 " pixels; at most %u a side can be read",
                            width, height, IMAGE_SIDE_MAX);
    bool turned = !file->choice->ignore_orientation && file->orientation >= 5;
    if (file->choice->accept && !file->choice->accept(file->choice->user, turned ? height : width,
                                                      turned ? width : height, file->message, file->message_size))
        return false;
    uint64_t bytes = 3 * (uint64_t)width * height, all = bytes * (turned ? 2 : 1) + further;
    if (all > memory_to_take() || all > SIZE_MAX)
        return image_refuse(file,
                            "is a picture of %" PRIu32 " x %" PRIu32 " pixels, which takes %" PRIu64
                            " MiB of memory; this machine has too little",
                            width, height, all >> 20);
    uint8_t *pixels = calloc((size_t)bytes, 1);
    if (!pixels)
        return image_refuse(file, "needs more memory than there is");
    *out = (struct image){.width = width, .height = height, .pixels = pixels};
    return true;
}

bool image_is_plausible(const struct image_file *file, uint32_t width, uint32_t height, uint64_t free_pixels)
{
    uint64_t pixels = (uint64_t)width * height;
    if (pixels <= free_pixels || pixels / PIXELS_PER_BYTE_MAX <= file->count)
        return true;
    return image_refuse(file, "is taken for a bomb: %" PRIu32 " x %" PRIu32 " pixels in a file of %zu bytes", width,
                        height, file->count);
}

bool image_is_suspicious(const struct image_file *file, uint32_t width, uint32_t height)
{
    uint64_t pixels = (uint64_t)width * height;
    return 3 * pixels > LITTLE_MEMORY + 2 * (uint64_t)file->count && pixels / PIXELS_PER_BYTE_USUAL > file->count;
}

void image_convert_inverted_cmyk(const uint8_t *from, uint8_t *to, size_t width)
{
    for (size_t x = 0; x < width; x++, from += 4, to += 3) {
        unsigned black = from[3];
        for (size_t channel = 0; channel < 3; channel++) {
            unsigned product = (255u - from[channel]) * black + 128;
            to[channel] = (uint8_t)(black - ((product + (product >> 8)) >> 8));
        }
    }
}

bool image_create(uint32_t width, uint32_t height, struct image *out, char *message, size_t message_size)
{
    static const struct image_choice any = {0};
    const struct image_file file = {.choice = &any, .message = message, .message_size = message_size};
    return image_begin(&file, width, height, 0, out);
}

void image_release(struct image *image)
{
    free(image->pixels);
    *image = (struct image){0};
}
