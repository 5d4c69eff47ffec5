/* See window.h. */
#include "window.h"

#include <stdlib.h>
#include <string.h>

#include <GLFW/glfw3.h>

struct window {
    GLFWwindow *glfw;
    unsigned pressed; /* bits of enum watch_key */
    int steps;        /* of the confidence */
    bool damaged;
    int x, y, width, height; /* before it was fullscreen */
};

static char reason[256]; /* GLFW's of its last error */

static void take_error(int code, const char *description)
{
    (void)code;
    size_t length = strlen(description);
    length = length < sizeof reason - 1 ? length : sizeof reason - 1;
    while (length && description[length - 1] == ' ')
        length--;
    memcpy(reason, description, length);
    reason[length] = 0;
}

static bool fail(const char *sentence)
{
    if (reason[0])
        say("%s (%s).", sentence, reason);
    else
        say("%s.", sentence);
    return false;
}

bool window_start(void)
{
    glfwSetErrorCallback(take_error);
    return glfwInit() || fail("There is no display to show a window on");
}

bool window_vulkan(PFN_vkGetInstanceProcAddr *load, const char *const **extensions, uint32_t *count)
{
    if (!glfwVulkanSupported())
        return fail("There is no Vulkan loader");
    *extensions = (const char *const *)glfwGetRequiredInstanceExtensions(count);
    *load = (PFN_vkGetInstanceProcAddr)glfwGetInstanceProcAddress(NULL, "vkGetInstanceProcAddr");
    return (*extensions && *load) || fail("No Vulkan driver shows pictures on this display");
}

/* ---- events ---- */

static void take_key(GLFWwindow *glfw, int key, int code, int action, int modifiers)
{
    struct window *window = glfwGetWindowUserPointer(glfw);
    (void)code;
    (void)modifiers;
    if (action == GLFW_RELEASE)
        return;
    switch (key) {
    case GLFW_KEY_ESCAPE: window->pressed |= WATCH_QUIT; break;
    case GLFW_KEY_SPACE: window->pressed ^= action == GLFW_PRESS ? WATCH_PAUSE : 0u; break;
    case GLFW_KEY_RIGHT:
    case GLFW_KEY_ENTER: window->pressed |= WATCH_NEXT; break;
    case GLFW_KEY_F11: window->pressed ^= action == GLFW_PRESS ? WATCH_FULLSCREEN : 0u; break;
    case GLFW_KEY_F1: window->pressed ^= action == GLFW_PRESS ? WATCH_HELP : 0u; break;
    default: break;
    }
}

/* Letters and signs come as the person's keyboard has them. */
static void take_character(GLFWwindow *glfw, unsigned code)
{
    struct window *window = glfwGetWindowUserPointer(glfw);
    switch (code) {
    case 'q':
    case 'Q': window->pressed |= WATCH_QUIT; break;
    case '+':
    case '=': window->steps++; break;
    case '-':
    case '_': window->steps--; break;
    case 'f':
    case 'F': window->pressed ^= WATCH_FULLSCREEN; break;
    case 's':
    case 'S': window->pressed |= WATCH_SCREENSHOT; break;
    case 'h':
    case 'H':
    case '?': window->pressed ^= WATCH_HELP; break;
    case 'i':
    case 'I': window->pressed ^= WATCH_OVERLAY; break;
    case 'n':
    case 'N': window->pressed |= WATCH_NEXT; break;
    default: break;
    }
}

static void take_refresh(GLFWwindow *glfw)
{
    struct window *window = glfwGetWindowUserPointer(glfw);
    window->damaged = true;
}

static void take_size(GLFWwindow *glfw, int width, int height)
{
    (void)width;
    (void)height;
    take_refresh(glfw);
}

unsigned window_poll(struct window *window, double seconds)
{
    if (seconds > 0)
        glfwWaitEventsTimeout(seconds);
    else
        glfwPollEvents();
    unsigned pressed = window->pressed | (glfwWindowShouldClose(window->glfw) ? WATCH_QUIT : 0u);
    window->pressed = 0;
    return pressed;
}

int window_take_steps(struct window *window)
{
    int steps = window->steps;
    window->steps = 0;
    return steps;
}

bool window_was_damaged(struct window *window)
{
    bool damaged = window->damaged;
    window->damaged = false;
    return damaged;
}

/* ---- the window ---- */

/* Room on the monitor, with something left for the window's frame. */
static void monitor_room(int *width, int *height)
{
    GLFWmonitor *monitor = glfwGetPrimaryMonitor();
    const GLFWvidmode *mode = monitor ? glfwGetVideoMode(monitor) : NULL;
    *width = mode ? mode->width * 9 / 10 : 1280;
    *height = mode ? mode->height * 85 / 100 : 800;
}

void window_fit(uint32_t *width, uint32_t *height)
{
    int room_x, room_y;
    monitor_room(&room_x, &room_y);
    double part = 1;
    if (*width > (uint32_t)room_x)
        part = (double)room_x / *width;
    if (*height * part > room_y)
        part = (double)room_y / *height;
    *width = (uint32_t)(*width * part);
    *height = (uint32_t)(*height * part);
    if (*width < 320)
        *width = 320;
    if (*height < 240)
        *height = 240;
}

bool window_open(struct window **out, const char *title)
{
    struct window *window = calloc(1, sizeof *window);
    if (!window)
        return refuse_memory() == OUTCOME_DONE;
    *out = window;
    window->width = 1280;
    window->height = 720;
    glfwWindowHint(GLFW_CLIENT_API, GLFW_NO_API);
    glfwWindowHint(GLFW_VISIBLE, GLFW_FALSE);
    window->glfw = glfwCreateWindow(window->width, window->height, title, NULL, NULL);
    if (!window->glfw)
        return fail("A window cannot be opened");
    glfwSetWindowUserPointer(window->glfw, window);
    glfwSetKeyCallback(window->glfw, take_key);
    glfwSetCharCallback(window->glfw, take_character);
    glfwSetWindowRefreshCallback(window->glfw, take_refresh);
    glfwSetFramebufferSizeCallback(window->glfw, take_size);
    return true;
}

void window_appear(struct window *window, uint32_t width, uint32_t height, bool fullscreen)
{
    window->width = (int)width;
    window->height = (int)height;
    glfwSetWindowSize(window->glfw, window->width, window->height);
    glfwShowWindow(window->glfw);
    if (fullscreen)
        window_toggle_fullscreen(window);
    window->damaged = true;
}

bool window_create_surface(struct window *window, struct gpu *gpu, VkSurfaceKHR *out)
{
    VkResult result = glfwCreateWindowSurface(gpu->instance, window->glfw, NULL, out);
    if (result == VK_SUCCESS)
        return true;
    *out = VK_NULL_HANDLE;
    return gpu_fail(gpu, "The window cannot be drawn to", result);
}

void window_close(struct window *window)
{
    if (window && window->glfw)
        glfwDestroyWindow(window->glfw);
    free(window);
}

void window_end(void)
{
    glfwTerminate();
}

void window_set_title(struct window *window, const char *title)
{
    glfwSetWindowTitle(window->glfw, title);
}

void window_size(const struct window *window, uint32_t *width, uint32_t *height)
{
    int x = 0, y = 0;
    glfwGetFramebufferSize(window->glfw, &x, &y);
    *width = x > 0 && !glfwGetWindowAttrib(window->glfw, GLFW_ICONIFIED) ? (uint32_t)x : 0;
    *height = y > 0 && *width ? (uint32_t)y : 0;
    if (!*height)
        *width = 0;
}

float window_scale(const struct window *window)
{
    float x = 1, y = 1;
    glfwGetWindowContentScale(window->glfw, &x, &y);
    return x >= 1 && x <= 8 ? x : 1;
}

void window_toggle_fullscreen(struct window *window)
{
    GLFWmonitor *monitor = glfwGetPrimaryMonitor();
    const GLFWvidmode *mode = monitor ? glfwGetVideoMode(monitor) : NULL;
    if (glfwGetWindowMonitor(window->glfw)) {
        glfwSetWindowMonitor(window->glfw, NULL, window->x, window->y, window->width, window->height, GLFW_DONT_CARE);
    } else if (mode) {
        glfwGetWindowPos(window->glfw, &window->x, &window->y);
        glfwGetWindowSize(window->glfw, &window->width, &window->height);
        glfwSetWindowMonitor(window->glfw, monitor, 0, 0, mode->width, mode->height, mode->refreshRate);
    }
    window->damaged = true;
}
