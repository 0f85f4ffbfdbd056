/* The mobile equipment of a device: reads the USIM over APDUs, speaks NAS to a mobile network, and
 * knows whether the device is attached (3GPP TS 24.301 5.5.1, TS 24.501 5.5.1).
 *
 * It acts in the name of its device (an LPA or IPA), on the card's basic channel. One attempt at a
 * time.
 */
#pragma once

#include "asn1/nas.h"
#include "sim/net/actor.h"

typedef struct _RspModem RspModem;

/* CARD: the actor in the slot. */
RspModem *rsp_modem_new (const RspActor *actor, const char *card);
void rsp_modem_free (RspModem *modem); /* an attempt under way is forgotten */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspModem, rsp_modem_free)

/* A network within reach. */
typedef struct {
    const char *operator; /* actor */
    const char *plmn;     /* digits */
} RspModemCell;

typedef enum {
    RSP_MODEM_BY_USIM, /* 5GS where the USIM has service 124 (SUCI), else EPS */
    RSP_MODEM_EPS,
    RSP_MODEM_5GS,
} RspModemSystem;

typedef struct {
    /* "attached", "no-profile", "pin-required", "card-error", "unknown-subscriber",
     * "identity-not-derived", "rejected", "mac-failure", "sync-failure", "res-mismatch",
     * "no-answer" (time ran out), "link" */
    const char *result;
    gboolean resynchronised;
    RspNasSystem system;
    const char *identity; /* "imsi" or "suci" as sent; NULL: none was */
    guint cause;          /* of a reject or failure, 0 none */
} RspModemOutcome;
typedef void (*RspModemFunc) (const RspModemOutcome *outcome, gpointer data);

/* FUNC comes later, from the loop. A second attempt while one is under way: refused with FALSE. */
gboolean rsp_modem_attach (RspModem *modem, const RspModemCell *cell, RspModemSystem system,
                           RspModemFunc func, gpointer data);
/* The operator that the device is attached to, or NULL. */
const char *rsp_modem_network (const RspModem *modem);
/* The bearer is gone: out of coverage, another profile, a reset. */
void rsp_modem_detach (RspModem *modem);
