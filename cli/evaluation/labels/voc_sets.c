/* See voc_sets.h. */
#include "voc_sets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/input_file.h"
#include "cli/system/files.h"
#include "dataset.h"

#define SETS_MAX     256 /* that are looked at; VOC itself has some 80 */
#define SETS_NAMED   8
#define SET_NAME_MAX 64

struct sets {
    char names[SETS_MAX][SET_NAME_MAX];
    size_t count;
};

static bool take_list(void *user, const char *name, enum folder_entry entry)
{
    struct sets *sets = user;
    size_t length = strlen(name);
    if (entry == FOLDER_ENTRY_FOLDER || length <= 4 || strcmp(name + length - 4, ".txt") != 0 ||
        length - 4 >= SET_NAME_MAX)
        return true;
    memcpy(sets->names[sets->count], name, length - 4);
    sets->names[sets->count++][length - 4] = 0;
    return sets->count < SETS_MAX;
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(left, right);
}

/* "dog_train" beside "train": the pictures of a set with and without one class. */
static bool is_of_one_class(const struct sets *sets, const char *name)
{
    const char *split = strrchr(name, '_');
    for (size_t index = 0; split && index < sets->count; index++)
        if (strcmp(sets->names[index], split + 1) == 0)
            return true;
    return false;
}

/* "test, train or val"; empty where there is none. */
static void name_sets(const struct sets *sets, char *text, size_t size)
{
    const char *named[SETS_NAMED];
    size_t count = 0, used = 0;
    bool are_all = true;
    for (size_t index = 0; index < sets->count; index++) {
        if (is_of_one_class(sets, sets->names[index]))
            continue;
        if (count == SETS_NAMED)
            are_all = false;
        else
            named[count++] = sets->names[index];
    }
    text[0] = 0;
    for (size_t index = 0; index < count; index++) {
        const char *separator = !index ? "" : index + 1 < count || !are_all ? ", " : " or ";
        int length = snprintf(text + used, size - used, "%s%s", separator, named[index]);
        used += length > 0 && (size_t)length < size - used ? (size_t)length : 0;
    }
    if (!are_all)
        snprintf(text + used, size - used, " or another");
}

struct nested {
    const char *folder;
    char *found; /* from malloc */
};

static bool take_nested(void *user, const char *name, enum folder_entry entry)
{
    struct nested *nested = user;
    char *path = entry == FOLDER_ENTRY_FOLDER ? join_text(nested->folder, "/", name) : NULL;
    char *lists = path ? join_text(path, "", "/ImageSets/Main") : NULL;
    if (lists && is_folder(lists)) {
        nested->found = path;
        path = NULL;
    }
    free(lists);
    free(path);
    return !nested->found;
}

/* As VOCdevkit has VOC2007 in it. */
static bool refuse_folder(const char *folder, char *message, size_t message_size)
{
    struct nested nested = {.folder = folder};
    folder_visit(folder, take_nested, &nested);
    if (nested.found)
        refuse_dataset(message, message_size, "%s: it is no Pascal VOC folder, but %.300s in it is one", folder,
                       nested.found);
    else
        refuse_dataset(message, message_size,
                       "%s: it is no Pascal VOC folder: it has no Annotations/ and no ImageSets/Main/ with lists for "
                       "--set; of a COCO dataset the file of instances is named",
                       folder);
    free(nested.found);
    return false;
}

bool refuse_voc_set(const char *folder, const char *set, char *message, size_t message_size)
{
    char *lists = join_text(folder, "", "/ImageSets/Main"), *labels = join_text(folder, "", "/Annotations");
    struct sets *sets = calloc(1, sizeof *sets);
    char names[SETS_NAMED * (SET_NAME_MAX + 4) + 16];
    if (!lists || !labels || !sets) {
        refuse_dataset(message, message_size, "%s: it needs more memory than there is", folder);
    } else if (!is_folder(lists) && !is_folder(labels)) {
        refuse_folder(folder, message, message_size);
    } else {
        folder_visit(lists, take_list, sets);
        qsort(sets->names, sets->count, sizeof *sets->names, compare_names);
        name_sets(sets, names, sizeof names);
        if (names[0])
            refuse_dataset(message, message_size, "%s: it has no set \"%.64s\"; --set takes %s", folder, set, names);
        else
            refuse_dataset(message, message_size,
                           "%s: it has no ImageSets/Main/%.64s.txt; --set LIST.txt takes a list from elsewhere, a "
                           "picture's name a line",
                           folder, set);
    }
    free(sets);
    free(labels);
    free(lists);
    return false;
}
