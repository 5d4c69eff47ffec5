/* `ghostvk devices`: the Vulkan devices of this machine, and whether ghostvk can use them. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/json.h"
#include "cli/base/message.h"
#include "cli/base/text.h"
#include "cli/host/command_line.h"
#include "cli/host/driver_files.h"
#include "cli/host/program.h"
#include "commands.h"

static const char *name_type(VkPhysicalDeviceType type)
{
    switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU: return "discrete GPU";
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU: return "integrated GPU";
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU: return "virtual GPU";
    case VK_PHYSICAL_DEVICE_TYPE_CPU: return "CPU";
    default: return "other";
    }
}

static void format_version(uint32_t version, char *out, size_t size)
{
    snprintf(out, size, "%" PRIu32 ".%" PRIu32 ".%" PRIu32, VK_API_VERSION_MAJOR(version),
             VK_API_VERSION_MINOR(version), VK_API_VERSION_PATCH(version));
}

static size_t widen(size_t width, const char *text)
{
    size_t own = text_width(text);
    return own > width ? own : width;
}

static void print_table(const gvk_device_info *infos, uint32_t count)
{
    size_t name = strlen("name"), type = strlen("type"), driver = strlen("driver");
    for (uint32_t index = 0; index < count; index++) {
        name = widen(name, infos[index].name);
        type = widen(type, name_type(infos[index].type));
        driver = widen(driver, infos[index].driver);
    }
    printf("%5s  ", "index");
    print_padded(stdout, "name", name + 2);
    print_padded(stdout, "type", type + 2);
    print_padded(stdout, "driver", driver + 2);
    printf("%-9s  %10s  usable\n", "Vulkan", "memory");
    for (uint32_t index = 0; index < count; index++) {
        const gvk_device_info *info = &infos[index];
        char version[48];
        format_version(info->api_version, version, sizeof version);
        printf("%5" PRIu32 "  ", info->index);
        print_padded(stdout, info->name, name + 2);
        print_padded(stdout, name_type(info->type), type + 2);
        print_padded(stdout, info->driver, driver + 2);
        printf("%-9s  %6.1f GiB  ", version, (double)info->memory_bytes / ((double)(1 << 30)));
        print_text(stdout, info->usable ? "yes" : "no: ");
        print_text(stdout, info->usable ? "" : info->reason);
        putchar('\n');
    }
}

static bool write_json(const gvk_device_info *infos, uint32_t count)
{
    struct json json;
    json_start(&json, stdout);
    json_open_object(&json, JSON_BLOCK);
    json_key(&json, "devices");
    json_open_array(&json, JSON_BLOCK);
    for (uint32_t index = 0; index < count; index++) {
        const gvk_device_info *info = &infos[index];
        char version[48];
        format_version(info->api_version, version, sizeof version);
        json_open_object(&json, JSON_BLOCK);
        json_key(&json, "index");
        json_unsigned(&json, info->index);
        json_key(&json, "name");
        json_quoted(&json, info->name);
        json_key(&json, "type");
        json_quoted(&json, name_type(info->type));
        json_key(&json, "driver");
        json_quoted(&json, info->driver);
        json_key(&json, "vulkan");
        json_quoted(&json, version);
        json_key(&json, "vendor_id");
        json_unsigned(&json, info->vendor_id);
        json_key(&json, "device_id");
        json_unsigned(&json, info->device_id);
        json_key(&json, "subgroup_size");
        json_unsigned(&json, info->subgroup_size);
        json_key(&json, "memory_bytes");
        json_unsigned(&json, info->memory_bytes);
        json_key(&json, "usable");
        json_bool(&json, info->usable != 0);
        json_key(&json, "reason");
        json_quoted(&json, info->usable ? NULL : info->reason);
        json_close(&json);
    }
    json_close(&json);
    json_close(&json);
    return json_finish(&json);
}

static bool read_option(void *as_json, int option, const char *value)
{
    (void)option, (void)value;
    return *(bool *)as_json = true;
}

static int list_devices(struct program *program, const struct command_line *line)
{
    bool as_json = false;
    struct operands none;
    int outcome = read_command_line(program, line, read_option, &as_json, &none);
    if (outcome != OUTCOME_DONE)
        return outcome < 0 ? OUTCOME_DONE : outcome; /* help was asked for */

    gvk_device_info *infos = NULL;
    uint32_t capacity = 0, count = 0;
    char sentence[512];
    bool missing = driver_files_are_missing(sentence, sizeof sentence);
    gvk_result result = gvk_device_list(&program->host, NULL, sizeof(gvk_device_info), &count);
    if (!result) {
        capacity = count;
        infos = calloc(capacity ? capacity : 1, sizeof *infos);
        if (!infos)
            return refuse_memory();
        result = gvk_device_list(&program->host, infos, sizeof(gvk_device_info), &count);
        if (count > capacity)
            count = capacity; /* one was plugged in between the calls */
    }
    if (result == GVK_ERROR_NO_DEVICE && missing)
        snprintf(program->error, sizeof program->error, "%s", sentence);
    if (result)
        outcome = report_failure(program, NULL, result);
    else if (!as_json)
        print_table(infos, count);
    else if (!write_json(infos, count))
        outcome = OUTCOME_SOME_FAILED; /* main says that stdout failed */
    free(infos);
    return outcome;
}

static const int shared_options[] = {OPTION_JSON, OPTION_END};

const struct command devices_command = {
    .name = "devices",
    .summary = "list the Vulkan devices",
    .sentence = "lists the Vulkan devices.",
    .shared = shared_options,
    .example = "ghostvk devices\n"
               "ghostvk detect --device 1 picture.jpg",
    .execute = list_devices,
};
