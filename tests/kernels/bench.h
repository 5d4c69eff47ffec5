/* What the parts of test_kernels.c share: the device, one run of one graph against reference_kernels.h, and canaries in
 * all memory that a kernel must not write or whose content it must not use. */
#ifndef GVK_TESTS_KERNELS_BENCH_H
#define GVK_TESTS_KERNELS_BENCH_H

#include "reference_kernels.h"
#include "runtime/kernel/forms.h"
#include "runtime/model/model.h"
#include "runtime/op/table.h"
#include "runtime/stream/stream.h"

/* What all tests share: the device, and what it has shown. */
extern struct bench {
    gvk_device *device;
    struct gvk_traits traits; /* as the driver gave them; tests lend others and these come back */
    bool fp32_only; /* GVK_TEST_PRECISION=fp32: for a driver whose compiler fails in fp16; every other test runs */
    /* GVK_TEST_FORMS=lanes: no kernels that are the same for any number of lanes; the run without it has those. */
    bool own_lanes_only;
    bool matrices_only; /* GVK_TEST_FORMS=matrix: kernels on matrix units alone */
    bool seen[GVK_SHADER_COUNT];
    uint32_t forms;     /* a bit a form: a model was made for it */
    uint32_t proofs;    /* graphs so far */
    uint32_t sentences; /* errors logged since the last reset */
    char sentence[512];
    double worst; /* error in parts of the tolerance */
} bench;

extern const gvk_host quiet_host;

bool set_up_bench(void);
void tear_down_bench(void);
/* Bends the device's traits so that it is given the kernels of that vendor's GPUs; 0: its own again. */
void lend_traits(uint32_t vendor_id);
/* Of an fp32 model on a device of these traits. */
enum gvk_form form_of(const struct gvk_traits *traits);
int restore_traits(void **state);
#define TEST(function) cmocka_unit_test_teardown(function, restore_traits)

/* ---- one run of one graph ---- */

/* How the runtime is asked to run a graph. */
struct way {
    const char *name;
    uint32_t vendor_id;   /* not 0: the traits are bent so that the device is given the kernels of that vendor's GPUs */
    uint32_t lane_work;   /* then: quarter pixels of a lane; small images alone would not bring out all tiles */
    uint32_t matrix_tile; /* of matrix units, for every pointwise convolution, by its place in the form's list from 1 */
    bool no_doubles;      /* as on a driver whose lanes may not store doubles: its newest form */
    bool full_arrays;     /* and so that no model's weights fit into an array of chunks */
    bool half;            /* tensors and weights in fp16 */
    bool wide_sums;       /* and all sums in fp32, also where the device computes in fp16 */
    uint32_t rewrites_off;
    bool keep_all; /* every node's output is read */
};

struct trial {
    const char *title;
    const struct way *way;
    struct reference_graph *graph;
    gvk_model *model;
    gvk_stream *stream;
};

gvk_graph *build_graph(struct reference_graph *reference);
void submit_batch(gvk_stream *stream, const struct reference_graph *graph, const float *input, gvk_ticket *ticket);
/* `name` as the stream knows it, `number` as the graph does. */
void compare_tensor(const struct trial *trial, gvk_ticket ticket, const char *name, gvk_tensor number);
float *draw_input(uint64_t *random, size_t count); /* the caller frees */

struct size {
    uint32_t batch, height, width;
};

/* A size from 1 x 1 up, odd ones and long ones among them. */
struct size draw_size(uint64_t *random, uint32_t limit);
/* Runs the graph every way and releases it. `fused` is the number of dispatches with all rewrites; 0: not looked at. */
void prove(const char *title, struct reference_graph *graph, struct size size, uint32_t fused);

/* The same on matrix units alone, with each tile; nothing where the device has none. */
void prove_on_matrices(const char *title, struct reference_graph *graph, struct size size);

/* ---- nodes that several parts add ---- */

gvk_node depthwise_node(const struct reference_graph *graph, gvk_tensor x, uint32_t kernel, uint32_t stride,
                        uint32_t padding);
/* Average pool, two linear layers, multiply: a gate for `x`. `linear` says which op makes the layers. */
gvk_tensor add_squeeze_excite(struct reference_graph *graph, gvk_tensor x, uint32_t reduced, gvk_op linear);
/* A node over the input whose output a rewrite may place, of any channel count. */
gvk_tensor add_part(struct reference_graph *graph, gvk_tensor x, uint32_t channels);
/* Some drivers take up to a second for a pipeline of a wide tile. So each form meets all activations, but the wide
 * tiles only those two that ask most and least. */
gvk_activation activation_of(uint32_t quads, uint32_t round);

/* ---- what is refused ---- */

/* The call failed as expected and said why, in one sentence. */
void assert_refused(gvk_result result, gvk_result expected, const char *what);
void reset_sentences(void);

/* The parts: each runs its tests and returns how many failed. */
int run_convolution_tests(void);
int run_matrix_tests(void);
int run_plane_tests(void);
int run_concat_tests(void);
int run_refusal_tests(void);
int run_network_tests(void);

#endif
