/* See nearest.h. */
#include "nearest.h"

#include <stdbool.h>
#include <string.h>

#define LONGEST 31

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

unsigned count_changes(const char *one, size_t one_length, const char *other)
{
    size_t other_length = strlen(other);
    if (one_length > LONGEST || other_length > LONGEST)
        return NEAREST_NEVER;
    unsigned changes[LONGEST + 1][LONGEST + 1]; /* between the beginnings of both */
    for (unsigned i = 0; i <= one_length; i++) {
        for (unsigned j = 0; j <= other_length; j++) {
            if (i == 0 || j == 0) {
                changes[i][j] = i + j;
                continue;
            }
            bool same = one[i - 1] == other[j - 1];
            unsigned best = least(changes[i - 1][j] + 1, changes[i][j - 1] + 1);
            best = least(best, changes[i - 1][j - 1] + !same);
            if (i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1])
                best = least(best, changes[i - 2][j - 2] + 1);
            changes[i][j] = best;
        }
    }
    return changes[one_length][other_length];
}

unsigned measure_mistake(const char *written, size_t length, const char *meant)
{
    size_t meant_length = strlen(meant), shorter = length < meant_length ? length : meant_length;
    unsigned changes = count_changes(written, length, meant);
    if (changes == NEAREST_NEVER)
        return NEAREST_NEVER;
    if (changes * 3 <= length || (changes == 1 && length > 1))
        return changes;
    if (shorter >= 3 && strncmp(written, meant, shorter) == 0)
        return 500 + changes; /* "confidence" for "conf" */
    return NEAREST_NEVER;
}
