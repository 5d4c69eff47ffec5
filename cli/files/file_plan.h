/* The files that a command reads and writes, known by what they are and not by their names: no output may be an input
 * or another output, through whatever link, and whether it is there already or not. Checked before any work. */
#ifndef GHOSTVK_CLI_FILE_PLAN_H
#define GHOSTVK_CLI_FILE_PLAN_H

#include <stdbool.h>
#include <stddef.h>

struct planned_file;

/* Zeroed is empty. Paths and options that are handed over must outlive it. */
struct file_plan {
    struct planned_file *files;
    size_t count, capacity;
    bool lacks_memory; /* said by the check */
};

/* A file that is read; NULL and what is no regular file count for nothing. */
void file_plan_read(struct file_plan *plan, const char *path);
/* A file that `option` writes; NULL, standard output and devices count for nothing. */
void file_plan_write(struct file_plan *plan, const char *option, const char *path);
/* Standard output itself, where it is a file or pipe. */
void file_plan_write_stdout(struct file_plan *plan);
/* An exit code; what is wrong has been said. */
int file_plan_check(struct file_plan *plan);
void file_plan_release(struct file_plan *plan);

#endif
