/* Values of JSON that come from outside, read with jansson: whole files, and members that are numbers within limits. */
#ifndef GHOSTVK_CLI_EVALUATION_JSON_VALUES_H
#define GHOSTVK_CLI_EVALUATION_JSON_VALUES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_FILE_BYTES_MAX ((size_t)1 << 30)

/* NULL with a whole sentence in `message`. Release with json_decref. */
json_t *json_read_file(const char *path, char *message, size_t message_size);

/* Says where the file's text is no JSON, or that it is something else. Always false. */
bool refuse_json(const char *path, const char *text, const json_error_t *error, char *message, size_t message_size);

/* A whole number, as one or as a real without a fraction. */
bool json_checked_integer(const json_t *value, int64_t *out);
/* A finite number of at most DATASET_NUMBER_MAX. */
bool json_checked_number(const json_t *value, double *out);
/* An array of exactly so many such numbers. */
bool json_checked_numbers(const json_t *value, size_t count, double *out);

#endif
