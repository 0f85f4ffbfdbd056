/* Chain validation, one routine for every party (trust.md 2.1). No memo: each call verifies. */
#pragma once

#include "pki/cert.h"

typedef enum {
    RSP_CHAIN_OK,
    RSP_CHAIN_FORMAT,     /* does not parse */
    RSP_CHAIN_CI_UNKNOWN, /* no trusted root by AKI */
    RSP_CHAIN_SIGNATURE,
    RSP_CHAIN_PROFILE, /* key usage, basic constraints, links, unknown critical extension */
    RSP_CHAIN_ROLE,    /* policy OID */
    RSP_CHAIN_TIME,
    RSP_CHAIN_CURVE,
    RSP_CHAIN_OID,       /* SAN registeredID missing or malformed */
    RSP_CHAIN_EID_RANGE, /* EID outside the EUM's permitted range, O differs */
    RSP_CHAIN_NAME,      /* TLS: FQDN differs */
    RSP_CHAIN_REVOKED,
} RspChainResult;
const char *rsp_chain_result_name (RspChainResult r); /* "ok", "ciUnknown", … */

#define RSP_NO_TIME G_MININT64 /* the party has no clock */

/* A leaf right under a root: DPauth, DPpb, DSauth, TLS. ROOTS: of RspCert. AT: Unix seconds.
 * *RET_ROOT (nullable, transfer none). */
RspChainResult rsp_chain_check_server (const RspCert *leaf, const GPtrArray *roots, RspRole role,
                                       gint64 at, RspCert **ret_root);
/* One step: CERT under ISSUER, for a given role. */
RspChainResult rsp_chain_check_one (const RspCert *cert, const RspCert *issuer, RspRole role,
                                    gint64 at);
/* EUM then eUICC; *RET_BAD (nullable) is the certificate at fault. Checks the EID's range. */
RspChainResult rsp_chain_check_euicc (const RspCert *euicc, const RspCert *eum,
                                      const GPtrArray *roots, gint64 at, RspCert **ret_root,
                                      const RspCert **ret_bad);
/* TLS server certificate: chain, time, serverAuth and dNSName (no case; a CN is no host name). */
RspChainResult rsp_chain_check_tls (const RspCert *leaf, const GPtrArray *roots, const char *host,
                                    gint64 at);
/* TLS client certificate (ES2+): chain, time, clientAuth; a TLS role, or none for an operator. */
RspChainResult rsp_chain_check_client (const RspCert *leaf, const GPtrArray *roots, gint64 at);
