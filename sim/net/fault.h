/* Faults: what to match and what to do. Parsed by sim/run, applied by the bus. */
#pragma once

#include "asn1/functions.h"
#include "pki/key.h"
#include "sim/core/rng.h"

typedef enum {
    RSP_FAULT_DROP,
    RSP_FAULT_DELAY,
    RSP_FAULT_DUPLICATE,
    RSP_FAULT_REORDER,     /* held until the next message on the same link has gone by */
    RSP_FAULT_REPLAY,      /* an earlier message of the same function and leg goes in its place */
    RSP_FAULT_CORRUPT,     /* a byte, or a field */
    RSP_FAULT_REPLACE,     /* the whole body */
    RSP_FAULT_CUT_LINK,
    RSP_FAULT_HTTP_STATUS, /* response: this status, empty body */
    RSP_FAULT_STATUS_WORD, /* response: this SW, empty body */
} RspFaultAction;
const char *rsp_fault_action_name (RspFaultAction a); /* "http-status" */
gboolean rsp_fault_action_parse (const char *name, RspFaultAction *ret);

typedef struct {
    char *name;
    /* match: NULL or 0 matches anything */
    const RspFunction *function;
    gboolean any_leg;
    RspLeg leg;
    char *from, *to;
    guint nth;          /* the nth call of the named function, from 1 */
    guint every;        /* each nth */
    double probability; /* 0: always */
    /* action */
    RspFaultAction action;
    gint64 delay;       /* µs */
    gint64 offset;      /* corrupt: byte index (negative: from the end) */
    guint8 mask;        /* corrupt: XOR mask, 0 means 01 */
    char *field;        /* corrupt, replace: "authenticateServerResponse.euiccSigned1.serverChallenge" */
    GBytes *value;      /* new content of the field, or new body; NULL: flip the last octet */
    char *text;         /* the same as text (JSON text members); NULL */
    gboolean remove;    /* corrupt: leave the field out */
    gboolean resign;    /* sign again with the key of the actor that made the signature */
    guint status;       /* HTTP status or status word */
    guint count;        /* duplicate: further copies, default 1; also how often it may fire: 0 any */
    guint fired;
} RspFault;
void rsp_fault_free (RspFault *fault);

typedef struct _RspFaults RspFaults;
RspFaults *rsp_faults_new (RspRng *rng); /* takes RNG */
void rsp_faults_free (RspFaults *faults);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspFaults, rsp_faults_free)
void rsp_faults_add (RspFaults *faults, RspFault *fault); /* takes */
/* Keys that `resign` uses: PURPOSE is "dp-auth", "dp-pb" or "euicc". Borrowed. */
void rsp_faults_add_key (RspFaults *faults, const char *actor, const char *purpose, RspKey *key);
/* Declared faults that never fired: of RspFault (borrowed). (transfer container) */
GPtrArray *rsp_faults_unfired (RspFaults *faults);
