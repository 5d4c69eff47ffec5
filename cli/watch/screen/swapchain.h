/* The pictures that the window shows in turn. They are made anew when the window's size changes, and the surface with
 * them when the system has lost it. */
#ifndef GHOSTVK_CLI_WATCH_SWAPCHAIN_H
#define GHOSTVK_CLI_WATCH_SWAPCHAIN_H

#include "gpu.h"
#include "window.h"

#define SWAPCHAIN_IMAGES_MAX 16

struct swapchain {
    struct gpu *gpu;
    struct window *window;
    VkSurfaceKHR surface;
    VkSurfaceFormatKHR format;
    VkSwapchainKHR swapchain;
    VkRenderPass pass; /* for framebuffers; not ours */
    VkExtent2D extent; /* 0 x 0 while nothing can be shown */
    uint32_t count;
    VkImage images[SWAPCHAIN_IMAGES_MAX];
    VkImageView views[SWAPCHAIN_IMAGES_MAX];
    VkFramebuffer framebuffers[SWAPCHAIN_IMAGES_MAX];
    VkSemaphore drawn[SWAPCHAIN_IMAGES_MAX]; /* what presenting an image waits for */
    bool stale;                              /* to be made anew before the next frame */
};

enum swapchain_answer { SWAPCHAIN_READY, SWAPCHAIN_NOTHING, SWAPCHAIN_FAILED };

/* Takes the surface, and chooses the format that `pass` is to have. */
bool swapchain_start(struct swapchain *swapchain, struct gpu *gpu, struct window *window, VkSurfaceKHR surface);
void swapchain_destroy(struct swapchain *swapchain);

/* Whether the format encodes what is written as light, so that shaders write light. */
bool swapchain_encodes(const struct swapchain *swapchain);

/* The next image to draw, behind `acquired`. SWAPCHAIN_NOTHING while the window is minimised or changes; `acquired` is
 * then not signalled. */
enum swapchain_answer swapchain_acquire(struct swapchain *swapchain, VkSemaphore acquired, uint32_t *image);
/* Shows the image behind drawn[image]. */
bool swapchain_present(struct swapchain *swapchain, uint32_t image);

#endif
