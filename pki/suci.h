/* Concealed subscriber identities (3GPP TS 33.501 6.12 and annex C): ECIES profiles A (X25519) and
 * B (P-256), the null scheme; SUCI as the 5GS mobile identity of TS 24.501 9.11.3.4.
 */
#pragma once

#include "sim/core/bytes.h"
#include "sim/core/rng.h"

typedef enum { RSP_SUCI_NULL, RSP_SUCI_A, RSP_SUCI_B } RspSuciScheme;

/* Appends the public key of a home network: A 32 octets, B 33 (compressed). FALSE: PRIVATE is no
 * private key of SCHEME. */
gboolean rsp_suci_public (RspSuciScheme scheme, const guint8 private[32], GByteArray *out);
/* Appends the scheme output for MSIN (BCD). EPHEMERAL is the private key of the one-time pair.
 * FALSE: a key is not good for SCHEME. */
gboolean rsp_suci_conceal (RspSuciScheme scheme, RspSlice home_public, const guint8 ephemeral[32],
                           RspSlice msin, GByteArray *out);
/* FALSE: not such an output, or its MAC is wrong. */
gboolean rsp_suci_reveal (RspSuciScheme scheme, const guint8 private[32], RspSlice output,
                          GByteArray *msin);

/* What a USIM or ME makes a SUCI from. */
typedef struct {
    const char *imsi;   /* digits */
    guint mnc_size;     /* 2 or 3 digits */
    RspSlice routing;   /* EF.Routing_Indicator; empty: none */
    RspSlice calc_info; /* EF.SUCI_Calc_Info; empty: none */
} RspSuciSource;
/* Appends the mobile identity, by the first scheme of the file's list that can be used; without
 * any, by the null scheme. RNG gives the one-time keys. */
void rsp_suci_make (const RspSuciSource *source, RspRng *rng, GByteArray *out);

/* A mobile identity that came in. */
typedef struct {
    char plmn[7]; /* digits of MCC and MNC */
    guint scheme, key_id;
    RspSlice output;
} RspSuci;
gboolean rsp_suci_read (RspSlice identity, RspSuci *ret);
/* MCC and MNC digits ("00101") as three octets of TS 24.008. FALSE: they are no PLMN. */
gboolean rsp_plmn_octets (const char *digits, guint8 out[3]);
/* Appends DIGITS in pairs, low half first, filled with F. */
void rsp_bcd_put (const char *digits, GByteArray *out);
/* The digits of MSIN after those in OUT (16 octets of room). FALSE: no digits, or too many. */
gboolean rsp_bcd_append (RspSlice msin, char *out, gsize room);
