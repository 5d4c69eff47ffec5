/* Which lists of pictures a Pascal VOC folder has, for who asked for one that is not there. */
#ifndef GHOSTVK_CLI_EVALUATION_VOC_SETS_H
#define GHOSTVK_CLI_EVALUATION_VOC_SETS_H

#include <stdbool.h>
#include <stddef.h>

/* ImageSets/Main of the folder has no list `set`: sets the message to what there is instead, or to what the folder
 * lacks to be one of Pascal VOC. Always false. */
bool refuse_voc_set(const char *folder, const char *set, char *message, size_t message_size);

#endif
