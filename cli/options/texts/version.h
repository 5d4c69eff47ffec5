/* What this program was built from, and how. */
#ifndef GHOSTVK_CLI_VERSION_H
#define GHOSTVK_CLI_VERSION_H

#include <stdio.h>

extern const char program_version[]; /* "0.1.0" */
extern const char program_date[];    /* of the sources, as 2026-01-31 */

/* The version in the first line, then the sources, the compiler, Vulkan's headers, shaders and optional parts. */
void print_version(FILE *stream);

#endif
