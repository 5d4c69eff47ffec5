/* See pairs.h. Boxes of a class are sorted by their left sides, and swept from left to right. */
#include "pairs.h"

double gvk_overlap(const double left[4], const double right[4])
{
    double width = (left[2] < right[2] ? left[2] : right[2]) - (left[0] > right[0] ? left[0] : right[0]);
    double height = (left[3] < right[3] ? left[3] : right[3]) - (left[1] > right[1] ? left[1] : right[1]);
    if (!(width > 0) || !(height > 0))
        return 0;
    double both = width * height;
    double all = (left[2] - left[0]) * (left[3] - left[1]) + (right[2] - right[0]) * (right[3] - right[1]) - both;
    return both / all;
}

/* The pair that overlaps least is on top of the heap, of equal ones any. */
static void sink(struct gvk_pair *heap, uint32_t place)
{
    struct gvk_pair moved = heap[place];
    for (;;) {
        uint32_t child = 2 * place + 1;
        if (child >= GVK_MOST_PAIRS)
            break;
        if (child + 1 < GVK_MOST_PAIRS && heap[child + 1].overlap < heap[child].overlap)
            child++;
        if (!(heap[child].overlap < moved.overlap))
            break;
        heap[place] = heap[child];
        place = child;
    }
    heap[place] = moved;
}

/* `first` is where the detection's pairs begin; there is room for GVK_MOST_PAIRS from there. */
static void keep(struct gvk_pairs *pairs, uint32_t first, struct gvk_pair pair)
{
    struct gvk_pair *heap = pairs->list + first;
    if (pairs->count - first < GVK_MOST_PAIRS) {
        pairs->list[pairs->count++] = pair;
        if (pairs->count - first == GVK_MOST_PAIRS)
            for (uint32_t i = GVK_MOST_PAIRS / 2; i-- > 0;)
                sink(heap, i);
    } else if (pair.overlap > heap[0].overlap) {
        heap[0] = pair;
        sink(heap, 0);
    }
}

static gvk_result make_room(const gvk_host *host, struct gvk_pairs *pairs)
{
    if (pairs->capacity - pairs->count >= GVK_MOST_PAIRS)
        return GVK_OK;
    uint32_t capacity = pairs->capacity ? 2 * pairs->capacity : 4 * GVK_MOST_PAIRS;
    struct gvk_pair *larger = gvk_grow_array(host, pairs->list, pairs->count, capacity, sizeof *larger);
    if (!larger)
        return gvk_fail_memory(host);
    pairs->list = larger;
    pairs->capacity = capacity;
    return GVK_OK;
}

static gvk_result make_keys(const gvk_host *host, struct gvk_pairs *pairs, uint32_t count)
{
    if (count <= pairs->key_capacity)
        return GVK_OK;
    uint32_t capacity = count > 2 * pairs->key_capacity ? count : 2 * pairs->key_capacity;
    struct gvk_sort_key *keys = gvk_allocate_array(host, capacity, sizeof *keys);
    if (!keys)
        return gvk_fail_memory(host);
    gvk_release(host, pairs->keys);
    pairs->keys = keys;
    pairs->key_capacity = capacity;
    return GVK_OK;
}

static void sort_boxes(struct gvk_sort_key *keys, const struct gvk_labelled_box *boxes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        keys[i] = (struct gvk_sort_key){.at = boxes[i].corners[0], .group = boxes[i].class_id, .index = i};
    gvk_sort_keys(keys, count);
}

/* Where the keys' class ends that begins at `begin`. */
static uint32_t end_of_group(const struct gvk_sort_key *keys, uint32_t begin, uint32_t count)
{
    uint32_t end = begin;
    while (end < count && keys[end].group == keys[begin].group)
        end++;
    return end;
}

/* The keys of a class' boxes. */
struct group {
    const struct gvk_sort_key *keys;
    uint32_t count;
};

static gvk_result pair_group(const gvk_host *host, struct gvk_pairs *pairs, const struct gvk_labelled_box *tracks,
                             struct group of_tracks, const struct gvk_labelled_box *detections,
                             struct group of_detections, double least)
{
    double widest = 0;
    for (uint32_t i = 0; i < of_tracks.count; i++) {
        const double *corners = tracks[of_tracks.keys[i].index].corners;
        widest = corners[2] - corners[0] > widest ? corners[2] - corners[0] : widest;
    }
    uint32_t begin = 0; /* tracks before this one end left of the detection */
    for (uint32_t i = 0; i < of_detections.count; i++) {
        uint32_t detection = of_detections.keys[i].index;
        const double *corners = detections[detection].corners;
        gvk_result result = make_room(host, pairs);
        if (result)
            return result;
        uint32_t first = pairs->count;
        while (begin < of_tracks.count && of_tracks.keys[begin].at + widest < corners[0])
            begin++;
        for (uint32_t j = begin; j < of_tracks.count && of_tracks.keys[j].at < corners[2]; j++) {
            uint32_t track = of_tracks.keys[j].index;
            double overlap = gvk_overlap(tracks[track].corners, corners);
            if (overlap > 0 && overlap >= least)
                keep(pairs, first, (struct gvk_pair){overlap, track, detection});
        }
    }
    return GVK_OK;
}

gvk_result gvk_find_pairs(const gvk_host *host, struct gvk_pairs *pairs, const struct gvk_labelled_box *tracks,
                          uint32_t track_count, const struct gvk_labelled_box *detections, uint32_t detection_count,
                          double least)
{
    pairs->count = 0;
    if (!track_count || !detection_count)
        return GVK_OK;
    gvk_result result = make_keys(host, pairs, track_count + detection_count);
    if (result)
        return result;
    struct gvk_sort_key *left = pairs->keys, *right = pairs->keys + track_count;
    sort_boxes(left, tracks, track_count);
    sort_boxes(right, detections, detection_count);
    for (uint32_t i = 0, j = 0; i < track_count && j < detection_count && !result;) {
        uint32_t i_end = end_of_group(left, i, track_count), j_end = end_of_group(right, j, detection_count);
        if (left[i].group == right[j].group)
            result = pair_group(host, pairs, tracks, (struct group){left + i, i_end - i}, detections,
                                (struct group){right + j, j_end - j}, least);
        bool left_first = left[i].group <= right[j].group, right_first = right[j].group <= left[i].group;
        i = left_first ? i_end : i;
        j = right_first ? j_end : j;
    }
    return result;
}

void gvk_pairs_release(const gvk_host *host, struct gvk_pairs *pairs)
{
    gvk_release(host, pairs->list);
    gvk_release(host, pairs->keys);
    *pairs = (struct gvk_pairs){.count = 0};
}
