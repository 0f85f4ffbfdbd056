/* ES9+ mutual authentication (SGP.22 5.6.1, 5.6.3): InitiateAuthentication and AuthenticateClient.
 * Checks in the order of consumer-procedures 2.1 and 2.2. */
#include "components/smdpp/smdpp-private.h"

#include <string.h>

#define EXPIRED RSP_FAILED ("8.8.5", "4.10", "the order has expired")
#define EXHAUSTED RSP_FAILED ("8.8.5", "6.4", "too many download attempts")
#define CTX "authenticateResponseOk.euiccSigned1.ctxParams1.ctxParamsForCommonAuthentication."

RspStatus
rsp_es9p_initiate_authentication (RspSmdpp *dp, RspRequest *r, GError **error)
{
    return rsp_server_initiate_authentication (&dp->server, r);
}

/* --- AuthenticateClient: what for --- */

/* No live order: one that expired or was tried too often still says so. */
static RspStatus
refuse_ended (RspSmdpp *dp, const RspDpSession *s, const char *matching_id, GError **error)
{
    gboolean by_default = !matching_id || !*matching_id;
    g_autoptr (RspOrder) order =
        rsp_order_ended (dp, by_default ? "" : matching_id, s->base.eid, error);
    if (order && order->expiry && rsp_actor_time (dp->actor) > order->expiry)
        return EXPIRED;
    if (order && order->attempts > dp->config.attempt_limit)
        return EXHAUSTED;
    return by_default ? RSP_FAILED ("8.1.1", "3.8", "no order for this EID")
                      : RSP_FAILED ("8.2.6", "3.8", "matchingId refused");
}

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
    if (!order)
        return refuse_ended (dp, s, matching_id, error);
    const char *eid = rsp_order_eid (order);
    if (eid && strcmp (eid, s->base.eid) != 0)
        return RSP_FAILED ("8.1.1", "3.8", "the order is for another EID");
    if (order->state != RSP_ORDER_RELEASED && order->state != RSP_ORDER_DOWNLOADED)
        return RSP_FAILED ("8.2", "1.2", "the profile is not released");
    *ret = g_steal_pointer (&order);
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
        return end_order (dp, order, s, EXPIRED, error);
    order->attempts++;
    if (order->attempts > dp->config.attempt_limit)
        return end_order (dp, order, s, EXHAUSTED, error);
    RspStatus status =
        dp->config.ignore_eligibility ? RSP_OK : rsp_order_check_eligible (order, answer);
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
    rsp_key_sign (s->base.identity->pb_key, input, G_N_ELEMENTS (input), s->signature2);
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
    rsp_fields_set_bytes (r->out, "smdpCertificate", rsp_cert_der (s->base.identity->pb_cert));
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
