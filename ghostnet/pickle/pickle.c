/* Runs a pickle's opcodes over plain data; see pickle.h for what it promises, machine.h for what the
 * opcodes work on. Each opcode is checked before it acts: what it takes from the stack, what it reads from the
 * stream, what it may change. */
#include "pickle.h"

#include <string.h>

#include "machine.h"
#include "opcodes.h"
#include "torch.h"

static gvk_result push_integer(struct gvk_machine *m, gvk_pickle_kind kind, int64_t integer)
{
    gvk_pickle_value *value;
    gvk_result result = gvk_machine_push_new(m, kind, &value);
    if (!result)
        value->as.integer = integer;
    return result;
}

static gvk_result push_text(struct gvk_machine *m, gvk_pickle_kind kind, gvk_pickle_text text)
{
    gvk_pickle_value *value;
    gvk_result result = gvk_machine_push_new(m, kind, &value);
    if (!result)
        value->as.text = text;
    return result;
}

static gvk_result push_opaque(struct gvk_machine *m, gvk_pickle_value *maker, gvk_pickle_value *arguments)
{
    gvk_pickle_value *value;
    gvk_result result = gvk_machine_push_new(m, GVK_PICKLE_OPAQUE, &value);
    if (!result) {
        value->as.opaque.maker = maker;
        value->as.opaque.arguments = arguments;
    }
    return result;
}

/* ---- memo ---- */

/* The decimal number of the old GET and PUT. */
static bool next_decimal(struct gvk_machine *m, uint64_t *out)
{
    gvk_pickle_text line;
    if (!gvk_machine_next_line(m, &line) || line.length == 0 || line.length > 9)
        return false;
    *out = 0;
    for (size_t i = 0; i < line.length; i++) {
        if (line.text[i] < '0' || line.text[i] > '9')
            return false;
        *out = *out * 10 + (uint64_t)(line.text[i] - '0');
    }
    return true;
}

static gvk_result run_memo(struct gvk_machine *m)
{
    uint64_t index = m->memo_count;
    bool good = true;
    switch (m->op) {
    case OP_BINGET:
    case OP_BINPUT: good = gvk_machine_next_number(m, 1, &index); break;
    case OP_LONG_BINGET:
    case OP_LONG_BINPUT: good = gvk_machine_next_number(m, 4, &index); break;
    case OP_GET:
    case OP_PUT: good = next_decimal(m, &index); break;
    default: break; /* MEMOIZE counts by itself */
    }
    if (!good)
        return gvk_machine_refuse(m, "has no proper memo number");
    bool is_get = m->op == OP_GET || m->op == OP_BINGET || m->op == OP_LONG_BINGET;
    return is_get ? gvk_machine_recall(m, index) : gvk_machine_store(m, index);
}

/* ---- constants ---- */

/* A two's complement of any length, as LONG1 and LONG4 have it. */
static gvk_result push_long(struct gvk_machine *m, int width)
{
    uint64_t count;
    const unsigned char *bytes;
    if (!gvk_machine_next_number(m, width, &count) || !(bytes = gvk_machine_next_bytes(m, count)))
        return gvk_machine_refuse_end(m);
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
static gvk_result push_fixed(struct gvk_machine *m, int width)
{
    uint64_t number;
    if (!gvk_machine_next_number(m, width, &number))
        return gvk_machine_refuse_end(m);
    int64_t integer = (int64_t)number;
    if (width == 4 && number > INT32_MAX)
        integer -= INT64_C(1) << 32;
    return push_integer(m, GVK_PICKLE_INTEGER, integer);
}

static gvk_result push_double(struct gvk_machine *m)
{
    const unsigned char *bytes = gvk_machine_next_bytes(m, 8);
    if (!bytes)
        return gvk_machine_refuse_end(m);
    uint64_t bits = 0; /* big-endian, unlike everything else */
    for (int i = 0; i < 8; i++)
        bits = bits << 8 | bytes[i];
    gvk_pickle_value *value;
    gvk_result result = gvk_machine_push_new(m, GVK_PICKLE_FLOAT, &value);
    if (!result)
        memcpy(&value->as.real, &bits, sizeof bits);
    return result;
}

static gvk_result push_counted(struct gvk_machine *m, gvk_pickle_kind kind, int width)
{
    uint64_t count;
    const unsigned char *bytes;
    if (!gvk_machine_next_number(m, width, &count) || !(bytes = gvk_machine_next_bytes(m, count)))
        return gvk_machine_refuse_end(m);
    return push_text(m, kind, (gvk_pickle_text){.text = (const char *)bytes, .length = (size_t)count});
}

/* ---- names and calls ---- */

static gvk_result push_global(struct gvk_machine *m, gvk_pickle_text module, gvk_pickle_text name)
{
    gvk_pickle_value *value;
    gvk_result result = gvk_machine_push_new(m, GVK_PICKLE_GLOBAL, &value);
    if (!result) {
        value->as.global.module = module;
        value->as.global.name = name;
    }
    return result;
}

static gvk_result run_global(struct gvk_machine *m)
{
    gvk_pickle_text module, name;
    if (!gvk_machine_next_line(m, &module) || !gvk_machine_next_line(m, &name))
        return gvk_machine_refuse(m, "has a name that does not end");
    return push_global(m, module, name);
}

static gvk_result run_stack_global(struct gvk_machine *m)
{
    if (!gvk_machine_has_items(m, 2))
        return gvk_machine_refuse_stack(m);
    const gvk_pickle_value *module = m->stack[m->height - 2], *name = m->stack[m->height - 1];
    if (module->kind != GVK_PICKLE_STRING || name->kind != GVK_PICKLE_STRING)
        return gvk_machine_refuse(m, "has a name that is no string");
    m->height -= 2;
    return push_global(m, module->as.text, name->as.text);
}

/* EXT codes are names of a registry that no file carries. */
static gvk_result run_extension(struct gvk_machine *m, int width)
{
    static const gvk_pickle_text module = {"copyreg", 7}, name = {"extension", 9};
    uint64_t code;
    if (!gvk_machine_next_number(m, width, &code))
        return gvk_machine_refuse_end(m);
    return push_global(m, module, name);
}

static gvk_result run_reduce(struct gvk_machine *m)
{
    if (!gvk_machine_has_items(m, 2))
        return gvk_machine_refuse_stack(m);
    gvk_pickle_value *made = NULL;
    const char *problem = NULL;
    gvk_result result = gvk_pickle_reduce(m->pickle, m->stack[m->height - 2], m->stack[m->height - 1], &made, &problem);
    if (result)
        return problem ? gvk_machine_refuse(m, problem) : result;
    m->height -= 2;
    return gvk_machine_push(m, made);
}

static gvk_result run_persistent(struct gvk_machine *m)
{
    if (!gvk_machine_has_items(m, 1))
        return gvk_machine_refuse_stack(m);
    gvk_pickle_value *loaded = NULL;
    const char *problem = NULL;
    gvk_result result = gvk_pickle_load_persistent(m->pickle, m->stack[m->height - 1], &loaded, &problem);
    if (result)
        return problem ? gvk_machine_refuse(m, problem) : result;
    m->height--;
    return gvk_machine_push(m, loaded);
}

/* NEWOBJ and NEWOBJ_EX make an object of a class from 1 or 2 arguments on the stack; all of them are opaque here. */
static gvk_result run_new_object(struct gvk_machine *m, size_t arguments)
{
    if (!gvk_machine_has_items(m, arguments + 1))
        return gvk_machine_refuse_stack(m);
    gvk_pickle_value *class = m->stack[m->height - arguments - 1];
    gvk_pickle_value *positional = m->stack[m->height - arguments];
    if (class->kind != GVK_PICKLE_GLOBAL && class->kind != GVK_PICKLE_OPAQUE)
        return gvk_machine_refuse(m, "makes an object of something that is no class");
    if (positional->kind != GVK_PICKLE_TUPLE)
        return gvk_machine_refuse(m, "calls with something else than a tuple");
    m->height -= arguments + 1;
    return push_opaque(m, class, positional);
}

/* INST names its class in the stream, OBJ has it on the stack; both take their arguments from a mark on. */
static gvk_result run_instance(struct gvk_machine *m)
{
    gvk_result result = GVK_OK;
    if (m->op == OP_INST) {
        gvk_pickle_text module, name;
        if (!gvk_machine_next_line(m, &module) || !gvk_machine_next_line(m, &name))
            return gvk_machine_refuse(m, "has a name that does not end");
        result = gvk_machine_gather_marked(m, GVK_PICKLE_TUPLE);
        if (!result)
            result = push_global(m, module, name);
        if (result)
            return result;
        gvk_pickle_value *class = m->stack[m->height - 1], *arguments = m->stack[m->height - 2];
        m->height -= 2;
        return push_opaque(m, class, arguments);
    }
    size_t begin = 0;
    result = gvk_machine_take_mark(m, &begin);
    if (result)
        return result;
    if (m->height == begin)
        return gvk_machine_refuse_stack(m);
    gvk_pickle_value *class = m->stack[begin];
    if (class->kind != GVK_PICKLE_GLOBAL && class->kind != GVK_PICKLE_OPAQUE)
        return gvk_machine_refuse(m, "makes an object of something that is no class");
    result = gvk_machine_gather(m, GVK_PICKLE_TUPLE, begin + 1);
    if (result)
        return result;
    gvk_pickle_value *arguments = m->stack[m->height - 1];
    m->height = begin;
    return push_opaque(m, class, arguments);
}

/* ---- changes of containers ---- */

/* Appends stack[begin] and what is above to the value below it, and drops them. An opaque value takes anything: what
 * it would do with it is unknown, and nothing that lies in it becomes a weight. */
static gvk_result extend(struct gvk_machine *m, gvk_pickle_kind kind, size_t begin)
{
    if (begin <= gvk_machine_floor_of(m))
        return gvk_machine_refuse_stack(m);
    gvk_pickle_value *target = m->stack[begin - 1];
    size_t count = m->height - begin;
    if (target->kind != kind && target->kind != GVK_PICKLE_OPAQUE)
        return gvk_machine_refuse(m, kind == GVK_PICKLE_DICT   ? "sets items of something that is no dict"
                                     : kind == GVK_PICKLE_LIST ? "appends to something that is no list"
                                                               : "adds items to something that is no set");
    if (kind == GVK_PICKLE_DICT && count % 2)
        return gvk_machine_refuse(m, "has a key without a value");
    gvk_result result = GVK_OK;
    if (target->kind == kind)
        result = gvk_pickle_append(m->pickle, target, m->stack + begin, count);
    m->height = begin;
    return result;
}

static gvk_result extend_marked(struct gvk_machine *m, gvk_pickle_kind kind)
{
    size_t begin = 0;
    gvk_result result = gvk_machine_take_mark(m, &begin);
    return result ? result : extend(m, kind, begin);
}

static gvk_result extend_top(struct gvk_machine *m, gvk_pickle_kind kind, size_t count)
{
    return gvk_machine_has_items(m, count + 1) ? extend(m, kind, m->height - count) : gvk_machine_refuse_stack(m);
}

static gvk_result run_build(struct gvk_machine *m)
{
    if (!gvk_machine_has_items(m, 2))
        return gvk_machine_refuse_stack(m);
    gvk_pickle_value *target = m->stack[m->height - 2], *state = m->stack[m->height - 1];
    bool is_attributed = target->kind == GVK_PICKLE_DICT && target->is_ordered; /* state dicts have `_metadata` */
    if (target->kind != GVK_PICKLE_OPAQUE && !is_attributed)
        return gvk_machine_refuse(m, "gives a state to something that has none");
    if (target->kind == GVK_PICKLE_OPAQUE)
        target->as.opaque.state = state;
    m->height--;
    return GVK_OK;
}

/* ---- the rest ---- */

static gvk_result run_mark(struct gvk_machine *m)
{
    if (m->mark_count >= GVK_PICKLE_MARK_LIMIT)
        return gvk_machine_refuse(m, "nests too deeply");
    m->marks[m->mark_count++] = m->height;
    return GVK_OK;
}

static gvk_result run_pop(struct gvk_machine *m)
{
    if (m->op == OP_POP_MARK) {
        size_t begin = 0;
        gvk_result result = gvk_machine_take_mark(m, &begin);
        if (!result)
            m->height = begin;
        return result;
    }
    /* With nothing above the mark, it is the mark that goes. */
    if (m->mark_count && m->height == gvk_machine_floor_of(m))
        m->mark_count--;
    else if (gvk_machine_has_items(m, 1))
        m->height--;
    else
        return gvk_machine_refuse_stack(m);
    return GVK_OK;
}

static gvk_result run_tuple(struct gvk_machine *m, size_t count)
{
    return gvk_machine_has_items(m, count) ? gvk_machine_gather(m, GVK_PICKLE_TUPLE, m->height - count)
                                           : gvk_machine_refuse_stack(m);
}

static gvk_result run_protocol(struct gvk_machine *m)
{
    uint64_t version;
    if (!gvk_machine_next_number(m, 1, &version))
        return gvk_machine_refuse_end(m);
    return version >= 2 && version <= 5 ? GVK_OK : gvk_machine_refuse(m, "names a protocol that is not one of 2 to 5");
}

/* A frame only says how much to read ahead. */
static gvk_result run_frame(struct gvk_machine *m)
{
    uint64_t length;
    if (!gvk_machine_next_number(m, 8, &length) || length > m->count - m->at)
        return gvk_machine_refuse_end(m);
    return GVK_OK;
}

static gvk_result run_stop(struct gvk_machine *m)
{
    if (m->mark_count || m->height != 1)
        return gvk_machine_refuse(m, "does not leave exactly one value");
    gvk_pickle_set_root(m->pickle, m->stack[0]);
    m->is_done = true;
    return GVK_OK;
}

static gvk_result run_opcode(struct gvk_machine *m)
{
    gvk_pickle_value *fresh;
    switch (m->op) {
    case OP_PROTO: return run_protocol(m);
    case OP_FRAME: return run_frame(m);
    case OP_STOP: return run_stop(m);
    case OP_MARK: return run_mark(m);
    case OP_POP:
    case OP_POP_MARK: return run_pop(m);
    case OP_DUP:
        return gvk_machine_has_items(m, 1) ? gvk_machine_push(m, m->stack[m->height - 1]) : gvk_machine_refuse_stack(m);

    case OP_NONE: return gvk_machine_push_new(m, GVK_PICKLE_NONE, &fresh);
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

    case OP_EMPTY_TUPLE: return gvk_machine_push_new(m, GVK_PICKLE_TUPLE, &fresh);
    case OP_EMPTY_LIST: return gvk_machine_push_new(m, GVK_PICKLE_LIST, &fresh);
    case OP_EMPTY_DICT: return gvk_machine_push_new(m, GVK_PICKLE_DICT, &fresh);
    case OP_EMPTY_SET: return gvk_machine_push_new(m, GVK_PICKLE_SET, &fresh);
    case OP_TUPLE: return gvk_machine_gather_marked(m, GVK_PICKLE_TUPLE);
    case OP_LIST: return gvk_machine_gather_marked(m, GVK_PICKLE_LIST);
    case OP_DICT: return gvk_machine_gather_marked(m, GVK_PICKLE_DICT);
    case OP_FROZENSET: return gvk_machine_gather_marked(m, GVK_PICKLE_SET);
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
    case OP_PERSID: return gvk_machine_refuse(m, "belongs to the text protocol, which torch.save does not write");
    case OP_NEXT_BUFFER:
    case OP_READONLY_BUFFER: return gvk_machine_refuse(m, "refers to data outside of the pickle");
    default: return gvk_machine_refuse(m, "does not exist");
    }
}

gvk_result gvk_pickle_read(const gvk_source *source, gvk_pickle_budget *budget, gvk_content *content,
                           const unsigned char *bytes, size_t count, size_t offset, gvk_pickle **out, size_t *used)
{
    struct gvk_machine m = {.source = *source, .content = content, .bytes = bytes, .count = count, .offset = offset};
    if (!gvk_machine_reach(&m, count < 2 ? count : 2))
        return m.failure;
    if (count < 2 || bytes[0] != OP_PROTO)
        return gvk_refuse(source, "there is no pickle of protocol 2 to 5 at byte %zu.", offset);
    gvk_result result = gvk_pickle_create(source, budget, &m.pickle);
    if (result)
        goto done;
    result = gvk_machine_start(&m);
    if (result)
        goto done;
    while (!result && !m.is_done) {
        if (m.at == m.count || budget->steps == 0) {
            result = gvk_refuse(source, "its pickle, which begins at byte %zu, %s.", offset,
                                m.at == m.count ? "is cut short" : "is too long");
            break;
        }
        budget->steps--;
        m.start = m.at;
        if (!gvk_machine_reach(&m, m.at + 1)) {
            result = m.failure;
            break;
        }
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
    gvk_machine_release(&m);
    return result;
}
