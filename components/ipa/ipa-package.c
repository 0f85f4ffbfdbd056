/* eUICC packages (SGP.32 3.3): to the card as the eIM signed them, their results back as the card
 * signed them. If no way leads to the eIM after a profile was enabled with the rollback flag, the
 * IPA goes back to the profile before (3.3.2). */
#include "components/ipa/ipa-private.h"

#include <string.h>

enum { WRONG_DATA = 0x6A80 };
enum { INVALID_FORMAT = 1, UNDEFINED = 127 };

static void send_package_result (RspIpa *ipa);

static void
end_package (RspIpa *ipa)
{
    IpaOperation *op = ipa->op;
    if (!op->reached)
        op->kept++;
    else
        ipa_forget_rollback (ipa);
    g_clear_pointer (&op->package_result, g_bytes_unref);
    g_clear_pointer (&op->transaction, g_bytes_unref);
    op->after_package (ipa);
}

/* Whether any operation of PACKAGE enables a profile with the rollback flag, and so, whose it is.
 */
static gboolean
wants_rollback (RspSlice package, RspSlice *ret_eim, RspSlice *ret_counter)
{
    RspTlv request, signed_data, list, psmo, flag, eim, counter;
    if (!rsp_tlv_single (package, 0xBF51, &request) ||
        !rsp_tlv_find (request.value, 0x30, &signed_data) ||
        !rsp_tlv_find (signed_data.value, 0x80, &eim) ||
        !rsp_tlv_find (signed_data.value, 0x81, &counter) ||
        !rsp_tlv_find (signed_data.value, 0xA0, &list))
        return FALSE;
    *ret_eim = eim.value;
    *ret_counter = counter.value;
    while (rsp_tlv_next (&list.value, &psmo) == RSP_TLV_OK)
        if (psmo.tag == 0xA3 && rsp_tlv_find (psmo.value, 0x05, &flag))
            return TRUE;
    return FALSE;
}

/* --- what came of it --- */

static const struct {
    guint32 tag;
    const char *enumeration;
} results[] = {
    {0x83, "EnableProfileResult"},
    {0x84, "DisableProfileResult"},
    {0x85, "DeleteProfileResult"},
    {0x87, "ConfigureImmediateEnableResult"},
    {0x89, "DeleteEimResult"},
    {0x8A, "UpdateEimResult"},
    {0x8C, "RollbackProfileResult"},
    {0x8D, "SetFallbackAttributeResult"},
    {0x8E, "UnsetFallbackAttributeResult"},
    {0x02, "ProcessingTerminated"},
};

enum { LAST_EIM_DELETED = 2 };

/* NULL: it went well. */
static const char *
element_error (const RspTlv *element)
{
    RspTlv inner;
    if (element->tag == 0x89 && element->value.len == 1 &&
        element->value.data[0] == LAST_EIM_DELETED)
        return NULL;
    if (element->tag == 0xA8 && rsp_tlv_find (element->value, 0x02, &inner) &&
        inner.value.len == 1 && inner.value.data[0] != 0)
        return ipa_code_name ("AddEimResultCode", inner.value.data[0]);
    if (element->tag == 0xBF2D && rsp_tlv_find (element->value, 0x81, &inner) &&
        inner.value.len == 1)
        return ipa_code_name ("SGP32-ProfileInfoListError", inner.value.data[0]);
    if (element->tag == 0xBF65 && rsp_tlv_find (element->value, 0x80, &inner) &&
        inner.value.len == 1 && inner.value.data[0] != 0)
        return ipa_code_name ("SGP32-SetDefaultDpAddressResult", inner.value.data[0]);
    for (guint i = 0; i < G_N_ELEMENTS (results); i++)
        if (element->tag == results[i].tag && element->value.len == 1 &&
            (element->value.data[0] != 0 || element->tag == 0x02))
            return ipa_code_name (results[i].enumeration, element->value.data[0]);
    return NULL;
}

static const char *
first_error (const RspAsn1 *node)
{
    RspTlv list, element;
    if (rsp_asn1_has (node, "euiccPackageErrorUnsigned"))
        return "euiccPackageErrorUnsigned";
    if (rsp_asn1_has (node, "euiccPackageErrorSigned"))
        return ipa_code_name (
            "EuiccPackageErrorCode",
            rsp_asn1_int (
                node, "euiccPackageErrorSigned.euiccPackageErrorDataSigned.euiccPackageErrorCode",
                UNDEFINED));
    RspSlice slice =
        rsp_asn1_slice (node, "euiccPackageResultSigned.euiccPackageResultDataSigned.euiccResult");
    if (!rsp_tlv_single (slice, 0x30, &list))
        return "badReply";
    while (rsp_tlv_next (&list.value, &element) == RSP_TLV_OK) {
        const char *error = element_error (&element);
        if (error)
            return error;
    }
    return NULL;
}

/* An enabling, disabling or deletion that went well, or what undoes one. */
static gboolean
changes_profiles (const RspAsn1 *node)
{
    static const guint32 tags[] = {0x83, 0x84, 0x85, 0x8C};
    RspTlv list, result;
    RspSlice slice =
        rsp_asn1_slice (node, "euiccPackageResultSigned.euiccPackageResultDataSigned.euiccResult");
    if (!rsp_tlv_single (slice, 0x30, &list))
        return FALSE;
    while (rsp_tlv_next (&list.value, &result) == RSP_TLV_OK)
        for (guint i = 0; i < G_N_ELEMENTS (tags); i++)
            if (result.tag == tags[i] && result.value.len == 1 && result.value.data[0] == 0)
                return TRUE;
    return FALSE;
}

static void
note_result (RspIpa *ipa, const RspAsn1 *node, const char *error)
{
    ipa->op->failed += error != NULL;
    ipa_set_result (ipa, error ? error : "ok");
    if (changes_profiles (node))
        ipa_note_change (ipa, IPA_CHANGE_OTHER_EIM, ipa_eim (ipa));
}

/* --- rollback --- */

static void
on_rolled_back (RspIpa *ipa, const RspReply *reply)
{
    IpaOperation *op = ipa->op;
    g_autoptr (RspAsn1) node = ipa_decode (ipa, reply, "ProfileRollbackResponse");
    gint64 code = node ? rsp_asn1_int (node, "cmdResult", UNDEFINED) : UNDEFINED;
    const char *name = ipa_code_name ("ProfileRollbackResult", code);
    ipa_check_event (ipa, "rollback", NULL, node ? name : "badReply");
    if (node) /* else the card may be asked again */
        ipa_forget_rollback (ipa);
    if (code != 0 || !rsp_asn1_has (node, "eUICCPackageResult")) {
        ipa_set_result (ipa, name);
        end_package (ipa);
        return;
    }
    op->rolled_back++;
    op->tries = 0;
    ipa_set_result (ipa, "rolledBack");
    g_clear_pointer (&op->package_result, g_bytes_unref);
    op->package_result = rsp_slice_to_bytes (rsp_asn1_slice (node, "eUICCPackageResult"));
    send_package_result (ipa);
}

static void
after_sending (RspIpa *ipa)
{
    static const guint8 no_refresh[] = {0x80, 0x01, 0x00};
    IpaOperation *op = ipa->op;
    if (op->reached) {
        end_package (ipa);
    } else if (op->tries++ < ipa->config.retries) {
        ipa_after_pause (ipa, send_package_result);
    } else if (op->may_roll_back) {
        op->may_roll_back = FALSE;
        ipa_card_call (ipa, RSP_FN_ES10B_PROFILE_ROLLBACK, RSP_SLICE_ARRAY (no_refresh),
                       on_rolled_back);
    } else {
        end_package (ipa);
    }
}

/* --- the result, with notifications where the eIM gets them --- */

static void
on_notifications (RspIpa *ipa, const RspReply *reply)
{
    IpaOperation *op = ipa->op;
    RspTlv response, list;
    RspSlice result = rsp_slice_of (op->package_result);
    if (ipa_problem (ipa, reply) ||
        !rsp_tlv_single (rsp_slice_of (reply->body), 0xBF2B, &response) ||
        !rsp_tlv_find (response.value, 0xA0, &list) || list.value.len == 0) {
        ipa_send_result (ipa, g_bytes_ref (op->package_result), after_sending);
        return;
    }
    RspSlice all = ipa->config.v10 ? response.whole : list.whole;
    GByteArray *out = g_byte_array_new ();
    gsize mark = rsp_tlv_open (out, 0x30);
    g_byte_array_append (out, result.data, (guint)result.len);
    g_byte_array_append (out, all.data, (guint)all.len);
    rsp_tlv_close (out, mark);
    ipa_note_notifications (ipa, list.value);
    ipa_send_result (ipa, ipa_take (out), after_sending);
}

static void
send_package_result (RspIpa *ipa)
{
    if (ipa->config.notify == RSP_IPA_NOTIFY_SMDP)
        ipa_send_result (ipa, g_bytes_ref (ipa->op->package_result), after_sending);
    else
        ipa_card_call (ipa, RSP_FN_ES10B_RETRIEVE_NOTIFICATIONS_LIST, RSP_SLICE (NULL, 0),
                       on_notifications);
}

static void
on_executed (RspIpa *ipa, const RspReply *reply)
{
    IpaOperation *op = ipa->op;
    const char *problem = ipa_problem (ipa, reply);
    if (problem && reply->kind != RSP_REPLY_OK) { /* the card may have done it: it knows */
        ipa_note_failure (ipa, NULL, problem);
        op->reached = FALSE;
        end_package (ipa);
        return;
    }
    g_autoptr (RspAsn1) node =
        problem ? NULL : rsp_asn1_decode ("EuiccPackageResult", reply->body, NULL);
    if (!node) {
        ipa_set_result (ipa, problem ? problem : "badReply");
        ipa_send_error (ipa, problem && reply->sw == WRONG_DATA ? INVALID_FORMAT : UNDEFINED,
                        end_package);
        return;
    }
    const char *error = first_error (node);
    note_result (ipa, node, error);
    op->may_roll_back = op->may_roll_back && !error;
    if (!op->may_roll_back)
        ipa_forget_rollback (ipa);
    op->package_result = g_bytes_ref (reply->body);
    send_package_result (ipa);
}

void
ipa_deliver_or_roll_back (RspIpa *ipa, RspSlice result, IpaNext next)
{
    IpaOperation *op = ipa->op;
    g_autoptr (RspAsn1) node = rsp_asn1_decode_slice ("EuiccPackageResult", result, NULL);
    op->after_package = next;
    op->may_roll_back = node && !first_error (node);
    op->tries = 0;
    op->package_result = rsp_slice_to_bytes (result);
    send_package_result (ipa);
}

void
ipa_run_package (RspIpa *ipa, RspSlice package, IpaNext next)
{
    IpaOperation *op = ipa->op;
    RspSlice eim, counter;
    op->after_package = next;
    ipa_note_transaction (ipa, package);
    op->may_roll_back = !op->call && wants_rollback (package, &eim, &counter);
    op->tries = 0;
    if (op->may_roll_back)
        ipa_remember_rollback (ipa, eim, counter);
    ipa_call (ipa, RSP_FN_ES10B_LOAD_EUICC_PACKAGE, NULL, rsp_slice_to_bytes (package),
              on_executed);
}
