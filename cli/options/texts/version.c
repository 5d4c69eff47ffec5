/* See version.h. The build writes build_description.h (cmake/describe_build.cmake). */
#include "version.h"

#include "build_description.h"
#include <ghostvk/gvk.h>

#define TEXT_(value) #value
#define TEXT(value)  TEXT_(value)

const char program_version[] = TEXT(GVK_VERSION_MAJOR) "." TEXT(GVK_VERSION_MINOR) "." TEXT(GVK_VERSION_PATCH);
const char program_date[] = GVK_BUILD_DATE;

void print_version(FILE *stream)
{
    fprintf(stream,
            "ghostvk %s\n"
            "Sources   %s\n"
            "Compiler  %s\n"
            "Vulkan    headers %u.%u.%u\n"
            "Shaders   %s\n"
            "Parts     %s\n",
            program_version, GVK_BUILD_SOURCES, GVK_BUILD_COMPILER,
            (unsigned)VK_API_VERSION_MAJOR(VK_HEADER_VERSION_COMPLETE),
            (unsigned)VK_API_VERSION_MINOR(VK_HEADER_VERSION_COMPLETE), (unsigned)VK_HEADER_VERSION, GVK_BUILD_SHADERS,
            GVK_BUILD_PARTS);
}
