/* Lifetimes to offsets, and hazards to barriers. Called by stream.c and describe.c once a program is complete. */
#include "program.h"

/* Ranges are bound at the device's alignment, 256 bytes at most. */
#define BLOCK_ALIGNMENT 256u

static uint64_t align_up(uint64_t value, uint64_t alignment)
{
    return (value + alignment - 1) / alignment * alignment;
}

static bool live_together(const struct gvk_block *left, const struct gvk_block *right)
{
    return left->first <= right->last && right->first <= left->last;
}

/* Places the largest blocks first, each at the lowest offset at which no block that lives at the same time lies. */
gvk_result gvk_program_plan(struct gvk_program *program)
{
    gvk_result result = gvk_program_schedule(program);
    if (result)
        return result;
    uint32_t count = program->block_count;
    uint32_t *order = gvk_allocate_array(program->host, count, sizeof *order);
    uint32_t *placed = gvk_allocate_array(program->host, count, sizeof *placed); /* by offset */
    if (!order || !placed) {
        gvk_release(program->host, order);
        gvk_release(program->host, placed);
        return gvk_fail_memory(program->host);
    }
    uint32_t used = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct gvk_block *block = &program->blocks[i];
        if (!block->used && block->last != GVK_FOREVER)
            continue;
        uint32_t at = used++;
        while (at && program->blocks[order[at - 1]].bytes < block->bytes) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = i;
    }
    uint32_t placed_count = 0;
    program->arena_bytes = 0;
    for (uint32_t i = 0; i < used; i++) {
        struct gvk_block *block = &program->blocks[order[i]];
        uint64_t offset = 0;
        for (uint32_t j = 0; j < placed_count; j++) {
            const struct gvk_block *other = &program->blocks[placed[j]];
            if (!live_together(block, other))
                continue;
            if (offset + block->bytes <= other->offset)
                break;
            uint64_t end = align_up(other->offset + other->bytes, BLOCK_ALIGNMENT);
            if (end > offset)
                offset = end;
        }
        block->offset = offset;
        if (offset + block->bytes > program->arena_bytes)
            program->arena_bytes = offset + block->bytes;
        uint32_t at = placed_count++;
        while (at && program->blocks[placed[at - 1]].offset > offset) {
            placed[at] = placed[at - 1];
            at--;
        }
        placed[at] = order[i];
    }
    gvk_release(program->host, order);
    gvk_release(program->host, placed);
    return GVK_OK;
}

/* Something touched since the last barrier. */
struct gvk_hazard_range {
    enum gvk_place place;
    enum gvk_access access;
    uint64_t first, end;
};

static struct gvk_hazard_range range_of(const struct gvk_program *program, const struct gvk_operand *operand)
{
    uint64_t base = operand->place == GVK_PLACE_ARENA ? program->blocks[operand->block].offset : 0;
    return (struct gvk_hazard_range){
        .place = operand->place,
        .access = operand->access,
        .first = base + operand->offset,
        .end = base + operand->offset + operand->bytes,
    };
}

static bool collide(const struct gvk_hazard_range *left, const struct gvk_hazard_range *right)
{
    return left->place == right->place && gvk_accesses_collide(left->access, right->access) &&
           left->first < right->end && right->first < left->end;
}

gvk_result gvk_hazards_check(struct gvk_hazards *hazards, const struct gvk_program *program,
                             const struct gvk_command *command, bool *barrier, bool *transfer)
{
    bool is_transfer = command->kind == GVK_COMMAND_CLEAR;
    /* Barriers among dispatches do not reach transfers, so what they have ordered may still run when a transfer writes.
     */
    *barrier = is_transfer && hazards->started;
    *transfer = false;
    hazards->started = true;
    for (uint32_t i = 0; i < command->operand_count && !*barrier; i++) {
        if (command->operands[i].place == GVK_PLACE_WEIGHTS)
            continue;
        struct gvk_hazard_range range = range_of(program, &command->operands[i]);
        for (uint32_t j = 0; j < hazards->count && !*barrier; j++)
            *barrier = collide(&hazards->ranges[j], &range);
    }
    if (*barrier) {
        *transfer = hazards->transfer || is_transfer;
        hazards->count = 0;
        hazards->transfer = false;
    }
    hazards->transfer |= is_transfer;
    for (uint32_t i = 0; i < command->operand_count; i++) {
        if (command->operands[i].place == GVK_PLACE_WEIGHTS)
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

void gvk_hazards_release(struct gvk_hazards *hazards)
{
    gvk_release(hazards->host, hazards->ranges);
    hazards->ranges = NULL;
    hazards->count = hazards->capacity = 0;
}
