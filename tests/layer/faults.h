/* What the fault layer lets a test in the same process do. The layer exports one object, `ghostvk_faults`; a test opens
 * the layer's library with dlopen, before any instance, and finds it with dlsym. The library then also stays loaded
 * between instances, so that counts go on.
 *
 * The same plan can be made with environment variables; layer.c's head says how. */
#ifndef GHOSTVK_FAULTS_H
#define GHOSTVK_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vulkan/vulkan_core.h>

struct ghostvk_faults {
    /* Replaces the lowered limits and hidden features; "" lowers nothing. False when an option is unknown. */
    bool (*limit)(const char *options);
    /* Sets counts to zero and lets the nth call from here on fail that is named `call` ("*": any failable call) fail
     * once with `result`. nth 0: none fails. */
    void (*arm)(const char *call, uint64_t nth, VkResult result);
    /* The same, and every such call after it fails, too. */
    void (*arm_from)(const char *call, uint64_t nth, VkResult result);
    /* While withheld, no fence is ever seen signalled: vkWaitForFences returns VK_TIMEOUT at once. */
    void (*withhold_fences)(bool withheld);
    /* The same for so many calls of vkWaitForFences: a device that is slow. */
    void (*withhold_waits)(uint32_t count);
    /* Failable calls since arm, by name or "*". */
    uint64_t (*count)(const char *call);
    /* The call that failed by plan since arm, or NULL. */
    const char *(*rejected)(void);
    /* Vulkan objects made through the layer and not destroyed. */
    int64_t (*alive)(void);
    /* The first misuse since arm: a fence destroyed while its submission may run, a command buffer begun twice, a range
     * over the lowered limits, and their like. NULL: none. */
    const char *(*misuse)(void);
    /* A driver that computes wrongly: shader modules made of this code from here on subtract where it adds, and mix
     * where it fuses. Several can be spoilt; NULL spoils none. The code must stay where it is. */
    void (*spoil)(const void *code, size_t bytes);
    /* The first queue that vkCreateDevice was last asked for: its priority, and that among all programs, 0: none. */
    void (*queue)(float *priority, uint32_t *global);
};

#endif
