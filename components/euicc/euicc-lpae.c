/* The LPA in the eUICC (SGP.22 2.4.11, 5.7.23): the card tells that it has one, the device
 * activates it, and then ES10 is reached from within, past the ISD-R's channel. Volatile: a reset
 * ends it. */
#include "components/euicc/euicc-internal.h"

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

guint
rsp_euicc_internal_es10 (RspEuicc *card, RspSlice command, GByteArray *out)
{
    if (!card->lpae_active)
        return 0x6985;
    guint sw = rsp_euicc_es10 (card, command, out);
    guint proactive = rsp_euicc_proactive (card);
    return sw == 0x9000 && proactive ? 0x9100 | proactive : sw;
}
