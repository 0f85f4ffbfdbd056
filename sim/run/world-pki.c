#include "sim/run/language.h"
#include "sim/run/world-private.h"

#include <string.h>

#define EID_PREFIX "89049032"
#define TLS_SLACK (24 * 3600)
#define TLS_VALIDITY (397 * 24 * 3600)

static RspRng *
stream (const RspWorld *w, const RspWorldActor *a, const char *purpose)
{
    return rsp_rng_new (w->seed, a->base.name, purpose, 0);
}

static RspKey *
make_key (const RspWorld *w, const RspWorldActor *a, const char *purpose)
{
    g_autofree char *label = g_strconcat ("key-", purpose, NULL);
    g_autoptr (RspRng) rng = stream (w, a, label);
    return rsp_key_generate (rng);
}

static RspSlice
point_of (const RspKey *key)
{
    return RSP_SLICE (rsp_key_point (key), RSP_POINT_SIZE);
}

/* Takes KEY and CERT. */
static void
keep (RspWorldActor *a, const char *purpose, RspKey *key, RspCert *cert)
{
    RspWorldCredential *c = g_new0 (RspWorldCredential, 1);
    c->purpose = g_strdup (purpose);
    c->key = key;
    c->cert = cert;
    g_ptr_array_add (a->credentials, c);
}

static gint64
start_seconds (const RspWorld *w)
{
    return rsp_world_start (w->scenario) / G_USEC_PER_SEC;
}

static gboolean
read_time (const RspYaml *twist, const char *key, gint64 *ret, GError **error)
{
    const RspYaml *node = twist ? rsp_yaml_get (twist, key) : NULL;
    gint64 us = 0;
    if (!node)
        return TRUE;
    if (!rsp_yaml_time (node, &us, error))
        return FALSE;
    *ret = us / G_USEC_PER_SEC;
    return TRUE;
}

static RspRole
read_role (const RspYaml *twist)
{
    const char *text = twist ? rsp_world_text (twist, "role", NULL) : NULL;
    for (guint i = 0; text && rsp_language_roles[i]; i++)
        if (strcmp (rsp_language_roles[i], text) == 0)
            return (RspRole)(i + 1);
    return RSP_ROLE_NONE;
}

static gboolean
read_twist (const RspYaml *yaml, RspCertTwist *ret, GError **error)
{
    gboolean bad = FALSE;
    if (yaml && !rsp_yaml_opt_bool (yaml, "bad-signature", &bad, error))
        return FALSE;
    ret->bad_signature = bad;
    ret->p384 = yaml && rsp_yaml_get (yaml, "curve");
    ret->role = read_role (yaml);
    return read_time (yaml, "not-before", &ret->not_before, error) &&
           read_time (yaml, "not-after", &ret->not_after, error);
}

static RspWorldActor *
issuer_of (const RspWorld *w, const RspWorldActor *a, const RspYaml *twist)
{
    const char *by = twist ? rsp_world_text (twist, "issued-by", NULL) : NULL;
    return rsp_world_actor (w, by ? by : rsp_yaml_get (a->yaml, "certified-by")->text);
}

static gboolean
wrong_issuer (const RspYaml *twist, RspActorRole wanted, const RspWorldActor *issuer,
              GError **error)
{
    if (issuer->role == wanted)
        return FALSE;
    rsp_yaml_fail (rsp_yaml_get (twist, "issued-by"), error, "\"%s\" cannot issue this certificate",
                   issuer->base.name);
    return TRUE;
}

/* --- ci ----------------------------------------------------------------------------------------
 */

static gboolean
give_ci (RspWorld *w, RspWorldActor *a, GError **error)
{
    RspKey *key = NULL;
    RspCert *cert = NULL;
    if (!rsp_world_read_pair (w, a->yaml, "certificate", &cert, &key, error))
        return FALSE;
    a->ci = rsp_ci_given (a->base.name, cert, key, start_seconds (w));
    return rsp_cert_role (cert) == RSP_ROLE_CI ||
           rsp_yaml_fail (rsp_yaml_get (a->yaml, "certificate"), error, "not a CI certificate");
}

static gboolean
build_ci (RspWorld *w, RspWorldActor *a, GError **error)
{
    if (rsp_yaml_get (a->yaml, "certificate"))
        return give_ci (w, a, error);
    a->ci = rsp_ci_new (a->base.name, stream (w, a, "ci"), start_seconds (w), error);
    return a->ci != NULL;
}

/* A credential from files where TWIST names one. */
static gboolean
is_given (const RspYaml *twist)
{
    return twist && rsp_yaml_get (twist, "file");
}

static gboolean
keep_given (RspWorld *w, RspWorldActor *a, const char *purpose, const RspYaml *twist,
            GError **error)
{
    RspCert *cert = NULL;
    RspKey *key = NULL;
    if (!rsp_world_read_pair (w, twist, "file", &cert, &key, error))
        return FALSE;
    keep (a, purpose, key, cert);
    return key || rsp_yaml_fail (twist, error, "a certificate from a file needs its \"key\"");
}

/* --- eum, euicc --------------------------------------------------------------------------------
 */

static gboolean
build_eum (RspWorld *w, RspWorldActor *a, GError **error)
{
    const RspYaml *twist = rsp_yaml_get (a->yaml, "certificate");
    RspWorldActor *ci = issuer_of (w, a, twist);
    RspCertTwist t = {0};
    g_autoptr (RspKey) key = NULL;
    RspCert *cert = NULL;
    if (!read_twist (twist, &t, error) || wrong_issuer (twist, RSP_ACTOR_CI, ci, error))
        return FALSE;
    if (is_given (twist)) {
        if (!rsp_world_read_pair (w, twist, "file", &cert, &key, error))
            return FALSE;
    } else {
        key = make_key (w, a, "eum");
        cert = rsp_ci_issue_eum (ci->ci, rsp_world_text (a->yaml, "organization", a->base.name),
                                 rsp_world_text (a->yaml, "eid-prefix", EID_PREFIX), "2.999.5",
                                 point_of (key), &t, error);
    }
    if (!cert)
        return FALSE;
    a->eum = rsp_eum_new (a->base.name, g_steal_pointer (&key), cert, stream (w, a, "serial"));
    return TRUE;
}

static gboolean
check_given_eid (const RspWorldActor *a, const RspYaml *twist, GError **error)
{
    const char *eid = rsp_cert_serial_number (rsp_world_credential (a, "euicc")->cert);
    return g_strcmp0 (eid, rsp_yaml_get (a->yaml, "eid")->text) == 0 ||
           rsp_yaml_fail (rsp_yaml_get (twist, "file"), error,
                          "this certificate is of EID %s, not of the card's", eid ? eid : "none");
}

static gboolean
build_euicc (RspWorld *w, RspWorldActor *a, GError **error)
{
    const RspYaml *twist = rsp_yaml_get (a->yaml, "certificate");
    RspWorldActor *eum = issuer_of (w, a, twist);
    RspCertTwist t = {0};
    if (!read_twist (twist, &t, error) || wrong_issuer (twist, RSP_ACTOR_EUM, eum, error))
        return FALSE;
    RspEuiccCertTwist et = {.not_before = t.not_before,
                            .not_after = t.not_after,
                            .role = t.role,
                            .bad_signature = t.bad_signature};
    const char *eid = rsp_yaml_get (a->yaml, "eid")->text;
    if (is_given (twist))
        return keep_given (w, a, "euicc", twist, error) && check_given_eid (a, twist, error);
    if (twist) {
        et.organization = rsp_world_text (twist, "organization", NULL);
        eid = rsp_world_text (twist, "eid", eid);
    }
    g_autoptr (RspKey) key = make_key (w, a, "euicc");
    RspCert *cert =
        rsp_eum_issue_euicc (eum->eum, eid, point_of (key), start_seconds (w), &et, error);
    if (!cert)
        return FALSE;
    keep (a, "euicc", g_steal_pointer (&key), cert);
    return TRUE;
}

/* TLS certificates are short-lived: in a served world they begin with the service, not the world.
 */
static void
date_tls (const RspWorld *w, RspCertTwist *t)
{
    if (!w->options.tls_from || t->not_before || t->not_after)
        return;
    t->not_before = w->options.tls_from - TLS_SLACK;
    t->not_after = w->options.tls_from + TLS_VALIDITY;
}

/* --- servers -----------------------------------------------------------------------------------
 */

/* BY: the CI unless TWIST names another. */
static gboolean
issue_server (RspWorld *w, RspWorldActor *a, const char *purpose, const RspYaml *twist,
              const char *by, RspRole role, const char *oid, GError **error)
{
    const char *fqdn = rsp_yaml_get (a->yaml, "fqdn")->text;
    RspWorldActor *ci = rsp_world_actor (w, twist ? rsp_world_text (twist, "issued-by", by) : by);
    RspCertTwist t = {0};
    if (is_given (twist))
        return keep_given (w, a, purpose, twist, error);
    if (!read_twist (twist, &t, error) || wrong_issuer (twist, RSP_ACTOR_CI, ci, error))
        return FALSE;
    if (twist) {
        oid = rsp_world_text (twist, "oid", oid);
        fqdn = rsp_world_text (twist, "fqdn", fqdn);
    }
    if (role == RSP_ROLE_DP_TLS || role == RSP_ROLE_DS_TLS)
        date_tls (w, &t);
    g_autoptr (RspKey) key = make_key (w, a, purpose);
    g_autofree char *host = g_strndup (fqdn, strcspn (fqdn, ":"));
    RspCert *cert =
        rsp_ci_issue_server (ci->ci, role, a->base.name, oid, host, point_of (key), &t, error);
    if (!cert)
        return FALSE;
    keep (a, purpose, g_steal_pointer (&key), cert);
    return TRUE;
}

/* CERT.DPauth and CERT.DPpb under a further CI: "auth-CI", "pb-CI". */
static gboolean
issue_further (RspWorld *w, RspWorldActor *a, const RspYaml *further, const char *oid,
               GError **error)
{
    const char *by = rsp_yaml_get (further, "certified-by")->text;
    g_autofree char *auth = g_strconcat ("auth-", by, NULL);
    g_autofree char *pb = g_strconcat ("pb-", by, NULL);
    return issue_server (w, a, auth, rsp_yaml_get (further, "auth"), by, RSP_ROLE_DP_AUTH, oid,
                         error) &&
           issue_server (w, a, pb, rsp_yaml_get (further, "pb"), by, RSP_ROLE_DP_PB, oid, error);
}

typedef struct {
    const char *purpose;
    RspRole role;
} OwnCertificate;

static gboolean
issue_own (RspWorld *w, RspWorldActor *a, const OwnCertificate *own, guint n, const char *oid,
           GError **error)
{
    const RspYaml *twists = rsp_yaml_get (a->yaml, "certificates");
    const char *by = rsp_yaml_get (a->yaml, "certified-by")->text;
    for (guint i = 0; i < n; i++)
        if (!issue_server (w, a, own[i].purpose,
                           twists ? rsp_yaml_get (twists, own[i].purpose) : NULL, by, own[i].role,
                           oid, error))
            return FALSE;
    return TRUE;
}

static gboolean
build_server (RspWorld *w, RspWorldActor *a, guint index, GError **error)
{
    static const OwnCertificate own[] = {
        {"auth", RSP_ROLE_DP_AUTH}, {"pb", RSP_ROLE_DP_PB}, {"tls", RSP_ROLE_DP_TLS}};
    const RspYaml *further = rsp_yaml_get (a->yaml, "further-certificates");
    g_autofree char *made = g_strdup_printf ("2.999.10.%u", index + 1);
    const char *oid = rsp_world_text (a->yaml, "oid", made);
    if (!issue_own (w, a, own, G_N_ELEMENTS (own), oid, error))
        return FALSE;
    for (guint i = 0; further && i < further->items->len; i++)
        if (!issue_further (w, a, further->items->pdata[i], oid, error))
            return FALSE;
    return TRUE;
}

/* Known by itself; with its key the operator here shows it as well. */
static gboolean
give_client (RspWorld *w, RspWorldActor *a, GError **error)
{
    RspCert *cert = NULL;
    RspKey *key = NULL;
    a->given = rsp_world_read_der (w, rsp_yaml_get (a->yaml, "certificate"), error);
    if (!a->given || !rsp_yaml_get (a->yaml, "key"))
        return a->given != NULL;
    if (!rsp_world_read_pair (w, a->yaml, "certificate", &cert, &key, error))
        return FALSE;
    keep (a, "client", key, cert);
    return TRUE;
}

/* CERT.EIM and TLS. */
static gboolean
build_eim (RspWorld *w, RspWorldActor *a, guint index, GError **error)
{
    const RspYaml *twists = rsp_yaml_get (a->yaml, "certificates");
    const char *by = rsp_yaml_get (a->yaml, "certified-by")->text;
    g_autofree char *oid = g_strdup_printf ("2.999.20.%u", index + 1);
    return issue_server (w, a, "eim", twists ? rsp_yaml_get (twists, "eim") : NULL, by,
                         RSP_ROLE_NONE, oid, error) &&
           issue_server (w, a, "tls", twists ? rsp_yaml_get (twists, "tls") : NULL, by,
                         RSP_ROLE_DP_TLS, oid, error);
}

static gboolean
build_smds (RspWorld *w, RspWorldActor *a, guint index, GError **error)
{
    static const OwnCertificate own[] = {{"auth", RSP_ROLE_DS_AUTH}, {"tls", RSP_ROLE_DS_TLS}};
    g_autofree char *made = g_strdup_printf ("2.999.15.%u", index + 1);
    return issue_own (w, a, own, G_N_ELEMENTS (own), rsp_world_text (a->yaml, "oid", made), error);
}

static gboolean
build_operator (RspWorld *w, RspWorldActor *a, GError **error)
{
    g_autoptr (RspKey) key = NULL;
    RspCert *cert = NULL;
    if (rsp_yaml_get (a->yaml, "certificate"))
        return give_client (w, a, error);
    if (!rsp_yaml_get (a->yaml, "certified-by"))
        return TRUE;
    key = make_key (w, a, "client");
    RspCertTwist t = {0};
    date_tls (w, &t);
    cert =
        rsp_ci_issue_client (issuer_of (w, a, NULL)->ci, a->base.name, point_of (key), &t, error);
    if (!cert)
        return FALSE;
    keep (a, "client", g_steal_pointer (&key), cert);
    return TRUE;
}

/* --- trust -------------------------------------------------------------------------------------
 */

static void
trust (RspWorldActor *a, RspWorldActor *ci)
{
    g_ptr_array_add (a->roots, rsp_cert_ref (rsp_ci_cert (ci->ci)));
}

static void
trust_default (const RspWorld *w, RspWorldActor *a)
{
    const char *by = rsp_world_text (a->yaml, "certified-by", NULL);
    RspWorldActor *issuer = by ? rsp_world_actor (w, by) : NULL;
    if (issuer && issuer->role == RSP_ACTOR_EUM)
        issuer = issuer_of (w, issuer, NULL);
    gboolean all = a->role == RSP_ACTOR_LPA || a->role == RSP_ACTOR_IPA ||
                   a->role == RSP_ACTOR_OPERATOR || a->role == RSP_ACTOR_EIM;
    for (guint i = 0; i < w->cis->len; i++) {
        RspWorldActor *ci = w->cis->pdata[i];
        if (all || ci == issuer)
            trust (a, ci);
    }
}

static void
build_trust (const RspWorld *w, RspWorldActor *a)
{
    const RspYaml *list = rsp_yaml_get (a->yaml, "trusts");
    for (guint i = 0; list && i < list->items->len; i++)
        trust (a, rsp_world_actor (w, ((RspYaml *)list->items->pdata[i])->text));
    if (!list)
        trust_default (w, a);
    const RspYaml *further = list ? NULL : rsp_yaml_get (a->yaml, "further-certificates");
    for (guint i = 0; further && i < further->items->len; i++)
        trust (a,
               rsp_world_actor (w, rsp_yaml_get (further->items->pdata[i], "certified-by")->text));
}

/* What the two say of it is the same: members of a group do, unless they are declared apart. */
static gboolean
trusts_alike (const RspWorldActor *a, const RspWorldActor *b)
{
    static const char *const keys[] = {"trusts", "certified-by"};
    for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
        if (rsp_yaml_get (a->yaml, keys[i]) != rsp_yaml_get (b->yaml, keys[i]))
            return FALSE;
    return TRUE;
}

static gboolean
build_role (RspWorld *w, RspActorRole role, GError **error)
{
    for (guint i = 0; i < w->actors->len; i++) {
        RspWorldActor *a = w->actors->pdata[i];
        gboolean ok = TRUE;
        if (a->role != role)
            continue;
        switch (role) {
        case RSP_ACTOR_CI:
            ok = build_ci (w, a, error);
            break;
        case RSP_ACTOR_EUM:
            ok = build_eum (w, a, error);
            break;
        case RSP_ACTOR_EUICC:
            ok = build_euicc (w, a, error);
            break;
        case RSP_ACTOR_SMDPP:
            ok = build_server (w, a, i, error);
            break;
        case RSP_ACTOR_SMDS:
            ok = build_smds (w, a, i, error);
            break;
        case RSP_ACTOR_EIM:
            ok = build_eim (w, a, i, error);
            break;
        case RSP_ACTOR_OPERATOR:
            ok = build_operator (w, a, error);
            break;
        case RSP_ACTOR_LPA:
        case RSP_ACTOR_IPA:
            break;
        }
        if (!ok)
            return FALSE;
        const RspWorldActor *before = i ? w->actors->pdata[i - 1] : NULL;
        if (a->group && before->group == a->group && trusts_alike (a, before)) {
            g_ptr_array_unref (a->roots);
            a->roots = g_ptr_array_ref (before->roots); /* members of a group trust alike */
        } else {
            build_trust (w, a);
        }
    }
    return TRUE;
}

gboolean
rsp_world_build_pki (RspWorld *w, GError **error)
{
    return build_role (w, RSP_ACTOR_CI, error) && build_role (w, RSP_ACTOR_EUM, error) &&
           build_role (w, RSP_ACTOR_SMDPP, error) && build_role (w, RSP_ACTOR_SMDS, error) &&
           build_role (w, RSP_ACTOR_EIM, error) && build_role (w, RSP_ACTOR_OPERATOR, error) &&
           build_role (w, RSP_ACTOR_EUICC, error) && build_role (w, RSP_ACTOR_LPA, error) &&
           build_role (w, RSP_ACTOR_IPA, error);
}
