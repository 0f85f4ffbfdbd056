/* `package:` steps: an eUICC package made by hand (SGP.32 2.11.1.1), right or wrong, signed with an
 * eIM's key, to a card; its answer is verified as the eIM would. */
#include "asn1/fields-der.h"
#include "asn1/ids.h"
#include "asn1/tlv.h"
#include "pki/hash.h"
#include "sim/run/eim-orders.h"
#include "sim/run/world-private.h"

#include <string.h>

typedef struct {
    RspRun *run;
    const RspYaml *step;
    const RspWorldActor *card;
    gint64 token;
} Package;

/* 84 len token, as both signatures cover it. */
static GByteArray *
token_object (gint64 token)
{
    GByteArray *out = g_byte_array_new ();
    rsp_tlv_put_int (out, 0x84, token);
    return out;
}

/* --- the request --- */

static void
put_eid (const Package *p, GByteArray *out)
{
    const RspYaml *other = rsp_yaml_get (p->step, "eid");
    guint8 octets[16];
    rsp_eid_to_octets (other ? other->text : rsp_yaml_get (p->card->yaml, "eid")->text, octets);
    rsp_tlv_put (out, 0x5A, RSP_SLICE_ARRAY (octets));
}

/* EuiccPackageSigned. */
static gboolean
put_signed (const Package *p, const RspWorldActor *eim, GByteArray *out, GError **error)
{
    gboolean eco = FALSE;
    const RspYaml *transaction = rsp_yaml_get (p->step, "transaction");
    const char *fqdn = rsp_yaml_get (eim->yaml, "fqdn")->text;
    const char *id = rsp_world_text (eim->yaml, "eim-id", fqdn);
    g_autoptr (GBytes) operations =
        rsp_encode_eim_operations (p->run, p->run->world, p->step, &eco, error);
    g_autoptr (GBytes) octets = transaction ? rsp_unhex (transaction->text) : NULL;
    if (!operations)
        return FALSE;
    gsize mark = rsp_tlv_open (out, 0x30);
    rsp_tlv_put_text (out, 0x80, rsp_world_text (p->step, "as-eim", id));
    put_eid (p, out);
    rsp_tlv_put_int (out, 0x81, rsp_world_number (p->step, "counter", 0));
    if (octets)
        rsp_tlv_put (out, 0x82, rsp_slice_of (octets));
    rsp_tlv_put (out, rsp_world_flag (p->step, "eco", eco) ? 0xA1 : 0xA0,
                 rsp_slice_of (operations));
    rsp_tlv_close (out, mark);
    return TRUE;
}

static GBytes *
request (const Package *p, GError **error)
{
    guint8 signature[RSP_SIGNATURE_SIZE];
    const RspWorldActor *eim =
        rsp_world_actor (p->run->world, rsp_yaml_get (p->step, "from")->text);
    g_autoptr (GByteArray) out = g_byte_array_new (), token = token_object (p->token);
    gsize mark = rsp_tlv_open (out, 0xBF51), start = out->len;
    if (!put_signed (p, eim, out, error))
        return NULL;
    RspSlice parts[] = {RSP_SLICE (out->data + start, out->len - start),
                        RSP_SLICE (token->data, token->len)};
    rsp_key_sign (rsp_world_credential (eim, "eim")->key, parts, G_N_ELEMENTS (parts), signature);
    if (rsp_world_flag (p->step, "bad-signature", FALSE))
        signature[RSP_SIGNATURE_SIZE - 1] ^= 1;
    rsp_tlv_put (out, 0x5F37, RSP_SLICE_ARRAY (signature));
    rsp_tlv_close (out, mark);
    return g_bytes_new (out->data, out->len);
}

/* --- the answer --- */

static gboolean
match_results (const Package *p, const RspAsn1 *answer)
{
    static const char path[] = "euiccPackageResultSigned.euiccPackageResultDataSigned.euiccResult";
    const RspYaml *expect = rsp_yaml_get (p->step, "expect");
    const RspYaml *want = expect ? rsp_yaml_get (expect, "results") : NULL;
    guint n = rsp_asn1_count (answer, path);
    for (guint i = 1; i <= n; i++) {
        g_autofree char *base = g_strdup_printf ("%s.?%u", path, i);
        g_autofree char *name = rsp_eim_result_name (answer, base);
        if (want && i <= want->items->len) {
            if (!rsp_run_match (p->run, want->items->pdata[i - 1], name))
                return FALSE;
        } else if (want || strcmp (name, "ok") != 0) {
            return rsp_run_fail (p->run, want ? want : p->step, "expected %s, got %s",
                                 want ? "no further result" : "ok", name);
        }
    }
    if (want && n < want->items->len)
        return rsp_run_fail (p->run, want, "expected %u results, got %u", want->items->len, n);
    return TRUE;
}

/* "ok", "unsigned", or the name of a signed error. */
static const char *
error_of (const RspAsn1 *answer)
{
    const char *choice = rsp_asn1_choice (answer, "");
    if (strcmp (choice, "euiccPackageResultSigned") == 0)
        return "ok";
    if (strcmp (choice, "euiccPackageErrorSigned") != 0)
        return "unsigned";
    return rsp_code_name (
        "EuiccPackageErrorCode",
        rsp_asn1_int (answer,
                      "euiccPackageErrorSigned.euiccPackageErrorDataSigned.euiccPackageErrorCode",
                      RSP_UNDEFINED_ERROR));
}

static gboolean
is_signed_by_card (const Package *p, const RspAsn1 *answer)
{
    gboolean good = strcmp (error_of (answer), "ok") == 0;
    const char *data = good ? "euiccPackageResultSigned.euiccPackageResultDataSigned"
                            : "euiccPackageErrorSigned.euiccPackageErrorDataSigned";
    const char *signature =
        good ? "euiccPackageResultSigned.euiccSignEPR" : "euiccPackageErrorSigned.euiccSignEPE";
    g_autoptr (GByteArray) token = token_object (p->token);
    RspSlice parts[] = {rsp_asn1_slice (answer, data), RSP_SLICE (token->data, token->len)};
    return rsp_public_verify (rsp_cert_public (rsp_world_credential (p->card, "euicc")->cert),
                              parts, G_N_ELEMENTS (parts), rsp_asn1_octets (answer, signature));
}

static void
on_reply (const RspReply *reply, gpointer data)
{
    const Package *p = data;
    const RspYaml *expect = rsp_yaml_get (p->step, "expect");
    const RspYaml *want = expect ? rsp_yaml_get (expect, "error") : NULL;
    p->run->step_done = TRUE;
    g_autoptr (RspAsn1) answer = reply->kind == RSP_REPLY_OK && reply->sw == 0x9000
                                     ? rsp_asn1_decode ("EuiccPackageResult", reply->body, NULL)
                                     : NULL;
    if (!answer) {
        rsp_run_fail (p->run, p->step, "expected an EuiccPackageResult, got status word %04X",
                      reply->sw);
        return;
    }
    const char *error = error_of (answer);
    if (strcmp (error, "unsigned") != 0 && !is_signed_by_card (p, answer))
        rsp_run_fail (p->run, p->step, "expected the eUICC's signature, got another");
    else if (want)
        rsp_run_match (p->run, want, error);
    else if (strcmp (error, "ok") != 0)
        rsp_run_fail (p->run, p->step, "expected results, got %s", error);
    else
        match_results (p, answer);
}

void
rsp_step_package (RspRun *run, const RspYaml *step)
{
    g_autoptr (GError) error = NULL;
    Package package = {.run = run,
                       .step = step,
                       .card = rsp_world_actor (run->world, rsp_yaml_get (step, "to")->text),
                       .token = rsp_world_number (step, "association-token", 0)};
    g_autoptr (GBytes) body = request (&package, &error);
    RspCallOptions options = {0};
    if (!body) {
        rsp_run_fail (run, step, "%s", error->message);
        return;
    }
    run->step_done = FALSE;
    rsp_bus_call (run->world->bus, rsp_world_text (step, "as", "ipa"), package.card->base.name,
                  rsp_function (RSP_FN_ES10B_LOAD_EUICC_PACKAGE), body, &options, on_reply,
                  &package);
    rsp_run_wait (run, step);
}
