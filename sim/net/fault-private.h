/* Inside of the faults: what has been declared and what has been seen. */
#pragma once

#include "sim/net/fault.h"

/* What `resign` needs of the messages that have gone by, for each calling actor. TLVs are whole. */
typedef struct {
    GBytes *euicc_signature1, *smdp_signature2, *euicc_otpk, *association_token;
    char *server, *card;
} RspSeen;

struct _RspFaults {
    RspRng *rng;
    GPtrArray *all;                       /* of RspFault */
    GPtrArray *by_function[RSP_FN_COUNT]; /* those that can match, in the order declared */
    gboolean concerns[RSP_FN_COUNT], replays[RSP_FN_COUNT];
    GBytes *earlier[RSP_FN_COUNT][2];
    gboolean resigns;
    GHashTable *keys;     /* "purpose actor" → RspKey */
    GHashTable *seen;     /* calling actor → RspSeen */
    GPtrArray *at_points; /* of RspFault */
    GHashTable *visits;   /* "point actor" → how often, as GUINT */
    RspFaultWatch watch;  /* (nullable) */
    gpointer watch_data;
};

/* Ranges of TLVs around an element, outermost first, with the child's index at each level. */
typedef struct {
    gsize start, value, end;
    guint32 tag;
    guint index;
} RspEnclosing;

/* Signs again what covers the element at PATH (of RspEnclosing) in DER, in place. NULL, or why not.
 */
const char *rsp_fault_resign_der (RspFaults *faults, const RspFaultMessage *message,
                                  const char *type, const GArray *path, GByteArray *der);
/* The JSON member with the signature of MEMBER, where that is signed on its own; else NULL. */
const char *rsp_fault_signature_member (const char *member);
/* That signature over DER, as TLV. (transfer full); NULL, and *RET_RESULT says why. */
GBytes *rsp_fault_sign_member (RspFaults *faults, const RspFaultMessage *message,
                               const char *member, GBytes *der, const char **ret_result);
/* Octets of a base64 member of a JSON body. (transfer full) (nullable) */
GBytes *rsp_fault_json_octets (GBytes *body, const char *member);
