/* The operator's core network, as far as it admits devices: subscribers with their keys, challenges
 * and sequence numbers (the authentication centre, 3GPP TS 33.102 6.3), SUCI de-concealment (the
 * SIDF, TS 33.501 6.12.5), and the network's side of an attach (TS 24.301 5.5.1) or registration
 * (TS 24.501 5.5.1).
 *
 * Sequence numbers live as long as the process; after that the card's AUTS brings them back.
 */
#pragma once

#include "pki/suci.h"
#include "sim/net/actor.h"

typedef struct _RspAuc RspAuc;

/* PLMN: digits of the network's own MCC and MNC, for serving network names and area lists. */
RspAuc *rsp_auc_new (const RspActor *actor, const char *plmn);
void rsp_auc_free (RspAuc *auc);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspAuc, rsp_auc_free)

/* Every USIM of the package that has an IMSI and keys. Those of a known IMSI are passed over. */
void rsp_auc_add_subscribers (RspAuc *auc, GBytes *upp);
/* The home network's private key of this identifier. FALSE: not a key of SCHEME. */
gboolean rsp_auc_add_suci_key (RspAuc *auc, guint key_id, RspSuciScheme scheme,
                               const guint8 private[32]);

/* Answers a NAS call. */
void rsp_auc_serve (RspAuc *auc, RspCall *call);
