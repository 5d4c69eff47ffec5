/* Whether ghost modules run as one dispatch. */
#ifndef GVK_OP_GHOST_H
#define GVK_OP_GHOST_H

#include "runtime/device/policy.h"

/* The gvk_rewrite bits to leave out for a model of this policy, `off` among them. */
uint32_t gvk_rewrites_off(const struct gvk_policy *policy, uint32_t off);

#endif
