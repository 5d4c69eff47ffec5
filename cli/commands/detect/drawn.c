/* See drawn.h. */
#include "drawn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/input_file.h"
#include "cli/pictures/image_io.h"
#include "cli/system/files.h"
#include "cli/system/paths.h"
#include "cli/video/tracking.h"
#include "cli/video/url.h"
#include "cli/video/writer.h"

#define LABEL_SIZE 160 /* of a class and a track */

/* ---- names ------------------------------------------------------------------------------------------------------- */

/* What the file is by its first bytes, where its name does not say it. A pipe must not make us wait. */
static enum image_kind kind_of_file(const char *path)
{
    enum image_kind kind = image_kind_of_path(path);
    int file = kind == IMAGE_UNKNOWN ? file_open(path) : -1;
    if (file < 0)
        return kind;
    struct file_status status;
    uint8_t start[32];
    bool is_file = file_look_at_open(file, &status) && status.kind == FILE_REGULAR;
    ptrdiff_t got = is_file ? file_read(file, start, sizeof start) : 0;
    file_close(file);
    return got > 0 ? image_kind_of_bytes(start, (size_t)got) : kind;
}

char *name_drawn(const char *output, bool into_folder, const char *path, const char *relative, bool is_video)
{
    const char *name = base_name(relative), *dot = strrchr(name, '.');
    bool is_known = is_video ? video_has_ending(name) : image_kind_of_path(name) != IMAGE_UNKNOWN;
    size_t stem = is_known && dot ? (size_t)(dot - relative) : strlen(relative), length = strlen(output);
    const char *ending = ".jpg";
    if (is_video) {
        ending = is_known && dot && video_writer_takes(name) ? dot : ".mp4";
    } else if (into_folder) {
        enum image_kind kind = kind_of_file(path);
        if (kind == IMAGE_PNG || kind == IMAGE_BMP || kind == IMAGE_TIFF)
            ending = ".png";
    }
    size_t size = length + 1 + stem + strlen(ending) + 1;
    char *drawn = malloc(size);
    if (drawn && !into_folder)
        memcpy(drawn, output, length + 1);
    else if (drawn)
        snprintf(drawn, size, "%s%s%.*s%s", output, path_parts_at(output[length - 1]) ? "" : "/", (int)stem, relative,
                 ending);
    return drawn;
}

bool drawing_take(struct drawing *drawing, const char *drawn, char *message, size_t message_size)
{
    int64_t *place;
    bool is_new = false;
    if (!name_map_put(&drawing->taken, drawn, strlen(drawn), 0, &place, &is_new))
        snprintf(message, message_size, "needs more memory than there is");
    else if (!is_new)
        snprintf(message, message_size, "another picture is drawn to this file already");
    return is_new;
}

bool drawing_is_there(const char *drawn)
{
    struct file_status status;
    return file_look(drawn, &status) && status.kind == FILE_REGULAR;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

/* All folders that `path` leads through. */
static bool make_folders(const char *path)
{
    size_t size = strlen(path) + 1;
    char *part = malloc(size);
    bool made = part != NULL;
    if (part)
        memcpy(part, path, size);
    for (size_t at = 1; made && part[at]; at++) {
        if (!path_parts_at(part[at]))
            continue;
        char kept = part[at];
        part[at] = 0;
        made = is_folder(part) || folder_make(part, false) || (errno == EEXIST && is_folder(part));
        part[at] = kept;
    }
    free(part);
    return made;
}

/* The lock is held. */
static bool make_folder_of(struct drawing *drawing, const char *drawn)
{
    char *folder = copy_folder(drawn);
    if (!folder)
        return false;
    if (drawing->last_folder && strcmp(folder, drawing->last_folder) == 0) {
        free(folder);
        return true;
    }
    bool made = !*folder || make_folders(folder);
    free(drawing->last_folder);
    drawing->last_folder = made ? folder : NULL;
    if (!made)
        free(folder);
    return made;
}

static bool is_same_file(const char *path, const char *other)
{
    struct file_status status, other_status;
    return file_look(path, &status) && file_look(other, &other_status) && status.kind == FILE_REGULAR &&
           memcmp(status.place, other_status.place, sizeof status.place) == 0;
}

bool drawing_prepare(struct drawing *drawing, const char *path, const char *drawn, char *message, size_t message_size)
{
    mutex_lock(&drawing->lock);
    bool has_folder = make_folder_of(drawing, drawn);
    int reason = has_folder ? 0 : errno;
    mutex_unlock(&drawing->lock);
    if (!has_folder)
        snprintf(message, message_size, "cannot be written: the folder cannot be made: %s", strerror(reason));
    else if (is_same_file(drawn, path))
        snprintf(message, message_size, "cannot be written: the picture itself is that file");
    else
        return true;
    return false;
}

bool drawing_boxes(struct drawing *drawing, struct image *image, const struct found *found, size_t count, char *message,
                   size_t message_size)
{
    struct draw_box *boxes = calloc(count ? count : 1, sizeof *boxes);
    char(*labels)[LABEL_SIZE] = calloc(count ? count : 1, sizeof *labels);
    for (size_t index = 0; boxes && labels && index < count; index++) {
        const gvk_detection *box = &found[index].box;
        const char *name = box->class_id < drawing->class_count ? drawing->classes[box->class_id] : "?";
        uint64_t track = found[index].track;
        float clipped[4];
        box_clip(box, image->width, image->height, clipped);
        if (track)
            tracking_label(labels[index], sizeof labels[index], name, track);
        boxes[index] = (struct draw_box){
            .x1 = clipped[0],
            .y1 = clipped[1],
            .x2 = clipped[2],
            .y2 = clipped[3],
            .score = box->score,
            .class_id = tracking_colour(box->class_id, track),
            .label = track ? labels[index] : name,
        };
    }
    mutex_lock(&drawing->lock); /* letters are kept once they were drawn */
    bool is_drawn = boxes && labels && draw_boxes(image, boxes, count, drawing->letters);
    mutex_unlock(&drawing->lock);
    free(boxes);
    free(labels);
    if (!is_drawn)
        snprintf(message, message_size, "needs more memory than there is");
    return is_drawn;
}

void drawing_release(struct drawing *drawing)
{
    letters_destroy(drawing->letters);
    free(drawing->last_folder);
    name_map_release(&drawing->taken);
    drawing->letters = NULL;
    drawing->last_folder = NULL;
}
