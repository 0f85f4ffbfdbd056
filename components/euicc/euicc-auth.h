/* Authentication on the card: AUTHENTICATE, GET IDENTITY, and what they share. */
#pragma once

#include "components/euicc/euicc-internal.h"
#include "pki/aka.h"

gboolean rsp_euicc_is_usim (const RspUiccFile *adf);
/* Service number of an ADF's EF.UST or EF.IST (TS 31.102 4.2.8), from 1. */
gboolean rsp_euicc_service (const RspUiccFile *adf, guint service);
/* 9000 if an application is selected, current, and its PIN is verified or disabled. */
guint rsp_euicc_need_application (RspEuicc *card, const RspEuiccChannel *ch);

guint rsp_euicc_authenticate (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c,
                              GByteArray *out);
guint rsp_euicc_get_identity (RspEuicc *card, RspEuiccChannel *ch, const RspEuiccCommand *c,
                              GByteArray *out);
