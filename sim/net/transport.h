/* What a transport gives to the bus. The bus decides what goes across and when, one leg at a time;
 * the transport only carries. Memory needs none: a leg that the bus carries itself arrives at once.
 *
 * The bus owns calls; a transport keeps its own state of a call (the exchange) in the call's slot
 * until `finish`, after which it must not touch the call again.
 */
#pragma once

#include "pki/chain.h"
#include "sim/net/bus.h"

/* The certificate checks of a call's connection. */
typedef struct {
    gboolean secure; /* both ends take part in TLS */
    gboolean opens;  /* this call opens the connection */
    gboolean mutual; /* ES2+, ES12, ES15: the server asks for a certificate */
    gboolean server_checked, client_checked;
    RspChainResult server, client;
} RspTlsCheck;

struct _RspTransport {
    /* TRUE: this transport carries CALL; FALSE: the bus does, in memory. */
    gboolean (*takes) (RspTransport *transport, RspCall *call);
    /* Both end in rsp_bus_carried, later: never before they return. */
    void (*carry_request) (RspTransport *transport, RspCall *call, GBytes *body);
    void (*carry_response) (RspTransport *transport, RspCall *call, guint http, GBytes *body);
    /* The call is over, answered or not. */
    void (*finish) (RspTransport *transport, RspCall *call);
};

/* The leg has arrived: BODY (and HTTP of a response) as received, or why it has not. */
void rsp_bus_carried (RspBus *bus, RspCall *call, RspReplyKind kind, guint http, GBytes *body);

/* For transports. */
gpointer *rsp_call_exchange (RspCall *call);
RspTlsCheck *rsp_call_tls (RspCall *call);
const char *rsp_call_dst (const RspCall *call);
/* NULL where the world gave none. */
const RspCredential *rsp_bus_credential (RspBus *bus, const char *name, guint *ret_version);
/* As told by rsp_bus_set_interfaces; 0 if not. */
guint rsp_bus_interfaces (RspBus *bus, const char *name);
/* TRUE: an endpoint with CREDENTIAL is reached over TLS. */
gboolean rsp_credential_serves (const RspCredential *credential);
/* Names of all endpoints that have a TLS certificate, sorted. (transfer container) */
GPtrArray *rsp_bus_tls_servers (RspBus *bus);
/* The one verdict of both transports: what CLIENT says of a server that shows CERT, and what SERVER
 * says of a client that shows CERT. */
RspChainResult rsp_tls_check_server (RspLoop *loop, const RspCredential *client,
                                     const RspCert *cert, const char *address);
/* Whose certificate DER is, on ES2+; NULL if it does not say. (transfer full) */
char *rsp_credential_client_name (const RspCredential *server, GBytes *der);
RspChainResult rsp_tls_check_client (RspLoop *loop, const RspCredential *server, GBytes *der);

/* As rsp_bus_call, for a door: the call goes to actor DST whatever ADDRESS says, from a caller
 * whose certificate CLIENT (DER) the door has judged (NULL: anonymous). */
void rsp_bus_call_through (RspBus *bus, const char *src, GBytes *client, const char *dst,
                           const char *address, const RspFunction *fn, GBytes *body,
                           const RspCallOptions *options, RspReplyFunc func, gpointer data);
/* Continuations with DATA never run: whoever waited has gone. */
void rsp_bus_disown (RspBus *bus, gpointer data);
