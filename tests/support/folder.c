/* See folder.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void enter_new_folder(char path[64])
{
    strcpy(path, "/tmp/ghostvk-XXXXXX");
    assert_non_null(mkdtemp(path));
    assert_int_equal(chmod(path, 0755), 0);
    assert_int_equal(chdir(path), 0);
}

void empty_folder(const char *path)
{
    DIR *directory = opendir(path);
    if (!directory)
        return;
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        size_t size = strlen(path) + strlen(entry->d_name) + 2;
        char *inside = malloc(size);
        if (!inside)
            continue;
        snprintf(inside, size, "%s/%s", path, entry->d_name);
        if (unlink(inside) != 0) {
            chmod(inside, 0700);
            empty_folder(inside);
            rmdir(inside);
        }
        free(inside);
    }
    closedir(directory);
}

void leave_folder(const char *path)
{
    empty_folder(path);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(rmdir(path), 0);
}

char test_folder[64];

int enter_test_folder(void **state)
{
    (void)state;
    enter_new_folder(test_folder);
    return 0;
}

int leave_test_folder(void **state)
{
    (void)state;
    leave_folder(test_folder);
    return 0;
}

static int compare_names(const void *left, const void *right)
{
    const char *const *a = left, *const *b = right;
    return strcmp(*a, *b);
}

char *list_folder(const char *path)
{
    char *names[1024];
    size_t count = 0, length = 0;
    DIR *directory = opendir(path);
    for (const struct dirent *entry; directory && (entry = readdir(directory)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        assert_true(count < sizeof names / sizeof names[0]);
        size_t bytes = strlen(entry->d_name) + 1;
        names[count] = malloc(bytes);
        assert_non_null(names[count]);
        memcpy(names[count++], entry->d_name, bytes);
        length += bytes;
    }
    if (directory)
        closedir(directory);
    qsort(names, count, sizeof names[0], compare_names);
    char *list = malloc(length + 1), *at = list;
    assert_non_null(list);
    for (size_t i = 0; i < count; i++) {
        size_t bytes = strlen(names[i]);
        memcpy(at, names[i], bytes);
        at[bytes] = '\n';
        at += bytes + 1;
        free(names[i]);
    }
    *at = 0;
    return list;
}

static bool find_entry(const char *path, const char *start, bool filled)
{
    bool found = false;
    DIR *directory = opendir(path);
    assert_non_null(directory);
    for (const struct dirent *entry; !found && (entry = readdir(directory)) != NULL;) {
        struct stat status;
        found = strncmp(entry->d_name, start, strlen(start)) == 0;
        if (found && filled) /* it may be gone already */
            found = fstatat(dirfd(directory), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_size > 0;
    }
    closedir(directory);
    return found;
}

bool has_entry(const char *path, const char *start)
{
    return find_entry(path, start, false);
}

bool has_filled_entry(const char *path, const char *start)
{
    return find_entry(path, start, true);
}

bool path_exists(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

void write_file(const char *path, const void *bytes, uint64_t count)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    if (count)
        assert_int_equal(fwrite(bytes, 1, (size_t)count, file), count);
    assert_int_equal(fclose(file), 0);
}

char *read_file(const char *path, uint64_t *count)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long length = ftell(file);
    assert_true(length >= 0);
    rewind(file);
    char *bytes = malloc((size_t)length + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, (size_t)length, file), length);
    bytes[length] = 0;
    fclose(file);
    if (count)
        *count = (uint64_t)length;
    return bytes;
}
