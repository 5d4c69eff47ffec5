/* What a torch pickle would call, as data. Nothing is ever run. */
#ifndef GVK_PICKLE_TORCH_H
#define GVK_PICKLE_TORCH_H

#include "value.h"

/* What REDUCE and BINPERSID stand for. GVK_ERROR_FORMAT with *problem set has not been logged yet. */
gvk_result gvk_pickle_reduce(gvk_pickle *pickle, gvk_pickle_value *callable, gvk_pickle_value *arguments,
                             gvk_pickle_value **out, const char **problem);
gvk_result gvk_pickle_load_persistent(gvk_pickle *pickle, gvk_pickle_value *id, gvk_pickle_value **out,
                                      const char **problem);

#endif
