/* The mobile networks and Wi-Fi of a world: places, who covers them, where devices are, and what
 * bearer each has. Devices attach by themselves when they come into coverage, when their card is
 * reset or changes its profile, and again some seconds after a failure. Only devices that say
 * `connectivity:` take part; the others have a link always.
 */
#pragma once

#include "sim/net/link.h"
#include "sim/run/world.h"

typedef struct _RspNetwork RspNetwork;

/* Reads `network:` and the devices' `connectivity:`. WORLD's actors are alive. */
RspNetwork *rsp_network_new (RspWorld *world);
void rsp_network_free (RspNetwork *network);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspNetwork, rsp_network_free)

/* Nobody is attaching or about to. */
gboolean rsp_network_at_rest (const RspNetwork *network);
/* DEVICE is at PLACE from now on. */
void rsp_network_move (RspNetwork *network, const char *device, const char *place);
void rsp_network_set_wifi (RspNetwork *network, const char *device, gboolean wifi);
/* Who covers PLACE from now on: the operators of LIST (actors' names). */
void rsp_network_cover (RspNetwork *network, const char *place, const RspYaml *list);
void rsp_network_place_wifi (RspNetwork *network, const char *place, gboolean wifi);

/* A step has attached a device, or tried to. */
void rsp_network_refresh (RspNetwork *network);

/* NULL: DEVICE has no `connectivity:`. */
RspLink *rsp_network_link (const RspNetwork *network, const char *device);
