/* Text that comes from a file: is it UTF-8, and how is it shown in a sentence without harm. */
#ifndef GVK_CHECKPOINT_TEXT_H
#define GVK_CHECKPOINT_TEXT_H

#include "runtime/base/host.h"

/* Who is being read, for messages. Both outlive the reader. */
typedef struct gvk_source {
    const gvk_host *host;
    const char *label;
} gvk_source;

/* Logs "LABEL: SENTENCE" as an error and returns GVK_ERROR_FORMAT. */
gvk_result gvk_refuse(const gvk_source *source, const char *format, ...) GVK_FORMAT(2, 3);

/* The length of the UTF-8 sequence at `text`, 1 to 4, or 0 when it is none (overlong, surrogate, cut short). */
size_t gvk_utf8_sequence(const unsigned char *text, size_t room);

/* What makes `text` unfit as a tensor's name, as the end of a sentence; NULL when it is fit. */
const char *gvk_name_problem(const char *text, size_t length);

/* The longest name of a tensor, in bytes. */
#define GVK_NAME_LIMIT 1024

/* A buffer for gvk_quote. */
typedef struct gvk_quoted {
    char text[100];
} gvk_quoted;

/* A copy for messages: control characters and bad UTF-8 become '?', and what is too long ends in "...". */
const char *gvk_quote(gvk_quoted *quoted, const char *text, size_t length);

/* The same for a path; of a long one the end is kept. The result is the host's memory, or NULL. */
char *gvk_copy_label(const gvk_host *host, const char *path);

#endif
