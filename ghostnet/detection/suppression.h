/* Non-maximum suppression on the device: from candidates in any order to detections by item, best score first.
 *
 * Greedy, class by class and item by item, as in Bochkovskiy et al., "YOLOv4", 2020, and torchvision's nms: of the
 * candidates in order of their score, equal ones by row, each is kept that overlaps no kept one by more than the
 * threshold. Every candidate that there can be is handled, whatever their number; no lane makes more than 16,384 turns
 * of loops in a dispatch, so that none takes long. Equal input gives equal bytes. */
#ifndef GVK_SUPPRESSION_H
#define GVK_SUPPRESSION_H

#include "runtime/kernel/dispatch.h"

#define GVK_CANDIDATE_BYTES     32u
#define GVK_RESULT_HEADER_BYTES 16u
#define GVK_RESULT_DRAW_BYTES   16u /* an item's, behind the header */

struct gvk_suppression {
    uint32_t capacity, item_capacity; /* candidates that there can be; of an item */
    uint32_t classes, batch;
    uint32_t tile_words;
    uint32_t vertices, max_detections; /* of the draws of boxes; UINT32_MAX: all of an item */
    bool unclipped;                    /* boxes may reach beyond the picture */
    bool keeps_all;                    /* the threshold is 1, and no overlap is more */
    /* candidates (as decode.comp appends them), state, frame's parameters, result; see shaders/shared.h */
    struct gvk_operand candidates, state, parameters, result;
};

/* Adds the block of the state, which is to be cleared in front of decode, and sets `tile_words`. */
gvk_result gvk_suppression_add_state(const struct gvk_builder *builder, struct gvk_suppression *suppression);
/* Of a list of candidates. */
uint64_t gvk_candidate_list_bytes(uint32_t capacity);

/* An operand over a new block of the arena. */
gvk_result gvk_add_block(const struct gvk_builder *builder, uint64_t bytes, struct gvk_operand *out);
struct gvk_operand gvk_bind(struct gvk_operand operand, uint32_t binding, enum gvk_access access);
/* A dispatch of lanes that need not share anything. */
struct gvk_command gvk_begin_step(const char *label, enum gvk_shader shader);
#define GVK_STEP_LANES 64u

/* Appends the commands. */
gvk_result gvk_emit_suppression(const struct gvk_builder *builder, const struct gvk_suppression *suppression);

#endif
