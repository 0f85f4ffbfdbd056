/* Download, second half: consent, confirmation code, the package and its result. SGP.22 3.1.3. */
#include "components/lpa/lpa-private.h"

#include "asn1/ids.h"
#include "pki/hash.h"

#include <string.h>

static GBytes *
prepare_download_request (RspLpa *lpa)
{
    const LpaOperation *op = lpa->op;
    RspSlice signed2 = rsp_slice_of (rsp_fields_bytes (op->client_reply, "smdpSigned2"));
    RspSlice signature = rsp_slice_of (rsp_fields_bytes (op->client_reply, "smdpSignature2"));
    RspSlice cert = rsp_slice_of (rsp_fields_bytes (op->client_reply, "smdpCertificate"));

    GByteArray *out = g_byte_array_sized_new (1024);
    gsize mark = rsp_tlv_open (out, 0xBF21);
    g_byte_array_append (out, signed2.data, signed2.len);
    g_byte_array_append (out, signature.data, signature.len);
    if (op->hash_cc) {
        rsp_tlv_put (out, 0x04, rsp_slice_of (op->hash_cc));
    } else if (op->cc_required) {
        guint8 code_hash[RSP_SHA256_SIZE], hash_cc[RSP_SHA256_SIZE];
        RspSlice code = RSP_SLICE (op->code, strlen (op->code));
        rsp_sha256 (&code, 1, code_hash);
        rsp_hash_cc (code_hash, rsp_slice_of (op->transaction_id), hash_cc);
        rsp_tlv_put (out, 0x04, RSP_SLICE_ARRAY (hash_cc));
        rsp_wipe (code_hash, sizeof code_hash);
    }
    g_byte_array_append (out, cert.data, cert.len);
    rsp_tlv_close (out, mark);
    return lpa_take (out);
}

/* FALSE: the user enters none. */
static gboolean
ask_for_code (RspLpa *lpa)
{
    LpaOperation *op = lpa->op;
    if (op->code)
        rsp_wipe (op->code, strlen (op->code));
    g_free (op->code);
    op->code = lpa->ui.code ? lpa->ui.code (op->codes_tried, lpa->ui.data) : NULL;
    return op->code != NULL;
}

static void
prepare_download (RspLpa *lpa)
{
    lpa_progress (lpa, "preparing");
    lpa_call (lpa, LPA_PREPARE_DOWNLOAD, RSP_FN_ES10B_PREPARE_DOWNLOAD, NULL,
              prepare_download_request (lpa));
}

static void
consent_given (RspLpa *lpa)
{
    if (lpa->op->cc_required && !lpa->op->hash_cc) {
        gboolean entered = ask_for_code (lpa);
        lpa_check_event (lpa, "confirmationCode", NULL, entered ? "entered" : "timeout");
        if (!entered) {
            lpa_cancel (lpa, LPA_CANCEL_TIMEOUT, "confirmationCode", "confirmationCodeMissing");
            return;
        }
    }
    prepare_download (lpa);
}

static void
on_answer (RspLpa *lpa, RspConsent consent, const char *error)
{
    if (error)
        lpa_cancel (lpa, lpa_reason_of (consent), "consent", error);
    else
        consent_given (lpa);
}

void
lpa_ask_about_download (RspLpa *lpa)
{
    lpa_progress (lpa, "asking");
    lpa_ask (lpa, lpa->op->strong_consent, on_answer);
}

void
lpa_on_prepare_download (RspLpa *lpa, const RspReply *reply)
{
    LpaOperation *op = lpa->op;
    RspTlv response;
    if (!lpa_card_answered (lpa, reply, &response))
        return;
    const char *error = lpa_card_error (&response, "DownloadErrorCode");
    if (error && strcmp (error, "noSessionContext") == 0) {
        lpa_fail (lpa, NULL, error);
        return;
    }
    if (error) {
        lpa_cancel (lpa, LPA_CANCEL_UNDEFINED, NULL, error);
        return;
    }
    RspFunctionId function = lpa_session_function (lpa, RSP_FN_ES9P_GET_BOUND_PROFILE_PACKAGE,
                                                   RSP_FN_ES9P_GET_BOUND_PROFILE_PACKAGE);
    g_autoptr (RspFields) fields = rsp_fields_new (rsp_function (function), RSP_LEG_REQUEST);
    rsp_fields_set_text (fields, "transactionId", op->transaction_text);
    rsp_fields_set_bytes (fields, "prepareDownloadResponse", reply->body);
    lpa_progress (lpa, "downloading");
    lpa_call (lpa, LPA_GET_BOUND_PROFILE_PACKAGE, function, lpa_session_peer (lpa),
              rsp_fields_encode_as (fields, lpa_session_encoding (lpa)));
}

static void
forget_refusal (LpaOperation *op)
{
    g_clear_pointer (&op->step, g_free);
    g_clear_pointer (&op->error, g_free);
    g_clear_pointer (&op->subject, g_free);
    g_clear_pointer (&op->reason, g_free);
}

/* The server said no to GetBoundProfilePackage; some refusals of a code leave room for another. */
static void
package_refused (RspLpa *lpa)
{
    LpaOperation *op = lpa->op;
    gboolean wrong_code = g_strcmp0 (op->subject, "8.2.7") == 0 &&
                          g_strcmp0 (op->reason, "3.8") == 0 && op->cc_required;
    gboolean session_gone = g_strcmp0 (op->subject, "8.10.1") == 0 &&
                            g_strcmp0 (op->reason, "3.9") == 0 && op->code_was_refused;
    if (session_gone && !op->restarted) {
        forget_refusal (op);
        lpa_restart_download (lpa);
    } else if (wrong_code && (op->codes_tried++, ask_for_code (lpa))) {
        forget_refusal (op);
        op->code_was_refused = TRUE;
        lpa_check_event (lpa, "confirmationCode", NULL, "entered");
        prepare_download (lpa);
    } else if (wrong_code) {
        lpa_cancel (lpa, LPA_CANCEL_TIMEOUT, NULL, "refused");
    } else if (!lpa_proxy_refused (lpa)) {
        lpa_finish (lpa);
    }
}

void
lpa_on_bound_profile_package (RspLpa *lpa, const RspReply *reply)
{
    LpaOperation *op = lpa->op;
    g_autoptr (RspFields) fields = lpa_server_reply (lpa, reply);
    if (!fields) {
        package_refused (lpa);
        return;
    }
    if (!rsp_slice_equal (rsp_slice_of (rsp_fields_bytes (fields, "transactionId")),
                          rsp_slice_of (op->transaction_id))) {
        lpa_cancel (lpa, LPA_CANCEL_UNDEFINED, NULL, "transactionIdMismatch");
        return;
    }
    GBytes *package = rsp_fields_bytes (fields, "boundProfilePackage");
    RspSlice shown = rsp_slice_of (rsp_fields_bytes (op->client_reply, "profileMetadata"));
    LpaCancelReason reason;
    if (op->metadata && lpa_metadata_changed (package, shown, op->metadata, &reason)) {
        gboolean ppr = reason == LPA_CANCEL_PPR_NOT_ALLOWED;
        lpa_check_event (lpa, "metadata", NULL, ppr ? "pprChanged" : "changed");
        lpa_cancel (lpa, reason, NULL, ppr ? "pprNotAllowed" : "metadataMismatch");
        return;
    }
    lpa_progress (lpa, "installing");
    lpa_call (lpa, LPA_LOAD_BOUND_PROFILE_PACKAGE, RSP_FN_ES10B_LOAD_BOUND_PROFILE_PACKAGE, NULL,
              g_bytes_ref (package));
}

/* FALSE: not a ProfileInstallationResult. *RET_ERROR: NULL on success. */
static gboolean
read_result (RspLpa *lpa, RspSlice tlv, const char **ret_error)
{
    LpaOperation *op = lpa->op;
    RspTlv pir, data, notification, seq, result, outcome, reason, iccid;
    if (!rsp_tlv_single (tlv, 0xBF37, &pir) || !rsp_tlv_find (pir.value, 0xBF27, &data) ||
        !rsp_tlv_find (data.value, 0xBF2F, &notification) ||
        !rsp_tlv_find (notification.value, 0x80, &seq) || !lpa_integer (seq.value, &op->pir_seq) ||
        !rsp_tlv_find (data.value, 0xA2, &result))
        return FALSE;
    if (rsp_tlv_find (notification.value, 0x5A, &iccid) && !op->iccid)
        op->iccid = rsp_iccid_from_octets (iccid.value);
    *ret_error = NULL;
    if (rsp_tlv_find (result.value, 0xA0, &outcome))
        return TRUE;
    guint64 code = 127;
    if (!rsp_tlv_find (result.value, 0xA1, &outcome) ||
        !rsp_tlv_find (outcome.value, 0x81, &reason) || !lpa_integer (reason.value, &code))
        return FALSE;
    const char *name = rsp_code_name ("ErrorReason", (gint64)MIN (code, 255));
    *ret_error = name ? name : "installFailedDueToUnknownError";
    return TRUE;
}

void
lpa_on_load (RspLpa *lpa, const RspReply *reply)
{
    const char *problem = rsp_reply_problem (reply, lpa->function), *error;
    if (reply->kind != RSP_REPLY_OK) {
        lpa_fail (lpa, NULL, problem);
        return;
    }
    if (problem || !read_result (lpa, rsp_slice_of (reply->body), &error)) {
        lpa_cancel (lpa, LPA_CANCEL_LOAD_BPP_EXECUTION_ERROR, NULL, problem ? problem : "noResult");
        return;
    }
    if (error)
        lpa_note_failure (lpa, NULL, error);
    lpa->op->pir = g_bytes_ref (reply->body);
    g_clear_pointer (&lpa->op->result, g_bytes_unref);
    lpa->op->result = g_bytes_ref (reply->body);
    if (lpa->ui.installed)
        lpa->ui.installed (reply->body, lpa->ui.data);
    lpa_progress (lpa, "notifying");
    lpa_deliver (lpa);
}
