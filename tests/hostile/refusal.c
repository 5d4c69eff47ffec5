/* See refusal.h. */
#include "refusal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/child.h"
#include "tests/support/promise.h"

#define SMEAR   GVK_MODEL_DIR "/samples/smear-1.jpg"
#define REFUSED 3 /* the exit code */

static struct tally {
    unsigned files;
    double seconds;
    uint64_t held;
    char slowest[100], largest[100];
} tally;

static void count(const char *what, double seconds, uint64_t held)
{
    tally.files++;
    if (seconds > tally.seconds) {
        tally.seconds = seconds;
        snprintf(tally.slowest, sizeof tally.slowest, "%s", what);
    }
    if (held > tally.held) {
        tally.held = held;
        snprintf(tally.largest, sizeof tally.largest, "%s", what);
    }
}

void print_tally(const char *kind)
{
    print_message("             %u %s refused; at most %.2f s (%s), %.0f MiB (%s)\n", tally.files, kind, tally.seconds,
                  tally.slowest, (double)tally.held / (double)MIB, tally.largest);
    memset(&tally, 0, sizeof tally);
}

void refuse_model(const char *what, uint64_t size, const char *words)
{
    static const char *const nowhere[] = {"VK_ICD_FILENAMES=/nonexistent", NULL}; /* models come before devices */
    struct child child = {.environment = nowhere};
    run_child(&child, GVK_PROGRAM,
              (const char *const[]){"detect", "-m", "model", "--json", "boxes.json", "-o", "out/", SMEAR, NULL});
    const char *sentence = only_sentence(&child);
    if (child.code != REFUSED || child.ended_by || !sentence || child.out[0])
        fail_msg("%s: exit code %d, signal %d:\n%s%s", what, child.code, child.ended_by, child.out, child.err);
    if (!strstr(sentence, "model") || !strstr(sentence, words) || strlen(sentence) > 700)
        fail_msg("%s: \"%s\" is not in: %s", what, words, sentence);
    char *names = list_folder(".");
    if (strcmp(names, "model\n") != 0)
        fail_msg("%s: it left\n%s", what, names);
    if (child.cpu_seconds > PROMISED_SECONDS)
        fail_msg("%s: refused after %.2f s", what, child.cpu_seconds);
    if (child.peak_bytes > PROMISED_MEMORY(size))
        fail_msg("%s: held %.1f MiB for a file of %.1f", what, (double)child.peak_bytes / (double)MIB,
                 (double)size / (double)MIB);
    count(what, child.cpu_seconds, child.peak_bytes);
    free(names);
    release_child(&child);
}

void refuse(const char *what, bytes file, const char *words)
{
    write_file("model", file.data, file.count);
    uint64_t size = file.count;
    drop(&file);
    refuse_model(what, size, words);
}
