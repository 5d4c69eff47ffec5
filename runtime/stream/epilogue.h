/* What runs behind the network in each frame of a stream: commands with parameters in and a result out, such as a
 * detector's decode and suppression. The runtime itself knows nothing of boxes. */
#ifndef GVK_EPILOGUE_H
#define GVK_EPILOGUE_H

#include "runtime/intake/intake_commands.h"
#include "runtime/plan/program.h"

struct gvk_epilogue {
    const char *stage; /* name of its timing; static */
    void *user;
    uint64_t parameter_bytes, result_bytes; /* of a frame; filled in by prepare */
    /* Called once, tensors placed: sets the sizes above, and may append commands in front of the network's. */
    gvk_result (*prepare)(struct gvk_epilogue *epilogue, const struct gvk_builder *builder);
    /* Appends commands behind the network's. */
    gvk_result (*emit)(const struct gvk_epilogue *epilogue, const struct gvk_builder *builder);
    /* Writes a frame's parameters; where each picture lies in the input is said by its layout. */
    void (*fill)(const struct gvk_epilogue *epilogue, const struct gvk_picture_layout *pictures, uint32_t count,
                 void *parameters);
    /* The same for the frame that is timed when the stream is made, over whatever maps the arena holds: the commands
     * are to take about as long as they take at most. */
    void (*fill_longest)(const struct gvk_epilogue *epilogue, void *parameters);
    void (*release)(const gvk_host *host, void *user);
};

#endif
