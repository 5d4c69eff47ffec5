/* Tensors beside the network's own: weights make the file another network's, whatever else there may be is passed over
 * and listed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opening.h"

/* A checkpoint of the network with one tensor more, at the front, in the middle or at the end. */
static struct image make_image_with(enum network_kind kind, const char *name, uint32_t rank, size_t place)
{
    struct tensor_list list = list_tensors(kind, 0.1, 4);
    struct named_tensor *grown = realloc(list.tensors, (list.count + 1) * sizeof *grown);
    assert_non_null(grown);
    list.tensors = grown;
    size_t at = place % 3 == 0 ? 0 : place % 3 == 1 ? list.count / 2 : list.count;
    memmove(grown + at + 1, grown + at, (list.count - at) * sizeof *grown);
    grown[at] = (struct named_tensor){.rank = rank, .shape = {2, 3, 1, 1}};
    snprintf(grown[at].name, sizeof grown[at].name, "%s", name);
    list.count++;
    struct image image = make_image_of(&list);
    release_tensor_list(&list);
    return image;
}

static void a_weight_that_no_layer_takes_refuses_the_file_by_its_name(void **state)
{
    (void)state;
    static const struct {
        enum network_kind kind;
        const char *name;
        uint32_t rank;
    } cases[] = {
        /* GhostNetV2's attention, as timm and the authors' code name it */
        {NETWORK_CLASSIFIER, "blocks.2.0.ghost1.short_conv.0.weight", 4},
        {NETWORK_CLASSIFIER, "blocks.2.0.ghost1.short_conv.1.running_mean", 1},
        {NETWORK_DETECTOR, "backbone.model.blocks.2.0.ghost1.short_conv.1.bias", 1},
        /* more blocks, more heads */
        {NETWORK_CLASSIFIER, "blocks.8.4.ghost1.primary_conv.0.weight", 4},
        {NETWORK_CLASSIFIER, "blocks.10.0.conv.weight", 4},
        {NETWORK_DETECTOR, "yolo_head4.1.bias", 1},
        {NETWORK_CLASSIFIER, "fc.weight", 2},
        /* attention in the neck, of many makers */
        {NETWORK_DETECTOR, "feat1_att.channelattention.fc1.weight", 4},
        {NETWORK_DETECTOR, "upsample1.se.fc.0.weight", 2},
        {NETWORK_DETECTOR, "make_five_conv1.5.conv.weight", 4},
        {NETWORK_DETECTOR, "pos_embed", 3},
        {NETWORK_DETECTOR, "conv1.attention.gamma", 1},
        {NETWORK_DETECTOR, "conv1.scale", 0},
        {NETWORK_DETECTOR, "yolo_head1.anchors", 2},
        /* the head of another backbone than the detector's own */
        {NETWORK_DETECTOR, "classifier.weight", 2},
        {NETWORK_DETECTOR, "neck.backbone.model.conv_head.weight", 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct image image = make_image_with(cases[i].kind, cases[i].name, cases[i].rank, i);
        char words[160];
        snprintf(words, sizeof words, "The tensor \"%s\" belongs to no layer", cases[i].name);
        refuse(&image, GVK_ERROR_MISMATCH, words);

        struct recorder recorder = {0};
        gvk_network *network = open_with(&recorder, &image, (gvk_network_params){.allow_unused = 1});
        gvk_network_info info = {.size = sizeof info};
        gvk_network_describe(network, &info);
        if (info.unused_count != 1 || strcmp(info.unused[0], cases[i].name) != 0)
            fail_msg("%s is not the one unused tensor of %u", cases[i].name, info.unused_count);
        close_good(&recorder, network);
        free(image.bytes);
    }
}

static void of_several_unused_weights_the_first_is_named_and_all_are_counted(void **state)
{
    (void)state;
    struct tensor_list list = list_tensors(NETWORK_CLASSIFIER, 0.1, 4);
    for (size_t i = 0; i < list.count; i++) /* all that squeeze-excite has is another network's then */
        if (strstr(list.tensors[i].name, ".se."))
            list.tensors[i].name[strlen(list.tensors[i].name) - 1] = '_';
    struct named_tensor *grown = realloc(list.tensors, 2 * list.count * sizeof *grown);
    assert_non_null(grown);
    list.tensors = grown;
    struct tensor_list whole = list_tensors(NETWORK_CLASSIFIER, 0.1, 4);
    size_t spare = 0;
    for (size_t i = 0; i < whole.count; i++)
        if (strstr(whole.tensors[i].name, ".se.")) {
            list.tensors[list.count++] = whole.tensors[i];
            spare++;
        }
    struct image image = make_image_of(&list);
    char words[100];
    snprintf(words, sizeof words, "\"blocks.3.0.se.conv_reduce.weigh_\" and %zu more belong to no layer", spare - 1);
    refuse(&image, GVK_ERROR_MISMATCH, words);
    free(image.bytes);
    release_tensor_list(&whole);
    release_tensor_list(&list);
}

static void what_cannot_change_a_result_is_passed_over(void **state)
{
    (void)state;
    static const struct {
        enum network_kind kind;
        const char *name;
        uint32_t rank;
        bool is_listed;
    } cases[] = {
        {NETWORK_CLASSIFIER, "bn1.num_batches_tracked", 0, false},
        {NETWORK_DETECTOR, "backbone.model.bn1.num_batches_tracked", 0, false},
        {NETWORK_DETECTOR, "total_ops", 1, true},
        {NETWORK_DETECTOR, "conv1.0.conv.total_params", 1, true},
        {NETWORK_CLASSIFIER, "optimizer.state.3.exp_avg", 4, true},
        {NETWORK_CLASSIFIER, "n_averaged", 0, true},
        {NETWORK_DETECTOR, "yolo_loss.balance", 1, true},
        {NETWORK_CLASSIFIER, "criterion.weight", 1, true},
        /* a classifier's head in a detector's backbone */
        {NETWORK_DETECTOR, "backbone.model.conv_head.weight", 4, true},
        {NETWORK_DETECTOR, "backbone.model.conv_head.bias", 1, true},
        {NETWORK_DETECTOR, "backbone.model.classifier.weight", 2, true},
        {NETWORK_DETECTOR, "backbone.model.blocks.9.0.bn1.running_var", 1, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct recorder recorder = {0};
        struct image image = make_image_with(cases[i].kind, cases[i].name, cases[i].rank, i);
        gvk_network *network = open_good(&recorder, &image);
        gvk_network_info info = {.size = sizeof info};
        gvk_network_describe(network, &info);
        if (info.unused_count != cases[i].is_listed || (cases[i].is_listed && strcmp(info.unused[0], cases[i].name)))
            fail_msg("%s: %u unused tensors are listed", cases[i].name, info.unused_count);
        close_good(&recorder, network);
        free(image.bytes);
    }
}

/* The F32 of a tensor's entry in the header becomes another type of its size. */
static void change_type(const struct image *image, const char *name, const char *type)
{
    char *entry = strstr(find_name(image, name), "F32");
    assert_non_null(entry);
    memcpy(entry, type, 3);
}

static void integers_are_passed_over_unless_they_are_called_weights(void **state)
{
    (void)state;
    struct recorder recorder = {0};
    struct image image = make_image_with(NETWORK_DETECTOR, "conv1.relative_position_index", 2, 0);
    change_type(&image, "conv1.relative_position_index", "I32");
    close_good(&recorder, open_good(&recorder, &image));
    free(image.bytes);
    image = make_image_with(NETWORK_DETECTOR, "conv1.attention.weight", 2, 0);
    change_type(&image, "conv1.attention.weight", "I32");
    refuse(&image, GVK_ERROR_MISMATCH, "\"conv1.attention.weight\" belongs to no layer");
    free(image.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_weight_that_no_layer_takes_refuses_the_file_by_its_name),
        cmocka_unit_test(of_several_unused_weights_the_first_is_named_and_all_are_counted),
        cmocka_unit_test(what_cannot_change_a_result_is_passed_over),
        cmocka_unit_test(integers_are_passed_over_unless_they_are_called_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
