/* The same host with the detector in each of its ways, and the figures of all as a table. */
#ifndef OFFSCREEN_AR_MEASURE_H
#define OFFSCREEN_AR_MEASURE_H

#include "finder.h"

bool measure_ways(struct scene *scene, struct finder_library *library, uint32_t seconds);

#endif
