/* Lists in text files: class names and anchors. A UTF-8 mark in front, and line ends of any system, are no part of what
 * is read. */
#ifndef GHOSTVK_CLI_TEXT_LISTS_H
#define GHOSTVK_CLI_TEXT_LISTS_H

#include <stdint.h>

#include <ghostvk/ghostnet.h>

struct name_list {
    char *text; /* the file, its line ends made zeros */
    const char **names;
    uint32_t count;
};

/* One name a line, UTF-8, without the white space around it; blank lines at the end do not count. Returns an exit code,
 * and has said why it is not OUTCOME_DONE. */
int read_class_names(const char *path, struct name_list *out);
void name_list_release(struct name_list *list);
/* 18 positive numbers with commas between. */
int read_anchors(const char *path, float anchors[2 * GVK_ANCHORS]);

#endif
