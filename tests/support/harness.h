/* What the tests that need a device share: a device, opened or imported, and one-call runs of a graph.
 * Which driver runs is decided by the loader's environment, which ctest sets; GVK_TEST_DEVICE=imported makes the tests
 * bring a Vulkan device of their own. A driver that is missing fails the tests; it never skips them.
 * Of several devices GVK_TEST_ON names the one to run on, as the program's --device does, and GVK_TEST_DATA the folder
 * of the goldens where the sources are not at hand (tests/gpu). GVK_TEST_SCOPE=small asks for less, where a test says
 * what it then leaves out. */
#ifndef GVK_TEST_HARNESS_H
#define GVK_TEST_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ghostvk/ghostnet.h>

/* Sentences at or above warning are printed; `gvk_log_level` of the quietest printed. */
extern const gvk_host test_host;

/* The device that this run is about, or NULL after printing why. */
gvk_device *open_test_device(void);
void close_test_device(gvk_device *device);
/* What "cpu", an index or a part of a name means; NULL or "": the best device. `text` must live as long. */
gvk_device_params wanted_device(const char *text);
/* Gives the device the kernels of the vendor's GPUs; they run on the driver that there is. */
void bend_to_gpu(gvk_device *device, uint32_t vendor_id);
/* Nothing is left out in silence: a line for each thing that the device has no means for, and for each that the
 * environment's scope spares. tests/gpu counts these lines. */
void say_not_here(const char *format, ...);
void say_left_out(const char *format, ...);
bool is_small_scope(void);
/* cmocka group fixtures around one device: *state is it. */
int open_device_fixture(void **state);
int close_device_fixture(void **state);

/* Fails with file, line, the call and what it returned. */
#define assert_ok(call) assert_result((call), GVK_OK, #call, __FILE__, __LINE__)
void assert_result(gvk_result result, gvk_result expected, const char *call, const char *file, int line);

/* A tensor file read by the project's own reader, by way of the checkpoint room. */
struct golden;
struct golden *open_golden(const char *name); /* relative to tests/goldens */
/* The same of any safetensors file. */
struct golden *open_tensors(const char *path);
void close_golden(struct golden *golden);
/* Fails the test when it is missing. */
const gvk_array *golden_array(const struct golden *golden, const char *tensor);
const char *golden_text(const struct golden *golden, const char *key); /* NULL: none */
/* fp16 or fp32 values; the caller frees. */
float *golden_floats(const struct golden *golden, const char *tensor, uint64_t *count);

/* Largest difference over the largest magnitude of `expected`; a not-a-number counts as infinite. */
double relative_error(const float *got, const float *expected, uint64_t count);

/* A network of a checkpoint that is made in memory (checkpoint_maker.h); the caller destroys it. */
struct network_shape;
gvk_network *open_filled_network(const struct network_shape *shape);

#define ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Quarter steps in [-2, 2], so that products and short sums are exact in fp32. */
float quarter_step(uint64_t *random_state);
uint32_t random_below(uint64_t *random_state, uint32_t limit);

#endif
