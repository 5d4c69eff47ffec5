/* Output: JSON that every reader accepts, and files that appear whole or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/base/json.h"
#include "cli/base/output_file.h"
#include "cli/base/text.h"

static char message[512];

/* JSON */

static void assert_json(struct json *json, const char *expected)
{
    assert_true(json_finish(json));
    assert_string_equal(json->text, expected);
    json_release(json);
}

static void json_is_indented_and_rows_stay_on_one_line(void **state)
{
    (void)state;
    struct json json;
    json_start(&json, NULL);
    json_open_object(&json, JSON_BLOCK);
    json_key(&json, "file");
    json_quoted(&json, "a.jpg");
    json_key(&json, "boxes");
    json_open_array(&json, JSON_BLOCK);
    json_open_object(&json, JSON_LINE);
    json_key(&json, "box");
    json_open_array(&json, JSON_BLOCK); /* inside a line everything is on the line */
    json_float(&json, 1);
    json_float(&json, 2.5f);
    json_close(&json);
    json_key(&json, "sure");
    json_bool(&json, true);
    json_close(&json);
    json_close(&json);
    json_key(&json, "none");
    json_open_array(&json, JSON_BLOCK);
    json_close(&json);
    json_close(&json);
    assert_json(&json, "{\n  \"file\": \"a.jpg\",\n  \"boxes\": [\n    {\"box\": [1, 2.5], \"sure\": true}\n  ],\n"
                       "  \"none\": []\n}\n");
}

static void values_at_the_top_are_json_lines(void **state)
{
    (void)state;
    struct json json;
    json_start(&json, NULL);
    for (unsigned index = 0; index < 2; index++) {
        json_open_object(&json, JSON_LINE);
        json_key(&json, "frame");
        json_unsigned(&json, index);
        json_close(&json);
    }
    assert_json(&json, "{\"frame\": 0}\n{\"frame\": 1}\n");
}

static void strings_are_escaped_and_always_utf8(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"plain / text", "\"plain / text\"\n"},
        {"\"\\\n\r\t\x01\x1F\x7F", "\"\\\"\\\\\\n\\r\\t\\u0001\\u001f\\u007f\"\n"},
        {"\xC3\xA4 \xE7\x8C\xAB \xF0\x9F\x90\xB1", "\"\xC3\xA4 \xE7\x8C\xAB \xF0\x9F\x90\xB1\"\n"},
        {"\xFFx\x80", "\"\xEF\xBF\xBDx\xEF\xBF\xBD\"\n"},
        {"\xC0\xAF", "\"\xEF\xBF\xBD\xEF\xBF\xBD\"\n"},                 /* longer than needed */
        {"\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"\n"}, /* a surrogate */
        {"\xF4\x90\x80\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"\n"},
        {"cut \xE7\x8C", "\"cut \xEF\xBF\xBD\xEF\xBF\xBD\"\n"},
        {"\xC2\x80\xC2\x9B\xC2\x9F\xC2\xA0", "\"\\u0080\\u009b\\u009f\xC2\xA0\"\n"},
        {"a\xE2\x80\xAE"
         "b\xE2\x81\xA6\xD8\x9C",
         "\"a\\u202eb\\u2066\\u061c\"\n"},
    };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        struct json json;
        json_start(&json, NULL);
        json_quoted(&json, cases[index][0]);
        assert_json(&json, cases[index][1]);
    }
    struct json json;
    json_start(&json, NULL);
    json_quoted_of(&json, "a\0b", 3);
    assert_json(&json, "\"a\\u0000b\"\n");
}

static void numbers_are_short_and_plain(void **state)
{
    (void)state;
    static const struct {
        float value;
        const char *text;
    } cases[] = {
        {0, "0\n"},
        {-0.0f, "-0\n"},
        {0.1f, "0.1\n"},
        {640, "640\n"},
        {-416.5f, "-416.5\n"},
        {16777216, "16777216\n"},
        {0.0125f, "0.0125\n"},
        {1e-9f, "1e-9\n"},
        {FLT_MAX, "3.4028235e38\n"},
        {NAN, "null\n"},
        {-INFINITY, "null\n"},
    };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        struct json json;
        json_start(&json, NULL);
        json_float(&json, cases[index].value);
        assert_json(&json, cases[index].text);
    }
    struct json json;
    json_start(&json, NULL);
    json_open_array(&json, JSON_LINE);
    json_unsigned(&json, UINT64_MAX);
    json_signed(&json, INT64_MIN);
    json_double(&json, 0.30000000000000004);
    json_double(&json, DBL_MAX);
    json_double(&json, (double)NAN);
    json_none(&json);
    json_quoted(&json, NULL);
    json_close(&json);
    assert_json(&json,
                "[18446744073709551615, -9223372036854775808, 0.30000000000000004, 1.7976931348623157e308, null, "
                "null, null]\n");
}

static void every_number_reads_back_as_itself(void **state)
{
    (void)state;
    uint32_t random = 1;
    for (unsigned index = 0; index < 20000; index++) {
        random = random * 1664525u + 1013904223u;
        float value;
        memcpy(&value, &random, sizeof value);
        if (!isfinite(value))
            continue;
        struct json json;
        json_start(&json, NULL);
        json_float(&json, value);
        assert_true(json_finish(&json));
        float again = strtof(json.text, NULL);
        assert_memory_equal(&again, &value, sizeof value);
        json_release(&json);
    }
}

/* glibc's compiled form of a locale's numbers: a comma for the point. Written here, because a machine may have no
 * locale at all: the category's magic, the fields' count, where each lies, and the fields. */
static void write_comma_locale(const char *file)
{
    static const char fields[] = ",\0.\0\3\3\0\0,\0\0\0.\0\0\0UTF-8";
    const uint32_t start = 8 + 6 * 4,
                   head[] = {
                       0x20031115 ^ LC_NUMERIC, 6, start, start + 2, start + 4, start + 8, start + 12, start + 16};
    FILE *stream = fopen(file, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(head, 1, sizeof head, stream), sizeof head);
    assert_int_equal(fwrite(fields, 1, sizeof fields, stream), sizeof fields);
    assert_int_equal(fclose(stream), 0);
}

static void a_locale_with_a_comma_changes_nothing(void **state)
{
    char locales[] = "/tmp/ghostvk-locale-XXXXXX", inside[64], file[96], written[16];
    (void)state;
    assert_non_null(mkdtemp(locales));
    snprintf(inside, sizeof inside, "%s/comma", locales);
    snprintf(file, sizeof file, "%s/LC_NUMERIC", inside);
    assert_int_equal(mkdir(inside, 0700), 0);
    write_comma_locale(file);
    assert_int_equal(setenv("LOCPATH", locales, 1), 0);
    bool set = setlocale(LC_NUMERIC, "comma") != NULL;
    unsetenv("LOCPATH");
    unlink(file);
    rmdir(inside);
    rmdir(locales);
#ifndef __GLIBC__
    if (!set)
        skip();
#endif
    assert_true(set);
    snprintf(written, sizeof written, "%.3f", 0.875);
    struct json json;
    json_start(&json, NULL);
    json_float(&json, 0.875f);
    json_double(&json, 1e-300);
    bool finished = json_finish(&json);
    setlocale(LC_NUMERIC, "C");
    assert_string_equal(written, "0,875"); /* it was in force */
    assert_true(finished);
    assert_string_equal(json.text, "0.875\n1e-300\n");
    json_release(&json);
}

static void calls_out_of_place_are_an_error(void **state)
{
    (void)state;
    struct json json;
    json_start(&json, NULL);
    json_open_object(&json, JSON_BLOCK);
    json_unsigned(&json, 1); /* lacks its key */
    json_close(&json);
    assert_false(json_finish(&json));
    json_release(&json);
    json_start(&json, NULL);
    json_open_array(&json, JSON_BLOCK);
    assert_false(json_finish(&json));
    json_release(&json);
    json_start(&json, NULL);
    json_close(&json);
    assert_false(json_finish(&json));
    json_release(&json);
    json_start(&json, NULL);
    for (unsigned level = 0; level < 100; level++)
        json_open_array(&json, JSON_BLOCK);
    assert_false(json_finish(&json));
    json_release(&json);
}

/* Text */

static char *print_to_memory(const char *text, size_t width)
{
    char *printed = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&printed, &size);
    assert_non_null(stream);
    print_padded(stream, text, width);
    fclose(stream);
    return printed;
}

static void text_never_steers_a_terminal(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"plain", "plain"},
        {"\xC3\xA4 \xE7\x8C\xAB \xF0\x9F\x90\xB1 \xD7\x90", "\xC3\xA4 \xE7\x8C\xAB \xF0\x9F\x90\xB1 \xD7\x90"},
        {"\x1B[2J\r\n\t\x7F", "?[2J????"},
        {"\x9B"
         "31m\x90\x84",
         "?31m??"}, /* C1 as bytes */
        {"\xC2\x9B"
         "31m\xC2\x90",
         "?31m?"},                                /* and as UTF-8 */
        {"\xC0\x9B\xE0\x80\x9B", "\xC0?\xE0??"},  /* longer than needed */
        {"\xC3\x80\xC2\xA0", "\xC3\x80\xC2\xA0"}, /* the same bytes inside of characters */
        {"cut\xE2\x80", "cut\xE2?"},
        {"d\xE9j\xE0.jpg", "d\xE9j\xE0.jpg"}, /* Latin-1 */
    };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        char *printed = print_to_memory(cases[index][0], 0);
        if (strcmp(printed, cases[index][1]) != 0)
            fail_msg("case %zu: \"%s\"", index, printed);
        free(printed);
    }
}

/* Every character that there is: by the lists of Unicode's standard (general category Cc, property Bidi_Control) and
 * the two separators of lines and paragraphs. */
static void what_is_replaced_is_what_the_standard_calls_so(void **state)
{
    (void)state;
    for (uint32_t code = 1; code < 0x110000; code++) {
        if (code >= 0xD800 && code < 0xE000)
            continue;
        char text[5] = {0};
        if (code < 0x80)
            text[0] = (char)code;
        else if (code < 0x800)
            memcpy(text, (char[]){(char)(0xC0 | code >> 6), (char)(0x80 | (code & 0x3F))}, 2);
        else if (code < 0x10000)
            memcpy(text,
                   (char[]){(char)(0xE0 | code >> 12), (char)(0x80 | (code >> 6 & 0x3F)), (char)(0x80 | (code & 0x3F))},
                   3);
        else
            memcpy(text,
                   (char[]){(char)(0xF0 | code >> 18), (char)(0x80 | (code >> 12 & 0x3F)),
                            (char)(0x80 | (code >> 6 & 0x3F)), (char)(0x80 | (code & 0x3F))},
                   4);
        bool control = code <= 0x1F || (code >= 0x7F && code <= 0x9F),
             turns = code == 0x061C || code == 0x200E || code == 0x200F || (code >= 0x202A && code <= 0x202E) ||
                     (code >= 0x2066 && code <= 0x2069),
             breaks = code == 0x2028 || code == 0x2029;
        size_t length = text_measure(text, strlen(text));
        if (length != strlen(text) || text_decode(text, length) != code ||
            text_steers(text, length) != (control || turns || breaks) || text_width(text) != 1)
            fail_msg("U+%04X: length %zu, read as U+%04X, %s", (unsigned)code, length,
                     (unsigned)text_decode(text, length), text_steers(text, length) ? "steers" : "does not steer");
    }
}

static void columns_stand_in_line_whatever_was_replaced(void **state)
{
    (void)state;
    static const char *const texts[] = {"ab", "\xC2\x9B.", "\x9B\x9B", "\xE2\x80\xAE\xC3\xA4"};
    for (size_t index = 0; index < sizeof texts / sizeof *texts; index++) {
        char *printed = print_to_memory(texts[index], 5);
        assert_int_equal(text_width(printed), 5);
        free(printed);
    }
}

/* Files: each test has a folder of its own, which must be empty again at the end. */

static char folder[64], path[256], other[256];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/ghostvk-test-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/out.txt", folder);
    snprintf(other, sizeof other, "%s/other.txt", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    unlink(other);
    return rmdir(folder);
}

static void put_content(const char *to, const char *content)
{
    FILE *stream = fopen(to, "w");
    assert_non_null(stream);
    fputs(content, stream);
    fclose(stream);
}

static void assert_content(const char *from, const char *content)
{
    char found[64] = {0};
    FILE *stream = fopen(from, "r");
    assert_non_null(stream);
    size_t count = fread(found, 1, sizeof found - 1, stream);
    fclose(stream);
    assert_int_equal(count, strlen(content));
    assert_string_equal(found, content);
}

static unsigned count_files(void)
{
    unsigned count = 0;
    DIR *listing = opendir(folder);
    assert_non_null(listing);
    for (const struct dirent *entry = readdir(listing); entry; entry = readdir(listing))
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(listing);
    return count;
}

static void a_file_appears_only_when_it_is_complete(void **state)
{
    (void)state;
    struct output_file file;
    assert_true(output_file_open(&file, path, message, sizeof message));
    fputs("whole", file.stream);
    fflush(file.stream);
    assert_int_equal(access(path, F_OK), -1);
    assert_true(output_file_commit(&file, message, sizeof message));
    assert_content(path, "whole");
    assert_int_equal(count_files(), 1);
}

static void an_aborted_output_leaves_the_old_file(void **state)
{
    (void)state;
    put_content(path, "old");
    struct output_file file;
    assert_true(output_file_open(&file, path, message, sizeof message));
    fputs("half", file.stream);
    output_file_abort(&file);
    output_file_abort(&file); /* a second time is harmless */
    assert_content(path, "old");
    assert_int_equal(count_files(), 1);
}

static void a_replaced_file_keeps_its_mode_and_a_new_one_honours_umask(void **state)
{
    (void)state;
    struct output_file file;
    struct stat status;
    put_content(path, "old");
    assert_int_equal(chmod(path, 0640), 0);
    assert_true(output_file_open(&file, path, message, sizeof message));
    assert_true(output_file_commit(&file, message, sizeof message));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640);
    mode_t kept = umask(027);
    bool opened = output_file_open(&file, other, message, sizeof message);
    umask(kept);
    assert_true(opened);
    assert_true(output_file_commit(&file, message, sizeof message));
    assert_int_equal(stat(other, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640);
}

static void a_link_stays_and_its_target_is_replaced(void **state)
{
    (void)state;
    struct output_file file;
    struct stat status;
    put_content(other, "old");
    assert_int_equal(symlink("other.txt", path), 0); /* relative to the link's folder, not to ours */
    for (unsigned round = 0; round < 2; round++) {
        assert_true(output_file_open(&file, path, message, sizeof message));
        fputs("new", file.stream);
        assert_true(output_file_commit(&file, message, sizeof message));
        assert_int_equal(lstat(path, &status), 0);
        assert_true(S_ISLNK(status.st_mode));
        assert_content(other, "new");
        unlink(other); /* in the second round the link leads nowhere */
    }
    unlink(path);
    assert_int_equal(symlink("out.txt", path), 0);
    assert_false(output_file_open(&file, path, message, sizeof message));
    assert_non_null(strstr(message, "cannot be written"));
}

static void a_full_disk_is_an_error(void **state)
{
    (void)state;
    if (access("/dev/full", W_OK) != 0)
        skip();
    struct output_file file;
    assert_true(output_file_open(&file, "/dev/full", message, sizeof message));
    assert_null(file.target);
    struct json json;
    json_start(&json, file.stream);
    json_quoted(&json, "lost");
    json_finish(&json);
    assert_false(output_file_commit(&file, message, sizeof message));
    assert_string_equal(message, "cannot be written: No space left on device");
    assert_int_equal(symlink("/dev/full", path), 0);
    assert_true(output_file_open(&file, path, message, sizeof message));
    static const char much[1 << 18];
    fwrite(much, 1, sizeof much, file.stream); /* it fails here, and not when the rest is flushed */
    errno = 0;
    assert_false(output_file_commit(&file, message, sizeof message));
    assert_string_equal(message, "cannot be written: No space left on device");
    assert_int_equal(access("/dev/full", W_OK), 0);
}

static void an_error_before_the_commit_keeps_the_old_file(void **state)
{
    (void)state;
    put_content(path, "old");
    struct output_file file;
    assert_true(output_file_open(&file, path, message, sizeof message));
    unlink(file.temporary); /* as a cleaner of temporary files may */
    fputs("new", file.stream);
    assert_false(output_file_commit(&file, message, sizeof message));
    assert_content(path, "old");
    assert_int_equal(count_files(), 1);
}

static void a_pipe_is_written_straight(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    char name[64], found[16] = {0};
    snprintf(name, sizeof name, "/dev/fd/%d", ends[1]);
    if (access(name, W_OK) != 0)
        skip();
    struct output_file file;
    assert_true(output_file_open(&file, name, message, sizeof message));
    fputs("through", file.stream);
    assert_true(output_file_commit(&file, message, sizeof message));
    assert_int_equal(read(ends[0], found, sizeof found - 1), 7);
    assert_string_equal(found, "through");
    close(ends[0]);
    close(ends[1]);
}

static void paths_that_cannot_be_written_are_refused(void **state)
{
    (void)state;
    struct output_file file;
    assert_false(output_file_open(&file, "", message, sizeof message));
    assert_false(output_file_open(&file, folder, message, sizeof message));
    assert_string_equal(message, "cannot be written: it is a folder");
    snprintf(other, sizeof other, "%s/missing/out.txt", folder);
    assert_false(output_file_open(&file, other, message, sizeof message));
    assert_string_equal(message, "cannot be written: No such file or directory");
    snprintf(other, sizeof other, "%s/out.txt/", folder);
    assert_false(output_file_open(&file, other, message, sizeof message));
    char *huge = malloc(100001);
    assert_non_null(huge);
    memset(huge, 'x', 100000);
    huge[100000] = 0;
    assert_false(output_file_open(&file, huge, message, sizeof message));
    free(huge);
    put_content(path, "mine");
    assert_int_equal(chmod(path, 0400), 0);
    if (geteuid() != 0) /* root may write everything */
        assert_false(output_file_open(&file, path, message, sizeof message));
    assert_int_equal(count_files(), 1);
}

static void an_interrupt_removes_what_is_unfinished(void **state)
{
    (void)state;
    put_content(path, "old");
    struct output_file files[2];
    assert_true(output_file_open(&files[0], path, message, sizeof message));
    assert_true(output_file_open(&files[1], other, message, sizeof message));
    assert_int_equal(count_files(), 3);
    char *leaked[2] = {files[0].temporary, files[1].temporary};
    output_file_abandon_all();
    assert_int_equal(count_files(), 1);
    assert_false(output_file_commit(&files[0], message, sizeof message));
    output_file_abort(&files[1]);
    assert_content(path, "old");
    for (unsigned index = 0; index < 2; index++)
        free(leaked[index]); /* a signal handler cannot, and the process ends anyway */
}

static void only_so_many_outputs_are_open_at_once(void **state)
{
    (void)state;
    struct output_file files[OUTPUT_FILES_OPEN_MAX + 1];
    for (unsigned index = 0; index < OUTPUT_FILES_OPEN_MAX; index++)
        assert_true(output_file_open(&files[index], path, message, sizeof message));
    assert_false(output_file_open(&files[OUTPUT_FILES_OPEN_MAX], path, message, sizeof message));
    for (unsigned index = 0; index < OUTPUT_FILES_OPEN_MAX; index++)
        output_file_abort(&files[index]);
    assert_int_equal(count_files(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_indented_and_rows_stay_on_one_line),
        cmocka_unit_test(values_at_the_top_are_json_lines),
        cmocka_unit_test(strings_are_escaped_and_always_utf8),
        cmocka_unit_test(numbers_are_short_and_plain),
        cmocka_unit_test(every_number_reads_back_as_itself),
        cmocka_unit_test(a_locale_with_a_comma_changes_nothing),
        cmocka_unit_test(calls_out_of_place_are_an_error),
        cmocka_unit_test(text_never_steers_a_terminal),
        cmocka_unit_test(what_is_replaced_is_what_the_standard_calls_so),
        cmocka_unit_test(columns_stand_in_line_whatever_was_replaced),
        cmocka_unit_test_setup_teardown(a_file_appears_only_when_it_is_complete, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(an_aborted_output_leaves_the_old_file, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_replaced_file_keeps_its_mode_and_a_new_one_honours_umask, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_link_stays_and_its_target_is_replaced, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_full_disk_is_an_error, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(an_error_before_the_commit_keeps_the_old_file, make_folder, remove_folder),
        cmocka_unit_test(a_pipe_is_written_straight),
        cmocka_unit_test_setup_teardown(paths_that_cannot_be_written_are_refused, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(an_interrupt_removes_what_is_unfinished, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(only_so_many_outputs_are_open_at_once, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
