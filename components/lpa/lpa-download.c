/* Download, first half: common mutual authentication. SGP.22 3.0.1, 3.1.3. */
#include "components/lpa/lpa-private.h"

#include "asn1/ids.h"
#include "pki/cert.h"

#include <string.h>

void
lpa_start_session (RspLpa *lpa)
{
    static const guint8 command[] = {0xBF, 0x20, 0x00};
    lpa_call (lpa, LPA_GET_INFO1, RSP_FN_ES10B_GET_EUICC_INFO1, NULL,
              g_bytes_new_static (command, sizeof command));
}

static void
start_with_code (RspLpa *lpa, const char *text)
{
    LpaOperation *op = lpa->op;
    g_autoptr (GError) error = NULL;
    g_autoptr (RspActivationCode) code = rsp_activation_code_parse (text, lpa->lenient, &error);
    lpa_check_event (lpa, "activationCode", NULL, code ? "ok" : error->message);
    if (!code) {
        lpa_end_early (lpa, "activationCode", error->message);
        return;
    }
    op->address = g_steal_pointer (&code->address);
    op->matching_id = g_steal_pointer (&code->matching_id);
    op->oid = g_steal_pointer (&code->oid);
    lpa_start_session (lpa);
}

void
rsp_lpa_download (RspLpa *lpa, const RspLpaDownload *download, RspLpaFunc func, gpointer data)
{
    static const guint8 command[] = {0xBF, 0x3C, 0x00};
    LpaOperation *op = lpa_begin (lpa, "download", func, NULL, data);
    if (!op)
        return;
    lpa_progress (lpa, "connecting");
    op->keep_notifications = download->keep_notifications;
    op->proxy = g_strdup (download->proxy);
    op->root_smds = download->root_smds;
    if (download->proxy_transaction)
        op->proxy_transaction = g_bytes_ref (download->proxy_transaction);
    if (download->activation_code) {
        start_with_code (lpa, download->activation_code);
        return;
    }
    op->matching_id = g_strdup (download->matching_id);
    op->address = g_strdup (download->address);
    if (op->address || download->proxy_chooses)
        lpa_start_session (lpa);
    else
        lpa_call (lpa, LPA_GET_ADDRESSES, RSP_FN_ES10A_GET_EUICC_CONFIGURED_ADDRESSES, NULL,
                  g_bytes_new_static (command, sizeof command));
}

void
lpa_clear_session (LpaOperation *op)
{
    g_clear_pointer (&op->info1, g_bytes_unref);
    g_clear_pointer (&op->transaction_id, g_bytes_unref);
    g_clear_pointer (&op->transaction_text, g_free);
    g_clear_pointer (&op->client_reply, rsp_fields_free);
    g_clear_pointer (&op->metadata, rsp_metadata_free);
}

/* A new session for the same order, with the confirmation codes still untried. */
void
lpa_restart_download (RspLpa *lpa)
{
    lpa_clear_session (lpa->op);
    lpa->op->restarted = TRUE;
    lpa_start_session (lpa);
}

void
lpa_on_addresses (RspLpa *lpa, const RspReply *reply)
{
    RspTlv response, address;
    if (!lpa_read_card (lpa, reply, &response))
        return;
    gboolean there = rsp_tlv_find (response.value, lpa->op->root_smds ? 0x81 : 0x80, &address) &&
                     address.value.len > 0;
    lpa->op->address = there ? lpa_address (address.value) : NULL;
    if (lpa->op->address)
        lpa_start_session (lpa);
    else
        lpa_fail (lpa, NULL, there ? "badDefaultAddress" : "noDefaultAddress");
}

void
lpa_on_info1 (RspLpa *lpa, const RspReply *reply)
{
    static const guint8 command[] = {0xBF, 0x2E, 0x00};
    RspTlv info;
    if (!lpa_read_card (lpa, reply, &info))
        return;
    lpa->op->info1 = lpa->imposed_ci ? lpa_impose_ci (reply->body, rsp_slice_of (lpa->imposed_ci))
                                     : g_bytes_ref (reply->body);
    if (lpa->imposed_ci)
        lpa_check_event (lpa, "imposedCi", NULL, lpa->op->info1 ? "ok" : "notOnCard");
    if (!lpa->op->info1) {
        lpa_fail (lpa, NULL, "imposedCiUnknown");
        return;
    }
    lpa_call (lpa, LPA_GET_CHALLENGE, RSP_FN_ES10B_GET_EUICC_CHALLENGE, NULL,
              g_bytes_new_static (command, sizeof command));
}

void
lpa_on_challenge (RspLpa *lpa, const RspReply *reply)
{
    LpaOperation *op = lpa->op;
    RspTlv response, challenge;
    if (!lpa_read_card (lpa, reply, &response))
        return;
    if (!rsp_tlv_single (response.value, 0x80, &challenge) || challenge.value.len != 16) {
        lpa_fail (lpa, NULL, "badReply");
        return;
    }
    RspFunctionId function = lpa_session_function (lpa, RSP_FN_ES9P_INITIATE_AUTHENTICATION,
                                                   RSP_FN_ES11_INITIATE_AUTHENTICATION);
    g_autoptr (RspFields) fields = rsp_fields_new (rsp_function (function), RSP_LEG_REQUEST);
    g_autoptr (GBytes) octets = rsp_slice_share (reply->body, challenge.value);
    rsp_fields_set_bytes (fields, "euiccChallenge", octets);
    rsp_fields_set_bytes (fields, "euiccInfo1", op->info1);
    rsp_fields_set_text (fields, "smdpAddress", op->address);
    if (op->proxy && op->proxy_transaction) {
        g_autofree char *id = rsp_hex (rsp_slice_of (op->proxy_transaction));
        rsp_fields_set_text (fields, "eimTransactionId", id);
    }
    lpa_call (lpa, LPA_INITIATE_AUTHENTICATION, function, lpa_session_peer (lpa),
              rsp_fields_encode_as (fields, lpa_session_encoding (lpa)));
}

RspFields *
lpa_server_reply (RspLpa *lpa, const RspReply *reply)
{
    const char *problem = rsp_reply_problem (reply, lpa->function);
    if (problem) {
        lpa_note_failure (lpa, NULL, problem);
        return NULL;
    }
    g_autoptr (RspFields) fields = rsp_fields_decode_as (
        lpa->function, RSP_LEG_RESPONSE, lpa_session_encoding (lpa), reply->body, NULL);
    if (fields && lpa->op->proxy && !rsp_fields_failed (fields, NULL))
        fields = lpa_proxy_reply (lpa->op, fields);
    if (!fields) {
        lpa_note_failure (lpa, NULL, "badReply");
        return NULL;
    }
    RspStatus status = {0};
    if (rsp_fields_failed (fields, &status)) {
        lpa_note_failure (lpa, NULL, "refused");
        g_free (lpa->op->subject);
        g_free (lpa->op->reason);
        lpa->op->subject = g_strdup (status.subject);
        lpa->op->reason = g_strdup (status.reason);
        return NULL;
    }
    return g_steal_pointer (&fields);
}

/* CtxParams1: MatchingID, DeviceInfo. */
static void
put_context (RspLpa *lpa, GByteArray *out)
{
    if (lpa->op->ctx_params) {
        RspSlice given = rsp_slice_of (lpa->op->ctx_params);
        g_byte_array_append (out, given.data, (guint)given.len);
        return;
    }
    gsize context = rsp_tlv_open (out, 0xA0);
    if (lpa->op->matching_id)
        rsp_tlv_put_text (out, 0x80, lpa->op->matching_id);
    gsize device = rsp_tlv_open (out, 0xA1);
    rsp_put_device_info (out, lpa->tac ? lpa->tac : RSP_DEFAULT_TAC, lpa->imei);
    rsp_tlv_close (out, device);
    rsp_tlv_close (out, context);
}

static GBytes *
authenticate_server_request (RspLpa *lpa, const RspFields *fields)
{
    static const char *const parts[] = {"serverSigned1", "serverSignature1", "euiccCiPKIdToBeUsed",
                                        "serverCertificate"};
    GByteArray *out = g_byte_array_sized_new (1536);
    gsize mark = rsp_tlv_open (out, 0xBF38);
    for (guint i = 0; i < G_N_ELEMENTS (parts); i++) {
        RspSlice part = rsp_slice_of (rsp_fields_bytes (fields, parts[i]));
        g_byte_array_append (out, part.data, part.len);
    }
    put_context (lpa, out);
    rsp_tlv_close (out, mark);
    return lpa_take (out);
}

/* What the LPA sees of the server's certificate; its chain is the card's to verify. */
static const char *
check_certificate (RspLpa *lpa, GBytes *der)
{
    const char *oid = lpa->op->oid;
    if (!oid && !lpa->check_dates)
        return NULL;
    g_autoptr (RspCert) cert = rsp_cert_parse (der, NULL);
    gint64 now = rsp_actor_time (lpa->actor);
    if (!cert)
        return "badServerCertificate";
    if (lpa->check_dates && (now < rsp_cert_not_before (cert) || now > rsp_cert_not_after (cert)))
        return "serverCertificateTime";
    return !oid || g_strcmp0 (rsp_cert_oid (cert), oid) == 0 ? NULL : "oidMismatch";
}

/* What the LPA itself checks: SGP.22 3.0.1 step 10. NULL: fine. */
static const char *
check_server (RspLpa *lpa, const RspFields *fields)
{
    LpaOperation *op = lpa->op;
    RspTlv signed1, id, address;
    RspSlice tlv = rsp_slice_of (rsp_fields_bytes (fields, "serverSigned1"));
    if (!rsp_tlv_single (tlv, 0x30, &signed1) || !rsp_tlv_find (signed1.value, 0x80, &id) ||
        !rsp_tlv_find (signed1.value, 0x83, &address))
        return "badReply";
    if (!rsp_slice_equal (id.value, rsp_slice_of (op->transaction_id)))
        return "transactionIdMismatch";
    gsize len = op->address ? strlen (op->address) : 0; /* NULL: the proxy knows none that is one */
    if (len == 0 || address.value.len != len ||
        g_ascii_strncasecmp ((const char *)address.value.data, op->address, len) != 0)
        return "addressMismatch";
    if (lpa->imposed_ci && !lpa_ci_is (fields, rsp_slice_of (lpa->imposed_ci)))
        return "imposedCiMismatch";
    return check_certificate (lpa, rsp_fields_bytes (fields, "serverCertificate"));
}

void
lpa_on_initiate_authentication (RspLpa *lpa, const RspReply *reply)
{
    LpaOperation *op = lpa->op;
    g_autoptr (RspFields) fields = lpa_server_reply (lpa, reply);
    if (!fields) {
        lpa_finish (lpa);
        return;
    }
    RspSlice id = rsp_slice_of (rsp_fields_bytes (fields, "transactionId"));
    if (id.len < 1 || id.len > 16) {
        lpa_fail (lpa, NULL, "badReply");
        return;
    }
    op->transaction_id = rsp_slice_to_bytes (id);
    op->transaction_text = g_strdup (rsp_fields_text (fields, "transactionId"));

    const char *wrong = check_server (lpa, fields);
    if (!wrong)
        wrong = lpa_discovery_check_server (lpa, fields);
    lpa_check_event (lpa, "server", op->address, wrong ? wrong : "ok");
    lpa_progress (lpa, "authenticating");
    if (wrong)
        lpa_fail (lpa, NULL, wrong);
    else
        lpa_call (lpa, LPA_AUTHENTICATE_SERVER, RSP_FN_ES10B_AUTHENTICATE_SERVER, NULL,
                  authenticate_server_request (lpa, fields));
}

/* The error code of {80 transactionId, 02 code}; 127 if there is none. */
static const char *
error_code_name (const char *enumeration, RspSlice value)
{
    RspTlv code;
    guint64 n = 127;
    if (!rsp_tlv_find (value, 0x02, &code) || !lpa_integer (code.value, &n))
        n = 127;
    const char *name = rsp_code_name (enumeration, (gint64)MIN (n, 255));
    return name ? name : "undefinedError";
}

const char *
lpa_card_error (const RspTlv *response, const char *enumeration)
{
    RspTlv error;
    return rsp_tlv_find (response->value, 0xA1, &error) ? error_code_name (enumeration, error.value)
                                                        : NULL;
}

void
lpa_on_authenticate_server (RspLpa *lpa, const RspReply *reply)
{
    LpaOperation *op = lpa->op;
    RspTlv response;
    if (!lpa_read_card (lpa, reply, &response))
        return;
    const char *error = lpa_card_error (&response, "AuthenticateErrorCode");
    if (error) {
        lpa_fail (lpa, NULL, error);
        return;
    }
    RspFunctionId function = lpa_session_function (lpa, RSP_FN_ES9P_AUTHENTICATE_CLIENT,
                                                   RSP_FN_ES11_AUTHENTICATE_CLIENT);
    g_autoptr (RspFields) fields = rsp_fields_new (rsp_function (function), RSP_LEG_REQUEST);
    rsp_fields_set_text (fields, "transactionId", op->transaction_text);
    rsp_fields_set_bytes (fields, "authenticateServerResponse", reply->body);
    lpa_call (lpa, LPA_AUTHENTICATE_CLIENT, function, lpa_session_peer (lpa),
              rsp_fields_encode_as (fields, lpa_session_encoding (lpa)));
}

static const char *
read_client_reply (RspLpa *lpa)
{
    LpaOperation *op = lpa->op;
    RspTlv signed2, id, flag;
    RspSlice outer = rsp_slice_of (rsp_fields_bytes (op->client_reply, "transactionId"));
    RspSlice tlv = rsp_slice_of (rsp_fields_bytes (op->client_reply, "smdpSigned2"));
    RspSlice session = rsp_slice_of (op->transaction_id);
    if (!rsp_tlv_single (tlv, 0x30, &signed2) || !rsp_tlv_find (signed2.value, 0x80, &id) ||
        !rsp_tlv_find (signed2.value, 0x01, &flag) || flag.value.len != 1)
        return "badReply";
    if (!rsp_slice_equal (outer, session) || !rsp_slice_equal (id.value, session))
        return "transactionIdMismatch";
    op->cc_required = flag.value.data[0] != 0;

    RspSlice metadata = rsp_slice_of (rsp_fields_bytes (op->client_reply, "profileMetadata"));
    if (op->proxy && metadata.len == 0) /* the eIM has looked at it */
        return NULL;
    op->metadata = rsp_metadata_decode (metadata, NULL);
    if (!op->metadata)
        return "badMetadata";
    op->ppr = op->metadata->ppr & (RSP_PPR1 | RSP_PPR2);
    g_free (op->iccid);
    op->iccid = g_strdup (op->metadata->iccid);
    return NULL;
}

void
lpa_on_authenticate_client (RspLpa *lpa, const RspReply *reply)
{
    lpa->op->client_reply = lpa_server_reply (lpa, reply);
    if (!lpa->op->client_reply) {
        if (!lpa_proxy_refused (lpa))
            lpa_finish (lpa);
        return;
    }
    if (lpa_proxy_asked_smds (lpa)) {
        lpa_finish (lpa);
        return;
    }
    if (lpa_asks_smds (lpa)) {
        lpa_on_event_entries (lpa);
        return;
    }
    const char *wrong = read_client_reply (lpa);
    if (wrong)
        lpa_cancel (lpa, LPA_CANCEL_UNDEFINED, NULL, wrong);
    else
        lpa_check_policy (lpa);
}
