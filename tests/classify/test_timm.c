/* GhostNet the classifier as timm saves it: recognised by its names and shapes, which are those of GhostNet's authors
 * too; and timm's other networks with a stem of that name refused in one sentence that says why. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/network/opening.h"
#include "tests/siblings/siblings.h"

static struct golden *golden;
static struct tensor_list timm; /* as the golden has it */

/* The names and shapes in timm's training checkpoints and on its hub are the ones of its state dict. */
static void it_is_recognised_by_its_names_and_shapes(void **state)
{
    (void)state;
    struct recorder recorder = {0};
    struct image image = make_image_of(&timm);
    gvk_network *network = open_good(&recorder, &image);
    gvk_network_info info = {.size = sizeof info};
    gvk_network_describe(network, &info);
    assert_string_equal(info.name, "GhostNet");
    assert_int_equal(info.task, GVK_TASK_CLASSIFIER);
    assert_int_equal(info.class_count, 1000);
    assert_float_equal(info.width, 0.5, 0);
    assert_int_equal(info.input_width, 224);
    assert_int_equal(info.input_height, 224);
    assert_int_equal(info.unused_count, 0);
    close_good(&recorder, network);
    free(image.bytes);
}

static void its_parameters_are_counted_as_torch_counts_them(void **state)
{
    (void)state;
    struct recorder recorder = {0};
    gvk_host host = recording_host(&recorder);
    struct image image = make_image_of(&timm);
    gvk_network *network = open_good(&recorder, &image);
    gvk_stream_params stream = {.size = sizeof stream, .width = 64, .height = 64};
    gvk_description plan = {.size = sizeof plan};
    assert_int_equal(gvk_plan_describe(NULL, gvk_network_graph(network), NULL, &stream, &plan), GVK_OK);
    assert_int_equal(plan.parameters, sibling_number(golden, "parameters"));
    gvk_description_release(&host, &plan);
    close_good(&recorder, network);
    free(image.bytes);
}

static void its_authors_and_timm_name_and_shape_the_weights_alike(void **state)
{
    (void)state;
    struct tensor_list authors = list_tensors(NETWORK_CLASSIFIER, 0.5, 1000);
    assert_int_equal(authors.count, timm.count);
    for (size_t i = 0; i < timm.count; i++) {
        const struct named_tensor *one = &timm.tensors[i], *other = find_listed(&authors, one->name);
        if (!other || other->rank != one->rank || memcmp(other->shape, one->shape, one->rank * sizeof *one->shape))
            fail_msg("%s is not the authors'", one->name);
    }
    release_tensor_list(&authors);
}

static void what_training_leaves_around_it_is_stripped(void **state)
{
    (void)state;
    static const char *const prefixes[] = {"module.", "state_dict.", "state_dict_ema.", "_orig_mod."};
    for (size_t each = 0; each < ARRAY_COUNT(prefixes); each++) {
        struct recorder recorder = {0};
        struct tensor_list list = list_sibling(golden);
        for (size_t i = 0; i < list.count; i++)
            snprintf(list.tensors[i].name, sizeof list.tensors[i].name, "%s%s", prefixes[each], timm.tensors[i].name);
        struct image image = make_image_of(&list);
        close_good(&recorder, open_good(&recorder, &image));
        free(image.bytes);
        release_tensor_list(&list);
    }
}

/* ---- what timm has beside it ---- */

/* Keeps the tensors whose names do not have the part. */
static void drop(struct tensor_list *list, const char *part)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++)
        if (!strstr(list->tensors[i].name, part))
            list->tensors[kept++] = list->tensors[i];
    assert_true(kept < list->count);
    list->count = kept;
}

static void add(struct tensor_list *list, const char *name, uint32_t rank, uint64_t first)
{
    assert_true(list->count < list->capacity);
    struct named_tensor *tensor = &list->tensors[list->count++];
    *tensor = (struct named_tensor){.rank = rank, .shape = {first, rank > 1, rank > 2, rank > 3}};
    snprintf(tensor->name, sizeof tensor->name, "%s", name);
}

static void refuse_list(struct tensor_list *list, const char *words)
{
    struct image image = make_image_of(list);
    refuse(&image, GVK_ERROR_MISMATCH, words);
    free(image.bytes);
    release_tensor_list(list);
}

static void ghostnetv2_is_refused_by_its_attention(void **state)
{
    (void)state;
    struct tensor_list list = list_sibling(golden);
    add(&list, "blocks.2.0.ghost1.short_conv.0.weight", 4, 36);
    add(&list, "blocks.2.0.ghost1.short_conv.1.running_mean", 1, 36);
    refuse_list(&list, "\"blocks.2.0.ghost1.short_conv.0.weight\" and 1 more belong to no layer of GhostNet, so the "
                       "file is of another network");
}

static void networks_that_have_only_the_stem_are_refused_for_their_lack_of_ghosts(void **state)
{
    (void)state;
    static const char *const words = "The file has \"conv_stem.weight\", but no ghost module, such as "
                                     "\"blocks.0.0.ghost1.primary_conv.0.weight\": it is of another network";
    struct tensor_list v3 = list_sibling(golden);
    for (size_t i = 0; i < v3.count; i++) {
        char *part = strstr(v3.tensors[i].name, "primary_conv.0.");
        if (part)
            memcpy(part, "primary_rprs.0.", strlen("primary_rprs.0."));
    }
    refuse_list(&v3, words);
    struct tensor_list mobilenet = list_sibling(golden);
    drop(&mobilenet, ".ghost");
    add(&mobilenet, "blocks.0.0.conv_dw.weight", 4, 16);
    add(&mobilenet, "blocks.0.0.conv_pw.weight", 4, 16);
    refuse_list(&mobilenet, words);
}

static void a_network_without_its_classifier_is_called_that(void **state)
{
    (void)state;
    struct tensor_list list = list_sibling(golden); /* num_classes=0 */
    drop(&list, "classifier.");
    refuse_list(&list, "This is a GhostNet backbone without a head: it has \"conv_stem.weight\", but no "
                       "\"classifier.weight\" of a classifier.");
    list = list_sibling(golden); /* features_only=True */
    drop(&list, "classifier.");
    drop(&list, "conv_head.");
    drop(&list, "blocks.9.");
    refuse_list(&list, "without a head");
}

static void a_missing_or_misshapen_tensor_is_refused_by_name(void **state)
{
    (void)state;
    static const char *const names[] = {"bn1.running_var", "blocks.3.0.se.conv_reduce.bias", "blocks.9.0.bn1.weight",
                                        "conv_head.bias", "blocks.6.3.shortcut.3.weight"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        struct tensor_list list = list_sibling(golden);
        drop(&list, names[i]);
        refuse_list(&list, names[i]);
        list = list_sibling(golden);
        for (size_t at = 0; at < list.count; at++)
            list.tensors[at].shape[0] += !strcmp(list.tensors[at].name, names[i]);
        refuse_list(&list, names[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_recognised_by_its_names_and_shapes),
        cmocka_unit_test(its_parameters_are_counted_as_torch_counts_them),
        cmocka_unit_test(its_authors_and_timm_name_and_shape_the_weights_alike),
        cmocka_unit_test(what_training_leaves_around_it_is_stripped),
        cmocka_unit_test(ghostnetv2_is_refused_by_its_attention),
        cmocka_unit_test(networks_that_have_only_the_stem_are_refused_for_their_lack_of_ghosts),
        cmocka_unit_test(a_network_without_its_classifier_is_called_that),
        cmocka_unit_test(a_missing_or_misshapen_tensor_is_refused_by_name),
    };
    golden = open_golden("timm.safetensors");
    timm = list_sibling(golden);
    int failed = cmocka_run_group_tests_name("timm's GhostNet", tests, NULL, NULL);
    release_tensor_list(&timm);
    close_golden(golden);
    return failed;
}
