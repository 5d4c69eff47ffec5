/* Memory that ends at a forbidden page, and the checks of a decoded picture. See fuzz_picture.h. */
#define _DEFAULT_SOURCE /* mmap without a file */

#include "fuzz_picture.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/pictures/formats/exif.h"
#include "cli/pictures/image_io.h"

#define SLOTS 8u /* the input, a picture, its turned copy, its palette's indices, texts, a row */

static struct slot {
    unsigned char *end; /* where the forbidden page begins */
    unsigned char *block;
} slots[SLOTS];

static void prepare(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (size_t i = 0; i < SLOTS; i++) {
        unsigned char *memory = mmap(NULL, FUZZ_PICTURE_BYTES + page, PROT_READ | PROT_WRITE,
                                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        FUZZ_CHECK(memory != MAP_FAILED);
        FUZZ_CHECK(mprotect(memory + FUZZ_PICTURE_BYTES, page, PROT_NONE) == 0);
        slots[i].end = memory + FUZZ_PICTURE_BYTES;
    }
}

static void *lend(size_t bytes, int filler)
{
    if (!slots[0].end)
        prepare();
    for (size_t i = 0; i < SLOTS && bytes <= FUZZ_PICTURE_BYTES; i++) {
        if (slots[i].block)
            continue;
        slots[i].block = slots[i].end - bytes;
        memset(slots[i].block, filler, bytes);
        return slots[i].block;
    }
    return NULL;
}

void *fuzz_picture_calloc(size_t count, size_t size)
{
    return size && count > FUZZ_PICTURE_BYTES / size ? NULL : lend(count * size, 0);
}

void *fuzz_picture_malloc(size_t bytes)
{
    return lend(bytes, 0xa5);
}

void fuzz_picture_free(void *block)
{
    if (!block)
        return;
    size_t i = 0;
    while (i < SLOTS && slots[i].block != block)
        i++;
    FUZZ_CHECK(i < SLOTS);
    slots[i].block = NULL;
}

void fuzz_read_picture(const uint8_t *data, size_t size)
{
    char message[256] = "";
    struct image image;
    uint8_t *copy = fuzz_picture_malloc(size);
    if (!copy)
        return;
    if (size)
        memcpy(copy, data, size);
    unsigned orientation = exif_orientation_of_jpeg(copy, size);
    FUZZ_CHECK(orientation >= 1 && orientation <= 8);
    orientation = exif_orientation_of_png(copy, size);
    FUZZ_CHECK(orientation >= 1 && orientation <= 8);

    bool is_read = image_read_bytes(copy, size, NULL, &image, message, sizeof message);
    FUZZ_CHECK(is_read == (image.pixels != NULL));
    if (is_read) {
        FUZZ_CHECK(image.width > 0 && image.width <= IMAGE_SIDE_MAX && image.height > 0 &&
                   image.height <= IMAGE_SIDE_MAX);
        fuzz_touch(image.pixels, (size_t)image.width * image.height * 3);
    } else {
        FUZZ_CHECK(image.width == 0 && image.height == 0);
        fuzz_check_sentence(message);
    }
    image_release(&image);
    fuzz_picture_free(copy);
    for (size_t i = 0; i < SLOTS; i++)
        FUZZ_CHECK(!slots[i].block);
}
