/* See print.h. */
#include "print.h"

#include <math.h>
#include <string.h>

#include "cli/base/json.h"
#include "cli/base/message.h"
#include "cli/base/text.h"

static const char *const protocol_names[] = {[PROTOCOL_FAMILY] = "voc-family", [PROTOCOL_COCO] = "coco"};

const char *protocol_name(enum protocol protocol)
{
    return protocol_names[protocol];
}

bool read_protocol(const char *value, enum protocol *out)
{
    for (int protocol = PROTOCOL_FAMILY; protocol <= PROTOCOL_COCO; protocol++)
        if (strcmp(value, protocol_names[protocol]) == 0) {
            *out = (enum protocol)protocol;
            return true;
        }
    refuse_usage("--protocol %s: voc-family or coco is wanted", *value ? value : "\"\"");
    return false;
}

/* ---- a table ----------------------------------------------------------------------------------------------------- */

static void print_share(FILE *stream, double value, int width)
{
    if (value >= 0)
        fprintf(stream, "%*.*f", width, 4, value);
    else
        fprintf(stream, "%*s", width, "-");
}

static void print_row(FILE *stream, const char *name, size_t width, size_t truths, size_t boxes, double ap50, double ap,
                      const struct working_point *half)
{
    print_padded(stream, name, width);
    fprintf(stream, "  %8zu  %8zu", truths, boxes);
    print_share(stream, ap50, 9);
    print_share(stream, ap, 9);
    print_share(stream, half->precision, 12);
    print_share(stream, half->recall, 9);
    print_share(stream, half->f1, 9);
}

static void print_summary(FILE *stream, const double *summary)
{
    static const char *const names[SUMMARY_COUNT] = {"AP  0.50:0.95", "AP  0.50",  "AP  0.75",   "AP  small",
                                                     "AP  medium",    "AP  large", "AR  1 box",  "AR  10 boxes",
                                                     "AR  100 boxes", "AR  small", "AR  medium", "AR  large"};
    for (int index = 0; index < SUMMARY_COUNT / 2; index++) {
        fprintf(stream, "  %-14s", names[index]);
        print_share(stream, summary[index], 8);
        fprintf(stream, "    %-14s", names[SUMMARY_COUNT / 2 + index]);
        print_share(stream, summary[SUMMARY_COUNT / 2 + index], 8);
        fputc('\n', stream);
    }
}

void print_picture_counts(FILE *stream, const struct evaluation *evaluation)
{
    size_t count = evaluation->dataset->picture_count;
    fprintf(stream, "%zu picture%s", count, count == 1 ? "" : "s");
    if (evaluation->missing)
        fprintf(stream, ", %zu of them missing", evaluation->missing);
    if (evaluation->failed)
        fprintf(stream, ", %zu failed", evaluation->failed);
}

void print_evaluation(FILE *stream, const struct evaluation *evaluation)
{
    const struct metrics *metrics = evaluation->metrics;
    size_t width = strlen("class"), truths = 0, boxes = 0;
    for (uint32_t index = 0; index < metrics->class_count; index++) {
        size_t own = text_width(evaluation->dataset->classes[metrics->classes[index].class_id]);
        width = own > width ? own : width;
        truths += metrics->classes[index].truths;
        boxes += metrics->classes[index].found;
    }
    fputs("Dataset   ", stream);
    print_text(stream, evaluation->dataset_name);
    if (evaluation->set) {
        fputs(", ", stream);
        print_text(stream, evaluation->set);
    }
    fputs(", ", stream);
    print_picture_counts(stream, evaluation);
    fputc('\n', stream);
    fputs(evaluation->device ? "Model     " : "Results   ", stream);
    print_text(stream, evaluation->model);
    if (evaluation->device) {
        fputs("\nDevice    ", stream);
        print_text(stream, evaluation->device);
    }
    fprintf(stream, "\nProtocol  %s\n\n", protocol_name(metrics->protocol));
    print_padded(stream, "", width);
    fprintf(stream, "  %8s  %8s%9s%9s   at a score of 0.5 and an overlap of 0.5\n", "", "", "", "");
    print_padded(stream, "class", width);
    fprintf(stream, "  %8s  %8s%9s%9s%12s%9s%9s   best F1  at score\n", "objects", "boxes", "AP50", "AP", "precision",
            "recall", "F1");
    for (uint32_t index = 0; index < metrics->class_count; index++) {
        const struct class_metrics *mine = &metrics->classes[index];
        print_row(stream, evaluation->dataset->classes[mine->class_id], width, mine->truths, mine->found, mine->ap50,
                  mine->ap, &mine->half);
        if (mine->best.f1 > 0)
            fprintf(stream, "   %7.4f     %.4f\n", mine->best.f1, mine->best.threshold);
        else
            fprintf(stream, "   %7s     %6s\n", "-", "-");
    }
    print_row(stream, "all", width, truths, boxes, metrics->map50, metrics->map, &metrics->half);
    fputc('\n', stream);
    if (metrics->protocol == PROTOCOL_COCO) {
        fputc('\n', stream);
        print_summary(stream, metrics->summary);
    }
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static void write_count(struct json *json, const char *key, size_t value)
{
    json_key(json, key);
    json_unsigned(json, value);
}

static void write_number(struct json *json, const char *key, double value)
{
    json_key(json, key);
    json_double(json, value);
}

static void write_point(struct json *json, const char *key, const struct working_point *point, size_t truths)
{
    json_key(json, key);
    json_open_object(json, JSON_LINE);
    write_number(json, "score", point->threshold);
    write_number(json, "precision", point->precision);
    write_number(json, "recall", point->recall);
    write_number(json, "f1", point->f1);
    write_count(json, "true_positives", point->right);
    write_count(json, "false_positives", point->wrong);
    write_count(json, "false_negatives", truths - point->right);
    json_close(json);
}

static void write_class(struct json *json, const struct evaluation *evaluation, const struct class_metrics *mine)
{
    json_open_object(json, JSON_BLOCK);
    json_key(json, "class");
    json_quoted(json, evaluation->dataset->classes[mine->class_id]);
    write_count(json, "class_id", mine->class_id);
    write_count(json, "objects", mine->truths);
    write_count(json, "ignored", mine->ignored);
    write_count(json, "boxes", mine->found);
    write_number(json, "ap50", mine->ap50);
    write_number(json, "ap", mine->ap);
    write_point(json, "at_half", &mine->half, mine->truths);
    write_point(json, "best", &mine->best, mine->truths);
    json_close(json);
}

static void write_summary(struct json *json, const double *summary)
{
    static const char *const keys[SUMMARY_COUNT] = {"ap",   "ap50",  "ap75",   "ap_small", "ap_medium", "ap_large",
                                                    "ar_1", "ar_10", "ar_100", "ar_small", "ar_medium", "ar_large"};
    json_key(json, "coco");
    json_open_object(json, JSON_BLOCK);
    for (int index = 0; index < SUMMARY_COUNT; index++)
        write_number(json, keys[index], summary[index]);
    json_close(json);
}

bool write_evaluation(FILE *stream, const struct evaluation *evaluation)
{
    const struct metrics *metrics = evaluation->metrics;
    size_t truths = 0, ignored = 0, boxes = 0;
    for (uint32_t index = 0; index < metrics->class_count; index++) {
        truths += metrics->classes[index].truths;
        ignored += metrics->classes[index].ignored;
        boxes += metrics->classes[index].found;
    }
    struct json writer, *json = &writer;
    json_start(json, stream);
    json_open_object(json, JSON_BLOCK);
    json_key(json, "protocol");
    json_quoted(json, protocol_name(metrics->protocol));
    json_key(json, "dataset");
    json_quoted(json, evaluation->dataset_name);
    json_key(json, "set");
    json_quoted(json, evaluation->set);
    json_key(json, evaluation->device ? "model" : "results");
    json_quoted(json, evaluation->model);
    json_key(json, "device");
    json_quoted(json, evaluation->device);
    write_count(json, "pictures", evaluation->dataset->picture_count);
    write_count(json, "missing", evaluation->missing);
    write_count(json, "failed", evaluation->failed);
    write_count(json, "objects", truths);
    write_count(json, "ignored", ignored);
    write_count(json, "boxes", boxes);
    write_number(json, "map50", metrics->map50);
    write_number(json, "map", metrics->map);
    write_number(json, "precision", metrics->half.precision);
    write_number(json, "recall", metrics->half.recall);
    write_number(json, "f1", metrics->half.f1);
    if (metrics->protocol == PROTOCOL_COCO)
        write_summary(json, metrics->summary);
    json_key(json, "classes");
    json_open_array(json, JSON_BLOCK);
    for (uint32_t index = 0; index < metrics->class_count; index++)
        write_class(json, evaluation, &metrics->classes[index]);
    json_close(json);
    json_close(json);
    return json_finish(json);
}
