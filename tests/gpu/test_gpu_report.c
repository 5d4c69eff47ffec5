/* The page and the JSON of a run that was made up: every ending of a step, output that is cut or hostile, and nothing
 * at all. With an argument: whether that file is JSON, for check.sh. */
#include "report.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/cli/json_reader.h"
#include "tests/support/folder.h"
#include "tests/support/harness.h"

static struct report report;

static void write_text(const char *name, const char *text)
{
    write_file(name, text, strlen(text));
}

static char *read_back(FILE *file)
{
    long length = ftell(file);
    assert_true(length >= 0);
    char *text = calloc((size_t)length + 1, 1);
    assert_non_null(text);
    rewind(file);
    assert_int_equal(fread(text, 1, (size_t)length, file), (size_t)length);
    fclose(file);
    return text;
}

static char *write_page(void)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    page_write(&report, file);
    return read_back(file);
}

static char *write_summary(void)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_true(summary_write(&report, file));
    return read_back(file);
}

static void assert_holds(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("this lacks \"%s\":\n%s", part, text);
}

static void every_ending_of_a_step_is_told(void **state)
{
    (void)state;
    write_text("steps.txt",
               "device\t0\t1\t30\nbench-fp32-1\t0\t2\t40\nbench-fp16-1\t124\t40\t40\nselftest-fp32\t5\t3\t60\n"
               "profile-fp32\t139\t1\t40\ntest-kernels\t1\t7\t120\npytorch\t0\t9\t60\ntuned-fp32-1\t-\t0\t40\n");
    write_text("run.txt", "version\tv1 | dirty\nmode\tfull\n");
    write_text("logs/device.json",
               "{\"name\": \"A card | of \\\"ours\\\"\", \"driver\": \"1.2\", \"heaps\": [{\"bytes\": "
               "1073741824, \"device_local\": true}, {\"bytes\": 2147483648, \"device_local\": false}]}\n");
    write_text("logs/bench-fp32-1.json",
               "{\"precision\": \"fp32\", \"batch\": 1, \"size\": \"416x416\", \"ms\": {\"resize\": {\"median\": 0.1}, "
               "\"network\": {\"median\": 1.25, \"p5\": 1.2, \"p95\": 1.5}, \"decode\": {\"median\": null}, \"total\": "
               "{\"median\": 2}}, \"fps_in_flight\": 612.5, \"gflops\": 5570}");
    write_text(
        "logs/pytorch.json",
        "{\"pytorch\": \"2.11|x\", \"rows\": [{\"batch\": 1, \"way\": \"tf32 graph\", \"ms\": 3.5, \"p5\": 3.25, "
        "\"p95\": 40}, {\"batch\": 8, \"way\": \"fp16\", \"ms\": 12.25, \"p5\": 12, \"p95\": 13}]}");
    write_text("logs/bench-fp16-1.json", "{\"precision\": \"fp16\", \"ms\": {\"network\": ");
    write_text("logs/bench-fp16-1.log", "no end of it");
    write_text("logs/selftest-fp32.log", "This device computes wrongly.\x1b[31m````\n");
    write_text("logs/test-kernels.log", "[ RUN      ] one\n[       OK ] one\n[ RUN      ] two\nsaid\n[  FAILED  ] two\n"
                                        "[ RUN      ] three\n[ NOT HERE ] half: no \"fp16\"\n[ LEFT OUT ] large\n");
    assert_true(report_read(&report, "."));
    char *page = write_page(), *json = write_summary();
    assert_holds(page, "# A card \\| of \"ours\"\n\n**5 of 8 steps failed.**");
    assert_holds(page, "| memory | 1.0 GiB of the device's, 2.0 GiB beside it |");
    assert_holds(page, "| version | v1 \\| dirty |");
    assert_holds(page,
                 "| fp32 | 1 | built in | 416x416 | 0.100 ms | 1.25 ms | 1.20 to 1.50 | - ms | 2.00 ms | 612 | 5570 |");
    assert_holds(page, "The same network in PyTorch 2.11\\|x with CUDA");
    assert_holds(page, "| 1 | tf32 graph | 3.50 ms | 3.25 to 40.0 | fp32 | 1.25 ms | 2.00 ms |");
    assert_holds(page, "| 8 | fp16 | 12.2 ms | 12.0 to 13.0 | fp16 | - ms | - ms |");
    assert_holds(page, "| bench-fp16-1 | timed out | 40 | 40 |");
    assert_holds(page, "| selftest-fp32 | failed (5) | 3 | 60 |");
    assert_holds(page, "| profile-fp32 | ended by signal 11 | 1 | 40 |");
    assert_holds(page, "| tuned-fp32-1 | not begun | 0 | 40 |");
    assert_holds(page, "| test-kernels | 1 | 2 | 1 | 1 |"); /* the third did not end */
    assert_holds(page, "- test-kernels, not for this device: half: no \"fp16\"\n");
    assert_holds(page, "`bench-fp16-1`: timed out after 40 s\n\n````text\nno end of it\n````");
    assert_holds(page, "This device computes wrongly.?[31m");
    assert_null(strchr(page, '\x1b'));
    assert_json(json);
    const char *steps = member(json, "steps");
    assert_memory_equal(member(json, "passed"), "false", 5);
    assert_memory_equal(member(element(steps, 2), "verdict"), "\"timed out\"", 11);
    static const char reasons[] = "[\"half: no \\\"fp16\\\"\"]";
    assert_memory_equal(member(element(steps, 5), "not_for_this_device"), reasons, sizeof reasons - 1);
    assert_int_equal(number_of(element(steps, 5), "tests_failed"), 2);
    assert_int_equal(number_of(member(element(steps, 1), "result"), "gflops"), 5570);
    free(page);
    free(json);
}

static void queue_families_stand_beside_each_other(void **state)
{
    (void)state;
    write_text("run.txt", "queue families\tone for compute alone, and one for graphics, too\n");
    write_text("steps.txt", "queue-fp32-compute\t0\t1\t20\nqueue-fp32-graphics\t124\t20\t20\n"
                            "queue-fp16-compute\t0\t1\t20\nqueue-fp16-graphics\t0\t1\t20\n");
    const char *const names[] = {"fp32-compute", "fp16-compute", "fp16-graphics"};
    for (int i = 0; i < 3; i++) {
        char name[64], text[256];
        snprintf(name, sizeof name, "logs/queue-%s.json", names[i]);
        snprintf(text, sizeof text, "{\"ms\": {\"network\": {\"median\": %d.25, \"p5\": %d, \"p95\": %d.5}}}", i + 1,
                 i + 1, i + 1);
        write_text(name, text);
    }
    assert_true(report_read(&report, "."));
    char *page = write_page();
    assert_holds(page,
                 "## Queue families\n\none for compute alone, and one for graphics, too.\n\n| network, 1 picture |");
    assert_holds(page, "| fp32 | 1.25 ms | 1.00 to 1.50 | - ms | - to - | \n");
    assert_holds(page, "| fp16 | 2.25 ms | 2.00 to 2.50 | 3.25 ms | 3.00 to 3.50 | \n");
    assert_holds(page, "| queue-fp32-graphics | timed out | 20 | 20 |");
    free(page);
    report_release(&report);
    write_text("run.txt", "queue families\tone alone that computes: nothing to compare\n");
    write_text("steps.txt", "device\t0\t1\t30\n");
    assert_true(report_read(&report, "."));
    page = write_page();
    assert_holds(page, "one alone that computes: nothing to compare.\n");
    assert_null(strstr(page, "| network, 1 picture |"));
    free(page);
    report_release(&report);
}

static void layers_are_the_slowest_first_and_fifteen(void **state)
{
    (void)state;
    char text[8192] = "{\"precision\": \"fp32\", \"batch\": 1, \"layers\": [";
    for (int i = 0; i < 40; i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used,
                 "%s{\"name\": \"layer %d\", \"kernel\": \"k\", \"ms\": %d.5, \"macs\": %d000000, \"bytes\": 1000000}",
                 i ? ", " : "", i, i * 7 % 40, i ? 1 : 0);
    }
    strcat(text, "]}");
    write_text("steps.txt", "profile-fp32\t0\t1\t40\n");
    write_text("logs/profile-fp32.json", text);
    assert_true(report_read(&report, "."));
    char *page = write_page();
    /* 39.5 is that of i * 7 = 39 in 40: 17 * 7 = 119. Of 800 ms in all; 2 million operations in 39.5 ms. */
    assert_holds(page, "| --- |\n| layer 17 | k | 39.5000 ms | 4.9 % | 0.051 | 0.025 |\n| layer 34 | k | 38.5000 ms |");
    assert_holds(page, "40 dispatches, 800.000 ms one after another.");
    size_t rows = 0;
    for (const char *at = page; (at = strstr(at, "| k |")); at++)
        rows++;
    assert_int_equal(rows, 15);
    free(page);
}

static void long_output_keeps_its_beginning_and_its_end(void **state)
{
    (void)state;
    static char text[100001];
    memset(text, 'x', sizeof text - 1);
    memcpy(text, "begin", 5);
    memcpy(text + sizeof text - 4, "end", 3);
    write_text("steps.txt", "test-kernels\t1\t1\t40\n");
    write_text("logs/test-kernels.log", text);
    assert_true(report_read(&report, "."));
    char *page = write_page();
    assert_holds(page, "````text\nbeginxxx");
    assert_holds(page, "xxxend\n````");
    assert_holds(page, "[... 67232 bytes; logs/test-kernels.log has them ...]");
    assert_true(strlen(page) < 40000);
    free(page);
}

/* Whatever the files hold, a page and JSON come of it. */
static void damaged_files_are_no_end_of_the_report(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "{",
                                        "[",
                                        "\"",
                                        "{\"name\"",
                                        "{\"name\":",
                                        "{\"name\": \"\\",
                                        "{\"name\": \"\\u12",
                                        "[[[[[[[[[[[[[[[[[[[[[[[[[",
                                        "{\"layers\": [1, \"two\", {}, {\"ms\": {}}]}",
                                        "{\"ms\": [], \"heaps\": 3, \"features\": \"x\", \"name\": 5}",
                                        "nul",
                                        "{\"batch\": -, \"x\": 1}",
                                        "{\"name\": \"\xff\xfe\"}"};
    static const char *const names[] = {"logs/device.json", "logs/profile-fp32.json", "logs/bench-fp32-1.json"};
    write_text("steps.txt",
               "device\t0\t1\t30\nprofile-fp32\t0\t1\t40\nbench-fp32-1\t0\t1\t40\nodd\nodd\t0\t1\n\t\t\t\t\n");
    write_text("run.txt", "no tab\n\n\t\nkey\t\n");
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        for (size_t j = 0; j < ARRAY_COUNT(names); j++)
            write_text(names[j], texts[i]);
        assert_true(report_read(&report, "."));
        char *page = write_page(), *json = write_summary();
        assert_json(json);
        assert_holds(page, "## Steps");
        free(page);
        free(json);
        report_release(&report);
    }
    report.step_count = 0;
}

static int begin(void **state)
{
    memset(&report, 0, sizeof report);
    return enter_test_folder(state) || mkdir("logs", 0700);
}

static int end(void **state)
{
    report_release(&report);
    return leave_test_folder(state);
}

static const char *given;

static void the_given_file_is_json(void **state)
{
    (void)state;
    uint64_t count;
    char *text = read_file(given, &count);
    assert_non_null(text);
    assert_json(text);
    free(text);
}

int main(int count, char **arguments)
{
    const struct CMUnitTest file_tests[] = {cmocka_unit_test(the_given_file_is_json)};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_ending_of_a_step_is_told, begin, end),
        cmocka_unit_test_setup_teardown(queue_families_stand_beside_each_other, begin, end),
        cmocka_unit_test_setup_teardown(layers_are_the_slowest_first_and_fifteen, begin, end),
        cmocka_unit_test_setup_teardown(long_output_keeps_its_beginning_and_its_end, begin, end),
        cmocka_unit_test_setup_teardown(damaged_files_are_no_end_of_the_report, begin, end),
    };
    if (count > 1) {
        given = arguments[1];
        return cmocka_run_group_tests(file_tests, NULL, NULL);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
