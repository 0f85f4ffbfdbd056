/* The step `crl`: a CI issues a list, cards get it by ES10b.LoadCRL, servers and LPAs as if they
 * had fetched it (trust.md 3). */
#include "asn1/ids.h"
#include "sim/run/runner.h"
#include "sim/run/world-private.h"

#include <string.h>

#define TESTER "tester"

typedef struct {
    RspRun *run;
    const RspYaml *expect; /* (nullable) */
} Pending;

static gboolean
each_text (RspRun *run, const RspYaml *node, gboolean (*func) (RspRun *, const RspYaml *, gpointer),
           gpointer data)
{
    if (!node || node->kind != RSP_YAML_LIST)
        return !node || func (run, node, data);
    for (guint i = 0; i < node->items->len; i++)
        if (!func (run, node->items->pdata[i], data))
            return FALSE;
    return TRUE;
}

/* "dp1.auth", or an eum. */
static gboolean
put_on_list (RspRun *run, const RspYaml *item, gpointer ci)
{
    g_auto (GStrv) parts = g_strsplit (item->text, ".", 2);
    const RspWorldActor *a = rsp_world_actor (run->world, parts[0]);
    const RspWorldCredential *c = parts[1] ? rsp_world_credential (a, parts[1]) : NULL;
    const RspCert *cert = a->role == RSP_ACTOR_EUM ? rsp_eum_cert (a->eum) : c ? c->cert : NULL;
    if (!cert)
        return rsp_run_fail (run, item, "expected a certificate, got none of this name");
    rsp_ci_revoke (ci, cert);
    return TRUE;
}

static RspCrlSpec
read_spec (RspRun *run, const RspYaml *step)
{
    gint64 part = 0, parts = 0, number = 0, base = 0;
    RspCrlSpec spec = {0};
    rsp_yaml_opt_int (step, "number", 0, G_MAXINT64, &number, NULL);
    rsp_yaml_opt_int (step, "base", 0, G_MAXINT64, &base, NULL);
    rsp_yaml_opt_int (step, "part", 0, G_MAXINT32, &part, NULL);
    rsp_yaml_opt_int (step, "parts", 0, G_MAXINT32, &parts, NULL);
    rsp_yaml_opt_bool (step, "bad-signature", &spec.bad_signature, NULL);
    rsp_yaml_opt_bool (step, "unknown-critical", &spec.unknown_critical, NULL);
    spec.number = (guint64)number;
    spec.base = (guint64)base;
    spec.part = (guint)part;
    spec.parts = (guint)parts;
    spec.at = rsp_loop_wall (run->loop) / G_USEC_PER_SEC;
    return spec;
}

static void
match_missing (Pending *p, const RspYaml *want, const RspTlv *ok)
{
    RspTlv list = {0}, number;
    g_autoptr (GString) got = g_string_new (NULL), wanted = g_string_new (NULL);
    rsp_tlv_find (ok->value, 0xA0, &list);
    while (rsp_tlv_next (&list.value, &number) == RSP_TLV_OK && number.value.len > 0)
        g_string_append_printf (got, " %u", number.value.data[number.value.len - 1]);
    for (guint i = 0; i < want->items->len; i++)
        g_string_append_printf (wanted, " %s", ((RspYaml *)want->items->pdata[i])->text);
    if (strcmp (got->str, wanted->str) != 0)
        rsp_run_fail (p->run, want, "expected missing parts%s, got%s", wanted->str, got->str);
}

static void
on_answer (const RspReply *reply, gpointer data)
{
    Pending *p = data;
    const RspYaml *want = p->expect ? rsp_yaml_get (p->expect, "error") : NULL;
    const RspYaml *missing = p->expect ? rsp_yaml_get (p->expect, "missing") : NULL;
    const RspYaml *node = p->expect ? p->expect : p->run->scenario->doc;
    RspTlv outer, ok, code;
    p->run->step_done = TRUE;
    if (reply->kind != RSP_REPLY_OK) {
        rsp_run_fail (p->run, node, "expected an answer from the card, got none");
    } else if (!rsp_tlv_single (rsp_slice_of (reply->body), 0xBF35, &outer)) {
        g_autofree char *sw = g_strdup_printf ("%04X", reply->sw);
        if (want)
            rsp_run_match (p->run, want, sw);
        else
            rsp_run_fail (p->run, node, "expected the card to take the CRL, got sw %s", sw);
    } else if (rsp_tlv_find (outer.value, 0x81, &code) && code.value.len == 1) {
        const char *name = rsp_code_name ("LoadCRLResponseError", code.value.data[0]);
        if (want)
            rsp_run_match (p->run, want, name);
        else
            rsp_run_fail (p->run, node, "expected the card to take the CRL, got %s", name);
    } else if (rsp_tlv_find (outer.value, 0xA0, &ok)) {
        rsp_run_match (p->run, want, NULL);
        if (missing)
            match_missing (p, missing, &ok);
    }
}

static gboolean
to_card (RspRun *run, const RspYaml *item, const char *card, RspSlice crl)
{
    RspTlv list;
    rsp_tlv_single (crl, 0x30, &list);
    GByteArray *out = g_byte_array_sized_new ((guint)crl.len + 8);
    gsize mark = rsp_tlv_open (out, 0xBF35);
    rsp_tlv_put (out, 0xA0, list.value);
    rsp_tlv_close (out, mark);
    g_autoptr (GBytes) body = g_byte_array_free_to_bytes (out);
    Pending pending = {run, rsp_yaml_get (run->step, "expect")};
    run->step_done = FALSE;
    rsp_bus_call (run->world->bus, TESTER, card, rsp_function (RSP_FN_ES10B_LOAD_CRL), body, NULL,
                  on_answer, &pending);
    return rsp_run_wait (run, item) && !run->failure;
}

/* A party that has a list takes it in the place of older ones, if it is good. */
static gboolean
fetched (RspRun *run, const RspYaml *item, RspWorldActor *a, GBytes *der)
{
    g_autoptr (RspCrl) crl = rsp_crl_parse (der, NULL);
    for (guint i = 0; crl && i < a->roots->len; i++)
        if (rsp_crl_verify (crl, a->roots->pdata[i])) {
            g_ptr_array_add (a->base.crls, g_steal_pointer (&crl));
            return TRUE;
        }
    return rsp_run_fail (run, item, "expected a good CRL of a trusted CI, got another");
}

static gboolean
deliver (RspRun *run, const RspYaml *item, gpointer der)
{
    RspWorldActor *a = rsp_world_actor (run->world, item->text);
    if (a->role == RSP_ACTOR_EUICC)
        return to_card (run, item, a->base.name, rsp_slice_of (der));
    return fetched (run, item, a, der);
}

void
rsp_step_crl (RspRun *run, const RspYaml *step)
{
    RspWorldActor *ci = rsp_world_actor (run->world, rsp_yaml_get (step, "from")->text);
    run->step = step;
    if (!rsp_ci_key (ci->ci)) {
        rsp_run_fail (run, step, "expected a CI that issues, got one without a key");
        return;
    }
    if (!each_text (run, rsp_yaml_get (step, "revoke"), put_on_list, ci->ci))
        return;
    g_autoptr (GBytes) der = rsp_ci_issue_crl (ci->ci, read_spec (run, step));
    each_text (run, rsp_yaml_get (step, "to"), deliver, der);
}
