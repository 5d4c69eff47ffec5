/* Which weights of a file become the network: under which keys and prefixes they are found, that an average is
 * preferred, that a name takes another set, and what is said when nothing fits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "containers.h"
#include "tests/filler/filler.h"

static struct tensor_list small_classifier(void)
{
    return list_tensors(NETWORK_CLASSIFIER, 0.1, 4);
}

/* How many times the filler's the value of a weight is that the network took. */
static float scale_of(const gvk_network *network)
{
    const gvk_checkpoint_tensor *tensor = gvk_checkpoint_find(network->checkpoint, "bn1.weight");
    float values[64], taken;
    assert_non_null(tensor);
    assert_int_equal(tensor->array.rank, 1);
    assert_in_range(tensor->array.shape[0], 1, 64);
    fill_tensor("bn1.weight", tensor->array.shape, 1, values);
    memcpy(&taken, tensor->array.data, sizeof taken);
    return taken / values[0];
}

/* Opens the file and checks where its weights came from, which set they are, and what was said. */
static void check_taken(const char *what, const struct image *image, gvk_network_params params, const char *origin,
                        float scale, const char *said)
{
    struct recorder recorder = {0};
    gvk_network *network = open_with(&recorder, image, params);
    gvk_network_info info = {.size = sizeof info};
    gvk_network_describe(network, &info);
    if (strcmp(info.weights, origin) != 0)
        fail_msg("%s: the weights came from \"%s\", not from \"%s\"", what, info.weights, origin);
    float taken = scale_of(network);
    if (taken < scale - 0.01f || taken > scale + 0.01f)
        fail_msg("%s: the values are %g times the filler's, not %g", what, (double)taken, (double)scale);
    if (recorder.sentences != 1 || !strstr(recorder.last, said))
        fail_msg("%s: \"%s\" does not say \"%s\"", what, recorder.last, said);
    close_good(&recorder, network);
}

/* ---- one set ---- */

static void weights_are_found_under_the_keys_that_people_save_them_under(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "",
        "state_dict",
        "model",
        "net",
        "module",
        "params",
        "model_state_dict",
        "ema",
        "params_ema",
        "model_ema",
        "ema_state_dict",
        "network",
        "ema/module",
        "model/state_dict",
        "state_dict/model",
        "model/module/params",
    };
    struct tensor_list list = small_classifier();
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        for (int container = CONTAINER_ZIP; container <= CONTAINER_LEGACY; container++) {
            const struct weight_set set = {&list, keys[i], "", 1};
            struct image image = make_file_of((enum container)container, &set, 1, "U\5epochK\3");
            char what[100], origin[100];
            snprintf(what, sizeof what, "%s, %s", container_names[container], keys[i]);
            snprintf(origin, sizeof origin, "%s", keys[i]);
            for (char *at = origin; *at; at++)
                *at = *at == '/' ? '.' : *at;
            check_taken(what, &image, (gvk_network_params){0}, origin, 1, *origin ? origin : "top level");
            free(image.bytes);
        }
    release_tensor_list(&list);
}

static void prefixes_of_wrappers_are_stripped_in_every_container(void **state)
{
    (void)state;
    static const char *const prefixes[] = {
        "module.",           "model.",        "net.",        "_orig_mod.",
        "module._orig_mod.", "model.module.", "state_dict.", "model_ema.module.",
    };
    struct tensor_list list = small_classifier();
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        for (int container = 0; container < CONTAINERS; container++) {
            const struct weight_set set = {&list, "", prefixes[i], 1};
            struct image image = make_file_of((enum container)container, &set, 1, NULL);
            char what[100], origin[100];
            snprintf(what, sizeof what, "%s, %s", container_names[container], prefixes[i]);
            snprintf(origin, sizeof origin, "%.*s", (int)strlen(prefixes[i]) - 1, prefixes[i]);
            check_taken(what, &image, (gvk_network_params){0}, origin, 1, origin);
            free(image.bytes);
        }
    release_tensor_list(&list);
}

static void wrappers_inside_of_names_and_around_some_of_them_go_too(void **state)
{
    (void)state;
    struct tensor_list list = small_classifier();
    for (size_t i = 0; i < list.count; i++) {
        char name[sizeof list.tensors[i].name];
        const char *rest = list.tensors[i].name;
        if (strncmp(rest, "blocks.", 7) == 0)
            snprintf(name, sizeof name, "blocks._orig_mod.%.70s", rest + 7); /* only a part was compiled */
        else if (strncmp(rest, "classifier.", 11) == 0)
            snprintf(name, sizeof name, "module.%.70s", rest); /* only a part was distributed */
        else
            continue;
        snprintf(list.tensors[i].name, sizeof list.tensors[i].name, "%s", name);
    }
    for (int container = 0; container < CONTAINERS; container++) {
        const struct weight_set set = {&list, "", "", 1};
        struct image image = make_file_of((enum container)container, &set, 1, NULL);
        check_taken(container_names[container], &image, (gvk_network_params){0}, "", 1, "top level");
        free(image.bytes);
    }
    release_tensor_list(&list);
}

static void figures_of_a_profiler_beside_a_prefix_do_not_hide_it(void **state)
{
    (void)state;
    struct tensor_list list = small_classifier();
    struct named_tensor figures[2] = {{.name = "total_ops", .rank = 1, .shape = {1}},
                                      {.name = "total_params", .rank = 1, .shape = {1}}};
    struct tensor_list spare = {.tensors = figures, .count = 2};
    for (int container = 0; container < CONTAINERS; container++) {
        const struct weight_set sets[] = {{&spare, "", "", 1}, {&list, "", "module.", 1}};
        struct image image = make_file_of((enum container)container, sets, 2, NULL);
        check_taken(container_names[container], &image, (gvk_network_params){0}, "module", 1, "module");
        free(image.bytes);
    }
    release_tensor_list(&list);
}

static void keys_may_be_bytes(void **state)
{
    (void)state;
    static const char text[] = "X\5\0\0\0model";
    static const struct {
        const char *what, *key;
        size_t bytes;
    } cases[] = {{"protocol 3", "C\5model", 7}, {"protocol 2", "c_codecs\nencode\n(X\5\0\0\0modelU\6latin1tR", 37}};
    struct tensor_list list = small_classifier();
    const struct weight_set set = {&list, "model", "", 1};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct image image = make_file_of(CONTAINER_LEGACY, &set, 1, NULL);
        bytes file = {.data = NULL};
        size_t at = 0;
        while (memcmp(image.bytes + at, text, sizeof text - 1) != 0)
            at++;
        put(&file, image.bytes, at);
        put(&file, cases[i].key, cases[i].bytes);
        put(&file, image.bytes + at + sizeof text - 1, image.count - at - (sizeof text - 1));
        free(image.bytes);
        image = (struct image){.bytes = file.data, .count = file.count};
        check_taken(cases[i].what, &image, (gvk_network_params){0}, "model", 1, "model");
        drop(&file);
    }
    release_tensor_list(&list);
}

static void one_dict_under_two_keys_is_found_under_the_one_that_says_so(void **state)
{
    (void)state;
    struct tensor_list list = small_classifier();
    const struct weight_set set = {&list, "best", "", 1};
    bytes file = {.data = NULL};
    struct image image = make_file_of(CONTAINER_LEGACY, &set, 1, NULL);
    /* The dict's items end with "u" and the root's with "u.": the dict is memoized at its start, and set again. */
    static const char start[] = "X\4\0\0\0best}(", again[] = "X\5\0\0\0modelh\x7f";
    size_t at = 0, end;
    while (memcmp(image.bytes + at, start, sizeof start - 1) != 0)
        at++;
    end = at;
    while (memcmp(image.bytes + end, "uu.", 3) != 0)
        end++;
    put(&file, image.bytes, at + sizeof start - 2);
    put(&file, "q\x7f", 2);
    put(&file, image.bytes + at + sizeof start - 2, end + 1 - (at + sizeof start - 2));
    put(&file, again, sizeof again - 1);
    put(&file, image.bytes + end + 1, image.count - end - 1);
    free(image.bytes);
    image = (struct image){.bytes = file.data, .count = file.count};
    check_taken("shared", &image, (gvk_network_params){0}, "model", 1, "model");
    drop(&file);
    release_tensor_list(&list);
}

/* ---- several sets ---- */

static void of_an_average_and_the_weights_the_average_is_taken_and_said(void **state)
{
    (void)state;
    static const struct {
        const char *what, *plain_keys, *plain_prefix, *average_keys, *average_prefix, *origin;
    } cases[] = {
        {"timm", "state_dict", "", "state_dict_ema", "", "state_dict_ema"},
        {"keys of one dict", "model", "", "ema", "", "ema"},
        {"an average in a module", "model", "module.", "ema/module", "", "ema.module"},
        {"basicsr", "params", "", "params_ema", "", "params_ema"},
        {"an average beside bare weights", "", "", "model_ema", "module.", "model_ema.module"},
    };
    struct tensor_list list = small_classifier();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int order = 0; order < 2; order++) {
            const struct weight_set plain = {&list, cases[i].plain_keys, cases[i].plain_prefix, 1};
            const struct weight_set average = {&list, cases[i].average_keys, cases[i].average_prefix, 0.5f};
            const struct weight_set sets[] = {order ? average : plain, order ? plain : average};
            struct image image = make_file_of(CONTAINER_ZIP, sets, 2, NULL);
            check_taken(cases[i].what, &image, (gvk_network_params){0}, cases[i].origin, 0.5f,
                        "weights and their moving average; taken is the average");
            check_taken(cases[i].what, &image, (gvk_network_params){.weights = cases[i].origin}, cases[i].origin, 0.5f,
                        cases[i].origin);
            char origin[100];
            snprintf(origin, sizeof origin, "%s%s%.*s", cases[i].plain_keys,
                     *cases[i].plain_keys && *cases[i].plain_prefix ? "." : "",
                     *cases[i].plain_prefix ? (int)strlen(cases[i].plain_prefix) - 1 : 0, cases[i].plain_prefix);
            check_taken(cases[i].what, &image, (gvk_network_params){.weights = *origin ? origin : "."}, origin, 1,
                        *origin ? origin : "top level");
            free(image.bytes);
        }
    release_tensor_list(&list);
}

static void sets_may_differ_by_their_prefixes_alone(void **state)
{
    (void)state;
    struct tensor_list list = small_classifier();
    for (int container = 0; container < CONTAINERS; container++) {
        const struct weight_set sets[] = {{&list, "", "model.", 1}, {&list, "", "model_ema.module.", 0.5f}};
        const char *what = container_names[container];
        struct image image = make_file_of((enum container)container, sets, 2, NULL);
        check_taken(what, &image, (gvk_network_params){0}, "model_ema.module", 0.5f, "taken is the average");
        check_taken(what, &image, (gvk_network_params){.weights = "model"}, "model", 1, "model");
        check_taken(what, &image, (gvk_network_params){.weights = "model_ema"}, "model_ema.module", 0.5f, "model_ema");
        check_taken(what, &image, (gvk_network_params){.weights = "model_ema.module."}, "model_ema.module", 0.5f,
                    "model_ema");
        refuse_with(&image, (gvk_network_params){.weights = "teacher"}, GVK_ERROR_FORMAT, "\"teacher\"");
        free(image.bytes);
    }
    release_tensor_list(&list);
}

static void an_average_of_a_part_is_not_preferred(void **state)
{
    (void)state;
    struct tensor_list list = small_classifier(), part = list;
    part.count -= 10;
    const struct weight_set sets[] = {{&list, "model", "", 1}, {&part, "ema", "", 0.5f}};
    struct image image = make_file_of(CONTAINER_ZIP, sets, 2, NULL);
    check_taken("a part", &image, (gvk_network_params){0}, "model", 1, "an average of some of them");
    free(image.bytes);
    release_tensor_list(&list);
}

static void an_average_with_names_of_its_own_is_passed_over(void **state)
{
    (void)state;
    struct tensor_list list = small_classifier(), average = small_classifier();
    average.count = 20;
    for (size_t i = 0; i < average.count; i++) { /* as some code names its buffers: without dots */
        char *to = average.tensors[i].name;
        for (const char *from = to; (*to = *from) != 0; from++)
            to += *to != '.';
    }
    for (int container = 0; container < CONTAINERS; container++) {
        const struct weight_set sets[] = {{&list, "", "model.", 1}, {&average, "", "model_ema.", 0.5f}};
        struct image image = make_file_of((enum container)container, sets, 2, NULL);
        check_taken(container_names[container], &image, (gvk_network_params){0}, "model", 1,
                    "an average of some of them");
        free(image.bytes);
    }
    release_tensor_list(&average);
    release_tensor_list(&list);
}

static void a_set_under_any_key_can_be_named(void **state)
{
    (void)state;
    struct tensor_list list = small_classifier();
    for (int container = 0; container < CONTAINERS; container++) {
        const struct weight_set sets[] = {{&list, "", "teacher.", 1}, {&list, "", "student.net.", 0.5f}};
        const char *what = container_names[container];
        struct image image = make_file_of((enum container)container, sets, 2, NULL);
        refuse(&image, GVK_ERROR_MISMATCH,
               "\"conv_stem.weight\" only as \"teacher.conv_stem.weight\": its names begin "
               "with the prefix \"teacher.\"");
        check_taken(what, &image, (gvk_network_params){.weights = "student"}, "student.net", 0.5f, "student.net");
        check_taken(what, &image, (gvk_network_params){.weights = "teacher."}, "teacher", 1, "teacher");
        free(image.bytes);
    }
    const struct weight_set set = {&list, "generator/weights", "module.", 1};
    struct image image = make_file_of(CONTAINER_LEGACY, &set, 1, "U\5epochK\3U\4lossK\7");
    refuse(&image, GVK_ERROR_FORMAT, "weights only under \"generator.weights\"");
    check_taken("a key", &image, (gvk_network_params){.weights = "generator"}, "generator.weights.module", 1,
                "generator");
    check_taken("keys", &image, (gvk_network_params){.weights = "generator.weights"}, "generator.weights.module", 1,
                "generator");
    free(image.bytes);
    release_tensor_list(&list);
}

/* ---- what is refused ---- */

static void a_refusal_lists_the_top_level_keys(void **state)
{
    (void)state;
    struct tensor_list list = small_classifier();
    struct tensor_list few = {.tensors = list.tensors + 6, .count = 5};
    const struct weight_set sets[] = {{&few, "state_dict", "", 1}, {&few, "other", "", 1}};
    struct image image = make_file_of(CONTAINER_ZIP, sets, 2, "U\5epochK\3");
    refuse(&image, GVK_ERROR_MISMATCH, "top-level keys \"epoch\", \"state_dict\", \"other\".");
    refuse_with(&image, (gvk_network_params){.weights = "third"}, GVK_ERROR_FORMAT,
                "no weights under \"third\", which is asked for; its top-level keys are \"epoch\", \"state_dict\", "
                "\"other\".");
    free(image.bytes);
    image = make_file_of(CONTAINER_LEGACY, &sets[1], 1, "U\5epochK\3");
    refuse(&image, GVK_ERROR_FORMAT, "top-level keys are \"epoch\", \"other\".");
    free(image.bytes);
    release_tensor_list(&list);
}

static void a_backbone_without_a_head_is_called_that(void **state)
{
    (void)state;
    for (int kind = NETWORK_DETECTOR; kind <= NETWORK_CLASSIFIER; kind++) {
        struct tensor_list list = list_tensors((enum network_kind)kind, 0.1, 4);
        size_t kept = 0;
        for (size_t i = 0; i < list.count; i++)
            if (strstr(list.tensors[i].name, "blocks") || strstr(list.tensors[i].name, "conv_stem") ||
                strstr(list.tensors[i].name, "model.bn1"))
                list.tensors[kept++] = list.tensors[i];
        list.count = kept;
        struct image image = make_image_of(&list);
        refuse(&image, GVK_ERROR_MISMATCH, "This is a GhostNet backbone without a head: it has \"");
        free(image.bytes);
        release_tensor_list(&list);
    }
}

static void another_network_is_refused_in_every_container_and_set(void **state)
{
    (void)state;
    struct tensor_list list = small_classifier();
    struct named_tensor attention[] = {
        {.name = "blocks.2.0.ghost1.short_conv.0.weight", .rank = 4, .shape = {8, 4, 1, 1}}};
    struct tensor_list more = {.tensors = attention, .count = 1};
    static const struct {
        const char *keys, *prefix;
    } places[] = {{"", ""}, {"state_dict", "module."}, {"model/module", "_orig_mod."}, {"ema", ""}};
    for (int container = 0; container < CONTAINERS; container++)
        for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
            bool has_keys = container != CONTAINER_SAFETENSORS;
            struct named_tensor *all = calloc(list.count + 1, sizeof *all);
            assert_non_null(all);
            memcpy(all, list.tensors, list.count * sizeof *all);
            all[list.count] = attention[0];
            struct tensor_list whole = {.tensors = all, .count = list.count + 1};
            const struct weight_set set = {&whole, has_keys ? places[i].keys : "", places[i].prefix, 1};
            struct image image = make_file_of((enum container)container, &set, 1, NULL);
            refuse(&image, GVK_ERROR_MISMATCH,
                   "\"blocks.2.0.ghost1.short_conv.0.weight\" belongs to no layer of GhostNet");
            struct recorder recorder = {0};
            close_good(&recorder, open_with(&recorder, &image, (gvk_network_params){.allow_unused = 1}));
            free(image.bytes);
            free(all);
        }
    /* Beside the set that is taken, too, unless that was asked for. */
    for (int container = 0; container < CONTAINERS; container++) {
        const struct weight_set sets[] = {{&list, "", "model.", 1}, {&more, "", "extra.", 1}};
        struct image image = make_file_of((enum container)container, sets, 2, NULL);
        refuse(&image, GVK_ERROR_MISMATCH, "\"extra.blocks.2.0.ghost1.short_conv.0.weight\" belongs to no layer");
        check_taken("asked for", &image, (gvk_network_params){.weights = "model"}, "model", 1, "model");
        free(image.bytes);
    }
    release_tensor_list(&list);
}

/* ---- names that are odd, and memory that runs out ---- */

static void odd_names_of_sets_find_nothing(void **state)
{
    (void)state;
    static const char *const names[] = {
        "..",   "...",     ".model",  "mod",  "model.mod",
        "odel", "model..", "x.model", "\xff", "model.blocks.0.0.ghost1.primary_conv.0.weight",
        " ",    "%s"};
    struct tensor_list list = small_classifier();
    char longest[1026] = {0};
    memset(longest, 'a', sizeof longest - 1);
    for (int container = 0; container < CONTAINERS; container++) {
        const struct weight_set set = {&list, "", "model.", 1};
        struct image image = make_file_of((enum container)container, &set, 1, NULL);
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            struct recorder recorder = {0};
            gvk_host host = recording_host(&recorder);
            gvk_network *network = NULL;
            gvk_network_params params = {.bytes = image.bytes, .byte_count = image.count, .weights = names[i]};
            gvk_result result = gvk_network_open(&host, &params, &network);
            if ((result != GVK_ERROR_FORMAT && result != GVK_ERROR_MISMATCH) || network || recorder.errors != 1)
                fail_msg("%s, \"%s\": %s, \"%s\"", container_names[container], names[i], gvk_result_name(result),
                         recorder.last);
            assert_int_equal(recorder.live, 0);
        }
        refuse_with(&image, (gvk_network_params){.weights = ""}, GVK_ERROR_ARGUMENT, "1 to 1024 bytes");
        refuse_with(&image, (gvk_network_params){.weights = longest}, GVK_ERROR_ARGUMENT, "1 to 1024 bytes");
        longest[1024] = 0;
        refuse_with(&image, (gvk_network_params){.weights = longest}, GVK_ERROR_FORMAT, "aaaa...");
        longest[1024] = 'a';
        free(image.bytes);
    }
    release_tensor_list(&list);
}

static void memory_that_runs_out_is_reported_in_every_container(void **state)
{
    (void)state;
    struct tensor_list list = small_classifier();
    for (int container = 0; container < CONTAINERS; container++) {
        bool has_keys = container != CONTAINER_SAFETENSORS;
        const struct weight_set sets[] = {{&list, has_keys ? "model" : "", "module.", 1},
                                          {&list, has_keys ? "ema" : "", has_keys ? "" : "ema.", 0.5f}};
        struct image image = make_file_of((enum container)container, sets, 2, NULL);
        for (int asked = 0; asked < 2; asked++) {
            struct recorder counting = {0};
            gvk_network_params params = {.weights = asked ? "module" : NULL};
            close_good(&counting, open_with(&counting, &image, params));
            for (long fail_at = 1; fail_at <= counting.allocations; fail_at += fail_at < 40 ? 1 : 37) {
                struct recorder recorder = {.fail_at = fail_at};
                gvk_host host = recording_host(&recorder);
                gvk_network *network = NULL;
                params.bytes = image.bytes;
                params.byte_count = image.count;
                gvk_result result = gvk_network_open(&host, &params, &network);
                if (result != GVK_ERROR_HOST_MEMORY || network || recorder.live != 0 || recorder.errors != 1)
                    fail_msg("%s, allocation %ld: %s, %ld blocks left, \"%s\"", container_names[container], fail_at,
                             gvk_result_name(result), recorder.live, recorder.last);
            }
        }
        free(image.bytes);
    }
    release_tensor_list(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_are_found_under_the_keys_that_people_save_them_under),
        cmocka_unit_test(prefixes_of_wrappers_are_stripped_in_every_container),
        cmocka_unit_test(wrappers_inside_of_names_and_around_some_of_them_go_too),
        cmocka_unit_test(figures_of_a_profiler_beside_a_prefix_do_not_hide_it),
        cmocka_unit_test(keys_may_be_bytes),
        cmocka_unit_test(one_dict_under_two_keys_is_found_under_the_one_that_says_so),
        cmocka_unit_test(of_an_average_and_the_weights_the_average_is_taken_and_said),
        cmocka_unit_test(sets_may_differ_by_their_prefixes_alone),
        cmocka_unit_test(an_average_of_a_part_is_not_preferred),
        cmocka_unit_test(an_average_with_names_of_its_own_is_passed_over),
        cmocka_unit_test(a_set_under_any_key_can_be_named),
        cmocka_unit_test(a_refusal_lists_the_top_level_keys),
        cmocka_unit_test(a_backbone_without_a_head_is_called_that),
        cmocka_unit_test(odd_names_of_sets_find_nothing),
        cmocka_unit_test(memory_that_runs_out_is_reported_in_every_container),
        cmocka_unit_test(another_network_is_refused_in_every_container_and_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
