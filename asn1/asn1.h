/* Typed DER: the project's own modules (asn1/rsp.asn, asn1/pe.asn), compiled in as the tables that
 * libtasn1's asn1Parser makes of them.
 *
 * Decoding is strict (rsp_der_check first, sizes enforced, no trailing octets) and tolerant of
 * unknown context or private elements at the end of a SEQUENCE (EXTENSIBILITY IMPLIED). Decoded
 * values keep a reference to the received octets, and rsp_asn1_slice gives back the received slice:
 * signatures are verified over that, never over a re-encoding. Paths read as in libtasn1:
 * "euiccSigned1.transactionId", "downloadResponseOk.euiccSigned2", "?1.iccid".
 */
#pragma once

#include "sim/core/bytes.h"

typedef enum { RSP_ASN1_ERROR_DECODE, RSP_ASN1_ERROR_ENCODE } RspAsn1Error;
#define RSP_ASN1_ERROR (rsp_asn1_error_quark ())
GQuark rsp_asn1_error_quark (void);

typedef struct _RspAsn1 RspAsn1;

/* TYPE as in SGP.22: "AuthenticateServerResponse". Unknown TYPE is a programmer error. */
RspAsn1 *rsp_asn1_new (const char *type);
/* ERROR names type, element and offset. (transfer full) */
RspAsn1 *rsp_asn1_decode (const char *type, GBytes *der, GError **error);
RspAsn1 *rsp_asn1_decode_slice (const char *type, RspSlice der, GError **error); /* copies */
void rsp_asn1_free (RspAsn1 *node);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspAsn1, rsp_asn1_free)

gboolean rsp_asn1_has (const RspAsn1 *node, const char *path);
RspSlice rsp_asn1_octets (const RspAsn1 *node,
                          const char *path); /* content (ANY: whole TLV); empty if absent */
RspSlice rsp_asn1_slice (const RspAsn1 *node, const char *path); /* whole TLV as received */
gint64 rsp_asn1_int (const RspAsn1 *node, const char *path, gint64 absent);
gboolean rsp_asn1_bool (const RspAsn1 *node, const char *path);
char *rsp_asn1_text (const RspAsn1 *node, const char *path); /* (transfer full) (nullable) */
char *rsp_asn1_oid (const RspAsn1 *node, const char *path); /* dotted. (transfer full) (nullable) */
const char *rsp_asn1_choice (const RspAsn1 *node, const char *path); /* chosen alternative's name */
guint rsp_asn1_count (const RspAsn1 *node, const char *path);        /* elements of a SEQUENCE OF */
/* Bit N (0 is the first named bit) of a BIT STRING. */
gboolean rsp_asn1_bit (const RspAsn1 *node, const char *path, guint n);

/* Setters assert on a path that does not exist: that is a programmer error. */
void rsp_asn1_set_octets (RspAsn1 *node, const char *path, RspSlice content);
/* Any element: sent exactly as given, so that what was signed elsewhere stays as it was signed. */
void rsp_asn1_set_der (RspAsn1 *node, const char *path, RspSlice tlv);
void rsp_asn1_set_int (RspAsn1 *node, const char *path, gint64 value);
void rsp_asn1_set_bool (RspAsn1 *node, const char *path, gboolean value);
void rsp_asn1_set_text (RspAsn1 *node, const char *path, const char *text);
void rsp_asn1_set_oid (RspAsn1 *node, const char *path, const char *dotted);
void rsp_asn1_set_bits (RspAsn1 *node, const char *path, guint32 mask,
                        guint nbits); /* bit 0 first named */
void rsp_asn1_set_choice (RspAsn1 *node, const char *path, const char *name);
void rsp_asn1_set_absent (RspAsn1 *node, const char *path);
void rsp_asn1_append (RspAsn1 *node, const char *path); /* then address it as PATH.?LAST */
/* DER of the whole (PATH "") or of an element: what is signed. (transfer full) */
GBytes *rsp_asn1_encode (RspAsn1 *node, const char *path);

/* Where the element PATH stands in DER of TYPE, for faults and tools: its content slice. The names
 * of alternatives of a CHOICE may be left out of PATH.
 * FALSE if the DER does not decode or the element is absent. */
gboolean rsp_asn1_locate (const char *type, RspSlice der, const char *path, RspSlice *ret_content,
                          RspSlice *ret_whole);
