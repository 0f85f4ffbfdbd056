/* A door for management beside the protocol: requests with a bearer token go to one function. */
#include "sim/net/https-private.h"

#include <string.h>

struct _RspManageDoor {
    SoupServer *server;
    char *token; /* NULL: everybody may */
    RspManageFunc func;
    gpointer data;
};

static RspChainResult
judge_nobody (GBytes *der G_GNUC_UNUSED, gpointer data G_GNUC_UNUSED)
{
    return RSP_CHAIN_OK;
}

static gboolean
is_allowed (const RspManageDoor *door, SoupServerMessage *message)
{
    static const char scheme[] = "Bearer ";
    if (!door->token)
        return TRUE;
    const char *value = soup_message_headers_get_one (
        soup_server_message_get_request_headers (message), "Authorization");
    if (!value || g_ascii_strncasecmp (value, scheme, strlen (scheme)) != 0)
        return FALSE;
    value += strlen (scheme);
    return rsp_slice_equal_ct (RSP_SLICE (value, strlen (value)),
                               RSP_SLICE (door->token, strlen (door->token)));
}

static gboolean
is_json (SoupServerMessage *message)
{
    const char *type = soup_message_headers_get_content_type (
        soup_server_message_get_request_headers (message), NULL);
    return g_strcmp0 (type, "application/json") == 0;
}

static void
on_request (SoupServer *server G_GNUC_UNUSED, SoupServerMessage *message, const char *path,
            GHashTable *query G_GNUC_UNUSED, gpointer data)
{
    const RspManageDoor *door = data;
    if (!is_allowed (door, message)) {
        soup_message_headers_replace (soup_server_message_get_response_headers (message),
                                      "WWW-Authenticate", "Bearer");
        soup_server_message_set_status (message, SOUP_STATUS_UNAUTHORIZED, NULL);
        return;
    }
    if (rsp_https_is_too_large (message)) {
        soup_server_message_set_status (message, SOUP_STATUS_REQUEST_ENTITY_TOO_LARGE, NULL);
        return;
    }
    const char *method = soup_server_message_get_method (message);
    if (!door->token && strcmp (method, "POST") == 0 && !is_json (message)) {
        soup_server_message_set_status (message, SOUP_STATUS_UNSUPPORTED_MEDIA_TYPE, NULL);
        return;
    }
    g_autoptr (GBytes) body =
        soup_message_body_flatten (soup_server_message_get_request_body (message));
    g_autoptr (GBytes) answer = NULL;
    g_autofree char *location = NULL;
    guint status = door->func (method, path ? path : "/", body, &answer, &location, door->data);
    soup_server_message_set_status (message, status, NULL);
    if (location)
        soup_message_headers_replace (soup_server_message_get_response_headers (message),
                                      "Location", location);
    if (answer) {
        gsize len = 0;
        const char *text = g_bytes_get_data (answer, &len);
        soup_server_message_set_response (message, "application/json", SOUP_MEMORY_COPY, text, len);
    }
}

RspManageDoor *
rsp_manage_door_open (const RspCredential *credential, const char *token, guint port,
                      RspManageFunc func, gpointer data, guint *ret_port, GError **error)
{
    RspManageDoor *door = g_new0 (RspManageDoor, 1);
    RspCredential own = {.cert = credential ? credential->cert : NULL,
                         .key = credential ? credential->key : NULL};
    door->token = g_strdup (token);
    door->func = func;
    door->data = data;
    door->server = rsp_https_listen (&own, port, judge_nobody, NULL, ret_port, error);
    if (!door->server) {
        rsp_manage_door_close (door);
        return NULL;
    }
    rsp_https_bound_bodies (door->server);
    soup_server_add_handler (door->server, NULL, on_request, door, NULL);
    return door;
}

void
rsp_manage_door_close (RspManageDoor *door)
{
    if (!door)
        return;
    if (door->server) {
        soup_server_disconnect (door->server);
        g_object_unref (door->server);
    }
    if (door->token)
        rsp_wipe (door->token, strlen (door->token));
    g_free (door->token);
    g_free (door);
}
