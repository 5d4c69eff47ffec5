/* Boxes behind any graph: YOLO's decode and non-maximum suppression on the device, behind up to three output maps.
 *
 * A detector is a stream; gvk_stream_submit, wait, read, timings and describe of gvk.h work on it. Its boxes are read
 * with gvk_detector_read. ghostnet.h makes one for a gvk_network. The rules of gvk.h hold here too.
 *
 * Source: Bochkovskiy et al., "YOLOv4", 2020: sigmoid of x and y, plus the cell; exp of width and height, times the
 * anchor; objectness times the best class. */
#ifndef GVK_DETECTOR_MAPS_H
#define GVK_DETECTOR_MAPS_H

#include <ghostvk/embedding.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GVK_DETECTOR_MAPS 3 /* at most */
#define GVK_MAP_ANCHORS   3 /* of each map */

/* An output of the graph with GVK_MAP_ANCHORS * (5 + classes) channels: for each anchor x, y, width, height,
 * objectness, then the classes; all of them raw, as the last convolution gives them. */
typedef struct gvk_detector_map {
    size_t size;
    const char *output;
    uint32_t stride; /* pixels of the input a side of a cell; checked; 0: not checked */
    uint32_t reserved;
    float anchors[2 * GVK_MAP_ANCHORS]; /* width, height in pixels of the input, finite and above zero */
    /* 0.1 ends here. */
} gvk_detector_map;

typedef struct gvk_detector_heads {
    size_t size;
    const gvk_detector_map *maps; /* 1 to GVK_DETECTOR_MAPS, in the order that candidates are counted in ... */
    size_t map_size;              /* ... each of so many bytes: sizeof maps[0]; 0: the first release's */
    uint32_t map_count, class_count;
    /* 0.1 ends here. */
} gvk_detector_heads;

typedef struct gvk_detector_params {
    size_t size;
    const gvk_stream_params *stream; /* read during the call; NULL, or width and height 0: the network's default size,
                                        where the detector is a gvk_network's */
    float confidence, iou;           /* at most 1; 0: the network's default, else 0.5 and 0.3; negative: zero */
    uint32_t max_detections;         /* of a picture; 0: all */
    uint32_t vertices_per_box;       /* vertexCount of the indirect draws (gvk_device_boxes); 0: 6, two triangles */
    uint32_t unclipped;              /* 1: boxes reach beyond the picture where the network says so; 0: clipped */
    /* 0.1 ends here. */
    uint32_t reserved;
} gvk_detector_params;

typedef struct gvk_detection {
    float box[4]; /* x1, y1, x2, y2 in pixels of the source picture, clipped to what the network saw of it unless
                     gvk_detector_params.unclipped; finite */
    float score;
    uint32_t class_id;
    uint32_t item;      /* index in the batch */
    uint32_t candidate; /* row among all candidates: map by map (a network's: stride 32, 16, 8); anchor; y; x */
    /* 0.1 ends here. */
} gvk_detection;

/* Makes a stream that decodes and suppresses behind the model's graph. The structs are copied. GVK_ERROR_ARGUMENT when
 * the graph has no such output, or one of other channels or another stride, and when params name no input size. */
GVK_API gvk_result gvk_detector_create_for(gvk_model *model, const gvk_detector_heads *heads,
                                           const gvk_detector_params *params, gvk_stream **out);

/* The detections of a frame that is done: by item, best score first. They live until the stream's next call, and lie
 * `detection_size` bytes apart: sizeof(gvk_detection), so that (*out)[i] is the caller's.
 * GVK_ERROR_NUMBER when the network's maps hold an infinity or a not-a-number; a stream of the same model that keeps
 * all of gvk_model_tensors finds the layer where they begin. GVK_ERROR_DRIVER when the device returned what cannot be
 * (a class that there is not, a side outside of all pictures where boxes are clipped, a wrong order): it computes
 * wrongly. */
GVK_API gvk_result gvk_detector_read(gvk_stream *stream, gvk_ticket ticket, const gvk_detection **out,
                                     size_t detection_size, uint32_t *count);

/* ---- boxes that stay on the device ---- */

/* Where a frame's boxes are in device memory, for a host that draws them by the GPU: one buffer, usage STORAGE, VERTEX
 * and INDIRECT, exclusive to the device's queue family, which each frame in flight has of its own. In it lie
 *
 *   draws  one VkDrawIndirectCommand a picture of the batch, `draw_stride` bytes apart: vertexCount as the params say,
 *          instanceCount the picture's boxes (at most max_detections), firstVertex 0, firstInstance its first box. In a
 *          batch of 1 that is 0; else drawing needs the feature drawIndirectFirstInstance.
 *   boxes  gvk_detection as in release 0.1, 32 bytes each: box x1, y1, x2, y2 (float, pixels of the upright picture),
 *          score (float), class, item, candidate (uint). By item, best score first, `capacity` at most. Those beyond
 *          max_detections of a picture lie there too, and no draw has them. As attributes of a binding with stride 32
 *          and VK_VERTEX_INPUT_RATE_INSTANCE: R32G32B32A32_SFLOAT at 0, R32_SFLOAT at 16, R32G32B32_UINT at 20.
 *   count  uint32_t, how many boxes lie there.
 *
 * Where the network's maps hold an infinity or a not-a-number there is no box, and draws draw nothing. Behind the last
 * box nothing is written.
 *
 * Everything is written once the ticket is done, or behind a semaphore of gvk_submit_params.signals. Commands on the
 * same queue need a barrier from stages COMPUTE_SHADER and TRANSFER, accesses SHADER_WRITE and TRANSFER_WRITE, to
 * DRAW_INDIRECT, INDIRECT_COMMAND_READ and to VERTEX_INPUT, VERTEX_ATTRIBUTE_READ (or what else they do); a queue of
 * another family also takes over the buffer's ownership and gives it back. It stays as it is until `frames` further
 * submits: what reads it must have been executed by then, or stand before them on the same queue.
 *
 * The host reads the same buffer (gvk_detector_read), so it lies in memory that the host has cached. A discrete card
 * reads boxes and draws over its bus, once a draw: 32 bytes a box, far below what the draw itself costs. */
typedef struct gvk_device_boxes {
    size_t size;
    VkBuffer buffer;
    VkDeviceSize draws, boxes, count; /* bytes from the buffer's start; draws and boxes at multiples of 16 */
    uint32_t draw_stride, capacity, batch;
    /* 0.1 ends here. */
    uint32_t reserved;
} gvk_device_boxes;

/* May be asked as soon as there is a ticket. GVK_ERROR_ARGUMENT when the stream is no detector's. */
GVK_API gvk_result gvk_detector_boxes(gvk_stream *stream, gvk_ticket ticket, gvk_device_boxes *out);

/* gvk_model_memory (embedding.h) of a model and a detector's stream. */
GVK_API gvk_result gvk_detector_memory(gvk_device *device, const gvk_graph *graph, const gvk_model_params *model,
                                       const gvk_detector_heads *heads, const gvk_detector_params *params,
                                       const gvk_picture *likeness, size_t picture_size, gvk_memory *out);

#ifdef __cplusplus
}
#endif
#endif
