/* The page of a run: Markdown, the device first, every failure with its output at the end. */
#include "report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "json_text.h"

#define TOP_LAYERS   15
#define OUTPUT_HEAD  ((size_t)8 << 10)
#define OUTPUT_TAIL  ((size_t)24 << 10)
#define LAYERS_LIMIT 4096u

/* In a cell of a table. */
static void print_cell(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|')
            fputc('\\', out);
        fputc((unsigned char)*text < 0x20 ? ' ' : *text, out);
    }
}

static void print_row(FILE *out, const char *key, const char *value)
{
    fprintf(out, "| %s | ", key);
    print_cell(out, value);
    fputs(" |\n", out);
}

/* "12.3", three digits that count; "-" where there is no number. */
static void print_number(FILE *out, double value)
{
    if (!isfinite(value))
        fputs("-", out);
    else
        fprintf(out, "%.*f", fabs(value) < 1 ? 3 : fabs(value) < 10 ? 2 : fabs(value) < 100 ? 1 : 0, value);
}

/* ---- the device -------------------------------------------------------------------------------------------------- */

static double heap_bytes(const char *facts, bool device_local)
{
    const char *heaps = json_text_member(facts, "heaps"), *heap;
    double bytes = 0;
    for (size_t i = 0; (heap = json_text_element(heaps, i)); i++) {
        const char *local = json_text_member(heap, "device_local");
        if (local && (*local == 't') == device_local)
            bytes += json_text_number(heap, "bytes");
    }
    return bytes;
}

static void print_names(const char *facts, FILE *out)
{
    static const char *const names[][2] = {
        {"device", "name"}, {"type", "type"}, {"driver", "driver"}, {"Vulkan", "vulkan"}};
    char text[512];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        json_text_string(facts, names[i][1], text, sizeof text);
        print_row(out, names[i][0], text);
    }
    snprintf(text, sizeof text, "vendor 0x%04x, device 0x%04x", (unsigned)json_text_number(facts, "vendor_id"),
             (unsigned)json_text_number(facts, "device_id"));
    print_row(out, "ids", text);
}

static void print_features(const char *facts, FILE *out)
{
    static const char *const names[] = {"subgroup size control", "full subgroups", "fp16 sums",
                                        "matrix units",          "fp64",           "texel buffers",
                                        "arrays of weights"};
    const char *features = json_text_member(facts, "features");
    char text[512] = "";
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = json_text_member(features, names[i]);
        size_t used = strlen(text);
        if (value && *value == 't')
            snprintf(text + used, sizeof text - used, "%s%s", used ? ", " : "", names[i]);
    }
    print_row(out, "features used", text[0] ? text : "none");
}

static void print_device(const struct report *report, FILE *out)
{
    const struct step *step = report_step(report, "device");
    const char *facts = step ? step->json : NULL, *subgroup = json_text_member(facts, "subgroup");
    const char *shaders = json_text_member(facts, "shaders");
    char text[512], other[64];
    if (step && !step_has_passed(step))
        fputs("No device was opened; the failures below say why.\n\n", out);
    fputs("| | |\n| --- | --- |\n", out);
    if (facts) {
        print_names(facts, out);
        snprintf(text, sizeof text, "%.0f lanes; %.0f to %.0f can be required", json_text_number(subgroup, "size"),
                 json_text_number(subgroup, "least"), json_text_number(subgroup, "most"));
        print_row(out, "subgroup", text);
        snprintf(text, sizeof text, "%.1f GiB of the device's, %.1f GiB beside it", heap_bytes(facts, true) / (1 << 30),
                 heap_bytes(facts, false) / (1 << 30));
        print_row(out, "memory", text);
        json_text_string(facts, "kernels", text, sizeof text - sizeof other - 16);
        json_text_string(facts, "kernels_fp16", other, sizeof other);
        strcat(strcat(text, ", in fp16 "), other);
        print_row(out, "kernels", text);
        print_features(facts, out);
        json_text_string(shaders, "hash", other, sizeof other);
        snprintf(text, sizeof text, "%.0f, hash %s", json_text_number(shaders, "count"), other);
        print_row(out, "shaders", text);
    }
    for (size_t i = 0; i < report->fact_count; i++)
        print_row(out, report->facts[i].key, report->facts[i].value);
    fputc('\n', out);
}

/* ---- speed ------------------------------------------------------------------------------------------------------- */

static double median_of(const char *bench, const char *stage)
{
    return json_text_number(json_text_member(json_text_member(bench, "ms"), stage), "median");
}

static void print_speed(const struct report *report, FILE *out)
{
    bool begun = false;
    for (size_t i = 0; i < report->step_count; i++) {
        const struct step *step = &report->steps[i];
        bool tuned = step_begins_with(step, "tuned-");
        char precision[16], size[32];
        if (!step->json || !(tuned || step_begins_with(step, "bench-")))
            continue;
        if (!begun)
            fputs("## Speed\n\n"
                  "| precision | batch | kernels | input | resize | network | 5 to 95 % | decode | whole frame | "
                  "frames/s "
                  "in flight | GFLOP/s |\n"
                  "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
                  out);
        begun = true;
        const char *network = json_text_member(json_text_member(step->json, "ms"), "network");
        json_text_string(step->json, "precision", precision, sizeof precision);
        json_text_string(step->json, "size", size, sizeof size);
        double batch = json_text_number(step->json, "batch");
        fprintf(out, "| %s | %.0f | %s | %s | ", precision, batch, tuned ? "tuned" : "built in", size);
        print_number(out, median_of(step->json, "resize"));
        fputs(" ms | ", out);
        print_number(out, median_of(step->json, "network"));
        fputs(" ms | ", out);
        print_number(out, json_text_number(network, "p5"));
        fputs(" to ", out);
        print_number(out, json_text_number(network, "p95"));
        fputs(" | ", out);
        print_number(out, median_of(step->json, "decode"));
        fputs(" ms | ", out);
        print_number(out, median_of(step->json, "total"));
        fputs(" ms | ", out);
        print_number(out, json_text_number(step->json, "fps_in_flight"));
        fputs(" | ", out);
        print_number(out, json_text_number(step->json, "gflops"));
        fputs(" |\n", out);
    }
    if (begun)
        fputs("\nA frame is a batch; times are for all of it.\n\n", out);
}

/* The network's time of a bench on a queue of this kind. */
static void print_queue_time(const struct report *report, const char *precision, const char *kind, FILE *out)
{
    char name[64];
    snprintf(name, sizeof name, "queue-%s-%s", precision, kind);
    const struct step *step = report_step(report, name);
    const char *network = step ? json_text_member(json_text_member(step->json, "ms"), "network") : NULL;
    print_number(out, network ? json_text_number(network, "median") : NAN);
    fputs(" ms | ", out);
    print_number(out, network ? json_text_number(network, "p5") : NAN);
    fputs(" to ", out);
    print_number(out, network ? json_text_number(network, "p95") : NAN);
    fputs(" | ", out);
}

static void print_queues(const struct report *report, FILE *out)
{
    static const char *const precisions[] = {"fp32", "fp16"};
    const char *found = report_fact(report, "queue families");
    bool begun = false;
    if (found[0]) {
        fputs("## Queue families\n\n", out);
        print_cell(out, found);
        fputs(".\n\n", out);
    }
    for (size_t i = 0; i < sizeof precisions / sizeof precisions[0]; i++) {
        char prefix[16];
        bool measured = false;
        snprintf(prefix, sizeof prefix, "queue-%s-", precisions[i]);
        for (size_t j = 0; j < report->step_count; j++)
            measured = measured || step_begins_with(&report->steps[j], prefix);
        if (!measured)
            continue;
        if (!begun)
            fputs("| network, 1 picture | for compute alone | 5 to 95 % | with graphics | 5 to 95 % |\n"
                  "| --- | --- | --- | --- | --- |\n",
                  out);
        begun = true;
        fprintf(out, "| %s | ", precisions[i]);
        print_queue_time(report, precisions[i], "compute", out);
        print_queue_time(report, precisions[i], "graphics", out);
        fputc('\n', out);
    }
    if (begun)
        fputc('\n', out);
}

/* ---- beside PyTorch ---------------------------------------------------------------------------------------------- */

/* The bench of this precision and batch: with tuned kernels where that was measured. NULL: none. */
static const char *bench_of(const struct report *report, const char *precision, double batch)
{
    static const char *const beginnings[] = {"tuned", "bench"};
    for (size_t i = 0; i < 2; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s-%s-%.0f", beginnings[i], precision, batch);
        const struct step *step = report_step(report, name);
        if (step && step->json)
            return step->json;
    }
    return NULL;
}

static void print_pytorch(const struct report *report, FILE *out)
{
    const struct step *step = report_step(report, "pytorch");
    const char *rows = step ? json_text_member(step->json, "rows") : NULL, *row;
    char version[64], way[64];
    if (!rows)
        return;
    json_text_string(step->json, "pytorch", version, sizeof version);
    fputs("## Beside PyTorch\n\nThe same network in PyTorch ", out);
    print_cell(out, version);
    fputs(" with CUDA in the same run. Its time is from a batch on the device to three maps there, waited for; "
          "ghostvk's network by the device's own clock, its whole frame from a picture of the host's to boxes on the "
          "host, tuned where that was measured.\n\n"
          "| batch | PyTorch | | 5 to 95 % | ghostvk | network | whole frame |\n"
          "| --- | --- | --- | --- | --- | --- | --- |\n",
          out);
    for (size_t i = 0; (row = json_text_element(rows, i)); i++) {
        double batch = json_text_number(row, "batch");
        json_text_string(row, "way", way, sizeof way);
        const char *precision = strncmp(way, "fp16", 4) ? "fp32" : "fp16", *ours = bench_of(report, precision, batch);
        fprintf(out, "| %.0f | ", batch);
        print_cell(out, way);
        fputs(" | ", out);
        print_number(out, json_text_number(row, "ms"));
        fputs(" ms | ", out);
        print_number(out, json_text_number(row, "p5"));
        fputs(" to ", out);
        print_number(out, json_text_number(row, "p95"));
        fprintf(out, " | %s | ", precision);
        print_number(out, ours ? median_of(ours, "network") : NAN);
        fputs(" ms | ", out);
        print_number(out, ours ? median_of(ours, "total") : NAN);
        fputs(" ms |\n", out);
    }
    fputc('\n', out);
}

/* ---- layers ------------------------------------------------------------------------------------------------------ */

struct layer {
    const char *at;
    double ms;
};

static int compare_layers(const void *left, const void *right)
{
    double a = ((const struct layer *)left)->ms, b = ((const struct layer *)right)->ms;
    return (a < b) - (a > b);
}

static void print_layers(const struct step *step, FILE *out)
{
    const char *layers = json_text_member(step->json, "layers"), *at;
    struct layer *sorted = calloc(LAYERS_LIMIT, sizeof *sorted);
    size_t count = 0;
    double total = 0;
    for (; sorted && count < LAYERS_LIMIT && (at = json_text_element(layers, count)); count++) {
        sorted[count] = (struct layer){at, json_text_number(at, "ms")};
        total += sorted[count].ms;
    }
    if (!count) {
        free(sorted);
        return;
    }
    qsort(sorted, count, sizeof *sorted, compare_layers);
    char precision[16], name[256], kernel[128];
    json_text_string(step->json, "precision", precision, sizeof precision);
    fprintf(out, "## Layers, %s, batch %.0f\n\n", precision, json_text_number(step->json, "batch"));
    fputs("| layer | kernel | time | share | GFLOP/s | GB/s |\n| --- | --- | --- | --- | --- | --- |\n", out);
    for (size_t i = 0; i < count && i < TOP_LAYERS; i++) {
        double ms = sorted[i].ms, macs = json_text_number(sorted[i].at, "macs");
        json_text_string(sorted[i].at, "name", name, sizeof name);
        json_text_string(sorted[i].at, "kernel", kernel, sizeof kernel);
        fputs("| ", out);
        print_cell(out, name);
        fprintf(out, " | %s | %.4f ms | %.1f %% | ", kernel, ms, total > 0 ? 100 * ms / total : 0);
        print_number(out, macs > 0 && ms > 0 ? 2 * macs / (ms * 1e6) : NAN);
        fputs(" | ", out);
        print_number(out, ms > 0 ? json_text_number(sorted[i].at, "bytes") / (ms * 1e6) : NAN);
        fputs(" |\n", out);
    }
    fprintf(out, "\n%zu dispatches, %.3f ms one after another.\n\n", count, total);
    free(sorted);
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

static void print_marked(FILE *out, const struct step *step, const char *mark, const char *title)
{
    char line[512];
    for (const char *at = step->log; (at = next_marked_line(at, mark, line, sizeof line));)
        fprintf(out, "- %s, %s: %s\n", step->name, title, line);
}

static void print_tests(const struct report *report, FILE *out)
{
    unsigned notes = 0, tests = 0;
    for (size_t i = 0; i < report->step_count; i++)
        tests += step_begins_with(&report->steps[i], "test-");
    if (!tests)
        return;
    fputs("## Tests\n\n| | passed | failed | not for this device | left out |\n| --- | --- | --- | --- | --- |\n", out);
    for (size_t i = 0; i < report->step_count; i++) {
        const struct step *step = &report->steps[i];
        if (step_begins_with(step, "test-"))
            fprintf(out, "| %s | %u | %u | %u | %u |\n", step->name, step->passed, step->failed, step->not_here,
                    step->left_out);
        notes += step->not_here + step->left_out;
    }
    fputs(notes ? "\n" : "", out);
    for (size_t i = 0; i < report->step_count; i++) {
        print_marked(out, &report->steps[i], "[ NOT HERE ] ", "not for this device");
        print_marked(out, &report->steps[i], "[ LEFT OUT ] ", "left out");
    }
    fputc('\n', out);
}

/* ---- text of the program ----------------------------------------------------------------------------------------- */

static bool is_text(unsigned char byte)
{
    return byte == '\n' || byte == '\t' || (byte >= 0x20 && byte != 0x7f);
}

static void print_bytes(FILE *out, const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        fputc(is_text((unsigned char)text[i]) ? text[i] : '?', out);
}

/* The whole output where it is short, its beginning and its end where it is not. */
static void print_output(FILE *out, const struct step *step)
{
    const char *text = step->log ? step->log : "";
    size_t length = strlen(text);
    fputs("````text\n", out);
    if (length <= OUTPUT_HEAD + OUTPUT_TAIL) {
        print_bytes(out, text, length);
    } else {
        print_bytes(out, text, OUTPUT_HEAD);
        fprintf(out, "\n[... %zu bytes; logs/%s.log has them ...]\n", length - OUTPUT_HEAD - OUTPUT_TAIL, step->name);
        print_bytes(out, text + length - OUTPUT_TAIL, OUTPUT_TAIL);
    }
    fputs(length && text[length - 1] == '\n' ? "````\n\n" : "\n````\n\n", out);
}

static void print_outputs_of(const struct report *report, FILE *out, const char *prefix, const char *title)
{
    bool begun = false;
    for (size_t i = 0; i < report->step_count; i++) {
        const struct step *step = &report->steps[i];
        if (!step_begins_with(step, prefix) || !step_has_passed(step))
            continue;
        fputs(begun ? "" : title, out);
        begun = true;
        fprintf(out, "`%s`\n\n", step->name);
        print_output(out, step);
    }
}

/* ---- the page ---------------------------------------------------------------------------------------------------- */

static void print_steps(const struct report *report, FILE *out)
{
    char verdict[48];
    fputs("## Steps\n\n| step | | seconds | limit |\n| --- | --- | --- | --- |\n", out);
    unsigned seconds = 0;
    for (size_t i = 0; i < report->step_count; i++) {
        const struct step *step = &report->steps[i];
        fprintf(out, "| %s | %s | %u | %u |\n", step->name, step_verdict(step, verdict, sizeof verdict), step->seconds,
                step->limit);
        seconds += step->seconds;
    }
    fprintf(out, "\n%u s in all.\n\n", seconds);
}

static void print_failures(const struct report *report, FILE *out)
{
    bool begun = false;
    char verdict[48];
    for (size_t i = 0; i < report->step_count; i++) {
        const struct step *step = &report->steps[i];
        if (step_has_passed(step))
            continue;
        fputs(begun ? "" : "## Failures\n\n", out);
        begun = true;
        fprintf(out, "`%s`: %s after %u s\n\n", step->name, step_verdict(step, verdict, sizeof verdict), step->seconds);
        if (step->log)
            print_output(out, step);
    }
}

void page_write(const struct report *report, FILE *out)
{
    const struct step *device = report_step(report, "device");
    char name[256];
    size_t failed = 0;
    for (size_t i = 0; i < report->step_count; i++)
        failed += !step_has_passed(&report->steps[i]);
    json_text_string(device ? device->json : NULL, "name", name, sizeof name);
    fprintf(out, "# ");
    print_cell(out, name[0] ? name : "No device");
    if (failed)
        fprintf(out, "\n\n**%zu of %zu steps failed.**\n\n", failed, report->step_count);
    else
        fprintf(out, "\n\nAll %zu steps passed.\n\n", report->step_count);
    print_device(report, out);
    print_outputs_of(report, out, "devices", "## All devices\n\n");
    print_outputs_of(report, out, "selftest-", "## Self-test\n\n");
    print_tests(report, out);
    print_speed(report, out);
    print_queues(report, out);
    print_pytorch(report, out);
    for (size_t i = 0; i < report->step_count; i++)
        if (step_begins_with(&report->steps[i], "profile-") && report->steps[i].json)
            print_layers(&report->steps[i], out);
    print_outputs_of(report, out, "tune-", "## Tune\n\n");
    print_steps(report, out);
    print_failures(report, out);
}
