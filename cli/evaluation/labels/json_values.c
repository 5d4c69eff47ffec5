/* See json_values.h. */
#include "json_values.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/input_file.h"
#include "dataset.h"

bool refuse_json(const char *path, const char *text, const json_error_t *error, char *message, size_t message_size)
{
    const char *start = text + strspn(text, " \t\r\n");
    if (*start == '{' || *start == '[')
        return refuse_dataset(message, message_size, "%s: line %d: %s", path, error->line, error->text);
    return refuse_dataset(message, message_size, "%s: it is no JSON%s (line %d: %s)", path,
                          *start == '<' ? ", but XML; a Pascal VOC dataset is named by its folder" : "", error->line,
                          error->text);
}

json_t *json_read_file(const char *path, char *message, size_t message_size)
{
    char reason[256];
    size_t length = 0;
    char *text = read_small_file(path, JSON_FILE_BYTES_MAX, &length, reason, sizeof reason);
    if (!text) {
        refuse_dataset(message, message_size, "%s: %s", path, reason);
        return NULL;
    }
    json_error_t error;
    json_t *root = json_loadb(text, length, 0, &error);
    if (!root)
        refuse_json(path, text, &error, message, message_size);
    free(text);
    return root;
}

bool json_checked_integer(const json_t *value, int64_t *out)
{
    if (json_is_integer(value)) {
        *out = (int64_t)json_integer_value(value);
        return true;
    }
    if (!json_is_real(value))
        return false;
    double number = json_real_value(value);
    *out = fabs(number) <= 9007199254740992.0 ? (int64_t)number : 0;
    return fabs(number) <= 9007199254740992.0 && (double)*out == number;
}

bool json_checked_number(const json_t *value, double *out)
{
    if (!json_is_number(value))
        return false;
    *out = json_number_value(value);
    return isfinite(*out) && fabs(*out) <= DATASET_NUMBER_MAX;
}

bool json_checked_numbers(const json_t *value, size_t count, double *out)
{
    if (!json_is_array(value) || json_array_size(value) != count)
        return false;
    for (size_t index = 0; index < count; index++)
        if (!json_checked_number(json_array_get(value, index), &out[index]))
            return false;
    return true;
}
