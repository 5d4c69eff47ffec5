/* Fuzzes the tracker: the input is a list of updates, predictions and resets, in a host whose memory may end anywhere.
 *
 * A head of three bytes, the params; then a byte a call: 0xff resets, 0xc0 and above predict, what is below is an
 * update of that many detections, modulo 24. A call's time is a byte, a place in `steps`. A detection has five bytes: a
 * class and an item, then four sides; a side is a small number, or from 0xf0 on one of `numbers`.
 *
 * Checked are: failures say a sentence, tracks are finite and in order, and a new track has a new id. */
#include <float.h>
#include <math.h>

#include <ghostvk/tracker.h>

#include "tests/fuzz/fuzz.h"

#define HEAD_BYTES      3u
#define DETECTION_BYTES 5u
#define DETECTIONS      24u

static const double steps[] = {0.1,    0.03, 0.5, 1.9,  2.1,   0,       -0.1,     1e-3,     1e-7, 1e-12,
                               1e-300, 3600, 1e6, 1e18, 1e300, DBL_MAX, -DBL_MAX, INFINITY, NAN,  0.25};
static const float numbers[] = {0,       1e-7f,    1e-6f, 1e-42f, FLT_MIN,  16777216, -16777216, 16777218,
                                FLT_MAX, -FLT_MAX, NAN,   1e9f,   INFINITY, 4000,     4000.5f,   -INFINITY};
static const float noises[] = {0, 1e-4f, 1e4f, 0.3f};

#define CHOOSE(table, byte) ((table)[(byte) % (sizeof(table) / sizeof((table)[0]))])

struct input {
    const uint8_t *data;
    size_t size;
};

static uint8_t next_byte(struct input *input)
{
    if (!input->size)
        return 0;
    input->size--;
    return *input->data++;
}

static gvk_tracker_params read_params(struct input *input)
{
    uint8_t first = next_byte(input), second = next_byte(input), third = next_byte(input);
    return (gvk_tracker_params){
        .size = sizeof(gvk_tracker_params),
        .item = first & 1,
        .min_hits = first >> 1 & 3,
        .max_tracks = first >> 3 & 7 ? (uint32_t)(first >> 3 & 7) * 5 : 0,
        .give_tentative = first >> 6 & 1,
        .iou = first >> 7 ? -1 : 0,
        .max_age = second & 1 ? 3600 : 0,
        .measurement_noise = noises[second >> 1 & 3],
        .process_noise = noises[second >> 3 & 3],
        .start_velocity = noises[second >> 5 & 3],
        .min_cutoff = third & 1   ? 1e6f
                      : third & 2 ? -1.0f
                                  : 0,
        .beta = third & 4 ? 1e6f : 0,
        .derivative_cutoff = third & 8 ? 1e-6f : 0,
    };
}

static void read_detections(struct input *input, gvk_detection *detections, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint8_t kind = next_byte(input);
        detections[i] = (gvk_detection){.class_id = kind & 3, .item = kind >> 7, .score = 0.5f};
        for (int j = 0; j < 4; j++) {
            uint8_t side = next_byte(input);
            detections[i].box[j] = side < 0xf0 ? (float)side : numbers[side - 0xf0];
        }
    }
}

static void check_tracks(const gvk_track *tracks, uint32_t count, const gvk_tracker_params *params)
{
    uint32_t most = params->max_tracks ? params->max_tracks : 1024;
    FUZZ_CHECK(count <= most);
    fuzz_touch(tracks, count * sizeof *tracks);
    for (uint32_t i = 0; i < count; i++) {
        const gvk_track *track = &tracks[i];
        FUZZ_CHECK(track->id > 0 && (i == 0 || track->id > tracks[i - 1].id));
        FUZZ_CHECK(track->box[0] <= track->box[2] && track->box[1] <= track->box[3]);
        for (int j = 0; j < 4; j++)
            FUZZ_CHECK(isfinite(track->box[j]) && isfinite(track->velocity[j]));
        FUZZ_CHECK(track->class_id < 4 && track->age > track->missed);
        FUZZ_CHECK(track->unseen >= 0 && track->unseen <= (params->max_age > 0 ? params->max_age : 2.0f));
        FUZZ_CHECK(track->state == GVK_TRACK_CONFIRMED || (params->give_tentative && track->missed == 0));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    size_t memory = size % 8 ? FUZZ_MEMORY : 2048 + 512 * (size % 61);
    const gvk_host *host = fuzz_begin(memory);
    gvk_tracker_params params = read_params(&input);
    gvk_tracker *tracker = NULL;
    gvk_result result = gvk_tracker_create(host, &params, &tracker);
    fuzz_check_result(result);
    FUZZ_CHECK(!result || result == GVK_ERROR_HOST_MEMORY);
    double seconds = 0;
    uint64_t newest = 0;
    while (tracker && input.size) {
        const gvk_track *tracks = NULL;
        uint32_t count = 0;
        uint8_t call = next_byte(&input);
        if (call == 0xff) {
            gvk_tracker_reset(tracker);
            seconds = 0; /* and ids go on */
            continue;
        }
        double when = seconds + CHOOSE(steps, next_byte(&input));
        if (call >= 0xc0) {
            result = gvk_tracker_predict(tracker, when, &tracks, sizeof *tracks, &count);
        } else {
            gvk_detection detections[DETECTIONS];
            uint32_t detection_count = call % DETECTIONS;
            read_detections(&input, detections, detection_count);
            result = gvk_tracker_update(tracker, detections, sizeof detections[0], detection_count, when, &tracks,
                                        sizeof *tracks, &count);
            if (!result)
                seconds = when;
        }
        fuzz_check_result(result);
        FUZZ_CHECK(!result || result == GVK_ERROR_ARGUMENT ||
                   (result == GVK_ERROR_HOST_MEMORY && memory < FUZZ_MEMORY));
        FUZZ_CHECK(!result || (!tracks && !count)); /* nothing is written */
        check_tracks(tracks, count, &params);
        for (uint32_t i = 0; i < count; i++)
            if (tracks[i].age == 1 && call < 0xc0) {
                FUZZ_CHECK(tracks[i].id > newest);
                newest = tracks[i].id;
            }
    }
    gvk_tracker_destroy(tracker);
    fuzz_end();
    return 0;
}
