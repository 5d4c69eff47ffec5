/* See assignment.h. */
#include "assignment.h"

#include <float.h>
#include <string.h>

/* ---- what hangs together ------------------------------------------------------------------------------------------
 */

/* Tracks and detections are nodes of one list, detections behind the tracks. */
static uint32_t find_root(uint32_t *parent, uint32_t node)
{
    while (parent[node] != node) {
        parent[node] = parent[parent[node]];
        node = parent[node];
    }
    return node;
}

static void join(uint32_t *parent, uint32_t left, uint32_t right)
{
    left = find_root(parent, left);
    right = find_root(parent, right);
    if (left < right)
        parent[right] = left;
    else
        parent[left] = right;
}

/* ---- the best assignment of few -----------------------------------------------------------------------------------
 */

/* Finds the cheapest assignment of every row to a column of its own; there are at least as many columns as rows.
 * Potentials of rows and columns keep each cost minus both at zero or above, and at zero where a row is assigned. A row
 * is added along the path of least cost to a free column, and assignments change along the path. */
static void assign_rows(const double *costs, uint32_t rows, uint32_t columns, uint32_t *column_of)
{
    double of_row[GVK_EXACT_SIDE], of_column[GVK_EXACT_SIDE] = {0}, distance[GVK_EXACT_SIDE];
    uint32_t row_of[GVK_EXACT_SIDE], came_from[GVK_EXACT_SIDE]; /* the column before, on the path */
    memset(row_of, 0xff, sizeof row_of);
    for (uint32_t added = 0; added < rows; added++) {
        bool reached[GVK_EXACT_SIDE] = {false};
        for (uint32_t j = 0; j < columns; j++)
            distance[j] = DBL_MAX;
        uint32_t row = added, column = GVK_UNASSIGNED;
        of_row[added] = 0;
        do {
            uint32_t nearest = 0;
            double least = DBL_MAX;
            for (uint32_t j = 0; j < columns; j++) {
                if (reached[j])
                    continue;
                double reduced = costs[row * GVK_EXACT_SIDE + j] - of_row[row] - of_column[j];
                if (reduced < distance[j]) {
                    distance[j] = reduced;
                    came_from[j] = column;
                }
                if (distance[j] < least) {
                    least = distance[j];
                    nearest = j;
                }
            }
            of_row[added] += least;
            for (uint32_t j = 0; j < columns; j++) {
                if (reached[j]) {
                    of_row[row_of[j]] += least;
                    of_column[j] -= least;
                } else {
                    distance[j] -= least;
                }
            }
            reached[nearest] = true;
            column = nearest;
            row = row_of[nearest];
        } while (row != GVK_UNASSIGNED);
        while (column != GVK_UNASSIGNED) {
            uint32_t before = came_from[column];
            row_of[column] = before == GVK_UNASSIGNED ? added : row_of[before];
            column = before;
        }
    }
    for (uint32_t j = 0; j < columns; j++)
        if (row_of[j] != GVK_UNASSIGNED)
            column_of[row_of[j]] = j;
}

/* ---- one crowd ----------------------------------------------------------------------------------------------------
 */

struct crowd {
    const struct gvk_sort_key *keys; /* its pairs */
    uint32_t pair_count;
    uint32_t tracks[GVK_EXACT_SIDE], detections[GVK_EXACT_SIDE]; /* as many as there is room for */
    uint32_t track_count, detection_count;                       /* all */
};

static void assign(struct gvk_assignment *assignment, uint32_t track, uint32_t detection)
{
    assignment->detection_of[track] = detection;
    assignment->track_of[detection] = track;
}

/* Numbers the crowd's tracks and detections in `local`. */
static void list_members(struct crowd *crowd, const struct gvk_assignment *assignment, const struct gvk_pair *pairs,
                         uint32_t all_tracks)
{
    for (uint32_t i = 0; i < crowd->pair_count; i++) {
        const struct gvk_pair *pair = &pairs[crowd->keys[i].index];
        uint32_t *track = &assignment->local[pair->track],
                 *detection = &assignment->local[all_tracks + pair->detection];
        if (*track == GVK_UNASSIGNED) {
            *track = crowd->track_count++;
            if (*track < GVK_EXACT_SIDE)
                crowd->tracks[*track] = pair->track;
        }
        if (*detection == GVK_UNASSIGNED) {
            *detection = crowd->detection_count++;
            if (*detection < GVK_EXACT_SIDE)
                crowd->detections[*detection] = pair->detection;
        }
    }
}

/* A pair costs what its boxes overlap, less than nothing; what is no pair costs nothing and is left unassigned. */
static void assign_best(struct gvk_assignment *assignment, const struct crowd *crowd, const struct gvk_pair *pairs,
                        uint32_t all_tracks)
{
    bool turned = crowd->track_count > crowd->detection_count; /* there are no more rows than columns */
    uint32_t rows = turned ? crowd->detection_count : crowd->track_count;
    uint32_t columns = turned ? crowd->track_count : crowd->detection_count;
    double *costs = assignment->costs;
    for (uint32_t row = 0; row < rows; row++)
        for (uint32_t column = 0; column < columns; column++)
            costs[row * GVK_EXACT_SIDE + column] = 0;
    for (uint32_t i = 0; i < crowd->pair_count; i++) {
        const struct gvk_pair *pair = &pairs[crowd->keys[i].index];
        uint32_t track = assignment->local[pair->track], detection = assignment->local[all_tracks + pair->detection];
        costs[turned ? detection * GVK_EXACT_SIDE + track : track * GVK_EXACT_SIDE + detection] = -pair->overlap;
    }
    uint32_t column_of[GVK_EXACT_SIDE];
    assign_rows(costs, rows, columns, column_of);
    for (uint32_t row = 0; row < rows; row++)
        if (costs[row * GVK_EXACT_SIDE + column_of[row]] < 0) {
            uint32_t track = turned ? column_of[row] : row, detection = turned ? row : column_of[row];
            assign(assignment, crowd->tracks[track], crowd->detections[detection]);
        }
}

static void assign_largest_first(struct gvk_assignment *assignment, struct gvk_sort_key *keys, uint32_t count,
                                 const struct gvk_pair *pairs)
{
    for (uint32_t i = 0; i < count; i++)
        keys[i].at = -pairs[keys[i].index].overlap;
    gvk_sort_keys(keys, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct gvk_pair *pair = &pairs[keys[i].index];
        if (assignment->detection_of[pair->track] == GVK_UNASSIGNED &&
            assignment->track_of[pair->detection] == GVK_UNASSIGNED)
            assign(assignment, pair->track, pair->detection);
    }
}

/* ---- all of them --------------------------------------------------------------------------------------------------
 */

static gvk_result make_room(const gvk_host *host, struct gvk_assignment *assignment, uint32_t nodes, uint32_t pairs)
{
    if (!assignment->costs)
        assignment->costs = gvk_allocate_unfilled(host, sizeof(double) * GVK_EXACT_SIDE * GVK_EXACT_SIDE);
    if (!assignment->costs)
        return gvk_fail_memory(host);
    if (nodes > assignment->node_capacity) {
        uint32_t capacity = nodes > 2 * assignment->node_capacity ? nodes : 2 * assignment->node_capacity;
        uint32_t *block = gvk_allocate_array(host, 4 * (size_t)capacity, sizeof *block);
        if (!block)
            return gvk_fail_memory(host);
        gvk_release(host, assignment->parent);
        assignment->parent = block;
        assignment->local = block + capacity;
        assignment->detection_of = block + 2 * (size_t)capacity;
        assignment->track_of = block + 3 * (size_t)capacity;
        assignment->node_capacity = capacity;
    }
    if (pairs > assignment->key_capacity) {
        uint32_t capacity = pairs > 2 * assignment->key_capacity ? pairs : 2 * assignment->key_capacity;
        struct gvk_sort_key *keys = gvk_allocate_array(host, capacity, sizeof *keys);
        if (!keys)
            return gvk_fail_memory(host);
        gvk_release(host, assignment->keys);
        assignment->keys = keys;
        assignment->key_capacity = capacity;
    }
    return GVK_OK;
}

gvk_result gvk_assign(const gvk_host *host, struct gvk_assignment *assignment, const struct gvk_pairs *pairs,
                      uint32_t track_count, uint32_t detection_count)
{
    uint32_t nodes = track_count + detection_count;
    gvk_result result = make_room(host, assignment, nodes, pairs->count);
    if (result)
        return result;
    for (uint32_t i = 0; i < nodes; i++) {
        assignment->parent[i] = i;
        assignment->local[i] = assignment->detection_of[i] = assignment->track_of[i] = GVK_UNASSIGNED;
    }
    for (uint32_t i = 0; i < pairs->count; i++)
        join(assignment->parent, pairs->list[i].track, track_count + pairs->list[i].detection);
    for (uint32_t i = 0; i < pairs->count; i++)
        assignment->keys[i] =
            (struct gvk_sort_key){.at = i, .group = find_root(assignment->parent, pairs->list[i].track), .index = i};
    gvk_sort_keys(assignment->keys, pairs->count);
    for (uint32_t begin = 0, end; begin < pairs->count; begin = end) {
        for (end = begin; end < pairs->count && assignment->keys[end].group == assignment->keys[begin].group; end++)
            ;
        struct crowd crowd = {.keys = assignment->keys + begin, .pair_count = end - begin};
        if (crowd.pair_count == 1) {
            const struct gvk_pair *pair = &pairs->list[crowd.keys->index];
            assign(assignment, pair->track, pair->detection);
            continue;
        }
        list_members(&crowd, assignment, pairs->list, track_count);
        if (crowd.track_count <= GVK_EXACT_SIDE && crowd.detection_count <= GVK_EXACT_SIDE)
            assign_best(assignment, &crowd, pairs->list, track_count);
        else
            assign_largest_first(assignment, assignment->keys + begin, crowd.pair_count, pairs->list);
    }
    return GVK_OK;
}

void gvk_assignment_release(const gvk_host *host, struct gvk_assignment *assignment)
{
    gvk_release(host, assignment->parent);
    gvk_release(host, assignment->keys);
    gvk_release(host, assignment->costs);
    *assignment = (struct gvk_assignment){.key_capacity = 0};
}
