/* A model of how long a frame's dispatches take on GPUs that are not at hand. Nothing that it says is measured. */
#ifndef GVK_LAB_MODEL_H
#define GVK_LAB_MODEL_H

/* A table of all GPUs that it knows; or, by a GPU's name, that one's dispatches. Returns the program's exit code. */
int print_model(const char *gpu_name);

#endif
