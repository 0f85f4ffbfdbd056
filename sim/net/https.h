/* Loopback HTTPS (libsoup, GnuTLS): a transport that carries the bus's HTTP legs over real TLS
 * connections on 127.0.0.1, and doors for outside clients (`serve`). */
#pragma once

#include "sim/net/bus.h"

/* Servers are started for every actor that has a TLS credential and an address. */
RspTransport *rsp_https_transport_new (RspBus *bus, RspLoop *loop, GError **error);
/* After rsp_bus_set_transport (bus, NULL). */
void rsp_https_transport_free (RspTransport *transport);

/* A door: HTTPS server on 127.0.0.1:PORT (0: any) whose requests are injected into the bus for
 * actor NAME from src "outside". *RET_PORT is the port bound. CREDENTIAL NULL or without a
 * certificate: plain HTTP; with roots, client certificates are checked and name the caller of ES2+
 * (RspKnownClient, else their CN). Refuses by 400 (foreign X-Admin-Protocol, no ASN.1 request),
 * 404, 405, 413 (over 4 MiB), 415, 502, 504. Closed before the bus is freed. */
typedef struct _RspDoor RspDoor;
RspDoor *rsp_door_open (RspBus *bus, RspLoop *loop, const char *name,
                        const RspCredential *credential, guint port, guint *ret_port,
                        GError **error);
void rsp_door_close (RspDoor *door);

/* A door for management: HTTPS on 127.0.0.1:PORT (0: any), with CREDENTIAL NULL plain HTTP. A
 * request with "Authorization: Bearer TOKEN" goes to FUNC, which gives the status and, in *RET_BODY
 * and *RET_LOCATION (transfer full, nullable), JSON and the header Location; without, it gets 401.
 * TOKEN NULL: none is asked for; then the body of a POST has to be application/json (else 415),
 * which no page of a browser sends elsewhere unasked. */
typedef guint (*RspManageFunc) (const char *method, const char *path, GBytes *body,
                                GBytes **ret_body, char **ret_location, gpointer data);
typedef struct _RspManageDoor RspManageDoor;
RspManageDoor *rsp_manage_door_open (const RspCredential *credential, const char *token, guint port,
                                     RspManageFunc func, gpointer data, guint *ret_port,
                                     GError **error);
void rsp_manage_door_close (RspManageDoor *door);
