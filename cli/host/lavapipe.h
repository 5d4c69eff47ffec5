/* What the program asks of lavapipe, Mesa's CPU device, which reads it from the environment when an instance is made.
 */
#ifndef GHOSTVK_CLI_LAVAPIPE_H
#define GHOSTVK_CLI_LAVAPIPE_H

#include <stdbool.h>

/* Asks for 16 lanes where the processor has AVX-512, and for a shader cache of their own for lanes that are not
 * lavapipe's default. Not where the program draws: with 16 lanes lavapipe's own compiler crashes at pipelines that draw
 * (Mesa 22.3.6). What the environment says already stays. Before anything else that knows threads. */
void prepare_lavapipe(bool draws);

#endif
