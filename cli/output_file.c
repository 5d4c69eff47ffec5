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
    snprintf(message, message_size, "cannot be written: %s",
             reason ? strerror(reason) : "the output reported an error without a reason");
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

/* Where `path` leads when the links at its end are followed, to a file that need not exist. NULL with errno set. */
static char *follow_links(const char *path)
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
static int create_temporary(struct output_file *file)
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
        int descriptor = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
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

static bool open_straight(struct output_file *file, const char *path, char *message, size_t message_size)
{
    int descriptor = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
    if (descriptor < 0 || !attach_stream(file, descriptor))
        return refuse(message, message_size, errno);
    return true;
}

/* Descriptors under a name: renaming onto them would cut the reader off. */
static bool names_descriptor(const char *path)
{
    return strncmp(path, "/dev/fd/", 8) == 0 || strncmp(path, "/proc/", 6) == 0 || strcmp(path, "/dev/stderr") == 0;
}

bool output_file_open(struct output_file *file, const char *path, char *message, size_t message_size)
{
    *file = (struct output_file){0};
    if (strcmp(path, "-") == 0 || strcmp(path, "/dev/stdout") == 0) {
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
    if (names_descriptor(path) || (exists && !S_ISREG(status.st_mode)))
        return open_straight(file, path, message, message_size);
    /* A rename needs no right on the file itself, but who made it read-only meant it. */
    if (exists && access(path, W_OK) != 0)
        return refuse(message, message_size, errno);

    file->target = follow_links(path);
    int descriptor = file->target ? create_temporary(file) : -1;
    if (descriptor < 0 || (exists && fchmod(descriptor, status.st_mode & 0777) != 0)) {
        int reason = errno;
        if (descriptor >= 0)
            close(descriptor);
        remove_temporary(file);
        return refuse(message, message_size, reason);
    }
    if (!attach_stream(file, descriptor)) {
        int reason = errno;
        remove_temporary(file);
        return refuse(message, message_size, reason);
    }
    return true;
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
