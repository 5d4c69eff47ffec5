/* The table of one release, LAYOUT, of all that was in 0.1. */
#include "layout.h"

#include <ghostvk/checkpoint.h>
#include <ghostvk/detector.h>
#include <ghostvk/ghostnet.h>
#include <ghostvk/tracker.h>

#define JOIN(left, right)   left##right
#define EXPAND(left, right) JOIN(left, right)

#define STRUCT(type)        {#type, sizeof(type), 0, 0},
#define FIELD(type, member) {#type "." #member, sizeof(((type *)0)->member), offsetof(type, member), 0},
#define CONSTANT(name)      {#name, 0, 0, name},

const struct layout_item EXPAND(layout_of_, LAYOUT)[] = {
#include "release_0_1/members.inc"
};

const size_t EXPAND(layout_count_of_, LAYOUT) = sizeof EXPAND(layout_of_, LAYOUT) /
                                                sizeof EXPAND(layout_of_, LAYOUT)[0];
