#include "ppm.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define SIDE_MAX 16384

/* A number of the head; comments and white space stand before it, one white space behind it. 0: there is none. */
static uint32_t read_number(FILE *file)
{
    uint32_t number = 0;
    int c = fgetc(file);
    while (isspace(c) || c == '#') {
        if (c == '#')
            while (c != '\n' && c != EOF)
                c = fgetc(file);
        c = fgetc(file);
    }
    for (; isdigit(c) && number < 100000; c = fgetc(file))
        number = number * 10 + (uint32_t)(c - '0');
    return isspace(c) ? number : 0;
}

bool read_ppm(const char *path, struct ppm *out)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "%s cannot be opened.\n", path);
        return false;
    }
    *out = (struct ppm){0, 0, NULL};
    if (fgetc(file) == 'P' && fgetc(file) == '6') {
        uint32_t width = read_number(file), height = read_number(file), most = read_number(file);
        if (width && height && width <= SIDE_MAX && height <= SIDE_MAX && most == 255) {
            size_t bytes = (size_t)width * height * 3;
            unsigned char *rgb = malloc(bytes);
            if (rgb && fread(rgb, 1, bytes, file) == bytes)
                *out = (struct ppm){width, height, rgb};
            else
                free(rgb);
        }
    }
    fclose(file);
    if (!out->rgb)
        fprintf(stderr, "%s is not a whole PPM picture of 8 bits (P6), or there is no memory for it.\n", path);
    return out->rgb != NULL;
}

bool write_ppm(const char *path, uint32_t width, uint32_t height, const unsigned char *rgb)
{
    FILE *file = fopen(path, "wb");
    size_t bytes = (size_t)width * height * 3;
    bool written = file && fprintf(file, "P6\n%u %u\n255\n", width, height) > 0 && fwrite(rgb, 1, bytes, file) == bytes;
    if (file && fclose(file))
        written = false;
    if (!written)
        fprintf(stderr, "%s cannot be written.\n", path);
    return written;
}
