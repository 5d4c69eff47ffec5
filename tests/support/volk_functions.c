/* volk's functions, for the program side of an imported device. The library itself defines no vk* symbol. */
#define VOLK_IMPLEMENTATION
#include <volk.h>
