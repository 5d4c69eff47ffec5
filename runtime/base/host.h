/* What the host lends, as the library's own files use it: memory through its callbacks, and the log.
 * Every file of runtime/ and ghostnet/ allocates and speaks through these; none of them calls malloc or prints. */
#ifndef GVK_HOST_H
#define GVK_HOST_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include <ghostvk/gvk.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "ghostvk is for little-endian processors: it takes weights as they lie in a file."
#endif

#if defined(__MINGW_PRINTF_FORMAT) /* what its vsnprintf takes, which depends on its settings */
#define GVK_FORMAT(string_index, first_index) __attribute__((format(__MINGW_PRINTF_FORMAT, string_index, first_index)))
#elif defined(__GNUC__)
#define GVK_FORMAT(string_index, first_index) __attribute__((format(printf, string_index, first_index)))
#else
#define GVK_FORMAT(string_index, first_index)
#endif

/* A copy of `from`, which is ours or was read by gvk_host_read, with every callback set; NULL gives malloc and silence.
 */
gvk_host gvk_host_complete(const gvk_host *from);

/* Zeroed memory, aligned for every C type; NULL when there is none. */
void *gvk_allocate(const gvk_host *host, size_t bytes);
/* Not zeroed: for large blocks that are written in whole. */
void *gvk_allocate_unfilled(const gvk_host *host, size_t bytes);
/* The same for `count` items of `size` bytes; NULL also when the product overflows. */
void *gvk_allocate_array(const gvk_host *host, size_t count, size_t size);
/* A larger block with the old content; the old block is released on success and stays on failure. */
void *gvk_grow_array(const gvk_host *host, void *block, size_t old_count, size_t new_count, size_t size);
char *gvk_copy_string(const gvk_host *host, const char *string);
void gvk_release(const gvk_host *host, void *block);

/* One sentence for a person. Longer ones than 512 bytes are cut. */
void gvk_log(const gvk_host *host, gvk_log_level level, const char *format, ...) GVK_FORMAT(3, 4);
/* Logs an error and returns `result`, so that a refusal is one line at its place. */
gvk_result gvk_fail(const gvk_host *host, gvk_result result, const char *format, ...) GVK_FORMAT(3, 4);
/* The sentence for a host allocation that failed. */
gvk_result gvk_fail_memory(const gvk_host *host);

#endif
