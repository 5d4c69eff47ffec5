/* The program in front of the network: copies of tensors, and the resize of pixels, two passes a picture, each in as
 * many dispatches as the device's largest range and the longest time of a submission ask for. */
#include "intake_commands.h"

#include <math.h>

#include "runtime/kernel/dispatch.h"
#include "runtime/picture/rules.h"

/* Of a pass, that are made for the sake of time, and the fewest rows of one: however short that is, commands stay few.
 */
#define MOST_STRIPS_IN_TIME 64u
#define FEWEST_ROWS_IN_TIME 64u
/* A dispatch takes a microsecond at least, whatever it computes. */
#define DISPATCH_US 1.0

static struct gvk_strip_limit limit_of(const gvk_device *device)
{
    /* A range may begin up to an alignment early, and ends at a whole word. */
    uint64_t most = device->traits.max_storage_bytes;
    most = most < GVK_STRIP_BYTES ? most : GVK_STRIP_BYTES;
    return (struct gvk_strip_limit){.bytes = most > 2 * GVK_RANGE_ALIGNMENT ? most - 2 * GVK_RANGE_ALIGNMENT : 0};
}

/* Bytes of the host's or the upload's that rows of what is looked at lie in. */
struct byte_range {
    uint64_t origin;      /* of the first row's first pixel */
    int64_t across, down; /* from a pixel to the next one, from a row to the next one */
    uint64_t begin, end;  /* of the rows */
};

static int64_t lower(int64_t left, int64_t right)
{
    return left < right ? left : right;
}

static struct byte_range range_of(const struct gvk_picture_layout *layout, uint32_t first, uint32_t rows)
{
    int64_t pixel = gvk_pixel_bytes(layout->picture.format), pitch = (int64_t)layout->pitch;
    const struct gvk_turn *turn = &layout->turn;
    struct byte_range range = {.across = turn->across[0] * pixel + turn->across[1] * pitch,
                               .down = turn->down[0] * pixel + turn->down[1] * pitch};
    int64_t origin = (int64_t)layout->pixels + turn->origin[0] * pixel + turn->origin[1] * pitch + range.down * first;
    int64_t last_of_row = range.across * ((int64_t)layout->width - 1), last_row = range.down * ((int64_t)rows - 1);
    range.origin = (uint64_t)origin;
    range.begin = (uint64_t)(origin + lower(last_of_row, 0) + lower(last_row, 0));
    range.end = (uint64_t)(origin - lower(-last_of_row, 0) - lower(-last_row, 0) + pixel);
    return range;
}

/* Its rows are the stored picture's columns: a strip of them touches all of its bytes. */
static bool is_on_its_side(const struct gvk_picture_layout *layout)
{
    return layout->turn.down[1] == 0;
}

/* Of the rows that a strip of the horizontal pass reads and writes, the longer one's bytes. */
static uint64_t longer_row(const struct gvk_picture_layout *layout)
{
    uint64_t read = gvk_is_bytes(layout) && !is_on_its_side(layout) ? layout->pitch : 0;
    uint64_t written = (uint64_t)layout->placement.width * 4;
    return read > written ? read : written;
}

bool gvk_can_resize(const gvk_device *device, const struct gvk_picture_layout *layout, uint32_t height)
{
    const struct gvk_strip_limit limit = limit_of(device);
    const struct gvk_placement *placement = &layout->placement;
    struct gvk_strip across = {0}, down = {0};
    if (gvk_is_bytes(layout) && is_on_its_side(layout)) {
        struct byte_range whole = range_of(layout, 0, layout->height);
        if (whole.end - whole.begin + 2 * GVK_RANGE_ALIGNMENT > device->traits.max_storage_bytes)
            return false;
    }
    while (gvk_next_horizontal_strip(placement->picture_height, longer_row(layout), limit, &across))
        ;
    while (gvk_next_vertical_strip(placement->picture_height, placement, height, (uint64_t)placement->width * 4, limit,
                                   &down))
        ;
    return across.first + across.rows == placement->picture_height && down.first + down.rows == height;
}

/* ---- time ---- */

static bool is_vertical(const struct gvk_command *command)
{
    return command->key.shader == GVK_SHADER_RESIZE_VERTICAL || command->key.shader == GVK_SHADER_RESIZE_VERTICAL_HALF;
}

static double us_of_rows(const struct gvk_input_target *target, bool vertical, uint64_t groups_x, uint64_t turns)
{
    return target->turn_us[vertical] * (double)groups_x * (double)turns;
}

double gvk_expect_us(const struct gvk_input_target *target, const struct gvk_command *command)
{
    if (command->kind != GVK_COMMAND_DISPATCH)
        return 0;
    if (target->turn_us[is_vertical(command)] == 0)
        return target->max_us;
    return DISPATCH_US +
           us_of_rows(target, is_vertical(command), command->groups[0], command->turns) * command->groups[1];
}

/* As many of `rows` as may be computed in the time; 0: any number. A workgroup computes `step`. */
static uint32_t rows_in_time(const struct gvk_input_target *target, bool vertical, uint32_t groups_x, uint32_t turns,
                             uint32_t step, uint32_t rows)
{
    double us = us_of_rows(target, vertical, groups_x, turns);
    uint32_t even = rows / MOST_STRIPS_IN_TIME + 1; /* of the most strips */
    double fewest = fmax(even, FEWEST_ROWS_IN_TIME);
    if (!target->max_us || us <= 0 || target->max_us / us * step >= rows)
        return 0;
    return (uint32_t)fmax(target->max_us / us * step, fewest);
}

/* ---- commands ---- */

/* A range of the upload or the scratch. */
static struct gvk_operand operand_of(uint32_t binding, enum gvk_memory_kind memory, enum gvk_access access,
                                     uint64_t offset, uint64_t bytes)
{
    return (struct gvk_operand){.binding = binding,
                                .memory = memory,
                                .access = access,
                                .quad_bytes = 16,
                                .offset = offset,
                                .bytes = bytes,
                                .is_aligned = memory == GVK_MEMORY_UPLOAD || memory == GVK_MEMORY_PICTURE};
}

/* What the two passes of a picture have in common. */
struct pass {
    const struct gvk_input_target *target;
    const struct gvk_picture_layout *layout;
    uint32_t item;
    const struct gvk_shape *shape; /* of the input */
    struct gvk_operand input;      /* the picture's plane in the arena */
    struct gvk_program *program;
};

static gvk_result finish(const struct pass *pass, struct gvk_command *command, uint32_t groups_x, uint32_t groups_y)
{
    const struct gvk_device *device = pass->target->device;
    if (groups_x > device->traits.max_workgroup_count || groups_y > device->traits.max_workgroup_count)
        return gvk_fail(&device->host, GVK_ERROR_UNSUPPORTED, "A picture is too large for this device.");
    /* Ranges need no check: strips are made to fit, and a table takes less than 2 MiB, which every device binds. */
    command->key.shader = gvk_shader_for(pass->target->builder.policy, command->key.shader);
    command->groups[0] = groups_x;
    command->groups[1] = groups_y;
    command->groups[2] = 1;
    return gvk_program_add_command(pass->program, command);
}

/* Turns of a lane: no table has more taps than the picture has pixels. */
static uint32_t turns_of(uint32_t taps, uint32_t source)
{
    return taps < source ? taps : source;
}

/* What a strip reads of a picture that lies in memory as bytes. */
static void read_bytes(const struct pass *pass, const struct gvk_strip *strip, struct gvk_command *command)
{
    const struct gvk_picture_layout *layout = pass->layout;
    bool is_buffer = layout->picture.kind == GVK_PICTURE_BUFFER;
    const struct byte_range range = range_of(layout, strip->first, strip->rows);
    uint64_t bound = range.begin / GVK_RANGE_ALIGNMENT * GVK_RANGE_ALIGNMENT;
    const struct gvk_resize_push push = {
        .pixels_byte = (uint32_t)(range.origin - bound),
        .row_step = (uint32_t)range.down,
        .pixel_step = (uint32_t)range.across,
        .red_first = layout->picture.format != GVK_PIXELS_BGRA8,
        .taps = gvk_resize_taps(layout->width, layout->placement.width),
        .source_width = layout->width,
        .source_height = strip->rows,
        .inner_width = layout->placement.width,
        .inner_height = layout->placement.height,
    };
    struct gvk_operand source = operand_of(GVK_BINDING_SOURCE, is_buffer ? GVK_MEMORY_PICTURE : GVK_MEMORY_UPLOAD,
                                           GVK_READ, bound, (range.end - bound + 3) / 4 * 4);
    source.useful = (uint64_t)layout->width * strip->rows * gvk_pixel_bytes(layout->picture.format);
    source.block = pass->item;
    command->key.shader = GVK_SHADER_RESIZE_HORIZONTAL;
    gvk_add_operand(command, source);
    gvk_set_push(command, &push, sizeof push);
}

/* Y, Cb and Cr from the planes' values, and R, G, B from these: "Sampler Y'CbCr Range Expansion" and "Sampler Y'CbCr
 * Model Conversion" of Vulkan's specification, for 8 bits. */
static void set_conversion(const gvk_picture *picture, struct gvk_resize_image_push *push)
{
    bool narrow = picture->ycbcr_range == VK_SAMPLER_YCBCR_RANGE_ITU_NARROW;
    double red = 0.299, blue = 0.114;
    if (picture->ycbcr_model == VK_SAMPLER_YCBCR_MODEL_CONVERSION_YCBCR_709) {
        red = 0.2126;
        blue = 0.0722;
    } else if (picture->ycbcr_model == VK_SAMPLER_YCBCR_MODEL_CONVERSION_YCBCR_2020) {
        red = 0.2627;
        blue = 0.0593;
    }
    double green = 1 - red - blue;
    push->luma_scale = (float)(narrow ? 255.0 / 219 : 1);
    push->luma_offset = (float)(narrow ? -16.0 / 219 : 0);
    push->chroma_scale = (float)(narrow ? 255.0 / 224 : 1);
    push->chroma_offset = (float)(-128.0 / (narrow ? 224 : 255));
    push->red_of_cr = (float)(2 * (1 - red));
    push->green_of_cb = (float)(-2 * (1 - blue) * blue / green);
    push->green_of_cr = (float)(-2 * (1 - red) * red / green);
    push->blue_of_cb = (float)(2 * (1 - blue));
}

/* What a strip reads of a picture that is an image. */
static void read_image(const struct pass *pass, const struct gvk_strip *strip, struct gvk_command *command)
{
    const struct gvk_picture_layout *layout = pass->layout;
    const gvk_picture *picture = &layout->picture;
    const struct gvk_turn *turn = &layout->turn;
    struct gvk_resize_image_push push = {
        .taps = gvk_resize_taps(layout->width, layout->placement.width),
        .source_height = strip->rows,
        .inner_width = layout->placement.width,
        .origin_x = turn->origin[0] + turn->down[0] * (int32_t)strip->first,
        .origin_y = turn->origin[1] + turn->down[1] * (int32_t)strip->first,
        .across_x = turn->across[0],
        .across_y = turn->across[1],
        .down_x = turn->down[0],
        .down_y = turn->down[1],
        .is_linear = gvk_is_linear(picture),
        .unit_x = 1.0f / (float)picture->width,
        .unit_y = 1.0f / (float)picture->height,
    };
    command->image = pass->item + 1;
    command->key.shader = GVK_SHADER_RESIZE_IMAGE;
    if (picture->kind == GVK_PICTURE_PLANES) {
        set_conversion(picture, &push);
        command->key.shader = GVK_SHADER_RESIZE_PLANES;
    } else if (picture->ycbcr_sampler) {
        command->key.shader = GVK_SHADER_RESIZE_SAMPLED; /* whose pipeline comes with the sampler */
    }
    if (!picture->ycbcr_sampler)
        command->key.layout = gvk_image_pipeline_layout(pass->target->device);
    gvk_set_push(command, &push, sizeof push);
}

static gvk_result emit_horizontal(const struct pass *pass)
{
    const struct gvk_picture_layout *layout = pass->layout;
    const struct gvk_placement *placement = &layout->placement;
    uint64_t written = (uint64_t)placement->width * 4;
    uint32_t groups_x = gvk_divide_up(placement->width, GVK_RESIZE_LANES);
    uint32_t turns = turns_of(gvk_resize_taps(layout->width, placement->width), layout->width);
    struct gvk_strip_limit limit = limit_of(pass->target->device);
    limit.rows = rows_in_time(pass->target, false, groups_x, turns, GVK_RESIZE_ROWS, layout->height);
    struct gvk_strip strip = {0};
    gvk_result result = GVK_OK;
    while (!result && gvk_next_horizontal_strip(layout->height, longer_row(layout), limit, &strip)) {
        struct gvk_command command = {.kind = GVK_COMMAND_DISPATCH,
                                      .label = "resize, horizontal",
                                      .key = {.constants = {GVK_RESIZE_LANES}},
                                      .turns = turns};
        struct gvk_operand rows = operand_of(GVK_BINDING_OUTPUT, GVK_MEMORY_SCRATCH, GVK_WRITE,
                                             layout->rows + strip.first * written, strip.rows * written);
        rows.useful = rows.bytes;
        gvk_add_operand(&command, rows);
        if (gvk_is_bytes(layout))
            read_bytes(pass, &strip, &command);
        else
            read_image(pass, &strip, &command);
        gvk_add_operand(&command, operand_of(GVK_BINDING_EXTRA, GVK_MEMORY_UPLOAD, GVK_READ, layout->horizontal,
                                             gvk_resize_table_ints(layout->width, placement->width) * 4));
        result = finish(pass, &command, groups_x, gvk_divide_up(strip.rows, GVK_RESIZE_ROWS));
    }
    return result;
}

static gvk_result emit_vertical(const struct pass *pass)
{
    const struct gvk_picture_layout *layout = pass->layout;
    const struct gvk_placement *placement = &layout->placement;
    uint64_t read = (uint64_t)placement->width * 4;
    uint64_t written = (uint64_t)pass->shape->width * pass->input.quad_bytes;
    uint32_t groups_x = gvk_divide_up(pass->shape->width, GVK_RESIZE_LANES);
    struct gvk_resize_push push = {
        .taps = gvk_resize_taps(layout->height, placement->height),
        .source_width = layout->width,
        .inner_x = placement->x,
        .inner_y = placement->y,
        .inner_width = placement->width,
        .inner_height = placement->height,
        .width = pass->shape->width,
        .height = pass->shape->height,
    };
    struct gvk_strip_limit limit = limit_of(pass->target->device);
    limit.rows =
        rows_in_time(pass->target, true, groups_x, turns_of(push.taps, layout->height), 1, pass->shape->height);
    struct gvk_strip strip = {0};
    gvk_result result = GVK_OK;
    while (!result && gvk_next_vertical_strip(layout->height, placement, pass->shape->height, read, limit, &strip)) {
        struct gvk_command command = {.kind = GVK_COMMAND_DISPATCH,
                                      .label = "resize, vertical",
                                      .key = {.shader = GVK_SHADER_RESIZE_VERTICAL, .constants = {GVK_RESIZE_LANES}},
                                      .turns = turns_of(push.taps, layout->height)};
        uint32_t rows = strip.source_rows ? strip.source_rows : 1; /* a strip that reads nothing binds something */
        struct gvk_operand output = pass->input;
        output.offset += strip.first * written;
        output.bytes = output.useful = strip.rows * written;
        push.first_row = strip.first;
        push.source_row = strip.source_first;
        push.source_height = strip.source_rows;
        /* The kernel counts pixels from the plane's first one, the range begins with the strip's: a difference below 0,
         * which is right again once the pixel is added. */
        push.output_offset = 0u - strip.first * pass->shape->width;
        gvk_add_operand(&command, output);
        gvk_add_operand(&command, operand_of(GVK_BINDING_SOURCE, GVK_MEMORY_SCRATCH, GVK_READ,
                                             layout->rows + strip.source_first * read, rows * read));
        gvk_add_operand(&command, operand_of(GVK_BINDING_EXTRA, GVK_MEMORY_UPLOAD, GVK_READ, layout->vertical,
                                             gvk_resize_table_ints(layout->height, placement->height) * 4));
        command.operands[1].useful = strip.source_rows * read;
        gvk_set_push(&command, &push, sizeof push);
        result = finish(pass, &command, groups_x, strip.rows);
    }
    return result;
}

static gvk_result emit_copy(const struct pass *pass)
{
    struct gvk_command command = {.kind = GVK_COMMAND_COPY, .label = "input", .operand_count = 2};
    command.operands[0] = pass->input;
    command.operands[1] =
        operand_of(GVK_BINDING_SOURCE, GVK_MEMORY_UPLOAD, GVK_READ, pass->layout->pixels, pass->input.bytes);
    return gvk_program_add_command(pass->program, &command);
}

gvk_result gvk_emit_intake(const struct gvk_input_target *target, const struct gvk_picture_layout *layouts,
                           uint32_t count, struct gvk_program *program)
{
    static gvk_result (*const emit[3])(const struct pass *pass) = {emit_copy, emit_horizontal, emit_vertical};
    const struct gvk_program *whole = target->builder.program;
    const struct gvk_tensor_location *tensor = &whole->locations[target->tensor];
    struct pass pass = {.target = target, .shape = &whole->shapes[target->tensor], .program = program};
    uint32_t block;
    gvk_result result = gvk_program_borrow_block(program, &whole->blocks[tensor->block], &block);
    for (int step = 0; step < 3; step++) { /* of all pictures, before the next: they need one barrier together */
        for (uint32_t i = 0; i < count && !result; i++) {
            pass.layout = &layouts[i];
            pass.item = i;
            pass.input = gvk_tensor_operand(whole, target->tensor, GVK_BINDING_OUTPUT, GVK_WRITE);
            pass.input.block = block;
            pass.input.offset += (uint64_t)tensor->item * i * whole->quad_bytes;
            pass.input.bytes = pass.input.useful =
                (uint64_t)gvk_quads(pass.shape->channels) * pass.shape->width * pass.shape->height * whole->quad_bytes;
            if ((pass.layout->picture.kind == GVK_PICTURE_TENSOR) == (step == 0))
                result = emit[step](&pass);
        }
    }
    return result;
}

gvk_result gvk_intake_make_pipelines(const struct gvk_input_target *target)
{
    const struct gvk_pipeline_key keys[2] = {
        {.shader = GVK_SHADER_RESIZE_HORIZONTAL, .constants = {GVK_RESIZE_LANES}},
        {.shader = gvk_shader_for(target->builder.policy, GVK_SHADER_RESIZE_VERTICAL), .constants = {GVK_RESIZE_LANES}},
    };
    bool takes_pixels = target->builder.program->shapes[target->tensor].channels == 3;
    return takes_pixels ? gvk_pipelines_make(target->device, keys, 2) : GVK_OK;
}
