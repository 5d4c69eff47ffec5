/* What a pickle's opcodes work on: the stream that they read, the stack that they change, the memo that they store in.
 * Every step is checked before it acts, and a wrong one is refused with its opcode's name and place. */
#ifndef GVK_CHECKPOINT_PICKLE_MACHINE_H
#define GVK_CHECKPOINT_PICKLE_MACHINE_H

#include "ghostnet/files/content.h"
#include "value.h"

struct gvk_machine {
    gvk_source source;
    const unsigned char *bytes;
    size_t count, at;
    gvk_content *content; /* loads them; NULL: all are there */
    size_t ready;         /* how many are there */
    gvk_result failure;   /* of loading */
    size_t offset;        /* of `bytes` in what the person calls the file */
    size_t start;         /* of the opcode that runs */
    unsigned char op;
    gvk_pickle *pickle;
    gvk_pickle_value **stack;
    size_t height, capacity;
    size_t *marks; /* heights of the stack; the items below the last one are out of reach */
    size_t mark_count;
    gvk_pickle_value **memo;
    size_t memo_capacity, memo_count;
    bool is_done;
};

/* `what` completes the sentence: "its pickle's opcode SETITEM at byte 12 ...". */
gvk_result gvk_machine_refuse(const struct gvk_machine *m, const char *what);

/* ---- stream ---- */

/* Loads the bytes up to `end`, which is at most the count; false when that failed. */
bool gvk_machine_reach(struct gvk_machine *m, size_t end);
/* The next `count` bytes, of which the first 4096 are there; or NULL. */
const unsigned char *gvk_machine_next_bytes(struct gvk_machine *m, uint64_t count);
/* A little-endian number of 1, 2, 4 or 8 bytes. */
bool gvk_machine_next_number(struct gvk_machine *m, int width, uint64_t *out);
bool gvk_machine_next_line(struct gvk_machine *m, gvk_pickle_text *out);
gvk_result gvk_machine_refuse_end(const struct gvk_machine *m);

/* ---- stack ---- */

/* An empty stack without marks; what it holds goes with gvk_machine_release, also after a failure. */
gvk_result gvk_machine_start(struct gvk_machine *m);
void gvk_machine_release(struct gvk_machine *m);
size_t gvk_machine_floor_of(const struct gvk_machine *m);
bool gvk_machine_has_items(const struct gvk_machine *m, size_t count);
gvk_result gvk_machine_refuse_stack(const struct gvk_machine *m);
gvk_result gvk_machine_push(struct gvk_machine *m, gvk_pickle_value *value);
gvk_result gvk_machine_push_new(struct gvk_machine *m, gvk_pickle_kind kind, gvk_pickle_value **out);
/* Removes the last mark; the items above it are stack[*begin] up to the height. */
gvk_result gvk_machine_take_mark(struct gvk_machine *m, size_t *begin);
/* Replaces everything from stack[begin] on by one list-like value that holds it. */
gvk_result gvk_machine_gather(struct gvk_machine *m, gvk_pickle_kind kind, size_t begin);
gvk_result gvk_machine_gather_marked(struct gvk_machine *m, gvk_pickle_kind kind);

/* ---- memo ---- */

gvk_result gvk_machine_store(struct gvk_machine *m, uint64_t index);
gvk_result gvk_machine_recall(struct gvk_machine *m, uint64_t index);

#endif
