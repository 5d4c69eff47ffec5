/* See motion.h. */
#include "motion.h"

#include <math.h>
#include <stddef.h>

#define AREA_DEVIATION 2.0 /* an area and a ratio are off by both sides' errors */
#define SIZE_SHARE     0.5
#define AREA_CHANGE    4.0 /* at most, between two detections */

static double square(double value)
{
    return value * value;
}

static struct gvk_place measure(const double box[4])
{
    double width = box[2] - box[0], height = box[3] - box[1];
    return (struct gvk_place){
        .x = box[0] + width / 2, .y = box[1] + height / 2, .area = width * height, .ratio = width / height};
}

static struct gvk_axis begin_axis(double value, double deviation, double speed_deviation)
{
    return (struct gvk_axis){.value = value, .variance = square(deviation), .speed_variance = square(speed_deviation)};
}

void gvk_motion_begin(struct gvk_motion *motion, const struct gvk_motion_noise *noise, const double box[4],
                      double seconds)
{
    struct gvk_place seen = measure(box);
    double side = sqrt(seen.area), of_size = AREA_DEVIATION * noise->measurement;
    *motion = (struct gvk_motion){
        .x = begin_axis(seen.x, noise->measurement * side, noise->start * side),
        .y = begin_axis(seen.y, noise->measurement * side, noise->start * side),
        .area = begin_axis(seen.area, of_size * seen.area, SIZE_SHARE * noise->start * seen.area),
        .ratio = seen.ratio,
        .ratio_variance = square(of_size * seen.ratio),
        .seconds = seconds,
    };
}

/* What is not known grows: by the velocity's own variance, and by an acceleration of this density. */
static void spread(struct gvk_axis *axis, double step, double density)
{
    axis->variance += step * (2 * axis->covariance + step * axis->speed_variance) + density * step * step * step / 3;
    axis->covariance += step * axis->speed_variance + density * step * step / 2;
    axis->speed_variance += density * step;
}

/* `expected` is where the axis' value is at the time of what is seen. */
static void correct(struct gvk_axis *axis, double expected, double seen, double deviation)
{
    double total = axis->variance + square(deviation);
    double gain = axis->variance / total, speed_gain = axis->covariance / total;
    axis->value = expected + gain * (seen - expected);
    axis->speed += speed_gain * (seen - expected);
    axis->speed_variance = fmax(axis->speed_variance - speed_gain * axis->covariance, 0); /* by rounding, below */
    axis->variance *= 1 - gain;
    axis->covariance *= 1 - gain;
}

void gvk_motion_correct(struct gvk_motion *motion, const struct gvk_motion_noise *noise, const double box[4],
                        double seconds)
{
    double step = seconds - motion->seconds;
    struct gvk_place expected = gvk_motion_at(motion, step), seen = measure(box);
    double centre_density = square(noise->process) * motion->area.value; /* the square of process sides */
    double size_density = square(SIZE_SHARE * noise->process);
    double side = sqrt(expected.area), of_size = AREA_DEVIATION * noise->measurement;

    spread(&motion->x, step, centre_density);
    spread(&motion->y, step, centre_density);
    spread(&motion->area, step, size_density * square(motion->area.value));
    correct(&motion->x, expected.x, seen.x, noise->measurement * side);
    correct(&motion->y, expected.y, seen.y, noise->measurement * side);
    correct(&motion->area, expected.area, seen.area, of_size * expected.area);

    motion->ratio_variance += step * size_density * square(motion->ratio);
    double gain = motion->ratio_variance / (motion->ratio_variance + square(of_size * motion->ratio));
    motion->ratio += gain * (seen.ratio - motion->ratio);
    motion->ratio_variance *= 1 - gain;
    motion->seconds = seconds;
}

struct gvk_place gvk_motion_at(const struct gvk_motion *motion, double step)
{
    struct gvk_place place = {
        .x = motion->x.value + step * motion->x.speed,
        .y = motion->y.value + step * motion->y.speed,
        .area = motion->area.value + step * motion->area.speed,
        .ratio = motion->ratio,
        .speed = {motion->x.speed, motion->y.speed, motion->area.speed},
    };
    double least = motion->area.value / AREA_CHANGE, most = motion->area.value * AREA_CHANGE;
    if (!(place.area >= least && place.area <= most)) {
        place.area = place.area < least ? least : most;
        place.speed[2] = 0;
    }
    return place;
}

void gvk_place_corners(const struct gvk_place *place, double box[4], double velocity[4])
{
    double width = sqrt(place->area * place->ratio), height = place->area / width;
    box[0] = place->x - width / 2;
    box[1] = place->y - height / 2;
    box[2] = place->x + width / 2;
    box[3] = place->y + height / 2;
    if (!velocity)
        return;
    double growth = place->speed[2] / place->area / 2; /* of each side, in itself a second */
    velocity[0] = place->speed[0] - width * growth / 2;
    velocity[1] = place->speed[1] - height * growth / 2;
    velocity[2] = place->speed[0] + width * growth / 2;
    velocity[3] = place->speed[1] + height * growth / 2;
}
