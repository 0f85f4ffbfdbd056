/* Packages that the eIM brings by itself (SGP.32 3.1.1.2, TransferEimPackage): what the card or the
 * IPA answers goes back in the reply; a download is only taken note of, its result follows by
 * ProvideEimPackageResult. */
#include "components/ipa/ipa-private.h"

#include <string.h>

#define NAME "inject"

enum { UNDEFINED = 127 };

void
ipa_answer_injected (RspCall *call, RspSlice content)
{
    GByteArray *out = g_byte_array_new ();
    rsp_tlv_put (out, 0xBF4E, content);
    g_autoptr (GBytes) asn1 = ipa_take (out);
    g_autoptr (GBytes) body = rsp_call_encoding (call) == RSP_ENC_JSON
                                  ? ipa_result_in_json (rsp_call_function (call), content)
                                  : g_bytes_ref (asn1);
    rsp_call_reply (call, &(RspOutcome){.http = 200}, body);
}

static void
reply (RspCall *call, guint32 tag, RspSlice value)
{
    g_autoptr (GByteArray) out = g_byte_array_new ();
    rsp_tlv_put (out, tag, value);
    ipa_answer_injected (call, RSP_SLICE (out->data, out->len));
}

static void
reply_error (RspCall *call, guint8 code)
{
    reply (call, 0x02, RSP_SLICE (&code, 1));
}

static void
reply_received (RspIpa *ipa)
{
    if (ipa->op->call)
        reply (g_steal_pointer (&ipa->op->call), 0x05, RSP_SLICE (NULL, 0));
}

static void
acknowledged (RspIpa *ipa)
{
    reply_received (ipa);
    ipa_finish (ipa);
}

/* What the eIM does not get goes to the SM-DP+s. */
static void
executed (RspIpa *ipa)
{
    if (ipa->config.notify == RSP_IPA_NOTIFY_EIM)
        ipa_finish (ipa);
    else
        ipa_deliver_and_finish (ipa);
}

/* Whose package it is: eUICC packages say so, others are the caller's. */
static void
choose_eim (RspIpa *ipa, const RspAsn1 *node)
{
    IpaOperation *op = ipa->op;
    g_autofree char *id = rsp_asn1_text (node, "euiccPackageRequest.euiccPackageSigned.eimId");
    for (guint i = 0; i < op->eims->len; i++) {
        const IpaEim *eim = g_ptr_array_index (op->eims, i);
        const char *actor = eim->fqdn ? rsp_bus_resolve (ipa->actor->bus, eim->fqdn) : NULL;
        if (id ? strcmp (id, eim->id) == 0 : g_strcmp0 (actor, rsp_call_src (op->call)) == 0) {
            op->eim = i;
            return;
        }
    }
}

static void
execute (RspIpa *ipa)
{
    IpaOperation *op = ipa->op;
    g_autoptr (RspAsn1) node = rsp_asn1_decode ("TransferEimPackageRequest", op->command, NULL);
    const char *kind = rsp_asn1_choice (node, "");
    RspSlice package = rsp_asn1_slice (node, kind);
    op->packages = 1;
    choose_eim (ipa, node);
    if (strcmp (kind, "eimAcknowledgements") == 0) {
        ipa_remove_acknowledged (ipa, node, kind, acknowledged);
    } else if (strcmp (kind, "euiccPackageRequest") == 0) {
        ipa_run_package (ipa, package, executed);
    } else if (strcmp (kind, "ipaEuiccDataRequest") == 0) {
        ipa_answer_data_request (ipa, package, ipa_finish);
    } else {
        reply_received (ipa);
        ipa_download (ipa, package, ipa_finish);
    }
}

/* What the eIM says to the result that it has just got: the package before may still have
 * notifications to deliver. */
static gboolean
may_wait (const RspIpa *ipa, const RspAsn1 *node)
{
    return ipa->op && strcmp (ipa->op->name, NAME) == 0 && !ipa->op->call && !ipa->waiting &&
           strcmp (rsp_asn1_choice (node, ""), "eimAcknowledgements") == 0;
}

void
ipa_serve_waiting (RspIpa *ipa)
{
    if (ipa->waiting && !ipa->op)
        ipa_serve (g_steal_pointer (&ipa->waiting), ipa);
}

void
ipa_serve (RspCall *call, gpointer data)
{
    RspIpa *ipa = data;
    if (rsp_call_function (call)->id != RSP_FN_ESIPA_TRANSFER_EIM_PACKAGE) {
        rsp_call_reply (call, &(RspOutcome){.http = 404}, NULL);
        return;
    }
    gboolean json = rsp_call_encoding (call) == RSP_ENC_JSON;
    if (json && ipa->config.v10) {
        ipa_check_event (ipa, NAME, NULL, "not supported: JSON with version 1.0");
        rsp_call_reply (call, &(RspOutcome){.http = 415}, NULL);
        return;
    }
    g_autoptr (GBytes) request =
        json ? ipa_package_in_asn1 (rsp_call_function (call), rsp_call_body (call))
             : g_bytes_ref (rsp_call_body (call));
    g_autoptr (RspAsn1) node = rsp_asn1_decode ("TransferEimPackageRequest", request, NULL);
    if (!node) {
        reply_error (call, ipa_package_error (rsp_slice_of (request), 0xBF4E));
        return;
    }
    if (may_wait (ipa, node)) {
        ipa->waiting = call;
        return;
    }
    if (ipa->op) {
        ipa_check_event (ipa, "inject", NULL, "busy");
        reply_error (call, UNDEFINED);
        return;
    }
    IpaOperation *op = ipa_begin (ipa, NAME, NULL, NULL);
    op->call = call;
    op->command = g_steal_pointer (&request);
    ipa_read_eims (ipa, execute);
}
