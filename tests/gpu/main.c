/* gpu_report: what run.sh cannot do in shell.
 * usage: gpu_report index [DEVICE]     the device's index; the first GPU's, and exit code 1 where there is none
 *        gpu_report device [DEVICE]    the device as JSON
 *        gpu_report queues [DEVICE]    "yes" where it has queues for compute alone and others for graphics, too
 *        gpu_report page FOLDER        FOLDER/gpu.md and FOLDER/gpu.json of a run; exit code 1 where a step failed */
#include "report.h"

#include <string.h>

static FILE *open_output(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (!file)
        fprintf(stderr, "gpu_report: %s cannot be written\n", path);
    return file;
}

/* Whether all of it was written. */
static bool close_output(FILE *file)
{
    bool good = file && !ferror(file);
    return (!file || !fclose(file)) && good;
}

static int write_report(const char *folder)
{
    struct report report;
    if (!report_read(&report, folder))
        return 2;
    FILE *page = open_output(folder, "gpu.md"), *summary = open_output(folder, "gpu.json");
    bool good = page && summary && report.step_count;
    if (good) {
        page_write(&report, page);
        good = summary_write(&report, summary);
    }
    good = close_output(page) && good;
    good = close_output(summary) && good;
    for (size_t i = 0; i < report.step_count; i++)
        good &= step_has_passed(&report.steps[i]);
    report_release(&report);
    return good ? 0 : 1;
}

int main(int count, char **arguments)
{
    const char *verb = count > 1 ? arguments[1] : "", *what = count > 2 ? arguments[2] : NULL;
    if (!strcmp(verb, "index"))
        return facts_print(what, FACTS_INDEX);
    if (!strcmp(verb, "device"))
        return facts_print(what, FACTS_ALL);
    if (!strcmp(verb, "queues"))
        return facts_print(what, FACTS_QUEUES);
    if (!strcmp(verb, "page") && what)
        return write_report(what);
    fputs("usage: gpu_report index [DEVICE] | device [DEVICE] | queues [DEVICE] | page FOLDER\n", stderr);
    return 2;
}
