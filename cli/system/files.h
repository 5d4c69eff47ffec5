/* What the program asks of the file system, alike on every system.
 *
 * Paths are UTF-8. A file is a number as `open` gives it; its bytes are read and written as they are, and no child
 * process inherits it. What fails leaves its reason in errno, which strerror turns into words. */
#ifndef GHOSTVK_CLI_FILES_H
#define GHOSTVK_CLI_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum file_kind {
    FILE_REGULAR,
    FILE_FOLDER,
    FILE_DEVICE, /* a terminal, /dev/null, a disk */
    FILE_PIPE    /* or a socket */
};

struct file_status {
    enum file_kind kind;
    uint64_t size;
    uint64_t place[2]; /* two names of one file have the same */
    unsigned rights;   /* as file_create takes them */
};

/* ---- what is there; links are followed ---- */

bool file_look(const char *path, struct file_status *out);
bool file_look_at_open(int file, struct file_status *out);
bool file_is_readable(const char *path);
bool file_is_writable(const char *path);
/* The path without links, from malloc; NULL when nothing is there. */
char *file_real_path(const char *path);

/* ---- reading ---- */

/* -1 when it cannot be opened. Never waits, as opening a pipe would for its other end. */
int file_open(const char *path);
/* How many bytes were read, at most 1 GiB; 0 at the end, -1 on failure. */
ptrdiff_t file_read(int file, void *bytes, size_t count);
ptrdiff_t file_read_at(int file, void *bytes, size_t count, uint64_t offset);
void file_close(int file);
/* Whether a read would return at once, asked for `ms` at most. Where the system does not tell, true. */
bool file_wait(int file, int ms);

/* ---- writing ---- */

#define FILE_RIGHTS_USUAL   0666u /* less what the user's umask takes away */
#define FILE_RIGHTS_PRIVATE 0600u /* nobody else reads or writes it */

/* A new file; -1 when there is one, or it cannot be made. */
int file_create(const char *path, unsigned rights);
/* The file of that name, made where there is none, whose writes all go to its end; -1 on failure. */
int file_open_to_add(const char *path, unsigned rights);
/* What the file holds behind `size` bytes is gone. */
bool file_cut(int file, uint64_t size);
/* Gives the file these rights, whatever the umask. */
bool file_set_rights(int file, unsigned rights);
/* A device or pipe, without waiting for somebody at its other end; its writes wait. -1 on failure, with
 * `*nobody_reads` for a pipe that has no reader. */
int file_open_straight(const char *path, bool *nobody_reads);
/* Whether the path names a file that is open already, such as /dev/fd/3: what is renamed onto it cuts its reader off.
 */
bool file_is_descriptor(const char *path);
/* A stream that owns the file, in binary; NULL on failure. */
FILE *file_stream(int file);
bool file_look_at_stream(FILE *stream, struct file_status *out);
/* Writes past the stream's buffer. */
ptrdiff_t file_write_under(FILE *stream, const void *bytes, size_t count);
/* Where `path` leads when the links at its end are followed, to a file that need not be there; from malloc. NULL on
 * failure. On Windows the path itself: a link is replaced there. */
char *file_target(const char *path);
/* Puts `from` in the place of `to`, in one step. */
bool file_replace(const char *from, const char *to);
/* May be called while the program is being interrupted. */
bool file_remove(const char *path);

/* ---- locks ---- */

enum file_lock {
    FILE_LOCK_TAKEN,  /* nobody else gets it until the file is closed here, or the process ends, however it does */
    FILE_LOCK_HELD,   /* by another process, or through another opening */
    FILE_LOCK_UNKNOWN /* the file system has none */
};

/* Of a file that is open for writing; never waits. It keeps away who asks for it, and nobody else. */
enum file_lock file_try_lock(int file);
/* Whether file_replace takes an open file's place; what is open then has no name any more. Windows refuses. */
bool file_is_replaced_while_open(void);
/* Closes a file of our own making and takes it away, in the order that leaves no moment in which another process would
 * lock what has no name. */
void file_close_and_remove(int file, const char *path);

/* ---- folders ---- */

/* The last folder of the path. A private one is nobody else's to look into. */
bool folder_make(const char *path, bool is_private);
/* Takes no folder that holds anything. */
void folder_remove(const char *path);

enum folder_entry {
    FOLDER_ENTRY_FILE, /* regular, and no link */
    FOLDER_ENTRY_FOLDER,
    FOLDER_ENTRY_OTHER /* a link, a device */
};
/* Each entry's name but "." and "..", in the order that the system gives, until `visit` returns false. False when the
 * folder cannot be read, or `visit` ended it; then errno is 0. */
bool folder_visit(const char *path, bool (*visit)(void *user, const char *name, enum folder_entry entry), void *user);

#endif
