/* See imagenet.h. */
#include "imagenet.h"

const char *const imagenet_classes[IMAGENET_CLASSES] = {
#include "imagenet_names.inc"
};
