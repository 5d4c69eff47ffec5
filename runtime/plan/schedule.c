/* Puts independent commands side by side, so that one barrier serves several of them, and branches that free memory in
 * front. This comes before blocks are placed.
 *
 * A command's level is the length of the longest chain of commands that must run before it; commands of one level need
 * no barrier among themselves. A command whose output is larger than its inputs is moved as late as its users allow.
 * Where most memory is in use in the network, a level is made two, one command before or behind the others, if less
 * lives at once then. */
#include "program.h"

/* A further level costs a barrier: saving less than this part of the memory is not worth it. */
#define WORTH_A_LEVEL 64u
#define MOST_SPLITS   4u
#define MOST_TRIES    4u /* of a level's commands; levels of networks have two or three */

/* The operands of the program's commands, in chains of those that may touch the same memory: one for each block of the
 * arena, one for each buffer beside it. Commands that share no chain cannot depend on each other. */
struct chains {
    uint32_t *last;     /* of each chain: the operand added last, as command * GVK_MAX_OPERANDS + its index; NONE */
    uint32_t *previous; /* of each operand: the one before it in its chain; NONE */
    uint32_t count;
};
#define NONE UINT32_MAX

static uint32_t chain_of(const struct gvk_program *program, const struct gvk_operand *operand)
{
    return operand->memory == GVK_MEMORY_ARENA ? operand->block : program->block_count + (uint32_t)operand->memory;
}

static void empty_chains(const struct chains *chains)
{
    for (uint32_t i = 0; i < chains->count; i++)
        chains->last[i] = NONE;
}

static void add_to_chains(const struct gvk_program *program, const struct chains *chains, uint32_t index)
{
    const struct gvk_command *command = &program->commands[index];
    for (uint32_t i = 0; i < command->operand_count; i++) {
        uint32_t *last = &chains->last[chain_of(program, &command->operands[i])];
        chains->previous[index * GVK_MAX_OPERANDS + i] = *last;
        *last = index * GVK_MAX_OPERANDS + i;
    }
}

static bool operands_collide(const struct gvk_operand *left, const struct gvk_operand *right)
{
    return gvk_accesses_collide(left->access, right->access) && left->offset < right->offset + right->bytes &&
           right->offset < left->offset + left->bytes;
}

/* The lowest (or highest) level among the commands in the chains that collide with this one; `none` without any. */
static uint32_t find_level(const struct gvk_program *program, const struct chains *chains, uint32_t index, bool highest,
                           uint32_t none)
{
    const struct gvk_command *command = &program->commands[index];
    uint32_t found = none;
    for (uint32_t i = 0; i < command->operand_count; i++) {
        const struct gvk_operand *operand = &command->operands[i];
        if (operand->memory == GVK_MEMORY_WEIGHTS)
            continue;
        for (uint32_t at = chains->last[chain_of(program, operand)]; at != NONE; at = chains->previous[at]) {
            const struct gvk_command *other = &program->commands[at / GVK_MAX_OPERANDS];
            if (operands_collide(operand, &other->operands[at % GVK_MAX_OPERANDS]) &&
                (found == none || (highest ? other->level > found : other->level < found)))
                found = other->level;
        }
    }
    return found;
}

static bool grows(const struct gvk_command *command)
{
    uint64_t written = 0, read = 0;
    for (uint32_t i = 0; i < command->operand_count; i++) {
        const struct gvk_operand *operand = &command->operands[i];
        if (operand->memory == GVK_MEMORY_ARENA)
            *(operand->access == GVK_READ ? &read : &written) += operand->bytes;
    }
    return written > read;
}

/* Levels of the commands [first, end), counted from `base`; returns the level behind the last. */
static uint32_t level_range(struct gvk_program *program, const struct chains *chains, uint32_t first, uint32_t end,
                            uint32_t base)
{
    struct gvk_command *commands = program->commands;
    uint32_t behind = base;
    empty_chains(chains);
    for (uint32_t i = first; i < end; i++) {
        uint32_t before = find_level(program, chains, i, true, NONE);
        commands[i].level = before == NONE ? base : before + 1;
        if (commands[i].level >= behind)
            behind = commands[i].level + 1;
        add_to_chains(program, chains, i);
    }
    empty_chains(chains);
    for (uint32_t i = end; i-- > first;) {
        if (grows(&commands[i])) {
            uint32_t after = find_level(program, chains, i, false, NONE);
            if (after != NONE && after > base && after - 1 > commands[i].level)
                commands[i].level = after - 1;
        }
        add_to_chains(program, chains, i);
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

/* From which level to which each block holds something. */
static void find_lifetimes(struct gvk_program *program)
{
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
            if (command->operands[j].memory != GVK_MEMORY_ARENA)
                continue;
            struct gvk_block *block = &program->blocks[command->operands[j].block];
            if (block->first == GVK_FOREVER || command->level < block->first)
                block->first = command->level;
            if (block->last != GVK_FOREVER && command->level > block->last)
                block->last = command->level;
        }
    }
}

/* What is needed to know how many bytes are in use at each level of the network. */
struct memory_use {
    uint64_t *changes; /* of the living bytes from one level to the next */
    bool *counted;     /* the blocks that the network touches: counting does not depend on what runs around it */
    uint32_t levels;   /* of the network */
};

static void count_network_blocks(const struct gvk_program *program, bool *counted)
{
    for (uint32_t i = program->network_first; i < program->network_end; i++)
        for (uint32_t j = 0; j < program->commands[i].operand_count; j++)
            if (program->commands[i].operands[j].memory == GVK_MEMORY_ARENA)
                counted[program->commands[i].operands[j].block] = true;
}

/* The most bytes that are in use at one level, and which level that is. */
static uint64_t find_peak(const struct gvk_program *program, const struct memory_use *use, uint32_t levels,
                          uint32_t *level)
{
    uint64_t peak = 0, bytes = 0;
    for (uint32_t i = 0; i <= levels; i++)
        use->changes[i] = 0;
    for (uint32_t i = 0; i < program->block_count; i++) {
        const struct gvk_block *block = &program->blocks[i];
        if (!use->counted[i] || block->first >= levels)
            continue;
        use->changes[block->first] += block->bytes;
        use->changes[block->last < levels ? block->last + 1 : levels] -=
            block->bytes; /* unsigned: sums come out right */
    }
    for (uint32_t i = 0; i < levels; i++) {
        bytes += use->changes[i];
        if (bytes > peak) {
            peak = bytes;
            *level = i;
        }
    }
    return peak;
}

/* Splits a level in two: the command alone and then the others, or the others and then the command. Every later level
 * becomes one later. */
static void split_level(struct gvk_program *program, uint32_t level, uint32_t command, bool others_behind)
{
    for (uint32_t i = 0; i < program->command_count; i++)
        if (program->commands[i].level > level ||
            (program->commands[i].level == level && (i == command) != others_behind))
            program->commands[i].level++;
}

static void join_levels(struct gvk_program *program, uint32_t level)
{
    for (uint32_t i = 0; i < program->command_count; i++)
        if (program->commands[i].level > level)
            program->commands[i].level--;
}

/* Splits the level at which most memory is in use, in the way that saves most memory, if that is enough. */
static bool relieve_peak(struct gvk_program *program, struct memory_use *use)
{
    uint32_t level = 0, other, tries = 0, best = 0;
    bool best_behind = false;
    uint64_t peak = find_peak(program, use, use->levels, &level), least = peak;
    if (level == 0) /* what is in front of the network stays there */
        return false;
    for (uint32_t i = 0; i < program->command_count && tries < MOST_TRIES; i++) {
        if (program->commands[i].level != level)
            continue;
        tries++;
        for (int behind = 0; behind < 2; behind++) {
            split_level(program, level, i, behind);
            find_lifetimes(program);
            uint64_t tried = find_peak(program, use, use->levels + 1, &other);
            join_levels(program, level);
            if (tried < least) {
                least = tried;
                best = i;
                best_behind = behind;
            }
        }
    }
    bool worth = least < peak && least + peak / WORTH_A_LEVEL <= peak;
    if (worth) {
        split_level(program, level, best, best_behind);
        use->levels++;
    }
    find_lifetimes(program);
    return worth;
}

static gvk_result relieve_network(struct gvk_program *program, uint32_t levels)
{
    struct memory_use use = {
        .changes = gvk_allocate_array(program->host, (size_t)levels + MOST_SPLITS + 1, sizeof *use.changes),
        .counted = gvk_allocate_array(program->host, program->block_count, sizeof *use.counted),
        .levels = levels,
    };
    gvk_result result = use.changes && use.counted ? GVK_OK : gvk_fail_memory(program->host);
    if (!result) {
        count_network_blocks(program, use.counted);
        find_lifetimes(program);
        for (uint32_t i = 0; i < MOST_SPLITS && relieve_peak(program, &use); i++)
            ;
    }
    gvk_release(program->host, use.changes);
    gvk_release(program->host, use.counted);
    return result;
}

gvk_result gvk_program_schedule(struct gvk_program *program)
{
    struct chains chains = {.count = program->block_count + GVK_MEMORY_COUNT};
    chains.last = gvk_allocate_array(program->host, chains.count, sizeof *chains.last);
    chains.previous =
        gvk_allocate_array(program->host, (size_t)program->command_count * GVK_MAX_OPERANDS, sizeof *chains.previous);
    gvk_result result = chains.last && chains.previous ? GVK_OK : gvk_fail_memory(program->host);
    uint32_t behind = 0;
    if (!result) {
        behind = level_range(program, &chains, 0, program->network_end, 0);
        level_range(program, &chains, program->network_end, program->command_count, behind);
    }
    gvk_release(program->host, chains.last);
    gvk_release(program->host, chains.previous);
    if (!result)
        result = relieve_network(program, behind);
    if (result)
        return result;
    sort_range(program, 0, program->network_end); /* what is in front of it has no inputs, and stays there */
    sort_range(program, program->network_end, program->command_count);
    return GVK_OK;
}
