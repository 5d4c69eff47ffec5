/* Tensors that are missing, misshapen or spoilt: the network is refused by their names. */
#include <stdlib.h>
#include <string.h>

#include "opening.h"

static void check_missing(struct image *image, const char *name)
{
    char *entry = find_name(image, name), first = *entry;
    *entry = '#';
    refuse(image, GVK_ERROR_MISMATCH, name);
    *entry = first;
}

static void a_missing_tensor_is_refused_by_name(void **state)
{
    (void)state;
    struct tensor_list list = list_tensors(NETWORK_CLASSIFIER, 0.1, 4);
    struct image image = make_image_of(&list);
    for (size_t i = 0; i < list.count; i++)
        check_missing(&image, list.tensors[i].name);
    free(image.bytes);
    release_tensor_list(&list);

    list = list_tensors(NETWORK_DETECTOR, 0.1, 3);
    image = make_image_of(&list);
    for (size_t i = 0; i < list.count; i += 97)
        check_missing(&image, list.tensors[i].name);
    check_missing(&image, "yolo_head1.1.weight");
    check_missing(&image, "yolo_head2.1.weight");
    check_missing(&image, "yolo_head3.1.bias");
    free(image.bytes);
    release_tensor_list(&list);
}

static void a_misshapen_tensor_is_refused_by_name(void **state)
{
    (void)state;
    struct tensor_list list = list_tensors(NETWORK_CLASSIFIER, 0.1, 4);
    for (size_t i = 0; i < list.count; i++) {
        struct named_tensor *tensor = &list.tensors[i];
        /* The count of classes comes from the first side of classifier.weight. */
        uint64_t *side = &tensor->shape[strcmp(tensor->name, "classifier.weight") ? 0 : 1];
        *side += 4;
        struct image image = make_image_of(&list);
        refuse(&image, GVK_ERROR_MISMATCH, tensor->name);
        free(image.bytes);
        *side -= 4;
    }
    struct named_tensor *vector = find_listed(&list, "blocks.0.0.ghost1.primary_conv.1.bias");
    vector->rank = 2;
    vector->shape[1] = 1;
    struct image image = make_image_of(&list);
    refuse(&image, GVK_ERROR_MISMATCH, "\"blocks.0.0.ghost1.primary_conv.1.bias\" is 2x1 in the checkpoint, but ");
    free(image.bytes);
    release_tensor_list(&list);
}

static void heads_that_contradict_each_other_or_no_class_count_are_refused(void **state)
{
    (void)state;
    static const struct {
        uint64_t outputs1, outputs2;
        const char *words;
    } cases[] = {{24, 27, "\"yolo_head1.1.weight\" has 24 outputs, but \"yolo_head2.1.weight\" has 27"},
                 {25, 25, "has 25 outputs"},
                 {15, 15, "has 15 outputs"},
                 {3, 3, "has 3 outputs"}};
    struct tensor_list list = list_tensors(NETWORK_DETECTOR, 0.1, 3);
    keep_stem_and_heads(&list);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        find_listed(&list, "yolo_head1.1.weight")->shape[0] = cases[i].outputs1;
        find_listed(&list, "yolo_head2.1.weight")->shape[0] = cases[i].outputs2;
        find_listed(&list, "yolo_head3.1.weight")->shape[0] = cases[i].outputs2;
        struct image image = make_image_of(&list);
        refuse(&image, GVK_ERROR_MISMATCH, cases[i].words);
        free(image.bytes);
    }
    release_tensor_list(&list);
}

static void channels_that_no_width_explains_are_refused(void **state)
{
    (void)state;
    struct tensor_list list = list_tensors(NETWORK_CLASSIFIER, 0.1, 4);
    for (size_t i = 0; i < list.count; i++)
        if (list.tensors[i].rank == 4)
            list.tensors[i].shape[0] = 7;
    struct image image = make_image_of(&list);
    refuse(&image, GVK_ERROR_MISMATCH, "not GhostNet's at any width");
    free(image.bytes);
    release_tensor_list(&list);
}

static void a_file_of_another_network_is_refused_with_some_of_its_names(void **state)
{
    (void)state;
    struct tensor_list list = list_tensors(NETWORK_CLASSIFIER, 0.1, 4);
    struct tensor_list few = {.tensors = list.tensors + 6, .count = 5};
    struct image image = make_image_of(&few);
    refuse(&image, GVK_ERROR_MISMATCH, "\"conv_stem.weight\"; it has \"conv_head.bias\", \"classifier.weight\", ");
    refuse(&image, GVK_ERROR_MISMATCH, "backbone.model.conv_stem.weight");
    refuse(&image, GVK_ERROR_MISMATCH, "and 2 more.");
    free(image.bytes);
    release_tensor_list(&list);
}

static void write_float(unsigned char *data, uint32_t bits)
{
    for (uint32_t i = 0; i < 4; i++)
        data[i] = (unsigned char)(bits >> (8 * i) & 255);
}

static void a_weight_that_is_no_number_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t index;
        uint32_t bits;
        const char *words; /* NULL: it is fine */
    } cases[] = {
        {"conv_stem.weight", 0, 0x7fc00000, "\"conv_stem.weight\" holds an infinity or a not-a-number"},
        {"classifier.weight", 4 * 1280 - 1, 0x7f800000, "\"classifier.weight\" holds an infinity"},
        {"classifier.bias", 3, 0xff800000, "\"classifier.bias\" holds an infinity"},
        {"bn1.running_mean", 1, 0x7f800001, "\"bn1.running_mean\" holds an infinity or a not-a-number"},
        {"bn1.running_var", 1, 0xffc00000, "\"bn1.running_var\" holds an infinity or a not-a-number"},
        {"bn1.running_var", 1, 0xbf800000, "\"bn1.running_var\" holds a variance below zero"},
        {"bn1.running_var", 1, 0x80000001, "\"bn1.running_var\" holds a variance below zero"},
        {"bn1.running_var", 1, 0x80000000, NULL},
        {"bn1.running_var", 1, 0, NULL},
        {"bn1.running_mean", 1, 0xbf800000, NULL},
        {"conv_stem.weight", 2, 0x7f7fffff, NULL},
        {"conv_stem.weight", 2, 0x00000001, NULL},
    };
    struct image image = make_image(NETWORK_CLASSIFIER, 0.1, 4);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned char *data = find_data(&image, cases[i].name) + 4 * cases[i].index, old[4];
        memcpy(old, data, 4);
        write_float(data, cases[i].bits);
        if (cases[i].words) {
            refuse(&image, GVK_ERROR_FORMAT, cases[i].words);
        } else {
            struct recorder recorder = {0};
            close_good(&recorder, open_good(&recorder, &image));
        }
        memcpy(data, old, 4);
    }
    free(image.bytes);
}

static void a_half_float_that_is_no_number_is_refused_by_name(void **state)
{
    (void)state;
    struct image image = read_image(GVK_MODEL_DIR "/blood-cells.safetensors");
    unsigned char *data = find_data(&image, "conv1.0.conv.weight");
    data[0] = 0;
    data[1] = 0xfc;
    refuse(&image, GVK_ERROR_FORMAT, "\"conv1.0.conv.weight\" holds an infinity");
    data[0] = 0xff;
    data[1] = 0xfb; /* the lowest number there is */
    struct recorder recorder = {0};
    close_good(&recorder, open_good(&recorder, &image));
    free(image.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_tensor_is_refused_by_name),
        cmocka_unit_test(a_misshapen_tensor_is_refused_by_name),
        cmocka_unit_test(heads_that_contradict_each_other_or_no_class_count_are_refused),
        cmocka_unit_test(channels_that_no_width_explains_are_refused),
        cmocka_unit_test(a_file_of_another_network_is_refused_with_some_of_its_names),
        cmocka_unit_test(a_weight_that_is_no_number_is_refused_by_name),
        cmocka_unit_test(a_half_float_that_is_no_number_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
