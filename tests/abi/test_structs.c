/* Structs that grow: those of 0.1 keep their place in today's headers, and runtime/base/structs.c reads and writes made
 * up structs that are shorter and longer than the library's. */
#include <string.h>

#include <ghostvk/checkpoint.h>
#include <ghostvk/tracker.h>

#include "layout.h"
#include "runtime/base/structs.h"
#include "tests/support/harness.h"

static void members_of_0_1_are_where_they_were(void **state)
{
    (void)state;
    assert_int_equal(layout_count_of_0_1, layout_count_of_today);
    assert_true(layout_count_of_0_1 > 200);
    for (size_t i = 0; i < layout_count_of_0_1; i++) {
        const struct layout_item *then = &layout_of_0_1[i], *now = &layout_of_today[i];
        assert_string_equal(then->name, now->name);
        bool is_struct = !strchr(then->name, '.');
        if (is_struct ? then->size > now->size : then->size != now->size)
            fail_msg("%s has %zu bytes in 0.1 and %zu today", then->name, then->size, now->size);
        if (then->offset != now->offset)
            fail_msg("%s is at byte %zu in 0.1 and at %zu today", then->name, then->offset, now->offset);
        if (then->value != now->value)
            fail_msg("%s is %lld in 0.1 and %lld today", then->name, then->value, now->value);
    }
}

static size_t size_in_0_1(const char *name)
{
    for (size_t i = 0; i < layout_count_of_0_1; i++)
        if (!strcmp(layout_of_0_1[i].name, name))
            return layout_of_0_1[i].size;
    fail_msg("0.1 has no %s", name);
    return 0;
}

static void a_size_of_zero_stands_for_the_size_in_0_1(void **state)
{
    (void)state;
    static const struct gvk_layout *const layouts[] = {
        &gvk_layout_of_host,         &gvk_layout_of_device_info,   &gvk_layout_of_device_params,
        &gvk_layout_of_wants,        &gvk_layout_of_import_params, &gvk_layout_of_node,
        &gvk_layout_of_model_params, &gvk_layout_of_stream_params, &gvk_layout_of_picture,
        &gvk_layout_of_stream_info,  &gvk_layout_of_timing,        &gvk_layout_of_layer_timing,
        &gvk_layout_of_tune_params,  &gvk_layout_of_tune_result,   &gvk_layout_of_layer_description,
        &gvk_layout_of_description};
    for (size_t i = 0; i < ARRAY_COUNT(layouts); i++)
        if (layouts[i]->first != size_in_0_1(layouts[i]->name))
            fail_msg("%s is taken for %zu bytes and has %zu in 0.1", layouts[i]->name, layouts[i]->first,
                     size_in_0_1(layouts[i]->name));
}

/* What a host passes in must not end in padding, or what is there would be taken for a later release's members. */
static void no_struct_that_is_read_ends_in_padding(void **state)
{
    (void)state;
#define LAST(type, member)                                                                                             \
    {                                                                                                                  \
#type, sizeof(type), GVK_END_OF(type, member)                                                                  \
    }
    static const struct {
        const char *name;
        size_t size, end;
    } structs[] = {
        LAST(gvk_host, cache_store),
        LAST(gvk_device_params, queue),
        LAST(gvk_import_params, submit_user),
        LAST(gvk_node, epsilon),
        LAST(gvk_model_params, reserved),
        LAST(gvk_stream_params, paced),
        LAST(gvk_picture, chroma_image),
        LAST(gvk_tune_params, tuned),
        LAST(gvk_network_params, weights),
        LAST(gvk_detector_params, reserved),
        LAST(gvk_detector_map, anchors),
        LAST(gvk_detector_heads, class_count),
        LAST(gvk_checkpoint_params, weights),
        LAST(gvk_submit_params, reserved),
        LAST(gvk_tracker_params, derivative_cutoff),
    };
    for (size_t i = 0; i < ARRAY_COUNT(structs); i++)
        if (structs[i].size != structs[i].end)
            fail_msg("%s has %zu bytes and its last member ends at %zu", structs[i].name, structs[i].size,
                     structs[i].end);
}

/* ---- one struct in three releases; the library is of the second ---- */

struct old {
    size_t size;
    uint32_t a, b;
};

struct today {
    size_t size;
    uint32_t a, b;
    uint64_t c;
    uint32_t d, reserved;
};

struct newer {
    size_t size;
    uint32_t a, b;
    uint64_t c;
    uint32_t d, e;
    uint64_t f;
};

static const struct gvk_layout layout = {"made_up", sizeof(struct old), GVK_END_OF(struct today, d),
                                         sizeof(struct today)};

static char sentence[512];

static void keep_sentence(void *user, gvk_log_level level, const char *text)
{
    (void)user;
    assert_int_equal(level, GVK_LOG_ERROR);
    memcpy(sentence, text, strlen(text) + 1);
}

static gvk_host listening(void)
{
    sentence[0] = 0;
    return gvk_host_complete(&(gvk_host){.size = sizeof(gvk_host), .log = keep_sentence});
}

static void expect_today(const struct today *got, uint32_t a, uint32_t b, uint64_t c, uint32_t d)
{
    assert_int_equal(got->size, sizeof *got);
    assert_int_equal(got->reserved, 0);
    assert_int_equal(got->a, a);
    assert_int_equal(got->b, b);
    assert_int_equal(got->c, c);
    assert_int_equal(got->d, d);
}

static void an_older_struct_is_read_with_zeros_behind_it(void **state)
{
    (void)state;
    gvk_host host = listening();
    struct today got;
    struct old from = {.size = sizeof from, .a = 1, .b = 2};
    memset(&got, 0xff, sizeof got);
    assert_int_equal(gvk_struct_read(&host, &layout, &from, &got), GVK_OK);
    expect_today(&got, 1, 2, 0, 0);
    from.size = 0;
    memset(&got, 0xff, sizeof got);
    assert_int_equal(gvk_struct_read(&host, &layout, &from, &got), GVK_OK);
    expect_today(&got, 1, 2, 0, 0);
    assert_int_equal(gvk_struct_read(&host, &layout, NULL, &got), GVK_OK);
    expect_today(&got, 0, 0, 0, 0);
    assert_string_equal(sentence, "");
}

static void a_newer_struct_is_read_while_its_new_members_are_zero(void **state)
{
    (void)state;
    gvk_host host = listening();
    struct today got, same = {.size = sizeof same, .a = 1, .b = 2, .c = 3, .d = 4};
    struct newer from = {.size = sizeof from, .a = 1, .b = 2, .c = 3, .d = 4};
    assert_int_equal(gvk_struct_read(&host, &layout, &same, &got), GVK_OK);
    expect_today(&got, 1, 2, 3, 4);
    assert_int_equal(gvk_struct_read(&host, &layout, &from, &got), GVK_OK);
    expect_today(&got, 1, 2, 3, 4);
    struct today again;
    assert_int_equal(gvk_struct_read(&host, &layout, &got, &again), GVK_OK); /* what was read may be handed on */
    expect_today(&again, 1, 2, 3, 4);
    assert_string_equal(sentence, "");
    from.e = 1; /* where today's struct has `reserved` */
    assert_int_equal(gvk_struct_read(&host, &layout, &from, &got), GVK_ERROR_ARGUMENT);
    assert_non_null(strstr(sentence, "A made_up of 40 bytes asks for something that this release does not know"));
    from.e = 0;
    from.f = UINT64_C(1) << 63; /* its last byte */
    assert_int_equal(gvk_struct_read(&host, &layout, &from, &got), GVK_ERROR_ARGUMENT);
    assert_non_null(strstr(sentence, "byte 39"));
}

static void a_size_that_no_release_has_is_refused(void **state)
{
    (void)state;
    gvk_host host = listening();
    static const size_t sizes[] = {1, sizeof(size_t), sizeof(struct old) - 1, 1 << 20, SIZE_MAX};
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        struct today got, from = {.size = sizes[i]};
        size_t stride = 0;
        if (gvk_struct_read(&host, &layout, &from, &got) != GVK_ERROR_ARGUMENT || !strstr(sentence, "made_up"))
            fail_msg("a struct of %zu bytes was read", sizes[i]);
        sentence[0] = 0;
        if (gvk_element_size(&host, &layout, sizes[i], &stride) != GVK_ERROR_ARGUMENT || !strstr(sentence, "made_up"))
            fail_msg("elements of %zu bytes were taken", sizes[i]);
        sentence[0] = 0;
    }
}

static void no_more_is_written_than_the_size_says(void **state)
{
    (void)state;
    const struct today made = {.size = 1000, .a = 1, .b = 2, .c = 3, .d = 4};
    static const size_t sizes[] = {0, 1, sizeof(size_t), 12, 16, 24, 28, 32, 40, SIZE_MAX};
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        union {
            struct newer as;
            unsigned char bytes[64];
        } to, expected;
        memset(&to, 0xee, sizeof to);
        to.as.size = sizes[i];
        expected = to;
        size_t end = sizes[i] ? sizes[i] : layout.first;
        if (end > layout.known)
            end = layout.known;
        if (end > sizeof(size_t))
            memcpy(expected.bytes + sizeof(size_t), (const unsigned char *)&made + sizeof(size_t),
                   end - sizeof(size_t));
        gvk_struct_write(&layout, &made, &to);
        if (memcmp(&to, &expected, sizeof to))
            fail_msg("written otherwise with a size of %zu", sizes[i]);
    }
}

static void elements_lie_as_far_apart_as_the_caller_says(void **state)
{
    (void)state;
    gvk_host host = listening();
    struct newer list[3];
    memset(list, 0, sizeof list);
    for (uint32_t i = 0; i < 3; i++)
        list[i] = (struct newer){.size = i == 1 ? 0 : sizeof list[i], .a = i, .b = 10 + i, .c = 20 + i};
    size_t stride = 0;
    assert_int_equal(gvk_element_size(&host, &layout, 0, &stride), GVK_OK);
    assert_int_equal(stride, sizeof(struct old));
    assert_int_equal(gvk_element_size(&host, &layout, sizeof list[0], &stride), GVK_OK);
    assert_int_equal(stride, sizeof list[0]);
    for (uint32_t i = 0; i < 3; i++) {
        struct today got;
        assert_int_equal(gvk_element_read(&host, &layout, list, stride, i, &got), GVK_OK);
        expect_today(&got, i, 10 + i, i == 1 ? 0 : 20 + i, 0); /* the second says that it is a struct of the first */
    }
    list[2].size = sizeof list[2] + 8;
    struct today got;
    assert_int_equal(gvk_element_read(&host, &layout, list, stride, 2, &got), GVK_ERROR_ARGUMENT);
    assert_non_null(strstr(sentence, "Element 2"));

    memset(list, 0xee, sizeof list);
    const struct today made = {.size = 77, .a = 1, .b = 2, .c = 3, .d = 4};
    gvk_element_write(&layout, &made, list, sizeof list[0], 1);
    assert_int_equal(list[0].f, UINT64_C(0xeeeeeeeeeeeeeeee));
    assert_int_equal(list[1].size, 77);
    assert_int_equal(list[1].d, 4);
    assert_int_equal(list[1].e, 0xeeeeeeee);
    assert_int_equal(list[2].size, (size_t)UINT64_C(0xeeeeeeeeeeeeeeee));
}

static void a_host_that_is_refused_is_told_why(void **state)
{
    (void)state;
    struct {
        gvk_host host;
        void *next;
    } newer = {.host = {.size = sizeof newer, .log = keep_sentence}};
    gvk_host got;
    sentence[0] = 0;
    assert_int_equal(gvk_host_read(&newer.host, &got), GVK_OK);
    assert_true(got.log == keep_sentence && got.allocate && got.release && !got.cache_load);
    newer.next = &newer;
    assert_int_equal(gvk_host_read(&newer.host, &got), GVK_ERROR_ARGUMENT);
    assert_non_null(strstr(sentence, "gvk_host"));
    newer.host.size = 3;
    sentence[0] = 0;
    assert_int_equal(gvk_host_read(&newer.host, &got), GVK_ERROR_ARGUMENT);
    assert_non_null(strstr(sentence, "gvk_host"));
    assert_int_equal(gvk_host_read(NULL, &got), GVK_OK);
    assert_true(got.log && got.allocate && got.release);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_of_0_1_are_where_they_were),
        cmocka_unit_test(a_size_of_zero_stands_for_the_size_in_0_1),
        cmocka_unit_test(no_struct_that_is_read_ends_in_padding),
        cmocka_unit_test(an_older_struct_is_read_with_zeros_behind_it),
        cmocka_unit_test(a_newer_struct_is_read_while_its_new_members_are_zero),
        cmocka_unit_test(a_size_that_no_release_has_is_refused),
        cmocka_unit_test(no_more_is_written_than_the_size_says),
        cmocka_unit_test(elements_lie_as_far_apart_as_the_caller_says),
        cmocka_unit_test(a_host_that_is_refused_is_told_why),
    };
    return cmocka_run_group_tests_name("structs that grow", tests, NULL, NULL);
}
