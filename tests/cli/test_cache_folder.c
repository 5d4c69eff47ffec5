/* The program's folder of caches, whatever is in its place: a cache that cannot be kept is done without, in silence and
 * without waiting, and a stored file is whole or not there. */
#define _DEFAULT_SOURCE 1 /* seteuid */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/host/cache_folder.h"
#include "tests/support/child.h"

#define KEY    "pipelines-test"
#define NOBODY 65534

static char content[4096];
static size_t content_count;

static void name_folder(const char *path)
{
    assert_int_equal(setenv("XDG_CACHE_HOME", path, 1), 0);
}

/* A path below the test's folder; the last call's. */
static const char *below(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", test_folder, name);
    return path;
}

static void use_folder(const char *name)
{
    name_folder(below(name));
}

/* What the library does: how much is there, then all of it. */
static bool load(void)
{
    size_t count = 0;
    content_count = 0;
    if (cache_folder_load(NULL, KEY, NULL, &count))
        return false;
    assert_true(count > 0);
    if (count > sizeof content)
        count = sizeof content;
    if (cache_folder_load(NULL, KEY, content, &count))
        return false;
    content_count = count;
    return true;
}

static void store(const char *text)
{
    cache_folder_store(NULL, KEY, text, strlen(text));
}

static void assert_loads(const char *text)
{
    assert_true(load());
    assert_int_equal(content_count, strlen(text));
    assert_memory_equal(content, text, content_count);
}

static void assert_names(const char *path, const char *names)
{
    char *found = list_folder(path);
    assert_string_equal(found, names);
    free(found);
}

static void a_folder_is_made_and_a_file_replaced_whole(void **state)
{
    (void)state;
    use_folder("new/deep/cache");
    assert_false(load());
    store("first");
    assert_loads("first");
    store("a second, longer one");
    assert_loads("a second, longer one");
    store("3");
    assert_loads("3");
    assert_names("new/deep/cache/ghostvk", KEY "\n");
}

static void without_a_cache_folder_the_home_has_it_and_without_both_there_is_none(void **state)
{
    static const char *const none[] = {"", "relative/path", "~"};
    (void)state;
    assert_int_equal(setenv("HOME", below("home"), 1), 0);
    assert_int_equal(unsetenv("XDG_CACHE_HOME"), 0);
    store("at home");
    assert_loads("at home");
    assert_names("home/.cache/ghostvk", KEY "\n");
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        name_folder(none[i]); /* not absolute: it says nothing */
        assert_loads("at home");
    }
    for (size_t i = 0; i <= sizeof none / sizeof none[0]; i++) {
        if (i < sizeof none / sizeof none[0])
            assert_int_equal(setenv("HOME", none[i], 1), 0);
        else
            assert_int_equal(unsetenv("HOME"), 0);
        store("nowhere");
        assert_false(load());
    }
    assert_names(".", "home\n");
}

static void a_path_without_end_is_left_alone(void **state)
{
    static char longest[10000];
    (void)state;
    memset(longest, 'x', sizeof longest - 1);
    longest[0] = '/';
    name_folder(longest);
    store("x");
    assert_false(load());
    longest[4090] = 0; /* the folder fits, the file does not */
    store("x");
    assert_false(load());
}

static void a_folder_that_cannot_be_made_is_done_without(void **state)
{
    (void)state;
    write_file("file", "kept", 4);
    assert_int_equal(symlink("loop", "loop"), 0);
    static const char *const places[] = {"file", "file/below", "loop", "loop/below"};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        use_folder(places[i]);
        store("x");
        assert_false(load());
    }
    name_folder("/proc/ghostvk"); /* read-only for root too */
    store("x");
    assert_false(load());
    name_folder("/dev/null");
    store("x");
    assert_false(load());
    assert_names(".", "file\nloop\n");
    char *kept = read_file("file", NULL);
    assert_string_equal(kept, "kept");
    free(kept);
}

/* Rights do not bind root, who becomes nobody for this. */
static void a_folder_without_rights_is_read_or_done_without(void **state)
{
    bool root = geteuid() == 0;
    (void)state;
    assert_int_equal(root ? chown(".", NOBODY, NOBODY) : 0, 0);
    assert_int_equal(root ? seteuid(NOBODY) : 0, 0);
    use_folder("cache");
    store("stored before");
    assert_int_equal(chmod("cache/ghostvk", 0555), 0);
    assert_int_equal(chmod("cache/ghostvk/" KEY, 0444), 0);
    store("not stored");
    bool loaded = load();
    size_t count = content_count;
    assert_int_equal(chmod("cache/ghostvk/" KEY, 0), 0);
    bool loaded_without = load();
    assert_int_equal(chmod("cache/ghostvk", 0755), 0);
    assert_int_equal(root ? seteuid(0) : 0, 0);
    assert_true(loaded);
    assert_int_equal(count, strlen("stored before"));
    assert_names("cache/ghostvk", KEY "\n");
    assert_false(loaded_without);
}

static unsigned mode_of(const char *path)
{
    struct stat status;
    assert_int_equal(lstat(path, &status), 0);
    return status.st_mode & 07777;
}

static void folder_and_files_are_for_their_owner_whatever_the_umask(void **state)
{
    static const mode_t umasks[] = {0, 022, 077, 0777};
    (void)state;
    use_folder("deep/cache");
    for (size_t i = 0; i < sizeof umasks / sizeof umasks[0]; i++) {
        mode_t before = umask(umasks[i]);
        store("private");
        umask(before);
        assert_loads("private");
        if (mode_of("deep/cache/ghostvk") != 0700 || mode_of("deep/cache/ghostvk/" KEY) != 0600)
            fail_msg("umask %03o: folder %04o, file %04o", (unsigned)umasks[i], mode_of("deep/cache/ghostvk"),
                     mode_of("deep/cache/ghostvk/" KEY));
        empty_folder(test_folder);
    }
}

static void a_folder_that_others_can_read_becomes_private(void **state)
{
    (void)state;
    use_folder("cache");
    store("of an older program");
    assert_int_equal(chmod("cache/ghostvk", 0755), 0);
    assert_int_equal(chmod("cache/ghostvk/" KEY, 0644), 0);
    assert_loads("of an older program");
    store("new");
    assert_loads("new");
    assert_int_equal(mode_of("cache/ghostvk"), 0700);
    assert_int_equal(mode_of("cache/ghostvk/" KEY), 0600);
}

static void what_others_may_have_written_is_neither_read_nor_written(void **state)
{
    static const struct {
        const char *name;
        mode_t folder, file;
        bool foreign_folder, foreign_file;
    } cases[] = {
        {"a folder for the group", 0770, 0600, false, false}, {"a folder for all", 0707, 0600, false, false},
        {"a file for the group", 0700, 0620, false, false},   {"a file for all", 0700, 0602, false, false},
        {"another user's folder", 0700, 0600, true, false},   {"another user's file", 0700, 0600, false, true},
    };
    (void)state;
    use_folder("cache");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if ((cases[i].foreign_folder || cases[i].foreign_file) && geteuid() != 0)
            continue; /* only root can give files away */
        store("planted");
        assert_int_equal(chmod("cache/ghostvk", cases[i].folder), 0);
        assert_int_equal(chmod("cache/ghostvk/" KEY, cases[i].file), 0);
        assert_int_equal(cases[i].foreign_file ? chown("cache/ghostvk/" KEY, NOBODY, NOBODY) : 0, 0);
        assert_int_equal(cases[i].foreign_folder ? chown("cache/ghostvk", NOBODY, NOBODY) : 0, 0);
        if (load())
            fail_msg("%s was believed", cases[i].name);
        if (cases[i].folder != 0700 || cases[i].foreign_folder) {
            store("given away");
            char *kept = read_file("cache/ghostvk/" KEY, NULL);
            assert_string_equal(kept, "planted");
            free(kept);
        } else {
            store("ours again"); /* in a folder that is ours a file of somebody else is replaced */
            assert_loads("ours again");
        }
        empty_folder(test_folder);
    }
}

static void what_is_no_file_is_neither_read_nor_written(void **state)
{
    (void)state;
    use_folder("cache");
    store("x");
    assert_int_equal(chdir("cache/ghostvk"), 0);
    static const char *const kinds[] = {"folder", "pipe", "a link to /dev/zero", "a link to /dev/full",
                                        "a link to a pipe"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        assert_int_equal(i == 1 ? rmdir(KEY) : unlink(KEY), 0);
        int made = i == 0   ? mkdir(KEY, 0755)
                   : i == 1 ? mkfifo(KEY, 0644)
                   : i == 2 ? symlink("/dev/zero", KEY)
                   : i == 3 ? symlink("/dev/full", KEY)
                            : mkfifo("pipe", 0644) | symlink("pipe", KEY);
        assert_int_equal(made, 0);
        struct stat before, after;
        assert_int_equal(lstat(KEY, &before), 0);
        alarm(20); /* a pipe would make us wait for ever */
        bool loaded = load();
        store("x");
        alarm(0);
        assert_int_equal(lstat(KEY, &after), 0);
        if (loaded || before.st_ino != after.st_ino || before.st_mode != after.st_mode)
            fail_msg("%s was %s", kinds[i], loaded ? "read" : "replaced");
    }
    assert_names(".", "pipe\n" KEY "\n");
    assert_int_equal(chdir(test_folder), 0);
}

static void links_above_the_folder_are_followed_and_others_are_not(void **state)
{
    struct stat status;
    (void)state;
    use_folder("cache");
    store("behind the link");
    assert_int_equal(rename("cache", "elsewhere"), 0);
    assert_int_equal(symlink("elsewhere", "cache"), 0);
    assert_loads("behind the link");
    assert_int_equal(rename("elsewhere/ghostvk/" KEY, "file"), 0);
    assert_int_equal(symlink("../../file", "elsewhere/ghostvk/" KEY), 0);
    assert_false(load());
    store("new");
    assert_false(load());
    assert_int_equal(lstat("elsewhere/ghostvk/" KEY, &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    char *kept = read_file("file", NULL);
    assert_string_equal(kept, "behind the link");
    free(kept);
    assert_int_equal(unlink("elsewhere/ghostvk/" KEY), 0);
    assert_int_equal(symlink(KEY, "elsewhere/ghostvk/" KEY), 0); /* to itself */
    store("x");
    assert_false(load());
    assert_names("elsewhere/ghostvk", KEY "\n");
    assert_int_equal(unlink("elsewhere/ghostvk/" KEY), 0);
    assert_int_equal(rename("elsewhere/ghostvk", "other"), 0);
    assert_int_equal(symlink("../other", "elsewhere/ghostvk"), 0);
    store("x");
    assert_false(load());
    assert_names("other", "");
    assert_int_equal(unlink("cache"), 0);
    assert_int_equal(symlink("nowhere", "cache"), 0);
    store("x");
    assert_false(load());
    assert_int_equal(lstat("cache", &status), 0);
    assert_true(S_ISLNK(status.st_mode));
}

static void an_empty_file_is_none_and_a_huge_one_says_its_size(void **state)
{
    (void)state;
    use_folder("cache");
    store("x");
    assert_int_equal(truncate("cache/ghostvk/" KEY, 0), 0);
    assert_false(load());
    off_t huge = (off_t)1 << 40;
    if (truncate("cache/ghostvk/" KEY, huge) == 0) { /* sparse; some file systems have none */
        size_t count = 0;
        assert_int_equal(cache_folder_load(NULL, KEY, NULL, &count), GVK_OK);
        assert_true(count == (size_t)huge);
    }
    store("small again");
    assert_loads("small again");
}

/* As main.c does: a file over the limit is a write that fails. */
static void a_full_disk_keeps_what_was_stored(void **state)
{
    static char large[100000];
    struct rlimit before, none;
    (void)state;
    memset(large, 'x', sizeof large - 1);
    use_folder("cache");
    store("stored before");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    static const rlim_t limits[] = {0, 10, 4096, 99998};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        none = (struct rlimit){.rlim_cur = limits[i], .rlim_max = before.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
        store(large);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_loads("stored before");
        assert_names("cache/ghostvk", KEY "\n");
    }
    signal(SIGXFSZ, handler);
}

#define WRITERS 4
#define ROUNDS  300
#define LENGTH  3000

/* Each writes files all of one letter; whoever looks sees one letter, and always a file. */
static void several_processes_store_at_once_and_a_reader_sees_whole_files(void **state)
{
    char text[LENGTH + 1] = {0};
    pid_t writers[WRITERS];
    unsigned seen[WRITERS] = {0}, reads = 0;
    (void)state;
    use_folder("cache");
    memset(text, 'a', LENGTH);
    store(text);
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = fork();
        assert_true(writers[i] >= 0);
        if (writers[i] == 0) {
            memset(text, 'a' + i, LENGTH);
            for (int round = 0; round < ROUNDS; round++)
                store(text);
            _exit(0);
        }
    }
    for (int living = WRITERS; living; reads++) {
        if (!load() || content_count != LENGTH || content[0] < 'a' || content[0] >= 'a' + WRITERS)
            fail_msg("read %u: %zu bytes, first 0x%02x", reads, content_count, (unsigned char)content[0]);
        for (size_t i = 1; i < LENGTH; i++)
            if (content[i] != content[0])
                fail_msg("read %u: two writers in one file, at byte %zu", reads, i);
        seen[content[0] - 'a']++;
        int status;
        if (waitpid(-1, &status, WNOHANG) > 0) {
            assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
            living--;
        }
    }
    print_message("             %u reads; by writer %u, %u, %u, %u\n", reads, seen[0], seen[1], seen[2], seen[3]);
    assert_names("cache/ghostvk", KEY "\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(a_folder_is_made_and_a_file_replaced_whole),
        TEST_IN_FOLDER(without_a_cache_folder_the_home_has_it_and_without_both_there_is_none),
        TEST_IN_FOLDER(a_path_without_end_is_left_alone),
        TEST_IN_FOLDER(a_folder_that_cannot_be_made_is_done_without),
        TEST_IN_FOLDER(a_folder_without_rights_is_read_or_done_without),
        TEST_IN_FOLDER(what_is_no_file_is_neither_read_nor_written),
        TEST_IN_FOLDER(folder_and_files_are_for_their_owner_whatever_the_umask),
        TEST_IN_FOLDER(a_folder_that_others_can_read_becomes_private),
        TEST_IN_FOLDER(what_others_may_have_written_is_neither_read_nor_written),
        TEST_IN_FOLDER(links_above_the_folder_are_followed_and_others_are_not),
        TEST_IN_FOLDER(an_empty_file_is_none_and_a_huge_one_says_its_size),
        TEST_IN_FOLDER(a_full_disk_keeps_what_was_stored),
        TEST_IN_FOLDER(several_processes_store_at_once_and_a_reader_sees_whole_files),
    };
    return cmocka_run_group_tests_name("cache folder", tests, NULL, NULL);
}
