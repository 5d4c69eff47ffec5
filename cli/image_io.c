/* Reading a picture file into memory, telling what it is, and turning it upright; writing one whole. The formats
 * themselves are in jpeg.c and png.c. */
#include "image_io.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exif.h"
#include "output_file.h"

bool image_check_size(uint32_t width, uint32_t height, char *message, size_t message_size)
{
    if (width == 0 || height == 0) {
        snprintf(message, message_size, "is a picture without pixels");
        return false;
    }
    if (width > IMAGE_SIDE_MAX || height > IMAGE_SIDE_MAX || (uint64_t)width * height > IMAGE_PIXELS_MAX) {
        snprintf(message, message_size,
                 "is a picture of %" PRIu32 " x %" PRIu32 " pixels; %u a side and %u million in all can be read", width,
                 height, IMAGE_SIDE_MAX, IMAGE_PIXELS_MAX / 1000000);
        return false;
    }
    return true;
}

bool image_create(uint32_t width, uint32_t height, struct image *out, char *message, size_t message_size)
{
    *out = (struct image){0};
    if (!image_check_size(width, height, message, message_size))
        return false;
    uint8_t *pixels = calloc((size_t)width * height, 3);
    if (!pixels) {
        snprintf(message, message_size, "needs more memory than there is");
        return false;
    }
    *out = (struct image){.width = width, .height = height, .pixels = pixels};
    return true;
}

void image_release(struct image *image)
{
    free(image->pixels);
    *image = (struct image){0};
}

/* Files that people hand over by mistake, so that the refusal can name them. */
static const char *recognise(const uint8_t *bytes, size_t count)
{
    static const struct {
        size_t offset, length;
        const char *start, *name;
    } kinds[] = {
        {0, 6, "GIF87a", "GIF picture"},
        {0, 6, "GIF89a", "GIF picture"},
        {8, 4, "WEBP", "WebP picture"},
        {0, 4, "II*\0", "TIFF picture"},
        {0, 4, "MM\0*", "TIFF picture"},
        {4, 8, "ftypavif", "AVIF picture"},
        {4, 8, "ftypheic", "HEIC picture"},
        {4, 8, "ftypheix", "HEIC picture"},
        {4, 8, "ftypmif1", "HEIC picture"},
        {4, 8, "ftypmsf1", "HEIC picture"},
        {4, 4, "ftyp", "MP4 or QuickTime video"},
        {8, 4, "AVI ", "AVI video"},
        {0, 4, "\x1A\x45\xDF\xA3", "Matroska or WebM video"},
        {0, 2, "\xFF\x0A", "JPEG XL picture"},
        {4, 4, "JXL ", "JPEG XL picture"},
        {4, 4, "jP  ", "JPEG 2000 picture"},
        {0, 4, "8BPS", "Photoshop picture"},
        {0, 4, "qoif", "QOI picture"},
        {0, 4, "\x76\x2F\x31\x01", "OpenEXR picture"},
        {0, 5, "%PDF-", "PDF document"},
        {0, 4, "PK\x03\x04", "zip archive or model file"},
        {0, 4, "<svg", "SVG drawing"},
        {0, 3, "P5\n", "PGM picture"},
        {0, 3, "P6\n", "PPM picture"},
        {0, 2, "BM", "BMP picture"},
    };
    for (size_t index = 0; index < sizeof kinds / sizeof *kinds; index++) {
        size_t end = kinds[index].offset + kinds[index].length;
        if (count >= end && memcmp(bytes + kinds[index].offset, kinds[index].start, kinds[index].length) == 0)
            return kinds[index].name;
    }
    return NULL;
}

static bool is_text(const uint8_t *bytes, size_t count)
{
    size_t looked_at = count < 256 ? count : 256;
    for (size_t index = 0; index < looked_at; index++)
        if ((bytes[index] < ' ' && !strchr("\t\n\r\f", bytes[index])) || bytes[index] == 0)
            return false;
    return true;
}

static bool refuse_kind(const uint8_t *bytes, size_t count, char *message, size_t message_size)
{
    const char *name = recognise(bytes, count);
    if (count == 0)
        snprintf(message, message_size, "is empty");
    else if (name)
        snprintf(message, message_size, "is a%s %s; only JPEG and PNG are read", strchr("AO", name[0]) ? "n" : "",
                 name);
    else if (is_text(bytes, count))
        snprintf(message, message_size, "is a text file, not a picture; only JPEG and PNG are read");
    else
        snprintf(message, message_size, "is not a picture that can be read; only JPEG and PNG are");
    return false;
}

/* A turned copy, for the four orientations that swap the sides: the pixel at column x and row y of the upright picture
 * comes from row x (or the last but x) and column y (or the last but y) of the stored one. */
static bool swap_sides(struct image *image, bool from_right, bool from_bottom, char *message, size_t message_size)
{
    enum { TILE = 32 }; /* pixels, so that the rows read and written stay in the cache */
    struct image turned;
    if (!image_create(image->height, image->width, &turned, message, message_size))
        return false;
    size_t width = turned.width, height = turned.height;
    for (size_t top = 0; top < height; top += TILE) {
        for (size_t left = 0; left < width; left += TILE) {
            size_t bottom = top + TILE < height ? top + TILE : height,
                   right = left + TILE < width ? left + TILE : width;
            for (size_t y = top; y < bottom; y++) {
                size_t column = from_right ? height - 1 - y : y;
                for (size_t x = left; x < right; x++) {
                    size_t row = from_bottom ? width - 1 - x : x;
                    memcpy(turned.pixels + 3 * (y * width + x), image->pixels + 3 * (row * height + column), 3);
                }
            }
        }
    }
    image_release(image);
    *image = turned;
    return true;
}

static void swap_pixels(uint8_t *left, uint8_t *right)
{
    for (size_t channel = 0; channel < 3; channel++) {
        uint8_t kept = left[channel];
        left[channel] = right[channel];
        right[channel] = kept;
    }
}

static void mirror_columns(struct image *image)
{
    for (size_t y = 0; y < image->height; y++) {
        uint8_t *left = image->pixels + 3 * (size_t)image->width * y, *right = left + 3 * ((size_t)image->width - 1);
        for (; left < right; left += 3, right -= 3)
            swap_pixels(left, right);
    }
}

static void mirror_rows(struct image *image)
{
    size_t row = 3 * (size_t)image->width;
    for (size_t y = 0; y < image->height / 2; y++) {
        uint8_t *upper = image->pixels + row * y, *lower = image->pixels + row * (image->height - 1 - y);
        for (size_t x = 0; x < row; x += 3)
            swap_pixels(upper + x, lower + x);
    }
}

static bool turn_upright(struct image *image, unsigned orientation, char *message, size_t message_size)
{
    switch (orientation) {
    case 2: mirror_columns(image); return true;
    case 3:
        mirror_columns(image);
        mirror_rows(image);
        return true;
    case 4: mirror_rows(image); return true;
    case 5: return swap_sides(image, false, false, message, message_size);
    case 6: return swap_sides(image, false, true, message, message_size);
    case 7: return swap_sides(image, true, true, message, message_size);
    case 8: return swap_sides(image, true, false, message, message_size);
    default: return true;
    }
}

bool image_read_bytes(const uint8_t *bytes, size_t count, struct image *out, char *message, size_t message_size)
{
    *out = (struct image){0};
    unsigned orientation;
    if (count >= 3 && memcmp(bytes, "\xFF\xD8\xFF", 3) == 0) {
        if (!image_decode_jpeg(bytes, count, out, message, message_size))
            return false;
        orientation = exif_orientation_of_jpeg(bytes, count);
    } else if (count >= 8 && memcmp(bytes, "\x89PNG\r\n\x1A\n", 8) == 0) {
        if (!image_decode_png(bytes, count, out, message, message_size))
            return false;
        orientation = exif_orientation_of_png(bytes, count);
    } else {
        return refuse_kind(bytes, count, message, message_size);
    }
    if (!turn_upright(out, orientation, message, message_size)) {
        image_release(out);
        return false;
    }
    return true;
}

/* Reads to the end, however long the file says it is, because it may grow or shrink meanwhile. */
static uint8_t *read_content(int descriptor, size_t expected, size_t *count, char *message, size_t message_size)
{
    size_t capacity = expected + 1, length = 0; /* one more, to see the end without growing */
    uint8_t *bytes = malloc(capacity);
    while (bytes) {
        ssize_t got = read(descriptor, bytes + length, capacity - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            snprintf(message, message_size, "cannot be read: %s", strerror(errno));
            free(bytes);
            return NULL;
        }
        if (got == 0) {
            *count = length;
            return bytes;
        }
        length += (size_t)got;
        if (length > IMAGE_FILE_BYTES_MAX) {
            snprintf(message, message_size, "is larger than %zu MiB", IMAGE_FILE_BYTES_MAX >> 20);
            free(bytes);
            return NULL;
        }
        if (length == capacity) {
            capacity *= 2;
            uint8_t *larger = realloc(bytes, capacity);
            if (!larger)
                free(bytes);
            bytes = larger;
        }
    }
    snprintf(message, message_size, "needs more memory than there is");
    return NULL;
}

static bool check_status(const struct stat *status, char *message, size_t message_size)
{
    if (S_ISDIR(status->st_mode))
        snprintf(message, message_size, "is a folder, not a picture");
    else if (!S_ISREG(status->st_mode))
        snprintf(message, message_size, "is a device or pipe; pictures are read from files");
    else if ((uintmax_t)status->st_size > IMAGE_FILE_BYTES_MAX)
        snprintf(message, message_size, "is larger than %zu MiB", IMAGE_FILE_BYTES_MAX >> 20);
    else
        return true;
    return false;
}

bool image_read(const char *path, struct image *out, char *message, size_t message_size)
{
    *out = (struct image){0};
    int descriptor = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC); /* a pipe must not make us wait */
    if (descriptor < 0) {
        snprintf(message, message_size, "cannot be opened: %s", strerror(errno));
        return false;
    }
    struct stat status;
    size_t count = 0;
    uint8_t *bytes = NULL;
    if (fstat(descriptor, &status) != 0)
        snprintf(message, message_size, "cannot be read: %s", strerror(errno));
    else if (check_status(&status, message, message_size))
        bytes = read_content(descriptor, (size_t)status.st_size, &count, message, message_size);
    close(descriptor);
    bool whole = bytes && image_read_bytes(bytes, count, out, message, message_size);
    free(bytes);
    return whole;
}

enum image_kind image_kind_of_path(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *ending = strrchr(name, '.');
    if (!ending)
        return IMAGE_UNKNOWN;
    if (strcasecmp(ending, ".jpg") == 0 || strcasecmp(ending, ".jpeg") == 0)
        return IMAGE_JPEG;
    return strcasecmp(ending, ".png") == 0 ? IMAGE_PNG : IMAGE_UNKNOWN;
}

bool image_write(const char *path, const struct image *image, char *message, size_t message_size)
{
    enum image_kind kind = image_kind_of_path(path);
    if (kind == IMAGE_UNKNOWN) {
        snprintf(message, message_size, "cannot be written: a picture's name ends in .jpg, .jpeg or .png");
        return false;
    }
    struct output_file file;
    if (!output_file_open(&file, path, message, message_size))
        return false;
    bool written = kind == IMAGE_PNG ? image_write_png(file.stream, image, message, message_size)
                                     : image_write_jpeg(file.stream, image, message, message_size);
    if (!written) {
        output_file_abort(&file);
        return false;
    }
    return output_file_commit(&file, message, message_size);
}
