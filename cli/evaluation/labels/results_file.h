/* Boxes that were found before, read back from files: the program's JSON (one value, or a line a picture) and COCO's
 * array of results. Pictures are known by their names without folder and ending, COCO's by their ids. */
#ifndef GHOSTVK_CLI_EVALUATION_RESULTS_FILE_H
#define GHOSTVK_CLI_EVALUATION_RESULTS_FILE_H

#include "dataset.h"

struct results_file {
    struct found_list found;
    size_t other_pictures; /* boxes of pictures that the dataset has not */
    size_t other_classes;  /* and of its pictures, of classes that it has not */
    size_t failed;         /* pictures that the file says could not be read */
    double lowest;         /* score; 1 where there is no box */
};

/* False with a whole sentence. On success ends with found_release. */
bool results_file_read(const char *path, const struct dataset *dataset, struct results_file *out, char *message,
                       size_t message_size);

#endif
