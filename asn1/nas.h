/* The few NAS messages of an attach (EPS, 3GPP TS 24.301) and of a registration (5GS, TS 24.501),
 * plain, with what their clauses make mandatory. The device and the operator speak them.
 */
#pragma once

#include "asn1/tlv.h"

typedef enum { RSP_NAS_EPS, RSP_NAS_5GS } RspNasSystem;

typedef enum {
    RSP_NAS_ATTACH_REQUEST, /* REGISTRATION REQUEST in 5GS */
    RSP_NAS_ATTACH_ACCEPT,  /* REGISTRATION ACCEPT */
    RSP_NAS_ATTACH_REJECT,  /* REGISTRATION REJECT */
    RSP_NAS_AUTHENTICATION_REQUEST,
    RSP_NAS_AUTHENTICATION_RESPONSE,
    RSP_NAS_AUTHENTICATION_REJECT,
    RSP_NAS_AUTHENTICATION_FAILURE,
} RspNasType;

/* Causes: TS 24.301 9.9.3.9, TS 24.501 9.11.3.2. */
enum {
    RSP_NAS_IMSI_UNKNOWN = 2, /* EPS: IMSI unknown in HSS */
    RSP_NAS_ILLEGAL_UE = 3,
    RSP_NAS_IDENTITY_NOT_DERIVED = 9,
    RSP_NAS_PLMN_NOT_ALLOWED = 11,
    RSP_NAS_MAC_FAILURE = 20,
    RSP_NAS_SYNCH_FAILURE = 21,
};

typedef struct {
    RspNasSystem system;
    RspNasType type;
    RspSlice identity;   /* request: mobile identity */
    RspSlice rand, autn; /* AUTHENTICATION REQUEST: 16 octets each */
    RspSlice res;        /* AUTHENTICATION RESPONSE: RES, in 5GS RES* */
    RspSlice auts;       /* AUTHENTICATION FAILURE for want of synchronisation: 14 octets */
    guint cause;         /* reject, failure */
    guint8 plmn[3];      /* accept (EPS): the network */
} RspNas;

/* (transfer full) */
GBytes *rsp_nas_encode (const RspNas *nas);
/* Slices borrow MESSAGE. FALSE: none of these messages, or one without what it needs. */
gboolean rsp_nas_decode (RspSlice message, RspNas *ret);
const char *rsp_nas_name (const RspNas *nas); /* "ATTACH REQUEST" */
/* Appends the EPS mobile identity for an IMSI; reads one. */
void rsp_nas_put_imsi (GByteArray *out, const char *imsi);
gboolean rsp_nas_read_imsi (RspSlice identity, char out[16]);
