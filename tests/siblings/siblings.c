/* See siblings.h. */
#include "siblings.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *sibling_name(uint32_t index)
{
    const char *name;
    for (uint32_t i = 0; (name = gvk_network_name(i)) != NULL; i++)
        if (strncmp(name, "GhostNet", strlen("GhostNet")) != 0 && !index--)
            return name;
    return NULL;
}

struct golden *open_sibling(const char *name)
{
    char file[96];
    snprintf(file, sizeof file, "%s_c3_96x64_b2.safetensors", name);
    for (char *c = file; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    struct golden *golden = open_golden(file);
    assert_string_equal(golden_text(golden, "network"), name);
    return golden;
}

uint64_t sibling_number(const struct golden *golden, const char *key)
{
    const char *text = golden_text(golden, key);
    if (!text)
        fail_msg("the golden has no %s", key);
    return strtoull(text, NULL, 10);
}

/* "name 32x3x3x3", ended by a newline or the text. */
static const char *read_line(const char *line, struct named_tensor *out)
{
    size_t length = strcspn(line, " ");
    assert_true(length && length < sizeof out->name && line[length]);
    *out = (struct named_tensor){.rank = 0};
    memcpy(out->name, line, length);
    for (line += length; *line == ' ' || *line == 'x';) {
        char *end;
        assert_true(out->rank < 4);
        out->shape[out->rank++] = strtoull(line + 1, &end, 10);
        line = end;
    }
    assert_true(!*line || *line == '\n');
    return *line ? line + 1 : line;
}

struct tensor_list list_sibling(const struct golden *golden)
{
    const char *line = golden_text(golden, "state_dict");
    assert_non_null(line);
    struct tensor_list list = {.capacity = 2048};
    list.tensors = calloc(list.capacity, sizeof *list.tensors);
    assert_non_null(list.tensors);
    while (*line && list.count < list.capacity)
        line = read_line(line, &list.tensors[list.count++]);
    assert_true(!*line);
    return list;
}

gvk_network *open_sibling_network(const struct tensor_list *list)
{
    gvk_network_params params = {.size = sizeof params};
    unsigned char *bytes = make_checkpoint_of(list, &params.byte_count);
    assert_non_null(bytes);
    params.bytes = bytes;
    gvk_network *network = NULL;
    assert_ok(gvk_network_open(&test_host, &params, &network));
    free(bytes);
    return network;
}
