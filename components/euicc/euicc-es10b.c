/* ES10b: the session, from the challenge to the one-time key (SGP.22 5.7.5, 5.7.7, 5.7.13, 5.7.14).
 * Every signature is verified over the octets received. */
#include "components/euicc/euicc-iot.h"

#include <string.h>

enum { INVALID_CERTIFICATE = 1, INVALID_SIGNATURE = 2, UNSUPPORTED_CURVE = 3, NO_SESSION = 4 };
enum { INVALID_OID = 5, CHALLENGE_MISMATCH = 6, CI_UNKNOWN = 7 }; /* AuthenticateErrorCode */
enum { INVALID_TRANSACTION = 5 };                                 /* DownloadErrorCode */

guint
rsp_euicc_get_challenge (RspEuicc *card, RspSlice body, GByteArray *out)
{
    rsp_euicc_load_abandon (card);
    rsp_euicc_session_end (card);
    rsp_euicc_iot_forget (card);
    rsp_rng_fill (card->challenges, card->session.challenge, sizeof card->session.challenge);
    card->session.state = RSP_SESSION_CHALLENGE;
    gsize mark = rsp_tlv_open (out, 0xBF2E);
    rsp_tlv_put (out, 0x80, RSP_SLICE_ARRAY (card->session.challenge));
    rsp_tlv_close (out, mark);
    return 0x9000;
}

static gint64
card_time (const RspEuicc *card)
{
    return card->has_clock ? rsp_actor_time (card->actor) : RSP_NO_TIME;
}

/* --- AuthenticateServer --- */

typedef struct {
    RspTlv signed1, transaction, challenge, address, server_challenge;
    RspTlv signature, ci, certificate, context;
} AuthenticateRequest;

static gboolean
read_device_info (RspSlice device)
{
    RspTlv tac, capabilities, imei;
    gboolean has_imei;
    return rsp_take (&device, 0x80, 4, 4, &tac) &&
           rsp_take (&device, 0xA1, 0, 1024, &capabilities) &&
           rsp_take_optional (&device, 0x82, 8, 8, &imei, &has_imei);
}

/* ctxParamsForCommonAuthentication: the one alternative of v2. */
static gboolean
read_context (RspSlice context)
{
    RspTlv matching_id, device;
    gboolean present;
    return rsp_take_optional (&context, 0x80, 0, 255, &matching_id, &present) &&
           (!present || rsp_is_utf8 (matching_id.value)) &&
           rsp_take (&context, 0xA1, 0, 4096, &device) && read_device_info (device.value);
}

static gboolean
read_authenticate (RspSlice body, AuthenticateRequest *r)
{
    RspSlice in;
    if (!rsp_take (&body, 0x30, 0, 4096, &r->signed1) ||
        !rsp_take (&body, 0x5F37, 0, 256, &r->signature) ||
        !rsp_take (&body, 0x04, 0, 64, &r->ci) ||
        !rsp_take (&body, 0x30, 0, 16384, &r->certificate) ||
        !rsp_take (&body, 0xA0, 0, 8192, &r->context))
        return FALSE;
    in = r->signed1.value;
    return rsp_take (&in, 0x80, 1, 16, &r->transaction) &&
           rsp_take (&in, 0x81, 16, 16, &r->challenge) &&
           rsp_take (&in, 0x83, 0, 255, &r->address) && rsp_is_utf8 (r->address.value) &&
           rsp_take (&in, 0x84, 16, 16, &r->server_challenge) && read_context (r->context.value);
}

static RspCert *
parse_certificate (RspSlice der, guint8 *ret_code)
{
    g_autoptr (GBytes) bytes = rsp_slice_to_bytes (der);
    g_autoptr (GError) error = NULL;
    RspCert *cert = rsp_cert_parse (bytes, &error);
    if (!cert)
        *ret_code = g_error_matches (error, RSP_CERT_ERROR, RSP_CERT_ERROR_CURVE)
                        ? UNSUPPORTED_CURVE
                        : INVALID_CERTIFICATE;
    return cert;
}

static guint8
chain_code (RspChainResult result)
{
    switch (result) {
    case RSP_CHAIN_OK:
        return 0;
    case RSP_CHAIN_CI_UNKNOWN:
        return CI_UNKNOWN;
    case RSP_CHAIN_CURVE:
        return UNSUPPORTED_CURVE;
    case RSP_CHAIN_ROLE:
    case RSP_CHAIN_OID:
        return INVALID_OID;
    default:
        return INVALID_CERTIFICATE;
    }
}

static guint8
check_server (RspEuicc *card, RspCert *cert, RspCert **ret_root)
{
    RspRole role = rsp_cert_role (cert) == RSP_ROLE_DS_AUTH ? RSP_ROLE_DS_AUTH : RSP_ROLE_DP_AUTH;
    const char *name = role == RSP_ROLE_DS_AUTH ? "CERT.DSauth" : "CERT.DPauth";
    RspChainResult result =
        rsp_chain_check_server (cert, card->roots, role, card_time (card), ret_root);
    if (result == RSP_CHAIN_OK && rsp_euicc_is_revoked (card, cert))
        result = RSP_CHAIN_REVOKED;
    rsp_actor_crypto_result (card->actor, "chain", name, rsp_chain_result_name (result));
    if (result == RSP_CHAIN_OK && !rsp_cert_oid (cert))
        result = RSP_CHAIN_OID;
    return chain_code (result);
}

/* The CI that is asked to vouch for this card; an empty one leaves the choice to the card. */
static gboolean
signs_for (const RspEuicc *card, RspSlice ci)
{
    return ci.len == 0 || rsp_slice_equal (ci, rsp_cert_aki (card->eum_cert));
}

static guint8
check_authenticate (RspEuicc *card, const AuthenticateRequest *r, RspCert **ret_cert,
                    RspCert **ret_root)
{
    guint8 code = 0;
    RspSlice part = r->signed1.whole;
    if (card->session.state != RSP_SESSION_CHALLENGE)
        return NO_SESSION;
    g_autoptr (RspCert) cert = parse_certificate (r->certificate.whole, &code);
    if (!cert)
        return code;
    code = check_server (card, cert, ret_root);
    if (code)
        return code;
    if (!rsp_cert_public (cert))
        return UNSUPPORTED_CURVE;
    gboolean good = rsp_public_verify (rsp_cert_public (cert), &part, 1, r->signature.value);
    rsp_actor_crypto (card->actor, "verify",
                      rsp_cert_role (cert) == RSP_ROLE_DS_AUTH ? "PK.DSauth" : "PK.DPauth", good);
    if (!good)
        return INVALID_SIGNATURE;
    if (!rsp_slice_equal_ct (r->challenge.value, RSP_SLICE_ARRAY (card->session.challenge)))
        return CHALLENGE_MISMATCH;
    if (!signs_for (card, r->ci.value))
        return CI_UNKNOWN;
    *ret_cert = g_steal_pointer (&cert);
    return 0;
}

static void
put_error (GByteArray *out, guint32 tag, RspSlice transaction, guint8 code)
{
    gsize outer = rsp_tlv_open (out, tag), mark = rsp_tlv_open (out, 0xA1);
    rsp_tlv_put (out, 0x80, transaction);
    rsp_tlv_put_int (out, 0x02, code);
    rsp_tlv_close (out, mark);
    rsp_tlv_close (out, outer);
}

/* Appends the signature over PARTS and keeps it as TLV in RET. */
static void
sign_and_keep (RspEuicc *card, const RspSlice *parts, gsize n, GByteArray *out, guint8 *ret)
{
    rsp_euicc_sign (card, parts, n, out);
    rsp_euicc_work (card, RSP_WORK_SIGNATURE);
    if (ret)
        memcpy (ret, out->data + out->len - (3 + RSP_SIGNATURE_SIZE), 3 + RSP_SIGNATURE_SIZE);
}

static void
put_authenticated (RspEuicc *card, const AuthenticateRequest *r, GByteArray *out)
{
    RspSlice cert = rsp_slice_of (rsp_cert_der (card->cert));
    RspSlice eum = rsp_slice_of (rsp_cert_der (card->eum_cert));
    g_autoptr (GByteArray) signed1 = g_byte_array_sized_new (1024);
    gsize mark = rsp_tlv_open (signed1, 0x30);
    rsp_tlv_put (signed1, 0x80, r->transaction.value);
    rsp_tlv_put (signed1, 0x83, r->address.value);
    rsp_tlv_put (signed1, 0x84, r->server_challenge.value);
    rsp_euicc_put_info2 (card, signed1);
    g_byte_array_append (signed1, r->context.whole.data, (guint)r->context.whole.len);
    rsp_tlv_close (signed1, mark);
    RspSlice part = RSP_SLICE (signed1->data, signed1->len);
    gsize outer = rsp_tlv_open (out, 0xBF38), ok = rsp_tlv_open (out, 0xA0);
    g_byte_array_append (out, part.data, (guint)part.len);
    sign_and_keep (card, &part, 1, out, card->session.signature1);
    g_byte_array_append (out, cert.data, (guint)cert.len);
    g_byte_array_append (out, eum.data, (guint)eum.len);
    rsp_tlv_close (out, ok);
    rsp_tlv_close (out, outer);
}

guint
rsp_euicc_authenticate_server (RspEuicc *card, RspSlice body, GByteArray *out)
{
    AuthenticateRequest r;
    RspCert *root = NULL;
    g_autoptr (RspCert) cert = NULL;
    RspEuiccSession *s = &card->session;
    if (!read_authenticate (body, &r))
        return 0x6A80;
    guint8 code = check_authenticate (card, &r, &cert, &root);
    if (code) {
        /* The challenge is used up; a session that had got further is not this one's to end. */
        if (s->state == RSP_SESSION_CHALLENGE)
            rsp_euicc_session_end (card);
        put_error (out, 0xBF38, r.transaction.value, code);
        return 0x9000;
    }
    s->state = RSP_SESSION_AUTHENTICATED;
    s->transaction_len = r.transaction.value.len;
    memcpy (s->transaction_id, r.transaction.value.data, s->transaction_len);
    s->address = g_strndup ((const char *)r.address.value.data, r.address.value.len);
    s->discovery = rsp_cert_role (cert) == RSP_ROLE_DS_AUTH;
    s->auth = g_steal_pointer (&cert);
    s->root = rsp_cert_ref (root);
    put_authenticated (card, &r, out);
    return 0x9000;
}

/* --- PrepareDownload --- */

typedef struct {
    RspTlv signed2, transaction, otpk, signature, hash_cc, certificate;
    gboolean has_otpk, has_hash_cc;
} PrepareRequest;

static gboolean
read_prepare (RspSlice body, PrepareRequest *r)
{
    RspTlv cc_required;
    if (!rsp_take (&body, 0x30, 0, 1024, &r->signed2) ||
        !rsp_take (&body, 0x5F37, 0, 256, &r->signature) ||
        !rsp_take_optional (&body, 0x04, 32, 32, &r->hash_cc, &r->has_hash_cc) ||
        !rsp_take (&body, 0x30, 0, 16384, &r->certificate))
        return FALSE;
    RspSlice in = r->signed2.value;
    return rsp_take (&in, 0x80, 1, 16, &r->transaction) &&
           rsp_take (&in, 0x01, 1, 1, &cc_required) &&
           rsp_take_optional (&in, 0x5F49, 0, 256, &r->otpk, &r->has_otpk);
}

static RspSlice
session_transaction (const RspEuicc *card)
{
    return RSP_SLICE (card->session.transaction_id, card->session.transaction_len);
}

/* DPpb stands right under the CI of DPauth and is of the same SM-DP+. */
static guint8
check_binding_certificate (RspEuicc *card, RspCert *cert)
{
    const RspEuiccSession *s = &card->session;
    RspChainResult result = rsp_chain_check_one (cert, s->root, RSP_ROLE_DP_PB, card_time (card));
    const char *oid = rsp_cert_oid (cert);
    if (result == RSP_CHAIN_OK && (!oid || g_strcmp0 (oid, rsp_cert_oid (s->auth)) != 0))
        result = RSP_CHAIN_OID;
    if (result == RSP_CHAIN_OK && rsp_euicc_is_revoked (card, cert))
        result = RSP_CHAIN_REVOKED;
    rsp_actor_crypto_result (card->actor, "chain", "CERT.DPpb", rsp_chain_result_name (result));
    if (result == RSP_CHAIN_CURVE || (result == RSP_CHAIN_OK && !rsp_cert_public (cert)))
        return UNSUPPORTED_CURVE;
    return result == RSP_CHAIN_OK ? 0 : INVALID_CERTIFICATE;
}

static guint8
check_prepare (RspEuicc *card, const PrepareRequest *r, RspCert **ret_cert)
{
    const RspEuiccSession *s = &card->session;
    guint8 code = 0;
    if ((s->state != RSP_SESSION_AUTHENTICATED && s->state != RSP_SESSION_PREPARED) || s->discovery)
        return NO_SESSION;
    g_autoptr (RspCert) cert = parse_certificate (r->certificate.whole, &code);
    if (!cert)
        return code;
    code = check_binding_certificate (card, cert);
    if (code)
        return code;
    RspSlice parts[] = {r->signed2.whole, RSP_SLICE_ARRAY (s->signature1)};
    gboolean good = rsp_public_verify (rsp_cert_public (cert), parts, 2, r->signature.value);
    rsp_actor_crypto (card->actor, "verify", "PK.DPpb", good);
    if (!good)
        return INVALID_SIGNATURE;
    if (!rsp_slice_equal (r->transaction.value, session_transaction (card)))
        return INVALID_TRANSACTION;
    *ret_cert = g_steal_pointer (&cert);
    return 0;
}

/* The pair that the package is bound to already, if it is still kept; else a new one, kept. */
static gboolean
choose_key (RspEuicc *card, const PrepareRequest *r, const char *oid)
{
    RspEuiccSession *s = &card->session;
    g_clear_pointer (&s->otpk, rsp_key_free);
    if (r->has_otpk) {
        g_autoptr (GBytes) kept = rsp_euicc_get_otpk (card, oid);
        RspSlice k = rsp_slice_of (kept);
        if (kept && rsp_slice_equal (r->otpk.value, RSP_SLICE (k.data + 32, RSP_POINT_SIZE)))
            s->otpk = rsp_key_from_scalar (k.data, NULL);
    }
    if (s->otpk)
        return TRUE;
    s->otpk = rsp_key_generate (card->keys);
    rsp_euicc_begin (card);
    rsp_euicc_put_otpk (card, oid, s->otpk);
    return rsp_euicc_commit (card);
}

static void
put_prepared (RspEuicc *card, const PrepareRequest *r, GByteArray *out)
{
    gsize outer = rsp_tlv_open (out, 0xBF21), ok = rsp_tlv_open (out, 0xA0);
    g_autoptr (GByteArray) signed2 = g_byte_array_sized_new (160);
    gsize mark = rsp_tlv_open (signed2, 0x30);
    rsp_tlv_put (signed2, 0x80, session_transaction (card));
    rsp_tlv_put (signed2, 0x5F49, RSP_SLICE (rsp_key_point (card->session.otpk), RSP_POINT_SIZE));
    if (r->has_hash_cc)
        rsp_tlv_put (signed2, 0x04, r->hash_cc.value);
    rsp_tlv_close (signed2, mark);
    RspSlice parts[] = {RSP_SLICE (signed2->data, signed2->len), r->signature.whole};
    g_byte_array_append (out, parts[0].data, (guint)parts[0].len);
    sign_and_keep (card, parts, 2, out, NULL);
    rsp_tlv_close (out, ok);
    rsp_tlv_close (out, outer);
}

guint
rsp_euicc_prepare_download (RspEuicc *card, RspSlice body, GByteArray *out)
{
    PrepareRequest r;
    RspEuiccSession *s = &card->session;
    g_autoptr (RspCert) cert = NULL;
    if (!read_prepare (body, &r))
        return 0x6A80;
    guint8 code = check_prepare (card, &r, &cert);
    if (code) {
        /* A card without a session has no TransactionID of its own to give. */
        RspSlice transaction =
            s->transaction_len > 0 ? session_transaction (card) : r.transaction.value;
        put_error (out, 0xBF21, transaction, code);
        return 0x9000;
    }
    if (!choose_key (card, &r, rsp_cert_oid (cert))) {
        put_error (out, 0xBF21, session_transaction (card), RSP_UNDEFINED_ERROR);
        return 0x9000;
    }
    g_clear_pointer (&s->pb, rsp_cert_unref);
    s->pb = g_steal_pointer (&cert);
    s->state = RSP_SESSION_PREPARED;
    put_prepared (card, &r, out);
    return 0x9000;
}

/* --- CancelSession --- */

static void
put_cancelled (RspEuicc *card, RspSlice reason, GByteArray *out)
{
    gsize outer = rsp_tlv_open (out, 0xBF41), ok = rsp_tlv_open (out, 0xA0);
    g_autoptr (GByteArray) tbs = g_byte_array_sized_new (64);
    gsize mark = rsp_tlv_open (tbs, 0x30);
    rsp_tlv_put (tbs, 0x80, session_transaction (card));
    rsp_put_oid (tbs, 0x81, rsp_cert_oid (card->session.auth));
    rsp_tlv_put (tbs, 0x82, reason);
    rsp_tlv_close (tbs, mark);
    RspSlice part = RSP_SLICE (tbs->data, tbs->len);
    g_byte_array_append (out, part.data, (guint)part.len);
    rsp_euicc_sign (card, &part, 1, out);
    rsp_euicc_work (card, RSP_WORK_SIGNATURE);
    rsp_tlv_close (out, ok);
    rsp_tlv_close (out, outer);
}

guint
rsp_euicc_cancel_session (RspEuicc *card, RspSlice body, GByteArray *out)
{
    RspTlv transaction, reason;
    guint64 value;
    const RspEuiccSession *s = &card->session;
    if (!rsp_take (&body, 0x80, 1, 16, &transaction) || !rsp_take (&body, 0x81, 1, 2, &reason) ||
        !rsp_read_number (reason.value, &value))
        return 0x6A80;
    if (s->state < RSP_SESSION_AUTHENTICATED ||
        !rsp_slice_equal (transaction.value, session_transaction (card))) {
        gsize mark = rsp_tlv_open (out, 0xBF41);
        rsp_tlv_put_int (out, 0x81, INVALID_TRANSACTION);
        rsp_tlv_close (out, mark);
        return 0x9000;
    }
    put_cancelled (card, reason.value, out);
    rsp_euicc_load_abandon (card);
    rsp_euicc_session_end (card);
    return 0x9000;
}
