/* Times and amounts of memory: a clock, and both as a person reads them. */
#ifndef GHOSTVK_CLI_QUANTITIES_H
#define GHOSTVK_CLI_QUANTITIES_H

#include <stdint.h>
#include <stdio.h>

/* Milliseconds of a clock that never goes back. */
double clock_ms(void);

/* "NAME 4.1 ms"; "NAME -" for a time that is not a number. */
void print_ms(FILE *stream, const char *name, double ms);
/* "12.5 MiB". */
void print_bytes(FILE *stream, uint64_t bytes);

#endif
