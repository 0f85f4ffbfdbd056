/* The eIM as the proxy of a download (SGP.32 3.2.3): the messages of ES9+ and ES11 on ESipa. What
 * the eIM may add or leave out is settled here, so that the download sees a server's answers. */
#include "components/lpa/lpa-private.h"

#include <string.h>

RspFunctionId
lpa_proxy_function (RspFunctionId es9p)
{
    switch (es9p) {
    case RSP_FN_ES9P_INITIATE_AUTHENTICATION:
        return RSP_FN_ESIPA_INITIATE_AUTHENTICATION;
    case RSP_FN_ES9P_AUTHENTICATE_CLIENT:
        return RSP_FN_ESIPA_AUTHENTICATE_CLIENT;
    case RSP_FN_ES9P_GET_BOUND_PROFILE_PACKAGE:
        return RSP_FN_ESIPA_GET_BOUND_PROFILE_PACKAGE;
    default:
        return RSP_FN_ESIPA_CANCEL_SESSION;
    }
}

const char *
lpa_session_peer (const RspLpa *lpa)
{
    return lpa->op->proxy ? lpa->op->proxy : lpa->op->address;
}

static void
copy (RspFields *to, const RspFields *from, const char *name, const char *as)
{
    if (rsp_fields_has (from, name))
        rsp_fields_set_bytes (to, as, rsp_fields_bytes (from, name));
}

static GBytes *
share (const RspFields *f, const char *name)
{
    GBytes *bytes = rsp_fields_has (f, name) ? rsp_fields_bytes (f, name) : NULL;
    return bytes ? g_bytes_ref (bytes) : NULL;
}

/* The text of TAG in serverSigned1; NULL: none. */
static gboolean
find_signed (const RspFields *f, guint32 tag, RspTlv *ret)
{
    RspTlv signed1;
    return rsp_tlv_single (rsp_slice_of (rsp_fields_bytes (f, "serverSigned1")), 0x30, &signed1) &&
           rsp_tlv_find (signed1.value, tag, ret);
}

static RspFields *
server_authentication (LpaOperation *op, const RspFields *in)
{
    RspTlv id, address;
    RspFields *out =
        rsp_fields_new (rsp_function (RSP_FN_ES9P_INITIATE_AUTHENTICATION), RSP_LEG_RESPONSE);
    g_autofree char *text = NULL;
    if (!rsp_fields_has (in, "transactionId") && find_signed (in, 0x80, &id))
        text = rsp_hex (id.value);
    rsp_fields_set_text (out, "transactionId", text ? text : rsp_fields_text (in, "transactionId"));
    copy (out, in, "serverSigned1", "serverSigned1");
    copy (out, in, "serverSignature1", "serverSignature1");
    copy (out, in, "euiccCiPKIdentifierToBeUsed", "euiccCiPKIdToBeUsed");
    copy (out, in, "serverCertificate", "serverCertificate");
    if (!op->address && find_signed (in, 0x83, &address))
        op->address = lpa_address (address.value);
    g_clear_pointer (&op->ctx_params, g_bytes_unref);
    op->ctx_params = share (in, "ctxParams1");
    if (rsp_fields_has (in, "matchingId")) {
        g_free (op->matching_id);
        op->matching_id = g_strdup (rsp_fields_text (in, "matchingId"));
    }
    return out;
}

static RspFields *
client_authentication (LpaOperation *op, const RspFields *in)
{
    static const char *const members[] = {"profileMetadata", "smdpSigned2", "smdpSignature2",
                                          "smdpCertificate"};
    RspFields *out =
        rsp_fields_new (rsp_function (RSP_FN_ES9P_AUTHENTICATE_CLIENT), RSP_LEG_RESPONSE);
    const char *id = rsp_fields_text (in, "transactionId");
    rsp_fields_set_text (out, "transactionId", id ? id : op->transaction_text);
    for (guint i = 0; i < G_N_ELEMENTS (members); i++)
        copy (out, in, members[i], members[i]);
    g_clear_pointer (&op->hash_cc, g_bytes_unref);
    g_clear_pointer (&op->trigger, g_bytes_unref);
    op->hash_cc = share (in, "hashCc");
    op->trigger = share (in, "profileDownloadTrigger");
    return out;
}

static RspFields *
package (const LpaOperation *op, const RspFields *in)
{
    RspFields *out =
        rsp_fields_new (rsp_function (RSP_FN_ES9P_GET_BOUND_PROFILE_PACKAGE), RSP_LEG_RESPONSE);
    const char *id = rsp_fields_text (in, "transactionId");
    rsp_fields_set_text (out, "transactionId", id ? id : op->transaction_text);
    copy (out, in, "boundProfilePackage", "boundProfilePackage");
    return out;
}

RspFields *
lpa_proxy_reply (LpaOperation *op, RspFields *answer)
{
    RspLeg leg;
    g_autoptr (RspFields) in = answer;
    switch (rsp_fields_function (in, &leg)->id) {
    case RSP_FN_ESIPA_INITIATE_AUTHENTICATION:
        return server_authentication (op, in);
    case RSP_FN_ESIPA_AUTHENTICATE_CLIENT:
        return client_authentication (op, in);
    case RSP_FN_ESIPA_GET_BOUND_PROFILE_PACKAGE:
        return package (op, in);
    default:
        return g_steal_pointer (&in);
    }
}

/* Of a server's refusal nothing is left at the server; a refusal of the proxy's own leaves a
 * session open there, which the eUICC has to cancel. */
gboolean
lpa_proxy_refused (RspLpa *lpa)
{
    static const struct {
        const char *subject, *reason;
        LpaCancelReason cancel;
    } own[] = {{"8.2.8", "3.8", LPA_CANCEL_PPR_NOT_ALLOWED},
               {"8.2.9", "3.11", LPA_CANCEL_METADATA_MISMATCH}};
    const LpaOperation *op = lpa->op;
    for (guint i = 0; op->proxy && op->subject && i < G_N_ELEMENTS (own); i++)
        if (strcmp (op->subject, own[i].subject) == 0 && strcmp (op->reason, own[i].reason) == 0) {
            lpa_cancel (lpa, own[i].cancel, NULL, "refused");
            return TRUE;
        }
    return FALSE;
}

gboolean
lpa_proxy_asked_smds (RspLpa *lpa)
{
    LpaOperation *op = lpa->op;
    if (!op->proxy || rsp_fields_has (op->client_reply, "smdpSigned2"))
        return FALSE;
    lpa_check_event (lpa, "events", op->address, op->trigger ? "1" : "0");
    if (!op->trigger)
        lpa_note_failure (lpa, "discovery", "noEvent");
    return TRUE;
}
