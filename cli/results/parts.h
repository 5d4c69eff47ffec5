/* The writers behind results.h. Each is a row of functions over one `struct writer`; results.c calls them. */
#ifndef GHOSTVK_CLI_RESULTS_PARTS_H
#define GHOSTVK_CLI_RESULTS_PARTS_H

#include "cli/base/json.h"
#include "cli/base/output_file.h"
#include "cli/files/output_folder.h"
#include "cli/results/reading/name_map.h"
#include "picture_result.h"

enum { WRITERS_MAX = 8, RESULT_MESSAGE_SIZE = 512 };

struct results;

struct writer {
    const struct writer_kind *kind;
    const char *path;            /* the file, or the folder */
    struct output_file file;     /* of kinds with one file for all pictures */
    struct output_folder folder; /* of kinds with files of each picture's own */
    struct json json;
    void *own;     /* what else the kind keeps, from malloc */
    bool broken;   /* it was said that it cannot be written any more */
    bool finished; /* there is nothing left to take away */
};

/* NULL: there is nothing to be done. Those with a `message` say nothing themselves: false with a predicate in it. */
struct writer_kind {
    const char *option; /* "--json" */
    bool is_folder;     /* `path` is one: it is made before `open` */
    bool is_whole;      /* it appears at the end, and cannot be added to */
    bool (*open)(struct results *results, struct writer *writer, char *message);
    bool (*begin)(struct results *results, struct writer *writer, char *message);
    enum results_state (*add)(struct results *results, struct writer *writer, const struct picture_result *picture);
    bool (*finish)(struct results *results, struct writer *writer, char *message);
    /* Gives back what `own` holds and takes away what is not finished, beside `file` and `folder`. */
    void (*close)(struct writer *writer);
    /* Whether a run before has left this picture's result. */
    bool (*has)(const struct writer *writer, const struct picture_result *which);
};

extern const struct writer_kind writer_of_json, writer_of_lines, writer_of_csv, writer_of_coco, writer_of_yolo,
    writer_of_family, writer_of_crops, writer_of_counts;

struct results {
    struct results_choice choice;
    struct results_header header;
    struct writer writers[WRITERS_MAX];
    size_t writer_count;
    struct name_map claimed; /* the files of pictures' own that this run has written */
    bool failed, stdout_failed;
};

/* ---- for the writers: parts.c ---- */

const char *result_class_name(const struct results *results, uint32_t class_id);
bool result_is_finite(const gvk_detection *box);
/* Says that the writer's output failed, once, for the reason in `message`. Returns RESULTS_BROKEN. */
enum results_state result_break(struct results *results, struct writer *writer, const char *message);

/* `open` of kinds with one file, and `finish`. */
bool result_open_file(struct results *results, struct writer *writer, char *message);
bool result_commit_file(struct results *results, struct writer *writer, char *message);
/* RESULTS_BROKEN, having said why, when the writer's file has failed, else RESULTS_WRITTEN. */
enum results_state result_check_file(struct results *results, struct writer *writer);

/* How many lines a run before has left. */
size_t result_lines_kept(const struct writer *writer);

/* ---- files of a picture's own: picture_files.c ---- */

/* The folder, the picture's relative path without its ending, a frame's number, and `tail`: from malloc, NULL when
 * memory ran out. */
char *picture_file_name(const char *folder, const struct picture_result *picture, const char *tail);
/* Makes the folders that lead to the name and marks it as written in this run. False with a predicate in `message`:
 * another picture's result has that name, or a folder cannot be made. */
bool picture_file_claim(struct results *results, const char *name, char *message);

#endif
