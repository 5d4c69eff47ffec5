/* Streams for what stands above the runtime: with a epilogue behind the network, and what its frames leave. */
#ifndef GVK_STREAM_H
#define GVK_STREAM_H

#include "epilogue.h"
#include "runtime/model/model.h"

/* Takes over epilogue->user, on failure too. epilogue NULL: the graph's outputs are readable, and nothing follows. */
gvk_result gvk_stream_create_with_epilogue(gvk_model *model, const gvk_stream_params *params,
                                           const struct gvk_epilogue *epilogue, gvk_stream **out);
/* The same without anything on the device; gvk_stream_destroy takes it. */
gvk_result gvk_stream_plan(gvk_model *model, const gvk_stream_params *params, const struct gvk_epilogue *epilogue,
                           gvk_stream **out);
/* Bytes that a planned stream will take on the device: with pictures like these (as many as the batch, NULL: of the
 * input's size; their pixels are not looked at) in every frame; at most, while it is made. */
struct gvk_stream_needs {
    uint64_t stream, peak;
};
gvk_result gvk_stream_measure(gvk_stream *stream, const gvk_picture *likeness, size_t picture_size,
                              struct gvk_stream_needs *out);
/* The epilogue's user pointer when the stream has a epilogue with this emit function, else NULL. */
void *gvk_stream_epilogue_user(const gvk_stream *stream, gvk_result (*emit)(const struct gvk_epilogue *epilogue,
                                                                            const struct gvk_builder *builder));
/* gvk_stream_wait without a limit of the caller's (GVK_PATIENTLY in wait.h); the log says that `what` is waited for. */
gvk_result gvk_stream_wait_for(gvk_stream *stream, gvk_ticket ticket, const char *what);
/* The epilogue's result of a frame that is done. */
gvk_result gvk_stream_result(gvk_stream *stream, gvk_ticket ticket, const void **out);
/* The buffer with the result of a frame that is done, or will be. */
gvk_result gvk_stream_result_buffer(gvk_stream *stream, gvk_ticket ticket, VkBuffer *out);
/* gvk_stream_read that takes infinities and not-a-numbers too. */
gvk_result gvk_stream_read_any(gvk_stream *stream, gvk_ticket ticket, const char *tensor, gvk_array *out, bool *finite);
const gvk_host *gvk_stream_host(const gvk_stream *stream);
const struct gvk_program *gvk_stream_program(const gvk_stream *stream);
/* For tests that look at memory around a tensor: the arena as mapped, or NULL. */
const struct gvk_buffer *gvk_stream_arena(const gvk_stream *stream);

#endif
