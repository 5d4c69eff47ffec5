/* Letters that the built-in font has not: of fonts of the system, which fontconfig finds and FreeType draws. Each
 * character comes from the first font, in fontconfig's order for the user's language, that has it. Text runs from left
 * to right, without the joining and turning that Arabic or Hebrew want. */
#ifndef GHOSTVK_CLI_PICTURES_LETTERS_H
#define GHOSTVK_CLI_PICTURES_LETTERS_H

#include <stdbool.h>

#include "font.h"

struct letters;

/* Looks for nothing yet; NULL when memory ran out or the program was built without FreeType. For one thread. */
struct letters *letters_create(void);
/* Accepts NULL. */
void letters_destroy(struct letters *letters);

/* Prepares for capitals of a height in pixels. False where no font of the system can be used (always for NULL): then
 * the built-in font draws a box for what it has not. Fonts are looked for in the first call. */
bool letters_start(struct letters *letters, int cap_height);
/* As font_measure and font_draw; letters_start was true. */
int letters_measure(struct letters *letters, const char *text);
void letters_draw(struct letters *letters, const char *text, int left, int baseline, struct font_mask *mask);

#endif
