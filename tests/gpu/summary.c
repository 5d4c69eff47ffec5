/* The same as JSON: for each step how it ended and what it measured. */
#include "report.h"

#include "json_text.h"

static void write_unsigned(struct json *json, const char *key, unsigned value)
{
    json_key(json, key);
    json_unsigned(json, value);
}

static void write_marked(struct json *json, const char *key, const char *log, const char *mark)
{
    char line[512];
    json_key(json, key);
    json_open_array(json, JSON_LINE);
    for (const char *at = log; (at = next_marked_line(at, mark, line, sizeof line));)
        json_quoted(json, line);
    json_close(json);
}

static void write_step(struct json *json, const struct step *step)
{
    char verdict[48];
    json_open_object(json, JSON_BLOCK);
    json_key(json, "name");
    json_quoted(json, step->name);
    json_key(json, "passed");
    json_bool(json, step_has_passed(step));
    json_key(json, "verdict");
    json_quoted(json, step_verdict(step, verdict, sizeof verdict));
    write_unsigned(json, "seconds", step->seconds);
    write_unsigned(json, "limit", step->limit);
    if (step_begins_with(step, "test-")) {
        write_unsigned(json, "tests_passed", step->passed);
        write_unsigned(json, "tests_failed", step->failed);
        write_marked(json, "not_for_this_device", step->log, "[ NOT HERE ] ");
        write_marked(json, "left_out", step->log, "[ LEFT OUT ] ");
    }
    if (step->json) {
        json_key(json, "result");
        json_text_copy(json, step->json);
    }
    /* What a person reads of a self-test or of tuning, and all of a failure. */
    bool is_told = step_begins_with(step, "selftest-") || step_begins_with(step, "tune-");
    if (step->log && (is_told || !step_has_passed(step))) {
        json_key(json, "output");
        json_quoted(json, step->log);
    }
    json_close(json);
}

bool summary_write(const struct report *report, FILE *out)
{
    struct json json;
    bool passed = true;
    json_start(&json, out);
    json_open_object(&json, JSON_BLOCK);
    json_key(&json, "run");
    json_open_object(&json, JSON_BLOCK);
    for (size_t i = 0; i < report->fact_count; i++) {
        json_key(&json, report->facts[i].key);
        json_quoted(&json, report->facts[i].value);
    }
    json_close(&json);
    json_key(&json, "steps");
    json_open_array(&json, JSON_BLOCK);
    for (size_t i = 0; i < report->step_count; i++) {
        write_step(&json, &report->steps[i]);
        passed = passed && step_has_passed(&report->steps[i]);
    }
    json_close(&json);
    json_key(&json, "passed");
    json_bool(&json, passed);
    json_close(&json);
    return json_finish(&json);
}
