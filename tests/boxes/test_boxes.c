/* Boxes that stay on the device: draws and detections as a game's own commands find them in the frame's buffer, behind
 * nothing but a barrier, are those that gvk_detector_read gives; and what is drawn from them covers the same pixels. */
#include "drawing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/decode/maps.h"

#define SIDE    16u /* of the maps */
#define CLASSES 3u
#define PLANE   ((size_t)SIDE * SIDE)
#define EACH    (3 * (5 + CLASSES) * PLANE) /* values of a picture */
#define BATCH   3u

static struct host_device host;
static struct drawing drawing;

/* Raw maps whose boxes overlap much; a part of the candidates is likely to be an object. */
static void draw_maps(uint64_t seed, double objects, float *out)
{
    for (size_t i = 0; i < EACH; i++) {
        size_t channel = i / PLANE % (5 + CLASSES);
        double value = random_below(&seed, 1000) / 1000.0;
        if (channel < 2)
            value = value - 0.5;
        else if (channel < 4)
            value = value - 0.5;
        else if (channel == 4)
            value = random_below(&seed, 1000) < 1000 * objects ? value * 4 : -10;
        else
            value = value * 4;
        out[i] = (float)value;
    }
}

struct scene {
    const char *name;
    uint32_t batch, max_detections, vertices;
    float iou;
    double objects[BATCH]; /* of each picture's candidates */
    bool not_finite;
};

static gvk_stream *create_stream(gvk_model *model, const struct scene *scene, uint32_t frames)
{
    gvk_detector_map maps[MAPS];
    for (int i = 0; i < MAPS; i++) {
        maps[i] = (gvk_detector_map){.output = map_names[i]};
        for (int j = 0; j < 2 * GVK_MAP_ANCHORS; j++)
            maps[i].anchors[j] = anchors[(MAPS - 1 - i) * 2 * GVK_MAP_ANCHORS + j] * 0.04f;
    }
    const gvk_detector_heads heads = {
        .size = sizeof heads, .maps = maps, .map_size = sizeof maps[0], .map_count = MAPS, .class_count = CLASSES};
    const gvk_stream_params params = {
        .size = sizeof params, .width = SIDE, .height = SIDE, .batch = scene->batch, .frames = frames};
    const gvk_detector_params detector = {.size = sizeof detector,
                                          .stream = &params,
                                          .confidence = 0.4f,
                                          .iou = scene->iou,
                                          .max_detections = scene->max_detections,
                                          .vertices_per_box = scene->vertices};
    gvk_stream *stream = NULL;
    assert_ok(gvk_detector_create_for(model, &heads, &detector, &stream));
    return stream;
}

static gvk_device_boxes boxes_of(gvk_stream *stream, gvk_ticket ticket)
{
    gvk_device_boxes boxes = {.size = sizeof boxes};
    assert_ok(gvk_detector_boxes(stream, ticket, &boxes));
    assert_true(boxes.buffer != VK_NULL_HANDLE);
    assert_int_equal(boxes.draws % 16, 0);
    assert_int_equal(boxes.boxes % 16, 0);
    assert_true(boxes.draw_stride >= sizeof(VkDrawIndirectCommand) && boxes.draw_stride % 4 == 0);
    return boxes;
}

/* The draws are of each picture's boxes, which are those of `read`; it may have fewer of each picture. Returns how many
 * pictures have boxes. */
static uint32_t compare(const struct scene *scene, const gvk_device_boxes *boxes, const unsigned char *bytes,
                        const gvk_detection *read, uint32_t read_count)
{
    uint32_t count, first = 0, seen = 0, filled = 0;
    memcpy(&count, bytes + boxes->count, sizeof count);
    assert_true(count <= boxes->capacity);
    for (uint32_t item = 0; item < scene->batch; item++) {
        VkDrawIndirectCommand draw;
        memcpy(&draw, bytes + boxes->draws + item * boxes->draw_stride, sizeof draw);
        uint32_t own = 0, all = 0;
        while (seen + own < read_count && read[seen + own].item == item)
            own++;
        if (draw.vertexCount != (scene->vertices ? scene->vertices : 6) || draw.firstVertex ||
            draw.instanceCount != own || draw.firstInstance != first)
            fail_msg("%s: picture %u is drawn by %u vertices from %u, %u instances from %u; it has %u boxes from %u",
                     scene->name, item, draw.vertexCount, draw.firstVertex, draw.instanceCount, draw.firstInstance, own,
                     first);
        if (own && memcmp(bytes + boxes->boxes + 32 * (size_t)first, &read[seen], own * sizeof *read) != 0)
            fail_msg("%s: the boxes of picture %u are not those that were read", scene->name, item);
        for (gvk_detection box; first + all < count; all++) {
            memcpy(&box, bytes + boxes->boxes + 32 * (size_t)(first + all), sizeof box);
            if (box.item != item)
                break;
        }
        if (scene->max_detections ? own != (all < scene->max_detections ? all : scene->max_detections) : own != all)
            fail_msg("%s: picture %u has %u boxes, of which %u are drawn", scene->name, item, all, own);
        first += all;
        seen += own;
        filled += own > 0;
    }
    assert_int_equal(first, count);
    assert_int_equal(seen, read_count);
    return filled;
}

static void what_lies_on_the_device_is_what_is_read(void **state)
{
    (void)state;
    static const struct scene scenes[] = {
        {"one picture", 1, 0, 0, 0.3f, {0.2}, false},
        {"one picture, lines", 1, 0, 4, 0.3f, {0.2}, false},
        {"three pictures", 3, 0, 0, 0.5f, {0.1, 0.3, 0.05}, false},
        {"three pictures, all boxes", 3, 0, 0, 1, {0.3, 0.2, 1}, false},
        {"two boxes a picture at most", 3, 2, 0, 0.3f, {0.2, 0.004, 0.3}, false},
        {"one box at most", 1, 1, 0, 0.3f, {0.5}, false},
        {"none in the first picture", 3, 0, 0, 0.3f, {0, 0.2, 0.1}, false},
        {"none in the middle", 3, 4, 0, 0.3f, {0.2, 0, 0.1}, false},
        {"none in the last", 3, 0, 0, 0.3f, {0.2, 0.1, 0}, false},
        {"none at all", 3, 0, 0, 0.3f, {0, 0, 0}, false},
        {"none in one picture", 1, 0, 0, 0.3f, {0}, false},
        {"a not-a-number in a map", 3, 0, 0, 0.3f, {0.2, 0.2, 0.2}, true},
    };
    static float maps[BATCH * EACH];
    gvk_model *model = create_one_map_model(3 * (5 + CLASSES));
    for (size_t i = 0; i < ARRAY_COUNT(scenes); i++) {
        const struct scene *scene = &scenes[i];
        gvk_stream *stream = create_stream(model, scene, 2);
        gvk_picture pictures[BATCH];
        uint32_t expected = 0;
        for (uint32_t j = 0; j < scene->batch; j++) {
            draw_maps(100 * i + j + 1, scene->objects[j], maps + j * EACH);
            pictures[j] = tensor_picture(SIDE, SIDE, maps + j * EACH);
            expected += scene->objects[j] > 0;
        }
        if (scene->not_finite) {
            maps[EACH + 5] = NAN;
            expected = 0;
        }
        for (int frame = 0; frame < 3; frame++) { /* the third takes the first one's place */
            gvk_ticket ticket = submit(stream, pictures, scene->batch);
            gvk_device_boxes boxes = boxes_of(stream, ticket);
            unsigned char *bytes = copy_buffer(&drawing, boxes.buffer, boxes.boxes + 32 * (uint64_t)boxes.capacity);
            const gvk_detection *read = NULL;
            uint32_t count = 0;
            assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
            gvk_result result = gvk_detector_read(stream, ticket, &read, sizeof *read, &count);
            assert_int_equal(result, scene->not_finite ? GVK_ERROR_NUMBER : GVK_OK);
            uint32_t filled = compare(scene, &boxes, bytes, read, count);
            if (filled != expected)
                fail_msg("%s: %u pictures have boxes, not %u: that proves nothing", scene->name, filled, expected);
            free(bytes);
        }
        gvk_stream_destroy(stream);
    }
    gvk_model_destroy(model);
}

/* Whether a pixel's centre lies in a box; *unsure where that is for the rasterizer to say. */
static bool covers(const gvk_detection *box, double x, double y, bool *unsure)
{
    const double slack = 0.07; /* a driver may snap corners to sixteenths of a pixel */
    double inside = fmin(fmin(x - (double)box->box[0], (double)box->box[2] - x),
                         fmin(y - (double)box->box[1], (double)box->box[3] - y));
    *unsure = fabs(inside) <= slack;
    return inside > 0;
}

static void what_is_drawn_from_the_device_covers_the_boxes_that_are_read(void **state)
{
    (void)state;
    static const struct scene scenes[] = {
        {"many boxes", 1, 0, 0, 0.3f, {0.03}, false},
        {"three boxes", 1, 3, 0, 0.3f, {0.5}, false},
        {"no boxes", 1, 0, 0, 0.3f, {0}, false},
        {"a not-a-number in a map", 1, 0, 0, 0.3f, {0.5}, true},
    };
    static float maps[EACH];
    gvk_model *model = create_one_map_model(3 * (5 + CLASSES));
    for (size_t i = 0; i < ARRAY_COUNT(scenes); i++) {
        const struct scene *scene = &scenes[i];
        gvk_stream *stream = create_stream(model, scene, 1);
        draw_maps(31 + i, scene->objects[0], maps);
        if (scene->not_finite)
            maps[7] = NAN;
        const gvk_picture picture = tensor_picture(SIDE, SIDE, maps);
        gvk_ticket ticket = submit(stream, &picture, 1);
        gvk_device_boxes boxes = boxes_of(stream, ticket);
        uint8_t *drawn = draw_boxes(&drawing, &boxes, 0);
        const gvk_detection *read = NULL;
        uint32_t count = 0, covered = 0, compared = 0;
        assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
        gvk_result result = gvk_detector_read(stream, ticket, &read, sizeof *read, &count);
        assert_int_equal(result, scene->not_finite ? GVK_ERROR_NUMBER : GVK_OK);
        for (uint32_t y = 0; y < drawing.height; y++)
            for (uint32_t x = 0; x < drawing.width; x++) {
                bool inside = false, doubtful = false;
                for (uint32_t j = 0; j < count; j++) {
                    bool unsure, in = covers(&read[j], x + 0.5, y + 0.5, &unsure);
                    inside |= in && !unsure;
                    doubtful |= unsure;
                }
                uint8_t value = drawn[(size_t)y * drawing.width + x];
                if (doubtful && !inside)
                    continue;
                compared++;
                covered += inside;
                if (value != (inside ? 255 : 0))
                    fail_msg("%s: pixel %u, %u is %u, and it is %s of %u boxes", scene->name, x, y, value,
                             inside ? "in one" : "in none", count);
            }
        uint32_t all = drawing.width * drawing.height;
        bool some = scene->objects[0] > 0 && !scene->not_finite;
        if (compared < all / 2 || (covered > 0) != some || covered == all)
            fail_msg("%s: %u of %u pixels compared, %u of them covered by %u boxes: that proves nothing", scene->name,
                     compared, all, covered, count);
        print_message("             %s: %u boxes cover %u of %u pixels\n", scene->name, count, covered, all);
        free(drawn);
        gvk_stream_destroy(stream);
    }
    gvk_model_destroy(model);
}

/* An output that stays on the device, fp32 or fp16: quads of four channels, as its values are read. */
static void a_tensor_on_the_device_is_what_is_read(void **state)
{
    (void)state;
    static float maps[2 * EACH];
    gvk_model *model = create_one_map_model(3 * (5 + CLASSES));
    const gvk_stream_params params = {.size = sizeof params, .width = SIDE, .height = SIDE, .batch = 2, .frames = 2};
    gvk_stream *stream = NULL;
    assert_ok(gvk_stream_create(model, &params, &stream));
    const gvk_picture pictures[2] = {tensor_picture(SIDE, SIDE, maps), tensor_picture(SIDE, SIDE, maps + EACH)};
    for (uint64_t frame = 0; frame < 3; frame++) {
        for (size_t i = 0; i < 2; i++)
            draw_maps(7 + 2 * frame + i, 0.5, maps + i * EACH);
        gvk_ticket ticket = submit(stream, pictures, 2);
        for (int i = 0; i < MAPS; i++) {
            gvk_device_tensor tensor = {.size = sizeof tensor};
            assert_ok(gvk_stream_device_tensor(stream, ticket, map_names[i], &tensor));
            uint32_t side = SIDE / map_steps[i], quads = 3 * (5 + CLASSES) / 4;
            assert_true(tensor.batch == 2 && tensor.channels == 4 * quads && tensor.width == side &&
                        tensor.height == side && tensor.type == GVK_TYPE_F32);
            assert_int_equal(tensor.bytes, (uint64_t)2 * quads * side * side * 16);
            unsigned char *bytes = copy_buffer(&drawing, tensor.buffer, tensor.offset + tensor.bytes);
            const float *got = (const float *)(const void *)(bytes + tensor.offset);
            gvk_array array;
            assert_ok(gvk_stream_wait(stream, ticket, UINT64_MAX));
            assert_ok(gvk_stream_read(stream, ticket, map_names[i], &array));
            const float *read = array.data;
            size_t pixels = (size_t)side * side;
            for (size_t j = 0; j < 2 * (size_t)tensor.channels * pixels; j++) {
                size_t channel = j / pixels, pixel = j % pixels; /* of both pictures */
                float value = got[(channel / 4 * pixels + pixel) * 4 + channel % 4];
                if (memcmp(&value, &read[j], sizeof value) != 0)
                    fail_msg("%s, frame %llu: value %zu is %.9g on the device and %.9g read", map_names[i],
                             (unsigned long long)frame, j, (double)value, (double)read[j]);
            }
            free(bytes);
        }
    }
    gvk_stream_destroy(stream);
    gvk_model_destroy(model);
}

static int open_all(void **state)
{
    (void)state;
    if (!host_device_create(&host))
        fail_msg("%s", host.fault);
    gvk_import_params params = host_device_params(&host);
    params.host = &test_host;
    assert_ok(gvk_device_import(&params, &device));
    create_drawing(&host, SIDE, SIDE, &drawing);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    destroy_drawing(&drawing);
    gvk_device_destroy(device);
    host_device_destroy(&host);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_lies_on_the_device_is_what_is_read),
        cmocka_unit_test(what_is_drawn_from_the_device_covers_the_boxes_that_are_read),
        cmocka_unit_test(a_tensor_on_the_device_is_what_is_read),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
