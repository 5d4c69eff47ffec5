/* Files that are made to cost time or memory, in each container and, where it holds several pickles, in each of them
 * and in all: refused within what tests/support/promise.h says, as the program is measured from outside. */
#include "refusal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/promise.h"

/* ---- pickles ---- */

/* How a bomb's opcodes begin, what is repeated, how they end with one value on the stack. */
typedef struct bomb {
    const char *what;
    const char *start;
    size_t start_bytes;
    const char *repeated;
    size_t repeated_bytes, times;
    const char *end;
} bomb;

#define PART(literal) literal, sizeof(literal) - 1

#define TEN(text) text text text text text text text text text text

/* A tensor of 60 dimensions; the arguments are memo 1, the function 2. */
#define TENSOR_OF_60                                                                                                   \
    "ctorch._utils\n_rebuild_tensor_v2\nq\2((U\7storagectorch\nFloatStorage\nU\1"                                      \
    "0U\3cpuK\2tQK\0(" TEN("K\1K\1K\1K\1K\1K\1") "tq\3h\3\x89Ntq\1R"

static const bomb bombs[] = {
    {"deep marks", PART("N"), PART("("), 100000, ""},
    {"a high stack", PART("N"), PART("2"), 3000000, ""},
    {"many steps", PART("N"), PART("20"), 8100000, ""},
    {"memos that are recalled", PART("Nq\1"),
     PART("h\1"
          "0"),
     5500000, ""},
    {"tuples in tuples", PART("N"), PART("\x85"), 2500000, ""},
    {"lists that hold the one before twice", PART("]q\1"), PART("](h\1h\1eq\1"), 700000, ""},
    {"tuples of three", PART("("), PART("K\1K\2K\3\x87"), 900000, "t"},
    {"tuples of five", PART("Nq\1("), PART("(h\1h\1h\1h\1h\1t"), 1300000, "t"},
    {"tuples of five that are dropped", PART("N("), PART("(N2222t0"), 1100000, "t"},
    {"lists that grow", PART("("), PART("](NNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNe(NNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNe"),
     60000, "t"},
    {"dicts of shared items", PART("Nq\1("), PART("}(h\1h\1h\1h\1h\1h\1h\1h\1h\1h\1h\1h\1h\1h\1h\1h\1u"), 300000, "t"},
    {"names of classes", PART("("), PART("ccollections\nOrderedDict\n)R0"), 600000, "t"},
    {"a dict made of one list of pairs again and again",
     PART("ccollections\nOrderedDict\nq\3((NN\x86q\4h\4h\4h\4h\4h\4h\4h\4h\4h\4h\4h\4h\4h\4h\4h\4h\4lq\5\x85q\2"),
     PART("h\3h\2R0"), 1500000, "t"},
    {"bytes that are encoded again and again",
     PART("c_codecs\nencode\nq\1(X\xfa\0\0\0" TEN("kkkkkkkkkkkkkkkkkkkkkkkkk") "U\6latin1tq\2"), PART("h\1h\2R0"),
     1900000, ""},
    {"mentions of one storage",
     PART("(U\7storagectorch\nFloatStorage\nX\x78\0\0\0" TEN("kkkkkkkkkkkk") "U\3cpuK\2tq\1Q"), PART("0h\1Q"), 1900000,
     ""},
    {"mentions of one storage with a long key",
     PART("(U\7storagectorch\nFloatStorage\nX\xe8\3\0\0" TEN(TEN("kkkkkkkkkk")) "U\3cpuK\2tq\1Q"), PART("0h\1Q"),
     1900000, ""},
    {"mentions of one tensor of many dimensions", PART(TENSOR_OF_60), PART("0h\2h\1R"), 1900000, ""},
};

/* The bomb as one whole pickle. */
static bytes make_bomb(const bomb *from)
{
    bytes pickle = {.data = NULL};
    put(&pickle, "\x80\x02", 2);
    put(&pickle, from->start, from->start_bytes);
    put_repeated(&pickle, from->repeated, from->repeated_bytes, from->times);
    put_text(&pickle, from->end);
    put_text(&pickle, ".");
    return pickle;
}

/* A legacy file with the bomb in place of the pickles that `places` has bits of: magic number, version, machine,
 * object, keys. */
static bytes make_stream(const bytes *pickle, unsigned places)
{
    static const struct {
        const char *data;
        size_t count;
    } good[] = {
        {PART("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.")},
        {PART("\x80\x02M\xe9\x03.")},
        {PART("\x80\x02}U\x0dlittle_endian\x88s.")},
        {PART("\x80\x02}.")},
        {PART("\x80\x02].")},
    };
    bytes file = {.data = NULL};
    for (unsigned i = 0; i < 5; i++)
        if (places >> i & 1)
            put(&file, pickle->data, pickle->count);
        else
            put(&file, good[i].data, good[i].count);
    return file;
}

/* The third pickle as a dict that says what it has to, with the bomb's opcodes in front, so that more follow. */
static bytes make_machine_pickle(const bomb *from)
{
    bytes pickle = {.data = NULL};
    put(&pickle, "\x80\x02}", 3);
    put(&pickle, "(", 1);
    put(&pickle, from->start, from->start_bytes);
    put_repeated(&pickle, from->repeated, from->repeated_bytes, from->times);
    put_text(&pickle, from->end);
    put_text(&pickle, "1U\x0dlittle_endian\x88s.");
    return pickle;
}

static void bombs_in_pickles_are_refused_as_promised(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bombs / sizeof bombs[0]; i++) {
        char what[120];
        bytes pickle = make_bomb(&bombs[i]);
        snprintf(what, sizeof what, "zip, %s", bombs[i].what);
        refuse(what, build_pth(&pickle, two_floats, sizeof two_floats), "");
        for (unsigned place = 0; place < 5; place++) {
            snprintf(what, sizeof what, "legacy pickle %u, %s", place, bombs[i].what);
            if (place == 3 || i % 5 == place)
                refuse(what, make_stream(&pickle, 1u << place), "");
        }
        /* One after the other: a machine's facts that cost, an object that costs, keys that cost. */
        bytes machine = make_machine_pickle(&bombs[i]), file = {.data = NULL};
        bytes stream = make_stream(&pickle, 0x18);
        put(&file, stream.data, 15 + 6);
        put(&file, machine.data, machine.count);
        put(&file, stream.data + 15 + 6 + 20, stream.count - 15 - 6 - 20);
        snprintf(what, sizeof what, "three legacy pickles, %s", bombs[i].what);
        refuse(what, file, "");
        drop(&stream);
        drop(&machine);
        drop(&pickle);
    }
    print_tally("bombs in pickles");
}

/* ---- sparse files: gigabytes that are nowhere, and whose header tells enough ---- */

#define GIBIBYTES(n) ((uint64_t)(n) << 30)
/* The size that counts for the memory: hardly any, but AddressSanitizer marks all that could be used. */
#define SPARSE_BYTES (SLOWER > 1 ? GIBIBYTES(4) : MIB)

/* A file "model" of that size with bytes at its front and at its end. */
static void make_sparse(uint64_t size, const bytes *front, const bytes *end)
{
    int file = open("model", O_WRONLY | O_CREAT | O_TRUNC, 0666);
    assert_true(file >= 0);
    assert_int_equal(ftruncate(file, (off_t)size), 0);
    assert_int_equal(pwrite(file, front->data, front->count, 0), (ssize_t)front->count);
    if (end)
        assert_int_equal(pwrite(file, end->data, end->count, (off_t)(size - end->count)), (ssize_t)end->count);
    assert_int_equal(close(file), 0);
}

static void refuse_sparse(const char *what, bytes front, const char *words)
{
    make_sparse(GIBIBYTES(4), &front, NULL);
    refuse_model(what, SPARSE_BYTES, words);
    drop(&front);
}

static bytes text_of(const void *data, size_t size)
{
    bytes made = {.data = NULL};
    put(&made, data, size);
    return made;
}

static void put_safetensors_header(bytes *to, const char *json)
{
    put_number(to, strlen(json), 8);
    put_text(to, json);
}

/* One stored zip entry of `size` bytes of zeros behind others: its headers, where the data are nowhere. */
static void make_sparse_zip(const bytes *pickle, uint64_t size, uint32_t sum)
{
    bytes front = {.data = NULL}, end = {.data = NULL};
    const char *const names[2] = {"a/data.pkl", "a/data/0"};
    const uint64_t sizes[2] = {pickle->count, size};
    const uint32_t sums[2] = {checksum(pickle->data, pickle->count), sum};
    uint64_t at[2];
    for (int i = 0; i < 2; i++) {
        at[i] = front.count;
        put(&front, "PK\3\4\0\0\0\0\0\0\0\0\0\0", 14);
        put_number(&front, sums[i], 4);
        put_number(&front, sizes[i], 4);
        put_number(&front, sizes[i], 4);
        put_number(&front, strlen(names[i]), 2);
        put_number(&front, 0, 2);
        put_text(&front, names[i]);
        if (i == 0)
            put(&front, pickle->data, pickle->count);
    }
    uint64_t directory = front.count + size;
    for (int i = 0; i < 2; i++) {
        put(&end, "PK\1\2\0\0\0\0\0\0\0\0\0\0\0\0", 16);
        put_number(&end, sums[i], 4);
        put_number(&end, sizes[i], 4);
        put_number(&end, sizes[i], 4);
        put_number(&end, strlen(names[i]), 2);
        put_number(&end, 0, 12);
        put_number(&end, at[i], 4);
        put_text(&end, names[i]);
    }
    uint64_t directory_bytes = end.count;
    put(&end, "PK\5\6\0\0\0\0\2\0\2\0", 12);
    put_number(&end, directory_bytes, 4);
    put_number(&end, directory, 4);
    put_number(&end, 0, 2);
    make_sparse(directory + end.count, &front, &end);
    drop(&front);
    drop(&end);
}

static void sparse_files_are_refused_by_their_headers(void **state)
{
    (void)state;
    refuse_sparse("zeros", text_of("\0", 1), "neither");
    refuse_sparse("a zip's first bytes", text_of("PK\3\4", 4), "directory is missing");
    refuse_sparse("a legacy stream of zeros", make_stream(NULL, 0), "follow its last storage");
    refuse_sparse("a pickle of zeros", text_of("\x80\x02\0", 3), "0x00 at byte 2");
    refuse_sparse("a pickle with a text of gigabytes", text_of("\x80\x04\x8d\0\0\0\xf0\0\0\0\0", 11), "0x00 at byte");
    refuse_sparse("a pickle with a name that does not end",
                  text_of("\x80\x02"
                          "ca",
                          4),
                  "does not end");
    bytes header = {.data = NULL};
    put_number(&header, 40000000, 8);
    put_text(&header, "{");
    refuse_sparse("a safetensors header of zeros", header, "not valid");
    header = (bytes){.data = NULL};
    put_safetensors_header(&header, "{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}");
    refuse_sparse("a safetensors file with a tail of gigabytes", header, "follow the last tensor");
    char json[200];
    header = (bytes){.data = NULL};
    for (int pass = 0; pass < 2; pass++) { /* the length of the header depends on the numbers in it */
        uint64_t data = GIBIBYTES(4) - 8 - (pass ? strlen(json) : 100);
        snprintf(json, sizeof json, "{\"w\":{\"dtype\":\"U8\",\"shape\":[%llu],\"data_offsets\":[0,%llu]}}",
                 (unsigned long long)data, (unsigned long long)data);
    }
    put_safetensors_header(&header, json);
    refuse_sparse("a safetensors file of one large tensor", header, "neither a detector");

    /* Zeros have a checksum, too, which nobody may wait for. */
    tensor_spec spec = {"w", "ByteStorage", "0", 0, 0, 1, {0}, {1}};
    spec.count = (int64_t)GIBIBYTES(3);
    spec.shape[0] = spec.count;
    bytes pickle = pickle_state_dict(&spec, 1, false, NULL);
    make_sparse_zip(&pickle, (uint64_t)spec.count, 1);
    refuse_model("a zip of one large tensor", SPARSE_BYTES, "neither a detector");
    drop(&pickle);
    pickle = text_of("\x80\x02}.", 4);
    make_sparse_zip(&pickle, GIBIBYTES(3), 1);
    refuse_model("a zip with a large entry that nobody needs", SPARSE_BYTES, "dict is empty");
    drop(&pickle);
    print_tally("sparse files");
}

/* ---- safetensors ---- */

static void put_json_string(bytes *to, char byte, size_t count)
{
    put_text(to, "\"");
    put_repeated(to, &byte, 1, count);
    put_text(to, "\"");
}

static bytes finish_header(bytes *json)
{
    bytes file = {.data = NULL};
    put_number(&file, json->count, 8);
    put(&file, json->data, json->count);
    drop(json);
    return file;
}

static void headers_of_100_mb_are_refused_as_promised(void **state)
{
    (void)state;
    static const struct {
        const char *what, *start, *end, *words;
    } cases[] = {
        {"a metadata value", "{\"__metadata__\":{\"classes\":", "}}", "a string is too long"},
        {"a metadata key", "{\"__metadata__\":{", ":\"\"}}", "a string is too long"},
        {"a tensor's name", "{", ":{}}", "a string is too long"},
        {"a dtype", "{\"w\":{\"dtype\":", "}}", "a string is too long"},
        {"a member that nobody knows", "{\"w\":{\"x\":", "}}", "lacks its dtype"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char what[80];
        bytes json = {.data = NULL};
        put_text(&json, cases[i].start);
        put_json_string(&json, 'a', 99999900);
        put_text(&json, cases[i].end);
        snprintf(what, sizeof what, "%s of 100 MB", cases[i].what);
        refuse(what, finish_header(&json), cases[i].words);
    }
    bytes json = {.data = NULL};
    put_text(&json, "{\"__metadata__\":{");
    for (int i = 0; i < 25; i++) {
        char key[16];
        snprintf(key, sizeof key, "%s\"k%d\":", i ? "," : "", i);
        put_text(&json, key);
        put_json_string(&json, 'a', 3900000);
    }
    put_text(&json, "}}");
    refuse("many metadata values", finish_header(&json), "no tensors");
    json = (bytes){.data = NULL};
    put_text(&json, "{\"w\":{\"x\":[");
    put_repeated(&json, "0,", 2, 49000000);
    put_text(&json, "0]}}");
    refuse("many numbers that nobody knows", finish_header(&json), "lacks its dtype");
    print_tally("large headers");
}

/* As many names as there may be, as long as they may be, and each of them to be taken apart. */
static void names_that_are_all_wrappers_are_refused_as_promised(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "model.", "module.", "_orig_mod.module.", "model_ema.net.", "state_dict_ema_model_net.",
        ".",      "x.",      "conv_stem.weight."};
    enum { COUNT = 16384 };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        bytes json = {.data = NULL};
        for (size_t n = 0; n < COUNT; n++) {
            char number[16];
            size_t length = strlen(parts[i]), repeats = (1024 - 30 - n % 8 * length) / length;
            snprintf(number, sizeof number, "p%zu.", n);
            put_text(&json, n ? ",\"" : "{\"");
            if (i > 5)
                put_text(&json, number); /* no two alike from their beginnings on */
            put_repeated(&json, parts[i], length, repeats);
            put_text(&json, number);
            put_text(&json, "conv_stem.weight\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}");
        }
        put_text(&json, "}");
        char what[60];
        snprintf(what, sizeof what, "names of %s", parts[i]);
        refuse(what, finish_header(&json), "");
    }
    print_tally("files of long names");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(bombs_in_pickles_are_refused_as_promised),
        TEST_IN_FOLDER(sparse_files_are_refused_by_their_headers),
        TEST_IN_FOLDER(names_that_are_all_wrappers_are_refused_as_promised),
        TEST_IN_FOLDER(headers_of_100_mb_are_refused_as_promised),
    };
    return cmocka_run_group_tests_name("hostile files that would cost much", tests, NULL, NULL);
}
