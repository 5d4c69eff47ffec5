/* See source.h. */
#include "source.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/input_file.h"
#include "cli/base/message.h"
#include "cli/base/quantities.h"
#include "cli/pictures/image_io.h"
#include "cli/system/files.h"
#include "cli/system/paths.h"
#include "cli/system/process.h"
#include "cli/video/url.h"
#include "path_list.h"
#include "pattern.h"

#define STDIN_NUMBER 0

struct source {
    char **operands;
    size_t count, at;
    struct source_choice choice;
    bool has_ended;
    /* What the operand led to. The folder is looked through first, then the next of the list or the matches. */
    struct folder_walk walk;
    bool walks;
    char *walk_relative; /* of the folder itself, from malloc; empty for an operand's */
    char *walk_path;     /* as it was named */
    size_t walk_found;
    struct path_list list;
    bool lists, has_listed;
    struct path_set matches;
    size_t match_at, fixed;
    struct video_reader *reader; /* of the video whose frames come next */
    struct video_info info;
    char *video_path, *video_relative; /* from malloc */
    uint32_t video_count;
    uint64_t frame_count; /* that the video gave */
};

static char *copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}

bool source_takes_name(const char *name)
{
    return image_kind_of_path(name) != IMAGE_UNKNOWN || video_has_ending(name);
}

bool source_is_video(const char *path, const struct raw_shape *raw)
{
    if (strcmp(path, "-") == 0)
        return raw != NULL;
    if (image_kind_of_path(path) != IMAGE_UNKNOWN && !strstr(path, "://"))
        return false; /* without looking into it */
    return video_kind_of(path) != VIDEO_NONE;
}

static bool is_stream(const char *path)
{
    enum video_kind kind = source_is_video(path, NULL) ? video_kind_of(path) : VIDEO_NONE;
    return kind == VIDEO_STREAM || kind == VIDEO_CAMERA;
}

/* ---- relative paths ---------------------------------------------------------------------------------------------- */

/* FOLDER/BELOW, without parts that lead nowhere or up, a drive and a root; from malloc. A name stays what it is. */
static char *join_relative(const char *folder, const char *below)
{
    size_t length = strlen(folder), size = length + strlen(below) + 3, used = 0;
    char *joined = malloc(size), *kept = malloc(size);
    if (!joined || !kept) {
        free(joined);
        free(kept);
        return NULL;
    }
    snprintf(joined, size, "%s%s%s", folder, length ? "/" : "", below);
    for (const char *part = joined; *part;) {
        size_t count = 0;
        while (part[count] && !path_parts_at(part[count]))
            count++;
        bool is_drive = path_parts_at(':') && part[count] == ':';
        bool leads = count > 0 && !is_drive && !(count == 1 && part[0] == '.') &&
                     !(count == 2 && part[0] == '.' && part[1] == '.');
        if (leads) {
            if (used)
                kept[used++] = '/';
            memcpy(kept + used, part, count);
            used += count;
        }
        part += count + (part[count] != 0);
    }
    kept[used] = 0;
    free(joined);
    return kept;
}

/* ---- frames ------------------------------------------------------------------------------------------------------ */

/* Copies both. False when memory ran out: the frame says so, and the source has ended. */
static bool name_frame(struct source *source, struct frame *out, const char *path, const char *relative)
{
    *out = (struct frame){.seconds = NAN, .path = copy_text(path), .relative = copy_text(relative)};
    if (out->path && out->relative)
        return true;
    source->has_ended = true;
    out->is_failed = true;
    snprintf(out->error, sizeof out->error, "needs more memory than there is");
    return false;
}

static bool fail(struct source *source, struct frame *out, const char *path, const char *message)
{
    if (name_frame(source, out, path, base_name(path))) {
        out->is_failed = true;
        snprintf(out->error, sizeof out->error, "%s", message);
    }
    return true;
}

static bool fail_memory(struct source *source, struct frame *out, const char *path)
{
    source->has_ended = true;
    return fail(source, out, path, "needs more memory than there is");
}

/* ---- what an operand leads to ------------------------------------------------------------------------------------ */

/* What came of looking: a frame is there, nothing yet, or something was said about it. */
enum found { FOUND_NOTHING, FOUND_FRAME };

static void end_video(struct source *source)
{
    video_reader_close(source->reader);
    free(source->video_path);
    free(source->video_relative);
    source->reader = NULL;
    source->video_path = source->video_relative = NULL;
}

static enum found open_video(struct source *source, struct frame *out, const char *path, const char *relative)
{
    char message[FRAME_ERROR_SIZE];
    bool is_raw = strcmp(path, "-") == 0;
    const struct video_choice choice = {
        .image = source->choice.image, .every = source->choice.every, .raw = is_raw ? source->choice.raw : NULL};
    source->video_path = copy_text(is_raw ? "standard input" : path);
    source->video_relative = copy_text(relative);
    if (!source->video_path || !source->video_relative) {
        end_video(source);
        return fail_memory(source, out, path), FOUND_FRAME;
    }
    if (!video_reader_open(&source->reader, path, &choice, message, sizeof message)) {
        end_video(source);
        return fail(source, out, is_raw ? "standard input" : path, message), FOUND_FRAME;
    }
    video_reader_describe(source->reader, &source->info);
    source->video_count++;
    source->frame_count = 0;
    return FOUND_NOTHING;
}

static enum found take_file(struct source *source, struct frame *out, const char *path, const char *relative)
{
    const struct source_choice *choice = &source->choice;
    bool is_video = source_is_video(path, choice->raw);
    if (!shard_takes(&choice->shard, relative))
        return FOUND_NOTHING;
    if (choice->is_done && choice->is_done(choice->user, path, relative, is_video))
        return FOUND_NOTHING;
    if (is_video && !choice->is_counting)
        return open_video(source, out, path, relative);
    name_frame(source, out, path, relative);
    out->is_video = is_video;
    return FOUND_FRAME;
}

/* What outputs of a stream or camera are called. */
static char *name_stream(const char *address)
{
    size_t length = strcspn(address, "?#");
    while (length && address[length - 1] == '/')
        length--;
    size_t start = length;
    while (start && !strchr("/:@", address[start - 1]))
        start--;
    char *name = length > start ? malloc(length - start + 1) : copy_text("stream");
    if (name && length > start) {
        memcpy(name, address + start, length - start);
        name[length - start] = 0;
    }
    return name;
}

static enum found take_stream(struct source *source, struct frame *out, const char *address)
{
    char *name = strcmp(address, "-") == 0 ? copy_text("stdin") : name_stream(address);
    if (!name)
        return fail_memory(source, out, address), FOUND_FRAME;
    enum found found = take_file(source, out, address, name);
    free(name);
    return found;
}

static void end_walk(struct source *source)
{
    folder_walk_close(&source->walk);
    free(source->walk_relative);
    free(source->walk_path);
    source->walk_relative = source->walk_path = NULL;
    source->walks = false;
}

/* `relative` is the folder's own, from malloc or NULL, and is taken over. */
static enum found take_folder(struct source *source, struct frame *out, const char *path, char *relative)
{
    char message[FRAME_ERROR_SIZE];
    source->walk_relative = relative;
    source->walk_path = copy_text(path);
    source->walk_found = 0;
    if (!relative || !source->walk_path) {
        end_walk(source);
        return fail_memory(source, out, path), FOUND_FRAME;
    }
    if (!folder_walk_open(&source->walk, path, source->choice.left_out, source_takes_name, message, sizeof message)) {
        end_walk(source);
        return fail(source, out, path, message), FOUND_FRAME;
    }
    source->walks = true;
    return FOUND_NOTHING;
}

/* A file or folder; `relative`, from malloc or NULL, is taken over. */
static enum found take_path(struct source *source, struct frame *out, const char *path, char *relative)
{
    if (!relative)
        return fail_memory(source, out, path), FOUND_FRAME;
    if (is_folder(path))
        return take_folder(source, out, path, relative);
    enum found found = is_stream(path) ? take_stream(source, out, path) : take_file(source, out, path, relative);
    free(relative);
    return found;
}

static enum found take_pattern(struct source *source, struct frame *out, const char *pattern)
{
    if (!pattern_expand(pattern, &source->matches, &source->fixed))
        return fail_memory(source, out, pattern), FOUND_FRAME;
    source->match_at = 0;
    if (source->matches.count)
        return FOUND_NOTHING;
    return fail(source, out, pattern, "nothing matches this pattern"), FOUND_FRAME;
}

static enum found take_operand(struct source *source, struct frame *out, const char *operand)
{
    struct file_status status;
    if (is_stream(operand) || (strcmp(operand, "-") == 0 && source->choice.raw))
        return take_stream(source, out, operand);
    if (strcmp(operand, "-") == 0 && process_stdin_is_closed())
        return fail(source, out, "standard input", "cannot be read: it is closed"), FOUND_FRAME;
    if (strcmp(operand, "-") == 0) {
        path_list_start(&source->list, STDIN_NUMBER, source->choice.list_ends_in_null, source->choice.is_stopped,
                        source->choice.user);
        source->lists = true;
        return FOUND_NOTHING;
    }
    if (pattern_is_one(operand) && !file_look(operand, &status))
        return take_pattern(source, out, operand);
    if (is_folder(operand))
        return take_folder(source, out, operand, copy_text(""));
    return take_file(source, out, operand, base_name(operand));
}

/* ---- one step further -------------------------------------------------------------------------------------------- */

static enum found step_video(struct source *source, struct frame *out)
{
    if (!name_frame(source, out, source->video_path, source->video_relative)) {
        end_video(source);
        return FOUND_FRAME;
    }
    double start = clock_ms();
    out->is_video = true;
    out->video = source->video_count;
    out->info = source->info;
    int step = video_reader_next(source->reader, &out->image, out->error, sizeof out->error);
    out->load_ms = clock_ms() - start;
    out->number = video_reader_frame(source->reader);
    out->seconds = video_reader_seconds(source->reader);
    source->frame_count += step > 0;
    if (step > 0)
        return FOUND_FRAME;
    const char *complaint = video_reader_complaint(source->reader);
    if (step == 0 && complaint)
        say_kind("note: ", "%s: %s", source->video_path, complaint);
    end_video(source);
    if (step == 0) {
        frame_release(out);
        return FOUND_NOTHING;
    }
    image_release(&out->image);
    out->is_failed = true;
    out->number = source->frame_count * (source->choice.every ? source->choice.every : 1); /* the one that lacks */
    return FOUND_FRAME;
}

static enum found step_walk(struct source *source, struct frame *out)
{
    char message[FRAME_ERROR_SIZE];
    int step = folder_walk_next(&source->walk, message, sizeof message);
    if (step < 0) {
        fail(source, out, source->walk.path ? source->walk.path : source->walk_path, message);
        return FOUND_FRAME;
    }
    if (step > 0) {
        source->walk_found++;
        char *relative = join_relative(source->walk_relative, source->walk.path + source->walk.below);
        if (!relative)
            return fail_memory(source, out, source->walk.path), FOUND_FRAME;
        enum found found = take_file(source, out, source->walk.path, relative);
        free(relative);
        return found;
    }
    bool is_empty = source->walk_found == 0;
    if (is_empty)
        fail(source, out, source->walk_path, "the folder holds no picture or video");
    end_walk(source);
    return is_empty ? FOUND_FRAME : FOUND_NOTHING;
}

static bool is_left_out(const struct source *source, const char *path)
{
    struct file_status status, left_out;
    for (size_t index = 0; index < FOLDERS_LEFT_OUT; index++) {
        const char *folder = source->choice.left_out[index];
        if (folder && file_look(folder, &left_out) && file_look(path, &status) &&
            memcmp(status.place, left_out.place, sizeof status.place) == 0)
            return true;
    }
    return false;
}

/* Whether the path leads through or to a folder that is left out, behind what the pattern says itself. */
static bool leads_through_left_out(const struct source *source, char *path)
{
    bool leads = is_left_out(source, path);
    for (size_t at = source->fixed + 1; !leads && at < strlen(path); at++) {
        char kept = path[at];
        if (!path_parts_at(kept))
            continue;
        path[at] = 0;
        leads = is_left_out(source, path);
        path[at] = kept;
    }
    return leads;
}

static enum found step_matches(struct source *source, struct frame *out)
{
    if (source->match_at == source->matches.count) {
        path_set_release(&source->matches);
        return FOUND_NOTHING;
    }
    char *path = source->matches.paths[source->match_at++];
    if (leads_through_left_out(source, path))
        return FOUND_NOTHING;
    return take_path(source, out, path, join_relative("", path + source->fixed));
}

static enum found step_list(struct source *source, struct frame *out)
{
    char message[FRAME_ERROR_SIZE];
    const char *path;
    int step = path_list_next(&source->list, &path, message, sizeof message);
    bool is_empty = step == 0 && !source->has_listed;
    source->has_listed = true;
    if (step > 0)
        return take_path(source, out, path, join_relative("", path));
    path_list_release(&source->list);
    source->lists = false;
    if (is_empty && !(source->choice.is_stopped && source->choice.is_stopped(source->choice.user)))
        say_kind("note: ", "standard input lists no picture");
    return step < 0 && fail(source, out, "standard input", message) ? FOUND_FRAME : FOUND_NOTHING;
}

/* ---- the source -------------------------------------------------------------------------------------------------- */

struct source *source_open(char **operands, size_t count, const struct source_choice *choice)
{
    struct source *source = calloc(1, sizeof *source);
    if (source) {
        source->operands = operands;
        source->count = count;
        source->choice = *choice;
    }
    return source;
}

bool source_next(struct source *source, struct frame *out)
{
    enum found found = FOUND_NOTHING;
    while (found == FOUND_NOTHING) {
        if (source->has_ended || (source->choice.is_stopped && source->choice.is_stopped(source->choice.user)))
            return false;
        if (source->reader)
            found = step_video(source, out);
        else if (source->walks)
            found = step_walk(source, out);
        else if (source->matches.paths)
            found = step_matches(source, out);
        else if (source->lists)
            found = step_list(source, out);
        else if (source->at < source->count)
            found = take_operand(source, out, source->operands[source->at++]);
        else
            source->has_ended = true;
    }
    return true;
}

void source_close(struct source *source)
{
    if (!source)
        return;
    end_video(source);
    end_walk(source);
    path_set_release(&source->matches);
    path_list_release(&source->list);
    free(source);
}

uint64_t source_count(char **operands, size_t count, const struct source_choice *choice)
{
    struct source_choice counting = *choice;
    counting.is_counting = true;
    counting.is_done = NULL;
    for (size_t index = 0; index < count; index++)
        if (strcmp(operands[index], "-") == 0)
            return 0;
    struct source *source = source_open(operands, count, &counting);
    struct frame frame;
    uint64_t frames = 0;
    bool has_video = false;
    while (source && !has_video && source_next(source, &frame)) {
        frames++;
        has_video = frame.is_video;
        frame_release(&frame);
    }
    source_close(source);
    return has_video ? 0 : frames;
}
