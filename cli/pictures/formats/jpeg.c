/* JPEG through libjpeg: decoding with limits that keep a hostile file cheap, and encoding.
 *
 * The decoder's settings are libjpeg's defaults (accurate integer DCT, smooth upsampling), as in Pillow, so pixels are
 * equal bit for bit. What libjpeg merely warns of is an error here where pixels are missing or wrong, as Pillow leaves
 * them; what stands between the data (garbage, odd numbers in a scan's head, a newer version) is passed over. */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "exif.h"
#include "formats.h"
#include "jpeg_scans.h"

/* Progressive files hold some ten scans, thorough encoders write a few dozen. A scan that says nothing costs a few
 * bytes and a pass over the whole picture. */
#define SCANS_MAX            100
#define SCAN_PIXELS_MAX      2000000000u /* scans times pixels, and for each byte of the file */
#define SCAN_PIXELS_PER_BYTE 256u
/* Arithmetic coding needs next to nothing for a flat picture, so its data tell nothing of its size. */
#define ARITHMETIC_PIXELS_MAX      (4u << 20)
#define MEMORY_BESIDE_COEFFICIENTS ((uint64_t)64 << 20)

struct codec {
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    jmp_buf escape;
    char *message;
    size_t message_size;
    const char *subject;      /* what a sentence begins with when libjpeg gives the reason */
    uint64_t scans;           /* that the file has */
    uint64_t scan_pixels_max; /* this file's */
    unsigned components_seen; /* bit by component, of all scans so far */
};

static _Noreturn void fail(struct codec *codec, const char *sentence)
{
    snprintf(codec->message, codec->message_size, "%s", sentence);
    longjmp(codec->escape, 1);
}

static struct codec *codec_of(j_common_ptr library)
{
    return (struct codec *)library->client_data;
}

static void handle_error(j_common_ptr library)
{
    struct codec *codec = codec_of(library);
    switch (library->err->msg_code) {
    case JERR_OUT_OF_MEMORY: fail(codec, "needs more memory than there is");
    case JERR_NO_BACKING_STORE: fail(codec, "is a JPEG picture that needs too much memory to decode");
    case JERR_FILE_WRITE:
        snprintf(codec->message, codec->message_size, "cannot be written: %s",
                 errno ? strerror(errno) : "the data does not fit");
        longjmp(codec->escape, 1);
    case JERR_EMPTY_IMAGE: fail(codec, "is a JPEG picture without pixels");
    default: break;
    }
    char reason[JMSG_LENGTH_MAX];
    library->err->format_message(library, reason);
    snprintf(codec->message, codec->message_size, "%s: %s", codec->subject, reason);
    longjmp(codec->escape, 1);
}

/* Level -1 is a warning; higher ones are traces. */
static void handle_message(j_common_ptr library, int level)
{
    if (level >= 0)
        return;
    const struct jpeg_error_mgr *errors = library->err;
    switch (errors->msg_code) {
    /* The pixels are whole: a newer version's number; bytes between the data, as webcams write them before restart
     * markers and cameras at the end; numbers in a scan's head that sequential files have no use for; refinements in an
     * order that makes no sense and still gives every coefficient a value. */
    case JWRN_JFIF_MAJOR:
    case JWRN_ADOBE_XFORM:
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_NOT_SEQUENTIAL:
    case JWRN_BOGUS_PROGRESSION: return;
    case JWRN_JPEG_EOF: fail(codec_of(library), "is a JPEG picture that is cut short");
    default: break;
    }
    char reason[JMSG_LENGTH_MAX];
    errors->format_message(library, reason);
    char sentence[JMSG_LENGTH_MAX + 64];
    snprintf(sentence, sizeof sentence, "is a damaged JPEG picture: %s", reason);
    fail(codec_of(library), sentence);
}

static void print_nothing(j_common_ptr library)
{
    (void)library;
}

static void prepare_errors(struct codec *codec, const char *subject, char *message, size_t message_size)
{
    jpeg_std_error(&codec->errors);
    codec->errors.error_exit = handle_error;
    codec->errors.emit_message = handle_message;
    codec->errors.output_message = print_nothing;
    codec->subject = subject;
    codec->message = message;
    codec->message_size = message_size;
}

static void start_source(j_decompress_ptr decoder)
{
    (void)decoder;
}

/* All bytes were handed over at once, so there are never more. */
static boolean refill_source(j_decompress_ptr decoder)
{
    fail(codec_of((j_common_ptr)decoder), "is a JPEG picture that is cut short");
}

static void skip_source(j_decompress_ptr decoder, long count)
{
    if (count <= 0)
        return;
    struct jpeg_source_mgr *source = decoder->src;
    if ((unsigned long)count > source->bytes_in_buffer)
        fail(codec_of((j_common_ptr)decoder), "is a JPEG picture that is cut short");
    source->next_input_byte += count;
    source->bytes_in_buffer -= (size_t)count;
}

static const char too_many_scans[] = "is a JPEG picture with too many scans";

static bool has_too_many_scans(const struct jpeg_decompress_struct *decoder, uint64_t scans)
{
    const struct codec *codec = decoder->client_data;
    return scans > SCANS_MAX || scans * decoder->image_width * decoder->image_height > codec->scan_pixels_max;
}

/* Called between rows of each scan while coefficients are collected. */
static void watch_progress(j_common_ptr library)
{
    struct codec *codec = codec_of(library);
    const struct jpeg_decompress_struct *decoder = (const struct jpeg_decompress_struct *)library;
    uint64_t scans = (uint64_t)decoder->input_scan_number;
    if (has_too_many_scans(decoder, scans))
        fail(codec, too_many_scans);
    for (int index = 0; index < decoder->comps_in_scan; index++)
        codec->components_seen |= 1u << (unsigned)decoder->cur_comp_info[index]->component_index;
}

static void convert_grey_row(const uint8_t *from, uint8_t *to, size_t width)
{
    for (size_t x = 0; x < width; x++, to += 3)
        to[0] = to[1] = to[2] = from[x];
}

static bool choose_colours(j_decompress_ptr decoder)
{
    switch (decoder->num_components) {
    case 1: decoder->out_color_space = JCS_GRAYSCALE; return true;
    case 3: decoder->out_color_space = JCS_RGB; return true;
    case 4: decoder->out_color_space = JCS_CMYK; return true;
    default: return false;
    }
}

/* Coefficients of several scans are kept for the whole picture: two bytes each. */
static uint64_t count_coefficients(const struct jpeg_decompress_struct *decoder)
{
    uint64_t bytes = 0;
    for (int index = 0; index < decoder->num_components; index++) {
        const jpeg_component_info *component = &decoder->comp_info[index];
        bytes += 2 * 64 * (uint64_t)(component->width_in_blocks + 1) * (component->height_in_blocks + 1);
    }
    return bytes;
}

/* With `pixels` NULL they are decoded and forgotten. */
static void decode_rows(j_decompress_ptr decoder, uint8_t *pixels)
{
    struct codec *codec = codec_of((j_common_ptr)decoder);
    jpeg_start_decompress(decoder);
    if (jpeg_has_multiple_scans(decoder) && codec->components_seen != (1u << (unsigned)decoder->num_components) - 1)
        fail(codec, "is a JPEG picture that lacks a colour component");

    size_t width = decoder->output_width;
    JSAMPARRAY row = decoder->mem->alloc_sarray((j_common_ptr)decoder, JPOOL_IMAGE,
                                                (JDIMENSION)(width * (size_t)decoder->output_components), 1);
    while (decoder->output_scanline < decoder->output_height) {
        uint8_t *target = pixels ? pixels + 3 * width * decoder->output_scanline : NULL;
        jpeg_read_scanlines(decoder, target && decoder->num_components == 3 ? &target : row, 1);
        if (target && decoder->num_components == 1)
            convert_grey_row(row[0], target, width);
        else if (target && decoder->num_components == 4)
            image_convert_inverted_cmyk(row[0], target, width);
    }
    jpeg_finish_decompress(decoder); /* reads on to the end-of-image marker and fails without it */
}

/* Everything between the creation of the decoder and its end, which the caller guards with setjmp. */
static bool decode(j_decompress_ptr decoder, struct image_file *file, struct image *out)
{
    struct codec *codec = codec_of((j_common_ptr)decoder);
    const struct jpeg_source_mgr start = codec->source;
    jpeg_read_header(decoder, TRUE);
    if (!choose_colours(decoder))
        return image_refuse(file, "is a JPEG picture with %d colour components; 1, 3 or 4 can be read",
                            decoder->num_components);
    uint32_t width = decoder->image_width, height = decoder->image_height;
    bool has_scans = jpeg_has_multiple_scans(decoder);
    if (decoder->arith_code && !image_is_plausible(file, width, height, ARITHMETIC_PIXELS_MAX))
        return false;
    codec->scan_pixels_max = SCAN_PIXELS_MAX + SCAN_PIXELS_PER_BYTE * (uint64_t)file->count;
    if (has_scans && has_too_many_scans(decoder, codec->scans))
        fail(codec, too_many_scans);
    uint64_t coefficients = has_scans ? count_coefficients(decoder) : 0;
    if (!image_begin(file, width, height, coefficients, out))
        return false;
    decoder->mem->max_memory_to_use = (long)(coefficients + MEMORY_BESIDE_COEFFICIENTS);

    if (!has_scans && image_is_suspicious(file, width, height)) {
        decode_rows(decoder, NULL);
        codec->source = start;
        jpeg_read_header(decoder, TRUE);
        choose_colours(decoder);
    }
    decode_rows(decoder, out->pixels);
    return true;
}

/* Apart from its caller because no local variable may change between setjmp and longjmp. */
static bool guard_decode(j_decompress_ptr decoder, struct image_file *file, struct image *out)
{
    struct codec *codec = codec_of((j_common_ptr)decoder);
    if (setjmp(codec->escape))
        return false;
    jpeg_create_decompress(decoder);
    decoder->src = &codec->source;
    decoder->progress = &codec->progress;
    return decode(decoder, file, out);
}

bool image_decode_jpeg(struct image_file *file, struct image *out)
{
    unsigned scans;
    const char *problem = jpeg_find_problem(file->bytes, file->count, &scans);
    if (problem)
        return image_refuse(file, "%s", problem);
    struct jpeg_decompress_struct decoder = {0};
    struct codec codec = {
        .scans = scans,
        .source = {.next_input_byte = file->bytes,
                   .bytes_in_buffer = file->count,
                   .init_source = start_source,
                   .fill_input_buffer = refill_source,
                   .skip_input_data = skip_source,
                   .resync_to_restart = jpeg_resync_to_restart,
                   .term_source = start_source},
        .progress = {.progress_monitor = watch_progress},
    };
    prepare_errors(&codec, "is a JPEG picture that cannot be decoded", file->message, file->message_size);
    decoder.err = &codec.errors;
    decoder.client_data = &codec; /* jpeg_create_decompress keeps these two */
    file->orientation = exif_orientation_of_jpeg(file->bytes, file->count);
    bool whole = guard_decode(&decoder, file, out);
    jpeg_destroy_decompress(&decoder);
    return whole;
}

static bool guard_encode(j_compress_ptr encoder, FILE *stream, const struct image *image)
{
    if (setjmp(codec_of((j_common_ptr)encoder)->escape))
        return false;
    errno = 0;
    jpeg_create_compress(encoder);
    jpeg_stdio_dest(encoder, stream);
    encoder->image_width = image->width;
    encoder->image_height = image->height;
    encoder->input_components = 3;
    encoder->in_color_space = JCS_RGB;
    jpeg_set_defaults(encoder);
    jpeg_set_quality(encoder, IMAGE_JPEG_QUALITY, TRUE);
    jpeg_start_compress(encoder, TRUE);
    while (encoder->next_scanline < encoder->image_height) {
        /* libjpeg's rows are not const, but it only reads them. */
        JSAMPROW row = image->pixels + 3 * (size_t)image->width * encoder->next_scanline;
        jpeg_write_scanlines(encoder, &row, 1);
    }
    jpeg_finish_compress(encoder);
    return true;
}

bool image_write_jpeg(FILE *stream, const struct image *image, char *message, size_t message_size)
{
    if (!image->pixels || image->width > JPEG_MAX_DIMENSION || image->height > JPEG_MAX_DIMENSION) {
        snprintf(message, message_size, "cannot be written: JPEG holds no picture of %" PRIu32 " x %" PRIu32 " pixels",
                 image->width, image->height);
        return false;
    }
    struct jpeg_compress_struct encoder = {0};
    struct codec codec = {0};
    prepare_errors(&codec, "cannot be written", message, message_size);
    encoder.err = &codec.errors;
    encoder.client_data = &codec;

    bool whole = guard_encode(&encoder, stream, image);
    jpeg_destroy_compress(&encoder);
    return whole;
}
