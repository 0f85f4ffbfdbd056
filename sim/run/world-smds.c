/* The SM-DSs of a world. */
#include "sim/run/world-private.h"

gboolean
rsp_world_start_smds (RspWorld *w, RspWorldActor *a, GError **error)
{
    const RspYaml *yaml = a->yaml;
    g_autoptr (GPtrArray) names = rsp_world_texts (yaml, "aliases");
    g_autofree char *path = rsp_world_state_path (w, a, ".db");
    const char *parent = rsp_world_text (yaml, "parent", NULL);
    RspWorldCredential *auth = rsp_world_credential (a, "auth");
    RspSmdsConfig config = {
        .fqdn = rsp_yaml_get (yaml, "fqdn")->text,
        .aliases = (const char *const *)names->pdata,
        .state_path = path,
        .parent = parent ? rsp_yaml_get (rsp_world_actor (w, parent)->yaml, "fqdn")->text : NULL,
        .auth_cert = auth->cert,
        .auth_key = auth->key,
        .roots = a->roots,
        .session_timeout = rsp_world_duration (yaml, "session-timeout", 0),
        .event_lifetime = rsp_world_duration (yaml, "event-lifetime", 0),
        .events_per_eid = (guint)rsp_world_number (yaml, "events-per-eid", 0)};
    a->smds = rsp_smds_new (&a->base, &config, error);
    if (!a->smds)
        return FALSE;
    rsp_world_set_tls (w, a, "tls");
    rsp_world_add_fault_key (w, a, "dp-auth",
                             "auth"); /* the purpose is the signer of serverSigned1 */
    return TRUE;
}
