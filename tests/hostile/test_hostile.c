/* Hostile model files as the program meets them: the documented exit code, one line that names the file
 * and the cause, no output, no waiting, little memory. The tests of the readers try many more files; here is one of
 * each kind in each format, from outside. docs/reliability.md counts them. */
#include "refusal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/filler/checkpoint_maker.h"

/* ---- pickles, in both formats that hold one -----------------------------------------------------------------------
 */

/* A file of this format around a pickle with one storage of two floats. */
static bytes wrap(const bytes *pickle, bool is_legacy)
{
    static const char *const keys[] = {"0"};
    const legacy_layout layout = {false, false, 1001, keys, 1, 2, 8};
    return is_legacy ? build_legacy(pickle, &layout) : build_pth(pickle, two_floats, sizeof two_floats);
}

static void refuse_pickle(const char *what, const bytes *pickle, const char *words)
{
    for (int is_legacy = 0; is_legacy < 2; is_legacy++) {
        char name[100];
        snprintf(name, sizeof name, "%s, %s", is_legacy ? "legacy" : "zip", what);
        refuse(name, wrap(pickle, is_legacy), words);
    }
}

static bytes text_of(const void *data, size_t size)
{
    bytes made = {.data = NULL};
    put(&made, data, size);
    return made;
}

static void pickles_that_call_are_refused(void **state)
{
    /* Each makes a weight beside a good one; strangers that no weight depends on are passed over. */
    static const pickle_case cases[] = {
        {"1 GLOBAL and REDUCE", TEXT("U\6x.biascos\nsystem\n(U\4exittR"), "os.system"},
        {"2 STACK_GLOBAL", TEXT("U\6x.biasU\2osU\6system\x93(U\4exittR"), "os.system"},
        {"2 INST", TEXT("U\6x.bias(U\4exitios\nsystem\n"), "os.system"},
        {"2 OBJ", TEXT("U\6x.bias(cos\nsystem\nU\4exito"), "os.system"},
        {"2 EXT1", TEXT("U\6x.bias\x82\x05)R"), "copyreg.extension"},
        {"2 NEWOBJ and BUILD", TEXT("U\6x.biascfoo.bar\nBaz\n)\x81}b"), "foo.bar.Baz"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int is_legacy = 0; is_legacy < 2; is_legacy++) {
            char name[100];
            bytes extra = text_of(cases[i].opcodes, cases[i].count);
            bytes pickle = pickle_state_dict(&good_tensor, 1, is_legacy, &extra);
            snprintf(name, sizeof name, "%s, %s", is_legacy ? "legacy" : "zip", cases[i].what);
            refuse(name, wrap(&pickle, is_legacy), cases[i].words);
            drop(&extra);
            drop(&pickle);
        }
    print_tally("pickles that call");
}

static void pickles_that_break_rules_are_refused(void **state)
{
    static const pickle_case cases[] = {
        {"3 SETITEM on a list", TEXT("\x80\x02]K\1K\2s."), "SETITEM at byte"},
        {"3 APPEND on a dict", TEXT("\x80\x02}K\1a."), "APPEND at byte"},
        {"3 BUILD on a dict", TEXT("\x80\x02}}b."), "BUILD at byte"},
        {"6 a dangling memo", TEXT("\x80\x02h\5."), "BINGET"},
        {"6 a huge memo number", TEXT("\x80\x02Nr\xff\xff\xff\xff."), "LONG_BINPUT"},
        {"a string past the end", TEXT("\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff."), "BINUNICODE8"},
        {"a frame past the end", TEXT("\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\xffN."), "FRAME"},
        {"an unknown opcode", TEXT("\x80\x02\xfe."), "0xfe at byte"},
        {"a protocol to come", TEXT("\x80\x06N."), "PROTO"},
        {"no weights at all", TEXT("\x80\x02}."), ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bytes pickle = text_of(cases[i].opcodes, cases[i].count);
        refuse_pickle(cases[i].what, &pickle, cases[i].words);
        drop(&pickle);
    }
    print_tally("pickles that break rules");
}

static void tensors_that_lie_are_refused(void **state)
{
    static const struct {
        const char *what;
        tensor_spec spec;
        const char *words; /* the same in both formats */
    } cases[] = {
        {"4 a storage larger than its record", {"w", "FloatStorage", "0", 3, 0, 1, {2}, {1}}, ""},
        {"4 a storage smaller than its record", {"w", "FloatStorage", "0", 1, 0, 1, {1}, {1}}, ""},
        {"4 a storage whose bytes overflow", {"w", "FloatStorage", "0", INT64_MAX, 0, 1, {2}, {1}}, ""},
        {"5 a negative offset", {"w", "FloatStorage", "0", 2, -1, 1, {2}, {1}}, "negative offset"},
        {"5 a huge offset", {"w", "FloatStorage", "0", 2, INT64_MAX, 1, {2}, {1}}, "begins outside"},
        {"5 a negative stride", {"w", "FloatStorage", "0", 2, 1, 1, {2}, {-1}}, "negative"},
        {"5 a huge stride", {"w", "FloatStorage", "0", 2, 0, 1, {2}, {INT64_MAX}}, "reaches past"},
        {"5 a negative shape", {"w", "FloatStorage", "0", 2, 0, 1, {-2}, {1}}, "negative"},
        {"5 a shape that overflows",
         {"w", "FloatStorage", "0", 2, 0, 3, {INT64_MAX, INT64_MAX, 4}, {0, 0, 0}},
         "too large"},
        {"11 a giant of zero strides", {"w", "FloatStorage", "0", 2, 0, 2, {1 << 30, 1 << 30}, {0, 0}}, "larger than"},
        {"nine dimensions", {"w", "FloatStorage", "0", 2, 0, 9, {1, 1, 1, 1, 1, 1, 1, 1, 1}, {1}}, "dimensions"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int is_legacy = 0; is_legacy < 2; is_legacy++) {
            char name[100];
            bytes pickle = pickle_state_dict(&cases[i].spec, 1, is_legacy, NULL);
            snprintf(name, sizeof name, "%s, %s", is_legacy ? "legacy" : "zip", cases[i].what);
            refuse(name, wrap(&pickle, is_legacy), cases[i].words);
            drop(&pickle);
        }
    print_tally("tensors that lie");
}

/* ---- archives, streams, headers -----------------------------------------------------------------------------------
 */

static void archives_that_lie_are_refused(void **state)
{
    enum { LOCAL, CENTRAL, END };
    static const struct {
        const char *what;
        int from;
        size_t at, width;
        uint64_t value;
        const char *words;
    } cases[] = {
        {"8 deflated", CENTRAL, 10, 2, 8, "compressed"},
        {"8 an entry inside another", CENTRAL, 42, 4, 3, "local header"},
        {"9 flag 0x1", CENTRAL, 8, 2, 0x1, "encrypted"},
        {"9 flag 0x20", CENTRAL, 8, 2, 0x20, "patched"},
        {"9 flag 0x40", CENTRAL, 8, 2, 0x40, "patched"},
        {"9 another local name", LOCAL, 30, 1, 'b', "another name"},
        {"10 a size of 0xffffffff", CENTRAL, 24, 4, 0xffffffff, "ZIP64"},
        {"10 a count that is too large", END, 8, 4, 0x00030003, "fewer entries"},
    };
    static const char *const thirds[] = {"a/data/0", "b/data.pkl"};
    static const char *const words[] = {"occurs twice", "more than one data.pkl"};
    enum { CASES = sizeof cases / sizeof cases[0] };
    (void)state;
    for (size_t i = 0; i < CASES + 2; i++) {
        bytes pickle = pickle_state_dict(&good_tensor, 1, false, NULL);
        zip_entry entries[3] = {{.name = "a/data.pkl", .data = pickle.data, .size = pickle.count},
                                {.name = "a/data/0", .data = two_floats, .size = sizeof two_floats},
                                {.name = thirds[i % 2], .data = two_floats, .size = sizeof two_floats}};
        zip_layout layout = {.comment = NULL};
        bytes file = build_zip(entries, i < CASES ? 2 : 3, &layout);
        if (i < CASES) {
            size_t base = cases[i].from == LOCAL     ? entries[1].local_at
                          : cases[i].from == CENTRAL ? entries[1].central_at
                                                     : layout.end_at;
            patch_number(&file, base + cases[i].at, cases[i].value, cases[i].width);
            refuse(cases[i].what, file, cases[i].words);
        } else {
            refuse(i % 2 ? "10 two data.pkl" : "10 one name twice", file, words[i % 2]);
        }
        drop(&pickle);
    }
    print_tally("archives");
}

static void legacy_streams_that_lie_are_refused(void **state)
{
    static const char *const one[] = {"0"}, *const twice[] = {"0", "0"};
    static const struct {
        const char *what;
        legacy_layout layout;
        const char *words;
    } cases[] = {
        {"12 a wrong magic number", {true, false, 1001, one, 1, 2, 8}, "not one that torch.save wrote"},
        {"12 another protocol", {false, false, 1000, one, 1, 2, 8}, "1001"},
        {"13 a count that is too large", {false, false, 1001, one, 1, 3, 12}, "number of items"},
        {"13 a count that is huge", {false, false, 1001, one, 1, UINT64_MAX, 8}, "number of items"},
        {"13 a storage twice", {false, false, 1001, twice, 2, 2, 8}, "occurs twice"},
        {"13 big-endian", {false, true, 1001, one, 1, 2, 8}, "big-endian"},
        {"14 trailing bytes", {false, false, 1001, one, 1, 2, 9}, "follow its last storage"},
    };
    bytes pickle = pickle_state_dict(&good_tensor, 1, true, NULL);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        refuse(cases[i].what, build_legacy(&pickle, &cases[i].layout), cases[i].words);
    drop(&pickle);
    print_tally("legacy streams");
}

#define ENTRY(name, type, shape, begin, end)                                                                           \
    "\"" name "\":{\"dtype\":\"" type "\",\"shape\":[" shape "],\"data_offsets\":[" begin "," end "]}"

static void safetensors_headers_that_lie_are_refused(void **state)
{
    static const struct {
        const char *what;
        uint64_t length; /* 0: the true one */
        const char *header;
        size_t data_bytes;
        const char *words;
    } cases[] = {
        {"15 a header longer than the file", 1000, "{}", 0, "past the end"},
        {"15 a header over 100 MB", 100000001, "{}", 0, "100 MB"},
        {"15 a header of 2^64-1 bytes", UINT64_MAX, "{}", 0, "100 MB"},
        {"16 an overlap", 0, "{" ENTRY("a", "F32", "2", "0", "8") "," ENTRY("b", "F32", "2", "4", "12") "}", 12,
         "overlaps"},
        {"16 a hole", 0, "{" ENTRY("a", "F32", "1", "0", "4") "," ENTRY("b", "F32", "1", "8", "12") "}", 12,
         "unused bytes"},
        {"16 reversed offsets", 0, "{" ENTRY("a", "F32", "1", "4", "0") "}", 4, "ends before"},
        {"16 trailing bytes", 0, "{" ENTRY("a", "F32", "1", "0", "4") "}", 5, "follow the last"},
        {"17 a shape that overflows", 0, "{" ENTRY("a", "F32", "4611686018427387905,4", "0", "4") "}", 4, "too large"},
        {"17 a dtype of another size", 0, "{" ENTRY("a", "F16", "1", "0", "4") "}", 4, "do not fit"},
        {"18 a key twice", 0, "{" ENTRY("a", "F32", "1", "0", "4") "," ENTRY("a", "F32", "1", "4", "8") "}", 8,
         "\"a\""},
        {"18 bad UTF-8", 0, "{" ENTRY("a\xff", "F32", "1", "0", "4") "}", 4, "UTF-8"},
        {"18 deep JSON", 0, "{\"a\":{\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]}}", 0, "too deeply"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bytes file = build_safetensors(cases[i].header, cases[i].data_bytes);
        if (cases[i].length)
            patch_number(&file, 0, cases[i].length, 8);
        refuse(cases[i].what, file, cases[i].words);
    }
    /* As large as a header may be, and all of it white space or one name. */
    for (int i = 0; i < 2; i++) {
        bytes file = {.data = NULL};
        put_number(&file, 100000000, 8);
        put_text(&file, i ? "{\"" : "{");
        put_repeated(&file, i ? "a" : " ", 1, 100000000 - (i ? 2 : 1));
        refuse(i ? "15 a name of 100 MB" : "15 white space of 100 MB", file, "");
    }
    print_tally("safetensors headers");
}

static void polyglots_and_cut_files_are_refused(void **state)
{
    static const char *const names[] = {"zip_small.pth", "legacy_small.pth", "small.safetensors"};
    char path[512], what[100];
    (void)state;
    for (int i = 0; i < 3; i++) {
        bytes whole = read_whole(fixture(path, names[i]));
        assert_true(whole.count > 100);
        for (size_t quarter = 0; quarter < 4; quarter++) { /* the tests of the readers cut at every byte */
            snprintf(what, sizeof what, "7 %s, %zu quarters", names[i], quarter);
            refuse(what, text_of(whole.data, whole.count * quarter / 4), "");
        }
        for (int j = 0; j < 3; j++) {
            bytes both = text_of(whole.data, whole.count), other = read_whole(fixture(path, names[j]));
            put(&both, other.data, other.count);
            snprintf(what, sizeof what, "14 %s, then %s", names[i], names[j]);
            refuse(what, both, "");
            drop(&other);
        }
        put_text(&whole, "x");
        snprintf(what, sizeof what, "14 %s and a byte", names[i]);
        refuse(what, whole, "");
    }
    print_tally("cut files and polyglots");
}

/* ---- networks that are none ---------------------------------------------------------------------------------------
 */

static void networks_that_miss_or_misshape_a_tensor_are_refused(void **state)
{
    static const char *const names[] = {"conv_stem.weight", "blocks.6.3.se.conv_expand.bias", "conv_head.weight"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        for (int missing = 0; missing < 2; missing++) {
            const struct network_shape shape = {NETWORK_CLASSIFIER, 0.1, 4};
            struct tensor_list list;
            char what[100];
            size_t made_bytes, at = 0;
            assert_true(list_network(&shape, &list));
            while (at < list.count && strcmp(list.tensors[at].name, names[i]) != 0)
                at++;
            assert_true(at < list.count);
            if (missing)
                memmove(&list.tensors[at], &list.tensors[at + 1], (--list.count - at) * sizeof list.tensors[0]);
            else
                list.tensors[at].shape[0] += 3;
            unsigned char *made = make_checkpoint_of(&list, &made_bytes);
            assert_non_null(made);
            snprintf(what, sizeof what, "19 %s %s", missing ? "missing" : "misshapen", names[i]);
            refuse(what, (bytes){made, made_bytes, made_bytes}, names[i]);
            release_tensor_list(&list);
        }
    print_tally("networks");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(pickles_that_call_are_refused),
        TEST_IN_FOLDER(pickles_that_break_rules_are_refused),
        TEST_IN_FOLDER(tensors_that_lie_are_refused),
        TEST_IN_FOLDER(archives_that_lie_are_refused),
        TEST_IN_FOLDER(legacy_streams_that_lie_are_refused),
        TEST_IN_FOLDER(safetensors_headers_that_lie_are_refused),
        TEST_IN_FOLDER(polyglots_and_cut_files_are_refused),
        TEST_IN_FOLDER(networks_that_miss_or_misshape_a_tensor_are_refused),
    };
    return cmocka_run_group_tests_name("hostile files", tests, NULL, NULL);
}
