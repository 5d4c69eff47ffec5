/* A good file cut or changed at any byte, and memory that runs out at any moment: refused or harmless. */
#include <stdio.h>
#include <string.h>

#include "check.h"

static const char *const small_files[] = {"zip_small.pth", "legacy_small.pth", "small.safetensors"};

#define SMALL_COUNT (sizeof small_files / sizeof small_files[0])

static void a_file_cut_at_any_byte_is_refused(void **state)
{
    (void)state;
    static const char *const more[] = {"zip_protocol4.pth", "legacy_views.pth", "plain.safetensors"};
    for (size_t f = 0; f < SMALL_COUNT * 2; f++) {
        const char *name = f < SMALL_COUNT ? small_files[f] : more[f - SMALL_COUNT];
        char path[512], what[600];
        bytes whole = read_whole(fixture(path, name));
        if (whole.count == 0)
            fail_msg("%s: missing", path);
        for (size_t count = 0; count < whole.count; count++) {
            bytes cut = {.data = NULL};
            put(&cut, whole.data, count);
            snprintf(what, sizeof what, "%s cut to %zu of %zu bytes", name, count, whole.count);
            check_bytes_refused(what, cut, NULL);
        }
        put_text(&whole, "x");
        snprintf(what, sizeof what, "%s with a byte more", name);
        check_bytes_refused(what, whole, NULL);
    }
}

/* Loads or refuses, but never crashes, leaks, or says other than one sentence. */
static void try_bytes(const char *what, const bytes *file)
{
    struct recorder log = {.sentences = 0};
    gvk_host host = recording_host(&log);
    gvk_checkpoint *checkpoint = NULL;
    gvk_result result = gvk_checkpoint_open_bytes(&host, file->data, file->count, "test", &checkpoint);
    if (result != GVK_OK) {
        check_refusal(what, &log, result, GVK_ERROR_FORMAT, checkpoint, NULL);
        return;
    }
    touch_everything(checkpoint);
    close_good(&log, what, checkpoint);
}

static void a_changed_byte_anywhere_does_no_harm(void **state)
{
    (void)state;
    static const unsigned char changes[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff, 0x7f, 0x0f};
    static const char *const names[] = {"zip_small.pth", "legacy_small.pth", "small.safetensors", "zip_protocol4.pth"};
    for (size_t f = 0; f < sizeof names / sizeof names[0]; f++) {
        char path[512], what[600];
        bytes file = read_whole(fixture(path, names[f]));
        if (file.count == 0)
            fail_msg("%s: missing", path);
        if (strncmp(names[f], "zip", 3) == 0)
            clear_checksums(&file);
        for (size_t at = 0; at < file.count; at++) {
            unsigned char kept = file.data[at];
            for (size_t c = 0; c < sizeof changes + 2; c++) {
                /* Flipped bits, and two values of their own. */
                file.data[at] = c < sizeof changes    ? (unsigned char)(kept ^ changes[c])
                                : c == sizeof changes ? 0x00
                                                      : 0x2e;
                snprintf(what, sizeof what, "%s with 0x%02x for 0x%02x at byte %zu", names[f], file.data[at], kept, at);
                try_bytes(what, &file);
            }
            file.data[at] = kept;
        }
        drop(&file);
    }
}

static void a_changed_weight_does_not_get_past_the_checksum(void **state)
{
    (void)state;
    bytes pickle = pickle_state_dict(&good_tensor, 1, false, NULL);
    bytes file = build_pth(&pickle, two_floats, sizeof two_floats);
    drop(&pickle);
    size_t at = 0;
    while (at + sizeof two_floats < file.count && memcmp(file.data + at, two_floats, sizeof two_floats) != 0)
        at++;
    file.data[at] ^= 1;
    check_bytes_refused("a changed weight", file, "checksum");
}

static void memory_that_runs_out_at_any_moment_is_reported(void **state)
{
    (void)state;
    static const char *const names[] = {"zip_views.pth", "legacy_views.pth", "plain.safetensors", "zip_under_net.pth",
                                        "legacy_compiled_prefix.pth"};
    for (size_t f = 0; f < sizeof names / sizeof names[0]; f++) {
        char path[512], what[600];
        fixture(path, names[f]);
        for (long n = 1;; n++) {
            struct recorder log = {.fail_at = n};
            gvk_host host = recording_host(&log);
            gvk_checkpoint *checkpoint = NULL;
            gvk_result result = gvk_checkpoint_open_path(&host, path, &checkpoint);
            snprintf(what, sizeof what, "%s without allocation %ld", names[f], n);
            if (result == GVK_OK) {
                if (log.allocations >= n)
                    fail_msg("%s: loaded all the same", what);
                close_good(&log, what, checkpoint);
                break;
            }
            check_refusal(what, &log, result, GVK_ERROR_HOST_MEMORY, checkpoint, "memory");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_cut_at_any_byte_is_refused),
        cmocka_unit_test(a_changed_byte_anywhere_does_no_harm),
        cmocka_unit_test(a_changed_weight_does_not_get_past_the_checksum),
        cmocka_unit_test(memory_that_runs_out_at_any_moment_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
