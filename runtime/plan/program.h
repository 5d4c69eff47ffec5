/* A program: the commands of a frame over blocks of memory, before any Vulkan object exists. Commands are appended,
 * then blocks get their offsets in the arena, and then it can be recorded. */
#ifndef GVK_PROGRAM_H
#define GVK_PROGRAM_H

#include "runtime/graph/graph.h"
#include "runtime/vulkan/device.h"
#include "shader_table.h"
#include "shaders/shared.h"

#include "runtime/device/pipeline.h"
#include "runtime/device/policy.h"

#define GVK_MAX_OPERANDS 5
#define GVK_FOREVER      UINT32_MAX

enum gvk_memory_kind {
    GVK_MEMORY_ARENA,      /* a block of the stream's arena */
    GVK_MEMORY_WEIGHTS,    /* the model's weights */
    GVK_MEMORY_PARAMETERS, /* the frame's parameters, written by the host */
    GVK_MEMORY_RESULT,     /* the frame's result, read by the host */
    GVK_MEMORY_UPLOAD,     /* what the host has written of the frame's pictures */
    GVK_MEMORY_SCRATCH,    /* the frame's own, between the commands of its intake */
    GVK_MEMORY_PICTURE,    /* a buffer of the host's with the picture number `block` of the frame */
    GVK_MEMORY_COUNT
};

enum gvk_access {
    GVK_READ = 1,
    GVK_WRITE = 2,
    GVK_READ_WRITE = 3,
    GVK_APPEND = 6 /* written through atomics, each element by one: appends do not disturb each other */
};

static inline bool gvk_accesses_collide(enum gvk_access left, enum gvk_access right)
{
    return ((left | right) & GVK_WRITE) && !(left == GVK_APPEND && right == GVK_APPEND);
}

/* A range that a command touches. */
struct gvk_operand {
    uint32_t binding; /* GVK_BINDING_... */
    enum gvk_memory_kind memory;
    enum gvk_access access;
    uint32_t block;      /* of the arena, or which picture */
    uint32_t quad_bytes; /* of a channel quad: 8 where tensor or weights are fp16, else 16; 0: 16 */
    uint64_t offset;     /* bytes from the block's (or the buffer's) start; a multiple of that */
    uint64_t bytes;
    uint64_t useful; /* of them; slack, and other tensors' items between, left out. 0: unknown */
    bool is_aligned; /* begins at any device's alignment, as a block does, and needs no word of the push constants */
};

enum gvk_command_kind {
    GVK_COMMAND_DISPATCH,
    GVK_COMMAND_CLEAR, /* the only operand is filled with zeros */
    GVK_COMMAND_COPY   /* the second operand's bytes go to the first */
};

struct gvk_command {
    enum gvk_command_kind kind;
    uint32_t level;    /* set by schedule.c */
    const char *label; /* the node's name; lives as long as the graph, or static */
    struct gvk_pipeline_key key;
    uint32_t groups[3];
    uint32_t push[GVK_PUSH_BYTES / 4]; /* to the first four words each operand's remainder is added when recorded */
    uint32_t push_bytes;
    struct gvk_operand operands[GVK_MAX_OPERANDS];
    uint32_t operand_count;
    uint32_t image; /* 1 + the number of the picture whose image it reads (set 1); 0: none */
    uint64_t macs;  /* multiply-adds of the network's node, all items together */
    /* The most passes through loops, all its loops together, that one lane makes. Kernels whose shader has loops state
     * it, computed from the sizes in their push constants: a lane that runs for long cannot be interrupted, and Mesa's
     * lavapipe ends it in silence after 65,535. */
    uint64_t turns;
};

struct gvk_block {
    uint64_t bytes;       /* slack included */
    uint32_t first, last; /* level of the commands that first and last touch it; GVK_FOREVER: stays readable */
    bool used, filled_before;
    uint64_t offset; /* in the arena, once planned */
};

/* Where the values of a tensor are in memory. */
struct gvk_tensor_location {
    uint32_t block;
    uint64_t offset;     /* bytes from the block's start */
    uint32_t item;       /* quads from one item of the batch to the next */
    uint32_t root_quads; /* of the tensor that owns the block */
};

struct gvk_program {
    const gvk_host *host;
    struct gvk_command *commands;
    uint32_t command_count, command_capacity;
    struct gvk_block *blocks;
    uint32_t block_count, block_capacity;
    uint64_t arena_bytes;
    /* Of the graph's tensors, by number. */
    struct gvk_shape *shapes;
    struct gvk_tensor_location *locations;
    uint32_t tensor_count;
    uint32_t width, height, batch;
    uint32_t quad_bytes;                 /* of every tensor: 16, or 8 in fp16 */
    uint32_t network_first, network_end; /* the network's first command; the first one behind the network's */
};

/* What was decided for each node, and the model's weights as the kernels read them: the quad where a node's own begin.
 */
struct gvk_packing {
    uint64_t *offsets; /* by node, in quads; each at a multiple of 16, 256 bytes of fp32, which weight chunks need */
    uint64_t *sizes;
    struct gvk_selection *selections; /* by node (runtime/kernel/selection.h) */
    uint64_t quads;                   /* in all, slack included */
};

/* What emits commands: the kernels are called with one. */
struct gvk_builder {
    const gvk_host *host;
    const struct gvk_policy *policy;
    const struct gvk_graph *graph; /* rewritten */
    const struct gvk_packing *packing;
    struct gvk_program *program;
};

gvk_result gvk_program_create(const gvk_host *host, struct gvk_program **out);
void gvk_program_destroy(struct gvk_program *program);

/* A block of memory that lives from its first to its last command. */
gvk_result gvk_program_add_block(struct gvk_program *program, uint64_t bytes, uint32_t *out);
/* A block of another program over the same arena, where that has placed it; for programs that are not planned. */
gvk_result gvk_program_borrow_block(struct gvk_program *program, const struct gvk_block *block, uint32_t *out);
/* Appends a copy. Its operands' blocks live at least until here. */
gvk_result gvk_program_add_command(struct gvk_program *program, const struct gvk_command *command);
/* Shapes and blocks of all tensors of the graph. */
gvk_result gvk_program_place_tensors(struct gvk_builder *builder, uint32_t width, uint32_t height, uint32_t batch);
/* The block is written in front of the first command. */
void gvk_program_fill_before(struct gvk_program *program, uint32_t block);
/* The block stays readable behind the last command. */
void gvk_program_keep_block(struct gvk_program *program, uint32_t block);
/* Reorders the commands (schedule.c) and gives every block its offset in the arena. */
gvk_result gvk_program_plan(struct gvk_program *program);
gvk_result gvk_program_schedule(struct gvk_program *program);

/* Walks commands in order and says where a barrier is needed. */
struct gvk_hazards {
    const gvk_host *host;
    struct gvk_hazard_range *ranges;
    uint32_t count, capacity;
    bool transfer;   /* a transfer command is among them */
    bool dispatched; /* a dispatch was checked since the last barrier that reached transfers */
};
gvk_result gvk_hazards_check(struct gvk_hazards *hazards, const struct gvk_program *program,
                             const struct gvk_command *command, bool *barrier, bool *transfer);
/* One submission ends here. Appends of the next one wait for those of this one: they would not have to, but who looks
 * at submissions from outside (validation layers) sees two that write the same bytes. */
void gvk_hazards_cut(struct gvk_hazards *hazards);
void gvk_hazards_release(struct gvk_hazards *hazards);

/* Operands over tensors, whole batch. Reads include the slack, which lanes beyond the end of a plane may read. */
struct gvk_operand gvk_tensor_operand(const struct gvk_program *program, gvk_tensor tensor, uint32_t binding,
                                      enum gvk_access access);

#endif
