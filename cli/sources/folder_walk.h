/* The files in a folder and all below it, sorted: one name after the other by its bytes, what is in a folder in its
 * folder's place. What begins with a dot is left out. Links are followed, but not into a folder that the path leads
 * through already. Memory is that of the names in the folders that are open, one on each level. */
#ifndef GHOSTVK_CLI_SOURCES_FOLDER_WALK_H
#define GHOSTVK_CLI_SOURCES_FOLDER_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct folder_level;

#define FOLDERS_LEFT_OUT 2

struct folder_walk {
    struct folder_level *levels;
    size_t depth, capacity;
    char *path; /* of what was found last */
    size_t path_capacity;
    size_t below;                           /* where its part below the first folder begins */
    uint64_t left_out[FOLDERS_LEFT_OUT][2]; /* the places of folders that are passed over */
    size_t left_out_count;
    /* Which files are wanted, by their names. */
    bool (*wants)(const char *name);
};

/* Each of `left_out` may be NULL, or a folder that need not be there. False with a predicate in `message`: then nothing
 * is to be released. */
bool folder_walk_open(struct folder_walk *walk, const char *path, const char *const left_out[FOLDERS_LEFT_OUT],
                      bool (*wants)(const char *name), char *message, size_t message_size);
/* 1: the next file is walk->path, and walk->path + walk->below. 0: there are no more. -1: walk->path is a folder that
 * cannot be read, for which `message` has a predicate, and others may follow; or memory ran out, and none do. */
int folder_walk_next(struct folder_walk *walk, char *message, size_t message_size);
/* Accepts a zeroed one. */
void folder_walk_close(struct folder_walk *walk);

#endif
