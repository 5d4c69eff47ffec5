/* What all commands share: speaking to the person, exit codes, reading option values, opening a device, small
 * files. Called by every command; knows none of them.
 *
 * Everything said to the person goes to stderr as "ghostvk: SENTENCE", as print_text gives it, so that a hostile file
 * name or model cannot steer a terminal. Results go to stdout. */
#ifndef GHOSTVK_CLI_COMMON_H
#define GHOSTVK_CLI_COMMON_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/base/text.h"
#include <ghostvk/ghostnet.h>

#if defined(__GNUC__)
#define GHOSTVK_FORMAT(string_index, first_index) __attribute__((format(printf, string_index, first_index)))
#else
#define GHOSTVK_FORMAT(string_index, first_index)
#endif

/* The program's exit codes. */
enum outcome {
    OUTCOME_DONE = 0,
    OUTCOME_SOME_FAILED = 1, /* an input or output failed; the others are done */
    OUTCOME_USAGE = 2,
    OUTCOME_MODEL_REFUSED = 3,
    OUTCOME_NO_DEVICE = 4,
    OUTCOME_DEVICE_FAILED = 5,
    OUTCOME_OUT_OF_MEMORY = 6
};

/* The running program: what `host.user` points at. */
struct program {
    const char *path; /* argv[0] */
    unsigned verbosity;
    bool output_failed;    /* a failure of standard output was reported already */
    bool cache_failed;     /* something could not be kept for later runs */
    bool cache_distrusted; /* what others may have written was passed over */
    char error[640];       /* the library's reason for the failure that is under way */
    gvk_host host;
};

/* `program` must stay where it is, because the library's log calls point at it. */
void program_start(struct program *program, const char *path);

/* ---- speaking ---- */

void say(const char *format, ...) GHOSTVK_FORMAT(1, 2);
/* A wrong use of the command line: one line that ends by naming the help. */
int refuse_usage(const char *format, ...) GHOSTVK_FORMAT(1, 2);
/* Says that memory ran out. */
int refuse_memory(void);
/* Says why a call of the library failed, behind "SUBJECT: " where there is one, and returns the exit code. */
int report_failure(struct program *program, const char *subject, gvk_result result);
/* The reason as report_failure would say it, without a subject; lives until the next call of the library. */
const char *failure_reason(struct program *program, gvk_result result);
int outcome_of_result(gvk_result result);
/* Ends the text on stdout; says so when it could not be written. Returns the exit code to go on with. */
int finish_stdout(struct program *program, int outcome);

/* "4.1 ms" and "12.5 MiB"; a time that is not a number is "-". */
void print_ms(FILE *stream, const char *name, double ms);
void print_bytes(FILE *stream, uint64_t bytes);

/* ---- reading options ---- */

/* Options that every command has. */
#define COMMON_SHORT_OPTIONS "hv"
#define COMMON_LONG_OPTIONS                                                                                            \
    {"help", no_argument, NULL, 'h'}, {"verbose", no_argument, NULL, 'v'},                                             \
    {                                                                                                                  \
        NULL, 0, NULL, 0                                                                                               \
    }

/* Values for long options without a letter. */
enum long_option {
    OPTION_CLASSES = 256,
    OPTION_ANCHORS,
    OPTION_DEVICE,
    OPTION_SIZE,
    OPTION_LETTERBOX,
    OPTION_NO_LETTERBOX,
    OPTION_NO_EXIF,
    OPTION_CONF,
    OPTION_IOU,
    OPTION_JSON,
    OPTION_INPUT,
    OPTION_IMAGE,
    OPTION_OUTPUT,
    OPTION_REWRITE,
    OPTION_BATCH,
    OPTION_LAYERS,
    OPTION_COMPARE,
    OPTION_RANDOM,
    OPTION_RUNS,
    OPTION_PROFILE,
    OPTION_TRACE,
    OPTION_PRECISION,
    OPTION_WEIGHTS,
    OPTION_ALLOW_UNUSED
};

struct size {
    uint32_t width, height; /* 0: the network's default */
};

struct device_choice {
    gvk_device_choice kind;
    uint32_t index;
    const char *name;
};

/* The next option's value, -1 at the end, or '?' when it is wrong and that has been said. Counts -v itself. */
int next_option(struct program *program, int argument_count, char **arguments, const char *short_options,
                const struct option *long_options);

/* Each says what is wrong with the value, naming the option, and returns false. */
bool read_path(const char *option, const char *value, const char **out);
bool read_fraction(const char *option, const char *value, float *out);
bool read_size(const char *option, const char *value, struct size *out);
bool read_count(const char *option, const char *value, uint32_t maximum, uint32_t *out);
bool read_device(const char *value, struct device_choice *out);
bool read_precision(const char *value, gvk_precision *out);
/* How the stream's tensors lie in memory: fp32 or fp16. */
gvk_precision precision_of(const gvk_stream *stream);
const char *precision_name(gvk_precision precision);
/* A plain decimal number at `*at`, which is moved behind it; false where there is none or it is not finite. */
bool read_number(const char **at, double *out);
/* Whether width and height are such that the network takes them: multiples of 32 from 32 to 4096. */
bool size_is_fit(uint64_t width, uint64_t height);

/* Opens the chosen device; says why not. Returns the exit code. */
int open_device(struct program *program, const struct device_choice *choice, gvk_device **out);

/* ---- files ---- */

/* A copy of `path` up to and with its last slash, or an empty string. NULL when memory ran out. */
char *copy_folder(const char *path);
/* The part of `path` behind its last slash. */
const char *base_name(const char *path);
bool is_folder(const char *path);

/* A regular file's content, zero-terminated, from malloc; NULL with a predicate in `message` ("cannot be opened: No
 * such file or directory"). */
char *read_small_file(const char *path, size_t limit, size_t *count, char *message, size_t message_size);

/* Milliseconds of a clock that never goes back. */
double clock_ms(void);

#endif
