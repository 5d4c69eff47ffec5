/* A share of a list for each of several machines: a path belongs to the same one wherever it is asked, and whatever
 * else is on the list. */
#ifndef GHOSTVK_CLI_SOURCES_SHARD_H
#define GHOSTVK_CLI_SOURCES_SHARD_H

#include <stdbool.h>
#include <stdint.h>

struct shard {
    uint32_t index, count; /* from 1 to count; count 0: all of the list */
};

/* "2/5". False when it is no such text. */
bool shard_read(const char *value, struct shard *out);

/* FNV-1a of 64 bits (Fowler, Noll, Vo) over the path's bytes, a backslash counting as a slash. */
uint64_t shard_hash(const char *relative);
/* hash modulo count is index - 1. */
bool shard_takes(const struct shard *shard, const char *relative);

#endif
