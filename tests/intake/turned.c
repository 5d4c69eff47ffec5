/* Pictures turned and cropped, in host memory, in buffers at any byte, as images: every byte is Pillow's
 * (tests/goldens/make_turned.py). */
#include "intake.h"

#define CASE_CAPACITY 64

struct turned_case {
    char what[96];
    bool letterbox;
    uint32_t orientation, crop[4], width, height;
    const uint8_t *expected;
};

static struct golden *golden;
static struct turned_case cases[CASE_CAPACITY];
static uint32_t case_count, source_width, source_height;
static const uint8_t *source;

static int read_cases(void **state)
{
    (void)state;
    golden = open_golden("turned.safetensors");
    const gvk_array *stored = golden_array(golden, "source");
    source = stored->data;
    source_height = (uint32_t)stored->shape[0];
    source_width = (uint32_t)stored->shape[1];
    case_count = (uint32_t)strtoul(golden_text(golden, "case_count"), NULL, 10);
    assert_in_range(case_count, 8, CASE_CAPACITY);
    for (uint32_t i = 0; i < case_count; i++) {
        struct turned_case *one = &cases[i];
        char key[40];
        snprintf(key, sizeof key, "case%02u.kind", i);
        one->letterbox = !strcmp(golden_text(golden, key), "letterbox");
        snprintf(key, sizeof key, "case%02u.orientation", i);
        one->orientation = (uint32_t)strtoul(golden_text(golden, key), NULL, 10);
        snprintf(key, sizeof key, "case%02u.crop", i);
        const char *numbers = golden_text(golden, key);
        assert_int_equal(sscanf(numbers, "%u %u %u %u", &one->crop[0], &one->crop[1], &one->crop[2], &one->crop[3]), 4);
        snprintf(key, sizeof key, "case%02u.expected", i);
        const gvk_array *expected = golden_array(golden, key);
        one->expected = expected->data;
        one->height = (uint32_t)expected->shape[0];
        one->width = (uint32_t)expected->shape[1];
        snprintf(one->what, sizeof one->what, "case %u, orientation %u, crop %.40s, %s", i, one->orientation, numbers,
                 one->letterbox ? "letterbox" : "stretch");
    }
    return 0;
}

static int forget_cases(void **state)
{
    (void)state;
    close_golden(golden);
    return 0;
}

/* The stored pixels in a format, rows so far apart; a size of `bytes`. */
static void write_pixels(gvk_pixel_format format, size_t pitch, uint8_t *to)
{
    size_t pixel = format == GVK_PIXELS_RGB8 ? 3 : 4;
    for (uint32_t y = 0; y < source_height; y++)
        for (uint32_t x = 0; x < source_width; x++) {
            const uint8_t *from = source + ((size_t)y * source_width + x) * 3;
            uint8_t *at = to + y * pitch + x * pixel;
            for (int c = 0; c < 3; c++)
                at[c] = from[format == GVK_PIXELS_BGRA8 ? 2 - c : c];
            if (pixel == 4)
                at[3] = (uint8_t)(x * 37 + y * 11);
        }
}

static gvk_picture picture_of(const struct turned_case *one)
{
    return (gvk_picture){
        .size = sizeof(gvk_picture),
        .width = source_width,
        .height = source_height,
        .letterbox = one->letterbox,
        .orientation = one->orientation,
        .crop_x = one->crop[0],
        .crop_y = one->crop[1],
        .crop_width = one->crop[2],
        .crop_height = one->crop[3],
    };
}

static void host_pixels_are_turned_and_cropped_as_pillow_does_it(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < case_count; i++) {
        gvk_stream *stream = create_stream_of(cases[i].width, cases[i].height, 1, 1, 0);
        for (int format = GVK_PIXELS_RGB8; format <= GVK_PIXELS_BGRA8; format++) {
            size_t row = source_width * (format == GVK_PIXELS_RGB8 ? 3u : 4u), pitch = row + (i % 2 ? 13 : 0);
            size_t bytes = pitch * (source_height - 1) + row;
            uint8_t *block = malloc(bytes); /* to the byte, so that a sanitizer sees what is read beyond */
            assert_non_null(block);
            write_pixels((gvk_pixel_format)format, pitch, block);
            gvk_picture picture = picture_of(&cases[i]);
            picture.format = (gvk_pixel_format)format;
            picture.row_pitch = pitch == row ? 0 : pitch;
            picture.pixels = block;
            gvk_ticket ticket = submit_pictures(stream, &picture, 1);
            free(block);
            expect_bytes(stream, ticket, 0, cases[i].expected, cases[i].width, cases[i].height, cases[i].what);
        }
        gvk_stream_destroy(stream);
    }
}

static void buffers_are_read_in_place_at_any_byte(void **state)
{
    (void)state;
    static const uint32_t offsets[] = {0, 1, 2, 3, 259, 1030}, paddings[] = {0, 1, 7, 256};
    uint32_t tried = 0;
    for (uint32_t i = 0; i < case_count; i++) {
        gvk_stream *stream = create_stream_of(cases[i].width, cases[i].height, 1, 1, 0);
        for (uint32_t j = 0; j < 6; j++, tried++) {
            gvk_pixel_format format = (gvk_pixel_format)((i + j) % 3);
            size_t row = source_width * (format == GVK_PIXELS_RGB8 ? 3u : 4u), pitch = row + paddings[(i + j) % 4];
            size_t end = offsets[j] + pitch * (source_height - 1) + row;
            struct host_buffer buffer =
                create_host_buffer((end + 3) / 4 * 4, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT); /* not a byte more */
            memset(buffer.mapped, 0xa5, (size_t)buffer.bytes);
            write_pixels(format, pitch, (uint8_t *)buffer.mapped + offsets[j]);
            gvk_picture picture = picture_of(&cases[i]);
            picture.kind = GVK_PICTURE_BUFFER;
            picture.format = format;
            picture.row_pitch = pitch;
            picture.buffer = buffer.buffer;
            picture.offset = offsets[j];
            picture.buffer_bytes = buffer.bytes;
            gvk_ticket ticket = submit_pictures(stream, &picture, 1);
            char what[160];
            snprintf(what, sizeof what, "%.90s, buffer at byte %u, pitch %zu, format %d", cases[i].what, offsets[j],
                     pitch, (int)format);
            expect_bytes(stream, ticket, 0, cases[i].expected, cases[i].width, cases[i].height, what);
            destroy_host_buffer(&buffer);
        }
        gvk_stream_destroy(stream);
    }
    print_message("             %u buffers\n", tried);
}

static void images_are_turned_and_cropped_like_pixels(void **state)
{
    (void)state;
    struct host_image images[2];
    uint8_t *texels = malloc((size_t)source_width * source_height * 4);
    assert_non_null(texels);
    for (uint32_t j = 0; j < 2; j++) {
        gvk_pixel_format format = j ? GVK_PIXELS_BGRA8 : GVK_PIXELS_RGBA8;
        assert_true(create_host_image(j ? VK_FORMAT_B8G8R8A8_UNORM : VK_FORMAT_R8G8B8A8_UNORM, source_width,
                                      source_height, 0, &images[j]));
        write_pixels(format, (size_t)source_width * 4, texels);
        draw_image(&images[j], VK_IMAGE_ASPECT_COLOR_BIT, texels, (size_t)source_width * source_height * 4,
                   j ? VK_IMAGE_LAYOUT_GENERAL : VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL);
    }
    free(texels);
    for (uint32_t i = 0; i < case_count; i++) {
        gvk_stream *stream = create_stream_of(cases[i].width, cases[i].height, 1, 1, 0);
        for (uint32_t j = 0; j < 2; j++) {
            gvk_picture picture = picture_of(&cases[i]);
            picture.kind = GVK_PICTURE_IMAGE;
            picture.view = images[j].view;
            picture.view_format = images[j].format;
            picture.layout = images[j].layout;
            char what[160];
            snprintf(what, sizeof what, "%.90s, image of %s", cases[i].what, j ? "BGRA" : "RGBA");
            gvk_ticket ticket = submit_pictures(stream, &picture, 1);
            expect_bytes(stream, ticket, 0, cases[i].expected, cases[i].width, cases[i].height, what);
        }
        gvk_stream_destroy(stream);
    }
    destroy_host_image(&images[0]);
    destroy_host_image(&images[1]);
}

int run_turned_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_pixels_are_turned_and_cropped_as_pillow_does_it),
        cmocka_unit_test(buffers_are_read_in_place_at_any_byte),
        cmocka_unit_test(images_are_turned_and_cropped_like_pixels),
    };
    return cmocka_run_group_tests(tests, read_cases, forget_cases);
}
