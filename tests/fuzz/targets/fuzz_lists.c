/* Fuzzes the readers of class names and anchors. The input is a whole file, which both read. What they say is checked
 * instead of printed: their refuse_usage is the one here. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/base/message.h"
#include "cli/files/text_lists.h"
#include "ghostnet/files/text.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/written_input.h"

int fuzz_refuse_usage(const char *format, ...) GHOSTVK_FORMAT(1, 2);

static unsigned refusals;

int fuzz_refuse_usage(const char *format, ...)
{
    char sentence[1024];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    FUZZ_CHECK(length > 0 && (size_t)length < sizeof sentence);
    fuzz_check_sentence(sentence);
    refusals++;
    return OUTCOME_USAGE;
}

static void check_name(const char *name)
{
    const unsigned char *bytes = (const unsigned char *)name;
    size_t length = strlen(name);
    FUZZ_CHECK(length > 0);
    for (size_t at = 0; at < length;) {
        size_t step = gvk_utf8_sequence(bytes + at, length - at);
        FUZZ_CHECK(step > 0 && bytes[at] >= 0x20 && bytes[at] != 0x7F);
        FUZZ_CHECK(bytes[at] != 0xC2 || bytes[at + 1] >= 0xA0);
        at += step;
    }
}

static void read_as_names(const char *path, size_t size)
{
    struct name_list names = {0};
    refusals = 0;
    int outcome = read_class_names(path, &names);
    FUZZ_CHECK((outcome == OUTCOME_DONE) == (names.names != NULL) && refusals == (outcome == OUTCOME_USAGE));
    size_t bytes = 0;
    for (uint32_t i = 0; i < names.count; i++) {
        check_name(names.names[i]);
        bytes += strlen(names.names[i]) + 1;
    }
    FUZZ_CHECK(outcome != OUTCOME_DONE || (names.count > 0 && bytes <= size + 1));
    name_list_release(&names);
}

static void read_as_anchors(const char *path)
{
    float anchors[2 * GVK_ANCHORS] = {0};
    refusals = 0;
    int outcome = read_anchors(path, anchors);
    FUZZ_CHECK(refusals == (outcome == OUTCOME_USAGE));
    for (int i = 0; i < 2 * GVK_ANCHORS && outcome == OUTCOME_DONE; i++)
        FUZZ_CHECK(anchors[i] >= 0 && anchors[i] <= 1e6f); /* the smallest doubles round to 0 */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = fuzz_write_input(data, size);
    read_as_names(path, size);
    read_as_anchors(path);
    return 0;
}
