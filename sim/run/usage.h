/* What a run has used: octets and airtime of each device's link, working time of each card. */
#pragma once

#include "sim/run/world.h"

/* {"links":[{"device":…, "link":…, "up":…, …}],"cards":[{"card":…, "microseconds":…}]} without
 * blanks; NULL if the world models neither. (transfer full) */
char *rsp_usage_json (const RspWorld *world);
