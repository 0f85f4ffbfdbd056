#include "sim/net/https-private.h"

#include <string.h>

struct _RspDoor {
    RspBus *bus;
    RspLoop *loop;
    char *name;
    RspCredential credential;
    SoupServer *server;
    GHashTable *waiting; /* set of Visit */
};

/* A request that waits for the bus. */
typedef struct {
    RspDoor *door;
    SoupServerMessage *message;
    const RspFunction *function;
    RspEncoding encoding;
    gboolean gone;
} Visit;

static RspChainResult
judge_client (GBytes *der, gpointer data)
{
    const RspDoor *door = data;
    return rsp_tls_check_client (door->loop, &door->credential, der);
}

/* Bodies ------------------------------------------------------------------------------------------
 */

static const char too_large[] = "rsp-too-large";

gboolean
rsp_https_is_too_large (SoupServerMessage *message)
{
    return g_object_get_data (G_OBJECT (message), too_large) != NULL;
}

/* The rest is read, so that the client gets its answer, but not kept. */
static void
refuse_body (SoupServerMessage *message)
{
    SoupMessageBody *body = soup_server_message_get_request_body (message);
    g_object_set_data (G_OBJECT (message), too_large, GINT_TO_POINTER (1));
    soup_message_body_set_accumulate (body, FALSE);
    soup_message_body_truncate (body);
}

static void
on_headers (SoupServerMessage *message, gpointer data)
{
    goffset length =
        soup_message_headers_get_content_length (soup_server_message_get_request_headers (message));
    if (length < 0 || length > RSP_MAX_BODY)
        refuse_body (message);
}

static void
on_chunk (SoupServerMessage *message, GBytes *chunk, gpointer data)
{
    static const char count[] = "rsp-received";
    gsize received = GPOINTER_TO_SIZE (g_object_get_data (G_OBJECT (message), count));
    received += g_bytes_get_size (chunk);
    g_object_set_data (G_OBJECT (message), count, GSIZE_TO_POINTER (received));
    if (received > RSP_MAX_BODY && !rsp_https_is_too_large (message))
        refuse_body (message);
}

static void
on_started (SoupServer *server, SoupServerMessage *message, gpointer data)
{
    g_signal_connect (message, "got-headers", G_CALLBACK (on_headers), NULL);
    g_signal_connect (message, "got-chunk", G_CALLBACK (on_chunk), NULL);
    /* Before 3.3 SoupServer keeps for ever what a client has closed: a visit, a connection. */
    if (!soup_check_version (3, 3, 0))
        soup_message_headers_replace (soup_server_message_get_response_headers (message),
                                      "Connection", "close");
}

void
rsp_https_bound_bodies (SoupServer *server)
{
    g_signal_connect (server, "request-started", G_CALLBACK (on_started), NULL);
}

/* Visits ------------------------------------------------------------------------------------------
 */

static void
visit_free (gpointer data)
{
    Visit *visit = data;
    g_signal_handlers_disconnect_by_data (visit->message, visit);
    g_object_unref (visit->message);
    g_free (visit);
}

static void
on_gone (SoupServerMessage *message, gpointer data)
{
    ((Visit *)data)->gone = TRUE;
}

static void
answer (Visit *visit, guint status, GBytes *body)
{
    if (!visit->gone) {
        rsp_https_answer (visit->message, visit->function, visit->encoding, status, body);
        soup_server_message_unpause (visit->message);
    }
    g_hash_table_remove (visit->door->waiting, visit);
}

static void
on_reply (const RspReply *reply, gpointer data)
{
    switch (reply->kind) {
    case RSP_REPLY_OK:
        answer (data, reply->http, reply->body);
        return;
    case RSP_REPLY_TIMEOUT:
        answer (data, SOUP_STATUS_GATEWAY_TIMEOUT, NULL);
        return;
    case RSP_REPLY_LINK:
    case RSP_REPLY_UNRESOLVED:
    case RSP_REPLY_TLS:
        answer (data, SOUP_STATUS_BAD_GATEWAY, NULL);
        return;
    }
    g_assert_not_reached ();
}

/* "gsma/rsp/v2.1.0" */
static gboolean
is_admin_protocol (const char *value)
{
    static const char prefix[] = "gsma/rsp/v";
    return value && g_str_has_prefix (value, prefix) && g_ascii_isdigit (value[sizeof prefix - 1]);
}

/* What the request asks for, and in which binding. FUNCTION NULL: STATUS refuses it. */
typedef struct {
    const RspFunction *function;
    RspEncoding encoding;
    guint status;
} Asked;

static Asked
refused (guint status)
{
    return (Asked){NULL, RSP_ENC_RAW, status};
}

/* Of the ASN.1 binding the body tells which function it is. */
static Asked
asked_in_asn1 (SoupServerMessage *message, GBytes *body)
{
    SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);
    gsize len = 0;
    const guint8 *octets = g_bytes_get_data (body, &len);
    if (!is_admin_protocol (soup_message_headers_get_one (headers, "X-Admin-Protocol")))
        return refused (SOUP_STATUS_BAD_REQUEST);
    const RspFunction *fn = rsp_function_by_asn1 (octets, len);
    return fn ? (Asked){fn, RSP_ENC_DER, 0} : refused (SOUP_STATUS_BAD_REQUEST);
}

static Asked
asked_for (SoupServerMessage *message, const char *path, guint interfaces, GBytes *body)
{
    gboolean asn1 = g_strcmp0 (path, RSP_ASN1_PATH) == 0;
    RspEncoding encoding = asn1 ? RSP_ENC_DER : RSP_ENC_JSON;
    const RspFunction *fn = path && !asn1 ? rsp_function_by_path (path, interfaces) : NULL;
    if (!asn1 && (!fn || fn->binding != RSP_BINDING_HTTP))
        return refused (SOUP_STATUS_NOT_FOUND);
    if (strcmp (soup_server_message_get_method (message), "POST") != 0) {
        soup_message_headers_replace (soup_server_message_get_response_headers (message), "Allow",
                                      "POST");
        return refused (SOUP_STATUS_METHOD_NOT_ALLOWED);
    }
    const char *type = soup_message_headers_get_content_type (
        soup_server_message_get_request_headers (message), NULL);
    const char *protocol = soup_message_headers_get_one (
        soup_server_message_get_request_headers (message), "X-Admin-Protocol");
    if (!type || g_ascii_strcasecmp (type, rsp_https_content_type (encoding)) != 0)
        return refused (SOUP_STATUS_UNSUPPORTED_MEDIA_TYPE);
    if (protocol && !is_admin_protocol (protocol))
        return refused (SOUP_STATUS_BAD_REQUEST);
    if (rsp_https_is_too_large (message))
        return refused (SOUP_STATUS_REQUEST_ENTITY_TOO_LARGE);
    return asn1 ? asked_in_asn1 (message, body) : (Asked){fn, RSP_ENC_JSON, 0};
}

static void
on_request (SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query,
            gpointer data)
{
    RspDoor *door = data;
    g_autoptr (GBytes) body =
        rsp_https_is_too_large (message)
            ? NULL
            : soup_message_body_flatten (soup_server_message_get_request_body (message));
    Asked asked = asked_for (message, path, rsp_bus_interfaces (door->bus, door->name), body);
    if (!asked.function) {
        rsp_https_answer (message, NULL, RSP_ENC_RAW, asked.status, NULL);
        return;
    }
    GTlsCertificate *peer = soup_server_message_get_tls_peer_certificate (message);
    g_autoptr (GBytes) client =
        peer && rsp_interface_is_mutual (asked.function->interface) ? rsp_tls_der (peer) : NULL;
    const char *host =
        soup_message_headers_get_one (soup_server_message_get_request_headers (message), "Host");

    Visit *visit = g_new0 (Visit, 1);
    visit->door = door;
    visit->function = asked.function;
    visit->encoding = asked.encoding;
    visit->message = g_object_ref (message);
    g_signal_connect (message, "disconnected", G_CALLBACK (on_gone), visit);
    g_hash_table_add (door->waiting, visit);
    soup_server_message_pause (message);
    RspCallOptions options = {.asn1 = asked.encoding == RSP_ENC_DER};
    rsp_bus_call_through (door->bus, "outside", client, door->name, host ? host : door->name,
                          asked.function, body, &options, on_reply, visit);
}

RspDoor *
rsp_door_open (RspBus *bus, RspLoop *loop, const char *name, const RspCredential *credential,
               guint port, guint *ret_port, GError **error)
{
    RspDoor *door = g_new0 (RspDoor, 1);
    door->bus = bus;
    door->loop = loop;
    door->name = g_strdup (name);
    door->waiting = g_hash_table_new_full (NULL, NULL, visit_free, NULL);
    if (credential) {
        door->credential = *credential;
        if (credential->cert)
            rsp_cert_ref (credential->cert);
        if (credential->roots)
            g_ptr_array_ref (credential->roots);
        if (credential->clients)
            g_ptr_array_ref (credential->clients);
    }
    door->server = rsp_https_listen (&door->credential, port, judge_client, door, ret_port, error);
    if (!door->server) {
        rsp_door_close (door);
        return NULL;
    }
    rsp_https_bound_bodies (door->server);
    soup_server_add_handler (door->server, NULL, on_request, door, NULL);
    return door;
}

void
rsp_door_close (RspDoor *door)
{
    if (!door)
        return;
    GHashTableIter iter;
    gpointer visit;
    g_hash_table_iter_init (&iter, door->waiting);
    while (g_hash_table_iter_next (&iter, &visit, NULL))
        rsp_bus_disown (door->bus, visit);
    if (door->server) {
        soup_server_disconnect (door->server);
        g_object_unref (door->server);
    }
    g_hash_table_unref (door->waiting);
    g_clear_pointer (&door->credential.cert, rsp_cert_unref);
    g_clear_pointer (&door->credential.roots, g_ptr_array_unref);
    g_clear_pointer (&door->credential.clients, g_ptr_array_unref);
    g_free (door->name);
    g_free (door);
}
