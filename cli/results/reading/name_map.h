/* Numbers by name, for names that come from outside and may be many: 16 bytes each, whatever their length.
 *
 * Names are told apart by a keyed hash of 64 bits (SipHash), so that nobody can make up two that are taken for one;
 * among a million names, two are mistaken for each other in one of 30 million runs. */
#ifndef GHOSTVK_CLI_NAME_MAP_H
#define GHOSTVK_CLI_NAME_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed is empty. */
struct name_map {
    struct name_entry *entries;
    size_t count, capacity;
    uint64_t key[2];
};

/* The name's number, which is `number` where the name is new; `*is_new` says that. False when memory ran out. */
bool name_map_put(struct name_map *map, const void *name, size_t length, int64_t number, int64_t **place, bool *is_new);
/* NULL: it has none. */
const int64_t *name_map_get(const struct name_map *map, const void *name, size_t length);
void name_map_release(struct name_map *map);

/* SipHash-2-4 of Aumasson and Bernstein. */
uint64_t name_hash(const uint64_t key[2], const void *bytes, size_t count);

#endif
