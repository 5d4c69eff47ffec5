/* See page.h. Names from outside are written as XML has them; what steers a terminal becomes '?'. */
#include "page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/text.h"
#include "thumbnail.h"

#define CURVES_MAX     24
#define CURVE_POINTS   200
#define BINS           20
#define CONFUSED_MAX   20
#define THUMBNAILS_MAX 12

static const char style[] =
    ":root{color-scheme:light dark;--ink:#1b1f24;--page:#fff;--soft:#6a737d;--line:#d8dee4;--right:#1a9c50;--wrong:"
    "#e07b00;--missed:#d6287f;--curve:#2563eb}@media(prefers-color-scheme:dark){:root{--ink:#e6e9ed;--page:#14171a;"
    "--soft:#9aa4ae;--line:#343b42;--right:#35c777;--wrong:#ffa033;--missed:#ff5fa8;--curve:#7aa7ff}}body{font:15px/"
    "1.5 "
    "system-ui,sans-serif;color:var(--ink);background:var(--page);max-width:1080px;margin:2rem auto;padding:0 1rem}h1{"
    "font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .6rem}p{margin:.3rem 0;color:var(--soft)}.big{display:"
    "flex;gap:2.5rem;flex-wrap:wrap;margin:1.2rem 0}.big b{display:block;font-size:2rem;color:var(--ink)}table{border-"
    "collapse:collapse}td,th{padding:.25rem .7rem;border-bottom:1px solid var(--line);text-align:right;font-variant-"
    "numeric:tabular-nums}td:first-child,th:first-child{text-align:left}.grid{display:flex;flex-wrap:wrap;gap:1rem}"
    ".pictures{display:grid;gap:1rem;grid-template-columns:repeat(auto-fill,minmax(17rem,1fr))}.pictures "
    "img{width:100%}"
    "figure{margin:0}figcaption{color:var(--soft);font-size:.85rem;max-width:340px}img{max-width:100%;display:block}"
    "svg "
    "text{fill:var(--soft);font:11px "
    "system-ui,sans-serif}.axis{stroke:var(--line);fill:none}.curve{stroke:var(--curve);"
    "fill:none;stroke-width:2}.right{fill:var(--right)}.wrong{fill:var(--wrong)}i{font-style:normal;font-weight:600}";

static void write_text(FILE *stream, const char *text)
{
    for (size_t count = strlen(text), at = 0; at < count;) {
        size_t length = text_measure(text + at, count - at);
        if (length == 0 || text_steers(text + at, length))
            fputc('?', stream);
        else if (text[at] == '<')
            fputs("&lt;", stream);
        else if (text[at] == '&')
            fputs("&amp;", stream);
        else if (text[at] == '"')
            fputs("&quot;", stream);
        else if (length == 3 && text_decode(text + at, length) >= 0xFFFE) /* no characters of XML */
            fputc('?', stream);
        else
            fwrite(text + at, 1, length, stream);
        at += length ? length : 1;
    }
}

static const char *class_name(const struct evaluation *evaluation, uint32_t class_id)
{
    return evaluation->dataset->classes[class_id];
}

static void write_share(FILE *stream, double value)
{
    if (value >= 0)
        fprintf(stream, "<td>%.4f</td>", value);
    else
        fputs("<td>-</td>", stream);
}

static void write_table(FILE *stream, const struct evaluation *evaluation)
{
    fputs("<h2>Classes</h2>\n<table><tr><th>class</th><th>objects</th><th>boxes</th><th>AP50</th><th>AP</th>"
          "<th>precision</th><th>recall</th><th>F1</th><th>best F1</th><th>at score</th></tr>\n",
          stream);
    for (uint32_t index = 0; index < evaluation->metrics->class_count; index++) {
        const struct class_metrics *mine = &evaluation->metrics->classes[index];
        fputs("<tr><td>", stream);
        write_text(stream, class_name(evaluation, mine->class_id));
        fprintf(stream, "</td><td>%zu</td><td>%zu</td>", mine->truths, mine->found);
        write_share(stream, mine->ap50);
        write_share(stream, mine->ap);
        write_share(stream, mine->half.precision);
        write_share(stream, mine->half.recall);
        write_share(stream, mine->half.f1);
        write_share(stream, mine->best.f1);
        write_share(stream, mine->best.threshold);
        fputs("</tr>\n", stream);
    }
    fputs("</table>\n<p>Precision, recall and F1 at a score of 0.5, each at an overlap of 0.5.</p>\n", stream);
}

static void write_curve(FILE *stream, const struct evaluation *evaluation, const struct class_metrics *mine)
{
    size_t right = 0, wrong = 0, last = 0;
    fputs(
        "<figure><svg width=\"320\" height=\"240\" viewBox=\"0 0 320 240\"><path class=\"axis\" d=\"M40 10V210H310M40 "
        "110H310M40 10H310M175 10V210M310 10V210\"/><text x=\"12\" y=\"14\">1.0</text><text x=\"12\" "
        "y=\"114\">0.5</text>"
        "<text x=\"130\" y=\"230\">recall 0 to 1</text><path class=\"curve\" d=\"",
        stream);
    for (size_t index = 0; index < mine->count; index++) {
        const struct judged *judged = &evaluation->metrics->judged[mine->first + index];
        right += judged->verdict == VERDICT_RIGHT;
        wrong += judged->verdict == VERDICT_WRONG;
        size_t step = right * CURVE_POINTS / mine->truths;
        if (right + wrong == 0 || (index && step == last && index + 1 < mine->count))
            continue; /* a point where recall has moved on */
        fprintf(stream, "%c%.1f %.1f", last == 0 && index == 0 ? 'M' : 'L',
                40 + 270.0 * (double)right / (double)mine->truths,
                210 - 200.0 * (double)right / (double)(right + wrong));
        if (index == 0)
            last = step;
        last = step;
    }
    fputs("\"/></svg><figcaption>", stream);
    write_text(stream, class_name(evaluation, mine->class_id));
    fprintf(stream, ": AP50 %.4f</figcaption></figure>\n", mine->ap50);
}

static void write_curves(FILE *stream, const struct evaluation *evaluation)
{
    unsigned written = 0;
    fputs("<h2>Precision over recall</h2>\n<div class=\"grid\">\n", stream);
    for (uint32_t index = 0; index < evaluation->metrics->class_count && written < CURVES_MAX; index++) {
        const struct class_metrics *mine = &evaluation->metrics->classes[index];
        if (!mine->truths || !mine->count || evaluation->metrics->judged[mine->first].verdict == VERDICT_IGNORED)
            continue;
        write_curve(stream, evaluation, mine);
        written++;
    }
    fputs("</div>\n", stream);
}

/* Heights are square roots: the many wrong boxes of low scores would leave nothing to see of the others. */
static void write_histogram(FILE *stream, const struct evaluation *evaluation)
{
    size_t counts[BINS][2] = {{0}}, most = 1;
    const struct metrics *metrics = evaluation->metrics;
    for (size_t index = 0; index < evaluation->found->count; index++) {
        const struct judged *judged = &metrics->judged[index];
        int bin = judged->score >= 1 ? BINS - 1 : judged->score > 0 ? (int)(judged->score * BINS) : 0;
        if (judged->verdict != VERDICT_IGNORED && bin > 0) {
            size_t count = ++counts[bin][judged->verdict == VERDICT_RIGHT];
            most = count > most ? count : most;
        }
    }
    fputs("<h2>Scores</h2>\n<svg width=\"660\" height=\"220\" viewBox=\"0 0 660 220\">", stream);
    for (int bin = 1; bin < BINS; bin++)
        for (int kind = 0; kind < 2; kind++) {
            double height = 170 * sqrt((double)counts[bin][kind] / (double)most);
            fprintf(stream,
                    "<rect class=\"%s\" x=\"%d\" y=\"%.1f\" width=\"14\" height=\"%.1f\"><title>%zu</title></rect>",
                    kind ? "right" : "wrong", 10 + bin * 32 + kind * 15, 190 - height, height, counts[bin][kind]);
        }
    fputs(
        "<path class=\"axis\" d=\"M8 190H652\"/><text x=\"8\" y=\"208\">0</text><text x=\"322\" y=\"208\">0.5</text>"
        "<text x=\"640\" y=\"208\">1</text></svg>\n<p><i class=\"right\" style=\"color:var(--right)\">right</i> and <i "
        "style=\"color:var(--wrong)\">wrong</i> boxes by score, from 0.05 on; heights are square roots of the "
        "counts.</p>\n",
        stream);
}

static double overlap_of(const struct box *a, const struct box *b)
{
    double width = fmin(a->x2, b->x2) - fmax(a->x1, b->x1), height = fmin(a->y2, b->y2) - fmax(a->y1, b->y1);
    double common = width > 0 && height > 0 ? width * height : 0;
    double all = a->width * a->height + b->width * b->height - common;
    return all > 0 ? common / all : 0;
}

/* Rows are what is there, columns what was said: each truth has the surest free box of any class that overlaps it most.
 * The last row and column are nothing. */
static bool write_confusion(FILE *stream, const struct evaluation *evaluation)
{
    const struct metrics *metrics = evaluation->metrics;
    const struct dataset *dataset = evaluation->dataset;
    uint32_t count = metrics->class_count < CONFUSED_MAX ? metrics->class_count : CONFUSED_MAX;
    size_t cells[CONFUSED_MAX + 1][CONFUSED_MAX + 1] = {{0}}, most = 1;
    unsigned char *taken = calloc(dataset->truth_count ? dataset->truth_count : 1, 1);
    uint32_t *places = malloc((dataset->class_count ? dataset->class_count : 1) * sizeof *places);
    if (!taken || !places) {
        free(taken);
        free(places);
        return false;
    }
    for (uint32_t class_id = 0; class_id < dataset->class_count; class_id++)
        places[class_id] = CONFUSED_MAX;
    for (uint32_t index = 0; index < count; index++)
        places[metrics->classes[index].class_id] = index;
    for (size_t index = 0; index < evaluation->found->count; index++)
        if (metrics->judged[index].score >= SHOWN_SCORE && metrics->judged[index].verdict == VERDICT_RIGHT)
            taken[metrics->judged[index].truth] = 1; /* before others do */
    for (size_t index = 0; index < evaluation->found->count; index++) {
        const struct judged *judged = &metrics->judged[index];
        const struct found_box *found = &evaluation->found->boxes[judged->found];
        if (judged->score < SHOWN_SCORE || judged->verdict == VERDICT_IGNORED)
            continue;
        size_t best = SIZE_MAX;
        double least = 0.5;
        for (size_t truth = dataset->first_truths[found->picture]; truth < dataset->first_truths[found->picture + 1];
             truth++) {
            double overlap = overlap_of(&found->box, &dataset->truths[truth].box);
            if (!taken[truth] && overlap >= least) {
                least = overlap;
                best = truth;
            }
        }
        if (judged->verdict == VERDICT_RIGHT)
            best = judged->truth;
        if (best != SIZE_MAX)
            taken[best] = 1;
        uint32_t row = best == SIZE_MAX ? count : places[dataset->truths[best].class_id],
                 column = places[found->class_id];
        if ((row <= count) && column < count)
            cells[row][column]++;
    }
    for (size_t truth = 0; truth < dataset->truth_count; truth++)
        if (!taken[truth] && !dataset->truths[truth].is_ignored && places[dataset->truths[truth].class_id] < count)
            cells[places[dataset->truths[truth].class_id]][count]++;
    free(taken);
    free(places);
    for (uint32_t row = 0; row <= count; row++)
        for (uint32_t column = 0; column <= count; column++)
            most = cells[row][column] > most ? cells[row][column] : most;
    fputs("<h2>Confusion</h2>\n<table><tr><th>is \\ found as</th>", stream);
    for (uint32_t column = 0; column <= count; column++) {
        fputs("<th>", stream);
        write_text(stream, column < count ? class_name(evaluation, metrics->classes[column].class_id) : "nothing");
        fputs("</th>", stream);
    }
    fputs("</tr>\n", stream);
    for (uint32_t row = 0; row <= count; row++) {
        fputs("<tr><td>", stream);
        write_text(stream, row < count ? class_name(evaluation, metrics->classes[row].class_id) : "nothing");
        fputs("</td>", stream);
        for (uint32_t column = 0; column <= count; column++)
            fprintf(stream, "<td style=\"background:rgba(%s,%.2f)\">%zu</td>",
                    row == column ? "26,156,80" : "224,123,0", 0.6 * sqrt((double)cells[row][column] / (double)most),
                    cells[row][column]);
        fputs("</tr>\n", stream);
    }
    fputs("</table>\n<p>Boxes with a score of at least 0.5, by an overlap of at least 0.5.</p>\n", stream);
    return true;
}

/* The pictures with the most errors at a score of 0.5. */
static bool write_misses(FILE *stream, const struct evaluation *evaluation)
{
    const struct metrics *metrics = evaluation->metrics;
    const struct dataset *dataset = evaluation->dataset;
    unsigned char *is_met = calloc(dataset->truth_count ? dataset->truth_count : 1, 1);
    size_t(*errors)[2] = calloc(dataset->picture_count, sizeof *errors);
    bool has_memory = is_met && errors;
    if (!has_memory)
        goto done;
    for (size_t index = 0; index < evaluation->found->count; index++) {
        const struct judged *judged = &metrics->judged[index];
        if (judged->score < SHOWN_SCORE)
            continue;
        if (judged->verdict == VERDICT_RIGHT)
            is_met[judged->truth] = 1;
        errors[evaluation->found->boxes[judged->found].picture][1] += judged->verdict == VERDICT_WRONG;
    }
    for (size_t truth = 0; truth < dataset->truth_count; truth++)
        errors[dataset->truths[truth].picture][0] += !is_met[truth] && !dataset->truths[truth].is_ignored;
    fputs(
        "<h2>Worst pictures</h2>\n<p><i style=\"color:var(--missed)\">missed</i>, <i style=\"color:var(--wrong)\">wrong"
        "</i>, <i style=\"color:var(--right)\">right</i></p>\n<div class=\"pictures\">\n",
        stream);
    for (unsigned shown = 0; shown < THUMBNAILS_MAX; shown++) {
        uint32_t worst = 0;
        for (uint32_t picture = 1; picture < dataset->picture_count; picture++)
            if (errors[picture][0] + errors[picture][1] > errors[worst][0] + errors[worst][1])
                worst = picture;
        if (errors[worst][0] + errors[worst][1] == 0)
            break;
        fputs("<figure><img alt=\"\" src=\"", stream);
        if (!write_thumbnail(stream, evaluation, worst, is_met))
            fputs("data:,", stream);
        fputs("\"/><figcaption>", stream);
        write_text(stream, dataset->pictures[worst].name);
        fprintf(stream, ": %zu missed, %zu wrong</figcaption></figure>\n", errors[worst][0], errors[worst][1]);
        errors[worst][0] = errors[worst][1] = 0;
    }
    fputs("</div>\n", stream);
done:
    free(is_met);
    free(errors);
    return has_memory;
}

bool write_page(FILE *stream, const struct evaluation *evaluation)
{
    const struct metrics *metrics = evaluation->metrics;
    fprintf(stream,
            "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\"><head><meta charset=\"utf-8\"/>"
            "<meta name=\"viewport\" content=\"width=device-width\"/><title>ghostvk eval</title><style>%s</style>"
            "</head><body>\n<h1>",
            style);
    write_text(stream, evaluation->dataset_name);
    fputs("</h1>\n<p>", stream);
    if (evaluation->set) {
        write_text(stream, evaluation->set);
        fputs(", ", stream);
    }
    print_picture_counts(stream, evaluation);
    fprintf(stream, ", protocol %s, ", protocol_name(metrics->protocol));
    write_text(stream, evaluation->model);
    fprintf(
        stream,
        "</p>\n<div class=\"big\"><p>mAP at 0.5<b>%.4f</b></p><p>mAP at 0.5 to 0.95<b>%.4f</b></p><p>precision<b>%.4f"
        "</b></p><p>recall<b>%.4f</b></p></div>\n",
        metrics->map50 >= 0 ? metrics->map50 : 0, metrics->map >= 0 ? metrics->map : 0, metrics->half.precision,
        metrics->half.recall);
    write_table(stream, evaluation);
    write_curves(stream, evaluation);
    write_histogram(stream, evaluation);
    bool is_whole = write_confusion(stream, evaluation) && write_misses(stream, evaluation);
    fputs("</body></html>\n", stream);
    return is_whole;
}
