/* The Vulkan device that Godot draws with, and a copy of a texture in an image that the same device reads:
 * pixels never come to host memory. There is none where Godot runs headless, with the Compatibility renderer, or on
 * Metal or Direct3D.
 *
 * Everything here belongs to Godot's main thread, with the project's rendering thread model "Safe", which draws and
 * submits there. Godot offers no lock for its queue: where the GPU has no queue for transfers alone, threads of Godot's
 * that load textures submit to the same one, so load them before, or not on a thread. */
#ifndef GHOSTVK_GODOT_RENDERER_H
#define GHOSTVK_GODOT_RENDERER_H

#include <ghostvk/gvk.h>

#include "godot.h"

typedef struct renderer {
    variant device;                    /* Godot's RenderingDevice; nil where it is not open */
    variant shader, pipeline, sampler; /* RIDs of it */
    variant image;                     /* of the newest texture's size */
    int64_t width, height;             /* of the image; 0: there is none */
} renderer;

/* NULL, or why there is no such device. `out` is filled with the handles that an import takes; Godot does not tell
 * which features it has enabled, so none is claimed. */
const char *renderer_open(renderer *out, gvk_import_params *import);
/* No frame that reads the image is on the device any more. Accepts zeros. */
void renderer_close(renderer *opened);

/* Puts a copy of the texture into the frame that Godot is drawing: the picture can be read by what is submitted to the
 * queue once Godot has drawn another frame (renderer_frames_drawn). NULL, or why it cannot. */
const char *renderer_copy(renderer *opened, const variant *texture, gvk_picture *out);
int64_t renderer_frames_drawn(void);

#endif
