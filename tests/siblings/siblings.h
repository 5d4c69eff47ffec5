/* GhostNet-YOLOv4's siblings as PyTorch has them: each network of the table but GhostNet's own has a golden, whose
 * metadata list the names and shapes of its state dict. */
#ifndef GVK_TESTS_SIBLINGS_H
#define GVK_TESTS_SIBLINGS_H

#include "tests/filler/checkpoint_maker.h"
#include "tests/support/harness.h"

/* The index-th sibling's name; NULL past the last one. */
const char *sibling_name(uint32_t index);
/* Its golden; fails the test when there is none. The caller closes it. */
struct golden *open_sibling(const char *name);
/* A number of the golden's metadata. */
uint64_t sibling_number(const struct golden *golden, const char *key);
/* The state dict's names and shapes; the caller releases the list. */
struct tensor_list list_sibling(const struct golden *golden);
/* A network of the list, filled by the generator; the caller destroys it. */
gvk_network *open_sibling_network(const struct tensor_list *list);

#endif
