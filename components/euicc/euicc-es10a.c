/* ES10a: addresses (SGP.22 5.7.3, 5.7.4). */
#include "components/euicc/euicc-internal.h"

#include <string.h>

#define MAX_ADDRESS 255

guint
rsp_euicc_get_addresses (RspEuicc *card, RspSlice body, GByteArray *out)
{
    const char *dp = card->default_dp ? card->default_dp : card->initial_dp;
    gsize mark = rsp_tlv_open (out, 0xBF3C);
    if (dp && *dp)
        rsp_tlv_put_text (out, 0x80, dp);
    rsp_tlv_put_text (out, 0x81, card->root_ds);
    rsp_tlv_close (out, mark);
    return 0x9000;
}

guint
rsp_euicc_set_default_dp (RspEuicc *card, RspSlice body, GByteArray *out)
{
    RspTlv address;
    if (!rsp_take (&body, 0x80, 0, MAX_ADDRESS, &address) || !rsp_is_utf8 (address.value) ||
        memchr (address.value.data, 0, address.value.len))
        return 0x6A80;
    g_autofree char *text = g_strndup ((const char *)address.value.data, address.value.len);
    rsp_euicc_begin (card);
    rsp_euicc_put_default_dp (card, text);
    rsp_put_result (out, 0xBF3F, rsp_euicc_commit (card) ? 0 : RSP_UNDEFINED_ERROR);
    return 0x9000;
}
