/* See film.h. */
#include "film.h"

#include <stdlib.h>
#include <string.h>

#include "cli/base/message.h"

bool film_finish(struct film *film)
{
    char message[FRAME_ERROR_SIZE];
    bool is_whole = !film->writer || video_writer_finish(film->writer, message, sizeof message);
    if (!is_whole)
        say("%s: %s", film->path, message);
    free(film->path);
    *film = (struct film){0};
    return is_whole;
}

void film_abort(struct film *film)
{
    video_writer_abort(film->writer);
    free(film->path);
    *film = (struct film){0};
}

/* `path` is copied. */
static bool open_film(struct film *film, const struct frame *frame, const char *path)
{
    char message[FRAME_ERROR_SIZE] = "needs more memory than there is";
    size_t size = strlen(path) + 1;
    *film = (struct film){.video = frame->video, .path = malloc(size)};
    if (film->path)
        memcpy(film->path, path, size);
    if (film->path && video_writer_open(&film->writer, path, &frame->info, message, sizeof message))
        return true;
    film->writer = NULL;
    say("%s: %s", path, message);
    return false;
}

bool film_add(struct film *film, const struct frame *frame, const struct image *image, const char *path)
{
    char message[FRAME_ERROR_SIZE];
    bool is_whole = true;
    if (film->video != frame->video) {
        is_whole = film_finish(film);
        is_whole = open_film(film, frame, path) && is_whole;
    }
    if (!film->writer || video_writer_write(film->writer, image, message, sizeof message))
        return is_whole;
    say("%s: %s", path, message);
    video_writer_abort(film->writer);
    film->writer = NULL;
    return false;
}
