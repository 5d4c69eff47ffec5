/* A host that counts its memory and keeps what is said to it, for the tests of the readers. */
#ifndef GVK_TESTS_RECORDER_H
#define GVK_TESTS_RECORDER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ghostvk/gvk.h>

struct recorder {
    uint32_t sentences, errors;
    char last[600];
    long allocations, live;
    long fail_at; /* the allocation that fails, counted from 1; 0: none */
    size_t bytes, peak;
};

gvk_host recording_host(struct recorder *to);

#endif
