/* The writers behind results.h. Each is a row of functions over one `struct writer`; results.c calls them. */
#ifndef GHOSTVK_CLI_RESULTS_PARTS_H
#define GHOSTVK_CLI_RESULTS_PARTS_H

#include "cli/base/json.h"
#include "cli/base/output_file.h"
#include "picture_result.h"

struct results;

enum { WRITERS_MAX = 8, RESULT_MESSAGE_SIZE = 512 };

struct writer {
    const struct writer_kind *kind;
    const char *path;        /* the file, or the folder */
    struct output_file file; /* of kinds with one file for all pictures */
    struct json json;
    void *own;     /* what else the kind keeps, from malloc */
    bool broken;   /* it was said that it cannot be written any more */
    bool finished; /* there is nothing left to take away */
};

struct writer_kind {
    const char *option; /* names it in messages: "--json" */
    /* Each of them says nothing: false with a predicate in `message`, or a sentence of its own where it begins with a
     * path in `subject`. NULL: there is nothing to be done. */
    bool (*open)(struct results *results, struct writer *writer, char *message);
    void (*begin)(struct results *results, struct writer *writer);
    enum results_state (*add)(struct results *results, struct writer *writer, const struct picture_result *picture);
    bool (*finish)(struct results *results, struct writer *writer, char *message);
    void (*close)(struct writer *writer);
};

extern const struct writer_kind writer_of_json;

struct results {
    struct results_choice choice;
    struct results_header header;
    struct writer writers[WRITERS_MAX];
    size_t writer_count;
    bool failed, stdout_failed;
};

/* ---- for the writers: parts.c ---- */

const char *result_class_name(const struct results *results, uint32_t class_id);
/* The part of the box that lies in the picture, as the network's own decode clips. */
void result_clip(const struct picture_result *picture, const gvk_detection *box, float out[4]);
/* Says that the writer's output failed, once, for the reason in `message`. Returns RESULTS_BROKEN. */
enum results_state result_break(struct results *results, struct writer *writer, const char *message);

/* `open` of kinds with one file; `finish` commits it. */
bool result_open_file(struct results *results, struct writer *writer, char *message);
/* RESULTS_BROKEN, having said why, when the writer's file has failed, else RESULTS_WRITTEN. */
enum results_state result_check_file(struct results *results, struct writer *writer);

#endif
