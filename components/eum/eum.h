/* The eUICC manufacturer: its certificate under the CI, and the eUICC certificates it signs. */
#pragma once

#include "pki/cert.h"

typedef struct _RspEum RspEum;
/* Takes KEY (NULL: it issues nothing), CERT (what the CI issued for it) and RNG (serial numbers).
 */
RspEum *rsp_eum_new (const char *name, RspKey *key, RspCert *cert, RspRng *rng);
void rsp_eum_free (RspEum *eum);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspEum, rsp_eum_free)
RspCert *rsp_eum_cert (const RspEum *eum); /* (transfer none) */
const RspKey *rsp_eum_key (const RspEum *eum);

typedef struct {
    gint64 not_before, not_after;
    RspRole role;
    gboolean bad_signature;
    const char *organization; /* another O than the EUM's */
} RspEuiccCertTwist;

RspCert *rsp_eum_issue_euicc (RspEum *eum, const char *eid, RspSlice point, gint64 start,
                              const RspEuiccCertTwist *twist, GError **error);
