#include "sim/net/gateway.h"

#include "asn1/event-entries.h"

#include "sim/net/https-private.h"

#define NAME "outside"
#define HTTPS_PORT 443
#define CHUNK (64 * 1024)
#define PATIENCE 60 /* s */

/* One server: its address, where it is, and the connections to it. */
typedef struct {
    RspGateway *gateway;
    char *identity; /* the address that its certificate must name */
    SoupSession *session;
    gint verdict; /* RspChainResult of the last certificate; set in a thread of GIO's */
} Route;

struct _RspGateway {
    RspBus *bus;
    RspLoop *loop;
    GPtrArray *roots; /* (nullable) */
    gboolean trusts_all;
    GTlsDatabase *eim_cas; /* (nullable) */
    GHashTable *places;    /* address in lower case → GSocketConnectable */
    GHashTable *names;     /* place in lower case → address that is mapped to it */
    GHashTable *routes;    /* address in lower case, " web" → Route */
    GHashTable *plain;     /* set of addresses in lower case */
    GCancellable *cancellable;
    char *problem;
    guint exchanges, patience;
};

typedef struct {
    Route *route;
    RspCall *call;
    SoupMessage *message;
    GByteArray *body;
} Exchange;

/* TLS -------------------------------------------------------------------------------------------
 */

static RspChainResult
judge (GBytes *der, gpointer data)
{
    Route *route = data;
    if (route->gateway->trusts_all)
        return RSP_CHAIN_OK;
    g_autoptr (RspCert) cert = der ? rsp_cert_parse (der, NULL) : NULL;
    const RspCredential client = {.roots = route->gateway->roots};
    RspChainResult r = rsp_tls_check_server (route->gateway->loop, &client, cert, route->identity);
    g_atomic_int_set (&route->verdict, (gint)r);
    return r;
}

/* The name that the server is asked for is the address's, wherever it is. */
static void
on_network_event (SoupMessage *message, GSocketClientEvent event, GIOStream *connection,
                  gpointer data)
{
    if (event != G_SOCKET_CLIENT_TLS_HANDSHAKING || !G_IS_TLS_CLIENT_CONNECTION (connection))
        return;
    g_autoptr (GSocketConnectable) identity =
        g_network_address_new (g_uri_get_host (soup_message_get_uri (message)), HTTPS_PORT);
    g_tls_client_connection_set_server_identity (G_TLS_CLIENT_CONNECTION (connection), identity);
}

/* Routes ----------------------------------------------------------------------------------------
 */

static void
route_free (gpointer data)
{
    Route *route = data;
    soup_session_abort (route->session);
    g_object_unref (route->session);
    g_free (route->identity);
    g_free (route);
}

/* WEB: by the rules of the web, where eIMs have CAs of their own. */
static Route *
route_to (RspGateway *gateway, const char *address, gboolean web)
{
    g_autofree char *key = g_ascii_strdown (address, -1);
    g_autofree char *name_of_route = g_strconcat (key, web ? " web" : NULL, NULL);
    Route *route = g_hash_table_lookup (gateway->routes, name_of_route);
    if (route)
        return route;
    route = g_new0 (Route, 1);
    route->gateway = gateway;
    const char *name = g_hash_table_lookup (gateway->names, key);
    route->identity = g_strdup (name ? name : address);
    route->session = soup_session_new_with_options (
        "remote-connectable", g_hash_table_lookup (gateway->places, key), "proxy-resolver", NULL,
        "timeout", gateway->patience, "user-agent", "gsma-rsp-lpad", NULL);
    if (web) {
        soup_session_set_tls_database (route->session, gateway->eim_cas);
    } else if (gateway->roots || gateway->trusts_all) {
        g_autoptr (GTlsDatabase) database = rsp_tls_database_new (judge, route);
        soup_session_set_tls_database (route->session, database);
    }
    g_hash_table_insert (gateway->routes, g_steal_pointer (&name_of_route), route);
    return route;
}

/* Exchanges -------------------------------------------------------------------------------------
 */

static void
exchange_free (Exchange *e)
{
    RspGateway *gateway = e->route->gateway;
    rsp_loop_io_end (gateway->loop);
    gateway->exchanges--;
    g_clear_object (&e->message);
    g_byte_array_unref (e->body);
    g_free (e);
}

static void
fail (Exchange *e, const GError *error)
{
    RspGateway *gateway = e->route->gateway;
    RspChainResult verdict = (RspChainResult)g_atomic_int_get (&e->route->verdict);
    RspReplyKind kind = RSP_REPLY_LINK;
    if (verdict != RSP_CHAIN_OK || error->domain == G_TLS_ERROR)
        kind = RSP_REPLY_TLS;
    else if (error->domain == G_RESOLVER_ERROR)
        kind = RSP_REPLY_UNRESOLVED;
    g_free (gateway->problem);
    gateway->problem = verdict != RSP_CHAIN_OK
                           ? g_strdup_printf ("%s: the TLS certificate is refused: %s",
                                              e->route->identity, rsp_chain_result_name (verdict))
                           : g_strdup_printf ("%s: %s", e->route->identity, error->message);
    rsp_call_fail (e->call, kind);
    exchange_free (e);
}

static void read_on (Exchange *e, GInputStream *in);

static void
on_chunk (GObject *source, GAsyncResult *result, gpointer data)
{
    Exchange *e = data;
    GInputStream *in = G_INPUT_STREAM (source);
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) chunk = g_input_stream_read_bytes_finish (in, result, &error);
    RspSlice s = rsp_slice_of (chunk);
    if (chunk && e->body->len + s.len > RSP_MAX_BODY)
        g_set_error (&error, G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE, "the answer is too large");
    if (error) {
        fail (e, error);
    } else if (s.len > 0) {
        g_byte_array_append (e->body, s.data, (guint)s.len);
        read_on (e, in);
    } else {
        g_autoptr (GBytes) body = g_bytes_new (e->body->data, e->body->len);
        rsp_call_reply (e->call, &(RspOutcome){.http = soup_message_get_status (e->message)}, body);
        exchange_free (e);
    }
}

static void
read_on (Exchange *e, GInputStream *in)
{
    g_input_stream_read_bytes_async (in, CHUNK, G_PRIORITY_DEFAULT, e->route->gateway->cancellable,
                                     on_chunk, e);
}

static void
on_head (GObject *session, GAsyncResult *result, gpointer data)
{
    Exchange *e = data;
    g_autoptr (GError) error = NULL;
    g_autoptr (GInputStream) in = soup_session_send_finish (SOUP_SESSION (session), result, &error);
    if (in)
        read_on (e, in);
    else
        fail (e, error);
}

static SoupMessage *
make_request (const RspGateway *gateway, RspCall *call)
{
    const RspFunction *fn = rsp_call_function (call);
    RspEncoding encoding = rsp_call_encoding (call);
    if (!rsp_server_address_valid (rsp_call_address (call)))
        return NULL; /* a URI would have more in it */
    g_autofree char *key = g_ascii_strdown (rsp_call_address (call), -1);
    const char *scheme = g_hash_table_contains (gateway->plain, key) ? "http" : "https";
    g_autofree char *text = g_strdup_printf ("%s://%s%s", scheme, rsp_call_address (call),
                                             rsp_https_path (fn, encoding));
    g_autoptr (GUri) uri = g_uri_parse (text, SOUP_HTTP_URI_FLAGS, NULL);
    SoupMessage *message = uri ? soup_message_new_from_uri (SOUP_METHOD_POST, uri) : NULL;
    if (!message)
        return NULL;
    soup_message_add_flags (message, SOUP_MESSAGE_NO_REDIRECT |
                                         (fn->new_connection ? SOUP_MESSAGE_NEW_CONNECTION : 0));
    rsp_https_ask (message, fn, encoding, rsp_call_body (call));
    g_signal_connect (message, "network-event", G_CALLBACK (on_network_event), NULL);
    return message;
}

static void
serve (RspCall *call, gpointer data)
{
    RspGateway *gateway = data;
    g_autoptr (SoupMessage) message = make_request (gateway, call);
    if (!message) {
        rsp_call_fail (call, RSP_REPLY_UNRESOLVED);
        return;
    }
    Exchange *e = g_new0 (Exchange, 1);
    e->route = route_to (gateway, rsp_call_address (call),
                         gateway->eim_cas && rsp_call_function (call)->interface == RSP_IF_ESIPA);
    e->call = call;
    e->message = g_steal_pointer (&message);
    e->body = g_byte_array_new ();
    g_atomic_int_set (&e->route->verdict, RSP_CHAIN_OK);
    gateway->exchanges++;
    rsp_loop_io_begin (gateway->loop);
    soup_session_send_async (e->route->session, e->message, G_PRIORITY_DEFAULT,
                             gateway->cancellable, on_head, e);
}

/* --- */

RspGateway *
rsp_gateway_new (RspBus *bus, RspLoop *loop, GPtrArray *roots)
{
    RspGateway *gateway = g_new0 (RspGateway, 1);
    gateway->bus = bus;
    gateway->loop = loop;
    gateway->roots = roots ? g_ptr_array_ref (roots) : NULL;
    gateway->places = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
    gateway->names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
    gateway->routes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, route_free);
    gateway->plain = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    gateway->cancellable = g_cancellable_new ();
    gateway->patience = PATIENCE;
    rsp_bus_attach (bus, NAME, serve, gateway);
    rsp_bus_set_gateway (bus, NAME);
    return gateway;
}

void
rsp_gateway_free (RspGateway *gateway)
{
    if (!gateway)
        return;
    g_cancellable_cancel (gateway->cancellable);
    while (gateway->exchanges > 0)
        g_main_context_iteration (rsp_loop_context (gateway->loop), TRUE);
    rsp_bus_set_gateway (gateway->bus, NULL);
    rsp_bus_detach (gateway->bus, NAME);
    g_hash_table_unref (gateway->routes);
    g_hash_table_unref (gateway->places);
    g_hash_table_unref (gateway->names);
    g_hash_table_unref (gateway->plain);
    g_clear_object (&gateway->eim_cas);
    g_clear_pointer (&gateway->roots, g_ptr_array_unref);
    g_object_unref (gateway->cancellable);
    g_free (gateway->problem);
    g_free (gateway);
}

gboolean
rsp_gateway_map (RspGateway *gateway, const char *address, const char *place, GError **error)
{
    GSocketConnectable *where = g_network_address_parse (place, HTTPS_PORT, error);
    if (!where)
        return FALSE;
    g_hash_table_replace (gateway->places, g_ascii_strdown (address, -1), where);
    g_hash_table_replace (gateway->names, g_ascii_strdown (place, -1), g_strdup (address));
    return TRUE;
}

void
rsp_gateway_without_tls (RspGateway *gateway, const char *address)
{
    g_hash_table_add (gateway->plain, g_ascii_strdown (address, -1));
}

gboolean
rsp_gateway_trust_eims (RspGateway *gateway, const char *file, GError **error)
{
    g_autofree char *path = g_canonicalize_filename (file, NULL);
    gateway->eim_cas = g_tls_file_database_new (path, error);
    return gateway->eim_cas != NULL;
}

void
rsp_gateway_trust_all (RspGateway *gateway)
{
    gateway->trusts_all = TRUE;
}

void
rsp_gateway_set_patience (RspGateway *gateway, guint seconds)
{
    gateway->patience = seconds;
}

const char *
rsp_gateway_problem (const RspGateway *gateway)
{
    return gateway->problem;
}
