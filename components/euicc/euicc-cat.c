/* What the terminal says about itself, and proactive commands (ETSI TS 102 221 11.2, TS 102 223):
 * the one of this card is REFRESH. */
#include "components/euicc/euicc-internal.h"

static const guint8 refresh[] = {0xD0, 0x09, 0x81, 0x03, 0x01, 0x01, 0x04, 0x82, 0x02, 0x81, 0x82};

guint
rsp_euicc_terminal_capability (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c,
                               GByteArray *out)
{
    RspTlv tlv;
    if (c->p1 != 0 || c->p2 != 0)
        return 0x6A86;
    return rsp_tlv_single (c->data, 0xA9, &tlv) ? 0x9000 : 0x6A80;
}

guint
rsp_euicc_terminal_profile (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c,
                            GByteArray *out)
{
    if (c->p1 != 0 || c->p2 != 0)
        return 0x6A86;
    card->terminal_profile = TRUE;
    card->refresh_fetched = FALSE; /* the terminal begins anew: what waited still does */
    return 0x9000;
}

guint
rsp_euicc_proactive (const RspEuicc *card)
{
    return card->refresh_pending && !card->refresh_fetched ? sizeof refresh : 0;
}

/* Until its TERMINAL RESPONSE a command may be fetched again, as by a terminal that lost it. */
guint
rsp_euicc_fetch (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c, GByteArray *out)
{
    if (c->p1 != 0 || c->p2 != 0)
        return 0x6A86;
    if (!card->refresh_pending)
        return 0x6F00;
    if (c->has_le && c->le != sizeof refresh)
        return 0x6C00 | sizeof refresh;
    card->refresh_fetched = TRUE;
    g_byte_array_append (out, refresh, sizeof refresh);
    return 0x9000;
}

/* Tags of TS 102 223: bit 8 says only whether the terminal has to understand. */
static gboolean
find_simple (RspSlice list, guint8 tag, RspTlv *ret)
{
    while (rsp_tlv_next (&list, ret) == RSP_TLV_OK)
        if ((ret->tag & 0x7F) == tag)
            return TRUE;
    return FALSE;
}

/* The profile switch takes effect when the terminal has carried out the REFRESH; when it could not,
 * nothing changes. */
guint
rsp_euicc_terminal_response (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c,
                             GByteArray *out)
{
    RspTlv details, result;
    if (c->p1 != 0 || c->p2 != 0)
        return 0x6A86;
    if (!card->refresh_fetched)
        return 0x6985;
    /* The response is to this command: its number, type and qualifier come back. */
    if (!find_simple (c->data, 0x01, &details) || !find_simple (c->data, 0x03, &result) ||
        result.value.len == 0 || !rsp_slice_equal (details.value, RSP_SLICE (refresh + 4, 3)))
        return 0x6A80;
    gboolean done = result.value.data[0] < 0x10;
    guint target = card->refresh_target;
    card->refresh_pending = card->refresh_fetched = FALSE;
    if (done) {
        rsp_euicc_apply_switch (card, target);
        return 0x9000;
    }
    rsp_euicc_begin (card);
    rsp_euicc_put_switch (card, FALSE, 0);
    return rsp_euicc_commit (card) ? 0x9000 : 0x6581;
}
