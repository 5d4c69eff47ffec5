/* Pascal VOC: a list of ids in ImageSets/Main, an XML file for each in Annotations, the pictures in JPEGImages. An id
 * that stands in the list twice counts once.
 *
 * Read is what stands at annotation/size and annotation/object alone, not the parts of an object. Document types, and
 * so entities, are refused, and so is what is nested deeper than labels are. */
#include <ctype.h>
#include <expat.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/input_file.h"
#include "cli/base/values.h"
#include "cli/system/files.h"
#include "cli/system/paths.h"
#include "dataset.h"
#include "voc_sets.h"

#define LIST_BYTES_MAX ((size_t)256 << 20)
#define XML_BYTES_MAX  ((size_t)16 << 20)
#define XML_DEPTH_MAX  32
#define XML_TEXT_MAX   512 /* of a number or a name */

/* ---- one file of labels ------------------------------------------------------------------------------------------ */

enum element {
    ELEMENT_OTHER,
    ELEMENT_ANNOTATION,
    ELEMENT_SIZE,
    ELEMENT_WIDTH,
    ELEMENT_HEIGHT,
    ELEMENT_OBJECT,
    ELEMENT_NAME,
    ELEMENT_DIFFICULT,
    ELEMENT_BOX,
    ELEMENT_LEFT,
    ELEMENT_TOP,
    ELEMENT_RIGHT,
    ELEMENT_BOTTOM
};

/* Which element of which other is read. */
static const struct {
    enum element parent;
    const char *name;
    enum element element;
} elements[] = {
    {ELEMENT_OTHER, "annotation", ELEMENT_ANNOTATION},
    {ELEMENT_ANNOTATION, "size", ELEMENT_SIZE},
    {ELEMENT_SIZE, "width", ELEMENT_WIDTH},
    {ELEMENT_SIZE, "height", ELEMENT_HEIGHT},
    {ELEMENT_ANNOTATION, "object", ELEMENT_OBJECT},
    {ELEMENT_OBJECT, "name", ELEMENT_NAME},
    {ELEMENT_OBJECT, "difficult", ELEMENT_DIFFICULT},
    {ELEMENT_OBJECT, "bndbox", ELEMENT_BOX},
    {ELEMENT_BOX, "xmin", ELEMENT_LEFT},
    {ELEMENT_BOX, "ymin", ELEMENT_TOP},
    {ELEMENT_BOX, "xmax", ELEMENT_RIGHT},
    {ELEMENT_BOX, "ymax", ELEMENT_BOTTOM},
};

struct labels {
    XML_Parser parser;
    struct dataset *dataset;
    uint32_t picture;
    enum element path[XML_DEPTH_MAX];
    unsigned depth;
    char text[XML_TEXT_MAX];
    size_t length;
    /* the object under way */
    char name[XML_TEXT_MAX];
    double corners[4];
    bool is_difficult;
    unsigned seen;    /* a bit for each corner */
    char reason[160]; /* of a refusal */
};

static void refuse(struct labels *labels, const char *reason)
{
    if (!labels->reason[0])
        snprintf(labels->reason, sizeof labels->reason, "%s", reason);
    XML_StopParser(labels->parser, XML_FALSE);
}

static void XMLCALL start_document_type(void *user, const XML_Char *name, const XML_Char *system,
                                        const XML_Char *public, int has_subset)
{
    (void)name, (void)system, (void)public, (void)has_subset;
    refuse(user, "it declares a document type, as no labels do");
}

static void XMLCALL start_element(void *user, const XML_Char *name, const XML_Char **attributes)
{
    (void)attributes;
    struct labels *labels = user;
    if (labels->depth == XML_DEPTH_MAX) {
        refuse(labels, "its elements are nested too deeply");
        return;
    }
    enum element parent = labels->depth ? labels->path[labels->depth - 1] : ELEMENT_OTHER, element = ELEMENT_OTHER;
    for (size_t index = 0; index < sizeof elements / sizeof *elements; index++)
        if (elements[index].parent == parent && strcmp(elements[index].name, name) == 0 &&
            (parent != ELEMENT_OTHER || labels->depth == 0))
            element = elements[index].element;
    if (labels->depth == 0 && element != ELEMENT_ANNOTATION)
        refuse(labels, "its outermost element is not <annotation>");
    labels->path[labels->depth++] = element;
    labels->length = 0;
    if (element == ELEMENT_OBJECT) {
        labels->name[0] = 0;
        labels->seen = 0;
        labels->is_difficult = false;
    }
}

static void XMLCALL take_text(void *user, const XML_Char *text, int length)
{
    struct labels *labels = user;
    enum element element = labels->depth ? labels->path[labels->depth - 1] : ELEMENT_OTHER;
    if (element == ELEMENT_OTHER || element == ELEMENT_ANNOTATION || element == ELEMENT_SIZE ||
        element == ELEMENT_OBJECT || element == ELEMENT_BOX)
        return;
    if ((size_t)length >= XML_TEXT_MAX - labels->length) {
        refuse(labels, "a name or number is too long");
        return;
    }
    memcpy(labels->text + labels->length, text, (size_t)length);
    labels->length += (size_t)length;
}

/* The text without the white space around it. */
static char *trimmed_text(struct labels *labels)
{
    char *start = labels->text;
    while (labels->length && isspace((unsigned char)labels->text[labels->length - 1]))
        labels->length--;
    labels->text[labels->length] = 0;
    while (isspace((unsigned char)*start))
        start++;
    return start;
}

static bool read_coordinate(const char *text, double *out)
{
    return read_number(&text, out) && !*text && fabs(*out) <= DATASET_NUMBER_MAX;
}

static void end_object(struct labels *labels)
{
    if (!labels->name[0] || labels->seen != 15) {
        refuse(labels, labels->name[0] ? "an object has no whole <bndbox>" : "an object has no <name>");
        return;
    }
    struct dataset *dataset = labels->dataset;
    uint32_t class_id = dataset_class(dataset, labels->name);
    struct truth *truth = class_id < DATASET_CLASSES_MAX ? dataset_add_truth(dataset) : NULL;
    if (!truth) {
        refuse(labels, "with it there are more classes or objects than memory or the limits hold");
        return;
    }
    const double *corners = labels->corners;
    *truth = (struct truth){.picture = labels->picture,
                            .class_id = class_id,
                            .is_ignored = labels->is_difficult,
                            .box = box_of_corners(corners[0], corners[1], corners[2], corners[3])};
    truth->area = truth->box.width * truth->box.height;
}

static void XMLCALL end_element(void *user, const XML_Char *name)
{
    (void)name;
    struct labels *labels = user;
    if (labels->depth == 0)
        return;
    enum element element = labels->path[--labels->depth];
    char *text = trimmed_text(labels);
    double number = 0;
    switch (element) {
    case ELEMENT_WIDTH:
    case ELEMENT_HEIGHT:
        if (!read_coordinate(text, &number) || number < 0) {
            refuse(labels, "the picture's size is no number");
            return;
        }
        *(element == ELEMENT_WIDTH ? &labels->dataset->pictures[labels->picture].width
                                   : &labels->dataset->pictures[labels->picture].height) = (uint32_t)number;
        break;
    case ELEMENT_NAME: memcpy(labels->name, text, strlen(text) + 1); break;
    case ELEMENT_DIFFICULT: labels->is_difficult = strcmp(text, "1") == 0; break;
    case ELEMENT_LEFT:
    case ELEMENT_TOP:
    case ELEMENT_RIGHT:
    case ELEMENT_BOTTOM:
        if (!read_coordinate(text, &labels->corners[element - ELEMENT_LEFT])) {
            refuse(labels, "a side of a box is no number, or one beyond all pictures");
            return;
        }
        labels->seen |= 1u << (element - ELEMENT_LEFT);
        break;
    case ELEMENT_OBJECT: end_object(labels); break;
    default: break;
    }
    labels->length = 0;
}

/* Which function there is changed with expat 2.9. */
static uint64_t line_of(XML_Parser parser)
{
#if XML_MAJOR_VERSION > 2 || XML_MINOR_VERSION >= 9
    return XML_GetCurrentLineNumber64(parser);
#else
    return XML_GetCurrentLineNumber(parser);
#endif
}

static bool read_labels(struct dataset *dataset, uint32_t picture, const char *path, char *message, size_t message_size)
{
    char reason[256];
    size_t count = 0;
    char *bytes = read_small_file(path, XML_BYTES_MAX, &count, reason, sizeof reason);
    if (!bytes)
        return refuse_dataset(message, message_size, "%s: %s", path, reason);
    struct labels labels = {.parser = XML_ParserCreate(NULL), .dataset = dataset, .picture = picture};
    bool is_read = false;
    if (!labels.parser) {
        refuse_dataset(message, message_size, "%s: it needs more memory than there is", path);
        goto done;
    }
    XML_SetUserData(labels.parser, &labels);
    XML_SetStartDoctypeDeclHandler(labels.parser, start_document_type);
    XML_SetElementHandler(labels.parser, start_element, end_element);
    XML_SetCharacterDataHandler(labels.parser, take_text);
    is_read = XML_Parse(labels.parser, bytes, (int)count, XML_TRUE) == XML_STATUS_OK && !labels.reason[0];
    if (!is_read)
        refuse_dataset(message, message_size, "%s: line %" PRIu64 ": %s", path, line_of(labels.parser),
                       labels.reason[0] ? labels.reason : XML_ErrorString(XML_GetErrorCode(labels.parser)));
done:
    if (labels.parser)
        XML_ParserFree(labels.parser);
    free(bytes);
    return is_read;
}

/* ---- the list and the folders ------------------------------------------------------------------------------------ */

/* An id goes into paths: it leads nowhere else. */
static bool is_plain_id(const char *id)
{
    for (const char *at = id; *at; at++)
        if ((unsigned char)*at < 0x20 || (path_parts_at(*at) && (at == id || !at[1] || path_parts_at(at[1]))) ||
            (*at == '.' && at[1] == '.' && (at == id || path_parts_at(at[-1])) && (!at[2] || path_parts_at(at[2]))))
            return false;
    return *id != 0;
}

/* The ids, each the first word of a line: lists of one class have a second one. */
static bool read_ids(const struct dataset_choice *choice, struct dataset *out, char *message, size_t message_size)
{
    const char *set = choice->set ? choice->set : "test";
    bool is_path = strlen(set) > 4 && strcmp(set + strlen(set) - 4, ".txt") == 0;
    char *folder = is_path ? NULL : join_text(choice->path, "/ImageSets/Main/", set);
    char *path = is_path ? join_text("", "", set) : folder ? join_text(folder, "", ".txt") : NULL, reason[256];
    size_t length = 0;
    struct file_status list;
    if (path && !is_path && !file_look(path, &list)) {
        refuse_voc_set(choice->path, set, message, message_size);
        free(path);
        free(folder);
        return false;
    }
    char *text = path ? read_small_file(path, LIST_BYTES_MAX, &length, reason, sizeof reason) : NULL;
    bool is_read = false;
    if (!text) {
        refuse_dataset(message, message_size, "%s: %s", path ? path : choice->path,
                       path ? reason : "it needs more memory than there is");
        goto done;
    }
    if (strlen(text) != length) {
        refuse_dataset(message, message_size, "%s: it holds a zero byte, as no text does", path);
        goto done;
    }
    for (char *line = text, *next; *line; line = next) {
        size_t end = strcspn(line, "\r\n");
        next = line + end + (line[end] != 0);
        line[end] = 0;
        char *id = line + strspn(line, " \t\v\f");
        id[strcspn(id, " \t\v\f")] = 0;
        if (!*id)
            continue;
        if (!is_plain_id(id)) {
            refuse_dataset(message, message_size, "%s: \"%.64s\" is no picture's id", path, id);
            goto done;
        }
        struct labelled_picture *picture = dataset_add_picture(out);
        if (!picture || (picture->name = join_text("", "", id)) == NULL) {
            refuse_dataset(message, message_size, "%s: more pictures than memory or the limits hold", path);
            goto done;
        }
    }
    is_read = out->picture_count > 0 || refuse_dataset(message, message_size, "%s: it lists no picture", path);
done:
    free(text);
    free(path);
    free(folder);
    return is_read;
}

/* As file names with .txt behind them are ordered, in which the family keeps what is found: "a-1" before "a". */
static int compare_ids(const void *left, const void *right)
{
    const char *a = ((const struct labelled_picture *)left)->name, *b = ((const struct labelled_picture *)right)->name;
    size_t same = 0;
    while (a[same] && a[same] == b[same])
        same++;
    if (a[same] == b[same])
        return 0;
    unsigned char at_a = (unsigned char)(a[same] ? a[same] : '.'), at_b = (unsigned char)(b[same] ? b[same] : '.');
    return at_a == at_b ? (a[same] ? 1 : -1) : at_a < at_b ? -1 : 1;
}

static void sort_pictures(struct dataset *dataset)
{
    size_t kept = 0;
    qsort(dataset->pictures, dataset->picture_count, sizeof *dataset->pictures, compare_ids);
    for (size_t index = 0; index < dataset->picture_count; index++) {
        if (kept && strcmp(dataset->pictures[kept - 1].name, dataset->pictures[index].name) == 0)
            free(dataset->pictures[index].name);
        else
            dataset->pictures[kept++] = dataset->pictures[index];
    }
    dataset->picture_count = kept;
}

static bool find_picture(const struct dataset_choice *choice, struct labelled_picture *picture)
{
    static const char *const endings[] = {".jpg", ".jpeg", ".JPG", ".JPEG", ".png",
                                          ".PNG", ".webp", ".bmp", ".tif",  ".tiff"};
    char *folder = choice->images ? join_text(choice->images, "/", picture->name)
                                  : join_text(choice->path, "/JPEGImages/", picture->name);
    struct file_status status;
    for (size_t index = 0; folder && index < sizeof endings / sizeof *endings; index++) {
        char *path = join_text(folder, "", endings[index]);
        if (path && file_look(path, &status) && status.kind == FILE_REGULAR) {
            picture->path = path;
            break;
        }
        free(path);
    }
    free(folder);
    return picture->path != NULL;
}

bool voc_read(const struct dataset_choice *choice, struct dataset *out, char *message, size_t message_size)
{
    if (!read_ids(choice, out, message, message_size))
        return false;
    sort_pictures(out);
    for (size_t index = 0; index < out->picture_count; index++) {
        struct labelled_picture *picture = &out->pictures[index];
        picture->number = (int64_t)index + 1;
        char *stem = join_text(choice->path, "/Annotations/", picture->name);
        char *path = stem ? join_text(stem, "", ".xml") : NULL;
        bool is_read =
            path ? read_labels(out, (uint32_t)index, path, message, message_size)
                 : refuse_dataset(message, message_size, "%s: it needs more memory than there is", choice->path);
        free(path);
        free(stem);
        if (!is_read)
            return false;
        out->missing += !choice->labels_alone && !find_picture(choice, &out->pictures[index]);
    }
    return true;
}
