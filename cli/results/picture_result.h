/* What was found in one picture or frame, and which outputs it shall have. See results.h. */
#ifndef GHOSTVK_CLI_PICTURE_RESULT_H
#define GHOSTVK_CLI_PICTURE_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ghostvk/ghostnet.h>

#include "cli/classes/ranking.h"
#include "cli/pictures/formats/image.h"

struct found {
    gvk_detection box; /* may reach beyond the picture: every format but voc-family's clips it */
    uint64_t track;    /* 0: it is not followed */
};

enum result_stage { RESULT_LOAD, RESULT_RESIZE, RESULT_NETWORK, RESULT_DECODE, RESULT_TOTAL, RESULT_STAGES };

/* "load", "resize", "network", "decode", "total". */
extern const char *const result_stage_names[RESULT_STAGES];

struct picture_result {
    const char *path;     /* as it is printed; with the frame it tells this result from all others */
    const char *relative; /* where its own files go below an output folder; NULL: the path's last part */
    int64_t frame;        /* of a video, from 0; negative: it is a picture */
    double time;          /* of the frame in seconds from the video's start; NaN: not known */
    uint32_t width, height;
    const struct found *found;         /* best score first */
    const struct ranked_class *ranked; /* of a classifier, in place of boxes: best first; else NULL */
    size_t count;                      /* of either */
    double ms[RESULT_STAGES];          /* NaN where there is none */
    const struct image *image; /* its pixels before anything is drawn on them, for crops; NULL: no crops of it */
    const char *error;         /* why nothing could be looked for, as a predicate; NULL: it was */
};

/* Paths and folders; NULL: not asked for. "-" is standard output, for one of the files. */
struct results_choice {
    const char *json;
    const char *lines; /* JSON Lines */
    const char *csv;
    const char *coco;
    const char *coco_annotations; /* a file of annotations with the ids of pictures and categories; NULL: none */
    const char *yolo;             /* a folder */
    const char *family;           /* a folder of detection results as the family's get_map reads them */
    const char *crops;            /* a folder */
    bool save_confidence;         /* in YOLO's files */
    bool count;                   /* a line a picture and a total, on standard output */
    bool resume;                  /* results that are there stay: lines are added to, files not written again */
};

struct results_header {
    const char *model, *device;
    const char *const *classes;
    uint32_t class_count;
    bool ranks; /* pictures have classes in place of boxes: for JSON, JSON Lines and CSV alone */
};

/* What came of writing it. */
enum results_state {
    RESULTS_WRITTEN,
    RESULTS_LACKING, /* something of this picture could not be written; others may be */
    RESULTS_BROKEN   /* an output for all pictures cannot be written any more; going on would be in vain */
};

/* The part of the box that lies in the picture, as a detector clips it that is not `unclipped`: the same numbers. */
void result_clip(const struct picture_result *picture, const gvk_detection *box, float out[4]);
/* Of a picture that is so large. */
void box_clip(const gvk_detection *box, uint32_t width, uint32_t height, float out[4]);

#endif
