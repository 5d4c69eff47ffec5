/* What a run on a device left in its folder, as one page and one JSON file. run.sh makes the folder:
 *
 *   run.txt            a line for each fact of the run: key, tab, value
 *   steps.txt          a line for each step: name, exit status, seconds, limit, by tabs; status "-": it was not begun
 *   logs/NAME.log      what the step printed; logs/NAME.json: what it measured, where it measures
 */
#ifndef GVK_TESTS_GPU_REPORT_H
#define GVK_TESTS_GPU_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define STEPS_MAX 64u
#define FACTS_MAX 64u

struct step {
    char name[64];
    int status; /* -1: not begun */
    unsigned seconds, limit;
    char *log;  /* NULL: none */
    char *json; /* whole, or NULL */
    /* Lines of the tests' output. */
    unsigned passed, failed, not_here, left_out;
};

struct fact {
    char key[32], value[512];
};

struct report {
    const char *folder;
    struct step steps[STEPS_MAX];
    struct fact facts[FACTS_MAX];
    size_t step_count, fact_count;
};

/* False, said on stderr, where the folder has no list of steps. */
bool report_read(struct report *report, const char *folder);
void report_release(struct report *report);

bool step_has_passed(const struct step *step);
/* "passed", "failed (1)", "timed out", "not begun". */
const char *step_verdict(const struct step *step, char *out, size_t size);
bool step_begins_with(const struct step *step, const char *prefix);
const struct step *report_step(const struct report *report, const char *name); /* NULL: none */
const char *report_fact(const struct report *report, const char *key);         /* "": none */
/* The reason of the next line that a test marked so, cut to `size`, and where to look on; NULL: no more. */
const char *next_marked_line(const char *log, const char *mark, char *out, size_t size);

void page_write(const struct report *report, FILE *out);
bool summary_write(const struct report *report, FILE *out);

/* facts.c: the device, and the build's shaders, as JSON on stdout; or its index alone, or whether it has queues of both
 * kinds. `wanted` as --device takes it;
 * NULL or "": the best GPU, and an error where there is none. Returns the exit code. */
enum facts { FACTS_ALL, FACTS_INDEX, FACTS_QUEUES };
int facts_print(const char *wanted, enum facts which);

#endif
