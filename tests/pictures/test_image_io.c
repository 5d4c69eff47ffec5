/* Pictures: equal to Pillow bit for bit, upright, and harmless when hostile. The fixtures and expected.txt are made by
 * images/make_images.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <png.h>
#include <unistd.h>

#include "cli/pictures/formats/exif.h"
#include "cli/pictures/formats/formats.h"
#include "cli/pictures/image_io.h"

#define SECONDS_MAX 2.0 /* for a refusal; generous where a sanitizer slows the decoder */

struct file {
    uint8_t *bytes;
    size_t count;
};

static char message[512];

static void fixture_path(const char *name, char *path, size_t size)
{
    snprintf(path, size, "%s/images/%s", GVK_TEST_DATA_DIR, name);
}

static struct file load(const char *name)
{
    char path[1024];
    fixture_path(name, path, sizeof path);
    FILE *stream = fopen(path, "rb");
    if (!stream)
        fail_msg("%s is missing", path);
    struct file file = {.bytes = malloc(1 << 20)};
    assert_non_null(file.bytes);
    file.count = fread(file.bytes, 1, 1 << 20, stream);
    fclose(stream);
    return file;
}

/* From a block of its exact size, so that a sanitizer sees a read past its end. */
static bool read_exact(const uint8_t *bytes, size_t count, struct image *out)
{
    uint8_t *copy = malloc(count ? count : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, count);
    message[0] = 0;
    bool read = image_read_bytes(copy, count, NULL, out, message, sizeof message);
    free(copy);
    if (!read) {
        assert_null(out->pixels);
        assert_true(message[0] != 0);
        assert_null(strchr(message, '\n'));
    }
    return read;
}

static bool read_fixture(const char *name, struct image *out)
{
    char path[1024];
    fixture_path(name, path, sizeof path);
    message[0] = 0;
    return image_read(path, NULL, out, message, sizeof message);
}

static void assert_refused(const char *name, const char *reason)
{
    struct image image;
    clock_t start = clock();
    assert_false(read_fixture(name, &image));
    assert_true((double)(clock() - start) / CLOCKS_PER_SEC < SECONDS_MAX);
    assert_null(image.pixels);
    if (!strstr(message, reason))
        fail_msg("%s: \"%s\" does not say \"%s\"", name, message, reason);
}

static uint64_t hash(const uint8_t *bytes, size_t count)
{
    uint64_t value = UINT64_C(0xCBF29CE484222325);
    for (size_t index = 0; index < count; index++)
        value = (value ^ bytes[index]) * UINT64_C(0x100000001B3);
    return value;
}

/* A libpng may be built without the option to read data whose own checksum is cut off, as Debian 13's is. */
#ifdef PNG_IGNORE_ADLER32
static const bool reads_without_sums = true;
#else
static const bool reads_without_sums = false;
#endif

static void pictures_equal_pillow_bit_for_bit(void **state)
{
    (void)state;
    char path[1024], line[512], name[256];
    fixture_path("expected.txt", path, sizeof path);
    FILE *stream = fopen(path, "r");
    assert_non_null(stream);
    unsigned checked = 0;
    while (fgets(line, sizeof line, stream)) {
        unsigned width = 0, height = 0;
        unsigned long long expected = 0;
        assert_int_equal(sscanf(line, "%255s %u %u %llx", name, &width, &height, &expected), 4);
        struct image image;
        if (!reads_without_sums && strcmp(name, "png-palette-without-sums.png") == 0) {
            assert_refused(name, "cut short");
            continue;
        }
        if (!read_fixture(name, &image))
            fail_msg("%s %s", name, message);
        if (image.width != width || image.height != height)
            fail_msg("%s: %u x %u instead of %u x %u", name, image.width, image.height, width, height);
        if (hash(image.pixels, (size_t)width * height * 3) != expected)
            fail_msg("%s: other pixels than Pillow's", name);
        image_release(&image);
        checked++;
    }
    fclose(stream);
    assert_true(checked >= 150);
}

static void the_orientation_is_found_in_both_byte_orders(void **state)
{
    (void)state;
    for (unsigned orientation = 1; orientation <= 8; orientation++) {
        char name[32];
        snprintf(name, sizeof name, "exif-%u.jpg", orientation);
        struct file file = load(name);
        assert_int_equal(exif_orientation_of_jpeg(file.bytes, file.count), orientation);
        free(file.bytes);
    }
    struct file late = load("exif-3-late.png");
    assert_int_equal(exif_orientation_of_png(late.bytes, late.count), 3);
    free(late.bytes);
}

/* The parser alone, over every truncation and every changed byte: it must stay inside and give 1 to 8. */
static void a_damaged_exif_block_is_harmless(void **state)
{
    (void)state;
    const char *const names[] = {"exif-6.jpg", "exif-6.png"};
    for (size_t index = 0; index < 2; index++) {
        struct file file = load(names[index]);
        unsigned (*find)(const uint8_t *, size_t) = index ? exif_orientation_of_png : exif_orientation_of_jpeg;
        size_t end = file.count < 200 ? file.count : 200;
        for (size_t count = 0; count < end; count++) {
            uint8_t *copy = malloc(count ? count : 1);
            assert_non_null(copy);
            memcpy(copy, file.bytes, count);
            unsigned orientation = find(copy, count);
            assert_true(orientation >= 1 && orientation <= 8);
            free(copy);
        }
        for (size_t at = 0; at < end; at++) {
            uint8_t kept = file.bytes[at];
            static const uint8_t values[] = {0, 1, 0x7F, 0x80, 0xFE, 0xFF};
            for (size_t value = 0; value < sizeof values; value++) {
                file.bytes[at] = values[value];
                unsigned orientation = find(file.bytes, file.count);
                assert_true(orientation >= 1 && orientation <= 8);
            }
            file.bytes[at] = kept;
        }
        free(file.bytes);
    }
}

static void a_picture_cut_short_anywhere_is_refused(void **state)
{
    (void)state;
    const char *const names[] = {"exif-1.jpg",        "jpeg-progressive.jpg", "jpeg-cmyk.jpg",      "webp-lossy.webp",
                                 "bmp-32.bmp",        "webp-lossless.webp",   "webp-animated.webp", "tiff-tiles.tif",
                                 "jpeg-restarts.jpg", "bmp-32-masks.bmp",     "tiff-planes.tif"};
    for (size_t index = 0; index < sizeof names / sizeof *names; index++) {
        struct file file = load(names[index]);
        for (size_t count = 0; count < file.count; count++) {
            struct image image;
            if (read_exact(file.bytes, count, &image))
                fail_msg("%s was read from %zu of %zu bytes", names[index], count, file.count);
        }
        free(file.bytes);
    }
}

/* Behind the last pixel's data a PNG file has the data's checksum, the chunk's, and the end chunk: what is missing
 * there costs no pixel, and Pillow reads such files. */
static void a_png_may_end_behind_its_pixels_but_no_sooner(void **state)
{
    const size_t behind_pixels = (reads_without_sums ? 4 : 0) + 4 + 12;
    (void)state;
    const char *const names[] = {"png-palette-4.png", "png-rgb-interlaced.png", "png-rgb-16.png", "png-grey-1.png"};
    for (size_t index = 0; index < sizeof names / sizeof *names; index++) {
        struct file file = load(names[index]);
        struct image whole, image;
        assert_true(read_exact(file.bytes, file.count, &whole));
        for (size_t count = 0; count < file.count; count++) {
            bool read = read_exact(file.bytes, count, &image);
            if (read != (count >= file.count - behind_pixels))
                fail_msg("%s, %zu of %zu bytes: %s", names[index], count, file.count, read ? "read" : message);
            if (read)
                assert_memory_equal(image.pixels, whole.pixels, (size_t)3 * whole.width * whole.height);
            image_release(&image);
        }
        image_release(&whole);
        free(file.bytes);
    }
}

static void what_stands_behind_a_pngs_pixels_may_be_wrong(void **state)
{
    (void)state;
    struct file file = load("png-rgb-interlaced.png");
    struct image whole, image;
    assert_true(read_exact(file.bytes, file.count, &whole));
    for (size_t behind = 1; behind <= 12; behind++) {
        file.bytes[file.count - behind] ^= 0x41;
        if (!read_exact(file.bytes, file.count, &image))
            fail_msg("%zu bytes in front of the end: %s", behind, message);
        assert_memory_equal(image.pixels, whole.pixels, (size_t)3 * whole.width * whole.height);
        image_release(&image);
        file.bytes[file.count - behind] ^= 0x41;
    }
    for (size_t behind = 13; behind <= 20; behind++) { /* the sums of the pixels themselves */
        file.bytes[file.count - behind] ^= 0x41;
        assert_false(read_exact(file.bytes, file.count, &image));
        file.bytes[file.count - behind] ^= 0x41;
    }
    image_release(&whole);
    free(file.bytes);
}

static void a_changed_byte_never_does_harm(void **state)
{
    (void)state;
    const char *const names[] = {
        "exif-6.jpg",           "jpeg-progressive.jpg", "png-palette-4-interlaced.png", "exif-6.png",
        "exif-raw-packed.png",  "webp-animated.webp",   "tiff-palette-4-big.tif",       "bmp-runs-4.bmp",
        "tiff-tiles-planes.tif"};
    for (size_t index = 0; index < sizeof names / sizeof *names; index++) {
        struct file file = load(names[index]);
        for (size_t at = 0; at < file.count; at++) {
            for (unsigned bit = 0; bit < 8; bit += 3) {
                file.bytes[at] ^= (uint8_t)(1u << bit);
                struct image image;
                if (read_exact(file.bytes, file.count, &image)) {
                    assert_in_range(image.width, 1, IMAGE_SIDE_MAX);
                    assert_in_range(image.height, 1, IMAGE_SIDE_MAX);
                    image_release(&image);
                }
                file.bytes[at] ^= (uint8_t)(1u << bit);
            }
        }
        free(file.bytes);
    }
}

static void a_giant_size_is_refused_before_memory_is_taken(void **state)
{
    (void)state;
    assert_refused("hostile-65535.jpg", "cut short");
    assert_refused("hostile-65535.png", "cut short");
    assert_refused("hostile-wide.png", "70000 x 1");
    assert_refused("hostile-9999.jpg", "cut short");
    assert_refused("hostile-9999.png", "cut short");
    assert_refused("hostile-arithmetic.jpg", "10000 x 10000 pixels in a file of");
    assert_refused("hostile-progressive.jpg", "cut short");
    assert_refused("hostile-details.jpg", "lacks a colour component");
    /* Their strips and tiles are more than a libtiff of 32 bits counts, and that is found first. */
    const bool counts = sizeof(size_t) > 4;
    assert_refused("hostile-huge.tif", counts ? "65535 x 65535 pixels in a file of" : "Integer overflow");
    assert_refused("hostile-tile.tif", counts ? "tiles or rows of" : "Integer overflow");
    assert_refused("hostile-flat.webp", "16383 x 16383 pixels in a file of");
    assert_refused("hostile-60000.bmp", "cut short");
}

static bool refuse_size(void *user, uint32_t width, uint32_t height, char *reason, size_t reason_size)
{
    uint32_t *seen = user;
    seen[0] = width;
    seen[1] = height;
    snprintf(reason, reason_size, "is too large for whoever asked");
    return false;
}

/* The sides are those of the upright picture, if it is to be turned. */
static void whoever_reads_may_refuse_a_size_before_it_is_decoded(void **state)
{
    (void)state;
    static const char *const names[] = {"exif-6.jpg", "exif-raw-packed.png", "webp-exif-6.webp", "tiff-exif-6.tif"};
    for (size_t index = 0; index < sizeof names / sizeof *names; index++) {
        char path[1024];
        struct image whole, image;
        uint32_t seen[2] = {0};
        assert_true(read_fixture(names[index], &whole));
        fixture_path(names[index], path, sizeof path);
        struct image_choice choice = {.accept = refuse_size, .user = seen};
        assert_false(image_read(path, &choice, &image, message, sizeof message));
        assert_string_equal(message, "is too large for whoever asked");
        assert_int_equal(seen[0], whole.width);
        assert_int_equal(seen[1], whole.height);
        choice.ignore_orientation = true;
        assert_false(image_read(path, &choice, &image, message, sizeof message));
        assert_int_equal(seen[0], whole.height);
        image_release(&whole);
    }
}

static void the_orientation_can_be_left_alone(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"exif-6.jpg", "exif-1.jpg"}, {"exif-6.png", "png-rgb.png"}, {"tiff-exif-6.tif", "tiff-exif-1.tif"}};
    for (size_t index = 0; index < sizeof pairs / sizeof *pairs; index++) {
        const struct image_choice choice = {.ignore_orientation = true};
        char path[1024];
        struct image plain, image;
        assert_true(read_fixture(pairs[index][1], &plain));
        fixture_path(pairs[index][0], path, sizeof path);
        assert_true(image_read(path, &choice, &image, message, sizeof message));
        assert_int_equal(image.width, plain.width);
        assert_memory_equal(image.pixels, plain.pixels, (size_t)3 * plain.width * plain.height);
        image_release(&image);
        image_release(&plain);
    }
}

static void damaged_files_of_the_other_formats_are_refused(void **state)
{
    (void)state;
    assert_refused("hostile-cut.tif", "damaged TIFF");
    assert_refused("hostile-short.tif", "damaged TIFF");
    assert_refused("hostile-float.tif", "1 samples of 32 bits");
    assert_refused("hostile-preview.tif", "raw file");
    assert_refused("hostile-cut.webp", "cut short");
    assert_refused("hostile-cut.bmp", "cut short");
}

static void a_picture_without_pixels_is_refused(void **state)
{
    (void)state;
    assert_refused("hostile-zero.jpg", "without pixels");
    assert_refused("hostile-zero.png", "without pixels");
    assert_refused("hostile-no-pixels.png", "damaged");
}

static void a_damaged_png_is_refused(void **state)
{
    (void)state;
    assert_refused("hostile-short.png", "damaged");
    assert_refused("hostile-sum.png", "damaged");
    assert_refused("hostile-no-palette.png", "damaged");
}

/* A progressive file whose scan of one component's detail stands there `scans` times. */
static struct file repeat_scan(size_t scans)
{
    struct file file = load("jpeg-progressive.jpg");
    size_t start = 0, end = 0;
    for (size_t at = 2; at + 10 < file.count && !end; at++) {
        const uint8_t *bytes = file.bytes + at;
        if (bytes[0] != 0xFF)
            continue;
        if (start && (bytes[1] == 0xC4 || bytes[1] == 0xDA))
            end = at; /* before the tables of the next scan */
        else if (!start && bytes[1] == 0xDA && bytes[4] == 1 && bytes[7] == 1 && bytes[8] == 63)
            start = at;
    }
    assert_true(start && end > start);
    file.bytes[start + 9] = 0; /* no refinement follows, so the repetition is no fault in itself */
    struct file made = {.count = start + scans * (end - start) + 2};
    made.bytes = malloc(made.count);
    assert_non_null(made.bytes);
    memcpy(made.bytes, file.bytes, start);
    for (size_t scan = 0; scan < scans; scan++)
        memcpy(made.bytes + start + scan * (end - start), file.bytes + start, end - start);
    memcpy(made.bytes + made.count - 2, "\xFF\xD9", 2);
    free(file.bytes);
    return made;
}

static void some_scans_are_read_and_thousands_are_refused(void **state)
{
    (void)state;
    struct image image;
    struct file some = repeat_scan(20), thousands = repeat_scan(5000);
    if (!read_exact(some.bytes, some.count, &image))
        fail_msg("20 scans: %s", message);
    image_release(&image);
    assert_false(read_exact(thousands.bytes, thousands.count, &image));
    assert_string_equal(message, "is a JPEG picture with too many scans");
    free(some.bytes);
    free(thousands.bytes);
}

/* What libjpeg warns of because pixels are missing or wrong stays an error, though Pillow reads it as it is. */
static void a_jpeg_with_damaged_data_is_refused(void **state)
{
    (void)state;
    struct file file = load("jpeg-restarts.jpg");
    struct image image;
    size_t last = file.count - 2; /* the end-of-image marker */
    assert_true(read_exact(file.bytes, file.count, &image));
    image_release(&image);
    for (size_t at = 0; at + 1 < last; at++) { /* a restart less */
        if (file.bytes[at] != 0xFF || file.bytes[at + 1] != 0xD2)
            continue;
        uint8_t *shorter = malloc(file.count);
        assert_non_null(shorter);
        memcpy(shorter, file.bytes, at);
        memcpy(shorter + at, file.bytes + at + 2, file.count - at - 2);
        assert_false(read_exact(shorter, file.count - 2, &image));
        free(shorter);
    }
    uint8_t *early = malloc(file.count);
    assert_non_null(early);
    memcpy(early, file.bytes, file.count);
    memcpy(early + last - 4, "\xFF\xD9\xFF\xD9", 4); /* the data end before the last block */
    assert_false(read_exact(early, file.count, &image));
    free(early);
    free(file.bytes);
}

static void other_kinds_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t count;
        const char *sentence;
    } kinds[] = {
        {"", 0, "is empty"},
        {"GIF89a______", 12, "is a GIF picture; only JPEG, PNG, WebP, TIFF and BMP are read"},
        {"RIFF\1\2\3\4WAVEfmt ", 16, "is not a picture that can be read; only JPEG, PNG, WebP, TIFF and BMP are"},
        {"\0\0\0\x18"
         "ftypheic\0\0",
         14, "is a HEIC picture; only JPEG, PNG, WebP, TIFF and BMP are read"},
        {"\0\0\0\x18"
         "ftypavif\0\0",
         14, "is an AVIF picture; only JPEG, PNG, WebP, TIFF and BMP are read"},
        {"PK\3\4\0\0", 6, "is a zip archive or model file; only JPEG, PNG, WebP, TIFF and BMP are read"},
        {"BMI 27, BMI 23, BMI 31\n", 23, "is a text file, not a picture; only JPEG, PNG, WebP, TIFF and BMP are read"},
        {"hello\nworld\n", 12, "is a text file, not a picture; only JPEG, PNG, WebP, TIFF and BMP are read"},
        {"\1\2\3\4\0", 5, "is not a picture that can be read; only JPEG, PNG, WebP, TIFF and BMP are"},
    };
    for (size_t index = 0; index < sizeof kinds / sizeof *kinds; index++) {
        struct image image;
        assert_false(read_exact((const uint8_t *)kinds[index].bytes, kinds[index].count, &image));
        assert_string_equal(message, kinds[index].sentence);
    }
}

static void what_is_not_a_file_is_refused_without_waiting(void **state)
{
    (void)state;
    char folder[] = "/tmp/ghostvk-test-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/pipe.jpg", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    struct image image;
    assert_false(image_read(path, NULL, &image, message, sizeof message));
    assert_non_null(strstr(message, "device or pipe"));
    assert_false(image_read("/dev/zero", NULL, &image, message, sizeof message));
    assert_non_null(strstr(message, "device or pipe"));
    assert_false(image_read(folder, NULL, &image, message, sizeof message));
    assert_string_equal(message, "is a folder, not a picture");
    unlink(path);
    assert_false(image_read(path, NULL, &image, message, sizeof message));
    assert_non_null(strstr(message, "cannot be opened"));
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    fclose(stream);
    assert_false(image_read(path, NULL, &image, message, sizeof message));
    assert_string_equal(message, "is empty");
    unlink(path);
    rmdir(folder);
}

static void a_file_beyond_the_ceiling_is_refused(void **state)
{
    (void)state;
    char path[] = "/tmp/ghostvk-test-XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    assert_int_equal(ftruncate(descriptor, (off_t)IMAGE_FILE_BYTES_MAX + 1), 0); /* a hole, which takes no space */
    close(descriptor);
    struct image image;
    bool read = image_read(path, NULL, &image, message, sizeof message);
    unlink(path);
    assert_false(read);
    assert_string_equal(message, "is larger than 512 MiB");
}

static void written_pictures_read_back(void **state)
{
    (void)state;
    char folder[] = "/tmp/ghostvk-test-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    struct image image, again;
    assert_true(read_fixture("png-rgb.png", &image));
    size_t count = (size_t)image.width * image.height * 3;

    snprintf(path, sizeof path, "%s/out.PNG", folder);
    assert_true(image_write(path, &image, message, sizeof message));
    assert_true(image_read(path, NULL, &again, message, sizeof message));
    assert_int_equal(again.width, image.width);
    assert_memory_equal(again.pixels, image.pixels, count);
    image_release(&again);
    unlink(path);

    for (size_t index = 0; index < count; index++)
        image.pixels[index] = (uint8_t)(index / 3 % image.width * 4); /* a slope, because noise suffers in JPEG */
    snprintf(path, sizeof path, "%s/out.jpeg", folder);
    assert_true(image_write(path, &image, message, sizeof message));
    assert_true(image_read(path, NULL, &again, message, sizeof message));
    for (size_t index = 0; index < count; index++)
        assert_in_range(again.pixels[index] + 8 - image.pixels[index], 0, 16);
    image_release(&again);
    unlink(path);

    snprintf(path, sizeof path, "%s/out.gif", folder);
    assert_false(image_write(path, &image, message, sizeof message));
    assert_non_null(strstr(message, ".png"));
    assert_int_equal(rmdir(folder), 0); /* nothing else was left there */
    image_release(&image);
}

static void a_full_disk_is_noticed_by_both_encoders(void **state)
{
    (void)state;
    if (access("/dev/full", W_OK) != 0)
        skip();
    struct image image;
    assert_true(image_create(300, 300, &image, message, sizeof message));
    bool (*const encoders[])(FILE *, const struct image *, char *, size_t) = {image_write_jpeg, image_write_png};
    for (size_t index = 0; index < 2; index++) {
        FILE *stream = fopen("/dev/full", "wb");
        assert_non_null(stream);
        setvbuf(stream, NULL, _IONBF, 0);
        assert_false(encoders[index](stream, &image, message, sizeof message));
        assert_non_null(strstr(message, "cannot be written: No space left"));
        fclose(stream);
    }
    image_release(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_equal_pillow_bit_for_bit),
        cmocka_unit_test(the_orientation_is_found_in_both_byte_orders),
        cmocka_unit_test(a_damaged_exif_block_is_harmless),
        cmocka_unit_test(a_picture_cut_short_anywhere_is_refused),
        cmocka_unit_test(a_changed_byte_never_does_harm),
        cmocka_unit_test(a_giant_size_is_refused_before_memory_is_taken),
        cmocka_unit_test(a_picture_without_pixels_is_refused),
        cmocka_unit_test(a_damaged_png_is_refused),
        cmocka_unit_test(some_scans_are_read_and_thousands_are_refused),
        cmocka_unit_test(a_jpeg_with_damaged_data_is_refused),
        cmocka_unit_test(damaged_files_of_the_other_formats_are_refused),
        cmocka_unit_test(whoever_reads_may_refuse_a_size_before_it_is_decoded),
        cmocka_unit_test(the_orientation_can_be_left_alone),
        cmocka_unit_test(a_png_may_end_behind_its_pixels_but_no_sooner),
        cmocka_unit_test(what_stands_behind_a_pngs_pixels_may_be_wrong),
        cmocka_unit_test(other_kinds_are_refused_by_name),
        cmocka_unit_test(what_is_not_a_file_is_refused_without_waiting),
        cmocka_unit_test(a_file_beyond_the_ceiling_is_refused),
        cmocka_unit_test(written_pictures_read_back),
        cmocka_unit_test(a_full_disk_is_noticed_by_both_encoders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
