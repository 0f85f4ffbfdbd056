/* Life, configuration, stock, and dispatch: one row a function, one handler a row. */
#include "components/smdpp/smdpp-private.h"

#include <string.h>

static const struct {
    RspFunctionId id;
    RspHandler handler;
    gboolean empty_reply; /* 204 once the request could be decoded */
} handlers[] = {
    {RSP_FN_ES2P_DOWNLOAD_ORDER, rsp_es2p_download_order, FALSE},
    {RSP_FN_ES2P_CONFIRM_ORDER, rsp_es2p_confirm_order, FALSE},
    {RSP_FN_ES2P_CANCEL_ORDER, rsp_es2p_cancel_order, FALSE},
    {RSP_FN_ES2P_RELEASE_PROFILE, rsp_es2p_release_profile, FALSE},
    {RSP_FN_ES9P_INITIATE_AUTHENTICATION, rsp_es9p_initiate_authentication, FALSE},
    {RSP_FN_ES9P_AUTHENTICATE_CLIENT, rsp_es9p_authenticate_client, FALSE},
    {RSP_FN_ES9P_GET_BOUND_PROFILE_PACKAGE, rsp_es9p_get_bound_profile_package, FALSE},
    {RSP_FN_ES9P_CANCEL_SESSION, rsp_es9p_cancel_session, FALSE},
    {RSP_FN_ES9P_HANDLE_NOTIFICATION, rsp_es9p_handle_notification, TRUE},
};

static void
reply_failed (RspCall *call, RspStatus status)
{
    g_autoptr (GBytes) body = rsp_fields_encode_failed (status);
    RspOutcome outcome = {.http = 200, .subject = status.subject, .reason = status.reason};
    rsp_call_reply (call, &outcome, body);
}

/* The store refused to commit: nothing has changed, and the caller is told so. */
static void
reply_store_error (RspSmdpp *dp, RspCall *call, const GError *error)
{
    rsp_order_rollback (dp);
    if (rsp_trace_active (dp->actor->trace)) {
        RspTraceEvent event = {.kind = RSP_TRACE_STORE,
                               .src = dp->actor->name,
                               .op = "commit",
                               .result = error->message};
        rsp_trace_event (dp->actor->trace, &event);
    }
    g_autofree char *message = g_strdup_printf ("execution error: %s", error->message);
    reply_failed (call, RSP_FAILED ("8.8", "4.2", message));
}

static RspSession *
find_session (RspSmdpp *dp, RspRequest *r)
{
    GBytes *id = rsp_fields_bytes (r->in, "transactionId");
    return id ? rsp_session_find (dp, rsp_slice_of (id)) : NULL;
}

/* Function and octets. */
void
rsp_request_hash (RspRequest *r)
{
    RspSlice parts[] = {RSP_SLICE (r->fn->name, strlen (r->fn->name)),
                        rsp_slice_of (rsp_call_body (r->call))};
    rsp_sha256 (parts, G_N_ELEMENTS (parts), r->hash);
}

/* The same octets again in the same step: the same answer, and nothing counted twice. */
static gboolean
answer_repeat (RspSmdpp *dp, RspRequest *r)
{
    RspSession *s = r->session;
    if (!s)
        return FALSE;
    rsp_request_hash (r);
    if (!s->reply || memcmp (s->request_hash, r->hash, sizeof r->hash) != 0)
        return FALSE;
    rsp_session_touch (dp, s);
    RspOutcome outcome = {.http = 200};
    g_autoptr (GBytes) body = g_bytes_ref (s->reply);
    rsp_call_reply (r->call, &outcome, body);
    return TRUE;
}

static void
reply_ok (RspRequest *r, gboolean empty)
{
    g_autoptr (GBytes) body = empty        ? NULL
                              : r->earlier ? g_bytes_ref (r->earlier)
                                           : rsp_fields_encode (r->out);
    if (r->session && body && !r->end_session) {
        memcpy (r->session->request_hash, r->hash, sizeof r->hash);
        g_clear_pointer (&r->session->reply, g_bytes_unref);
        r->session->reply = g_bytes_ref (body);
    }
    RspOutcome outcome = {.http = empty ? 204 : 200};
    rsp_call_reply (r->call, &outcome, body);
}

static void
run_handler (RspSmdpp *dp, RspRequest *r, RspHandler handler, gboolean empty)
{
    g_autoptr (GError) error = NULL;
    RspStatus status = handler (dp, r, &error);
    if (error)
        reply_store_error (dp, r->call, error);
    else if (status.subject)
        reply_failed (r->call, status);
    else
        reply_ok (r, empty);
    if (r->session && r->end_session && !error)
        rsp_session_end (dp, r->session);
    g_clear_pointer (&r->earlier, g_bytes_unref);
    rsp_progress_send (dp);
}

static void
serve (RspCall *call, gpointer data)
{
    RspSmdpp *dp = data;
    const RspFunction *fn = rsp_call_function (call);
    guint row = 0;
    while (row < G_N_ELEMENTS (handlers) && handlers[row].id != (RspFunctionId)fn->id)
        row++;
    if (row == G_N_ELEMENTS (handlers)) {
        g_autofree char *message = g_strdup_printf ("not supported: %s", fn->full_name);
        reply_failed (call, RSP_FAILED ("1.6", "2.1", message));
        return;
    }
    g_autoptr (GError) error = NULL;
    g_autoptr (RspFields) in =
        rsp_fields_decode (fn, RSP_LEG_REQUEST, rsp_call_body (call), &error);
    if (!in) {
        gboolean missing = g_error_matches (error, RSP_FIELDS_ERROR, RSP_FIELDS_ERROR_MISSING);
        g_autofree char *message = rsp_escape_text (error->message, -1, 200);
        reply_failed (call, RSP_FAILED ("1.6", missing ? "2.2" : "2.1", message));
        return;
    }
    g_autoptr (RspFields) out = rsp_fields_new (fn, RSP_LEG_RESPONSE);
    RspRequest r = {.call = call, .fn = fn, .in = in, .out = out};
    r.session = find_session (dp, &r);
    if (r.session)
        rsp_call_set_transaction_id (call, r.session->text);
    if (!answer_repeat (dp, &r))
        run_handler (dp, &r, handlers[row].handler, handlers[row].empty_reply);
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
rsp_smdpp_is_mine (const RspSmdpp *dp, const char *address)
{
    for (guint i = 0; i < dp->addresses->len; i++)
        if (same_host (address, dp->addresses->pdata[i]))
            return TRUE;
    return FALSE;
}

static void
copy_config (RspSmdpp *dp, const RspSmdppConfig *config)
{
    RspSmdppConfig *c = &dp->config;
    *c = *config;
    c->fqdn = c->state_path = NULL;
    c->aliases = NULL;
    dp->addresses = g_ptr_array_new_with_free_func (g_free);
    dp->own_address = g_strdup (config->fqdn);
    g_ptr_array_add (dp->addresses, g_strdup (config->fqdn));
    for (guint i = 0; config->aliases && config->aliases[i]; i++)
        g_ptr_array_add (dp->addresses, g_strdup (config->aliases[i]));
    c->default_operator = g_strdup (config->default_operator);
    c->auth_cert = rsp_cert_ref (config->auth_cert);
    c->pb_cert = rsp_cert_ref (config->pb_cert);
    c->roots = g_ptr_array_ref (config->roots);
    if (c->attempt_limit == 0)
        c->attempt_limit = 10;
    if (c->cc_limit == 0)
        c->cc_limit = 3;
    if (c->session_timeout <= 0)
        c->session_timeout = 600 * G_USEC_PER_SEC;
    if (c->segment_size == 0 || c->segment_size > RSP_BSP_MAX_PLAIN_ENC)
        c->segment_size = RSP_BSP_MAX_PLAIN_ENC;
    static const guint8 none[3], lowest[3] = {2, 0, 0}, highest[3] = {2, 255, 255};
    if (memcmp (c->svn_min, none, 3) == 0)
        memcpy (c->svn_min, lowest, 3);
    if (memcmp (c->svn_max, none, 3) == 0)
        memcpy (c->svn_max, highest, 3);
}

static void
clear_config (RspSmdpp *dp)
{
    RspSmdppConfig *c = &dp->config;
    g_free ((char *)c->default_operator);
    g_ptr_array_unref (dp->addresses);
    g_free (dp->own_address);
    rsp_cert_unref (c->auth_cert);
    rsp_cert_unref (c->pb_cert);
    g_ptr_array_unref (c->roots);
}

void
rsp_smdpp_add_address (RspSmdpp *dp, const char *address)
{
    if (strcmp (dp->own_address, dp->addresses->pdata[0]) == 0) {
        g_free (dp->own_address);
        dp->own_address = g_strdup (address);
    }
    g_ptr_array_add (dp->addresses, g_strdup (address));
    rsp_bus_add_address (dp->actor->bus, address, dp->actor->name);
}

RspSmdpp *
rsp_smdpp_new (const RspActor *actor, const RspSmdppConfig *config, GError **error)
{
    g_return_val_if_fail (config->fqdn && config->auth_cert && config->pb_cert && config->roots,
                          NULL);
    g_autoptr (RspStore) store =
        rsp_store_open (config->state_path, RSP_SMDPP_SCHEMA_VERSION, rsp_smdpp_schema, error);
    if (!store)
        return NULL;
    RspSmdpp *dp = g_new0 (RspSmdpp, 1);
    dp->actor = actor;
    dp->store = g_steal_pointer (&store);
    copy_config (dp, config);
    dp->auth_oid = g_strdup (rsp_cert_oid (config->auth_cert));
    dp->pb_oid = g_strdup (rsp_cert_oid (config->pb_cert));
    dp->rng_transaction = rsp_actor_rng (actor, "transaction");
    dp->rng_challenge = rsp_actor_rng (actor, "challenge");
    dp->rng_key = rsp_actor_rng (actor, "one-time key");
    dp->rng_matching = rsp_actor_rng (actor, "matching id");
    rsp_smdpp_sessions_init (dp);
    rsp_bus_attach (actor->bus, actor->name, serve, dp);
    if (!rsp_orders_open (dp, error) || !rsp_progress_open (dp, error)) {
        rsp_smdpp_free (dp);
        return NULL;
    }
    for (guint i = 0; i < dp->addresses->len; i++)
        rsp_bus_add_address (actor->bus, dp->addresses->pdata[i], actor->name);
    return dp;
}

void
rsp_smdpp_free (RspSmdpp *dp)
{
    if (!dp)
        return;
    rsp_bus_detach (dp->actor->bus, dp->actor->name);
    rsp_progress_close (dp);
    rsp_smdpp_sessions_clear (dp);
    rsp_store_free (dp->store);
    rsp_rng_free (dp->rng_transaction);
    rsp_rng_free (dp->rng_challenge);
    rsp_rng_free (dp->rng_key);
    rsp_rng_free (dp->rng_matching);
    clear_config (dp);
    g_free (dp->auth_oid);
    g_free (dp->pb_oid);
    g_free (dp);
}
