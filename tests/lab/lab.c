/* The laboratory: what a GPU vendor's compiler makes of the kernels that the runtime selects for its device. No GPU is
 * needed: the driver compiles for a chip that is not there. run.sh sets the environment of each chip.
 *
 *   laboratory CHIP          tables of the kernels of a frame, in fp32 and in fp16; 1 when one of them spills
 *   laboratory CHIP --kernel NAME LOCAL SUBGROUP
 *                            any kernel of the shader table, with all that the compiler says of it
 *   laboratory CHIP --frame MODEL
 *                            the whole way of a frame, on a driver that takes submissions; its result is void
 *   laboratory --model [GPU] how long a frame takes by a model; no driver is needed */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "frame.h"
#include "inner_loop.h"
#include "model.h"
#include "selection.h"
#include "shaders/shared.h"

/* What is printed of a kernel; -1 where the driver does not say it. */
struct figures {
    double registers, spills, scratch, waves, instructions;
};

static double sum_known(double left, double right)
{
    return left < 0 ? right : right < 0 ? left : left + right;
}

#define NAMES_MOST 5

/* The first of the names that the driver has: each driver has its own. */
static double first_known(const struct capture *capture, const char *const names[NAMES_MOST])
{
    double value = -1;
    for (size_t i = 0; i < NAMES_MOST && names[i] && value < 0; i++)
        value = capture_value(capture, names[i]);
    return value;
}

static struct figures read_figures(const struct capture *capture)
{
    static const char *const registers[NAMES_MOST] = {"VGPRs", "Registers used", "GPRs", "Number of GPRs",
                                                      "Max live registers"};
    static const char *const spills[NAMES_MOST] = {"Spilled VGPRs", "Spill Count", "STP Count", "Spills",
                                                   "Spills to memory"};
    static const char *const fills[NAMES_MOST] = {"Spilled SGPRs", "Fill Count", "LDP Count", "Fills",
                                                  "Fills from memory"};
    static const char *const scratch[NAMES_MOST] = {"Scratch size", "Scratch Memory Size", "Scratch", "SLM size"};
    static const char *const waves[NAMES_MOST] = {"Subgroups per SIMD", "Max Waves Per Core", "Max warps/SM"};
    static const char *const instructions[NAMES_MOST] = {"Instructions", "Instruction Count", "Instruction count"};
    return (struct figures){
        .registers = first_known(capture, registers),
        .spills = sum_known(first_known(capture, spills), first_known(capture, fills)),
        .scratch = first_known(capture, scratch),
        .waves = first_known(capture, waves),
        .instructions = first_known(capture, instructions),
    };
}

static void print_number(int width, double value)
{
    if (value < 0)
        printf(" %*s", width, "-");
    else
        printf(" %*.0f", width, value);
}

static void print_head(void)
{
    printf("%-48s %5s %5s %5s %4s %5s %6s %7s %5s   %s\n", "", "", "", "", "", "", "", "", "", "inner loop, % madd");
    printf("%-48s %5s %5s %5s %4s %5s %6s %7s %5s   %6s %3s %5s\n", "kernel", "times", "work%", "lanes", "regs",
           "waves", "spills", "scratch", "instr", "vector", "all", "loads");
}

/* A cell of Markdown; what the driver does not say is "-". */
static void print_cell(double value)
{
    if (value < 0)
        printf(" - |");
    else
        printf(" %.0f |", value);
}

/* One kernel stands for all: that with most of the work. */
static void print_row(const char *chip, bool half, uint32_t kernels, const struct figures *sums,
                      const struct selected *selected, uint64_t all_macs, const struct capture *capture,
                      uint32_t vendor_id)
{
    struct figures figures = read_figures(capture);
    struct inner_loop loop;
    printf("| %s | %s | %u |", chip, half ? "fp16" : "fp32", kernels);
    print_cell(sums->spills);
    print_cell(sums->scratch);
    printf(" `%s` | %.0f %% |", gvk_shader_codes[selected->key.shader].name,
           100 * (double)selected->macs / (double)all_macs);
    print_cell(figures.registers);
    print_cell(figures.waves);
    if (capture->assembly && read_inner_loop(capture->assembly, vendor_id, &loop))
        printf(" %.0f (%.0f) |", 100.0 * loop.multiply_adds / loop.vector, 100.0 * loop.multiply_adds / loop.all);
    else
        printf(" - |");
}

static bool print_kernel(const struct selected *selected, uint64_t all_macs, const struct capture *capture,
                         uint32_t vendor_id)
{
    char name[64];
    snprintf(name, sizeof name, "%s%s", gvk_shader_codes[selected->key.shader].name,
             selected->key.constants[GVK_CONSTANT_EXTRA] == GVK_EXTRA_GATE ? ", gate" : "");
    struct figures figures = read_figures(capture);
    printf("%-48s %5u", name, selected->dispatches);
    if (selected->macs)
        printf(" %5.1f", 100 * (double)selected->macs / (double)all_macs);
    else
        printf(" %5s", "-");
    printf(" %5u", capture->subgroup_size);
    print_number(4, figures.registers);
    print_number(5, figures.waves);
    print_number(6, figures.spills);
    print_number(7, figures.scratch);
    print_number(5, figures.instructions);
    struct inner_loop loop;
    if (selected->macs && capture->assembly && read_inner_loop(capture->assembly, vendor_id, &loop))
        printf("   %6.0f %3.0f %2u+%-2u", 100.0 * loop.multiply_adds / loop.vector,
               100.0 * loop.multiply_adds / loop.all, loop.loads, loop.scalar_loads);
    printf("\n");
    return figures.spills <= 0 && figures.scratch <= 0;
}

static int print_table(struct laboratory *laboratory, const char *chip, gvk_precision precision)
{
    struct selected list[MAX_SELECTED];
    struct gvk_policy policy;
    gvk_policy_of(&laboratory->device->traits, precision, &policy);
    uint32_t count = select_pipelines(&policy, list), spilling = 0;
    if (!count) {
        fprintf(stderr, "lab: the network could not be planned for this device\n");
        return 1;
    }
    gvk_device_info info = {.size = sizeof info};
    gvk_device_describe(laboratory->device, &info);
    uint64_t macs = 0;
    for (uint32_t i = 0; i < count; i++)
        macs += list[i].macs;
    printf("%s, %s: %s, %s\n", chip, policy.half ? "fp16" : "fp32", info.name, info.driver);
    print_head();
    struct figures sums = {.spills = -1, .scratch = -1};
    struct capture *heaviest = NULL;
    for (uint32_t i = 0; i < count; i++) {
        struct capture *capture = capture_pipeline(laboratory, &list[i].key);
        if (!capture) {
            capture_release(heaviest);
            return 1;
        }
        struct figures figures = read_figures(capture);
        sums.spills = sum_known(sums.spills, figures.spills);
        sums.scratch = sum_known(sums.scratch, figures.scratch);
        spilling += !print_kernel(&list[i], macs, capture, info.vendor_id);
        if (i) {
            capture_release(capture);
        } else {
            heaviest = capture; /* they are sorted by their work */
        }
    }
    if (spilling)
        printf("%u of %u kernels spill.\n", spilling, count);
    print_row(chip, policy.half, count, &sums, &list[0], macs, heaviest, info.vendor_id);
    capture_release(heaviest);
    printf("\n");
    return spilling > 0;
}

static int print_one(struct laboratory *laboratory, const char *name, const char *local_size, const char *subgroup)
{
    struct gvk_pipeline_key key = {.subgroup_size = (uint32_t)strtoul(subgroup, NULL, 10)};
    key.constants[GVK_CONSTANT_LOCAL_SIZE] = (uint32_t)strtoul(local_size, NULL, 10);
    while (key.shader < GVK_SHADER_COUNT && strcmp(gvk_shader_codes[key.shader].name, name))
        key.shader++;
    if (key.shader == GVK_SHADER_COUNT) {
        fprintf(stderr, "lab: there is no kernel \"%s\"\n", name);
        return 2;
    }
    if (strstr(name, "_residual"))
        key.constants[GVK_CONSTANT_STORE] = GVK_STORE_RESIDUAL;
    if (strstr(name, "_upsample"))
        key.constants[GVK_CONSTANT_STORE] = GVK_STORE_UPSAMPLE;
    if (strstr(name, "_matrix_")) { /* whose constants cannot be 0 */
        key.constants[GVK_CONSTANT_SIDE] = laboratory->device->traits.matrix_side;
        key.constants[GVK_CONSTANT_MODE] = GVK_MODE_BY_INPUT;
    }
    gvk_device_info info = {.size = sizeof info};
    gvk_device_describe(laboratory->device, &info);
    struct capture *capture = capture_pipeline(laboratory, &key);
    if (!capture)
        return 1;
    for (uint32_t i = 0; i < capture->statistic_count; i++)
        printf("%s: %.0f\n", capture->statistics[i].name, capture_value(capture, capture->statistics[i].name));
    puts(capture->assembly ? capture->assembly : "");
    print_head();
    struct selected alone = {.key = key, .dispatches = 1, .macs = 1};
    print_kernel(&alone, 1, capture, info.vendor_id);
    capture_release(capture);
    return 0;
}

int main(int argc, char **argv)
{
    struct laboratory laboratory;
    bool one = argc == 6 && !strcmp(argv[2], "--kernel");
    bool frame = argc == 4 && !strcmp(argv[2], "--frame");
    if (argc > 1 && argc < 4 && !strcmp(argv[1], "--model"))
        return print_model(argc > 2 ? argv[2] : NULL);
    if (argc != 2 && !one && !frame) {
        fprintf(stderr, "usage: laboratory CHIP [--kernel NAME LOCAL SUBGROUP | --frame MODEL]\n"
                        "       laboratory --model [GPU]\n");
        return 2;
    }
    if (frame)
        return run_frames(argv[3]);
    int status = 1;
    if (laboratory_open(&laboratory))
        status = one ? print_one(&laboratory, argv[3], argv[4], argv[5])
                     : print_table(&laboratory, argv[1], GVK_PRECISION_FP32) |
                           print_table(&laboratory, argv[1], GVK_PRECISION_FP16);
    laboratory_close(&laboratory);
    return status;
}
