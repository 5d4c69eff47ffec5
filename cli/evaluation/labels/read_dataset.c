/* See read_dataset.h. */
#include "read_dataset.h"

#include "cli/base/input_file.h"

bool dataset_read(const struct dataset_choice *choice, struct dataset *out, char *message, size_t message_size)
{
    *out = (struct dataset){0};
    bool is_voc = is_folder(choice->path);
    out->kind = is_voc ? DATASET_VOC : DATASET_COCO;
    bool is_read = (is_voc ? voc_read : coco_read)(choice, out, message, message_size);
    if (is_read && !dataset_index(out))
        is_read = refuse_dataset(message, message_size, "%s: it needs more memory than there is", choice->path);
    if (!is_read)
        dataset_release(out);
    return is_read;
}
