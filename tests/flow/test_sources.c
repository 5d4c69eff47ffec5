/* What a command line names: folders walked, patterns, lists, shards. No device and no picture is looked into. */
#include "tests/support/harness.h"

#include <fnmatch.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/sources/path_list.h"
#include "cli/sources/pattern.h"
#include "cli/sources/source.h"
#include "tests/support/folder.h"

/* ---- what a source gives, as a text: "PATH|RELATIVE" or "PATH!ERROR" a line ---- */

static char *gather(const struct source_choice *choice, const char *const *operands)
{
    static char text[65536];
    size_t count = 0, used = 0;
    while (operands[count])
        count++;
    struct source *source = source_open((char **)operands, count, choice);
    struct frame frame;
    assert_non_null(source);
    text[0] = 0;
    while (source_next(source, &frame)) {
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%c%s\n", frame.path, frame.is_failed ? '!' : '|',
                                 frame.is_failed ? frame.error : frame.relative);
        assert_true(used < sizeof text);
        frame_release(&frame);
    }
    source_close(source);
    return text;
}

#define GATHER(...) gather(&(struct source_choice){0}, (const char *const[]){__VA_ARGS__, NULL})

static void assert_text(const char *text, const char *expected)
{
    if (strcmp(text, expected) != 0)
        fail_msg("expected:\n%sbut there is:\n%s", expected, text);
}

static void make_tree(void)
{
    static const char *const folders[] = {"p", "p/b", "p/b/deep", "p/.hidden", "p/none"};
    static const char *const files[] = {"p/c.jpg",     "p/a.PNG",    "p/b/2.webp",     "p/b/10.tiff",
                                        "p/notes.txt", "p/.dot.jpg", "p/b/deep/x.bmp", "p/.hidden/no.jpg",
                                        "p/[1].jpg",   "p/b.jpeg"};
    for (size_t index = 0; index < sizeof folders / sizeof *folders; index++)
        assert_int_equal(mkdir(folders[index], 0777), 0);
    for (size_t index = 0; index < sizeof files / sizeof *files; index++)
        write_file(files[index], "", 0);
}

static void a_folder_gives_its_pictures_sorted_and_those_below(void **state)
{
    (void)state;
    make_tree();
    assert_text(GATHER("p"), "p/[1].jpg|[1].jpg\np/a.PNG|a.PNG\np/b/10.tiff|b/10.tiff\np/b/2.webp|b/2.webp\n"
                             "p/b/deep/x.bmp|b/deep/x.bmp\np/b.jpeg|b.jpeg\np/c.jpg|c.jpg\n");
    assert_text(GATHER("p/b/"), "p/b/10.tiff|10.tiff\np/b/2.webp|2.webp\np/b/deep/x.bmp|deep/x.bmp\n");
    assert_text(GATHER("p/none"), "p/none!the folder holds no picture or video\n");
    /* A file that is named is taken, whatever its name; one that is not there is said when it is read. */
    assert_text(GATHER("p/notes.txt", "p/.dot.jpg", "missing.jpg"),
                "p/notes.txt|notes.txt\np/.dot.jpg|.dot.jpg\nmissing.jpg|missing.jpg\n");
    const struct source_choice without = {.left_out = {"p/none", "p/b/deep"}};
    assert_text(gather(&without, (const char *const[]){"p/b", NULL}), "p/b/10.tiff|10.tiff\np/b/2.webp|2.webp\n");
    assert_text(gather(&without, (const char *const[]){"p/b/*", NULL}), "p/b/10.tiff|10.tiff\np/b/2.webp|2.webp\n");
    assert_text(gather(&without, (const char *const[]){"p/**/*.bmp", NULL}), "");
}

static void links_are_followed_but_not_in_circles(void **state)
{
    (void)state;
    assert_int_equal(mkdir("p", 0777) | mkdir("p/a", 0777) | mkdir("far", 0777), 0);
    write_file("p/a/1.jpg", "", 0);
    write_file("far/2.jpg", "", 0);
    assert_int_equal(symlink("..", "p/a/up") | symlink("../../far", "p/a/far") | symlink("1.jpg", "p/a/3.jpg") |
                         symlink(".", "p/self") | symlink("../p", "far/back"),
                     0);
    assert_text(GATHER("p"), "p/a/1.jpg|a/1.jpg\np/a/3.jpg|a/3.jpg\np/a/far/2.jpg|a/far/2.jpg\n");
    /* Patterns of any depth lead through no links. */
    assert_text(GATHER("p/**/*.jpg"), "p/a/1.jpg|a/1.jpg\np/a/3.jpg|a/3.jpg\n");
}

static void a_folder_that_cannot_be_read_stops_no_other(void **state)
{
    (void)state;
    assert_int_equal(mkdir("p", 0777) | mkdir("p/a", 0777) | mkdir("p/shut", 0000), 0);
    write_file("p/a/1.jpg", "", 0);
    write_file("p/z.jpg", "", 0);
    if (access("p/shut", R_OK) == 0) /* the superuser reads everywhere */
        assert_text(GATHER("p"), "p/a/1.jpg|a/1.jpg\np/z.jpg|z.jpg\n");
    else
        assert_text(GATHER("p"), "p/a/1.jpg|a/1.jpg\np/shut!the folder cannot be read: Permission denied\n"
                                 "p/z.jpg|z.jpg\n");
}

static void patterns_match_as_the_systems_own_do(void **state)
{
    static const char letters[] = "ab-.]!*?[", plain[] = "ab-.]!";
    (void)state;
    srand(1);
    size_t matched = 0;
    for (unsigned round = 0; round < 20000; round++) {
        char pattern[9] = "", name[7] = "";
        size_t pattern_length = (size_t)rand() % 8, name_length = 1 + (size_t)rand() % 5;
        for (size_t index = 0; index < pattern_length; index++)
            pattern[index] = letters[(size_t)rand() % (sizeof letters - 1)];
        for (size_t index = 0; index < name_length; index++)
            name[index] = plain[(size_t)rand() % (sizeof plain - 1)];
        /* Classes of names and equals are the system's alone; what a range from high to low is, nobody says. */
        if (strstr(pattern, "[[") || strstr(pattern, "[.") || strstr(pattern, "[!["))
            continue;
        const char *dash = strchr(pattern, '-');
        if (dash && strchr(pattern, '['))
            continue;
        bool expected = fnmatch(pattern, name, FNM_PERIOD | FNM_NOESCAPE) == 0;
        bool is = pattern_matches(pattern, strlen(pattern), name);
        matched += is;
        if (is != expected)
            fail_msg("\"%s\" %s \"%s\" for the system", pattern, expected ? "matches" : "does not match", name);
    }
    assert_true(matched > 300);
    static const struct {
        const char *pattern, *name;
        bool matches;
    } cases[] = {
        {"[a-c]x", "bx", true},
        {"[a-c]x", "dx", false},
        {"[!a-c]x", "dx", true},
        {"?.jpg", "\xC3\xA4.jpg", true},           /* a letter of two bytes */
        {"[\xC3\xA0-\xC3\xBC]", "\xC3\xA4", true}, /* and a range of such */
        {"?", "\xE4", true},                       /* one that is no UTF-8 */
        {"??", "\xC3\xA4", false},
        {"\\*", "*", true},
        {"\\*", "a", false},
        {"a[", "a[", true},
        {"*a*a*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
    };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++)
        if (pattern_matches(cases[index].pattern, strlen(cases[index].pattern), cases[index].name) !=
            cases[index].matches)
            fail_msg("\"%s\" and \"%s\"", cases[index].pattern, cases[index].name);
}

static void patterns_name_what_is_there(void **state)
{
    (void)state;
    make_tree();
    assert_text(GATHER("p/*.jp*g"), "p/[1].jpg|[1].jpg\np/b.jpeg|b.jpeg\np/c.jpg|c.jpg\n");
    assert_text(GATHER("p/[ab].*"), "p/a.PNG|a.PNG\np/b.jpeg|b.jpeg\n");
    assert_text(GATHER("p/[1].jpg"), "p/[1].jpg|[1].jpg\n"); /* a file of that very name */
    assert_text(GATHER("?/b/*.webp"), "p/b/2.webp|p/b/2.webp\n");
    assert_text(GATHER("p/b/d*"), "p/b/deep/x.bmp|deep/x.bmp\n"); /* a folder that matches is walked */
    assert_text(GATHER("p/**/*.bmp"), "p/b/deep/x.bmp|b/deep/x.bmp\n");
    assert_text(GATHER("**/**/c.jpg"), "p/c.jpg|p/c.jpg\n");
    assert_text(GATHER("p/**"), "p/[1].jpg|[1].jpg\np/a.PNG|a.PNG\np/b/10.tiff|b/10.tiff\np/b/2.webp|b/2.webp\n"
                                "p/b/deep/x.bmp|b/deep/x.bmp\np/b.jpeg|b.jpeg\np/c.jpg|c.jpg\n"
                                "p/notes.txt|notes.txt\n");
    assert_text(GATHER("p/.d*"), "p/.dot.jpg|.dot.jpg\n");
    assert_text(GATHER("p/x*", "nowhere/*"), "p/x*!nothing matches this pattern\nnowhere/*!nothing matches this "
                                             "pattern\n");
}

/* ---- lists ---- */

static char *list_from(const char *bytes, size_t count, bool ends_in_null)
{
    static char text[262144];
    int ends[2];
    size_t used = 0;
    struct path_list list;
    const char *path;
    char message[256] = "";
    text[0] = 0;
    assert_int_equal(pipe(ends), 0);
    if (fork() == 0) { /* in pieces, so that paths are torn */
        for (size_t at = 0; at < count; at += 7)
            if (write(ends[1], bytes + at, count - at < 7 ? count - at : 7) < 0)
                _exit(1);
        _exit(0);
    }
    close(ends[1]);
    path_list_start(&list, ends[0], ends_in_null, NULL, NULL);
    int step;
    while ((step = path_list_next(&list, &path, message, sizeof message)) > 0)
        used += (size_t)snprintf(text + used, sizeof text - used, "<%s>", path);
    if (step < 0)
        snprintf(text + used, sizeof text - used, "!%s", message);
    path_list_release(&list);
    close(ends[0]);
    return text;
}

static void lists_are_lines_or_end_in_nulls(void **state)
{
    (void)state;
    assert_text(list_from("a.jpg\nb c.jpg\r\n\n\r\nlast", 24, false), "<a.jpg><b c.jpg><last>");
    assert_text(list_from("\xEF\xBB\xBFone\ntwo\n", 11, false), "<one><two>");
    assert_text(list_from("a\nb\0c\r\0\0d", 9, true), "<a\nb><c\r><d>");
    assert_text(list_from("", 0, false), "");
    char *huge = malloc(100000);
    assert_non_null(huge);
    memset(huge, 'x', 100000);
    assert_text(list_from(huge, 100000, false), "!holds a path of more than 65536 bytes");
    for (size_t at = 0; at < 100000; at += 50)
        huge[at] = '\n';
    assert_int_equal(strlen(list_from(huge, 100000, false)), 2000 * 51);
    free(huge);
}

static void entries_of_a_list_keep_their_paths(void **state)
{
    (void)state;
    make_tree();
    char *here = getcwd(NULL, 0);
    assert_non_null(here);
    FILE *file = fopen("list", "wb");
    assert_non_null(file);
    fprintf(file, "./p/c.jpg\n../../p/../p/a.PNG\n%s/p/b/2.webp\np/b\n", here);
    fclose(file);
    int kept = dup(0);
    assert_non_null(freopen("list", "rb", stdin));
    char expected[1024];
    snprintf(expected, sizeof expected,
             "./p/c.jpg|p/c.jpg\n../../p/../p/a.PNG|p/p/a.PNG\n%s/p/b/2.webp|%s/p/b/2.webp\n"
             "p/b/10.tiff|p/b/10.tiff\np/b/2.webp|p/b/2.webp\np/b/deep/x.bmp|p/b/deep/x.bmp\n",
             here, here + 1);
    assert_text(GATHER("-"), expected);
    dup2(kept, 0);
    close(kept);
    free(here);
}

/* ---- shards ---- */

static void shards_are_dealt_by_a_hash_that_is_the_same_everywhere(void **state)
{
    (void)state;
    /* From the hash's authors. */
    assert_true(shard_hash("") == UINT64_C(0xCBF29CE484222325));
    assert_true(shard_hash("a") == UINT64_C(0xAF63DC4C8601EC8C));
    assert_true(shard_hash("foobar") == UINT64_C(0x85944171F73967E8));
    assert_true(shard_hash("a\\b/c") == shard_hash("a/b\\c"));
    struct shard shard;
    assert_true(shard_read("2/5", &shard) && shard.index == 2 && shard.count == 5);
    static const char *const wrong[] = {"", "2", "0/5", "6/5", "1/0", "2/", "/5", "2/5 ", "-1/5", "1/9999999", "a/b"};
    for (size_t index = 0; index < sizeof wrong / sizeof *wrong; index++)
        if (shard_read(wrong[index], &shard))
            fail_msg("\"%s\" was taken", wrong[index]);
    size_t counts[8] = {0};
    for (unsigned number = 0; number < 10000; number++) {
        char path[32];
        unsigned takers = 0;
        snprintf(path, sizeof path, "folder/%05u.jpg", number);
        for (uint32_t index = 1; index <= 8; index++)
            if (shard_takes(&(struct shard){index, 8}, path)) {
                takers++;
                counts[index - 1]++;
            }
        assert_int_equal(takers, 1);
    }
    for (size_t index = 0; index < 8; index++)
        assert_in_range(counts[index], 1100, 1400);
}

static void shards_of_a_tree_are_the_whole_and_nothing_twice(void **state)
{
    (void)state;
    make_tree();
    char all[8192] = "";
    for (uint32_t index = 1; index <= 3; index++) {
        const struct source_choice choice = {.shard = {index, 3}};
        strcat(all, gather(&choice, (const char *const[]){"p", NULL}));
    }
    const char *whole = GATHER("p");
    assert_int_equal(strlen(all), strlen(whole));
    for (const char *line = whole; *line; line += strcspn(line, "\n") + 1) {
        char one[256];
        snprintf(one, sizeof one, "%.*s\n", (int)strcspn(line, "\n"), line);
        const char *first = strstr(all, one);
        if (!first || strstr(first + 1, one))
            fail_msg("not once: %s in\n%s", one, all);
    }
    assert_int_equal(source_count((char *[]){"p", "p/c.jpg"}, 2, &(struct source_choice){0}), 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(a_folder_gives_its_pictures_sorted_and_those_below),
        TEST_IN_FOLDER(links_are_followed_but_not_in_circles),
        TEST_IN_FOLDER(a_folder_that_cannot_be_read_stops_no_other),
        cmocka_unit_test(patterns_match_as_the_systems_own_do),
        TEST_IN_FOLDER(patterns_name_what_is_there),
        cmocka_unit_test(lists_are_lines_or_end_in_nulls),
        TEST_IN_FOLDER(entries_of_a_list_keep_their_paths),
        cmocka_unit_test(shards_are_dealt_by_a_hash_that_is_the_same_everywhere),
        TEST_IN_FOLDER(shards_of_a_tree_are_the_whole_and_nothing_twice),
    };
    return cmocka_run_group_tests_name("sources", tests, NULL, NULL);
}
