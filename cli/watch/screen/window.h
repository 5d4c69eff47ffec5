/* The window of the system, by GLFW: its surface, its size in pixels, and what the person pressed since the last look.
 */
#ifndef GHOSTVK_CLI_WATCH_WINDOW_H
#define GHOSTVK_CLI_WATCH_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "gpu.h"

/* What keys ask for, a bit each. */
enum watch_key {
    WATCH_QUIT = 1 << 0,
    WATCH_PAUSE = 1 << 1,
    WATCH_FULLSCREEN = 1 << 4,
    WATCH_SCREENSHOT = 1 << 5,
    WATCH_HELP = 1 << 6,
    WATCH_OVERLAY = 1 << 7,
    WATCH_NEXT = 1 << 8
};

struct window; /* GLFW's; one a process */

/* Connects to the display. False when there is none, which has been said: exit code 4. */
bool window_start(void);
/* Vulkan's loader as the window system has it, and the extensions of an instance that shows windows. False when there
 * is no loader, which has been said. */
bool window_vulkan(PFN_vkGetInstanceProcAddr *load, const char *const **extensions, uint32_t *count);
/* A window that is not seen yet, so that what it shows is there when it appears. */
bool window_open(struct window **out, const char *title);
/* Gives it that inner size, or the whole screen, and shows it. */
void window_appear(struct window *window, uint32_t width, uint32_t height, bool fullscreen);
bool window_create_surface(struct window *window, struct gpu *gpu, VkSurfaceKHR *out);
/* Accepts NULL. */
void window_close(struct window *window);
/* Ends the display's connection. Vulkan's loader goes with it: behind the last call of Vulkan. */
void window_end(void);

/* The size of a window that shows a picture: as large as that is, but no larger than the monitor has room for. */
void window_fit(uint32_t *width, uint32_t *height);
void window_set_title(struct window *window, const char *title);
void window_size(const struct window *window, uint32_t *width, uint32_t *height); /* in pixels; 0 while minimised */
/* How much larger than usual the person wants text: 1 on common displays, 2 on dense ones. */
float window_scale(const struct window *window);
void window_toggle_fullscreen(struct window *window);

/* What happened; waits for it `seconds` at most, 0: not at all. Returns bits of enum watch_key, and forgets them. */
unsigned window_poll(struct window *window, double seconds);
/* How many steps up the confidence is wanted, down where negative, since it was last asked. */
int window_take_steps(struct window *window);
/* Whether the window wants to be drawn anew: uncovered, resized; forgets it. */
bool window_was_damaged(struct window *window);

#endif
