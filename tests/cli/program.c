/* Starts the program and keeps what it wrote; program.h says what each part is for. */
#include "program.h"

#include <stdlib.h>
#include <string.h>

char folder[64];
struct child ran;
const char *const no_vulkan[] = {"VK_ICD_FILENAMES=/nonexistent", "VK_DRIVER_FILES=/nonexistent",
                                 "VK_ADD_DRIVER_FILES=", NULL};

char *read_whole(const char *path, uint64_t *size)
{
    char *bytes = read_file(path, size);
    if (!bytes)
        fail_msg("%s cannot be read", path);
    return bytes;
}

void write_text(const char *path, const char *text)
{
    write_file(path, text, strlen(text));
}

void copy_file(const char *from, const char *to)
{
    uint64_t size;
    char *bytes = read_whole(from, &size);
    write_file(to, bytes, size);
    free(bytes);
}

void run_program(const char *program, struct child asked, const char *const *arguments)
{
    release_child(&ran);
    ran = asked;
    run_child(&ran, program, arguments);
}

size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part))
        count++;
    return count;
}

void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in:\n%s", part, text);
}

void assert_refused(int code, const char *part, const char *other)
{
    if (!only_sentence(&ran))
        fail_msg("one line was expected:\n%s", ran.err);
    assert_contains(ran.err, part);
    assert_contains(ran.err, other);
    if (ran.code != code)
        fail_msg("exit code %d, not %d:\n%s", ran.code, code, ran.err);
}

void assert_done(void)
{
    if (ran.code != 0)
        fail_msg("exit code %d:\n%s", ran.code, ran.err);
    size_t said = count_of(ran.err, "ghostvk: note: ") + count_of(ran.err, "ghostvk: info: ");
    assert_int_equal(count_of(ran.err, "ghostvk: "), said);
}

int make_folder(void **state)
{
    (void)state;
    enter_new_folder(folder);
    return 0;
}

int remove_folder(void **state)
{
    (void)state;
    release_child(&ran);
    leave_folder(folder);
    return 0;
}

int begin_test(void **state)
{
    (void)state;
    empty_folder(folder);
    return 0;
}
