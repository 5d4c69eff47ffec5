/* Images of every format that is taken; views that alternate, frames of pictures of all kinds, in strips and in short
 * submissions; and what the host has put on the same queue before. */
#include "intake.h"

enum { SIDE = 16, TEXELS = SIDE * SIDE }; /* each of 256 values once a channel */

static const struct image_format {
    const char *name;
    VkFormat format;
    bool linear;
    int kind; /* 0: 8 bits in bytes, 1: 10 bits, red lowest, 2: 10 bits, blue lowest, 3: 16 bits, 4: floats */
} formats[] = {
    {"R8G8B8A8_UNORM", VK_FORMAT_R8G8B8A8_UNORM, false, 0},
    {"R8G8B8A8_SRGB", VK_FORMAT_R8G8B8A8_SRGB, true, 0},
    {"B8G8R8A8_UNORM", VK_FORMAT_B8G8R8A8_UNORM, false, 0},
    {"B8G8R8A8_SRGB", VK_FORMAT_B8G8R8A8_SRGB, true, 0},
    {"A8B8G8R8_UNORM_PACK32", VK_FORMAT_A8B8G8R8_UNORM_PACK32, false, 0},
    {"A8B8G8R8_SRGB_PACK32", VK_FORMAT_A8B8G8R8_SRGB_PACK32, true, 0},
    {"A2B10G10R10_UNORM_PACK32", VK_FORMAT_A2B10G10R10_UNORM_PACK32, false, 1},
    {"A2R10G10B10_UNORM_PACK32", VK_FORMAT_A2R10G10B10_UNORM_PACK32, false, 2},
    {"R16G16B16A16_UNORM", VK_FORMAT_R16G16B16A16_UNORM, false, 3},
    {"R16G16B16A16_SFLOAT", VK_FORMAT_R16G16B16A16_SFLOAT, true, 4},
};

/* IEC 61966-2-1, in double precision. */
static double coded(double light)
{
    return light <= 0.0031308 ? 12.92 * light : 1.055 * pow(light, 1 / 2.4) - 0.055;
}

static double half_value(uint16_t bits)
{
    int exponent = bits >> 10 & 31;
    double fraction = bits & 1023, value = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
    if (exponent == 31)
        value = fraction > 0 ? NAN : INFINITY;
    return bits & 0x8000 ? -value : value;
}

/* Raw numbers of a texel's R, G and B: all that there are of 8 bits, a spread of the others. */
static uint32_t raw_number(int kind, uint32_t texel, uint32_t channel)
{
    uint32_t value = (texel + channel * 85) % 256;
    switch (kind) {
    case 0: return value;
    case 1:
    case 2: return value * 4 + (value * 7 + channel) % 4;
    case 3:
        return value * 257 + (value * 31 + channel * 5) % 257 - (value == 255 ? (value * 31 + channel * 5) % 257 : 0);
    default: break;
    }
    static const uint16_t odd[] = {0x7c00, 0xfc00, 0x7e00, 0xbc00, 0x8000, 0x0001, 0x3c00, 0x3c01, 0x4400};
    return value < ARRAY_COUNT(odd) ? odd[value] : (value * 60) & 0x3fff; /* and from 0 to 2 */
}

/* What is expected of it, not rounded. */
static double expected_value(const struct image_format *format, bool linear, uint32_t raw)
{
    static const double most[] = {255, 1023, 1023, 65535};
    double value = format->kind == 4 ? half_value((uint16_t)raw) : raw / most[format->kind];
    value = value > 0 ? fmin(value, 1) : 0; /* and of what is no number */
    if (format->format == VK_FORMAT_R8G8B8A8_SRGB || format->format == VK_FORMAT_B8G8R8A8_SRGB ||
        format->format == VK_FORMAT_A8B8G8R8_SRGB_PACK32) {
        double light = value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4);
        return 255 * (linear ? value : light);
    }
    return 255 * (linear ? coded(value) : value);
}

static void write_texel(const struct image_format *format, uint32_t index, void *to)
{
    uint32_t raw[3];
    for (uint32_t c = 0; c < 3; c++)
        raw[c] = raw_number(format->kind, index, c);
    if (format->kind == 0) {
        bool blue_first = format->format == VK_FORMAT_B8G8R8A8_UNORM || format->format == VK_FORMAT_B8G8R8A8_SRGB;
        uint8_t *bytes = (uint8_t *)to + index * 4;
        for (uint32_t c = 0; c < 3; c++)
            bytes[blue_first ? 2 - c : c] = (uint8_t)raw[c];
        bytes[3] = (uint8_t)(index * 7);
    } else if (format->kind < 3) {
        bool blue_lowest = format->kind == 2;
        ((uint32_t *)to)[index] =
            (raw[blue_lowest ? 2 : 0] | raw[1] << 10 | raw[blue_lowest ? 0 : 2] << 20) | (index % 4) << 30;
    } else {
        for (uint32_t c = 0; c < 4; c++)
            ((uint16_t *)to)[index * 4 + c] = (uint16_t)(c < 3 ? raw[c] : 0x1234);
    }
}

static struct host_image draw_format(const struct image_format *format)
{
    struct host_image image;
    uint64_t texels[TEXELS];
    memset(texels, 0, sizeof texels);
    for (uint32_t i = 0; i < TEXELS; i++)
        write_texel(format, i, texels);
    if (!create_host_image(format->format, SIDE, SIDE, 0, &image))
        return (struct host_image){0};
    draw_image(&image, VK_IMAGE_ASPECT_COLOR_BIT, texels, TEXELS * (format->kind < 3 ? 4u : 8u),
               VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL);
    return image;
}

static gvk_picture picture_of_image(const struct host_image *image)
{
    return (gvk_picture){
        .size = sizeof(gvk_picture),
        .kind = GVK_PICTURE_IMAGE,
        .width = image->width,
        .height = image->height,
        .view = image->view,
        .view_format = image->format,
        .layout = image->layout,
    };
}

/* 8 bits are to be the same byte; of others the nearest byte, where drivers' curves are off by a little. */
static void expect_format(gvk_stream *stream, const struct image_format *format, gvk_light light,
                          const struct host_image *image)
{
    gvk_picture picture = picture_of_image(image);
    picture.light = light;
    bool linear = light == GVK_LIGHT_AUTO ? format->linear : light == GVK_LIGHT_LINEAR;
    const float *values = input_of(stream, submit_pictures(stream, &picture, 1), 0);
    bool exact = format->kind == 0 && linear == format->linear;
    double slack = format->kind == 0 && format->linear ? 0.5 : 0.02; /* lavapipe decodes sRGB by a polynomial */
    for (uint32_t c = 0; c < 3; c++)
        for (uint32_t i = 0; i < TEXELS; i++) {
            uint32_t raw = raw_number(format->kind, i, c);
            double value = 255.0 * (double)values[c * TEXELS + i], expected = expected_value(format, linear, raw);
            double difference = fabs(value - (exact ? raw : expected));
            if (!(difference < (exact ? 1e-3 : 0.5 + slack)) || !(fabs(value - nearbyint(value)) < 1e-3))
                fail_msg("%s, light %d: channel %u of texel %u, raw %u, is %.9g, not %.9g", format->name, (int)light, c,
                         i, raw, value, exact ? (double)raw : expected);
        }
}

static void images_of_every_format_give_their_nearest_bytes(void **state)
{
    (void)state;
    gvk_stream *stream = create_stream_of(SIDE, SIDE, 1, 1, 0); /* which resizes nothing */
    uint32_t tried = 0;
    for (size_t i = 0; i < ARRAY_COUNT(formats); i++) {
        struct host_image image = draw_format(&formats[i]);
        if (!image.image) {
            say_not_here("images of %s", formats[i].name);
            continue;
        }
        for (int light = GVK_LIGHT_AUTO; light <= GVK_LIGHT_LINEAR; light++, tried++)
            expect_format(stream, &formats[i], (gvk_light)light, &image);
        destroy_host_image(&image); /* the next one's view may get its handle, and is another view still */
    }
    gvk_stream_destroy(stream);
    print_message("             %u formats and lights\n", tried);
    assert_true(tried >= 15);
}

/* ---- frames ---- */

#define WIDE 50u
#define HIGH 40u

/* Some picture, number `seed`. */
static void paint(uint32_t seed, uint8_t rgba[WIDE * HIGH * 4])
{
    uint64_t random = 77 + seed;
    for (uint32_t i = 0; i < WIDE * HIGH * 4; i++)
        rgba[i] = (uint8_t)random_below(&random, 256);
}

static gvk_picture picture_of_pixels(const uint8_t *rgba)
{
    return (gvk_picture){
        .size = sizeof(gvk_picture), .format = GVK_PIXELS_RGBA8, .width = WIDE, .height = HIGH, .pixels = rgba};
}

static struct host_image paint_image(const uint8_t *rgba)
{
    struct host_image image;
    assert_true(create_host_image(VK_FORMAT_R8G8B8A8_UNORM, WIDE, HIGH, 0, &image));
    draw_image(&image, VK_IMAGE_ASPECT_COLOR_BIT, rgba, WIDE * HIGH * 4, VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL);
    return image;
}

/* Fails where the frame's input is not that of the host's pixels on another stream. */
static void expect_like_pixels(gvk_stream *stream, gvk_ticket ticket, uint32_t item, const gvk_picture *pixels,
                               uint32_t width, uint32_t height, const char *what)
{
    gvk_stream *plain = create_stream_of(width, height, 1, 1, 0);
    const float *expected = input_of(plain, submit_pictures(plain, pixels, 1), 0);
    const float *values = input_of(stream, ticket, item);
    for (uint32_t i = 0; i < 3 * width * height; i++)
        if (values[i] != expected[i])
            fail_msg("%s, item %u: value %u is %.9g, not %.9g", what, item, i, (double)values[i], (double)expected[i]);
    gvk_stream_destroy(plain);
}

static void views_may_alternate_from_frame_to_frame(void **state)
{
    (void)state;
    static uint8_t rgba[3][WIDE * HIGH * 4];
    struct host_image images[3];
    gvk_picture pixels[3];
    for (uint32_t i = 0; i < 3; i++) {
        paint(i, rgba[i]);
        images[i] = paint_image(rgba[i]);
        pixels[i] = picture_of_pixels(rgba[i]);
    }
    for (uint32_t frames = 1; frames <= 3; frames++) {
        gvk_stream *stream = create_stream_of(32, 32, 1, frames, 0);
        gvk_ticket tickets[9];
        for (uint32_t i = 0; i < 9 + frames - 1; i++) {
            if (i < 9) {
                gvk_picture picture = picture_of_image(&images[i * 2 % 3]);
                tickets[i] = submit_pictures(stream, &picture, 1);
            }
            if (i >= frames - 1)
                expect_like_pixels(stream, tickets[i - (frames - 1)], 0, &pixels[(i - (frames - 1)) * 2 % 3], 32, 32,
                                   "views that alternate");
        }
        gvk_stream_destroy(stream);
    }
    for (uint32_t i = 0; i < 3; i++)
        destroy_host_image(&images[i]);
}

static void pictures_of_all_kinds_fit_in_one_frame(void **state)
{
    (void)state;
    static uint8_t rgba[3][WIDE * HIGH * 4];
    static float tensor[3 * 32 * 32];
    for (uint32_t i = 0; i < 3; i++)
        paint(10 + i, rgba[i]);
    for (uint32_t i = 0; i < ARRAY_COUNT(tensor); i++)
        tensor[i] = (float)(i % 97) / 97.0f;
    struct host_image image = paint_image(rgba[1]);
    struct host_buffer buffer = create_host_buffer(sizeof rgba[2], VK_BUFFER_USAGE_STORAGE_BUFFER_BIT);
    memcpy(buffer.mapped, rgba[2], sizeof rgba[2]);
    gvk_picture kinds[4] = {
        picture_of_pixels(rgba[0]),
        picture_of_image(&image),
        picture_of_pixels(NULL),
        {.size = sizeof(gvk_picture), .kind = GVK_PICTURE_TENSOR, .width = 32, .height = 32, .pixels = tensor}};
    kinds[2].kind = GVK_PICTURE_BUFFER;
    kinds[2].buffer = buffer.buffer;
    kinds[2].buffer_bytes = buffer.bytes;
    gvk_stream *stream = create_stream_of(32, 32, 4, 2, 0);
    for (uint32_t turn = 0; turn < 8; turn++) {
        gvk_picture pictures[4];
        for (uint32_t i = 0; i < 4; i++)
            pictures[i] = kinds[(i + turn) % 4];
        gvk_ticket ticket = submit_pictures(stream, pictures, 4);
        for (uint32_t i = 0; i < 4; i++) {
            uint32_t kind = (i + turn) % 4;
            gvk_picture pixels = picture_of_pixels(rgba[kind % 3]);
            if (kind < 3) {
                expect_like_pixels(stream, ticket, i, &pixels, 32, 32, "pictures of all kinds");
                continue;
            }
            assert_memory_equal(input_of(stream, ticket, i), tensor, sizeof tensor);
        }
    }
    gvk_stream_destroy(stream);
    destroy_host_image(&image);
    destroy_host_buffer(&buffer);
}

static void images_are_resized_in_strips_and_short_submissions_alike(void **state)
{
    (void)state;
    static uint8_t rgba[WIDE * HIGH * 4];
    paint(20, rgba);
    struct host_image image = paint_image(rgba);
    gvk_picture pixels = picture_of_pixels(rgba);
    for (uint32_t orientation = 1; orientation <= 8; orientation++) {
        gvk_picture picture = picture_of_image(&image);
        picture.orientation = pixels.orientation = orientation;
        gvk_stream *stream = create_stream_of(64, 48, 1, 2, 1);
        gvk_stream_info info = {.size = sizeof info};
        gvk_ticket ticket = submit_pictures(stream, &picture, 1);
        expect_like_pixels(stream, ticket, 0, &pixels, 64, 48, "short submissions");
        gvk_stream_describe(stream, &info);
        assert_true(info.submissions > 1);
        gvk_stream_destroy(stream);
    }
    destroy_host_image(&image);
}

/* No semaphore and no fence: the frame's own barrier sees what is on the queue, and what is put there behind it does
 * not disturb the frame. */
static void what_the_host_draws_before_on_the_same_queue_is_seen(void **state)
{
    (void)state;
    static uint8_t rgba[2][WIDE * HIGH * 4];
    struct host_buffer from[12];
    paint(30, rgba[0]);
    paint(31, rgba[1]);
    struct host_image image = paint_image(rgba[0]);
    gvk_stream *stream = create_stream_of(32, 32, 1, 2, 0);
    gvk_picture pixels[2] = {picture_of_pixels(rgba[0]), picture_of_pixels(rgba[1])};
    gvk_picture picture = picture_of_image(&image);
    gvk_ticket tickets[12];
    for (uint32_t i = 0; i < 12; i++) {
        from[i] = draw_image_later(&image, VK_IMAGE_ASPECT_COLOR_BIT, rgba[i % 2], sizeof rgba[0],
                                   VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL);
        tickets[i] = submit_pictures(stream, &picture, 1);
        if (i) /* while the next one is drawn */
            expect_like_pixels(stream, tickets[i - 1], 0, &pixels[(i - 1) % 2], 32, 32, "drawn just before");
    }
    expect_like_pixels(stream, tickets[11], 0, &pixels[1], 32, 32, "drawn just before");
    gvk_stream_destroy(stream);
    wait_for_queue();
    for (uint32_t i = 0; i < 12; i++)
        destroy_host_buffer(&from[i]);
    destroy_host_image(&image);
}

/* The one family that these drivers have takes part on both sides, so nothing is moved; from outside of Vulkan it is.
 */
static void what_was_released_is_acquired_and_released_again(void **state)
{
    (void)state;
    static uint8_t rgba[WIDE * HIGH * 4];
    paint(40, rgba);
    struct host_image image = paint_image(rgba);
    struct host_buffer buffer = create_host_buffer(sizeof rgba, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT);
    memcpy(buffer.mapped, rgba, sizeof rgba);
    gvk_picture pixels = picture_of_pixels(rgba);
    gvk_stream *stream = create_stream_of(32, 32, 2, 1, 0);
    const uint32_t owners[2] = {host.handles.queue_family, VK_QUEUE_FAMILY_EXTERNAL};
    for (uint32_t i = 0; i < 2; i++) {
        gvk_picture pictures[2] = {picture_of_image(&image), pixels};
        pictures[1].kind = GVK_PICTURE_BUFFER;
        pictures[1].buffer = buffer.buffer;
        pictures[1].buffer_bytes = buffer.bytes;
        pictures[0].image = image.image;
        pictures[0].acquire = pictures[1].acquire = 1;
        pictures[0].owner_family = pictures[1].owner_family = owners[i];
        gvk_ticket ticket = submit_pictures(stream, pictures, 2);
        expect_like_pixels(stream, ticket, 0, &pixels, 32, 32, "acquired image");
        expect_like_pixels(stream, ticket, 1, &pixels, 32, 32, "acquired buffer");
        gvk_stream_info info = {.size = sizeof info};
        gvk_stream_describe(stream, &info);
        print_message("             %u barriers with %s\n", info.frame.barriers,
                      i ? "another owner" : "the same owner");
    }
    gvk_stream_destroy(stream);
    destroy_host_image(&image);
    destroy_host_buffer(&buffer);
}

int run_image_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_of_every_format_give_their_nearest_bytes),
        cmocka_unit_test(views_may_alternate_from_frame_to_frame),
        cmocka_unit_test(pictures_of_all_kinds_fit_in_one_frame),
        cmocka_unit_test(images_are_resized_in_strips_and_short_submissions_alike),
        cmocka_unit_test(what_the_host_draws_before_on_the_same_queue_is_seen),
        cmocka_unit_test(what_was_released_is_acquired_and_released_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
