/* Hostile pictures cost little: each is read in a process of its own, whose time and memory are looked at. What their
 * refusals say is tested in test_image_io.c. */
#define _DEFAULT_SOURCE 1 /* RUSAGE_SELF */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

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

static void try_picture(const char *name, int read_wanted, uint64_t most)
{
    char path[512];
    int ends[2], status;
    struct outcome outcome;
    snprintf(path, sizeof path, "%s/images/%s", GVK_TEST_DATA_DIR, name);
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
    if (outcome.read != read_wanted)
        fail_msg("%s: %s", name, outcome.read ? "it was read" : outcome.message);
    if (outcome.seconds > SECONDS || outcome.held > most)
        fail_msg("%s: %.2f s and %.1f MiB", name, outcome.seconds, (double)outcome.held / (double)MIB);
}

static void pictures_that_lie_are_refused_at_little_cost(void **state)
{
    static const char *const names[] = {"hostile-65535.jpg",       "hostile-65535.png", "hostile-wide.png",
                                        "hostile-zero.jpg",        "hostile-zero.png",  "hostile-no-pixels.png",
                                        "hostile-short.png",       "hostile-sum.png",   "hostile-no-palette.png",
                                        "hostile-9999.jpg",        "hostile-9999.png",  "hostile-arithmetic.jpg",
                                        "hostile-progressive.jpg", "hostile-huge.tif",  "hostile-tile.tif",
                                        "hostile-short.tif",       "hostile-flat.webp", "hostile-60000.bmp"};
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_that_lie_are_refused_at_little_cost),
        cmocka_unit_test(bombs_beside_the_pixels_are_passed_over),
    };
    return cmocka_run_group_tests_name("hostile pictures", tests, NULL, NULL);
}
