/* Windows' own form of text, for what of cli/system is written for it. */
#ifndef GHOSTVK_CLI_WIDE_H
#define GHOSTVK_CLI_WIDE_H

#include <stddef.h>
#include <wchar.h>

#define WIDE_PATH 4096

/* `text`, UTF-8, in UTF-16. False with errno set when it is no UTF-8 or does not fit. */
_Bool wide_of_text(const char *text, wchar_t wide[WIDE_PATH]);
/* The other way, from malloc; NULL when memory ran out. Halves of pairs, which Windows allows in names, become
 * U+FFFD. */
char *text_of_wide(const wchar_t *wide);

#endif
