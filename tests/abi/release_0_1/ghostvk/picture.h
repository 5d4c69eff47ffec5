/* What a stream takes as a picture: pixels in host memory, in a VkBuffer, or a VkImage of the host's, cropped, turned
 * upright, and resized on the device with Pillow's antialiased bicubic.
 *
 * Whatever it lies in, a picture is made of 8-bit R, G, B: equal bytes give equal results, to the last bit, from host
 * memory, a buffer, or an image of 8-bit UNORM or sRGB. Values of other images are rounded to 8 bits first.
 *
 * `width` and `height` are of the picture as it is stored. `orientation` says how it is turned to be upright; `crop`
 * and the boxes that come back are in pixels of the upright picture, whose sides are swapped for orientations 5 to 8.
 * It is turned and cropped by the resize itself, without a copy between. A picture that lies on its side (5 to 8) is
 * bound as a whole, where it is pixels or a buffer: gvk_device_check_picture says whether the device can.
 *
 * Buffers and images: what the host has put on the same queue before needs no semaphore and no barrier, since the frame
 * begins with one for all writes; what it puts there behind may write over them, since the last read has a barrier for
 * execution behind it. Work on other queues is ordered by semaphores (embedding.h).
 */
#ifndef GVK_PICTURE_H
#define GVK_PICTURE_H

#include <stddef.h>
#include <stdint.h>

#include <vulkan/vulkan_core.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum gvk_picture_kind {
    GVK_PICTURE_PIXELS, /* 8-bit pixels in host memory, copied during the call */
    GVK_PICTURE_TENSOR, /* fp32 C x H x W of exactly the input's size, in host memory; no crop, no orientation */
    GVK_PICTURE_BUFFER, /* 8-bit pixels in a VkBuffer, which the device reads in place */
    GVK_PICTURE_IMAGE,  /* a VkImage, through a view of it, which the device reads in place */
    GVK_PICTURE_PLANES  /* YCbCr 4:2:0 as two views: Y, and CbCr of half the size, rounded up */
} gvk_picture_kind;

typedef enum gvk_pixel_format {
    GVK_PIXELS_RGB8,
    GVK_PIXELS_RGBA8,
    GVK_PIXELS_BGRA8
} gvk_pixel_format; /* alpha is dropped */

/* What the values of an image's view are. */
typedef enum gvk_light {
    GVK_LIGHT_AUTO,  /* linear where view_format is sRGB or floating-point, else coded */
    GVK_LIGHT_CODED, /* as they are shown and as photographs are stored, which is what networks are trained on */
    GVK_LIGHT_LINEAR /* proportional to light: sRGB's curve (IEC 61966-2-1) is applied */
} gvk_light;

typedef struct gvk_picture {
    size_t size;
    gvk_picture_kind kind;
    gvk_pixel_format format; /* of pixels and buffers */
    uint32_t width, height;  /* pixels as stored, each 1 to 65535 */
    size_t row_pitch;        /* of pixels and buffers: bytes from row to row; 0: tight */
    const void *pixels;      /* of pixels and tensors: read during the submit call only */
    int letterbox;           /* keep the aspect ratio, fill the rest with grey 128 */
    uint32_t orientation;    /* EXIF's 1 to 8 (CIPA DC-008, tag 274), 0: 1. The first stored row is, seen upright: 1 the
                              * top, 2 the top mirrored, 3 the bottom mirrored (half a turn), 4 the bottom, 5 the left
                              * side, 6 the right side (a quarter turn clockwise makes it upright), 7 the right side
                              * mirrored, 8 the left side mirrored (a quarter turn counter-clockwise) */
    uint32_t crop_x, crop_y, crop_width,
        crop_height; /* what of the upright picture is looked at; a width and height of
                      * 0: all. Boxes lie inside it, and count from the whole's corner */

    /* ---- GVK_PICTURE_BUFFER ---- */
    VkBuffer buffer;           /* usage STORAGE_BUFFER */
    VkDeviceSize offset;       /* bytes to the first pixel */
    VkDeviceSize buffer_bytes; /* the size that the buffer was created with: at least the end of the last row, rounded
                                * up to a multiple of 4 */

    /* ---- GVK_PICTURE_IMAGE and GVK_PICTURE_PLANES ---- */
    VkImageView view; /* 2D, of one level and layer, usage SAMPLED, at least width x height, and with ycbcr_sampler
                       * exactly; of planes: Y in its first component */
    VkImageView chroma_view; /* of planes: Cb and Cr in its first two components. Both planes 8-bit UNORM: R8 and R8G8,
                              * or plane 0 and plane 1 of a two-plane image. A pixel takes the chroma of its block of
                              * 2 x 2; R, G, B by the formulas of Vulkan's "Sampler Y'CbCr Conversion" */
    VkFormat view_format;    /* of an image, what `view` was made with: 8-bit RGBA, BGRA or ABGR, UNORM or sRGB; 10-bit
                              * UNORM with 2 bits of alpha; 16-bit RGBA, UNORM or SFLOAT */
    VkImageLayout layout;    /* that the device finds and leaves: SHADER_READ_ONLY_OPTIMAL or GENERAL */
    gvk_light light;         /* of an image */
    VkSampler ycbcr_sampler; /* made with a VkSamplerYcbcrConversion, the view with the same: camera images. It must
                              * outlive the stream, which has a pipeline with it. view_format is not looked at.
                              * Takes the feature samplerYcbcrConversion (gvk_wants), else GVK_ERROR_UNSUPPORTED.
                              * VK_NULL_HANDLE: no conversion */
    VkSamplerYcbcrModelConversion ycbcr_model; /* of planes: YCBCR_601, 709 or 2020; 0: 601 */
    VkSamplerYcbcrRange ycbcr_range;           /* of planes */

    /* ---- ownership, of buffers and images ---- */
    int acquire;           /* 0: the device's queue family owns it, or it is shared concurrently. 1: `owner_family` has
                            * released it to the device's family; it is acquired in front of the frame's first command,
                            * and released back behind the last one that reads it. Takes the handles below */
    uint32_t owner_family; /* or VK_QUEUE_FAMILY_EXTERNAL, VK_QUEUE_FAMILY_FOREIGN_EXT */
    VkImage image, chroma_image; /* that the views are of; chroma_image of planes that are two images. Both barriers are
                                  * of all levels and layers, aspect COLOR, `layout` to `layout`; of a buffer its whole
                                  * size */
    /* 0.1 ends here. */
} gvk_picture;

#ifdef __cplusplus
}
#endif
#endif
