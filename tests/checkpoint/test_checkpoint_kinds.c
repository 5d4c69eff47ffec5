/* Files that are no checkpoint, paths that are no file: each is refused for what it seems to be. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

static void a_file_of_another_kind_says_what_it_seems_to_be(void **state)
{
    (void)state;
    check_fixture_refused("text.pth", "text file");
    check_fixture_refused("lfs_pointer.pth", "Git LFS pointer");
    check_fixture_refused("page.pth", "web page");
    check_fixture_refused("empty.pth", "empty");
    check_fixture_refused("torchscript.pth", "TorchScript");
    check_fixture_refused("torchscript_deflated.pth", "TorchScript archive, which holds code");
    bytes tar = {.data = NULL};
    put_text(&tar, "sys_info");
    put_repeated(&tar, "", 1, 249);
    put(&tar,
        "ustar\0"
        "00",
        8);
    put_repeated(&tar, "", 1, 2048);
    check_bytes_refused("a tar archive", tar, "tar archive");
    bytes gzip = {.data = NULL};
    put(&gzip, "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", 10);
    check_bytes_refused("a gzip file", gzip, "gzip");
    bytes noise = {.data = NULL};
    put(&noise, "\x01\x00\xff\xfe\x00\x00\x00\x00\x00\x00\x00", 11);
    check_bytes_refused("noise", noise, "neither");
    bytes zip = {.data = NULL};
    put(&zip, "PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22);
    check_bytes_refused("an empty zip", zip, "empty zip");
}

static void a_path_that_is_no_regular_file_is_refused(void **state)
{
    (void)state;
    char path[600];
    check_file_refused(GVK_TEST_DATA_DIR, GVK_ERROR_FILE, "directory");
    check_file_refused(fixture(path, "there is no such file"), GVK_ERROR_FILE, "no such file");
    check_file_refused("", GVK_ERROR_FILE, "no such file");
    check_file_refused("/dev/zero", GVK_ERROR_FILE, "not a regular file");
    check_file_refused(fixture(path, "bad\nname\xff"), GVK_ERROR_FILE, "bad?name?");
    char directory[] = "/tmp/gvk_test_XXXXXX";
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/fifo", directory);
    assert_int_equal(mkfifo(path, 0600), 0);
    check_file_refused(path, GVK_ERROR_FILE, "not a regular file"); /* and does not wait for a writer */
    unlink(path);
    /* A sparse file costs no disk; the ceiling is met before a byte is read. */
    snprintf(path, sizeof path, "%s/huge", directory);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    int made = ftruncate(fileno(file), (off_t)5 << 30);
    fclose(file);
    if (made == 0)
        check_file_refused(path, GVK_ERROR_FILE, "larger than 4 GiB");
    unlink(path);
    rmdir(directory);
    char *endless = malloc(100001);
    for (size_t i = 0; i < 100000; i++)
        endless[i] = "\xc3\xbc"[i % 2]; /* so the cut for the message may meet half a letter */
    endless[100000] = '\0';
    check_file_refused(endless, GVK_ERROR_FILE, "path is too long");
    free(endless);
}

static void a_path_with_umlauts_opens(void **state)
{
    (void)state;
    char path[512], directory[] = "/tmp/gvk_test_XXXXXX";
    bytes content = read_whole(fixture(path, "zip_small.pth"));
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/Gewichte \xc3\xbc\xf0\x9f\x91\xbb.pth", directory);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(content.data, 1, content.count, file), content.count);
    fclose(file);
    gvk_checkpoint *checkpoint = NULL;
    assert_int_equal(gvk_checkpoint_open_path(NULL, path, &checkpoint), GVK_OK);
    gvk_checkpoint_destroy(checkpoint);
    unlink(path);
    rmdir(directory);
    drop(&content);
}

static void missing_arguments_are_refused(void **state)
{
    (void)state;
    gvk_checkpoint *checkpoint = NULL;
    assert_int_equal(gvk_checkpoint_open_path(NULL, NULL, &checkpoint), GVK_ERROR_ARGUMENT);
    assert_int_equal(gvk_checkpoint_open_bytes(NULL, NULL, 3, NULL, &checkpoint), GVK_ERROR_ARGUMENT);
    assert_int_equal(gvk_checkpoint_open_bytes(NULL, NULL, 0, NULL, &checkpoint), GVK_ERROR_FORMAT);
    assert_null(checkpoint);
    gvk_checkpoint_destroy(NULL);
}

static void a_whole_pickled_model_is_refused_with_the_way_out(void **state)
{
    (void)state;
    check_fixture_refused("zip_whole_module.pth", "__main__.Tiny");
    check_fixture_refused("zip_whole_module.pth", "torch.save(model.state_dict()");
    check_fixture_refused("legacy_whole_module.pth", "torch.nn.modules.container.Sequential");
    check_fixture_refused("zip_one_tensor.pth", "without a name");
    check_fixture_refused("zip_no_weights.pth", "no weights");
    check_fixture_refused("zip_list.pth", "dict of weights");
    check_fixture_refused("zip_expanded.pth", "larger than its storage");
}

static void a_file_of_two_kinds_is_refused(void **state)
{
    (void)state;
    char path[512];
    bytes zip = read_whole(fixture(path, "zip_small.pth"));
    bytes legacy = read_whole(fixture(path, "legacy_small.pth"));
    bytes both = {.data = NULL};
    put(&both, "\x80\x02}.", 4);
    put(&both, zip.data, zip.count);
    check_bytes_refused("a pickle, then a zip", both, "not one that torch.save wrote");
    both = (bytes){.data = NULL};
    put(&both, legacy.data, legacy.count);
    put(&both, zip.data, zip.count);
    check_bytes_refused("a legacy file, then a zip", both, "follow its last storage");
    both = (bytes){.data = NULL};
    put(&both, zip.data, zip.count);
    put(&both, zip.data, zip.count);
    check_bytes_refused("two zips", both, NULL);
    drop(&zip);
    drop(&legacy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_of_another_kind_says_what_it_seems_to_be),
        cmocka_unit_test(a_path_that_is_no_regular_file_is_refused),
        cmocka_unit_test(a_path_with_umlauts_opens),
        cmocka_unit_test(missing_arguments_are_refused),
        cmocka_unit_test(a_whole_pickled_model_is_refused_with_the_way_out),
        cmocka_unit_test(a_file_of_two_kinds_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
