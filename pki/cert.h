/* X.509 certificates as RSP uses them (trust.md 1): parsed once into an immutable object that keeps
 * the received octets; and built by the CI and the EUM. */
#pragma once

#include "pki/key.h"

typedef enum {
    RSP_ROLE_NONE,
    RSP_ROLE_CI,      /* 2.23.146.1.2.1.0 */
    RSP_ROLE_EUICC,   /* .1 */
    RSP_ROLE_EUM,     /* .2 */
    RSP_ROLE_DP_TLS,  /* .3 */
    RSP_ROLE_DP_AUTH, /* .4 */
    RSP_ROLE_DP_PB,   /* .5 */
    RSP_ROLE_DS_TLS,  /* .6 */
    RSP_ROLE_DS_AUTH, /* .7 */
} RspRole;
const char *rsp_role_name (RspRole role); /* "dp-auth" */

typedef enum { RSP_CERT_ERROR_FORMAT, RSP_CERT_ERROR_CURVE } RspCertError;
#define RSP_CERT_ERROR (rsp_cert_error_quark ())
GQuark rsp_cert_error_quark (void);

typedef struct _RspCert RspCert; /* reference counted, immutable */

/* Strict DER. A certificate with an implicit tag (A5 in libtasn1's view) is re-tagged 30 by the
 * caller. (transfer full) */
RspCert *rsp_cert_parse (GBytes *der, GError **error);
RspCert *rsp_cert_ref (RspCert *cert);
void rsp_cert_unref (RspCert *cert);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspCert, rsp_cert_unref)

GBytes *rsp_cert_der (const RspCert *cert); /* (transfer none) */
RspSlice rsp_cert_tbs (const RspCert *cert);
RspPublic *rsp_cert_public (const RspCert *cert); /* (transfer none); NULL: curve not supported */
RspSlice rsp_cert_ski (const RspCert *cert);      /* content octets; empty if absent */
RspSlice rsp_cert_aki (const RspCert *cert);
RspSlice rsp_cert_issuer (const RspCert *cert); /* DER Name */
RspSlice rsp_cert_subject (const RspCert *cert);
RspSlice rsp_cert_serial (const RspCert *cert); /* content octets */
RspRole rsp_cert_role (const RspCert *cert);    /* NONE if no or an unknown policy */
const char *rsp_cert_oid (const RspCert *cert); /* SAN registeredID, dotted; NULL if none */
const char *rsp_cert_dns (const RspCert *cert); /* first SAN dNSName; NULL if none */
const char *rsp_cert_organization (const RspCert *cert); /* subject O; NULL if none */
const char *rsp_cert_common_name (const RspCert *cert);
const char *rsp_cert_serial_number (const RspCert *cert); /* subject serialNumber (EID) */
gint64 rsp_cert_not_before (const RspCert *cert);         /* Unix seconds */
gint64 rsp_cert_not_after (const RspCert *cert);
char *rsp_cert_to_pem (const RspCert *cert); /* (transfer full) */

/* Issuing. All texts are copied; a NULL text leaves its part out. ROLE decides the extensions
 * (Variant O); NONE is a TLS certificate without a role (an operator's). */
typedef struct {
    RspRole role;
    const char *common_name, *organization, *country, *serial_number; /* subject */
    const char *oid;                                                  /* SAN registeredID */
    const char *dns;                                                  /* SAN dNSName (TLS) */
    const char *crl_uri;                                              /* CRL distribution point */
    const char *eid_prefix; /* EUM: permitted serialNumber prefix, with `organization` */
    RspRole policy;         /* another policy than ROLE's, to make a wrong one; NONE: ROLE's */
    gboolean p384;          /* the subject's key is on P-384, made from POINT */
    gboolean bad_signature; /* makes a certificate whose signature does not verify */
    guint64 serial;
    gint64 not_before, not_after; /* Unix seconds; after 9999 means no end */
    RspSlice point;               /* subject public key, RSP_POINT_SIZE octets */
} RspCertSpec;

/* Signs with ISSUER_KEY; ISSUER NULL makes a self-signed root (SPEC's point is ISSUER_KEY's).
 * Deterministic. (transfer full) */
RspCert *rsp_cert_issue (const RspCertSpec *spec, const RspCert *issuer, const RspKey *issuer_key,
                         GError **error);
