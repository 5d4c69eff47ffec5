/* See files.h. */
#if defined(__linux__) && !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE /* what an entry of a folder is, without asking for each */
#endif
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* realpath is no part of plain POSIX */
#endif

#include "files.h"
#include "paths.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 40
#define PIECE_MAX ((size_t)1 << 30)

/* ---- what is there ----------------------------------------------------------------------------------------------- */

static bool describe(int failed, const struct stat *status, struct file_status *out)
{
    if (failed)
        return false;
    unsigned mode = status->st_mode;
    *out = (struct file_status){
        .kind = S_ISREG(mode)                    ? FILE_REGULAR
                : S_ISDIR(mode)                  ? FILE_FOLDER
                : S_ISCHR(mode) || S_ISBLK(mode) ? FILE_DEVICE
                                                 : FILE_PIPE,
        .size = status->st_size > 0 ? (uint64_t)status->st_size : 0,
        .place = {(uint64_t)status->st_dev, (uint64_t)status->st_ino},
        .rights = mode & 0777,
    };
    return true;
}

bool file_look(const char *path, struct file_status *out)
{
    struct stat status;
    return describe(stat(path, &status), &status, out);
}

bool file_look_at_open(int file, struct file_status *out)
{
    struct stat status;
    return describe(fstat(file, &status), &status, out);
}

bool file_is_readable(const char *path)
{
    return access(path, R_OK) == 0;
}

bool file_is_writable(const char *path)
{
    return access(path, W_OK) == 0;
}

char *file_real_path(const char *path)
{
    return realpath(path, NULL);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

int file_open(const char *path)
{
    return open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

ptrdiff_t file_read(int file, void *bytes, size_t count)
{
    ssize_t got;
    do
        got = read(file, bytes, count < PIECE_MAX ? count : PIECE_MAX);
    while (got < 0 && errno == EINTR);
    return got;
}

ptrdiff_t file_read_at(int file, void *bytes, size_t count, uint64_t offset)
{
    ssize_t got;
    do
        got = pread(file, bytes, count < PIECE_MAX ? count : PIECE_MAX, (off_t)offset);
    while (got < 0 && errno == EINTR);
    return got;
}

void file_close(int file)
{
    int kept = errno;
    close(file);
    errno = kept;
}

bool file_wait(int file, int ms)
{
    struct pollfd waiting = {.fd = file, .events = POLLIN};
    return poll(&waiting, 1, ms) > 0;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

int file_create(const char *path, unsigned rights)
{
    return open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)rights);
}

int file_open_to_add(const char *path, unsigned rights)
{
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, (mode_t)rights);
}

bool file_cut(int file, uint64_t size)
{
    return ftruncate(file, (off_t)size) == 0;
}

bool file_set_rights(int file, unsigned rights)
{
    return fchmod(file, (mode_t)rights) == 0;
}

int file_open_straight(const char *path, bool *nobody_reads)
{
    struct stat status;
    int file = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    int reason = errno, flags = file < 0 ? -1 : fcntl(file, F_GETFL);
    *nobody_reads = false;
    if (flags >= 0 && fcntl(file, F_SETFL, flags & ~O_NONBLOCK) == 0)
        return file;
    if (file >= 0) {
        reason = errno;
        close(file);
    }
    *nobody_reads = reason == ENXIO && stat(path, &status) == 0 && S_ISFIFO(status.st_mode);
    errno = reason;
    return -1;
}

bool file_is_descriptor(const char *path)
{
    return strncmp(path, "/dev/fd/", 8) == 0 || strncmp(path, "/proc/", 6) == 0 || strcmp(path, "/dev/stderr") == 0;
}

FILE *file_stream(int file)
{
    return fdopen(file, "wb");
}

bool file_look_at_stream(FILE *stream, struct file_status *out)
{
    return file_look_at_open(fileno(stream), out);
}

ptrdiff_t file_write_under(FILE *stream, const void *bytes, size_t count)
{
    return write(fileno(stream), bytes, count);
}

char *file_target(const char *path)
{
    char *current = path_in_folder("", path);
    for (unsigned links = 0; current; links++) {
        struct stat status;
        if (lstat(current, &status) != 0) {
            if (errno == ENOENT)
                return current;
            break;
        }
        if (!S_ISLNK(status.st_mode))
            return current;
        char target[4096];
        ssize_t length = readlink(current, target, sizeof target);
        if (length < 0)
            break;
        if ((size_t)length >= sizeof target || links == LINKS_MAX) {
            errno = ELOOP;
            break;
        }
        target[length] = 0;
        char *next = path_in_folder(target[0] == '/' ? "" : current, target);
        free(current);
        current = next;
    }
    int reason = errno;
    free(current);
    errno = reason;
    return NULL;
}

bool file_replace(const char *from, const char *to)
{
    return rename(from, to) == 0;
}

bool file_remove(const char *path)
{
    return unlink(path) == 0;
}

/* ---- locks ------------------------------------------------------------------------------------------------------- */

/* Not fcntl's: that one ends when the process closes the file under any number. */
enum file_lock file_try_lock(int file)
{
    int failed;
    do
        failed = flock(file, LOCK_EX | LOCK_NB);
    while (failed && errno == EINTR);
    return !failed ? FILE_LOCK_TAKEN : errno == EWOULDBLOCK ? FILE_LOCK_HELD : FILE_LOCK_UNKNOWN;
}

bool file_is_replaced_while_open(void)
{
    return true;
}

void file_close_and_remove(int file, const char *path)
{
    file_remove(path); /* before somebody can have it: they find that the name is gone */
    file_close(file);
}

/* ---- folders ----------------------------------------------------------------------------------------------------- */

bool folder_make(const char *path, bool is_private)
{
    if (mkdir(path, is_private ? 0700 : 0777) != 0)
        return false;
    return !is_private || chmod(path, 0700) == 0; /* which the umask may have taken bits of */
}

void folder_remove(const char *path)
{
    rmdir(path);
}

/* Most file systems tell with the name what it is. */
static enum folder_entry kind_of_entry(DIR *folder, const struct dirent *entry)
{
    struct stat status;
#if defined(DT_UNKNOWN)
    if (entry->d_type == DT_REG)
        return FOLDER_ENTRY_FILE;
    if (entry->d_type == DT_DIR)
        return FOLDER_ENTRY_FOLDER;
    if (entry->d_type != DT_UNKNOWN)
        return FOLDER_ENTRY_OTHER;
#endif
    if (fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return FOLDER_ENTRY_OTHER;
    return S_ISREG(status.st_mode)   ? FOLDER_ENTRY_FILE
           : S_ISDIR(status.st_mode) ? FOLDER_ENTRY_FOLDER
                                     : FOLDER_ENTRY_OTHER;
}

bool folder_visit(const char *path, bool (*visit)(void *user, const char *name, enum folder_entry entry), void *user)
{
    DIR *folder = opendir(path);
    if (!folder)
        return false;
    const struct dirent *entry;
    int reason = 0;
    bool goes_on = true;
    while (goes_on) {
        errno = 0;
        entry = readdir(folder);
        reason = errno;
        if (!entry)
            break;
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            goes_on = visit(user, entry->d_name, kind_of_entry(folder, entry));
    }
    closedir(folder);
    errno = goes_on ? reason : 0;
    return goes_on && !reason;
}
