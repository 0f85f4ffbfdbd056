/* TLS connections as the bus models them: which call opens one, and what the certificate checks of
 * an opening say. Both transports go through here, so a trace shows the same checks. */
#include "sim/net/bus-private.h"

#include <string.h>

#define IDLE_MAX (60 * G_USEC_PER_SEC) /* an unused connection is closed */

typedef struct {
    const char *src, *dst; /* interned */
    gboolean mutual;
    gint64 used; /* last, on a modelled link; no part of the key */
} Connection;

static guint
connection_hash (gconstpointer key)
{
    const Connection *c = key;
    return g_direct_hash (c->src) * 31 + g_direct_hash (c->dst) + (guint)c->mutual;
}

static gboolean
connection_equal (gconstpointer a, gconstpointer b)
{
    const Connection *x = a, *y = b;
    return x->src == y->src && x->dst == y->dst && x->mutual == y->mutual;
}

GHashTable *
rsp_bus_tls_table (void)
{
    return g_hash_table_new_full (connection_hash, connection_equal, g_free, NULL);
}

static Connection
connection_of (const RspCall *call)
{
    return (Connection){call->src, call->dst->name, rsp_interface_is_mutual (call->fn->interface),
                        0};
}

/* A client certificate alone (an operator's) makes no TLS server. */
gboolean
rsp_credential_serves (const RspCredential *credential)
{
    const RspCert *cert = credential->cert;
    return cert && credential->key &&
           (rsp_cert_dns (cert) || rsp_cert_role (cert) != RSP_ROLE_NONE);
}

static gboolean
opens (const RspCall *call)
{
    if (!call->dst || !rsp_credential_serves (&call->dst->credential))
        return FALSE;
    Connection connection = connection_of (call);
    return call->fn->new_connection || !g_hash_table_contains (call->bus->connections, &connection);
}

gboolean
rsp_bus_tls_shakes (const RspCall *call)
{
    if (!call->dst || !rsp_credential_serves (&call->dst->credential))
        return FALSE;
    gpointer key;
    Connection connection = connection_of (call);
    if (!g_hash_table_lookup_extended (call->bus->connections, &connection, &key, NULL))
        return TRUE;
    Connection *known = key;
    gint64 now = rsp_loop_now (call->bus->loop), unused = now - known->used;
    known->used = now;
    return unused > IDLE_MAX || call->fn->new_connection;
}

void
rsp_bus_tls_begin (RspCall *call)
{
    call->tls = (RspTlsCheck){0};
    if (!rsp_credential_serves (&call->dst->credential))
        return;
    call->tls.secure = TRUE;
    call->tls.mutual = connection_of (call).mutual;
    call->tls.opens = opens (call);
}

static void
trace_check (const RspCall *call, const char *who, const char *whose, RspChainResult result)
{
    RspBus *bus = call->bus;
    if (!rsp_bus_traced (bus))
        return;
    g_autofree char *key = g_strdup_printf ("%s TLS", whose);
    guint64 before = rsp_bus_enter (bus, call->request.sent_seq);
    rsp_trace_event (bus->trace, &(RspTraceEvent){.kind = RSP_TRACE_CRYPTO,
                                                  .src = who,
                                                  .op = "chain",
                                                  .key = key,
                                                  .result = rsp_chain_result_name (result)});
    rsp_bus_leave (bus, before);
}

/* What the transport did not check at its own handshake is checked here. */
gboolean
rsp_bus_tls_conclude (RspCall *call)
{
    RspBus *bus = call->bus;
    RspTlsCheck *tls = &call->tls;
    const RspCredential *client = call->caller ? &call->caller->credential : NULL;
    const RspCredential *server = &call->dst->credential;
    if (client && client->roots) {
        if (!tls->server_checked)
            tls->server = rsp_tls_check_server (bus->loop, client, server->cert, call->address);
        tls->server_checked = TRUE;
        trace_check (call, call->src, call->dst->name, tls->server);
        if (tls->server != RSP_CHAIN_OK)
            return FALSE;
    }
    if (tls->mutual && client && client->cert && server->roots) {
        if (!tls->client_checked)
            tls->client = rsp_tls_check_client (bus->loop, server, rsp_cert_der (client->cert));
        tls->client_checked = TRUE;
        trace_check (call, call->dst->name, call->src, tls->client);
        if (tls->client != RSP_CHAIN_OK)
            return FALSE;
    }
    Connection connection = connection_of (call);
    if (!g_hash_table_contains (bus->connections, &connection))
        g_hash_table_add (bus->connections, g_memdup2 (&connection, sizeof connection));
    return TRUE;
}

/* After a failure the next call opens a new connection. */
void
rsp_bus_tls_close (RspCall *call)
{
    if (call->fn->binding != RSP_BINDING_HTTP || !call->dst || call->ghost)
        return;
    Connection connection = connection_of (call);
    g_hash_table_remove (call->bus->connections, &connection);
}

static gboolean
concerns (gpointer key, gpointer value, gpointer data)
{
    const Connection *connection = key;
    return connection->src == data || connection->dst == data;
}

void
rsp_bus_tls_forget (RspBus *bus, const RspEndpoint *endpoint)
{
    g_hash_table_foreach_remove (bus->connections, concerns, (gpointer)endpoint->name);
}

static gint64
checking_time (RspLoop *loop, const RspCredential *checker)
{
    gint64 us = rsp_loop_wall (loop) + checker->clock_skew;
    return us / G_USEC_PER_SEC - (us % G_USEC_PER_SEC < 0);
}

static RspChainResult
unless_revoked (const RspCredential *checker, const RspCert *cert, RspChainResult result)
{
    return result == RSP_CHAIN_OK && rsp_crls_revoke (checker->crls, cert) ? RSP_CHAIN_REVOKED
                                                                           : result;
}

RspChainResult
rsp_tls_check_server (RspLoop *loop, const RspCredential *client, const RspCert *cert,
                      const char *address)
{
    if (!client->roots)
        return RSP_CHAIN_OK;
    if (!cert)
        return RSP_CHAIN_FORMAT;
    const char *colon = strrchr (address, ':');
    g_autofree char *host =
        g_strndup (address, colon ? (gsize)(colon - address) : strlen (address));
    return unless_revoked (
        client, cert,
        rsp_chain_check_tls (cert, client->roots, host, checking_time (loop, client)));
}

static const RspKnownClient *
known_client (const RspCredential *server, GBytes *der)
{
    for (guint i = 0; der && server->clients && i < server->clients->len; i++) {
        const RspKnownClient *known = server->clients->pdata[i];
        if (g_bytes_equal (known->der, der))
            return known;
    }
    return NULL;
}

char *
rsp_credential_client_name (const RspCredential *server, GBytes *der)
{
    const RspKnownClient *known = known_client (server, der);
    g_autoptr (RspCert) cert = known ? NULL : rsp_cert_parse (der, NULL);
    return g_strdup (known ? known->name : cert ? rsp_cert_common_name (cert) : NULL);
}

RspChainResult
rsp_tls_check_client (RspLoop *loop, const RspCredential *server, GBytes *der)
{
    if (!server->roots || known_client (server, der))
        return RSP_CHAIN_OK;
    g_autoptr (RspCert) cert = der ? rsp_cert_parse (der, NULL) : NULL;
    if (!cert)
        return RSP_CHAIN_FORMAT;
    return unless_revoked (
        server, cert, rsp_chain_check_client (cert, server->roots, checking_time (loop, server)));
}
