/* Life, configuration, and the functions that it serves. */
#include "components/smds/smds-private.h"

#include <string.h>

#define EVENTS_PER_EID 64

static RspStatus
initiate_authentication (RspSmds *ds, RspRequest *r, GError **error)
{
    return rsp_server_initiate_authentication (&ds->server, r);
}

static const RspServed served[] = {
    RSP_SERVED (ES11_INITIATE_AUTHENTICATION, initiate_authentication),
    RSP_SERVED (ES11_AUTHENTICATE_CLIENT, rsp_es11_authenticate_client),
    RSP_SERVED (ES12_REGISTER_EVENT, rsp_es12_register_event),
    RSP_SERVED (ES12_DELETE_EVENT, rsp_es12_delete_event),
    RSP_SERVED (ES15_REGISTER_EVENT, rsp_es12_register_event),
    RSP_SERVED (ES15_DELETE_EVENT, rsp_es12_delete_event),
    {0},
};

static void
failed (gpointer self)
{
    rsp_store_rollback (((RspSmds *)self)->store);
}

static void
answered (gpointer self)
{
    rsp_events_send (((RspSmds *)self)->root);
}

static const RspServerKind kind = {
    .interfaces = 1u << RSP_IF_ES11 | 1u << RSP_IF_ES12 | 1u << RSP_IF_ES15,
    .entity = "8.9",
    .key_name = "SK.DSauth",
    .address = {"8.9.1", "3.8", "not the address of this SM-DS"},
    .version = {"8.9.3", "3.1", "eUICC version not supported"},
    .ci = {"8.9.2", "3.1", "no proposed CI key is supported"},
    .certificate = {"8.9.4", "3.7", "no CERT.DSauth under a CI that the eUICC knows"}};

static void
copy_config (RspSmds *ds, const RspSmdsConfig *config)
{
    RspSmdsConfig *c = &ds->config;
    *c = *config;
    c->fqdn = c->state_path = NULL;
    c->aliases = NULL;
    c->parent = g_strdup (config->parent);
    c->auth_cert = rsp_cert_ref (config->auth_cert);
    c->roots = g_ptr_array_ref (config->roots);
    if (c->session_timeout <= 0)
        c->session_timeout = 600 * G_USEC_PER_SEC;
    if (c->events_per_eid == 0)
        c->events_per_eid = EVENTS_PER_EID;
    ds->own_address = g_strdup (config->fqdn);
    ds->identity = (RspServerIdentity){.auth_cert = c->auth_cert, .auth_key = c->auth_key};
}

static void
start_server (RspSmds *ds, const RspSmdsConfig *config)
{
    ds->server = (RspServer){.kind = &kind,
                             .actor = ds->actor,
                             .self = ds,
                             .served = served,
                             .failed = failed,
                             .answered = answered,
                             .session_size = sizeof (RspSession),
                             .session_timeout = ds->config.session_timeout,
                             .identities = &ds->identity,
                             .n_identities = 1,
                             .roots = ds->config.roots};
    memcpy (ds->server.svn_min, config->svn_min, 3);
    memcpy (ds->server.svn_max, config->svn_max, 3);
    rsp_server_init (&ds->server, config->fqdn, config->aliases);
}

RspSmds *
rsp_smds_new (const RspActor *actor, const RspSmdsConfig *config, GError **error)
{
    g_return_val_if_fail (config->fqdn && config->auth_cert && config->roots, NULL);
    g_autoptr (RspStore) store =
        rsp_store_open (config->state_path, RSP_SMDS_SCHEMA_VERSION, rsp_smds_schema, error);
    if (!store)
        return NULL;
    RspSmds *ds = g_new0 (RspSmds, 1);
    ds->actor = actor;
    ds->store = g_steal_pointer (&store);
    copy_config (ds, config);
    ds->rng_event = rsp_actor_rng (actor, "event id");
    ds->busy = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    g_queue_init (&ds->waiting);
    start_server (ds, config);
    ds->root = rsp_events_new (actor, ds->store, RSP_IF_ES15, error);
    if (!ds->root) {
        rsp_smds_free (ds);
        return NULL;
    }
    return ds;
}

void
rsp_smds_free (RspSmds *ds)
{
    if (!ds)
        return;
    rsp_server_clear (&ds->server);
    rsp_events_free (ds->root);
    rsp_store_free (ds->store);
    rsp_rng_free (ds->rng_event);
    g_hash_table_destroy (ds->busy);
    g_queue_clear (&ds->waiting);
    g_free ((char *)ds->config.parent);
    rsp_cert_unref (ds->config.auth_cert);
    g_ptr_array_unref (ds->config.roots);
    g_free (ds->own_address);
    g_free (ds);
}

void
rsp_smds_add_address (RspSmds *ds, const char *address)
{
    if (strcmp (ds->own_address, ds->server.addresses->pdata[0]) == 0) {
        g_free (ds->own_address);
        ds->own_address = g_strdup (address);
    }
    rsp_server_add_address (&ds->server, address);
}

guint
rsp_smds_live_sessions (RspSmds *ds)
{
    return g_hash_table_size (ds->server.sessions);
}
