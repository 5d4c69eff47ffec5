/* A hash table of fixed size with linear probing, from byte strings to numbers. */
#include "name_index.h"

#include <string.h>

/* The seed is where the table happens to lie, so that a file cannot be made of names that all collide. */
static uint64_t hash_text(const gvk_name_index *index, const char *text, size_t length)
{
    uint64_t hash = (uint64_t)(uintptr_t)index->slots * UINT64_C(0x9e3779b97f4a7c15);
    hash ^= hash >> 32;
    for (size_t i = 0; i < length; i++) {
        hash ^= (unsigned char)text[i];
        hash *= UINT64_C(0x100000001b3);
    }
    /* The low bits choose the slot: the high ones are mixed into them. */
    return hash ^ hash >> 29;
}

gvk_result gvk_name_index_create(const gvk_host *host, size_t count, gvk_name_index *out)
{
    size_t slots = 16;
    while (slots < count * 2)
        slots *= 2;
    out->slots = gvk_allocate_array(host, slots, sizeof *out->slots);
    if (!out->slots)
        return gvk_fail_memory(host);
    out->mask = slots - 1;
    return GVK_OK;
}

void gvk_name_index_release(const gvk_host *host, gvk_name_index *index)
{
    gvk_release(host, index->slots);
    index->slots = NULL;
    index->mask = 0;
}

/* The slot that holds the name, or the free one where it belongs. Half of the slots stay free, so this ends. */
static gvk_name_slot *probe(const gvk_name_index *index, const char *text, size_t length, uint64_t hash)
{
    size_t at = (size_t)hash & index->mask;
    for (;;) {
        gvk_name_slot *slot = &index->slots[at];
        if (!slot->text)
            return slot;
        if (slot->hash == hash && slot->length == length && memcmp(slot->text, text, length) == 0)
            return slot;
        at = (at + 1) & index->mask;
    }
}

bool gvk_name_index_add(gvk_name_index *index, const char *text, size_t length, uint32_t value)
{
    uint64_t hash = hash_text(index, text, length);
    gvk_name_slot *slot = probe(index, text, length, hash);
    if (slot->text)
        return false;
    *slot = (gvk_name_slot){.text = text, .length = length, .hash = hash, .value = value};
    return true;
}

bool gvk_name_index_find(const gvk_name_index *index, const char *text, size_t length, uint32_t *value)
{
    if (!index->slots)
        return false;
    const gvk_name_slot *slot = probe(index, text, length, hash_text(index, text, length));
    if (!slot->text)
        return false;
    *value = slot->value;
    return true;
}
