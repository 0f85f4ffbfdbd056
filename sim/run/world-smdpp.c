#include "sim/run/world-private.h"

#include "pki/hash.h"

gboolean
rsp_world_load_stock (RspWorld *w, const RspWorldActor *a, GError **error)
{
    const RspYaml *list = rsp_yaml_get (a->yaml, "profiles");
    for (guint i = 0; list && i < list->items->len; i++) {
        const RspYaml *yaml = list->items->pdata[i];
        gint64 count = rsp_world_number (yaml, "count", 1);
        for (guint n = 0; n < count; n++) {
            RspProfilePackage *p = rsp_world_package (w, yaml, n, error);
            if (!p)
                return FALSE;
            RspWorldPackage *record = g_new0 (RspWorldPackage, 1);
            RspSlice upp = rsp_slice_of (p->upp);
            record->iccid = g_strdup (p->iccid);
            record->server = a->base.name;
            record->yaml = yaml;
            record->package = p;
            rsp_sha256 (&upp, 1, record->sha256);
            g_ptr_array_add (w->packages, record);
            if (!g_hash_table_contains (w->by_iccid, record->iccid))
                g_hash_table_insert (w->by_iccid, record->iccid, record);
        }
    }
    return TRUE;
}

/* "35290611,35290612" of `tac:`. (transfer full) (nullable) */
static char *
tacs_of (const RspYaml *profile)
{
    const RspYaml *list = rsp_yaml_get (profile, "tac");
    GString *out = list ? g_string_new (NULL) : NULL;
    for (guint i = 0; list && i < list->items->len; i++)
        g_string_append_printf (out, "%s%s", i ? "," : "",
                                ((RspYaml *)list->items->pdata[i])->text);
    return out ? g_string_free (out, FALSE) : NULL;
}

static gboolean
fill_stock (RspWorld *w, RspWorldActor *a, GError **error)
{
    for (guint i = 0; i < w->packages->len; i++) {
        const RspWorldPackage *p = w->packages->pdata[i];
        if (p->server != a->base.name)
            continue;
        g_autofree char *tacs = tacs_of (p->yaml);
        const RspStockTerms terms = {.type = rsp_world_text (p->yaml, "type", NULL),
                                     .owner = rsp_world_text (p->yaml, "owner", NULL),
                                     .tacs = tacs};
        if (!rsp_smdpp_add_profile (a->smdpp, p->package, &terms, error))
            return FALSE;
    }
    return TRUE;
}

static void
add_identity (const RspWorldActor *a, GArray *out, const char *by)
{
    g_autofree char *auth_name = by ? g_strconcat ("auth-", by, NULL) : g_strdup ("auth");
    g_autofree char *pb_name = by ? g_strconcat ("pb-", by, NULL) : g_strdup ("pb");
    const RspWorldCredential *auth = rsp_world_credential (a, auth_name);
    const RspWorldCredential *pb = rsp_world_credential (a, pb_name);
    RspServerIdentity identity = {auth->cert, pb->cert, auth->key, pb->key};
    g_array_append_val (out, identity);
}

static GArray *
identities_of (const RspWorldActor *a)
{
    const RspYaml *further = rsp_yaml_get (a->yaml, "further-certificates");
    GArray *out = g_array_new (FALSE, FALSE, sizeof (RspServerIdentity));
    add_identity (a, out, NULL);
    for (guint i = 0; further && i < further->items->len; i++)
        add_identity (a, out, rsp_yaml_get (further->items->pdata[i], "certified-by")->text);
    return out;
}

/* Operators whose certificate is given are known by it. */
static GPtrArray *
known_clients (const RspWorld *w)
{
    GPtrArray *out = g_ptr_array_new_with_free_func (g_free);
    for (guint i = 0; i < w->actors->len; i++) {
        const RspWorldActor *a = w->actors->pdata[i];
        RspKnownClient client = {a->given, a->base.name};
        if (a->given)
            g_ptr_array_add (out, g_memdup2 (&client, sizeof client));
    }
    return out;
}

gboolean
rsp_world_start_smdpp (RspWorld *w, RspWorldActor *a, GError **error)
{
    g_autoptr (GPtrArray) names = rsp_world_texts (a->yaml, "aliases");
    g_autofree char *path = rsp_world_state_path (w, a, ".db");
    g_autoptr (GArray) identities = identities_of (a);

    RspSmdppConfig config = {
        .fqdn = rsp_yaml_get (a->yaml, "fqdn")->text,
        .aliases = (const char *const *)names->pdata,
        .state_path = path,
        .identities = (const RspServerIdentity *)(gpointer)identities->data,
        .n_identities = identities->len,
        .roots = a->roots,
        .attempt_limit = (guint)rsp_world_number (a->yaml, "attempt-limit", 10),
        .cc_limit = (guint)rsp_world_number (a->yaml, "confirmation-code-limit", 3),
        .session_timeout = rsp_world_duration (a->yaml, "session-timeout", 600 * G_USEC_PER_SEC),
        .protection_keys = rsp_world_flag (a->yaml, "protection-keys", FALSE),
        .lenient_matching_id = rsp_world_flag (a->yaml, "lenient-matching-id", FALSE),
        .keep_on_rejection = rsp_world_flag (a->yaml, "keep-on-rejection", FALSE),
        .ignore_eligibility = rsp_world_flag (a->yaml, "ignore-eligibility", FALSE),
        .keep_on_ineligible = rsp_world_flag (a->yaml, "keep-on-ineligible", FALSE),
        .refuse_rebinding = rsp_world_flag (a->yaml, "refuse-rebinding", FALSE),
        .order_lifetime = rsp_world_duration (a->yaml, "order-lifetime", 0),
        .segment_size = (guint)rsp_world_number (a->yaml, "segment-size", 0)};
    a->smdpp = rsp_smdpp_new (&a->base, &config, error);
    if (!a->smdpp)
        return FALSE;
    g_clear_pointer (&a->known_clients, g_ptr_array_unref);
    a->known_clients = known_clients (w);
    rsp_world_set_tls (w, a, "tls");
    rsp_world_add_fault_key (w, a, "dp-auth", "auth");
    rsp_world_add_fault_key (w, a, "dp-pb", "pb");
    return fill_stock (w, a, error);
}
