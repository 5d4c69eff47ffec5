/* The program ended at random moments of its run, by SIGINT, SIGTERM and SIGKILL: an output is as it was before, or
 * whole; after SIGINT and SIGTERM nothing else is left either. GVK_TEST_SEED repeats the moments of a test, and
 * GVK_TEST_ROUNDS asks for so many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/child.h"

#define MODEL    GVK_MODEL_DIR "/blood-cells.safetensors"
#define SMEAR    GVK_MODEL_DIR "/samples/smear-1.jpg"
#define PICTURES 4
#define LEAST    9  /* runs, so that each signal comes in each way */
#define MOST     48 /* runs, and as many between as these seconds allow */
#define BUDGET   10.0
#define OLD      "old\n"

static uint64_t seed, random_state;

static double random_fraction(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (double)(random_state >> 40) / 16777216.0;
}

/* ---- a command and what it writes ---------------------------------------------------------------------------------
 */

struct output {
    const char *path;
    bool has_times; /* JSON: the milliseconds differ from run to run */
    char *whole;    /* as an uninterrupted run writes it */
    uint64_t count;
};

struct command {
    const char *name;
    const char *arguments[16];
    struct output outputs[PICTURES + 2];
    double seconds; /* of a whole run */
};

static struct command commands[] = {
    {.name = "detect",
     .arguments = {"detect", "-m", MODEL, "--size", "64x64", "-o", "out/", "--json", "boxes.json", "a.jpg", "b.jpg",
                   "c.png", "d.jpg"},
     .outputs = {{.path = "boxes.json", .has_times = true},
                 {.path = "out/a.jpg"},
                 {.path = "out/b.jpg"},
                 {.path = "out/c.png"},
                 {.path = "out/d.jpg"}}},
    {.name = "run",
     .arguments = {"run", "-m", MODEL, "--size", "320x320", "--image", "a.jpg", "--output", "maps"},
     .outputs = {{.path = "maps"}}},
};

/* The text without the lines of times. The caller frees. */
static char *without_times(const char *json)
{
    char *kept = malloc(strlen(json) + 1), *at = kept;
    assert_non_null(kept);
    for (const char *line = json; *line;) {
        size_t length = strcspn(line, "\n") + (strchr(line, '\n') != NULL);
        const char *times = strstr(line, "\"ms\":");
        if (!times || times >= line + length) {
            memcpy(at, line, length);
            at += length;
        }
        line += length;
    }
    *at = 0;
    return kept;
}

static bool is_whole(const struct output *output, const char *bytes, uint64_t count)
{
    if (!output->has_times)
        return count == output->count && !memcmp(bytes, output->whole, (size_t)count);
    char *left = without_times(bytes), *right = without_times(output->whole);
    bool same = strcmp(left, right) == 0;
    free(left);
    free(right);
    return same;
}

static void remove_outputs(const struct command *command)
{
    for (const struct output *output = command->outputs; output->path; output++)
        remove(output->path);
    rmdir("out");
}

/* Runs it to its end and keeps what it wrote; then once more, to see how long it writes. */
static void learn(struct command *command)
{
    struct child child = {0}, cold = {0};
    run_child(&cold, GVK_PROGRAM, command->arguments); /* may compile first: no measure for the runs to come */
    release_child(&cold);
    run_child(&child, GVK_PROGRAM, command->arguments);
    if (child.code != 0)
        fail_msg("%s: exit code %d\n%s", command->name, child.code, child.err);
    command->seconds = child.seconds;
    release_child(&child);
    for (struct output *output = command->outputs; output->path; output++) {
        output->whole = read_file(output->path, &output->count);
        if (!output->whole || !output->count)
            fail_msg("%s: %s was not written", command->name, output->path);
    }
    remove_outputs(command);
}

/* ---- an interrupted run -------------------------------------------------------------------------------------------
 */

struct round {
    const struct command *command;
    int signal;
    bool writing; /* the moment is counted from the first temporary file on */
    bool old;     /* the outputs were there before */
    double moment;
};

#define ABOUT "%s, signal %d, %.6f s after %s, %s, seed %llu"
#define ABOUT_OF(r)                                                                                                    \
    (r)->command->name, (r)->signal, (r)->moment, (r)->writing ? "it began to write" : "its start",                    \
        (r)->old ? "over old files" : "without old files", (unsigned long long)seed

static void prepare(const struct round *round)
{
    for (const struct output *output = round->command->outputs; round->old && output->path; output++) {
        if (strncmp(output->path, "out/", 4) == 0)
            mkdir("out", 0755);
        write_file(output->path, OLD, strlen(OLD));
    }
}

static unsigned check_outputs(const struct round *round, const struct child *child)
{
    unsigned written = 0;
    for (const struct output *output = round->command->outputs; output->path; output++) {
        uint64_t count = 0;
        char *bytes = read_file(output->path, &count);
        bool old = bytes && count == strlen(OLD) && !memcmp(bytes, OLD, strlen(OLD));
        bool whole = bytes && is_whole(output, bytes, count);
        if (round->old ? !old && !whole : bytes && !whole)
            fail_msg(ABOUT ": %s is %s, of %llu instead of %llu bytes", ABOUT_OF(round), output->path,
                     bytes ? "neither old nor whole" : "gone", (unsigned long long)count,
                     (unsigned long long)output->count);
        if (child->code == 0 && !whole)
            fail_msg(ABOUT ": it was done, but not with %s", ABOUT_OF(round), output->path);
        written += whole;
        free(bytes);
    }
    return written;
}

/* Temporary files by SIGKILL alone, and under no other name than theirs. */
static void check_left(const struct round *round, const char *where, const char *allowed)
{
    char *names = list_folder(where);
    for (char *name = strtok(names, "\n"); name; name = strtok(NULL, "\n")) {
        char path[600];
        snprintf(path, sizeof path, "%s%s", strcmp(where, ".") ? "out/" : "", name);
        bool mine = strstr(allowed, name) != NULL;
        for (const struct output *output = round->command->outputs; output->path; output++)
            mine = mine || strcmp(output->path, path) == 0;
        if (mine)
            continue;
        bool temporary = strncmp(name, ".ghostvk-", 9) == 0 && strstr(name, ".part");
        if (!temporary || round->signal != SIGKILL)
            fail_msg(ABOUT ": %s is left in %s", ABOUT_OF(round), name, where);
        assert_int_equal(unlink(path), 0);
    }
    free(names);
}

struct tally {
    unsigned rounds, early, interrupted, done, outputs;
};

static void interrupt_once(const struct round *round, struct tally *tally)
{
    struct child child = {
        .signal = round->signal,
        .signal_seconds = round->moment,
        .signal_entry = round->writing ? ".ghostvk-" : NULL,
        .signal_filled = !round->command->outputs[1].path, /* not the trial at its start */
    };
    prepare(round);
    run_child(&child, GVK_PROGRAM, round->command->arguments);
    /* Before the program catches signals it has made nothing, and ends as any other does. */
    bool by_default = child.ended_by == round->signal && (round->signal == SIGKILL || !round->writing);
    bool caught = round->signal != SIGKILL && child.code == 128 + round->signal;
    if (!by_default && !caught && child.code != 0)
        fail_msg(ABOUT ": exit code %d, ended by signal %d\n%s", ABOUT_OF(round), child.code, child.ended_by,
                 child.err);
    if (child.err[0] && strncmp(child.err, "ghostvk: note: ", 15) != 0)
        fail_msg(ABOUT ": it said %s", ABOUT_OF(round), child.err);
    tally->rounds++;
    tally->done += child.code == 0;
    tally->early += by_default && round->signal != SIGKILL;
    tally->interrupted += child.code != 0;
    tally->outputs += check_outputs(round, &child);
    check_left(round, ".", "a.jpg\nb.jpg\nc.png\nd.jpg\nout\n");
    check_left(round, "out", "");
    remove_outputs(round->command);
    release_child(&child);
}

static double seconds_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void outputs_are_old_or_whole_whenever_the_program_is_ended(void **state)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGKILL};
    struct tally tally = {0};
    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        learn(&commands[i]);
    const char *asked = getenv("GVK_TEST_ROUNDS");
    unsigned least = asked ? (unsigned)strtoul(asked, NULL, 10) : LEAST, most = asked ? least : MOST;
    double begun = seconds_now();
    for (unsigned i = 0; i < most && (i < least || seconds_now() - begun < BUDGET || tally.interrupted < LEAST / 3);
         i++) {
        struct round round = {.command = &commands[i % 3 == 2], .signal = signals[i / 3 % 3], .old = i % 2};
        round.writing = i % 3 != 1;
        /* Several outputs are open from the start; a single one is written in a moment. */
        bool short_one = round.writing && !round.command->outputs[1].path;
        double window = short_one ? 0.004 : round.command->seconds;
        round.moment = random_fraction() * window;
        interrupt_once(&round, &tally);
    }
    print_message("             %u runs: %u ended early, %u of them before signals were caught; %u done;\n"
                  "             %u whole outputs were there\n",
                  tally.rounds, tally.interrupted, tally.early, tally.done, tally.outputs);
    assert_true(tally.interrupted >= LEAST / 3);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        for (struct output *output = commands[i].outputs; output->path; output++)
            free(output->whole);
}

/* A device that never finishes: the program waits for as long as nobody ends it. */
static void a_wait_without_end_is_ended_by_a_signal_soon(void **state)
{
    static const char *const environment[] = {"VK_ADD_LAYER_PATH=" GVK_FAULT_LAYER_FOLDER,
                                              "VK_INSTANCE_LAYERS=VK_LAYER_GHOSTVK_faults", "NODEVICE_SELECT=1",
                                              "GHOSTVK_FAULTS_WITHHOLD=1", NULL};
    static const char *const arguments[] = {"detect", "-m", MODEL, "--size", "64x64", "a.jpg", NULL};
    (void)state;
    bool waited = false; /* frames under way are given five seconds to end in order */
    for (double moment = 1; !waited && moment < 100; moment *= 4) { /* how long its start takes is not known */
        struct child child = {.environment = environment, .signal = SIGINT, .signal_seconds = moment};
        run_child(&child, GVK_PROGRAM, arguments);
        waited = strstr(child.err, "Still waiting.") != NULL;
        if (waited && (child.code != 128 + SIGINT || child.seconds > moment + 7))
            fail_msg("SIGINT after %.0f s: exit code %d, ended by signal %d, after %.1f s\n%s", moment, child.code,
                     child.ended_by, child.seconds, child.err);
        release_child(&child);
    }
    assert_true(waited);
}

static void copy_picture(const char *from, const char *to)
{
    uint64_t count;
    char *bytes = read_file(from, &count);
    assert_non_null(bytes);
    write_file(to, bytes, count);
    free(bytes);
}

static int enter(void **state)
{
    const char *given = getenv("GVK_TEST_SEED");
    seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    random_state = seed;
    print_message("             seed %llu\n", (unsigned long long)seed);
    enter_test_folder(state);
    copy_picture(SMEAR, "a.jpg");
    copy_picture(SMEAR, "b.jpg");
    copy_picture(GVK_TEST_DATA_DIR "/images/png-rgb.png", "c.png");
    copy_picture(SMEAR, "d.jpg");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(outputs_are_old_or_whole_whenever_the_program_is_ended, enter,
                                        leave_test_folder),
        cmocka_unit_test_setup_teardown(a_wait_without_end_is_ended_by_a_signal_soon, enter, leave_test_folder),
    };
    return cmocka_run_group_tests_name("interrupts", tests, NULL, NULL);
}
