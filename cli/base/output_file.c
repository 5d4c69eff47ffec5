/* See output_file.h. The only state of the program beside its options: the names of temporary files, which a signal
 * handler needs. */
#include "output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LINKS_MAX    40
#define ATTEMPTS_MAX 100

/* A slot owns its string: whoever exchanges it for NULL may free it. A signal handler takes it and frees nothing. */
static _Atomic(char *) temporaries[OUTPUT_FILES_OPEN_MAX];
static atomic_uint temporaries_made;

static bool register_temporary(char *path)
{
    for (size_t slot = 0; slot < OUTPUT_FILES_OPEN_MAX; slot++) {
        char *none = NULL;
        if (atomic_compare_exchange_strong(&temporaries[slot], &none, path))
            return true;
    }
    return false;
}

static void release_temporary(char *path)
{
    for (size_t slot = 0; slot < OUTPUT_FILES_OPEN_MAX; slot++) {
        char *expected = path;
        if (atomic_compare_exchange_strong(&temporaries[slot], &expected, NULL)) {
            free(path);
            return;
        }
    }
}

void output_file_abandon_all(void)
{
    int kept = errno;
    for (size_t slot = 0; slot < OUTPUT_FILES_OPEN_MAX; slot++) {
        const char *path = atomic_exchange(&temporaries[slot], NULL);
        if (path)
            unlink(path);
    }
    errno = kept;
}

static bool refuse(char *message, size_t message_size, int reason)
{
    const char *words = reason == EBADF ? "it is closed" : reason ? strerror(reason) : "it reported an error";
    snprintf(message, message_size, "cannot be written: %s", words);
    return false;
}

/* The part of `path` up to and with its last slash, followed by `name`. */
static char *join_folder(const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');
    size_t folder = slash ? (size_t)(slash - path) + 1 : 0, length = strlen(name);
    char *joined = malloc(folder + length + 1);
    if (!joined)
        return NULL;
    memcpy(joined, path, folder);
    memcpy(joined + folder, name, length + 1);
    return joined;
}

bool output_is_stdout(const char *path)
{
    return strcmp(path, "-") == 0 || strcmp(path, "/dev/stdout") == 0;
}

char *output_target(const char *path)
{
    char *current = join_folder("", path);
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
        char *next = join_folder(target[0] == '/' ? "" : current, target);
        free(current);
        current = next;
    }
    int reason = errno;
    free(current);
    errno = reason;
    return NULL;
}

/* Makes the file behind file->temporary, in the target's folder because a rename does not cross file systems. */
static int create_temporary(struct output_file *file, mode_t mode)
{
    for (unsigned attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        struct timespec now = {0};
        clock_gettime(CLOCK_REALTIME, &now);
        char name[96];
        snprintf(name, sizeof name, ".ghostvk-%ld-%lx-%x.part", (long)getpid(), (unsigned long)now.tv_nsec,
                 atomic_fetch_add(&temporaries_made, 1));
        file->temporary = join_folder(file->target, name);
        if (!file->temporary)
            return -1;
        /* Registered first: a signal between the two calls must find the name, and no other process has this one. */
        if (!register_temporary(file->temporary)) {
            free(file->temporary);
            file->temporary = NULL;
            errno = EMFILE;
            return -1;
        }
        int descriptor = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (descriptor >= 0)
            return descriptor;
        int reason = errno;
        release_temporary(file->temporary);
        file->temporary = NULL;
        errno = reason;
        if (reason != EEXIST)
            return -1;
    }
    return -1;
}

static void remove_temporary(struct output_file *file)
{
    if (file->temporary) {
        unlink(file->temporary);
        release_temporary(file->temporary);
    }
    free(file->target);
    *file = (struct output_file){0};
}

/* Gives `file` its stream, or closes the descriptor. */
static bool attach_stream(struct output_file *file, int descriptor)
{
    file->stream = fdopen(descriptor, "wb");
    if (file->stream)
        return true;
    int reason = errno;
    close(descriptor);
    errno = reason;
    return false;
}

/* A device or pipe, without waiting for somebody at its other end. -1 with the message. */
static int open_straight(const char *path, char *message, size_t message_size)
{
    struct stat status;
    int descriptor = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    int reason = errno, flags = descriptor < 0 ? -1 : fcntl(descriptor, F_GETFL);
    if (flags >= 0 && fcntl(descriptor, F_SETFL, flags & ~O_NONBLOCK) == 0)
        return descriptor; /* whose writes wait, as they should */
    if (descriptor >= 0) {
        reason = errno;
        close(descriptor);
    }
    if (reason == ENXIO && stat(path, &status) == 0 && S_ISFIFO(status.st_mode))
        snprintf(message, message_size, "cannot be written: it is a pipe that nobody reads");
    else
        refuse(message, message_size, reason);
    return -1;
}

/* The file beside file->target, with the rights in `wanted` where there is one. On failure errno is set and nothing
 * left. */
static bool open_temporary(struct output_file *file, mode_t mode, const struct stat *wanted)
{
    int descriptor = file->target ? create_temporary(file, mode) : -1, reason = errno;
    if (descriptor >= 0 && wanted && fchmod(descriptor, wanted->st_mode & 0777) != 0) {
        reason = errno;
        close(descriptor);
        descriptor = -1;
    }
    if (descriptor >= 0 && attach_stream(file, descriptor))
        return true;
    if (descriptor >= 0)
        reason = errno;
    remove_temporary(file);
    errno = reason;
    return false;
}

/* Descriptors under a name: renaming onto them would cut the reader off. */
static bool names_descriptor(const char *path)
{
    return strncmp(path, "/dev/fd/", 8) == 0 || strncmp(path, "/proc/", 6) == 0 || strcmp(path, "/dev/stderr") == 0;
}

static bool is_straight(const char *path, const struct stat *status_or_null)
{
    return names_descriptor(path) ||
           (status_or_null && !S_ISREG(status_or_null->st_mode) && !S_ISDIR(status_or_null->st_mode));
}

bool output_file_try(const char *path, int *held, char *message, size_t message_size)
{
    struct output_file file;
    struct stat status;
    *held = -1;
    if (output_is_stdout(path))
        return true;
    if (is_straight(path, stat(path, &status) == 0 ? &status : NULL))
        return (*held = open_straight(path, message, message_size)) >= 0;
    bool opened = output_file_open(&file, path, message, message_size);
    output_file_abort(&file);
    return opened;
}

bool output_file_open(struct output_file *file, const char *path, char *message, size_t message_size)
{
    *file = (struct output_file){0};
    if (output_is_stdout(path)) {
        file->stream = stdout;
        return true;
    }
    size_t length = strlen(path);
    struct stat status;
    bool exists = stat(path, &status) == 0;
    if (!exists && errno != ENOENT)
        return refuse(message, message_size, errno);
    if (length == 0 || path[length - 1] == '/' || (exists && S_ISDIR(status.st_mode))) {
        snprintf(message, message_size, "cannot be written: %s", length ? "it is a folder" : "its name is empty");
        return false;
    }
    if (is_straight(path, exists ? &status : NULL)) {
        int straight = open_straight(path, message, message_size);
        return straight >= 0 && (attach_stream(file, straight) || refuse(message, message_size, errno));
    }
    /* A rename needs no right on the file itself, but who made it read-only meant it. */
    if (exists && access(path, W_OK) != 0)
        return refuse(message, message_size, errno);

    file->target = output_target(path);
    return open_temporary(file, 0666, exists ? &status : NULL) || refuse(message, message_size, errno);
}

bool output_file_open_private(struct output_file *file, const char *path, char *message, size_t message_size)
{
    static const struct stat private = {.st_mode = 0600};
    *file = (struct output_file){.target = join_folder("", path)};
    return open_temporary(file, 0600, &private) || refuse(message, message_size, errno);
}

/* Why a write failed that happened at any time before: errno is long gone, so another write is tried, into a file that
 * will be removed. What is left of the disk may take the first one. 0: it does not fail again. */
static int find_reason(const struct output_file *file)
{
    static const char zeros[65536];
    for (unsigned attempt = 0; attempt < 3 && file->temporary; attempt++)
        if (write(fileno(file->stream), zeros, sizeof zeros) < 0)
            return errno;
    return 0;
}

/* No fsync: the promise is about errors, kills and interrupts, not about power cuts, and a folder of a thousand
 * pictures would pay for it. */
bool output_file_commit(struct output_file *file, char *message, size_t message_size)
{
    errno = 0;
    bool failed = fflush(file->stream) != 0;
    int reason = failed ? errno : 0;
    failed = ferror(file->stream) != 0 || failed;
    if (failed && !reason)
        reason = find_reason(file);
    if (file->stream != stdout && fclose(file->stream) != 0 && !failed) {
        failed = true;
        reason = errno;
    }
    file->stream = NULL;
    if (!failed && file->target && rename(file->temporary, file->target) != 0) {
        failed = true;
        reason = errno;
    }
    if (failed) {
        remove_temporary(file);
        return refuse(message, message_size, reason);
    }
    if (file->temporary)
        release_temporary(file->temporary);
    free(file->target);
    *file = (struct output_file){0};
    return true;
}

void output_file_abort(struct output_file *file)
{
    if (file->stream && file->stream != stdout)
        fclose(file->stream);
    remove_temporary(file);
}
