/* ghostvk watch in a display of the test's own (Xvfb), on lavapipe: what stands in the display's memory, which the X
 * server writes as a file, is what the program saved of its window, and it has frames where `ghostvk detect` finds
 * boxes. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/pictures/image_io.h"
#include "tests/cli/json_reader.h"
#include "tests/cli/program.h"

#define WIDTH   640 /* of the window, and of the sample's pictures: a pixel is a pixel */
#define HEIGHT  480
#define SECONDS 120 /* until something that must happen is given up */

static const char *const no_display[] = {"DISPLAY=", "WAYLAND_DISPLAY=", NULL};
static char display[32];
static const char *const on_display[] = {display, "WAYLAND_DISPLAY=", NULL};
static char screen_folder[64];
static pid_t server;

/* ---- the display ---- */

static void pause_ms(long ms)
{
    const struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

/* The server chooses a free number, and writes it when it is ready. */
static int start_display(void **state)
{
    int ends[2];
    char number[16] = "", end[16];
    ssize_t got = 0;
    (void)state;
    enter_new_folder(screen_folder);
    assert_int_equal(pipe(ends), 0);
    snprintf(end, sizeof end, "%d", ends[1]);
    server = fork();
    if (server == 0) {
        close(ends[0]);
        if (!freopen("server.log", "w", stderr))
            _exit(126);
        execlp("Xvfb", "Xvfb", "-displayfd", end, "-screen", "0", "800x600x24", "-fbdir", screen_folder, "-nolisten",
               "tcp", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    for (size_t count = 0; count < sizeof number - 1 && (got = read(ends[0], number + count, 1)) == 1; count++)
        if (number[count] == '\n')
            break;
    close(ends[0]);
    if (number[0] < '0' || number[0] > '9')
        fail_msg("Xvfb does not start (package xvfb)");
    number[strcspn(number, "\n")] = 0;
    snprintf(display, sizeof display, "DISPLAY=:%s", number);
    return make_folder(state);
}

static int end_display(void **state)
{
    remove_folder(state);
    kill(server, SIGTERM);
    waitpid(server, NULL, 0);
    leave_folder(screen_folder);
    return 0;
}

static uint32_t number_at(const char *bytes, size_t word)
{
    const unsigned char *at = (const unsigned char *)bytes + 4 * word;
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* The display's upper left part, of the window's size, out of the file of X's format for window dumps (version 7). */
static void read_screen(struct image *out)
{
    char path[128];
    uint64_t count;
    snprintf(path, sizeof path, "%s/Xvfb_screen0", screen_folder);
    char *bytes = read_whole(path, &count);
    const uint32_t row = number_at(bytes, 12);
    const size_t start = number_at(bytes, 0) + (size_t)12 * number_at(bytes, 19);
    assert_true(number_at(bytes, 1) == 7 && number_at(bytes, 11) == 32);
    assert_true(start + (size_t)row * HEIGHT <= count);
    out->width = WIDTH;
    out->height = HEIGHT;
    out->pixels = malloc((size_t)3 * WIDTH * HEIGHT);
    assert_non_null(out->pixels);
    for (size_t y = 0; y < HEIGHT; y++)
        for (size_t x = 0; x < WIDTH; x++)
            for (size_t i = 0; i < 3; i++) /* blue, green, red, nothing */
                out->pixels[3 * (y * WIDTH + x) + i] = (uint8_t)bytes[start + y * row + 4 * x + 2 - i];
    free(bytes);
}

static const uint8_t *pixel_of(const struct image *image, int x, int y)
{
    return image->pixels + 3 * ((size_t)y * image->width + (size_t)x);
}

/* ---- the window ---- */

/* Colours of the first three classes. */
static const uint8_t colours[3][3] = {{30, 136, 255}, {255, 122, 26}, {18, 183, 106}};

static bool is_colour(const uint8_t *pixel, const uint8_t *colour, int off)
{
    for (int i = 0; i < 3; i++)
        if (abs(pixel[i] - colour[i]) > off)
            return false;
    return true;
}

static size_t count_colour(const struct image *image, const uint8_t *colour)
{
    size_t count = 0;
    for (int y = 0; y < (int)image->height; y++)
        for (int x = 0; x < (int)image->width; x++)
            count += is_colour(pixel_of(image, x, y), colour, 2);
    return count;
}

static pid_t start_window(const char *const *arguments)
{
    pid_t window = fork();
    if (window == 0) {
        setenv("DISPLAY", display + sizeof "DISPLAY=" - 1, 1);
        unsetenv("WAYLAND_DISPLAY");
        execv(GVK_PROGRAM, (char **)(uintptr_t)arguments);
        _exit(127);
    }
    return window;
}

/* Until frames of blood cells are on the screen, and then nothing changes any more. */
static void wait_for_boxes(pid_t window, struct image *screen)
{
    struct image last = {.pixels = NULL};
    for (int i = 0; i < SECONDS * 4; i++) {
        int status;
        if (waitpid(window, &status, WNOHANG) == window)
            fail_msg("the window ended before it showed boxes, with status %x", (unsigned)status);
        image_release(screen);
        read_screen(screen);
        bool same = last.pixels && memcmp(last.pixels, screen->pixels, (size_t)3 * WIDTH * HEIGHT) == 0;
        if (same && count_colour(screen, colours[0]) > 2000)
            break;
        image_release(&last);
        last = *screen;
        *screen = (struct image){.pixels = NULL};
        pause_ms(250);
    }
    image_release(&last);
    assert_non_null(screen->pixels);
}

/* Of an edge of a box, the part of its points where the class's colour is within 2 pixels: labels and other boxes hide
 * some. `from` and `to` are its ends, along x or y. */
static double edge_part(const struct image *image, const uint8_t *colour, double at, double from, double to, bool down)
{
    int hits = 0, points = 0;
    for (double along = from + 4; along < to - 4; along += 3, points++)
        for (int off = -3; off <= 2; off++) { /* the middle of a line of 2 pixels is between two of them */
            int x = (int)(down ? at + off + 0.5 : along), y = (int)(down ? along : at + off + 0.5);
            if (x >= 0 && y >= 0 && x < WIDTH && y < HEIGHT && is_colour(pixel_of(image, x, y), colour, 2)) {
                hits++;
                break;
            }
        }
    return points ? (double)hits / points : 1;
}

static void assert_boxes(const struct image *screen, const char *json, double left_free, double top_free)
{
    const char *found = member(element(member(json, "images"), 0), "detections");
    size_t count = 0, checked = 0;
    for (const char *box; (box = element(found, count)) != NULL; count++) {
        double side[4];
        for (size_t i = 0; i < 4; i++)
            side[i] = strtod(element(member(box, "box"), i), NULL);
        if (side[0] < left_free && side[1] < top_free)
            continue; /* below the numbers */
        const uint8_t *colour = colours[(int)number_of(box, "class_id")];
        const double parts[4] = {edge_part(screen, colour, side[0], side[1], side[3], true),
                                 edge_part(screen, colour, side[2], side[1], side[3], true),
                                 edge_part(screen, colour, side[1], side[0], side[2], false),
                                 edge_part(screen, colour, side[3], side[0], side[2], false)};
        int whole = 0;
        for (int i = 0; i < 4; i++)
            whole += parts[i] > 0.6;
        if (whole < 3) /* a label of another box hides one at most */
            fail_msg("box %zu (%.1f %.1f %.1f %.1f): of its sides only %.2f %.2f %.2f %.2f are on the screen", count,
                     side[0], side[1], side[2], side[3], parts[0], parts[1], parts[2], parts[3]);
        checked++;
    }
    assert_true(checked >= 10);
}

static void assert_alike(const struct image *one, const struct image *other)
{
    size_t differing = 0;
    assert_true(one->width == other->width && one->height == other->height);
    for (int y = 0; y < (int)one->height; y++)
        for (int x = 0; x < (int)one->width; x++)
            differing += !is_colour(pixel_of(one, x, y), pixel_of(other, x, y), 2);
    if (differing > (size_t)one->width * one->height / 200)
        fail_msg("%zu pixels differ", differing);
}

static void the_window_has_a_picture_its_boxes_and_numbers(void **state)
{
    (void)state;
    struct image screen = {.pixels = NULL}, saved = {.pixels = NULL};
    char message[512];
    int status;
    const char *const arguments[] = {GVK_PROGRAM, "watch",        "-m",         MODEL,  "--window",
                                     "640x480",   "--screenshot", "window.png", SMEAR1, NULL};
    pid_t window = start_window(arguments);
    wait_for_boxes(window, &screen);
    kill(window, SIGINT);
    assert_int_equal(waitpid(window, &status, 0), window);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 130);
    if (!image_read("window.png", NULL, &saved, message, sizeof message))
        fail_msg("window.png %s", message);
    assert_alike(&screen, &saved);

    /* The panel is at the upper left: its bright edge, then darkness with light letters on it. */
    const uint8_t edge[3] = {64, 224, 240};
    size_t bright = 0, dark = 0, light = 0;
    for (int y = 10; y < 200; y++) {
        bright += is_colour(pixel_of(&screen, 11, y), edge, 2);
        for (int x = 14; x < 200; x++) {
            const uint8_t *pixel = pixel_of(&screen, x, y);
            dark += pixel[0] < 75 && pixel[1] < 75 && pixel[2] < 75;
            light += pixel[0] > 150 && pixel[1] > 150 && pixel[2] > 150;
        }
    }
    assert_in_range(bright, 185, 190);
    assert_in_range(dark, 26000, 186 * 190);
    assert_in_range(light, 800, 8000);

    RUN("detect", "-m", MODEL, "--json", "-", SMEAR1);
    assert_done();
    assert_boxes(&screen, ran.out, 270, 320);
    image_release(&screen);
    image_release(&saved);
}

static void a_folder_is_shown_and_a_bad_picture_passed_over(void **state)
{
    (void)state;
    struct image saved = {.pixels = NULL};
    char message[512];
    copy_file(SMEAR1, "a.jpg");
    write_text("b.jpg", "no picture");
    copy_file(SMEAR2, "c.jpg");
    RUN_WITH((struct child){.environment = on_display}, "watch", "-m", MODEL, SMALL, "--frames", "5", "--window",
             "300x400", "--no-numbers", "--screenshot", "last.png", ".");
    assert_int_equal(ran.code, 1);
    assert_contains(ran.err, "b.jpg: ");
    if (!image_read("last.png", NULL, &saved, message, sizeof message))
        fail_msg("last.png %s", message);
    assert_true(saved.width == 300 && saved.height == 400);
    /* The picture's aspect is kept: 300 x 225 in the middle, dark above and below. */
    assert_true(is_colour(pixel_of(&saved, 150, 80), (const uint8_t[]){9, 10, 11}, 3));
    assert_true(is_colour(pixel_of(&saved, 150, 320), (const uint8_t[]){9, 10, 11}, 3));
    assert_true(pixel_of(&saved, 150, 95)[0] > 60 && pixel_of(&saved, 150, 308)[0] > 60);
    image_release(&saved);
}

static void raw_frames_come_on_standard_input(void **state)
{
    (void)state;
    struct image saved = {.pixels = NULL};
    char message[512], *grey = malloc((size_t)3 * 64 * 48 * 3);
    assert_non_null(grey);
    memset(grey, 100, (size_t)3 * 64 * 48 * 2);
    memset(grey + (size_t)3 * 64 * 48 * 2, 200, (size_t)3 * 64 * 48);
    write_file("frames.rgb", grey, (uint64_t)3 * 64 * 48 * 3);
    free(grey);
    const int kept = dup(STDIN_FILENO);
    assert_non_null(freopen("frames.rgb", "rb", stdin));
    RUN_WITH((struct child){.environment = on_display}, "watch", "-m", MODEL, SMALL, "--raw", "64x48@50", "--window",
             "320x240", "--no-numbers", "--screenshot", "last.png");
    dup2(kept, STDIN_FILENO);
    close(kept);
    assert_done(); /* it ends with its input */
    if (!image_read("last.png", NULL, &saved, message, sizeof message))
        fail_msg("last.png %s", message);
    assert_true(is_colour(pixel_of(&saved, 160, 120), (const uint8_t[]){200, 200, 200}, 1));
    image_release(&saved);
}

static void what_cannot_be_shown_is_said(void **state)
{
    (void)state;
    RUN_WITH((struct child){.environment = no_display}, "watch", "-m", MODEL, SMEAR1);
    assert_refused(4, "no display", "window");
    RUN_WITH((struct child){.environment = on_display}, "watch", "-m", MODEL, "missing.jpg");
    assert_refused(1, "missing.jpg", "");
    RUN("watch", "-m", MODEL);
    assert_refused(2, "watch needs", "folder");
    RUN("watch", "--window", "0x300", SMEAR1);
    assert_refused(2, "--window 0x300", "1280x720");
    RUN("watch", "--screenshot", "window.txt", SMEAR1);
    assert_refused(2, "--screenshot window.txt", ".png");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_window_has_a_picture_its_boxes_and_numbers),
        TEST(a_folder_is_shown_and_a_bad_picture_passed_over),
        TEST(raw_frames_come_on_standard_input),
        TEST(what_cannot_be_shown_is_said),
    };
    return cmocka_run_group_tests(tests, start_display, end_display);
}
