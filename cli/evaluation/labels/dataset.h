/* Labelled pictures: what Pascal VOC folders and COCO annotation files say, as one struct, and the boxes that a
 * detector found in them.
 *
 * A file is taken as hostile: sizes are limited, every number is checked before it is used, and a wrong one refuses the
 * file with a sentence that names it. Nothing here prints. On failure `message` holds a whole sentence without a full
 * stop, "FILE: line 3: it is no number". */
#ifndef GHOSTVK_CLI_EVALUATION_DATASET_H
#define GHOSTVK_CLI_EVALUATION_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/system/format.h"

#define DATASET_PICTURES_MAX ((size_t)1 << 22)
#define DATASET_BOXES_MAX    ((size_t)1 << 26) /* of truths, and of what was found */
#define DATASET_CLASSES_MAX  ((uint32_t)1 << 12)
#define DATASET_NUMBER_MAX   1e7 /* pixels: no coordinate is larger */

enum dataset_kind { DATASET_VOC, DATASET_COCO };

/* Corners as the file has them or as they follow from it, and sides likewise: of x, y, width and height the sum is
 * rounded, and of x1 and x2 the difference, so that each protocol takes the ones that it is defined by. */
struct box {
    double x1, y1, x2, y2, width, height;
};

struct truth {
    uint32_t picture, class_id;
    bool is_ignored; /* VOC's difficult, COCO's crowd */
    double area;     /* what COCO's file says, else that of the box */
    struct box box;
};

struct found_box {
    uint32_t picture, class_id;
    double score;
    struct box box;
};

struct labelled_picture {
    char *name;             /* VOC's id, COCO's file name */
    char *path;             /* of the picture; NULL where none was found */
    int64_t number;         /* COCO's id */
    uint32_t width, height; /* as the labels say; 0: they do not */
};

struct dataset {
    enum dataset_kind kind;
    char **classes;         /* VOC: in the order of their first object; COCO: by rising id */
    int64_t *class_numbers; /* COCO's ids; VOC: 1, 2, ... */
    uint32_t class_count;
    size_t class_capacity;
    struct labelled_picture *pictures; /* in the order that ties between equal scores follow */
    size_t picture_count, picture_capacity;
    struct truth *truths; /* by picture and class, otherwise as in the file */
    size_t truth_count, truth_capacity;
    size_t *first_truths; /* of each picture, and the end */
    size_t passed_over;   /* objects without a picture or a class that the file lists */
    size_t missing;       /* pictures that were looked for and are not there */
};

struct found_list {
    struct found_box *boxes;
    size_t count, capacity;
};

struct dataset_choice {
    const char *path;   /* a VOC folder or a COCO file */
    const char *set;    /* VOC: which list of ImageSets/Main, or a file's path; NULL: test */
    const char *images; /* the pictures' folder; NULL: looked for */
    bool labels_alone;  /* pictures are not looked for */
};

/* Accepts a zeroed one, and one that is filled in part. */
void dataset_release(struct dataset *dataset);

/* ---- for the readers of the two kinds ---- */

/* What they add before they fail is the caller's to release. */
bool voc_read(const struct dataset_choice *choice, struct dataset *out, char *message, size_t message_size);
bool coco_read(const struct dataset_choice *choice, struct dataset *out, char *message, size_t message_size);

/* The class of that name, added where it is new. DATASET_CLASSES_MAX: there is no room for it. */
uint32_t dataset_class(struct dataset *dataset, const char *name);
/* Zeroed, at the end. NULL: no room. */
struct labelled_picture *dataset_add_picture(struct dataset *dataset);
struct truth *dataset_add_truth(struct dataset *dataset);
/* Sorts the truths and counts them. False when memory ran out. */
bool dataset_index(struct dataset *dataset);

/* The truths of a class in a picture: *count of them from the index that is returned. */
size_t dataset_truths_of(const struct dataset *dataset, uint32_t picture, uint32_t class_id, size_t *count);

/* Whether two names are one class: alike, or COCO's and the older one of Pascal VOC's that lists of classes still have
 * (couch, sofa). */
bool is_same_class(const char *left, const char *right);
/* Keeps the classes of that list alone, in its order; truths of others go. `names` NULL: all stay. False when memory
 * ran out. */
bool dataset_keep_classes(struct dataset *dataset, const char *const *names, uint32_t count, size_t *removed);

struct found_box *found_add(struct found_list *list);
void found_release(struct found_list *list);

struct box box_of_corners(double x1, double y1, double x2, double y2);
struct box box_of_sides(double x, double y, double width, double height);

/* Room for one element more, capacity doubled; NULL when memory ran out or `most` is reached. */
void *grow_array(void *array, size_t *capacity, size_t count, size_t most, size_t element);
/* A copy of the text in front of which stands `prefix`, and `middle` between; NULL when memory ran out. */
char *join_text(const char *prefix, const char *middle, const char *text);
/* Sets the message; false, for `return refuse_dataset(...)`. */
bool refuse_dataset(char *message, size_t message_size, const char *format, ...) GHOSTVK_FORMAT(3, 4);

#endif
