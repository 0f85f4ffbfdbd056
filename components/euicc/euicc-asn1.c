#include "components/euicc/euicc-internal.h"

void
rsp_euicc_sign (RspEuicc *card, const RspSlice *parts, gsize n, GByteArray *out)
{
    guint8 signature[RSP_SIGNATURE_SIZE];
    rsp_key_sign (card->key, parts, n, signature);
    rsp_actor_crypto (card->actor, "sign", "SK.EUICC", TRUE);
    rsp_tlv_put (out, 0x5F37, RSP_SLICE_ARRAY (signature));
}
