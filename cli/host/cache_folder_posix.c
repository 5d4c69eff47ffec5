/* One file a key in the cache folder, replaced whole; on systems where files have an owner and rights.
 *
 * A driver is given what lies there, so nothing counts that another user may have written: folder and files must be
 * ours, and writable for nobody else. What is made here others cannot even read, whatever the umask. */
#include "cache_file.h"
#include "cache_folder.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/base/message.h"
#include "cli/system/process.h"
#include "program.h"

#define PATH_SIZE 4096

static bool write_path(char *path, size_t size)
{
    static const char name[] = "/ghostvk";
    if (!process_cache_folder(path, size) || strlen(path) + sizeof name > size)
        return false;
    memcpy(path + strlen(path), name, sizeof name);
    return true;
}

/* The folder and those above it, as far as they are missing. */
static void make_folder(char *path)
{
    for (char *at = path + 1;; at++) {
        if (*at != '/' && *at != 0)
            continue;
        char kept = *at;
        *at = 0;
        if (mkdir(path, 0700) == 0)
            chmod(path, 0700); /* which the umask may have taken bits of */
        *at = kept;
        if (!kept)
            return;
    }
}

/* Why what lies there is not to be trusted, or NULL. */
static const char *find_distrust(const struct stat *status)
{
    if (status->st_uid != geteuid())
        return "it is another user's";
    return status->st_mode & (S_IWGRP | S_IWOTH) ? "others may write to it" : NULL;
}

static void say_distrust(struct program *program, const char *path, const char *reason)
{
    if (!program || program->cache_distrusted)
        return;
    program->cache_distrusted = true;
    if (program->verbosity > 0)
        say("info: the cache in %s is not used: %s", path, reason);
}

/* -1 when there is none to be trusted. `path` gets its name; a link in its place is none. */
static int open_folder(struct program *program, bool make, char *path, size_t size)
{
    struct stat status;
    if (!write_path(path, size))
        return -1;
    if (make)
        make_folder(path);
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return -1;
    const char *distrust = fstat(folder, &status) == 0 ? find_distrust(&status) : "it cannot be looked at";
    if (!distrust) {
        /* One that was made before folders were private. */
        if (make && (status.st_mode & S_IWUSR) && (status.st_mode & 077))
            fchmod(folder, status.st_mode & 0700);
        return folder;
    }
    say_distrust(program, path, distrust);
    close(folder);
    return -1;
}

gvk_result cache_folder_load(void *user, const char *key, void *bytes, size_t *count)
{
    char path[PATH_SIZE];
    int folder = open_folder(user, false, path, sizeof path);
    if (folder < 0)
        return GVK_ERROR_FILE;
    /* A pipe in its place must not make us wait. */
    int descriptor = openat(folder, key, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
    close(folder);
    if (descriptor < 0)
        return GVK_ERROR_FILE;
    gvk_result result = GVK_ERROR_FILE;
    struct stat status;
    if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size <= 0)
        goto done;
    const char *distrust = find_distrust(&status);
    if (distrust) {
        say_distrust(user, path, distrust);
        goto done;
    }
    result = cache_file_read(descriptor, (uint64_t)status.st_size, bytes, count);
done:
    close(descriptor);
    return result;
}

static bool store(struct program *program, const char *key, const void *bytes, size_t count)
{
    char path[PATH_SIZE];
    struct stat status;
    int folder = open_folder(program, true, path, sizeof path);
    if (folder < 0)
        return false;
    /* What is no file in the file's place was put there by somebody who means it. */
    bool free_to_write = fstatat(folder, key, &status, AT_SYMLINK_NOFOLLOW) != 0 || S_ISREG(status.st_mode);
    close(folder);
    size_t length = strlen(path);
    int used = snprintf(path + length, sizeof path - length, "/%s", key);
    return free_to_write && used >= 0 && (size_t)used < sizeof path - length && cache_file_write(path, bytes, count);
}

void cache_folder_store(void *user, const char *key, const void *bytes, size_t count)
{
    struct program *program = user;
    if (!store(program, key, bytes, count) && program)
        program->cache_failed = true;
}
