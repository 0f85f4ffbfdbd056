/* Polling (SGP.32 3.1.1.1): what could not be delivered before, then package after package, until
 * the eIM has none. Each associated eIM gets its turn. */
#include "components/ipa/ipa-private.h"

#include <string.h>

#define MAX_PACKAGES 256

enum { NO_PACKAGE_AVAILABLE = 1 };
enum { INVALID_FORMAT = 1, UNKNOWN_PACKAGE = 2 };

static void begin_eim (RspIpa *ipa);
static void next_package (RspIpa *ipa);
static void next_result (RspIpa *ipa);

static void
next_eim (RspIpa *ipa)
{
    ipa->op->eim++;
    begin_eim (ipa);
}

static void
end_poll (RspIpa *ipa)
{
    IpaOperation *op = ipa->op;
    if (ipa->config.notify == RSP_IPA_NOTIFY_EIM || op->packages == 0)
        ipa_finish (ipa);
    else
        ipa_deliver_and_finish (ipa);
}

/* --- packages --- */

static void
after_package (RspIpa *ipa)
{
    IpaOperation *op = ipa->op;
    if (!op->reached || op->refused) { /* no way to the eIM: what is left waits */
        next_eim (ipa);
    } else if (op->packages >= MAX_PACKAGES) {
        ipa_note_failure (ipa, "poll", "tooManyPackages");
        next_eim (ipa);
    } else {
        next_package (ipa);
    }
}

guint8
ipa_package_error (RspSlice message, guint32 tag)
{
    RspTlv outer, package;
    gboolean known = !rsp_tlv_single (message, tag, &outer) ||
                     rsp_tlv_next (&outer.value, &package) != RSP_TLV_OK ||
                     (package.tag >= 0xBF51 && package.tag <= 0xBF54);
    return known ? INVALID_FORMAT : UNKNOWN_PACKAGE;
}

static void
end_refused (RspIpa *ipa)
{
    g_clear_pointer (&ipa->op->transaction, g_bytes_unref);
    next_eim (ipa);
}

static void
refuse_package (RspIpa *ipa, const RspReply *reply)
{
    RspTlv outer, package = {0};
    RspSlice body = rsp_slice_of (reply->body);
    guint8 code = ipa_package_error (body, 0xBF4F);
    if (rsp_tlv_single (body, 0xBF4F, &outer))
        (void)rsp_tlv_next (&outer.value, &package);
    ipa_note_transaction (ipa, package.whole);
    ipa_check_event (ipa, "eimPackage", NULL, ipa_code_name ("EimPackageResultErrorCode", code));
    ipa_note_failure (ipa, NULL, "badReply");
    ipa_send_error (ipa, code, end_refused);
}

static void
on_no_package (RspIpa *ipa, gint64 code)
{
    const char *name = ipa_code_name ("GetEimPackageError", code);
    ipa_check_event (ipa, "eimPackage", ipa_eim (ipa)->id, name);
    if (code != NO_PACKAGE_AVAILABLE)
        ipa_note_failure (ipa, NULL, name);
    next_eim (ipa);
}

static void
on_package (RspIpa *ipa, const RspReply *reply)
{
    IpaOperation *op = ipa->op;
    const char *problem = ipa_problem (ipa, reply);
    if (problem) {
        ipa_note_failure (ipa, NULL, problem);
        next_eim (ipa);
        return;
    }
    g_autoptr (RspAsn1) node = rsp_asn1_decode ("GetEimPackageResponse", reply->body, NULL);
    if (!node) {
        refuse_package (ipa, reply);
        return;
    }
    ipa_tell (ipa, ipa_eim (ipa));
    const char *kind = rsp_asn1_choice (node, "");
    RspSlice package = rsp_asn1_slice (node, kind);
    if (strcmp (kind, "eimPackageError") == 0) {
        on_no_package (ipa, rsp_asn1_int (node, kind, 127));
        return;
    }
    op->packages++;
    if (strcmp (kind, "euiccPackageRequest") == 0)
        ipa_run_package (ipa, package, after_package);
    else if (strcmp (kind, "ipaEuiccDataRequest") == 0)
        ipa_answer_data_request (ipa, package, after_package);
    else
        ipa_download (ipa, package, after_package);
}

static void
next_package (RspIpa *ipa)
{
    GByteArray *out = g_byte_array_new ();
    gsize mark = rsp_tlv_open (out, 0xBF4F);
    rsp_tlv_put (out, 0x5A, RSP_SLICE_ARRAY (ipa->eid));
    if (!ipa_is_told (ipa, ipa_eim (ipa))) {
        rsp_tlv_put (out, 0x80, RSP_SLICE (NULL, 0));
        if (!ipa->config.v10)
            rsp_tlv_put_int (out, 0x81, ipa_change (ipa));
    }
    rsp_tlv_close (out, mark);
    ipa_call (ipa, RSP_FN_ESIPA_GET_EIM_PACKAGE, ipa_eim (ipa)->fqdn, ipa_take (out), on_package);
}

/* --- what waits --- */

static void
after_notifications (RspIpa *ipa)
{
    if (ipa->op->reached)
        next_package (ipa);
    else
        next_eim (ipa);
}

static gboolean
is_for (RspSlice result, const char *id)
{
    RspTlv package, part, signed_data, eim;
    if (!rsp_tlv_single (result, 0xBF51, &package) ||
        rsp_tlv_next (&package.value, &part) != RSP_TLV_OK)
        return FALSE;
    gboolean found = rsp_tlv_find (part.value, 0x30, &signed_data)
                         ? rsp_tlv_find (signed_data.value, 0x80, &eim)
                         : rsp_tlv_find (part.value, 0x80, &eim);
    return found && rsp_slice_equal (eim.value, RSP_SLICE (id, strlen (id)));
}

static void
after_result (RspIpa *ipa)
{
    if (ipa->op->reached)
        next_result (ipa);
    else
        next_eim (ipa);
}

static void
after_kept (RspIpa *ipa)
{
    if (ipa->op->reached)
        ipa_drop_kept (ipa, ipa->op->kept_key);
    after_result (ipa);
}

/* TRUE: one is on its way. */
static gboolean
send_kept (RspIpa *ipa)
{
    IpaOperation *op = ipa->op;
    GBytes *result = NULL;
    char *key = ipa_next_kept (ipa, ipa_eim (ipa)->id, op->kept_key, &result);
    if (!key)
        return FALSE;
    g_free (op->kept_key);
    op->kept_key = key;
    ipa_send_result (ipa, result, after_kept);
    return TRUE;
}

static void
next_result (RspIpa *ipa)
{
    IpaOperation *op = ipa->op;
    if (send_kept (ipa))
        return;
    while (op->result_index < op->results->len) {
        GBytes *result = g_ptr_array_index (op->results, op->result_index++);
        if (is_for (rsp_slice_of (result), ipa_eim (ipa)->id)) {
            ipa_send_result (ipa, g_bytes_ref (result), after_result);
            return;
        }
    }
    op->reached = TRUE;
    if (ipa->config.notify == RSP_IPA_NOTIFY_EIM)
        ipa_notify_eim (ipa, after_notifications);
    else
        after_notifications (ipa);
}

static void
begin_eim (RspIpa *ipa)
{
    IpaOperation *op = ipa->op;
    while (ipa_eim (ipa) && !ipa_eim (ipa)->fqdn)
        op->eim++;
    op->result_index = 0;
    op->refused = FALSE;
    g_clear_pointer (&op->kept_key, g_free);
    if (ipa_eim (ipa))
        next_result (ipa);
    else
        end_poll (ipa);
}

/* v1.0 lists notifications and results together. */
static void
on_kept_results (RspIpa *ipa, const RspReply *reply)
{
    IpaOperation *op = ipa->op;
    g_autoptr (RspAsn1) node = ipa_decode (ipa, reply, "SGP32-RetrieveNotificationsListResponse");
    op->results = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
    if (!node) {
        ipa_finish (ipa);
        return;
    }
    const char *list = rsp_asn1_has (node, "notificationAndEprListV10")
                           ? "notificationAndEprListV10.euiccPackageResultList"
                           : "euiccPackageResultList";
    for (guint i = 1; i <= rsp_asn1_count (node, list); i++) {
        g_autofree char *path = g_strdup_printf ("%s.?%u", list, i);
        g_ptr_array_add (op->results, rsp_slice_to_bytes (rsp_asn1_slice (node, path)));
    }
    begin_eim (ipa);
}

static void
read_kept_results (RspIpa *ipa)
{
    static const guint8 criteria[] = {0xA0, 0x02, 0x82, 0x00};
    ipa_card_call (ipa, RSP_FN_ES10B_RETRIEVE_NOTIFICATIONS_LIST, RSP_SLICE_ARRAY (criteria),
                   on_kept_results);
}

static void
settle (RspIpa *ipa)
{
    ipa_settle (ipa, read_kept_results);
}

/* First, what a former life left unfinished. */
static void
begin (RspIpa *ipa)
{
    gboolean reachable = FALSE;
    for (guint i = 0; i < ipa->op->eims->len; i++)
        reachable |= ((IpaEim *)g_ptr_array_index (ipa->op->eims, i))->fqdn != NULL;
    if (!reachable) {
        ipa_fail (ipa, "poll", "noEim");
        return;
    }
    ipa_recall_acknowledged (ipa, ipa->op->to_remove);
    ipa_remove (ipa, settle);
}

void
rsp_ipa_poll (RspIpa *ipa, RspIpaFunc func, gpointer data)
{
    if (ipa_begin (ipa, "poll", func, data))
        ipa_read_eims (ipa, begin);
}
