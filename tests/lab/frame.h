/* A frame of the detector on a driver that takes submissions and does nothing with them. */
#ifndef GVK_LAB_FRAME_H
#define GVK_LAB_FRAME_H

/* Opens the device that the environment leaves and goes the whole way of a frame on it, in both precisions. What comes
 * out is void: that every call is taken is the point. Prints what a frame takes. Returns 0, or 1 after the runtime said
 * why. */
int run_frames(const char *model_path);

#endif
