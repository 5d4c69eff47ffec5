/* Memory and log of the host, with defaults where it gives none. */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pages.h"

static void *allocate_default(void *user, size_t bytes, size_t alignment)
{
    (void)user;
    (void)alignment; /* malloc's alignment fits every C type, and nothing here asks for more */
    void *block = malloc(bytes);
    gvk_prefer_large_pages(block, bytes);
    return block;
}

static void release_default(void *user, void *block)
{
    (void)user;
    free(block);
}

static void log_nothing(void *user, gvk_log_level level, const char *sentence)
{
    (void)user;
    (void)level;
    (void)sentence;
}

gvk_host gvk_host_complete(const gvk_host *from)
{
    gvk_host host = {.size = sizeof host};
    if (from)
        host = *from;
    if (!host.log)
        host.log = log_nothing;
    if (!host.allocate || !host.release) {
        host.allocate = allocate_default;
        host.release = release_default;
    }
    return host;
}

void *gvk_allocate_unfilled(const gvk_host *host, size_t bytes)
{
    return host->allocate(host->user, bytes ? bytes : 1, _Alignof(max_align_t));
}

void *gvk_allocate(const gvk_host *host, size_t bytes)
{
    void *block = gvk_allocate_unfilled(host, bytes);
    if (block)
        memset(block, 0, bytes ? bytes : 1);
    return block;
}

void *gvk_allocate_array(const gvk_host *host, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        return NULL;
    return gvk_allocate(host, count * size);
}

void *gvk_grow_array(const gvk_host *host, void *block, size_t old_count, size_t new_count, size_t size)
{
    void *larger = gvk_allocate_array(host, new_count, size);
    if (!larger)
        return NULL;
    if (block)
        memcpy(larger, block, (old_count < new_count ? old_count : new_count) * size);
    gvk_release(host, block);
    return larger;
}

char *gvk_copy_string(const gvk_host *host, const char *string)
{
    size_t bytes = strlen(string) + 1;
    char *copy = gvk_allocate(host, bytes);
    if (copy)
        memcpy(copy, string, bytes);
    return copy;
}

void gvk_release(const gvk_host *host, void *block)
{
    if (block)
        host->release(host->user, block);
}

static void log_list(const gvk_host *host, gvk_log_level level, const char *format, va_list arguments)
{
    char sentence[512];
    vsnprintf(sentence, sizeof sentence, format, arguments);
    host->log(host->user, level, sentence);
}

void gvk_log(const gvk_host *host, gvk_log_level level, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_list(host, level, format, arguments);
    va_end(arguments);
}

gvk_result gvk_fail(const gvk_host *host, gvk_result result, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_list(host, GVK_LOG_ERROR, format, arguments);
    va_end(arguments);
    return result;
}

gvk_result gvk_fail_memory(const gvk_host *host)
{
    return gvk_fail(host, GVK_ERROR_HOST_MEMORY, "Out of host memory.");
}

const char *gvk_result_name(gvk_result result)
{
    switch (result) {
    case GVK_OK: return "GVK_OK";
    case GVK_NOT_READY: return "GVK_NOT_READY";
    case GVK_TIMEOUT: return "GVK_TIMEOUT";
    case GVK_ERROR_ARGUMENT: return "GVK_ERROR_ARGUMENT";
    case GVK_ERROR_HOST_MEMORY: return "GVK_ERROR_HOST_MEMORY";
    case GVK_ERROR_DEVICE_MEMORY: return "GVK_ERROR_DEVICE_MEMORY";
    case GVK_ERROR_BUDGET: return "GVK_ERROR_BUDGET";
    case GVK_ERROR_DEVICE_LOST: return "GVK_ERROR_DEVICE_LOST";
    case GVK_ERROR_NO_DEVICE: return "GVK_ERROR_NO_DEVICE";
    case GVK_ERROR_UNSUPPORTED: return "GVK_ERROR_UNSUPPORTED";
    case GVK_ERROR_FILE: return "GVK_ERROR_FILE";
    case GVK_ERROR_FORMAT: return "GVK_ERROR_FORMAT";
    case GVK_ERROR_MISMATCH: return "GVK_ERROR_MISMATCH";
    case GVK_ERROR_DRIVER: return "GVK_ERROR_DRIVER";
    case GVK_ERROR_NUMBER: return "GVK_ERROR_NUMBER";
    }
    return "GVK_ERROR_UNKNOWN";
}
