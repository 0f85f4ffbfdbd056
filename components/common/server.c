/* Dispatch: decoding, the server's handler, repeats, the answer. */
#include "components/common/server.h"

#include <string.h>

RspServes
rsp_served_by (const RspServed *table, guint function)
{
    while (table->handler && table->id != function)
        table++;
    return table->handler;
}

static void
reply_failed (RspCall *call, RspStatus status)
{
    g_autoptr (GBytes) body =
        rsp_fields_encode_failed_as (rsp_call_function (call), rsp_call_encoding (call), status);
    RspOutcome outcome = {.http = 200, .subject = status.subject, .reason = status.reason};
    rsp_call_reply (call, &outcome, body);
}

/* The store refused to commit: nothing has changed, and the caller is told so. */
static void
reply_store_error (RspServer *server, RspCall *call, const GError *error)
{
    if (server->failed)
        server->failed (server->self);
    if (rsp_trace_active (server->actor->trace)) {
        RspTraceEvent event = {.kind = RSP_TRACE_STORE,
                               .src = server->actor->name,
                               .op = "commit",
                               .result = error->message};
        rsp_trace_event (server->actor->trace, &event);
    }
    g_autofree char *message = g_strdup_printf ("execution error: %s", error->message);
    reply_failed (call, RSP_FAILED (server->kind->entity, "4.2", message));
}

static RspSession *
find_session (RspServer *server, RspRequest *r)
{
    GBytes *id = rsp_fields_bytes (r->in, "transactionId");
    return id ? rsp_session_find (server, rsp_slice_of (id)) : NULL;
}

/* Function and octets, into r->hash. */
static void
hash_request (RspRequest *r)
{
    RspSlice parts[] = {RSP_SLICE (r->fn->name, strlen (r->fn->name)),
                        rsp_slice_of (rsp_call_body (r->call))};
    rsp_sha256 (parts, G_N_ELEMENTS (parts), r->hash);
}

/* The same octets again in the same step: the same answer, and nothing counted twice. */
static gboolean
answer_repeat (RspServer *server, RspRequest *r)
{
    RspSession *s = r->session;
    if (!s)
        return FALSE;
    hash_request (r);
    if (!s->reply || memcmp (s->request_hash, r->hash, sizeof r->hash) != 0)
        return FALSE;
    rsp_session_touch (server, s);
    RspOutcome outcome = {.http = 200};
    g_autoptr (GBytes) body = g_bytes_ref (s->reply);
    rsp_call_reply (r->call, &outcome, body);
    return TRUE;
}

static void
reply_ok (RspRequest *r, gboolean empty)
{
    g_autoptr (GBytes) body = empty ? NULL
                              : r->earlier
                                  ? g_bytes_ref (r->earlier)
                                  : rsp_fields_encode_as (r->out, rsp_call_encoding (r->call));
    if (r->session && body && !r->end_session) {
        memcpy (r->session->request_hash, r->hash, sizeof r->hash);
        g_clear_pointer (&r->session->reply, g_bytes_unref);
        r->session->reply = g_bytes_ref (body);
    }
    RspOutcome outcome = {.http = empty ? 204 : 200};
    rsp_call_reply (r->call, &outcome, body);
}

static void
request_free (gpointer data)
{
    RspRequest *r = data;
    g_clear_pointer (&r->in, rsp_fields_free);
    g_clear_pointer (&r->out, rsp_fields_free);
    g_clear_pointer (&r->earlier, g_bytes_unref);
    g_free (r);
}

static void
conclude (RspServer *server, RspRequest *r, RspStatus status, const GError *error)
{
    if (error)
        reply_store_error (server, r->call, error);
    else if (status.subject)
        reply_failed (r->call, status);
    else
        reply_ok (r, !r->fn->response_members);
    if (r->session && r->end_session && !error)
        rsp_session_end (server, r->session);
    if (server->answered)
        server->answered (server->self);
}

/* Takes R unless it is deferred. */
static void
run_handler (RspServer *server, RspRequest *r)
{
    g_autoptr (GError) error = NULL;
    RspHandler handle = (RspHandler)rsp_served_by (server->served, r->fn->id);
    RspStatus status = handle (server->self, r, &error);
    if (r->deferred && !error)
        return;
    conclude (server, r, status, error);
    if (r->deferred)
        g_hash_table_remove (server->deferred, r);
    else
        request_free (r);
}

void
rsp_request_defer (RspServer *server, RspRequest *r)
{
    r->deferred = TRUE;
    g_hash_table_add (server->deferred, r);
}

void
rsp_request_finish (RspServer *server, RspRequest *r, RspStatus status, const GError *error)
{
    conclude (server, r, status, error);
    g_hash_table_remove (server->deferred, r);
}

void
rsp_request_rerun (RspServer *server, RspRequest *r)
{
    g_hash_table_steal (server->deferred, r);
    r->deferred = FALSE;
    run_handler (server, r);
}

static void
serve (RspCall *call, gpointer data)
{
    RspServer *server = data;
    const RspFunction *fn = rsp_call_function (call);
    g_autoptr (GError) error = NULL;
    if (!rsp_served_by (server->served, fn->id)) {
        g_autofree char *message = g_strdup_printf ("not supported: %s", fn->full_name);
        reply_failed (call, RSP_FAILED ("1.6", "2.1", message));
        return;
    }
    g_autoptr (RspFields) in = rsp_fields_decode_as (fn, RSP_LEG_REQUEST, rsp_call_encoding (call),
                                                     rsp_call_body (call), &error);
    if (!in) {
        gboolean missing = g_error_matches (error, RSP_FIELDS_ERROR, RSP_FIELDS_ERROR_MISSING);
        g_autofree char *message = rsp_escape_text (error->message, -1, 200);
        reply_failed (call, RSP_FAILED ("1.6", missing ? "2.2" : "2.1", message));
        return;
    }
    RspRequest *r = g_new0 (RspRequest, 1);
    r->call = call;
    r->fn = fn;
    r->in = g_steal_pointer (&in);
    r->out = rsp_fields_new (fn, RSP_LEG_RESPONSE);
    r->session = find_session (server, r);
    if (r->session)
        rsp_call_set_transaction_id (call, r->session->text);
    if (answer_repeat (server, r))
        request_free (r);
    else
        run_handler (server, r);
}

/* Host names compare without case, and a lab address may carry a port. */
static gboolean
same_host (const char *given, const char *mine)
{
    gsize n = strlen (mine);
    if (g_ascii_strncasecmp (given, mine, n) != 0)
        return FALSE;
    if (given[n] == '\0')
        return TRUE;
    gsize digits = given[n] == ':' ? strspn (given + n + 1, "0123456789") : 0;
    return digits >= 1 && digits <= 5 && given[n + 1 + digits] == '\0';
}

gboolean
rsp_server_is_mine (const RspServer *server, const char *address)
{
    for (guint i = 0; i < server->addresses->len; i++)
        if (same_host (address, server->addresses->pdata[i]))
            return TRUE;
    return FALSE;
}

void
rsp_server_add_address (RspServer *server, const char *address)
{
    g_ptr_array_add (server->addresses, g_strdup (address));
    rsp_bus_add_address (server->actor->bus, address, server->actor->name);
}

void
rsp_server_init (RspServer *server, const char *fqdn, const char *const *aliases)
{
    static const guint8 none[3], lowest[3] = {2, 0, 0}, highest[3] = {2, 255, 255};
    if (memcmp (server->svn_min, none, 3) == 0)
        memcpy (server->svn_min, lowest, 3);
    if (memcmp (server->svn_max, none, 3) == 0)
        memcpy (server->svn_max, highest, 3);
    server->rng_transaction = rsp_actor_rng (server->actor, "transaction");
    server->rng_challenge = rsp_actor_rng (server->actor, "challenge");
    server->addresses = g_ptr_array_new_with_free_func (g_free);
    rsp_sessions_init (server);
    server->deferred = g_hash_table_new_full (NULL, NULL, request_free, NULL);
    rsp_bus_set_interfaces (server->actor->bus, server->actor->name, server->kind->interfaces);
    rsp_bus_attach (server->actor->bus, server->actor->name, serve, server);
    rsp_server_add_address (server, fqdn);
    for (guint i = 0; aliases && aliases[i]; i++)
        rsp_server_add_address (server, aliases[i]);
}

void
rsp_server_clear (RspServer *server)
{
    rsp_bus_detach (server->actor->bus, server->actor->name);
    rsp_sessions_clear (server);
    g_hash_table_destroy (server->deferred);
    rsp_rng_free (server->rng_transaction);
    rsp_rng_free (server->rng_challenge);
    g_ptr_array_unref (server->addresses);
}
