/* The inside of gvk_stream, for the files that make, record, submit, read and describe one. */
#ifndef GVK_STREAM_INSIDE_H
#define GVK_STREAM_INSIDE_H

#include "intake.h"
#include "recorder.h"
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
    VkCommandBuffer intake_commands;
    VkCommandBuffer *main_commands; /* one a part */
    VkFence fence;
    VkQueryPool queries, profile; /* of stages; of commands and then of the resize, or none */
    gvk_ticket ticket;
    bool in_flight;
    bool is_unfenced; /* parts of it were submitted, and no fence behind them */
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
    uint32_t *part_ends; /* of each submission the command behind its last; the first also has the intake */
    uint32_t part_count;
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
    bool stuck; /* a patient wait for a frame ended without it, and another would */
    struct gvk_remains remains;
};

/* Of the resize's timestamps in a frame's `profile`. */
static inline uint32_t gvk_first_resize_query(const gvk_stream *stream)
{
    return 2 * stream->program->command_count;
}

/* ---- command buffers ---- */

/* A command buffer for the intake of each frame and for each of its submissions; those that there were are freed. */
gvk_result gvk_stream_create_commands(gvk_stream *stream);
gvk_result gvk_stream_create_queries(gvk_device *device, uint32_t count, uint32_t frame, VkQueryPool *out);
gvk_result gvk_stream_record_intake(gvk_stream *stream, struct gvk_frame *frame, const struct gvk_input_target *target);
/* Records the frame's main commands, submission by submission. */
gvk_result gvk_stream_record_main(gvk_stream *stream, uint32_t frame);

/* ---- frames on their way ---- */

/* Submits the intake and all main commands; the frame's fence is signalled behind the last. */
gvk_result gvk_frame_submit(gvk_stream *stream, struct gvk_frame *frame);
/* Has the frame's fence signalled behind all that was submitted before. False: the driver refused. */
bool gvk_frame_fence(gvk_stream *stream, struct gvk_frame *frame);
/* GVK_OK when the frame is done or was never submitted, GVK_NOT_READY or GVK_TIMEOUT before. A patient wait
 * (GVK_PATIENTLY) ends with GVK_ERROR_DEVICE_LOST instead, which the log says of `what`, and so does the stream. */
gvk_result gvk_frame_wait(gvk_stream *stream, struct gvk_frame *frame, uint64_t timeout_ns, const char *what);
/* The frame, when its results can be read. */
gvk_result gvk_stream_find_done(gvk_stream *stream, gvk_ticket ticket, struct gvk_frame **out);
double gvk_milliseconds_between(const gvk_device *device, uint64_t first, uint64_t last);

/* ---- frames in several submissions ---- */

/* Times the commands and sets the submissions such that each takes at most that long, or is a single command. The
 * frames are to be given command buffers and recorded anew. */
gvk_result gvk_stream_split(gvk_stream *stream, uint32_t max_us);

#endif
