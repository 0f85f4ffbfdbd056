/* How a session ends: CancelSession and HandleNotification (SGP.22 5.6.4, 5.6.5). */
#include "components/smdpp/smdpp-private.h"

#include <string.h>

#define MAX_CANCEL 4096
#define MAX_NOTIFICATION 65536
#define NO_RESULT ((RspSlice){NULL, 0})

#define REASON_END_USER_REJECTION 0
#define REASON_INSUFFICIENT_MEMORY 10
#define REASON_INTERRUPTION 11

/* --- CancelSession --- */

/* Whether the order outlives a session that was cancelled for this reason. */
static gboolean
order_survives (const RspSmdpp *dp, gint64 reason)
{
    switch (reason) {
    case REASON_END_USER_REJECTION:
        return dp->config.keep_on_rejection;
    case 1:  /* postponed */
    case 2:  /* timeout */
    case 16: /* sessionAborted */
    case 27: /* RPM and device change concern no order */
    case 28:
    case 29:
    case 30:
        return TRUE;
    default:
        return FALSE;
    }
}

static RspStatus
check_cancel (RspSmdpp *dp, const RspDpSession *s, const RspAsn1 *answer)
{
    RspSlice input = rsp_asn1_slice (answer, "cancelSessionResponseOk.euiccCancelSessionSigned");
    gboolean good = rsp_public_verify (
        s->base.euicc, &input, 1,
        rsp_asn1_octets (answer, "cancelSessionResponseOk.euiccCancelSessionSignature"));
    rsp_actor_crypto (dp->actor, "verify", "SK.EUICC", good);
    if (!good)
        return RSP_BAD_SIGNATURE ("euiccCancelSessionSignature");
    g_autofree char *oid =
        rsp_asn1_oid (answer, "cancelSessionResponseOk.euiccCancelSessionSigned.smdpOid");
    if (!oid || g_strcmp0 (oid, rsp_cert_oid (s->base.identity->auth_cert)) != 0)
        return RSP_FAILED ("8.8", "3.10", "not the OID of this SM-DP+");
    if (!rsp_slice_equal (
            rsp_asn1_octets (answer,
                             "cancelSessionResponseOk.euiccCancelSessionSigned.transactionId"),
            rsp_session_id (&s->base)))
        return RSP_UNKNOWN_TRANSACTION;
    return RSP_OK;
}

/* The card has signed that this session's package will not be installed. */
static gboolean
cancel_order (RspSmdpp *dp, const RspDpSession *s, gint64 reason, GError **error)
{
    g_autoptr (RspOrder) order = rsp_order_by_iccid (dp, s->iccid, error);
    if (!order || order->serial != s->serial || !rsp_order_live (order) ||
        order_survives (dp, reason))
        return *error == NULL;
    RspNotificationPoint point =
        s->step == RSP_SESSION_BOUND ? RSP_POINT_DOWNLOAD : RSP_POINT_CONFIRMATION;
    RspStatus failed = {0};
    if (s->step == RSP_SESSION_BOUND)
        order->delivered = FALSE;
    return rsp_order_begin (dp, error) && rsp_order_end (dp, order, RSP_ORDER_ERROR, error) &&
           rsp_progress_add (dp, order, s->base.eid, point, &failed, NO_RESULT, error) &&
           rsp_order_commit (dp, order, error);
}

RspStatus
rsp_es9p_cancel_session (RspSmdpp *dp, RspRequest *r, GError **error)
{
    RspDpSession *s = rsp_request_session (r);
    if (!s || s->step == RSP_SESSION_INITIATED)
        return RSP_UNKNOWN_TRANSACTION;
    GBytes *der = rsp_fields_bytes (r->in, "cancelSessionResponse");
    g_autoptr (RspAsn1) answer = g_bytes_get_size (der) <= MAX_CANCEL
                                     ? rsp_asn1_decode ("CancelSessionResponse", der, NULL)
                                     : NULL;
    if (!answer)
        return RSP_FAILED ("1.6", "2.1", "cancelSessionResponse");
    if (g_strcmp0 (rsp_asn1_choice (answer, ""), "cancelSessionResponseOk") == 0) {
        RspStatus status = check_cancel (dp, s, answer);
        if (status.subject)
            return status;
        gint64 reason =
            rsp_asn1_int (answer, "cancelSessionResponseOk.euiccCancelSessionSigned.reason", 127);
        if (!cancel_order (dp, s, reason, error))
            return RSP_OK;
    }
    r->end_session = TRUE;
    return RSP_OK;
}

/* --- Profile installation result --- */

typedef struct {
    RspSlice id;
    char *iccid, *eid;
    gint64 serial;
    RspPublic *euicc;
} Awaited;

static void
awaited_clear (Awaited *a)
{
    g_free (a->iccid);
    g_free (a->eid);
    g_clear_pointer (&a->euicc, rsp_public_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Awaited, awaited_clear)

static gboolean
find_awaited (RspSmdpp *dp, RspSlice id, Awaited *ret, GError **error)
{
    g_autoptr (GBytes) key = rsp_slice_to_bytes (id);
    sqlite3_stmt *stmt = rsp_store_bind (
        dp->store, "SELECT iccid, serial, eid, point FROM awaited WHERE id = ?", "b", key);
    gboolean row = FALSE;
    if (!rsp_store_step (dp->store, stmt, &row, error) || !row)
        return FALSE;
    g_autoptr (GBytes) point = rsp_store_blob (stmt, 3);
    ret->id = id;
    ret->iccid = rsp_store_text (stmt, 0);
    ret->serial = sqlite3_column_int64 (stmt, 1);
    ret->eid = rsp_store_text (stmt, 2);
    ret->euicc = rsp_public_from_point (rsp_slice_of (point), NULL);
    sqlite3_reset (stmt);
    return ret->euicc != NULL;
}

#define RESULT "profileInstallationResultData."

/* A result may come long after the session that would tell which identity it was. */
static gboolean
is_my_oid (const RspSmdpp *dp, const char *oid)
{
    for (guint i = 0; oid && i < dp->config.n_identities; i++)
        if (g_strcmp0 (oid, rsp_cert_oid (dp->config.identities[i].pb_cert)) == 0)
            return TRUE;
    return FALSE;
}

static gboolean
result_is_genuine (RspSmdpp *dp, const Awaited *a, const RspAsn1 *pir)
{
    RspSlice input = rsp_asn1_slice (pir, "profileInstallationResultData");
    gboolean good = rsp_public_verify (a->euicc, &input, 1, rsp_asn1_octets (pir, "euiccSignPIR"));
    rsp_actor_crypto (dp->actor, "verify", "SK.EUICC", good);
    g_autofree char *oid = rsp_asn1_oid (pir, RESULT "smdpOid");
    g_autofree char *iccid =
        rsp_iccid_from_octets (rsp_asn1_octets (pir, RESULT "notificationMetadata.iccid"));
    return good && is_my_oid (dp, oid) && (!iccid || strcmp (iccid, a->iccid) == 0);
}

/* Memory and interruption pass: the order can be tried again, with the binding kept. */
static gboolean
settle_failure (RspSmdpp *dp, RspOrder *order, gint64 reason, GError **error)
{
    gboolean temporary = reason == REASON_INSUFFICIENT_MEMORY || reason == REASON_INTERRUPTION;
    order->delivered = FALSE;
    if (!temporary)
        return rsp_order_end (dp, order, RSP_ORDER_ERROR, error);
    order->state = RSP_ORDER_RELEASED;
    return rsp_order_write (dp, order, error);
}

static gboolean
settle (RspSmdpp *dp, RspOrder *order, const Awaited *a, const RspAsn1 *pir, GError **error)
{
    RspSlice result = rsp_asn1_slice (pir, RESULT "finalResult");
    if (g_strcmp0 (rsp_asn1_choice (pir, RESULT "finalResult"), "successResult") == 0) {
        order->delivered = FALSE;
        return rsp_order_end (dp, order, RSP_ORDER_INSTALLED, error) &&
               rsp_progress_add (dp, order, a->eid, RSP_POINT_INSTALLATION, NULL, result, error);
    }
    if (!rsp_order_live (order))
        return TRUE;
    gint64 reason = rsp_asn1_int (pir, RESULT "finalResult.errorResult.errorReason", 127);
    RspStatus failed = reason == REASON_INSUFFICIENT_MEMORY ? RSP_FAILED ("8.1", "4.8", NULL)
                                                            : RSP_FAILED ("8.2", "4.2", NULL);
    failed.message = rsp_code_name ("ErrorReason", reason);
    return settle_failure (dp, order, reason, error) &&
           rsp_progress_add (dp, order, a->eid, RSP_POINT_INSTALLATION, &failed, result, error);
}

static void
handle_result (RspSmdpp *dp, RspRequest *r, GBytes *der, GError **error)
{
    g_auto (Awaited) a = {0};
    g_autoptr (RspAsn1) pir = rsp_asn1_decode ("ProfileInstallationResult", der, NULL);
    RspSlice id = pir ? rsp_asn1_octets (pir, RESULT "transactionId") : NO_RESULT;
    if (!pir || !find_awaited (dp, id, &a, error) || !result_is_genuine (dp, &a, pir))
        return;
    g_autoptr (RspOrder) order = rsp_order_by_iccid (dp, a.iccid, error);
    if (!order)
        return;
    gboolean concerned = order->serial == a.serial && order->state != RSP_ORDER_INSTALLED;
    g_autoptr (GBytes) key = rsp_slice_to_bytes (id);
    if (!rsp_order_begin (dp, error) || (concerned && !settle (dp, order, &a, pir, error)) ||
        !rsp_store_run (dp->store, error, "DELETE FROM awaited WHERE id = ?", "b", key) ||
        !rsp_order_commit (dp, order, error))
        return;
    RspSession *session = rsp_session_find (&dp->server, id);
    if (session) {
        rsp_call_set_transaction_id (r->call, session->text);
        rsp_session_end (&dp->server, session);
    }
}

/* --- Other notifications --- */

/* Certificates may have expired since: a notification can be old. */
static gboolean
notification_is_genuine (RspSmdpp *dp, const RspAsn1 *n, char **ret_eid)
{
    g_autoptr (RspCert) euicc = rsp_server_parse_cert (n, "euiccCertificate");
    g_autoptr (RspCert) eum = rsp_server_parse_cert (n, "eumCertificate");
    if (!euicc || !eum)
        return FALSE;
    RspChainResult chain =
        rsp_chain_check_euicc (euicc, eum, dp->config.roots, RSP_NO_TIME, NULL, NULL);
    rsp_actor_crypto_result (dp->actor, "chain", "CERT.EUICC", rsp_chain_result_name (chain));
    if (chain != RSP_CHAIN_OK || !rsp_cert_serial_number (euicc))
        return FALSE;
    RspSlice input = rsp_asn1_slice (n, "tbsOtherNotification");
    gboolean good = rsp_public_verify (rsp_cert_public (euicc), &input, 1,
                                       rsp_asn1_octets (n, "euiccNotificationSignature"));
    rsp_actor_crypto (dp->actor, "verify", "SK.EUICC", good);
    if (good)
        *ret_eid = g_strdup (rsp_cert_serial_number (euicc));
    return good;
}

static const char *
event_state (guint event)
{
    static const char *const names[] = {"installed", "enabled", "disabled", "deleted"};
    return names[event];
}

static void
handle_other (RspSmdpp *dp, GBytes *der, GError **error)
{
    g_autofree char *eid = NULL;
    g_autoptr (RspAsn1) n = rsp_asn1_decode ("OtherSignedNotification", der, NULL);
    if (!n || !notification_is_genuine (dp, n, &eid))
        return;
    guint event = 0, bits = 0;
    for (guint bit = 0; bit < 4; bit++) {
        if (rsp_asn1_bit (n, "tbsOtherNotification.profileManagementOperation", bit)) {
            event = bit;
            bits++;
        }
    }
    gint64 seq = rsp_asn1_int (n, "tbsOtherNotification.seqNumber", -1);
    if (bits != 1 || seq < 0)
        return;
    g_autofree char *iccid =
        rsp_iccid_from_octets (rsp_asn1_octets (n, "tbsOtherNotification.iccid"));
    gboolean known = FALSE;
    sqlite3_stmt *stmt = rsp_store_bind (
        dp->store, "SELECT 1 FROM notification WHERE eid = ? AND seq = ?", "si", eid, seq);
    if (!rsp_store_step (dp->store, stmt, &known, error))
        return;
    sqlite3_reset (stmt);
    if (known || !rsp_order_begin (dp, error) ||
        !rsp_store_run (dp->store, error,
                        "INSERT INTO notification (eid, seq, event, iccid) VALUES (?, ?, ?, ?)",
                        "siis", eid, seq, (gint64)event, iccid) ||
        !rsp_order_commit (dp, NULL, error))
        return;
    if (iccid && rsp_trace_active (dp->actor->trace)) {
        g_autofree char *object = g_strdup_printf ("profile %s", iccid);
        rsp_actor_state (dp->actor, object, NULL, event_state (event));
    }
}

/* 204 for whatever could be decoded: what is not genuine has no effect, and the sender learns
 * nothing. */
RspStatus
rsp_es9p_handle_notification (RspSmdpp *dp, RspRequest *r, GError **error)
{
    GBytes *der = rsp_fields_bytes (r->in, "pendingNotification");
    RspSlice input = rsp_slice_of (der);
    RspTlv tlv;
    if (input.len > MAX_NOTIFICATION || !rsp_der_check (input, NULL))
        return RSP_FAILED ("1.6", "2.1", "pendingNotification");
    if (rsp_tlv_single (input, 0xBF37, &tlv))
        handle_result (dp, r, der, error);
    else if (rsp_tlv_single (input, 0x30, &tlv))
        handle_other (dp, der, error);
    else
        return RSP_FAILED ("1.6", "2.1", "pendingNotification");
    return RSP_OK;
}
