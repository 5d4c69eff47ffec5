/* Reads a checkpoint's file whole. Only regular files are read: a pipe or a device could block for ever or never end.
 * Called by checkpoint.c. */
#include "reader.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <io.h>
#include <windows.h>
#else
#include <unistd.h>
#endif

#define HEAD_BYTES  4096u
#define CHUNK_BYTES (64u << 20) /* some systems refuse a single read of 2 GiB and more */

static gvk_result fail_file(const gvk_source *source, const char *what)
{
    return gvk_fail(source->host, GVK_ERROR_FILE, "%s: %s", source->label, what);
}

static gvk_result fail_open(const gvk_source *source, int reason)
{
    switch (reason) {
    case ENOENT: return fail_file(source, "there is no such file.");
    case ENOTDIR: return fail_file(source, "a part of the path is not a directory.");
    case EACCES: return fail_file(source, "the file may not be read by this user.");
    case ENAMETOOLONG: return fail_file(source, "the path is too long.");
    case EISDIR: return fail_file(source, "this is a directory, not a file.");
    case EMFILE: return fail_file(source, "too many files are open.");
    default:
        return gvk_fail(source->host, GVK_ERROR_FILE, "%s: the file cannot be opened (system error %d).", source->label,
                        reason);
    }
}

#if defined(_WIN32)

static gvk_result open_file(const gvk_source *source, const char *path, int *out)
{
    int units = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, NULL, 0);
    if (units <= 0)
        return fail_file(source, "the path is not valid UTF-8.");
    wchar_t *wide = gvk_allocate_array(source->host, (size_t)units, sizeof *wide);
    if (!wide)
        return gvk_fail_memory(source->host);
    MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, wide, units);
    int file = _wopen(wide, _O_RDONLY | _O_BINARY | _O_NOINHERIT);
    int reason = errno;
    gvk_release(source->host, wide);
    if (file < 0)
        return fail_open(source, reason);
    *out = file;
    return GVK_OK;
}

/* The size of a regular file, or -1. */
static int64_t measure_file(int file, bool *is_directory)
{
    struct _stat64 status;
    if (_fstat64(file, &status) != 0)
        return -1;
    *is_directory = (status.st_mode & _S_IFDIR) != 0;
    return (status.st_mode & _S_IFREG) ? status.st_size : -1;
}

static int64_t read_some(int file, unsigned char *bytes, size_t count)
{
    return _read(file, bytes, (unsigned)count);
}

static void close_file(int file)
{
    _close(file);
}

#else

static gvk_result open_file(const gvk_source *source, const char *path, int *out)
{
    /* Without O_NONBLOCK, opening a pipe would wait for its writer. It changes nothing for a regular file. */
    int file = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (file < 0)
        return fail_open(source, errno);
    *out = file;
    return GVK_OK;
}

/* The size of a regular file, or -1. */
static int64_t measure_file(int file, bool *is_directory)
{
    struct stat status;
    if (fstat(file, &status) != 0)
        return -1;
    *is_directory = S_ISDIR(status.st_mode);
    return S_ISREG(status.st_mode) ? (int64_t)status.st_size : -1;
}

static int64_t read_some(int file, unsigned char *bytes, size_t count)
{
    ssize_t got;
    do
        got = read(file, bytes, count);
    while (got < 0 && errno == EINTR);
    return got;
}

static void close_file(int file)
{
    close(file);
}

#endif

/* Exactly `count` bytes, or a refusal. */
static gvk_result read_all(const gvk_source *source, int file, unsigned char *bytes, size_t count)
{
    for (size_t done = 0; done < count;) {
        size_t wanted = count - done < CHUNK_BYTES ? count - done : CHUNK_BYTES;
        int64_t got = read_some(file, bytes + done, wanted);
        if (got < 0)
            return fail_file(source, "reading the file failed.");
        if (got == 0)
            return fail_file(source, "the file became shorter while it was read.");
        done += (size_t)got;
    }
    return GVK_OK;
}

gvk_result gvk_load_file(const gvk_source *source, const char *path, unsigned char **bytes, size_t *count)
{
    int file = -1;
    gvk_result result = open_file(source, path, &file);
    if (result)
        return result;

    unsigned char *block = NULL;
    unsigned char head[HEAD_BYTES];
    bool is_directory = false;
    int64_t size = measure_file(file, &is_directory);
    size_t head_count = 0;
    gvk_file_kind kind;
    if (is_directory)
        result = fail_file(source, "this is a directory, not a file.");
    else if (size < 0)
        result = fail_file(source, "this is not a regular file; pipes and devices are not read.");
    else if ((uint64_t)size > GVK_CHECKPOINT_FILE_LIMIT || (uint64_t)size > SIZE_MAX)
        result = fail_file(source, "the file is larger than 4 GiB, which is more than a checkpoint may take.");
    if (result)
        goto done;

    head_count = (uint64_t)size < HEAD_BYTES ? (size_t)size : HEAD_BYTES;
    result = read_all(source, file, head, head_count);
    if (!result) /* before the large block, so that a stray large file costs nothing */
        result = gvk_recognise(source, head, head_count, &kind);
    if (result)
        goto done;

    block = gvk_allocate_unfilled(source->host, (size_t)size);
    if (!block) {
        result = gvk_fail_memory(source->host);
        goto done;
    }
    memcpy(block, head, head_count);
    result = read_all(source, file, block + head_count, (size_t)size - head_count);
    if (!result) {
        *bytes = block;
        *count = (size_t)size;
        block = NULL;
    }

done:
    gvk_release(source->host, block);
    close_file(file);
    return result;
}
