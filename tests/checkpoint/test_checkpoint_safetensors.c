/* safetensors: headers and lengths that lie are refused, odd but lawful ones load. */
#include <stdio.h>

#include "check.h"

#define ENTRY(name, type, shape, begin, end)                                                                           \
    "\"" name "\":{\"dtype\":\"" type "\",\"shape\":[" shape "],\"data_offsets\":[" begin "," end "]}"

static void a_safetensors_header_that_lies_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *what, *header;
        size_t bytes;
        const char *words;
    } cases[] = {
        {"an overlap", "{" ENTRY("a", "F32", "2", "0", "8") "," ENTRY("b", "F32", "2", "4", "12") "}", 12, "overlaps"},
        {"one range twice", "{" ENTRY("a", "F32", "2", "0", "8") "," ENTRY("b", "F32", "2", "0", "8") "}", 8,
         "overlaps"},
        {"a hole", "{" ENTRY("a", "F32", "1", "0", "4") "," ENTRY("b", "F32", "1", "8", "12") "}", 12, "unused bytes"},
        {"a hole in front", "{" ENTRY("a", "F32", "1", "4", "8") "}", 8, "unused bytes"},
        {"reversed offsets", "{" ENTRY("a", "F32", "1", "4", "0") "}", 4, "ends before"},
        {"trailing bytes", "{" ENTRY("a", "F32", "1", "0", "4") "}", 5, "follow the last"},
        {"data past the end", "{" ENTRY("a", "F32", "2", "0", "8") "}", 4, "reaches past"},
        {"a huge offset", "{" ENTRY("a", "F32", "1", "0", "18446744073709551615") "}", 4, "too large"},
        {"a shape that overflows", "{" ENTRY("a", "F32", "4611686018427387905,4", "0", "4") "}", 4, "too large"},
        {"a shape of another size", "{" ENTRY("a", "F32", "2", "0", "4") "}", 4, "do not fit"},
        {"a dtype of another size", "{" ENTRY("a", "F16", "1", "0", "4") "}", 4, "do not fit"},
        {"an unknown dtype", "{" ENTRY("a", "F33", "1", "0", "4") "}", 4, "unknown dtype"},
        {"nine dimensions", "{" ENTRY("a", "F32", "1,1,1,1,1,1,1,1,1", "0", "4") "}", 4, "dimensions"},
        {"a negative size", "{" ENTRY("a", "F32", "-1", "0", "4") "}", 4, "whole number"},
        {"a size with a fraction", "{" ENTRY("a", "F32", "1.0", "0", "4") "}", 4, "whole number"},
        {"a size with zeros in front", "{" ENTRY("a", "F32", "01", "0", "4") "}", 4, "needless"},
        {"three offsets", "{" ENTRY("a", "F32", "1", "0,4", "4") "}", 4, "end of an array"},
        {"one offset", "{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0]}}", 4, "pair"},
        {"no dtype", "{\"a\":{\"shape\":[],\"data_offsets\":[0,4]}}", 4, "lacks its dtype"},
        {"no shape", "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "lacks its shape"},
        {"no offsets", "{\"a\":{\"dtype\":\"F32\",\"shape\":[]}}", 4, "lacks its data_offsets"},
        {"a member twice", "{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}", 4,
         "two members"},
        {"one name twice", "{" ENTRY("a", "F32", "1", "0", "4") "," ENTRY("a", "F32", "1", "4", "8") "}", 8, "\"a\""},
        {"one name twice, escaped", "{" ENTRY("a", "F32", "1", "0", "4") "," ENTRY("\\u0061", "F32", "1", "4", "8") "}",
         8, "\"a\""},
        {"metadata twice", "{\"__metadata__\":{},\"__metadata__\":{}}", 0, "twice"},
        {"metadata of null twice", "{\"__metadata__\":null,\"__metadata__\":null}", 0, "twice"},
        {"metadata of something else", "{\"__metadata__\":nul}", 0, "object is expected"},
        {"a metadata key of null", "{\"__metadata__\":{\"a\":null}}", 0, "string is expected"},
        {"a metadata key twice", "{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0, "occurs twice"},
        {"metadata that is no string", "{\"__metadata__\":{\"a\":1}}", 0, "string is expected"},
        {"an entry that is no object", "{\"a\":1}", 0, "object is expected"},
        {"an empty name", "{" ENTRY("", "F32", "1", "0", "4") "}", 4, "is empty"},
        {"a name with a line break", "{" ENTRY("a\\n", "F32", "1", "0", "4") "}", 4, "control character"},
        {"bad UTF-8 in a name", "{" ENTRY("a\xff", "F32", "1", "0", "4") "}", 4, "UTF-8"},
        {"an overlong name", "{" ENTRY("a\xc0\xaf", "F32", "1", "0", "4") "}", 4, "UTF-8"},
        {"a surrogate in UTF-8", "{" ENTRY("a\xed\xa0\x80", "F32", "1", "0", "4") "}", 4, "UTF-8"},
        {"half a surrogate pair", "{" ENTRY("a\\ud83d", "F32", "1", "0", "4") "}", 4, "surrogate"},
        {"two first halves", "{" ENTRY("a\\ud83d\\ud83d", "F32", "1", "0", "4") "}", 4, "surrogate"},
        {"a second half alone", "{" ENTRY("a\\udc7b", "F32", "1", "0", "4") "}", 4, "surrogate"},
        {"a wrong escape", "{" ENTRY("a\\x", "F32", "1", "0", "4") "}", 4, "escape"},
        {"a wrong digit", "{" ENTRY("a\\u00g0", "F32", "1", "0", "4") "}", 4, "digit"},
        {"a NUL in a name", "{" ENTRY("a\\u0000", "F32", "1", "0", "4") "}", 4, "U+0000"},
        {"a bare control character", "{\"a\nb\":{}}", 0, "control character"},
        {"deep JSON", "{\"a\":{\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]}}", 0, "too deeply"},
        {"a value that is none", "{\"a\":{\"x\":nul}}", 0, "value is expected"},
        {"a number that is none", "{\"a\":{\"x\":-}}", 0, "digit"},
        {"a comma too much", "{\"__metadata__\":{},}", 0, "string is expected"},
        {"no end", "{\"__metadata__\":{}", 0, "too early"},
        {"something after the end", "{}x", 0, "follows the JSON object"},
        {"not an object", "[{}]", 0, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_bytes_refused(cases[i].what, build_safetensors(cases[i].header, cases[i].bytes), cases[i].words);
}

static void a_safetensors_length_that_lies_is_refused(void **state)
{
    (void)state;
    static const struct {
        uint64_t length;
        const char *words;
    } cases[] = {{3, "past the end"},      {100000000, "past the end"}, {100000001, "100 MB"},
                 {UINT64_MAX, "100 MB"},   {UINT64_MAX - 7, "100 MB"},  {INT64_MAX, "100 MB"},
                 {1, "it ends too early"}, {0, "it ends too early"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char what[60];
        bytes file = build_safetensors("{}", 0);
        patch_number(&file, 0, cases[i].length, 8);
        snprintf(what, sizeof what, "a header of %llu bytes", (unsigned long long)cases[i].length);
        check_bytes_refused(what, file, cases[i].words);
    }
}

static void odd_but_lawful_safetensors_load(void **state)
{
    (void)state;
    check_bytes_load("no tensors", build_safetensors("{}", 0), 0);
    check_bytes_load("metadata of null", build_safetensors("{\"__metadata__\": null }", 0), 0);
    check_bytes_load("metadata of null beside a tensor",
                     build_safetensors("{\"__metadata__\":null," ENTRY("a", "F32", "1", "0", "4") "}", 4), 1);
    check_bytes_load("white space", build_safetensors("{ } \n\t", 0), 0);
    check_bytes_load(
        "any order",
        build_safetensors("{" ENTRY("b", "F32", "1", "4", "8") "," ENTRY("a", "BF16", "2", "0", "4") "}", 8), 2);
    check_bytes_load(
        "members to come",
        build_safetensors("{\"a\":{\"new\":[1,-2.5e+3,true,null,{\"x\":\"\\u00fc\"}],\"dtype\":\"U8\",\"shape\":[2],"
                          "\"data_offsets\":[0,2]}}",
                          2),
        1);
    check_bytes_load("empty tensors",
                     build_safetensors("{" ENTRY("a", "F32", "0,9223372036854775807,9223372036854775807", "0",
                                                 "0") "," ENTRY("b", "F32", "", "0", "4") "}",
                                       4),
                     2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_safetensors_header_that_lies_is_refused),
        cmocka_unit_test(a_safetensors_length_that_lies_is_refused),
        cmocka_unit_test(odd_but_lawful_safetensors_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
