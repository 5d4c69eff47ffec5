/* How a box moves: the Kalman filter of SORT (Bewley et al., 2016), with steps of any length.
 *
 * The state is the box's centre, area and ratio of width to height, and the velocities of all but the ratio. Every
 * matrix of the filter leaves x, y, area and ratio apart, so it is four filters, of two numbers and of one.
 *
 * A velocity wanders as a continuous white noise of acceleration, so that two steps are as good as one of their length.
 * The state is therefore kept as of the last detection, and where the box is at another time is computed from there.
 *
 * Deviations are of the box: `side` is the root of the area.
 *   detection   centre: measurement sides; area and ratio: 2 measurement times themselves
 *   velocity    of the centre: process sides a second, in a second; of the area: half of process, times the area; the
 *               ratio itself wanders by half of process, times itself
 *   at first    velocity of the centre: start sides a second; of the area: half of that, times the area
 * A box grows and shrinks more slowly than it moves, hence the halves. */
#ifndef GVK_MOTION_H
#define GVK_MOTION_H

struct gvk_motion_noise {
    double measurement, process, start;
};

struct gvk_axis {
    double value, speed;
    double variance, covariance, speed_variance;
};

struct gvk_motion {
    struct gvk_axis x, y, area;
    double ratio, ratio_variance;
    double seconds; /* of the last detection */
};

/* Where a box is at some time. */
struct gvk_place {
    double x, y, area, ratio;
    double speed[3]; /* of x, y, area */
};

/* `box` is x1, y1, x2, y2, with sides above zero. */
void gvk_motion_begin(struct gvk_motion *motion, const struct gvk_motion_noise *noise, const double box[4],
                      double seconds);
/* Takes a detection at a time that is not before the last one's. */
void gvk_motion_correct(struct gvk_motion *motion, const struct gvk_motion_noise *noise, const double box[4],
                        double seconds);
/* At the time of the last detection plus `step`, which may be negative. The area stays between a quarter of what it was
 * at the last detection and four times that. */
struct gvk_place gvk_motion_at(const struct gvk_motion *motion, double step);

/* x1, y1, x2, y2, and how they change in a second; `velocity` may be NULL. */
void gvk_place_corners(const struct gvk_place *place, double box[4], double velocity[4]);

#endif
