/* Calls a fuzz target once for each file, and for a few changed copies of it: what libFuzzer would do first, without
 * libFuzzer, so that every compiler can. Linked with one fuzz_NAME.c.
 * usage: replay_NAME FILE_OR_FOLDER... */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define ROOM   ((size_t)1 << 20)
#define COPIES 20u

#pragma weak LLVMFuzzerCustomMutator

static uint64_t state; /* of the random numbers: begins anew with each file, whose order is the file system's */
static unsigned long inputs;

static uint32_t next_random(void)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(state >> 33);
}

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size)
{
    size_t at = size ? next_random() % size : 0;
    switch (next_random() % 4) {
    case 0: /* a byte less */
        if (size < 2)
            return size;
        memmove(data + at, data + at + 1, size - at - 1);
        return size - 1;
    case 1: /* a byte more */
        if (size >= max_size)
            return size;
        memmove(data + at + 1, data + at, size - at);
        data[at] = (uint8_t)next_random();
        return size + 1;
    default:
        if (size)
            data[at] = (uint8_t)next_random();
        return size;
    }
}

/* From a block of its exact size, so that a sanitizer sees a read past its end. */
static void run(const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size ? size : 1);
    FUZZ_CHECK(exact != NULL);
    if (size)
        memcpy(exact, data, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    inputs++;
}

static void run_file(const char *path)
{
    static uint8_t whole[ROOM], changed[ROOM];
    FILE *file = fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "%s cannot be opened\n", path);
        exit(1);
    }
    size_t size = fread(whole, 1, ROOM, file);
    fclose(file);
    run(whole, size);
    state = size;
    for (unsigned copy = 0; copy < COPIES; copy++) {
        memcpy(changed, whole, size);
        size_t changed_size = LLVMFuzzerCustomMutator ? LLVMFuzzerCustomMutator(changed, size, ROOM, next_random())
                                                      : LLVMFuzzerMutate(changed, size, ROOM);
        run(changed, changed_size);
    }
}

static void run_path(const char *path)
{
    DIR *folder = opendir(path);
    if (!folder) {
        run_file(path);
        return;
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char inner[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        run_file(inner);
    }
    closedir(folder);
}

int main(int count, char **arguments)
{
    for (int i = 1; i < count; i++)
        run_path(arguments[i]);
    printf("%lu inputs\n", inputs);
    return inputs ? 0 : 1;
}
