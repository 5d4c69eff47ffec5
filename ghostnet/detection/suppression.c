/* The commands of suppression.h: candidates are sorted by item, class and score; each class and item is gone through in
 * tiles, the overlaps within all tiles computed at once before; what is kept is sorted by item and score. */
#include "suppression.h"

#include "runtime/kernel/forms.h"

/* Runs that one step of sorting merges at most. */
#define MOST_FAN 96u
/* Tiles are smaller where a buffer cannot hold the overlaps of larger ones. */
#define LEAST_TILE_WORDS 5u
/* Candidates that one dispatch of drop.comp looks at, so that it takes no longer than others. */
#define DROP_CANDIDATES 65536u

uint64_t gvk_candidate_list_bytes(uint32_t capacity)
{
    return ((uint64_t)capacity + GVK_SUPPRESS_AHEAD - 1) * GVK_CANDIDATE_BYTES;
}

/* With their number in front. */
static uint64_t ranked_bytes(uint32_t capacity)
{
    return gvk_candidate_list_bytes(capacity) + 16;
}

static uint64_t overlap_bytes(uint32_t capacity, uint32_t tile_words)
{
    return ((uint64_t)capacity * GVK_OVERLAP_WORDS(tile_words) + 32 * (uint64_t)tile_words) * 4;
}

gvk_result gvk_suppression_add_state(const struct gvk_builder *builder, struct gvk_suppression *suppression)
{
    uint32_t capacity = suppression->capacity;
    suppression->tile_words = GVK_MOST_TILE_WORDS;
    while (suppression->tile_words > LEAST_TILE_WORDS &&
           overlap_bytes(capacity, suppression->tile_words) + GVK_MOST_ALIGNMENT >
               builder->policy->traits->max_storage_bytes)
        suppression->tile_words /= 2;
    uint64_t words = GVK_STATE_STARTS + (uint64_t)capacity + 2 * (capacity / (32 * suppression->tile_words) + 1);
    return gvk_add_block(builder, words * 4, &suppression->state);
}

gvk_result gvk_add_block(const struct gvk_builder *builder, uint64_t bytes, struct gvk_operand *out)
{
    *out = (struct gvk_operand){.memory = GVK_MEMORY_ARENA, .bytes = bytes};
    return gvk_program_add_block(builder->program, bytes, &out->block);
}

struct gvk_operand gvk_bind(struct gvk_operand operand, uint32_t binding, enum gvk_access access)
{
    operand.binding = binding;
    operand.access = access;
    return operand;
}

struct gvk_command gvk_begin_step(const char *label, enum gvk_shader shader)
{
    struct gvk_command command = {.kind = GVK_COMMAND_DISPATCH, .label = label, .key = {.shader = shader}};
    command.key.constants[GVK_CONSTANT_LOCAL_SIZE] = GVK_STEP_LANES;
    return command;
}

/* A step's shader, and how many loads that asks for at once. CPU devices make none at once. */
struct step_shader {
    enum gvk_shader shader;
    uint32_t ahead;
};

static struct step_shader pick_shader(const struct gvk_builder *builder, enum gvk_shader of_gpus,
                                      enum gvk_shader of_cpus)
{
    if (builder->policy->traits->type == VK_PHYSICAL_DEVICE_TYPE_CPU)
        return (struct step_shader){of_cpus, 1};
    return (struct step_shader){of_gpus, GVK_SUPPRESS_AHEAD};
}

/* The fan of `passes` merges of that many runs. */
static uint32_t fan_of(uint32_t runs, uint32_t passes)
{
    uint32_t fan = 1;
    for (uint64_t reached = 0; reached < runs;) {
        fan++;
        reached = 1;
        for (uint32_t i = 0; i < passes && reached < runs; i++)
            reached *= fan;
    }
    return fan;
}

static uint32_t bits_of(uint32_t value)
{
    uint32_t bits = 0;
    for (; value; value >>= 1)
        bits++;
    return bits;
}

/* The listed candidates into order, by group, falling score and row, behind their number. */
static gvk_result emit_sort(const struct gvk_builder *builder, const struct gvk_suppression *suppression,
                            const struct gvk_operand *list, struct gvk_sort_push push, const struct gvk_operand *sorted)
{
    uint32_t groups = gvk_divide_up(push.capacity, GVK_STEP_LANES);
    uint32_t runs = gvk_divide_up(push.capacity, GVK_SORT_BLOCK), passes = 1;
    while (fan_of(runs, passes) > MOST_FAN)
        passes++;
    push.run = GVK_SORT_BLOCK;
    push.fan = fan_of(runs, passes);

    struct gvk_operand keys;
    gvk_result result = gvk_add_block(builder, (uint64_t)push.capacity * 16, &keys);
    if (result)
        return result;
    struct step_shader sort = pick_shader(builder, GVK_SHADER_SORT_BLOCKS, GVK_SHADER_SORT_BLOCKS_IN_TURN);
    struct gvk_command blocks = gvk_begin_step("sort candidates", sort.shader);
    blocks.turns = GVK_SORT_BLOCK / sort.ahead;
    gvk_add_operand(&blocks, gvk_bind(keys, GVK_BINDING_OUTPUT, GVK_WRITE));
    gvk_add_operand(&blocks, gvk_bind(*list, GVK_BINDING_SOURCE, GVK_READ));
    gvk_add_operand(&blocks, gvk_bind(suppression->state, GVK_BINDING_EXTRA, GVK_READ));
    gvk_set_push(&blocks, &push, sizeof push);
    result = gvk_finish_dispatch(builder, &blocks, groups, 1, 1);

    for (uint32_t pass = 1; pass <= passes && !result; pass++) {
        bool last = pass == passes;
        struct gvk_operand output = *sorted;
        if (!last)
            result = gvk_add_block(builder, (uint64_t)push.capacity * 16, &output);
        if (result)
            return result;
        struct gvk_command merge =
            gvk_begin_step("merge candidates", last ? GVK_SHADER_SORT_MERGE_LAST : GVK_SHADER_SORT_MERGE);
        merge.turns = push.fan * (1 + bits_of(push.run));
        gvk_add_operand(&merge, gvk_bind(output, GVK_BINDING_OUTPUT, GVK_WRITE));
        gvk_add_operand(&merge, gvk_bind(keys, GVK_BINDING_SOURCE, GVK_READ));
        gvk_add_operand(&merge, gvk_bind(suppression->state, GVK_BINDING_EXTRA, GVK_READ));
        if (last)
            gvk_add_operand(&merge, gvk_bind(*list, GVK_BINDING_WEIGHTS, GVK_READ));
        gvk_set_push(&merge, &push, sizeof push);
        result = gvk_finish_dispatch(builder, &merge, groups, 1, 1);
        keys = output;
        push.run *= push.fan;
    }
    return result;
}

/* Steps of suppression, with what they share. */
struct steps {
    const struct gvk_builder *builder;
    const struct gvk_suppression *of;
    struct gvk_operand ranked, overlaps, list;
    struct gvk_suppress_push push;
};

static gvk_result emit_overlap(struct steps *steps)
{
    struct step_shader overlap = pick_shader(steps->builder, GVK_SHADER_OVERLAP, GVK_SHADER_OVERLAP_IN_TURN);
    struct gvk_command command = gvk_begin_step("overlapping candidates", overlap.shader);
    command.turns = bits_of(steps->of->capacity) + steps->of->tile_words * (1 + 32 / overlap.ahead);
    gvk_add_operand(&command, gvk_bind(steps->overlaps, GVK_BINDING_OUTPUT, GVK_WRITE));
    gvk_add_operand(&command, gvk_bind(steps->ranked, GVK_BINDING_SOURCE, GVK_READ));
    gvk_add_operand(&command, gvk_bind(steps->of->state, GVK_BINDING_EXTRA, GVK_READ_WRITE));
    gvk_add_operand(&command, gvk_bind(steps->of->parameters, GVK_BINDING_WEIGHTS, GVK_READ));
    gvk_set_push(&command, &steps->push, sizeof steps->push);
    return gvk_finish_dispatch(steps->builder, &command, gvk_divide_up(steps->of->capacity, GVK_STEP_LANES), 1, 1);
}

/* Turns of a lane of keep.comp over a full tile: two searches; the words of its own that it fills, checks against each
 * later block's rows, and decides; three walks over all words. */
static uint32_t keep_turns(uint32_t capacity, uint32_t words)
{
    uint32_t own = gvk_divide_up(words, GVK_STEP_LANES), checks = 0;
    for (uint32_t block = 1; block < words; block++)
        checks += gvk_divide_up(block, GVK_STEP_LANES);
    return 2 * bits_of(capacity) + own * 33 + words + checks * (1 + 32 / GVK_SUPPRESS_AHEAD) + own * 32 + 2 * words +
           own * 32;
}

/* The same of keep_in_subgroup.comp: two searches; for each block some rows' words, and all 32 rows, two a turn; two
 * walks over all words. */
static uint32_t keep_in_subgroup_turns(uint32_t capacity, uint32_t words, uint32_t lanes)
{
    uint32_t rows = gvk_divide_up(32, lanes), checks = 0;
    for (uint32_t block = 0; block < words; block++)
        checks += rows * (1 + gvk_divide_up(block, GVK_KEEP_AHEAD));
    return 2 * bits_of(capacity) + words + checks + 16 * words + words + gvk_divide_up(words, lanes) * 33;
}

/* lavapipe with subgroups whose size can be required. */
static bool keeps_in_subgroup(const struct gvk_traits *traits)
{
    return traits->type == VK_PHYSICAL_DEVICE_TYPE_CPU && traits->subgroup_broadcast &&
           gvk_can_require_subgroups(traits) && traits->subgroup_size >= 8 && traits->subgroup_size <= 32;
}

static gvk_result emit_keep(struct steps *steps)
{
    const struct gvk_traits *traits = steps->builder->policy->traits;
    uint32_t capacity = steps->of->capacity, words = steps->of->tile_words;
    struct gvk_command command = gvk_begin_step("suppress within a tile", GVK_SHADER_KEEP);
    command.turns = keep_turns(capacity, words);
    if (keeps_in_subgroup(traits)) {
        command.key.shader = GVK_SHADER_KEEP_IN_SUBGROUP;
        command.key.subgroup_size = traits->subgroup_size;
        command.key.constants[GVK_CONSTANT_LOCAL_SIZE] = traits->subgroup_size;
        command.turns = keep_in_subgroup_turns(capacity, words, traits->subgroup_size);
    }
    gvk_add_operand(&command, gvk_bind(steps->of->state, GVK_BINDING_OUTPUT, GVK_READ_WRITE));
    gvk_add_operand(&command, gvk_bind(steps->ranked, GVK_BINDING_SOURCE, GVK_READ));
    gvk_add_operand(&command, gvk_bind(steps->list, GVK_BINDING_EXTRA, GVK_READ_WRITE));
    gvk_add_operand(&command, gvk_bind(steps->overlaps, GVK_BINDING_WEIGHTS, GVK_READ));
    gvk_set_push(&command, &steps->push, sizeof steps->push);
    return gvk_finish_dispatch(steps->builder, &command, steps->of->classes, steps->of->batch, 1);
}

/* What the tile suppresses behind it. */
static gvk_result emit_drop(struct steps *steps)
{
    struct step_shader drop = pick_shader(steps->builder, GVK_SHADER_DROP, GVK_SHADER_DROP_IN_TURN);
    gvk_result result = GVK_OK;
    for (uint32_t begin = 0; begin < steps->of->capacity && !result; begin += DROP_CANDIDATES) {
        uint32_t candidates = steps->of->capacity - begin;
        if (candidates > DROP_CANDIDATES)
            candidates = DROP_CANDIDATES;
        struct gvk_command command = gvk_begin_step("suppress behind a tile", drop.shader);
        command.turns = 32 * steps->of->tile_words / drop.ahead;
        gvk_add_operand(&command, gvk_bind(steps->of->state, GVK_BINDING_OUTPUT, GVK_READ_WRITE));
        gvk_add_operand(&command, gvk_bind(steps->ranked, GVK_BINDING_SOURCE, GVK_READ));
        gvk_add_operand(&command, gvk_bind(steps->list, GVK_BINDING_EXTRA, GVK_READ));
        gvk_add_operand(&command, gvk_bind(steps->of->parameters, GVK_BINDING_WEIGHTS, GVK_READ));
        steps->push.begin = begin;
        gvk_set_push(&command, &steps->push, sizeof steps->push);
        result = gvk_finish_dispatch(steps->builder, &command, gvk_divide_up(candidates, GVK_STEP_LANES), 1, 1);
    }
    return result;
}

/* The kept ones of all classes and items, in a list. */
static gvk_result emit_steps(const struct gvk_builder *builder, const struct gvk_suppression *suppression,
                             struct gvk_operand *list)
{
    uint32_t capacity = suppression->capacity;
    struct steps steps = {
        .builder = builder,
        .of = suppression,
        .push = {.capacity = capacity, .classes = suppression->classes, .tile_words = suppression->tile_words},
    };
    gvk_result result = gvk_add_block(builder, ranked_bytes(capacity), &steps.ranked);
    if (!result)
        result = gvk_add_block(builder, overlap_bytes(capacity, suppression->tile_words), &steps.overlaps);
    if (!result)
        result = gvk_add_block(builder, gvk_candidate_list_bytes(capacity), &steps.list);
    struct gvk_sort_push sort = {
        .capacity = capacity, .counter = GVK_STATE_CANDIDATES, .classes = suppression->classes};
    if (!result)
        result = emit_sort(builder, suppression, &suppression->candidates, sort, &steps.ranked);
    if (!result)
        result = emit_overlap(&steps);
    uint32_t tiles = gvk_divide_up(suppression->item_capacity, 32 * suppression->tile_words);
    for (steps.push.tile = 0; steps.push.tile < tiles && !result; steps.push.tile++) {
        result = emit_keep(&steps);
        if (!result && steps.push.tile + 1 < tiles)
            result = emit_drop(&steps);
    }
    *list = steps.list;
    return result;
}

gvk_result gvk_emit_suppression(const struct gvk_builder *builder, const struct gvk_suppression *suppression)
{
    uint32_t capacity = suppression->capacity;
    struct gvk_operand list = suppression->candidates, sorted;
    struct gvk_sort_push sort = {.capacity = capacity, .counter = GVK_STATE_CANDIDATES, .classes = 1};
    gvk_result result = GVK_OK;
    if (!suppression->keeps_all) {
        sort.counter = GVK_STATE_KEPT;
        result = emit_steps(builder, suppression, &list);
    }
    if (!result)
        result = gvk_add_block(builder, ranked_bytes(capacity), &sorted);
    if (!result)
        result = emit_sort(builder, suppression, &list, sort, &sorted);
    if (result)
        return result;
    struct gvk_collect_push push = {
        .capacity = capacity,
        .batch = suppression->batch,
        .vertices = suppression->vertices,
        .max_detections = suppression->max_detections,
        .unclipped = suppression->unclipped,
    };
    struct gvk_command collect = gvk_begin_step("collect detections", GVK_SHADER_COLLECT);
    collect.turns = 2 * bits_of(capacity);
    gvk_add_operand(&collect, gvk_bind(suppression->result, GVK_BINDING_OUTPUT, GVK_WRITE));
    gvk_add_operand(&collect, gvk_bind(sorted, GVK_BINDING_SOURCE, GVK_READ));
    gvk_add_operand(&collect, gvk_bind(suppression->state, GVK_BINDING_EXTRA, GVK_READ));
    gvk_add_operand(&collect, gvk_bind(suppression->parameters, GVK_BINDING_WEIGHTS, GVK_READ));
    gvk_set_push(&collect, &push, sizeof push);
    return gvk_finish_dispatch(builder, &collect, gvk_divide_up(capacity, GVK_STEP_LANES), 1, 1);
}
