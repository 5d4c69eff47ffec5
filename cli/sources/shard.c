/* See shard.h. */
#include "shard.h"

#include "cli/base/values.h"

#define SHARDS_MAX 1000000u

bool shard_read(const char *value, struct shard *out)
{
    struct shard shard;
    if (!read_digits(&value, SHARDS_MAX, &shard.index) || *value++ != '/' ||
        !read_digits(&value, SHARDS_MAX, &shard.count) || *value)
        return false;
    if (shard.index < 1 || shard.index > shard.count)
        return false;
    *out = shard;
    return true;
}

uint64_t shard_hash(const char *relative)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (; *relative; relative++) {
        hash ^= *relative == '\\' ? (uint64_t)'/' : (uint64_t)(unsigned char)*relative;
        hash *= UINT64_C(0x100000001B3);
    }
    return hash;
}

bool shard_takes(const struct shard *shard, const char *relative)
{
    return shard->count == 0 || shard_hash(relative) % shard->count == shard->index - 1;
}
