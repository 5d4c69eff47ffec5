/* The program's words where no device is needed: helps, mistakes on the command line, models that are none, inspect. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "json_reader.h"
#include "program.h"
#include "tests/filler/checkpoint_maker.h"

static void no_argument_shows_the_usage(void **state)
{
    (void)state;
    run_program(GVK_PROGRAM, (struct child){.code = 0}, (const char *const[]){NULL});
    assert_int_equal(ran.code, 2);
    assert_string_equal(ran.out, "");
    assert_contains(ran.err, "usage: ghostvk");
}

static void helps_fit_a_terminal(void **state)
{
    (void)state;
    static const char *const commands[] = {"detect",   "classify", "run",     "bench", "tune",
                                           "selftest", "devices",  "inspect", NULL};
    for (size_t index = 0; index < sizeof commands / sizeof *commands; index++) {
        if (commands[index])
            RUN(commands[index], "--help");
        else
            RUN("--help");
        assert_int_equal(ran.code, 0);
        assert_string_equal(ran.err, "");
        assert_contains(ran.out, "usage: ghostvk");
        assert_contains(ran.out, "\nexample");
        assert_in_range(count_of(ran.out, "\n"), 5, 80);
        for (const char *line = ran.out; *line; line += strcspn(line, "\n") + 1)
            assert_in_range(strcspn(line, "\n"), 0, 80);
    }
    RUN("detect", "-h", "picture.jpg");
    assert_int_equal(ran.code, 0);
    RUN("--version");
    assert_int_equal(ran.code, 0);
    assert_memory_equal(ran.out, "ghostvk 0.1.0\n", strlen("ghostvk 0.1.0\n"));
    static const char *const built[] = {"\nSources   ", "\nCompiler  ", "\nVulkan    headers 1.", "\nShaders   ",
                                        "\nParts     "};
    for (size_t index = 0; index < sizeof built / sizeof *built; index++)
        assert_contains(ran.out, built[index]);
    assert_null(strchr(ran.out, '/')); /* no folder of the machine that built it */
    RUN("help");
    assert_done();
    char *said = strdup(ran.out);
    RUN("--help");
    assert_string_equal(ran.out, said);
    free(said);
    RUN("help", "bench");
    assert_done();
    said = strdup(ran.out);
    RUN("bench", "--help");
    assert_string_equal(ran.out, said);
    free(said);
}

static void wrong_words_are_named(void **state)
{
    (void)state;
    RUN("detec");
    assert_refused(2, "detec", "ghostvk --help");
    assert_contains(ran.err, "perhaps detect is meant");
    RUN("help", "detec");
    assert_refused(2, "detec", "perhaps detect is meant");
    RUN("help", "detect", "run");
    assert_refused(2, "run", "another");
    RUN("--detect");
    assert_refused(2, "--detect", "ghostvk --help");
    RUN("");
    assert_refused(2, "\"\"", "ghostvk --help");
    RUN("detect", "--nonsense", SMEAR1);
    assert_refused(2, "--nonsense", "ghostvk detect --help");
    RUN("detect", "--confidence=0.5", SMEAR1);
    assert_refused(2, "unknown option --confidence, perhaps --conf is meant", "");
    RUN("detect", "--devcie", "0", SMEAR1);
    assert_refused(2, "--devcie", "perhaps --device is meant");
    RUN("detect", "-output", "x.png", SMEAR1); /* and not -o utput */
    assert_refused(2, "unknown option -output, perhaps --output is meant", "");
    RUN(SMEAR1);
    assert_refused(2, "unknown command", "`ghostvk detect " SMEAR1 "`");
    RUN("-v", "detect", SMEAR1);
    assert_refused(2, "unknown option -v", "ghostvk detect -v");
    RUN("detect", "model.pth", SMEAR1);
    assert_refused(2, "model.pth", "given by -m");
    RUN("--completion=tcsh");
    assert_refused(2, "tcsh", "bash, zsh or fish");
    RUN("--completion");
    assert_refused(2, "--completion", "lacks its value");
    RUN("--version=1");
    assert_refused(2, "--version", "takes no value");
    RUN("detect", SMEAR1, "-Q");
    assert_refused(2, "-Q", "ghostvk detect --help");
    RUN("detect", SMEAR1, "--conf");
    assert_refused(2, "--conf", "ghostvk detect --help");
    RUN("detect", SMEAR1, "-m");
    assert_refused(2, "-m", "ghostvk detect --help");
    RUN("detect", "--letterbox=yes", SMEAR1);
    assert_refused(2, "--letterbox", "ghostvk detect --help");
    RUN("detect");
    assert_refused(2, "detect", "ghostvk detect --help");
    RUN("run", "--output", "out.safetensors");
    assert_refused(2, "--input", "--image");
    RUN("run", "--input", "a", "--image", "b", "--output", "c");
    assert_refused(2, "--input", "--image");
    RUN("run", "--image", SMEAR1);
    assert_refused(2, "--output", "ghostvk run --help");
    RUN("run", "--image", SMEAR1, "--output", "c", "more");
    assert_refused(2, "more", "ghostvk run --help");
    RUN("run", "--input", "a", "--size", "96x96", "--output", "c");
    assert_refused(2, "--size", "ghostvk run --help");
    RUN("devices", "more");
    assert_refused(2, "more", "ghostvk devices --help");
    RUN("inspect", "-m", MODEL, "more");
    assert_refused(2, "more", "ghostvk inspect --help");
}

static void wrong_values_are_named(void **state)
{
    (void)state;
    static const char *const values[][2] = {
        {"--conf", "nan"},      {"--conf", "-1"},     {"--conf", "1.01"},         {"--conf", "half"},
        {"--conf", "0x1p-1"},   {"--conf", "0.5 "},   {"--conf", "1e999"},        {"--iou", "-nan"},
        {"--iou", "inf"},       {"--iou", "0,3"},     {"--size", "416"},          {"--size", "416x"},
        {"--size", "415x416"},  {"--size", "0x0"},    {"--size", "-32x32"},       {"--size", "4128x32"},
        {"--size", "32x32x32"}, {"--size", "416X32"}, {"--device", "4294967296"},
    };
    for (size_t index = 0; index < sizeof values / sizeof *values; index++) {
        RUN("detect", "-m", MODEL, values[index][0], values[index][1], SMEAR1);
        assert_refused(2, values[index][0], values[index][1]);
    }
    static const char *const counts[] = {"0", "-1", "one", "1025", "99999999999999999999", "1.5"};
    for (size_t index = 0; index < sizeof counts / sizeof *counts; index++) {
        RUN("inspect", MODEL, "--batch", counts[index]);
        assert_refused(2, "--batch", counts[index]);
    }
    RUN("run", "-m", MODEL, "--image", SMEAR1, "--output", "y", "--rewrite", "some");
    assert_refused(2, "--rewrite", "some");
    RUN("detect", "--precision", "fp8", SMEAR1);
    assert_refused(2, "--precision", "fp8");
    RUN("selftest", "--precision", "");
    assert_refused(2, "--precision", "fp32, fp16 or auto");
}

static void empty_paths_are_refused(void **state)
{
    (void)state;
    static const char *const options[] = {"-m", "--classes", "--anchors", "--device", "--json", "-o"};
    for (size_t index = 0; index < sizeof options / sizeof *options; index++) {
        RUN("detect", options[index], "", SMEAR1);
        assert_refused(2, options[index], "empty");
    }
    RUN("detect", SMEAR1, "");
    assert_refused(2, "picture 2", "empty");
    RUN("inspect", "");
    assert_refused(2, "MODEL", "empty");
    RUN("run", "--image", "", "--output", "y");
    assert_refused(2, "--image", "empty");
    RUN("run", "--image", SMEAR1, "--output", "");
    assert_refused(2, "--output", "empty");
}

static void outputs_never_replace_inputs(void **state)
{
    (void)state;
    copy_file(SMEAR1, "a.jpg");
    assert_int_equal(link("a.jpg", "b.jpg"), 0);
    assert_int_equal(symlink("a.jpg", "c.jpg"), 0);
    assert_int_equal(mkdir("sub", 0777), 0);
    copy_file(SMEAR2, "sub/a.jpg");
    static const char *const same[] = {"a.jpg", "./a.jpg", "sub/../a.jpg", "b.jpg", "c.jpg"};
    for (size_t index = 0; index < sizeof same / sizeof *same; index++) {
        RUN("detect", "-m", MODEL, "-o", same[index], "a.jpg");
        assert_refused(2, "-o", same[index]);
        RUN("detect", "-m", MODEL, "--json", same[index], "a.jpg");
        assert_refused(2, "--json", same[index]);
        RUN("run", "-m", MODEL, "--image", "a.jpg", "--output", same[index]);
        assert_refused(2, "--output", same[index]);
    }
    RUN("detect", "-m", MODEL, "-o", ".", "a.jpg");
    assert_refused(2, "-o", "a.jpg");
    RUN("detect", "-m", MODEL, "-o", "out/", "a.jpg", "sub/a.jpg");
    assert_refused(2, "-o", "out/a.jpg");
    assert_false(path_exists("out"));
    RUN("detect", "-m", MODEL, "--json", "./x.jpg", "-o", "x.jpg", "a.jpg");
    assert_refused(2, "--json", "x.jpg");
    write_text("names", "a\nb\nc\n");
    RUN("detect", "-m", MODEL, "--classes", "names", "--json", "names", "a.jpg");
    assert_refused(2, "--json", "names");
    write_text("model", "x");
    RUN("detect", "-m", "model", "--json", "model", "a.jpg");
    assert_refused(2, "--json", "model");
    RUN("detect", "-m", MODEL, "-o", "-", "a.jpg");
    assert_refused(2, "-o", "-");
    RUN("detect", "-m", MODEL, "-o", "one.jpg", "a.jpg", SMEAR2);
    assert_refused(2, "-o", "one.jpg");
    RUN("detect", "-m", MODEL, "-o", "one.gif", "a.jpg");
    assert_refused(2, "-o", "one.gif");
    RUN("run", "-m", MODEL, "--image", "a.jpg", "--output", "-");
    assert_refused(2, "--output", "-");
    char *before = read_whole(SMEAR1, NULL), *after = read_whole("a.jpg", NULL);
    assert_string_equal(before, after);
    free(before);
    free(after);
}

static void models_that_are_none_are_refused(void **state)
{
    (void)state;
    assert_int_equal(mkdir("directory", 0777), 0);
    assert_int_equal(mkfifo("pipe", 0666), 0);
    write_text("empty.pth", "");
    write_text("text.pth", "these are not the weights\n");
    static const char *const models[] = {"missing.pth", "directory", "pipe", "empty.pth", "text.pth", "/dev/zero"};
    for (size_t index = 0; index < sizeof models / sizeof *models; index++) {
        RUN("detect", "-m", models[index], SMEAR1);
        assert_refused(3, models[index], "");
        assert_string_equal(ran.out, "");
        RUN("inspect", models[index]);
        assert_refused(3, models[index], "");
        RUN("run", "-m", models[index], "--image", SMEAR1, "--output", "y");
        assert_refused(3, models[index], "");
    }
    RUN("inspect", SMEAR1);
    assert_refused(3, "smear-1.jpg", "");
}

static void the_shipped_model_is_found(void **state)
{
    (void)state;
    assert_int_equal(mkdir("bin", 0777), 0);
    copy_file(GVK_PROGRAM, "bin/ghostvk");
    assert_int_equal(chmod("bin/ghostvk", 0777), 0);
    assert_int_equal(mkdir("models", 0777), 0);
    write_text("models/blood-cells.safetensors", "not the weights");
    run_program("bin/ghostvk", (struct child){.code = 0},
                (const char *const[]){"inspect", NULL}); /* so it is this file that is taken */
    assert_refused(3, "blood-cells.safetensors", "");
    assert_int_equal(unlink("models/blood-cells.safetensors"), 0);
    assert_int_equal(symlink(MODEL, "models/blood-cells.safetensors"), 0);
    run_program("bin/ghostvk", (struct child){.code = 0}, (const char *const[]){"inspect", NULL});
    assert_done();
    assert_contains(ran.out, "RBC");
}

static void inspect_describes(void **state)
{
    (void)state;
    const struct child without_vulkan = {.environment = no_vulkan};
    RUN_WITH(without_vulkan, "inspect", MODEL);
    assert_done();
    assert_contains(ran.out, "RBC, WBC, Platelets");
    assert_contains(ran.out, "416x416");
    assert_in_range(count_of(ran.out, "\n"), 10, 24);
    RUN_WITH(without_vulkan, "inspect", "--layers", "-m", MODEL);
    assert_done();
    assert_true(count_of(ran.out, "\n") > 200);
    RUN_WITH(without_vulkan, "inspect", "--json", MODEL);
    assert_done();
    assert_json(ran.out);
    assert_contains(member(ran.out, "kind"), "\"detector\"");
    assert_true(number_of(ran.out, "width") == 1);
    double macs = number_of(ran.out, "macs"), arena = number_of(ran.out, "arena_bytes");
    assert_true(number_of(ran.out, "dispatches_after") < number_of(ran.out, "dispatches_before"));
    assert_true(number_of(member(ran.out, "input"), "width") == 416);
    assert_non_null(element(member(ran.out, "layers"), 200));
    assert_contains(member(element(member(ran.out, "layers"), 0), "op"), "\"");
    RUN_WITH(without_vulkan, "inspect", "--json", MODEL, "--size", "832x416", "--batch", "2");
    assert_done();
    assert_true(number_of(member(ran.out, "input"), "batch") == 2);
    assert_true(number_of(ran.out, "macs") > 3.9 * macs && number_of(ran.out, "macs") < 4.1 * macs);
    assert_true(number_of(ran.out, "arena_bytes") > 3 * arena);
}

/* A small classifier whose names begin with `prefix`, and one weight more. */
static void write_classifier(const char *path, const char *prefix, const char *spare)
{
    struct tensor_list list;
    size_t size;
    assert_true(list_network(&(struct network_shape){NETWORK_CLASSIFIER, 0.1, 4}, &list));
    for (size_t i = 0; i < list.count; i++) {
        char name[sizeof list.tensors[i].name];
        snprintf(name, sizeof name, "%s%.80s", prefix, list.tensors[i].name);
        memcpy(list.tensors[i].name, name, sizeof name);
    }
    struct named_tensor *grown = realloc(list.tensors, (list.count + 1) * sizeof *grown);
    assert_non_null(grown);
    list.tensors = grown;
    list.tensors[list.count] = (struct named_tensor){.rank = 1, .shape = {4}};
    snprintf(list.tensors[list.count].name, sizeof list.tensors[list.count].name, "%s%s", prefix, spare);
    list.count++;
    unsigned char *bytes = make_checkpoint_of(&list, &size);
    assert_non_null(bytes);
    write_file(path, bytes, size);
    free(bytes);
    release_tensor_list(&list);
}

static void inspect_tells_where_the_weights_came_from(void **state)
{
    (void)state;
    const struct child without_vulkan = {.environment = no_vulkan};
    write_classifier("model", "module.", "total_ops");
    RUN_WITH(without_vulkan, "inspect", "model");
    assert_done();
    assert_contains(ran.out, "\nWeights     under module\n");
    RUN_WITH(without_vulkan, "inspect", "model", "--json");
    assert_done();
    assert_json(ran.out);
    assert_contains(member(ran.out, "weights"), "\"module\"");
    RUN_WITH(without_vulkan, "inspect", "-v", "model");
    assert_int_equal(ran.code, 0);
    assert_contains(ran.err, "ghostvk: info: The weights are those under \"module\".\n");
    RUN_WITH(without_vulkan, "inspect", MODEL);
    assert_contains(ran.out, "\nWeights     at the top level\n");
    write_classifier("model", "student.", "total_ops");
    RUN_WITH(without_vulkan, "inspect", "model");
    assert_refused(3, "model", "prefix \"student.\"");
    RUN_WITH(without_vulkan, "inspect", "model", "--weights", "student");
    assert_done();
    assert_contains(ran.out, "\nWeights     under student\n");
}

static void every_command_takes_a_set_of_weights_and_unused_ones(void **state)
{
    (void)state;
    const struct child without_vulkan = {.environment = no_vulkan};
    static const char *const commands[][4] = {
        {"inspect", NULL},        {"bench", NULL}, {"tune", NULL}, {"run", "--image", SMEAR1, "--output=y"},
        {"detect", SMEAR1, NULL},
    };
    write_classifier("model", "", "blocks.2.0.ghost1.short_conv.1.weight");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        const char *const *words = commands[i];
        size_t count = 0;
        const char *arguments[12];
        while (count < 4 && words[count]) {
            arguments[count] = words[count];
            count++;
        }
        arguments[count] = "--model=model";
        arguments[count + 1] = NULL;
        run_program(GVK_PROGRAM, without_vulkan, arguments);
        assert_refused(3, "model", "\"blocks.2.0.ghost1.short_conv.1.weight\" belongs to no layer");
        arguments[count + 1] = "--weights=teacher";
        arguments[count + 2] = NULL;
        run_program(GVK_PROGRAM, without_vulkan, arguments);
        assert_refused(3, "model", "\"teacher\"");
        arguments[count + 1] = "--weights=";
        run_program(GVK_PROGRAM, without_vulkan, arguments);
        assert_refused(2, "--weights", "empty");
        arguments[count + 1] = "--allow-unused";
        run_program(GVK_PROGRAM, without_vulkan, arguments);
        if (ran.code == 3 && !strstr(ran.err, "detector")) /* some want a device then, some a detector */
            fail_msg("%s does not allow what is unused:\n%s", words[0], ran.err);
    }
    RUN_WITH(without_vulkan, "inspect", "model", "--allow-unused");
    assert_done();
    assert_contains(ran.out, "1 tensor of the file; -v lists them");
}

static void long_names_of_classes_are_refused(void **state)
{
    (void)state;
    char *names = malloc(2000);
    assert_non_null(names);
    memset(names, 'a', 2000);
    memcpy(names + 1995, "\nb\nc\n", 5);
    write_file("names", names, 2000);
    RUN("detect", "-m", MODEL, "--classes", "names", SMEAR1);
    assert_refused(2, "class 0", "longer than 1024 bytes");
    free(names);
}

static void a_missing_driver_is_explained(void **state)
{
    static const char *const empty_lists[] = {"VK_ICD_FILENAMES=/dev/null",
                                              "VK_DRIVER_FILES=", "VK_ADD_DRIVER_FILES=", NULL};
    (void)state;
    const struct child without_vulkan = {.environment = empty_lists};
    RUN_WITH(without_vulkan, "detect", "-m", MODEL, SMEAR1);
    assert_refused(4, "nstall", "mesa-vulkan-drivers");
    assert_string_equal(ran.out, "");
    RUN_WITH(without_vulkan, "run", "-m", MODEL, "--image", SMEAR1, "--output", "y");
    assert_refused(4, "nstall", "");
    assert_false(path_exists("y"));
    RUN_WITH(without_vulkan, "devices");
    assert_refused(4, "nstall", "");
    RUN_WITH(without_vulkan, "devices", "--json");
    assert_refused(4, "nstall", "");
}

static void a_driver_that_the_environment_names_wrongly_is_named(void **state)
{
    static const char *const lists[][3] = {
        {"VK_ICD_FILENAMES=/nonexistent/a.json", "VK_DRIVER_FILES=", "VK_ADD_DRIVER_FILES="},
        {"VK_ICD_FILENAMES=/nonexistent/a.json:/nonexistent/b.json", "VK_DRIVER_FILES=", "VK_ADD_DRIVER_FILES="},
        {"VK_ICD_FILENAMES=/dev/null", "VK_DRIVER_FILES=/nonexistent/a.json", "VK_ADD_DRIVER_FILES="},
        {"VK_ICD_FILENAMES=", "VK_DRIVER_FILES=::/nonexistent/a.json:", "VK_ADD_DRIVER_FILES="},
    };
    (void)state;
    for (size_t index = 0; index < sizeof lists / sizeof *lists; index++) {
        const char *const environment[] = {lists[index][0], lists[index][1], lists[index][2], NULL};
        const struct child asked = {.environment = environment};
        RUN_WITH(asked, "detect", "-m", MODEL, SMEAR1);
        assert_refused(4, "/nonexistent/a.json, which cannot be read", "No such file or directory");
        assert_contains(ran.err, index < 2 ? "VK_ICD_FILENAMES names" : "VK_DRIVER_FILES names");
        assert_int_equal(count_of(ran.err, "\n"), 1);
        RUN_WITH(asked, "devices");
        assert_refused(4, "/nonexistent/a.json, which cannot be read", "No such file or directory");
    }
    /* Where another may do, it is a note. */
    static const char *const half[] = {"VK_ICD_FILENAMES=/nonexistent/a.json:/dev/null",
                                       "VK_DRIVER_FILES=", "VK_ADD_DRIVER_FILES=/nonexistent/c.json", NULL};
    const struct child asked = {.environment = half};
    RUN_WITH(asked, "devices");
    assert_refused(4, "nstall", "");
    assert_contains(ran.err, "note: VK_ICD_FILENAMES names /nonexistent/a.json, which cannot be read");
    assert_contains(ran.err, "note: VK_ADD_DRIVER_FILES names /nonexistent/c.json, which cannot be read");
    assert_int_equal(count_of(ran.err, "\n"), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_argument_shows_the_usage),
        TEST(helps_fit_a_terminal),
        TEST(wrong_words_are_named),
        TEST(wrong_values_are_named),
        TEST(empty_paths_are_refused),
        TEST(outputs_never_replace_inputs),
        TEST(models_that_are_none_are_refused),
        TEST(the_shipped_model_is_found),
        TEST(inspect_describes),
        TEST(inspect_tells_where_the_weights_came_from),
        TEST(every_command_takes_a_set_of_weights_and_unused_ones),
        TEST(long_names_of_classes_are_refused),
        TEST(a_missing_driver_is_explained),
        TEST(a_driver_that_the_environment_names_wrongly_is_named),
    };
    return cmocka_run_group_tests_name("the words of the program", tests, make_folder, remove_folder);
}
