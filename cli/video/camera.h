/* What ffmpeg calls this system's way to cameras. */
#ifndef GHOSTVK_CLI_CAMERA_H
#define GHOSTVK_CLI_CAMERA_H

#if defined(_WIN32)
#define CAMERA_FORMAT       "dshow"
#define CAMERA_NAME_PREFIX  "video="
#define CAMERA_INDEX_PREFIX "video=" /* there are names alone */
#elif defined(__APPLE__)
#define CAMERA_FORMAT       "avfoundation"
#define CAMERA_NAME_PREFIX  ""
#define CAMERA_INDEX_PREFIX ""
#else
#define CAMERA_FORMAT       "v4l2"
#define CAMERA_NAME_PREFIX  ""
#define CAMERA_INDEX_PREFIX "/dev/video"
#endif

#endif
