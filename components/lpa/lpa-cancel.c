/* CancelSession: the card signs the reason, the server is told. SGP.22 3.0.2. */
#include "components/lpa/lpa-private.h"

#include "asn1/ids.h"

void
lpa_cancel (RspLpa *lpa, LpaCancelReason reason, const char *step, const char *error)
{
    LpaOperation *op = lpa->op;
    lpa_note_failure (lpa, step, error);
    op->cancel_reason = reason;

    GByteArray *out = g_byte_array_new ();
    gsize mark = rsp_tlv_open (out, 0xBF41);
    rsp_tlv_put (out, 0x80, rsp_slice_of (op->transaction_id));
    rsp_tlv_put_int (out, 0x81, reason);
    rsp_tlv_close (out, mark);
    lpa_call (lpa, LPA_CANCEL_ON_CARD, RSP_FN_ES10B_CANCEL_SESSION, NULL, lpa_take (out));
}

/* Whatever becomes of the cancellation, the operation ends with its own failure: the server's
 * session times out by itself. */
void
lpa_on_cancel_card (RspLpa *lpa, const RspReply *reply)
{
    LpaOperation *op = lpa->op;
    RspTlv response;
    if (rsp_reply_problem (reply, lpa->function) || !lpa_card_response (lpa, reply, &response)) {
        lpa_finish (lpa);
        return;
    }
    const char *name = rsp_code_name ("CancelSessionReason", op->cancel_reason);
    op->cancelled = name ? name : "undefinedReason";
    RspFunctionId function =
        lpa_session_function (lpa, RSP_FN_ES9P_CANCEL_SESSION, RSP_FN_ES9P_CANCEL_SESSION);
    g_autoptr (RspFields) fields = rsp_fields_new (rsp_function (function), RSP_LEG_REQUEST);
    rsp_fields_set_text (fields, "transactionId", op->transaction_text);
    rsp_fields_set_bytes (fields, "cancelSessionResponse", reply->body);
    lpa_call (lpa, LPA_CANCEL_ON_SERVER, function, lpa_session_peer (lpa),
              rsp_fields_encode_as (fields, lpa_session_encoding (lpa)));
}

void
lpa_on_cancel_server (RspLpa *lpa, const RspReply *reply)
{
    lpa_finish (lpa);
}
