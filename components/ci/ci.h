/* The certificate issuer: one root, the certificates under it. Variant O of SGP.22 v2 (trust.md).
 */
#pragma once

#include "pki/crl.h"

typedef struct _RspCi RspCi;
/* Key and serial numbers come from RNG (taken). START: Unix seconds; validity begins a day before.
 */
RspCi *rsp_ci_new (const char *name, RspRng *rng, gint64 start, GError **error);
/* An issuer that is given. Takes CERT and KEY (NULL: it issues nothing). */
RspCi *rsp_ci_given (const char *name, RspCert *cert, RspKey *key, gint64 start);
void rsp_ci_free (RspCi *ci);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspCi, rsp_ci_free)
/* CERT, which this CI has issued, is on its CRLs from now on. */
void rsp_ci_revoke (RspCi *ci, const RspCert *cert);
/* The list of all that has been revoked so far, or SPEC's own serials where it has some. A number
 * 0 is one above the last. (transfer full) */
GBytes *rsp_ci_issue_crl (RspCi *ci, RspCrlSpec spec);
RspCert *rsp_ci_cert (const RspCi *ci);     /* (transfer none) */
const RspKey *rsp_ci_key (const RspCi *ci); /* NULL: none */

/* What a scenario may set to make a certificate wrong. Zero: the default for the role. */
typedef struct {
    gint64 not_before, not_after; /* Unix seconds */
    RspRole role;                 /* another role than asked for */
    gboolean bad_signature;
    gboolean p384; /* a subject key on P-384 */
} RspCertTwist;

/* Server certificates of one SM-DP+ or SM-DS: NAME, OID (registeredID), FQDN (TLS only). */
RspCert *rsp_ci_issue_server (RspCi *ci, RspRole role, const char *name, const char *oid,
                              const char *fqdn, RspSlice point, const RspCertTwist *twist,
                              GError **error);
/* EUM certificate: permitted EIDs begin with EID_PREFIX. */
RspCert *rsp_ci_issue_eum (RspCi *ci, const char *organization, const char *eid_prefix,
                           const char *oid, RspSlice point, const RspCertTwist *twist,
                           GError **error);
/* A TLS client certificate (operator on ES2+): CN = NAME. */
RspCert *rsp_ci_issue_client (RspCi *ci, const char *name, RspSlice point,
                              const RspCertTwist *twist, GError **error);
