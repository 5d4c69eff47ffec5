/* The queue family that a device works on, of what GPUs' drivers list (vulkan.gpuinfo.org): the best is the first for
 * compute alone, or else the first that computes; a wished kind is taken or refused, and never another in its place. */
#include "tests/support/harness.h"

#include <string.h>

#include "runtime/vulkan/device.h"

#define MOST 6

enum { G = VK_QUEUE_GRAPHICS_BIT, C = VK_QUEUE_COMPUTE_BIT, T = VK_QUEUE_TRANSFER_BIT };

static const struct line {
    const char *name;
    uint32_t flags[MOST], queues[MOST], count;
    int best, compute, graphics; /* -1: refused */
} lines[] = {
    {"NVIDIA", {G | C | T, T, C | T, T, T, G}, {16, 2, 8, 1, 1, 1}, 6, 2, 2, 0},
    {"AMD", {G | C | T, C | T, T}, {1, 4, 2}, 3, 1, 1, 0},
    {"Intel, lavapipe", {G | C | T}, {1}, 1, 0, -1, 0},
    {"a datacentre's, without graphics", {C | T, T}, {8, 2}, 2, 0, 0, -1},
    {"compute first", {C | T, G | C | T}, {1, 1}, 2, 0, 0, 1},
    {"two of each", {T, G | C, G | C, C, C}, {1, 1, 1, 1, 1}, 5, 3, 3, 1},
    {"families that a driver lists and does not give", {C, G | C | T, C}, {0, 1, 2}, 3, 2, 2, 1},
    {"graphics that does not compute", {G | T, T}, {1, 1}, 2, -1, -1, -1},
    {"none", {0}, {0}, 0, -1, -1, -1},
};
static const struct line *listed;

static VKAPI_ATTR void VKAPI_CALL list_families(VkPhysicalDevice physical_device, uint32_t *count,
                                                VkQueueFamilyProperties *out)
{
    (void)physical_device;
    if (!out) {
        *count = listed->count;
        return;
    }
    for (uint32_t i = 0; i < *count && i < listed->count; i++)
        out[i] = (VkQueueFamilyProperties){
            .queueFlags = listed->flags[i], .queueCount = listed->queues[i], .timestampValidBits = 32 + i};
}

static void expect_family(gvk_queue_kind kind, int expected)
{
    const struct gvk_functions vk = {.GetPhysicalDeviceQueueFamilyProperties = list_families};
    const gvk_host host = gvk_host_complete(NULL);
    uint32_t family = UINT32_MAX, bits = 0;
    gvk_result result = gvk_compute_family(&vk, &host, VK_NULL_HANDLE, kind, &family, &bits);
    int got = result ? -1 : (int)family;
    if (got != expected || (result && result != GVK_ERROR_NO_DEVICE) || (!result && bits != 32 + family))
        fail_msg("%s, kind %d: result %d, family %d with %u bits instead of family %d", listed->name, (int)kind,
                 (int)result, got, (unsigned)bits, expected);
}

static void each_kind_of_queue_is_found_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(lines); i++) {
        listed = &lines[i];
        expect_family(GVK_QUEUE_BEST, listed->best);
        expect_family(GVK_QUEUE_COMPUTE, listed->compute);
        expect_family(GVK_QUEUE_GRAPHICS, listed->graphics);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_kind_of_queue_is_found_or_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
