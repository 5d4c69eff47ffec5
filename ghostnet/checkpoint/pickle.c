/* The machine that runs a pickle's opcodes over plain data; see pickle.h for what it promises and who calls it.
 * Each opcode is checked before it acts: what it takes from the stack, what it reads from the stream, what it may
 * change. A wrong one is refused with its name and its place. */
#include "pickle.h"

#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "pickle_opcodes.h"

#define FIRST_STACK 256u /* room on the stack at the start; it doubles */

typedef struct machine {
    gvk_source source;
    const unsigned char *bytes;
    size_t count, at;
    size_t offset; /* of `bytes` in what the person calls the file */
    size_t start;  /* of the opcode that runs */
    unsigned char op;
    gvk_pickle *pickle;
    gvk_pickle_value **stack;
    size_t height, capacity;
    size_t *marks; /* heights of the stack; the items below the last one are out of reach */
    size_t mark_count;
    gvk_pickle_value **memo;
    size_t memo_capacity, memo_count;
    bool is_done;
} machine;

static const char *name_opcode(unsigned char op)
{
#define NAME_ENTRY(name, code) [code] = #name,
    static const char *const names[256] = {GVK_PICKLE_OPCODES(NAME_ENTRY)};
#undef NAME_ENTRY
    return names[op];
}

/* `what` completes the sentence: "its pickle's opcode SETITEM at byte 12 ...". */
static gvk_result refuse(const machine *m, const char *what)
{
    const char *name = name_opcode(m->op);
    char number[8];
    if (!name) {
        snprintf(number, sizeof number, "0x%02x", m->op);
        name = number;
    }
    return gvk_refuse(&m->source, "its pickle's opcode %s at byte %zu %s.", name, m->offset + m->start, what);
}

/* ---- stream ---- */

/* The next `count` bytes, or NULL. */
static const unsigned char *next_bytes(machine *m, uint64_t count)
{
    if (count > m->count - m->at)
        return NULL;
    const unsigned char *bytes = m->bytes + m->at;
    m->at += (size_t)count;
    return bytes;
}

/* A little-endian number of 1, 2, 4 or 8 bytes. */
static bool next_number(machine *m, int width, uint64_t *out)
{
    const unsigned char *bytes = next_bytes(m, (uint64_t)width);
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

static bool next_line(machine *m, gvk_pickle_text *out)
{
    const unsigned char *begin = m->bytes + m->at;
    const unsigned char *end = memchr(begin, '\n', m->count - m->at);
    if (!end)
        return false;
    *out = (gvk_pickle_text){.text = (const char *)begin, .length = (size_t)(end - begin)};
    m->at += out->length + 1;
    return true;
}

static gvk_result refuse_end(const machine *m)
{
    return refuse(m, "reaches past the end of the pickle");
}

/* ---- stack ---- */

static size_t floor_of(const machine *m)
{
    return m->mark_count ? m->marks[m->mark_count - 1] : 0;
}

static bool has_items(const machine *m, size_t count)
{
    return m->height - floor_of(m) >= count;
}

static gvk_result refuse_stack(const machine *m)
{
    return refuse(m, "finds too little on the stack");
}

static gvk_result push(machine *m, gvk_pickle_value *value)
{
    if (m->height == m->capacity) {
        if (m->capacity >= GVK_PICKLE_STACK_LIMIT)
            return refuse(m, "makes the stack too high");
        size_t capacity = m->capacity * 2;
        void *larger = gvk_grow_array(m->source.host, m->stack, m->height, capacity, sizeof(*m->stack));
        if (!larger)
            return gvk_fail_memory(m->source.host);
        m->stack = larger;
        m->capacity = capacity;
    }
    m->stack[m->height++] = value;
    return GVK_OK;
}

static gvk_result push_new(machine *m, gvk_pickle_kind kind, gvk_pickle_value **out)
{
    gvk_result result = GVK_OK;
    *out = gvk_pickle_make(m->pickle, kind, &result);
    return *out ? push(m, *out) : result;
}

static gvk_result push_integer(machine *m, gvk_pickle_kind kind, int64_t integer)
{
    gvk_pickle_value *value;
    gvk_result result = push_new(m, kind, &value);
    if (!result)
        value->as.integer = integer;
    return result;
}

static gvk_result push_text(machine *m, gvk_pickle_kind kind, gvk_pickle_text text)
{
    gvk_pickle_value *value;
    gvk_result result = push_new(m, kind, &value);
    if (!result)
        value->as.text = text;
    return result;
}

static gvk_result push_opaque(machine *m, gvk_pickle_value *maker, gvk_pickle_value *arguments)
{
    gvk_pickle_value *value;
    gvk_result result = push_new(m, GVK_PICKLE_OPAQUE, &value);
    if (!result) {
        value->as.opaque.maker = maker;
        value->as.opaque.arguments = arguments;
    }
    return result;
}

/* Removes the last mark; the items above it are stack[*begin] up to the height. */
static gvk_result take_mark(machine *m, size_t *begin)
{
    if (m->mark_count == 0)
        return refuse(m, "finds no mark");
    *begin = m->marks[--m->mark_count];
    return GVK_OK;
}

/* Replaces everything from stack[begin] on by one list-like value that holds it. */
static gvk_result gather(machine *m, gvk_pickle_kind kind, size_t begin)
{
    gvk_result result = GVK_OK;
    gvk_pickle_value *list = gvk_pickle_make(m->pickle, kind, &result);
    if (list)
        result = gvk_pickle_append(m->pickle, list, m->stack + begin, m->height - begin);
    if (result)
        return result;
    m->height = begin;
    return push(m, list);
}

static gvk_result gather_marked(machine *m, gvk_pickle_kind kind)
{
    size_t begin = 0;
    gvk_result result = take_mark(m, &begin);
    if (result)
        return result;
    if (kind == GVK_PICKLE_DICT && (m->height - begin) % 2)
        return refuse(m, "has a key without a value");
    return gather(m, kind, begin);
}

/* ---- memo ---- */

static gvk_result store(machine *m, uint64_t index)
{
    if (!has_items(m, 1))
        return refuse_stack(m);
    if (index >= GVK_PICKLE_MEMO_LIMIT)
        return refuse(m, "uses a memo number that is too large");
    if (index >= m->memo_capacity) {
        size_t capacity = m->memo_capacity ? m->memo_capacity : 256;
        while (capacity <= index)
            capacity *= 2;
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

static gvk_result recall(machine *m, uint64_t index)
{
    if (index >= m->memo_capacity || !m->memo[index])
        return refuse(m, "asks for a memo that was never stored");
    return push(m, m->memo[index]);
}

/* The decimal number of the old GET and PUT. */
static bool next_decimal(machine *m, uint64_t *out)
{
    gvk_pickle_text line;
    if (!next_line(m, &line) || line.length == 0 || line.length > 9)
        return false;
    *out = 0;
    for (size_t i = 0; i < line.length; i++) {
        if (line.text[i] < '0' || line.text[i] > '9')
            return false;
        *out = *out * 10 + (uint64_t)(line.text[i] - '0');
    }
    return true;
}

static gvk_result run_memo(machine *m)
{
    uint64_t index = m->memo_count;
    bool good = true;
    switch (m->op) {
    case OP_BINGET:
    case OP_BINPUT: good = next_number(m, 1, &index); break;
    case OP_LONG_BINGET:
    case OP_LONG_BINPUT: good = next_number(m, 4, &index); break;
    case OP_GET:
    case OP_PUT: good = next_decimal(m, &index); break;
    default: break; /* MEMOIZE counts by itself */
    }
    if (!good)
        return refuse(m, "has no proper memo number");
    bool is_get = m->op == OP_GET || m->op == OP_BINGET || m->op == OP_LONG_BINGET;
    return is_get ? recall(m, index) : store(m, index);
}

/* ---- constants ---- */

/* A two's complement of any length, as LONG1 and LONG4 have it. */
static gvk_result push_long(machine *m, int width)
{
    uint64_t count;
    const unsigned char *bytes;
    if (!next_number(m, width, &count) || !(bytes = next_bytes(m, count)))
        return refuse_end(m);
    if (count > 8)
        return push_text(m, GVK_PICKLE_LONG, (gvk_pickle_text){.text = (const char *)bytes, .length = (size_t)count});
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++)
        value |= (uint64_t)bytes[i] << 8 * i;
    if (count > 0 && count < 8 && bytes[count - 1] & 0x80)
        value |= UINT64_MAX << 8 * count;
    int64_t integer;
    memcpy(&integer, &value, sizeof integer);
    return push_integer(m, GVK_PICKLE_INTEGER, integer);
}

/* BININT is signed, the shorter ones are not. */
static gvk_result push_fixed(machine *m, int width)
{
    uint64_t number;
    if (!next_number(m, width, &number))
        return refuse_end(m);
    int64_t integer = (int64_t)number;
    if (width == 4 && number > INT32_MAX)
        integer -= INT64_C(1) << 32;
    return push_integer(m, GVK_PICKLE_INTEGER, integer);
}

static gvk_result push_double(machine *m)
{
    const unsigned char *bytes = next_bytes(m, 8);
    if (!bytes)
        return refuse_end(m);
    uint64_t bits = 0; /* big-endian, unlike everything else */
    for (int i = 0; i < 8; i++)
        bits = bits << 8 | bytes[i];
    gvk_pickle_value *value;
    gvk_result result = push_new(m, GVK_PICKLE_FLOAT, &value);
    if (!result)
        memcpy(&value->as.real, &bits, sizeof bits);
    return result;
}

static gvk_result push_counted(machine *m, gvk_pickle_kind kind, int width)
{
    uint64_t count;
    const unsigned char *bytes;
    if (!next_number(m, width, &count) || !(bytes = next_bytes(m, count)))
        return refuse_end(m);
    return push_text(m, kind, (gvk_pickle_text){.text = (const char *)bytes, .length = (size_t)count});
}

/* ---- names and calls ---- */

static gvk_result push_global(machine *m, gvk_pickle_text module, gvk_pickle_text name)
{
    gvk_pickle_value *value;
    gvk_result result = push_new(m, GVK_PICKLE_GLOBAL, &value);
    if (!result) {
        value->as.global.module = module;
        value->as.global.name = name;
    }
    return result;
}

static gvk_result run_global(machine *m)
{
    gvk_pickle_text module, name;
    if (!next_line(m, &module) || !next_line(m, &name))
        return refuse(m, "has a name that does not end");
    return push_global(m, module, name);
}

static gvk_result run_stack_global(machine *m)
{
    if (!has_items(m, 2))
        return refuse_stack(m);
    const gvk_pickle_value *module = m->stack[m->height - 2], *name = m->stack[m->height - 1];
    if (module->kind != GVK_PICKLE_STRING || name->kind != GVK_PICKLE_STRING)
        return refuse(m, "has a name that is no string");
    m->height -= 2;
    return push_global(m, module->as.text, name->as.text);
}

/* EXT codes are names of a registry that no file carries. */
static gvk_result run_extension(machine *m, int width)
{
    static const gvk_pickle_text module = {"copyreg", 7}, name = {"extension", 9};
    uint64_t code;
    if (!next_number(m, width, &code))
        return refuse_end(m);
    return push_global(m, module, name);
}

static gvk_result run_reduce(machine *m)
{
    if (!has_items(m, 2))
        return refuse_stack(m);
    gvk_pickle_value *made = NULL;
    const char *problem = NULL;
    gvk_result result = gvk_pickle_reduce(m->pickle, m->stack[m->height - 2], m->stack[m->height - 1], &made, &problem);
    if (result)
        return problem ? refuse(m, problem) : result;
    m->height -= 2;
    return push(m, made);
}

static gvk_result run_persistent(machine *m)
{
    if (!has_items(m, 1))
        return refuse_stack(m);
    gvk_pickle_value *loaded = NULL;
    const char *problem = NULL;
    gvk_result result = gvk_pickle_load_persistent(m->pickle, m->stack[m->height - 1], &loaded, &problem);
    if (result)
        return problem ? refuse(m, problem) : result;
    m->height--;
    return push(m, loaded);
}

/* NEWOBJ and NEWOBJ_EX make an object of a class from 1 or 2 arguments on the stack; all of them are opaque here. */
static gvk_result run_new_object(machine *m, size_t arguments)
{
    if (!has_items(m, arguments + 1))
        return refuse_stack(m);
    gvk_pickle_value *class = m->stack[m->height - arguments - 1];
    gvk_pickle_value *positional = m->stack[m->height - arguments];
    if (class->kind != GVK_PICKLE_GLOBAL && class->kind != GVK_PICKLE_OPAQUE)
        return refuse(m, "makes an object of something that is no class");
    if (positional->kind != GVK_PICKLE_TUPLE)
        return refuse(m, "calls with something else than a tuple");
    m->height -= arguments + 1;
    return push_opaque(m, class, positional);
}

/* INST names its class in the stream, OBJ has it on the stack; both take their arguments from a mark on. */
static gvk_result run_instance(machine *m)
{
    gvk_result result = GVK_OK;
    if (m->op == OP_INST) {
        gvk_pickle_text module, name;
        if (!next_line(m, &module) || !next_line(m, &name))
            return refuse(m, "has a name that does not end");
        result = gather_marked(m, GVK_PICKLE_TUPLE);
        if (!result)
            result = push_global(m, module, name);
        if (result)
            return result;
        gvk_pickle_value *class = m->stack[m->height - 1], *arguments = m->stack[m->height - 2];
        m->height -= 2;
        return push_opaque(m, class, arguments);
    }
    size_t begin = 0;
    result = take_mark(m, &begin);
    if (result)
        return result;
    if (m->height == begin)
        return refuse_stack(m);
    gvk_pickle_value *class = m->stack[begin];
    if (class->kind != GVK_PICKLE_GLOBAL && class->kind != GVK_PICKLE_OPAQUE)
        return refuse(m, "makes an object of something that is no class");
    result = gather(m, GVK_PICKLE_TUPLE, begin + 1);
    if (result)
        return result;
    gvk_pickle_value *arguments = m->stack[m->height - 1];
    m->height = begin;
    return push_opaque(m, class, arguments);
}

/* ---- changes of containers ---- */

/* Appends stack[begin] and what is above to the value below it, and drops them. An opaque value takes anything: what
 * it would do with it is unknown, and nothing that lies in it becomes a weight. */
static gvk_result extend(machine *m, gvk_pickle_kind kind, size_t begin)
{
    if (begin <= floor_of(m))
        return refuse_stack(m);
    gvk_pickle_value *target = m->stack[begin - 1];
    size_t count = m->height - begin;
    if (target->kind != kind && target->kind != GVK_PICKLE_OPAQUE)
        return refuse(m, kind == GVK_PICKLE_DICT   ? "sets items of something that is no dict"
                         : kind == GVK_PICKLE_LIST ? "appends to something that is no list"
                                                   : "adds items to something that is no set");
    if (kind == GVK_PICKLE_DICT && count % 2)
        return refuse(m, "has a key without a value");
    gvk_result result = GVK_OK;
    if (target->kind == kind)
        result = gvk_pickle_append(m->pickle, target, m->stack + begin, count);
    m->height = begin;
    return result;
}

static gvk_result extend_marked(machine *m, gvk_pickle_kind kind)
{
    size_t begin = 0;
    gvk_result result = take_mark(m, &begin);
    return result ? result : extend(m, kind, begin);
}

static gvk_result extend_top(machine *m, gvk_pickle_kind kind, size_t count)
{
    return has_items(m, count + 1) ? extend(m, kind, m->height - count) : refuse_stack(m);
}

static gvk_result run_build(machine *m)
{
    if (!has_items(m, 2))
        return refuse_stack(m);
    gvk_pickle_value *target = m->stack[m->height - 2], *state = m->stack[m->height - 1];
    bool is_attributed = target->kind == GVK_PICKLE_DICT && target->is_ordered; /* state dicts have `_metadata` */
    if (target->kind != GVK_PICKLE_OPAQUE && !is_attributed)
        return refuse(m, "gives a state to something that has none");
    if (target->kind == GVK_PICKLE_OPAQUE)
        target->as.opaque.state = state;
    m->height--;
    return GVK_OK;
}

/* ---- the rest ---- */

static gvk_result run_mark(machine *m)
{
    if (m->mark_count >= GVK_PICKLE_MARK_LIMIT)
        return refuse(m, "nests too deeply");
    m->marks[m->mark_count++] = m->height;
    return GVK_OK;
}

static gvk_result run_pop(machine *m)
{
    if (m->op == OP_POP_MARK) {
        size_t begin = 0;
        gvk_result result = take_mark(m, &begin);
        if (!result)
            m->height = begin;
        return result;
    }
    /* With nothing above the mark, it is the mark that goes. */
    if (m->mark_count && m->height == floor_of(m))
        m->mark_count--;
    else if (has_items(m, 1))
        m->height--;
    else
        return refuse_stack(m);
    return GVK_OK;
}

static gvk_result run_tuple(machine *m, size_t count)
{
    return has_items(m, count) ? gather(m, GVK_PICKLE_TUPLE, m->height - count) : refuse_stack(m);
}

static gvk_result run_protocol(machine *m)
{
    uint64_t version;
    if (!next_number(m, 1, &version))
        return refuse_end(m);
    return version >= 2 && version <= 5 ? GVK_OK : refuse(m, "names a protocol that is not one of 2 to 5");
}

/* A frame only says how much to read ahead. */
static gvk_result run_frame(machine *m)
{
    uint64_t length;
    if (!next_number(m, 8, &length) || length > m->count - m->at)
        return refuse_end(m);
    return GVK_OK;
}

static gvk_result run_stop(machine *m)
{
    if (m->mark_count || m->height != 1)
        return refuse(m, "does not leave exactly one value");
    gvk_pickle_set_root(m->pickle, m->stack[0]);
    m->is_done = true;
    return GVK_OK;
}

static gvk_result run_opcode(machine *m)
{
    gvk_pickle_value *fresh;
    switch (m->op) {
    case OP_PROTO: return run_protocol(m);
    case OP_FRAME: return run_frame(m);
    case OP_STOP: return run_stop(m);
    case OP_MARK: return run_mark(m);
    case OP_POP:
    case OP_POP_MARK: return run_pop(m);
    case OP_DUP: return has_items(m, 1) ? push(m, m->stack[m->height - 1]) : refuse_stack(m);

    case OP_NONE: return push_new(m, GVK_PICKLE_NONE, &fresh);
    case OP_NEWTRUE: return push_integer(m, GVK_PICKLE_BOOL, 1);
    case OP_NEWFALSE: return push_integer(m, GVK_PICKLE_BOOL, 0);
    case OP_BININT: return push_fixed(m, 4);
    case OP_BININT1: return push_fixed(m, 1);
    case OP_BININT2: return push_fixed(m, 2);
    case OP_LONG1: return push_long(m, 1);
    case OP_LONG4: return push_long(m, 4);
    case OP_BINFLOAT: return push_double(m);
    case OP_SHORT_BINSTRING:
    case OP_SHORT_BINUNICODE: return push_counted(m, GVK_PICKLE_STRING, 1);
    case OP_BINSTRING:
    case OP_BINUNICODE: return push_counted(m, GVK_PICKLE_STRING, 4);
    case OP_BINUNICODE8: return push_counted(m, GVK_PICKLE_STRING, 8);
    case OP_SHORT_BINBYTES: return push_counted(m, GVK_PICKLE_BYTES, 1);
    case OP_BINBYTES: return push_counted(m, GVK_PICKLE_BYTES, 4);
    case OP_BINBYTES8:
    case OP_BYTEARRAY8: return push_counted(m, GVK_PICKLE_BYTES, 8);

    case OP_EMPTY_TUPLE: return push_new(m, GVK_PICKLE_TUPLE, &fresh);
    case OP_EMPTY_LIST: return push_new(m, GVK_PICKLE_LIST, &fresh);
    case OP_EMPTY_DICT: return push_new(m, GVK_PICKLE_DICT, &fresh);
    case OP_EMPTY_SET: return push_new(m, GVK_PICKLE_SET, &fresh);
    case OP_TUPLE: return gather_marked(m, GVK_PICKLE_TUPLE);
    case OP_LIST: return gather_marked(m, GVK_PICKLE_LIST);
    case OP_DICT: return gather_marked(m, GVK_PICKLE_DICT);
    case OP_FROZENSET: return gather_marked(m, GVK_PICKLE_SET);
    case OP_TUPLE1: return run_tuple(m, 1);
    case OP_TUPLE2: return run_tuple(m, 2);
    case OP_TUPLE3: return run_tuple(m, 3);
    case OP_APPEND: return extend_top(m, GVK_PICKLE_LIST, 1);
    case OP_APPENDS: return extend_marked(m, GVK_PICKLE_LIST);
    case OP_SETITEM: return extend_top(m, GVK_PICKLE_DICT, 2);
    case OP_SETITEMS: return extend_marked(m, GVK_PICKLE_DICT);
    case OP_ADDITEMS: return extend_marked(m, GVK_PICKLE_SET);
    case OP_BUILD: return run_build(m);

    case OP_GLOBAL: return run_global(m);
    case OP_STACK_GLOBAL: return run_stack_global(m);
    case OP_EXT1: return run_extension(m, 1);
    case OP_EXT2: return run_extension(m, 2);
    case OP_EXT4: return run_extension(m, 4);
    case OP_REDUCE: return run_reduce(m);
    case OP_NEWOBJ: return run_new_object(m, 1);
    case OP_NEWOBJ_EX: return run_new_object(m, 2);
    case OP_INST:
    case OP_OBJ: return run_instance(m);
    case OP_BINPERSID: return run_persistent(m);

    case OP_GET:
    case OP_BINGET:
    case OP_LONG_BINGET:
    case OP_PUT:
    case OP_BINPUT:
    case OP_LONG_BINPUT:
    case OP_MEMOIZE: return run_memo(m);

    case OP_FLOAT:
    case OP_INT:
    case OP_LONG:
    case OP_STRING:
    case OP_UNICODE:
    case OP_PERSID: return refuse(m, "belongs to the text protocol, which torch.save does not write");
    case OP_NEXT_BUFFER:
    case OP_READONLY_BUFFER: return refuse(m, "refers to data outside of the pickle");
    default: return refuse(m, "does not exist");
    }
}

gvk_result gvk_pickle_read(const gvk_source *source, const unsigned char *bytes, size_t count, size_t offset,
                           gvk_pickle **out, size_t *used)
{
    machine m = {.source = *source, .bytes = bytes, .count = count, .offset = offset};
    if (count < 2 || bytes[0] != OP_PROTO)
        return gvk_refuse(source, "there is no pickle of protocol 2 to 5 at byte %zu.", offset);
    gvk_result result = gvk_pickle_create(source, &m.pickle);
    if (result)
        goto done;
    m.marks = gvk_allocate_array(source->host, GVK_PICKLE_MARK_LIMIT, sizeof *m.marks);
    m.stack = gvk_allocate_array(source->host, FIRST_STACK, sizeof(*m.stack));
    m.capacity = FIRST_STACK;
    if (!m.marks || !m.stack) {
        result = gvk_fail_memory(source->host);
        goto done;
    }
    for (uint32_t steps = 0; !result && !m.is_done; steps++) {
        if (m.at == m.count || steps == GVK_PICKLE_STEP_LIMIT) {
            result = gvk_refuse(source, "its pickle, which begins at byte %zu, %s.", offset,
                                m.at == m.count ? "is cut short" : "is too long");
            break;
        }
        m.start = m.at;
        m.op = m.bytes[m.at++];
        result = run_opcode(&m);
    }
    if (!result) {
        *out = m.pickle;
        *used = m.at;
        m.pickle = NULL;
    }

done:
    gvk_pickle_destroy(m.pickle);
    gvk_release(source->host, m.stack);
    gvk_release(source->host, m.marks);
    gvk_release(source->host, m.memo);
    return result;
}
