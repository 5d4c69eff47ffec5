/* A device's priority as it reaches vkCreateDevice, seen by the fault layer: among the queues of the program, and,
 * where the driver has it and permits it, among all programs. It never keeps a device from being opened. */
#include "tests/support/harness.h"

#include <dlfcn.h>
#include <stdlib.h>

#include <ghostvk/embedding.h>

#include "tests/layer/faults.h"

static const struct ghostvk_faults *faults;

static gvk_device *open_with(gvk_priority priority)
{
    gvk_device *device = NULL;
    gvk_device_params wanted = wanted_device(getenv("GVK_TEST_ON"));
    wanted.priority = priority;
    assert_ok(gvk_device_open(&wanted, &device));
    gvk_device_handles handles = {.size = sizeof handles};
    gvk_device_get_handles(device, &handles);
    assert_true(handles.device != VK_NULL_HANDLE && handles.queue != VK_NULL_HANDLE);
    /* They are the device's own: its functions take them. */
    PFN_vkGetDeviceProcAddr get =
        (PFN_vkGetDeviceProcAddr)handles.get_instance_proc(handles.instance, "vkGetDeviceProcAddr");
    PFN_vkGetDeviceQueue get_queue = (PFN_vkGetDeviceQueue)get(handles.device, "vkGetDeviceQueue");
    PFN_vkQueueWaitIdle wait_idle = (PFN_vkQueueWaitIdle)get(handles.device, "vkQueueWaitIdle");
    VkQueue queue = VK_NULL_HANDLE;
    get_queue(handles.device, handles.queue_family, 0, &queue);
    assert_ptr_equal(queue, handles.queue);
    assert_int_equal(wait_idle(queue), VK_SUCCESS);
    return device;
}

static void the_priority_reaches_the_queue(void **state)
{
    (void)state;
    static const struct {
        const char *limits;
        gvk_priority priority;
        float queue;
        uint32_t global;
    } lines[] = {
        {"no_global_priority", GVK_PRIORITY_NORMAL, 0.5f, 0},
        {"no_global_priority", GVK_PRIORITY_LOW, 0.0f, 0},
        {"no_global_priority", GVK_PRIORITY_HIGH, 1.0f, 0},
        {"global_priority", GVK_PRIORITY_NORMAL, 0.5f, 0},
        {"global_priority", GVK_PRIORITY_LOW, 0.0f, VK_QUEUE_GLOBAL_PRIORITY_LOW_KHR},
        {"global_priority", GVK_PRIORITY_HIGH, 1.0f, 0},
        {"global_priority_refused", GVK_PRIORITY_LOW, 0.0f, 0}, /* at the second try */
        {"global_priority_refused", GVK_PRIORITY_HIGH, 1.0f, 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(lines); i++) {
        assert_true(faults->limit(lines[i].limits));
        faults->arm("*", 0, VK_SUCCESS);
        gvk_device_destroy(open_with(lines[i].priority));
        float priority;
        uint32_t global;
        faults->queue(&priority, &global);
        bool twice = lines[i].priority == GVK_PRIORITY_LOW && i >= 6;
        if (priority != lines[i].queue || global != lines[i].global ||
            faults->count("vkCreateDevice") != (twice ? 2 : 1))
            fail_msg("%s, priority %d: %.2f and %u reached vkCreateDevice at call %u, not %.2f and %u", lines[i].limits,
                     (int)lines[i].priority, (double)priority, global, (unsigned)faults->count("vkCreateDevice"),
                     (double)lines[i].queue, lines[i].global);
        assert_null(faults->misuse());
    }
    assert_true(faults->limit(""));
}

/* And on the driver as it is, with or without such a priority. */
static void a_device_of_low_priority_opens_on_every_driver(void **state)
{
    (void)state;
    gvk_device_destroy(open_with(GVK_PRIORITY_LOW));
    float priority;
    uint32_t global;
    faults->queue(&priority, &global);
    print_message("             priority %.1f, among all programs %u\n", (double)priority, global);
}

static int find_layer(void **state)
{
    (void)state;
    void *library = dlopen(GVK_FAULT_LAYER, RTLD_NOW | RTLD_LOCAL);
    faults = library ? dlsym(library, "ghostvk_faults") : NULL;
    if (!faults)
        print_error("The fault layer cannot be loaded: %s\n", dlerror());
    return faults ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_priority_reaches_the_queue),
        cmocka_unit_test(a_device_of_low_priority_opens_on_every_driver),
    };
    return cmocka_run_group_tests(tests, find_layer, NULL);
}
