/* See run_lock.h. */
#include "run_lock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/output_file.h"
#include "cli/system/files.h"
#include "cli/system/process.h"

#define WAIT_MS     (1000.0 * (PROCESS_PATIENCE + 1)) /* who was asked to end has ended then */
#define WAIT_AGAIN  50u                               /* ms */
#define NAME_LENGTH 64

/* Whether the name still leads to the file: who let it go may have removed or replaced it between our opening and our
 * locking. */
static bool is_the_same(int file, const char *path)
{
    struct file_status open, named;
    return file_look_at_open(file, &open) && file_look(path, &named) &&
           memcmp(open.place, named.place, sizeof open.place) == 0;
}

int run_lock_open(const char *path, char *message, size_t message_size)
{
    double until = process_clock_ms() + WAIT_MS;
    for (;;) {
        int file = file_open_to_add(path, FILE_RIGHTS_USUAL);
        if (file < 0) {
            snprintf(message, message_size, "cannot be written: %s", strerror(errno));
            return -1;
        }
        enum file_lock lock = file_try_lock(file);
        /* What has no locks may have no lasting places either: there is nothing to be compared. */
        if (lock == FILE_LOCK_UNKNOWN || (lock == FILE_LOCK_TAKEN && is_the_same(file, path)))
            return file;
        file_close(file);
        if (process_clock_ms() > until) {
            snprintf(message, message_size,
                     lock == FILE_LOCK_HELD ? "another ghostvk is writing to it; one at a time may"
                                            : "it is replaced by another file again and again");
            return -1;
        }
        process_sleep_ms(WAIT_AGAIN);
    }
}

bool run_lock_take(struct run_lock *lock, const char *folder, uint32_t index, uint32_t count, char *message,
                   size_t message_size)
{
    size_t size = strlen(folder) + NAME_LENGTH;
    *lock = (struct run_lock){.file = -1, .path = malloc(size)};
    if (!lock->path) {
        snprintf(message, message_size, "needs more memory than there is");
        return false;
    }
    snprintf(lock->path, size, "%s/.ghostvk-part-%" PRIu32 "-of-%" PRIu32 ".lock", folder, index, count);
    lock->file = run_lock_open(lock->path, message, message_size);
    if (lock->file >= 0 && output_register(lock->path))
        return true;
    if (lock->file >= 0) {
        snprintf(message, message_size, "cannot be written: %s", strerror(EMFILE));
        file_close_and_remove(lock->file, lock->path);
    }
    free(lock->path);
    *lock = (struct run_lock){.file = -1};
    return false;
}

void run_lock_release(struct run_lock *lock)
{
    if (lock->path) {
        file_close_and_remove(lock->file, lock->path);
        output_forget(lock->path);
    }
    *lock = (struct run_lock){.file = -1};
}
