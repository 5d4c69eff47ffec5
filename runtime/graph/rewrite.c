/* Rewrites a graph for speed without changing what it computes.
 *
 * A pass looks for a pattern of nodes whose inner tensors nobody else uses, makes one node of them, and marks the rest
 * removed. Nodes stay in an order in which every input is made before it is used. */
#include "rewrite.h"

#include "ops.h"
#include "shaders/shared.h"

/* The live node that makes the tensor, or NULL for a graph input. */
static struct gvk_graph_node *producer_of(struct gvk_graph *graph, gvk_tensor tensor)
{
    for (uint32_t i = 0; tensor && i < graph->node_count; i++)
        if (!graph->nodes[i].removed && graph->nodes[i].output == tensor)
            return &graph->nodes[i];
    return NULL;
}

/* The same when `user` is the only one who reads it. */
static struct gvk_graph_node *private_producer(struct gvk_graph *graph, gvk_tensor tensor)
{
    return gvk_graph_uses(graph, tensor) == 1 ? producer_of(graph, tensor) : NULL;
}

static void remove_node(struct gvk_graph_node *node)
{
    node->removed = true;
}

/* `node` takes over the output of `last`; the tensors between them no longer exist. */
static void take_output(struct gvk_graph *graph, struct gvk_graph_node *node, struct gvk_graph_node *last)
{
    graph->tensors[node->output].removed = true;
    node->output = last->output;
    remove_node(last);
}

/* Moves `node` to where `later` stands in the order and gives it the output of `later`, because its inputs may include
 * tensors that are made between the two. */
static void move_to(struct gvk_graph *graph, struct gvk_graph_node *node, struct gvk_graph_node *later)
{
    char *name = later->name;
    gvk_tensor output = later->output, built = later->built;
    graph->tensors[node->output].removed = true;
    *later = *node;
    later->output = output;
    node->name = name;
    node->built = built;
    remove_node(node);
}

/* The kernels that rewrites alone give to a node, with a residual, upsampling, or of ghost modules, have no hard-swish
 * (shaders/common.glsl). */
static bool is_swish(const struct gvk_graph_node *node)
{
    return node->activation == GVK_ACTIVATION_HARD_SWISH;
}

static void fold_batch_norm(struct gvk_graph *graph)
{
    for (uint32_t i = 0; i < graph->node_count; i++) {
        struct gvk_graph_node *norm = &graph->nodes[i];
        if (norm->removed || norm->op != GVK_OP_BATCH_NORM)
            continue;
        struct gvk_graph_node *convolution = private_producer(graph, norm->inputs[0]);
        if (!convolution || (convolution->op != GVK_OP_CONVOLUTION && convolution->op != GVK_OP_LINEAR) ||
            convolution->activation || convolution->norm.present)
            continue;
        convolution->norm = norm->norm;
        if (norm->activation) {
            norm->op = GVK_OP_ACTIVATION;
            norm->norm = (struct gvk_norm){0};
            convolution->built = 0;
        } else {
            take_output(graph, convolution, norm);
        }
    }
}

static void fuse_activation(struct gvk_graph *graph)
{
    for (uint32_t i = 0; i < graph->node_count; i++) {
        struct gvk_graph_node *activation = &graph->nodes[i];
        if (activation->removed || activation->op != GVK_OP_ACTIVATION)
            continue;
        struct gvk_graph_node *before = private_producer(graph, activation->inputs[0]);
        if (!before || before->activation || before->residual ||
            (before->op != GVK_OP_CONVOLUTION && before->op != GVK_OP_LINEAR && before->op != GVK_OP_BATCH_NORM &&
             before->op != GVK_OP_MULTIPLY))
            continue;
        before->activation = activation->activation;
        take_output(graph, before, activation);
    }
}

/* A concat that begins with two or three max pools of one tensor, the largest kernel first: the pools become one node.
 */
static gvk_result fuse_pools(struct gvk_graph *graph)
{
    for (uint32_t i = 0; i < graph->node_count; i++) {
        struct gvk_graph_node *concat = &graph->nodes[i];
        if (concat->removed || concat->op != GVK_OP_CONCAT)
            continue;
        struct gvk_graph_node *pools[3];
        uint32_t count = 0;
        while (count < concat->input_count && count < 3) {
            struct gvk_graph_node *pool = private_producer(graph, concat->inputs[count]);
            if (!pool || pool->op != GVK_OP_MAX_POOL || pool->input_channels % 4 ||
                (count && (pool->inputs[0] != pools[0]->inputs[0] || pool->kernel > pools[count - 1]->kernel)))
                break;
            pools[count++] = pool;
        }
        if (count < 2)
            continue;
        struct gvk_graph_node *last = pools[0];
        for (uint32_t j = 1; j < count; j++)
            if (pools[j] > last)
                last = pools[j];
        struct gvk_graph_tensor *tensors = gvk_grow_array(&graph->host, graph->tensors, graph->tensor_count,
                                                          (size_t)graph->tensor_count + 1, sizeof *tensors);
        if (!tensors)
            return gvk_fail_memory(&graph->host);
        graph->tensors = tensors;
        graph->tensor_capacity = graph->tensor_count + 1;
        gvk_tensor together = graph->tensor_count++;
        graph->tensors[together] = (struct gvk_graph_tensor){.channels = last->input_channels * count};
        for (uint32_t j = 0; j < count; j++) {
            last->pool_kernels[j] = pools[j]->kernel;
            graph->tensors[pools[j]->output].removed = true;
            remove_node(pools[j]);
        }
        last->removed = false;
        last->op = GVK_OP_MAX_POOLS;
        last->output = together;
        last->output_channels = last->input_channels * count;
        concat->inputs[0] = together;
        for (uint32_t j = 1; j + count - 1 < concat->input_count; j++)
            concat->inputs[j] = concat->inputs[j + count - 1];
        concat->input_count -= count - 1;
        if (concat->input_count == 1)
            take_output(graph, last, concat);
    }
    return GVK_OK;
}

static bool is_linear_with(const struct gvk_graph_node *node, gvk_activation activation)
{
    return node && gvk_is_pointwise(node) && node->activation == activation && !node->residual && !node->gate &&
           !node->norm.present;
}

/* multiply(x, expand(reduce(average_pool(x)))): the gate becomes one node, and the product part of the pointwise
 * convolution behind it where there is just one. */
static void fuse_squeeze_excite(struct gvk_graph *graph)
{
    for (uint32_t i = 0; i < graph->node_count; i++) {
        struct gvk_graph_node *multiply = &graph->nodes[i];
        if (multiply->removed || multiply->op != GVK_OP_MULTIPLY)
            continue;
        struct gvk_graph_node *expand = private_producer(graph, multiply->inputs[1]);
        if (!is_linear_with(expand, GVK_ACTIVATION_HARD_SIGMOID))
            continue;
        struct gvk_graph_node *reduce = private_producer(graph, expand->inputs[0]);
        if (!is_linear_with(reduce, GVK_ACTIVATION_RELU) || gvk_quads(reduce->output_channels) > GVK_EXCITE_QUADS ||
            gvk_count_excite_turns(gvk_quads(expand->output_channels), gvk_quads(reduce->output_channels)) >
                GVK_MOST_TURNS)
            continue;
        struct gvk_graph_node *pool = private_producer(graph, reduce->inputs[0]);
        if (!pool || pool->op != GVK_OP_AVERAGE_POOL || pool->inputs[0] != multiply->inputs[0])
            continue;
        expand->op = GVK_OP_SQUEEZE_EXCITE;
        expand->inputs[0] = pool->inputs[0];
        expand->second_weight = expand->weight;
        expand->second_bias = expand->bias;
        expand->weight = reduce->weight;
        expand->bias = reduce->bias;
        expand->reduced_channels = reduce->output_channels;
        expand->input_channels = pool->input_channels;
        graph->tensors[pool->output].removed = true;
        graph->tensors[reduce->output].removed = true;
        remove_node(pool);
        remove_node(reduce);
        if (multiply->activation || gvk_graph_uses(graph, multiply->output) != 1)
            continue;
        for (uint32_t j = i + 1; j < graph->node_count; j++) {
            struct gvk_graph_node *user = &graph->nodes[j];
            if (user->removed || user->inputs[0] != multiply->output || !gvk_is_pointwise(user) || user->gate ||
                user->residual)
                continue;
            user->inputs[0] = multiply->inputs[0];
            user->gate = expand->output;
            graph->tensors[multiply->output].removed = true;
            remove_node(multiply);
            break;
        }
    }
}

/* add(concat(p, depthwise(p)), residual): the end of a ghost bottleneck. */
static bool fuse_ghost_tail(struct gvk_graph *graph, struct gvk_graph_node *add, uint32_t side)
{
    struct gvk_graph_node *concat = private_producer(graph, add->inputs[side]);
    if (!concat || concat->op != GVK_OP_CONCAT || concat->input_count != 2)
        return false;
    struct gvk_graph_node *cheap = private_producer(graph, concat->inputs[1]);
    if (!cheap || !gvk_is_depthwise(cheap) || cheap->inputs[0] != concat->inputs[0] || cheap->stride != 1 ||
        cheap->kernel != 3 || cheap->padding != cheap->kernel / 2 || cheap->residual || cheap->input_channels % 4 ||
        is_swish(cheap))
        return false;
    cheap->ghost_tail = true;
    cheap->residual = add->inputs[1 - side];
    graph->tensors[concat->output].removed = true;
    remove_node(concat);
    move_to(graph, cheap, add);
    return true;
}

static bool fuse_pointwise_residual(struct gvk_graph *graph, struct gvk_graph_node *add, uint32_t side)
{
    struct gvk_graph_node *convolution = private_producer(graph, add->inputs[side]);
    if (!convolution || !gvk_is_pointwise(convolution) || convolution->activation || convolution->residual ||
        convolution->gate)
        return false;
    convolution->residual = add->inputs[1 - side];
    move_to(graph, convolution, add);
    return true;
}

static void fuse_residual(struct gvk_graph *graph)
{
    for (uint32_t i = 0; i < graph->node_count; i++) {
        struct gvk_graph_node *add = &graph->nodes[i];
        if (add->removed || add->op != GVK_OP_ADD || add->inputs[0] == add->inputs[1])
            continue;
        if (fuse_ghost_tail(graph, add, 0) || fuse_ghost_tail(graph, add, 1) || fuse_pointwise_residual(graph, add, 0))
            continue;
        fuse_pointwise_residual(graph, add, 1);
    }
}

static void place_upsample(struct gvk_graph *graph)
{
    for (uint32_t i = 0; i < graph->node_count; i++) {
        struct gvk_graph_node *upsample = &graph->nodes[i];
        if (upsample->removed || upsample->op != GVK_OP_UPSAMPLE)
            continue;
        struct gvk_graph_node *convolution = private_producer(graph, upsample->inputs[0]);
        if (!convolution || !gvk_is_pointwise(convolution) || convolution->residual || convolution->gate ||
            is_swish(convolution))
            continue;
        convolution->upsample = true;
        take_output(graph, convolution, upsample);
    }
}

static bool is_graph_input(const struct gvk_graph *graph, gvk_tensor tensor)
{
    return graph->input_count && graph->inputs[0].tensor == tensor;
}

/* Inputs of a concat whose channels begin and end at a whole quad are written straight into its memory; the others are
 * still copied. */
static void place_concat(struct gvk_graph *graph)
{
    for (uint32_t i = 0; i < graph->node_count; i++) {
        struct gvk_graph_node *concat = &graph->nodes[i];
        if (concat->removed || concat->op != GVK_OP_CONCAT)
            continue;
        uint32_t first = 0, placed = 0;
        for (uint32_t j = 0; j < concat->input_count; j++) {
            struct gvk_graph_tensor *part = &graph->tensors[concat->inputs[j]];
            bool last = j + 1 == concat->input_count;
            if (first % 4 == 0 && (last || part->channels % 4 == 0) && !part->parent &&
                !is_graph_input(graph, concat->inputs[j])) {
                part->parent = concat->output;
                part->first_channel = first;
                placed++;
            }
            first += part->channels;
        }
        if (placed == concat->input_count)
            remove_node(concat);
    }
}

/* The two halves of a concat that was removed because both are written straight into its memory, one behind the other.
 */
static bool are_halves(const struct gvk_graph *graph, gvk_tensor first, gvk_tensor second)
{
    const struct gvk_graph_tensor *left = &graph->tensors[first], *right = &graph->tensors[second];
    return left->parent && left->parent == right->parent && left->first_channel == 0 &&
           right->first_channel == left->channels &&
           graph->tensors[left->parent].channels == left->channels + right->channels;
}

/* concat(p, depthwise(p)) of a pointwise p, or the same with a residual added: one node, where the halves end at a
 * quad. */
static void fuse_ghost(struct gvk_graph *graph)
{
    for (uint32_t i = 0; i < graph->node_count; i++) {
        struct gvk_graph_node *cheap = &graph->nodes[i];
        if (cheap->removed || !gvk_is_depthwise(cheap) || cheap->kernel != 3 || cheap->stride != 1 ||
            cheap->padding != 1 || cheap->input_channels % 4)
            continue;
        gvk_tensor inner = cheap->inputs[0];
        /* A placed concat is no user any more, and a half of one stays for a tap to read. */
        bool tap_stays = graph->tensors[inner].tapped && !cheap->ghost_tail;
        struct gvk_graph_node *primary =
            gvk_graph_uses(graph, inner) - tap_stays == 1 ? producer_of(graph, inner) : NULL;
        if (!primary || !gvk_is_pointwise(primary) || primary->residual || primary->upsample ||
            primary->activation != cheap->activation || is_swish(cheap) || graph->tensors[primary->gate].parent)
            continue;
        if (!cheap->ghost_tail && !are_halves(graph, inner, cheap->output))
            continue;
        cheap->second_weight = cheap->weight;
        cheap->second_bias = cheap->bias;
        cheap->second_norm = cheap->norm;
        cheap->weight = primary->weight;
        cheap->bias = primary->bias;
        cheap->norm = primary->norm;
        cheap->op = GVK_OP_GHOST;
        cheap->inputs[0] = primary->inputs[0];
        cheap->gate = primary->gate;
        cheap->input_channels = primary->input_channels;
        cheap->output_channels = primary->output_channels;
        cheap->kernel = cheap->groups = 1;
        cheap->padding = 0;
        if (cheap->ghost_tail)
            graph->tensors[inner].removed = true;
        else
            cheap->output = graph->tensors[inner].parent;
        remove_node(primary);
    }
}

gvk_result gvk_rewrite_graph(struct gvk_graph *graph, uint32_t off)
{
    if (!(off & GVK_REWRITE_FOLD_BATCH_NORM))
        fold_batch_norm(graph);
    if (!(off & GVK_REWRITE_FUSE_ACTIVATION))
        fuse_activation(graph);
    if (!(off & GVK_REWRITE_FUSE_POOLS)) {
        gvk_result result = fuse_pools(graph);
        if (result)
            return result;
    }
    if (!(off & (GVK_REWRITE_FUSE_SQUEEZE_EXCITE | GVK_REWRITE_FAST_KERNELS)))
        fuse_squeeze_excite(graph);

    if (!(off & (GVK_REWRITE_FUSE_RESIDUAL | GVK_REWRITE_FAST_KERNELS)))
        fuse_residual(graph);
    if (!(off & (GVK_REWRITE_PLACE_UPSAMPLE | GVK_REWRITE_FAST_KERNELS)))
        place_upsample(graph);
    if (!(off & GVK_REWRITE_PLACE_CONCAT))
        place_concat(graph);
    if (!(off & (GVK_REWRITE_FUSE_GHOST | GVK_REWRITE_FAST_KERNELS)))
        fuse_ghost(graph);
    return GVK_OK;
}
