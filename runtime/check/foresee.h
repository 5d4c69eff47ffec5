/* Device memory, before anything is created. */
#ifndef GVK_FORESEE_H
#define GVK_FORESEE_H

#include <ghostvk/embedding.h>

#include "runtime/stream/epilogue.h"

/* gvk_model_memory of a stream with what follows behind the network. Takes over epilogue->user, on failure too;
 * epilogue NULL: nothing follows. */
gvk_result gvk_memory_foresee(gvk_device *device, const gvk_graph *graph, const gvk_model_params *model,
                              const gvk_stream_params *stream, const struct gvk_epilogue *epilogue,
                              const gvk_picture *likeness, size_t picture_size, gvk_memory *out);

#endif
