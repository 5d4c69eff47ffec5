/* A host that counts its memory and sentences, from any thread. For the tests of devices and of threads. */
#ifndef GVK_TESTS_COUNTING_HOST_H
#define GVK_TESTS_COUNTING_HOST_H

#include <pthread.h>
#include <stdatomic.h>

#include <ghostvk/ghostnet.h>

struct counter {
    atomic_long live, calls; /* blocks held; allocations so far */
    atomic_long fail_at;     /* this allocation fails; 0: none */
    pthread_mutex_t mutex;   /* of the log */
    unsigned sentences[GVK_LOG_DEBUG + 1];
    char last[512]; /* error or warning */
};

extern struct counter counter;
extern const gvk_host counting_host;

#endif
