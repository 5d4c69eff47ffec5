/* The inside of gvk_stream: stream.c makes, submits and reads with it, profile.c tells times and counts. */
#ifndef GVK_STREAM_INSIDE_H
#define GVK_STREAM_INSIDE_H

#include "picture.h"
#include "record.h"
#include "stream.h"

#define GVK_MAX_FRAMES 8

enum gvk_timestamp { GVK_TIME_START, GVK_TIME_RESIZED, GVK_TIME_NETWORK, GVK_TIME_TAIL, GVK_TIME_COUNT };

/* A tensor that is copied to the result, to be read by name. */
struct gvk_readable {
    gvk_tensor tensor;
    uint64_t offset; /* in the result */
};

struct gvk_frame {
    struct gvk_intake intake;
    struct gvk_buffer parameters, result;
    VkCommandBuffer intake_commands, main_commands;
    VkFence fence;
    VkQueryPool queries, profile; /* of stages; of commands and then of the resize, or none */
    gvk_ticket ticket;
    bool in_flight;
};

struct gvk_stream {
    gvk_device *device;
    gvk_model *model;
    struct gvk_tail tail; /* emit NULL: none */
    struct gvk_program *program;
    struct gvk_buffer arena;
    struct gvk_recorder recorder;
    gvk_recorded_counts network_counts, main_counts; /* of what `main` records, the network left out */
    VkCommandPool pool;
    struct gvk_frame frames[GVK_MAX_FRAMES];
    uint32_t frame_count;
    gvk_ticket newest;
    struct gvk_readable *readables;
    uint32_t readable_count;
    uint64_t readable_offset, result_bytes; /* where the readables begin; in all */
    float *values;                          /* of the last tensor read */
    uint64_t value_capacity;
    bool profiled;
    bool lost;  /* the device is, or is taken for it: no further submits */
    bool stuck; /* a wait for a frame ran out of time, and another would */
};

/* Of the resize's timestamps in a frame's `profile`. */
static inline uint32_t gvk_first_resize_query(const gvk_stream *stream)
{
    return 2 * stream->program->command_count;
}

/* The frame, when its results can be read. */
gvk_result gvk_stream_find_done(gvk_stream *stream, gvk_ticket ticket, struct gvk_frame **out);

#endif
