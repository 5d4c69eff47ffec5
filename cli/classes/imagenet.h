/* The names of ImageNet's 1000 classes (ILSVRC 2012), in the order in which networks have them. Short plain English,
 * each only once; imagenet.txt says where they come from. */
#ifndef GHOSTVK_CLI_CLASSES_IMAGENET_H
#define GHOSTVK_CLI_CLASSES_IMAGENET_H

#define IMAGENET_CLASSES 1000

extern const char *const imagenet_classes[IMAGENET_CLASSES];

#endif
