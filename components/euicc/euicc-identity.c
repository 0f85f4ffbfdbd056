/* GET IDENTITY: the SUCI that the USIM calculates. 3GPP TS 31.102 7.5 and 4.4.11, 4.4.12. */
#include "components/euicc/euicc-auth.h"

#include "pki/suci.h"

#define CONTEXT_SUCI 0x01
#define SERVICE_SUCI 124
#define SERVICE_SUCI_BY_USIM 125
#define DF_5GS 0x5FC0
#define DF_SAIP 0x5FD0

static RspSlice
content (const RspUiccFile *df, guint16 fid)
{
    const RspUiccFile *ef = df ? rsp_uicc_child (df, fid) : NULL;
    return ef && ef->body && (ef->kind & 0x3F) == 0x01 ? RSP_SLICE (ef->body->data, ef->body->size)
                                                       : RSP_SLICE (NULL, 0);
}

static guint
mnc_size (RspSlice ad)
{
    return ad.len >= 4 && (ad.data[3] & 15) == 3 ? 3 : 2;
}

guint
rsp_euicc_get_identity (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c,
                        GByteArray *out)
{
    if (c->p1 != 0x00 || c->p2 != CONTEXT_SUCI)
        return 0x6A86;
    if (c->data.len > 0)
        return 0x6700;
    guint sw = rsp_euicc_need_application (card, ch);
    if (sw != 0x9000)
        return sw;
    if (!rsp_euicc_is_usim (ch->adf) || !rsp_euicc_service (ch->adf, SERVICE_SUCI) ||
        !rsp_euicc_service (ch->adf, SERVICE_SUCI_BY_USIM))
        return 0x6985;
    char imsi[16];
    if (!rsp_imsi_digits (content (ch->adf, 0x6F07), imsi))
        return 0x6985;
    RspSuciSource source = {.imsi = imsi,
                            .mnc_size = mnc_size (content (ch->adf, 0x6FAD)),
                            .routing = content (rsp_uicc_child (ch->adf, DF_5GS), 0x4F0A),
                            .calc_info = content (rsp_uicc_child (ch->adf, DF_SAIP), 0x4F01)};
    gsize mark = rsp_tlv_open (out, 0xA1);
    if (!card->identities)
        card->identities = rsp_actor_rng (card->actor, "identity");
    rsp_suci_make (&source, card->identities, out);
    rsp_tlv_close (out, mark);
    return 0x9000;
}
