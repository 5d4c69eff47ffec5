/* See values.h. */
#include "values.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"

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

bool read_digits(const char **at, uint32_t maximum, uint32_t *out)
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
