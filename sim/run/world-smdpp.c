#include "sim/run/world-private.h"

static gboolean
fill_stock (RspWorld *w, RspWorldActor *a, GError **error)
{
    for (guint i = 0; i < w->packages->len; i++) {
        const RspWorldPackage *p = w->packages->pdata[i];
        if (p->server == a->base.name &&
            !rsp_smdpp_add_profile (a->smdpp, p->package,
                                    rsp_world_text (p->yaml, "type", p->package->type),
                                    rsp_world_text (p->yaml, "owner", NULL), error))
            return FALSE;
    }
    return TRUE;
}

gboolean
rsp_world_start_smdpp (RspWorld *w, RspWorldActor *a, GError **error)
{
    const RspYaml *aliases = rsp_yaml_get (a->yaml, "aliases");
    g_autoptr (GPtrArray) names = g_ptr_array_new ();
    g_autofree char *path = rsp_world_state_path (w, a, ".db");
    RspWorldCredential *auth = rsp_world_credential (a, "auth");
    RspWorldCredential *pb = rsp_world_credential (a, "pb");

    for (guint i = 0; aliases && i < aliases->items->len; i++)
        g_ptr_array_add (names, ((RspYaml *)aliases->items->pdata[i])->text);
    g_ptr_array_add (names, NULL);
    RspSmdppConfig config = {
        .fqdn = rsp_yaml_get (a->yaml, "fqdn")->text,
        .aliases = (const char *const *)names->pdata,
        .state_path = path,
        .auth_cert = auth->cert,
        .pb_cert = pb->cert,
        .auth_key = auth->key,
        .pb_key = pb->key,
        .roots = a->roots,
        .attempt_limit = (guint)rsp_world_number (a->yaml, "attempt-limit", 10),
        .cc_limit = (guint)rsp_world_number (a->yaml, "confirmation-code-limit", 3),
        .session_timeout = rsp_world_duration (a->yaml, "session-timeout", 600 * G_USEC_PER_SEC),
        .protection_keys = rsp_world_flag (a->yaml, "protection-keys", FALSE),
        .lenient_matching_id = rsp_world_flag (a->yaml, "lenient-matching-id", FALSE),
        .keep_on_rejection = rsp_world_flag (a->yaml, "keep-on-rejection", FALSE),
        .keep_on_ineligible = rsp_world_flag (a->yaml, "keep-on-ineligible", FALSE),
        .refuse_rebinding = rsp_world_flag (a->yaml, "refuse-rebinding", FALSE),
        .order_lifetime = rsp_world_duration (a->yaml, "order-lifetime", 0),
        .segment_size = (guint)rsp_world_number (a->yaml, "segment-size", 0)};
    a->smdpp = rsp_smdpp_new (&a->base, &config, error);
    if (!a->smdpp)
        return FALSE;
    rsp_world_set_tls (w, a, "tls");
    rsp_bus_add_address (w->bus, config.fqdn, a->base.name);
    for (guint i = 0; i + 1 < names->len; i++)
        rsp_bus_add_address (w->bus, names->pdata[i], a->base.name);
    rsp_world_add_fault_key (w, a, "dp-auth", "auth");
    rsp_world_add_fault_key (w, a, "dp-pb", "pb");
    return fill_stock (w, a, error);
}
