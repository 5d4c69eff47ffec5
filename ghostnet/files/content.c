/* A checkpoint's bytes, read as they are needed; see content.h. Only regular files are read: a pipe or a device could
 * block for ever or never end. */
#include "content.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <io.h>
#include <stdio.h>
#include <windows.h>
#else
#include <unistd.h>
#endif

#include "file_kind.h"

#define HEAD_BYTES  4096u
#define CHUNK_BYTES 16384u      /* what is loaded at least */
#define PIECE_BYTES (64u << 20) /* some systems refuse a single read of 2 GiB and more */

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

static int64_t read_some(int file, uint64_t begin, unsigned char *bytes, size_t count)
{
    return _lseeki64(file, (int64_t)begin, SEEK_SET) < 0 ? -1 : _read(file, bytes, (unsigned)count);
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

static int64_t read_some(int file, uint64_t begin, unsigned char *bytes, size_t count)
{
    ssize_t got;
    do
        got = pread(file, bytes, count, (off_t)begin);
    while (got < 0 && errno == EINTR);
    return got;
}

static void close_file(int file)
{
    close(file);
}

#endif

/* Loads the bytes from `begin` to `end`, or refuses. */
static gvk_result load(gvk_content *content, size_t begin, size_t end)
{
    if (content->memory) {
        memcpy(content->bytes + begin, content->memory + begin, end - begin);
        return GVK_OK;
    }
    while (begin < end) {
        size_t wanted = end - begin < PIECE_BYTES ? end - begin : PIECE_BYTES;
        int64_t got = read_some(content->file, begin, content->bytes + begin, wanted);
        if (got < 0)
            return fail_file(content->source, "reading the file failed.");
        if (got == 0)
            return fail_file(content->source, "the file became shorter while it was read.");
        begin += (size_t)got;
    }
    return GVK_OK;
}

static bool is_loaded(const gvk_content *content, size_t chunk)
{
    return content->loaded[chunk / 8] >> chunk % 8 & 1;
}

gvk_result gvk_content_need(gvk_content *content, uint64_t begin, uint64_t count)
{
    if (!content || !content->loaded || count == 0)
        return GVK_OK;
    size_t last = (size_t)((begin + count - 1) / CHUNK_BYTES);
    for (size_t first = (size_t)(begin / CHUNK_BYTES); first <= last; first++) {
        size_t next = first;
        while (next <= last && !is_loaded(content, next))
            next++;
        if (next == first)
            continue;
        size_t end = next * CHUNK_BYTES;
        gvk_result result = load(content, first * CHUNK_BYTES, end < content->count ? end : content->count);
        if (result)
            return result;
        for (; first < next; first++)
            content->loaded[first / 8] |= (unsigned char)(1u << first % 8);
    }
    return GVK_OK;
}

/* Memory for all bytes, which takes none before they are loaded where the system gives pages at their first use. */
static gvk_result create_content(gvk_content *content)
{
    const gvk_host *host = content->source->host;
    content->bytes = gvk_allocate_unfilled(host, content->count);
    content->loaded = gvk_allocate(host, content->count / CHUNK_BYTES / 8 + 1);
    return content->bytes && content->loaded ? GVK_OK : gvk_fail_memory(host);
}

/* Recognises the file by its first bytes, before memory is taken: a large file of another kind must not cost any. */
static gvk_result recognise(gvk_content *content)
{
    unsigned char head[HEAD_BYTES];
    gvk_content front = *content;
    gvk_file_kind kind;
    front.bytes = head;
    size_t count = content->count < HEAD_BYTES ? content->count : HEAD_BYTES;
    gvk_result result = load(&front, 0, count);
    return result ? result : gvk_recognise(content->source, head, count, &kind);
}

gvk_result gvk_content_open(const gvk_source *source, const char *path, gvk_content *out)
{
    *out = (gvk_content){.source = source, .file = -1};
    gvk_result result = open_file(source, path, &out->file);
    if (result)
        return result;
    out->is_file = true;
    bool is_directory = false;
    int64_t size = measure_file(out->file, &is_directory);
    if (is_directory)
        return fail_file(source, "this is a directory, not a file.");
    if (size < 0)
        return fail_file(source, "this is not a regular file; pipes and devices are not read.");
    if ((uint64_t)size > GVK_CONTENT_LIMIT || (uint64_t)size > SIZE_MAX)
        return fail_file(source, "the file is larger than 4 GiB, which is more than a checkpoint may take.");
    out->count = (size_t)size;
    result = recognise(out);
    return result ? result : create_content(out);
}

gvk_result gvk_content_borrow(const gvk_source *source, const void *bytes, size_t count, gvk_content *out)
{
    uint64_t length = count; /* on 32-bit systems the limit is beyond what a size_t holds */
    *out = (gvk_content){.source = source, .file = -1, .memory = bytes, .count = count};
    if (length > GVK_CONTENT_LIMIT)
        return gvk_refuse(source, "it is larger than 4 GiB, which is more than a checkpoint may take.");
    gvk_result result = recognise(out);
    return result ? result : create_content(out);
}

void gvk_content_close(gvk_content *content)
{
    if (content->source)
        gvk_release(content->source->host, content->loaded);
    if (content->is_file)
        close_file(content->file);
    content->loaded = NULL;
    content->memory = NULL;
    content->is_file = false;
}
