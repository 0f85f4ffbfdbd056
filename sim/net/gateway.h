/* The way out: HTTP calls to addresses that no actor of the bus has are carried to real servers,
 * in either binding, over HTTPS by the address's own name and port, or to where it is mapped.
 *
 * The gateway is an endpoint of the bus ("outside"); freed before the bus and the loop.
 */
#pragma once

#include "sim/net/bus.h"

typedef struct _RspGateway RspGateway;
/* ROOTS: of RspCert, what TLS certificates must come from, by the same check as inside; NULL: the
 * host's own trust store. */
RspGateway *rsp_gateway_new (RspBus *bus, RspLoop *loop, GPtrArray *roots);
void rsp_gateway_free (RspGateway *gateway);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspGateway, rsp_gateway_free)
/* ADDRESS (no case) is found at PLACE ("HOST:PORT"); its certificate names ADDRESS, also where the
 * server calls itself PLACE. */
gboolean rsp_gateway_map (RspGateway *gateway, const char *address, const char *place,
                          GError **error);
/* ADDRESS (no case) is spoken to in plain HTTP. */
void rsp_gateway_without_tls (RspGateway *gateway, const char *address);
/* ESipa: TLS certificates of eIMs come from the CAs in FILE (PEM), by the rules of the web. */
gboolean rsp_gateway_trust_eims (RspGateway *gateway, const char *file, GError **error);
/* No TLS certificate is looked at: for laboratories. Before the first call. */
void rsp_gateway_trust_all (RspGateway *gateway);
/* SECONDS without an octet after which a connection is given up; default 60. More than the calls'
 * timeout, or their end is not told as one. Before the first call. */
void rsp_gateway_set_patience (RspGateway *gateway, guint seconds);
/* Why the last call that failed did; NULL: none did. For people. */
const char *rsp_gateway_problem (const RspGateway *gateway);
