/* Just enough of protobuf's wire format to write an ONNX file.
 * A message is a growing block of bytes; one inside another is written first and then added as a field. */
#ifndef GVK_TESTS_BENCH_PROTOBUF_H
#define GVK_TESTS_BENCH_PROTOBUF_H

#include <stddef.h>
#include <stdint.h>

struct message {
    unsigned char *bytes;
    size_t count, capacity;
    int failed; /* memory ran out; sticks */
};

void message_add_number(struct message *message, uint32_t field, uint64_t value);
void message_add_float(struct message *message, uint32_t field, float value);
void message_add_bytes(struct message *message, uint32_t field, const void *bytes, size_t count);
void message_add_text(struct message *message, uint32_t field, const char *text);
/* Adds `inner` as a field and releases it. */
void message_add_message(struct message *message, uint32_t field, struct message *inner);
void message_release(struct message *message);

#endif
