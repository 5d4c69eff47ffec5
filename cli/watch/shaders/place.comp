#version 450
/* Finds each label a place, the surest first: above the box's frame where there is room, else in its upper corner;
 * where that hides the label of a surer box, below the frame, at its lower edge, or flush with its right side. A label
 * that would be mostly hidden in its usual place is left out. One workgroup; its lanes share the comparisons. */
#define MARKS_ACCESS
#extension GL_GOOGLE_include_directive : require
layout(local_size_x = 64) in;
#include "shared.glsl"

const int CORNERS = 6;
shared ivec4 placed[LABELS_MAX];
shared uint blocked;     /* corners where a surer label is */
shared uint hidden;      /* pixels of the usual place that surer labels take */

uint count_visible()
{
    uint low = 0u, high = boxes[draw_at + 1u]; /* best score first */
    while (low < high) {
        uint middle = (low + high) / 2u;
        if (score_of(middle) >= threshold)
            low = middle + 1u;
        else
            high = middle;
    }
    return low;
}

ivec4 move_inside(ivec4 area, ivec4 room)
{
    ivec2 by = min(room.zw - area.zw, ivec2(0));
    by = max(by, room.xy - area.xy);
    return area + by.xyxy;
}

ivec4 corner_place(int corner, ivec4 frame, ivec2 size)
{
    int left = corner >= 4 ? frame.z - size.x : frame.x;
    int top = corner == 0 || corner == 4   ? frame.y - size.y
              : corner == 1                ? frame.y
              : corner == 2 || corner == 5 ? frame.w
                                           : frame.w - size.y;
    return ivec4(left, top, left + size.x, top + size.y);
}

bool overlap(ivec4 one, ivec4 other)
{
    return one.x < other.z && other.x < one.z && one.y < other.w && other.y < one.w;
}

void main()
{
    uint lane = gl_LocalInvocationID.x;
    uint shown = count_visible(), labels = min(shown, uint(LABELS_MAX));
    ivec4 room = ivec4(origin, origin + extent);
    int padding = int(cap_height * 9u + 10u) / 20;
    for (uint i = 0u; i < labels; i++) {
        if (lane == 0u) {
            blocked = 0u;
            hidden = 0u;
        }
        barrier();
        uint class_id = class_of(i);
        int name = class_id < class_count ? int(names[class_id].y) : 0;
        ivec4 frame = frame_of(i);
        ivec2 size = ivec2(2 * padding + (name > 0 ? name + int(digit_pitch) * 2 / 3 : 0) + 3 * int(digit_pitch) + int(point_pitch),
                           int(cap_height) + 1 + 2 * padding);
        ivec4 corners[CORNERS];
        int usual = -1;
        uint outside = 0u;
        for (int k = 0; k < CORNERS; k++) {
            corners[k] = corner_place(k, frame, size);
            if (corners[k].y < room.y || corners[k].w > room.w)
                outside |= 1u << k;
            else if (usual < 0)
                usual = k;
            corners[k] = move_inside(corners[k], room);
        }
        usual = max(usual, 0);
        for (uint j = lane; j < i; j += 64u) {
            ivec4 other = placed[j];
            uint found = 0u;
            for (int k = 0; k < CORNERS; k++)
                if (overlap(corners[k], other))
                    found |= 1u << k;
            if (found != 0u)
                atomicOr(blocked, found);
            if ((found >> usual & 1u) != 0u) {
                ivec2 both = min(corners[usual].zw, other.zw) - max(corners[usual].xy, other.xy);
                atomicAdd(hidden, uint(both.x * both.y));
            }
        }
        barrier();
        if (lane == 0u) {
            uint open = ~(blocked | outside) & 63u;
            ivec4 plate = open != 0u                              ? corners[findLSB(open)]
                          : 2u * hidden > uint(size.x * size.y) ? ivec4(0)
                                                                  : corners[usual];
            placed[i] = plate;
            plates[i] = plate;
        }
        barrier();
    }
    if (lane == 0u)
        visible = shown;
}
