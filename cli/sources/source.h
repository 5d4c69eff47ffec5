/* What a command line names, one picture or frame after the other, in an order that is the same on every run.
 *
 * An operand is
 *   - a picture's file, whatever its name,
 *   - a folder: its pictures and videos by their endings, and those of the folders below it (folder_walk.h),
 *   - a pattern, unless a file has that very name (pattern.h): what it matches, files as well as folders,
 *   - "-": a list on standard input (path_list.h), each entry a file or folder,
 *   - a video's file, a stream's address or a camera (cli/video/url.h): its frames.
 *
 * A frame's relative path, which outputs are named by and shards are dealt by, is
 *   - of a file: its name; of a stream or camera: the last part of its address; of raw frames: "stdin",
 *   - of what is in a folder: the path below that folder,
 *   - of what matches a pattern: the path behind the pattern's part that has no meaning,
 *   - of an entry of a list: the path as listed, without what leads above the current folder ("/", "C:", "..").
 *
 * Memory does not grow with the number of pictures, but for the names in the folders that are open and what a pattern
 * matches. Thread-safety: a source belongs to one thread at a time. */
#ifndef GHOSTVK_CLI_SOURCES_SOURCE_H
#define GHOSTVK_CLI_SOURCES_SOURCE_H

#include "folder_walk.h"
#include "frame.h"
#include "shard.h"

struct source;

/* All zeros: every picture, upright. */
struct source_choice {
    struct image_choice image;   /* of videos; pictures are loaded by frame_load */
    bool list_ends_in_null;      /* the list's paths; otherwise lines */
    bool is_counting;            /* paths alone are wanted: no video is opened, and each counts as one frame */
    struct shard shard;          /* a video belongs to one shard as a whole */
    uint32_t every;              /* of a video's frames each so many-th; 0 and 1: all */
    const struct raw_shape *raw; /* "-" is raw frames on standard input; NULL: a list */
    /* Folders in which nothing is looked for, in folders and by patterns: those of the outputs; NULL: none. */
    const char *left_out[FOLDERS_LEFT_OUT];
    bool (*is_stopped)(void *user); /* asked while it waits; NULL: never */
    /* Whether a picture, or a video as a whole, is passed over; NULL: none is. */
    bool (*is_done)(void *user, const char *path, const char *relative, bool is_video);
    void *user;
};

/* Operands and strings must outlive the source. NULL when memory ran out. */
struct source *source_open(char **operands, size_t count, const struct source_choice *choice);
/* The next frame, which the caller releases; a video's has its image. What cannot be found or read is a frame that has
 * failed. False at the end; also where memory ran out, which a failed frame has said before. */
bool source_next(struct source *source, struct frame *out);
/* Accepts NULL. */
void source_close(struct source *source);

/* How many frames a source of these would give; 0: that cannot be told beforehand. */
uint64_t source_count(char **operands, size_t count, const struct source_choice *choice);

/* Whether a folder's file is taken, by its name. */
bool source_takes_name(const char *name);
/* Whether the operand or file is a video, a stream or a camera; with `raw`, "-" is one, too. */
bool source_is_video(const char *path, const struct raw_shape *raw);

#endif
