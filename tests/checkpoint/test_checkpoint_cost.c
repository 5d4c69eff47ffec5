/* Small files that would cost much time or memory: work and sizes have ceilings. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"

static void pickle_bombs_cost_little(void **state)
{
    (void)state;
    /* Each list holds the one before twice: 2^20000 values if anybody walked it as a tree. */
    bytes laughs = {.data = NULL};
    put_text(&laughs, "U\5x.one");
    put_text(&laughs, "cfoo\nBar\n(]q\1");
    for (int i = 0; i < 20000; i++)
        put(&laughs, "](h\1h\1eq\1", 9);
    put_text(&laughs, "tR");
    check_bytes_load("nested lists", pth_with_extra(laughs.data, laughs.count), 1);
    drop(&laughs);

    /* As many strangers as fit, all of one large tree: it must be walked once, not once for each. */
    bytes strangers = {.data = NULL};
    put_text(&strangers, "U\1acfoo\nBar\n(](");
    put_repeated(&strangers, "N", 1, 200000);
    put(&strangers, "etRq\7", 5);
    put_repeated(&strangers, "U\1ah\7", 5, 200000);
    check_bytes_load("strangers", pth_with_extra(strangers.data, strangers.count), 1);
    drop(&strangers);

    bytes deep = {.data = NULL};
    put(&deep, "\x80\x02", 2);
    put_repeated(&deep, "(", 1, 100000);
    check_bytes_refused("deep marks", pth_with_pickle(deep.data, deep.count), "nests too deeply");
    drop(&deep);

    bytes tuples = {.data = NULL};
    put_text(&tuples, "U\1aN");
    put_repeated(&tuples, "\x85", 1, 1000000);
    check_bytes_load("deep tuples", pth_with_extra(tuples.data, tuples.count), 1);
    put_repeated(&tuples, "\x85", 1, 1500000);
    check_bytes_refused("deeper tuples", pth_with_extra(tuples.data, tuples.count), "more memory");
    drop(&tuples);

    bytes stack = {.data = NULL};
    put(&stack, "\x80\x02N", 3);
    put_repeated(&stack, "2", 1, 3000000);
    check_bytes_refused("a high stack", pth_with_pickle(stack.data, stack.count), "stack too high");
    drop(&stack);

    bytes steps = {.data = NULL};
    put(&steps, "\x80\x02N", 3);
    put_repeated(&steps, "20", 2, 8100000);
    check_bytes_refused("many steps", pth_with_pickle(steps.data, steps.count), "too long");
    drop(&steps);

    /* More tuples than there may be values. */
    bytes tuples_of_many = {.data = NULL};
    put(&tuples_of_many, "\x80\x02(N", 4);
    put_repeated(&tuples_of_many, "2", 1, 130000);
    put(&tuples_of_many, "lq\1(", 4);
    put_repeated(&tuples_of_many, "(K\1K\2K\3t", 8, 600000);
    put_text(&tuples_of_many, "l.");
    check_bytes_refused("many tuples", pth_with_pickle(tuples_of_many.data, tuples_of_many.count), NULL);
    drop(&tuples_of_many);

    /* Lists that double in one block each. */
    bytes lists = {.data = NULL};
    put(&lists, "\x80\x02(", 3);
    put_repeated(&lists, "N", 1, 500000);
    put(&lists, "lq\1", 3);
    for (int i = 0; i < 100; i++) {
        put_text(&lists, "](");
        put_repeated(&lists, "2", 1, 300000);
        put_text(&lists, "e");
    }
    put_text(&lists, ".");
    check_bytes_refused("lists of many", pth_with_pickle(lists.data, lists.count), NULL);
    drop(&lists);
}

/* A few bytes each that would make the reader go over something large again: it must be bounded, not just the file. */
static void work_that_is_asked_for_again_and_again_costs_little(void **state)
{
    (void)state;
    /* One shape of many dimensions for many tensors that nobody needs. */
    bytes shapes = {.data = NULL};
    put(&shapes, "\x80\x02", 2);
    pickle_global(&shapes, "torch._utils", "_rebuild_tensor_v2");
    put_text(&shapes, "(");
    pickle_storage(&shapes, "FloatStorage", "0", 2, false);
    put_text(&shapes, "K\1(K\1");
    put_repeated(&shapes, "2", 1, 400000);
    put(&shapes, "tq\1h\1tq\2R", 9);
    for (int i = 0; i < 20000; i++) {
        put_text(&shapes, "0");
        pickle_global(&shapes, "torch._utils", "_rebuild_tensor_v2");
        put_text(&shapes, "h\2R");
    }
    put_text(&shapes, ".");
    check_bytes_refused("a shape of many dimensions", pth_with_pickle(shapes.data, shapes.count), "dimensions");
    drop(&shapes);

    /* One storage with a long key, mentioned often. */
    bytes mentions = {.data = NULL};
    put(&mentions, "\x80\x02(U\7storage", 12);
    pickle_global(&mentions, "torch", "FloatStorage");
    put_text(&mentions, "X");
    put_number(&mentions, 2000000, 4);
    put_repeated(&mentions, "k", 1, 2000000);
    put_text(&mentions, "U\3cpuK\2tq\1Q");
    put_repeated(&mentions, "0h\1Q", 4, 20000);
    put_text(&mentions, ".");
    static const char *const keys[] = {"0"};
    const legacy_layout layout = {false, false, 1001, keys, 1, 2, 8};
    check_bytes_refused("a storage with a long key", build_legacy(&mentions, &layout), "key");
    drop(&mentions);

    /* Metadata keys that differ at their very end. */
    bytes header = {.data = NULL};
    put_text(&header, "{\"__metadata__\":{");
    for (int i = 0; i < 1000; i++) {
        char ending[8];
        snprintf(ending, sizeof ending, "%d", i);
        put_text(&header, i ? ",\"" : "\"");
        put_repeated(&header, "k", 1, 90000);
        put_text(&header, ending);
        put_text(&header, "\":\"\"");
    }
    put(&header, "}}", 3);
    check_bytes_refused("long metadata keys", build_safetensors((const char *)header.data, 0), "metadata key");
    drop(&header);
}

static void copies_of_one_storage_are_bounded(void **state)
{
    (void)state;
    enum { SIDE = 64, COUNT = 200 };
    tensor_spec *specs = calloc(COUNT, sizeof *specs);
    char(*names)[16] = calloc(COUNT, sizeof *names);
    for (int i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof names[i], "w%d", i);
        specs[i] = (tensor_spec){names[i], "FloatStorage", "0", SIDE * SIDE, 0, 2, {SIDE, SIDE}, {1, SIDE}};
    }
    float *record = calloc(SIDE * SIDE, sizeof *record);
    bytes pickle = pickle_state_dict(specs, COUNT, false, NULL);
    check_bytes_refused("many transposed views", build_pth(&pickle, record, SIDE * SIDE * sizeof *record), "twice");
    drop(&pickle);
    free(record);
    free(names);
    free(specs);
}

/* All of a storage is read and checked for any part of it. */
static void a_tensor_in_a_storage_out_of_all_proportion_is_refused(void **state)
{
    (void)state;
    static const char *const keys[] = {"0"};
    static const struct {
        int64_t mebibytes;
        bool fits;
    } cases[] = {{200, true}, {300, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t count = cases[i].mebibytes << 18;
        tensor_spec spec = {"weight", "FloatStorage", "0", count, 7, 1, {2}, {1}};
        const legacy_layout layout = {false, false, 1001, keys, 1, (uint64_t)count, 0};
        bytes pickle = pickle_state_dict(&spec, 1, true, NULL), front = build_legacy(&pickle, &layout);
        char path[] = "/tmp/gvk_test_XXXXXX"; /* a sparse file costs no disk */
        int file = mkstemp(path);
        assert_true(file >= 0);
        assert_int_equal(write(file, front.data, front.count), (ssize_t)front.count);
        assert_int_equal(ftruncate(file, (off_t)front.count + (off_t)(4 * count)), 0);
        close(file);
        if (cases[i].fits) {
            gvk_checkpoint *checkpoint = NULL;
            assert_int_equal(gvk_checkpoint_open_path(NULL, path, &checkpoint), GVK_OK);
            assert_int_equal(gvk_checkpoint_count(checkpoint), 1);
            gvk_checkpoint_destroy(checkpoint);
        } else {
            check_file_refused(path, GVK_ERROR_FORMAT, "tensor weight is a small part of a storage");
        }
        unlink(path);
        drop(&front);
        drop(&pickle);
    }
}

static void more_tensors_or_entries_than_the_ceiling_are_refused(void **state)
{
    (void)state;
    enum { CEILING = 16384 };
    for (size_t extra = 0; extra < 2; extra++) {
        bytes header = {.data = NULL};
        char entry[120];
        for (size_t i = 0; i < CEILING + extra; i++) {
            snprintf(entry, sizeof entry, "%c\"w%zu\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}",
                     i ? ',' : '{', i);
            put_text(&header, entry);
        }
        put(&header, "}", 2);
        bytes file = build_safetensors((const char *)header.data, 0);
        if (extra)
            check_bytes_refused("a tensor too many", file, "more than 16384 tensors");
        else
            check_bytes_load("as many tensors as there may be", file, CEILING);
        drop(&header);
    }
    bytes header = {.data = NULL};
    put_text(&header, "{\"__metadata__\":");
    for (size_t i = 0; i < 1025; i++) {
        char entry[40];
        snprintf(entry, sizeof entry, "%c\"k%zu\":\"\"", i ? ',' : '{', i);
        put_text(&header, entry);
    }
    put(&header, "}}", 3);
    check_bytes_refused("a metadata string too many", build_safetensors((const char *)header.data, 0), "1024");
    drop(&header);

    zip_entry *entries = calloc(CEILING + 1, sizeof *entries);
    char(*names)[16] = calloc(CEILING + 1, sizeof *names);
    for (size_t i = 0; i <= CEILING; i++) {
        snprintf(names[i], sizeof names[i], "a/%zu", i);
        entries[i] = (zip_entry){.name = names[i], .data = "", .size = 0};
    }
    zip_layout layout = {.has_end64 = true};
    check_bytes_refused("an entry too many", build_zip(entries, CEILING + 1, &layout), "more than 16384 entries");
    free(names);
    free(entries);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pickle_bombs_cost_little),
        cmocka_unit_test(work_that_is_asked_for_again_and_again_costs_little),
        cmocka_unit_test(copies_of_one_storage_are_bounded),
        cmocka_unit_test(a_tensor_in_a_storage_out_of_all_proportion_is_refused),
        cmocka_unit_test(more_tensors_or_entries_than_the_ceiling_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
