/* The public face of the runtime: devices, graphs, models, streams.
 *
 * The way of a frame: open (or import) a device, build a graph of nodes over named weights, create a model (the graph's
 * weights on that device) and a stream (one input size and batch); then submit pictures, wait for the ticket, read.
 * The runtime knows no network. picture.h says what pictures can be. On top of it embedding.h puts a stream into the
 * frames of a game (semaphores, pacing, the host's own command buffers), checkpoint.h reads files of weights,
 * detector.h finds boxes behind any graph that ends in YOLO's maps, and ghostnet.h has GhostNet, GhostNet-YOLOv4 and
 * its siblings ready. tracker.h follows boxes from frame to frame.
 *
 * Rules that hold for every call
 *   - Every call that can fail returns gvk_result. GVK_OK is 0, errors are negative. The reason goes to the host's log
 *     as one plain sentence. `*out` is written on success only.
 *   - Structs grow from release to release, at their end alone; a comment in each says where release 0.1 ends. A host
 *     and the library may be of different releases, so a struct begins with `size`, which the caller sets to its own
 *     sizeof: gvk_stream_params params = {.size = sizeof params, .width = 416, .height = 416}. It does so for what it
 *     passes in and for what it wants filled; 0 stands for the size in 0.1. Members that are not set are 0, which means
 *     the default, and so are those that an older host's struct does not have. A newer host's struct is taken as long
 *     as what this library does not know of it is 0, and refused otherwise (GVK_ERROR_ARGUMENT). A call fills no more
 *     of a struct than its `size` says, and leaves `size` as it is. `reserved` is 0: it keeps a struct from ending in
 *     padding.
 *   - An array of structs comes with the size of one element, sizeof array[0], which is the distance from one to the
 *     next; 0 stands for the size in 0.1. That holds for arrays of the caller's and of the library's alike, so array[i]
 *     is right for every host. Elements that the library alone fills have no `size` of their own.
 *   - gvk_array, gvk_semaphore and gvk_recorded_counts never grow.
 *   - A destroy call accepts NULL. Destroy streams before their model, models before their device, a device last.
 *   - Tensors outside the device are N, C, H, W, row-major. Sizes are in pixels, times in the unit that the name says.
 *   - Thread safety: devices, graphs (once finished) and models may be shared by threads; a stream belongs to one
 *     thread at a time. Callbacks of gvk_host may come from any thread that is inside a call. Pipelines are made on
 *     threads of the library's own, which end before the call does and call nothing of the host's.
 *   - The library keeps no global state, prints nothing, reads no environment variable and installs no handler.
 */
#ifndef GVK_H
#define GVK_H

#include <stddef.h>
#include <stdint.h>

#include <vulkan/vulkan_core.h>

#include <ghostvk/picture.h>

#ifdef __cplusplus
extern "C" {
#endif

/* GVK_SHARED: the library is a shared one. The CMake target and pkg-config define it. */
#if defined(GVK_SHARED) && defined(_WIN32) && defined(GVK_BUILDING)
#define GVK_API __declspec(dllexport)
#elif defined(GVK_SHARED) && defined(_WIN32)
#define GVK_API __declspec(dllimport)
#elif defined(GVK_SHARED) && defined(__GNUC__)
#define GVK_API __attribute__((visibility("default")))
#else
#define GVK_API
#endif

#define GVK_VERSION_MAJOR 0
#define GVK_VERSION_MINOR 1
#define GVK_VERSION_PATCH 0

typedef enum gvk_result {
    GVK_OK = 0,
    GVK_NOT_READY = 1, /* the frame is still on the device; poll again */
    GVK_TIMEOUT = 2,   /* the time given to a wait passed */
    GVK_ERROR_ARGUMENT = -1,
    GVK_ERROR_HOST_MEMORY = -2,
    GVK_ERROR_DEVICE_MEMORY = -3,
    GVK_ERROR_BUDGET = -4, /* over memory_ceiling */
    GVK_ERROR_DEVICE_LOST = -5,
    GVK_ERROR_NO_DEVICE = -6,
    GVK_ERROR_UNSUPPORTED = -7, /* the device's limits do not allow this size or operation */
    GVK_ERROR_FILE = -8,        /* a file cannot be opened, read or written */
    GVK_ERROR_FORMAT = -9,      /* a file's content is damaged or of an unknown kind */
    GVK_ERROR_MISMATCH = -10,   /* a checkpoint does not fit the network */
    GVK_ERROR_DRIVER = -11,     /* the driver's error that fits none of the above, or its result cannot be */
    GVK_ERROR_NUMBER = -12      /* a result holds infinities or not-a-numbers */
} gvk_result;

/* The constant's name, such as "GVK_ERROR_FILE". Static; never NULL. */
GVK_API const char *gvk_result_name(gvk_result result);

/* ---- what the host lends ------------------------------------------------------------------------------------------
 */

typedef enum gvk_log_level { GVK_LOG_ERROR, GVK_LOG_WARNING, GVK_LOG_INFO, GVK_LOG_DEBUG } gvk_log_level;

/* Log and memory. NULL callbacks mean silence and malloc. The struct is copied; `user` must outlive every object that
 * was created with it. `allocate` returns NULL when it cannot; `release` accepts NULL. A sentence has no newline and
 * lives only during the call. */
typedef struct gvk_host {
    size_t size;
    void *user;
    void (*log)(void *user, gvk_log_level level, const char *sentence);
    void *(*allocate)(void *user, size_t bytes, size_t alignment);
    void (*release)(void *user, void *block);
    /* A place for caches, by key (letters, digits, '-'); NULL: none. load with bytes NULL gives *count, then fills at
     * most *count bytes; GVK_ERROR_FILE when there is nothing. What comes back may be damaged or another's: it is
     * checked. store may fail in silence. */
    gvk_result (*cache_load)(void *user, const char *key, void *bytes, size_t *count);
    void (*cache_store)(void *user, const char *key, const void *bytes, size_t count);
    /* 0.1 ends here. */
} gvk_host;

/* ---- devices ------------------------------------------------------------------------------------------------------
 */

typedef struct gvk_device gvk_device; /* opened or imported; owns pipelines, which all its models share */

typedef struct gvk_device_info {
    size_t size;
    uint32_t index; /* what GVK_DEVICE_INDEX takes */
    char name[VK_MAX_PHYSICAL_DEVICE_NAME_SIZE];
    char driver[VK_MAX_DRIVER_NAME_SIZE + VK_MAX_DRIVER_INFO_SIZE]; /* name and version as the driver words them */
    VkPhysicalDeviceType type;
    uint32_t api_version; /* VK_MAKE_API_VERSION */
    uint32_t vendor_id, device_id;
    uint32_t subgroup_size;
    uint64_t memory_bytes; /* the largest device-local heap */
    int usable;            /* 0: the device misses something of the floor; `reason` says what */
    char reason[128];
    /* 0.1 ends here. */
} gvk_device_info;

/* Lists physical devices, each `info_size` bytes behind the one before, GPUs before CPU devices, and of these lavapipe
 * first. On entry *count is the capacity of `infos`; on return it is the number of devices there are (which may be
 * larger; the first capacity ones are filled). GVK_ERROR_NO_DEVICE when there is no Vulkan loader or no driver; the log
 * says what to install. */
GVK_API gvk_result gvk_device_list(const gvk_host *host, gvk_device_info *infos, size_t info_size, uint32_t *count);

typedef enum gvk_device_choice {
    GVK_DEVICE_BEST,  /* a GPU; a CPU device only when it is alone, with a notice in the log */
    GVK_DEVICE_INDEX, /* as listed */
    GVK_DEVICE_NAME,  /* the one named `name`, or else the only one whose name contains it, case ignored; of several
                       * none: GVK_ERROR_ARGUMENT, and the log names them */
    GVK_DEVICE_CPU    /* the first CPU device that can be used */
} gvk_device_choice;

typedef enum gvk_priority {
    GVK_PRIORITY_NORMAL,
    GVK_PRIORITY_LOW, /* behind a compositor or a game; the system-wide priority, too, where the driver has one
                       * (VK_KHR_global_priority) and permits it */
    GVK_PRIORITY_HIGH /* in front of this process's other queues; never above other processes */
} gvk_priority;

/* Which queue family works, where a device has several. Results are the same on each. */
typedef enum gvk_queue_kind {
    GVK_QUEUE_BEST,    /* one for compute alone, beside the frames of a game or desktop, where there is one */
    GVK_QUEUE_COMPUTE, /* only one for compute alone; none: GVK_ERROR_NO_DEVICE */
    GVK_QUEUE_GRAPHICS /* only one that does graphics, too; none: GVK_ERROR_NO_DEVICE */
} gvk_queue_kind;

typedef struct gvk_device_params {
    size_t size;
    const gvk_host *host; /* NULL: silence and malloc */
    gvk_device_choice choice;
    uint32_t index;
    const char *name;
    uint64_t memory_ceiling; /* bytes of device memory that all objects together may take; 0: none */
    gvk_priority priority;   /* of the queue among those of all programs, as far as the driver cares */
    gvk_queue_kind queue;
    /* 0.1 ends here. */
} gvk_device_params;

/* Opens a device with an instance of its own. */
GVK_API gvk_result gvk_device_open(const gvk_device_params *params, gvk_device **out);

/* What the runtime likes a device to be created with, for a host that creates it: pass `features` as pNext of
 * VkDeviceCreateInfo (it is a chain of structs inside `out`, so keep `out` where it is) and enable the extensions.
 * Everything listed is supported by the physical device. A host that has a VkPhysicalDeviceVulkan12Features or
 * VkPhysicalDeviceVulkan13Features in its chain sets the wished features there and leaves the structs out that Vulkan
 * does not allow beside it. Nothing of it is needed: a Vulkan 1.1 device with a compute queue and no feature at all
 * works, though perhaps several times slower; gvk_device_import warns in the log of what is missing. */
typedef struct gvk_wants {
    size_t size;
    VkPhysicalDeviceFeatures2 features;
    VkPhysicalDeviceSubgroupSizeControlFeatures subgroup_size;
    VkPhysicalDeviceDescriptorIndexingFeatures descriptor_indexing;
    VkPhysicalDeviceShaderFloat16Int8Features half;
    VkPhysicalDeviceSamplerYcbcrConversionFeatures ycbcr;   /* for pictures with a ycbcr_sampler alone */
    VkPhysicalDeviceVulkanMemoryModelFeatures memory_model; /* for the next */
    /* VkPhysicalDeviceCooperativeMatrixFeaturesKHR, which has these members, too, and which older headers lack. */
    VkPhysicalDeviceCooperativeMatrixFeaturesNV cooperative_matrix;
    const char *device_extensions[8];
    uint32_t device_extension_count;
    /* 0.1 ends here. */
} gvk_wants;

GVK_API gvk_result gvk_device_wants(PFN_vkGetInstanceProcAddr get_instance_proc, VkInstance instance,
                                    VkPhysicalDevice physical_device, gvk_wants *out);

/* A device of the host's. Vulkan cannot be asked what a device was created with, so the host says it here. The handles
 * stay the host's and must outlive the gvk_device. The queue is used between lock_queue and unlock_queue only (NULL:
 * the queue is ours alone). It must belong to `queue_family`, which must have compute. */
typedef struct gvk_import_params {
    size_t size;
    const gvk_host *host;
    PFN_vkGetInstanceProcAddr get_instance_proc;
    VkInstance instance;
    uint32_t api_version; /* the instance's, at least VK_API_VERSION_1_1 */
    VkPhysicalDevice physical_device;
    VkDevice device;
    const VkPhysicalDeviceFeatures2 *enabled_features; /* with its pNext chain; NULL: none */
    const char *const *instance_extensions;
    const char *const *device_extensions;
    uint32_t instance_extension_count, device_extension_count;
    uint32_t queue_family;
    VkQueue queue;
    void (*lock_queue)(void *user);
    void (*unlock_queue)(void *user);
    void *queue_user;
    VkPipelineCache pipeline_cache; /* VK_NULL_HANDLE: the runtime's own */
    uint64_t memory_ceiling;
    /* Called in place of vkQueueSubmit, from any thread that is inside a call, and not between lock_queue and
     * unlock_queue; `queue` may then be VK_NULL_HANDLE. The host may add semaphores, keep a copy for later or use
     * another thread, as long as submissions reach one queue of the family in the order of the calls. `submits` and
     * all that it points to live only during the call. An empty one (count 0) has a fence to be signalled. What it
     * returns is taken as vkQueueSubmit's result. A call that waits for the device (creating models, reading) waits for
     * such a fence: a host that submits on the thread that called must not keep it. Vulkan wants a fence to be used by
     * one thread at a time, so a host that submits on another one calls gvk_stream_wait when that has happened, not
     * while it happens. NULL: vkQueueSubmit. */
    VkResult (*submit)(void *user, uint32_t count, const VkSubmitInfo *submits, VkFence fence);
    void *submit_user;
    /* 0.1 ends here. */
} gvk_import_params;

GVK_API gvk_result gvk_device_import(const gvk_import_params *params, gvk_device **out);
GVK_API void gvk_device_describe(const gvk_device *device, gvk_device_info *out);
GVK_API void gvk_device_destroy(gvk_device *device);

/* ---- arrays: weights in, tensors out ------------------------------------------------------------------------------
 */

typedef enum gvk_type { GVK_TYPE_OTHER, GVK_TYPE_F32, GVK_TYPE_F16, GVK_TYPE_BF16 } gvk_type;

#define GVK_MAX_RANK 8

/* A contiguous row-major array in host memory, little-endian, of any alignment. The data belong to whoever gave it. */
typedef struct gvk_array {
    gvk_type type;
    uint32_t rank;
    uint64_t shape[GVK_MAX_RANK];
    const void *data;
    uint64_t bytes;
} gvk_array;

/* ---- graphs: nodes and shapes, no device needed -------------------------------------------------------------------
 */

typedef struct gvk_graph gvk_graph;
typedef uint32_t gvk_tensor; /* the output of a node; 0 is none */

typedef enum gvk_op {
    GVK_OP_NONE,
    GVK_OP_CONVOLUTION,  /* pointwise, depthwise (groups = channels) or dense; weights NAME.weight, NAME.bias */
    GVK_OP_BATCH_NORM,   /* NAME.weight, .bias, .running_mean, .running_var; then `activation` */
    GVK_OP_ACTIVATION,   /* `activation` alone */
    GVK_OP_CONCAT,       /* along channels, 2 to 4 inputs of one size */
    GVK_OP_UPSAMPLE,     /* nearest, factor 2 */
    GVK_OP_MAX_POOL,     /* odd kernel, stride 1, padding kernel / 2 */
    GVK_OP_AVERAGE_POOL, /* global: C x H x W to C x 1 x 1 */
    GVK_OP_MULTIPLY,     /* inputs[0] times the gate inputs[1] of C x 1 x 1 */
    GVK_OP_ADD,          /* of two tensors of one shape */
    GVK_OP_LINEAR        /* C x 1 x 1 to outputs x 1 x 1; weights NAME.weight (outputs, C), NAME.bias */
} gvk_op;

typedef enum gvk_activation {
    GVK_ACTIVATION_NONE,
    GVK_ACTIVATION_RELU,
    GVK_ACTIVATION_RELU6,
    GVK_ACTIVATION_HARD_SIGMOID, /* relu6(x + 3) / 6 */
    GVK_ACTIVATION_HARD_SWISH    /* x * relu6(x + 3) / 6 */
} gvk_activation;

typedef struct gvk_node {
    size_t size;
    const char *name; /* unique; the prefix of its weights' names; copied */
    gvk_op op;
    gvk_tensor inputs[4];      /* unused ones 0 */
    uint32_t outputs;          /* output channels of a convolution or linear; 0: as many as the input has */
    uint32_t kernel;           /* 0: 1 */
    uint32_t stride;           /* 0: 1 */
    uint32_t padding;          /* on every side, zeros */
    uint32_t groups;           /* 0: 1; else the input's channel count (depthwise) */
    int bias;                  /* a convolution has NAME.bias */
    gvk_activation activation; /* behind a convolution, linear or batch norm, or alone; other ops take none */
    double epsilon;            /* of a batch norm, added to the variance; finite and positive; 0: 1e-5 */
    /* 0.1 ends here. */
} gvk_node;

/* Finds a weight by name: GVK_OK and *out, or GVK_ERROR_MISMATCH when there is none. The data must outlive the graph.
 * A NULL function makes a graph without weights, for shapes and plans alone. */
typedef gvk_result (*gvk_find_weight)(void *user, const char *name, gvk_array *out);

GVK_API gvk_result gvk_graph_create(const gvk_host *host, gvk_find_weight find, void *user, gvk_graph **out);

/* These add to the graph. The first error sticks, later adds return 0, and finish reports it: so a network reads as one
 * page without a check at each line. */
GVK_API gvk_tensor gvk_graph_input(gvk_graph *graph, const char *name, uint32_t channels);
GVK_API gvk_tensor gvk_graph_add(gvk_graph *graph, const gvk_node *node);
GVK_API void gvk_graph_output(gvk_graph *graph, const char *name, gvk_tensor tensor);
GVK_API uint32_t gvk_graph_channels(const gvk_graph *graph, gvk_tensor tensor);
GVK_API gvk_result gvk_graph_finish(gvk_graph *graph);
GVK_API void gvk_graph_destroy(gvk_graph *graph);

/* ---- models: a graph's weights on a device ------------------------------------------------------------------------
 */

typedef struct gvk_model gvk_model; /* immutable; any number of streams of any size; outlives them */

/* The passes over the graph, each of which can be left out. Off, the graph runs node by node, a shader a node. */
typedef enum gvk_rewrite {
    GVK_REWRITE_FOLD_BATCH_NORM = 1 << 0,
    GVK_REWRITE_FUSE_ACTIVATION = 1 << 1,
    GVK_REWRITE_FUSE_POOLS = 1 << 2, /* several max pools of one tensor, in one dispatch */
    GVK_REWRITE_FUSE_SQUEEZE_EXCITE =
        1 << 3, /* pool and both linear layers together, the gate in the next convolution */
    GVK_REWRITE_FUSE_RESIDUAL = 1 << 4,
    GVK_REWRITE_PLACE_UPSAMPLE = 1 << 5, /* the convolution before it stores each value four times */
    GVK_REWRITE_PLACE_CONCAT = 1 << 6,   /* the parts are written where the concat wants them */
    GVK_REWRITE_FAST_KERNELS = 1 << 7,   /* tiled kernels instead of the plain reference forms */
    GVK_REWRITE_FUSE_GHOST = 1 << 8,     /* a convolution and the cheap one behind it in one dispatch; on GPUs alone */
    GVK_REWRITE_ALL = (1 << 9) - 1
} gvk_rewrite;

/* How tensors and weights lie in the device's memory. fp16 takes half the memory and bandwidth. Sums and activations
 * are fp32 in any case, but for products of pointwise convolutions, and sums of up to 16 of them, where the device
 * computes in fp16 (shaderFloat16, AMD's, NVIDIA's, Adreno's and Mali's kernels). It is off by some 1e-3 of a map's
 * largest value; up to 5.2e-3 was seen. A value beyond 65504 becomes a not-a-number, which no layer turns back into a
 * number: GVK_ERROR_NUMBER. */
typedef enum gvk_precision {
    GVK_PRECISION_FP32,
    GVK_PRECISION_FP16,
    GVK_PRECISION_AUTO /* fp16 on a GPU that computes in fp16 natively, else fp32 */
} gvk_precision;

typedef struct gvk_model_params {
    size_t size;
    uint32_t rewrites_off; /* gvk_rewrite bits to leave out; GVK_REWRITE_ALL is the reference path */
    int trust_kernels;     /* 1: kernels are taken without the proof below */
    gvk_precision precision;
    /* Names of nodes whose outputs every rewrite leaves as they are, so that streams can keep them whatever the
     * rewrites would have made of them: the network computes the same, with more dispatches. */
    uint32_t tap_count;
    const char *const *taps;
    /* What its streams will mostly be: input and batch (0: 1). Of what `gvk_tune` measured, the choices for about as
     * many pixels are taken, and the built-in ones where there are none. 0 x 0: those of the newest tuning. A stream of
     * another size computes the same, perhaps slower: its weights are packed for this one. */
    uint32_t width, height, batch;
    uint32_t reserved;
    /* 0.1 ends here. */
} gvk_model_params;

/* Rewrites a copy of the graph and uploads its weights. The graph may be destroyed afterwards. params may be NULL.
 * Each convolution kernel that it takes and that was not met on this device and driver runs once on made-up numbers;
 * one that computes wrongly is left out, which the log says, and the next one taken. GVK_ERROR_DRIVER when none is
 * left. With cache_load and cache_store in the host this happens once a driver. GVK_ERROR_NUMBER when a weight is too
 * large for the precision. */
GVK_API gvk_result gvk_model_create(gvk_device *device, const gvk_graph *graph, const gvk_model_params *params,
                                    gvk_model **out);
GVK_API void gvk_model_destroy(gvk_model *model);

/* Names of the tensors that the model still makes after rewriting, its taps among them, in order; each can be kept in a
 * stream. A batch norm's is what its activation gives. On entry
 * *count is the capacity; on return how many there are. The names live as long as the model. */
GVK_API gvk_result gvk_model_tensors(const gvk_model *model, const char **names, uint32_t *count);

/* ---- streams: frames of one size ----------------------------------------------------------------------------------
 */

typedef struct gvk_stream gvk_stream; /* arena, command buffers, frames in flight */
typedef uint64_t gvk_ticket;          /* a submitted frame; 0 is none */

typedef struct gvk_stream_params {
    size_t size;
    uint32_t width, height;          /* of the network's input */
    uint32_t batch;                  /* pictures a frame; 0: 1 */
    uint32_t frames;                 /* in flight at once; 0: 1 */
    const char *const *kept_tensors; /* names of nodes whose outputs stay readable beside the graph's outputs */
    uint32_t kept_count;
    int profile; /* time every dispatch; slower, since nothing overlaps */
    /* Microseconds that one submission may take on the device, for hosts that share it with a compositor or a game; 0:
     * a frame is one submission. Creating the stream then runs the commands once to time them, and resizes a picture
     * of its own, so that large pictures are resized in pieces. A command that takes longer is a submission of its own,
     * and each is where the device tells no times. Times that the host's clock contradicts by far are measured again,
     * and corrected where they stay so. */
    uint32_t max_submit_us;
    int paced; /* 1: a submit sends the frame's first submission alone, gvk_stream_advance (embedding.h) the others */
    /* 0.1 ends here. */
} gvk_stream_params;

GVK_API gvk_result gvk_stream_create(gvk_model *model, const gvk_stream_params *params, gvk_stream **out);
/* Waits for frames in flight, a minute at most. Where the device has not done with them by then the stream's memory,
 * its model's and the device's stay allocated, because it may still use them, and the log says so; gvk_device_destroy
 * frees them if it has come back by then. */
GVK_API void gvk_stream_destroy(gvk_stream *stream);

/* Whether a picture of this kind, size, format, crop and orientation, alone in a frame, is taken and fits the device's
 * limits, with an input of `width` x `height`: to be asked before the pixels are decoded, which are not looked at, nor
 * are buffers and views. GVK_ERROR_UNSUPPORTED when it does not; memory may still run out later. Not of tensors. */
GVK_API gvk_result gvk_device_check_picture(const gvk_device *device, const gvk_picture *picture, uint32_t width,
                                            uint32_t height);

/* What is recorded into command buffers. */
typedef struct gvk_recorded_counts {
    uint32_t dispatches, transfers, barriers; /* transfers: copies and fills */
} gvk_recorded_counts;

typedef struct gvk_stream_info {
    size_t size;
    uint32_t width, height, batch, frames; /* as created, defaults filled in */
    gvk_recorded_counts frame;             /* of all that one frame runs: upload or resize, network, what follows */
    gvk_recorded_counts network;           /* the network's alone */
    uint32_t submissions;                  /* of the newest frame; 1 without max_submit_us */
    uint32_t pipelines, network_pipelines; /* that those dispatches use, each counted once */
    gvk_precision precision;               /* fp32 or fp16 */
    uint64_t macs;                         /* multiply-adds of the network in a frame */
    uint64_t arena_bytes, weight_bytes;    /* on the device: activations and results between, the model's weights */
    /* 0.1 ends here. */
} gvk_stream_info;

/* Counts what the stream has recorded. The part in front of the network is that of the newest frame's pictures, and
 * nothing before the first submit. */
GVK_API void gvk_stream_describe(const gvk_stream *stream, gvk_stream_info *out);

/* Copies the pictures (as many as the batch) and submits one frame. Waits for the oldest frame when all are in flight.
 * Pixels are resized with Pillow's antialiased bicubic, bit for bit, and scaled to [0, 1]. */
GVK_API gvk_result gvk_stream_submit(gvk_stream *stream, const gvk_picture *pictures, size_t picture_size,
                                     uint32_t count, gvk_ticket *out);

/* GVK_OK once the frame is done; GVK_NOT_READY (timeout 0) or GVK_TIMEOUT before. With UINT64_MAX it waits as every
 * call waits that needs the device to get on: on a CPU device for as long as that takes, on a GPU for ten minutes,
 * after which it is taken for lost (GVK_ERROR_DEVICE_LOST). The first such wait of a device that takes long is told in
 * the log. The results of a ticket stay readable until `frames` further submits. */
GVK_API gvk_result gvk_stream_wait(gvk_stream *stream, gvk_ticket ticket, uint64_t timeout_ns);

/* An output or a kept tensor (the input that was used, too, when it was kept by its name), as fp32 N, C, H, W. The data
 * belong to the stream and live until its next call. The frame must be done. GVK_ERROR_NUMBER when a value is not
 * finite. */
GVK_API gvk_result gvk_stream_read(gvk_stream *stream, gvk_ticket ticket, const char *tensor, gvk_array *out);

typedef struct gvk_timing {
    const char *name; /* "resize", "network", "decode"; lives as long as the stream */
    double ms;        /* on the device, by its timestamps */
    /* 0.1 ends here. */
} gvk_timing;

/* On entry *count is the capacity; on return the number of stages. 0 stages when the device has no timestamps. */
GVK_API gvk_result gvk_stream_timings(gvk_stream *stream, gvk_ticket ticket, gvk_timing *out, size_t timing_size,
                                      uint32_t *count);

typedef struct gvk_layer_timing {
    const char *name;   /* of the node, or of the step before or behind the network; lives as long as the stream */
    const char *kernel; /* the variant that ran; static */
    double ms;
    double start_ms; /* from the frame's first timestamp */
    uint64_t macs;   /* multiply-adds */
    uint64_t bytes;  /* of tensors and weights, that it reads and writes at least; 0: depends on the picture */
    /* 0.1 ends here. */
} gvk_layer_timing;

/* Every dispatch of a frame of a stream made with `profile`, in order. On entry *count is the capacity; on return the
 * number of dispatches; 0 without `profile` or timestamps. */
GVK_API gvk_result gvk_stream_layer_timings(gvk_stream *stream, gvk_ticket ticket, gvk_layer_timing *out,
                                            size_t timing_size, uint32_t *count);

/* ---- measuring kernels --------------------------------------------------------------------------------------------
 */

/* What was found for one shape of layers; `size` is the library's, for a host that may meet an older one. Times are of
 * all its layers together, each dispatch by itself. */
typedef struct gvk_tuned_kernel {
    size_t size;
    const char *layer;             /* the first of them; lives during the call */
    uint32_t layers, candidates;   /* how many have the shape; how many kernels and workgroup sizes were tried */
    const char *built_in, *chosen; /* variants; static */
    uint32_t built_in_lanes, chosen_lanes; /* of a workgroup */
    double built_in_ms, chosen_ms;
    /* 0.1 ends here. */
} gvk_tuned_kernel;

typedef struct gvk_tune_params {
    size_t size;
    gvk_precision precision;
    uint32_t width, height; /* of the network's input */
    uint32_t batch;         /* pictures a frame; 0: 1 */
    uint32_t rounds;        /* frames that each candidate is timed for; 0: 5 */
    void *user;
    void (*progress)(void *user, uint32_t pass, uint32_t passes); /* before each; NULL: none */
    void (*tuned)(void *user, const gvk_tuned_kernel *kernel);    /* for each shape, at the end; NULL: none */
    /* 0.1 ends here. */
} gvk_tune_params;

typedef struct gvk_tune_result {
    size_t size;
    double built_in_ms, tuned_ms; /* of the whole network in a frame */
    double deviation;             /* of the outputs from the built-in kernels', in parts of a map's largest value */
    int kept;                     /* 0: the built-in kernels are as fast */
    int ghosts_unfused;           /* 1: and ghost modules are faster as two convolutions than as one dispatch */
    /* 0.1 ends here. */
} gvk_tune_result;

/* Times the kernels that the device can run for each shape of the graph's layers. Where whole frames are faster with
 * the best of them, the choice is used by models that are made on this device from then on, and kept through the host's
 * cache by device, driver and enabled features. It holds for frames of half to double as many pixels, all pictures of
 * the batch together (gvk_model_params.width); other frames have the built-in kernels, or what was found for them:
 * choices for several batches, other shapes and the other precision stand side by side. Takes from seconds to minutes;
 * GVK_ERROR_UNSUPPORTED on a device that tells no times. */
GVK_API gvk_result gvk_tune(gvk_device *device, const gvk_graph *graph, const gvk_tune_params *params,
                            gvk_tune_result *out);

/* ---- looking at a plan, no device needed --------------------------------------------------------------------------
 */

typedef struct gvk_layer_description {
    const char *name;
    const char *op;
    uint32_t channels, height, width; /* of its output */
    uint64_t macs, parameters;
    /* 0.1 ends here. */
} gvk_layer_description;

typedef struct gvk_description {
    size_t size;
    size_t layer_size;                   /* set by the caller: sizeof(gvk_layer_description); 0: the first release's */
    const gvk_layer_description *layers; /* nodes as built, before rewriting */
    uint32_t layer_count;
    uint32_t dispatches_before, dispatches_after; /* of the network, without and with the rewrites */
    uint32_t barriers_after, pipelines_after;
    uint64_t macs, parameters; /* of the whole batch; parameters are what training changes: no mean, no variance */
    uint64_t arena_bytes, weight_bytes;
    void *memory; /* what gvk_description_release frees; NULL before */
    /* 0.1 ends here. */
} gvk_description;

/* For `device`, or for a plain GPU where device is NULL. */
GVK_API gvk_result gvk_plan_describe(const gvk_device *device, const gvk_graph *graph, const gvk_model_params *model,
                                     const gvk_stream_params *stream, gvk_description *out);
GVK_API void gvk_description_release(const gvk_host *host, gvk_description *description);

#ifdef __cplusplus
}
#endif
#endif
