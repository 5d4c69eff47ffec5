/* What all shaders of the window share: the constants of a frame, the detector's buffer, and what place.comp finds.
 * Everything is in whole pixels of the window, from its upper left corner. */
layout(push_constant) uniform Frame
{
    vec2 window;       /* its size */
    vec2 origin;       /* the upper left corner of the picture in it */
    vec2 extent;       /* of the picture in it */
    vec2 picture_size; /* in the picture's own pixels, in which boxes are */
    float threshold;   /* boxes of lower scores are not shown */
    uint draw_at;      /* words of the detector's buffer: the VkDrawIndirectCommand ... */
    uint boxes_at;     /* ... and the first gvk_detection */
    uint line;         /* of a box's frame */
    uint cap_height, above, row, digit_pitch; /* of the atlas's letters */
    uint class_count;
    uint encodes; /* 1: the window's format encodes light */
    uint point_pitch; /* of the point between digits */
};

layout(set = 0, binding = 2) readonly buffer Boxes
{
    uint boxes[];
};
layout(set = 0, binding = 3) readonly buffer Names
{
    uvec2 names[]; /* left | top << 16 in the atlas, width */
};
#define LABELS_MAX 256
#ifndef MARKS_ACCESS
#define MARKS_ACCESS readonly
#endif
layout(set = 0, binding = 4) MARKS_ACCESS buffer Marks
{
    uint visible; /* boxes that are shown: the first ones, which are the surest */
    uint unused[3];
    ivec4 plates[LABELS_MAX]; /* left, top, right, bottom of each box's label; empty: it has none */
};

float score_of(uint index)
{
    return uintBitsToFloat(boxes[boxes_at + 8u * index + 4u]);
}

uint class_of(uint index)
{
    return boxes[boxes_at + 8u * index + 5u];
}

/* The outer edge of a box's line, which runs along the middle of the box's edges, but not out of the picture. */
ivec4 frame_of(uint index)
{
    uint at = boxes_at + 8u * index;
    vec4 box = vec4(uintBitsToFloat(boxes[at]), uintBitsToFloat(boxes[at + 1u]), uintBitsToFloat(boxes[at + 2u]),
                    uintBitsToFloat(boxes[at + 3u]));
    vec4 shown = box / picture_size.xyxy * extent.xyxy + origin.xyxy;
    float outside = float(line / 2u);
    shown += vec4(-outside, -outside, outside, outside);
    return ivec4(clamp(floor(shown + 0.5), origin.xyxy, (origin + extent).xyxy));
}

/* Corner 0 to 5 of a quad's two triangles. */
vec2 corner_of(vec4 quad, int corner)
{
    int which = corner < 3 ? corner : corner == 3 ? 2 : corner == 4 ? 1 : 3;
    return vec2((which & 1) != 0 ? quad.z : quad.x, (which & 2) != 0 ? quad.w : quad.y);
}

vec4 place_of(vec2 pixel)
{
    return vec4(pixel / window * 2.0 - 1.0, 0.0, 1.0);
}

const uint COLOURS[20] =
    uint[](0x1E88FFu, 0xFF7A1Au, 0x12B76Au, 0xE83E8Cu, 0xFFC91Fu, 0x8B5CF6u, 0x06C3DBu, 0xE53935u, 0xA3D92Bu, 0x3F51B5u,
           0xFFA8C5u, 0x008C7Eu, 0xC07A3Fu, 0xB9A5FFu, 0x6B8E23u, 0x9C27B0u, 0x7FE7C4u, 0xB71C4Au, 0x90CAF9u, 0xF4E285u);

vec3 colour_of(uint class_id)
{
    uint colour = COLOURS[class_id % 20u];
    return vec3(colour >> 16, colour >> 8 & 255u, colour & 255u) / 255.0;
}
