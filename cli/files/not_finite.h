/* Which layer of a network goes wrong first, once its result held an infinity or a not-a-number. */
#ifndef GHOSTVK_CLI_NOT_FINITE_H
#define GHOSTVK_CLI_NOT_FINITE_H

#include "cli/host/program.h"

/* Runs the frame again, every layer kept, and adds what it finds to the reason that report_failure will say. Costs a
 * frame and the memory of all layers; where there is not enough, the reason stays as it is. */
void explain_not_finite(struct program *program, gvk_model *model, const gvk_picture *pictures, uint32_t batch,
                        uint32_t width, uint32_t height);

#endif
