/* See not_finite.h. */
#include "not_finite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT "input"

/* The input's name, then those of all layers in order; NULL when memory ran out. The caller frees the list. */
static const char **list_tensors(const gvk_model *model, uint32_t *count)
{
    uint32_t layers = 0;
    const char **names = NULL;
    if (gvk_model_tensors(model, NULL, &layers) == GVK_OK)
        names = calloc((size_t)layers + 1, sizeof *names);
    if (!names)
        return NULL;
    names[0] = INPUT;
    if (gvk_model_tensors(model, names + 1, &layers) != GVK_OK) {
        free(names);
        return NULL;
    }
    *count = layers + 1;
    return names;
}

void explain_not_finite(struct program *program, gvk_model *model, const gvk_picture *pictures, uint32_t batch,
                        uint32_t width, uint32_t height)
{
    char reason[sizeof program->error], found[sizeof program->error] = "";
    gvk_stream *stream = NULL;
    gvk_ticket ticket = 0;
    uint32_t count = 0;
    /* The calls below log errors of their own. */
    memcpy(reason, program->error, sizeof reason);
    program->error[0] = 0;
    const char **names = list_tensors(model, &count);
    gvk_stream_params params = {
        .size = sizeof params,
        .width = width,
        .height = height,
        .batch = batch,
        .kept_tensors = names,
        .kept_count = count,
    };
    gvk_result result = names ? gvk_stream_create(model, &params, &stream) : GVK_ERROR_HOST_MEMORY;
    if (!result)
        result = gvk_stream_submit(stream, pictures, sizeof(gvk_picture), batch, &ticket);
    if (!result)
        result = gvk_stream_wait(stream, ticket, UINT64_MAX);
    for (uint32_t index = 0; index < count && !result; index++) {
        gvk_array array;
        result = gvk_stream_read(stream, ticket, names[index], &array);
        if (result == GVK_ERROR_NUMBER && index == 0)
            snprintf(found, sizeof found, " The input holds one already.");
        else if (result == GVK_ERROR_NUMBER)
            snprintf(found, sizeof found, " The first layer to compute one is \"%s\".", names[index]);
    }
    if (!result)
        snprintf(found, sizeof found, " In a second run no layer did: this device does not compute the same twice.");
    gvk_stream_destroy(stream);
    free(names);
    size_t length = strlen(reason);
    memcpy(program->error, reason, sizeof reason);
    snprintf(program->error + length, sizeof program->error - length, "%s", found);
}
