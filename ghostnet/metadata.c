/* Reads and checks the metadata of metadata.h. */
#include "metadata.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ghostnet/files/text.h"

/* Input sides are multiples of the largest stride, and at most this. */
#define LARGEST_STRIDE 32u
#define LARGEST_SIDE   65504u

#define CLASS_LIMIT 1024u /* bytes of a name, which is printed with each box */

/* YOLOv4's for COCO at 608 x 608, which its family keeps at every size. */
static const float default_anchors[2 * GVK_ANCHORS] = {12, 16, 19,  36,  40,  28,  36,  75,  76,
                                                       55, 72, 146, 142, 110, 192, 243, 459, 401};

/* ---- metadata ---- */

gvk_result gvk_refuse_metadata(const gvk_network *network, const char *key, const char *value, const char *wanted)
{
    gvk_quoted quoted;
    return gvk_fail(&network->host, GVK_ERROR_FORMAT, "The file's metadata have \"%s\" as \"%s\", but it must be %s.",
                    key, gvk_quote(&quoted, value, strlen(value)), wanted);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads a decimal number and moves *at behind it. Not strtod, which reads numbers as the process's locale writes them.
 */
static bool read_number(const char **at, double *out)
{
    const char *p = *at;
    bool negative = *p == '-', point = false, any = false;
    uint64_t digits = 0;
    int exponent = 0;
    if (*p == '-' || *p == '+')
        p++;
    for (; is_digit(*p) || (*p == '.' && !point); p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        any = true;
        if (digits < UINT64_C(100000000000000000)) { /* more digits than a double can tell */
            digits = digits * 10 + (uint64_t)(*p - '0');
            exponent -= point;
        } else {
            exponent += !point;
        }
    }
    if (!any)
        return false;
    if (*p == 'e' || *p == 'E') {
        bool down = *++p == '-';
        if (*p == '-' || *p == '+')
            p++;
        if (!is_digit(*p))
            return false;
        int power = 0;
        for (; is_digit(*p); p++)
            power = power < 10000 ? power * 10 + (*p - '0') : power;
        exponent += down ? -power : power;
    }
    /* Powers up to 10^22 are exact, so that what people write is rounded once or twice. */
    double value = (double)digits, power = 1;
    for (int i = exponent < 0 ? -exponent : exponent; i > 0 && power < 1e300; i--)
        power *= 10;
    if (digits)
        value = exponent < 0 ? value / power : value * power;
    *out = negative ? -value : value;
    *at = p;
    return true;
}

static bool read_side(const char **at, uint32_t *out)
{
    const char *p = *at;
    uint32_t side = 0;
    for (; is_digit(*p) && side <= LARGEST_SIDE; p++)
        side = side * 10 + (uint32_t)(*p - '0');
    *at = p;
    *out = side;
    return side && side <= LARGEST_SIDE && side % LARGEST_STRIDE == 0;
}

static gvk_result read_input_size(gvk_network *network)
{
    const char *value = gvk_checkpoint_metadata(network->checkpoint, "input_size");
    if (!value)
        return GVK_OK;
    const char *at = value;
    if (!read_side(&at, &network->input_width) || *at++ != 'x' || !read_side(&at, &network->input_height) || *at)
        return gvk_refuse_metadata(network, "input_size", value, "WIDTHxHEIGHT in multiples of 32, such as 416x416");
    return GVK_OK;
}

static gvk_result read_letterbox(gvk_network *network)
{
    const char *value = gvk_checkpoint_metadata(network->checkpoint, "letterbox");
    if (!value)
        return GVK_OK;
    network->letterbox = !strcmp(value, "true");
    if (!network->letterbox && strcmp(value, "false"))
        return gvk_refuse_metadata(network, "letterbox", value, "true or false");
    return GVK_OK;
}

static gvk_result read_threshold(const gvk_network *network, const char *key, float *out)
{
    const char *value = gvk_checkpoint_metadata(network->checkpoint, key);
    if (!value)
        return GVK_OK;
    const char *at = value;
    double number = 0;
    if (!read_number(&at, &number) || *at || !(number >= 0 && number <= 1))
        return gvk_refuse_metadata(network, key, value, "a number from 0 to 1");
    *out = (float)number;
    return GVK_OK;
}

static bool is_anchor(float side)
{
    return isfinite(side) && side > 0;
}

static void skip_spaces(const char **at)
{
    while (**at == ' ')
        ++*at;
}

static bool parse_anchors(const char *at, float *anchors)
{
    for (uint32_t i = 0; i < 2 * GVK_ANCHORS; i++) {
        double side = 0;
        skip_spaces(&at);
        if (i && *at++ != ',')
            return false;
        skip_spaces(&at);
        if (!read_number(&at, &side) || !(side < 3e38))
            return false;
        anchors[i] = (float)side;
        if (!is_anchor(anchors[i]))
            return false;
    }
    skip_spaces(&at);
    return !*at;
}

gvk_result gvk_take_anchors(gvk_network *network, const float *given)
{
    if (network->architecture->task != GVK_TASK_DETECTOR)
        return GVK_OK;
    if (given) {
        for (uint32_t i = 0; i < 2 * GVK_ANCHORS; i++)
            if (!is_anchor(given[i]))
                return gvk_fail(&network->host, GVK_ERROR_ARGUMENT, "An anchor's sides are finite and above zero.");
        memcpy(network->anchors, given, sizeof network->anchors);
        return GVK_OK;
    }
    memcpy(network->anchors, default_anchors, sizeof network->anchors);
    const char *value = gvk_checkpoint_metadata(network->checkpoint, "anchors");
    if (value && !parse_anchors(value, network->anchors))
        return gvk_refuse_metadata(network, "anchors", value,
                                   "18 numbers above zero with commas between them: widths and heights in pixels");
    return GVK_OK;
}

gvk_result gvk_read_defaults(gvk_network *network)
{
    network->input_width = network->input_height = gvk_task_traits(network->architecture->task)->default_side;
    network->confidence = 0.5f;
    network->iou = 0.3f;
    gvk_result result = read_input_size(network);
    if (!result)
        result = read_letterbox(network);
    if (!result)
        result = read_threshold(network, "confidence", &network->confidence);
    if (!result)
        result = read_threshold(network, "iou", &network->iou);
    return result;
}

/* ---- classes ---- */

/* Names are shown on screens and written into files, so they hold text and nothing else. */
static const char *find_class_fault(const char *name, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)name;
    for (size_t at = 0; at < length;) {
        size_t step = gvk_utf8_sequence(bytes + at, length - at);
        if (!step)
            return "is not valid UTF-8";
        bool high_control = bytes[at] == 0xc2 && bytes[at + 1] < 0xa0; /* U+0080 to U+009F */
        if (bytes[at] < 0x20 || bytes[at] == 0x7f || high_control)
            return "holds a control character";
        at += step;
    }
    return NULL;
}

static gvk_result keep_class(gvk_network *network, uint32_t index, const char *name, size_t length, gvk_result refusal)
{
    if (length && name[length - 1] == '\r') /* lists from Windows */
        length--;
    const char *fault = length > CLASS_LIMIT ? "is longer than 1024 bytes" : find_class_fault(name, length);
    if (fault) {
        gvk_quoted quoted;
        return gvk_fail(&network->host, refusal, "The name of class %" PRIu32 ", \"%s\", %s.", index,
                        gvk_quote(&quoted, name, length), fault);
    }
    network->classes[index] = gvk_allocate(&network->host, length + 1);
    if (!network->classes[index])
        return gvk_fail_memory(&network->host);
    memcpy(network->classes[index], name, length);
    return GVK_OK;
}

/* Lines of the metadata; a newline at the very end begins no further one. */
static uint64_t count_lines(const char *text)
{
    uint64_t lines = 0;
    char last = '\n';
    for (; *text; last = *text++)
        lines += last == '\n';
    return lines;
}

static gvk_result keep_lines(gvk_network *network, const char *text)
{
    uint64_t lines = count_lines(text);
    if (lines != network->class_count)
        return gvk_fail(&network->host, GVK_ERROR_MISMATCH,
                        "The model has %" PRIu32 " class%s, but the \"classes\" of the file's metadata name %" PRIu64
                        ".",
                        network->class_count, network->class_count == 1 ? "" : "es", lines);
    for (uint32_t i = 0; i < network->class_count; i++) {
        size_t length = strcspn(text, "\n");
        gvk_result result = keep_class(network, i, text, length, GVK_ERROR_FORMAT);
        if (result)
            return result;
        text += length + (text[length] == '\n');
    }
    return GVK_OK;
}

gvk_result gvk_take_classes(gvk_network *network, const gvk_network_params *params)
{
    uint32_t count = network->class_count;
    if ((params->classes || params->class_count) && params->class_count != count)
        return gvk_fail(&network->host, GVK_ERROR_MISMATCH,
                        "The model has %" PRIu32 " class%s, but the list names %" PRIu32 ".", count,
                        count == 1 ? "" : "es", params->class_count);
    network->classes = gvk_allocate_array(&network->host, count, sizeof *network->classes);
    if (!network->classes)
        return gvk_fail_memory(&network->host);
    const char *lines = gvk_checkpoint_metadata(network->checkpoint, "classes");
    if (lines && !params->classes)
        return keep_lines(network, lines);
    for (uint32_t i = 0; i < count; i++) {
        char number[16];
        snprintf(number, sizeof number, "%" PRIu32, i);
        const char *name = params->classes ? params->classes[i] : number;
        if (!name)
            return gvk_fail(&network->host, GVK_ERROR_ARGUMENT,
                            "The list of classes has no name for class %" PRIu32 ".", i);
        gvk_result result = keep_class(network, i, name, strlen(name), GVK_ERROR_ARGUMENT);
        if (result)
            return result;
    }
    return GVK_OK;
}
