/* The LPA in the eUICC (SGP.22 2.4.11, 5.7.23) and the IPA in it (SGP.32 3.8.4): the card tells
 * that it has one, the device activates it, and then ES10 is reached from within, past the ISD-R's
 * channel. A reset ends an LPA's activation; an IPA's stays. */
#include "components/euicc/euicc-iot.h"

enum { LPAE_USING_CAT = 1u << 0, LPAE_USING_SCWS = 1u << 1 };
enum { RESULT_OK = 0, RESULT_NOT_SUPPORTED = 1 };

void
rsp_euicc_put_lpae_support (const RspEuicc *card, GByteArray *out)
{
    if (card->lpae)
        rsp_put_named_bits (out, 0x03, LPAE_USING_CAT);
}

guint
rsp_euicc_lpae_activation (RspEuicc *card, RspSlice body, GByteArray *out)
{
    RspTlv option;
    guint32 options = 0;
    if (!rsp_take (&body, 0x80, 1, 5, &option) || body.len > 0 ||
        !rsp_read_bits (option.value, &options))
        return 0x6A80;
    gboolean ok = card->lpae && options == LPAE_USING_CAT;
    card->lpae_active = card->lpae_active || ok;
    rsp_put_result (out, 0xBF42, ok ? RESULT_OK : RESULT_NOT_SUPPORTED);
    return 0x9000;
}

gboolean
rsp_euicc_ipae_is_active (const RspEuicc *card)
{
    return card->iot && card->iot->ipae_active;
}

void
rsp_euicc_put_ipae_support (const RspEuicc *card, GByteArray *out)
{
    guint8 bits[2] = {6, 0};
    if (!card->iot)
        return;
    bits[1] |= card->iot->ipae ? 0x80 : 0;
    bits[1] |= rsp_euicc_enabled (card) ? 0x40 : 0;
    gsize mark = rsp_tlv_open (out, 0xE1);
    rsp_tlv_put (out, 0x80, RSP_SLICE_ARRAY (bits));
    rsp_tlv_close (out, mark);
}

guint
rsp_euicc_internal_es10 (RspEuicc *card, RspSlice command, GByteArray *out)
{
    if (!card->lpae_active && !rsp_euicc_ipae_is_active (card))
        return 0x6985;
    card->from_inside = TRUE;
    guint sw = rsp_euicc_es10 (card, command, out);
    card->from_inside = FALSE;
    guint proactive = rsp_euicc_proactive (card);
    return sw == 0x9000 && proactive ? 0x9100 | proactive : sw;
}
