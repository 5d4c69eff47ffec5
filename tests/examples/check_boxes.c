/* Whether the examples' boxes are where PyTorch finds them in the same sample (models/samples/expected.safetensors).
 *
 * usage: check_boxes rows EXPECTED NAME < ROWS
 *            lines that end in SCORE X1 Y1 X2 Y2; others are passed over
 *        check_boxes frames EXPECTED NAME LIST STILLS
 *            what offscreen_ar --list and --stills wrote: no frame without boxes once there were some; boxes where the
 *            sample's are, moved as the view is; and, in the pictures, drawn there in the colour of their class */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ghostvk/checkpoint.h>

#include "../../examples/common/ppm.h"

#define MOST_BOXES 512
#define WIDTH      640
#define HEIGHT     480
#define SURE       0.6 /* score from which a box has to be in every frame */
#define EDGE       4   /* pixels: a box that is this near to an edge may be cut off by it */

struct box {
    double at[4], score;
    int class_id; /* -1: not known */
};

struct frame {
    unsigned long long number;
    double view[2];
    uint32_t count;
    struct box boxes[MOST_BOXES];
};

static struct box expected[MOST_BOXES];
static uint32_t expected_count;

static bool fail(const char *sentence)
{
    printf("check_boxes: %s\n", sentence);
    return false;
}

static bool read_expected(const char *path, const char *name)
{
    gvk_checkpoint *file = NULL;
    gvk_array array;
    const gvk_checkpoint_params params = {.size = sizeof params, .path = path};
    if (gvk_checkpoint_open(NULL, &params, &file) != GVK_OK ||
        gvk_checkpoint_find_weight(file, name, &array) != GVK_OK || array.type != GVK_TYPE_F32 || array.rank != 2 ||
        array.shape[1] != 6 || array.shape[0] > MOST_BOXES)
        return fail("the expected boxes cannot be read.");
    expected_count = (uint32_t)array.shape[0];
    for (uint32_t i = 0; i < expected_count; i++) {
        float row[6];
        memcpy(row, (const char *)array.data + i * sizeof row, sizeof row);
        for (int j = 0; j < 4; j++)
            expected[i].at[j] = (double)row[j];
        expected[i].score = (double)row[4];
        expected[i].class_id = (int)row[5];
    }
    gvk_checkpoint_destroy(file);
    return expected_count > 0;
}

static double overlap(const struct box *a, const struct box *b, const double moved[2])
{
    double inside = 1, area_a = 1, area_b = 1;
    for (int j = 0; j < 2; j++) {
        double low = fmax(a->at[j] - moved[j], b->at[j]), high = fmin(a->at[j + 2] - moved[j], b->at[j + 2]);
        inside *= fmax(high - low, 0);
        area_a *= a->at[j + 2] - a->at[j];
        area_b *= b->at[j + 2] - b->at[j];
    }
    return inside / (area_a + area_b - inside);
}

/* The best overlap of an expected box, `moved` to the upper left, with boxes of its class. */
static double best_overlap(const struct box *wanted, const double moved[2], const struct box *boxes, uint32_t count)
{
    double best = 0;
    for (uint32_t i = 0; i < count; i++)
        if (boxes[i].class_id < 0 || boxes[i].class_id == wanted->class_id)
            best = fmax(best, overlap(wanted, &boxes[i], moved));
    return best;
}

static bool check_rows(void)
{
    static struct box found[MOST_BOXES];
    const double still[2] = {0, 0};
    char line[1024];
    uint32_t count = 0;
    while (fgets(line, sizeof line, stdin) && count < MOST_BOXES) {
        struct box *box = &found[count];
        char name[256];
        if (sscanf(line, "%255s %lf %lf %lf %lf %lf", name, &box->score, &box->at[0], &box->at[1], &box->at[2],
                   &box->at[3]) != 6)
            continue;
        box->class_id = -1;
        count++;
    }
    if (count != expected_count) {
        printf("check_boxes: %u rows, not %u\n", count, expected_count);
        return false;
    }
    for (uint32_t i = 0; i < expected_count; i++) {
        double best = best_overlap(&expected[i], still, found, count);
        if (best < 0.9) { /* rows are in whole pixels */
            printf("check_boxes: expected row %u overlaps no row by more than %.3f\n", i, best);
            return false;
        }
    }
    printf("check_boxes: %u boxes, those of the reference\n", count);
    return true;
}

/* ---- frames ---- */

static bool read_frame(FILE *list, struct frame *out)
{
    if (fscanf(list, " frame %llu view %lf %lf boxes %u", &out->number, &out->view[0], &out->view[1], &out->count) !=
            4 ||
        out->count > MOST_BOXES)
        return false;
    for (uint32_t i = 0; i < out->count; i++) {
        struct box *box = &out->boxes[i];
        if (fscanf(list, " %d %lf %lf %lf %lf %lf", &box->class_id, &box->score, &box->at[0], &box->at[1], &box->at[2],
                   &box->at[3]) != 6)
            return false;
    }
    return true;
}

/* Not cut off by an edge, neither in the sample nor in the view. */
static bool is_whole(const struct box *box, const double view[2])
{
    const double sides[2] = {WIDTH, HEIGHT};
    for (int j = 0; j < 2; j++)
        if (box->at[j] < EDGE || box->at[j + 2] > sides[j] - EDGE || box->at[j] - view[j] < EDGE ||
            box->at[j + 2] - view[j] > sides[j] - EDGE)
            return false;
    return true;
}

static bool has_colour(const struct ppm *still, double x, double y, int class_id)
{
    static const int colours[3][3] = {{0, 158, 115}, {255, 133, 0}, {20, 97, 242}}; /* as box.vert has them */
    if (x < 0 || y < 0 || x >= WIDTH || y >= HEIGHT)
        return false;
    const unsigned char *pixel = still->rgb + ((size_t)y * WIDTH + (size_t)x) * 3;
    int apart = 0;
    for (int i = 0; i < 3; i++)
        apart += abs(pixel[i] - colours[class_id % 3][i]);
    return apart < 90;
}

/* The share of a box's border where within `near` pixels across it there is its colour. */
static double drawn_share(const struct ppm *still, const struct box *box, const double view[2], double near)
{
    const double x1 = box->at[0] - view[0], y1 = box->at[1] - view[1], x2 = box->at[2] - view[0],
                 y2 = box->at[3] - view[1];
    int points = 0, drawn = 0;
    for (double at = 0.1; at < 0.95; at += 0.1)
        for (int side = 0; side < 4; side++) {
            bool found = false;
            for (double across = -near; across <= near && !found; across += 1) {
                double x = side < 2 ? x1 + (x2 - x1) * at : (side == 2 ? x1 : x2) + across;
                double y = side < 2 ? (side == 0 ? y1 : y2) + across : y1 + (y2 - y1) * at;
                found = has_colour(still, x, y, box->class_id);
            }
            points++;
            drawn += found;
        }
    return (double)drawn / points;
}

static bool check_still(const char *folder, const struct frame *frame, uint32_t *stills)
{
    char path[4096];
    struct ppm still;
    bool sound = true, rests = frame->view[0] == 0 && frame->view[1] == 0;
    snprintf(path, sizeof path, "%s/frame_%04llu.ppm", folder, frame->number);
    FILE *file = fopen(path, "rb");
    if (!file)
        return true; /* not every frame has one */
    fclose(file);
    if (!read_ppm(path, &still))
        return false;
    if (still.width != WIDTH || still.height != HEIGHT)
        sound = fail("a still is of another size.");
    for (uint32_t i = 0; i < expected_count && sound; i++) {
        if (expected[i].score < SURE || !is_whole(&expected[i], frame->view))
            continue;
        double share = drawn_share(&still, &expected[i], frame->view, rests ? 4 : 14);
        if (share < 0.8) {
            printf("check_boxes: frame %llu: only %.2f of the border of expected box %u is drawn\n", frame->number,
                   share, i);
            sound = false;
        }
    }
    free(still.rgb);
    ++*stills;
    return sound;
}

static bool check_frame(const struct frame *frame, uint32_t *pairs, uint32_t *missed)
{
    const bool rests = frame->view[0] == 0 && frame->view[1] == 0;
    for (uint32_t i = 0; i < expected_count; i++) {
        double best = best_overlap(&expected[i], frame->view, frame->boxes, frame->count);
        if (rests && best < 0.85) {
            printf("check_boxes: frame %llu: expected box %u overlaps none by more than %.3f\n", frame->number, i,
                   best);
            return false;
        }
        if (rests || expected[i].score < SURE || !is_whole(&expected[i], frame->view))
            continue;
        ++*pairs;
        *missed += best < 0.5;
    }
    return true;
}

static bool check_frames(const char *list_path, const char *folder)
{
    static struct frame frame;
    uint32_t frames = 0, with_boxes = 0, moving = 0, pairs = 0, missed = 0, stills = 0;
    FILE *list = fopen(list_path, "r");
    if (!list)
        return fail("the list cannot be opened.");
    bool sound = true;
    while (sound && read_frame(list, &frame)) {
        frames++;
        if (!frame.count && !with_boxes)
            continue;
        if (!frame.count) {
            printf("check_boxes: frame %llu has no boxes, after frames that had\n", frame.number);
            sound = false;
        }
        with_boxes++;
        moving += frame.view[0] > 0;
        sound = sound && check_frame(&frame, &pairs, &missed) && check_still(folder, &frame, &stills);
    }
    fclose(list);
    if (sound && (with_boxes < frames / 2 || !moving || !pairs || stills < 3))
        sound = fail("there are too few frames to look at.");
    if (sound && missed * 50 > pairs) {
        printf("check_boxes: %u of %u boxes in moving frames are not where they should be\n", missed, pairs);
        sound = false;
    }
    printf("check_boxes: %u frames, %u with boxes, %u of them moving; %u of %u boxes there off by half; %u stills\n",
           frames, with_boxes, moving, missed, pairs, stills);
    return sound;
}

int main(int argc, char **argv)
{
    bool rows = argc == 4 && !strcmp(argv[1], "rows"), frames = argc == 6 && !strcmp(argv[1], "frames");
    if (!rows && !frames) {
        fprintf(stderr, "usage: check_boxes rows EXPECTED NAME | frames EXPECTED NAME LIST STILLS\n");
        return 2;
    }
    if (!read_expected(argv[2], argv[3]))
        return 1;
    return (rows ? check_rows() : check_frames(argv[4], argv[5])) ? 0 : 1;
}
