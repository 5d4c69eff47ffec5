/* "Did you mean": the word that a mistyped one is nearest to. */
#ifndef GHOSTVK_CLI_OPTIONS_NEAREST_H
#define GHOSTVK_CLI_OPTIONS_NEAREST_H

#include <stddef.h>

/* How many letters are to be put in, left out, changed, or exchanged with their neighbour to make one word the other;
 * NEAREST_NEVER for words that are longer than any of ours. */
#define NEAREST_NEVER 1000u
unsigned count_changes(const char *one, size_t one_length, const char *other);

/* How far the written word is from one that it may stand for: few changes beside its length, or one is the beginning of
 * the other. NEAREST_NEVER where it is none. The smallest of several is the one to name. */
unsigned measure_mistake(const char *written, size_t length, const char *meant);

#endif
