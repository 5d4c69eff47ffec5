/* The numbers that COCO's annotations give to pictures and categories. */
#ifndef GHOSTVK_CLI_COCO_IDS_H
#define GHOSTVK_CLI_COCO_IDS_H

#include "name_map.h"

#define COCO_FILE_BYTES_MAX ((size_t)1 << 30)

struct coco_ids {
    struct name_map pictures;   /* by file_name, and by its last part */
    struct name_map categories; /* by name */
};

/* "images" and "categories" of a file of annotations. False with a predicate in `message`. The caller releases it in
 * both cases. */
bool coco_ids_read(const char *path, struct coco_ids *out, char *message, size_t message_size);
void coco_ids_release(struct coco_ids *ids);

/* False: the annotations have no such picture, or several of the name. The path's ends are tried, the longest first. */
bool coco_picture_id(const struct coco_ids *ids, const char *path, int64_t *out);
bool coco_category_id(const struct coco_ids *ids, const char *name, int64_t *out);

/* The last number in a file's name: 397133 for COCO_val2014_000000397133.jpg. False: there is none. */
bool coco_number_in_name(const char *path, int64_t *out);
/* COCO's number, 1 to 90, of the class at `index` of its 80, in the order in which detectors have them. */
int64_t coco_number_of_class(uint32_t index);
/* Whether the classes are COCO's 80, by COCO's names or by those of darknet's list. */
bool coco_classes_are_these(const char *const *classes, uint32_t count);

#endif
