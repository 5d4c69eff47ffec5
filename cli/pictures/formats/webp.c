/* WebP through libwebp. Of an animation the first picture, on a black canvas where it does not fill it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <webp/decode.h>
#include <webp/demux.h>

#include "exif.h"
#include "formats.h"

/* A flat picture takes next to no data in either of WebP's forms. */
#define PIXELS_FREE (8u << 20)
/* Lossless data are decoded to four bytes a pixel first. */
#define BYTES_BESIDE 4u

static const char *reason_of(VP8StatusCode status)
{
    switch (status) {
    case VP8_STATUS_OUT_OF_MEMORY: return "needs more memory than there is";
    case VP8_STATUS_SUSPENDED:
    case VP8_STATUS_NOT_ENOUGH_DATA: return "is a WebP picture that is cut short";
    case VP8_STATUS_UNSUPPORTED_FEATURE: return "is a WebP picture of a kind that libwebp does not read";
    default: return "is a damaged WebP picture";
    }
}

/* One frame's data, into the canvas at its place. */
static bool decode_frame(const struct image_file *file, const WebPIterator *frame, struct image *out)
{
    WebPDecoderConfig config;
    VP8StatusCode status = VP8_STATUS_INVALID_PARAM;
    if (!WebPInitDecoderConfig(&config))
        return image_refuse(file, "cannot be read: libwebp is of another version than its header");
    status = WebPGetFeatures(frame->fragment.bytes, frame->fragment.size, &config.input);
    if (status != VP8_STATUS_OK)
        return image_refuse(file, "%s", reason_of(status));
    if (frame->x_offset < 0 || frame->y_offset < 0 || config.input.width != frame->width ||
        config.input.height != frame->height || (uint64_t)frame->x_offset + (uint64_t)frame->width > out->width ||
        (uint64_t)frame->y_offset + (uint64_t)frame->height > out->height)
        return image_refuse(file, "is a damaged WebP picture");
    size_t row = 3 * (size_t)out->width;
    config.output.colorspace = MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = out->pixels + (size_t)frame->y_offset * row + 3 * (size_t)frame->x_offset;
    config.output.u.RGBA.stride = (int)row;
    config.output.u.RGBA.size = (size_t)(frame->height - 1) * row + 3 * (size_t)frame->width;
    status = WebPDecode(frame->fragment.bytes, frame->fragment.size, &config);
    WebPFreeDecBuffer(&config.output);
    return status == VP8_STATUS_OK || image_refuse(file, "%s", reason_of(status));
}

static void find_orientation(struct image_file *file, const WebPDemuxer *demuxer)
{
    WebPChunkIterator chunk;
    memset(&chunk, 0, sizeof chunk);
    if (WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk))
        file->orientation = exif_orientation_of_block(chunk.chunk.bytes, chunk.chunk.size);
    WebPDemuxReleaseChunkIterator(&chunk);
}

bool image_decode_webp(struct image_file *file, struct image *out)
{
    WebPData data = {.bytes = file->bytes, .size = file->count};
    WebPDemuxState state = WEBP_DEMUX_PARSE_ERROR;
    WebPDemuxer *demuxer = WebPDemuxPartial(&data, &state);
    WebPIterator frame;
    memset(&frame, 0, sizeof frame);
    bool is_read = false;
    if (state != WEBP_DEMUX_DONE || !demuxer) {
        image_refuse(file, state == WEBP_DEMUX_PARSE_ERROR ? "is a damaged WebP picture"
                                                           : "is a WebP picture that is cut short");
        goto done;
    }
    uint32_t width = WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_WIDTH);
    uint32_t height = WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_HEIGHT);
    find_orientation(file, demuxer);
    if (!WebPDemuxGetFrame(demuxer, 1, &frame)) {
        image_refuse(file, "is a picture without pixels");
        goto done;
    }
    is_read = image_is_plausible(file, width, height, PIXELS_FREE) &&
              image_begin(file, width, height, BYTES_BESIDE * (uint64_t)width * height, out) &&
              decode_frame(file, &frame, out);
done:
    WebPDemuxReleaseIterator(&frame);
    WebPDemuxDelete(demuxer);
    return is_read;
}
