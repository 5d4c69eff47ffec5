/* See files.h. The C library's own calls take paths in the machine's code page, so Windows' are called, in UTF-16.
 * Files are opened such that they can be renamed and removed meanwhile, as everywhere else. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include "wide.h"

#define PIECE_MAX ((size_t)1 << 30)
#define SHARED    (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

static int reason_of(DWORD error)
{
    switch (error) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
    case ERROR_INVALID_NAME:
    case ERROR_INVALID_DRIVE:
    case ERROR_BAD_NETPATH: return ENOENT;
    case ERROR_ACCESS_DENIED:
    case ERROR_SHARING_VIOLATION:
    case ERROR_LOCK_VIOLATION:
    case ERROR_WRITE_PROTECT: return EACCES;
    case ERROR_FILE_EXISTS:
    case ERROR_ALREADY_EXISTS: return EEXIST;
    case ERROR_TOO_MANY_OPEN_FILES: return EMFILE;
    case ERROR_DISK_FULL:
    case ERROR_HANDLE_DISK_FULL: return ENOSPC;
    case ERROR_FILENAME_EXCED_RANGE: return ENAMETOOLONG;
    case ERROR_NOT_ENOUGH_MEMORY:
    case ERROR_OUTOFMEMORY: return ENOMEM;
    case ERROR_NO_DATA:
    case ERROR_BROKEN_PIPE: return EPIPE;
    case ERROR_INVALID_HANDLE: return EBADF;
    case ERROR_DIRECTORY: return ENOTDIR;
    default: return EIO;
    }
}

static bool fail(void)
{
    errno = reason_of(GetLastError());
    return false;
}

/* INVALID_HANDLE_VALUE with errno set on failure. */
static HANDLE open_handle(const char *path, DWORD access, DWORD disposition, DWORD flags)
{
    wchar_t wide[WIDE_PATH];
    if (!wide_of_text(path, wide))
        return INVALID_HANDLE_VALUE;
    HANDLE handle = CreateFileW(wide, access, SHARED, NULL, disposition, flags, NULL);
    if (handle == INVALID_HANDLE_VALUE)
        fail();
    return handle;
}

static int open_file(const char *path, DWORD access, DWORD disposition, int mode)
{
    HANDLE handle = open_handle(path, access, disposition, FILE_ATTRIBUTE_NORMAL);
    int file = handle == INVALID_HANDLE_VALUE ? -1 : _open_osfhandle((intptr_t)handle, mode | _O_BINARY | _O_NOINHERIT);
    if (file < 0 && handle != INVALID_HANDLE_VALUE)
        CloseHandle(handle);
    return file;
}

/* ---- what is there ----------------------------------------------------------------------------------------------- */

static bool describe(HANDLE handle, struct file_status *out)
{
    BY_HANDLE_FILE_INFORMATION information;
    *out = (struct file_status){.kind = FILE_PIPE, .rights = FILE_RIGHTS_USUAL};
    switch (GetFileType(handle)) {
    case FILE_TYPE_CHAR: out->kind = FILE_DEVICE; return true;
    case FILE_TYPE_PIPE: return true;
    case FILE_TYPE_DISK: break;
    default: return fail();
    }
    if (!GetFileInformationByHandle(handle, &information))
        return fail();
    out->kind = information.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY ? FILE_FOLDER : FILE_REGULAR;
    out->size = (uint64_t)information.nFileSizeHigh << 32 | information.nFileSizeLow;
    out->place[0] = information.dwVolumeSerialNumber;
    out->place[1] = (uint64_t)information.nFileIndexHigh << 32 | information.nFileIndexLow;
    return true;
}

bool file_look(const char *path, struct file_status *out)
{
    HANDLE handle = open_handle(path, FILE_READ_ATTRIBUTES, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS);
    if (handle == INVALID_HANDLE_VALUE)
        return false;
    bool looked = describe(handle, out);
    CloseHandle(handle);
    return looked;
}

bool file_look_at_open(int file, struct file_status *out)
{
    intptr_t handle = _get_osfhandle(file);
    return handle != -1 && describe((HANDLE)handle, out);
}

bool file_is_readable(const char *path)
{
    int file = file_open(path);
    if (file < 0)
        return false;
    file_close(file);
    return true;
}

bool file_is_writable(const char *path)
{
    HANDLE handle = open_handle(path, GENERIC_WRITE, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL);
    if (handle == INVALID_HANDLE_VALUE)
        return false;
    CloseHandle(handle);
    return true;
}

char *file_real_path(const char *path)
{
    wchar_t wide[WIDE_PATH];
    HANDLE handle = open_handle(path, FILE_READ_ATTRIBUTES, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS);
    if (handle == INVALID_HANDLE_VALUE)
        return NULL;
    DWORD length = GetFinalPathNameByHandleW(handle, wide, WIDE_PATH, FILE_NAME_NORMALIZED | VOLUME_NAME_DOS);
    CloseHandle(handle);
    if (length == 0 || length >= WIDE_PATH)
        return NULL;
    /* Without the mark that says that it is not to be parsed, where the rest is a plain path: people read it. */
    bool is_marked = wcsncmp(wide, L"\\\\?\\", 4) == 0 && wcsncmp(wide + 4, L"UNC\\", 4) != 0;
    return text_of_wide(is_marked ? wide + 4 : wide);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

int file_open(const char *path)
{
    struct file_status status;
    int file = open_file(path, GENERIC_READ, OPEN_EXISTING, _O_RDONLY);
    if (file < 0 && errno == EACCES && file_look(path, &status) && status.kind == FILE_FOLDER)
        errno = EISDIR;
    return file;
}

ptrdiff_t file_read(int file, void *bytes, size_t count)
{
    return _read(file, bytes, (unsigned)(count < PIECE_MAX ? count : PIECE_MAX));
}

ptrdiff_t file_read_at(int file, void *bytes, size_t count, uint64_t offset)
{
    int64_t before = _telli64(file);
    if (before < 0 || _lseeki64(file, (int64_t)offset, SEEK_SET) < 0)
        return -1;
    ptrdiff_t got = file_read(file, bytes, count);
    return _lseeki64(file, before, SEEK_SET) < 0 ? -1 : got;
}

void file_close(int file)
{
    int kept = errno;
    _close(file);
    errno = kept;
}

bool file_wait(int file, int ms)
{
    (void)file;
    (void)ms;
    return true;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

/* Rights come from the folder: a user's own are private. */
int file_create(const char *path, unsigned rights)
{
    (void)rights;
    return open_file(path, GENERIC_WRITE | DELETE, CREATE_NEW, _O_WRONLY);
}

int file_open_to_add(const char *path, unsigned rights)
{
    (void)rights;
    return open_file(path, GENERIC_WRITE, OPEN_ALWAYS, _O_WRONLY | _O_APPEND);
}

bool file_cut(int file, uint64_t size)
{
    return _chsize_s(file, (int64_t)size) == 0;
}

bool file_set_rights(int file, unsigned rights)
{
    (void)file;
    (void)rights;
    return true;
}

int file_open_straight(const char *path, bool *nobody_reads)
{
    *nobody_reads = false;
    return open_file(path, GENERIC_WRITE, OPEN_EXISTING, _O_WRONLY);
}

bool file_is_descriptor(const char *path)
{
    (void)path;
    return false;
}

FILE *file_stream(int file)
{
    return _fdopen(file, "wb");
}

bool file_look_at_stream(FILE *stream, struct file_status *out)
{
    return file_look_at_open(_fileno(stream), out);
}

ptrdiff_t file_write_under(FILE *stream, const void *bytes, size_t count)
{
    return _write(_fileno(stream), bytes, (unsigned)(count < PIECE_MAX ? count : PIECE_MAX));
}

char *file_target(const char *path)
{
    size_t size = strlen(path) + 1;
    char *copy = malloc(size);
    if (copy)
        memcpy(copy, path, size);
    return copy;
}

bool file_replace(const char *from, const char *to)
{
    wchar_t wide_from[WIDE_PATH], wide_to[WIDE_PATH];
    if (!wide_of_text(from, wide_from) || !wide_of_text(to, wide_to))
        return false;
    return MoveFileExW(wide_from, wide_to, MOVEFILE_REPLACE_EXISTING) || fail();
}

bool file_remove(const char *path)
{
    wchar_t wide[WIDE_PATH];
    return wide_of_text(path, wide) && (DeleteFileW(wide) || fail());
}

/* ---- locks ------------------------------------------------------------------------------------------------------- */

/* Of a byte far behind all that the file will hold, because nobody else may read what is locked. */
enum file_lock file_try_lock(int file)
{
    OVERLAPPED place = {.OffsetHigh = 0x7FFFFFFF, .Offset = 0xFFFFFFFE};
    intptr_t handle = _get_osfhandle(file);
    if (handle == -1)
        return FILE_LOCK_UNKNOWN;
    if (LockFileEx((HANDLE)handle, LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &place))
        return FILE_LOCK_TAKEN;
    DWORD error = GetLastError();
    return error == ERROR_LOCK_VIOLATION || error == ERROR_IO_PENDING ? FILE_LOCK_HELD : FILE_LOCK_UNKNOWN;
}

bool file_is_replaced_while_open(void)
{
    return false;
}

void file_close_and_remove(int file, const char *path)
{
    file_close(file);
    file_remove(path); /* which fails where another process has opened it meanwhile, and is to have it */
}

/* ---- folders ----------------------------------------------------------------------------------------------------- */

bool folder_make(const char *path, bool is_private)
{
    wchar_t wide[WIDE_PATH];
    (void)is_private; /* as files are */
    return wide_of_text(path, wide) && (CreateDirectoryW(wide, NULL) || fail());
}

void folder_remove(const char *path)
{
    wchar_t wide[WIDE_PATH];
    if (wide_of_text(path, wide))
        RemoveDirectoryW(wide);
}

bool folder_visit(const char *path, bool (*visit)(void *user, const char *name, enum folder_entry entry), void *user)
{
    wchar_t wide[WIDE_PATH];
    WIN32_FIND_DATAW found;
    if (!wide_of_text(path, wide))
        return false;
    size_t length = wcslen(wide);
    if (length + 3 > WIDE_PATH) {
        errno = ENAMETOOLONG;
        return false;
    }
    wmemcpy(wide + length, L"/*", 3);
    HANDLE search = FindFirstFileW(wide, &found);
    if (search == INVALID_HANDLE_VALUE)
        return fail();
    bool goes_on = true, has_next = true;
    int reason = 0;
    while (goes_on && has_next) {
        const DWORD odd = FILE_ATTRIBUTE_REPARSE_POINT | FILE_ATTRIBUTE_DEVICE;
        bool is_folder = (found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
        enum folder_entry kind = found.dwFileAttributes & odd ? FOLDER_ENTRY_OTHER
                                 : is_folder                  ? FOLDER_ENTRY_FOLDER
                                                              : FOLDER_ENTRY_FILE;
        char *name = text_of_wide(found.cFileName);
        if (!name)
            reason = ENOMEM;
        else if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
            goes_on = visit(user, name, kind);
        free(name);
        has_next = !reason && FindNextFileW(search, &found);
    }
    if (goes_on && !reason && GetLastError() != ERROR_NO_MORE_FILES)
        reason = reason_of(GetLastError());
    FindClose(search);
    errno = goes_on ? reason : 0;
    return goes_on && !reason;
}
