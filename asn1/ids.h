/* Identifiers: EID, ICCID and their encodings; names of enumerated error codes. */
#pragma once

#include "sim/core/bytes.h"

gboolean rsp_eid_valid (const char *eid); /* 32 digits ≡ 1 mod 97 (SGP.29) */
gboolean rsp_eid_to_octets (const char *eid, guint8 out[16]);
char *rsp_eid_from_octets (RspSlice octets); /* (transfer full) (nullable) */
/* The Nth EID after FIRST (valid), each with its check digits. (transfer full); NULL past the last.
 */
char *rsp_eid_nth (const char *first, guint64 n);
gboolean rsp_iccid_valid (const char *iccid); /* 18–20 digits, a final F allowed */
gboolean rsp_iccid_to_octets (const char *iccid, guint8 out[10]); /* nibble-swapped, F-padded: 5A */
char *rsp_iccid_from_octets (RspSlice octets); /* no padding. (transfer full) (nullable) */
/* DIGITS plus N in the same LEN digits; FALSE beyond them. */
gboolean rsp_digits_add (char *digits, gsize len, guint64 n);
/* The Nth ICCID after FIRST (no final F), each with its check digit. (transfer full); NULL past the
 * last. */
char *rsp_iccid_nth (const char *first, guint64 n);

#define RSP_DEFAULT_TAC "35290611"
/* Content of DeviceInfo (SGP.22 4.2): TAC, 8 digits; release 15 of each system; IMEI (nullable), 15
 * or 16 digits. */
void rsp_put_device_info (GByteArray *out, const char *tac, const char *imei);

/* "AuthenticateErrorCode", 6 → "euiccChallengeMismatch"; NULL if unknown. Names as in v2.6. */
const char *rsp_code_name (const char *enumeration, gint64 value);
