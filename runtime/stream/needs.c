/* What a stream will take of the device's memory, counted over the plan that it is made of. */
#include "stream.h"

#include "runtime/base/structs.h"
#include "stream_inside.h"

/* Of the pictures of one frame. */
static gvk_result measure_pictures(gvk_stream *stream, const gvk_picture *pictures, uint32_t count, uint64_t *out)
{
    const struct gvk_input_target target = gvk_stream_input(stream);
    struct gvk_intake intake = {0};
    gvk_result result = gvk_intake_create(stream->device, count, &intake);
    if (!result)
        result = gvk_intake_plan_likeness(&intake, &target, pictures);
    if (!result)
        result = gvk_intake_measure(&intake, &target, out);
    gvk_intake_destroy(stream->device, &intake);
    return result;
}

/* The pictures to come, into `out`, which has room for the batch. */
static gvk_result read_likeness(const gvk_stream *stream, const gvk_picture *given, size_t picture_size,
                                gvk_picture *out)
{
    const gvk_host *host = &stream->device->host;
    const struct gvk_program *program = stream->program;
    bool takes_pixels = program->shapes[stream->model->graph->inputs[0].tensor].channels == 3;
    gvk_result result = given ? gvk_element_size(host, &gvk_layout_of_picture, picture_size, &picture_size) : GVK_OK;
    for (uint32_t i = 0; i < program->batch && !result; i++) {
        out[i] = (gvk_picture){.size = sizeof out[i],
                               .kind = takes_pixels ? GVK_PICTURE_PIXELS : GVK_PICTURE_TENSOR,
                               .width = program->width,
                               .height = program->height};
        if (given)
            result = gvk_element_read(host, &gvk_layout_of_picture, given, picture_size, i, &out[i]);
    }
    return result;
}

gvk_result gvk_stream_measure(gvk_stream *stream, const gvk_picture *likeness, size_t picture_size,
                              struct gvk_stream_needs *out)
{
    uint64_t created = 0, pictures = 0, sample = 0;
    gvk_picture split;
    gvk_result result = read_likeness(stream, likeness, picture_size, stream->pictures);
    if (!result)
        result = gvk_stream_measure_created(stream, &created);
    if (!result)
        result = measure_pictures(stream, stream->pictures, stream->program->batch, &pictures);
    if (!result && gvk_stream_split_sample(stream, &split))
        result = measure_pictures(stream, &split, 1, &sample);
    pictures *= stream->frame_count;
    *out = (struct gvk_stream_needs){.stream = created + pictures,
                                     .peak = created + (pictures > sample ? pictures : sample)};
    return result;
}
