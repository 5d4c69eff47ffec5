/* See feed.h. */
#include "feed.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/input_file.h"
#include "cli/base/message.h"
#include "cli/sources/source.h"
#include "cli/system/process.h"
#include "cli/system/threads.h"
#include "cli/video/reader.h"
#include "cli/video/url.h"

#define MESSAGE_SIZE 512

struct feed {
    struct feed_choice choice;
    struct thread thread;
    struct mutex mutex; /* of all below */
    struct condition changed;
    struct feed_frame ready;
    bool has_ready, has_ended, has_failed, stops;
    uint64_t dropped;
    /* The thread's own. */
    uint64_t pass, good;
    bool is_live;
};

/* ---- the thread -------------------------------------------------------------------------------------------------- */

static bool is_stopped(struct feed *feed)
{
    mutex_lock(&feed->mutex);
    bool stops = feed->stops;
    mutex_unlock(&feed->mutex);
    return stops;
}

static void note_failure(struct feed *feed)
{
    mutex_lock(&feed->mutex);
    feed->has_failed = true;
    mutex_unlock(&feed->mutex);
}

/* Hands the frame over and takes the old one's memory for it. False when the feed is to stop. */
static bool hand_over(struct feed *feed, struct feed_frame *frame)
{
    frame->arrival_ms = process_clock_ms();
    feed->good++;
    mutex_lock(&feed->mutex);
    while (feed->has_ready && !frame->is_live && !feed->stops)
        condition_wait(&feed->changed, &feed->mutex);
    bool goes_on = !feed->stops;
    if (goes_on) {
        struct feed_frame old = feed->ready;
        feed->dropped += feed->has_ready;
        feed->ready = *frame;
        *frame = old;
        feed->has_ready = true;
    }
    mutex_unlock(&feed->mutex);
    return goes_on;
}

static void name_frame(struct feed_frame *frame, const char *operand)
{
    snprintf(frame->name, sizeof frame->name, "%s", operand);
}

/* One operand that is a video, or raw frames. False when the feed is to stop. */
static bool read_video(struct feed *feed, const char *operand, struct feed_frame *frame)
{
    const bool is_raw = strcmp(operand, "-") == 0;
    const struct video_choice choice = {.image = feed->choice.image, .raw = is_raw ? feed->choice.raw : NULL};
    struct video_reader *reader = NULL;
    struct video_info info = {.width = 0};
    char message[MESSAGE_SIZE];
    bool goes_on = true;
    int step = -1;
    if (video_reader_open(&reader, operand, &choice, message, sizeof message)) {
        video_reader_describe(reader, &info);
        feed->pass++;
        while (goes_on && (step = video_reader_next(reader, &frame->image, message, sizeof message)) > 0) {
            name_frame(frame, is_raw ? "standard input" : info.is_live ? operand : base_name(operand));
            frame->is_video = true;
            frame->is_live = info.is_live;
            frame->number = video_reader_frame(reader);
            frame->count = info.frame_count;
            frame->seconds = video_reader_seconds(reader);
            frame->pass = feed->pass;
            feed->is_live = feed->is_live || info.is_live || is_raw;
            goes_on = hand_over(feed, frame);
        }
        if (step == 0 && video_reader_complaint(reader))
            say_kind("note: ", "%s: ffmpeg said: %s", operand, video_reader_complaint(reader));
    }
    if (step < 0 && goes_on) {
        say("%s: %s", operand, message);
        note_failure(feed);
    }
    video_reader_close(reader);
    return goes_on;
}

/* Pictures, folders, patterns, lists. */
static bool read_pictures(struct feed *feed, char *operand, struct feed_frame *frame)
{
    const struct source_choice choice = {.image = feed->choice.image};
    struct source *source = source_open(&operand, 1, &choice);
    struct frame read;
    bool goes_on = source != NULL || refuse_memory() == OUTCOME_DONE;
    while (goes_on && source_next(source, &read)) {
        frame_load(&read, &choice.image);
        if (read.is_failed) {
            say("%s: %s", read.path ? read.path : operand, read.error);
            note_failure(feed);
            goes_on = !is_stopped(feed);
        } else {
            feed->pass += !read.is_video || read.number == 0;
            image_release(&frame->image);
            frame->image = read.image;
            read.image = (struct image){.pixels = NULL};
            name_frame(frame, base_name(read.path));
            frame->is_video = read.is_video;
            frame->is_live = false;
            frame->number = read.number;
            frame->count = 0;
            frame->seconds = read.is_video ? read.seconds : 0;
            frame->pass = feed->pass;
            goes_on = hand_over(feed, frame);
        }
        frame_release(&read);
    }
    source_close(source);
    return goes_on;
}

static void run(void *user)
{
    struct feed *feed = user;
    struct feed_frame frame = {.is_video = false};
    bool goes_on = true, read_stdin = false;
    uint64_t before;
    do {
        before = feed->good;
        for (size_t i = 0; i < feed->choice.count && goes_on; i++) {
            char *operand = feed->choice.operands[i];
            const bool is_stdin = strcmp(operand, "-") == 0;
            read_stdin = read_stdin || is_stdin;
            if (is_stdin ? feed->choice.raw != NULL : video_kind_of(operand) != VIDEO_NONE)
                goes_on = read_video(feed, operand, &frame);
            else
                goes_on = read_pictures(feed, operand, &frame);
        }
    } while (goes_on && feed->choice.repeats && !feed->is_live && !read_stdin && feed->good > before);
    image_release(&frame.image);
    mutex_lock(&feed->mutex);
    feed->has_ended = true;
    condition_wake_all(&feed->changed);
    mutex_unlock(&feed->mutex);
}

/* ---- the window's side ------------------------------------------------------------------------------------------- */

struct feed *feed_open(const struct feed_choice *choice)
{
    struct feed *feed = calloc(1, sizeof *feed);
    if (!feed) {
        refuse_memory();
        return NULL;
    }
    *feed = (struct feed){.choice = *choice, .mutex = MUTEX_READY, .changed = CONDITION_READY};
    if (!thread_start(&feed->thread, run, feed)) {
        say("The system gives no thread to read with.");
        free(feed);
        return NULL;
    }
    return feed;
}

enum feed_answer feed_take(struct feed *feed, struct feed_frame *out)
{
    enum feed_answer answer = FEED_LATER;
    mutex_lock(&feed->mutex);
    if (feed->has_ready) {
        struct feed_frame old = *out;
        *out = feed->ready;
        feed->ready = old;
        feed->has_ready = false;
        condition_wake_all(&feed->changed);
        answer = FEED_FRAME;
    } else if (feed->has_ended) {
        answer = FEED_END;
    }
    mutex_unlock(&feed->mutex);
    return answer;
}

bool feed_has_failed(struct feed *feed)
{
    mutex_lock(&feed->mutex);
    bool failed = feed->has_failed;
    mutex_unlock(&feed->mutex);
    return failed;
}

uint64_t feed_dropped(struct feed *feed)
{
    mutex_lock(&feed->mutex);
    uint64_t dropped = feed->dropped;
    mutex_unlock(&feed->mutex);
    return dropped;
}

void feed_close(struct feed *feed)
{
    if (!feed)
        return;
    mutex_lock(&feed->mutex);
    feed->stops = true;
    condition_wake_all(&feed->changed);
    mutex_unlock(&feed->mutex);
    thread_join(&feed->thread);
    image_release(&feed->ready.image);
    free(feed);
}

void feed_frame_release(struct feed_frame *frame)
{
    image_release(&frame->image);
    *frame = (struct feed_frame){.is_video = false};
}
