/* Decodes a JPEG picture to PPM, at build time, so that the examples themselves need no JPEG library.
 * usage: jpeg_to_ppm PICTURE.jpg PICTURE.ppm */
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

#include "ppm.h"

int main(int argc, char **argv)
{
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    FILE *file = argc == 3 ? fopen(argv[1], "rb") : NULL;
    if (!file) {
        fprintf(stderr, argc == 3 ? "jpeg_to_ppm: the picture cannot be opened.\n"
                                  : "usage: jpeg_to_ppm PICTURE.jpg PICTURE.ppm\n");
        return 1;
    }
    jpeg.err = jpeg_std_error(&errors); /* it prints a sentence and exits */
    jpeg_create_decompress(&jpeg);
    jpeg_stdio_src(&jpeg, file);
    jpeg_read_header(&jpeg, TRUE);
    jpeg.out_color_space = JCS_RGB;
    jpeg_start_decompress(&jpeg);
    size_t pitch = (size_t)jpeg.output_width * 3;
    unsigned char *rgb = malloc(pitch * jpeg.output_height);
    if (!rgb) {
        fprintf(stderr, "jpeg_to_ppm: there is no memory.\n");
        return 1;
    }
    while (jpeg.output_scanline < jpeg.output_height) {
        JSAMPROW row = rgb + pitch * jpeg.output_scanline;
        jpeg_read_scanlines(&jpeg, &row, 1);
    }
    bool written = write_ppm(argv[2], jpeg.output_width, jpeg.output_height, rgb);
    jpeg_finish_decompress(&jpeg);
    jpeg_destroy_decompress(&jpeg);
    fclose(file);
    free(rgb);
    return written ? 0 : 1;
}
