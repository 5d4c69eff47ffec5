/* A device whose compiler tells what it made of each pipeline (VK_KHR_pipeline_executable_properties).
 * The pipelines are made by the runtime itself; only the flags that ask for figures and assembly are added. */
#ifndef GVK_LAB_CAPTURE_H
#define GVK_LAB_CAPTURE_H

#include "runtime/device/pipeline.h"
#include "runtime/vulkan/device.h"

/* One program that the driver made for a pipeline. */
struct capture {
    char name[64]; /* as the driver names it; Intel's says the width */
    uint32_t subgroup_size;
    VkPipelineExecutableStatisticKHR *statistics;
    uint32_t statistic_count;
    char *assembly; /* the representation of the last step; NULL: the driver gives none */
};

struct laboratory {
    struct gvk_functions vk;
    void *loader;
    VkInstance instance;
    VkDevice handle;
    gvk_device *device;
};

/* Opens the device that the environment leaves. Prints why when there is none. */
bool laboratory_open(struct laboratory *laboratory);
void laboratory_close(struct laboratory *laboratory);

/* Makes the pipeline and reads what became of it; where a driver made several programs, the last, which is the widest.
 * NULL after printing why. The caller releases it. */
struct capture *capture_pipeline(struct laboratory *laboratory, const struct gvk_pipeline_key *key);
void capture_release(struct capture *capture);

/* The statistic's value, whatever its type; -1 when the driver does not know the name. */
double capture_value(const struct capture *capture, const char *statistic);

#endif
