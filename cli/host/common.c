/* See common.h. */
#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cache_folder.h"
#include "driver_files.h"

/* ---- speaking ---------------------------------------------------------------------------------------------------- */

static void say_list(const char *kind, const char *ending, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    char text[1024];
    int length = vsnprintf(text, sizeof text, format, arguments);
    char *longer = length >= (int)sizeof text ? malloc((size_t)length + 1) : NULL;
    if (longer)
        vsnprintf(longer, (size_t)length + 1, format, again);
    va_end(again);
    fprintf(stderr, "ghostvk: %s", kind);
    print_text(stderr, length < 0 ? format : longer ? longer : text);
    fprintf(stderr, "%s\n", ending);
    free(longer);
}

void say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say_list("", "", format, arguments);
    va_end(arguments);
}

static void say_kind(const char *kind, const char *format, ...) GHOSTVK_FORMAT(2, 3);
static void say_kind(const char *kind, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say_list(kind, "", format, arguments);
    va_end(arguments);
}

int refuse_usage(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say_list("", "; see `ghostvk --help`", format, arguments);
    va_end(arguments);
    return OUTCOME_USAGE;
}

int refuse_memory(void)
{
    say("There is not enough memory.");
    return OUTCOME_OUT_OF_MEMORY;
}

/* Errors are kept until the failed call returns: then it is known whose they are, and they are said once. */
static void take_log(void *user, gvk_log_level level, const char *sentence)
{
    struct program *program = user;
    switch (level) {
    case GVK_LOG_ERROR:
        if (program->error[0] && program->verbosity > 0)
            say_kind("info: ", "%s", program->error);
        snprintf(program->error, sizeof program->error, "%s", sentence);
        break;
    case GVK_LOG_WARNING: say_kind("note: ", "%s", sentence); break;
    case GVK_LOG_INFO:
        if (program->verbosity > 0)
            say_kind("info: ", "%s", sentence);
        break;
    case GVK_LOG_DEBUG:
        if (program->verbosity > 1)
            say_kind("debug: ", "%s", sentence);
        break;
    }
}

void program_start(struct program *program, const char *path)
{
    *program = (struct program){.path = path ? path : "ghostvk"};
    program->host = (gvk_host){.size = sizeof program->host,
                               .user = program,
                               .log = take_log,
                               .cache_load = cache_folder_load,
                               .cache_store = cache_folder_store};
}

const char *failure_reason(struct program *program, gvk_result result)
{
    if (!program->error[0])
        snprintf(program->error, sizeof program->error, "The library gave up without a reason (%s).",
                 gvk_result_name(result));
    return program->error;
}

int report_failure(struct program *program, const char *subject, gvk_result result)
{
    const char *reason = failure_reason(program, result);
    say("%s%s%s", subject ? subject : "", subject ? ": " : "", reason);
    program->error[0] = 0;
    return outcome_of_result(result);
}

int outcome_of_result(gvk_result result)
{
    switch (result) {
    case GVK_OK: return OUTCOME_DONE;
    case GVK_ERROR_ARGUMENT: return OUTCOME_USAGE;
    case GVK_ERROR_FILE:
    case GVK_ERROR_FORMAT:
    case GVK_ERROR_MISMATCH: return OUTCOME_MODEL_REFUSED;
    case GVK_ERROR_NO_DEVICE:
    case GVK_ERROR_UNSUPPORTED: return OUTCOME_NO_DEVICE; /* none that can do what was asked for */
    case GVK_NOT_READY:
    case GVK_TIMEOUT:
    case GVK_ERROR_DEVICE_LOST:
    case GVK_ERROR_DRIVER: return OUTCOME_DEVICE_FAILED;
    case GVK_ERROR_HOST_MEMORY:
    case GVK_ERROR_DEVICE_MEMORY:
    case GVK_ERROR_BUDGET: return OUTCOME_OUT_OF_MEMORY;
    case GVK_ERROR_NUMBER: return OUTCOME_SOME_FAILED;
    }
    return OUTCOME_DEVICE_FAILED;
}

/* Whether main found standard output closed, and put something that cannot be written in its place. */
static bool stdout_is_closed(void)
{
    int flags = fcntl(STDOUT_FILENO, F_GETFL);
    return flags < 0 || (flags & O_ACCMODE) == O_RDONLY;
}

int finish_stdout(struct program *program, int outcome)
{
    errno = 0;
    bool failed = fflush(stdout) != 0;
    int reason = errno;
    if ((failed || ferror(stdout)) && !program->output_failed) {
        const char *other = failed && reason ? strerror(reason) : "it reported an error";
        say("standard output cannot be written: %s", stdout_is_closed() ? "it is closed" : other);
        program->output_failed = true;
    }
    return program->output_failed && outcome == OUTCOME_DONE ? OUTCOME_SOME_FAILED : outcome;
}

void print_ms(FILE *stream, const char *name, double ms)
{
    if (isfinite(ms))
        fprintf(stream, "%s %.1f ms", name, ms);
    else
        fprintf(stream, "%s -", name);
}

void print_bytes(FILE *stream, uint64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    double amount = (double)bytes / 1024;
    size_t unit = 0;
    for (; amount >= 1000 && unit + 1 < sizeof units / sizeof *units; unit++)
        amount /= 1024;
    fprintf(stream, "%.1f %s", amount, units[unit]);
}

/* ---- reading options --------------------------------------------------------------------------------------------- */

/* The long name of an option that getopt reported by its value, where it has one. */
static const char *find_long_name(const struct option *long_options, int value)
{
    for (; long_options->name; long_options++)
        if (long_options->val == value)
            return long_options->name;
    return NULL;
}

int next_option(struct program *program, int argument_count, char **arguments, const char *short_options,
                const struct option *long_options)
{
    opterr = 0;
    for (;;) {
        int option = getopt_long(argument_count, arguments, short_options, long_options, NULL);
        if (option == 'v') {
            program->verbosity++;
            continue;
        }
        if (option != '?' && option != ':')
            return option;
        const char *name = find_long_name(long_options, optopt), *written = arguments[optind - 1];
        bool is_short = optopt > 0 && optopt < 256;
        if (option == ':' && is_short && strncmp(written, "--", 2) != 0)
            refuse_usage("option -%c lacks its value", optopt);
        else if (option == ':')
            refuse_usage("option --%s lacks its value", name ? name : written);
        else if (optopt && name && strchr(written, '='))
            refuse_usage("option --%s takes no value", name);
        else if (is_short)
            refuse_usage("unknown option -%c", optopt);
        else
            refuse_usage("unknown option %s", written);
        return '?';
    }
}

bool read_path(const char *option, const char *value, const char **out)
{
    if (!*value) {
        refuse_usage("%s: the path is empty", option);
        return false;
    }
    *out = value;
    return true;
}

bool read_number(const char **at, double *out)
{
    /* Only plain numbers: strtod would take "nan", "infinity" and hexadecimal ones too. */
    size_t length = strspn(*at, "0123456789.eE+-");
    if (length == 0)
        return false;
    char *end = NULL;
    double value = strtod(*at, &end);
    if (end != *at + length || !isfinite(value))
        return false;
    *at = end;
    *out = value;
    return true;
}

bool read_fraction(const char *option, const char *value, float *out)
{
    const char *at = value;
    double number;
    if (!read_number(&at, &number) || *at || !(number >= 0 && number <= 1)) {
        refuse_usage("%s %s: a number from 0 to 1 is wanted", option, *value ? value : "\"\"");
        return false;
    }
    *out = (float)number;
    return true;
}

/* Digits alone, at most `maximum`. Moves behind them. */
static bool read_digits(const char **at, uint32_t maximum, uint32_t *out)
{
    uint64_t number = 0;
    const char *digit = *at;
    for (; *digit >= '0' && *digit <= '9'; digit++) {
        number = number * 10 + (uint64_t)(*digit - '0');
        if (number > maximum)
            return false;
    }
    if (digit == *at)
        return false;
    *at = digit;
    *out = (uint32_t)number;
    return true;
}

bool size_is_fit(uint64_t width, uint64_t height)
{
    return width >= 32 && width <= 4096 && width % 32 == 0 && height >= 32 && height <= 4096 && height % 32 == 0;
}

bool read_size(const char *option, const char *value, struct size *out)
{
    const char *at = value;
    struct size size;
    if (!read_digits(&at, UINT32_MAX, &size.width) || *at++ != 'x' || !read_digits(&at, UINT32_MAX, &size.height) ||
        *at) {
        refuse_usage("%s %s: a size is wanted, such as 416x416", option, *value ? value : "\"\"");
        return false;
    }
    if (!size_is_fit(size.width, size.height)) {
        refuse_usage("%s %s: width and height must be multiples of 32 from 32 to 4096", option, value);
        return false;
    }
    *out = size;
    return true;
}

bool read_count(const char *option, const char *value, uint32_t maximum, uint32_t *out)
{
    const char *at = value;
    uint32_t number;
    if (!read_digits(&at, maximum, &number) || *at || number == 0) {
        refuse_usage("%s %s: a number from 1 to %u is wanted", option, *value ? value : "\"\"", (unsigned)maximum);
        return false;
    }
    *out = number;
    return true;
}

static const char *const precision_names[] = {"fp32", "fp16", "auto"}; /* by gvk_precision */

bool read_precision(const char *value, gvk_precision *out)
{
    for (int i = 0; i < 3; i++)
        if (strcmp(value, precision_names[i]) == 0) {
            *out = (gvk_precision)i;
            return true;
        }
    refuse_usage("--precision %s: fp32, fp16 or auto is wanted", *value ? value : "\"\"");
    return false;
}

gvk_precision precision_of(const gvk_stream *stream)
{
    gvk_stream_info info = {.size = sizeof info};
    gvk_stream_describe(stream, &info);
    return info.precision;
}

const char *precision_name(gvk_precision precision)
{
    return precision_names[precision];
}

bool read_device(const char *value, struct device_choice *out)
{
    if (!*value) {
        refuse_usage("--device: the name is empty");
        return false;
    }
    if (value[strspn(value, "0123456789")] == 0) {
        const char *at = value;
        *out = (struct device_choice){.kind = GVK_DEVICE_INDEX};
        if (read_digits(&at, UINT32_MAX, &out->index))
            return true;
        refuse_usage("--device %s: there is no device of such a number", value);
        return false;
    }
    bool cpu = strcmp(value, "cpu") == 0 || strcmp(value, "CPU") == 0;
    *out = (struct device_choice){.kind = cpu ? GVK_DEVICE_CPU : GVK_DEVICE_NAME, .name = cpu ? NULL : value};
    return true;
}

int open_device(struct program *program, const struct device_choice *choice, gvk_device **out)
{
    gvk_device_params params = {
        .size = sizeof params,
        .host = &program->host,
        .choice = choice->kind,
        .index = choice->index,
        .name = choice->name,
    };
    char sentence[512];
    bool missing = driver_files_are_missing(sentence, sizeof sentence);
    gvk_result result = gvk_device_open(&params, out);
    if (result == GVK_ERROR_NO_DEVICE && missing)
        snprintf(program->error, sizeof program->error, "%s", sentence);
    return result ? report_failure(program, NULL, result) : OUTCOME_DONE;
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

char *copy_folder(const char *path)
{
    size_t length = (size_t)(base_name(path) - path);
    char *folder = malloc(length + 1);
    if (folder) {
        memcpy(folder, path, length);
        folder[length] = 0;
    }
    return folder;
}

bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

char *read_small_file(const char *path, size_t limit, size_t *count, char *message, size_t message_size)
{
    int descriptor = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC); /* a pipe must not make us wait */
    if (descriptor < 0) {
        snprintf(message, message_size, "cannot be opened: %s", strerror(errno));
        return NULL;
    }
    char *bytes = NULL;
    size_t length = 0;
    struct stat status;
    if (fstat(descriptor, &status) != 0) {
        snprintf(message, message_size, "cannot be read: %s", strerror(errno));
        goto failed;
    }
    if (!S_ISREG(status.st_mode)) {
        snprintf(message, message_size, "is %s, not a file", S_ISDIR(status.st_mode) ? "a folder" : "a device or pipe");
        goto failed;
    }
    if ((uintmax_t)status.st_size > limit) {
        snprintf(message, message_size, "is larger than %zu KiB", limit >> 10);
        goto failed;
    }
    size_t capacity = (size_t)status.st_size;
    bytes = malloc(capacity + 1);
    if (!bytes) {
        snprintf(message, message_size, "needs more memory than there is");
        goto failed;
    }
    while (length < capacity) {
        ssize_t got = read(descriptor, bytes + length, capacity - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            snprintf(message, message_size, "cannot be read: %s", strerror(errno));
            goto failed;
        }
        if (got == 0)
            break; /* it became shorter meanwhile */
        length += (size_t)got;
    }
    close(descriptor);
    bytes[length] = 0;
    *count = length;
    return bytes;
failed:
    close(descriptor);
    free(bytes);
    return NULL;
}

double clock_ms(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}
