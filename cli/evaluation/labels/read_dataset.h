/* A dataset read, whichever kind it is. */
#ifndef GHOSTVK_CLI_EVALUATION_READ_DATASET_H
#define GHOSTVK_CLI_EVALUATION_READ_DATASET_H

#include "dataset.h"

/* On success ends with dataset_release; on failure nothing is left, and the message is a whole sentence. */
bool dataset_read(const struct dataset_choice *choice, struct dataset *out, char *message, size_t message_size);

#endif
