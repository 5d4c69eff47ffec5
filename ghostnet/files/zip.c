/* Reads the directory of a zip archive and trusts none of it: every offset is checked against the file, the local
 * headers against the central ones, and the entries against each other. See zip.h. */
#include "zip.h"

#include <string.h>

#include "bytes.h"
#include "ranges.h"

#define LOCAL_SIGNATURE     0x04034b50u
#define CENTRAL_SIGNATURE   0x02014b50u
#define END_SIGNATURE       0x06054b50u
#define END64_SIGNATURE     0x06064b50u
#define LOCATOR64_SIGNATURE 0x07064b50u

#define LOCAL_BYTES     30u
#define CENTRAL_BYTES   46u
#define END_BYTES       22u
#define END64_BYTES     56u
#define LOCATOR64_BYTES 20u
#define COMMENT_LIMIT   65535u

#define FLAG_ENCRYPTED        0x0001u
#define FLAG_DESCRIPTOR       0x0008u /* sizes and checksum follow the data, zeros stand in the local header */
#define FLAG_PATCHED          0x0020u
#define FLAG_STRONGLY_HIDDEN  0x0040u
#define FLAG_MASKED_DIRECTORY 0x2000u
#define FLAGS_REFUSED         (FLAG_ENCRYPTED | FLAG_PATCHED | FLAG_STRONGLY_HIDDEN | FLAG_MASKED_DIRECTORY)

#define DIRECTORY_LIMIT (UINT64_C(32) << 20) /* bytes; 16384 entries need two or three million */

#define SATURATED 0xffffffffu /* the value is in the ZIP64 extra field */

typedef struct directory {
    uint64_t count, begin, size;
    uint64_t limit; /* where the end records begin, which is where the directory must end */
} directory;

/* One central header, before its entry is believed. */
typedef struct central_header {
    uint32_t flags, method, checksum;
    uint64_t packed, size, offset;
    const char *name;
    size_t name_length;
    gvk_quoted quoted;
} central_header;

static gvk_result refuse(const gvk_zip *zip, const char *what)
{
    return gvk_refuse(&zip->source, "its zip archive is damaged: %s.", what);
}

static gvk_result refuse_entry(const gvk_zip *zip, const char *name, const char *what)
{
    return gvk_refuse(&zip->source, "its zip entry %s %s.", name, what);
}

/* Looks from the end of the file backwards; the record's comment must end where the file ends. */
static gvk_result find_end(const gvk_zip *zip, size_t *out)
{
    size_t count = zip->byte_count, tail = END_BYTES + COMMENT_LIMIT + LOCATOR64_BYTES + END64_BYTES;
    gvk_result result = gvk_content_need(zip->content, count < tail ? 0 : count - tail, count < tail ? count : tail);
    if (result)
        return result;
    for (size_t comment = 0; comment <= COMMENT_LIMIT && comment + END_BYTES <= count; comment++) {
        size_t at = count - END_BYTES - comment;
        if (gvk_load_u32(zip->bytes + at) == END_SIGNATURE && gvk_load_u16(zip->bytes + at + 20) == comment) {
            *out = at;
            return GVK_OK;
        }
    }
    return refuse(zip, "its directory is missing, so the file is cut short or has bytes after its end");
}

/* The end record for large archives (zip64), which torch writes in small ones, too. `at` is where the plain end record
 * is. */
static gvk_result read_end64(const gvk_zip *zip, size_t at, directory *out)
{
    if (at < LOCATOR64_BYTES + END64_BYTES)
        return refuse(zip, "its ZIP64 end record does not fit");
    const unsigned char *locator = zip->bytes + at - LOCATOR64_BYTES;
    uint64_t begin = gvk_load_u64(locator + 8);
    uint64_t limit = at - LOCATOR64_BYTES;
    if (gvk_load_u32(locator + 4) != 0 || gvk_load_u32(locator + 16) > 1)
        return refuse(zip, "it is split over several disks");
    if (begin > limit || limit - begin < END64_BYTES)
        return refuse(zip, "its ZIP64 end record is out of place");
    gvk_result result = gvk_content_need(zip->content, begin, END64_BYTES);
    if (result)
        return result;
    const unsigned char *end = zip->bytes + (size_t)begin;
    if (gvk_load_u32(end) != END64_SIGNATURE || gvk_load_u64(end + 4) != limit - begin - 12)
        return refuse(zip, "its ZIP64 end record is not where it should be");
    if (gvk_load_u32(end + 16) != 0 || gvk_load_u32(end + 20) != 0 || gvk_load_u64(end + 24) != gvk_load_u64(end + 32))
        return refuse(zip, "it is split over several disks");
    out->count = gvk_load_u64(end + 32);
    out->size = gvk_load_u64(end + 40);
    out->begin = gvk_load_u64(end + 48);
    out->limit = begin;
    return GVK_OK;
}

static gvk_result read_end(const gvk_zip *zip, directory *out)
{
    size_t at = 0;
    gvk_result result = find_end(zip, &at);
    if (result)
        return result;
    const unsigned char *end = zip->bytes + at;
    uint32_t count = gvk_load_u16(end + 10), size = gvk_load_u32(end + 12), begin = gvk_load_u32(end + 16);
    if (gvk_load_u16(end + 4) != 0 || gvk_load_u16(end + 6) != 0 || gvk_load_u16(end + 8) != count)
        return refuse(zip, "it is split over several disks");
    *out = (directory){.count = count, .begin = begin, .size = size, .limit = at};
    bool has_64 = at >= LOCATOR64_BYTES && gvk_load_u32(end - LOCATOR64_BYTES) == LOCATOR64_SIGNATURE;
    if (has_64) {
        result = read_end64(zip, at, out);
        if (result)
            return result;
        if ((count != 0xffff && count != out->count) || (size != SATURATED && size != out->size) ||
            (begin != SATURATED && begin != out->begin))
            return refuse(zip, "its two end records differ");
    }
    if (out->begin > out->limit || out->size != out->limit - out->begin)
        return refuse(zip, "its directory does not end where the end record begins");
    if (out->count > GVK_NAME_COUNT_LIMIT)
        return gvk_refuse(&zip->source, "its zip archive has more than %u entries.", GVK_NAME_COUNT_LIMIT);
    if (out->size > DIRECTORY_LIMIT)
        return refuse(zip, "its directory is larger than 32 MiB");
    return gvk_content_need(zip->content, out->begin, out->size);
}

/* Takes the 64-bit values of the extra field 0x0001 for those of `values` that are saturated, in order. */
static bool read_extra64(const unsigned char *extra, size_t count, uint64_t *const *values, size_t value_count)
{
    size_t wanted = 0;
    for (size_t i = 0; i < value_count; i++)
        wanted += *values[i] == SATURATED;
    if (wanted == 0)
        return true;
    for (size_t at = 0; count - at >= 4;) {
        size_t length = gvk_load_u16(extra + at + 2);
        if (length > count - at - 4)
            return false;
        if (gvk_load_u16(extra + at) == 1) {
            const unsigned char *field = extra + at + 4;
            if (length < wanted * 8)
                return false;
            for (size_t i = 0; i < value_count; i++) {
                if (*values[i] == SATURATED) {
                    *values[i] = gvk_load_u64(field);
                    field += 8;
                }
            }
            return true;
        }
        at += 4 + length;
    }
    return false;
}

/* Reads the central header at *at and moves behind it. */
static gvk_result read_central(const gvk_zip *zip, const directory *where, size_t *at, central_header *out)
{
    size_t left = (size_t)where->limit - *at;
    const unsigned char *header = zip->bytes + *at;
    if (left < CENTRAL_BYTES || gvk_load_u32(header) != CENTRAL_SIGNATURE)
        return refuse(zip, "its directory holds fewer entries than it says");
    size_t name = gvk_load_u16(header + 28), extra = gvk_load_u16(header + 30), comment = gvk_load_u16(header + 32);
    if (name + extra + comment > left - CENTRAL_BYTES)
        return refuse(zip, "an entry of its directory is cut short");
    *out = (central_header){.flags = gvk_load_u16(header + 8),
                            .method = gvk_load_u16(header + 10),
                            .checksum = gvk_load_u32(header + 16),
                            .packed = gvk_load_u32(header + 20),
                            .size = gvk_load_u32(header + 24),
                            .offset = gvk_load_u32(header + 42),
                            .name = (const char *)header + CENTRAL_BYTES,
                            .name_length = name};
    gvk_quote(&out->quoted, out->name, name);
    uint64_t *const values[] = {&out->size, &out->packed, &out->offset};
    if (!read_extra64(header + CENTRAL_BYTES + name, extra, values, 3))
        return refuse_entry(zip, out->quoted.text, "lacks the ZIP64 field that its size calls for");
    if (gvk_load_u16(header + 34) != 0)
        return refuse_entry(zip, out->quoted.text, "lies on another disk");
    *at += CENTRAL_BYTES + name + extra + comment;
    return GVK_OK;
}

static gvk_result check_central(const gvk_zip *zip, const central_header *central)
{
    const char *name = central->quoted.text;
    if (central->name_length == 0 || memchr(central->name, 0, central->name_length))
        return refuse(zip, "an entry has no proper name");
    if (central->name_length > GVK_NAME_LIMIT) /* each tensor looks up its record by all of it */
        return refuse(zip, "an entry's name is longer than 1024 bytes");
    if (central->flags & FLAGS_REFUSED)
        return refuse_entry(zip, name, "is encrypted or patched (flag bits 0x1, 0x20, 0x40 or 0x2000)");
    if (central->method == 0 && central->packed != central->size)
        return refuse_entry(zip, name, "is stored but has two different sizes");
    return GVK_OK;
}

/* A local header may leave a value to the data descriptor; otherwise it must say what the central one says. */
static bool agrees(uint64_t local, uint64_t central, bool has_descriptor)
{
    return local == central || (has_descriptor && local == 0);
}

/* Follows a central header to its local one and to the data. */
static gvk_result locate(const gvk_zip *zip, const directory *where, const central_header *central, gvk_zip_entry *out,
                         gvk_range *range)
{
    const char *name = central->quoted.text;
    uint64_t limit = where->begin; /* entries lie in front of the directory */
    if (central->offset > limit || limit - central->offset < LOCAL_BYTES)
        return refuse_entry(zip, name, "lies outside of the file");
    *out = (gvk_zip_entry){
        .name = central->name, .name_length = central->name_length, .record = UINT32_MAX, .method = central->method};
    *range = (gvk_range){.begin = central->offset, .end = central->offset + LOCAL_BYTES};
    if (central->method != 0)
        return GVK_OK;
    gvk_result result = gvk_content_need(zip->content, central->offset, LOCAL_BYTES);
    if (result)
        return result;
    const unsigned char *header = zip->bytes + (size_t)central->offset;
    uint64_t room = limit - central->offset - LOCAL_BYTES;
    if (gvk_load_u32(header) != LOCAL_SIGNATURE)
        return refuse_entry(zip, name, "does not begin with a local header");
    size_t name_length = gvk_load_u16(header + 26), extra = gvk_load_u16(header + 28);
    if (name_length + extra > room)
        return refuse_entry(zip, name, "has a local header that is cut short");
    result = gvk_content_need(zip->content, central->offset + LOCAL_BYTES, name_length + extra);
    if (result)
        return result;
    if (name_length != central->name_length || memcmp(header + LOCAL_BYTES, central->name, name_length) != 0)
        return refuse_entry(zip, name, "has another name in its local header");

    uint32_t flags = gvk_load_u16(header + 6);
    uint64_t packed = gvk_load_u32(header + 18), size = gvk_load_u32(header + 22);
    bool has_descriptor = (flags & FLAG_DESCRIPTOR) != 0;
    uint64_t *const values[] = {&size, &packed};
    if (flags & FLAGS_REFUSED)
        return refuse_entry(zip, name, "is encrypted or patched (flag bits 0x1, 0x20, 0x40 or 0x2000)");
    if (has_descriptor != ((central->flags & FLAG_DESCRIPTOR) != 0) || gvk_load_u16(header + 8) != central->method)
        return refuse_entry(zip, name, "has a local header unlike the central one");
    if (!read_extra64(header + LOCAL_BYTES + name_length, extra, values, 2))
        return refuse_entry(zip, name, "lacks the ZIP64 field that its size calls for");
    if (!agrees(packed, central->packed, has_descriptor) || !agrees(size, central->size, has_descriptor) ||
        !agrees(gvk_load_u32(header + 14), central->checksum, has_descriptor))
        return refuse_entry(zip, name, "has a local header unlike the central one");
    if (central->size > room - name_length - extra)
        return refuse_entry(zip, name, "reaches past the entries' part of the file");

    uint64_t begin = central->offset + LOCAL_BYTES + name_length + extra;
    *out = (gvk_zip_entry){.name = central->name,
                           .name_length = name_length,
                           .data = zip->bytes + (size_t)begin,
                           .size = (size_t)central->size,
                           .checksum = central->checksum,
                           .record = UINT32_MAX};
    range->begin = central->offset;
    range->end = begin + central->size;
    return GVK_OK;
}

static gvk_result read_entries(gvk_zip *zip, const directory *where, gvk_range *ranges)
{
    size_t at = (size_t)where->begin;
    for (uint32_t i = 0; i < zip->count; i++) {
        central_header central;
        gvk_result result = read_central(zip, where, &at, &central);
        if (!result)
            result = check_central(zip, &central);
        if (!result)
            result = locate(zip, where, &central, &zip->entries[i], &ranges[i]);
        if (result)
            return result;
        ranges[i].owner = i;
        if (!gvk_name_index_add(&zip->index, zip->entries[i].name, zip->entries[i].name_length, i))
            return refuse_entry(zip, central.quoted.text, "occurs twice");
    }
    if (at != where->limit)
        return refuse(zip, "its directory holds more than it says");
    return GVK_OK;
}

static gvk_result check_overlap(const gvk_zip *zip, gvk_range *ranges)
{
    gvk_sort_ranges(ranges, zip->count);
    /* Something in front of the first entry would make the file something else to other programs. */
    if (zip->count == 0 || ranges[0].begin != 0)
        return refuse(zip, "its first entry is not at its beginning");
    for (uint32_t i = 1; i < zip->count; i++) {
        const gvk_zip_entry *entry = &zip->entries[ranges[i].owner];
        gvk_quoted quoted;
        if (ranges[i].begin < ranges[i - 1].end)
            return refuse_entry(zip, gvk_quote(&quoted, entry->name, entry->name_length), "overlaps another one");
    }
    return GVK_OK;
}

gvk_result gvk_zip_open(const gvk_source *source, gvk_content *content, const unsigned char *bytes, size_t count,
                        gvk_zip *out)
{
    *out = (gvk_zip){.source = *source, .content = content, .bytes = bytes, .byte_count = count};
    directory where = {.count = 0};
    gvk_range *ranges = NULL;
    gvk_result result = read_end(out, &where);
    if (result)
        return result;
    out->count = (uint32_t)where.count;
    out->entries = gvk_allocate_array(source->host, out->count, sizeof *out->entries);
    ranges = gvk_allocate_array(source->host, out->count, sizeof *ranges);
    if (!out->entries || !ranges)
        result = gvk_fail_memory(source->host);
    if (!result)
        result = gvk_name_index_create(source->host, out->count, &out->index);
    if (!result)
        result = read_entries(out, &where, ranges);
    if (!result)
        result = check_overlap(out, ranges);
    gvk_release(source->host, ranges);
    return result;
}

void gvk_zip_close(gvk_zip *zip)
{
    if (!zip->source.host)
        return;
    gvk_release(zip->source.host, zip->entries);
    gvk_name_index_release(zip->source.host, &zip->index);
    zip->entries = NULL;
    zip->count = 0;
}

bool gvk_zip_find(const gvk_zip *zip, const char *name, size_t length, uint32_t *entry)
{
    return gvk_name_index_find(&zip->index, name, length, entry);
}

gvk_result gvk_zip_refuse_compressed(const gvk_zip *zip, uint32_t index)
{
    const gvk_zip_entry *entry = &zip->entries[index];
    gvk_quoted quoted;
    return gvk_refuse(&zip->source,
                      "its zip entry %s is compressed (method %u); torch.save stores entries uncompressed, so save "
                      "it again with torch.",
                      gvk_quote(&quoted, entry->name, entry->name_length), entry->method);
}
