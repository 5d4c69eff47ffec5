/* Hands the pixels of a JPEG picture to find(), the README's example, and ends with 0 when it found something.
 * installed.sh compiles both against an installed library. usage: main PICTURE */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

int find(const unsigned char *rgb, uint32_t width, uint32_t height);

int main(int count, char **arguments)
{
    FILE *file = count == 2 ? fopen(arguments[1], "rb") : NULL;
    if (!file)
        return 2;
    struct jpeg_error_mgr errors;
    struct jpeg_decompress_struct picture = {.err = jpeg_std_error(&errors)};
    jpeg_create_decompress(&picture);
    jpeg_stdio_src(&picture, file);
    jpeg_read_header(&picture, TRUE);
    jpeg_start_decompress(&picture);
    size_t row_bytes = (size_t)picture.output_width * 3;
    unsigned char *pixels = picture.output_components == 3 ? malloc(row_bytes * picture.output_height) : NULL;
    if (!pixels)
        return 2;
    while (picture.output_scanline < picture.output_height) {
        unsigned char *row = pixels + row_bytes * picture.output_scanline;
        jpeg_read_scanlines(&picture, &row, 1);
    }
    int found = find(pixels, picture.output_width, picture.output_height);
    jpeg_finish_decompress(&picture);
    jpeg_destroy_decompress(&picture);
    fclose(file);
    free(pixels);
    return found > 0 ? 0 : 1;
}
