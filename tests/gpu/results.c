/* Reads what a run left in its folder; report.h says what that is. */
#include "report.h"

#include <stdlib.h>
#include <string.h>

#include "json_text.h"

#define FILE_LIMIT ((size_t)16 << 20)

/* The file with a zero behind it, cut where it is too large; NULL: it cannot be read. The caller frees. */
static char *read_file(const char *folder, const char *name, const char *ending)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s%s", folder, name, ending);
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    if (!file)
        return NULL;
    size_t length = 0, got = 1, capacity = 4096;
    while (got && length < FILE_LIMIT) {
        char *grown = realloc(text, capacity + 1);
        if (!grown)
            break;
        text = grown;
        got = fread(text + length, 1, capacity - length, file);
        length += got;
        capacity += length == capacity ? capacity : 0;
    }
    fclose(file);
    for (size_t i = 0; text && i < length; i++)
        if (!text[i])
            text[i] = ' ';
    if (text)
        text[length] = 0;
    return text;
}

static unsigned count_marked_lines(const char *log, const char *mark)
{
    unsigned count = 0;
    for (const char *at = log; (at = next_marked_line(at, mark, NULL, 0));)
        count++;
    return count;
}

const char *next_marked_line(const char *log, const char *mark, char *out, size_t size)
{
    for (const char *at = log; at && *at;) {
        const char *end = at + strcspn(at, "\n");
        size_t length = (size_t)(end - at), own = strlen(mark);
        if (length > own && !strncmp(at, mark, own)) {
            if (out)
                snprintf(out, size, "%.*s", (int)(length - own), at + own);
            return *end ? end + 1 : end;
        }
        at = *end ? end + 1 : end;
    }
    return NULL;
}

static void read_step(struct report *report, char *line)
{
    struct step *step = &report->steps[report->step_count];
    char *fields[4] = {0};
    size_t count = 0;
    for (char *field = strtok(line, "\t"); field && count < 4; field = strtok(NULL, "\t"))
        fields[count++] = field;
    if (count < 4 || strlen(fields[0]) >= sizeof step->name)
        return;
    snprintf(step->name, sizeof step->name, "%s", fields[0]);
    step->status = fields[1][0] == '-' ? -1 : atoi(fields[1]);
    step->seconds = (unsigned)strtoul(fields[2], NULL, 10);
    step->limit = (unsigned)strtoul(fields[3], NULL, 10);
    char path[128];
    snprintf(path, sizeof path, "logs/%s", step->name);
    step->log = read_file(report->folder, path, ".log");
    step->json = read_file(report->folder, path, ".json");
    if (!json_text_is_whole(step->json)) {
        free(step->json);
        step->json = NULL;
    }
    step->passed = count_marked_lines(step->log, "[       OK ] ");
    step->failed = 0;
    for (const char *at = step->log; (at = next_marked_line(at, "[ RUN      ] ", NULL, 0));)
        step->failed++;
    step->failed -= step->passed < step->failed ? step->passed : step->failed; /* also what a crash did not end */
    step->not_here = count_marked_lines(step->log, "[ NOT HERE ] ");
    step->left_out = count_marked_lines(step->log, "[ LEFT OUT ] ");
    report->step_count++;
}

static void read_fact(struct report *report, const char *line)
{
    struct fact *fact = &report->facts[report->fact_count];
    const char *tab = strchr(line, '\t');
    if (!tab || (size_t)(tab - line) >= sizeof fact->key)
        return;
    snprintf(fact->key, sizeof fact->key, "%.*s", (int)(tab - line), line);
    snprintf(fact->value, sizeof fact->value, "%s", tab + 1);
    report->fact_count++;
}

/* Ends the line at `at` and gives the next one, or NULL. */
static char *end_line(char *at)
{
    at += strcspn(at, "\n");
    if (!*at)
        return NULL;
    *at = 0;
    return at + 1;
}

bool report_read(struct report *report, const char *folder)
{
    memset(report, 0, sizeof *report);
    report->folder = folder;
    char *steps = read_file(folder, "steps", ".txt"), *facts = read_file(folder, "run", ".txt");
    for (char *line = facts, *next = NULL; line && *line && report->fact_count < FACTS_MAX; line = next) {
        next = end_line(line);
        read_fact(report, line);
    }
    for (char *line = steps, *next = NULL; line && *line && report->step_count < STEPS_MAX; line = next) {
        next = end_line(line);
        read_step(report, line);
    }
    bool found = steps != NULL;
    if (!found)
        fprintf(stderr, "gpu_report: %s/steps.txt cannot be read\n", folder);
    free(steps);
    free(facts);
    return found;
}

void report_release(struct report *report)
{
    for (size_t i = 0; i < report->step_count; i++) {
        free(report->steps[i].log);
        free(report->steps[i].json);
    }
}

bool step_has_passed(const struct step *step)
{
    return step->status == 0;
}

const char *step_verdict(const struct step *step, char *out, size_t size)
{
    if (step->status < 0)
        snprintf(out, size, "not begun");
    else if (step->status == 0)
        snprintf(out, size, "passed");
    else if (step->status == 124 || step->status == 137)
        snprintf(out, size, "timed out");
    else if (step->status > 128)
        snprintf(out, size, "ended by signal %d", step->status - 128);
    else
        snprintf(out, size, "failed (%d)", step->status);
    return out;
}

bool step_begins_with(const struct step *step, const char *prefix)
{
    return !strncmp(step->name, prefix, strlen(prefix));
}

const struct step *report_step(const struct report *report, const char *name)
{
    for (size_t i = 0; i < report->step_count; i++)
        if (!strcmp(report->steps[i].name, name))
            return &report->steps[i];
    return NULL;
}

const char *report_fact(const struct report *report, const char *key)
{
    for (size_t i = 0; i < report->fact_count; i++)
        if (!strcmp(report->facts[i].key, key))
            return report->facts[i].value;
    return "";
}
