/* Results to the eIM, and what its acknowledgement removes from the card (SGP.32 3.3.1, 5.14.6).
 * The octets that the eUICC has signed go on as they are. */
#include "components/ipa/ipa-private.h"

#include <string.h>

/* --- acknowledgements --- */

static void remove_next (RspIpa *ipa);

/* A number that the card does not know is as good as removed. */
static void
on_removed (RspIpa *ipa, const RspReply *reply)
{
    const char *problem = ipa_problem (ipa, reply);
    RspTlv response, status;
    if (!problem && (!rsp_tlv_single (rsp_slice_of (reply->body), 0xBF30, &response) ||
                     !rsp_tlv_find (response.value, 0x80, &status) || status.value.len != 1 ||
                     status.value.data[0] > 1))
        problem = "badReply";
    if (problem)
        ipa_note_failure (ipa, NULL, problem);
    else
        ipa_drop_acknowledged (ipa, ipa->op->removing);
    remove_next (ipa);
}

static void
remove_next (RspIpa *ipa)
{
    GArray *left = ipa->op->to_remove;
    if (left->len == 0) {
        ipa->op->after_removing (ipa);
        return;
    }
    g_autoptr (GByteArray) out = g_byte_array_new ();
    ipa->op->removing = g_array_index (left, guint64, 0);
    rsp_tlv_put_int (out, 0x80, (gint64)ipa->op->removing);
    g_array_remove_index (left, 0);
    ipa_card_call (ipa, RSP_FN_ES10B_REMOVE_NOTIFICATION_FROM_LIST, RSP_SLICE (out->data, out->len),
                   on_removed);
}

void
ipa_remove (RspIpa *ipa, IpaNext next)
{
    ipa->op->after_removing = next;
    remove_next (ipa);
}

static gboolean
holds (const GArray *numbers, guint64 number)
{
    for (guint i = 0; i < numbers->len; i++)
        if (g_array_index (numbers, guint64, i) == number)
            return TRUE;
    return FALSE;
}

void
ipa_remove_acknowledged (RspIpa *ipa, const RspAsn1 *node, const char *path, IpaNext next)
{
    IpaOperation *op = ipa->op;
    for (guint i = 1; i <= rsp_asn1_count (node, path); i++) {
        g_autofree char *element = g_strdup_printf ("%s.?%u", path, i);
        gint64 seq = rsp_asn1_int (node, element, -1);
        guint64 number = (guint64)seq;
        if (seq >= 0 && !holds (op->for_smdp, number))
            g_array_append_val (op->to_remove, number);
    }
    ipa_keep_acknowledged (ipa, op->to_remove);
    ipa_remove (ipa, next);
}

/* --- ProvideEimPackageResult --- */

static void
sent (RspIpa *ipa)
{
    IpaOperation *op = ipa->op;
    g_clear_pointer (&op->sending, g_bytes_unref);
    g_array_set_size (op->for_smdp, 0);
    op->after_sending (ipa);
}

/* The eIM has it, and says NAME of it. It will hand the package out again: there is no use in
 * asking now. */
static void
refused (RspIpa *ipa, const char *name)
{
    ipa->op->refused = TRUE;
    ipa_note_failure (ipa, NULL, name);
    sent (ipa);
}

static void
on_sent (RspIpa *ipa, const RspReply *reply)
{
    IpaOperation *op = ipa->op;
    const char *problem = ipa_problem (ipa, reply);
    const char *type =
        ipa->config.v10 ? "ProvideEimPackageResultResponseV10" : "ProvideEimPackageResultResponse";
    op->reached = !problem;
    ipa_check_event (ipa, "result", ipa_eim (ipa)->id, problem ? problem : "delivered");
    if (problem) {
        ipa_note_failure (ipa, NULL, problem);
        sent (ipa);
        return;
    }
    op->delivered++;
    if (g_bytes_get_size (reply->body) == 0) {
        sent (ipa);
        return;
    }
    g_autoptr (RspAsn1) node = rsp_asn1_decode (type, reply->body, NULL);
    const char *kind = node && !ipa->config.v10 ? rsp_asn1_choice (node, "") : NULL;
    if (!node)
        refused (ipa, "badReply");
    else if (kind && strcmp (kind, "provideEimPackageResultError") == 0)
        refused (ipa,
                 ipa_code_name ("ProvideEimPackageResultError", rsp_asn1_int (node, kind, 127)));
    else
        ipa_remove_acknowledged (ipa, node, "eimAcknowledgements", sent);
}

/* Who injected the package waits for its result. */
static void
answer_call (RspIpa *ipa)
{
    IpaOperation *op = ipa->op;
    ipa_answer_injected (g_steal_pointer (&op->call), rsp_slice_of (op->sending));
    op->reached = TRUE;
    op->delivered++;
    sent (ipa);
}

static void
keep_answer (RspIpa *ipa)
{
    IpaOperation *op = ipa->op;
    g_clear_pointer (&op->answer, g_bytes_unref);
    op->answer = g_bytes_ref (op->sending);
    op->reached = TRUE;
    sent (ipa);
}

void
ipa_send_result (RspIpa *ipa, GBytes *result, IpaNext next)
{
    IpaOperation *op = ipa->op;
    op->after_sending = next;
    op->sending = result;
    if (op->call || op->asked) {
        (op->call ? answer_call : keep_answer) (ipa);
        return;
    }
    if (!ipa_eim (ipa) || !ipa_eim (ipa)->fqdn) { /* of an injected download */
        op->reached = FALSE;
        ipa_note_failure (ipa, "result", "noEim");
        sent (ipa);
        return;
    }
    GByteArray *out = g_byte_array_sized_new ((guint)g_bytes_get_size (result) + 32);
    gsize mark = rsp_tlv_open (out, 0xBF50);
    if (!ipa->config.v10)
        rsp_tlv_put (out, 0x5A, RSP_SLICE_ARRAY (ipa->eid));
    g_byte_array_append (out, rsp_slice_of (result).data, (guint)g_bytes_get_size (result));
    rsp_tlv_close (out, mark);
    ipa_call (ipa, RSP_FN_ESIPA_PROVIDE_EIM_PACKAGE_RESULT, ipa_eim (ipa)->fqdn, ipa_take (out),
              on_sent);
}

void
ipa_note_transaction (RspIpa *ipa, RspSlice package)
{
    RspTlv tlv, signed_data, id;
    g_clear_pointer (&ipa->op->transaction, g_bytes_unref);
    if (rsp_tlv_next (&package, &tlv) != RSP_TLV_OK)
        return;
    RspSlice in = tlv.value;
    if (tlv.tag == 0xBF51)
        in = rsp_tlv_find (in, 0x30, &signed_data) ? signed_data.value : RSP_SLICE (NULL, 0);
    if (rsp_tlv_find (in, tlv.tag == 0xBF52 ? 0x83 : 0x82, &id) && id.value.len > 0 &&
        id.value.len <= 16)
        ipa->op->transaction = rsp_slice_to_bytes (id.value);
}

void
ipa_send_error (RspIpa *ipa, guint8 code, IpaNext next)
{
    IpaOperation *op = ipa->op;
    GByteArray *out = g_byte_array_new ();
    op->failed++;
    if (ipa->config.v10 || op->call) {
        rsp_tlv_put_int (out, 0x02, code);
    } else {
        gsize mark = rsp_tlv_open (out, 0xA0);
        if (op->transaction)
            rsp_tlv_put (out, 0x80, rsp_slice_of (op->transaction));
        rsp_tlv_put_int (out, 0x02, code);
        rsp_tlv_close (out, mark);
    }
    ipa_send_result (ipa, ipa_take (out), next);
}
