/* What the program asks of the system about itself and its machine, alike on every system. Text is UTF-8. */
#ifndef GHOSTVK_CLI_PROCESS_H
#define GHOSTVK_CLI_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Before anything else: standard streams that are closed get something in their place that can be neither read nor
 * written, so that no file of ours gets their numbers; the arguments become UTF-8. False when that cannot be done. */
bool process_prepare(int *argument_count, char ***arguments);

/* From now on an interrupt, or what else ends a program politely, calls `clean_up` while no other code of the calling
 * thread runs, and ends the process with 128 + the signal's number, 130 for an interrupt. */
void process_leave_on_interrupt(void (*clean_up)(void));
#define PROCESS_PATIENCE 5u /* seconds */
/* While this is on, the first interrupt (or request to end) is only kept, for process_is_interrupted to tell, and who
 * works in several threads ends them in order; a second one, or PROCESS_PATIENCE without an end, leaves as above. What
 * a reader's end of a pipe has to say is no such request. Off again, one that was kept stays so. */
void process_keep_interrupts(bool on);
bool process_is_interrupted(void);
/* 128 and the number of the interrupt that was kept; 130 before there was one. */
int process_interrupted_code(void);

/* Whether process_prepare found them closed. */
bool process_stdin_is_closed(void);
bool process_stdout_is_closed(void);
bool process_stdout_is_terminal(void);
bool process_stderr_is_terminal(void);
/* The width of the terminal that standard error goes to; 0 where that is none, or one that cannot write a line over. */
unsigned process_stderr_columns(void);

/* The program's file, links resolved, from malloc; NULL when it cannot be told. `name` is what it was called by. */
char *process_own_path(const char *name);
/* The folder of the user's caches; false where there is none. */
bool process_cache_folder(char *path, size_t size);

/* Sets a variable of the environment that is not set. No other thread may run. */
void process_set_default(const char *variable, const char *value);

/* A number that no other process has at the time, and this one only now. */
uint64_t process_mark(void);
/* Milliseconds of a clock that is never set back. */
double process_clock_ms(void);
/* Lets so many milliseconds pass, or fewer when a signal comes. */
void process_sleep_ms(unsigned ms);
/* The machine's memory in bytes; 0 when it cannot be told. */
uint64_t process_machine_memory(void);

#endif
