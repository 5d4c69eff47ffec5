/* Fuzzes what a file's metadata say of its network: lists of classes and anchors, sizes, thresholds. The first byte
 * says which of them there are, the second how many classes the shapes have; the rest are the values, each up to a zero
 * byte. The file has no more weights than it takes to read them, so that no input gets further. */
#include <stdio.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include <ghostvk/ghostnet.h>

#define HEADER_ROOM 16384u
#define DATA_ROOM   4096u

struct text {
    char bytes[8 + HEADER_ROOM + DATA_ROOM];
    size_t count;
};

static void put(struct text *to, const char *bytes, size_t count)
{
    if (count > HEADER_ROOM - to->count)
        return;
    memcpy(to->bytes + to->count, bytes, count);
    to->count += count;
}

static void put_text(struct text *to, const char *text)
{
    put(to, text, strlen(text));
}

/* As JSON has it; bytes that are no UTF-8 stay, for the reader to refuse. */
static void put_value(struct text *to, const uint8_t *value, size_t count)
{
    put_text(to, "\"");
    for (size_t i = 0; i < count; i++) {
        char escape[8];
        int length = value[i] < 0x20 || value[i] == '"' || value[i] == '\\'
                         ? snprintf(escape, sizeof escape, "\\u%04x", value[i])
                         : snprintf(escape, sizeof escape, "%c", value[i]);
        put(to, escape, (size_t)length);
    }
    put_text(to, "\"");
}

static void put_metadata(struct text *to, unsigned keys, const uint8_t *data, size_t size)
{
    static const char *const names[] = {"kind",      "classes",    "anchors", "input_size",
                                        "letterbox", "confidence", "iou",     "note"};
    const char *before = "";
    put_text(to, "\"__metadata__\":{");
    for (unsigned i = 0; i < 8; i++) {
        if (!(keys >> i & 1))
            continue;
        const uint8_t *end = size ? memchr(data, 0, size) : NULL;
        size_t count = end ? (size_t)(end - data) : size;
        put_text(to, before);
        put_text(to, "\"");
        put_text(to, names[i]);
        put_text(to, "\":");
        put_value(to, data, count);
        before = ",";
        data += end ? count + 1 : count;
        size -= end ? count + 1 : count;
    }
    put_text(to, "}");
}

static void put_tensor(struct text *to, const char *name, unsigned outputs, bool is_linear, unsigned *end)
{
    char entry[200];
    unsigned begin = *end;
    *end = begin + 4 * outputs;
    int length =
        snprintf(entry, sizeof entry, ",\"%s\":{\"dtype\":\"F32\",\"shape\":[%u,1%s],\"data_offsets\":[%u,%u]}", name,
                 outputs, is_linear ? "" : ",1,1", begin, *end);
    put(to, entry, (size_t)length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct text file;
    unsigned end = 0;
    if (size < 2 || size > HEADER_ROOM / 8)
        return 0;
    unsigned classes = 1 + data[1] % 16;
    bool is_detector = data[1] & 0x80;
    file.count = 8;
    put_text(&file, "{");
    put_metadata(&file, data[0], data + 2, size - 2);
    put_tensor(&file, is_detector ? "backbone.model.conv_stem.weight" : "conv_stem.weight", 4, false, &end);
    if (is_detector) {
        put_tensor(&file, "yolo_head1.1.weight", 3 * (5 + classes), false, &end);
        put_tensor(&file, "yolo_head2.1.weight", 3 * (5 + classes), false, &end);
        put_tensor(&file, "yolo_head3.1.weight", 3 * (5 + classes), false, &end);
    } else {
        put_tensor(&file, "classifier.weight", classes, true, &end);
    }
    put_text(&file, "}");
    for (unsigned i = 0; i < 8; i++)
        file.bytes[i] = (char)((file.count - 8) >> 8 * i & 0xff);
    FUZZ_CHECK(end <= DATA_ROOM);
    memset(file.bytes + file.count, 0, end);

    gvk_network *network = NULL;
    const gvk_network_params params = {.size = sizeof params, .bytes = file.bytes, .byte_count = file.count + end};
    gvk_result result = gvk_network_open(fuzz_begin((size_t)4 << 20), &params, &network);
    fuzz_check_result(result);
    FUZZ_CHECK(result == GVK_ERROR_FORMAT || result == GVK_ERROR_MISMATCH);
    FUZZ_CHECK(!network);
    fuzz_end();
    return 0;
}
