/* The files of drivers that the environment names. Vulkan's loader passes over those that it cannot read in silence,
 * and then there is "no device", or another one than was meant. */
#ifndef GHOSTVK_CLI_DRIVER_FILES_H
#define GHOSTVK_CLI_DRIVER_FILES_H

#include <stdbool.h>
#include <stddef.h>

/* Says which named files cannot be read, where others can. When none of them can, true with a sentence for the failure
 * that follows. */
bool driver_files_are_missing(char *sentence, size_t size);

#endif
