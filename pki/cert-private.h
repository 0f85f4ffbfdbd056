/* What the certificate files share: the parsed form and the octets of object identifiers. Not for
 * use outside pki. */
#pragma once

#include "asn1/tlv.h"
#include "pki/cert.h"

#define RSP_KU_DIGITAL_SIGNATURE 0x8000u
#define RSP_KU_KEY_CERT_SIGN 0x0400u
#define RSP_KU_CRL_SIGN 0x0200u

#define RSP_EKU_SERVER_AUTH 1u
#define RSP_EKU_CLIENT_AUTH 2u

#define RSP_NO_PATH_LENGTH G_MAXUINT

struct _RspCert {
    gint refs;
    GBytes *der;
    RspSlice tbs, inner_algorithm, outer_algorithm, signature;
    RspSlice serial, issuer, subject;
    RspSlice ski, aki;
    RspSlice alternative_names; /* GeneralName … */
    RspSlice name_constraints;  /* content of NameConstraints; data NULL if absent */
    RspPublic *public;
    RspRole role;
    char *oid, *dns, *organization, *common_name, *serial_number;
    gint64 not_before, not_after;
    guint key_usage;     /* RSP_KU_… */
    guint ext_key_usage; /* RSP_EKU_… */
    gboolean ca;
    guint path_length;
    gboolean unknown_critical;
};

/* id-at, id-ce and others: content octets. */
extern const RspSlice rsp_oid_ecdsa_sha256_algorithm; /* the whole AlgorithmIdentifier */
extern const RspSlice rsp_oid_ec_public_key, rsp_oid_p256;
extern const RspSlice rsp_oid_at_cn, rsp_oid_at_c, rsp_oid_at_o, rsp_oid_at_serial_number;
extern const RspSlice rsp_oid_ce_ski, rsp_oid_ce_key_usage, rsp_oid_ce_san, rsp_oid_ce_bc,
    rsp_oid_ce_name_constraints, rsp_oid_ce_crl_dp, rsp_oid_ce_policies, rsp_oid_ce_aki,
    rsp_oid_ce_eku;
extern const RspSlice rsp_oid_kp_server_auth, rsp_oid_kp_client_auth;

RspSlice rsp_role_oid_octets (RspRole role);        /* empty for NONE */
RspRole rsp_role_of_octets (RspSlice oid);          /* NONE if it is no role */
char *rsp_oid_to_text (RspSlice octets);            /* (transfer full) (nullable) */
GByteArray *rsp_oid_from_text (const char *dotted); /* (transfer full) (nullable) */

/* UTCTime and GeneralizedTime to Unix seconds and back. TAG: 0x17, 0x18. */
gboolean rsp_time_parse (guint32 tag, RspSlice content, gint64 *ret_unix);
char *rsp_time_format (gint64 unix_time, guint32 *ret_tag); /* (transfer full) */

/* One attribute of a relative name: TRUE and its TLV if NAME's next AttributeTypeAndValue reads. A
 * SET of several is walked one by one. */
typedef struct {
    RspSlice names, set;
} RspNameWalk;
typedef struct {
    RspSlice type; /* content octets */
    guint32 tag;
    RspSlice value;
} RspNameAttribute;
void rsp_name_walk_start (RspNameWalk *walk, RspSlice name_content);
/* TRUE: an attribute; FALSE: the end, or, with *RET_BAD TRUE, a malformed name. */
gboolean rsp_name_walk_next (RspNameWalk *walk, RspNameAttribute *ret, gboolean *ret_bad);
gboolean rsp_name_text_tag (guint32 tag); /* a string type that is read as UTF-8 */

/* Pieces of DER that certificates and CRLs share (x509.c). Takes the next TLV if it is TAG. */
gboolean rsp_der_take (RspSlice *input, guint32 tag, RspTlv *ret_tlv);
/* Content octets of a BIT STRING that is a whole number of octets. */
gboolean rsp_der_take_bits (RspSlice *input, RspSlice *ret_octets);
void rsp_der_put_bits (GByteArray *out, RspSlice octets);
/* One Extension: its identifier's content octets and the octets of extnValue. */
gboolean rsp_extension_take (RspSlice *input, RspSlice *ret_oid, gboolean *ret_critical,
                             RspSlice *ret_value);
/* Reads the content of AuthorityKeyIdentifier's keyIdentifier; *RET is left alone if there is none.
 */
gboolean rsp_extension_aki (RspSlice value, RspSlice *ret);
/* What is put between open and close is the extnValue. */
typedef struct {
    gsize extension, value;
} RspExtension;
RspExtension rsp_extension_open (GByteArray *out, RspSlice oid, gboolean critical);
void rsp_extension_close (GByteArray *out, RspExtension extension);
void rsp_extension_put_aki (GByteArray *out, const RspCert *issuer);
