/* What is promised of every refusal: 2 s of processor time, and twice the file's size and 64 MiB of memory. Only
 * sanitizers, which cost both, are given more. */
#ifndef GVK_TESTS_PROMISE_H
#define GVK_TESTS_PROMISE_H

#define MIB ((uint64_t)1 << 20)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOWER 8
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SLOWER 8
#endif
#endif
#ifndef SLOWER
#define SLOWER 1
#endif

#define PROMISED_SECONDS      (2.0 * SLOWER)
#define PROMISED_MEMORY(size) ((2 * (uint64_t)(size) + 64 * MIB) * SLOWER)

#endif
