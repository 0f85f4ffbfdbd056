/* Life, configuration, stock, and the functions that it serves. */
#include "components/smdpp/smdpp-private.h"

#include <string.h>

static const RspServed served[] = {
    RSP_SERVED (ES2P_DOWNLOAD_ORDER, rsp_es2p_download_order),
    RSP_SERVED (ES2P_CONFIRM_ORDER, rsp_es2p_confirm_order),
    RSP_SERVED (ES2P_CANCEL_ORDER, rsp_es2p_cancel_order),
    RSP_SERVED (ES2P_RELEASE_PROFILE, rsp_es2p_release_profile),
    RSP_SERVED (ES9P_INITIATE_AUTHENTICATION, rsp_es9p_initiate_authentication),
    RSP_SERVED (ES9P_AUTHENTICATE_CLIENT, rsp_es9p_authenticate_client),
    RSP_SERVED (ES9P_GET_BOUND_PROFILE_PACKAGE, rsp_es9p_get_bound_profile_package),
    RSP_SERVED (ES9P_CANCEL_SESSION, rsp_es9p_cancel_session),
    RSP_SERVED (ES9P_HANDLE_NOTIFICATION, rsp_es9p_handle_notification),
    {0},
};

static void
failed (gpointer self)
{
    rsp_order_rollback (self);
}

static void
answered (gpointer self)
{
    RspSmdpp *dp = self;
    rsp_progress_send (dp);
    rsp_events_send (dp->events);
}

/* --- one live session an order --- */

static void
session_ended (gpointer self, RspSession *base)
{
    RspSmdpp *dp = self;
    RspDpSession *s = (RspDpSession *)base;
    if (s->iccid && g_hash_table_lookup (dp->by_iccid, s->iccid) == s)
        g_hash_table_remove (dp->by_iccid, s->iccid);
    g_clear_pointer (&s->iccid, g_free);
}

void
rsp_smdpp_claim (RspSmdpp *dp, RspDpSession *session, const RspOrder *order)
{
    rsp_smdpp_end_session_of (dp, order->iccid);
    session->iccid = g_strdup (order->iccid);
    session->serial = order->serial;
    g_hash_table_insert (dp->by_iccid, session->iccid, session);
}

void
rsp_smdpp_end_session_of (RspSmdpp *dp, const char *iccid)
{
    RspDpSession *s = g_hash_table_lookup (dp->by_iccid, iccid);
    if (s)
        rsp_session_end (&dp->server, &s->base);
}

guint
rsp_smdpp_live_sessions (RspSmdpp *dp)
{
    return g_hash_table_size (dp->server.sessions);
}

/* --- life --- */

static void
copy_config (RspSmdpp *dp, const RspSmdppConfig *config)
{
    RspSmdppConfig *c = &dp->config;
    *c = *config;
    c->fqdn = c->state_path = NULL;
    c->aliases = NULL;
    dp->own_address = g_strdup (config->fqdn);
    c->default_operator = g_strdup (config->default_operator);
    c->identities = g_memdup2 (config->identities, config->n_identities * sizeof *c->identities);
    for (guint i = 0; i < c->n_identities; i++) {
        rsp_cert_ref (c->identities[i].auth_cert);
        rsp_cert_ref (c->identities[i].pb_cert);
    }
    c->roots = g_ptr_array_ref (config->roots);
    if (c->attempt_limit == 0)
        c->attempt_limit = 10;
    if (c->cc_limit == 0)
        c->cc_limit = 3;
    if (c->session_timeout <= 0)
        c->session_timeout = 600 * G_USEC_PER_SEC;
    if (c->segment_size == 0 || c->segment_size > RSP_BSP_MAX_PLAIN_ENC)
        c->segment_size = RSP_BSP_MAX_PLAIN_ENC;
}

static void
clear_config (RspSmdpp *dp)
{
    RspSmdppConfig *c = &dp->config;
    g_free ((char *)c->default_operator);
    g_free (dp->own_address);
    for (guint i = 0; i < c->n_identities; i++) {
        rsp_cert_unref (c->identities[i].auth_cert);
        rsp_cert_unref (c->identities[i].pb_cert);
    }
    g_free ((gpointer)c->identities);
    g_ptr_array_unref (c->roots);
}

void
rsp_smdpp_add_address (RspSmdpp *dp, const char *address)
{
    if (strcmp (dp->own_address, dp->server.addresses->pdata[0]) == 0) {
        g_free (dp->own_address);
        dp->own_address = g_strdup (address);
    }
    rsp_server_add_address (&dp->server, address);
}

static const RspServerKind kind = {
    .interfaces = 1u << RSP_IF_ES2P | 1u << RSP_IF_ES9P,
    .entity = "8.8",
    .key_name = "SK.DPauth",
    .address = {"8.8.1", "3.8", "not the address of this SM-DP+"},
    .version = {"8.8.3", "3.1", "eUICC version not supported"},
    .ci = {"8.8.2", "3.1", "no proposed CI key is supported"},
    .certificate = {"8.8.4", "3.7", "no CERT.DPauth under a CI that the eUICC knows"}};

static void
start_server (RspSmdpp *dp, const RspSmdppConfig *config)
{
    dp->server = (RspServer){.kind = &kind,
                             .actor = dp->actor,
                             .self = dp,
                             .served = served,
                             .failed = failed,
                             .answered = answered,
                             .session_ended = session_ended,
                             .session_size = sizeof (RspDpSession),
                             .session_timeout = dp->config.session_timeout,
                             .identities = dp->config.identities,
                             .n_identities = dp->config.n_identities,
                             .roots = dp->config.roots};
    memcpy (dp->server.svn_min, config->svn_min, 3);
    memcpy (dp->server.svn_max, config->svn_max, 3);
    rsp_server_init (&dp->server, config->fqdn, config->aliases);
}

RspSmdpp *
rsp_smdpp_new (const RspActor *actor, const RspSmdppConfig *config, GError **error)
{
    g_return_val_if_fail (config->fqdn && config->n_identities > 0 && config->roots, NULL);
    g_autoptr (RspStore) store =
        rsp_store_open (config->state_path, RSP_SMDPP_SCHEMA_VERSION, rsp_smdpp_schema, error);
    if (!store)
        return NULL;
    RspSmdpp *dp = g_new0 (RspSmdpp, 1);
    dp->actor = actor;
    dp->store = g_steal_pointer (&store);
    copy_config (dp, config);
    dp->rng_key = rsp_actor_rng (actor, "one-time key");
    dp->rng_matching = rsp_actor_rng (actor, "matching id");
    dp->by_iccid = g_hash_table_new (g_str_hash, g_str_equal);
    start_server (dp, config);
    dp->registering = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    g_queue_init (&dp->waiting);
    dp->events = rsp_events_new (actor, dp->store, RSP_IF_ES12, error);
    if (!dp->events || !rsp_orders_open (dp, error) || !rsp_progress_open (dp, error)) {
        rsp_smdpp_free (dp);
        return NULL;
    }
    return dp;
}

void
rsp_smdpp_free (RspSmdpp *dp)
{
    if (!dp)
        return;
    rsp_server_clear (&dp->server);
    g_hash_table_destroy (dp->by_iccid);
    rsp_events_free (dp->events);
    g_hash_table_destroy (dp->registering);
    g_queue_clear (&dp->waiting);
    rsp_progress_close (dp);
    rsp_store_free (dp->store);
    rsp_rng_free (dp->rng_key);
    rsp_rng_free (dp->rng_matching);
    clear_config (dp);
    g_free (dp);
}
