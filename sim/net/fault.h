/* Faults: what to match and what to do. Parsed by sim/run, applied by the bus. */
#pragma once

#include "asn1/functions.h"
#include "pki/key.h"
#include "sim/core/rng.h"

typedef enum {
    RSP_FAULT_DROP,
    RSP_FAULT_DELAY,
    RSP_FAULT_DUPLICATE,
    RSP_FAULT_REORDER, /* held until the next message on the same link has gone by */
    RSP_FAULT_REPLAY,  /* request: the one before of the same function is delivered again behind
                          this one; response: the one before overtakes this one */
    RSP_FAULT_CORRUPT, /* a byte, or a field */
    RSP_FAULT_REPLACE, /* the whole body */
    RSP_FAULT_CUT_LINK,
    RSP_FAULT_HTTP_STATUS, /* response (whatever LEG says): this status, empty body */
    RSP_FAULT_STATUS_WORD, /* response (whatever LEG says): this SW, empty body */
    RSP_FAULT_POWER_LOSS,  /* a card loses its power, and what is under way with it is lost */
    RSP_FAULT_WRITE_ERROR, /* at a point: the memory cannot be written */
    RSP_FAULT_CRASH,       /* a server dies, and starts again from what it has committed */
} RspFaultAction;
const char *rsp_fault_action_name (RspFaultAction a); /* "http-status" */
gboolean rsp_fault_action_parse (const char *name, RspFaultAction *ret);

/* Where a fault strikes: at a message, or at a place inside an actor. */
typedef enum {
    RSP_POINT_MESSAGE,
    RSP_POINT_BEFORE_COMMIT, /* all is written but the mark that makes it count */
    RSP_POINT_AFTER_COMMIT,  /* it counts, and nobody has been told */
} RspFaultPoint;
const char *rsp_fault_point_name (RspFaultPoint point); /* "before-commit"; NULL for MESSAGE */
gboolean rsp_fault_point_parse (const char *name, RspFaultPoint *ret);

typedef struct {
    char *name;
    /* match: NULL or 0 matches anything */
    RspFaultPoint point;
    const RspFunction *function;
    gboolean any_leg;
    RspLeg leg;
    char *from, *to; /* names; NAME* stands for all that begin so */
    char *at;  /* with a point: the actor, or NAME*; power-loss, crash: the card or server, default
                  the message's */
    guint nth; /* the nth call that matches, from 1; the nth time at the point */
    guint every;        /* each nth */
    GBytes *apdu;       /* first octets of the command APDU */
    GArray *calls;      /* of guint64: ordinals of the calls that NTH and EVERY have counted */
    double probability; /* 0: always */
    /* action */
    RspFaultAction action;
    gint64 delay;    /* µs */
    gint64 down;     /* crash: µs until it starts again */
    gint64 offset;   /* corrupt: byte index (negative: from the end) */
    guint8 mask;     /* corrupt: XOR mask, 0 means 01 */
    char *field;     /* corrupt, replace, duplicate: "FIELD" below */
    GBytes *value;   /* new content of the field, or new body; NULL: flip the last octet */
    char *text;      /* the same as text (JSON text members); NULL */
    gboolean remove; /* corrupt: leave the field out */
    gboolean resign; /* sign again with the key of the actor that made the signature */
    guint status;    /* HTTP status or status word */
    guint count;     /* duplicate: further copies, default 1; also how often it may fire: 0 any */
    guint fired;
    const char *unfit; /* static: why it could not be applied to the last message that it matched */
} RspFault;

/* FIELD. JSON binding: a member ("serverCertificate", "header.functionExecutionStatus.status"),
 * in a DER member followed by a path of its ASN.1 type
 * ("authenticateServerResponse.euiccSigned1.serverChallenge": the name of a CHOICE's alternative
 * may be left out). ASN.1 binding, ES10 and ES8+: the path alone, in the message's type. In a Bound
 * Profile Package, segments are "boundProfilePackage.sequenceOf86[2]" (counted from 0, or from the
 * end: [-1]; no index: the first) and likewise firstSequenceOf87, sequenceOf88, secondSequenceOf87.
 * VALUE is the content of the field (a whole DER member: all of it). `duplicate` with a field
 * repeats that element in place of the message. A field that is not there leaves the message alone:
 * the fault event says fieldNotFound and the fault has not fired.
 *
 * NTH and EVERY count the calls of the named function between the named peers (whoever is not named
 * is anyone); with APDU those whose command begins so. */
void rsp_fault_free (RspFault *fault);

typedef struct _RspFaults RspFaults;
RspFaults *rsp_faults_new (RspRng *rng); /* takes RNG */
void rsp_faults_free (RspFaults *faults);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RspFaults, rsp_faults_free)
void rsp_faults_add (RspFaults *faults, RspFault *fault); /* takes */
/* Keys that `resign` uses: PURPOSE is "dp-auth", "dp-pb" or "euicc". Borrowed. */
void rsp_faults_add_key (RspFaults *faults, const char *actor, const char *purpose, RspKey *key);
/* Where a fault could strike: a leg of a call, or (MESSAGE NULL) an ACTOR at a POINT for the
 * VISITth time. */
typedef struct {
    const struct _RspFaultMessage *message;
    gsize size; /* of its body */
    const char *actor;
    RspFaultPoint point;
    guint visit;
} RspFaultChance;
typedef void (*RspFaultWatch) (const RspFaultChance *chance, gpointer data);
/* WATCH sees every chance from now on, before faults take theirs. */
void rsp_faults_watch (RspFaults *faults, RspFaultWatch watch, gpointer data);

/* The bus's side ---------------------------------------------------------------------------- */

typedef struct _RspFaultMessage {
    const RspFunction *function;
    RspEncoding encoding;
    RspLeg leg;
    const char *src, *dst; /* of this leg; DST as written where it is unknown */
    const char *client;    /* who called */
    guint64 nth, ordinal;  /* number of the call among those of FUNCTION, and of all */
    RspSlice request;      /* of the call, whatever the leg */
} RspFaultMessage;

/* ACTION can be done to LEG of a call of FN. */
gboolean rsp_fault_applies (RspFaultAction action, const RspFunction *fn, RspLeg leg);
/* Tells who watches. */
void rsp_faults_pass (const RspFaults *faults, const RspFaultMessage *message, GBytes *body);
/* FALSE: nothing can match FN, and nothing need be kept of it. */
gboolean rsp_faults_concern (const RspFaults *faults, const RspFunction *fn);
/* The next declared fault that matches, from *POSITION (0 at first) on; NULL at the end. */
RspFault *rsp_faults_match (RspFaults *faults, const RspFaultMessage *message, guint *position);
/* The fault that strikes ACTOR at POINT, counted as fired; NULL: none. */
RspFault *rsp_faults_at_point (RspFaults *faults, const char *actor, RspFaultPoint point);
/* BODY with the fault's change made, or NULL and *RET_RESULT ("fieldNotFound", "noKey", …) when it
 * cannot be made. (transfer full) */
GBytes *rsp_faults_edit (RspFaults *faults, const RspFault *fault, const RspFaultMessage *message,
                         GBytes *body, const char **ret_result);
/* Keeps what REPLAY needs of a message as sent; returns the one before. (transfer full) (nullable)
 */
GBytes *rsp_faults_remember (RspFaults *faults, const RspFaultMessage *message, GBytes *body);
/* Keeps what `resign` needs of a message as delivered. */
void rsp_faults_observe (RspFaults *faults, const RspFaultMessage *message, GBytes *body);

/* Declared faults that never fired: of RspFault (borrowed). (transfer container) */
GPtrArray *rsp_faults_unfired (RspFaults *faults);
