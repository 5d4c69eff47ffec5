/* Plans the detector's frame by the code that plans it for a device. */
#include "plan.h"

#include "ghostnet/networks/heads.h"
#include "runtime/graph/rewrite.h"
#include "runtime/op/ghost.h"
#include "runtime/op/table.h"
#include "tests/support/tile_shaders.h"

#define INPUT_SIZE 416
#define CLASSES    80

bool plan_frame(const struct gvk_policy *policy, uint32_t batch, struct planned *out)
{
    *out = (struct planned){.host = gvk_host_complete(NULL)};
    if (gvk_graph_create(&out->host, NULL, NULL, &out->graph))
        return false;
    gvk_add_yolov4(out->graph, gvk_graph_input(out->graph, "input", 3), &gvk_ghostnet, 1.0, CLASSES);
    if (gvk_graph_finish(out->graph) || gvk_graph_copy(&out->host, out->graph, &out->rewritten) ||
        gvk_rewrite_graph(out->rewritten, gvk_rewrites_off(policy, 0)) || gvk_program_create(&out->host, &out->program))
        return false;
    struct gvk_builder builder = {.host = &out->host,
                                  .policy = policy,
                                  .graph = out->rewritten,
                                  .packing = &out->packing,
                                  .program = out->program};
    const gvk_stream_params size = {.size = sizeof size, .width = INPUT_SIZE, .height = INPUT_SIZE, .batch = batch};
    return !gvk_program_follow(&builder, &out->packing, &size);
}

void planned_release(struct planned *planned)
{
    gvk_packing_destroy(&planned->host, &planned->packing);
    gvk_program_destroy(planned->program);
    gvk_graph_destroy(planned->rewritten);
    gvk_graph_destroy(planned->graph);
}

const struct gvk_tile *tile_of_shader(enum gvk_shader shader)
{
    for (int i = 0; i < GVK_TILE_COUNT; i++)
        if (tile_has_shader(&gvk_tiles[i], shader))
            return &gvk_tiles[i];
    return NULL;
}
