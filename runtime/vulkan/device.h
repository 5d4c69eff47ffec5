/* A device as the runtime's own files see it: handles, function table, traits, pipelines. */
#ifndef GVK_DEVICE_H
#define GVK_DEVICE_H

#include "functions.h"
#include "runtime/base/host.h"
#include "runtime/base/thread.h"

#define GVK_REJECTED_WORDS 16 /* for 512 shaders */

/* Facts of a device that the choice of kernels depends on, read once; no handles, so that plans can be made without a
 * device. */
struct gvk_traits {
    VkPhysicalDeviceType type;
    uint32_t vendor_id;
    uint32_t subgroup_size;     /* 0: unknown, then no kernel with subgroup operations is taken */
    bool subgroup_shuffle;      /* in compute shaders */
    bool subgroup_broadcast;    /* ballot operations, broadcast among them */
    uint32_t cores;             /* NVIDIA's multiprocessors, AMD's compute units, Arm's shader cores; 0: unknown */
    bool shuffles_well;         /* subgroupShuffle is as fast as subgroupBroadcast on this driver (lanes.h) */
    bool stores_doubles;        /* of every lane at once, without a crash (lanes.h) */
    bool subgroup_size_control; /* sizes can be required of a pipeline */
    bool full_subgroups;        /* feature computeFullSubgroups */
    uint32_t min_subgroup_size, max_subgroup_size; /* that can be required in compute shaders; 0: unknown */
    uint32_t max_invocations;                      /* of a workgroup */
    uint32_t max_workgroup_size_x;
    uint32_t max_workgroup_count; /* the smallest of the three dimensions */
    uint32_t max_shared_bytes;
    uint32_t max_texels;        /* of a texel buffer */
    uint64_t max_storage_bytes; /* of a range that is bound */
    uint64_t max_buffer_bytes;  /* of a buffer and its memory; 0: no limit is known */
    uint32_t storage_alignment, texel_alignment;
    uint32_t max_chunks;     /* storage buffers of 256 bytes and more in one indexed array; 0: no such arrays */
    bool texel_buffers;      /* RGBA32F can be read through uniform texel buffers */
    bool float64;            /* feature shaderFloat64: stores of two values at once (shaders/common.glsl) */
    bool half_arithmetic;    /* it computes in fp16 natively, which tells that fp16 in memory makes it faster */
    bool sampler_conversion; /* feature samplerYcbcrConversion */
    bool half_sums;          /* feature shaderFloat16: kernels may compute in fp16, too */
    /* Of the matrices of fp16 that a subgroup multiplies into sums in fp32 (features cooperativeMatrix and
     * vulkanMemoryModel); 0: it multiplies none. */
    uint32_t matrix_side;
};

struct gvk_pipelines; /* pipeline.c */
struct gvk_remains;   /* wait.h */

/* What proof.c found out: a bit a shader for those that computed wrongly, two bits a shader (without and with a gate)
 * for those that computed right. */
struct gvk_verdicts {
    uint32_t rejected[GVK_REJECTED_WORDS], proven[2 * GVK_REJECTED_WORDS];
    bool loaded, changed; /* from the host's cache; since then */
};

struct gvk_device {
    gvk_host host;
    struct gvk_functions vk;
    void *loader; /* NULL when imported */
    VkInstance instance;
    VkPhysicalDevice physical_device;
    VkDevice device;
    bool owned; /* instance and device are ours to destroy */
    uint32_t queue_family;
    VkQueue queue;
    void (*lock_queue)(void *user);
    void (*unlock_queue)(void *user);
    void *queue_user;
    VkResult (*host_submit)(void *user, uint32_t count, const VkSubmitInfo *submits, VkFence fence); /* or NULL */
    void *host_submit_user;
    /* `mutex` is held for a moment: for the list of pipelines, the count of memory, the newest choices and, when it is
     * ours, the queue. `compile_mutex`, taken before it, is held while a pipeline is made, which takes long; no submit
     * waits for that. `proof_mutex`, taken before both, is held while kernels are proven. */
    gvk_mutex mutex, compile_mutex, proof_mutex;
    bool mutex_made, compile_mutex_made, proof_mutex_made;
    struct gvk_verdicts verdicts; /* under proof_mutex */
    struct gvk_choices *choices;  /* the newest first; changed under proof_mutex and `mutex`, read under either */
    VkPhysicalDeviceMemoryProperties memory;
    VkDeviceSize non_coherent_atom;
    uint64_t memory_ceiling, memory_used;
    uint32_t timestamp_bits;
    double timestamp_period_ns;
    struct gvk_traits traits;
    /* Of driver, device and traits: what is stored for one configuration is not for another, as of lavapipe with
     * another LP_NATIVE_VECTOR_WIDTH, or of a host that enables fewer features. */
    uint64_t configuration;
    gvk_device_info info;
    size_t cache_bytes;         /* of the pipeline cache of an earlier run that was loaded */
    uint64_t cache_hash;        /* of those bytes */
    VkPipelineCache host_cache; /* the importing host's, or VK_NULL_HANDLE */
    struct gvk_pipelines *pipelines;
    struct gvk_remains *remains; /* objects to be destroyed at the device's end, because it may still use them; under
                                  * `mutex` */
    bool said_slow;              /* a wait that takes long was told in the log already, which is done once; under
                                  * `mutex` */
};

/* Reads the physical device: info, traits, limits. */
void gvk_physical_device_read(const struct gvk_functions *vk, VkPhysicalDevice physical_device, uint32_t index,
                              gvk_device_info *info, struct gvk_traits *traits);
/* Of a device with Vulkan 1.1; 0: its driver does not tell. */
uint32_t gvk_count_cores(const struct gvk_functions *vk, VkPhysicalDevice physical_device);
bool gvk_physical_device_has(const struct gvk_functions *vk, const gvk_host *host, VkPhysicalDevice physical_device,
                             const char *extension);
/* The first queue family with compute that is of this kind; the best one is the first without graphics, which real GPUs
 * run beside the host's frame, or else the first. GVK_ERROR_NO_DEVICE, without a sentence, when there is none. */
gvk_result gvk_compute_family(const struct gvk_functions *vk, const gvk_host *host, VkPhysicalDevice physical_device,
                              gvk_queue_kind kind, uint32_t *family, uint32_t *timestamp_bits);

/* An instance of the library's own, and the physical device that the params ask for. */
gvk_result gvk_instance_open(const gvk_host *host, struct gvk_functions *vk, void **loader, VkInstance *instance);
gvk_result gvk_device_choose(const gvk_host *host, const struct gvk_functions *vk, VkInstance instance,
                             const gvk_device_params *params, VkPhysicalDevice *out, gvk_device_info *info);

/* The traits of a plain GPU with the floor's limits, for plans without a device. */
struct gvk_traits gvk_traits_of_plain_gpu(void);

#endif
