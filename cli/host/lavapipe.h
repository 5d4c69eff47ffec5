/* What the program asks of lavapipe, Mesa's CPU device, which reads it from the environment when an instance is made.
 */
#ifndef GHOSTVK_CLI_LAVAPIPE_H
#define GHOSTVK_CLI_LAVAPIPE_H

#include <stdbool.h>

/* Asks for 16 lanes where the processor has AVX-512, and for a shader cache of their own for lanes that are not
 * lavapipe's default. Not where the program draws: with 16 lanes lavapipe's own compiler crashes at pipelines that draw
 * (Mesa 22.3.6). What the environment says already stays. Before anything else that knows threads. */
void prepare_lavapipe(bool draws);

/* Makes the folder of the user's caches where that cache is to lie and there is none yet, as on a new machine: Mesa
 * makes no more than the last folder of a path, and would compile everything anew each time. Before a device is opened.
 */
void make_room_for_lavapipe(void);

#endif
