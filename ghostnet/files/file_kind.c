/* Tells from a file's first bytes what it is, and says so when it is nothing that is read here. */
#include "file_kind.h"

#include <string.h>

/* How much of a file is looked at to call it text. */
#define TEXT_SAMPLE 512u

static bool begins_with(const unsigned char *head, size_t count, const char *text, size_t length)
{
    return count >= length && memcmp(head, text, length) == 0;
}

/* ASCII letters only; `text` is in lower case. */
static bool begins_with_any_case(const unsigned char *head, size_t count, const char *text)
{
    size_t length = strlen(text);
    if (count < length)
        return false;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = head[i];
        if (byte >= 'A' && byte <= 'Z')
            byte = (unsigned char)(byte + ('a' - 'A'));
        if (byte != (unsigned char)text[i])
            return false;
    }
    return true;
}

static bool is_text(const unsigned char *head, size_t count)
{
    size_t sample = count < TEXT_SAMPLE ? count : TEXT_SAMPLE;
    for (size_t at = 0; at < sample;) {
        unsigned char byte = head[at];
        if (byte == 0x7f || (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r' && byte != '\f'))
            return false;
        size_t step = gvk_utf8_sequence(head + at, count - at);
        if (step == 0)
            /* The sample may end inside a character. */
            return byte >= 0xc2 && sample - at < 4;
        at += step;
    }
    return true;
}

static gvk_result refuse_text(const gvk_source *source, const unsigned char *head, size_t count)
{
    if (begins_with(head, count, "version https://git-lfs", 23))
        return gvk_refuse(source, "this is a Git LFS pointer, not the file itself; run \"git lfs pull\" to fetch it.");
    size_t at = 0;
    if (begins_with(head, count, "\xef\xbb\xbf", 3))
        at = 3;
    while (at < count && (head[at] == ' ' || head[at] == '\t' || head[at] == '\r' || head[at] == '\n'))
        at++;
    if (begins_with_any_case(head + at, count - at, "<!doctype html") ||
        begins_with_any_case(head + at, count - at, "<html"))
        return gvk_refuse(source, "this seems to be a web page that was saved under a checkpoint's name.");
    return gvk_refuse(source, "this seems to be a text file, not a checkpoint.");
}

gvk_result gvk_recognise(const gvk_source *source, const unsigned char *head, size_t count, gvk_file_kind *out)
{
    if (count == 0)
        return gvk_refuse(source, "the file is empty.");
    if (begins_with(head, count, "PK\3\4", 4)) {
        *out = GVK_FILE_TORCH_ZIP;
        return GVK_OK;
    }
    if (begins_with(head, count, "PK\5\6", 4))
        return gvk_refuse(source, "this is an empty zip archive.");
    if (count >= 2 && head[0] == 0x80 && head[1] >= 2 && head[1] <= 5) {
        *out = GVK_FILE_TORCH_LEGACY;
        return GVK_OK;
    }
    if (count >= 262 && memcmp(head + 257, "ustar", 5) == 0)
        return gvk_refuse(source, "this is a tar archive; if torch before 0.1.10 wrote it, load it in a torch of that "
                                  "time to 1.13 and save model.state_dict() again.");
    if (is_text(head, count))
        return refuse_text(source, head, count);
    if (count >= 9 && head[8] == '{') {
        *out = GVK_FILE_SAFETENSORS;
        return GVK_OK;
    }
    if (begins_with(head, count, "\x1f\x8b", 2))
        return gvk_refuse(source, "this is a gzip file; unpack it first.");
    if (begins_with(head, count, "\x89HDF", 4))
        return gvk_refuse(source, "this is an HDF5 file; only safetensors and torch checkpoints are read.");
    if (begins_with(head, count, "GGUF", 4))
        return gvk_refuse(source, "this is a GGUF file; only safetensors and torch checkpoints are read.");
    return gvk_refuse(source, "this is neither a safetensors file nor a torch checkpoint.");
}
