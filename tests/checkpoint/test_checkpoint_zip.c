/* Zip archives: every lawful form loads, every field that lies is refused. */
#include <stdio.h>
#include <string.h>

#include "check.h"

typedef struct zip_parts {
    bytes pickle;
    zip_entry entries[4];
    zip_layout layout;
    size_t count;
} zip_parts;

static zip_parts good_parts(void)
{
    zip_parts parts = {.count = 2};
    parts.pickle = pickle_state_dict(&good_tensor, 1, false, NULL);
    parts.entries[0] = (zip_entry){.name = "a/data.pkl", .data = parts.pickle.data, .size = parts.pickle.count};
    parts.entries[1] = (zip_entry){.name = "a/data/0", .data = two_floats, .size = sizeof two_floats};
    return parts;
}

static bytes finish_parts(zip_parts *parts)
{
    bytes file = build_zip(parts->entries, parts->count, &parts->layout);
    drop(&parts->pickle);
    return file;
}

static void every_lawful_form_of_zip_loads(void **state)
{
    (void)state;
    for (unsigned form = 0; form < 16; form++) {
        char what[100];
        zip_parts parts = good_parts();
        for (size_t i = 0; i < parts.count; i++) {
            parts.entries[i].has_descriptor = form & 1;
            parts.entries[i].is_zip64 = form & 2;
            parts.entries[i].flags = 0x800; /* names are UTF-8 */
        }
        parts.layout.has_end64 = form & 4;
        parts.layout.comment = form & 8 ? "a comment" : NULL;
        snprintf(what, sizeof what, "zip form %u (1 descriptors, 2 ZIP64 entries, 4 ZIP64 end, 8 comment)", form);
        check_bytes_load(what, finish_parts(&parts), 1);
    }
    zip_parts parts = good_parts();
    parts.entries[2] = (zip_entry){.name = "a/byteorder", .data = "little", .size = 6};
    parts.count = 3;
    check_bytes_load("a byteorder record", finish_parts(&parts), 1);
    parts = good_parts();
    bytes file = finish_parts(&parts);
    clear_checksums(&file);
    check_bytes_load("checksums left out", file, 1);
}

/* What a case changes in the finished file: `width` bytes at an offset from a landmark. */
typedef enum landmark { LOCAL, CENTRAL, END64, END } landmark;

static void a_zip_that_breaks_the_rules_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        landmark from;
        size_t at, width;
        uint64_t value;
        const char *words;
    } cases[] = {
        {"encrypted", CENTRAL, 8, 2, 0x1, "encrypted"},
        {"patched", CENTRAL, 8, 2, 0x20, "encrypted or patched"},
        {"strongly encrypted", CENTRAL, 8, 2, 0x40, "encrypted or patched"},
        {"masked", CENTRAL, 8, 2, 0x2000, "encrypted or patched"},
        {"encrypted by its local header", LOCAL, 6, 2, 0x1, "encrypted"},
        {"deflated", CENTRAL, 10, 2, 8, "compressed"},
        {"deflated by its local header", LOCAL, 8, 2, 8, "unlike the central"},
        {"another local name", LOCAL, 30, 1, 'b', "another name"},
        {"a local name that is too long", LOCAL, 26, 2, 0xffff, "cut short"},
        {"another local size", LOCAL, 22, 4, 5, "unlike the central"},
        {"another local checksum", LOCAL, 14, 4, 5, "unlike the central"},
        {"a wrong checksum", CENTRAL, 16, 4, 5, "unlike the central"},
        {"two sizes", CENTRAL, 20, 4, 7, "two different sizes"},
        {"a size of 0xffffffff", CENTRAL, 24, 4, 0xffffffff, "ZIP64"},
        {"an offset of 0xffffffff", CENTRAL, 42, 4, 0xffffffff, "ZIP64"},
        {"an offset past the end", CENTRAL, 42, 4, 0xfffffff0, "outside"},
        {"an offset between entries", CENTRAL, 42, 4, 3, "local header"},
        {"another disk", CENTRAL, 34, 2, 1, "another disk"},
        {"a name past the end", CENTRAL, 28, 2, 0xffff, "cut short"},
        {"a wrong signature in the directory", CENTRAL, 0, 1, 'Q', "fewer entries"},
        {"more entries than there are", END, 8, 4, 0x00030003, "fewer entries"},
        {"fewer entries than there are", END, 8, 4, 0x00010001, "holds more than it says"},
        {"a directory elsewhere", END, 16, 4, 7, "does not end"},
        {"a directory of another size", END, 12, 4, 7, "does not end"},
        {"several disks", END, 4, 2, 1, "disks"},
        {"a comment that is not there", END, 20, 2, 9, "cut short"},
        {"a ZIP64 end elsewhere", END64, 64, 8, 9, "where it should be"},
        {"a ZIP64 end past the end", END64, 64, 8, UINT64_MAX, "out of place"},
        {"a ZIP64 end of another size", END64, 4, 8, 45, "where it should be"},
        {"a ZIP64 count that is huge", END64, 24, 8, UINT64_MAX, "disks"},
        {"a ZIP64 directory past the end", END64, 48, 8, UINT64_MAX, "does not end"},
        {"several ZIP64 disks", END64, 72, 4, 2, "disks"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        zip_parts parts = good_parts();
        parts.layout.has_end64 = cases[i].from == END64;
        bytes file = finish_parts(&parts);
        size_t base = cases[i].from == LOCAL     ? parts.entries[1].local_at
                      : cases[i].from == CENTRAL ? parts.entries[1].central_at
                      : cases[i].from == END64   ? parts.layout.end64_at
                                                 : parts.layout.end_at;
        patch_number(&file, base + cases[i].at, cases[i].value, cases[i].width);
        check_bytes_refused(cases[i].what, file, cases[i].words);
    }
}

static void a_zip_with_strange_entries_is_refused(void **state)
{
    (void)state;
    zip_parts parts = good_parts();
    parts.entries[2] = parts.entries[1];
    parts.count = 3;
    check_bytes_refused("one name twice", finish_parts(&parts), "occurs twice");

    parts = good_parts();
    parts.entries[2] = parts.entries[0];
    parts.entries[2].name = "b/data.pkl";
    parts.count = 3;
    check_bytes_refused("two pickles", finish_parts(&parts), "more than one data.pkl");

    parts = good_parts();
    parts.entries[0].name = "a/data.txt";
    check_bytes_refused("no pickle", finish_parts(&parts), "without a data.pkl");

    char long_name[1100];
    memset(long_name, 'n', sizeof long_name);
    snprintf(long_name + 1020, 16, "/data.pkl");
    parts = good_parts();
    parts.entries[0].name = long_name;
    check_bytes_refused("a long name", finish_parts(&parts), "longer than 1024");

    parts = good_parts();
    parts.entries[2] = (zip_entry){.name = "a/byteorder", .data = "big", .size = 3};
    parts.count = 3;
    check_bytes_refused("big-endian", finish_parts(&parts), "big-endian");

    /* The second entry's header inside of the first entry's data. */
    parts = good_parts();
    bytes inner = {.data = NULL};
    put(&inner, "PK\3\4\0\0\0\0\0\0\0\0\0\0", 14);
    put_number(&inner, checksum((const unsigned char *)two_floats, 8), 4);
    put_number(&inner, 8, 4);
    put_number(&inner, 8, 4);
    put_number(&inner, 8, 2);
    put_number(&inner, 0, 2);
    put_text(&inner, "a/data/0");
    put(&inner, two_floats, 8);
    parts.entries[2] = (zip_entry){.name = "a/x", .data = inner.data, .size = inner.count};
    parts.count = 3;
    bytes file = finish_parts(&parts);
    patch_number(&file, parts.entries[1].central_at + 42, parts.entries[2].local_at + 33, 4);
    check_bytes_refused("overlapping entries", file, "overlaps");
    drop(&inner);

    /* Something else in front, as in a file of two kinds at once. */
    parts = good_parts();
    parts.entries[2] = parts.entries[1];
    parts.entries[1] = parts.entries[0];
    parts.entries[0] = (zip_entry){.name = "x", .data = "", .size = 0};
    parts.count = 3;
    file = finish_parts(&parts);
    size_t from = parts.entries[1].central_at - parts.entries[0].central_at; /* take x out of the directory */
    memmove(file.data + parts.entries[0].central_at, file.data + parts.entries[1].central_at,
            file.count - parts.entries[1].central_at);
    file.count -= from;
    patch_number(&file, parts.layout.end_at - from + 8, 0x00020002, 4);
    patch_number(&file, parts.layout.end_at - from + 12, parts.layout.end_at - parts.entries[1].central_at, 4);
    check_bytes_refused("an unlisted first entry", file, "first entry");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_lawful_form_of_zip_loads),
        cmocka_unit_test(a_zip_that_breaks_the_rules_is_refused),
        cmocka_unit_test(a_zip_with_strange_entries_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
