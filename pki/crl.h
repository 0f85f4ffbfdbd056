/* Certificate revocation lists as SGP.22 v2 has them (RFC 5280 5; trust.md 3.1): complete lists in
 * one or several signed parts, and deltas on a complete one. Parsed once into an immutable object
 * that keeps the received octets. */
#pragma once

#include "pki/cert.h"

typedef struct _RspCrl RspCrl; /* reference counted, immutable */

/* DER: one CertificateList. NULL (RSP_CERT_ERROR_FORMAT) where it is not DER, not of version 2,
 * has no cRLNumber or authorityKeyIdentifier, has a critical extension that is not known, or counts
 * its parts wrongly. (transfer full) */
RspCrl *rsp_crl_parse (GBytes *der, GError **error);
RspCrl *rsp_crl_ref (RspCrl *crl);
void rsp_crl_unref (RspCrl *crl);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspCrl, rsp_crl_unref)

GBytes *rsp_crl_der (const RspCrl *crl);       /* (transfer none) */
RspSlice rsp_crl_aki (const RspCrl *crl);      /* key identifier of the issuer */
guint64 rsp_crl_number (const RspCrl *crl);    /* cRLNumber */
gboolean rsp_crl_is_delta (const RspCrl *crl); /* it has a deltaCRLIndicator … */
guint64 rsp_crl_base (const RspCrl *crl);      /* … of this base */
guint rsp_crl_part (const RspCrl *crl);        /* 1 to … */
guint rsp_crl_parts (const RspCrl *crl);       /* … this; 1 of 1 where it is whole */
/* Is it signed by the CI ISSUER, under the name of that CI? */
gboolean rsp_crl_verify (const RspCrl *crl, const RspCert *issuer);
/* Is CERT of this list's issuer and on it? removeFromCRL in a delta takes an entry away. */
typedef enum { RSP_CRL_SILENT, RSP_CRL_REVOKED, RSP_CRL_RESTORED } RspCrlVerdict;
RspCrlVerdict rsp_crl_looks_up (const RspCrl *crl, const RspCert *cert);
/* Is CERT revoked by CRLS (of RspCrl, nullable)? Deltas count over what they are based on. */
gboolean rsp_crls_revoke (const GPtrArray *crls, const RspCert *cert);

/* Issuing. */
typedef struct {
    guint64 number;
    guint64 base;              /* a delta on this number; 0: a complete list */
    guint part, parts;         /* 0: no such extensions */
    gint64 at;                 /* thisUpdate, Unix seconds; nextUpdate is 30 days later */
    const GPtrArray *serials;  /* of GBytes: content octets of the serial numbers */
    gboolean bad_signature;    /* the signature does not verify */
    gboolean unknown_critical; /* with a critical extension that nobody knows */
} RspCrlSpec;
/* Signed by ISSUER's KEY. Deterministic. (transfer full) */
GBytes *rsp_crl_issue (const RspCrlSpec *spec, const RspCert *issuer, const RspKey *key);
