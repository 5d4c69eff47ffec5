/* See colours.h. The colours are a path through Oklab: lightness and hue change evenly, and the chroma stays inside of
 * what sRGB can show. Oklab's matrices are those that Bjoern Ottosson published for it in 2020 (public domain). */
#include "colours.h"

#include <math.h>

struct path {
    double dark, bright;        /* lightness at the ends */
    double first_hue, last_hue; /* degrees */
    double (*chroma)(double at);
};

static double chroma_of_maps(double at)
{
    double rise = fmax(0, (at - 0.45) / 0.55), rest = 1 - at;
    return 0.093 + 0.022 * rest * rest * rest * rest + 0.075 * rise * rise * (3 - 2 * rise);
}

static double chroma_of_heat(double at)
{
    return 0.095 + at * (0.34 - 0.32 * at);
}

static const struct path paths[] = {
    [COLOURS_OF_MAPS] = {0.25, 0.93, 305, 106, chroma_of_maps},
    [COLOURS_OF_HEAT] = {0.2, 0.95, 302, 464, chroma_of_heat},
};

static uint8_t encode(double linear)
{
    double inside = fmax(0, fmin(1, linear));
    double encoded = inside <= 0.0031308 ? 12.92 * inside : 1.055 * pow(inside, 1 / 2.4) - 0.055;
    return (uint8_t)lround(255 * encoded);
}

static void convert_oklab(double lightness, double a, double b, uint8_t rgb[3])
{
    double l = lightness + 0.3963377774 * a + 0.2158037573 * b;
    double m = lightness - 0.1055613458 * a - 0.0638541728 * b;
    double s = lightness - 0.0894841775 * a - 1.2914855480 * b;
    l = l * l * l;
    m = m * m * m;
    s = s * s * s;
    rgb[0] = encode(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s);
    rgb[1] = encode(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s);
    rgb[2] = encode(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s);
}

void colours_make(enum colour_map map, struct colours *out)
{
    const struct path *path = &paths[map];
    for (unsigned step = 0; step < COLOUR_STEPS; step++) {
        double at = (double)step / (COLOUR_STEPS - 1);
        double hue = (path->first_hue + (path->last_hue - path->first_hue) * at) * 3.14159265358979323846 / 180;
        double chroma = path->chroma(at);
        convert_oklab(path->dark + (path->bright - path->dark) * at, chroma * cos(hue), chroma * sin(hue),
                      out->steps[step]);
    }
}

unsigned colour_step(double value, double low, double high)
{
    if (!(high > low))
        return 0;
    double at = (value - low) / (high - low);
    return at >= 1 ? COLOUR_STEPS - 1 : at > 0 ? (unsigned)(at * (COLOUR_STEPS - 1) + 0.5) : 0;
}
