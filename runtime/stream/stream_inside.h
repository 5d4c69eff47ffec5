/* The inside of gvk_stream, for the files that make, record, submit, read and describe one. */
#ifndef GVK_STREAM_INSIDE_H
#define GVK_STREAM_INSIDE_H

#include <ghostvk/embedding.h>

#include "epilogue.h"
#include "runtime/intake/intake.h"
#include "runtime/model/model.h"
#include "runtime/plan/recorder.h"

#define GVK_MAX_FRAMES 8

enum gvk_timestamp { GVK_TIME_START, GVK_TIME_RESIZED, GVK_TIME_NETWORK, GVK_TIME_EPILOGUE, GVK_TIME_COUNT };

/* A tensor that is copied to the result, so that the host can read it by name. */
struct gvk_readable {
    gvk_tensor tensor;
    uint64_t offset; /* in the result */
};

/* How a program's commands are cut into submissions. */
struct gvk_submissions {
    uint32_t *ends; /* of each the command behind its last */
    uint32_t count;
    double first_us, last_us; /* that the first and the last one are expected to take */
};

/* Of the host's, for one frame. */
struct gvk_frame_semaphores {
    gvk_semaphore waits[GVK_MAX_SEMAPHORES], releases[GVK_MAX_SEMAPHORES], signals[GVK_MAX_SEMAPHORES];
    uint32_t wait_count, release_count, signal_count;
};

struct gvk_frame {
    struct gvk_intake intake;
    struct gvk_buffer parameters, result;
    struct gvk_submissions intake_submissions;
    bool intake_joins; /* the last of them can be one submission with the first of the main ones */
    VkCommandBuffer *intake_commands, *main_commands; /* one for each submission */
    uint32_t intake_command_count;                    /* that there are; the program may take fewer */
    struct gvk_frame_semaphores semaphores;
    uint32_t fronts, parts; /* of the frame: submissions of the intake alone, and in all */
    uint32_t sent;          /* of them, those that are on the queue */
    VkFence fence;
    VkQueryPool queries, main_profile, intake_profile; /* of stages; of single commands, or none */
    uint32_t intake_profile_size;                      /* commands that it has room for */
    gvk_ticket ticket;
    bool in_flight;
    bool is_unfenced; /* submissions of it run, and no fence is behind them */
    bool is_recorded; /* into a command buffer of the host's, which has not said yet that it has been executed */
};

struct gvk_stream {
    gvk_device *device;
    gvk_model *model;
    struct gvk_epilogue epilogue; /* emit NULL: none */
    struct gvk_program *program;
    struct gvk_buffer arena;
    struct gvk_recorder recorder;
    gvk_recorded_counts network_counts, main_counts; /* of what `main` records, the network left out */
    VkCommandPool pool;
    struct gvk_submissions submissions; /* of the main commands */
    uint32_t max_us;                    /* that a submission may take; 0: any time */
    double turn_us[2];                  /* gvk_input_target */
    double clock_correction;            /* gvk_timestamp_correction; 0 also before the commands were timed */
    uint32_t epilogue_end; /* the program's command behind the epilogue's last: from there on results are copied */
    struct gvk_samplers samplers;
    gvk_picture *pictures; /* of the last submit, as many as the batch */
    struct gvk_frame frames[GVK_MAX_FRAMES];
    uint32_t frame_count;
    gvk_ticket newest;
    struct gvk_readable *readables;
    uint32_t readable_count;
    uint64_t readable_offset, result_bytes; /* where the readables begin; in all */
    float *values;                          /* of the last tensor read */
    uint64_t value_capacity;
    bool profiled;
    bool paced; /* a frame's submissions but the first wait for gvk_stream_advance */
    bool lost;  /* the device is, or is taken for it: no further submits */
    bool stuck; /* a wait without a limit has given up on a frame; another would, too */
    struct gvk_remains remains;
};

/* ---- memory ---- */

/* Bytes that a planned stream will take on the device when it is made, all frames together, without their pictures. */
gvk_result gvk_stream_measure_created(const gvk_stream *stream, uint64_t *out);

/* ---- command buffers ---- */

/* A command buffer for the intake of each frame and for each of its submissions; those that there were are freed. */
gvk_result gvk_stream_create_commands(gvk_stream *stream);
gvk_result gvk_stream_create_queries(gvk_device *device, uint32_t count, uint32_t frame, VkQueryPool *out);
struct gvk_input_target gvk_stream_input(gvk_stream *stream);
/* Makes the program of the pictures that the intake holds, and records it once their buffers and views are known;
 * `timed`: with timestamps of each command. */
gvk_result gvk_stream_record_intake(gvk_stream *stream, struct gvk_frame *frame, bool timed);
/* Cuts commands that take so long such that each submission takes max_us at most, or is a single command; 0: one
 * submission. */
gvk_result gvk_submissions_cut(const gvk_host *host, const double *microseconds, uint32_t commands, uint32_t max_us,
                               struct gvk_submissions *out);
/* Records the frame's main commands, submission by submission. */
gvk_result gvk_stream_record_main(gvk_stream *stream, uint32_t frame);
/* Records the whole frame, its intake made before, into one command buffer that is being recorded. */
gvk_result gvk_stream_record_into(gvk_stream *stream, struct gvk_frame *frame, VkCommandBuffer commands);

/* ---- pictures ---- */

/* Copies them into stream->pictures as they are given. */
gvk_result gvk_stream_take_pictures(gvk_stream *stream, const gvk_picture *pictures, size_t picture_size,
                                    uint32_t count);

/* ---- frames on their way ---- */

/* The place of the next frame. */
struct gvk_frame *gvk_stream_next_frame(gvk_stream *stream);
/* Checks the pictures, waits for the place (`patient`, else GVK_NOT_READY), then copies what the host gives and records
 * what must be recorded anew. On an error the place holds no frame any more, unless it was still taken. */
gvk_result gvk_frame_fill(gvk_stream *stream, struct gvk_frame *frame, const gvk_picture *pictures, size_t picture_size,
                          uint32_t count, bool patient);
/* Uploads the pictures that its intake was planned for last (NULL: only makes what they need), and records what must be
 * recorded anew. The device has done with the frame. */
gvk_result gvk_frame_take_plan(gvk_stream *stream, struct gvk_frame *frame, const gvk_picture *pictures);
/* GVK_ERROR_DEVICE_LOST, told in the log, where the stream takes no more frames. */
gvk_result gvk_stream_check_lost(const gvk_stream *stream);
/* The oldest frame of which submissions are not on the queue yet, or NULL. */
struct gvk_frame *gvk_stream_find_unsent(gvk_stream *stream);
/* Puts the frame's next submission on the queue; its fence is signalled behind the last. */
gvk_result gvk_frame_send_part(gvk_stream *stream, struct gvk_frame *frame);
/* Puts all of this frame and of those before it on the queue. */
gvk_result gvk_frame_send(gvk_stream *stream, struct gvk_frame *frame);
/* Has the frame's fence signalled behind all that was submitted before. False: the driver refused. */
bool gvk_frame_fence(gvk_stream *stream, struct gvk_frame *frame);
/* GVK_OK when the frame is done or was never submitted, GVK_NOT_READY or GVK_TIMEOUT before. A patient wait
 * (GVK_PATIENTLY) ends with GVK_ERROR_DEVICE_LOST instead, which the log says of `what`, and so does the stream. */
gvk_result gvk_frame_wait(gvk_stream *stream, struct gvk_frame *frame, uint64_t timeout_ns, const char *what);
/* The frame of the ticket, done or not. */
gvk_result gvk_stream_find(gvk_stream *stream, gvk_ticket ticket, struct gvk_frame **out);
gvk_result gvk_stream_wait_ticket(gvk_stream *stream, gvk_ticket ticket, uint64_t timeout_ns, const char *what);
/* The frame, when its results can be read. */
gvk_result gvk_stream_find_done(gvk_stream *stream, gvk_ticket ticket, struct gvk_frame **out);
/* Reads `count` timestamps of the pool, from number `first` on, of a frame that is done. */
gvk_result gvk_read_timestamps(const gvk_device *device, VkQueryPool pool, uint32_t first, uint32_t count,
                               uint64_t *out);
double gvk_milliseconds_between(const gvk_device *device, uint64_t first, uint64_t last);

/* ---- frames in several submissions ---- */

/* Times the commands, of the resize too, and cuts the main ones such that each submission takes stream->max_us at most,
 * or is a single command. The frames are to be given command buffers and recorded anew. */
gvk_result gvk_stream_split(gvk_stream *stream);
/* What the device's times are to be taken times, where its clock and the host's disagree by far: Mesa's lavapipe tells
 * a tenth once graphics ran on its queue. 1: they are believed. 0: there are none. `host_ms` is from the submission to
 * the end of the wait, and may have other programs' work in it. */
double gvk_timestamp_correction(double device_ms, double host_ms);
/* The picture that gvk_stream_split resizes, in an intake of its own; false where it resizes none. Its pixels are not
 * set. */
bool gvk_stream_split_sample(const gvk_stream *stream, gvk_picture *out);

#endif
