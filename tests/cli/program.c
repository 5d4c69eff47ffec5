/* Starts the program and keeps what it wrote; program.h says what each part is for. */
#include "program.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARGUMENTS_MAX 32

char folder[64];
static char captured[64]; /* beside it: what the program wrote */
struct run ran;

char *read_whole(const char *path, size_t *size)
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

void write_bytes(const char *path, const void *bytes, size_t count)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    assert_int_equal(fclose(file), 0);
}

void write_text(const char *path, const char *text)
{
    write_bytes(path, text, strlen(text));
}

void copy_file(const char *from, const char *to)
{
    size_t size;
    char *bytes = read_whole(from, &size);
    write_bytes(to, bytes, size);
    free(bytes);
}

bool exists(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

bool has_entry(const char *path, const char *start)
{
    bool found = false;
    DIR *directory = opendir(path);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        found = found || strncmp(entry->d_name, start, strlen(start)) == 0;
    closedir(directory);
    return found;
}

static void redirect(const char *path, int descriptor)
{
    int opened = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (opened < 0 || dup2(opened, descriptor) < 0)
        _exit(99);
    close(opened);
}

static void interrupt_when_ready(pid_t child, const char *start)
{
    struct timespec pause = {.tv_nsec = 5000000};
    for (int attempt = 0; attempt < 12000 && !has_entry(".", start); attempt++)
        nanosleep(&pause, NULL);
    kill(child, SIGINT);
}

void run_list(const struct setting *setting, const char *const *arguments)
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

void assert_done(void)
{
    if (ran.code != 0)
        fail_msg("exit code %d:\n%s", ran.code, ran.err);
    assert_int_equal(count_of(ran.err, "ghostvk: "), count_of(ran.err, "ghostvk: note: "));
}

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

int make_folders(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/ghostvk-cli-XXXXXX");
    strcpy(captured, "/tmp/ghostvk-cli-XXXXXX");
    return mkdtemp(folder) && mkdtemp(captured) ? chdir(folder) : -1;
}

int remove_folders(void **state)
{
    (void)state;
    free(ran.out);
    free(ran.err);
    remove_content(folder);
    remove_content(captured);
    return chdir("/") | rmdir(folder) | rmdir(captured);
}

int empty_folder(void **state)
{
    (void)state;
    remove_content(folder);
    return 0;
}
