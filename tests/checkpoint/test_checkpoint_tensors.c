/* Tensors that claim what their storage has not, and legacy streams, which hold the storages one after another. */
#include <stdio.h>
#include <string.h>

#include "check.h"

static void a_tensor_outside_of_its_storage_is_refused(void **state)
{
    (void)state;
    static char long_name[1100];
    memset(long_name, 'w', sizeof long_name - 1);
    static const struct {
        const char *what;
        tensor_spec spec;
        const char *words;
    } cases[] = {
        {"a count that is too large", {"w", "FloatStorage", "0", 3, 0, 1, {2}, {1}}, "bytes"},
        {"a count that is too small", {"w", "FloatStorage", "0", 1, 0, 1, {1}, {1}}, "bytes"},
        {"a count that overflows", {"w", "FloatStorage", "0", INT64_MAX, 0, 1, {2}, {1}}, "bytes"},
        {"a class of another size", {"w", "HalfStorage", "0", 2, 0, 1, {2}, {1}}, "bytes"},
        {"a record that is missing", {"w", "FloatStorage", "1", 2, 0, 1, {2}, {1}}, "lacks the record data/1"},
        {"a key that climbs", {"w", "FloatStorage", "../data.pkl", 2, 0, 1, {2}, {1}}, "lacks the record"},
        {"a negative offset", {"w", "FloatStorage", "0", 2, -1, 1, {2}, {1}}, "negative offset"},
        {"an offset at the end", {"w", "FloatStorage", "0", 2, 2, 1, {1}, {1}}, "begins outside"},
        {"an offset past the end", {"w", "FloatStorage", "0", 2, 3, 1, {0}, {1}}, "begins outside"},
        {"a huge offset", {"w", "FloatStorage", "0", 2, INT64_MAX, 1, {2}, {1}}, "begins outside"},
        {"an offset and a shape past the end", {"w", "FloatStorage", "0", 2, 1, 1, {2}, {1}}, "reaches past"},
        {"a negative stride", {"w", "FloatStorage", "0", 2, 1, 1, {2}, {-1}}, "negative"},
        {"a stride past the end", {"w", "FloatStorage", "0", 2, 0, 1, {2}, {2}}, "reaches past"},
        {"a huge stride", {"w", "FloatStorage", "0", 2, 0, 1, {2}, {INT64_MAX}}, "reaches past"},
        {"strides that overflow together",
         {"w", "FloatStorage", "0", 2, 0, 2, {1, 2}, {INT64_MAX, INT64_MAX}},
         "reaches past"},
        {"a negative shape", {"w", "FloatStorage", "0", 2, 0, 1, {-2}, {1}}, "negative"},
        {"two negative sizes", {"w", "FloatStorage", "0", 2, 0, 2, {-1, -2}, {1, 1}}, "negative"},
        {"a shape that is too large", {"w", "FloatStorage", "0", 2, 0, 1, {3}, {1}}, "larger than its storage"},
        {"a shape that overflows",
         {"w", "FloatStorage", "0", 2, 0, 3, {INT64_MAX, INT64_MAX, 4}, {0, 0, 0}},
         "too large"},
        {"a giant of zero strides", {"w", "FloatStorage", "0", 2, 0, 2, {1 << 30, 1 << 30}, {0, 0}}, "larger than"},
        {"nine dimensions",
         {"w", "FloatStorage", "0", 2, 0, 9, {1, 1, 1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1, 1, 1}},
         "dimensions"},
        {"an unknown storage class", {"w", "OddStorage", "0", 2, 0, 1, {2}, {1}}, "torch.OddStorage"},
        {"an empty name", {"", "FloatStorage", "0", 2, 0, 1, {2}, {1}}, "name"},
        {"a name of bad UTF-8", {"w\xff", "FloatStorage", "0", 2, 0, 1, {2}, {1}}, "UTF-8"},
        {"a name without end", {long_name, "FloatStorage", "0", 2, 0, 1, {2}, {1}}, "1024 bytes"},
        {"a name with a line break", {"w\n", "FloatStorage", "0", 2, 0, 1, {2}, {1}}, "control character"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bytes pickle = pickle_state_dict(&cases[i].spec, 1, false, NULL);
        check_bytes_refused(cases[i].what, build_pth(&pickle, two_floats, sizeof two_floats), cases[i].words);
        drop(&pickle);
    }
}

static void an_odd_tensor_that_fits_its_storage_loads(void **state)
{
    (void)state;
    static const tensor_spec specs[] = {
        {"empty at the end", "FloatStorage", "0", 2, 2, 1, {0}, {1}},
        {"huge but empty", "FloatStorage", "0", 2, 0, 3, {INT64_MAX, INT64_MAX, 0}, {1, 1, 1}},
        {"one item with a wild stride", "FloatStorage", "0", 2, 1, 2, {1, 1}, {INT64_MAX, INT64_MAX}},
        {"repeated within the storage's size", "FloatStorage", "0", 2, 1, 1, {2}, {0}},
        {"scalar", "FloatStorage", "0", 2, 1, 0, {0}, {0}},
        {"eight dimensions", "FloatStorage", "0", 2, 0, 8, {1, 1, 1, 1, 1, 1, 1, 2}, {9, 9, 9, 9, 9, 9, 9, 1}},
    };
    bytes pickle = pickle_state_dict(specs, sizeof specs / sizeof specs[0], false, NULL);
    check_bytes_load("odd tensors", build_pth(&pickle, two_floats, sizeof two_floats), 6);
    drop(&pickle);
}

static void tensors_of_one_name_are_refused(void **state)
{
    (void)state;
    tensor_spec twice[2] = {good_tensor, good_tensor};
    bytes pickle = pickle_state_dict(twice, 2, false, NULL);
    check_bytes_refused("one name twice", build_pth(&pickle, two_floats, sizeof two_floats), "\"weight\"");
    drop(&pickle);
}

static void a_view_of_an_old_storage_begins_where_it_says(void **state)
{
    (void)state;
    static const struct {
        int64_t begin, count, offset, size;
        const char *words; /* NULL: it loads */
    } cases[] = {{1, 1, 0, 1, NULL},
                 {0, 2, 0, 2, NULL},
                 {1, 1, 1, 1, "begins outside"},
                 {1, 1, 0, 2, "larger than"},
                 {1, 2, 0, 1, "BINPERSID"},
                 {-1, 2, 0, 1, "BINPERSID"},
                 {0, INT64_MAX, 0, 1, "BINPERSID"}};
    static const char *const keys[] = {"0"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char what[100];
        snprintf(what, sizeof what, "a view from %lld of %lld items, offset %lld, shape %lld",
                 (long long)cases[i].begin, (long long)cases[i].count, (long long)cases[i].offset,
                 (long long)cases[i].size);
        bytes object = {.data = NULL};
        static const int64_t one = 1;
        put(&object, "\x80\x02}", 3);
        pickle_text(&object, "weight");
        pickle_global(&object, "torch._utils", "_rebuild_tensor_v2");
        put_text(&object, "((");
        pickle_text(&object, "storage");
        pickle_global(&object, "torch", "FloatStorage");
        pickle_text(&object, "0");
        pickle_text(&object, "cpu");
        pickle_integer(&object, 2);
        pickle_text(&object, "view");
        pickle_integer(&object, cases[i].begin);
        pickle_integer(&object, cases[i].count);
        put(&object, "\x87tQ", 3);
        pickle_integer(&object, cases[i].offset);
        pickle_integers(&object, &cases[i].size, 1);
        pickle_integers(&object, &one, 1);
        put_text(&object, "tRs.");
        legacy_layout layout = {false, false, 1001, keys, 1, 2, 8};
        bytes file = build_legacy(&object, &layout);
        if (cases[i].words)
            check_bytes_refused(what, file, cases[i].words);
        else
            check_bytes_load(what, file, 1);
        drop(&object);
    }
}

static void a_legacy_stream_that_lies_is_refused(void **state)
{
    (void)state;
    static const char *const one[] = {"0"}, *const twice[] = {"0", "0"}, *const other[] = {"1"},
                             *const more[] = {"0", "1"};
    static const struct {
        const char *what;
        legacy_layout layout;
        const char *words;
    } cases[] = {
        {"a wrong magic number", {true, false, 1001, one, 1, 2, 8}, "not one that torch.save wrote"},
        {"another version", {false, false, 1000, one, 1, 2, 8}, "1001"},
        {"a big-endian machine", {false, true, 1001, one, 1, 2, 8}, "big-endian"},
        {"no storage", {false, false, 1001, one, 0, 2, 8}, "lacks the storage"},
        {"a storage twice", {false, false, 1001, twice, 2, 2, 8}, "occurs twice"},
        {"another storage", {false, false, 1001, other, 1, 2, 8}, "belongs to no tensor"},
        {"one storage more", {false, false, 1001, more, 2, 2, 8}, "belongs to no tensor"},
        {"a count that is too large", {false, false, 1001, one, 1, 3, 12}, "number of items"},
        {"a count that is too small", {false, false, 1001, one, 1, 1, 4}, "number of items"},
        {"a count that is huge", {false, false, 1001, one, 1, UINT64_MAX, 8}, "number of items"},
        {"data cut short", {false, false, 1001, one, 1, 2, 7}, "cut short"},
        {"data too long", {false, false, 1001, one, 1, 2, 9}, "follow its last storage"},
    };
    bytes object = pickle_state_dict(&good_tensor, 1, true, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_bytes_refused(cases[i].what, build_legacy(&object, &cases[i].layout), cases[i].words);
    legacy_layout good = {false, false, 1001, one, 1, 2, 8};
    check_bytes_load("nothing wrong", build_legacy(&object, &good), 1);
    drop(&object);

    tensor_spec two[2] = {good_tensor, good_tensor};
    two[1].name = "bias";
    two[1].count = 1;
    two[1].shape[0] = 1;
    object = pickle_state_dict(two, 2, true, NULL);
    check_bytes_refused("a storage of two sizes", build_legacy(&object, &good), "two sizes");
    drop(&object);
    tensor_spec huge = {"weight", "FloatStorage", "0", INT64_MAX, 0, 1, {2}, {1}};
    object = pickle_state_dict(&huge, 1, true, NULL);
    good.storage_count = INT64_MAX;
    check_bytes_refused("a storage that overflows", build_legacy(&object, &good), "cut short");
    drop(&object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tensor_outside_of_its_storage_is_refused),
        cmocka_unit_test(an_odd_tensor_that_fits_its_storage_loads),
        cmocka_unit_test(tensors_of_one_name_are_refused),
        cmocka_unit_test(a_view_of_an_old_storage_begins_where_it_says),
        cmocka_unit_test(a_legacy_stream_that_lies_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
