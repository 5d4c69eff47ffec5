/* See output_file.h. The only state of the program beside its options: the names of temporary files, which a signal
 * handler needs. */
#include "output_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "cli/system/files.h"
#include "cli/system/paths.h"
#include "cli/system/process.h"

#define ATTEMPTS_MAX 100

/* A slot owns its string: whoever exchanges it for NULL may free it. A signal handler takes it and frees nothing. */
static _Atomic(char *) temporaries[OUTPUT_FILES_OPEN_MAX];
static atomic_uint temporaries_made;

bool output_register(char *path)
{
    for (size_t slot = 0; slot < OUTPUT_FILES_OPEN_MAX; slot++) {
        char *none = NULL;
        if (atomic_compare_exchange_strong(&temporaries[slot], &none, path))
            return true;
    }
    return false;
}

void output_forget(char *path)
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
            file_remove(path);
    }
    errno = kept;
}

static bool refuse(char *message, size_t message_size, int reason)
{
    const char *words = reason == EBADF ? "it is closed" : reason ? strerror(reason) : "it reported an error";
    snprintf(message, message_size, "cannot be written: %s", words);
    return false;
}

bool output_is_stdout(const char *path)
{
    return strcmp(path, "-") == 0 || strcmp(path, "/dev/stdout") == 0;
}

/* Makes the file behind file->temporary, in the target's folder because a rename does not cross file systems. */
static int create_temporary(struct output_file *file, unsigned rights)
{
    for (unsigned attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        char name[96];
        snprintf(name, sizeof name, ".ghostvk-%" PRIx64 "-%x.part", process_mark(),
                 atomic_fetch_add(&temporaries_made, 1));
        file->temporary = path_in_folder(file->target, name);
        if (!file->temporary)
            return -1;
        /* Registered first: a signal between the two calls must find the name, and no other process has this one. */
        if (!output_register(file->temporary)) {
            free(file->temporary);
            file->temporary = NULL;
            errno = EMFILE;
            return -1;
        }
        int descriptor = file_create(file->temporary, rights);
        if (descriptor >= 0)
            return descriptor;
        int reason = errno;
        output_forget(file->temporary);
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
        file_remove(file->temporary);
        output_forget(file->temporary);
    }
    free(file->target);
    *file = (struct output_file){0};
}

/* Gives `file` its stream, or closes the descriptor. */
static bool attach_stream(struct output_file *file, int descriptor)
{
    file->stream = file_stream(descriptor);
    if (!file->stream)
        file_close(descriptor);
    return file->stream != NULL;
}

/* A device or pipe, without waiting for somebody at its other end. -1 with the message. */
static int open_straight(const char *path, char *message, size_t message_size)
{
    bool nobody_reads = false;
    int descriptor = file_open_straight(path, &nobody_reads);
    if (nobody_reads)
        snprintf(message, message_size, "cannot be written: it is a pipe that nobody reads");
    else if (descriptor < 0)
        refuse(message, message_size, errno);
    return descriptor;
}

/* The file beside file->target, with the rights in `wanted` where there is one. On failure errno is set and nothing
 * left. */
static bool open_temporary(struct output_file *file, unsigned rights, const unsigned *wanted)
{
    int descriptor = file->target ? create_temporary(file, rights) : -1, reason = errno;
    if (descriptor >= 0 && wanted && !file_set_rights(descriptor, *wanted)) {
        reason = errno;
        file_close(descriptor);
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

static bool is_straight(const char *path, const struct file_status *status_or_null)
{
    return file_is_descriptor(path) ||
           (status_or_null && status_or_null->kind != FILE_REGULAR && status_or_null->kind != FILE_FOLDER);
}

bool output_file_try(const char *path, int *held, char *message, size_t message_size)
{
    struct output_file file;
    struct file_status status;
    *held = -1;
    if (output_is_stdout(path))
        return true;
    if (is_straight(path, file_look(path, &status) ? &status : NULL))
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
    struct file_status status;
    bool exists = file_look(path, &status);
    if (!exists && errno != ENOENT)
        return refuse(message, message_size, errno);
    if (length == 0 || path_parts_at(path[length - 1]) || (exists && status.kind == FILE_FOLDER)) {
        snprintf(message, message_size, "cannot be written: %s", length ? "it is a folder" : "its name is empty");
        return false;
    }
    if (is_straight(path, exists ? &status : NULL)) {
        int straight = open_straight(path, message, message_size);
        return straight >= 0 && (attach_stream(file, straight) || refuse(message, message_size, errno));
    }
    /* A rename needs no right on the file itself, but who made it read-only meant it. */
    if (exists && !file_is_writable(path))
        return refuse(message, message_size, errno);

    file->target = file_target(path);
    return open_temporary(file, FILE_RIGHTS_USUAL, exists ? &status.rights : NULL) ||
           refuse(message, message_size, errno);
}

bool output_file_open_private(struct output_file *file, const char *path, char *message, size_t message_size)
{
    static const unsigned private = FILE_RIGHTS_PRIVATE;
    *file = (struct output_file){.target = path_in_folder("", path)};
    return open_temporary(file, private, &private) || refuse(message, message_size, errno);
}

/* A pipe is never tried: somebody reads it. */
int output_find_reason(FILE *stream)
{
    struct file_status status;
    bool is_tried = file_look_at_stream(stream, &status) && status.kind != FILE_PIPE;
    return is_tried && file_write_under(stream, "\n", 1) < 0 ? errno : 0;
}

/* A file that will be removed is tried with more: what is left of the disk may take a little. */
static int find_reason(const struct output_file *file)
{
    static const char zeros[65536];
    if (!file->temporary)
        return output_find_reason(file->stream);
    for (unsigned attempt = 0; attempt < 3; attempt++)
        if (file_write_under(file->stream, zeros, sizeof zeros) < 0)
            return errno;
    return 0;
}

const char *output_file_leave(struct output_file *file)
{
    if (!file->temporary)
        return NULL;
    fclose(file->stream);
    file->stream = NULL;
    return file->temporary;
}

/* No fsync: the promise is about errors, kills and interrupts, not about power cuts, and a folder of a thousand
 * pictures would pay for it. */
bool output_file_commit(struct output_file *file, char *message, size_t message_size)
{
    errno = 0;
    bool has_stream = file->stream != NULL;
    bool failed = has_stream && fflush(file->stream) != 0;
    int reason = failed ? errno : 0;
    failed = (has_stream && ferror(file->stream) != 0) || failed;
    if (failed && !reason)
        reason = find_reason(file);
    if (has_stream && file->stream != stdout && fclose(file->stream) != 0 && !failed) {
        failed = true;
        reason = errno;
    }
    file->stream = NULL;
    if (!failed && file->target && !file_replace(file->temporary, file->target)) {
        failed = true;
        reason = errno;
    }
    if (failed) {
        remove_temporary(file);
        return refuse(message, message_size, reason);
    }
    if (file->temporary)
        output_forget(file->temporary);
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
