/* The server's side of common mutual authentication (SGP.22 5.6.1, 5.6.3, 5.8.1, 5.8.2). Checks in
 * the order of consumer-procedures 2.1 and 2.2. */
#include "components/common/server.h"

#include "asn1/ids.h"
#include "asn1/tlv.h"

#include <string.h>

/* A card's answer is a few kilobytes; what is longer is not decoded. */
#define MAX_CARD_ANSWER 32768
#define CHALLENGE_SIZE 16

/* --- InitiateAuthentication --- */

typedef struct {
    const guint8 *lowest, *highest; /* SVN */
    RspSlice verification, signing; /* lists of key identifiers */
} Info1;

/* A walk in place: unknown members are skipped, and a list of any length costs one pass. */
static gboolean
read_info1 (RspSlice der, Info1 *ret)
{
    RspTlv info, tlv;
    if (!rsp_der_check (der, NULL) || !rsp_tlv_single (der, 0xBF20, &info))
        return FALSE;
    if (!rsp_tlv_find (info.value, 0x82, &tlv) || tlv.value.len != 3)
        return FALSE;
    ret->lowest = ret->highest = tlv.value.data;
    if (rsp_tlv_find (info.value, 0x93, &tlv)) {
        if (tlv.value.len != 3)
            return FALSE;
        ret->highest = tlv.value.data;
    }
    if (!rsp_tlv_find (info.value, 0xA9, &tlv))
        return FALSE;
    ret->verification = tlv.value;
    if (!rsp_tlv_find (info.value, 0xAA, &tlv))
        return FALSE;
    ret->signing = tlv.value;
    return TRUE;
}

static RspCert *
root_by_ski (const RspServer *server, RspSlice ski)
{
    for (guint i = 0; i < server->roots->len; i++)
        if (rsp_slice_equal (rsp_cert_ski (server->roots->pdata[i]), ski))
            return server->roots->pdata[i];
    return NULL;
}

/* The card's first choice that this server trusts. */
static RspCert *
choose_root (const RspServer *server, RspSlice signing)
{
    RspTlv id;
    while (rsp_tlv_next (&signing, &id) == RSP_TLV_OK) {
        RspCert *root = id.tag == 0x04 ? root_by_ski (server, id.value) : NULL;
        if (root)
            return root;
    }
    return NULL;
}

/* The card's first choice that it can verify and that is in time; without one, the first that it
 * can verify. */
static const RspServerIdentity *
choose_identity (const RspServer *server, RspSlice verification)
{
    const RspServerIdentity *out_of_time = NULL;
    gint64 now = rsp_actor_time (server->actor);
    RspTlv id;
    while (rsp_tlv_next (&verification, &id) == RSP_TLV_OK)
        for (guint i = 0; id.tag == 0x04 && i < server->n_identities; i++) {
            const RspCert *cert = server->identities[i].auth_cert;
            if (!rsp_slice_equal (id.value, rsp_cert_aki (cert)))
                continue;
            if (now >= rsp_cert_not_before (cert) && now <= rsp_cert_not_after (cert))
                return &server->identities[i];
            if (!out_of_time)
                out_of_time = &server->identities[i];
        }
    return out_of_time;
}

static RspStatus
check_info1 (const RspServer *server, const Info1 *info, const RspServerIdentity **ret_identity,
             RspCert **ret_root)
{
    if (memcmp (info->highest, server->svn_min, 3) < 0 ||
        memcmp (info->lowest, server->svn_max, 3) > 0)
        return server->kind->version;
    *ret_root = choose_root (server, info->signing);
    if (!*ret_root)
        return server->kind->ci;
    *ret_identity = choose_identity (server, info->verification);
    if (!*ret_identity)
        return server->kind->certificate;
    return RSP_OK;
}

void
rsp_fields_put_array (RspFields *out, const char *name, const GByteArray *array)
{
    g_autoptr (GBytes) bytes = g_bytes_new (array->data, array->len);
    rsp_fields_set_bytes (out, name, bytes);
}

void
rsp_fields_put_tlv (RspFields *out, const char *name, guint32 tag, RspSlice value)
{
    g_autoptr (GByteArray) array = g_byte_array_sized_new (value.len + 8);
    rsp_tlv_put (array, tag, value);
    rsp_fields_put_array (out, name, array);
}

void
rsp_session_put_id (const RspSession *s, RspFields *out)
{
    g_autoptr (GBytes) id = g_bytes_new (s->id, sizeof s->id);
    rsp_fields_set_bytes (out, "transactionId", id);
}

static GByteArray *
server_signed1 (const RspSession *s, RspSlice euicc_challenge)
{
    GByteArray *out = g_byte_array_sized_new (128 + strlen (s->address));
    gsize mark = rsp_tlv_open (out, 0x30);
    rsp_tlv_put (out, 0x80, rsp_session_id (s));
    rsp_tlv_put (out, 0x81, euicc_challenge);
    rsp_tlv_put_text (out, 0x83, s->address);
    rsp_tlv_put (out, 0x84, RSP_SLICE_ARRAY (s->challenge));
    rsp_tlv_close (out, mark);
    return out;
}

RspStatus
rsp_server_initiate_authentication (RspServer *server, RspRequest *r)
{
    const char *address = rsp_fields_text (r->in, "smdpAddress");
    RspSlice challenge = rsp_slice_of (rsp_fields_bytes (r->in, "euiccChallenge"));
    Info1 info;
    RspCert *root = NULL;
    const RspServerIdentity *identity = NULL;
    if (challenge.len != CHALLENGE_SIZE)
        return RSP_FAILED ("1.6", "2.1", "euiccChallenge");
    if (!read_info1 (rsp_slice_of (rsp_fields_bytes (r->in, "euiccInfo1")), &info))
        return RSP_FAILED ("1.6", "2.1", "euiccInfo1");
    if (!rsp_server_is_mine (server, address))
        return server->kind->address;
    RspStatus status = check_info1 (server, &info, &identity, &root);
    if (status.subject)
        return status;

    RspSession *s = rsp_session_new (server, address, identity, root);
    g_autoptr (GByteArray) signed1 = server_signed1 (s, challenge);
    guint8 signature[RSP_SIGNATURE_SIZE];
    RspSlice input = RSP_SLICE (signed1->data, signed1->len);
    rsp_key_sign (identity->auth_key, &input, 1, signature);
    rsp_actor_crypto (server->actor, "sign", server->kind->key_name, TRUE);
    rsp_call_set_transaction_id (r->call, s->text);
    rsp_session_put_id (s, r->out);
    rsp_fields_put_array (r->out, "serverSigned1", signed1);
    rsp_fields_put_tlv (r->out, "serverSignature1", 0x5F37, RSP_SLICE_ARRAY (signature));
    rsp_fields_put_tlv (r->out, "euiccCiPKIdToBeUsed", 0x04, rsp_cert_ski (root));
    rsp_fields_set_bytes (r->out, "serverCertificate", rsp_cert_der (identity->auth_cert));
    return RSP_OK;
}

/* --- AuthenticateClient: who is it --- */

RspCert *
rsp_server_parse_cert (const RspAsn1 *node, const char *path)
{
    g_autoptr (GBytes) der = rsp_slice_to_bytes (rsp_asn1_slice (node, path));
    return rsp_cert_parse (der, NULL);
}

/* An expired certificate is reported as such, whatever else is wrong with its role or range. */
static RspStatus
chain_status (const char *subject, RspChainResult result, const RspCert *bad, gint64 at)
{
    gboolean in_time = !bad || (at >= rsp_cert_not_before (bad) && at <= rsp_cert_not_after (bad));
    gboolean time = result == RSP_CHAIN_TIME ||
                    (!in_time && result != RSP_CHAIN_SIGNATURE && result != RSP_CHAIN_FORMAT);
    return RSP_FAILED (subject, time ? "6.3" : "6.1",
                       rsp_chain_result_name (time ? RSP_CHAIN_TIME : result));
}

static RspStatus
check_chain (RspServer *server, const RspSession *s, RspCert *eum, RspCert *euicc)
{
    if (!eum)
        return RSP_FAILED ("8.1.2", "6.1", "CERT.EUM does not parse");
    if (!rsp_slice_equal (rsp_cert_aki (eum), rsp_cert_ski (s->root)))
        return RSP_FAILED ("8.11.1", "3.9", "CERT.EUM is not of the chosen CI");
    gint64 now = rsp_actor_time (server->actor);
    if (!euicc) {
        RspChainResult r = rsp_chain_check_one (eum, s->root, RSP_ROLE_EUM, now);
        return r != RSP_CHAIN_OK ? chain_status ("8.1.2", r, eum, now)
                                 : RSP_FAILED ("8.1.3", "6.1", "CERT.EUICC does not parse");
    }
    RspCert *root = NULL;
    const RspCert *bad = NULL;
    RspChainResult result = rsp_chain_check_euicc (euicc, eum, server->roots, now, &root, &bad);
    if (result == RSP_CHAIN_OK && rsp_crls_revoke (server->actor->crls, eum)) {
        result = RSP_CHAIN_REVOKED;
        bad = eum;
    }
    rsp_actor_crypto_result (server->actor, "chain", "CERT.EUICC", rsp_chain_result_name (result));
    if (result == RSP_CHAIN_CI_UNKNOWN || (result == RSP_CHAIN_OK && root != s->root))
        return RSP_FAILED ("8.11.1", "3.9", "CERT.EUM is not of the chosen CI");
    if (result != RSP_CHAIN_OK)
        return chain_status (bad == eum ? "8.1.2" : "8.1.3", result, bad, now);
    const char *eid = rsp_cert_serial_number (euicc);
    if (!eid || !rsp_eid_valid (eid) || !rsp_cert_public (euicc))
        return RSP_FAILED ("8.1.3", "6.1", "no EID in CERT.EUICC");
    return RSP_OK;
}

static gboolean
same_host (RspSlice given, const char *mine)
{
    return given.len == strlen (mine) &&
           g_ascii_strncasecmp ((const char *)given.data, mine, given.len) == 0;
}

RspAsn1 *
rsp_server_read_answer (const RspRequest *r)
{
    GBytes *der = rsp_fields_bytes (r->in, "authenticateServerResponse");
    return g_bytes_get_size (der) <= MAX_CARD_ANSWER
               ? rsp_asn1_decode ("AuthenticateServerResponse", der, NULL)
               : NULL;
}

/* Rows 2 to 10. */
RspStatus
rsp_server_authenticate (RspServer *server, RspSession *s, const RspAsn1 *answer)
{
    if (g_strcmp0 (rsp_asn1_choice (answer, ""), "authenticateResponseOk") != 0)
        return RSP_FAILED (
            "8.1", "4.2",
            rsp_code_name ("AuthenticateErrorCode", rsp_asn1_int (answer,
                                                                  "authenticateResponseError."
                                                                  "authenticateErrorCode",
                                                                  127)));
    RspSlice signed1 = rsp_asn1_slice (answer, "authenticateResponseOk.euiccSigned1");
    if (!rsp_slice_equal (
            rsp_asn1_octets (answer, "authenticateResponseOk.euiccSigned1.transactionId"),
            rsp_session_id (s)))
        return RSP_UNKNOWN_TRANSACTION;
    g_autoptr (RspCert) eum =
        rsp_server_parse_cert (answer, "authenticateResponseOk.eumCertificate");
    g_autoptr (RspCert) euicc =
        rsp_server_parse_cert (answer, "authenticateResponseOk.euiccCertificate");
    RspStatus status = check_chain (server, s, eum, euicc);
    if (status.subject)
        return status;
    gboolean good =
        rsp_public_verify (rsp_cert_public (euicc), &signed1, 1,
                           rsp_asn1_octets (answer, "authenticateResponseOk.euiccSignature1"));
    rsp_actor_crypto (server->actor, "verify", "SK.EUICC", good);
    if (!good)
        return RSP_BAD_SIGNATURE ("euiccSignature1");
    if (!rsp_slice_equal_ct (
            rsp_asn1_octets (answer, "authenticateResponseOk.euiccSigned1.serverChallenge"),
            RSP_SLICE_ARRAY (s->challenge)))
        return RSP_BAD_SIGNATURE ("serverChallenge");
    if (!same_host (rsp_asn1_octets (answer, "authenticateResponseOk.euiccSigned1.serverAddress"),
                    s->address))
        return RSP_BAD_SIGNATURE ("serverAddress");
    g_clear_pointer (&s->euicc, rsp_public_unref);
    s->euicc = rsp_public_ref (rsp_cert_public (euicc));
    g_strlcpy (s->eid, rsp_cert_serial_number (euicc), sizeof s->eid);
    return RSP_OK;
}
