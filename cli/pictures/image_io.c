/* Reading a picture file into memory, telling what it is and whether it may be decoded; writing one whole. The formats
 * have files of their own. */
#include "image_io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/output_file.h"
#include "cli/pictures/formats/formats.h"
#include "cli/system/files.h"
#include "upright.h"

/* Files that people hand over by mistake, so that the refusal can name them. */
static const char *recognise(const uint8_t *bytes, size_t count)
{
    static const struct {
        size_t offset, length;
        const char *start, *name;
    } kinds[] = {
        {0, 6, "GIF87a", "GIF picture"},       {0, 6, "GIF89a", "GIF picture"},
        {4, 8, "ftypavif", "AVIF picture"},    {4, 8, "ftypheic", "HEIC picture"},
        {4, 8, "ftypheix", "HEIC picture"},    {4, 8, "ftypmif1", "HEIC picture"},
        {4, 8, "ftypmsf1", "HEIC picture"},    {4, 4, "ftyp", "MP4 or QuickTime video"},
        {8, 4, "AVI ", "AVI video"},           {0, 4, "\x1A\x45\xDF\xA3", "Matroska or WebM video"},
        {0, 2, "\xFF\x0A", "JPEG XL picture"}, {4, 4, "JXL ", "JPEG XL picture"},
        {4, 4, "jP  ", "JPEG 2000 picture"},   {0, 4, "8BPS", "Photoshop picture"},
        {0, 4, "qoif", "QOI picture"},         {0, 4, "\x76\x2F\x31\x01", "OpenEXR picture"},
        {0, 5, "%PDF-", "PDF document"},       {0, 4, "PK\x03\x04", "zip archive or model file"},
        {0, 4, "<svg", "SVG drawing"},         {0, 3, "P5\n", "PGM picture"},
        {0, 3, "P6\n", "PPM picture"},
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

#define KINDS "JPEG, PNG, WebP, TIFF and BMP"

static bool refuse_kind(const struct image_file *file)
{
    const char *name = recognise(file->bytes, file->count);
    if (file->count == 0)
        return image_refuse(file, "is empty");
    if (name)
        return image_refuse(file, "is a%s %s; only " KINDS " are read", strchr("AO", name[0]) ? "n" : "", name);
    if (is_text(file->bytes, file->count))
        return image_refuse(file, "is a text file, not a picture; only " KINDS " are read");
    return image_refuse(file, "is not a picture that can be read; only " KINDS " are");
}

enum image_kind image_kind_of_bytes(const uint8_t *bytes, size_t count)
{
    static const struct {
        size_t offset, length;
        const char *start;
        enum image_kind kind;
    } kinds[] = {
        {0, 3, "\xFF\xD8\xFF", IMAGE_JPEG}, {0, 8, "\x89PNG\r\n\x1A\n", IMAGE_PNG},
        {8, 4, "WEBP", IMAGE_WEBP},         {0, 4, "II*\0", IMAGE_TIFF},
        {0, 4, "MM\0*", IMAGE_TIFF},        {0, 4, "II+\0", IMAGE_TIFF},
        {0, 4, "MM\0+", IMAGE_TIFF},        {0, 2, "BM", IMAGE_BMP},
    };
    enum image_kind kind = IMAGE_UNKNOWN;
    for (size_t index = 0; index < sizeof kinds / sizeof *kinds && kind == IMAGE_UNKNOWN; index++)
        if (count >= kinds[index].offset + kinds[index].length &&
            memcmp(bytes + kinds[index].offset, kinds[index].start, kinds[index].length) == 0)
            kind = kinds[index].kind;
    if (kind == IMAGE_WEBP && memcmp(bytes, "RIFF", 4) != 0)
        return IMAGE_UNKNOWN;
    /* Texts begin with BM, too; a BMP file goes on with its header's size, below 256. */
    if (kind == IMAGE_BMP && (count < 18 || bytes[14] < 12 || memcmp(bytes + 15, "\0\0\0", 3) != 0))
        return IMAGE_UNKNOWN;
    return kind;
}

static bool decode(struct image_file *file, struct image *out)
{
    switch (image_kind_of_bytes(file->bytes, file->count)) {
    case IMAGE_JPEG: return image_decode_jpeg(file, out);
    case IMAGE_PNG: return image_decode_png(file, out);
    case IMAGE_WEBP: return image_decode_webp(file, out);
    case IMAGE_TIFF: return image_decode_tiff(file, out);
    case IMAGE_BMP: return image_decode_bmp(file, out);
    case IMAGE_UNKNOWN: break;
    }
    return refuse_kind(file);
}

bool image_read_bytes(const uint8_t *bytes, size_t count, const struct image_choice *choice, struct image *out,
                      char *message, size_t message_size)
{
    static const struct image_choice upright = {0};
    struct image_file file = {.bytes = bytes,
                              .count = count,
                              .choice = choice ? choice : &upright,
                              .orientation = 1,
                              .message = message,
                              .message_size = message_size};
    *out = (struct image){0};
    bool is_read = decode(&file, out);
    if (is_read && !file.choice->ignore_orientation && !image_turn_upright(out, file.orientation))
        is_read = image_refuse(&file, "needs more memory than there is");
    if (!is_read)
        image_release(out);
    return is_read;
}

/* Reads to the end, however long the file says it is, because it may grow or shrink meanwhile. */
static uint8_t *read_content(int descriptor, size_t expected, size_t *count, char *message, size_t message_size)
{
    size_t capacity = expected + 1, length = 0; /* one more, to see the end without growing */
    uint8_t *bytes = malloc(capacity);
    while (bytes) {
        ptrdiff_t got = file_read(descriptor, bytes + length, capacity - length);
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

static bool check_status(const struct file_status *status, char *message, size_t message_size)
{
    if (status->kind == FILE_FOLDER)
        snprintf(message, message_size, "is a folder, not a picture");
    else if (status->kind != FILE_REGULAR)
        snprintf(message, message_size, "is a device or pipe; pictures are read from files");
    else if (status->size > IMAGE_FILE_BYTES_MAX)
        snprintf(message, message_size, "is larger than %zu MiB", IMAGE_FILE_BYTES_MAX >> 20);
    else
        return true;
    return false;
}

/* The first bytes decide whether the rest is worth reading. */
static bool check_start(int descriptor, char *message, size_t message_size)
{
    uint8_t start[256];
    ptrdiff_t got = file_read_at(descriptor, start, sizeof start, 0);
    if (got < 0) {
        snprintf(message, message_size, "cannot be read: %s", strerror(errno));
        return false;
    }
    const struct image_file file = {
        .bytes = start, .count = (size_t)got, .message = message, .message_size = message_size};
    return image_kind_of_bytes(start, (size_t)got) != IMAGE_UNKNOWN || refuse_kind(&file);
}

bool image_read(const char *path, const struct image_choice *choice, struct image *out, char *message,
                size_t message_size)
{
    *out = (struct image){0};
    int descriptor = file_open(path);
    if (descriptor < 0) {
        snprintf(message, message_size, "cannot be opened: %s", strerror(errno));
        return false;
    }
    struct file_status status;
    size_t count = 0;
    uint8_t *bytes = NULL;
    if (!file_look_at_open(descriptor, &status))
        snprintf(message, message_size, "cannot be read: %s", strerror(errno));
    else if (check_status(&status, message, message_size) && check_start(descriptor, message, message_size))
        bytes = read_content(descriptor, (size_t)status.size, &count, message, message_size);
    file_close(descriptor);
    bool whole = bytes && image_read_bytes(bytes, count, choice, out, message, message_size);
    free(bytes);
    return whole;
}

/* Whether `text` is `ending`, which is in small letters, in letters of any size. */
static bool is_ending(const char *text, const char *ending)
{
    for (; *text && *ending; text++, ending++)
        if ((*text >= 'A' && *text <= 'Z' ? *text - 'A' + 'a' : *text) != *ending)
            return false;
    return *text == *ending;
}

enum image_kind image_kind_of_path(const char *path)
{
    static const struct {
        const char *ending;
        enum image_kind kind;
    } endings[] = {
        {".jpg", IMAGE_JPEG}, {".jpeg", IMAGE_JPEG}, {".png", IMAGE_PNG}, {".webp", IMAGE_WEBP},
        {".tif", IMAGE_TIFF}, {".tiff", IMAGE_TIFF}, {".bmp", IMAGE_BMP},
    };
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *ending = strrchr(name, '.');
    for (size_t index = 0; ending && index < sizeof endings / sizeof *endings; index++)
        if (is_ending(ending, endings[index].ending))
            return endings[index].kind;
    return IMAGE_UNKNOWN;
}

bool image_write(const char *path, const struct image *image, char *message, size_t message_size)
{
    enum image_kind kind = image_kind_of_path(path);
    if (kind != IMAGE_JPEG && kind != IMAGE_PNG) {
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
