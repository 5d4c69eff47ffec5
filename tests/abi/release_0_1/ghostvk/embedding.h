/* A stream inside a game's or an AR application's own frames: work of the host's before and behind it, on the same
 * queue or another, without the host's thread ever waiting.
 *
 * There are four ways to run a frame, all of one stream's own choosing from frame to frame:
 *   - gvk_stream_submit, then gvk_stream_wait: blocking.
 *   - gvk_stream_submit_with: semaphores in and out; gvk_stream_wait with a timeout of 0 polls.
 *   - the same on a stream made with `paced`: the frame goes to the queue part by part, so many for each frame of the
 *     host's (gvk_stream_advance), and everything else on the queue gets in between.
 *   - gvk_stream_record: into a command buffer of the host's, which submits it by its own rules.
 * The rules of gvk.h hold here too. A stream belongs to one thread at a time. */
#ifndef GVK_EMBEDDING_H
#define GVK_EMBEDDING_H

#include <ghostvk/gvk.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- handles ------------------------------------------------------------------------------------------------------
 */

/* The Vulkan objects of a device, opened or imported; they stay whose they are, and live as long as the gvk_device. A
 * host that uses the queue of an opened device does so while no other thread is inside a call. */
typedef struct gvk_device_handles {
    size_t size;
    PFN_vkGetInstanceProcAddr get_instance_proc;
    VkInstance instance;
    VkPhysicalDevice physical_device;
    VkDevice device;
    VkQueue queue; /* VK_NULL_HANDLE where the host's `submit` stands in its place */
    uint32_t queue_family;
    /* 0.1 ends here. */
    uint32_t reserved;
} gvk_device_handles;

GVK_API void gvk_device_get_handles(const gvk_device *device, gvk_device_handles *out);

/* ---- semaphores ---------------------------------------------------------------------------------------------------
 */

typedef struct gvk_semaphore {
    VkSemaphore semaphore;
    uint64_t value;              /* of a timeline semaphore; 0: a binary one */
    VkPipelineStageFlags stages; /* of a wait: which stages wait; 0: all that the frame runs. Of a signal: not read */
} gvk_semaphore;

#define GVK_MAX_SEMAPHORES 16 /* of each kind, of a frame */

typedef struct gvk_submit_params {
    size_t size;
    const gvk_picture *pictures; /* as many as the batch */
    size_t picture_size;         /* sizeof pictures[0] */
    uint32_t picture_count;
    uint32_t wait_count, release_count, signal_count;
    const gvk_semaphore *waits;    /* what the frame waits for on the device: that the pictures are drawn */
    const gvk_semaphore *releases; /* signalled once the pictures have been read, long before the frame is done: from
                                    * then on the host may write into their images and buffers again */
    const gvk_semaphore *signals;  /* signalled once the frame is done, its results in place */
    int no_wait; /* 1: GVK_NOT_READY, and nothing is touched, where the call would wait for the oldest frame */
    /* 0.1 ends here. */
    uint32_t reserved;
} gvk_submit_params;

/* gvk_stream_submit with semaphores. Views, images and buffers of the pictures must live until the frame is done, or
 * until the semaphores of `releases` are signalled. Nothing else of the params is used after the call.
 * What the host has put on the same queue before needs no semaphore: the frame begins with a barrier for it.
 * On an error no semaphore is waited for or signalled, but where the device was lost, or refused a later part of a
 * frame in several submissions: then the waits are done, and what was acquired may not have been released. */
GVK_API gvk_result gvk_stream_submit_with(gvk_stream *stream, const gvk_submit_params *params, gvk_ticket *out);

/* ---- pacing -------------------------------------------------------------------------------------------------------
 */

/* Of a stream made with `paced` and max_submit_us: puts up to `parts` further submissions of its frames on the queue,
 * in order, and says in *left how many are still to come (NULL: not asked). Costs what a vkQueueSubmit costs, each, and
 * never waits. gvk_stream_wait with a timeout of 0 puts nothing on the queue; any other wait puts
 * all up to the frame that is waited for, and a submit that needs an older frame's place all up to that one. Where the
 * queue refuses a part, its frame ends there, and the call that sent it says so, whichever frame it was about. */
GVK_API gvk_result gvk_stream_advance(gvk_stream *stream, uint32_t parts, uint32_t *left);

/* Makes what pictures of these sizes, kinds, formats and orientations need, now and not in the first submit: buffers,
 * tables, pipelines, recorded commands, for every frame in flight; memory is touched, so that its pages are there.
 * Pixels, views and buffers are not looked at, but ycbcr_sampler. Called once for each kind and size to come, in any
 * order: what was made stays, and later submits of any of them make nothing on the device. Waits for frames in flight,
 * whose results, if they were not read yet, are gone. GVK_NOT_READY while a frame in a command buffer of the host's is
 * not retired. */
GVK_API gvk_result gvk_stream_prepare(gvk_stream *stream, const gvk_picture *likeness, size_t picture_size,
                                      uint32_t count);

/* ---- the host's command buffers -----------------------------------------------------------------------------------
 */

/* Records a frame into a primary command buffer of the host's that is being recorded, outside of a render pass, for a
 * queue of the device's family. Host pixels are copied now. Bound pipelines, descriptor sets and push
 * constants of the compute bind point are changed.
 *
 * In front the frame has a barrier of its own for what was recorded or submitted before: of all commands, memory writes
 * to shader reads of compute. Behind it results are written in stage COMPUTE_SHADER with access SHADER_WRITE, and in
 * stage TRANSFER with access TRANSFER_WRITE, made available and visible to the host; a host that reads them on the
 * device puts a barrier from these to its own stages. The command buffer is submitted once. Frames of a stream, however
 * they are run, must execute in the order of their tickets and one after another, which one queue does by itself.
 *
 * The frame's ticket is not done until gvk_stream_retire says so: until then its place is taken, and a submit or a
 * record that needs it returns GVK_NOT_READY. Not with max_submit_us 0 needed: the whole frame is recorded. */
GVK_API gvk_result gvk_stream_record(gvk_stream *stream, VkCommandBuffer commands, const gvk_picture *pictures,
                                     size_t picture_size, uint32_t count, gvk_ticket *out);
/* The command buffer with the frame has been executed, as a fence of the host's tells, or will never be submitted. In
 * the first case its results can be read; in the second there are none, and they are not to be asked for. The stream is
 * not destroyed before. */
GVK_API gvk_result gvk_stream_retire(gvk_stream *stream, gvk_ticket ticket);

/* ---- results that stay on the device ------------------------------------------------------------------------------
 */

/* An output or a kept tensor in memory that the device writes and the host reads: N x quads x H x W of four channels
 * each, fp32, or fp16 with GVK_PRECISION_FP16. What stands for channels beyond the last is not said. Valid once the
 * frame is done, or behind a semaphore of gvk_submit_params.signals, until `frames` further submits; on the same queue
 * it needs the barrier of gvk_stream_record. The buffer's usage is STORAGE and TRANSFER_SRC, its family the device's.
 */
typedef struct gvk_device_tensor {
    size_t size;
    VkBuffer buffer;
    VkDeviceSize offset, bytes;
    uint32_t batch, channels, height, width;
    gvk_type type;
    /* 0.1 ends here. */
    uint32_t reserved;
} gvk_device_tensor;

/* May be asked as soon as there is a ticket. A detector's outputs have to be kept by name. */
GVK_API gvk_result gvk_stream_device_tensor(gvk_stream *stream, gvk_ticket ticket, const char *tensor,
                                            gvk_device_tensor *out);

/* ---- memory, before anything is created ----------------------------------------------------------------------------
 */

typedef struct gvk_memory {
    size_t size;
    uint64_t weight_bytes; /* of the model, as long as it lives */
    uint64_t stream_bytes; /* of one stream: activations, and of each frame in flight pictures and results */
    uint64_t peak_bytes;   /* the most at any time: weights and stream, or more for a moment while the model is made:
                            * kernels that were not met on this device are proven in buffers of their own, and weights
                            * that the host cannot write in place pass a few MiB at a time through another */
    /* 0.1 ends here. */
} gvk_memory;

/* Device memory that a model of the graph and one stream of it will take on this device, in the bytes that count
 * against memory_ceiling, where they come beside what is there already. A ceiling that leaves peak_bytes is enough, one
 * byte less is not (GVK_ERROR_BUDGET). What the driver keeps for pipelines and command buffers is not known to anybody.
 * Should a kernel fail its proof, the one in its place may lay its weights out otherwise. `likeness` (as many as the
 * batch; NULL: pictures of pixels of the input's own size) says what pictures will come; their pixels are not looked
 * at. Costs what planning costs, some milliseconds; a buffer object of each size is made to ask the driver, with no
 * memory behind it. Any thread. */
GVK_API gvk_result gvk_model_memory(gvk_device *device, const gvk_graph *graph, const gvk_model_params *model,
                                    const gvk_stream_params *stream, const gvk_picture *likeness, size_t picture_size,
                                    gvk_memory *out);

#ifdef __cplusplus
}
#endif
#endif
