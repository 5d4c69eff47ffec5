/* One program at a time writes an output that is gone on with: a second one is told so, before it has changed anything.
 *
 * The locks are the system's: they end with the process, however it ends. A file system that has none (some of
 * networks) keeps nobody away. Who was asked to end may still be at its last picture, so a lock is waited for a little.
 */
#ifndef GHOSTVK_CLI_RUN_LOCK_H
#define GHOSTVK_CLI_RUN_LOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Opens the file so that it can be added to, made where there is none, and locks it. -1 with a predicate in `message`.
 */
int run_lock_open(const char *path, char *message, size_t message_size);

/* Of a part of the work whose outputs go to files of their own in a folder. */
struct run_lock {
    int file;   /* -1: none */
    char *path; /* of the lock's file in the folder, which is there as long as it is locked; owned by output_register */
};

/* The part `index` of `count`, from 1; of all of it 1 and 1. False with a predicate in `message`. */
bool run_lock_take(struct run_lock *lock, const char *folder, uint32_t index, uint32_t count, char *message,
                   size_t message_size);
/* Accepts a zeroed one and one that was let go. */
void run_lock_release(struct run_lock *lock);

#endif
