/* The program as a person runs it: its commands, its words, its exit codes. Each test starts the real program in a
 * folder of its own and reads what it wrote. GVK_PROGRAM is its path, GVK_MODEL_DIR the folder of the shipped model;
 * the Vulkan device is the one that the environment gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MODEL  GVK_MODEL_DIR "/blood-cells.safetensors"
#define SMEAR1 GVK_MODEL_DIR "/samples/smear-1.jpg"
#define SMEAR2 GVK_MODEL_DIR "/samples/smear-2.jpg"
#define SMALL  "--size", "96x96" /* fast, where the boxes do not matter */

#define ARGUMENTS_MAX 32

/* ---- running the program ----------------------------------------------------------------------------------------- */

static char folder[64];   /* the tests' current folder, emptied for each */
static char captured[64]; /* beside it: what the program wrote */

static struct {
    int code; /* -1: ended by a signal */
    char *out, *err;
} ran;

static char *read_whole(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long length = ftell(file);
    assert_true(length >= 0);
    rewind(file);
    char *bytes = malloc((size_t)length + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, (size_t)length, file), length);
    bytes[length] = 0;
    fclose(file);
    if (size)
        *size = (size_t)length;
    return bytes;
}

static void write_bytes(const char *path, const void *bytes, size_t count)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    assert_int_equal(fclose(file), 0);
}

static void write_text(const char *path, const char *text)
{
    write_bytes(path, text, strlen(text));
}

static void copy_file(const char *from, const char *to)
{
    size_t size;
    char *bytes = read_whole(from, &size);
    write_bytes(to, bytes, size);
    free(bytes);
}

static bool exists(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

static void redirect(const char *path, int descriptor)
{
    int opened = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (opened < 0 || dup2(opened, descriptor) < 0)
        _exit(99);
    close(opened);
}

/* What differs from a plain run. */
struct setting {
    const char *program;   /* NULL: GVK_PROGRAM */
    const char *out_path;  /* where stdout goes; NULL: kept in ran.out */
    bool without_vulkan;   /* no driver is found */
    bool with_interrupt;   /* SIGINT once a temporary output is there */
    const char *wait_name; /* the start of its name */
};

static bool has_entry(const char *path, const char *start)
{
    bool found = false;
    DIR *directory = opendir(path);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        found = found || strncmp(entry->d_name, start, strlen(start)) == 0;
    closedir(directory);
    return found;
}

static void interrupt_when_ready(pid_t child, const char *start)
{
    struct timespec pause = {.tv_nsec = 5000000};
    for (int attempt = 0; attempt < 12000 && !has_entry(".", start); attempt++)
        nanosleep(&pause, NULL);
    kill(child, SIGINT);
}

static void run_list(const struct setting *setting, const char *const *arguments)
{
    char out_path[128], err_path[128];
    snprintf(out_path, sizeof out_path, "%s/out", captured);
    snprintf(err_path, sizeof err_path, "%s/err", captured);
    free(ran.out);
    free(ran.err);
    ran.out = ran.err = NULL;
    const char *program = setting->program ? setting->program : GVK_PROGRAM;
    char *list[ARGUMENTS_MAX + 2] = {(char *)(uintptr_t)program};
    for (size_t index = 0; arguments[index]; index++) {
        assert_true(index < ARGUMENTS_MAX);
        list[index + 1] = (char *)(uintptr_t)arguments[index];
    }
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (setting->without_vulkan) {
            setenv("VK_ICD_FILENAMES", "/nonexistent", 1);
            setenv("VK_DRIVER_FILES", "/nonexistent", 1);
            unsetenv("VK_ADD_DRIVER_FILES");
        }
        redirect(setting->out_path ? setting->out_path : out_path, STDOUT_FILENO);
        redirect(err_path, STDERR_FILENO);
        execv(program, list);
        _exit(98);
    }
    if (setting->with_interrupt)
        interrupt_when_ready(child, setting->wait_name);
    int status;
    while (waitpid(child, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    ran.out = setting->out_path ? NULL : read_whole(out_path, NULL);
    ran.err = read_whole(err_path, NULL);
    assert_int_not_equal(ran.code, 98);
    assert_int_not_equal(ran.code, 99);
}

#define RUN_WITH(setting, ...) run_list(setting, (const char *const[]){__VA_ARGS__, NULL})
#define RUN(...)               RUN_WITH(&(struct setting){0}, __VA_ARGS__)

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part))
        count++;
    return count;
}

static void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in:\n%s", part, text);
}

/* The exit code, and exactly one line of stderr that is not a note, holding both parts. */
static void assert_refused(int code, const char *part, const char *other)
{
    size_t lines = 0;
    for (const char *line = ran.err; *line;) {
        const char *end = strchr(line, '\n');
        assert_non_null(end);
        assert_memory_equal(line, "ghostvk: ", strlen("ghostvk: "));
        lines += strncmp(line, "ghostvk: note: ", strlen("ghostvk: note: ")) != 0;
        line = end + 1;
    }
    assert_contains(ran.err, part);
    assert_contains(ran.err, other);
    if (lines != 1)
        fail_msg("one line was expected:\n%s", ran.err);
    assert_int_equal(ran.code, code);
}

static void assert_done(void)
{
    if (ran.code != 0)
        fail_msg("exit code %d:\n%s", ran.code, ran.err);
    assert_int_equal(count_of(ran.err, "ghostvk: "), count_of(ran.err, "ghostvk: note: "));
}

/* ---- a small JSON reader ----------------------------------------------------------------------------------------- */

static const char *skip_json(const char *at);

static const char *skip_json_spaces(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

static const char *skip_json_string(const char *at)
{
    if (*at++ != '"')
        fail_msg("a string was expected at: %.40s", at - 1);
    for (; *at != '"'; at++) {
        if ((unsigned char)*at < 0x20)
            fail_msg("a control character in a string");
        if (*at == '\\' && !strchr("\"\\/bfnrtu", *++at))
            fail_msg("an unknown escape");
    }
    return at + 1;
}

static const char *skip_json_members(const char *at, char close)
{
    at = skip_json_spaces(at + 1);
    if (*at == close)
        return at + 1;
    for (;; at++) {
        if (close == '}') {
            at = skip_json_spaces(skip_json_string(skip_json_spaces(at)));
            if (*at++ != ':')
                fail_msg("a colon was expected at: %.40s", at - 1);
        }
        at = skip_json_spaces(skip_json(at));
        if (*at == close)
            return at + 1;
        if (*at != ',')
            fail_msg("a comma was expected at: %.40s", at);
    }
}

static const char *skip_json(const char *at)
{
    at = skip_json_spaces(at);
    if (*at == '{' || *at == '[')
        return skip_json_members(at, *at == '{' ? '}' : ']');
    if (*at == '"')
        return skip_json_string(at);
    static const char *const words[] = {"true", "false", "null"};
    for (size_t index = 0; index < 3; index++)
        if (strncmp(at, words[index], strlen(words[index])) == 0)
            return at + strlen(words[index]);
    char *end;
    size_t length = strspn(at, "0123456789.eE+-");
    strtod(at, &end);
    if (length == 0 || end != at + length)
        fail_msg("a value was expected at: %.40s", at);
    return end;
}

static void assert_json(const char *text)
{
    assert_string_equal(skip_json_spaces(skip_json(text)), "");
}

/* The value of a key of the object at `at`; fails where there is none. */
static const char *member(const char *at, const char *key)
{
    at = skip_json_spaces(at);
    assert_true(*at == '{');
    for (at = skip_json_spaces(at + 1); *at == '"'; at = skip_json_spaces(at + (*at == ','))) {
        const char *end = skip_json_string(at);
        bool is_it = (size_t)(end - at) == strlen(key) + 2 && memcmp(at + 1, key, strlen(key)) == 0;
        at = skip_json_spaces(skip_json_spaces(end) + 1);
        if (is_it)
            return at;
        at = skip_json_spaces(skip_json(at));
    }
    fail_msg("the key %s is missing", key);
    return NULL;
}

/* The element of an array, or NULL behind its end. */
static const char *element(const char *at, size_t wanted)
{
    at = skip_json_spaces(at);
    assert_true(*at == '[');
    at = skip_json_spaces(at + 1);
    for (size_t index = 0; *at != ']'; index++) {
        if (index == wanted)
            return at;
        at = skip_json_spaces(skip_json(at));
        at = skip_json_spaces(at + (*at == ','));
    }
    return NULL;
}

static double number_of(const char *object, const char *key)
{
    return strtod(member(object, key), NULL);
}

/* ---- words and usage --------------------------------------------------------------------------------------------- */

static void no_argument_shows_the_usage(void **state)
{
    (void)state;
    run_list(&(struct setting){0}, (const char *const[]){NULL});
    assert_int_equal(ran.code, 2);
    assert_string_equal(ran.out, "");
    assert_contains(ran.err, "usage: ghostvk");
}

static void helps_fit_a_screen(void **state)
{
    (void)state;
    static const char *const commands[] = {"detect", "run", "selftest", "devices", "inspect", NULL};
    for (size_t index = 0; index < sizeof commands / sizeof *commands; index++) {
        if (commands[index])
            RUN(commands[index], "--help");
        else
            RUN("--help");
        assert_int_equal(ran.code, 0);
        assert_string_equal(ran.err, "");
        assert_contains(ran.out, "usage: ghostvk");
        assert_contains(ran.out, "example:");
        assert_in_range(count_of(ran.out, "\n"), 5, 24);
        for (const char *line = ran.out; *line; line += strcspn(line, "\n") + 1)
            assert_in_range(strcspn(line, "\n"), 0, 80);
    }
    RUN("detect", "-h", "picture.jpg");
    assert_int_equal(ran.code, 0);
    RUN("--version");
    assert_int_equal(ran.code, 0);
    assert_string_equal(ran.out, "ghostvk 0.1.0\n");
}

static void wrong_words_are_named(void **state)
{
    (void)state;
    RUN("detec");
    assert_refused(2, "detec", "ghostvk --help");
    RUN("--detect");
    assert_refused(2, "--detect", "ghostvk --help");
    RUN("");
    assert_refused(2, "\"\"", "ghostvk --help");
    RUN("detect", "--nonsense", SMEAR1);
    assert_refused(2, "--nonsense", "ghostvk --help");
    RUN("detect", SMEAR1, "-q");
    assert_refused(2, "-q", "ghostvk --help");
    RUN("detect", SMEAR1, "--conf");
    assert_refused(2, "--conf", "ghostvk --help");
    RUN("detect", SMEAR1, "-m");
    assert_refused(2, "-m", "ghostvk --help");
    RUN("detect", "--letterbox=yes", SMEAR1);
    assert_refused(2, "--letterbox", "ghostvk --help");
    RUN("detect");
    assert_refused(2, "detect", "ghostvk --help");
    RUN("run", "--output", "out.safetensors");
    assert_refused(2, "--input", "--image");
    RUN("run", "--input", "a", "--image", "b", "--output", "c");
    assert_refused(2, "--input", "--image");
    RUN("run", "--image", SMEAR1);
    assert_refused(2, "--output", "ghostvk --help");
    RUN("run", "--image", SMEAR1, "--output", "c", "more");
    assert_refused(2, "more", "ghostvk --help");
    RUN("run", "--input", "a", "--size", "96x96", "--output", "c");
    assert_refused(2, "--size", "ghostvk --help");
    RUN("devices", "more");
    assert_refused(2, "more", "ghostvk --help");
    RUN("inspect", "-m", MODEL, "more");
    assert_refused(2, "more", "ghostvk --help");
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
    assert_false(exists("out"));
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

/* ---- models and what belongs to them ----------------------------------------------------------------------------- */

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
    const struct setting copied = {.program = "bin/ghostvk"};
    assert_int_equal(mkdir("models", 0777), 0);
    write_text("models/blood-cells.safetensors", "not the weights");
    RUN_WITH(&copied, "inspect"); /* so it is this file that is taken */
    assert_refused(3, "blood-cells.safetensors", "");
    assert_int_equal(unlink("models/blood-cells.safetensors"), 0);
    assert_int_equal(symlink(MODEL, "models/blood-cells.safetensors"), 0);
    RUN_WITH(&copied, "inspect");
    assert_done();
    assert_contains(ran.out, "RBC");
}

static void class_files_are_checked(void **state)
{
    (void)state;
    write_text("windows.txt", "\xEF\xBB\xBFrote\r\nwei\xC3\x9F"
                              "e\r\nPl\xC3\xA4ttchen\r\n\r\n\r\n");
    RUN("detect", "-m", MODEL, "--classes", "windows.txt", "--json", "-", SMEAR1);
    assert_done();
    assert_json(ran.out);
    assert_contains(ran.out, "\"rote\"");
    assert_contains(ran.out, "\"wei\xC3\x9F"
                             "e\"");
    assert_int_equal(count_of(ran.out, "RBC"), 0);

    write_text("two.txt", "a\nb\n");
    RUN("detect", "-m", MODEL, "--classes", "two.txt", SMEAR1);
    assert_refused(3, "2", "3");
    assert_int_equal(mkdir("directory", 0777), 0);
    assert_int_equal(mkfifo("pipe", 0666), 0);
    write_text("control.txt", "a\nb\tc\nd\n");
    write_text("latin.txt", "a\nb\nd\xE9j\xE0\n");
    write_text("gap.txt", "a\n\nb\n");
    write_text("empty.txt", "");
    write_bytes("zero.txt", "a\nb\0\nc\n", 7);
    static const char *const files[] = {"missing.txt", "directory", "pipe",     "control.txt", "latin.txt",
                                        "gap.txt",     "empty.txt", "zero.txt", "/dev/zero"};
    for (size_t index = 0; index < sizeof files / sizeof *files; index++) {
        RUN("detect", "-m", MODEL, "--classes", files[index], SMEAR1);
        assert_refused(2, "--classes", files[index]);
    }
}

static void anchor_files_are_checked(void **state)
{
    (void)state;
    write_text("family.txt", "12, 16,  19, 36,  40, 28,  36, 75,  76, 55,  72, 146,  142, 110,  192, 243,  459, 401");
    RUN("detect", "-m", MODEL, "--anchors", "family.txt", SMALL, SMEAR1);
    assert_done();
    static const char *const wrong[] = {"",
                                        "12,16",
                                        "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19",
                                        "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,",
                                        "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,nan",
                                        "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,0",
                                        "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,-3",
                                        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18",
                                        "twelve"};
    for (size_t index = 0; index < sizeof wrong / sizeof *wrong; index++) {
        write_text("wrong.txt", wrong[index]);
        RUN("detect", "-m", MODEL, "--anchors", "wrong.txt", SMEAR1);
        assert_refused(2, "--anchors", "wrong.txt");
    }
    RUN("detect", "-m", MODEL, "--anchors", "missing.txt", SMEAR1);
    assert_refused(2, "--anchors", "missing.txt");
}

static void inspect_describes(void **state)
{
    (void)state;
    const struct setting without_vulkan = {.without_vulkan = true};
    RUN_WITH(&without_vulkan, "inspect", MODEL);
    assert_done();
    assert_contains(ran.out, "RBC, WBC, Platelets");
    assert_contains(ran.out, "416x416");
    assert_in_range(count_of(ran.out, "\n"), 10, 24);
    RUN_WITH(&without_vulkan, "inspect", "--layers", "-m", MODEL);
    assert_done();
    assert_true(count_of(ran.out, "\n") > 200);
    RUN_WITH(&without_vulkan, "inspect", "--json", MODEL);
    assert_done();
    assert_json(ran.out);
    assert_contains(member(ran.out, "kind"), "\"detector\"");
    assert_true(number_of(ran.out, "width") == 1);
    double macs = number_of(ran.out, "macs"), arena = number_of(ran.out, "arena_bytes");
    assert_true(number_of(ran.out, "dispatches_after") < number_of(ran.out, "dispatches_before"));
    assert_true(number_of(member(ran.out, "input"), "width") == 416);
    assert_non_null(element(member(ran.out, "layers"), 200));
    assert_contains(member(element(member(ran.out, "layers"), 0), "op"), "\"");
    RUN_WITH(&without_vulkan, "inspect", "--json", MODEL, "--size", "832x416", "--batch", "2");
    assert_done();
    assert_true(number_of(member(ran.out, "input"), "batch") == 2);
    assert_true(number_of(ran.out, "macs") > 3.9 * macs && number_of(ran.out, "macs") < 4.1 * macs);
    assert_true(number_of(ran.out, "arena_bytes") > 3 * arena);
}

/* ---- devices ----------------------------------------------------------------------------------------------------- */

static void devices_are_listed(void **state)
{
    (void)state;
    RUN("devices");
    assert_done();
    assert_contains(ran.out, "index");
    assert_contains(ran.out, "yes");
    RUN("devices", "--json");
    assert_done();
    assert_json(ran.out);
    const char *first = element(member(ran.out, "devices"), 0);
    assert_non_null(first);
    assert_true(number_of(first, "index") == 0);
    assert_contains(member(first, "name"), "\"");
    assert_true(number_of(first, "memory_bytes") > 0);
}

static void a_missing_driver_is_explained(void **state)
{
    (void)state;
    const struct setting without_vulkan = {.without_vulkan = true};
    RUN_WITH(&without_vulkan, "detect", "-m", MODEL, SMEAR1);
    assert_refused(4, "nstall", "mesa-vulkan-drivers");
    assert_string_equal(ran.out, "");
    RUN_WITH(&without_vulkan, "run", "-m", MODEL, "--image", SMEAR1, "--output", "y");
    assert_refused(4, "nstall", "");
    assert_false(exists("y"));
    RUN_WITH(&without_vulkan, "devices");
    assert_refused(4, "nstall", "");
    RUN_WITH(&without_vulkan, "devices", "--json");
    assert_refused(4, "nstall", "");
}

static void a_device_is_chosen(void **state)
{
    (void)state;
    RUN("detect", "-m", MODEL, SMALL, "--device", "0", SMEAR1);
    assert_done();
    RUN("detect", "-m", MODEL, SMALL, "--device", "cpu", SMEAR1);
    assert_true(ran.code == 0 || ran.code == 4); /* there may be none */
    RUN("detect", "-m", MODEL, "--device", "999", SMEAR1);
    assert_refused(4, "999", "");
    RUN("detect", "-m", MODEL, "--device", "no such device", SMEAR1);
    assert_refused(4, "no such device", "");
}

/* ---- detect ------------------------------------------------------------------------------------------------------ */

static void boxes_are_printed(void **state)
{
    (void)state;
    RUN("detect", "-m", MODEL, SMEAR1, SMEAR2);
    assert_done();
    assert_contains(ran.out, "Device   ");
    assert_contains(ran.out, "blood-cells.safetensors, 3 classes, 416x416");
    assert_contains(ran.out, "smear-1.jpg  640x480");
    assert_contains(ran.out, "smear-2.jpg  640x480");
    assert_contains(ran.out, " RBC, ");
    assert_int_equal(count_of(ran.out, "  load "), 2);
    assert_int_equal(count_of(ran.out, ", total "), 2);
    RUN("detect", SMEAR1, "--conf", "1", SMALL, "--model", MODEL); /* options after the pictures */
    assert_done();
    assert_contains(ran.out, "  0 objects\n");
    assert_contains(ran.out, "96x96");
}

static void boxes_are_json(void **state)
{
    (void)state;
    RUN("detect", "-m", MODEL, "--json", "-", SMEAR1, SMEAR2);
    assert_done();
    assert_json(ran.out);
    assert_contains(member(ran.out, "model"), "\"" MODEL "\"");
    const char *images = member(ran.out, "images"), *image = element(images, 1);
    assert_null(element(images, 2));
    assert_contains(member(image, "file"), "\"" SMEAR2 "\"");
    assert_true(number_of(image, "width") == 640 && number_of(image, "height") == 480);
    double last = 1;
    size_t count = 0;
    for (const char *detection; (detection = element(member(image, "detections"), count)) != NULL; count++) {
        double score = number_of(detection, "score"), box[4];
        assert_true(score > 0 && score <= last);
        last = score;
        for (size_t side = 0; side < 4; side++)
            box[side] = strtod(element(member(detection, "box"), side), NULL);
        assert_true(0 <= box[0] && box[0] < box[2] && box[2] <= 640);
        assert_true(0 <= box[1] && box[1] < box[3] && box[3] <= 480);
        assert_in_range(number_of(detection, "class_id"), 0, 2);
        assert_contains(member(detection, "class"), "\"");
    }
    assert_in_range(count, 15, 30); /* the picture shows some twenty */
    const char *ms = member(image, "ms");
    assert_true(number_of(ms, "load") > 0 && number_of(ms, "total") > number_of(ms, "load"));
    member(ms, "resize");
    member(ms, "network");
    member(ms, "decode");

    RUN("detect", "-m", MODEL, SMALL, "--json", "boxes.json", SMEAR1);
    assert_done();
    assert_contains(ran.out, "smear-1.jpg  640x480");
    char *text = read_whole("boxes.json", NULL);
    assert_json(text);
    free(text);
}

static void thresholds_have_their_effect(void **state)
{
    (void)state;
    static const char *const scores[] = {"0", "0.4", "0.9"};
    size_t counts[3];
    for (size_t index = 0; index < 3; index++) {
        RUN("detect", "-m", MODEL, SMALL, "--json", "-", "--conf", scores[index], "--iou", "0.5", SMEAR1);
        assert_done();
        counts[index] = count_of(ran.out, "\"score\"");
    }
    assert_true(counts[0] > counts[1] && counts[1] >= counts[2]);
    RUN("detect", "-m", MODEL, SMALL, "--json", "-", "--conf", "0", "--iou", "1", SMEAR1);
    assert_done();
    assert_int_equal(count_of(ran.out, "\"score\""), 3 * (3 * 3 + 6 * 6 + 12 * 12)); /* every candidate */
}

static void a_bad_picture_stops_no_other(void **state)
{
    (void)state;
    assert_int_equal(mkdir("directory", 0777), 0);
    assert_int_equal(mkfifo("pipe.jpg", 0666), 0);
    write_text("text.jpg", "not a picture\n");
    write_text("empty.png", "");
    size_t size;
    char *bytes = read_whole(SMEAR1, &size);
    write_bytes("cut.jpg", bytes, size / 2);
    free(bytes);
    RUN("detect", "-m", MODEL, SMALL, "--json", "boxes.json", "-o", "out/", "text.jpg", SMEAR1, "empty.png",
        "missing.jpg", "directory", "pipe.jpg", "/dev/zero", "cut.jpg", SMEAR2);
    assert_int_equal(ran.code, 1);
    static const char *const bad[] = {"text.jpg", "empty.png", "missing.jpg", "directory",
                                      "pipe.jpg", "/dev/zero", "cut.jpg"};
    for (size_t index = 0; index < sizeof bad / sizeof *bad; index++) {
        char line[64];
        snprintf(line, sizeof line, "ghostvk: %s: ", bad[index]);
        assert_int_equal(count_of(ran.err, line), 1);
    }
    assert_contains(ran.out, "smear-1.jpg  640x480");
    assert_contains(ran.out, "smear-2.jpg  640x480");
    assert_true(exists("out/smear-1.jpg") && exists("out/smear-2.jpg"));
    assert_false(exists("out/text.jpg"));
    char *text = read_whole("boxes.json", NULL);
    assert_json(text);
    assert_int_equal(count_of(text, "\"error\""), 7);
    assert_int_equal(count_of(text, "\"detections\""), 2);
    assert_contains(member(element(member(text, "images"), 0), "error"), "text file");
    free(text);
    RUN("detect", "-m", MODEL, SMALL, "text.jpg");
    assert_refused(1, "text.jpg", "");
}

static void pictures_are_drawn(void **state)
{
    (void)state;
    copy_file(SMEAR1, "one.JPEG");
    copy_file(SMEAR1, "nameless");
    RUN("detect", "-m", MODEL, SMALL, "-o", "deep/er/", "one.JPEG", "nameless");
    assert_done();
    assert_contains(ran.out, "  drawn to deep/er/one.jpg\n");
    assert_true(exists("deep/er/nameless.jpg"));
    RUN("detect", "-m", MODEL, SMALL, "-o", "deep", "one.JPEG"); /* a folder for a single one */
    assert_done();
    assert_true(exists("deep/one.jpg"));
    RUN("detect", "-m", MODEL, SMALL, "-o", "drawn.png", "one.JPEG");
    assert_done();
    char *bytes = read_whole("drawn.png", NULL);
    assert_memory_equal(bytes, "\x89PNG", 4);
    free(bytes);
    RUN("detect", "-m", MODEL, SMALL, "-o", "drawn.png", SMEAR2); /* replaced */
    assert_done();
    RUN("detect", "-m", MODEL, SMALL, SMEAR2);
    assert_done();
    assert_false(exists("smear-2.jpg"));
    assert_false(has_entry(".", ".ghostvk"));
}

static void outputs_that_cannot_be_written_are_said(void **state)
{
    (void)state;
    write_text("file", "");
    RUN("detect", "-m", MODEL, SMALL, "-o", "file/out/", SMEAR1);
    assert_refused(1, "file/out/", "");
    RUN("detect", "-m", MODEL, SMALL, "--json", "missing/boxes.json", SMEAR1);
    assert_refused(1, "missing/boxes.json", "");
    RUN("run", "-m", MODEL, SMALL, "--image", SMEAR1, "--output", "missing/y.safetensors");
    assert_refused(1, "missing/y.safetensors", "");
    assert_int_equal(mkdir("locked", 0555), 0);
    if (access("locked", W_OK) != 0) { /* the superuser writes everywhere */
        RUN("detect", "-m", MODEL, SMALL, "-o", "locked/", SMEAR1);
        assert_refused(1, "locked/smear-1.jpg", "");
    }
    if (!exists("/dev/full"))
        return;
    RUN("detect", "-m", MODEL, SMALL, "--json", "/dev/full", SMEAR1);
    assert_refused(1, "/dev/full", "written");
    RUN("run", "-m", MODEL, SMALL, "--image", SMEAR1, "--output", "/dev/full");
    assert_refused(1, "/dev/full", "written");
    assert_int_equal(symlink("/dev/full", "full.jpg"), 0);
    RUN("detect", "-m", MODEL, SMALL, "-o", "full.jpg", SMEAR1);
    assert_refused(1, "full.jpg", "written");
    const struct setting full = {.out_path = "/dev/full"};
    RUN_WITH(&full, "detect", "-m", MODEL, SMALL, SMEAR1);
    assert_refused(1, "standard output", "written");
    RUN_WITH(&full, "detect", "-m", MODEL, SMALL, "--json", "-", SMEAR1);
    assert_refused(1, "standard output", "written");
    RUN_WITH(&full, "devices");
    assert_refused(1, "standard output", "written");
    RUN_WITH(&full, "inspect", "--json", MODEL);
    assert_refused(1, "standard output", "written");
    RUN_WITH(&full, "--help");
    assert_refused(1, "standard output", "written");
}

static void odd_paths_are_taken(void **state)
{
    (void)state;
    copy_file(SMEAR1, "d\xE9j\xE0\n.jpg");
    copy_file(SMEAR1, "\xE8\xA1\x80\xE7\x90\x83.jpg");
    copy_file(SMEAR1, "-v.jpg");
    RUN("detect", "-m", MODEL, SMALL, "--json", "boxes.json", "-o", "out/", "d\xE9j\xE0\n.jpg",
        "\xE8\xA1\x80\xE7\x90\x83.jpg", "--", "-v.jpg");
    assert_done();
    assert_true(exists("out/d\xE9j\xE0\n.jpg") && exists("out/\xE8\xA1\x80\xE7\x90\x83.jpg") && exists("out/-v.jpg"));
    char *text = read_whole("boxes.json", NULL);
    assert_json(text);
    assert_contains(text, "\"d\xEF\xBF\xBDj\xEF\xBF\xBD\\n.jpg\"");
    assert_contains(text, "\"\xE8\xA1\x80\xE7\x90\x83.jpg\"");
    free(text);
    assert_contains(ran.out, "d\xE9j\xE0?.jpg"); /* no line break from a name */

    char *huge = malloc(100001);
    assert_non_null(huge);
    memset(huge, 'x', 100000);
    huge[100000] = 0;
    RUN("detect", "-m", MODEL, SMALL, huge);
    assert_refused(1, "xxx: ", "");
    RUN("detect", "-m", huge, SMEAR1);
    assert_int_equal(ran.code, 3);
    RUN("detect", "-m", MODEL, SMALL, "--json", huge, SMEAR1);
    assert_refused(1, "xxx: ", "");
    free(huge);
}

static void verbosity_goes_to_stderr(void **state)
{
    (void)state;
    RUN("detect", "-m", MODEL, SMALL, "-vv", "--json", "-", SMEAR1);
    assert_int_equal(ran.code, 0);
    assert_json(ran.out);
    for (const char *line = ran.err; *line; line += strcspn(line, "\n") + 1)
        assert_memory_equal(line, "ghostvk: ", strlen("ghostvk: "));
}

static void an_interrupt_leaves_nothing(void **state)
{
    (void)state;
    const struct setting interrupted = {.with_interrupt = true, .wait_name = ".ghostvk"};
    RUN_WITH(&interrupted, "detect", "-m", MODEL, "--json", "boxes.json", SMEAR1, SMEAR2, SMEAR1, SMEAR2, SMEAR1,
             SMEAR2, SMEAR1, SMEAR2, SMEAR1, SMEAR2);
    assert_int_equal(ran.code, 130);
    assert_false(has_entry(".", ".ghostvk"));
    assert_false(exists("boxes.json"));
}

/* ---- run --------------------------------------------------------------------------------------------------------- */

/* Where the data of a safetensors file begin. */
static size_t find_data(const char *bytes, size_t size)
{
    uint64_t length = 0;
    assert_true(size > 8);
    for (int index = 7; index >= 0; index--)
        length = length << 8 | (unsigned char)bytes[index];
    assert_true(length <= size - 8 && length % 8 == 0);
    return (size_t)length + 8;
}

static void a_network_runs_raw(void **state)
{
    (void)state;
    RUN("run", "-m", MODEL, SMALL, "--image", SMEAR1, "--output", "fast");
    assert_done();
    size_t fast_size, again_size, plain_size;
    char *fast = read_whole("fast", &fast_size);
    size_t data = find_data(fast, fast_size);
    char *header = malloc(data);
    assert_non_null(header);
    memcpy(header, fast + 8, data - 8);
    header[data - 8] = 0;
    assert_json(header);
    static const char *const names[] = {"stride32", "stride16", "stride8", "input"};
    static const double sides[] = {3, 6, 12, 96};
    for (size_t index = 0; index < 4; index++) {
        const char *shape = member(member(header, names[index]), "shape");
        assert_true(strtod(element(shape, 0), NULL) == 1);
        assert_true(strtod(element(shape, 1), NULL) == (index < 3 ? 24 : 3));
        assert_true(strtod(element(shape, 2), NULL) == sides[index]);
        assert_true(strtod(element(shape, 3), NULL) == sides[index]);
    }

    /* The input that was used, put in as a tensor, gives the same file. */
    RUN("run", "-m", MODEL, "--input", "fast", "--output", "again");
    assert_done();
    char *again = read_whole("again", &again_size);
    assert_int_equal(again_size, fast_size);
    assert_memory_equal(again, fast, fast_size);

    RUN("run", "-m", MODEL, "--input", "fast", "--output", "plain", "--rewrite", "none");
    assert_done();
    char *plain = read_whole("plain", &plain_size);
    assert_int_equal(plain_size, fast_size);
    assert_memory_equal(plain, fast, data);
    size_t maps = 24 * (3 * 3 + 6 * 6 + 12 * 12);
    double largest = 0, apart = 0;
    for (size_t index = 0; index < maps; index++) {
        float one, other;
        memcpy(&one, fast + data + index * sizeof one, sizeof one);
        memcpy(&other, plain + data + index * sizeof other, sizeof other);
        largest = fmax(largest, fabs((double)one));
        apart = fmax(apart, fabs((double)one - (double)other));
    }
    assert_true(largest > 1);
    assert_true(apart < 1e-4 * largest);
    free(plain);
    free(again);
    free(header);
    free(fast);
}

static void write_tensor(const char *path, const char *header, uint64_t header_length, size_t data_bytes)
{
    size_t length = strlen(header);
    char *bytes = calloc(1, 8 + length + data_bytes);
    assert_non_null(bytes);
    for (unsigned byte = 0; byte < 8; byte++)
        bytes[byte] = (char)(header_length >> (8 * byte) & 0xFF);
    memcpy(bytes + 8, header, length);
    write_bytes(path, bytes, 8 + length + data_bytes);
    free(bytes);
}

static void hostile_tensors_are_refused(void **state)
{
    (void)state;
    enum { SMALLEST = 3 * 32 * 32 * 4 };
    static const struct {
        const char *header;
        size_t data_bytes;
    } inputs[] = {
        {"{}", 0},
        {"[]", 0},
        {"{\"input\":", 0},
        {"{\"input\":{}}", 0},
        {"{\"other\":{\"dtype\":\"F32\",\"shape\":[1,3,32,32],\"data_offsets\":[0,12288]}}", SMALLEST},
        {"{\"input\":{\"dtype\":\"F16\",\"shape\":[1,3,32,32],\"data_offsets\":[0,6144]}}", SMALLEST},
        {"{\"input\":{\"dtype\":\"F32\",\"shape\":[1,3,32,32],\"data_offsets\":[0,12288]}}", SMALLEST - 1},
        {"{\"input\":{\"dtype\":\"F32\",\"shape\":[1,3,32,32],\"data_offsets\":[12288,0]}}", SMALLEST},
        {"{\"input\":{\"dtype\":\"F32\",\"shape\":[1,3,32,32],\"data_offsets\":[0,12288,1]}}", SMALLEST},
        {"{\"input\":{\"dtype\":\"F32\",\"shape\":[1,3,32,32],\"data_offsets\":[0]}}", SMALLEST},
        {"{\"input\":{\"dtype\":\"F32\",\"shape\":[1,3,32,32],\"data_offsets\":[-1,12287]}}", SMALLEST},
        {"{\"input\":{\"dtype\":\"F32\",\"shape\":[1,3,32,33],\"data_offsets\":[0,12288]}}", SMALLEST},
        {"{\"input\":{\"dtype\":\"F32\",\"shape\":[1,1,96,32],\"data_offsets\":[0,12288]}}", SMALLEST},
        {"{\"input\":{\"dtype\":\"F32\",\"shape\":[1,3,16,64],\"data_offsets\":[0,12288]}}", SMALLEST},
        {"{\"input\":{\"dtype\":\"F32\",\"shape\":[3,32,32],\"data_offsets\":[0,12288]}}", SMALLEST},
        {"{\"input\":{\"dtype\":\"F32\",\"shape\":[1,3,32,32,1,1,1,1,1],\"data_offsets\":[0,12288]}}", SMALLEST},
        {"{\"input\":{\"dtype\":\"F32\",\"shape\":[0,3,32,32],\"data_offsets\":[0,0]}}", 0},
        {"{\"input\":{\"dtype\":\"F32\",\"shape\":[4294967296,3,4294967296,32],\"data_offsets\":[0,0]}}", 0},
        {"{\"input\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999,3,32,32],\"data_offsets\":[0,12288]}}",
         SMALLEST},
        {"{\"input\":{\"dtype\":\"F32\",\"shape\":[1,3,32,32],\"data_offsets\":[0,12288]},"
         "\"input\":{\"dtype\":\"F32\",\"shape\":[1,3,32,32],\"data_offsets\":[0,12288]}}",
         SMALLEST},
        {"{\"input\":{\"dtype\":\"F32\",\"shape\":[1,3,32,32],\"data_offsets\":[0,12288]}} more", SMALLEST},
        {"{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]}", 0},
        {"{\"a", 0},
        {"{\"a\\", 0},
    };
    for (size_t index = 0; index < sizeof inputs / sizeof *inputs; index++) {
        write_tensor("x", inputs[index].header, strlen(inputs[index].header), inputs[index].data_bytes);
        RUN("run", "-m", MODEL, "--input", "x", "--output", "y");
        assert_refused(1, "x: ", "");
        assert_false(exists("y"));
    }
    static const uint64_t lengths[] = {0, 1, 3, 100, UINT64_MAX, (uint64_t)1 << 63};
    for (size_t index = 0; index < sizeof lengths / sizeof *lengths; index++) {
        write_tensor("x", "{}", lengths[index], 0);
        RUN("run", "-m", MODEL, "--input", "x", "--output", "y");
        assert_refused(1, "x: ", "");
    }
    assert_int_equal(mkfifo("pipe", 0666), 0);
    write_text("empty", "");
    write_text("short", "1234567");
    static const char *const files[] = {"missing", ".", "pipe", "empty", "short", "/dev/zero", SMEAR1};
    for (size_t index = 0; index < sizeof files / sizeof *files; index++) {
        RUN("run", "-m", MODEL, "--input", files[index], "--output", "y");
        assert_refused(1, files[index], "");
    }
    RUN("run", "-m", MODEL, "--image", "empty", "--output", "y");
    assert_refused(1, "empty", "");

    write_tensor(
        "x",
        "{\"__metadata__\":{\"a\":\"\\\"}\"},\"n\":[1,{\"b\":null}],"
        "\"input\":{\"dtype\":\"F32\",\"more\":-1.5e3,\"shape\":[2,3,32,64],\"data_offsets\":[0,49152]}}",
        strlen("{\"__metadata__\":{\"a\":\"\\\"}\"},\"n\":[1,{\"b\":null}],"
               "\"input\":{\"dtype\":\"F32\",\"more\":-1.5e3,\"shape\":[2,3,32,64],\"data_offsets\":[0,49152]}}"),
        49152);
    RUN("run", "-m", MODEL, "--input", "x", "--output", "y");
    assert_done();
    assert_contains(ran.out, "stride32  2 x 24 x 1 x 2");
}

/* ---- the folder -------------------------------------------------------------------------------------------------- */

static void remove_content(const char *path)
{
    DIR *directory = opendir(path);
    if (!directory)
        return;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char *inside = malloc(strlen(path) + strlen(entry->d_name) + 2);
        if (!inside)
            continue;
        sprintf(inside, "%s/%s", path, entry->d_name);
        if (unlink(inside) != 0) {
            chmod(inside, 0700);
            remove_content(inside);
            rmdir(inside);
        }
        free(inside);
    }
    closedir(directory);
}

static int make_folders(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/ghostvk-cli-XXXXXX");
    strcpy(captured, "/tmp/ghostvk-cli-XXXXXX");
    return mkdtemp(folder) && mkdtemp(captured) ? chdir(folder) : -1;
}

static int remove_folders(void **state)
{
    (void)state;
    free(ran.out);
    free(ran.err);
    remove_content(folder);
    remove_content(captured);
    return chdir("/") | rmdir(folder) | rmdir(captured);
}

static int empty_folder(void **state)
{
    (void)state;
    remove_content(folder);
    return 0;
}

#define TEST(function) cmocka_unit_test_setup(function, empty_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_argument_shows_the_usage),
        TEST(helps_fit_a_screen),
        TEST(wrong_words_are_named),
        TEST(wrong_values_are_named),
        TEST(empty_paths_are_refused),
        TEST(outputs_never_replace_inputs),
        TEST(models_that_are_none_are_refused),
        TEST(the_shipped_model_is_found),
        TEST(class_files_are_checked),
        TEST(anchor_files_are_checked),
        TEST(inspect_describes),
        TEST(devices_are_listed),
        TEST(a_missing_driver_is_explained),
        TEST(a_device_is_chosen),
        TEST(boxes_are_printed),
        TEST(boxes_are_json),
        TEST(thresholds_have_their_effect),
        TEST(a_bad_picture_stops_no_other),
        TEST(pictures_are_drawn),
        TEST(outputs_that_cannot_be_written_are_said),
        TEST(odd_paths_are_taken),
        TEST(verbosity_goes_to_stderr),
        TEST(an_interrupt_leaves_nothing),
        TEST(a_network_runs_raw),
        TEST(hostile_tensors_are_refused),
    };
    return cmocka_run_group_tests_name("cli", tests, make_folders, remove_folders);
}
