/* Watches the bus for ordered profile packages in clear: in the octets of a message, or in base64
 * inside JSON. What the card opens (`plain`) is not on the bus. */
#pragma once

#include "sim/run/world.h"

typedef struct _RspLeaks RspLeaks;
RspLeaks *rsp_leaks_new (const GPtrArray *packages); /* of RspWorldPackage */
void rsp_leaks_free (RspLeaks *leaks);
void rsp_leaks_look (RspLeaks *leaks, const RspTraceEvent *event);
/* What was seen first: "ICCID in FUNCTION"; NULL if nothing. */
const char *rsp_leaks_seen (const RspLeaks *leaks);
