/* EXIF's orientations (CIPA DC-008, tag 274) as a map from upright to stored pixels. */
#include "turn.h"

bool gvk_swaps_sides(uint32_t orientation)
{
    return orientation >= 5;
}

struct gvk_turn gvk_turn_picture(uint32_t orientation, uint32_t stored_width, uint32_t stored_height,
                                 const struct gvk_rectangle *crop)
{
    /* The last stored row is, seen upright, the top or the left side; the last stored column likewise. */
    bool mirrors_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    bool mirrors_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    int32_t step_x = mirrors_x ? -1 : 1, step_y = mirrors_y ? -1 : 1;
    struct gvk_turn turn = {
        .origin = {mirrors_x ? (int32_t)stored_width - 1 : 0, mirrors_y ? (int32_t)stored_height - 1 : 0}};
    if (gvk_swaps_sides(orientation)) {
        turn.across[1] = step_y;
        turn.down[0] = step_x;
    } else {
        turn.across[0] = step_x;
        turn.down[1] = step_y;
    }
    for (int axis = 0; axis < 2; axis++)
        turn.origin[axis] += (int32_t)crop->x * turn.across[axis] + (int32_t)crop->y * turn.down[axis];
    return turn;
}

struct gvk_rectangle gvk_stored_crop(const struct gvk_turn *turn, const struct gvk_rectangle *crop)
{
    int32_t first[2], sides[2];
    const int32_t beyond[2] = {(int32_t)crop->width - 1, (int32_t)crop->height - 1};
    for (int axis = 0; axis < 2; axis++) {
        int32_t step = beyond[0] * turn->across[axis] + beyond[1] * turn->down[axis];
        first[axis] = turn->origin[axis] + (step < 0 ? step : 0);
        sides[axis] = (step < 0 ? -step : step) + 1;
    }
    return (struct gvk_rectangle){(uint32_t)first[0], (uint32_t)first[1], (uint32_t)sides[0], (uint32_t)sides[1]};
}
