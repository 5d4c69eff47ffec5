/* See draw.h. Three steps: order the boxes by score, find each label a place (the surest first, so that it gets the
 * usual one), then draw all frames and after them all labels, so that no frame crosses a label. */
#include "draw.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "font.h"

#define LABEL_BYTES_MAX 256
/* Later labels look for a place among this many; a picture with more is unreadable anyway, and time stays bounded. */
#define NEIGHBOURS_MAX 512
#define PLATE_ALPHA    225
#define SHADOW_ALPHA   70

struct colour {
    uint8_t red, green, blue;
};

/* Far apart in hue or lightness, neighbours most of all, and strong enough for photographs. */
static const struct colour palette[] = {
    {30, 136, 255}, {255, 122, 26}, {18, 183, 106},  {232, 62, 140},  {255, 201, 31},  {139, 92, 246},  {6, 195, 219},
    {229, 57, 53},  {163, 217, 43}, {63, 81, 181},   {255, 168, 197}, {0, 140, 126},   {192, 122, 63},  {185, 165, 255},
    {107, 142, 35}, {156, 39, 176}, {127, 231, 196}, {183, 28, 74},   {144, 202, 249}, {244, 226, 133},
};

/* Whole pixels; right and bottom are not part of it. */
struct area {
    int left, top, right, bottom;
};

struct mark {
    const struct draw_box *box;
    struct area frame; /* the outer edge of the line */
    struct area plate;
    char text[LABEL_BYTES_MAX + 32];
};

struct style {
    int line, padding_x, padding_y;
    struct font font;
    struct letters *letters; /* NULL where there are none */
};

static struct style choose_style(const struct image *image, struct letters *letters)
{
    int shorter = (int)(image->width < image->height ? image->width : image->height);
    struct style style = {.line = (int)lroundf(0.004f * (float)shorter)};
    if (style.line < 2)
        style.line = 2;
    int cap_height = (int)lroundf(0.021f * (float)shorter);
    style.font = font_of_height(cap_height < 9 ? 9 : cap_height);
    style.letters = letters;
    style.padding_x = (style.font.cap_height * 9 + 10) / 20;
    style.padding_y = (style.font.cap_height * 9 + 10) / 20;
    return style;
}

/* Whole labels are written in one font: a mixture is hard to read. The system's fonts are looked for only when a label
 * needs them. */
static bool needs_letters(const struct style *style, const char *text)
{
    return !font_covers(text) && letters_start(style->letters, style->font.cap_height);
}

static int measure_text(const struct style *style, const char *text)
{
    return needs_letters(style, text) ? letters_measure(style->letters, text) : font_measure(&style->font, text);
}

/* False for numbers that are not finite too. */
static bool is_visible(const struct image *image, const struct draw_box *box)
{
    return isfinite(box->x1) && isfinite(box->y1) && isfinite(box->x2) && isfinite(box->y2) && isfinite(box->score) &&
           fmaxf(box->x1, box->x2) >= 0 && fminf(box->x1, box->x2) <= (float)image->width &&
           fmaxf(box->y1, box->y2) >= 0 && fminf(box->y1, box->y2) <= (float)image->height;
}

static uint8_t mix(uint8_t below, uint8_t above, unsigned alpha)
{
    return (uint8_t)((below * (255 - alpha) + above * alpha + 127) / 255);
}

static void blend(uint8_t *pixel, struct colour colour, unsigned alpha)
{
    pixel[0] = mix(pixel[0], colour.red, alpha);
    pixel[1] = mix(pixel[1], colour.green, alpha);
    pixel[2] = mix(pixel[2], colour.blue, alpha);
}

static void fill(struct image *image, struct area area, struct colour colour, unsigned alpha)
{
    int width = (int)image->width, height = (int)image->height;
    int left = area.left > 0 ? area.left : 0, right = area.right < width ? area.right : width;
    int top = area.top > 0 ? area.top : 0, bottom = area.bottom < height ? area.bottom : height;
    for (int y = top; y < bottom; y++)
        for (int x = left; x < right; x++)
            blend(image->pixels + 3 * ((size_t)y * image->width + (size_t)x), colour, alpha);
}

/* The line inside `outer`; a box narrower than two lines is filled. */
static void draw_frame(struct image *image, struct area outer, int line, struct colour colour, unsigned alpha)
{
    struct area inner = {outer.left + line, outer.top + line, outer.right - line, outer.bottom - line};
    if (inner.left >= inner.right || inner.top >= inner.bottom) {
        fill(image, outer, colour, alpha);
        return;
    }
    fill(image, (struct area){outer.left, outer.top, outer.right, inner.top}, colour, alpha);
    fill(image, (struct area){outer.left, inner.bottom, outer.right, outer.bottom}, colour, alpha);
    fill(image, (struct area){outer.left, inner.top, inner.left, inner.bottom}, colour, alpha);
    fill(image, (struct area){inner.right, inner.top, outer.right, inner.bottom}, colour, alpha);
}

static struct area grow(struct area area, int by)
{
    return (struct area){area.left - by, area.top - by, area.right + by, area.bottom + by};
}

static bool overlap(struct area one, struct area other)
{
    return one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
}

static int clamp_to(float value, int lowest, int highest)
{
    return value <= (float)lowest ? lowest : value >= (float)highest ? highest : (int)lroundf(value);
}

/* The line runs along the middle of the box's edges, but not out of the picture: half a line looks like a fault. */
static struct area frame_of(const struct image *image, const struct draw_box *box, int line)
{
    int width = (int)image->width, height = (int)image->height, outside = line / 2;
    float left = fminf(box->x1, box->x2), right = fmaxf(box->x1, box->x2);
    float top = fminf(box->y1, box->y2), bottom = fmaxf(box->y1, box->y2);
    struct area frame = {clamp_to(left - (float)outside, 0, width), clamp_to(top - (float)outside, 0, height),
                         clamp_to(right + (float)outside, 0, width), clamp_to(bottom + (float)outside, 0, height)};
    return frame;
}

/* "CLASS 0.87", with the class shortened until the plate fits into the picture. Written without printf's %f, whose
 * point is the locale's. */
static void compose_text(const struct draw_box *box, const struct style *style, int room, char *text, size_t size)
{
    char score[16], label[LABEL_BYTES_MAX];
    unsigned hundredths = (unsigned)clamp_to(100 * box->score, 0, 100);
    snprintf(score, sizeof score, "%u.%02u", hundredths / 100, hundredths % 100);
    size_t length = 0;
    for (const char *at = box->label ? box->label : ""; *at && length + 8 < sizeof label;) {
        size_t step = font_character_length(at);
        bool is_control = (unsigned char)*at < ' ';
        if (is_control)
            label[length++] = ' ';
        else
            memcpy(label + length, at, step);
        length += is_control ? 0 : step;
        at += step;
    }
    label[length] = 0;

    snprintf(text, size, "%s%s%s", label, length ? " " : "", score);
    while (length && measure_text(style, text) > room) {
        do
            length--;
        while (length && ((unsigned char)label[length] & 0xC0) == 0x80); /* back to a character's first byte */
        label[length] = 0;
        snprintf(text, size, "%s%s%s", label, length ? "\xE2\x80\xA6 " : "", score);
    }
}

static bool is_free(struct area plate, const struct mark *marks, size_t count)
{
    for (size_t index = 0; index < count && index < NEIGHBOURS_MAX; index++)
        if (overlap(plate, marks[index].plate))
            return false;
    return true;
}

/* Whether surer labels would hide more than half of a plate, so that it says nothing and only adds to the heap. */
static bool is_hidden(struct area plate, const struct mark *marks, size_t count)
{
    int64_t hidden = 0;
    for (size_t index = 0; index < count && index < NEIGHBOURS_MAX; index++) {
        const struct area other = marks[index].plate;
        if (!overlap(plate, other))
            continue;
        int left = plate.left > other.left ? plate.left : other.left,
            top = plate.top > other.top ? plate.top : other.top;
        int right = plate.right < other.right ? plate.right : other.right;
        int bottom = plate.bottom < other.bottom ? plate.bottom : other.bottom;
        hidden += (int64_t)(right - left) * (bottom - top);
    }
    return 2 * hidden > (int64_t)(plate.right - plate.left) * (plate.bottom - plate.top);
}

static struct area move_inside(const struct image *image, struct area area)
{
    int width = (int)image->width, height = (int)image->height;
    int across = area.right > width ? width - area.right : 0, down = area.bottom > height ? height - area.bottom : 0;
    if (area.left + across < 0)
        across = -area.left;
    if (area.top + down < 0)
        down = -area.top;
    return (struct area){area.left + across, area.top + down, area.right + across, area.bottom + down};
}

/* Above the frame where there is room, else in its upper corner; where that hides the label of a surer detection, below
 * the frame, at its lower edge, or flush with its right side. Empty when the label would be hidden anyway. */
static struct area place_plate(const struct image *image, const struct mark *marks, size_t count,
                               const struct style *style)
{
    const struct mark *mark = &marks[count];
    const struct area frame = mark->frame;
    int width = measure_text(style, mark->text) + 2 * style->padding_x;
    int height = style->font.cap_height + 1 + 2 * style->padding_y;
    const struct {
        int left, top;
    } corners[] = {
        {frame.left, frame.top - height},
        {frame.left, frame.top},
        {frame.left, frame.bottom},
        {frame.left, frame.bottom - height},
        {frame.right - width, frame.top - height},
        {frame.right - width, frame.bottom},
    };
    struct area usual = {0};
    for (size_t index = 0; index < sizeof corners / sizeof *corners; index++) {
        struct area plate = {corners[index].left, corners[index].top, corners[index].left + width,
                             corners[index].top + height};
        if (plate.top < 0 || plate.bottom > (int)image->height)
            continue;
        plate = move_inside(image, plate);
        if (usual.right == 0)
            usual = plate;
        if (is_free(plate, marks, count))
            return plate;
    }
    if (usual.right == 0)
        usual = move_inside(image, (struct area){frame.left, 0, frame.left + width, height});
    return is_hidden(usual, marks, count) ? (struct area){0} : usual;
}

static float linear(uint8_t value)
{
    return powf((float)value / 255, 2.2f);
}

/* White where it reads well (a contrast ratio above 3.2, enough for such bold text), else black: on strong blues and
 * reds black has the larger ratio but looks muddy. */
static struct colour choose_ink(struct colour plate)
{
    float luminance = 0.2126f * linear(plate.red) + 0.7152f * linear(plate.green) + 0.0722f * linear(plate.blue);
    bool white_reads_well = 1.05f / (luminance + 0.05f) > 3.2f;
    return white_reads_well ? (struct colour){255, 255, 255} : (struct colour){16, 16, 16};
}

static bool draw_label(struct image *image, const struct mark *mark, const struct style *style)
{
    struct colour plate_colour = palette[mark->box->class_id % (sizeof palette / sizeof *palette)];
    struct area plate = mark->plate;
    if (plate.right <= plate.left)
        return true; /* a surer label stands there */
    struct font_mask mask = {.width = plate.right - plate.left, .height = plate.bottom - plate.top};
    mask.coverage = calloc((size_t)mask.width, (size_t)mask.height);
    if (!mask.coverage)
        return false;
    int baseline = mask.height - 1 - style->padding_y;
    if (needs_letters(style, mark->text))
        letters_draw(style->letters, mark->text, style->padding_x, baseline, &mask);
    else
        font_draw(&style->font, mark->text, style->padding_x, baseline, &mask);
    fill(image, plate, plate_colour, PLATE_ALPHA);
    struct colour ink = choose_ink(plate_colour);
    for (int y = 0; y < mask.height; y++) {
        for (int x = 0; x < mask.width; x++) {
            int to_x = plate.left + x, to_y = plate.top + y;
            if (to_x < 0 || to_y < 0 || to_x >= (int)image->width || to_y >= (int)image->height)
                continue;
            blend(image->pixels + 3 * ((size_t)to_y * image->width + (size_t)to_x), ink,
                  mask.coverage[(size_t)y * (size_t)mask.width + (size_t)x]);
        }
    }
    free(mask.coverage);
    return true;
}

/* Surest first; equal scores keep their order, so that equal input gives equal pixels. */
static int compare_marks(const void *left, const void *right)
{
    const struct draw_box *one = ((const struct mark *)left)->box, *other = ((const struct mark *)right)->box;
    if (one->score != other->score)
        return one->score > other->score ? -1 : 1;
    return one < other ? -1 : one > other;
}

bool draw_boxes(struct image *image, const struct draw_box *boxes, size_t count, struct letters *letters)
{
    if (count == 0 || !image->pixels)
        return true;
    struct mark *marks = calloc(count, sizeof *marks);
    if (!marks)
        return false;
    const struct style style = choose_style(image, letters);
    size_t kept = 0;
    for (size_t index = 0; index < count; index++) {
        if (is_visible(image, &boxes[index]))
            marks[kept++].box = &boxes[index];
    }
    qsort(marks, kept, sizeof *marks, compare_marks);

    int room = (int)image->width - 2 * style.padding_x;
    for (size_t index = 0; index < kept; index++) {
        struct mark *mark = &marks[index];
        mark->frame = frame_of(image, mark->box, style.line);
        compose_text(mark->box, &style, room, mark->text, sizeof mark->text);
        mark->plate = place_plate(image, marks, index, &style);
    }
    for (size_t index = kept; index-- > 0;) {
        struct colour colour = palette[marks[index].box->class_id % (sizeof palette / sizeof *palette)];
        draw_frame(image, grow(marks[index].frame, 1), 1, (struct colour){0, 0, 0}, SHADOW_ALPHA);
        draw_frame(image, marks[index].frame, style.line, colour, 255);
    }
    bool complete = true;
    for (size_t index = kept; index-- > 0;)
        complete = draw_label(image, &marks[index], &style) && complete;
    free(marks);
    return complete;
}
