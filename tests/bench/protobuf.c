#include "protobuf.h"

#include <stdlib.h>
#include <string.h>

enum wire { WIRE_NUMBER = 0, WIRE_BYTES = 2, WIRE_FOUR_BYTES = 5 };

static void append(struct message *message, const void *bytes, size_t count)
{
    if (message->count + count > message->capacity) {
        size_t capacity = (message->count + count) * 2;
        unsigned char *grown = realloc(message->bytes, capacity);
        if (!grown) {
            message->failed = 1;
            return;
        }
        message->bytes = grown;
        message->capacity = capacity;
    }
    if (count)
        memcpy(message->bytes + message->count, bytes, count);
    message->count += count;
}

/* Seven bits a byte, the lowest first. */
static void append_number(struct message *message, uint64_t value)
{
    unsigned char bytes[10];
    size_t count = 0;
    do {
        bytes[count] = (unsigned char)(value & 127);
        value >>= 7;
        bytes[count] |= value ? 128 : 0;
        count++;
    } while (value);
    append(message, bytes, count);
}

void message_add_number(struct message *message, uint32_t field, uint64_t value)
{
    append_number(message, (uint64_t)field << 3 | WIRE_NUMBER);
    append_number(message, value);
}

void message_add_float(struct message *message, uint32_t field, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const unsigned char bytes[4] = {(unsigned char)bits, (unsigned char)(bits >> 8), (unsigned char)(bits >> 16),
                                    (unsigned char)(bits >> 24)};
    append_number(message, (uint64_t)field << 3 | WIRE_FOUR_BYTES);
    append(message, bytes, sizeof bytes);
}

void message_add_bytes(struct message *message, uint32_t field, const void *bytes, size_t count)
{
    append_number(message, (uint64_t)field << 3 | WIRE_BYTES);
    append_number(message, count);
    append(message, bytes, count);
}

void message_add_text(struct message *message, uint32_t field, const char *text)
{
    message_add_bytes(message, field, text, strlen(text));
}

void message_add_message(struct message *message, uint32_t field, struct message *inner)
{
    message_add_bytes(message, field, inner->bytes, inner->count);
    message->failed |= inner->failed;
    message_release(inner);
}

void message_release(struct message *message)
{
    free(message->bytes);
    *message = (struct message){0};
}
