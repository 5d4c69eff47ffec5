/* YCbCr, through a conversion of the host's and as two planes, against Vulkan's formulas ("Sampler Y'CbCr Range
 * Expansion" and "Model Conversion") in double precision. */
#include "intake.h"

#define WIDE 50u
#define HIGH 38u

struct ycbcr_source {
    uint8_t luma[WIDE * HIGH], chroma[(WIDE / 2) * (HIGH / 2) * 2];
};

static const struct {
    const char *name;
    VkSamplerYcbcrModelConversion model;
    double red, blue;
} models[] = {
    {"601", VK_SAMPLER_YCBCR_MODEL_CONVERSION_YCBCR_601, 0.299, 0.114},
    {"709", VK_SAMPLER_YCBCR_MODEL_CONVERSION_YCBCR_709, 0.2126, 0.0722},
    {"2020", VK_SAMPLER_YCBCR_MODEL_CONVERSION_YCBCR_2020, 0.2627, 0.0593},
};

static void paint_source(uint64_t seed, struct ycbcr_source *out)
{
    for (size_t i = 0; i < sizeof out->luma; i++)
        out->luma[i] = (uint8_t)random_below(&seed, 256);
    for (size_t i = 0; i < sizeof out->chroma; i++)
        out->chroma[i] = (uint8_t)random_below(&seed, 256);
}

/* 0 to 255, not rounded, a pixel's chroma being its block's. */
static void convert(const struct ycbcr_source *source, size_t model, bool narrow, double out[WIDE * HIGH * 3])
{
    double red = models[model].red, blue = models[model].blue, green = 1 - red - blue;
    for (uint32_t y = 0; y < HIGH; y++)
        for (uint32_t x = 0; x < WIDE; x++) {
            const uint8_t *chroma = source->chroma + ((size_t)(y / 2) * (WIDE / 2) + x / 2) * 2;
            double luma = source->luma[y * WIDE + x];
            luma = narrow ? (luma - 16) / 219 : luma / 255;
            double cb = (chroma[0] - 128) / (narrow ? 224.0 : 255.0), cr = (chroma[1] - 128) / (narrow ? 224.0 : 255.0);
            double rgb[3] = {luma + 2 * (1 - red) * cr,
                             luma - 2 * blue * (1 - blue) / green * cb - 2 * red * (1 - red) / green * cr,
                             luma + 2 * (1 - blue) * cb};
            for (int c = 0; c < 3; c++)
                out[((size_t)y * WIDE + x) * 3 + (size_t)c] = 255 * fmin(fmax(rgb[c], 0), 1);
        }
}

static gvk_picture planes_of(const struct host_image *luma, const struct host_image *chroma, size_t model, bool narrow)
{
    return (gvk_picture){
        .size = sizeof(gvk_picture),
        .kind = GVK_PICTURE_PLANES,
        .width = WIDE,
        .height = HIGH,
        .view = luma->view,
        .chroma_view = chroma->view,
        .layout = luma->layout,
        .ycbcr_model = models[model].model,
        .ycbcr_range = narrow ? VK_SAMPLER_YCBCR_RANGE_ITU_NARROW : VK_SAMPLER_YCBCR_RANGE_ITU_FULL,
    };
}

static void two_planes_are_converted_by_vulkans_formulas(void **state)
{
    (void)state;
    static struct ycbcr_source source;
    static double expected[WIDE * HIGH * 3];
    struct host_image luma, chroma;
    paint_source(3, &source);
    if (!create_host_image(VK_FORMAT_R8_UNORM, WIDE, HIGH, 0, &luma) ||
        !create_host_image(VK_FORMAT_R8G8_UNORM, WIDE / 2, HIGH / 2, 0, &chroma)) {
        say_not_here("images of one and two channels");
        return;
    }
    draw_image(&luma, VK_IMAGE_ASPECT_COLOR_BIT, source.luma, sizeof source.luma, VK_IMAGE_LAYOUT_GENERAL);
    draw_image(&chroma, VK_IMAGE_ASPECT_COLOR_BIT, source.chroma, sizeof source.chroma, VK_IMAGE_LAYOUT_GENERAL);
    gvk_stream *stream = create_stream_of(WIDE, HIGH, 1, 1, 0); /* which resizes nothing */
    double worst_of_all = 0;
    for (size_t model = 0; model < ARRAY_COUNT(models); model++)
        for (int narrow = 0; narrow < 2; narrow++) {
            double worst;
            gvk_picture picture = planes_of(&luma, &chroma, model, narrow);
            convert(&source, model, narrow, expected);
            gvk_ticket ticket = submit_pictures(stream, &picture, 1);
            /* The nearest byte, but for values that lie in the middle as near as floats tell. */
            uint32_t wrong = count_differences(stream, ticket, 0, expected, WIDE * HIGH, 0.5 + 1e-4, &worst);
            if (wrong)
                fail_msg("%s, %s range: %u values are not the nearest byte, by up to %g", models[model].name,
                         narrow ? "narrow" : "full", wrong, worst);
            worst_of_all = fmax(worst_of_all, worst);
        }
    print_message("             furthest from the unrounded value: %.6f of 255\n", worst_of_all);
    gvk_stream_destroy(stream);
    destroy_host_image(&luma);
    destroy_host_image(&chroma);
}

static bool samples_ycbcr(void)
{
    VkPhysicalDeviceSamplerYcbcrConversionFeatures feature = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SAMPLER_YCBCR_CONVERSION_FEATURES};
    VkPhysicalDeviceFeatures2 query = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &feature};
    vkGetPhysicalDeviceFeatures2(host.handles.physical_device, &query);
    return feature.samplerYcbcrConversion;
}

/* Where chroma lies on the even pixels (cosited), an odd one is as far from one sample as from the next: either is the
 * nearest, and drivers differ. */
static void forget_between_samples(double values[WIDE * HIGH * 3])
{
    for (uint32_t y = 0; y < HIGH; y++)
        for (uint32_t x = 0; x < WIDE; x++)
            for (uint32_t c = 0; c < 3 && (x % 2 || y % 2); c++)
                values[(y * WIDE + x) * 3 + c] = NAN;
}

static void camera_images_come_through_the_hosts_conversion(void **state)
{
    (void)state;
    static struct ycbcr_source source;
    static double expected[WIDE * HIGH * 3];
    struct host_image image;
    VkDevice device = host.handles.device;
    paint_source(4, &source);
    if (!samples_ycbcr() || !create_host_image(VK_FORMAT_G8_B8R8_2PLANE_420_UNORM, WIDE, HIGH, 0, &image)) {
        say_not_here("G8_B8R8_2PLANE_420_UNORM through a conversion");
        return;
    }
    draw_image(&image, VK_IMAGE_ASPECT_PLANE_0_BIT, source.luma, sizeof source.luma,
               VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL);
    VkFormatProperties can;
    vkGetPhysicalDeviceFormatProperties(host.handles.physical_device, image.format, &can);
    bool midpoint = can.optimalTilingFeatures & VK_FORMAT_FEATURE_MIDPOINT_CHROMA_SAMPLES_BIT;
    struct host_image again = image; /* the layout of the whole: a second copy keeps the first plane */
    again.layout = VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL;
    draw_image(&again, VK_IMAGE_ASPECT_PLANE_1_BIT, source.chroma, sizeof source.chroma,
               VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL);
    gvk_stream *stream = create_stream_of(WIDE, HIGH, 1, 2, 0);
    VkSamplerYcbcrConversion conversions[ARRAY_COUNT(models) * 2];
    VkSampler samplers[ARRAY_COUNT(models) * 2];
    VkImageView views[ARRAY_COUNT(models) * 2];
    for (uint32_t i = 0; i < 2 * ARRAY_COUNT(models); i++) {
        VkSamplerYcbcrConversionCreateInfo create = {
            .sType = VK_STRUCTURE_TYPE_SAMPLER_YCBCR_CONVERSION_CREATE_INFO,
            .format = image.format,
            .ycbcrModel = models[i / 2].model,
            .ycbcrRange = i % 2 ? VK_SAMPLER_YCBCR_RANGE_ITU_NARROW : VK_SAMPLER_YCBCR_RANGE_ITU_FULL,
            .xChromaOffset = midpoint ? VK_CHROMA_LOCATION_MIDPOINT : VK_CHROMA_LOCATION_COSITED_EVEN,
            .yChromaOffset = midpoint ? VK_CHROMA_LOCATION_MIDPOINT : VK_CHROMA_LOCATION_COSITED_EVEN,
            .chromaFilter = VK_FILTER_NEAREST,
        };
        assert_int_equal(vkCreateSamplerYcbcrConversion(device, &create, NULL, &conversions[i]), VK_SUCCESS);
        VkSamplerYcbcrConversionInfo with = {.sType = VK_STRUCTURE_TYPE_SAMPLER_YCBCR_CONVERSION_INFO,
                                             .conversion = conversions[i]};
        VkSamplerCreateInfo sampler = {
            .sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO,
            .pNext = &with,
            .addressModeU = VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE,
            .addressModeV = VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE,
            .addressModeW = VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE,
        };
        assert_int_equal(vkCreateSampler(device, &sampler, NULL, &samplers[i]), VK_SUCCESS);
        views[i] = create_view(&image, image.format, VK_IMAGE_ASPECT_COLOR_BIT, &with);
    }
    double worst_of_all = 0;
    for (uint32_t round = 0; round < 2; round++) /* samplers of before are known */
        for (uint32_t i = 0; i < 2 * ARRAY_COUNT(models); i++) {
            double worst;
            gvk_picture picture = {
                .size = sizeof picture,
                .kind = GVK_PICTURE_IMAGE,
                .width = WIDE,
                .height = HIGH,
                .view = views[i],
                .layout = again.layout,
                .ycbcr_sampler = samplers[i],
            };
            convert(&source, i / 2, i % 2, expected);
            if (!midpoint)
                forget_between_samples(expected);
            gvk_ticket ticket = submit_pictures(stream, &picture, 1);
            /* Drivers convert in fixed point and floats of their own: a byte more than the rounding. */
            uint32_t wrong = count_differences(stream, ticket, 0, expected, WIDE * HIGH, 1.0 + 0.5, &worst);
            worst_of_all = fmax(worst_of_all, worst);
            if (wrong)
                fail_msg("%s, %s range: %u values of the conversion are off by more than a byte, by up to %g",
                         models[i / 2].name, i % 2 ? "narrow" : "full", wrong, worst);
        }
    print_message("             chroma %s; furthest from the unrounded value: %.6f of 255\n",
                  midpoint ? "between pixels" : "on even pixels, which alone are compared", worst_of_all);
    gvk_stream_destroy(stream);
    for (uint32_t i = 0; i < 2 * ARRAY_COUNT(models); i++) {
        vkDestroyImageView(device, views[i], NULL);
        vkDestroySampler(device, samplers[i], NULL);
        vkDestroySamplerYcbcrConversion(device, conversions[i], NULL);
    }
    destroy_host_image(&image);
}

int run_ycbcr_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_planes_are_converted_by_vulkans_formulas),
        cmocka_unit_test(camera_images_come_through_the_hosts_conversion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
