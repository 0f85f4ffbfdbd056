/* Loopback HTTPS (libsoup, GnuTLS): a transport that carries the bus's HTTP legs over real TLS
 * connections on 127.0.0.1, and doors for outside clients (`serve`). */
#pragma once

#include "sim/net/bus.h"

/* Servers are started for every actor that has a TLS credential and an address. */
RspTransport *rsp_https_transport_new (RspBus *bus, RspLoop *loop, GError **error);
void rsp_https_transport_free (RspTransport *transport);

/* A door: HTTPS server on 127.0.0.1:PORT (0: any) whose requests are injected into the bus for actor
 * NAME. *RET_PORT is the port bound. */
typedef struct _RspDoor RspDoor;
RspDoor *rsp_door_open (RspBus *bus, RspLoop *loop, const char *name, const RspCredential *credential,
                        guint port, guint *ret_port, GError **error);
void rsp_door_close (RspDoor *door);
