/* From lifetimes of blocks to their offsets in the arena, and from hazards to barriers. The program must be complete.
 */
#include "program.h"

/* Ranges are bound at the device's alignment, 256 bytes at most. */
#define BLOCK_ALIGNMENT 256u
/* Steps of improving the order; more than any network was seen to take. */
#define MOST_IMPROVEMENTS 16u
/* A block below this part of the arena is not tried at another place. */
#define SMALL_PART 64u

static uint64_t align_up(uint64_t value, uint64_t alignment)
{
    return (value + alignment - 1) / alignment * alignment;
}

static bool live_together(const struct gvk_block *left, const struct gvk_block *right)
{
    return left->first <= right->last && right->first <= left->last;
}

/* `order`: all blocks, in the order in which they are placed. `placed`: those placed so far, by offset. */
struct placing {
    uint32_t *order, *placed;
    uint32_t count;
};

/* Places the blocks one after the other, each at the lowest offset where it overlaps no block that is in use at the
 * same time. Returns the bytes that all of them take; *top is the index in the order of the block that reaches highest.
 * Stops as soon as a block reaches `enough`: the order is no better then. */
static uint64_t place_blocks(struct gvk_program *program, const struct placing *placing, uint64_t enough, uint32_t *top)
{
    uint64_t arena = 0;
    *top = 0;
    for (uint32_t i = 0; i < placing->count && arena < enough; i++) {
        struct gvk_block *block = &program->blocks[placing->order[i]];
        uint64_t offset = 0;
        for (uint32_t j = 0; j < i; j++) {
            const struct gvk_block *other = &program->blocks[placing->placed[j]];
            if (!live_together(block, other))
                continue;
            if (offset + block->bytes <= other->offset)
                break;
            uint64_t end = align_up(other->offset + other->bytes, BLOCK_ALIGNMENT);
            if (end > offset)
                offset = end;
        }
        block->offset = offset;
        if (offset + block->bytes > arena) {
            arena = offset + block->bytes;
            *top = i;
        }
        uint32_t at = i;
        while (at && program->blocks[placing->placed[at - 1]].offset > offset) {
            placing->placed[at] = placing->placed[at - 1];
            at--;
        }
        placing->placed[at] = placing->order[i];
    }
    return arena;
}

/* Moves the entry at index `from` of the order to index `to`. */
static void move_in_order(uint32_t *order, uint32_t from, uint32_t to)
{
    uint32_t moved = order[from];
    for (; from > to; from--)
        order[from] = order[from - 1];
    for (; from < to; from++)
        order[from] = order[from + 1];
    order[to] = moved;
}

/* One step towards less memory. The block that reaches highest decides how large the arena is, so the large blocks that
 * are in use at the same time as it are tried earlier: each is moved in front of the nearest one before it in the order
 * that is in use at the same time as itself. The first such move that makes the arena smaller is kept. False: none
 * does. */
static bool improve_order(struct gvk_program *program, const struct placing *placing, uint64_t *arena, uint32_t *top)
{
    const struct gvk_block *highest = &program->blocks[placing->order[*top]];
    for (uint32_t i = 1; i < placing->count; i++) {
        const struct gvk_block *block = &program->blocks[placing->order[i]];
        if (block->bytes < *arena / SMALL_PART || !live_together(highest, block))
            continue;
        uint32_t before = i - 1;
        while (before && !live_together(block, &program->blocks[placing->order[before]]))
            before--;
        move_in_order(placing->order, i, before);
        uint32_t tried_top;
        uint64_t tried = place_blocks(program, placing, *arena, &tried_top);
        if (tried < *arena) {
            *arena = tried;
            *top = tried_top;
            return true;
        }
        move_in_order(placing->order, before, i);
    }
    return false;
}

/* Places the largest blocks first, and then improves the order as long as a step saves memory. */
gvk_result gvk_program_plan(struct gvk_program *program)
{
    gvk_result result = gvk_program_schedule(program);
    if (result)
        return result;
    uint32_t count = program->block_count;
    struct placing placing = {
        .order = gvk_allocate_array(program->host, count, sizeof *placing.order),
        .placed = gvk_allocate_array(program->host, count, sizeof *placing.placed),
    };
    if (!placing.order || !placing.placed) {
        result = gvk_fail_memory(program->host);
        goto done;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct gvk_block *block = &program->blocks[i];
        if (!block->used && block->last != GVK_FOREVER)
            continue;
        uint32_t at = placing.count++;
        while (at && program->blocks[placing.order[at - 1]].bytes < block->bytes) {
            placing.order[at] = placing.order[at - 1];
            at--;
        }
        placing.order[at] = i;
    }
    uint32_t top, improvements = 0;
    program->arena_bytes = place_blocks(program, &placing, UINT64_MAX, &top);
    while (improvements < MOST_IMPROVEMENTS && improve_order(program, &placing, &program->arena_bytes, &top))
        improvements++;
    place_blocks(program, &placing, UINT64_MAX, &top); /* in the order kept, not the last one tried */
done:
    gvk_release(program->host, placing.order);
    gvk_release(program->host, placing.placed);
    return result;
}

/* A range that was read or written since the last barrier. */
struct gvk_hazard_range {
    enum gvk_memory_kind memory;
    enum gvk_access access;
    uint64_t first, end;
};

static struct gvk_hazard_range range_of(const struct gvk_program *program, const struct gvk_operand *operand)
{
    uint64_t base = operand->memory == GVK_MEMORY_ARENA ? program->blocks[operand->block].offset : 0;
    return (struct gvk_hazard_range){
        .memory = operand->memory,
        .access = operand->access,
        .first = base + operand->offset,
        .end = base + operand->offset + operand->bytes,
    };
}

static bool collide(const struct gvk_hazard_range *left, const struct gvk_hazard_range *right)
{
    return left->memory == right->memory && gvk_accesses_collide(left->access, right->access) &&
           left->first < right->end && right->first < left->end;
}

gvk_result gvk_hazards_check(struct gvk_hazards *hazards, const struct gvk_program *program,
                             const struct gvk_command *command, bool *barrier, bool *transfer)
{
    bool is_transfer = command->kind != GVK_COMMAND_DISPATCH;
    /* A barrier between dispatches does not order transfers: a dispatch in front of it may still run when a transfer
     * behind it writes. */
    *barrier = is_transfer && hazards->dispatched;
    *transfer = false;
    for (uint32_t i = 0; i < command->operand_count && !*barrier; i++) {
        if (command->operands[i].memory == GVK_MEMORY_WEIGHTS)
            continue;
        struct gvk_hazard_range range = range_of(program, &command->operands[i]);
        for (uint32_t j = 0; j < hazards->count && !*barrier; j++)
            *barrier = collide(&hazards->ranges[j], &range);
    }
    if (*barrier) {
        *transfer = hazards->transfer || is_transfer;
        hazards->count = 0;
        hazards->transfer = false;
        hazards->dispatched &= !*transfer;
    }
    hazards->dispatched |= !is_transfer;
    hazards->transfer |= is_transfer;
    for (uint32_t i = 0; i < command->operand_count; i++) {
        if (command->operands[i].memory == GVK_MEMORY_WEIGHTS)
            continue;
        if (hazards->count == hazards->capacity) {
            uint32_t capacity = hazards->capacity ? hazards->capacity * 2 : 64;
            struct gvk_hazard_range *ranges =
                gvk_grow_array(hazards->host, hazards->ranges, hazards->count, capacity, sizeof *ranges);
            if (!ranges)
                return gvk_fail_memory(hazards->host);
            hazards->ranges = ranges;
            hazards->capacity = capacity;
        }
        hazards->ranges[hazards->count++] = range_of(program, &command->operands[i]);
    }
    return GVK_OK;
}

void gvk_hazards_cut(struct gvk_hazards *hazards)
{
    for (uint32_t i = 0; i < hazards->count; i++)
        if (hazards->ranges[i].access == GVK_APPEND)
            hazards->ranges[i].access = GVK_READ_WRITE;
}

void gvk_hazards_release(struct gvk_hazards *hazards)
{
    gvk_release(hazards->host, hazards->ranges);
    hazards->ranges = NULL;
    hazards->count = hazards->capacity = 0;
}
