/* Preloaded in runs under LeakSanitizer: a driver that stays loaded can be named, and so suppressed, when its leaks are
 * reported (leaks_of_drivers.txt); one that is unloaded before shows as an unknown module. */
#include <dlfcn.h>

int dlclose(void *library)
{
    (void)library;
    return 0;
}
