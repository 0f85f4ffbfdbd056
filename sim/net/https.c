#include "sim/net/https-private.h"

#include <string.h>

#define MAX_CONNECTIONS 4096
/* Clients that keep connections at rest: every one of these costs each turn of the main loop. */
#define MAX_CLIENTS 8

typedef struct _Exchange Exchange;

/* A listening server, for one endpoint's credential. */
typedef struct {
    RspTransport *transport;
    char *name;
    guint version; /* of the credential */
    SoupServer *server;
    guint port;
} Server;

/* A client's side towards one server. */
typedef struct {
    RspTransport *transport;
    SoupSession *session;
    GTlsCertificate *certificate; /* shown on ES2+; NULL: none */
    guint client_version, server_version;
    const char *key; /* in clients */
    GList link;      /* in used */
} Client;

typedef struct {
    RspTransport vtable;
    RspBus *bus;
    RspLoop *loop;
    GHashTable *servers; /* endpoint → Server */
    GHashTable *clients; /* "src dst" → Client */
    GQueue used;         /* the same, the one least recently used first */
    Exchange *current;   /* whose request is on the wire */
    guint exchanges;
} Https;

/* One HTTP request and its response. Lives until the client side has ended, which may be after the
 * call has. */
struct _Exchange {
    Https *https;
    RspCall *call; /* NULL: the bus wants no more of it */
    const RspCredential *client, *server;
    GCancellable *cancellable;
    SoupSession *session; /* counts its exchanges */
    SoupMessage *request;
    SoupServerMessage *served; /* NULL: has not arrived */
    gboolean on_wire;          /* a leg is being carried */
    gboolean responding;
    gboolean ended;     /* the client side */
    gboolean peer_gone; /* the server side */
    gboolean aside;     /* a leg goes past the wire */
    guint http;         /* of a response that HTTP cannot carry */
    GBytes *body;
};

/* TLS -------------------------------------------------------------------------------------------
 */

static RspChainResult
judge_server (GBytes *der, gpointer data)
{
    const Https *https = data;
    const Exchange *exchange = https->current;
    if (!exchange || !exchange->call)
        return RSP_CHAIN_FORMAT;
    RspTlsCheck *tls = rsp_call_tls (exchange->call);
    if (!exchange->client || !exchange->client->roots || !tls->opens)
        return RSP_CHAIN_OK;
    g_autoptr (RspCert) cert = der ? rsp_cert_parse (der, NULL) : NULL;
    tls->server = rsp_tls_check_server (https->loop, exchange->client, cert,
                                        rsp_call_address (exchange->call));
    tls->server_checked = TRUE;
    return tls->server;
}

static RspChainResult
judge_client (GBytes *der, gpointer data)
{
    const Https *https = data;
    const Exchange *exchange = https->current;
    if (!exchange || !exchange->call)
        return RSP_CHAIN_FORMAT;
    RspTlsCheck *tls = rsp_call_tls (exchange->call);
    if (!tls->opens) /* in place of a connection that was closed to save its cost */
        return RSP_CHAIN_OK;
    tls->client = rsp_tls_check_client (https->loop, exchange->server, der);
    tls->client_checked = TRUE;
    return tls->client;
}

/* Exchanges -------------------------------------------------------------------------------------
 */

static const char running[] = "rsp-running";

static guint
session_running (SoupSession *session)
{
    return GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (session), running));
}

static void
session_count (SoupSession *session, int change)
{
    g_object_set_data (G_OBJECT (session), running,
                       GUINT_TO_POINTER (session_running (session) + (guint)change));
}

static void
exchange_free (Exchange *exchange)
{
    exchange->https->exchanges--;
    if (exchange->session)
        session_count (exchange->session, -1);
    g_clear_object (&exchange->session);
    if (exchange->served)
        g_signal_handlers_disconnect_by_data (exchange->served, exchange);
    g_clear_object (&exchange->served);
    g_clear_object (&exchange->request);
    g_clear_object (&exchange->cancellable);
    g_clear_pointer (&exchange->body, g_bytes_unref);
    g_free (exchange);
}

/* The leg is off the wire; time may go on once the bus has handled it. */
static void
arrived (Exchange *exchange, RspReplyKind kind, guint http, GBytes *body)
{
    Https *https = exchange->https;
    exchange->on_wire = FALSE;
    if (https->current == exchange)
        https->current = NULL;
    rsp_loop_io_end (https->loop);
    rsp_bus_carried (https->bus, exchange->call, kind, http, body);
}

static void
begin_leg (Exchange *exchange)
{
    exchange->on_wire = TRUE;
    rsp_loop_io_begin (exchange->https->loop);
}

static void
https_finish (RspTransport *transport, RspCall *call)
{
    gpointer *slot = rsp_call_exchange (call);
    Exchange *exchange = g_steal_pointer (slot);
    Https *https = exchange->https;
    exchange->call = NULL;
    if (https->current == exchange)
        https->current = NULL;
    if (exchange->on_wire)
        rsp_loop_io_end (https->loop);
    exchange->on_wire = FALSE;
    if (exchange->ended) {
        if (!exchange->aside)
            exchange_free (exchange);
        return;
    }
    /* Cut: the client hangs up, and the server, which would wait for ever, lets go. */
    g_cancellable_cancel (exchange->cancellable);
    if (exchange->served && !exchange->responding && !exchange->peer_gone) {
        rsp_https_answer (exchange->served, NULL, RSP_ENC_RAW, SOUP_STATUS_SERVICE_UNAVAILABLE,
                          NULL);
        soup_server_message_unpause (exchange->served);
    }
}

/* The failure of a handshake shows as one of many I/O errors; what the checks said is certain. */
static RspReplyKind
failure_of (const Exchange *exchange)
{
    const RspTlsCheck *tls = rsp_call_tls (exchange->call);
    gboolean refused = (tls->server_checked && tls->server != RSP_CHAIN_OK) ||
                       (tls->client_checked && tls->client != RSP_CHAIN_OK);
    return refused ? RSP_REPLY_TLS : RSP_REPLY_LINK;
}

static void
on_client_end (GObject *session, GAsyncResult *result, gpointer data)
{
    Exchange *exchange = data;
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) body =
        soup_session_send_and_read_finish (SOUP_SESSION (session), result, &error);
    exchange->ended = TRUE;
    if (!exchange->call) {
        exchange_free (exchange);
    } else if (body && exchange->responding) {
        arrived (exchange, RSP_REPLY_OK, soup_message_get_status (exchange->request), body);
    } else if (exchange->on_wire) {
        arrived (exchange, failure_of (exchange), 0, NULL);
    }
    /* Otherwise the connection broke while the server works; its answer finds no way. */
}

static gboolean
deliver_aside (gpointer data)
{
    Exchange *exchange = data;
    exchange->aside = FALSE;
    if (exchange->call)
        arrived (exchange, exchange->body ? RSP_REPLY_OK : RSP_REPLY_LINK, exchange->http,
                 exchange->body);
    else if (exchange->ended)
        exchange_free (exchange);
    return G_SOURCE_REMOVE;
}

/* For what cannot go over the wire. */
static void
carry_aside (Exchange *exchange)
{
    begin_leg (exchange);
    exchange->aside = TRUE;
    g_autoptr (GSource) source = g_idle_source_new ();
    g_source_set_callback (source, deliver_aside, exchange, NULL);
    g_source_attach (source, rsp_loop_context (exchange->https->loop));
}

/* The server's side -------------------------------------------------------------------------------
 */

static void
on_peer_gone (SoupServerMessage *message, gpointer data)
{
    ((Exchange *)data)->peer_gone = TRUE;
}

static gboolean
asks_for (const Exchange *exchange, const Server *server, SoupServerMessage *message,
          const char *path)
{
    return exchange && exchange->call && !exchange->served &&
           strcmp (rsp_call_dst (exchange->call), server->name) == 0 &&
           strcmp (rsp_https_path (rsp_call_function (exchange->call),
                                   rsp_call_encoding (exchange->call)),
                   path) == 0 &&
           strcmp (soup_server_message_get_method (message), "POST") == 0;
}

static const char served_sockets[] = "rsp-served-sockets";

static void
remember_socket (SoupSession *session, SoupServerMessage *message)
{
    GSocket *socket = soup_server_message_get_socket (message);
    GPtrArray *sockets = g_object_get_data (G_OBJECT (session), served_sockets);
    if (!socket || (sockets && g_ptr_array_find (sockets, socket, NULL)))
        return;
    if (!sockets) {
        sockets = g_ptr_array_new_with_free_func (g_object_unref);
        g_object_set_data_full (G_OBJECT (session), served_sockets, sockets,
                                (GDestroyNotify)g_ptr_array_unref);
    }
    g_ptr_array_add (sockets, g_object_ref (socket));
}

static void
on_request (SoupServer *soup, SoupServerMessage *message, const char *path, GHashTable *query,
            gpointer data)
{
    Server *server = data;
    Https *https = (Https *)server->transport;
    Exchange *exchange = https->current;
    if (!asks_for (exchange, server, message, path)) {
        rsp_https_answer (message, NULL, RSP_ENC_RAW, SOUP_STATUS_NOT_FOUND, NULL);
        return;
    }
    exchange->served = g_object_ref (message);
    remember_socket (exchange->session, message);
    g_signal_connect (message, "disconnected", G_CALLBACK (on_peer_gone), exchange);
    soup_server_message_pause (message);
    g_autoptr (GBytes) body =
        soup_message_body_flatten (soup_server_message_get_request_body (message));
    arrived (exchange, RSP_REPLY_OK, 0, body);
}

static void
server_free (gpointer data)
{
    Server *server = data;
    if (server->server) {
        soup_server_disconnect (server->server);
        g_object_unref (server->server);
    }
    g_free (server->name);
    g_free (server);
}

static Server *
ensure_server (Https *https, const char *name, GError **error)
{
    guint version = 0;
    const RspCredential *credential = rsp_bus_credential (https->bus, name, &version);
    Server *server = g_hash_table_lookup (https->servers, name);
    if (server && server->version == version)
        return server;
    server = g_new0 (Server, 1);
    server->transport = &https->vtable;
    server->name = g_strdup (name);
    server->version = version;
    server->server = rsp_https_listen (credential, 0, judge_client, https, &server->port, error);
    if (!server->server) {
        server_free (server);
        return NULL;
    }
    soup_server_add_handler (server->server, NULL, on_request, server, NULL);
    g_hash_table_replace (https->servers, server->name, server);
    return server;
}

/* The client's side -------------------------------------------------------------------------------
 */

static void
client_free (gpointer data)
{
    Client *client = data;
    g_queue_unlink (&((Https *)client->transport)->used, &client->link);
    soup_session_abort (client->session);
    g_object_unref (client->session);
    g_clear_object (&client->certificate);
    g_free (client);
}

static gboolean
close_sockets (gpointer data)
{
    GPtrArray *sockets = data;
    for (guint i = 0; i < sockets->len; i++)
        g_socket_close (sockets->pdata[i], NULL);
    return G_SOURCE_REMOVE;
}

/* A new connection takes the place of those that idle. SoupServer before 3.3 does not close what
 * the client has closed, so its ends are closed here, once it has seen the end of the stream. */
static void
retire_connections (Https *https, SoupSession *session)
{
    GPtrArray *sockets = g_object_steal_data (G_OBJECT (session), served_sockets);
    soup_session_abort (session);
    if (!sockets)
        return;
    g_autoptr (GSource) source = g_idle_source_new ();
    g_source_set_priority (source, G_PRIORITY_LOW);
    g_source_set_callback (source, close_sockets, sockets, (GDestroyNotify)g_ptr_array_unref);
    g_source_attach (source, rsp_loop_context (https->loop));
}

/* Lets those go that have been at rest the longest. What they were connected to is connected to
 * anew when it is called again, and nobody hears of it. */
static void
let_clients_go (Https *https)
{
    GList *link = https->used.head;
    while (link && link != https->used.tail && https->used.length > MAX_CLIENTS) {
        const Client *client = link->data;
        link = link->next;
        if (session_running (client->session) > 0)
            continue;
        retire_connections (https, client->session);
        g_hash_table_remove (https->clients, client->key);
    }
}

/* CLIENT is the one used last. */
static Client *
use_client (Https *https, Client *client)
{
    g_queue_unlink (&https->used, &client->link);
    g_queue_push_tail_link (&https->used, &client->link);
    let_clients_go (https);
    return client;
}

static Client *
ensure_client (Https *https, RspCall *call, const Server *server)
{
    guint version = 0;
    const RspCredential *credential =
        rsp_bus_credential (https->bus, rsp_call_src (call), &version);
    gboolean mutual = rsp_call_tls (call)->mutual && credential && credential->cert;
    g_autofree char *key = g_strdup_printf ("%s %s%s", rsp_call_src (call), rsp_call_dst (call),
                                            mutual ? " mutual" : "");
    Client *client = g_hash_table_lookup (https->clients, key);
    if (client && client->client_version == version && client->server_version == server->version)
        return use_client (https, client);
    client = g_new0 (Client, 1);
    client->transport = &https->vtable;
    client->client_version = version;
    client->server_version = server->version;
    if (mutual)
        client->certificate = rsp_tls_certificate (credential, NULL);
    g_autoptr (GSocketAddress) address =
        g_inet_socket_address_new_from_string ("127.0.0.1", server->port);
    g_autoptr (GTlsDatabase) database = rsp_tls_database_new (judge_server, https);
    client->session = soup_session_new_with_options (
        "remote-connectable", address, "tls-database", database, "max-conns", MAX_CONNECTIONS,
        "max-conns-per-host", MAX_CONNECTIONS, "proxy-resolver", NULL, "timeout", 0, "idle-timeout",
        0, "user-agent", "gsma-rsp-lpad", NULL);
    client->key = key;
    client->link.data = client;
    g_hash_table_replace (https->clients, g_steal_pointer (&key), client);
    g_queue_push_tail_link (&https->used, &client->link);
    return use_client (https, client);
}

/* The URI names the FQDN, though the connection goes to the loopback address. */
static SoupMessage *
make_request (const Client *client, RspCall *call, GBytes *body)
{
    const RspFunction *fn = rsp_call_function (call);
    RspEncoding encoding = rsp_call_encoding (call);
    g_autofree char *text =
        g_strdup_printf ("https://%s%s", rsp_call_address (call), rsp_https_path (fn, encoding));
    g_autoptr (GUri) uri = g_uri_parse (text, SOUP_HTTP_URI_FLAGS, NULL);
    SoupMessage *message = uri ? soup_message_new_from_uri (SOUP_METHOD_POST, uri) : NULL;
    if (!message)
        return NULL;
    soup_message_add_flags (message,
                            SOUP_MESSAGE_IDEMPOTENT | SOUP_MESSAGE_NO_REDIRECT |
                                (rsp_call_tls (call)->opens ? SOUP_MESSAGE_NEW_CONNECTION : 0));
    if (client->certificate)
        soup_message_set_tls_client_certificate (message, client->certificate);
    rsp_https_ask (message, fn, encoding, body);
    return message;
}

/* The transport
 * ------------------------------------------------------------------------------------ */

static gboolean
https_takes (RspTransport *transport, RspCall *call)
{
    return rsp_call_tls (call)->secure;
}

static void
https_carry_request (RspTransport *transport, RspCall *call, GBytes *body)
{
    Https *https = (Https *)transport;
    Exchange *exchange = g_new0 (Exchange, 1);
    exchange->https = https;
    exchange->call = call;
    exchange->client = rsp_bus_credential (https->bus, rsp_call_src (call), NULL);
    exchange->server = rsp_bus_credential (https->bus, rsp_call_dst (call), NULL);
    exchange->cancellable = g_cancellable_new ();
    *rsp_call_exchange (call) = exchange;
    https->exchanges++;

    Server *server = ensure_server (https, rsp_call_dst (call), NULL);
    Client *client = server ? ensure_client (https, call, server) : NULL;
    exchange->request = client ? make_request (client, call, body) : NULL;
    if (!exchange->request) {
        exchange->ended = TRUE;
        carry_aside (exchange);
        return;
    }
    if (rsp_call_tls (call)->opens && session_running (client->session) == 0)
        retire_connections (https, client->session);
    exchange->session = g_object_ref (client->session);
    session_count (client->session, 1);
    begin_leg (exchange);
    https->current = exchange;
    soup_session_send_and_read_async (client->session, exchange->request, G_PRIORITY_DEFAULT,
                                      exchange->cancellable, on_client_end, exchange);
}

static void
https_carry_response (RspTransport *transport, RspCall *call, guint http, GBytes *body)
{
    Exchange *exchange = *rsp_call_exchange (call);
    if (exchange->ended || exchange->peer_gone) {
        carry_aside (exchange);
        return;
    }
    if (http < 200 || http > 599) {
        /* Not the end of an exchange in HTTP: only a fault makes such an answer. */
        exchange->http = http;
        exchange->body = g_bytes_ref (body);
        carry_aside (exchange);
        return;
    }
    exchange->responding = TRUE;
    begin_leg (exchange);
    rsp_https_answer (exchange->served, rsp_call_function (call), rsp_call_encoding (call), http,
                      body);
    soup_server_message_unpause (exchange->served);
}

RspTransport *
rsp_https_transport_new (RspBus *bus, RspLoop *loop, GError **error)
{
    Https *https = g_new0 (Https, 1);
    https->vtable =
        (RspTransport){https_takes, https_carry_request, https_carry_response, https_finish};
    https->bus = bus;
    https->loop = loop;
    https->servers = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, server_free);
    https->clients = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, client_free);
    g_autoptr (GPtrArray) names = rsp_bus_tls_servers (bus);
    for (guint i = 0; i < names->len; i++)
        if (!ensure_server (https, names->pdata[i], error)) {
            rsp_https_transport_free (&https->vtable);
            return NULL;
        }
    return &https->vtable;
}

void
rsp_https_transport_free (RspTransport *transport)
{
    if (!transport)
        return;
    Https *https = (Https *)transport;
    g_hash_table_remove_all (https->clients);
    g_hash_table_remove_all (https->servers);
    /* Cancelled requests still report their end. */
    while (https->exchanges > 0)
        g_main_context_iteration (rsp_loop_context (https->loop), TRUE);
    g_hash_table_unref (https->clients);
    g_hash_table_unref (https->servers);
    g_free (https);
}
