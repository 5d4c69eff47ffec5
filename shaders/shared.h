/* What C and GLSL must agree on: bindings, specialisation ids, push constants. Included by both.
 *
 * Tensors on the device are NC4HW4: four channels of a pixel in one vec4, planes of H x W vec4s, one plane per channel
 * quad. A quad takes 16 bytes in fp32 and 8 in fp16. Every offset and stride below counts quads unless its name says
 * otherwise. A push constant block starts with the offset of each binding's tensor inside the range that is bound,
 * because ranges are bound at the device's alignment. */
#ifndef GVK_SHARED_H
#define GVK_SHARED_H

/* Storage buffers. A minimal device has four a stage; these are all of them. */
#define GVK_BINDING_OUTPUT  0
#define GVK_BINDING_SOURCE  1
#define GVK_BINDING_EXTRA   2 /* a residual, a gate, or a second input */
#define GVK_BINDING_WEIGHTS 3
/* The same ranges read as texels. */
#define GVK_BINDING_SOURCE_TEXELS  4
#define GVK_BINDING_EXTRA_TEXELS   5
#define GVK_BINDING_WEIGHTS_TEXELS 6
#define GVK_FIRST_TEXEL_BINDING    4
#define GVK_BINDING_COUNT          7
/* Set 1 of the shaders that read a picture's image. */
#define GVK_BINDING_PICTURE 0
#define GVK_BINDING_CHROMA  1

/* Specialisation constants. */
#define GVK_CONSTANT_LOCAL_SIZE 0
#define GVK_CONSTANT_EXTRA      1 /* GVK_EXTRA_... */
#define GVK_CONSTANT_MODE       2 /* what the shader's head says */
#define GVK_CONSTANT_SWISH      3 /* 1: what is activated is multiplied by what that makes of it */
#define GVK_CONSTANT_SIDE       4 /* of a matrix; pointwise_matrix.comp */
#define GVK_CONSTANT_STORE      5 /* enum gvk_store, where the shaders of several stores are one code */

/* Values of GVK_CONSTANT_EXTRA. */
#define GVK_EXTRA_NONE     0
#define GVK_EXTRA_RESIDUAL 1 /* added to the output */
#define GVK_EXTRA_GATE     2 /* one factor a channel, multiplied into the source */

/* Bits of GVK_CONSTANT_MODE for pointwise_matrix.comp. */
#define GVK_MODE_UPSAMPLE 1u /* each value is stored to the 2 x 2 pixels of an image twice the size */
#define GVK_MODE_BY_INPUT 2u /* the four vectors of an input quad and an output quad are an input's four outputs each */

/* Subgroups of a workgroup of pointwise_matrix.comp, each of which has two by two matrices of side x side; and the shared
 * memory that it takes: a step's inputs of pixels and of outputs, of each slice, in rows of so many quads; and a matrix of
 * sums a subgroup. */
#define GVK_MATRIX_STEP_QUADS                               8 /* input quads a step */
#define GVK_MATRIX_ROW                                      (GVK_MATRIX_STEP_QUADS + 2)
#define GVK_MATRIX_LEAST_LANES                              32u /* of a workgroup */
#define GVK_MATRIX_SUBGROUPS(pixels, outputs, slices, side) ((pixels) / (side) * ((outputs) / (side)) * (slices) / 4)
#define GVK_MATRIX_SHARED_BYTES(pixels, outputs, slices, side)                                                         \
    ((slices) * ((pixels) + (outputs)) * GVK_MATRIX_ROW * 8 +                                                          \
     GVK_MATRIX_SUBGROUPS(pixels, outputs, slices, side) * (side) * ((side) / 4 + 1) * 16)

/* The most quads that excite.comp keeps in shared memory, and lanes that share a sum in split.glsl: 16 KiB together, the
 * least that Vulkan promises. */
#define GVK_EXCITE_QUADS 768
#define GVK_SPLIT_LANES  256
#define GVK_EXCITE_LANES 64 /* of a workgroup of excite.comp, at least */

/* Weight chunks (set 1): a storage buffer at every so many vec4s of the weights, 256 bytes. */
#define GVK_CHUNK_STEP_VEC4S 16

/* Lanes of a slice of pointwise.comp: a whole subgroup of any GPU but Adreno's widest. */
#define GVK_SLICE_LANES 64

/* The most that pointwise.comp has of SLICES, and of input quads a step (AHEAD, and HALF_SUMS): proofs are as long as
 * these ask for. */
#define GVK_MOST_SLICES 4
#define GVK_MOST_AHEAD  4

/* Values of GVK_CONSTANT_MODE in the kernels of GPUs. */
#define GVK_STEPS_AHEAD   0
#define GVK_SINGLE_STEPS  1
#define GVK_STEPS_AT_ONCE 2

#define GVK_PUSH_BYTES 128

/* What one lane of a dispatch may make of loop turns, all its loops together. */
#define GVK_MOST_TURNS 16384u

/* Lanes beyond a plane's end read on, and never use what they read: so many quads follow each tensor. */
#define GVK_SLACK_QUADS 512

#ifdef __STDC__
#include <stdint.h>
#define GVK_PUSH(name)  struct gvk_##name##_push
#define GVK_UINT        uint32_t
#define GVK_INT         int32_t
#define GVK_FLOAT       float
#else
#define GVK_PUSH(name)  layout(push_constant) uniform name##_push
#define GVK_UINT        uint
#define GVK_INT         int
#define GVK_FLOAT       float
#endif

/* Every activation as one formula, so that it costs no branch and no pipeline of its own:
 * clamp(x + shift, low, high) * scale. Hard-swish alone is x times that, which a specialisation constant says: the
 * others do not pay for it. */
struct gvk_activation_range {
    GVK_FLOAT low, high, shift, scale;
};
#ifdef __STDC__
#define GVK_ACTIVATION struct gvk_activation_range activation;
#else
#define GVK_ACTIVATION gvk_activation_range activation;
#endif

#define GVK_OFFSETS GVK_UINT output_offset, source_offset, extra_offset, weights_offset;
/* From one item of the batch to the next. */
#define GVK_ITEMS GVK_UINT output_item, source_item, extra_item;

#if defined(__STDC__) || defined(GVK_USE_POINTWISE)
GVK_PUSH(pointwise)
{
    GVK_OFFSETS
    GVK_ITEMS
    GVK_ACTIVATION
    GVK_UINT bias; /* behind weights_offset */
    GVK_UINT input_quads, output_quads;
    GVK_UINT pixels; /* of a plane of the source */
    GVK_UINT width;  /* of the source; for the upsampling store */
    GVK_UINT chunk;  /* the first weight chunk; pointwise_chunks.comp */
    GVK_UINT blocks_first; /* 1: workgroups count the output blocks in x, the pixels in y; pointwise.comp */
    GVK_UINT block_quads;  /* output quads of a block of packed weights; pointwise_matrix.comp */
};
#endif

#if defined(__STDC__) || defined(GVK_USE_DEPTHWISE)
GVK_PUSH(depthwise)
{
    GVK_OFFSETS
    GVK_ITEMS
    GVK_ACTIVATION
    GVK_UINT quads;
    GVK_UINT width, height; /* of the source */
    GVK_UINT output_width, output_height;
    GVK_UINT tiles_x, tiles; /* along a row; of a plane */
    GVK_UINT kernel, stride, padding;
    GVK_UINT rows; /* of a strip's outputs; depthwise_strips.comp */
};
#endif

/* A workgroup of a ghost module computes so many pixels a side of the pointwise convolution, and two fewer a side of the
 * output: a 3 x 3 kernel needs one more on each. */
#define GVK_GHOST_SIDE  16
#define GVK_GHOST_INNER 14
#if defined(__STDC__) || defined(GVK_USE_GHOST)
GVK_PUSH(ghost)
{
    GVK_OFFSETS
    GVK_ITEMS
    GVK_UINT gate_item;
    GVK_ACTIVATION
    GVK_UINT bias, taps; /* behind weights_offset */
    GVK_UINT input_quads, output_quads; /* of the pointwise convolution */
    GVK_UINT width, height;
    GVK_UINT tiles_x;
};
#endif

#if defined(__STDC__) || defined(GVK_USE_DENSE)
GVK_PUSH(dense)
{
    GVK_OFFSETS
    GVK_ITEMS
    GVK_ACTIVATION
    GVK_UINT bias;
    GVK_UINT input_quads, output_quads;
    GVK_UINT width, height;
    GVK_UINT output_width, output_height;
    GVK_UINT kernel, stride, padding;
};
#endif

/* Kernels that take one or two tensors plane by plane. */
#if defined(__STDC__) || defined(GVK_USE_PLANES)
GVK_PUSH(planes)
{
    GVK_OFFSETS
    GVK_ITEMS
    GVK_ACTIVATION
    GVK_UINT quads;         /* of the output */
    GVK_UINT width, height; /* of the source */
    GVK_UINT kernels[3];    /* of max pools; 0: none */
};
#endif

#if defined(__STDC__) || defined(GVK_USE_CONCAT)
GVK_PUSH(concat)
{
    GVK_OFFSETS
    GVK_ITEMS
    GVK_UINT channels;      /* of the part */
    GVK_UINT first_channel; /* where the part goes */
    GVK_UINT pixels;
};
#endif

#if defined(__STDC__) || defined(GVK_USE_EXCITE)
GVK_PUSH(excite)
{
    GVK_OFFSETS
    GVK_ITEMS
    GVK_ACTIVATION
    GVK_UINT channels_quads, reduced_quads;
    GVK_UINT reduce_bias, expand, expand_bias; /* behind weights_offset */
};
#endif

#if defined(__STDC__) || defined(GVK_USE_EXCITE_LAYER)
GVK_PUSH(excite_layer)
{
    GVK_OFFSETS
    GVK_ITEMS
    GVK_ACTIVATION
    GVK_UINT input_quads, output_quads;
    GVK_UINT first, bias; /* behind weights_offset */
    GVK_UINT lanes;       /* that share an output quad */
};
#endif

#define GVK_RESIZE_ROWS 4 /* that a lane of the horizontal pass computes */

/* Resize: source is the upload (offset in bytes), extra the coefficients of this pass (offset in ints). */
#if defined(__STDC__) || defined(GVK_USE_RESIZE)
GVK_PUSH(resize)
{
    GVK_OFFSETS
    GVK_UINT pixels_byte;  /* first pixel of the first row in the source; horizontal pass */
    /* Bytes to the next row and to the next pixel of one, which may lie before: sums wrap around. Horizontal pass */
    GVK_UINT row_step, pixel_step;
    GVK_UINT red_first;    /* 1: R, G, B in memory; 0: B, G, R */
    GVK_UINT coefficients; /* first int of this pass in the extra */
    GVK_UINT taps;         /* ints a row of the coefficient table, behind first and count */
    GVK_UINT source_width, source_height; /* of the rows that are bound */
    GVK_UINT first_row;    /* of the output, that workgroup 0 of y computes; vertical pass */
    GVK_UINT source_row;   /* which row of the picture the source begins with; vertical pass */
    GVK_UINT inner_x, inner_y, inner_width, inner_height; /* where the picture lies in the input */
    GVK_UINT width, height;                               /* of the input */
};
#endif

/* The horizontal pass of a picture that is an image. */
#if defined(__STDC__) || defined(GVK_USE_RESIZE_IMAGE)
GVK_PUSH(resize_image)
{
    GVK_OFFSETS
    GVK_UINT taps;          /* ints a row of the coefficient table, behind first and count */
    GVK_UINT source_height; /* rows that the dispatch computes */
    GVK_UINT inner_width;
    GVK_INT origin_x, origin_y; /* the first row's first pixel in the image */
    GVK_INT across_x, across_y, down_x, down_y; /* from there to the next pixel, to the next row */
    GVK_UINT is_linear;       /* 1: values are proportional to light */
    GVK_FLOAT unit_x, unit_y; /* a pixel's part of the image's sides; with a sampler */
    /* Of planes: Y = luma_scale * value + luma_offset, and so on; then R, G and B from Y, Cb and Cr. */
    GVK_FLOAT luma_scale, luma_offset, chroma_scale, chroma_offset;
    GVK_FLOAT red_of_cr, green_of_cb, green_of_cr, blue_of_cb;
};
#endif

/* Detection. A candidate is two uvec4s: the bits of the box as centre x, y and width, height, in parts of the input's
 * sides; then the score's bits, class, item, row. Rows of an item are counted through its three maps.
 * The state of a frame, in words: */
#define GVK_STATE_CANDIDATES 0 /* how many were decoded */
#define GVK_STATE_NOT_FINITE 1 /* not 0: a map holds a number that is not finite */
#define GVK_STATE_KEPT       2 /* how many suppression kept */
#define GVK_STATE_STARTS     4 /* a word for each ranked candidate: overlap.comp */
/* Behind the starts two words for each full tile: where its kept boxes begin in the list of those, and their number. */

/* Candidates are sorted in blocks of so many, then merged. */
#define GVK_SORT_BLOCK 256

/* So many candidates are loaded together: each list of them is followed by that many, less one, which are never used. */
#define GVK_SUPPRESS_AHEAD 8

/* Suppression goes through a class and item in tiles of at most so many words of 32 candidates, best first. Two tiles
 * hold what 416 x 416 pixels have (10,647 candidates), and no lane makes more than 16,384 turns over one. */
#define GVK_MOST_TILE_WORDS 168
/* Words of a row that keep_in_subgroup.comp loads together. */
#define GVK_KEEP_AHEAD 6
/* Of overlaps (overlap.comp) the first row of a tile has one word, the 33rd two, and so on: less than this for each
 * candidate. Behind them all lie those of another 32 rows, which are never used. */
#define GVK_OVERLAP_WORDS(tile_words) ((tile_words) / 2 + 1)

#if defined(__STDC__) || defined(GVK_USE_DECODE)
GVK_PUSH(decode)
{
    GVK_OFFSETS
    GVK_UINT source_item;
    GVK_UINT classes;
    GVK_UINT width, height; /* of the map */
    GVK_UINT first_row;     /* candidates of coarser maps before this one's */
    GVK_UINT batch;
    GVK_FLOAT anchors[6]; /* three pairs of width and height, divided by the input's size */
};
#endif

#if defined(__STDC__) || defined(GVK_USE_SORT)
GVK_PUSH(sort)
{
    GVK_OFFSETS
    GVK_UINT capacity; /* candidates that there can be */
    GVK_UINT counter;  /* the word of the state that says how many there are */
    GVK_UINT classes;  /* groups of an item: its classes, or 1 */
    GVK_UINT run;      /* keys that are in order already; sort_merge.comp */
    GVK_UINT fan;      /* runs that become one */
};
#endif

#if defined(__STDC__) || defined(GVK_USE_SUPPRESS)
GVK_PUSH(suppress)
{
    GVK_OFFSETS
    GVK_UINT capacity; /* candidates that there can be */
    GVK_UINT classes;
    GVK_UINT tile_words;
    GVK_UINT tile;     /* of each class and item; keep.comp, drop.comp */
    GVK_UINT begin;    /* the first candidate of this dispatch; drop.comp */
};
#endif

#if defined(__STDC__) || defined(GVK_USE_COLLECT)
GVK_PUSH(collect)
{
    GVK_OFFSETS
    GVK_UINT capacity; /* candidates that there can be */
    GVK_UINT batch;
    GVK_UINT vertices;       /* of a box's draw */
    GVK_UINT max_detections; /* that are drawn of an item */
    GVK_UINT unclipped;      /* 1: boxes may reach beyond what the network saw of the picture */
};
#endif

/* No side of an unclipped box is farther from the picture's corner, in pixels: all are finite. */
#define GVK_FARTHEST 1e30f

/* Frame parameters of a detector, written by the host for each frame: two vec4s at the front, then two an item. */
/* [0] confidence, IoU threshold, 0, 0; [1] unused; [2 + 2 i] scale x, y, offset x, y; [3 + 2 i] width and height of
 * what the network sees of the picture, x and y of its corner in the whole */
#define GVK_FRAME_PARAMETERS_FRONT 2
#define GVK_FRAME_PARAMETERS_ITEM  2

/* Result of a detector: one uvec4 (kept, candidates, non-finite, 0); then one an item, a VkDrawIndirectCommand; then two
 * a detection: the bits of the box in pixels of the picture; then the score's bits, class, item, row. That is the layout
 * of gvk_detection. None is kept where a number was not finite. */

#endif
