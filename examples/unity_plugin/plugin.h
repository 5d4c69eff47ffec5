/* What the plugin exports to Unity's scripts.
 *
 *     [DllImport("ghostvk_unity")] static extern void ghostvk_open(string model);
 *     [DllImport("ghostvk_unity")] static extern void ghostvk_watch(IntPtr texture, uint width, uint height);
 *     [DllImport("ghostvk_unity")] static extern IntPtr ghostvk_render_event();
 *     [DllImport("ghostvk_unity")] static extern uint ghostvk_boxes([Out] Box[] boxes, uint capacity);
 *
 *     ghostvk_open(Application.streamingAssetsPath + "/model.safetensors");
 *     ghostvk_watch(texture.GetNativeTexturePtr(), (uint)texture.width, (uint)texture.height);
 *     GL.IssuePluginEvent(ghostvk_render_event(), 1);      // once: loads, on the render thread
 *     GL.IssuePluginEvent(ghostvk_render_event(), 2);      // each frame: a detection, where none is under way
 */
#ifndef GHOSTVK_UNITY_PLUGIN_H
#define GHOSTVK_UNITY_PLUGIN_H

#include <stdint.h>

#include "unity_shape.h" /* in a real plugin: IUnityGraphics.h and IUnityGraphicsVulkan.h of Unity */

enum { GHOSTVK_EVENT_LOAD = 1, GHOSTVK_EVENT_DETECT = 2 };

struct ghostvk_box {
    float x1, y1, x2, y2, score; /* pixels of the texture, from its first row; Unity's textures begin at the bottom */
    uint32_t class_id;
};

UNITY_INTERFACE_EXPORT void UNITY_INTERFACE_API UnityPluginLoad(IUnityInterfaces *interfaces);
UNITY_INTERFACE_EXPORT void UNITY_INTERFACE_API UnityPluginUnload(void);
/* The file is read at the LOAD event. */
UNITY_INTERFACE_EXPORT void UNITY_INTERFACE_API ghostvk_open(const char *model_path);
UNITY_INTERFACE_EXPORT void UNITY_INTERFACE_API ghostvk_watch(void *native_texture, uint32_t width, uint32_t height);
UNITY_INTERFACE_EXPORT UnityRenderingEvent UNITY_INTERFACE_API ghostvk_render_event(void);
/* The newest boxes, at most `capacity` of them; from any thread. How many there are. */
UNITY_INTERFACE_EXPORT uint32_t UNITY_INTERFACE_API ghostvk_boxes(struct ghostvk_box *out, uint32_t capacity);
/* Detections so far; from any thread. */
UNITY_INTERFACE_EXPORT uint64_t UNITY_INTERFACE_API ghostvk_detections(void);

#endif
