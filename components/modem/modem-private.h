/* Inside of the modem. */
#pragma once

#include "components/modem/modem.h"
#include "pki/suci.h"

#define RSP_MODEM_FILE_MAX 512

/* (transfer none) DATA, good until the callback returns; SW 0: no answer came. */
typedef void (*RspModemCardFunc) (RspModem *modem, RspSlice data, guint sw);

/* An EF of the USIM, as it is read. */
typedef enum {
    RSP_MODEM_UST,
    RSP_MODEM_IMSI,
    RSP_MODEM_AD,
    RSP_MODEM_ROUTING,
    RSP_MODEM_CALC_INFO,
    RSP_MODEM_FILES,
} RspModemFile;

struct _RspModem {
    const RspActor *actor;
    char *card;
    RspRng *identities;
    const char *network; /* interned; NULL: not attached */
    /* an attempt */
    gboolean busy;
    const char *operator; /* interned */
    char plmn[7];
    RspModemSystem wanted;
    RspModemFunc func;
    gpointer data;
    RspModemOutcome outcome;
    GByteArray *files[RSP_MODEM_FILES]; /* NULL: not there */
    RspModemFile reading;
    guint8 rand[16];
    /* an exchange with the card */
    GByteArray *command, *answer;
    guint rounds;
    RspModemCardFunc on_card;
};

/* --- modem-card.c --- */
/* One command and its answer, 61xx and 6Cxx followed. */
void rsp_modem_apdu (RspModem *modem, RspSlice command, RspModemCardFunc func);
void rsp_modem_card_clear (RspModem *modem);
