/* `ghostvk inspect`: what a model is and how it would run: layers, memory, dispatches. Needs no Vulkan, unless it is
 * asked for a device's own plan. */
#include <inttypes.h>
#include <string.h>

#include "cli/base/json.h"
#include "cli/base/message.h"
#include "cli/base/quantities.h"
#include "cli/base/text.h"
#include "cli/base/values.h"
#include "cli/files/model_path.h"
#include "cli/host/command_line.h"
#include "cli/host/device.h"
#include "cli/host/program.h"
#include "commands.h"

#define BATCH_MAX 1024

enum { OPTION_LAYERS = OPTION_OWN };

struct request {
    struct model_choice model;
    struct size size;
    uint32_t batch;
    bool layers, as_json, has_device;
    struct device_choice device;
};

static bool read_option(void *user, int option, const char *value)
{
    struct request *request = user;
    switch (option) {
    case OPTION_SIZE: return read_size("--size", value, &request->size);
    case OPTION_BATCH: return read_count("--batch", value, BATCH_MAX, &request->batch);
    case OPTION_DEVICE: request->has_device = true; return read_device(value, &request->device);
    case OPTION_LAYERS: request->layers = true; return true;
    case OPTION_JSON: request->as_json = true; return true;
    default: return read_model_option(&request->model, option, value);
    }
}

static int read_request(struct program *program, const struct command_line *line, struct request *request)
{
    struct operands operands;
    int outcome = read_command_line(program, line, read_option, request, &operands);
    if (outcome != OUTCOME_DONE)
        return outcome;
    if (operands.count + (request->model.path != NULL) > 1)
        return refuse_usage("inspect takes one model, and %s is another", operands.words[operands.count - 1]);
    if (operands.count && !read_path("MODEL", operands.words[0], &request->model.path))
        return OUTCOME_USAGE;
    return OUTCOME_DONE;
}

static const char *name_task(gvk_task task)
{
    return task == GVK_TASK_DETECTOR ? "detector" : "classifier";
}

/* ---- for a person ------------------------------------------------------------------------------------------------ */

static void print_label(const char *label)
{
    printf("%-12s", label);
}

/* The names, as many as fit a line. */
static void print_classes(const gvk_network_info *info)
{
    size_t column = 0;
    print_label("Classes");
    printf("%" PRIu32, info->class_count);
    for (uint32_t index = 0; index < info->class_count; index++) {
        column += text_width(info->classes[index]) + 2;
        if (column > 80) {
            fputs(", ...", stdout);
            break;
        }
        fputs(index ? ", " : ": ", stdout);
        print_text(stdout, info->classes[index]);
    }
    putchar('\n');
}

/* 1234567 as "1.23 million", so that a person sees the magnitude. */
static void print_amount(uint64_t amount)
{
    if (amount >= 1000000000)
        printf("%.2f billion", (double)amount / 1e9);
    else if (amount >= 1000000)
        printf("%.2f million", (double)amount / 1e6);
    else
        printf("%" PRIu64, amount);
}

static void print_summary(const struct model_file *model, const struct request *request, const struct size *size,
                          const gvk_description *plan)
{
    const gvk_network_info *info = &model->info;
    print_label("Model");
    print_text(stdout, model->path);
    putchar('\n');
    print_label("Format");
    print_text(stdout, info->format);
    putchar('\n');
    print_label("Weights");
    if (*info->weights)
        fputs("under ", stdout);
    print_text(stdout, *info->weights ? info->weights : "at the top level");
    putchar('\n');
    print_label("Network");
    printf("%s %s", info->name, name_task(info->task));
    if (info->width > 0)
        printf(", width %.4g\n", info->width);
    else
        puts(", channels of no single width");
    print_classes(info);
    if (info->anchors) {
        print_label("Anchors");
        for (int anchor = 0; anchor < GVK_ANCHORS; anchor++)
            printf("%s%.4gx%.4g", anchor ? "  " : "", (double)info->anchors[2 * anchor],
                   (double)info->anchors[2 * anchor + 1]);
        putchar('\n');
    }
    print_label("Input");
    printf("%" PRIu32 "x%" PRIu32 ", batch %" PRIu32 ", letterbox %s\n", size->width, size->height, request->batch,
           info->letterbox ? "on" : "off");
    if (info->task == GVK_TASK_DETECTOR) {
        print_label("Thresholds");
        printf("score %.4g, overlap %.4g\n", (double)info->confidence, (double)info->iou);
    }
    if (info->unused_count) {
        print_label("Unused");
        printf("%" PRIu32 " tensor%s of the file; -v lists them\n", info->unused_count,
               info->unused_count == 1 ? "" : "s");
    }
    putchar('\n');
    print_label("Layers");
    printf("%" PRIu32 "\n", plan->layer_count);
    print_label("Parameters");
    print_amount(plan->parameters);
    putchar('\n');
    print_label("Work");
    print_amount(plan->macs);
    puts(" multiply-adds");
    print_label("Memory");
    fputs("arena ", stdout);
    print_bytes(stdout, plan->arena_bytes);
    fputs(", weights ", stdout);
    print_bytes(stdout, plan->weight_bytes);
    putchar('\n');
    print_label("Dispatches");
    printf("%" PRIu32 ", and %" PRIu32 " before rewriting\n", plan->dispatches_after, plan->dispatches_before);
    print_label("Barriers");
    printf("%" PRIu32 "\n", plan->barriers_after);
    print_label("Pipelines");
    printf("%" PRIu32 "\n", plan->pipelines_after);
}

static void print_layers(const gvk_description *plan)
{
    size_t name = strlen("layer"), op = strlen("operation");
    for (uint32_t index = 0; index < plan->layer_count; index++) {
        size_t own_name = text_width(plan->layers[index].name), own_op = text_width(plan->layers[index].op);
        name = own_name > name ? own_name : name;
        op = own_op > op ? own_op : op;
    }
    putchar('\n');
    print_padded(stdout, "layer", name + 2);
    print_padded(stdout, "operation", op + 2);
    printf("%15s  %15s  %12s\n", "output C x H x W", "multiply-adds", "parameters");
    for (uint32_t index = 0; index < plan->layer_count; index++) {
        const gvk_layer_description *layer = &plan->layers[index];
        print_padded(stdout, layer->name, name + 2);
        print_padded(stdout, layer->op, op + 2);
        printf("%4" PRIu32 " x %3" PRIu32 " x %3" PRIu32 "  %15" PRIu64 "  %12" PRIu64 "\n", layer->channels,
               layer->height, layer->width, layer->macs, layer->parameters);
    }
    print_padded(stdout, "total", name + op + 4);
    printf("%16s  %15" PRIu64 "  %12" PRIu64 "\n", "", plan->macs, plan->parameters);
}

/* ---- for a program ----------------------------------------------------------------------------------------------- */

static void write_strings(struct json *json, const char *key, const char *const *strings, uint32_t count)
{
    json_key(json, key);
    json_open_array(json, JSON_LINE);
    for (uint32_t index = 0; index < count; index++)
        json_quoted(json, strings[index]);
    json_close(json);
}

static void write_unsigned(struct json *json, const char *key, uint64_t value)
{
    json_key(json, key);
    json_unsigned(json, value);
}

static void write_network(struct json *json, const struct model_file *model)
{
    const gvk_network_info *info = &model->info;
    json_key(json, "model");
    json_quoted(json, model->path);
    json_key(json, "kind");
    json_quoted(json, name_task(info->task));
    json_key(json, "network");
    json_quoted(json, info->name);
    json_key(json, "format");
    json_quoted(json, info->format);
    json_key(json, "weights");
    json_quoted(json, info->weights);
    json_key(json, "width");
    if (info->width > 0)
        json_double(json, info->width);
    else
        json_none(json);
    write_strings(json, "classes", info->classes, info->class_count);
    json_key(json, "anchors");
    if (info->anchors) {
        json_open_array(json, JSON_LINE);
        for (int anchor = 0; anchor < GVK_ANCHORS; anchor++) {
            json_open_array(json, JSON_LINE);
            json_float(json, info->anchors[2 * anchor]);
            json_float(json, info->anchors[2 * anchor + 1]);
            json_close(json);
        }
        json_close(json);
    } else {
        json_none(json);
    }
    json_key(json, "letterbox");
    json_bool(json, info->letterbox != 0);
    json_key(json, "confidence");
    json_float(json, info->confidence);
    json_key(json, "iou");
    json_float(json, info->iou);
    write_strings(json, "unused", info->unused, info->unused_count);
}

static bool write_json(const struct model_file *model, const struct request *request, const struct size *size,
                       const gvk_description *plan)
{
    struct json json;
    json_start(&json, stdout);
    json_open_object(&json, JSON_BLOCK);
    write_network(&json, model);
    json_key(&json, "input");
    json_open_object(&json, JSON_LINE);
    write_unsigned(&json, "width", size->width);
    write_unsigned(&json, "height", size->height);
    write_unsigned(&json, "batch", request->batch);
    json_close(&json);
    write_unsigned(&json, "macs", plan->macs);
    write_unsigned(&json, "parameters", plan->parameters);
    write_unsigned(&json, "arena_bytes", plan->arena_bytes);
    write_unsigned(&json, "weight_bytes", plan->weight_bytes);
    write_unsigned(&json, "dispatches_before", plan->dispatches_before);
    write_unsigned(&json, "dispatches_after", plan->dispatches_after);
    write_unsigned(&json, "barriers", plan->barriers_after);
    write_unsigned(&json, "pipelines", plan->pipelines_after);
    json_key(&json, "layers");
    json_open_array(&json, JSON_BLOCK);
    for (uint32_t index = 0; index < plan->layer_count; index++) {
        const gvk_layer_description *layer = &plan->layers[index];
        json_open_object(&json, JSON_LINE);
        json_key(&json, "name");
        json_quoted(&json, layer->name);
        json_key(&json, "op");
        json_quoted(&json, layer->op);
        json_key(&json, "shape");
        json_open_array(&json, JSON_LINE);
        json_unsigned(&json, layer->channels);
        json_unsigned(&json, layer->height);
        json_unsigned(&json, layer->width);
        json_close(&json);
        write_unsigned(&json, "macs", layer->macs);
        write_unsigned(&json, "parameters", layer->parameters);
        json_close(&json);
    }
    json_close(&json);
    json_close(&json);
    return json_finish(&json);
}

static int inspect(struct program *program, const struct command_line *line)
{
    struct request request = {.batch = 1};
    struct model_file model = {0};
    gvk_description plan = {.size = sizeof plan};
    gvk_device *device = NULL; /* none: a plain GPU's plan */
    int outcome = read_request(program, line, &request);
    if (outcome < 0)
        return OUTCOME_DONE; /* help was asked for */
    if (outcome != OUTCOME_DONE)
        return outcome;
    outcome = model_file_open(program, &request.model, &model);
    if (outcome == OUTCOME_DONE && request.has_device)
        outcome = open_device(program, &request.device, &device);
    if (outcome != OUTCOME_DONE)
        goto done;
    struct size size = request.size;
    if (!size.width)
        size = (struct size){.width = model.info.input_width, .height = model.info.input_height};
    gvk_stream_params stream = {
        .size = sizeof stream, .width = size.width, .height = size.height, .batch = request.batch};
    const gvk_model_params weights = {
        .size = sizeof weights, .width = size.width, .height = size.height, .batch = request.batch};
    gvk_result result = gvk_plan_describe(device, gvk_network_graph(model.network), &weights, &stream, &plan);
    if (result) {
        outcome = report_failure(program, NULL, result);
        goto done;
    }
    if (request.as_json) {
        if (!write_json(&model, &request, &size, &plan))
            outcome = OUTCOME_SOME_FAILED; /* main says that stdout failed */
    } else {
        print_summary(&model, &request, &size, &plan);
        if (request.layers)
            print_layers(&plan);
    }
    say_unused_tensors(program, &model);
done:
    gvk_description_release(&program->host, &plan);
    gvk_device_destroy(device);
    model_file_close(&model);
    return outcome;
}

static const int shared_options[] = {MODEL_OPTIONS, OPTION_SIZE, OPTION_BATCH, OPTION_DEVICE, OPTION_JSON, OPTION_END};

static const struct option_row own_options[] = {
    {.id = OPTION_DEVICE,
     .name = "device",
     .value = "DEVICE",
     .text = "plan for an index of `ghostvk devices`, a part of a name, or cpu; default: for a plain GPU, without "
             "Vulkan",
     .group = GROUP_DEVICE},
    {.id = OPTION_JSON, .name = "json", .text = "print JSON, always with the layers", .group = GROUP_OUTPUT},
    {.id = OPTION_LAYERS, .name = "layers", .text = "list the layers too", .group = GROUP_OUTPUT},
    {.id = OPTION_END},
};

const struct command inspect_command = {
    .name = "inspect",
    .summary = "describe a model and its plan",
    .sentence = "describes a model and the plan to run it.",
    .usage = "[MODEL]",
    .kind = OPERAND_MODEL,
    .shared = shared_options,
    .own = own_options,
    .notes = "-v lists the tensors of the file that the network does not use.",
    .example = "ghostvk inspect --size 608x608 --layers model.pth",
    .execute = inspect,
};
