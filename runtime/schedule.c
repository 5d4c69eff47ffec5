/* Puts independent commands side by side, so that one barrier serves several of them, and branches that free memory in
 * front. Called by gvk_program_plan before blocks are placed.
 *
 * A command's level is the length of the longest chain of commands that must run before it; commands of one level need
 * no barrier among themselves. A command whose output is larger than its inputs is moved as late as its users allow. */
#include "program.h"

static bool operands_collide(const struct gvk_operand *left, const struct gvk_operand *right)
{
    if (left->place != right->place || left->place == GVK_PLACE_WEIGHTS)
        return false;
    if (left->place == GVK_PLACE_ARENA && left->block != right->block)
        return false;
    return gvk_accesses_collide(left->access, right->access) && left->offset < right->offset + right->bytes &&
           right->offset < left->offset + left->bytes;
}

static bool commands_collide(const struct gvk_command *left, const struct gvk_command *right)
{
    for (uint32_t i = 0; i < left->operand_count; i++)
        for (uint32_t j = 0; j < right->operand_count; j++)
            if (operands_collide(&left->operands[i], &right->operands[j]))
                return true;
    return false;
}

static bool grows(const struct gvk_command *command)
{
    uint64_t written = 0, read = 0;
    for (uint32_t i = 0; i < command->operand_count; i++) {
        const struct gvk_operand *operand = &command->operands[i];
        if (operand->place == GVK_PLACE_ARENA)
            *(operand->access == GVK_READ ? &read : &written) += operand->bytes;
    }
    return written > read;
}

/* Levels of the commands [first, end), counted from `base`; returns the level behind the last. */
static uint32_t level_range(struct gvk_program *program, uint32_t first, uint32_t end, uint32_t base)
{
    struct gvk_command *commands = program->commands;
    uint32_t behind = base;
    for (uint32_t i = first; i < end; i++) {
        commands[i].level = base;
        for (uint32_t j = first; j < i; j++)
            if (commands[j].level >= commands[i].level && commands_collide(&commands[j], &commands[i]))
                commands[i].level = commands[j].level + 1;
        if (commands[i].level >= behind)
            behind = commands[i].level + 1;
    }
    for (uint32_t i = end; i-- > first;) {
        if (!grows(&commands[i]))
            continue;
        uint32_t latest = behind;
        for (uint32_t j = i + 1; j < end; j++)
            if (commands[j].level < latest && commands_collide(&commands[i], &commands[j]))
                latest = commands[j].level;
        if (latest > base && latest - 1 > commands[i].level && latest != behind)
            commands[i].level = latest - 1;
    }
    return behind;
}

/* By level; commands of one level keep their order. */
static void sort_range(struct gvk_program *program, uint32_t first, uint32_t end)
{
    struct gvk_command *commands = program->commands;
    for (uint32_t i = first + 1; i < end; i++) {
        struct gvk_command moved = commands[i];
        uint32_t at = i;
        while (at > first && commands[at - 1].level > moved.level) {
            commands[at] = commands[at - 1];
            at--;
        }
        commands[at] = moved;
    }
}

void gvk_program_schedule(struct gvk_program *program)
{
    uint32_t behind = level_range(program, 0, program->network_end, 0);
    level_range(program, program->network_end, program->command_count, behind);
    sort_range(program, 0, program->network_end);
    sort_range(program, program->network_end, program->command_count);
    for (uint32_t i = 0; i < program->block_count; i++) {
        struct gvk_block *block = &program->blocks[i];
        if (!block->filled_before)
            block->first = GVK_FOREVER;
        if (block->last != GVK_FOREVER)
            block->last = 0;
    }
    for (uint32_t i = 0; i < program->command_count; i++) {
        const struct gvk_command *command = &program->commands[i];
        for (uint32_t j = 0; j < command->operand_count; j++) {
            if (command->operands[j].place != GVK_PLACE_ARENA)
                continue;
            struct gvk_block *block = &program->blocks[command->operands[j].block];
            if (block->first == GVK_FOREVER || command->level < block->first)
                block->first = command->level;
            if (block->last != GVK_FOREVER && command->level > block->last)
                block->last = command->level;
        }
    }
}
