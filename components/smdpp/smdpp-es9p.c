/* ES9+ mutual authentication (SGP.22 5.6.1, 5.6.3): InitiateAuthentication and AuthenticateClient.
 * Checks in the order of consumer-procedures 2.1 and 2.2. */
#include "components/smdpp/smdpp-private.h"

#include <string.h>

#define CTX "authenticateResponseOk.euiccSigned1.ctxParams1.ctxParamsForCommonAuthentication."
#define INFO2 "authenticateResponseOk.euiccSigned1.euiccInfo2."

RspStatus
rsp_es9p_initiate_authentication (RspSmdpp *dp, RspRequest *r, GError **error)
{
    return rsp_server_initiate_authentication (&dp->server, r);
}

/* --- AuthenticateClient: what for --- */

static RspStatus
find_order (RspSmdpp *dp, const RspDpSession *s, const RspAsn1 *answer, RspOrder **ret,
            GError **error)
{
    g_autofree char *matching_id = rsp_asn1_text (answer, CTX "matchingId");
    gboolean by_default = !matching_id || !*matching_id;
    g_autoptr (RspOrder) order = by_default ? rsp_order_by_default (dp, s->base.eid, error)
                                            : rsp_order_by_matching_id (dp, matching_id, error);
    if (*error)
        return RSP_OK;
    if (!order && by_default)
        return RSP_FAILED ("8.1.1", "3.8", "no order for this EID");
    if (!order)
        return RSP_FAILED ("8.2.6", "3.8", "matchingId refused");
    const char *eid = rsp_order_eid (order);
    if (eid && strcmp (eid, s->base.eid) != 0)
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
end_order (RspSmdpp *dp, RspOrder *order, const RspDpSession *s, RspStatus status, GError **error)
{
    (void)(rsp_order_begin (dp, error) && rsp_order_end (dp, order, RSP_ORDER_ERROR, error) &&
           rsp_progress_add (dp, order, s->base.eid, RSP_POINT_ELIGIBILITY, &status,
                             (RspSlice){NULL, 0}, error) &&
           rsp_order_commit (dp, order, error));
    return status;
}

/* Rows 17 to 19, with what each does to the order. */
static RspStatus
admit (RspSmdpp *dp, RspOrder *order, const RspDpSession *s, const RspAsn1 *answer, GError **error)
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
        order->bound_eid = g_strdup (s->base.eid);
    (void)(rsp_order_begin (dp, error) && rsp_order_write (dp, order, error) &&
           rsp_progress_add (dp, order, s->base.eid, RSP_POINT_ELIGIBILITY,
                             status.subject ? &status : NULL, (RspSlice){NULL, 0}, error) &&
           rsp_order_commit (dp, order, error));
    return status;
}

/* smdpSigned2, offering the one-time key of an earlier binding with the same eUICC. */
static gboolean
put_signed2 (RspSmdpp *dp, RspRequest *r, const RspOrder *order, RspSlice euicc_signature,
             GError **error)
{
    RspDpSession *s = rsp_request_session (r);
    g_auto (RspBoundKeys) binding = {0};
    gboolean bound = FALSE;
    if (order->attempts > 1 && !rsp_binding_read (dp, order->iccid, &binding, &bound, error))
        return FALSE;
    g_autoptr (GByteArray) signed2 = g_byte_array_sized_new (128);
    gsize mark = rsp_tlv_open (signed2, 0x30);
    const guint8 required = order->code_hash ? 0xff : 0;
    rsp_tlv_put (signed2, 0x80, rsp_session_id (&s->base));
    rsp_tlv_put (signed2, 0x01, RSP_SLICE (&required, 1));
    if (bound && strcmp (binding.eid, s->base.eid) == 0)
        rsp_tlv_put (signed2, 0x5F49, RSP_SLICE_ARRAY (binding.euicc_point));
    rsp_tlv_close (signed2, mark);
    RspSlice input[] = {RSP_SLICE (signed2->data, signed2->len), euicc_signature};
    rsp_key_sign (dp->config.pb_key, input, G_N_ELEMENTS (input), s->signature2);
    rsp_actor_crypto (dp->actor, "sign", "SK.DPpb", TRUE);
    rsp_fields_put_array (r->out, "smdpSigned2", signed2);
    rsp_fields_put_tlv (r->out, "smdpSignature2", 0x5F37, RSP_SLICE_ARRAY (s->signature2));
    return TRUE;
}

static RspStatus
authenticate_client (RspSmdpp *dp, RspRequest *r, const RspAsn1 *answer, GError **error)
{
    RspDpSession *s = rsp_request_session (r);
    g_autoptr (RspOrder) order = NULL;
    RspStatus status = rsp_server_authenticate (&dp->server, &s->base, answer);
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
    rsp_session_put_id (&s->base, r->out);
    rsp_fields_set_bytes (r->out, "profileMetadata", metadata);
    rsp_fields_set_bytes (r->out, "smdpCertificate", rsp_cert_der (dp->config.pb_cert));
    rsp_smdpp_claim (dp, s, order);
    s->step = RSP_SESSION_AUTHENTICATED;
    rsp_session_touch (&dp->server, &s->base);
    return RSP_OK;
}

RspStatus
rsp_es9p_authenticate_client (RspSmdpp *dp, RspRequest *r, GError **error)
{
    if (!r->session || rsp_request_session (r)->step != RSP_SESSION_INITIATED)
        return RSP_UNKNOWN_TRANSACTION;
    g_autoptr (RspAsn1) answer = rsp_server_read_answer (r);
    if (!answer)
        return RSP_FAILED ("1.6", "2.1", "authenticateServerResponse");
    RspStatus status = authenticate_client (dp, r, answer, error);
    r->end_session = status.subject != NULL;
    return status;
}
