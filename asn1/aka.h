/* What authenticates a subscriber: PE-AKAParameter of a profile package, and EF.IMSI. The card and
 * the operator's authentication centre read both here.
 *
 * Slices borrow the element's octets, secrets among them: whoever keeps them wipes them.
 */
#pragma once

#include "asn1/saip.h"

#define RSP_AKA_INDICES 32 /* SQN = SEQ (43 bits) ‖ IND (5 bits), 3GPP TS 33.102 C.3.2 */
#define RSP_AKA_SEQ_MAX G_GUINT64_CONSTANT (0x7FFFFFFFFFF)

typedef enum {
    RSP_AKA_MAPPED, /* algorithm and keys are those of the ADF named SOURCE */
    RSP_AKA_MILENAGE,
    RSP_AKA_TUAK,
    RSP_AKA_TEST, /* XOR, 3GPP TS 34.108 8.1.2 */
} RspAkaAlgorithm;

typedef struct {
    RspAkaAlgorithm algorithm;
    RspSlice source;      /* MAPPED: an AID */
    RspSlice key;         /* 16 octets; TUAK: 16 or 32 */
    RspSlice opc;         /* Milenage: OPc, 16 octets; TUAK: TOPc, 32 */
    guint res_size;       /* octets of RES: 4, 8 or 16 */
    guint8 rotation[5];   /* Milenage r1 to r5, bits */
    guint8 xoring[5][16]; /* Milenage c1 to c5 */
    guint keccak;         /* TUAK: permutations */
    gint32 counter_max;   /* runs of AUTHENTICATE allowed; -1: no limit */
    gboolean delta_checked, age_checked;
    guint64 delta, age_limit;     /* SEQ values */
    guint64 seq[RSP_AKA_INDICES]; /* highest SEQ accepted, by IND, when the profile is new */
} RspAkaParameter;

/* BODY: the content of the akaParameter element. Anything but RSP_SAIP_OK says why it is refused.
 */
RspSaipStatus rsp_saip_read_aka (RspSlice body, RspAkaParameter *ret);

/* The digits of an EF.IMSI (3GPP TS 31.102 4.2.2). FALSE if it holds no IMSI. */
gboolean rsp_imsi_digits (RspSlice ef, char out[16]);

/* One USIM of a package. */
typedef struct {
    char imsi[16];
    RspAkaParameter aka; /* borrows the package; never MAPPED */
} RspSaipSubscription;
/* The USIMs that have an IMSI and parameters to authenticate with. (transfer full) */
GArray *rsp_saip_subscriptions (GBytes *upp);
