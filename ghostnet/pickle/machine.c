/* Stream, stack and memo of a pickle; see machine.h. */
#include "machine.h"

#include <stdio.h>
#include <string.h>

#include "ghostnet/files/bytes.h"
#include "opcodes.h"

#define AHEAD       65536u /* bytes that are loaded beyond what is asked for */
#define TEXT_LOADED 4096u
#define LINE_LIMIT  4096u /* bytes of a module's or a class's name */
#define FIRST_STACK 256u  /* room on the stack at the start; it doubles */

static const char *name_opcode(unsigned char op)
{
#define NAME_ENTRY(name, code) [code] = #name,
    static const char *const names[256] = {GVK_PICKLE_OPCODES(NAME_ENTRY)};
#undef NAME_ENTRY
    return names[op];
}

gvk_result gvk_machine_refuse(const struct gvk_machine *m, const char *what)
{
    if (m->failure) /* which was said */
        return m->failure;
    const char *name = name_opcode(m->op);
    char number[8];
    if (!name) {
        snprintf(number, sizeof number, "0x%02x", m->op);
        name = number;
    }
    return gvk_refuse(&m->source, "its pickle's opcode %s at byte %zu %s.", name, m->offset + m->start, what);
}

/* ---- stream ---- */

bool gvk_machine_reach(struct gvk_machine *m, size_t end)
{
    if (!m->content || end <= m->ready)
        return true;
    size_t left = m->count - end;
    end += left < AHEAD ? left : AHEAD;
    m->failure = gvk_content_need(m->content, m->offset + m->ready, end - m->ready);
    m->ready = end;
    return !m->failure;
}

const unsigned char *gvk_machine_next_bytes(struct gvk_machine *m, uint64_t count)
{
    if (count > m->count - m->at)
        return NULL;
    size_t end = m->at + (size_t)count;
    if (!gvk_machine_reach(m, count > TEXT_LOADED ? m->at + TEXT_LOADED : end))
        return NULL;
    m->ready = m->ready < end ? end : m->ready; /* what is jumped over is not loaded */
    const unsigned char *bytes = m->bytes + m->at;
    m->at += (size_t)count;
    return bytes;
}

bool gvk_machine_next_number(struct gvk_machine *m, int width, uint64_t *out)
{
    const unsigned char *bytes = gvk_machine_next_bytes(m, (uint64_t)width);
    if (!bytes)
        return false;
    switch (width) {
    case 1: *out = bytes[0]; break;
    case 2: *out = gvk_load_u16(bytes); break;
    case 4: *out = gvk_load_u32(bytes); break;
    default: *out = gvk_load_u64(bytes); break;
    }
    return true;
}

bool gvk_machine_next_line(struct gvk_machine *m, gvk_pickle_text *out)
{
    const unsigned char *begin = m->bytes + m->at;
    size_t room = m->count - m->at < LINE_LIMIT ? m->count - m->at : LINE_LIMIT;
    const unsigned char *end = gvk_machine_reach(m, m->at + room) ? memchr(begin, '\n', room) : NULL;
    if (!end)
        return false;
    *out = (gvk_pickle_text){.text = (const char *)begin, .length = (size_t)(end - begin)};
    m->at += out->length + 1;
    return true;
}

gvk_result gvk_machine_refuse_end(const struct gvk_machine *m)
{
    return gvk_machine_refuse(m, "reaches past the end of the pickle");
}

/* ---- stack ---- */

gvk_result gvk_machine_start(struct gvk_machine *m)
{
    const gvk_host *host = m->source.host;
    m->marks = gvk_allocate_array(host, GVK_PICKLE_MARK_LIMIT, sizeof *m->marks);
    m->stack = gvk_allocate_array(host, FIRST_STACK, sizeof(*m->stack));
    m->capacity = FIRST_STACK;
    return m->marks && m->stack ? GVK_OK : gvk_fail_memory(host);
}

void gvk_machine_release(struct gvk_machine *m)
{
    gvk_release(m->source.host, m->stack);
    gvk_release(m->source.host, m->marks);
    gvk_release(m->source.host, m->memo);
}

size_t gvk_machine_floor_of(const struct gvk_machine *m)
{
    return m->mark_count ? m->marks[m->mark_count - 1] : 0;
}

bool gvk_machine_has_items(const struct gvk_machine *m, size_t count)
{
    return m->height - gvk_machine_floor_of(m) >= count;
}

gvk_result gvk_machine_refuse_stack(const struct gvk_machine *m)
{
    return gvk_machine_refuse(m, "finds too little on the stack");
}

gvk_result gvk_machine_push(struct gvk_machine *m, gvk_pickle_value *value)
{
    if (m->height == m->capacity) {
        if (m->capacity >= GVK_PICKLE_STACK_LIMIT)
            return gvk_machine_refuse(m, "makes the stack too high");
        size_t capacity = m->capacity * 2;
        gvk_result result = gvk_pickle_spend(m->pickle, capacity * sizeof(*m->stack));
        if (result)
            return result;
        void *larger = gvk_grow_array(m->source.host, m->stack, m->height, capacity, sizeof(*m->stack));
        if (!larger)
            return gvk_fail_memory(m->source.host);
        m->stack = larger;
        m->capacity = capacity;
    }
    m->stack[m->height++] = value;
    return GVK_OK;
}

gvk_result gvk_machine_push_new(struct gvk_machine *m, gvk_pickle_kind kind, gvk_pickle_value **out)
{
    gvk_result result = GVK_OK;
    *out = gvk_pickle_make(m->pickle, kind, &result);
    return *out ? gvk_machine_push(m, *out) : result;
}

gvk_result gvk_machine_take_mark(struct gvk_machine *m, size_t *begin)
{
    if (m->mark_count == 0)
        return gvk_machine_refuse(m, "finds no mark");
    *begin = m->marks[--m->mark_count];
    return GVK_OK;
}

gvk_result gvk_machine_gather(struct gvk_machine *m, gvk_pickle_kind kind, size_t begin)
{
    gvk_result result = GVK_OK;
    gvk_pickle_value *list = gvk_pickle_make(m->pickle, kind, &result);
    if (list)
        result = gvk_pickle_append(m->pickle, list, m->stack + begin, m->height - begin);
    if (result)
        return result;
    m->height = begin;
    return gvk_machine_push(m, list);
}

gvk_result gvk_machine_gather_marked(struct gvk_machine *m, gvk_pickle_kind kind)
{
    size_t begin = 0;
    gvk_result result = gvk_machine_take_mark(m, &begin);
    if (result)
        return result;
    if (kind == GVK_PICKLE_DICT && (m->height - begin) % 2)
        return gvk_machine_refuse(m, "has a key without a value");
    return gvk_machine_gather(m, kind, begin);
}

/* ---- memo ---- */

gvk_result gvk_machine_store(struct gvk_machine *m, uint64_t index)
{
    if (!gvk_machine_has_items(m, 1))
        return gvk_machine_refuse_stack(m);
    if (index >= GVK_PICKLE_MEMO_LIMIT)
        return gvk_machine_refuse(m, "uses a memo number that is too large");
    if (index >= m->memo_capacity) {
        size_t capacity = m->memo_capacity ? m->memo_capacity : 256;
        while (capacity <= index)
            capacity *= 2;
        gvk_result result = gvk_pickle_spend(m->pickle, capacity * sizeof(*m->memo));
        if (result)
            return result;
        void *larger = gvk_grow_array(m->source.host, m->memo, m->memo_capacity, capacity, sizeof(*m->memo));
        if (!larger)
            return gvk_fail_memory(m->source.host);
        m->memo = larger;
        m->memo_capacity = capacity;
    }
    if (!m->memo[index])
        m->memo_count++;
    m->memo[index] = m->stack[m->height - 1];
    return GVK_OK;
}

gvk_result gvk_machine_recall(struct gvk_machine *m, uint64_t index)
{
    if (index >= m->memo_capacity || !m->memo[index])
        return gvk_machine_refuse(m, "asks for a memo that was never stored");
    return gvk_machine_push(m, m->memo[index]);
}
