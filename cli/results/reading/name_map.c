/* See name_map.h. */
#include "name_map.h"

#include <stdlib.h>

#include "cli/system/process.h"

struct name_entry {
    uint64_t hash; /* 0: none is here */
    int64_t number;
};

static uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static void stir(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

uint64_t name_hash(const uint64_t key[2], const void *bytes, size_t count)
{
    const unsigned char *at = bytes;
    uint64_t v[4] = {key[0] ^ UINT64_C(0x736f6d6570736575), key[1] ^ UINT64_C(0x646f72616e646f6d),
                     key[0] ^ UINT64_C(0x6c7967656e657261), key[1] ^ UINT64_C(0x7465646279746573)};
    for (size_t block = 0; block <= count / 8; block++) {
        size_t left = count - block * 8;
        uint64_t word = left < 8 ? (uint64_t)(count & 0xFF) << 56 : 0;
        for (size_t index = 0; index < 8 && index < left; index++)
            word |= (uint64_t)at[block * 8 + index] << (8 * index);
        v[3] ^= word;
        stir(v);
        stir(v);
        v[0] ^= word;
    }
    v[2] ^= 0xFF;
    for (int round = 0; round < 4; round++)
        stir(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* Where the hash is, or would be; `capacity` is a power of two, and some entry is free. */
static struct name_entry *find_entry(struct name_entry *entries, size_t capacity, uint64_t hash)
{
    size_t at = (size_t)hash & (capacity - 1);
    while (entries[at].hash && entries[at].hash != hash)
        at = (at + 1) & (capacity - 1);
    return &entries[at];
}

static uint64_t hash_of(const struct name_map *map, const void *name, size_t length)
{
    uint64_t hash = name_hash(map->key, name, length);
    return hash ? hash : 1;
}

static bool make_room(struct name_map *map)
{
    if (map->count < map->capacity / 2)
        return true;
    size_t capacity = map->capacity ? map->capacity * 2 : 64;
    struct name_entry *entries = capacity > map->capacity ? calloc(capacity, sizeof *entries) : NULL;
    if (!entries)
        return false;
    if (!map->capacity) {
        map->key[0] = process_mark();
        map->key[1] = (uint64_t)(uintptr_t)entries ^ (uint64_t)(process_clock_ms() * 1e6);
    }
    for (size_t index = 0; index < map->capacity; index++)
        if (map->entries[index].hash)
            *find_entry(entries, capacity, map->entries[index].hash) = map->entries[index];
    free(map->entries);
    map->entries = entries;
    map->capacity = capacity;
    return true;
}

bool name_map_put(struct name_map *map, const void *name, size_t length, int64_t number, int64_t **place, bool *is_new)
{
    if (!make_room(map))
        return false;
    uint64_t hash = hash_of(map, name, length);
    struct name_entry *entry = find_entry(map->entries, map->capacity, hash);
    *is_new = !entry->hash;
    if (*is_new) {
        *entry = (struct name_entry){.hash = hash, .number = number};
        map->count++;
    }
    if (place)
        *place = &entry->number;
    return true;
}

const int64_t *name_map_get(const struct name_map *map, const void *name, size_t length)
{
    if (!map->count)
        return NULL;
    const struct name_entry *entry = find_entry(map->entries, map->capacity, hash_of(map, name, length));
    return entry->hash ? &entry->number : NULL;
}

void name_map_release(struct name_map *map)
{
    free(map->entries);
    *map = (struct name_map){0};
}
