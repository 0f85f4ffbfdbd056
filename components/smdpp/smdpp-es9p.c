/* ES9+ mutual authentication (SGP.22 5.6.1, 5.6.3): InitiateAuthentication and AuthenticateClient.
 * Checks in the order of consumer-procedures 2.1 and 2.2. */
#include "components/smdpp/smdpp-private.h"

#include <string.h>

/* A card's answer is a few kilobytes; what is longer is not decoded. */
#define MAX_CARD_ANSWER 32768
#define CHALLENGE_SIZE 16

#define CTX "authenticateResponseOk.euiccSigned1.ctxParams1.ctxParamsForCommonAuthentication."
#define INFO2 "authenticateResponseOk.euiccSigned1.euiccInfo2."

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
root_by_ski (const RspSmdpp *dp, RspSlice ski)
{
    for (guint i = 0; i < dp->config.roots->len; i++)
        if (rsp_slice_equal (rsp_cert_ski (dp->config.roots->pdata[i]), ski))
            return dp->config.roots->pdata[i];
    return NULL;
}

/* The card's first choice that this server trusts. */
static RspCert *
choose_root (const RspSmdpp *dp, RspSlice signing)
{
    RspTlv id;
    while (rsp_tlv_next (&signing, &id) == RSP_TLV_OK) {
        RspCert *root = id.tag == 0x04 ? root_by_ski (dp, id.value) : NULL;
        if (root)
            return root;
    }
    return NULL;
}

static gboolean
lists (RspSlice verification, RspSlice ski)
{
    RspTlv id;
    while (rsp_tlv_next (&verification, &id) == RSP_TLV_OK)
        if (id.tag == 0x04 && rsp_slice_equal (id.value, ski))
            return TRUE;
    return FALSE;
}

static RspStatus
check_info1 (const RspSmdpp *dp, const Info1 *info, RspCert **ret_root)
{
    if (memcmp (info->highest, dp->config.svn_min, 3) < 0 ||
        memcmp (info->lowest, dp->config.svn_max, 3) > 0)
        return RSP_FAILED ("8.8.3", "3.1", "eUICC version not supported");
    *ret_root = choose_root (dp, info->signing);
    if (!*ret_root)
        return RSP_FAILED ("8.8.2", "3.1", "no proposed CI key is supported");
    if (!lists (info->verification, rsp_cert_aki (dp->config.auth_cert)))
        return RSP_FAILED ("8.8.4", "3.7", "no CERT.DPauth under a CI that the eUICC knows");
    return RSP_OK;
}

static void
put_bytes (RspFields *out, const char *name, const GByteArray *array)
{
    g_autoptr (GBytes) bytes = g_bytes_new (array->data, array->len);
    rsp_fields_set_bytes (out, name, bytes);
}

static void
put_tlv (RspFields *out, const char *name, guint32 tag, RspSlice value)
{
    g_autoptr (GByteArray) array = g_byte_array_sized_new (value.len + 8);
    rsp_tlv_put (array, tag, value);
    put_bytes (out, name, array);
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
rsp_es9p_initiate_authentication (RspSmdpp *dp, RspRequest *r, GError **error)
{
    const char *address = rsp_fields_text (r->in, "smdpAddress");
    RspSlice challenge = rsp_slice_of (rsp_fields_bytes (r->in, "euiccChallenge"));
    Info1 info;
    RspCert *root = NULL;
    if (challenge.len != CHALLENGE_SIZE)
        return RSP_FAILED ("1.6", "2.1", "euiccChallenge");
    if (!read_info1 (rsp_slice_of (rsp_fields_bytes (r->in, "euiccInfo1")), &info))
        return RSP_FAILED ("1.6", "2.1", "euiccInfo1");
    if (!rsp_smdpp_is_mine (dp, address))
        return RSP_FAILED ("8.8.1", "3.8", "not the address of this SM-DP+");
    RspStatus status = check_info1 (dp, &info, &root);
    if (status.subject)
        return status;

    RspSession *s = rsp_session_new (dp, address, root);
    g_autoptr (GByteArray) signed1 = server_signed1 (s, challenge);
    guint8 signature[RSP_SIGNATURE_SIZE];
    RspSlice input = RSP_SLICE (signed1->data, signed1->len);
    rsp_key_sign (dp->config.auth_key, &input, 1, signature);
    rsp_actor_crypto (dp->actor, "sign", "SK.DPauth", TRUE);
    rsp_call_set_transaction_id (r->call, s->text);
    rsp_session_put_id (s, r->out);
    put_bytes (r->out, "serverSigned1", signed1);
    put_tlv (r->out, "serverSignature1", 0x5F37, RSP_SLICE_ARRAY (signature));
    put_tlv (r->out, "euiccCiPKIdToBeUsed", 0x04, rsp_cert_ski (root));
    rsp_fields_set_bytes (r->out, "serverCertificate", rsp_cert_der (dp->config.auth_cert));
    return RSP_OK;
}

/* --- AuthenticateClient: who is it --- */

RspCert *
rsp_smdpp_parse_cert (const RspAsn1 *node, const char *path)
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
check_chain (RspSmdpp *dp, const RspSession *s, RspCert *eum, RspCert *euicc)
{
    if (!eum)
        return RSP_FAILED ("8.1.2", "6.1", "CERT.EUM does not parse");
    if (!rsp_slice_equal (rsp_cert_aki (eum), rsp_cert_ski (s->root)))
        return RSP_FAILED ("8.11.1", "3.9", "CERT.EUM is not of the chosen CI");
    gint64 now = rsp_actor_time (dp->actor);
    if (!euicc) {
        RspChainResult r = rsp_chain_check_one (eum, s->root, RSP_ROLE_EUM, now);
        return r != RSP_CHAIN_OK ? chain_status ("8.1.2", r, eum, now)
                                 : RSP_FAILED ("8.1.3", "6.1", "CERT.EUICC does not parse");
    }
    RspCert *root = NULL;
    const RspCert *bad = NULL;
    RspChainResult result = rsp_chain_check_euicc (euicc, eum, dp->config.roots, now, &root, &bad);
    rsp_actor_crypto_result (dp->actor, "chain", "CERT.EUICC", rsp_chain_result_name (result));
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

/* Rows 2 to 10. On success the session knows its eUICC. */
static RspStatus
authenticate (RspSmdpp *dp, RspSession *s, const RspAsn1 *answer)
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
        rsp_smdpp_parse_cert (answer, "authenticateResponseOk.eumCertificate");
    g_autoptr (RspCert) euicc =
        rsp_smdpp_parse_cert (answer, "authenticateResponseOk.euiccCertificate");
    RspStatus status = check_chain (dp, s, eum, euicc);
    if (status.subject)
        return status;
    gboolean good =
        rsp_public_verify (rsp_cert_public (euicc), &signed1, 1,
                           rsp_asn1_octets (answer, "authenticateResponseOk.euiccSignature1"));
    rsp_actor_crypto (dp->actor, "verify", "SK.EUICC", good);
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

/* --- AuthenticateClient: what for --- */

static RspStatus
find_order (RspSmdpp *dp, const RspSession *s, const RspAsn1 *answer, RspOrder **ret,
            GError **error)
{
    g_autofree char *matching_id = rsp_asn1_text (answer, CTX "matchingId");
    gboolean by_default = !matching_id || !*matching_id;
    g_autoptr (RspOrder) order = by_default ? rsp_order_by_default (dp, s->eid, error)
                                            : rsp_order_by_matching_id (dp, matching_id, error);
    if (*error)
        return RSP_OK;
    if (!order && by_default)
        return RSP_FAILED ("8.1.1", "3.8", "no order for this EID");
    if (!order)
        return RSP_FAILED ("8.2.6", "3.8", "matchingId refused");
    const char *eid = rsp_order_eid (order);
    if (eid && strcmp (eid, s->eid) != 0)
        return RSP_FAILED ("8.1.1", "3.8", "the order is for another EID");
    if (order->state != RSP_ORDER_RELEASED && order->state != RSP_ORDER_DOWNLOADED)
        return RSP_FAILED ("8.2", "1.2", "the profile is not released");
    *ret = g_steal_pointer (&order);
    return RSP_OK;
}

static gboolean
has_services (const RspAsn1 *answer, gint64 services)
{
    for (guint bit = 0; bit < 63; bit++)
        if ((services >> bit & 1) && !rsp_asn1_bit (answer, INFO2 "uiccCapability", bit))
            return FALSE;
    return TRUE;
}

static gboolean
supports_version (const RspAsn1 *answer, gint64 version)
{
    RspSlice base = rsp_asn1_octets (answer, INFO2 "profileVersion");
    if (base.len == 3 && base.data[0] >= version)
        return TRUE;
    RspTlv list, tlv;
    RspSlice more = rsp_asn1_slice (answer, INFO2 "additionalEuiccProfilePackageVersions");
    if (rsp_tlv_next (&more, &list) != RSP_TLV_OK)
        return FALSE;
    while (rsp_tlv_next (&list.value, &tlv) == RSP_TLV_OK)
        if (tlv.value.len == 3 && tlv.value.data[0] >= version)
            return TRUE;
    return FALSE;
}

/* Free non-volatile memory (tag 82 of ETSI TS 102 226); -1 if the card does not say. */
static gint64
free_memory (const RspAsn1 *answer)
{
    RspTlv tlv;
    if (!rsp_tlv_find (rsp_asn1_octets (answer, INFO2 "extCardResource"), 0x82, &tlv) ||
        tlv.value.len == 0 || tlv.value.len > 7)
        return -1;
    gint64 n = 0;
    for (gsize i = 0; i < tlv.value.len; i++)
        n = n << 8 | tlv.value.data[i];
    return n;
}

static RspStatus
check_eligible (const RspOrder *order, const RspAsn1 *answer)
{
    for (guint bit = 0; bit < 3; bit++)
        if ((order->ppr >> bit & 1) &&
            rsp_asn1_bit (answer, INFO2 "forbiddenProfilePolicyRules", bit))
            return RSP_FAILED ("8.2.5", "4.3", "the eUICC forbids a policy rule of the profile");
    if (!rsp_asn1_bit (answer, INFO2 "rspCapability", 0))
        return RSP_FAILED ("8.2.5", "4.3", "the eUICC takes no additional profile");
    if (order->profile_class == RSP_CLASS_TEST && !rsp_asn1_bit (answer, INFO2 "rspCapability", 3))
        return RSP_FAILED ("8.2.5", "4.3", "the eUICC takes no test profile");
    if (!has_services (answer, order->services))
        return RSP_FAILED ("8.2.5", "4.3", "the eUICC lacks a service that the profile needs");
    if (!supports_version (answer, order->version))
        return RSP_FAILED ("8.2.5", "4.3", "profile package version");
    gint64 memory = free_memory (answer);
    if (memory >= 0 && memory < order->size)
        return RSP_FAILED ("8.1", "4.8", "not enough memory on the eUICC");
    return RSP_OK;
}

/* An order that ends here: Error, and the operator is told. */
static RspStatus
end_order (RspSmdpp *dp, RspOrder *order, const RspSession *s, RspStatus status, GError **error)
{
    (void)(rsp_order_begin (dp, error) && rsp_order_end (dp, order, RSP_ORDER_ERROR, error) &&
           rsp_progress_add (dp, order, s->eid, RSP_POINT_ELIGIBILITY, &status, (RspSlice){NULL, 0},
                             error) &&
           rsp_order_commit (dp, order, error));
    return status;
}

/* Rows 17 to 19, with what each does to the order. */
static RspStatus
admit (RspSmdpp *dp, RspOrder *order, const RspSession *s, const RspAsn1 *answer, GError **error)
{
    if (order->expiry && rsp_actor_time (dp->actor) > order->expiry)
        return end_order (dp, order, s, RSP_FAILED ("8.8.5", "4.10", "the order has expired"),
                          error);
    order->attempts++;
    if (order->attempts > dp->config.attempt_limit)
        return end_order (dp, order, s, RSP_FAILED ("8.8.5", "6.4", "too many download attempts"),
                          error);
    RspStatus status = check_eligible (order, answer);
    if (status.subject && !dp->config.keep_on_ineligible)
        return end_order (dp, order, s, status, error);
    if (!status.subject && !rsp_order_eid (order))
        order->bound_eid = g_strdup (s->eid);
    (void)(rsp_order_begin (dp, error) && rsp_order_write (dp, order, error) &&
           rsp_progress_add (dp, order, s->eid, RSP_POINT_ELIGIBILITY,
                             status.subject ? &status : NULL, (RspSlice){NULL, 0}, error) &&
           rsp_order_commit (dp, order, error));
    return status;
}

/* smdpSigned2, offering the one-time key of an earlier binding with the same eUICC. */
static gboolean
put_signed2 (RspSmdpp *dp, RspRequest *r, const RspOrder *order, RspSlice euicc_signature,
             GError **error)
{
    RspSession *s = r->session;
    g_auto (RspBoundKeys) binding = {0};
    gboolean bound = FALSE;
    if (order->attempts > 1 && !rsp_binding_read (dp, order->iccid, &binding, &bound, error))
        return FALSE;
    g_autoptr (GByteArray) signed2 = g_byte_array_sized_new (128);
    gsize mark = rsp_tlv_open (signed2, 0x30);
    const guint8 required = order->code_hash ? 0xff : 0;
    rsp_tlv_put (signed2, 0x80, rsp_session_id (s));
    rsp_tlv_put (signed2, 0x01, RSP_SLICE (&required, 1));
    if (bound && strcmp (binding.eid, s->eid) == 0)
        rsp_tlv_put (signed2, 0x5F49, RSP_SLICE_ARRAY (binding.euicc_point));
    rsp_tlv_close (signed2, mark);
    RspSlice input[] = {RSP_SLICE (signed2->data, signed2->len), euicc_signature};
    rsp_key_sign (dp->config.pb_key, input, G_N_ELEMENTS (input), s->signature2);
    rsp_actor_crypto (dp->actor, "sign", "SK.DPpb", TRUE);
    put_bytes (r->out, "smdpSigned2", signed2);
    put_tlv (r->out, "smdpSignature2", 0x5F37, RSP_SLICE_ARRAY (s->signature2));
    return TRUE;
}

static RspStatus
authenticate_client (RspSmdpp *dp, RspRequest *r, const RspAsn1 *answer, GError **error)
{
    RspSession *s = r->session;
    g_autoptr (RspOrder) order = NULL;
    RspStatus status = authenticate (dp, s, answer);
    if (!status.subject)
        status = find_order (dp, s, answer, &order, error);
    if (!*error && !status.subject)
        status = admit (dp, order, s, answer, error);
    if (*error || status.subject)
        return status;
    g_autoptr (GBytes) metadata = NULL;
    if (!rsp_package_read (dp, order->iccid, &metadata, NULL, error) ||
        !put_signed2 (dp, r, order,
                      rsp_asn1_slice (answer, "authenticateResponseOk.euiccSignature1"), error))
        return RSP_OK;
    rsp_session_put_id (s, r->out);
    rsp_fields_set_bytes (r->out, "profileMetadata", metadata);
    rsp_fields_set_bytes (r->out, "smdpCertificate", rsp_cert_der (dp->config.pb_cert));
    rsp_session_claim (dp, s, order);
    s->step = RSP_SESSION_AUTHENTICATED;
    rsp_session_touch (dp, s);
    return RSP_OK;
}

RspStatus
rsp_es9p_authenticate_client (RspSmdpp *dp, RspRequest *r, GError **error)
{
    if (!r->session || r->session->step != RSP_SESSION_INITIATED)
        return RSP_UNKNOWN_TRANSACTION;
    GBytes *der = rsp_fields_bytes (r->in, "authenticateServerResponse");
    g_autoptr (RspAsn1) answer = g_bytes_get_size (der) <= MAX_CARD_ANSWER
                                     ? rsp_asn1_decode ("AuthenticateServerResponse", der, NULL)
                                     : NULL;
    if (!answer)
        return RSP_FAILED ("1.6", "2.1", "authenticateServerResponse");
    RspStatus status = authenticate_client (dp, r, answer, error);
    r->end_session = status.subject != NULL;
    return status;
}
