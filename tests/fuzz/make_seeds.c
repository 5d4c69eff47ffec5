/* Writes the first inputs of the fuzz targets that take no whole files: the pickles inside of tests/checkpoint, and a
 * few written by hand. Whole files are taken from where they are. usage: make_seeds FOLDER CHECKPOINT_FOLDER; there
 * must be a folder for each of these targets in FOLDER */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ghostnet/files/zip.h"
#include "ghostnet/pickle/pickle.h"

static const char *folder;
static gvk_host host;
static gvk_source source = {.host = &host, .label = "seed"};

static void write_seed(const char *target, const char *name, unsigned number, const void *bytes, size_t count)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s/%s.%u", folder, target, name, number);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, count, file) != count || fclose(file) != 0) {
        fprintf(stderr, "%s cannot be written\n", path);
        exit(1);
    }
}

static void write_pickles_of_zip(const char *name, const unsigned char *bytes, size_t count)
{
    gvk_zip zip;
    if (gvk_zip_open(&source, NULL, bytes, count, &zip) == GVK_OK)
        for (uint32_t i = 0; i < zip.count; i++) {
            const gvk_zip_entry *entry = &zip.entries[i];
            if (entry->name_length > 4 && memcmp(entry->name + entry->name_length - 4, ".pkl", 4) == 0)
                write_seed("pickle", name, i, entry->data, entry->size);
        }
    gvk_zip_close(&zip);
}

static void write_pickles_of_stream(const char *name, const unsigned char *bytes, size_t count)
{
    gvk_pickle_budget budget = gvk_pickle_budget_of(count);
    for (unsigned number = 0; number < 5; number++) {
        gvk_pickle *pickle;
        size_t used;
        if (gvk_pickle_read(&source, &budget, NULL, bytes, count, 0, &pickle, &used) != GVK_OK)
            return;
        gvk_pickle_destroy(pickle);
        write_seed("pickle", name, number, bytes, used);
        bytes += used;
        count -= used;
    }
}

static void write_pickles(const char *checkpoints)
{
    static unsigned char bytes[1 << 20];
    DIR *list = opendir(checkpoints);
    if (!list) {
        fprintf(stderr, "%s cannot be opened\n", checkpoints);
        exit(1);
    }
    for (struct dirent *entry; (entry = readdir(list)) != NULL;) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", checkpoints, entry->d_name);
        FILE *file = fopen(path, "rb");
        if (!file)
            continue;
        size_t count = fread(bytes, 1, sizeof bytes, file);
        fclose(file);
        if (count > 4 && memcmp(bytes, "PK\3\4", 4) == 0)
            write_pickles_of_zip(entry->d_name, bytes, count);
        else if (count > 2 && bytes[0] == 0x80)
            write_pickles_of_stream(entry->d_name, bytes, count);
    }
    closedir(list);
}

#define TEXT(literal)                                                                                                  \
    {                                                                                                                  \
        literal, sizeof(literal) - 1                                                                                   \
    }

/* What torch's own pickles do not have: every other opcode once, and things that are refused. */
static void write_pickles_by_hand(void)
{
    static const struct {
        const char *bytes;
        size_t count;
    } pickles[] = {
        TEXT("\200\2}(U\1aK\1M\2\2J\3\3\3\3\x8a\3abc\x8b\2\0\0\0deG@\x09!\xfbTD-\x18Nu."),
        TEXT("\200\4\x95\x10\0\0\0\0\0\0\0("
             "\x8c\1a\x8d\1\0\0\0\0\0\0\0b\x8e\1\0\0\0\0\0\0\0c\x96\1\0\0\0\0\0\0\0d\x91."),
        TEXT("\200\5\x8f(C\1aB\1\0\0\0bT\1\0\0\0c\x90\x94h\0\x85h\0\x86h\0j\0\0\0\0\x87."),
        TEXT("\200\2(K\1K\2ldq\1r\2\0\0\0p3\ng3\n0(1]K\1a}K\1K\2s\x86."),
        TEXT("\200\2(K\1ifoo\nBar\n(cfoo\nBar\nK\2o\x86\x82\1\x83\1\0\x84\1\0\0\0\x87."),
        TEXT("\200\4\x8c\3foo\x8c\3Bar\x93)\x81)}\x92}b\x88\x89\x86."),
        TEXT("\200\2ccollections\nOrderedDict\n]]U\1aNea\x85R}U\1bK\1sb."),
        TEXT("\200\2}U\1wctorch._utils\n_rebuild_tensor_v2\n((U\7storagectorch\nFloatStorage\nU\1"
             "0U\3cpuK\4tQK\1K\2K\1\x86K\1K\1\x86\x89}tRs."),
        TEXT("\200\2}U\1wctorch._utils\n_rebuild_tensor_v2\n((U\7storagectorch\nDoubleStorage\nU\1"
             "0U\3cpuK\7U\1vK\1K\6\x87tQK\0K\2K\3\x86K\1K\2\x86\x89}tRs."),
        TEXT("\200\2}U\5stateU\6weightcfoo\nBar\n)Rs."),
        TEXT("\200\2U\6modulecfoo\nBar\nU\1fU\1s(tQ."),
    };
    for (unsigned i = 0; i < sizeof pickles / sizeof pickles[0]; i++)
        write_seed("pickle", "hand", i, pickles[i].bytes, pickles[i].count);
}

/* fuzz_metadata.c says what the bytes mean. */
static void write_metadata(void)
{
    static const struct {
        const char *bytes;
        size_t count;
    } metadata[] = {
        TEXT("\2\202RBC\nWBC\nPlatelets\n"),
        TEXT("\2\1a\r\nd\303\266g\r\n"),
        TEXT("\177\202detector\0a\nb\nc\0"
             "12, 16, 19, 36, 40, 28, 36, 75, 76, 55, 72, 146, 142, 110, 192, 243, 459, 401\0"
             "416x416\0true\0"
             "0.4\0"
             "4e-1"),
        TEXT("\170\0"
             "608x320\0false\0"
             "1.000\0.5"),
        TEXT("\4\2001.5,2,3e1,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18"),
        TEXT("\1\0classifier"),
    };
    for (unsigned i = 0; i < sizeof metadata / sizeof metadata[0]; i++)
        write_seed("metadata", "hand", i, metadata[i].bytes, metadata[i].count);
}

/* fuzz_plan.c says what the bytes mean. */
static void write_plans(void)
{
    /* clang-format off */
    static const struct {
        const char *bytes;
        size_t count;
    } plans[] = {
        TEXT("\0\0\7\7\0\0\0\0"),
        TEXT("\0\377\7\7\1\0\0\0"),
        TEXT("\1\0\15\15\0\0\0\0"),
        TEXT("\2\0\7\7\2\77\5\0"),
        TEXT("\2\200\7\7\1\100\11\0"),
        TEXT("\3\0\15\15\1\100\0\0"),
        TEXT("\3\377\23\23\1\20\4\0"),
        TEXT("\0\0\7\7\0\0\0\0" "\0\1\4" "cat\n" "\0\2\7" "256x224" "\0\3\4" "true" "\0\4\3" ".25" "\0\5\1" "1"),
        TEXT("\1\0\7\7\0\0\0\0" "\0\0\10" "detector" "\0\6\54" "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18"),
        TEXT("\0\0\7\7\0\0\0\0" "\6\5\0\1\377"),
        TEXT("\0\0\7\7\0\0\0\0" "\3\5\0\0\5" "\4\6\0\2" "\5\7\0\2" "\1\10\0" "\2\11\0\12\0"),
        TEXT("\0\0\7\7\0\0\0\0" "\11\0\0\2" "\7\3\0\5" "extra" "\10\4\0\3" "one"),
    };
    /* clang-format on */
    for (unsigned i = 0; i < sizeof plans / sizeof plans[0]; i++)
        write_seed("plan", "hand", i, plans[i].bytes, plans[i].count);
}

/* fuzz_graph.c says what the bytes mean: a head, then eight bytes a node. Inputs are distances back. */
#define HEAD(flags, off, channels)           flags, off, 32, 32, 1, channels, 0, 0
#define NODE(op, one, two, three, four)      op, (two) << 4 | (one), (four) << 4 | (three)
#define CONVOLUTION(back, channels)          NODE(1, back, 0, 0, 0), channels, 0x21, 0, 0, 0x50
#define GATE(channels, activation)           NODE(1, 0, 0, 0, 0), channels, 0x21, 0, (activation) << 1 | 1, 0x50
#define STEM(channels)                       NODE(1, 0, 0, 0, 0), channels, 0x45, 0x1f, 0, 0x50
#define DEPTHWISE(kernel, stride)            NODE(1, 0, 0, 0, 0), 0, (stride) << 5 | (kernel), 0x9f, 0, 0x50
#define BATCH_NORM(activation)               NODE(2, 0, 0, 0, 0), 0, 0, 0, (activation) << 1, 0x50
#define CONCAT(parts, one, two, three, four) NODE(4 + 12 * ((parts)-2), one, two, three, four), 0, 0, 0, 0, 0x50
#define UPSAMPLE(outputs)                    NODE(5, 0, 0, 0, 0), 0, 0, 0, 0, 0x50 | (outputs)
#define POOL(kernel, back)                   NODE(6, back, 0, 0, 0), 0, 0x20 | (kernel), 0, 0, 0x50
#define AVERAGE_POOL                         NODE(7, 0, 0, 0, 0), 0, 0, 0, 0, 0x50
#define MULTIPLY(one, two)                   NODE(8, one, two, 0, 0), 0, 0, 0, 0, 0x50
#define ADD(one, two)                        NODE(9, one, two, 0, 0), 0, 0, 0, 0, 0x50
#define LINEAR(channels)                     NODE(10, 0, 0, 0, 0), channels, 0x21, 0, 1, 0x50

static void write_graphs(void)
{
    static const uint8_t ghost[] = {HEAD(1, 0, 10), CONVOLUTION(0, 8),     BATCH_NORM(1), DEPTHWISE(5, 1),
                                    BATCH_NORM(1),  CONCAT(2, 2, 0, 0, 0), ADD(0, 5)};
    static const uint8_t plain[] = {HEAD(0, 255, 10), CONVOLUTION(0, 8),     BATCH_NORM(1), DEPTHWISE(5, 1),
                                    BATCH_NORM(1),    CONCAT(2, 2, 0, 0, 0), ADD(0, 5)};
    static const uint8_t strided[] = {HEAD(5, 0, 3),   CONVOLUTION(0, 10),   BATCH_NORM(2),     DEPTHWISE(7, 2),
                                      BATCH_NORM(0),   DEPTHWISE(5, 1),      CONVOLUTION(0, 8), BATCH_NORM(0),
                                      DEPTHWISE(5, 1), CONCAT(2, 1, 0, 0, 0)};
    static const uint8_t pyramid[] = {HEAD(9, 0, 10), CONVOLUTION(0, 10),    POOL(11, 0),       POOL(10, 1),
                                      POOL(7, 2),     CONCAT(4, 2, 1, 0, 3), CONVOLUTION(0, 8), BATCH_NORM(2)};
    static const uint8_t gate[] = {HEAD(1, 0, 12), CONVOLUTION(0, 12), AVERAGE_POOL,     GATE(8, 1),
                                   GATE(12, 3),    MULTIPLY(3, 0),     CONVOLUTION(0, 8)};
    static const uint8_t upsampled[] = {HEAD(1, 0, 8), CONVOLUTION(0, 8), UPSAMPLE(1), CONVOLUTION(0, 8), UPSAMPLE(0)};
    static const uint8_t classifier[] = {HEAD(1, 0, 3), STEM(10), BATCH_NORM(1), AVERAGE_POOL, LINEAR(11)};
    write_seed("graph", "ghost", 0, ghost, sizeof ghost);
    write_seed("graph", "plain", 0, plain, sizeof plain);
    write_seed("graph", "strided", 0, strided, sizeof strided);
    write_seed("graph", "pyramid", 0, pyramid, sizeof pyramid);
    write_seed("graph", "gate", 0, gate, sizeof gate);
    write_seed("graph", "upsampled", 0, upsampled, sizeof upsampled);
    write_seed("graph", "classifier", 0, classifier, sizeof classifier);
}

/* fuzz_stored.c makes whole blocks of these. */
static void write_stored(void)
{
    for (unsigned kind = 0; kind < 3; kind++)
        write_seed("stored", "kind", kind, &(unsigned char){(unsigned char)kind}, 1);
}

static void write_lists(void)
{
    static const struct {
        const char *bytes;
        size_t count;
    } lists[] = {
        TEXT("RBC\nWBC\nPlatelets\n"),
        TEXT("\xEF\xBB\xBFrote\r\nwei\xC3\x9F"
             "e\r\n\r\n"),
        TEXT(" a b \n\xE7\x8C\xAB\n\xF0\x9F\x90\xB1\n\xD7\x90"),
        TEXT("a\n\nb"),
        TEXT("\xED\xA0\x80\xC2\x9B\xE0\x80\x80"),
        TEXT("12, 16,  19, 36,  40, 28,  36, 75,  76, 55,  72, 146,  142, 110,  192, 243,  459, 401"),
        TEXT("12,16,19,36,40,28,36,75,76,55,72,146,142,110,192,243,459,401\r\n"),
        TEXT("1e-45,1E+6,.5,1.,+3,-0,1e400,0x10,nan,inf,1 2"),
        TEXT("1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19"),
    };
    for (unsigned i = 0; i < sizeof lists / sizeof lists[0]; i++)
        write_seed("lists", "hand", i, lists[i].bytes, lists[i].count);
}

/* A header and data behind it. */
static void write_tensor(unsigned number, const char *header, size_t data_bytes)
{
    unsigned char file[512] = {0};
    size_t length = strlen(header);
    file[0] = (unsigned char)length;
    memcpy(file + 8, header, length);
    write_seed("tensor", "hand", number, file, 8 + length + data_bytes);
}

static void write_tensors(void)
{
    static const char *const headers[] = {
        "{\"input\": {\"dtype\": \"F32\", \"shape\": [1, 3, 2, 2], \"data_offsets\": [0, 48]}}",
        ("{\"__metadata__\":{\"a\":\"b\"},\"x\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]},"
         "\"input\":{\"dtype\":\"F32\",\"shape\":[10],\"data_offsets\":[8,48]}}  "),
        "{\"input\":{\"dtype\":\"F16\",\"shape\":[],\"data_offsets\":[0,2],\"more\":[{\"deep\":[1e9,null,true]}]}}",
        "{}",
    };
    for (unsigned i = 0; i < sizeof headers / sizeof headers[0]; i++)
        write_tensor(i, headers[i], 48);
}

/* fuzz_tracker.c says what the bytes mean: a head, then calls. Two boxes that move, one that is missed, many at once.
 */
static void write_trackers(void)
{
    static const unsigned char moving[] = {
        0x40, 0,  0,  2,   0,  0,    10, 10, 50, 60, 1,  100, 20, 160, 90,   0xc0, 1,    2, 0, 0, 14, 10, 54, 60,
        1,    96, 22, 156, 92, 0xc0, 2,  1,  0,  0,  18, 10,  58, 60,  0xc0, 0,    0xff, 1, 0, 0, 10, 10, 50, 60,
    };
    unsigned char many[3 + 3 * (2 + 23 * 5)] = {0xfa, 1, 0};
    size_t at = 3;
    for (unsigned round = 0; round < 3; round++) {
        many[at++] = 23;
        many[at++] = 0;
        for (unsigned i = 0; i < 23; i++, at += 5) {
            unsigned char left = (unsigned char)(i * 3 + round), top = (unsigned char)(i % 5 * 8);
            const unsigned char box[] = {(unsigned char)(i % 2), left, top, (unsigned char)(left + 60),
                                         (unsigned char)(top + 70)};
            memcpy(many + at, box, sizeof box);
        }
    }
    write_seed("tracker", "moving", 0, moving, sizeof moving);
    write_seed("tracker", "many", 0, many, sizeof many);
}

int main(int count, char **arguments)
{
    if (count != 3) {
        fprintf(stderr, "usage: make_seeds FOLDER CHECKPOINT_FOLDER\n");
        return 2;
    }
    folder = arguments[1];
    host = gvk_host_complete(NULL);
    write_pickles(arguments[2]);
    write_pickles_by_hand();
    write_metadata();
    write_plans();
    write_graphs();
    write_stored();
    write_lists();
    write_tensors();
    write_trackers();
    return 0;
}
