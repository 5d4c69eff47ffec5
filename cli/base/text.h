/* Text from outside on its way to a person: names of files, classes, tensors and devices may hold what steers a
 * terminal or turns the reading direction of what follows. Everything that is printed and not ours goes through
 * print_text. */
#ifndef GHOSTVK_CLI_TEXT_H
#define GHOSTVK_CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The length of the UTF-8 character at the start of the `count` bytes, or 0 where there is none: shortest forms only,
 * no surrogates. */
size_t text_measure(const char *bytes, size_t count);
/* Its number. */
uint32_t text_decode(const char *character, size_t length);
/* Whether the character of that length is a control (C0, DEL, C1) or a bidirectional one. */
bool text_steers(const char *character, size_t length);

/* Steering characters, and bytes from 0x80 to 0x9F that are no part of a UTF-8 character, become '?', one for each.
 * Other bytes stay as they are: names may be Latin-1. */
void print_text(FILE *stream, const char *text);
/* Its width in characters, and the same padded with spaces to a width. */
size_t text_width(const char *text);
void print_padded(FILE *stream, const char *text, size_t width);

#endif
