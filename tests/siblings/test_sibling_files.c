/* Checkpoints of the siblings: recognised by their names and shapes with all that training leaves around them, counted
 * as PyTorch counts them, and refused by the same rules as GhostNet's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "siblings.h"
#include "tests/network/opening.h"

#define FOR_EACH(name)                                                                                                 \
    const char *name;                                                                                                  \
    for (uint32_t each = 0; (name = sibling_name(each)) != NULL; each++)

static struct tensor_list list_named(const char *name)
{
    struct golden *golden = open_sibling(name);
    struct tensor_list list = list_sibling(golden);
    close_golden(golden);
    return list;
}

static void a_sibling_is_recognised_by_its_names_and_shapes(void **state)
{
    (void)state;
    FOR_EACH(name)
    {
        struct recorder recorder = {0};
        struct tensor_list list = list_named(name);
        struct image image = make_image_of(&list);
        gvk_network *network = open_good(&recorder, &image);
        gvk_network_info info = {.size = sizeof info};
        gvk_network_describe(network, &info);
        assert_string_equal(info.name, name);
        assert_int_equal(info.task, GVK_TASK_DETECTOR);
        assert_int_equal(info.class_count, 3);
        assert_float_equal(info.width, 1.0, 0);
        assert_float_equal(info.anchors[0], 12, 0);
        assert_float_equal(info.anchors[17], 401, 0);
        assert_int_equal(info.input_width, 416);
        assert_int_equal(info.input_height, 416);
        /* The classifier that its backbone keeps: listed, and no harm. */
        assert_true(info.unused_count > 0 && info.unused_count < 12);
        for (uint32_t i = 0; i < info.unused_count; i++)
            if (strncmp(info.unused[i], "backbone.model.", strlen("backbone.model.")) != 0)
                fail_msg("%s: %s is not used", name, info.unused[i]);
        close_good(&recorder, network);
        free(image.bytes);
        release_tensor_list(&list);
    }
}

static void its_parameters_are_counted_as_torch_counts_them(void **state)
{
    (void)state;
    FOR_EACH(name)
    {
        struct recorder recorder = {0};
        gvk_host host = recording_host(&recorder);
        struct golden *golden = open_sibling(name);
        struct tensor_list list = list_sibling(golden);
        struct image image = make_image_of(&list);
        gvk_network *network = open_good(&recorder, &image);
        gvk_stream_params stream = {.size = sizeof stream, .width = 64, .height = 64};
        gvk_description plan = {.size = sizeof plan};
        assert_int_equal(gvk_plan_describe(NULL, gvk_network_graph(network), NULL, &stream, &plan), GVK_OK);
        if (plan.parameters != sibling_number(golden, "parameters"))
            fail_msg("%s: %llu parameters, and torch counts %llu", name, (unsigned long long)plan.parameters,
                     (unsigned long long)sibling_number(golden, "parameters"));
        gvk_description_release(&host, &plan);
        close_good(&recorder, network);
        free(image.bytes);
        release_tensor_list(&list);
        close_golden(golden);
    }
}

static void wrappers_around_its_names_are_stripped(void **state)
{
    (void)state;
    static const char *const prefixes[] = {"module.", "model.", "_orig_mod.", "model_ema.module."};
    FOR_EACH(name)
    {
        struct recorder recorder = {0};
        struct tensor_list list = list_named(name);
        const char *prefix = prefixes[each % ARRAY_COUNT(prefixes)];
        for (size_t i = 0; i < list.count; i++) {
            char longer[sizeof list.tensors[i].name];
            assert_true(snprintf(longer, sizeof longer, "%s%s", prefix, list.tensors[i].name) < (int)sizeof longer);
            memcpy(list.tensors[i].name, longer, sizeof longer);
        }
        struct image image = make_image_of(&list);
        gvk_network *network = open_good(&recorder, &image);
        gvk_network_info info = {.size = sizeof info};
        gvk_network_describe(network, &info);
        assert_string_equal(info.name, name);
        close_good(&recorder, network);
        free(image.bytes);
        release_tensor_list(&list);
    }
}

static bool is_unused(const char *name)
{
    static const char *const parts[] = {"backbone.model.fc.", "backbone.model.classifier.", "backbone.model.conv.",
                                        "backbone.model.features.18."};
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++)
        if (!strncmp(name, parts[i], strlen(parts[i])))
            return true;
    return false;
}

/* All by their own name, but the mark: without that it is no sibling. */
static void a_missing_tensor_is_refused_by_name(void **state)
{
    (void)state;
    FOR_EACH(name)
    {
        struct tensor_list list = list_named(name);
        for (size_t i = 1; i < list.count; i += 149) {
            struct named_tensor gone = list.tensors[i];
            if (is_unused(gone.name))
                continue;
            list.tensors[i] = list.tensors[--list.count];
            struct image image = make_image_of(&list);
            refuse(&image, GVK_ERROR_MISMATCH, gone.name);
            free(image.bytes);
            list.tensors[list.count++] = list.tensors[i];
            list.tensors[i] = gone;
        }
        release_tensor_list(&list);
    }
}

static void a_misshapen_tensor_is_refused_by_name(void **state)
{
    (void)state;
    FOR_EACH(name)
    {
        struct tensor_list list = list_named(name);
        for (size_t i = 5; i < list.count; i += 211) {
            if (is_unused(list.tensors[i].name))
                continue;
            list.tensors[i].shape[0]++;
            struct image image = make_image_of(&list);
            refuse(&image, GVK_ERROR_MISMATCH, list.tensors[i].name);
            free(image.bytes);
            list.tensors[i].shape[0]--;
        }
        release_tensor_list(&list);
    }
}

static void a_weight_that_no_layer_takes_refuses_the_file_by_its_name(void **state)
{
    (void)state;
    static const char *const foreign[] = {"conv1.attention.gamma", "backbone.model.features.19.conv.0.weight",
                                          "backbone.model.blocks.9.0.conv.weight", "yolo_head4.1.bias",
                                          "backbone.model.stage4.0.0.weight"};
    FOR_EACH(name)
    {
        struct tensor_list list = list_named(name);
        struct named_tensor *grown = realloc(list.tensors, (list.count + 1) * sizeof *grown);
        assert_non_null(grown);
        list.tensors = grown;
        for (size_t i = 0; i < ARRAY_COUNT(foreign); i++) {
            char words[200];
            struct named_tensor *more = &list.tensors[list.count++];
            *more = (struct named_tensor){.rank = 1, .shape = {3}};
            snprintf(more->name, sizeof more->name, "%s", foreign[i]);
            snprintf(words, sizeof words, "\"%s\" belongs to no layer of %s,", foreign[i], name);
            struct image image = make_image_of(&list);
            refuse(&image, GVK_ERROR_MISMATCH, words);
            if (i == 0) {
                struct recorder recorder = {0};
                close_good(&recorder, open_with(&recorder, &image, (gvk_network_params){.allow_unused = 1}));
            }
            free(image.bytes);
            list.count--;
        }
        release_tensor_list(&list);
    }
}

static void a_backbone_without_a_head_is_called_that(void **state)
{
    (void)state;
    FOR_EACH(name)
    {
        struct tensor_list list = list_named(name);
        size_t kept = 0;
        for (size_t i = 0; i < list.count; i++)
            if (!strncmp(list.tensors[i].name, "backbone.", strlen("backbone.")))
                list.tensors[kept++] = list.tensors[i];
        list.count = kept;
        char words[100];
        snprintf(words, sizeof words, "This is a %.*s backbone without a head: it has \"backbone.model.",
                 (int)(strchr(name, '-') - name), name);
        struct image image = make_image_of(&list);
        refuse(&image, GVK_ERROR_MISMATCH, words);
        free(image.bytes);
        release_tensor_list(&list);
    }
}

static void names_behind_an_unknown_prefix_are_told(void **state)
{
    (void)state;
    FOR_EACH(name)
    {
        struct tensor_list list = list_named(name);
        for (size_t i = 0; i < list.count; i++) {
            char longer[sizeof list.tensors[i].name];
            assert_true(snprintf(longer, sizeof longer, "teacher.%s", list.tensors[i].name) < (int)sizeof longer);
            memcpy(list.tensors[i].name, longer, sizeof longer);
        }
        struct image image = make_image_of(&list);
        refuse(&image, GVK_ERROR_MISMATCH, "its names begin with the prefix \"teacher.\"");
        struct recorder recorder = {0};
        close_good(&recorder, open_with(&recorder, &image, (gvk_network_params){.weights = "teacher"}));
        free(image.bytes);
        release_tensor_list(&list);
    }
}

static void weights_are_generated_for_every_network_of_the_table(void **state)
{
    (void)state;
    const char *name;
    for (uint32_t i = 0; (name = gvk_network_name(i)) != NULL; i++) {
        struct recorder recorder = {0};
        gvk_host host = recording_host(&recorder);
        gvk_network *network = NULL;
        assert_ok(gvk_network_generate_named(&host, name, 4, &network));
        gvk_network_info info = {.size = sizeof info};
        gvk_network_describe(network, &info);
        assert_string_equal(info.name, name);
        assert_int_equal(info.class_count, 4);
        close_good(&recorder, network);
    }
    gvk_network *network = NULL;
    assert_int_equal(gvk_network_generate_named(NULL, "MobileNetV9", 4, &network), GVK_ERROR_ARGUMENT);
    assert_null(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sibling_is_recognised_by_its_names_and_shapes),
        cmocka_unit_test(its_parameters_are_counted_as_torch_counts_them),
        cmocka_unit_test(wrappers_around_its_names_are_stripped),
        cmocka_unit_test(a_missing_tensor_is_refused_by_name),
        cmocka_unit_test(a_misshapen_tensor_is_refused_by_name),
        cmocka_unit_test(a_weight_that_no_layer_takes_refuses_the_file_by_its_name),
        cmocka_unit_test(a_backbone_without_a_head_is_called_that),
        cmocka_unit_test(names_behind_an_unknown_prefix_are_told),
        cmocka_unit_test(weights_are_generated_for_every_network_of_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
