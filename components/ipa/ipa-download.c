/* Profile downloads that the eIM triggers (SGP.32 3.2): with an activation code, by SM-DS, from the
 * default SM-DP+, each directly or with the eIM as the proxy; and what came of them. */
#include "components/ipa/ipa-private.h"

#include "asn1/fields.h"

#include <string.h>

#define MAX_TRIGGERS 4

enum { ECALL_ACTIVE = 104, UNDEFINED = 127 };

static void
end_download (RspIpa *ipa)
{
    IpaOperation *op = ipa->op;
    if (op->reached && op->kept_key)
        ipa_drop_kept (ipa, op->kept_key);
    else if (op->kept_key)
        op->kept++;
    g_clear_pointer (&op->kept_key, g_free);
    g_clear_pointer (&op->profile_result, g_bytes_unref);
    g_clear_pointer (&op->transaction, g_bytes_unref);
    op->triggers = 0;
    op->after_package (ipa);
}

GBytes *
ipa_download_result (GBytes *transaction, RspSlice data)
{
    GByteArray *out = g_byte_array_sized_new ((guint)data.len + 32);
    gsize mark = rsp_tlv_open (out, 0xBF54);
    if (transaction)
        rsp_tlv_put (out, 0x82, rsp_slice_of (transaction));
    g_byte_array_append (out, data.data, (guint)data.len);
    rsp_tlv_close (out, mark);
    return ipa_take (out);
}

/* Kept first: it is lost no more. */
static void
send_profile_result (RspIpa *ipa, RspSlice data)
{
    IpaOperation *op = ipa->op;
    op->profile_result = ipa_download_result (op->transaction, data);
    g_clear_pointer (&op->kept_key, g_free);
    if (ipa_eim (ipa) && !op->asked)
        op->kept_key = ipa_keep_result (ipa, ipa_eim (ipa)->id, op->profile_result, data);
    ipa_send_result (ipa, g_bytes_ref (op->profile_result), end_download);
}

/* The refusal as the server's answer has it in ASN.1; empty: no server refused. */
static GBytes *
error_response (const RspIpaDownloaded *o)
{
    const RspFunction *fn = o->subject ? rsp_function_by_name (o->step) : NULL;
    if (!fn || fn->binding != RSP_BINDING_HTTP)
        return g_bytes_new (NULL, 0);
    RspStatus status = {o->subject, o->reason, NULL};
    return rsp_fields_encode_failed_as (fn, RSP_ENC_DER, status);
}

static void
send_failure (RspIpa *ipa, guint8 reason, GBytes *response)
{
    g_autoptr (GByteArray) out = g_byte_array_new ();
    RspSlice octets = rsp_slice_of (response);
    gsize mark = rsp_tlv_open (out, 0x30);
    if (!ipa->config.v10)
        rsp_tlv_put_int (out, 0x80, reason);
    if (octets.len > 0)
        rsp_tlv_put (out, ipa->config.v10 ? 0x80 : 0x04, octets);
    rsp_tlv_close (out, mark);
    ipa->op->failed++;
    send_profile_result (ipa, RSP_SLICE (out->data, out->len));
}

/* --- immediate enabling: SGP.32 3.2.5 --- */

static void
on_enabled (RspIpa *ipa, const RspReply *reply)
{
    IpaOperation *op = ipa->op;
    g_autoptr (GBytes) result = g_steal_pointer (&op->profile_result);
    g_autoptr (RspAsn1) node = ipa_problem (ipa, reply)
                                   ? NULL
                                   : rsp_asn1_decode ("ImmediateEnableResponse", reply->body, NULL);
    gint64 code = node ? rsp_asn1_int (node, "immediateEnableResult", UNDEFINED) : UNDEFINED;
    ipa_check_event (ipa, "immediateEnable", NULL, ipa_code_name ("ImmediateEnableResult", code));
    if (code == 0)
        ipa_note_change (ipa, IPA_CHANGE_IMMEDIATE_ENABLE, NULL);
    else
        ipa_note_refusal (ipa, reply);
    send_profile_result (ipa, rsp_slice_of (result));
}

static void
enable_at_once (RspIpa *ipa, GBytes *result)
{
    static const guint8 no_refresh[] = {0x80, 0x01, 0x00};
    ipa->op->profile_result = g_bytes_ref (result);
    ipa_doubt (ipa, IPA_CHANGE_IMMEDIATE_ENABLE);
    ipa_card_call (ipa, RSP_FN_ES10B_IMMEDIATE_ENABLE,
                   ipa->config.v10 ? RSP_SLICE (NULL, 0) : RSP_SLICE_ARRAY (no_refresh),
                   on_enabled);
}

/* --- the download --- */

static void
note_outcome (RspIpa *ipa, const RspIpaDownloaded *o)
{
    IpaOperation *op = ipa->op;
    g_free (op->iccid);
    g_free (op->code);
    op->iccid = g_strdup (o->iccid);
    op->code = o->subject ? g_strdup_printf ("%s/%s", o->subject, o->reason) : NULL;
    ipa_set_result (ipa, o->error ? o->error : "ok");
    ipa_check_event (ipa, "download", o->step, o->error ? o->error : "installed");
    if (op->asked && o->error)
        ipa_note_failure (ipa, o->step, o->error);
}

static void
on_downloaded (const RspIpaDownloaded *o, gpointer data)
{
    RspIpa *ipa = data;
    IpaOperation *op = ipa->op;
    if (o->trigger && op->triggers < MAX_TRIGGERS) {
        ipa_download (ipa, rsp_slice_of (o->trigger), op->after_package);
        return;
    }
    note_outcome (ipa, o);
    if (!o->result) {
        g_autoptr (GBytes) response = error_response (o);
        send_failure (ipa, UNDEFINED, response);
        return;
    }
    op->installed += !o->error;
    if (!o->error)
        ipa_note_change (ipa, IPA_CHANGE_OTHER_EIM, ipa_eim (ipa));
    op->failed += o->error != NULL;
    if (!o->error)
        ipa_emulation_installed (ipa, o->result);
    if (!o->error && ipa->config.immediate_enable)
        enable_at_once (ipa, o->result);
    else
        send_profile_result (ipa, rsp_slice_of (o->result));
}

static gboolean
goes_through_eim (const RspIpa *ipa, const RspAsn1 *trigger)
{
    const IpaEim *eim = ipa_eim (ipa);
    return eim && eim->fqdn &&
           (ipa->config.indirect || eim->indirect ||
            !rsp_asn1_has (trigger, "profileDownloadData"));
}

static void
remember (RspIpa *ipa, GBytes *result)
{
    if (ipa_eim (ipa) && !ipa->op->asked)
        ipa_remember_download (ipa, ipa_eim (ipa)->id, rsp_slice_of (ipa->op->transaction), result);
}

static void
on_result (GBytes *result, gpointer data)
{
    remember (data, result);
}

static void
start (RspIpa *ipa, const RspAsn1 *trigger)
{
    const RspIpaDownloader *d = &ipa->config.downloader;
    g_autofree char *code = rsp_asn1_text (trigger, "profileDownloadData.activationCode");
    g_autofree char *smds = rsp_asn1_text (trigger, "profileDownloadData.contactSmds.smdsAddress");
    const RspIpaDownload download = {
        .activation_code = code,
        .smds = rsp_asn1_has (trigger, "profileDownloadData.contactSmds"),
        .smds_address = smds,
        .via = goes_through_eim (ipa, trigger) ? ipa_eim (ipa)->fqdn : NULL,
        .eim_transaction = ipa->config.v10 ? NULL : ipa->op->transaction,
        .bare = !rsp_asn1_has (trigger, "profileDownloadData"),
        .keep_notifications = ipa->config.notify == RSP_IPA_NOTIFY_EIM,
        .installed = on_result,
    };
    remember (ipa, NULL);
    ipa_check_event (ipa, "downloadTrigger", download.via ? "indirect" : "direct",
                     download.bare   ? "eimData"
                     : code          ? "activationCode"
                     : download.smds ? "smds"
                                     : "defaultSmdp");
    d->download (d->engine, &download, on_downloaded, ipa);
}

void
ipa_download (RspIpa *ipa, RspSlice trigger, IpaNext next)
{
    IpaOperation *op = ipa->op;
    g_autoptr (RspAsn1) node =
        rsp_asn1_decode_slice ("ProfileDownloadTriggerRequest", trigger, NULL);
    g_autoptr (GBytes) nothing = g_bytes_new (NULL, 0);
    op->after_package = next;
    op->triggers++;
    RspSlice id = node ? rsp_asn1_octets (node, "eimTransactionId") : RSP_SLICE (NULL, 0);
    if (id.len > 0) {
        g_clear_pointer (&op->transaction, g_bytes_unref);
        op->transaction = rsp_slice_to_bytes (id);
    }
    if (!node || (!ipa_eim (ipa) && !rsp_asn1_has (node, "profileDownloadData"))) {
        ipa_set_result (ipa, "badTrigger");
        send_failure (ipa, UNDEFINED, nothing);
    } else if (ipa_in_emergency (ipa)) {
        ipa_set_result (ipa, "ecallActive");
        send_failure (ipa, ECALL_ACTIVE, nothing);
    } else {
        start (ipa, node);
    }
}

/* --- for the user of the IPA --- */

static void
download_own_trigger (RspIpa *ipa)
{
    ipa_download (ipa, rsp_slice_of (ipa->op->command), ipa_finish);
}

void
rsp_ipa_download (RspIpa *ipa, GBytes *trigger, RspIpaFunc func, gpointer data)
{
    IpaOperation *op = ipa_begin (ipa, "download", func, data);
    if (!op)
        return;
    op->asked = TRUE;
    op->command = g_bytes_ref (trigger);
    if (ipa->config.indirect)
        ipa_read_eims (ipa, download_own_trigger);
    else
        download_own_trigger (ipa);
}
