/* Hostile pictures cost little: each is read in a process of its own, whose time and memory are looked at. What their
 * refusals say is tested in test_image_io.c. */
#define _DEFAULT_SOURCE 1 /* RUSAGE_SELF */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <zlib.h>

#include "cli/pictures/formats/formats.h"
#include "cli/pictures/image_io.h"

#define MIB    ((uint64_t)1 << 20)
#define LITTLE (64 * MIB) /* beside twice the file; most files here have a few hundred bytes */
#ifdef __SANITIZE_ADDRESS__
#define SECONDS 8.0 /* of processor time; a sanitizer slows the decoders */
#else
#define SECONDS 2.0 /* of processor time: the promise */
#endif

struct outcome {
    int read;
    double seconds;
    uint64_t held;
    char message[200];
};

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

static void read_and_tell(const char *path, int to)
{
    struct outcome outcome = {0};
    struct rusage before, after;
    struct image image;
    getrusage(RUSAGE_SELF, &before);
    outcome.read = image_read(path, NULL, &image, outcome.message, sizeof outcome.message);
    getrusage(RUSAGE_SELF, &after);
    outcome.seconds = seconds_of(after.ru_utime) + seconds_of(after.ru_stime) - seconds_of(before.ru_utime) -
                      seconds_of(before.ru_stime);
    outcome.held = (uint64_t)(after.ru_maxrss - before.ru_maxrss) * 1024;
    _exit(write(to, &outcome, sizeof outcome) != (ssize_t)sizeof outcome);
}

/* `refusal`: a part of the sentence; NULL: the picture is read. */
static void try_path(const char *name, const char *path, const char *refusal, uint64_t most)
{
    int ends[2], status;
    struct outcome outcome;
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t process = fork();
    assert_true(process >= 0);
    if (process == 0)
        read_and_tell(path, ends[1]);
    close(ends[1]);
    ssize_t got = read(ends[0], &outcome, sizeof outcome);
    close(ends[0]);
    assert_int_equal(waitpid(process, &status, 0), process);
    if (got != (ssize_t)sizeof outcome || !WIFEXITED(status) || WEXITSTATUS(status))
        fail_msg("%s: its reader ended with status 0x%x", name, (unsigned)status);
    print_message("             %-26s %5.2f s %6.1f MiB  %s\n", name, outcome.seconds,
                  (double)outcome.held / (double)MIB, outcome.read ? "" : outcome.message);
    if (outcome.read != !refusal || (refusal && !strstr(outcome.message, refusal)))
        fail_msg("%s: %s", name, outcome.read ? "it was read" : outcome.message);
    if (outcome.seconds > SECONDS || outcome.held > most)
        fail_msg("%s: %.2f s and %.1f MiB", name, outcome.seconds, (double)outcome.held / (double)MIB);
}

static void try_picture(const char *name, int read_wanted, uint64_t most)
{
    char path[512];
    snprintf(path, sizeof path, "%s/images/%s", GVK_TEST_DATA_DIR, name);
    try_path(name, path, read_wanted ? NULL : "", most);
}

static void pictures_that_lie_are_refused_at_little_cost(void **state)
{
    static const char *const names[] = {
        "hostile-65535.jpg",       "hostile-65535.png",     "hostile-wide.png",  "hostile-zero.jpg",
        "hostile-zero.png",        "hostile-no-pixels.png", "hostile-short.png", "hostile-sum.png",
        "hostile-no-palette.png",  "hostile-9999.jpg",      "hostile-9999.png",  "hostile-arithmetic.jpg",
        "hostile-progressive.jpg", "hostile-details.jpg",   "hostile-huge.tif",  "hostile-tile.tif",
        "hostile-short.tif",       "hostile-flat.webp",     "hostile-60000.bmp"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        try_picture(names[i], 0, LITTLE);
}

/* Profiles and texts that unpack to much are not unpacked. */
static void bombs_beside_the_pixels_are_passed_over(void **state)
{
    (void)state;
    try_picture("hostile-iccp.png", 1, LITTLE);
    try_picture("hostile-ztxt.png", 1, LITTLE);
}

/* ---- bombs that are made here, because they are large ------------------------------------------------------------ */

#define BLOCK ((size_t)1 << 20)

static void put_big(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void write_chunk(FILE *file, const char *type, const uint8_t *data, size_t count)
{
    uint8_t number[4];
    uLong sum = crc32(crc32(0, (const Bytef *)type, 4), data, (uInt)count);
    put_big(number, (uint32_t)count);
    assert_int_equal(fwrite(number, 1, 4, file), 4);
    assert_int_equal(fwrite(type, 1, 4, file), 4);
    assert_int_equal(fwrite(data, 1, count, file), count);
    put_big(number, (uint32_t)sum);
    assert_int_equal(fwrite(number, 1, 4, file), 4);
}

/* A PNG file of zeros: `bytes` of them, whatever its header claims. Every mebibyte packs to the same bytes, so that
 * making the file takes no time. Returns the file's size. */
static uint64_t write_bomb(const char *path, uint32_t width, uint32_t height, uint8_t depth, uint8_t colour,
                           uint8_t interlaced, uint64_t bytes)
{
    uint8_t *zeros = calloc(1, BLOCK), *packed = malloc(BLOCK), header[13] = {0};
    assert_true(zeros && packed);
    put_big(header, width);
    put_big(header + 4, height);
    header[8] = depth;
    header[9] = colour;
    header[12] = interlaced;
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite("\x89PNG\r\n\x1a\n", 1, 8, file), 8);
    write_chunk(file, "IHDR", header, sizeof header);
    z_stream stream = {0};
    assert_int_equal(deflateInit(&stream, 9), Z_OK);
    uLong sum = adler32(0, NULL, 0), sum_of_block = adler32(sum, zeros, (uInt)BLOCK);
    size_t block_bytes = 0;
    for (uint64_t done = 0; done < bytes; done += BLOCK) {
        if (done < 2 * BLOCK) { /* the first has the stream's head; from the second on they are equal */
            stream.next_in = zeros;
            stream.avail_in = (uInt)BLOCK;
            stream.next_out = packed;
            stream.avail_out = (uInt)BLOCK;
            assert_int_equal(deflate(&stream, Z_FULL_FLUSH), Z_OK);
            block_bytes = BLOCK - stream.avail_out;
        }
        write_chunk(file, "IDAT", packed, block_bytes);
        sum = adler32_combine(sum, sum_of_block, (z_off_t)BLOCK);
    }
    deflateEnd(&stream);
    uint8_t end[6] = {3, 0}; /* an empty last block */
    put_big(end + 2, (uint32_t)sum);
    write_chunk(file, "IDAT", end, sizeof end);
    write_chunk(file, "IEND", end, 0);
    long size = ftell(file);
    assert_int_equal(fclose(file), 0);
    free(zeros);
    free(packed);
    return (uint64_t)size;
}

static void small_png_files_of_much_are_refused_in_time(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t width, height;
        uint8_t depth, colour, interlaced;
        uint64_t megabytes;
        const char *refusal;
    } bombs[] = {
        {"RGBA of 16 bits", 10000, 10000, 16, 6, 0, 764, "taken for a bomb"},
        {"the same, interlaced", 10000, 10000, 16, 6, 1, 770, "taken for a bomb"},
        {"RGB, interlaced", 10000, 10000, 8, 2, 1, 290, "taken for a bomb"},
        {"1 bit, interlaced", 40000, 40000, 1, 0, 1, 200, "taken for a bomb"},
        {"1 bit, 3.6 gigapixels", 60000, 60000, 1, 0, 0, 430, "taken for a bomb"},
        {"RGB, a row missing", 12000, 9000, 8, 2, 0, 308, "end before its pixels"},
        {"RGB, half missing", 12000, 9000, 8, 2, 0, 150, "cut short"},
    };
    char path[] = "/tmp/ghostvk-test-XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    close(descriptor);
    for (size_t i = 0; i < sizeof bombs / sizeof bombs[0]; i++) {
        uint64_t size = write_bomb(path, bombs[i].width, bombs[i].height, bombs[i].depth, bombs[i].colour,
                                   bombs[i].interlaced, bombs[i].megabytes << 20);
        try_path(bombs[i].name, path, bombs[i].refusal, 2 * size + LITTLE);
    }
    /* All rows are there, and the last bytes are wrong: of the packed data's checksum, of the chunk's. */
    static const struct {
        const char *name;
        long from_end;
    } damages[] = {{"RGB, a wrong sum inside", 12 + 4 + 2}, {"RGB, a wrong sum at the end", 12 + 2}};
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        uint64_t size = write_bomb(path, 12000, 9000, 8, 2, 0, (uint64_t)310 << 20);
        FILE *file = fopen(path, "r+b");
        assert_non_null(file);
        assert_int_equal(fseek(file, -damages[i].from_end, SEEK_END), 0);
        assert_int_equal(fputc(0x55, file), 0x55);
        assert_int_equal(fclose(file), 0);
        try_path(damages[i].name, path, "damaged PNG", 2 * size + LITTLE);
    }
    unlink(path);
}

/* A flat picture of a phone's size, whose data are damaged shortly before their end. */
static void damage_at_the_end_of_a_large_jpeg_costs_little_memory(void **state)
{
    (void)state;
    char path[] = "/tmp/ghostvk-test-XXXXXX", message[200];
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    FILE *file = fdopen(descriptor, "wb");
    struct image flat;
    assert_true(image_create(12000, 9000, &flat, message, sizeof message));
    assert_true(image_write_jpeg(file, &flat, message, sizeof message));
    image_release(&flat);
    long size = ftell(file);
    assert_int_equal(fseek(file, size - 500, SEEK_SET), 0);
    assert_int_equal(fwrite("\xFF\xD9", 1, 2, file), 2); /* an early end */
    assert_int_equal(fclose(file), 0);
    try_path("a JPEG of 108 megapixels", path, "damaged JPEG", 2 * (uint64_t)size + LITTLE);
    unlink(path);
}

/* Holes cost no disk: garbage between a JPEG's segments, and behind its data, in a quarter of the largest file that is
 * read at all: the page faults of all of it take a virtual machine seconds by themselves. */
static void much_garbage_is_not_walked_through(void **state)
{
    (void)state;
    char path[] = "/tmp/ghostvk-test-XXXXXX";
    static uint8_t bytes[4096];
    char fixture[512];
    snprintf(fixture, sizeof fixture, "%s/images/jpeg-444.jpg", GVK_TEST_DATA_DIR);
    FILE *from = fopen(fixture, "rb");
    assert_non_null(from);
    size_t count = fread(bytes, 1, sizeof bytes, from);
    fclose(from);
    assert_in_range(count, 700, sizeof bytes - 1);
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    for (int behind = 0; behind < 2; behind++) {
        size_t first = behind ? count - 2 : 20; /* to the end marker, or behind the first segment */
        off_t rest = (off_t)IMAGE_FILE_BYTES_MAX / 4 - (off_t)(count - first);
        assert_int_equal(ftruncate(descriptor, 0), 0);
        assert_int_equal(pwrite(descriptor, bytes, first, 0), (ssize_t)first);
        assert_int_equal(pwrite(descriptor, bytes + first, count - first, rest), (ssize_t)(count - first));
        try_path(behind ? "garbage behind the data" : "garbage between segments", path, "garbage",
                 LITTLE + 2 * (uint64_t)IMAGE_FILE_BYTES_MAX);
    }
    close(descriptor);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_that_lie_are_refused_at_little_cost),
        cmocka_unit_test(small_png_files_of_much_are_refused_in_time),
        cmocka_unit_test(damage_at_the_end_of_a_large_jpeg_costs_little_memory),
        cmocka_unit_test(much_garbage_is_not_walked_through),
        cmocka_unit_test(bombs_beside_the_pixels_are_passed_over),
    };
    return cmocka_run_group_tests_name("hostile pictures", tests, NULL, NULL);
}
